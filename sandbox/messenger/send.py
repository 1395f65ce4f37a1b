"""``POST /{page-id}/messages``: what a send must be and whom it reaches; Meta, "Send a Message", 5 May 2026.

Three steps: ``check`` refuses (its order: the request, the Page, the tag, the content, the person, the thread, the window),
``attachments.settle`` fetches while the caller waits, ``accept`` puts the bubble on the phone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.messenger import attachments, cdn, message, people, personas, recipients, threads
from sandbox.messenger import world as pages
from sandbox.messenger.attachments import Bytes
from sandbox.messenger.draft import Draft
from sandbox.messenger.errors import PageError, injected, invalid
from sandbox.messenger.reading import one_of, text, thing
from sandbox.messenger.recipients import Recipient
from sandbox.store import Json
from sandbox.world import World

TYPES = ("RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY")
DEAD_TAGS = ("CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE", "ACCOUNT_UPDATE")  # refused since 27 April 2026
TAGS = ("HUMAN_AGENT", "CUSTOMER_FEEDBACK")
TEXTS_A_SECOND, HEAVY_A_SECOND = 300, 10  # Meta, "Messenger Platform rate limits", 23 March 2026


@dataclass
class Send:
    """A checked send on its way to ``accept``."""

    recipient: Recipient
    draft: Draft
    persona: Json | None
    control: Json | None
    reply_to: str | None
    persona_id: str | None


def check(world: World, page: Json, body: Json, upload: Bytes | None) -> Send:
    """raises: PageError"""
    _whole(body)
    recipient = recipients.find(world, page, body.get("recipient"))
    _fault(world, page, recipient.address)
    if page["restricted"]:
        raise PageError(10, 1893063)
    kind, tag = _kind(page, body)
    draft = message.read(world, page, body["message"], upload)
    _fits(kind, tag, body["message"], draft)
    if body.get("notification_type") is not None:
        one_of(body["notification_type"], "notification_type", ("REGULAR", "SILENT_PUSH", "NO_PUSH"))
    persona = personas.speaker(world, page["id"], body.get("persona_id"))
    control = threads.check_inline(world, page, body.get("thread_control"))
    reply_to = _reply_to(world, page, recipient, body.get("reply_to"))
    reachable(world, page, recipient.address)
    if not recipient.free and kind != "UTILITY":
        windowed(world, page, recipient.address, pages.HUMAN_AGENT_MS if tag else pages.WINDOW_MS)
    _asked_before(world, page, recipient, draft)
    _pace(world, page, draft)
    return Send(recipient, draft, persona, control, reply_to, str(body["persona_id"]) if persona else None)


def _whole(body: Json) -> None:
    """Either a message or an action. raises: 100/2018014, 100/2018015"""
    has_message, has_action = body.get("message") is not None, body.get("sender_action") not in (None, "")
    if has_message and has_action:
        raise PageError(100, 2018014)
    if not has_message and not has_action:
        raise PageError(100, 2018015)


def _fault(world: World, page: Json, address: str) -> None:
    fault = world.faults.take("code", page["id"], address)
    if fault is not None:
        raise injected(fault)


def _kind(page: Json, body: Json) -> tuple[str, str | None]:
    """(messaging type, tag). Without a type it is a response. raises: 100, 100/1893061 for the dead tags"""
    tag = body.get("tag")
    if tag in DEAD_TAGS:
        raise PageError(100, 1893061)
    kind = one_of(body["messaging_type"], "messaging_type", TYPES) if body.get("messaging_type") is not None else ""
    if tag is not None and kind != "MESSAGE_TAG":
        raise invalid("Messaging type should be MESSAGE_TAG for tagged messages")
    if kind == "MESSAGE_TAG":
        one_of(tag, "tag", TAGS)
        if tag == "HUMAN_AGENT" and not page["human_agent"]:
            raise invalid("Cannot tag messages with 'HUMAN_AGENT' without prior approval.")
    return kind, tag


def _fits(kind: str, tag: str | None, said: Json, draft: Draft) -> None:
    """Utility templates go as UTILITY and nothing else does (a type may be missing inside the window)."""
    if kind == "UTILITY" and draft.type != "utility":
        raise invalid("The parameter message[template] is required for utility messages")
    if draft.type == "utility" and kind not in ("UTILITY", ""):
        raise invalid("Messaging type should be UTILITY for messages with a template")
    payload = (said.get("attachment") or {}).get("payload") or {}
    if tag == "CUSTOMER_FEEDBACK" and payload.get("template_type") != "customer_feedback":
        raise invalid("The tag CUSTOMER_FEEDBACK is for the customer feedback template")


def _reply_to(world: World, page: Json, recipient: Recipient, value: Any) -> str | None:
    if value is None:
        return None
    mid = text(thing(value, "reply_to", ("mid",)).get("mid"), "reply_to[mid]", 500)
    quoted = world.handsets.message(mid)
    if quoted is None or quoted["phone_number_id"] != page["id"] or quoted["address"] != recipient.address:
        raise invalid("Param reply_to[mid] is not a message of this conversation")
    return mid


def reachable(world: World, page: Json, address: str) -> None:
    """raises: 551/1545041 (blocked the Page, left Messenger), 10/2018300 (another app holds the thread)"""
    handset = world.handsets.get(address)
    if handset is None or handset["blocked"] or not handset.get("messenger", True):
        raise PageError(551, 1545041)
    if not pages.may_send(world, page, address):
        raise PageError(10, 2018300)


def windowed(world: World, page: Json, address: str, length_ms: int) -> None:
    """raises: 10/2018278"""
    if not pages.in_window(world, page["id"], address, length_ms):
        raise PageError(10, 2018278)


def _asked_before(world: World, page: Json, recipient: Recipient, draft: Draft) -> None:
    """One request for notifications per topic. raises: 613/1893016"""
    asks = draft.private.get("asks")
    if asks is not None and asks["kind"] == "notification_messages":
        topics = pages.person(world, page["id"], recipient.address).get("topics", [])
        if asks["title"] in topics:
            raise PageError(613, 1893016)
        draft.private["topics"] = [*topics, asks["title"]]


def _pace(world: World, page: Json, draft: Draft) -> None:
    """raises: 613"""
    heavy = any(file.kind in ("audio", "video") for file in draft.files)
    if heavy and not world.limits.pass_through(f"heavy:{page['id']}", HEAVY_A_SECOND):
        raise PageError(613)
    if not world.limits.pass_through(page["id"], TEXTS_A_SECOND):
        raise PageError(613)


def accept(world: World, page: Json, send: Send, base: str) -> tuple[Json, list[int]]:
    """The bubble, the thread's holder, the token's use. Returns (the answer, webhooks that go out before it)."""
    draft, address = send.draft, send.recipient.address
    mid = pages.new_mid(world)
    if (topics := draft.private.pop("topics", None)) is not None:
        pages.note(world, page["id"], address, topics=topics)
    silent = send.recipient.kind == "user_ref"
    bubble: Json = {"by": "page", **draft.bubble, "type": draft.type, "reply_to": send.reply_to}
    if send.persona is not None:
        bubble["persona"] = send.persona
    _show_files(world, draft, bubble, base)
    opaque = draft.bubble.get("metadata")
    private = {**draft.private, "message": draft.sent, "metadata": opaque, "persona_id": send.persona_id, "silent": silent}
    row = pages.add_bubble(world, page["id"], address, message_id=mid, kind="received",
                           ticks="delivered" if silent else "sent", bubble=bubble, private=private, opaque=opaque)
    recipients.use(world, page, send.recipient)
    _hold(world, page, address, send.control)
    if pages.typing(world, page["id"], address) is not None:
        pages.show_typing(world, page["id"], address, 0)
    rows = [] if silent else people.arrived(world, page, address, row)
    answer: Json = {} if silent else {"recipient_id": pages.know(world, page["id"], address)}
    answer["message_id"] = mid
    kept = next((file for file in draft.files if file.reusable), None)
    if kept is not None:
        answer["attachment_id"] = kept.media_id
    return answer, rows


def _show_files(world: World, draft: Draft, bubble: Json, base: str) -> None:
    """Every file in the bubble, and in what the echo repeats the link under which Meta would show it."""
    shown = [attachments.shown(world, file) for file in draft.files]
    if not shown:
        return
    links = [cdn.url_of(world, str(file.media_id), base) for file in draft.files]
    if draft.type == "utility":
        bubble["header"] = {"type": "image", "url": shown[0]["url"], "mime": shown[0]["mime"], "filename": None}
        return
    bubble["attachment"] = shown[0]
    if draft.type == "media":
        return
    if len(shown) > 1 or "attachments" in draft.sent:
        bubble["attachments"] = shown
    echoed = [{"type": file.kind, "payload": {"url": link}} for file, link in zip(draft.files, links, strict=True)]
    draft.sent = {key: value for key, value in draft.sent.items() if key != "attachment"} | {"attachments": echoed}


def _hold(world: World, page: Json, address: str, control: Json | None) -> None:
    """The default app that answers an idle thread holds it; ``control`` gives it away in the same call."""
    if control is not None:
        pages.give(world, page["id"], address, control["to"])
    elif pages.holder(world, page["id"], address) is None and page["default_app"] == "ours":
        pages.give(world, page["id"], address, "ours")
    else:
        pages.touch(world, page["id"], address)
