"""Webhooks that nobody should have sent: what cannot be read costs only itself."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.meta.faults import scrub
from connectors.meta.reading import maybe_stamp_ms, word
from connectors.whatsapp.account import tier
from connectors.whatsapp.webhook import parse_webhook
from gateway.connector import (
    BadItem,
    IdentityEvent,
    InboundKind,
    MessageEvent,
    PreferenceEvent,
    SenderEvent,
    StatusEvent,
    TemplateEvent,
    UnknownEvent,
)

SAMPLES = Path(__file__).parents[1] / "samples" / "whatsapp"
WEBHOOKS = [
    json.loads(path.read_bytes())
    for path in sorted(SAMPLES.glob("*.json"))
    if path.name.startswith(("inbound", "status", "account", "group"))
]

TEXT: dict[str, Any] = {
    "from": "447700900123",
    "from_user_id": "GB.73920184650172938465",
    "id": "wamid.A",
    "timestamp": "1795165763",
    "type": "text",
    "text": {"body": "hello"},
}
STATUS: dict[str, Any] = {"id": "wamid.B", "status": "sent", "timestamp": "1795165763", "recipient_id": "447700900123"}


def webhook(field: str, *values: dict[str, Any], time: object = None) -> bytes:
    changes = [{"field": field, "value": value} for value in values]
    entry = {"id": "271", "changes": changes} if time is None else {"id": "271", "time": time, "changes": changes}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def messages(*items: Any, key: str = "messages", **more: Any) -> list[Any]:
    return list(parse_webhook(webhook("messages", {"metadata": {"phone_number_id": "314"}, key: list(items), **more})))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=25,
)


@st.composite
def mutilated(draw: st.DrawFn) -> bytes:
    """A real webhook in which some places hold anything at all, or nothing."""
    body = copy.deepcopy(draw(st.sampled_from(WEBHOOKS)))
    for _ in range(draw(st.integers(1, 4))):
        place: Any = body
        for _ in range(draw(st.integers(0, 9))):
            key = draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else 0
            if not isinstance(place[key], dict | list) or not place[key]:
                break
            place = place[key]
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = draw(st.sampled_from(keys))
        if draw(st.booleans()):
            place[key] = draw(JSON)
        else:
            del place[key]
        if not body:
            break
    return json.dumps(body).encode()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    events = parse_webhook(raw)
    assert all(isinstance(event, BadItem) for event in events)


@settings(max_examples=200, deadline=None)
@given(mutilated())
def test_no_change_to_a_real_webhook_makes_it_raise(raw: bytes) -> None:
    for event in parse_webhook(raw):
        if isinstance(event, BadItem):
            assert event.where.startswith("$")
            # An exception's name would mean a mistake of ours, caught by the net and not by a check.
            assert "Error" not in event.why
        elif isinstance(event, MessageEvent):
            event.text.reveal().encode()
            assert event.at_ms > 0
            assert event.identifiers


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_a_bad_item_never_costs_its_neighbours(garbage: Any) -> None:
    events = messages(TEXT, garbage, {**TEXT, "id": "wamid.C"}, statuses=[STATUS, garbage])
    ids = [event.channel_id.reveal() for event in events if isinstance(event, MessageEvent | StatusEvent)]
    assert ids == ["wamid.A", "wamid.C", "wamid.B"]
    first, second = (event.where for event in events if isinstance(event, BadItem))
    assert first.startswith("$.entry[0].changes[0].value.messages[1]")
    assert second.startswith("$.entry[0].changes[0].value.statuses[1]")


def test_a_bad_item_keeps_its_bytes_and_shows_nothing_of_them() -> None:
    broken = {**TEXT, "timestamp": "yesterday", "text": {"body": "my name is Ann"}}
    (event,) = messages(broken)
    assert event.where == "$.entry[0].changes[0].value.messages[0].timestamp"
    assert json.loads(event.raw) == broken
    assert "Ann" not in event.why
    assert "yesterday" not in event.why


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[]", "not an object"),
        (b'{"object":"page","entry":[]}', "not whatsapp_business_account"),
        (b'{"object":"whatsapp_business_account","entry":{}}', "not a list"),
        (b"[" * 100_000, "nested too deeply"),
        (b" " * (4 * 1024 * 1024 + 1), "longer than 4194304 bytes"),
        (b'{"object":' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_a_body_that_is_no_webhook_is_one_bad_item(raw: bytes, why: str) -> None:
    (event,) = parse_webhook(raw)
    assert isinstance(event, BadItem)
    assert (event.why, event.raw) == (why, raw)


def test_an_item_that_is_nested_too_deeply_stands_alone() -> None:
    deep: Any = "x"
    for _ in range(40):
        deep = {"a": deep}
    first, second = messages({**TEXT, "extra": deep}, TEXT)
    assert (type(first), first.why) == (BadItem, "nested too deeply")
    assert isinstance(second, MessageEvent)


def test_of_a_key_given_twice_the_last_counts() -> None:
    value = json.dumps({"metadata": {"phone_number_id": "314"}, "messages": [TEXT]})
    value = value.replace('"type": "text"', '"type": "image", "type": "text"')
    body = '{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":%s}]}]}'
    (event,) = parse_webhook((body % value).encode())
    assert isinstance(event, MessageEvent)
    assert event.kind is InboundKind.TEXT


@pytest.mark.parametrize(
    ("stamp", "at_ms"),
    [
        ("1795165763", 1795165763000),
        (1795165763, 1795165763000),
        ("1795165763123", 1795165763123),
        (1795165763123, 1795165763123),
        (1795165763.5, 1795165763500),
        ("1795165763.5", 1795165763500),
        (" 1795165763 ", 1795165763000),
        ("0", None),
        ("-5", None),
        (True, None),
        (None, None),
        (float("nan"), None),
        ("1" * 30, None),
        ("2026-11-22", None),
    ],
)
def test_times_come_in_seconds_or_milliseconds(stamp: object, at_ms: int | None) -> None:
    assert maybe_stamp_ms(stamp) == at_ms


def test_halves_of_characters_and_nul_do_not_get_in() -> None:
    (event,) = messages({**TEXT, "text": {"body": "a\ud83db\x00c 🌿"}})
    assert event.text.reveal() == "a\ufffdb\ufffdc 🌿"


def test_a_message_of_a_kind_we_do_not_know_is_still_a_message() -> None:
    (event,) = messages({**TEXT, "type": "hologram", "hologram": {"x": 1}})
    assert (event.kind, event.detail, event.opens_window) == (InboundKind.OTHER, "hologram", True)
    (event,) = messages({**TEXT, "type": "Ann said: 44 7700"})
    assert event.detail == "?"


def test_media_that_could_not_be_fetched_is_unsupported() -> None:
    (event,) = messages({**TEXT, "type": "video", "errors": [{"code": 131052, "title": "x"}]})
    assert (event.kind, event.detail, event.media) == (InboundKind.UNSUPPORTED, "131052", None)


def test_a_message_without_a_writer_or_a_receiver_cannot_be_answered() -> None:
    (event,) = messages({**TEXT, "from": "", "from_user_id": None})
    assert (type(event), event.why) == (BadItem, "no phone number and no user id")
    (other,) = parse_webhook(webhook("messages", {"messages": [TEXT]}))
    assert isinstance(other, BadItem)
    assert other.why == "no phone_number_id beside it"


def test_only_the_writers_own_contact_block_is_believed() -> None:
    other = {"wa_id": "447700900456", "user_id": "GB.50284617390562817394", "profile": {"name": "Ben"}}
    (event,) = messages(TEXT, contacts=[other])
    assert [known.value.reveal() for known in event.identifiers] == ["GB.73920184650172938465", "+447700900123"]
    assert event.profile_name is None
    own = {"wa_id": "447700900123", "user_id": "GB.73920184650172938465", "parent_user_id": "GB.ENT.7"}
    (event,) = messages({**TEXT, "from": None}, contacts=[other, own])
    assert [known.value.reveal() for known in event.identifiers][1:] == ["+447700900123", "GB.ENT.7"]


def test_a_status_nobody_knows_is_counted_and_one_without_a_reason_is_tried_again() -> None:
    unknown, failed = messages({**STATUS, "status": "deleted"}, {**STATUS, "status": "failed"}, key="statuses")
    assert isinstance(unknown, UnknownEvent)
    assert unknown.what == "messages.statuses.deleted"
    assert (failed.result.code, failed.result.outcome.value, failed.result.retries) == (0, "retry", 2)


def test_callback_data_that_cannot_be_ours_is_left_out() -> None:
    odd: list[Any] = ["x" * 513, "", 7.5, {}]
    for opaque in odd:
        (event,) = messages({**STATUS, "biz_opaque_callback_data": opaque}, key="statuses")
        assert event.opaque is None


def test_a_change_without_anything_we_know_is_counted() -> None:
    (event,) = parse_webhook(webhook("messages", {"metadata": {"phone_number_id": "314"}}))
    assert isinstance(event, UnknownEvent)
    (event,) = parse_webhook(webhook("Not A Word!", {}))
    assert isinstance(event, UnknownEvent)
    assert event.what == "?"
    (event,) = messages({**TEXT, "type": "system", "system": {"type": "moon_landed"}})
    assert event.what == "messages.system.moon_landed"


def test_a_changed_user_id_keeps_the_parent_and_a_changed_number_the_user() -> None:
    update = {
        "wa_id": "447700900124",
        "user_id": {"previous": "GB.1", "current": "GB.2"},
        "parent_user_id": {"previous": "GB.ENT.1", "current": "GB.ENT.2"},
        "timestamp": "1795165244",
    }
    (event,) = parse_webhook(webhook("user_id_update", {"user_id_update": [update]}))
    assert isinstance(event, IdentityEvent)
    assert [known.value.reveal() for known in event.previous] == ["GB.1", "GB.ENT.1"]
    assert [known.value.reveal() for known in event.current] == ["GB.2", "+447700900124", "GB.ENT.2"]
    (bad_event,) = messages({**TEXT, "type": "system", "system": {"type": "user_changed_number"}})
    assert isinstance(bad_event, BadItem)


def test_preferences_are_read_one_by_one() -> None:
    entry = {"user_id": "GB.1", "category": "marketing_messages", "value": "stop", "timestamp": 1795165290}
    entries = [entry, {**entry, "value": "signup"}, {**entry, "category": "weather"}, {**entry, "timestamp": None}]
    events = parse_webhook(webhook("user_preferences", {"user_preferences": entries}))
    assert [type(event) for event in events] == [PreferenceEvent, PreferenceEvent, UnknownEvent, BadItem]
    assert [event.granted for event in events if isinstance(event, PreferenceEvent)] == [False, True]


def account(field: str, value: dict[str, Any]) -> list[Any]:
    return list(parse_webhook(webhook(field, value, time=1795165260)))


def test_each_restriction_is_an_event_with_its_end() -> None:
    info = [{"restriction_type": "A", "expiration": "1795770000"}, {"restriction_type": "B"}]
    events = account("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": info})
    assert [(event.what, event.value, event.until_ms) for event in events] == [
        ("restriction", "A", 1_795_770_000_000),
        ("restriction", "B", None),
    ]
    (event,) = account("account_update", {"event": "ACCOUNT_RESTRICTION"})
    assert isinstance(event, SenderEvent)
    assert event.value == "?"


@pytest.mark.parametrize(
    ("field", "value", "what", "word_of_it"),
    [
        ("account_update", {"event": "ACCOUNT_DELETED"}, "disabled", "ACCOUNT_DELETED"),
        ("account_update", {"event": "ACCOUNT_RECONNECTED"}, "reinstated", "ACCOUNT_RECONNECTED"),
        ("account_update", {"event": "PARTNER_ADDED"}, "account", "PARTNER_ADDED"),
        (
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE"}},
            "disable_scheduled",
            "SCHEDULE_FOR_DISABLE",
        ),
        ("phone_number_quality_update", {"event": "FLAGGED", "current_limit": "TIER_1K"}, "quality", "FLAGGED"),
        ("phone_number_name_update", {"decision": "APPROVED"}, "name", "APPROVED"),
        ("account_review_update", {"decision": "REJECTED"}, "review", "REJECTED"),
        ("account_alerts", {"alert_type": "OBA_APPROVED"}, "alert", "OBA_APPROVED"),
        ("security", {"event": "PIN_CHANGED"}, "security", "PIN_CHANGED"),
    ],
)
def test_account_fields_say_what_changed(field: str, value: dict[str, Any], what: str, word_of_it: str) -> None:
    (event,) = account(field, value)
    assert (type(event), event.what, event.value, event.at_ms) == (SenderEvent, what, word_of_it, 1795165260000)


def test_a_templates_language_is_written_as_in_the_api() -> None:
    value = {"event": "APPROVED", "message_template_name": "a", "message_template_language": "en-US"}
    (event,) = account("message_template_status_update", value)
    assert isinstance(event, TemplateEvent)
    assert event.language == "en_US"
    (nameless,) = account("message_template_status_update", {"event": "APPROVED"})
    assert isinstance(nameless, BadItem)
    assert nameless.where.endswith(".message_template_name")


@pytest.mark.parametrize(
    ("value", "people"),
    [
        ("TIER_50", 50),
        ("TIER_250", 250),
        ("TIER_2K", 2000),
        ("TIER_100K", 100_000),
        ("TIER_UNLIMITED", -1),
        ("TIER_NOT_SET", None),
        (2000, 2000),
        ("2000", 2000),
        (-1, -1),
        (None, None),
        (True, None),
    ],
)
def test_a_tier_is_read_as_word_or_number(value: object, people: int | None) -> None:
    assert tier(value) == people


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Recipient +44 7700 900123 is not on WhatsApp", "Recipient … is not on WhatsApp"),
        ("Malformed access token EAAGm0PX4ZCpsBAKZCabcdefghijklmnop", "Malformed access token …"),
        ("No user GB.66120937485561920374", "No user …"),
        ("Unknown message wamid.HBgMNDQ3NzAwOTAwMTIzFQIA==", "Unknown message …"),
        ("Fetching https://files.example.com/pass?t=1 failed", "Fetching … failed"),
        ("Write to ann@host.example", "Write to …"),
        ("Value 'Ann Example' is not allowed", "Value … is not allowed"),
        ('Unexpected key "txt" on param "message".', 'Unexpected key "txt" on param "message".'),
        ("Param text['body'] must be at most 4096 characters", "Param text['body'] must be at most 4096 characters"),
        ("template name (order_update_2) does not exist in fr", "template name (order_update_2) does not exist in fr"),
        ("it doesn't exist or you aren't a member", "it doesn't exist or you aren't a member"),
        ("x" * 500, "x" * 200),
    ],
)
def test_the_channels_words_are_kept_without_what_identifies(given: str, kept: str) -> None:
    assert scrub(given) == kept


def test_a_word_is_only_what_could_not_be_a_persons() -> None:
    assert word("poll_creation") == "poll_creation"
    assert word("a b") == "?"
    assert word("x" * 61) == "?"
    assert word(None) == "?"
