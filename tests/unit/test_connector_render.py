"""Limits of WhatsApp: content that breaks one is refused before it leaves, and the refusal names the limit only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.meta.graph import Graph
from connectors.whatsapp import WhatsAppConnector
from connectors.whatsapp.template_message import clean_value
from gateway.connector import FilePart, RawResponse, Sender
from gateway.errors import CannotRender
from gateway.model.ids import MessageId, SenderId
from gateway.model.message import (
    Button,
    ButtonKind,
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
    Template,
    Text,
)
from gateway.model.personal import Personal as P
from gateway.model.personal import Secret

CONNECTOR = WhatsAppConnector(Graph("http://127.0.0.1:8090"))
SENDER = Sender(SenderId("zz"), "whatsapp", "zz", {"phone_number_id": "314159265358979"}, "p1", Secret("t"))
PDF = Document("r1", "application/pdf", "pass.pdf")
PNG = Document("r2", "image/png", "pass.png")
MARK = "Secretmark"


def body(content: Content, **more: Any) -> dict[str, Any]:
    recipient = more.pop("recipient", (("phone", P("+447700900123")),))
    sender = more.pop("sender", SenderId("zz"))
    message = OutboundMessage(MessageId("m07abc"), 1, sender, recipient, content, **more)
    request = CONNECTOR.render(message, SENDER)
    assert request.body is not None
    return dict(request.body)


def reply(payload: str, label: str) -> Button:
    return Button(ButtonKind.REPLY, label, payload=payload)


def choice(*buttons: Button, text: str = "which?", **more: Any) -> Choice:
    return Choice(P(text), buttons, **more)


def rows(count: int, **more: Any) -> tuple[ListRow, ...]:
    return tuple(ListRow(**{"payload": f"p{n}", "title": f"t{n}", **more}) for n in range(count))


def template(**more: Any) -> Template:
    return Template(**{"name": "flight_delay", "language": "nl", **more})


OK, GO = reply("ok", "OK"), reply("go", "Go")

ALLOWED: list[tuple[str, Content]] = [
    ("the longest text", Text(P("x" * 4096))),
    ("the longest caption", Media(PDF, P("x" * 1024), P("1"))),
    ("three buttons", choice(OK, GO, reply("no", "x" * 20))),
    ("the longest payload", choice(reply("p" * 256, "OK"))),
    ("ten rows in two sections", ChoiceList(P("x" * 4096), "Show", (("a", rows(5)), ("b", rows(10)[5:])))),
    ("one section without a title", ChoiceList(P("x"), "Show", (("", rows(1)),))),
    ("the longest link label", Link(P("x" * 1024), "x" * 20, P("https://a.example/"))),
    ("the ends of the world", Location(-90, 180)),
    ("a family with skin tones", Reaction(P("wamid.A"), "👩🏽‍❤️‍💋‍👨🏿")),
    ("the longest template header", template(header_parameters={"place": P("x" * 60)})),
    ("the longest template body", template(body_parameters={"a": P("x" * 1024)}, buttons=(OK,))),
    ("a long template body alone", template(body_parameters={"a": P("x" * 20_000)})),
    ("the longest quick reply payload", template(buttons=(reply("p" * 128, "OK"),))),
]

REFUSED: list[tuple[str, Content, str]] = [
    ("a text too long", Text(P("x" * 4097)), "4096"),
    ("an empty text", Text(P("")), "empty"),
    ("a blank text", Text(P(" \n\t")), "empty"),
    ("half a character", Text(P(f"{MARK}\ud83d")), "half"),
    ("a caption too long", Media(PDF, P("x" * 1025), P("1")), "1024"),
    ("a document not uploaded", Media(PDF), "uploaded"),
    ("a document without a name", Media(Document("r", "application/pdf", ""), media_id=P("1")), "name"),
    ("a document of another type", Media(Document("r", "image/gif", "a.gif"), media_id=P("1")), "JPEG or PNG"),
    ("no buttons", choice(), "1 to 3"),
    ("four buttons", choice(OK, GO, reply("a", "A"), reply("b", "B")), "1 to 3"),
    ("a label too long", choice(reply("a", "x" * 21)), "20"),
    ("a label twice", choice(reply("a", "A"), reply("b", "A")), "labels"),
    ("a payload twice", choice(reply("a", "A"), reply("a", "B")), "payloads"),
    ("a payload too long", choice(reply("p" * 257, "A")), "256"),
    ("a payload with an outer space", choice(reply(" a", "A")), "space"),
    ("a payload missing", choice(reply("", "A")), "empty"),
    ("a link among reply buttons", choice(Button(ButtonKind.URL, "A", payload="p", url="https://a.example")), "reply"),
    ("a choice too long", choice(OK, text="x" * 1025), "1024"),
    ("a header too long", choice(OK, header=P("x" * 61)), "60"),
    ("a footer too long", choice(OK, footer=P("x" * 61)), "60"),
    ("two headers", choice(OK, header=P("x"), header_document=PNG, media_id=P("1")), "one header"),
    ("a header not uploaded", choice(OK, header_document=PNG), "uploaded"),
    ("eleven rows", ChoiceList(P("x"), "Show", (("a", rows(6)), ("b", rows(11)[6:]))), "10 rows"),
    ("no section", ChoiceList(P("x"), "Show", ()), "1 to 10"),
    ("a section without rows", ChoiceList(P("x"), "Show", (("a", ()),)), "row"),
    ("a section without a title", ChoiceList(P("x"), "Show", (("a", rows(1)), ("", rows(2)[1:]))), "title"),
    ("a section title too long", ChoiceList(P("x"), "Show", (("x" * 25, rows(1)),)), "24"),
    ("a list button too long", ChoiceList(P("x"), "x" * 21, (("a", rows(1)),)), "20"),
    ("a row id too long", ChoiceList(P("x"), "Show", (("a", rows(1, payload="x" * 201)),)), "200"),
    ("a row title too long", ChoiceList(P("x"), "Show", (("a", rows(1, title="x" * 25)),)), "24"),
    ("a row description too long", ChoiceList(P("x"), "Show", (("a", rows(1, description="x" * 73)),)), "72"),
    ("a row payload twice", ChoiceList(P("x"), "Show", (("a", rows(2, payload="p")),)), "payloads"),
    ("a link label too long", Link(P("x"), "x" * 21, P("https://a.example")), "20"),
    ("a link that is none", Link(P("x"), "Go", P("javascript:alert(1)")), "http"),
    ("a link with a space", Link(P("x"), "Go", P("https://a.example/a b")), "spaces"),
    ("a latitude beyond the pole", Location(90.1, 0), "latitude"),
    ("a longitude that is no number", Location(0, float("nan")), "longitude"),
    ("a reaction to nothing", Reaction(P(""), "👍"), "reacted"),
    ("a reaction of a sentence", Reaction(P("wamid.A"), "👍" * 33), "one emoji"),
    ("a read receipt for nothing", MarkRead(P("")), "read"),
    ("a template name with capitals", template(name="Delay"), "a-z"),
    ("a template name too long", template(name="a" * 513), "512"),
    ("a template language", template(language="Dutch"), "nl or en_GB"),
    ("two header parameters", template(header_parameters={"a": P("1"), "b": P("2")}), "one parameter"),
    ("a header value too long", template(header_parameters={"a": P("x" * 61)}), "60"),
    ("a header twice", template(header_parameters={"a": P("1")}, header_document=PDF, media_id=P("1")), "header"),
    ("a header not uploaded yet", template(header_document=PDF), "uploaded"),
    ("a header of another type", template(header_document=Document("r", "text/plain", "a.txt")), "PDF"),
    ("a positional parameter", template(body_parameters={"1": P("x")}), "begins with a letter"),
    ("an empty value", template(body_parameters={"gate": P("\n ")}), "gate is empty"),
    ("values too long together", template(body_parameters={c: P("x" * 600) for c in "ab"}, buttons=(OK,)), "1024"),
    ("a quick reply payload too long", template(buttons=(reply("p" * 129, "OK"),)), "128"),
    ("eleven buttons", template(buttons=(OK,) * 11), "10 buttons"),
    ("an empty end of an address", template(buttons=(Button(ButtonKind.URL, "Go", url_suffix=""),)), "empty"),
    ("a space in an address", template(buttons=(Button(ButtonKind.URL, "Go", url_suffix="a b"),)), "spaces"),
]


@pytest.mark.parametrize(("name", "content"), ALLOWED)
def test_what_just_fits_is_rendered(name: str, content: Content) -> None:
    assert body(content)["messaging_product"] == "whatsapp"


@pytest.mark.parametrize(("name", "content", "names"), REFUSED)
def test_what_breaks_a_limit_is_refused_and_the_limit_is_named(name: str, content: Content, names: str) -> None:
    with pytest.raises(CannotRender, match=names) as caught:
        body(content)
    assert MARK not in str(caught.value)
    assert "xxxx" not in str(caught.value)


def test_a_phone_number_is_preferred_and_always_has_its_plus() -> None:
    user, number = ("user_id", P("GB.1")), ("phone", P("447700900123"))
    assert body(Text(P("x")), recipient=(user, number))["to"] == "+447700900123"
    assert "recipient" not in body(Text(P("x")), recipient=(user, number))
    assert body(Text(P("x")), recipient=(("parent_user_id", P("GB.ENT.2")), user))["recipient"] == "GB.1"
    assert body(Text(P("x")), recipient=(("parent_user_id", P("GB.ENT.2")),))["recipient"] == "GB.ENT.2"
    with pytest.raises(CannotRender, match="neither"):
        body(Text(P("x")), recipient=(("psid", P("1")),))


def test_callback_data_that_is_too_long_is_refused() -> None:
    with pytest.raises(CannotRender, match="512"):
        body(Text(P("x")), sender=SenderId("s" * 512))


def test_a_quoted_message_is_named_but_not_in_a_reaction() -> None:
    assert body(Text(P("x")), reply_to=P("wamid.A"))["context"] == {"message_id": "wamid.A"}
    assert "context" not in body(Reaction(P("wamid.B"), "👍"), reply_to=P("wamid.A"))


def test_only_buttons_that_vary_have_a_component_and_it_counts_all_buttons() -> None:
    buttons = (
        Button(ButtonKind.URL, "Site", url="https://a.example/"),
        Button(ButtonKind.URL, "Pass", url="https://a.example/d/{{token}}", url_suffix="abc"),
        reply("", "Plain"),
        reply("help", "Help"),
    )
    assert body(template(buttons=buttons))["template"]["components"] == [
        {
            "type": "button",
            "sub_type": "url",
            "index": "1",
            "parameters": [{"type": "text", "text": "abc", "parameter_name": "token"}],
        },
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": "3",
            "parameters": [{"type": "payload", "payload": "help"}],
        },
    ]


def test_a_documents_header_carries_its_file_name_and_an_image_none() -> None:
    made = body(template(header_document=PDF, media_id=P("7")))["template"]["components"][0]
    assert made["parameters"] == [{"type": "document", "document": {"id": "7", "filename": "pass.pdf"}}]
    made = body(template(header_document=PNG, media_id=P("8")))["template"]["components"][0]
    assert made["parameters"] == [{"type": "image", "image": {"id": "8"}}]


def test_a_templates_language_is_written_with_an_underscore() -> None:
    assert body(template(language="en-GB"))["template"]["language"] == {"code": "en_GB"}


def test_a_value_is_cleaned_but_keeps_its_no_break_spaces() -> None:
    assert clean_value("  Gate\tB12\r\n\nnow     please ") == "Gate B12 now please"
    assert clean_value("€\u00a01\u202f234,50") == "€\u00a01\u202f234,50"
    assert clean_value("a\x00b\x07c\u2028d") == "abc d"


@settings(deadline=None)
@given(st.text())
def test_no_value_breaks_what_a_template_takes(text: str) -> None:
    made = clean_value(text)
    assert not set(made) & set("\n\r\t\v\f\u2028\u2029\x85")
    assert "    " not in made
    assert clean_value(made) == made


def test_a_sender_without_its_number_is_refused() -> None:
    message = OutboundMessage(MessageId("m07abc"), 1, SenderId("zz"), (("phone", P("+447700900123")),), Text(P("x")))
    for account in ({}, {"phone_number_id": "../1"}, {"phone_number_id": "١"}):
        sender = Sender(SenderId("zz"), "whatsapp", "zz", account, "p1", Secret("t"))
        with pytest.raises(CannotRender, match="phone_number_id"):
            CONNECTOR.render(message, sender)


@pytest.mark.parametrize(
    ("mime", "size", "says"),
    [("image/gif", 10, "JPEG"), ("image/png", 0, "1 to"), ("image/png", 5_000_001, "5000000")],
)
def test_a_file_that_would_be_refused_is_not_uploaded(mime: str, size: int, says: str) -> None:
    with pytest.raises(CannotRender, match=says):
        CONNECTOR.render_upload(SENDER, FilePart("file", "a.png", mime, bytes(size)))


def lookup(url: object, status: int = 200) -> RawResponse:
    return RawResponse(status, {}, json.dumps({"url": url, "id": "1"}).encode())


@pytest.mark.parametrize(
    "url", ["https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", "http://127.0.0.1:8090/media/1"]
)
def test_a_download_may_show_the_token_to_the_channels_hosts(url: str) -> None:
    request = CONNECTOR.render_media_download(SENDER, lookup(url))
    assert (request.method, request.path, request.wants_bytes) == ("GET", url, True)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "https://lookaside.fbsbx.com.evil.example/x",
        "https://lookaside.fbsbx.com@evil.example/x",
        "https://lookaside.fbsbx.com:8443/x",
        "http://lookaside.fbsbx.com/x",
        "http://127.0.0.1:8091/x",
        "https://lookaside.fbsbx.com/x y",
        "https://lookaside.fbsbx.com/x\r\nX-Evil: 1",
        "/relative",
        "",
        None,
        7,
    ],
)
def test_a_download_never_shows_the_token_to_another_host(url: object) -> None:
    with pytest.raises(CannotRender):
        CONNECTOR.render_media_download(SENDER, lookup(url))


def test_a_failed_lookup_leads_to_no_download() -> None:
    good = "https://lookaside.fbsbx.com/x"
    with pytest.raises(CannotRender):
        CONNECTOR.render_media_download(SENDER, lookup(good, status=404))
    with pytest.raises(CannotRender):
        CONNECTOR.render_media_download(SENDER, RawResponse(200, {}, b"<html>"))
    with pytest.raises(CannotRender):
        CONNECTOR.render_media_lookup(SENDER, P("../me"))
