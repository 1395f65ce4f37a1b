"""Every sample of a webhook, with the events we read in it.

A row names what the event says beyond what is checked of every event: its account, its time, its channel id.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.connector import (
    BadItem,
    ErrorEvent,
    IdentityEvent,
    InboundKind,
    MediaRef,
    MessageEvent,
    Outcome,
    PreferenceEvent,
    SenderEvent,
    StatusEvent,
    TemplateEvent,
    UnknownEvent,
)
from gateway.model.message import DeliveryStatus
from gateway.model.personal import Personal as P
from tests.contract.whatsapp_samples import (
    ANN,
    BEN,
    CONNECTOR,
    DAN,
    NUMBER,
    ZOE,
    names,
    parent,
    phone,
    raw,
    sample,
    user,
)

Row = tuple[type, dict[str, Any]]

ANN_BY_PHONE = (phone("+447700900123"),)
OPENED = "wamid.HBgMNDQ3NzAwOTAwMTIzFQIAERgS"
"""how the ids of our messages to the first person begin"""


def message(kind: InboundKind, text: str, who: Any = ANN, **more: Any) -> Row:
    return MessageEvent, {"kind": kind, "text": P(text), "identifiers": who, **more}


def media(
    mime: str, media_id: str, detail: str, text: str = "", who: Any = ANN, filename: str = "", voice: bool = False
) -> Row:
    reference = {"mime": mime, "channel_media_id": P(media_id), "filename": P(filename) if filename else None}
    return message(InboundKind.MEDIA, text, who, detail=detail, media={**reference, "voice": voice})


def status(rank: DeliveryStatus, who: Any = ANN, **more: Any) -> Row:
    return StatusEvent, {"status": rank, "failed": False, "result": None, "identifiers": who, **more}


def failed(code: int, outcome: Outcome, who: Any = ANN_BY_PHONE, **more: Any) -> Row:
    expected = {"status": DeliveryStatus.NONE, "failed": True, "identifiers": who, "pricing": {}}
    return StatusEvent, {**expected, "result": {"code": code, "outcome": outcome}, **more}


def price(category: str, kind: str = "regular") -> dict[str, str]:
    billable = "true" if kind == "regular" else "false"
    return {"billable": billable, "pricing_model": "PMP", "type": kind, "category": category}


def template(**more: Any) -> Row:
    nothing = {"status": None, "quality": None, "category": None, "reason": "", "becomes": None, "edited": False}
    return TemplateEvent, {**nothing, "name": "appointment_reminder", "language": "en_GB", **more}


def sender(what: str, value: str, **more: Any) -> Row:
    return SenderEvent, {"what": what, "value": value, "tier": None, "until_ms": None, **more}


def group(what: str) -> Row:
    return UnknownEvent, {"what": what}


TEXT, BUTTON, OTHER = InboundKind.TEXT, InboundKind.BUTTON, InboundKind.OTHER
UNSUPPORTED = InboundKind.UNSUPPORTED
SENT, DELIVERED, READ = DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ
DAN_ALL = (*DAN, phone("+447700900321"), parent("GB.ENT.40182736455019283746"))

EXPECTED: dict[str, list[Row]] = {
    "inbound-text": [message(TEXT, "Hello, is the Tuesday slot still free?", profile_name=P("Ann Example"))],
    "inbound-text-cyrillic-emoji": [message(TEXT, "Здравствуйте! Можно перенести на среду? 🙏", BEN)],
    "inbound-text-forwarded": [
        message(TEXT, "Forwarded by a friend: bring your passport", ZOE, detail="forwarded", answers=None)
    ],
    "inbound-text-frequently-forwarded": [
        message(TEXT, "Chain letter, please ignore", ZOE, detail="frequently_forwarded")
    ],
    "inbound-text-group": [message(TEXT, "Good morning everyone", group=True)],
    "inbound-text-referral-ad": [message(TEXT, "Hi, can I get more information about this?", referral=True)],
    "inbound-text-referred-product": [message(TEXT, "Do you have it in green?", referral=True)],
    "inbound-text-reply-context": [message(TEXT, "Yes, that one", answers=P(OPENED + "Qzg1NEQ2RTJBQUQ0RUJCRDBDAA=="))],
    "inbound-text-username-no-phone": [
        message(TEXT, "Hi, writing without showing my number", DAN, profile_name=P("Dan Hidden"))
    ],
    "inbound-text-username-with-phone-and-parent": [
        message(TEXT, "Hi, writing without showing my number", DAN_ALL)
    ],
    "inbound-button-template-quick-reply": [
        message(BUTTON, "Confirm", payload="confirm:appt-5512", answers=P(OPENED + "NzNDMTRCNDgwNzI3OTlEQTUzAA=="))
    ],
    "inbound-interactive-button-reply": [
        message(BUTTON, "Tue 10:00", payload="slot-1", answers=P(OPENED + "OEU3NkU3RDlBQkZDNkNGQkYzAA=="))
    ],
    "inbound-interactive-list-reply": [message(BUTTON, "Riverside", BEN, payload="branch-3")],
    "inbound-interactive-flow-reply": [
        message(
            OTHER,
            '{"flow_token": "survey-5512-ann", "rating": "4", "comment": "Quick and kind \\u2014 '
            '\\u0441\\u043f\\u0430\\u0441\\u0438\\u0431\\u043e"}',
            detail="flow",
            payload=None,
        )
    ],
    "inbound-image": [media("image/jpeg", "1003000000011598", "image", "The broken part")],
    "inbound-image-no-url-no-caption": [media("image/jpeg", "1003000000020265", "image")],
    "inbound-video": [media("video/mp4", "1003000000029372", "video", "0:12 in", BEN)],
    "inbound-document": [
        media("application/pdf", "1003000000036407", "document", "signed", BEN, filename="договор №7.pdf")
    ],
    "inbound-audio-file": [media("audio/mpeg", "1003000000047989", "audio")],
    "inbound-audio-voice-note": [media("audio/ogg; codecs=opus", "1003000000040298", "voice", voice=True)],
    "inbound-sticker": [media("image/webp", "1003000000059179", "sticker", who=ZOE)],
    "inbound-location-pin": [message(InboundKind.LOCATION, "51.501364, -0.14189", answers=None)],
    "inbound-location-place": [
        message(InboundKind.LOCATION, "Sample Cafe, 1 Sample Street, London\n51.50722, -0.1275")
    ],
    "inbound-location-answer-to-request": [
        message(InboundKind.LOCATION, "51.501364, -0.14189", answers=P(OPENED + "OUZBMEJGRjVCNjU5MTI4MzZFAA=="))
    ],
    "inbound-contacts": [message(InboundKind.CONTACTS, "Eve Fictional +44 7700 900555", BEN, detail="")],
    "inbound-contacts-contact-request": [
        message(InboundKind.CONTACTS, "+44 7700 900321", DAN, detail="contact_request")
    ],
    "inbound-order": [
        message(OTHER, "Please deliver after six\n2 x sku-lamp-04\n1 x sku-bulb-01", ZOE, detail="order")
    ],
    "inbound-reaction": [
        message(InboundKind.REACTION, "👍", answers=P(OPENED + "OEM1N0NENzEzOUUwRjA1Q0IwAA=="), opens_window=True)
    ],
    "inbound-reaction-removed": [
        message(InboundKind.REACTION, "", answers=P(OPENED + "OEM1N0NENzEzOUUwRjA1Q0IwAA=="))
    ],
    "inbound-edit-coexistence": [
        message(OTHER, "Is the Wednesday slot free?", detail="edit", opens_window=False)
    ],
    "inbound-revoke-coexistence": [message(OTHER, "", detail="revoke", opens_window=False)],
    "inbound-unsupported-edit": [message(UNSUPPORTED, "", detail="edit", opens_window=True)],
    "inbound-unsupported-poll": [message(UNSUPPORTED, "", detail="poll_creation")],
    "inbound-unsupported-no-type": [message(UNSUPPORTED, "", BEN, detail="131051")],
    "inbound-unsupported-in-group": [message(UNSUPPORTED, "", detail="130501", group=True)],
    "inbound-unsupported-unavailable-131060": [message(UNSUPPORTED, "", ZOE, detail="unavailable")],
    "inbound-request-welcome": [group("messages.request_welcome")],
    "inbound-system-user-changed-number": [
        (
            IdentityEvent,
            {
                "previous": (phone("+447700900123"),),
                "current": (phone("+447700900124"),),
                "identity_changed": False,
            },
        )
    ],
    "inbound-system-user-changed-user-id": [
        (
            IdentityEvent,
            {
                "previous": (phone("+447700900123"),),
                "current": (user("GB.20394857610293847561"), phone("+447700900124")),
                "identity_changed": False,
            },
        )
    ],
    "inbound-system-identity-changed": [
        (IdentityEvent, {"previous": BEN, "current": BEN, "identity_changed": True})
    ],
    "inbound-batched-mixed": [
        message(TEXT, "first"),
        status(DELIVERED, ZOE),
        message(TEXT, "второе", BEN),
    ],
    "inbound-unknown-field": [group("brand_new_field")],
    "inbound-value-errors": [(ErrorEvent, {"code": 130429, "at_ms": 0})],
    "status-sent-utility-template": [status(SENT, opaque="outbox:7f3c1a52", pricing=price("utility"))],
    "status-sent-marketing": [status(SENT, BEN, opaque=None, pricing=price("marketing"))],
    "status-sent-service-free": [status(SENT, pricing=price("service", "free_customer_service"))],
    "status-sent-service-charged-2026-10": [status(SENT, BEN, pricing=price("service"))],
    "status-sent-direct-send-beta": [status(SENT, pricing=price("utility"))],
    "status-sent-group": [status(SENT, ())],
    "status-sent-v23-with-conversation": [status(SENT, (phone("+447700900123"),), pricing=price("utility"))],
    "status-delivered-utility-template": [status(DELIVERED, opaque="outbox:7f3c1a52", pricing=price("utility"))],
    "status-delivered-free-entry-point": [
        status(DELIVERED, pricing=price("referral_conversion", "free_entry_point"))
    ],
    "status-delivered-sent-to-bsuid-no-phone": [status(DELIVERED, DAN, pricing=price("utility"))],
    "status-authentication-delivered": [status(DELIVERED, pricing=price("authentication"))],
    "status-read-no-pricing": [status(READ, opaque="outbox:7f3c1a52", pricing={})],
    "status-read-without-delivered": [status(READ, pricing=price("service"))],
    "status-read-group-aggregated": [
        status(READ, ANN, pricing=price("group_utility")),
        status(READ, BEN, pricing=price("group_utility")),
    ],
    "status-played-voice": [status(DeliveryStatus.PLAYED)],
    "status-failed-130403-blocked-by-business": [failed(130403, Outcome.UNREACHABLE, opaque="outbox:73537cae")],
    "status-failed-130472-experiment": [failed(130472, Outcome.REJECTED)],
    "status-failed-131000-unknown": [failed(131000, Outcome.RETRY)],
    "status-failed-131026-undeliverable": [failed(131026, Outcome.UNREACHABLE)],
    "status-failed-131042-payment": [failed(131042, Outcome.SENDER_PAUSED)],
    "status-failed-131047-window-closed": [failed(131047, Outcome.REJECTED)],
    "status-failed-131048-spam": [failed(131048, Outcome.SENDER_PAUSED)],
    "status-failed-131049-ecosystem": [failed(131049, Outcome.RETRY)],
    "status-failed-131050-marketing-stopped": [failed(131050, Outcome.OPTED_OUT)],
    "status-failed-131053-media": [failed(131053, Outcome.RETRY)],
    "status-failed-131056-pair": [failed(131056, Outcome.THROTTLED)],
    "status-failed-group": [failed(131041, Outcome.REJECTED, ())],
    "status-failed-sent-to-bsuid": [failed(131026, Outcome.UNREACHABLE, DAN)],
    "account-template-approved": [template(status="APPROVED", category="UTILITY")],
    "account-template-rejected-category": [
        template(status="REJECTED", category="UTILITY", reason="INCORRECT_CATEGORY")
    ],
    "account-template-rejected-invalid-format": [
        template(
            status="REJECTED",
            category="MARKETING",
            reason="INVALID_FORMAT: Two variables stand next to each other without text between them.",
        )
    ],
    "account-template-paused": [template(status="PAUSED", category="MARKETING", reason="FIRST_PAUSE")],
    "account-template-disabled": [template(status="DISABLED", category="MARKETING")],
    "account-template-pending-deletion": [template(status="PENDING_DELETION", category="UTILITY")],
    "account-template-quality": [template(quality="YELLOW")],
    "account-template-category-changed": [template(category="MARKETING")],
    "account-template-category-notice": [template(reason="becomes MARKETING", becomes="MARKETING")],
    "account-template-components": [template(reason="components changed", edited=True)],
    "account-phone-quality-throughput": [sender("throughput", "THROUGHPUT_UPGRADE", tier=-1)],
    "account-business-capability": [sender("tier", "2000", tier=2000)],
    "account-business-capability-tier-string": [sender("tier", "TIER_10K", tier=10_000)],
    "account-business-username": [sender("username", "approved")],
    "account-update-restriction": [
        sender("restriction", "RESTRICTED_BIZ_INITIATED_MESSAGING", until_ms=1_795_770_000_000)
    ],
    "account-update-violation": [sender("violation", "SPAM")],
    "account-update-disabled": [sender("disabled", "DISABLE")],
    "account-update-reinstated": [sender("reinstated", "REINSTATE")],
    "account-user-preferences-stop": [
        (PreferenceEvent, {"granted": False, "purposes": ("offers",), "identifiers": ANN})
    ],
    "account-user-preferences-resume": [
        (PreferenceEvent, {"granted": True, "purposes": ("offers",), "identifiers": ANN})
    ],
    "account-user-id-update": [
        (
            IdentityEvent,
            {
                "previous": (user("GB.73920184650172938465"),),
                "current": (user("GB.20394857610293847561"), phone("+447700900124")),
            },
        )
    ],
    "group-create-succeeded": [group("group_lifecycle_update.group_create")],
    "group-create-failed": [group("group_lifecycle_update.group_create")],
    "group-delete-succeeded": [group("group_lifecycle_update.group_delete")],
    "group-join-request-created": [group("group_participants_update.group_join_request_created")],
    "group-join-request-revoked": [group("group_participants_update.group_join_request_revoked")],
    "group-participant-joined": [group("group_participants_update.group_participants_add")],
    "group-participant-left": [group("group_participants_update.group_participants_remove")],
    "group-participant-removed": [group("group_participants_update.group_participants_remove")],
    "group-settings-partial-failure": [group("group_settings_update.group_settings_update")],
    "group-suspended": [group("group_status_update.group_suspend")],
    "group-suspension-cleared": [group("group_status_update.group_suspend_cleared")],
}

SAMPLES = [name for prefix in ("inbound", "status", "account", "group") for name in names(prefix)]


def items(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """(entry, value, item) of a sample, in its order; for an account-level field the item is the value."""
    for entry in sample(name)["entry"]:
        for change in entry["changes"]:
            value = change["value"]
            keys = ("messages", "statuses", "errors", "user_preferences", "user_id_update", "groups")
            found = [item for key in keys for item in value.get(key, [])]
            for item in found or [value]:
                yield entry, value, item


def test_every_webhook_sample_is_in_the_table() -> None:
    assert sorted(EXPECTED) == sorted(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_recorded_webhook_holds_these_events(name: str) -> None:
    events = CONNECTOR.parse_webhook(raw(name))
    assert [type(event) for event in events] == [kind for kind, _ in EXPECTED[name]]
    for event, (_, expected) in zip(events, EXPECTED[name], strict=True):
        for field, value in expected.items():
            found = getattr(event, field)
            if isinstance(value, dict) and not isinstance(found, dict):
                assert {key: getattr(found, key) for key in value} == value
            elif value is True and not isinstance(found, bool):
                assert found, field
            else:
                assert found == value, field


@pytest.mark.parametrize("name", SAMPLES)
def test_each_event_has_the_account_time_and_id_of_its_item(name: str) -> None:
    events = CONNECTOR.parse_webhook(raw(name))
    for event, (entry, value, item) in zip(events, items(name), strict=True):
        assert not isinstance(event, BadItem)
        assert event.account_id == (NUMBER if "metadata" in value else entry["id"])
        told = item.get("timestamp", entry.get("time", 0))
        assert event.at_ms == int(told) * 1000
        if isinstance(event, MessageEvent | StatusEvent):
            assert event.channel_id == P(item["id"])


def test_the_wire_form_with_its_escapes_reads_the_same() -> None:
    for name in SAMPLES:
        wire = json.dumps(sample(name), ensure_ascii=True).replace("/", "\\/").encode()
        assert CONNECTOR.parse_webhook(wire) == CONNECTOR.parse_webhook(raw(name))


def test_a_fingerprint_of_a_file_is_kept_as_it_came() -> None:
    (event,) = CONNECTOR.parse_webhook(raw("inbound-image"))
    assert isinstance(event, MessageEvent)
    assert isinstance(event.media, MediaRef)
    assert event.media.sha256 == "TNm3Zy1/vuj7UfseBJ9pA0IDX1Q6jv5zS3tf+wwVSkU="


def test_keys_are_the_same_when_delivered_again_and_differ_between_items() -> None:
    keyed = [name for name in SAMPLES if EXPECTED[name][0][0] in (PreferenceEvent, IdentityEvent)]
    found = []
    for name in keyed:
        (first,), (again,) = CONNECTOR.parse_webhook(raw(name)), CONNECTOR.parse_webhook(raw(name))
        assert isinstance(first, PreferenceEvent | IdentityEvent)
        assert first == again
        assert not any(person in first.key for person in ("447700", "GB.", "wamid"))
        found.append(first.key)
    assert len(found) == len(set(found)) == 6


def test_nothing_personal_shows_when_an_event_is_printed() -> None:
    for name in SAMPLES:
        shown = repr(CONNECTOR.parse_webhook(raw(name)))
        for mark in ("447700", "7700 900", "GB.", "wamid", "Ann", "Примеров", "Hidden", "Tuesday"):
            assert mark not in shown, name
