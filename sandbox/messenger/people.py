"""What becomes of a message on a person's phone: its echo, that it was delivered, that it was read; and who holds the chat.

The order is echo, delivered, read, each after a delay of its own; an echo may come before the answer to the send. A phone
that is off gets its messages when it is on again, and one delivery then tells of all of them.
"""

from __future__ import annotations

from sandbox.messenger import kinds, webhooks
from sandbox.messenger import world as pages
from sandbox.store import Json
from sandbox.world import World


def wire_jobs(world: World) -> None:
    world.jobs.register("page_echo", lambda job: run_echo(world, job["id"]))
    world.jobs.register("page_delivered", lambda job: run_delivered(world, job["page_id"], job["address"]))
    world.jobs.register("page_read", lambda job: read(world, job["page_id"], job["address"]))
    webhooks.wire(world)
    world.handsets.names_of = lambda sender_id, address: thread_view(world, sender_id, address)
    world.handsets.chats_of = lambda address: list(pages.psids(world, address))


def arrived(world: World, page: Json, address: str, bubble: Json) -> list[int]:
    """Plan what follows a send.

    ``bubble``: the message's row as ``world.add_bubble`` gives it, with the ticks "sent"; its private part may hold
    ``message`` (as it was sent, for the echo) and ``metadata``.
    returns: webhooks that must be out before the send is answered (``await world.webhooks.settled(row, ...)``)
    """
    early = world.faults.take("status_before_answer", page["id"], address) is not None or page["echo_first"]
    rows: list[int] = []
    if early:
        rows = run_echo(world, bubble["id"])
    else:
        world.jobs.add(world.between(world.config.sent_delay_ms), "page_echo", bubble["id"], {"id": bubble["id"]})
    handset = world.handsets.get(address)
    if (fault := world.faults.take("late_failed", page["id"], address)) is not None:  # nobody is told: it just never arrives
        world.handsets.change(bubble, ticks="failed", error={"code": fault["code"], "title": "Never arrived"})
    elif handset is not None and handset["online"]:
        plan_delivered(world, page["id"], address)
    return rows


def run_echo(world: World, mid: str) -> list[int]:
    """Tell the app what was just said in its Page's name, whoever said it."""
    message = world.handsets.message(mid)
    page = None if message is None else pages.page_of(world, message["phone_number_id"])
    if message is None or page is None:
        return []
    said: Json = {"mid": mid, "is_echo": True, "app_id": int(pages.app_id_of(world, _author(message)) or 0)}
    metadata = message["private"].get("metadata") or message["bubble"].get("metadata")
    if metadata is not None:
        said["metadata"] = metadata
    event = {"message": {**said, **kinds.echoed(message)}}
    return webhooks.tell(world, page, "message_echoes", message["address"], event, at_ms=message["at_ms"], from_page=True)


def _author(message: Json) -> str:
    by = message["bubble"].get("by", "page")
    return "ours" if by == "page" else str(by)


def plan_delivered(world: World, page_id: str, address: str) -> None:
    after = max(world.config.sent_delay_ms) + world.between(world.config.delivered_delay_ms)
    world.jobs.add(after, "page_delivered", f"{page_id}:{address}", {"page_id": page_id, "address": address})


def run_delivered(world: World, page_id: str, address: str) -> list[int]:
    """Everything that waits in this chat is on the phone now; our app hears of its own messages only."""
    handset, page = world.handsets.get(address), pages.page_of(world, page_id)
    if handset is None or page is None or not handset["online"] or handset["blocked"]:
        return []
    waiting = [message for message in world.handsets.waiting(address) if message["phone_number_id"] == page_id]
    silent = bool(waiting) and world.faults.take("no_delivered", page_id, address) is not None
    for message in waiting:
        world.handsets.change(message, ticks="delivered")
    if handset["auto_read_ms"] is not None and waiting:
        world.jobs.add(handset["auto_read_ms"], "page_read", f"{page_id}:{address}", {"page_id": page_id, "address": address})
    ours = [message["id"] for message in waiting if _author(message) == "ours"]
    if not ours or silent:
        return []
    delivery: Json = {"mids": ours} if page["delivery_mids"] else {}
    delivery["watermark"] = world.clock.now_ms()
    return webhooks.tell(world, page, "message_deliveries", address, {"delivery": delivery})


def read(world: World, page_id: str, address: str) -> int:
    """The person looks at the chat; the app is told up to when, unless this person tells nobody. Returns how many were new."""
    handset, page = world.handsets.get(address), pages.page_of(world, page_id)
    if handset is None or page is None:
        return 0
    unread = world.handsets.unread(address, page_id)
    if not unread or not handset["read_receipts"] or handset["blocked"]:
        return len(unread)
    for message in unread:
        world.handsets.change(message, ticks="read")
    webhooks.tell(world, page, "message_reads", address, {"read": {"watermark": world.clock.now_ms()}})
    return len(unread)


def came_online(world: World, address: str) -> None:
    """The phone is on again: every chat's waiting messages come together."""
    for page_id in sorted({message["phone_number_id"] for message in world.handsets.waiting(address)}):
        if pages.page_of(world, page_id) is not None:
            plan_delivered(world, page_id, address)


# what the phone shows of the chat

def thread_view(world: World, page_id: str, address: str) -> Json | None:
    """A chat without its bubbles; None when the sender is no Page."""
    page = pages.page_of(world, page_id)
    if page is None:
        return None
    last, profile = world.handsets.thread(page["id"], address)["last_in_ms"], page["profile"]
    return {
        "channel": "messenger", "sender_id": page["id"], "sender_name": page["name"], "page_id": page["id"],
        "page_username": page["username"], "psid": pages.psids(world, address).get(page["id"]),
        "holder": pages.holder(world, page["id"], address) or "idle",
        "window_until_ms": None if last is None else last + pages.WINDOW_MS,
        "typing": pages.typing(world, page["id"], address),
        "get_started": bool(profile.get("get_started")) and last is None, "menu": kinds.menu(profile),
        "ice_breakers": [{"index": index, "text": one["question"]} for index, one in enumerate(kinds.ice_breakers(profile))]}
