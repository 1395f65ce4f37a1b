"""What every channel's connector must do, in one table of cases: see `tests.contract.channels` for how each channel says it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.meta.graph import Graph
from gateway.connector import BadItem, ChannelFacts, FilePart, MessageEvent, Outcome, RawResponse, Scope, StatusEvent
from gateway.errors import BadInput, CannotRender
from gateway.model.ids import MessageId
from gateway.model.message import (
    Button,
    ButtonKind,
    Card,
    Cards,
    Choice,
    ChoiceList,
    Content,
    DeliveryStatus,
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
    parse_opaque,
)
from gateway.model.personal import Personal as P
from gateway.model.personal import Secret
from tests.contract.channels import CASES
from tests.contract.channels.case import MESSAGE_ID, WORDS, Case

every_channel = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

PDF = Document("r1", "application/pdf", "pass.pdf")
OK = Button(ButtonKind.REPLY, "OK", payload="ok")
CONTENTS: dict[str, Content] = {
    "words": Text(P("Hello")),
    "a template": Template("train_delay", "nl", {"minutes": P("25")}, buttons=(OK,)),
    "a template with a file": Template("ticket", "nl", {"name": P("Ann")}, header_document=PDF, media_id=P("4711")),
    "a file": Media(PDF, media_id=P("4711")),
    "a file with words": Media(PDF, caption=P("Your ticket"), media_id=P("4711")),
    "a choice": Choice(P("Which?"), (OK, Button(ButtonKind.REPLY, "No", payload="no"))),
    "a choice with its frame": Choice(P("Which?"), (OK,), header=P("Seat"), footer=P("Lindental Rail")),
    "a choice with a file": Choice(P("Which?"), (OK,), header_document=PDF, media_id=P("4711")),
    "a list": ChoiceList(P("Where?"), "Show", (("", (ListRow("b1", "Station", "until 18:00"), ListRow("b2", "Quay"))),)),
    "a link": Link(P("Track it"), "Open", P("https://a.example/t/1")),
    "a place": Location(51.5, -0.12, "Desk", "1 Sample Street"),
    "cards": Cards((Card(P("RE 4711"), subtitle=P("07:15"), buttons=(OK,)),)),
    "a receipt": Receipt(P("Ann"), P("5512"), "EUR", P("card"), Decimal("4.50"), (ReceiptLine(P("Seat"), Decimal("4.50")),)),
    "a reaction": Reaction(P("id"), "👍"),
    "a read mark": MarkRead(P("id")),
}


def message(case: Case, content: Content, **more: Any) -> OutboundMessage:
    return OutboundMessage(
        **{
            "id": MessageId("m07abcdefghjkmnpqrstvw"),
            "attempt": 2,
            "sender": case.sender.id,
            "recipient": case.recipient,
            "content": content,
            **more,
        }
    )


def rendered(case: Case, content: Content, **more: Any) -> dict[str, Any]:
    request = case.connector.render(message(case, content, **more), case.sender)
    return dict(request.body or {})


# Addresses


@every_channel
def test_an_address_is_known_by_kind_scope_and_value(case: Case) -> None:
    for to, scope, value in case.addresses:
        found = case.connector.identify(to, scope)
        assert found.kind
        assert found.scope in ("", scope)
        assert found.value == P(value)
        assert value not in repr(found)


@every_channel
def test_what_is_no_address_is_refused_without_being_shown(case: Case) -> None:
    for to in case.bad_addresses:
        with pytest.raises(BadInput) as caught:
            case.connector.identify(to, case.sender.scope)
        assert caught.value.problems[0].field == "to"
        assert not to or to not in str(caught.value)


# Sending


def test_every_kind_of_content_is_among_the_cases() -> None:
    assert {type(content) for content in CONTENTS.values()} == set(get_args(Content))


@every_channel
@pytest.mark.parametrize("name", CONTENTS)
def test_a_content_is_rendered_or_refused_with_a_reason(case: Case, name: str) -> None:
    content = CONTENTS[name]
    if name in case.refuses:
        with pytest.raises(CannotRender, match=r"\w+ \w+ \w+"):
            case.connector.render(message(case, content), case.sender)
        return
    request = case.connector.render(message(case, content), case.sender)
    assert (request.method, request.sender, request.token) == ("POST", case.sender.id, case.sender.token)
    assert request.path.startswith("/v25.0/")
    assert case.account in request.path
    wire = json.dumps(request.body)
    assert "token-Mark" not in wire
    sent_as_message = not isinstance(content, Reaction | MarkRead)
    assert not sent_as_message or message(case, content).opaque in wire


@every_channel
def test_words_of_every_channel_are_sent_and_quote_what_they_answer(case: Case) -> None:
    wire = json.dumps(rendered(case, Text(P("Zoë 🚆")), reply_to=P("quoted-id"), answering=True), ensure_ascii=False)
    assert "Zoë 🚆" in wire
    assert "quoted-id" in wire


@every_channel
def test_the_facts_are_the_limits_that_hold(case: Case) -> None:
    facts = case.connector.facts
    buttons = tuple(
        Button(ButtonKind.REPLY, f"{n}".ljust(facts.button_label_max, "x"), payload=f"p{n}") for n in range(facts.buttons_max + 1)
    )
    assert rendered(case, Text(P("x" * facts.text_max)))
    assert rendered(case, Choice(P("x" * facts.interactive_text_max), buttons[:-1]))
    too_much: list[Content] = [
        Text(P("x" * (facts.text_max + 1))),
        Text(P("")),
        Choice(P("x"), buttons),
        Choice(P("x"), (Button(ButtonKind.REPLY, "x" * (facts.button_label_max + 1), payload="p"),)),
        Media(PDF, caption=P("x" * (facts.caption_max + 1)), media_id=P("4711")),
        Media(PDF),
        Media(Document("r", "application/x-unknown", "a"), media_id=P("4711")),
    ]
    if facts.captions:
        assert rendered(case, Media(PDF, caption=P("x" * facts.caption_max), media_id=P("4711")))
    for content in too_much:
        with pytest.raises(CannotRender):
            rendered(case, content)
    with pytest.raises(CannotRender, match=str(facts.opaque_max)):
        rendered(case, Text(P("x")), id=MessageId("m" * facts.opaque_max))


@every_channel
def test_a_file_is_uploaded_within_its_limits(case: Case) -> None:
    connector = case.connector
    for mime, largest in connector.facts.document_mimes.items():
        request = connector.render_upload(case.sender, FilePart("file", "a.bin", mime, b"x"))
        assert request.file is not None
        assert (request.file.data, request.file.mime, request.token) == (b"x", mime, case.sender.token)
        assert case.account in request.path
        assert largest > 1_000_000
    for mime, size in (("application/x-unknown", 1), ("application/pdf", 0)):
        with pytest.raises(CannotRender):
            connector.render_upload(case.sender, FilePart("file", "a.bin", mime, bytes(size)))
    mime, largest = min(connector.facts.document_mimes.items(), key=lambda one: one[1])
    with pytest.raises(CannotRender, match=str(largest)):
        connector.render_upload(case.sender, FilePart("file", "a.bin", mime, bytes(largest + 1)))
    assert connector.classify(case.uploaded).channel_id == P("4711")


@every_channel
def test_a_sender_that_lacks_its_account_is_refused_by_name(case: Case) -> None:
    with pytest.raises(CannotRender, match="_id"):
        case.connector.render(message(case, Text(P("x"))), replace(case.sender, account={}))


@every_channel
def test_an_address_of_another_channel_is_refused(case: Case) -> None:
    with pytest.raises(CannotRender):
        rendered(case, Text(P("x")), recipient=(("pigeon", P("left loft")),))


@every_channel
def test_speakers_and_threads_are_what_the_facts_say(case: Case) -> None:
    connector, facts = case.connector, case.connector.facts
    assert (connector.render_speaker(case.sender, "Mara") is not None) is facts.shows_speaker
    assert (connector.render_take_over(case.sender, case.recipient) is not None) is facts.thread_control


@every_channel
def test_a_link_in_brings_its_token_or_there_is_none(case: Case) -> None:
    link = case.connector.link_in(case.sender, "tok_En-1", "Hello tok_En-1")
    assert link is not None
    assert link.startswith("https://")
    assert "tok_En-1" in link
    assert case.connector.link_in(replace(case.sender, account={}), "tok_En-1", "Hello tok_En-1") is None


@every_channel
def test_a_file_is_fetched_from_the_channels_hosts_alone(case: Case) -> None:
    request = case.fetch(case.connector, case.sender, f"{case.media_host}/a/b.jpg?oh=1")
    assert (request.method, request.path, request.wants_bytes) == ("GET", f"{case.media_host}/a/b.jpg?oh=1", True)
    for url in ("https://a.example/b.jpg", "http://127.0.0.1:1/b.jpg", "file:///etc/passwd", case.media_host + ".a.example/b"):
        with pytest.raises(CannotRender, match="host"):
            case.fetch(case.connector, case.sender, url)


# Answers


@every_channel
def test_an_accepted_message_has_its_id_and_its_person(case: Case) -> None:
    result = case.connector.classify(case.accepted)
    assert (result.outcome, result.channel_id) == (Outcome.ACCEPTED, P(MESSAGE_ID))
    kind, value = case.recipient[0]
    assert (kind, value) in [(one.kind, one.value) for one in result.recipient]
    assert MESSAGE_ID not in repr(result)
    assert value.reveal() not in repr(result)


@every_channel
def test_an_unknown_code_is_tried_twice_more(case: Case) -> None:
    result = case.connector.classify(case.unknown)
    assert (result.outcome, result.retries, result.code) == (Outcome.RETRY, 2, 998877)


@every_channel
def test_a_throttle_says_how_far_it_reaches_and_how_long_it_lasts(case: Case) -> None:
    answer, wait_ms = case.throttled
    result = case.connector.classify(answer)
    assert (result.outcome, result.retry_after_ms) == (Outcome.THROTTLED, wait_ms)
    assert result.scope in (Scope.SENDER, Scope.ACCOUNT, Scope.APP)


@every_channel
def test_a_dead_token_stops_the_sender_and_not_the_message(case: Case) -> None:
    result = case.connector.classify(case.token_dead)
    assert (result.outcome, result.scope) == (Outcome.SENDER_PAUSED, Scope.SENDER)


@every_channel
def test_a_person_who_cannot_be_reached_is_not_tried_again(case: Case) -> None:
    result = case.connector.classify(case.unreachable)
    assert (result.outcome, result.retries) == (Outcome.UNREACHABLE, 0)


@every_channel
def test_a_closed_window_a_missing_template_and_a_lost_file_are_told_as_such(case: Case) -> None:
    def flags(answer: RawResponse) -> tuple[bool, bool, bool]:
        result = case.connector.classify(answer)
        return result.window_closed, result.template_problem, result.media_problem

    assert case.connector.classify(case.window_closed).outcome is Outcome.REJECTED
    assert case.connector.classify(case.template_missing).outcome is Outcome.REJECTED
    assert case.connector.classify(case.media_gone).outcome is Outcome.RETRY
    assert flags(case.window_closed) == (True, False, False)
    assert flags(case.template_missing) == (False, True, False)
    assert flags(case.media_gone) == (False, False, True)


@every_channel
@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (502, b"<html>Bad Gateway</html>", Outcome.UNCERTAIN),
        (503, b"", Outcome.UNCERTAIN),
        (200, b"", Outcome.UNCERTAIN),
        (200, b"[1]", Outcome.UNCERTAIN),
        (404, b"<html>", Outcome.RETRY),
        (429, b"slow", Outcome.THROTTLED),
        (401, b"who", Outcome.SENDER_PAUSED),
    ],
)
def test_an_answer_that_is_not_the_channels_is_judged_by_whether_it_may_have_gone_out(
    case: Case, status: int, body: bytes, outcome: Outcome
) -> None:
    assert case.connector.classify(RawResponse(status, {}, body)).outcome is outcome


@every_channel
async def test_no_connection_means_not_sent_and_no_answer_means_perhaps(case: Case) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    request = case.connector.render(message(case, Text(P("x"))), case.sender)
    outcomes: list[Outcome] = []
    for _ in range(2):
        connector = case.make(Graph(f"http://127.0.0.1:{port}", connect_timeout_s=2, timeout_s=5))
        try:
            await connector.send(request)
        except Exception as broke:
            outcomes.append(connector.classify(broke).outcome)
        finally:
            await connector.close()
        server.close()  # the second time nobody listens there
    assert outcomes == [Outcome.UNCERTAIN, Outcome.RETRY]
    for error in (TimeoutError(), asyncio.CancelledError(), RuntimeError("?")):
        assert case.connector.classify(error).outcome is Outcome.UNCERTAIN


# Webhooks


@every_channel
def test_our_opaque_data_comes_back_as_it_was_sent(case: Case) -> None:
    opaque = message(case, Text(P("x"))).opaque
    (event,) = case.connector.parse_webhook(case.webhook(case.status(opaque)))
    assert isinstance(event, StatusEvent)
    assert (event.status, event.failed, event.opaque) == (DeliveryStatus.SENT, False, opaque)
    assert parse_opaque(event.opaque or "") == (MessageId("m07abcdefghjkmnpqrstvw"), 2, case.sender.id)
    assert (event.account_id, event.channel_id) == (case.account, P(MESSAGE_ID))


@every_channel
def test_who_writes_can_be_answered_by_what_the_webhook_names(case: Case) -> None:
    (event,) = case.connector.parse_webhook(case.webhook(case.said(WORDS, MESSAGE_ID)))
    assert isinstance(event, MessageEvent)
    assert (event.account_id, event.text, event.channel_id) == (case.account, P(WORDS), P(MESSAGE_ID))
    assert event.opens_window
    writer = tuple((one.kind, one.value) for one in event.identifiers)
    assert rendered(case, Text(P("x")), recipient=writer, reply_to=event.channel_id, answering=True)


@every_channel
def test_an_item_nobody_can_read_costs_only_itself(case: Case) -> None:
    raw = case.webhook(case.said("first", "id-1"), case.unreadable, case.said("second", "id-2"))
    first, bad, second = case.connector.parse_webhook(raw)
    assert isinstance(bad, BadItem)
    assert json.loads(bad.raw) == case.unreadable
    assert bad.where.startswith("$.entry[0]")
    assert isinstance(first, MessageEvent)
    assert isinstance(second, MessageEvent)
    assert (first.text, second.text) == (P("first"), P("second"))


@every_channel
def test_the_same_webhook_is_read_the_same_twice_and_shows_nobody(case: Case) -> None:
    raw = case.webhook(case.said(WORDS, MESSAGE_ID), case.status("m07abc.1.zz"))
    found = case.connector.parse_webhook(raw)
    assert found == case.connector.parse_webhook(raw)
    shown = repr(found)
    for secret in (WORDS, MESSAGE_ID, *(value.reveal().lstrip("+") for _, value in case.recipient)):
        assert secret not in shown


@every_channel
@pytest.mark.parametrize(
    "raw", [b"", b"\xff", b"null", b"[]", b"{}", b'"page"', b'{"entry":[]}', b"[" * 100_000, b'{"object":' + b"9" * 10_000 + b"}"]
)
def test_a_body_that_is_no_webhook_is_one_bad_item(case: Case, raw: bytes) -> None:
    (event,) = case.connector.parse_webhook(raw)
    assert isinstance(event, BadItem)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@every_channel
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_webhook_makes_the_reading_of_it_raise(case: Case, data: st.DataObject) -> None:
    item = case.said("x", "id-1")
    spoilt = {**item, data.draw(st.sampled_from([*item, "type", "new"])): data.draw(JSON)}
    raw = case.webhook(spoilt, case.said(WORDS, MESSAGE_ID))
    cut = data.draw(st.integers(0, len(raw)))
    assert case.connector.parse_webhook(raw[:cut]) is not None
    found = case.connector.parse_webhook(raw)
    assert any(isinstance(event, MessageEvent) and event.text == P(WORDS) for event in found)


@every_channel
def test_a_signature_fits_these_bytes_and_one_of_the_secrets(case: Case) -> None:
    raw = case.webhook(case.said("Zoë/ü", "id-1"))
    old, new = Secret("old-secret"), Secret("new-secret")

    def sign(by: Secret, body: bytes = raw) -> dict[str, str]:
        return {"X-Hub-Signature-256": "sha256=" + hmac.new(by.reveal().encode(), body, hashlib.sha256).hexdigest()}

    verify = case.connector.verify
    assert verify(sign(old), raw, [new, old])
    assert verify(sign(new), raw, [new, old])
    assert not verify(sign(Secret("forged")), raw, [new, old])
    assert not verify(sign(old, raw + b" "), raw, [new, old])
    assert not verify({}, raw, [new, old])
    assert not verify({"x-hub-signature-256": "sha256="}, raw, [new, old])
    assert not verify(sign(old), raw, [])
    assert not verify(sign(Secret("")), raw, [Secret("")])


@every_channel
def test_a_handshake_is_answered_with_its_challenge_or_not_at_all(case: Case) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "verify-me", "hub.challenge": "1158201444"}
    ask = case.connector.verify_handshake
    assert ask(query, Secret("verify-me")) == "1158201444"
    assert ask(query, Secret("other")) is None
    assert ask({**query, "hub.mode": "unsubscribe"}, Secret("verify-me")) is None
    assert ask({**query, "hub.challenge": "<script>"}, Secret("verify-me")) is None
    assert ask({**query, "hub.verify_token": ""}, Secret("")) is None
    assert ask({}, Secret("verify-me")) is None


# Facts


@every_channel
def test_the_facts_are_complete_and_agree_with_each_other(case: Case) -> None:
    connector = case.connector
    facts = connector.facts
    assert connector.channel == facts.channel == case.name == case.sender.channel
    for field in fields(ChannelFacts):
        assert getattr(facts, field.name) is not None
    needed = ("window_ms", "text_max", "interactive_text_max", "button_label_max", "buttons_max", "opaque_max", "media_ttl_ms")
    for name in needed:
        assert getattr(facts, name) > 0, name
    assert facts.interactive_text_max <= facts.text_max
    assert facts.caption_max <= facts.text_max
    assert facts.person_window_ms == 0 or facts.person_window_ms > facts.window_ms
    assert facts.media_ttl_ms > facts.window_ms
    assert (facts.pair_interval_ms == 0) == (facts.pair_burst == 0)
    assert facts.template_document_mimes <= set(facts.document_mimes)
    assert {"application/pdf", "image/png"} <= set(facts.document_mimes)
    assert len(message(case, Text(P("x"))).opaque) < facts.opaque_max
