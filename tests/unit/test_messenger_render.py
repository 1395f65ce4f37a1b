"""Limits of Messenger: content that breaks one is refused before it leaves, and the refusal names the limit only."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.messenger import MessengerConnector
from connectors.messenger.structured import button_object, button_template, media_attachment, quick_replies
from connectors.meta.graph import Graph
from gateway.connector import FilePart, Sender
from gateway.errors import BadInput, CannotRender
from gateway.model.ids import MessageId, SenderId
from gateway.model.message import (
    Button,
    ButtonKind,
    Card,
    Cards,
    Choice,
    ChoiceList,
    Content,
    Document,
    Link,
    ListRow,
    Location,
    MarkRead,
    Media,
    OutboundMessage,
    Reaction,
    Receipt,
    ReceiptLine,
    Template,
    Text,
)
from gateway.model.personal import Personal as P
from gateway.model.personal import Secret

PAGE = "141421356237309"
CONNECTOR = MessengerConnector(Graph("http://127.0.0.1:8090"))
SENDER = Sender(SenderId("pg"), "messenger", "zz", {"page_id": PAGE}, PAGE, Secret("t"))
PDF = Document("r1", "application/pdf", "pass.pdf")
PNG = Document("r2", "image/png", "pass.png")
MARK = "Secretmark"


def body(content: Content, **more: Any) -> dict[str, Any]:
    recipient = more.pop("recipient", (("psid", P("7894561230123456")),))
    sender = more.pop("sender", SENDER)
    message = OutboundMessage(MessageId("m07abc"), 1, SENDER.id, recipient, content, **more)
    request = CONNECTOR.render(message, sender)
    assert request.body is not None
    return dict(request.body)


def said(content: Content, **more: Any) -> dict[str, Any]:
    found = dict(body(content, **more)["message"])
    assert found.pop("metadata") == "m07abc.1.pg"
    return found


def reply(payload: str, label: str) -> Button:
    return Button(ButtonKind.REPLY, label, payload=payload)


def link(label: str, url: str, suffix: str | None = None) -> Button:
    return Button(ButtonKind.URL, label, url=url, url_suffix=suffix)


def choice(*buttons: Button, text: str = "which?", **more: Any) -> Choice:
    return Choice(P(text), buttons, **more)


def rows(count: int, **more: Any) -> tuple[ListRow, ...]:
    return tuple(ListRow(**{"payload": f"p{n}", "title": f"t{n}", **more}) for n in range(count))


def template(**more: Any) -> Template:
    return Template(**{"name": "train_delay", "language": "nl", **more})


def cards(*found: Card) -> Cards:
    return Cards(found)


def card(**more: Any) -> Card:
    return Card(**{"title": P("RE 4711"), "subtitle": P("07:15"), **more})


def receipt(**more: Any) -> Receipt:
    known = {"recipient_name": P("Ann"), "order_number": P("5512"), "currency": "EUR", "payment_method": P("card")}
    return Receipt(**{**known, "total": Decimal("1"), **more})


OK, GO = reply("ok", "OK"), reply("go", "Go")
HTTPS = P("https://a.example/x")

ALLOWED: list[tuple[str, Content]] = [
    ("the longest text", Text(P("x" * 2000))),
    ("three buttons", choice(OK, GO, reply("no", "x" * 20))),
    ("the longest words above buttons", choice(OK, text="x" * 640)),
    ("words too long for buttons", choice(OK, text="x" * 2000)),
    ("the longest payload", choice(reply("p" * 1000, "OK"))),
    ("thirteen rows", ChoiceList(P("x"), "Show", (("", rows(6)), ("", rows(13)[6:])))),
    ("the longest words above a link", Link(P("x" * 640), "x" * 20, HTTPS)),
    ("words too long for a link", Link(P("x" * 1900), "Open", HTTPS)),
    ("the ends of the world", Location(-90, 180)),
    ("a family with skin tones", Reaction(P("m_A"), "👩🏽‍❤️‍💋‍👨🏿")),
    ("the longest template header", template(header_parameters={"place": P("x" * 60)})),
    ("the longest template body", template(body_parameters={"a": P("x" * 1024)})),
    ("the longest template payload", template(buttons=(reply("p" * 1000, "OK"),))),
    ("ten cards", cards(*[card()] * 10)),
    ("the longest card", cards(card(title=P("x" * 80), subtitle=P("x" * 80), image_url=HTTPS, url=HTTPS, buttons=(OK, GO)))),
    ("a receipt with a hundred lines", receipt(lines=(ReceiptLine(P("x"), Decimal(0)),) * 100)),
]

REFUSED: list[tuple[str, Content, str]] = [
    ("a text too long", Text(P("x" * 2001)), "2000"),
    ("an empty text", Text(P("")), "empty"),
    ("a blank text", Text(P(" \n\t")), "empty"),
    ("half a character", Text(P(f"{MARK}\ud83d")), "half"),
    ("a caption", Media(PDF, P(MARK), P("1")), "caption"),
    ("a document not uploaded", Media(PDF), "uploaded"),
    ("a document of another type", Media(Document("r", "image/gif", "a.gif"), media_id=P("1")), "JPEG or PNG"),
    ("no buttons", choice(), "1 to 3"),
    ("four buttons", choice(OK, GO, reply("a", "A"), reply("b", "B")), "1 to 3"),
    ("four buttons under long words", choice(OK, GO, reply("a", "A"), reply("b", "B"), text="x" * 700), "1 to 3"),
    ("a label too long", choice(reply("a", "x" * 21)), "20"),
    ("a label twice", choice(reply("a", "A"), reply("b", "A")), "labels"),
    ("a payload twice", choice(reply("a", "A"), reply("a", "B")), "payloads"),
    ("a payload too long", choice(reply("p" * 1001, "A")), "1000"),
    ("a payload missing", choice(reply("", "A")), "empty"),
    ("a link among reply buttons", choice(link("A", "https://a.example")), "reply"),
    ("a choice without words", choice(OK, text=" "), "empty"),
    ("a choice too long", choice(OK, text="x" * 2001), "2000"),
    ("a choice too long with its footer", choice(OK, text="x" * 1999, footer=P("xx")), "2000"),
    ("a choice with a document", choice(OK, header_document=PNG, media_id=P("1")), "document"),
    ("fourteen rows", ChoiceList(P("x"), "Show", (("a", rows(14)),)), "13"),
    ("no section", ChoiceList(P("x"), "Show", ()), "section"),
    ("a section without rows", ChoiceList(P("x"), "Show", (("a", ()),)), "row"),
    ("a row title too long", ChoiceList(P("x"), "Show", (("", rows(1, title="x" * 21)),)), "20"),
    ("a row payload twice", ChoiceList(P("x"), "Show", (("a", (ListRow("p", "a"), ListRow("p", "b"))),)), "payloads"),
    ("a list too long with its rows", ChoiceList(P("x" * 1990), "Show", (("", rows(3, description="long")),)), "2000"),
    ("a link's label too long", Link(P("x"), "x" * 21, HTTPS), "20"),
    ("a link without scheme", Link(P("x"), "Open", P("a.example")), "http"),
    ("a link with a space", Link(P("x"), "Open", P("https://a.example/ x")), "spaces"),
    ("a link too long for a text", Link(P("x" * 1990), "Open", HTTPS), "2000"),
    ("a latitude off the globe", Location(91, 0), "latitude"),
    ("a longitude that is no number", Location(0, float("nan")), "longitude"),
    ("a reaction to nothing", Reaction(P(""), "👍"), "missing"),
    ("a reaction of many emoji", Reaction(P("m_A"), "👍" * 33), "one emoji"),
    ("a receipt for nothing", MarkRead(P("")), "missing"),
    ("a template's name in capitals", template(name="Delay"), "a-z"),
    ("a template's language in words", template(language="dutch!"), "nl or en_GB"),
    ("two header parameters", template(header_parameters={"a": P("x"), "b": P("y")}), "one"),
    ("a template header too long", template(header_parameters={"a": P("x" * 61)}), "60"),
    ("a template with a document", template(header_document=PDF, media_id=P("1")), "document"),
    ("a parameter's name with a dash", template(body_parameters={"a-b": P("x")}), "a-z"),
    ("template values too long together", template(body_parameters={"a": P("x" * 600), "b": P("x" * 600)}), "1024"),
    ("four template buttons", template(buttons=(OK, GO, reply("a", "A"), reply("b", "B"))), "3 buttons"),
    ("a suffix with a space", template(buttons=(link("A", "https://a.example/", "a b"),)), "spaces"),
    ("no card", cards(), "1 to 10"),
    ("eleven cards", cards(*[card()] * 11), "1 to 10"),
    ("a card with a title only", cards(Card(P(MARK))), "more than a title"),
    ("a card's title too long", cards(card(title=P("x" * 81))), "80"),
    ("a card's second line too long", cards(card(subtitle=P("x" * 81))), "80"),
    ("a card's picture in the clear", cards(card(image_url=P("http://a.example/x"))), "https"),
    ("a card with four buttons", cards(card(buttons=(OK, GO, reply("a", "A"), reply("b", "B")))), "3 buttons"),
    ("a receipt with a currency's sign", receipt(currency="€"), "ISO 4217"),
    ("a receipt with too many lines", receipt(lines=(ReceiptLine(P("x"), Decimal(1)),) * 101), "100"),
    ("a receipt of no number", receipt(total=Decimal("NaN")), "number"),
    ("a receipt without an order", receipt(order_number=P("")), "empty"),
]


@pytest.mark.parametrize(("name", "content"), ALLOWED)
def test_what_the_limits_allow_is_rendered(name: str, content: Content) -> None:
    assert body(content)["recipient"] == {"id": "7894561230123456"}


@pytest.mark.parametrize(("name", "content", "words"), REFUSED)
def test_what_breaks_a_limit_is_refused_by_name(name: str, content: Content, words: str) -> None:
    with pytest.raises(CannotRender, match=words) as caught:
        body(content)
    assert MARK not in str(caught.value)


def test_nothing_but_a_persons_own_words_carries_a_tag() -> None:
    for content in (row[1] for row in ALLOWED):
        for answering in (False, True):
            assert "tag" not in body(content, answering=answering)
    by_person = body(Text(P("x")), by_person=True)
    assert (by_person["messaging_type"], by_person["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")
    assert body(Media(PDF, media_id=P("1")), by_person=True, answering=True)["tag"] == "HUMAN_AGENT"
    # A template needs no person, and a sender action is no message.
    assert body(template(), by_person=True)["messaging_type"] == "UTILITY"
    assert set(body(MarkRead(P("m_A")), by_person=True)) == {"recipient", "sender_action"}


def test_the_page_is_named_and_never_me() -> None:
    message = OutboundMessage(MessageId("m07abc"), 1, SENDER.id, (("psid", P("7894561230123456")),), Text(P("x")))
    assert CONNECTOR.render(message, SENDER).path == f"/v25.0/{PAGE}/messages"
    nameless = Sender(SenderId("pg"), "messenger", "zz", {}, "", Secret("t"))
    with pytest.raises(CannotRender, match="page_id"):
        CONNECTOR.render(message, nameless)


def test_an_address_without_a_page_scoped_id_is_refused() -> None:
    with pytest.raises(CannotRender, match="page-scoped"):
        body(Text(P("x")), recipient=(("phone", P("+447700900123")),))


def test_header_and_footer_are_paragraphs_of_the_words() -> None:
    found = said(choice(OK, text="Which?", header=P("Your seat"), footer=P("Lindental Rail")))
    assert found["attachment"]["payload"]["text"] == "Your seat\n\nWhich?\n\nLindental Rail"


def test_words_too_long_for_buttons_keep_their_answers_as_quick_replies() -> None:
    found = said(choice(OK, GO, text="x" * 641))
    assert found["text"] == "x" * 641
    assert [(one["title"], one["payload"]) for one in found["quick_replies"]] == [("OK", "ok"), ("Go", "go")]
    assert all(one["content_type"] == "text" for one in found["quick_replies"])


def test_words_too_long_for_a_link_end_with_its_address() -> None:
    assert said(Link(P("x" * 700), "Open", HTTPS)) == {"text": "x" * 700 + "\n\nhttps://a.example/x"}


def test_a_list_says_in_words_what_its_rows_say_of_themselves() -> None:
    found = said(
        ChoiceList(
            P("Where?"),
            "Show",
            (("Centre", (ListRow("b1", "High Street", "Until 18:00"), ListRow("b2", "Station"))), ("South", rows(1))),
            header=P("Desks"),
            footer=P("Closed on Sunday"),
        )
    )
    assert found["text"] == (
        "Desks\n\nWhere?\n\nCentre\n• High Street: Until 18:00\n• Station\n\nSouth\n• t0\n\nClosed on Sunday"
    )
    assert [one["payload"] for one in found["quick_replies"]] == ["b1", "b2", "p0"]
    plain = said(ChoiceList(P("Where?"), "Show", (("", rows(2)),)))
    assert plain["text"] == "Where?"


def test_a_place_is_its_name_and_a_link_to_a_map() -> None:
    found = said(Location(51.50722, -0.1275, "Sample Desk", "1 Sample Street"))
    lines = found["text"].split("\n")
    assert lines[:2] == ["Sample Desk", "1 Sample Street"]
    assert lines[2] == "https://www.openstreetmap.org/?mlat=51.507220&mlon=-0.127500#map=17/51.507220/-0.127500"


def test_values_of_a_template_are_cleaned_but_its_payloads_are_not() -> None:
    found = said(
        template(body_parameters={"platform": P("#4 🚆")}, buttons=(reply("a#1", "A"), link("B", "https://a.example/", "x%20y")))
    )
    parts = {part["type"]: part["parameters"] for part in found["template"]["components"]}
    assert parts["body"] == [{"type": "text", "parameter_name": "platform", "text": "4"}]
    assert parts["buttons"] == [{"type": "POSTBACK", "payload": "a#1"}, {"type": "URL", "url": "x%20y"}]


def test_every_approved_button_keeps_its_place() -> None:
    fixed = link("Site", "https://a.example/")
    found = said(template(buttons=(fixed, Button(ButtonKind.REPLY, "Call me"))))
    (buttons,) = found["template"]["components"]
    assert buttons["parameters"] == [{"type": "URL", "url": ""}, {"type": "POSTBACK", "payload": "Call me"}]
    assert "components" not in said(template(buttons=(fixed,)))["template"]


def test_amounts_are_written_as_they_are_read() -> None:
    found = said(receipt(total=Decimal("32.10"), tax=Decimal("0.00"), lines=(ReceiptLine(P("a"), Decimal("4.50")),)))
    payload = found["attachment"]["payload"]
    assert (payload["summary"], payload["elements"][0]["price"]) == ({"total_cost": 32.1, "total_tax": 0}, 4.5)


def test_parts_for_other_messages_check_the_same_limits() -> None:
    with pytest.raises(CannotRender, match="1 to 3"):
        button_template("x", [button_object(OK)] * 4)
    with pytest.raises(CannotRender, match="640"):
        button_template("x" * 641, [button_object(OK)])
    with pytest.raises(CannotRender, match="1 to 13"):
        quick_replies("x", [])


def test_an_attachment_is_named_by_its_upload_or_by_an_address_and_not_by_both() -> None:
    by_id = media_attachment("file", attachment_id="1")
    assert by_id == {"attachment": {"type": "file", "payload": {"attachment_id": "1"}}}
    by_url = media_attachment("image", url="https://a.example/x.png", reusable=True)
    assert by_url["attachment"]["payload"] == {"url": "https://a.example/x.png", "is_reusable": True}
    refused: list[dict[str, str]] = [{}, {"attachment_id": "1", "url": "https://a.example"}, {"url": "http://a.example"}]
    for wrong in refused:
        with pytest.raises(CannotRender):
            media_attachment("image", **wrong)  # type: ignore[arg-type]
    with pytest.raises(CannotRender, match="image, audio, video, file"):
        media_attachment("hologram", attachment_id="1")


@pytest.mark.parametrize(
    ("mime", "size", "words"),
    [
        ("image/gif", 10, "JPEG or PNG"),
        ("application/pdf", 0, "1 to 25000000"),
        ("application/pdf", 25_000_001, "1 to 25000000"),
    ],
)
def test_a_file_that_would_be_refused_is_not_uploaded(mime: str, size: int, words: str) -> None:
    with pytest.raises(CannotRender, match=words):
        CONNECTOR.render_upload(SENDER, FilePart("file", "a", mime, bytes(size)))


def test_a_speakers_name_has_one_to_fifty_characters() -> None:
    request = CONNECTOR.render_speaker(SENDER, "x" * 50)
    assert request is not None
    assert request.body == {"name": "x" * 50}
    pictured = CONNECTOR.render_speaker(SENDER, "Mara", "https://a.example/nobody.png")
    assert pictured is not None
    assert pictured.body == {"name": "Mara", "profile_picture_url": "https://a.example/nobody.png"}
    account = {"page_id": PAGE, "speaker_picture": "https://a.example/own.png"}
    own = CONNECTOR.render_speaker(replace(SENDER, account=account), "Mara", "https://a.example/nobody.png")
    assert own is not None
    assert own.body == {"name": "Mara", "profile_picture_url": "https://a.example/own.png"}
    for name in ("x" * 51, " "):
        with pytest.raises(CannotRender, match="name"):
            CONNECTOR.render_speaker(SENDER, name)


def test_a_link_in_carries_its_token_as_ref() -> None:
    assert CONNECTOR.link_in(SENDER, "bkt_Xt5-pQ8_2Lw=", "") == f"https://m.me/{PAGE}?ref=bkt_Xt5-pQ8_2Lw="
    named = Sender(SENDER.id, "messenger", "zz", {"page_id": PAGE, "username": "laaglandrail"}, PAGE, Secret("t"))
    assert CONNECTOR.link_in(named, "a", "") == "https://m.me/laaglandrail?ref=a"
    assert CONNECTOR.link_in(Sender(SENDER.id, "messenger", "zz", {}, "", Secret("t")), "a", "") is None
    for token in ("", "a b", "a/b", "ä", "x" * 251, "a&b=c"):
        with pytest.raises(CannotRender, match="token"):
            CONNECTOR.link_in(SENDER, token, "")


@pytest.mark.parametrize("to", ["7894561230123456", " 7894561230123456 ", "1" * 10, "1" * 20])
def test_a_page_scoped_id_is_an_address(to: str) -> None:
    found = CONNECTOR.identify(to, PAGE)
    assert (found.kind, found.scope, found.value) == ("psid", PAGE, P(to.strip()))


@pytest.mark.parametrize("to", ["", "+447700900123", "123456789", "1" * 21, "GB.7392", "7894561230123456x", "७८९४५६१२३०१२३४५६"])
def test_what_is_no_page_scoped_id_is_refused_without_showing_it(to: str) -> None:
    with pytest.raises(BadInput, match="digits") as caught:
        CONNECTOR.identify(to, PAGE)
    assert not to or to not in str(caught.value)


def test_a_page_scoped_id_without_its_page_is_refused() -> None:
    with pytest.raises(BadInput, match="Page"):
        CONNECTOR.identify("7894561230123456", "")


@given(st.text(max_size=2100), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_whatever_is_said_it_is_rendered_within_the_limits_or_refused(text: str, buttons: int) -> None:
    content: Content = Text(P(text)) if not buttons else choice(*(reply(f"p{n}", f"l{n}") for n in range(buttons)), text=text)
    try:
        found = said(content)
    except CannotRender:
        return
    words = found.get("text") or found["attachment"]["payload"]["text"]
    assert 0 < len(words) <= (2000 if "text" in found else 640)
    assert text in words
