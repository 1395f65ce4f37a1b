"""Every sample of a Messenger webhook, with the events we read in it.

A row names what the event says beyond what is checked of every event: its Page, its time, its channel id, its keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.connector import (
    ArrivalEvent,
    BadItem,
    EchoEvent,
    EditEvent,
    Holder,
    InboundKind,
    MessageEvent,
    PreferenceEvent,
    ReceiptEvent,
    SenderEvent,
    StatusEvent,
    TemplateEvent,
    ThreadEvent,
    UnknownEvent,
)
from gateway.model.message import DeliveryStatus
from gateway.model.personal import Personal as P
from tests.contract.messenger_samples import (
    ANN,
    BEN,
    CONNECTOR,
    DESK_APP,
    OUR_APP,
    PAGE,
    PAGE_INBOX,
    SECOND_PAGE,
    WITHOUT_APP,
    ZOE,
    ZOE_AT_SECOND,
    names,
    psid,
    raw,
    sample,
)

Row = tuple[type, dict[str, Any]]

OURS = "m_Essf-WIwufXLfICtk1G4rovSaYy9e-pYgKtrXoUamYhUooHbluaD57WNisULEJ1qjDjgnlbvtSUqCunMuLbGIa7awB7FWImY"
CARDS = "m_d7N4zSGeboHnCghE_0ZOKomq-e5l31nPDWqndu9UQAfFyiLAVpxOJgNRyaW6z-9I_7qhwP52hfc1lPSR8nhvPCyr8vJ2JghJ"


def message(kind: InboundKind, text: str, who: Any = ANN, **more: Any) -> Row:
    nothing = {"payload": None, "answers": None, "referral": None, "standby": False, "opens_window": True, "detail": ""}
    return MessageEvent, {**nothing, "kind": kind, "text": P(text), "identifiers": who, "more_media": (), **more}


def media(mime: str, detail: str, url_ends: str, text: str = "", **more: Any) -> Row:
    return message(InboundKind.MEDIA, text, detail=detail, **{"media": (mime, url_ends), "more_media": None, **more})


def button(text: str, payload: str | None, who: Any = ANN, **more: Any) -> Row:
    return message(InboundKind.BUTTON, text, who, payload=payload, **more)


def status(rank: DeliveryStatus, **more: Any) -> Row:
    return StatusEvent, {"status": rank, "failed": False, "result": None, "identifiers": ANN, "opaque": None, **more}


def receipt(rank: DeliveryStatus, until_ms: int, who: Any = ANN) -> Row:
    return ReceiptEvent, {"status": rank, "until_ms": until_ms, "identifiers": who}


def thread(holder: Holder, program: str, **more: Any) -> Row:
    return ThreadEvent, {"holder": holder, "program": program, "identifiers": ANN, "wanted": False, **more}


def arrival(ref: str, source: str) -> Row:
    return ArrivalEvent, {"referral": P(ref), "source": source, "identifiers": ANN, "opens_window": True}


def echo(text: str) -> Row:
    who = {"program": PAGE_INBOX, "person": True, "identifiers": ANN}
    return EchoEvent, {**who, "text": P(text), "kind": InboundKind.TEXT, "media": None}


def sender(what: str, value: str) -> Row:
    return SenderEvent, {"what": what, "value": value, "tier": None, "until_ms": None}


def template(name: str, language: str, state: str, reason: str = "") -> Row:
    known = {"name": name, "language": language, "status": state, "reason": reason}
    return TemplateEvent, {**known, "quality": None, "category": None}


def unknown(what: str) -> Row:
    return UnknownEvent, {"what": what}


TEXT, OTHER, UNSUPPORTED = InboundKind.TEXT, InboundKind.OTHER, InboundKind.UNSUPPORTED
SENT, DELIVERED, READ = DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ
STICKER = "5411344281094848512_n.png?_nc_cat=1&ccb=1-7&oe=6A2B0001"
HELLO = message(TEXT, "Hello World")

EXPECTED: dict[str, list[Row]] = {
    "inbound-message-text": [message(TEXT, "Grüezi! Fährt der RE 4711 morgen früh? 🚆")],
    "inbound-message-quick-reply": [button("Show my ticket", "TICKET_SHOW:bk_7Q2M")],
    "inbound-message-quick-reply-email": [message(TEXT, "traveller@example.com", detail="contact_data")],
    "inbound-message-reply-to": [message(TEXT, "This one, please", answers=P(CARDS))],
    "inbound-message-nlp": [message(TEXT, "train from Lindental to Marienau tomorrow at 8am")],
    "inbound-message-commands": [message(TEXT, "trains from Lindental to Marienau on Friday", detail="command trains")],
    "inbound-message-fallback-link": [message(TEXT, "Is this still true? https://lindental-rail.example/disruptions")],
    "inbound-message-fallback-unsupported": [message(UNSUPPORTED, "", detail="fallback")],
    "inbound-message-image": [media("image/jpeg", "image", "&oe=6A4F2C11")],
    "inbound-message-multiple-images": [
        media("image/jpeg", "image", "3829404322d2287cb3bc&oe=6A4F2C11", more_media=["image/jpeg", "image/jpeg"])
    ],
    "inbound-message-audio": [media("audio/mp4", "voice", "&oe=6A2BB001&dl=1")],
    "inbound-message-video": [media("video/mp4", "video", "&oe=6A2B9A41&dl=1")],
    "inbound-message-file": [media("application/pdf", "file", "&oe=6A2BB001&dl=1")],
    "inbound-message-sticker": [media("image/png", "sticker", STICKER, "👍")],
    "inbound-message-sticker-legacy": [media("image/png", "sticker", STICKER, "👍")],
    "inbound-message-sticker-transition": [media("image/png", "sticker", STICKER, "👍", more_media=[])],
    "inbound-message-location": [message(InboundKind.LOCATION, "47.37791, 8.54026")],
    "inbound-message-post-share": [
        message(
            OTHER,
            "New timetable from 13 December\nhttps://www.facebook.com/108234561237890/posts/1122334455667788",
            detail="post",
        )
    ],
    "inbound-message-reel-share": [
        message(OTHER, "Cab ride\nhttps://www.facebook.com/reel/998877665544332", detail="reel")
    ],
    "inbound-message-appointment-booking": [
        message(OTHER, "requested 2026-12-04T07:15+01:00 - 2026-12-04T07:45+01:00", detail="appointment_booking")
    ],
    "inbound-message-ad-referral": [
        message(TEXT, "Can I still book the weekend fare?", referral=P("autumn_weekend"))
    ],
    "inbound-message-after-checkbox": [message(TEXT, "Thanks, got it")],
    "inbound-message-edit": [(EditEvent, {"text": P("Fährt der RE 4713 morgen früh?"), "edits": 1, "identifiers": ANN})],
    "inbound-dashboard-test-changes-form": [
        message(TEXT, "test_message", (psid("12334", "0"),), detail="command command123", account_id="0")
    ],
    "inbound-postback-button": [button("Show ticket", "TICKET_SHOW:bk_7Q2M")],
    "inbound-postback-get-started-plain": [button("Get Started", "GET_STARTED", ZOE)],
    "inbound-postback-get-started-referral": [
        button("Get Started", "GET_STARTED", BEN, referral=P("bkt_eyJhbGciOi-9fK2_Zq7="))
    ],
    "inbound-postback-ice-breaker": [button("Is my train on time?", "ICE_STATUS")],
    "inbound-postback-persistent-menu": [button("Talk to a person", "MENU_HUMAN")],
    "inbound-postback-utility-button": [button("Other connections", "ALT:RE4711:bk_7Q2M")],
    "inbound-reaction": [message(InboundKind.REACTION, "❤️", answers=P(OURS))],
    "inbound-reaction-removed": [message(InboundKind.REACTION, "", answers=P(OURS), opens_window=False)],
    "inbound-feedback-csat": [
        message(OTHER, "csat: 4\nQuick answer, thank you", detail="feedback", opens_window=False)
    ],
    "inbound-response-feedback": [unknown("response_feedback.bad")],
    "inbound-account-linking-linked": [unknown("account_linking.linked")],
    "inbound-account-linking-unlinked": [unknown("account_linking.unlinked")],
    "inbound-echo-own-app": [status(SENT)],
    "inbound-echo-template": [status(SENT)],
    "inbound-echo-page-inbox-human": [echo("Good evening, Mara from the service desk here.")],
    "inbound-standby-echo": [echo("Done, seat 51 in coach 3.")],
    "inbound-standby-message": [message(TEXT, "Can you rebook me to the 09:15?", standby=True)],
    "inbound-standby-postback-without-payload": [button("Show ticket", None, standby=True)],
    "inbound-delivery": [status(DELIVERED), receipt(DELIVERED, 1795282992400)],
    "inbound-delivery-watermark-only": [receipt(DELIVERED, 1795282993900)],
    "inbound-read": [receipt(READ, 1795282995400)],
    "inbound-referral-m-me": [arrival("bkt_Xt5-pQ8_2Lw=", "SHORTLINK")],
    "inbound-referral-seconds-timestamp": [arrival("bkt_Xt5-pQ8_2Lw=", "SHORTLINK")],
    "inbound-referral-ad": [arrival("autumn_weekend", "ADS")],
    "inbound-optin-send-to-messenger": [arrival("bkt_Mn3_7xR=", "PLUGIN")],
    "inbound-optin-checkbox-user-ref": [unknown("optin.user_ref")],
    "inbound-optin-one-time-notification": [unknown("optin.one_time_notif_req")],
    "inbound-optin-notification-messages": [unknown("optin.notification_messages")],
    "inbound-optin-notification-messages-stopped": [
        (PreferenceEvent, {"granted": False, "purposes": ("offers",), "identifiers": ANN})
    ],
    "inbound-handover-pass-to-us": [thread(Holder.US, OUR_APP)],
    "inbound-handover-pass-from-idle": [thread(Holder.US, OUR_APP)],
    "inbound-handover-own-array": [thread(Holder.US, OUR_APP)],
    "inbound-handover-take": [thread(Holder.OTHER, PAGE_INBOX)],
    "inbound-handover-request": [thread(Holder.US, DESK_APP, wanted=True)],
    "inbound-handover-app-roles": [unknown("app_roles")],
    "inbound-policy-enforcement-warning": [sender("violation", "warning")],
    "inbound-policy-enforcement-block-legacy-key": [sender("restriction", "block")],
    "inbound-template-status-approved": [template("train_delay_v2", "en", "APPROVED")],
    "inbound-template-status-rejected": [template("winter_offer", "de", "REJECTED", "TAG_SHOULD_BE_MARKETING")],
    "inbound-feed-comment": [unknown("feed.comment.add")],
    "inbound-unknown-event": [unknown("some_future_event")],
    "inbound-empty-entry": [unknown("entry")],
    "inbound-batch-multiple-entries": [
        message(TEXT, "Hello"),
        receipt(READ, 1795283024500, BEN),
        message(TEXT, "Bonjour", ZOE_AT_SECOND, account_id=SECOND_PAGE),
    ],
    "inbound-duplicate-in-one-delivery": [HELLO, HELLO],
    "inbound-out-of-order": [message(TEXT, "second"), message(TEXT, "first")],
}

SAMPLES = names("inbound")


def items(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(entry, item) of a sample, in its order; the entry itself where it holds none."""
    for entry in sample(name)["entry"]:
        found = [item for key in ("messaging", "standby", "messaging_handovers") for item in entry.get(key, [])]
        found += [change["value"] for change in entry.get("changes", [])]
        for item in found or [{}]:
            yield entry, item


