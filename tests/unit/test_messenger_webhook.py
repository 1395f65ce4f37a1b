"""Webhooks of a Page beyond the samples: forms Meta is free to send, and what nobody should."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.messenger import MessengerConnector
from connectors.meta.graph import Graph
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
    ThreadEvent,
    UnknownEvent,
)
from gateway.model.message import DeliveryStatus
from gateway.model.personal import Personal as P

PAGE, PERSON, APP = "141421356237309", "7894561230123456", "1729384756012345"
CONNECTOR = MessengerConnector(Graph("http://127.0.0.1:9"), app_id=APP)
AT = 1795282931500


def entry(*items: Any, key: str = "messaging", **more: Any) -> dict[str, Any]:
    return {"id": PAGE, "time": AT + 5, key: list(items), **more}


def body(*entries: Any) -> bytes:
    return json.dumps({"object": "page", "entry": list(entries)}).encode()


def item(**what: Any) -> dict[str, Any]:
    return {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": AT, **what}


def echoed(**message: Any) -> dict[str, Any]:
    said = {"mid": "m_1", "is_echo": True, **message}
    return {"sender": {"id": PAGE}, "recipient": {"id": PERSON}, "timestamp": AT, "message": said}


def events(*items: Any, key: str = "messaging") -> list[Any]:
    return list(CONNECTOR.parse_webhook(body(entry(*items, key=key))))


def one(found: Any, key: str = "messaging") -> Any:
    (event,) = events(found, key=key)
    return event


def file(kind: str, url: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "payload": {"url": url, **more}}


def test_the_echo_of_a_message_of_ours_is_the_evidence_of_its_sending() -> None:
    event = one(echoed(app_id=int(APP), metadata="m07abc.2.pg", text="Hello"))
    assert isinstance(event, StatusEvent)
    assert (event.status, event.failed, event.opaque) == (DeliveryStatus.SENT, False, "m07abc.2.pg")
    assert (event.channel_id, event.identifiers[0].value) == (P("m_1"), P(PERSON))
    # The metadata alone is enough: it came with our token.
    assert one(echoed(app_id=77, metadata="m07abc.2.pg", text="Hello")).opaque == "m07abc.2.pg"
    assert one(echoed(metadata="m07abc.2.pg", text="Hello")).opaque == "m07abc.2.pg"
    # On standby as well: we spoke before the thread was taken.
    assert one(echoed(metadata="m07abc.2.pg", text="Hello"), "standby").status is DeliveryStatus.SENT


@pytest.mark.parametrize("metadata", ["out_1", "x" * 1001, "", 7, "m07abc.x.pg"])
def test_metadata_that_is_not_ours_makes_no_evidence(metadata: Any) -> None:
    event = one(echoed(app_id=77, metadata=metadata, text="Hello"))
    assert isinstance(event, EchoEvent)
    assert (event.program, event.person, event.text) == ("77", False, P("Hello"))


@pytest.mark.parametrize("app_id", [263902037430900, "263902037430900", 26390203743090, None])
def test_the_pages_inbox_is_where_people_write(app_id: Any) -> None:
    event = one(echoed(text="Mara here", **({"app_id": app_id} if app_id else {})))
    assert isinstance(event, EchoEvent)
    assert event.person
    assert event.program == ("" if app_id is None else str(app_id))


def test_an_echo_shows_a_file_and_what_it_answers() -> None:
    event = one(echoed(attachments=[file("image", "https://a.fbcdn.net/a.jpg")], reply_to={"mid": "m_0"}))
    assert (event.kind, event.answers, event.media.mime) == (InboundKind.MEDIA, P("m_0"), "image/jpeg")


def test_what_comes_from_the_page_without_a_mark_is_an_echo_all_the_same() -> None:
    assert isinstance(one(echoed(is_echo=None, text="Hello")), EchoEvent)


def test_what_the_page_does_in_its_own_name_is_nobodys_message() -> None:
    own = {"sender": {"id": PAGE}, "recipient": {"id": PERSON}, "timestamp": AT}
    assert one({**own, "reaction": {"mid": "m_1", "action": "react", "emoji": "👍"}}) == UnknownEvent(PAGE, "own.reaction", AT)


def test_each_named_message_is_delivered_and_so_is_everything_before_the_mark() -> None:
    found = events(item(delivery={"mids": ["m_1", "m_2", None], "watermark": AT - 100}))
    assert [type(event) for event in found] == [StatusEvent, StatusEvent, ReceiptEvent]
    assert [event.channel_id for event in found[:2]] == [P("m_1"), P("m_2")]
    assert (found[2].status, found[2].until_ms) == (DeliveryStatus.DELIVERED, AT - 100)
    assert isinstance(one(item(delivery={"mids": []})), BadItem)
    assert isinstance(one(item(read={"watermark": "soon"})), BadItem)


def test_a_mark_in_seconds_is_read_as_seconds() -> None:
    assert one(item(read={"watermark": AT // 1000})).until_ms == AT // 1000 * 1000


@pytest.mark.parametrize(("count", "edits"), [(3, 3), ("3", 3), (None, 1), ("many", 1)])
def test_an_edit_says_how_often_in_whatever_way_it_counts(count: Any, edits: int) -> None:
    event = one(item(message_edit={"mid": "m_1", "text": "new", "num_edit": count}))
    assert event == EditEvent(PAGE, P("m_1"), event.identifiers, AT, P("new"), edits)


@pytest.mark.parametrize(
    ("given_reaction", "shown"),
    [
        ({"action": "react", "reaction": "love", "emoji": "❤️"}, "❤️"),
        ({"action": "react", "reaction": "dislike"}, "👎"),
        ({"action": "react", "reaction": "other", "emoji": "🦄"}, "🦄"),
        ({"action": "react", "reaction": "hug"}, "hug"),
        ({"action": "unreact"}, ""),
    ],
)
def test_a_reaction_shows_its_emoji(given_reaction: dict[str, str], shown: str) -> None:
    event = one(item(reaction={"mid": "m_1", **given_reaction}))
    assert (event.kind, event.text, event.answers) == (InboundKind.REACTION, P(shown), P("m_1"))
    assert event.opens_window is (shown != "")


def test_reactions_one_after_another_are_told_apart_and_a_repetition_is_not() -> None:
    reactions = [item(reaction={"mid": "m_1", "action": "react", "emoji": emoji}) for emoji in ("👍", "❤️", "👍")]
    first, second, third = events(*reactions)
    assert first.channel_id == third.channel_id != second.channel_id


def test_a_button_is_shown_by_its_title_and_known_by_its_payload() -> None:
    pressed = one(item(postback={"mid": "m_1", "title": "Yes", "payload": "yes:1"}))
    assert (pressed.kind, pressed.text, pressed.payload, pressed.channel_id) == (InboundKind.BUTTON, P("Yes"), "yes:1", P("m_1"))
    nameless = one(item(postback={"payload": "yes:1"}))
    assert (nameless.text, nameless.payload) == (P("yes:1"), "yes:1")
    assert nameless.channel_id == one(item(postback={"payload": "yes:1"})).channel_id
    assert isinstance(one(item(postback={"mid": "m_1"})), BadItem)


def test_who_came_by_a_link_brings_its_token_with_the_first_button_or_message() -> None:
    referral = {"ref": "bkt_1", "source": "SHORTLINK", "type": "OPEN_THREAD"}
    assert one(item(postback={"mid": "m_1", "payload": "GET_STARTED", "referral": referral})).referral == P("bkt_1")
    assert one(item(message={"mid": "m_1", "text": "Hi", "referral": referral})).referral == P("bkt_1")
    arrived = one(item(referral={"source": "SHORTLINK"}))
    assert isinstance(arrived, ArrivalEvent)
    assert (arrived.referral, arrived.opens_window) == (P(""), True)


def test_files_with_words_and_shares_are_one_message() -> None:
    event = one(
        item(
            message={
                "mid": "m_1",
                "text": "Look",
                "attachments": [
                    file("image", "https://a.fbcdn.net/a.png"),
                    file("file", "https://b.fbsbx.com/v/lost%20bag.pdf?x=1"),
                    file("post", "https://www.facebook.com/1", title="News"),
                    {"type": "hologram", "payload": {}},
                    None,
                ],
            }
        )
    )
    assert (event.kind, event.detail) == (InboundKind.MEDIA, "image")
    assert event.text == P("Look\nNews\nhttps://www.facebook.com/1")
    assert [one.mime for one in (event.media, *event.more_media)] == ["image/png", "application/pdf"]
    assert event.more_media[0].filename == P("lost bag.pdf")


MESSAGES: list[tuple[str, dict[str, Any], InboundKind, str, str]] = [
    ("nothing at all", {}, InboundKind.UNSUPPORTED, "", "empty"),
    ("what is not shown to us", {"is_unsupported": True}, InboundKind.UNSUPPORTED, "", "unsupported"),
    ("a new kind", {"attachments": [{"type": "hologram"}]}, InboundKind.OTHER, "", "hologram"),
    ("an image without address", {"attachments": [{"type": "image", "payload": {}}]}, InboundKind.OTHER, "", "image"),
    ("a place without numbers", {"attachments": [{"type": "location"}]}, InboundKind.OTHER, "", "location"),
    (
        "a share in its old shape",
        {"attachments": [{"type": "fallback", "title": "Map", "url": "https://a.example", "payload": None}]},
        InboundKind.OTHER,
        "Map\nhttps://a.example",
        "fallback",
    ),
    (
        "a product",
        {"attachments": [{"type": "template", "payload": {"product": {"elements": [{"title": "Bag", "subtitle": "€ 5"}]}}}]},
        InboundKind.OTHER,
        "Bag\n€ 5",
        "template",
    ),
    (
        "an appointment in no time zone",
        {"attachments": [{"type": "appointment_booking", "payload": {"status": "confirmed", "start_time": 1796364900}}]},
        InboundKind.OTHER,
        "confirmed 2026-12-04T06:15+00:00",
        "appointment_booking",
    ),
    ("a number asked for", {"text": "+44 7700 900123", "quick_reply": {"payload": "+447700900123"}}, InboundKind.TEXT,
     "+44 7700 900123", "contact_data"),
    ("words that are no text", {"text": 42}, InboundKind.TEXT, "42", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "said", "kind", "text", "detail"), MESSAGES)
def test_a_message_of_any_shape_is_somebodys_message(
    name: str, said: dict[str, Any], kind: InboundKind, text: str, detail: str
) -> None:
    event = one(item(message={"mid": "m_1", **said}))
    assert isinstance(event, MessageEvent)
    assert (event.kind, event.text, event.detail, event.payload) == (kind, P(text), detail, None)


def test_a_deleted_message_is_not_a_repetition_of_itself() -> None:
    event = one(item(message={"mid": "m_1", "is_deleted": True}))
    assert (event.detail, event.answers, event.opens_window) == ("revoke", P("m_1"), False)
    assert event.channel_id != P("m_1")


def test_a_sticker_is_no_photo_in_any_of_its_forms() -> None:
    sticker = file("sticker", "https://a.fbcdn.net/a.png", sticker_id=12345)
    old = file("image", "https://a.fbcdn.net/a.png", sticker_id=12345)
    for forms in ([sticker], [old], [old, sticker]):
        event = one(item(message={"mid": "m_1", "attachments": forms}))
        assert (event.detail, event.more_media, event.text) == ("sticker", (), P(""))


@pytest.mark.parametrize(
    ("owner", "holder"), [(APP, Holder.US), (int(APP), Holder.US), ("77", Holder.OTHER), (None, Holder.NOBODY)]
)
@pytest.mark.parametrize("kind", ["pass_thread_control", "take_thread_control"])
def test_a_thread_is_ours_only_when_its_owner_is_our_app(kind: str, owner: Any, holder: Holder) -> None:
    for key in ("messaging", "standby", "messaging_handovers"):
        event = one(item(**{kind: {"previous_owner_app_id": None, "new_owner_app_id": owner}}), key)
        assert isinstance(event, ThreadEvent)
        assert (event.holder, event.wanted) == (holder, False)


@pytest.mark.parametrize(
    ("state", "expected"), [("STOP_NOTIFICATIONS", False), ("RESUME_NOTIFICATIONS", True), ("PAUSED", None)]
)
def test_stopping_and_resuming_notifications_is_told_and_nothing_else_is_a_consent(state: str, expected: bool | None) -> None:
    event = one(item(optin={"type": "notification_messages", "notification_messages_status": state}))
    if expected is None:
        assert event == UnknownEvent(PAGE, "optin.notification_messages", AT)
    else:
        assert isinstance(event, PreferenceEvent)
        assert (event.granted, event.purposes) == (expected, ("offers",))


@pytest.mark.parametrize(
    ("action", "what"), [("warning", "violation"), ("block", "restriction"), ("unblock", "reinstated"), ("frown", "policy")]
)
def test_what_meta_does_to_the_page_is_told(action: str, what: str) -> None:
    given_item = {"recipient": {"id": PAGE}, "timestamp": AT, "policy_enforcement": {"action": action, "reason": "x"}}
    assert one(given_item) == SenderEvent(PAGE, what, action, AT)


@pytest.mark.parametrize("key", ["message", "reaction", "read", "delivery", "postback", "message_edit", "pass_thread_control"])
def test_an_item_without_its_person_or_content_is_bad_and_its_neighbour_is_not(key: str) -> None:
    good = item(message={"mid": "m_9", "text": "Hi"})
    nobody = {"recipient": {"id": PAGE}, "timestamp": AT, key: {"mid": "m_1", "text": "x", "watermark": AT, "payload": "p"}}
    for bad in (nobody, item(**{key: 7}), item(**{key: None})):
        found = events(good, bad, good)
        assert isinstance(found[1], BadItem)
        assert [type(event) for event in (found[0], found[2])] == [MessageEvent, MessageEvent]
        assert found[1].where.startswith("$.entry[0].messaging[1]")
        assert PERSON not in found[1].why + found[1].where


def test_an_item_without_its_own_time_has_that_of_its_entry() -> None:
    timeless = {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "message": {"mid": "m_1", "text": "x"}}
    assert one(timeless).at_ms == AT + 5
    assert isinstance(CONNECTOR.parse_webhook(body({"id": PAGE, "messaging": [timeless]}))[0], BadItem)


def test_changes_that_are_items_and_changes_that_are_not_live_side_by_side() -> None:
    found = events(
        {"field": "messages", "value": item(message={"mid": "m_1", "text": "x"})},
        {"field": "standby", "value": item(message={"mid": "m_2", "text": "x"})},
        {"field": "calls", "value": {"from": PERSON}},
        {"field": "messages", "value": 7},
        key="changes",
    )
    assert [type(event) for event in found] == [MessageEvent, MessageEvent, UnknownEvent, BadItem]
    assert (found[0].standby, found[1].standby, found[2].what) == (False, True, "calls")


def test_several_arrays_in_one_entry_are_all_read() -> None:
    whole = {**entry(item(read={"watermark": AT})), "standby": [item(message={"mid": "m_1", "text": "x"})]}
    assert [type(event) for event in CONNECTOR.parse_webhook(body(whole))] == [ReceiptEvent, MessageEvent]


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b'{"object":"page"', b'{"object":"user","entry":[]}', b'{"object":"page","entry":{}}', b"\xff\xfe"],
)
def test_a_body_that_is_no_webhook_of_a_page_is_one_bad_item(raw: bytes) -> None:
    (event,) = CONNECTOR.parse_webhook(raw)
    assert isinstance(event, BadItem)
    assert event.raw == raw


@pytest.mark.parametrize("given_entry", [None, 7, [], {"id": PAGE, "messaging": 7}, {"messaging": []}, {"id": "", "time": AT}])
def test_an_entry_that_cannot_be_read_costs_only_itself(given_entry: Any) -> None:
    found = CONNECTOR.parse_webhook(body(given_entry, entry(item(message={"mid": "m_1", "text": "x"}))))
    assert [type(event) for event in found] == [BadItem, MessageEvent]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(
    ["message", "postback", "reaction", "read", "delivery", "message_edit", "referral", "optin", "pass_thread_control",
     "take_thread_control", "request_thread_control", "messaging_feedback", "response_feedback", "policy_enforcement",
     "account_linking", "x"]
)  # fmt: skip
FIELDS = st.sampled_from(
    ["mid", "text", "attachments", "quick_reply", "payload", "title", "is_echo", "metadata", "app_id", "watermark", "mids", "ref",
     "type", "new_owner_app_id", "referral", "reply_to", "action", "emoji", "feedback_screens", "commands"]
)  # fmt: skip
ITEMS = st.builds(
    lambda kind, fields, sender, stamp: {
        "sender": sender, "recipient": {"id": PAGE}, "timestamp": stamp, kind: fields},
    KINDS,
    st.dictionaries(FIELDS, JSON, max_size=5) | JSON,
    st.just({"id": PERSON}) | st.just({"id": PAGE}) | JSON,
    st.just(AT) | JSON,
)  # fmt: skip


@given(st.lists(ITEMS | JSON, max_size=3), st.sampled_from(["messaging", "standby", "messaging_handovers"]))
@settings(max_examples=200, deadline=None)
def test_nothing_that_is_sent_breaks_the_reading_of_the_rest(items: list[Any], key: str) -> None:
    good = item(message={"mid": "m_1", "text": "Hi"})
    found = CONNECTOR.parse_webhook(body(entry(*items, good, key=key)))
    assert isinstance(found[-1], MessageEvent)
    for event in found:
        # What cannot be read is Unreadable, never a mistake of ours.
        assert not isinstance(event, BadItem) or " " in event.why
