"""What every channel's connector must do, in one table of cases: see `tests.contract.channels` for how each channel says it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields, replace
from typing import get_args

import pytest

from connectors.meta.graph import Graph
from gateway.connector import ChannelFacts, FilePart, Outcome, RawResponse, Scope
from gateway.errors import BadInput, CannotRender
from gateway.model.ids import MessageId
from gateway.model.message import (
    Button,
    ButtonKind,
    Choice,
    Content,
    Document,
    MarkRead,
    Media,
    Reaction,
    Text,
)
from gateway.model.personal import Personal as P
from tests.contract.channels import CASES
from tests.contract.channels.case import MESSAGE_ID, Case
from tests.contract.channels.contents import CONTENTS, PDF, message_to, rendered

every_channel = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

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
            case.connector.render(message_to(case, content), case.sender)
        return
    request = case.connector.render(message_to(case, content), case.sender)
    assert (request.method, request.sender, request.token) == ("POST", case.sender.id, case.sender.token)
    assert request.path.startswith("/v25.0/")
    assert case.account in request.path
    wire = json.dumps(request.body)
    assert "token-Mark" not in wire
    sent_as_message = not isinstance(content, Reaction | MarkRead)
    assert not sent_as_message or message_to(case, content).opaque in wire


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
    for sound in facts.sound_mimes:
        assert rendered(case, Media(Document("r", sound, "a"), media_id=P("4711")))
        too_much.append(Media(Document("r", sound, "a"), caption=P("x"), media_id=P("4711")))
    for content in too_much:
        with pytest.raises(CannotRender):
            rendered(case, content)
    with pytest.raises(CannotRender, match=str(facts.opaque_max)):
        rendered(case, Text(P("x")), id=MessageId("m" * facts.opaque_max))


@every_channel
def test_a_file_is_uploaded_within_its_limits(case: Case) -> None:
    connector = case.connector
    for mime, largest in connector.facts.file_mimes.items():
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
        case.connector.render(message_to(case, Text(P("x"))), replace(case.sender, account={}))


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
def test_a_dead_token_stops_the_sender_and_not_the_message_to(case: Case) -> None:
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
    request = case.connector.render(message_to(case, Text(P("x"))), case.sender)
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
    assert not set(facts.sound_mimes) & set(facts.document_mimes)
    assert {"application/pdf", "image/png"} <= set(facts.document_mimes)
    assert len(message_to(case, Text(P("x"))).opaque) < facts.opaque_max
