"""What every channel's connector must make of what it is told: see `tests.contract.channels` for how each channel says it."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connector import BadItem, MessageEvent, StatusEvent
from gateway.model.ids import MessageId
from gateway.model.message import DeliveryStatus, Text, parse_opaque
from gateway.model.personal import Personal as P
from gateway.model.personal import Secret
from tests.contract.channels import CASES
from tests.contract.channels.case import MESSAGE_ID, WORDS, Case
from tests.contract.channels.contents import message_to, rendered

every_channel = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@every_channel
def test_our_opaque_data_comes_back_as_it_was_sent(case: Case) -> None:
    opaque = message_to(case, Text(P("x"))).opaque
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