def test_every_webhook_sample_is_in_the_table() -> None:
    assert sorted(EXPECTED) == sorted(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_recorded_webhook_holds_these_events(name: str) -> None:
    events = CONNECTOR.parse_webhook(raw(name))
    assert [type(event) for event in events] == [kind for kind, _ in EXPECTED[name]]
    for event, (_, expected) in zip(events, EXPECTED[name], strict=True):
        for field, value in {"account_id": PAGE, **expected}.items():
            found = getattr(event, field)
            if field == "media" and value is not None:
                mime, url_ends = value
                assert found.mime == mime
                assert found.channel_media_id.reveal().startswith("https://")
                assert found.channel_media_id.reveal().endswith(url_ends)
            elif field == "more_media" and value != ():
                assert [one.mime for one in found] == (value or [])
            else:
                assert found == value, field


@pytest.mark.parametrize("name", SAMPLES)
def test_each_event_has_the_time_and_id_of_its_item(name: str) -> None:
    events = CONNECTOR.parse_webhook(raw(name))
    found = list(items(name))
    if name == "inbound-delivery":
        found *= 2  # one item, a status for its message and a receipt for its watermark
    for event, (entry, item) in zip(events, found, strict=True):
        assert not isinstance(event, BadItem)
        told = int(item.get("timestamp") or entry["time"])
        assert event.at_ms == (told if told > 10**11 else told * 1000)
        if isinstance(event, MessageEvent | StatusEvent | EchoEvent | EditEvent):
            said = item.get("message") or item.get("postback") or item.get("message_edit") or {}
            given = said.get("mid") or item.get("delivery", {"mids": [""]})["mids"][0]
            # A reaction and a form have no id of their own; theirs tells the same thing the same way.
            assert event.channel_id == P(given) if given else len(event.channel_id.reveal()) == 32


def test_the_wire_form_with_its_escapes_reads_the_same() -> None:
    for name in SAMPLES:
        wire = json.dumps(sample(name), ensure_ascii=True).replace("/", "\\/").encode()
        assert CONNECTOR.parse_webhook(wire) == CONNECTOR.parse_webhook(raw(name))


def test_keys_are_the_same_when_delivered_again_and_differ_between_items() -> None:
    found: dict[str, str] = {}
    for name in SAMPLES:
        first, again = CONNECTOR.parse_webhook(raw(name)), CONNECTOR.parse_webhook(raw(name))
        assert first == again
        for event in first:
            if isinstance(event, ReceiptEvent | ThreadEvent | ArrivalEvent | PreferenceEvent):
                assert not any(person in event.key for person in ("7894561230123456", "bkt_"))
                assert found.setdefault(event.key, name) == name
    assert len(found) == 14


def test_nothing_personal_shows_when_an_event_is_printed() -> None:
    marks = ("7894561230123456", "6543210987654321", "8123456701234567", "m_", "bkt_", "fbcdn", "Mara", "example.com")
    for name in SAMPLES:
        shown = repr(CONNECTOR.parse_webhook(raw(name)))
        for mark in (*marks, "Hello", "Lindental"):
            assert mark not in shown, name


def test_without_our_app_id_an_echo_of_our_own_is_another_programs_word() -> None:
    (event,) = WITHOUT_APP.parse_webhook(raw("inbound-echo-own-app"))
    assert isinstance(event, EchoEvent)
    assert (event.program, event.person) == (OUR_APP, False)
    (cards,) = WITHOUT_APP.parse_webhook(raw("inbound-echo-template"))
    assert isinstance(cards, EchoEvent)
    assert cards.text == P("RE 4711 Lindental Hbf - Marienau\nFri 4 Dec, 07:15, platform 7, coach 3 seat 42")


def test_without_our_app_id_only_the_pages_inbox_is_known_to_hold_a_thread() -> None:
    (taken,) = WITHOUT_APP.parse_webhook(raw("inbound-handover-take"))
    (passed,) = WITHOUT_APP.parse_webhook(raw("inbound-handover-pass-to-us"))
    assert isinstance(taken, ThreadEvent)
    assert taken.holder is Holder.OTHER
    assert passed == UnknownEvent(PAGE, "pass_thread_control.no_app_id", 1795282997500)
