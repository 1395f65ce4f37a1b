"""What becomes of an accepted message: sent, delivered, read, played; or failed; or nothing more.

Each step is a job on the sandbox's clock; each sends its webhook in the same transaction that moves the ticks.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from sandbox import media, pricing
from sandbox.errors import webhook_error
from sandbox.messenger import people
from sandbox.store import Json
from sandbox.values import status_value
from sandbox.world import World

HELD_MS = 60_000
ORDER = {"pending": 0, "sent": 1, "delivered": 2, "read": 3, "played": 4}


def wire_jobs(world: World) -> None:
    world.jobs.register("status", lambda job: run_step(world, job["id"], job["step"]))
    world.jobs.register("fail", lambda job: run_fail(world, job["id"], job["code"], job.get("details")))
    world.jobs.register("fail_unknown", lambda job: fail_unknown(world, job))
    world.jobs.register("phone_on", lambda job: set_online(world, job["address"], True))
    world.jobs.register("typing_end", lambda job: world.handsets.publish_address(
        job["address"], [], chats=tuple(job.get("chats", ()))))

    async def fetch(job: Json) -> Callable[[], None]:
        return await run_fetch(world, job)

    world.jobs.register_async("fetch", fetch)


def start(world: World, message_id: str, *, links: list[Json], fail: tuple[int, str | None] | None, held: bool) -> None:
    """Plan the first step of a message that was just accepted. ``held``: its template's quality is looked at first."""
    if fail is not None:
        plan_fail(world, message_id, *fail)
    elif links:
        world.jobs.add(HELD_MS if held else 0, "fetch", message_id, {"id": message_id, "links": links})
    else:
        plan(world, message_id, "sent", HELD_MS if held else world.between(world.config.sent_delay_ms))


def plan(world: World, message_id: str, step: str, after_ms: int) -> None:
    world.jobs.add(after_ms, "status", message_id, {"id": message_id, "step": step})


def plan_fail(world: World, message_id: str, code: int, details: str | None = None, after_ms: int | None = None) -> None:
    wait = world.between(world.config.failed_delay_ms) if after_ms is None else after_ms
    world.jobs.add(wait, "fail", message_id, {"id": message_id, "code": code, "details": details})


def hurry(world: World, message_id: str) -> list[int]:
    """Take a message's next step (sent or failed) now. Returns the webhook rows made."""
    row = world.store.row("SELECT * FROM jobs WHERE key = ? AND kind IN ('status', 'fail') ORDER BY due_ms LIMIT 1", message_id)
    if row is None:
        return []
    world.store.run("DELETE FROM jobs WHERE id = ?", row["id"])
    job = json.loads(row["payload"])
    if row["kind"] == "fail":
        return run_fail(world, message_id, job["code"], job.get("details"))
    return run_step(world, message_id, job["step"])


async def run_fetch(world: World, job: Json) -> Callable[[], None]:
    """Fetch the links of a message; then it is sent, or it fails with 131053."""
    found: dict[str, str] = {}
    trouble: str | None = None
    for link in job["links"]:
        try:
            found[link["link"]] = await media.fetch(world, job["id"], link["link"], link["kind"])
        except media.FetchFailed as failed:
            trouble = str(failed)
            break

    def finish() -> None:
        message = world.handsets.message(job["id"])
        if message is None:
            return
        if trouble is not None:
            plan_fail(world, job["id"], 131053, trouble, after_ms=0)
            return
        header = message["bubble"]["header"]
        if header is not None and header.get("link") in found:
            row = world.store.row("SELECT mime FROM media WHERE id = ?", found[header["link"]])
            header = {**header, "url": f"/sandbox/media/{found[header['link']]}", "mime": row["mime"] if row else None}
            header.pop("link")
            world.handsets.change(message, header=header)
        plan(world, job["id"], "sent", world.between(world.config.sent_delay_ms))

    return finish


def run_step(world: World, message_id: str, step: str) -> list[int]:
    """Take one step, if it still is one forward; plans the next. Returns the webhook rows made."""
    message = world.handsets.message(message_id)
    if message is None or message["ticks"] == "failed":
        return []
    handset = world.handsets.get(message["address"])
    number = world.account.number(message["phone_number_id"])
    if handset is None or number is None:
        return []
    if step == "played":
        return _emit(world, number, handset, message, "played")
    if ORDER[step] <= ORDER[message["ticks"]]:
        return []
    if step == "delivered" and not _reachable(world, handset, message):
        return []
    silent = step == "delivered" and world.faults.take("no_delivered", number["id"], handset["address"]) is not None
    if step == "read":
        message["private"]["read_at_ms"] = world.clock.now_ms()
    cost = None if silent else _price(world, number, message, step)
    world.handsets.change(message, ticks=step if not silent else "sent")
    rows = [] if silent else _emit(world, number, handset, message, step, cost)
    _plan_next(world, number, handset, message, step)
    return rows


def _reachable(world: World, handset: Json, message: Json) -> bool:
    """Phone off: waits until it is on. Blocked: stays sent for ever. Too old when the phone comes on: dropped silently."""
    age = world.clock.now_ms() - message["at_ms"]
    return bool(handset["online"]) and not handset["blocked"] and age <= message["private"]["ttl_ms"]


def _plan_next(world: World, number: Json, handset: Json, message: Json, step: str) -> None:
    where = (number["id"], handset["address"])
    if step == "sent":
        if message["private"].get("only_sent"):
            return
        if (fault := world.faults.take("late_failed", *where)) is not None:
            plan_fail(world, message["id"], fault["code"], after_ms=fault["ms"])
            return
        if handset["online"]:
            plan(world, message["id"], "delivered", world.between(world.config.delivered_delay_ms))
    elif step == "delivered" and handset["auto_read_ms"] is not None and handset["read_receipts"]:
        plan(world, message["id"], "read", handset["auto_read_ms"])
    elif step == "read" and message["private"].get("voice"):
        plan(world, message["id"], "played", world.between(world.config.delivered_delay_ms))


def _emit(world: World, number: Json, handset: Json, message: Json, name: str, cost: Json | None = None) -> list[int]:
    private = message["private"]
    visible = world.handsets.phone_visible(number["id"], handset)
    status: Json = {"id": message["id"], "status": name, "timestamp": str(world.clock.now_s())}
    if visible:
        status["recipient_id"] = handset["address"]
    status["recipient_user_id"] = handset["user_id"]
    if private.get("opaque") is not None:
        status["biz_opaque_callback_data"] = private["opaque"]
    if cost is not None and cost["type"] == "free_entry_point":
        status["conversation"] = {"id": private["conversation"]}
        if name == "sent":
            status["conversation"]["expiration_timestamp"] = str(private["entry_until_ms"] // 1_000)
        status["conversation"]["origin"] = {"type": "referral_conversion"}
    if cost is not None:
        status["pricing"] = cost
    value = status_value(number, handset, status, visible=visible)
    return world.emit("messages", number["waba_id"], value, number=number, address=handset["address"])


def _price(world: World, number: Json, message: Json, name: str) -> Json | None:
    """The price, to be told in ``sent`` and in the first of delivered and read; noted in the message's private part."""
    private = message["private"]
    if private.get("free"):
        return None
    if "pricing" not in private:
        private["pricing"] = pricing.price(
            world.store, number_id=number["id"], now_ms=world.clock.now_ms(), category=private["category"],
            in_window=private["in_window"], entry_point=private.get("entry_until_ms") is not None)
        private["priced"] = []
    if name != "sent" and "arrived" in private["priced"]:
        return None
    private["priced"].append("sent" if name == "sent" else "arrived")
    found: Json = private["pricing"]
    return found


def run_fail(world: World, message_id: str, code: int, details: str | None) -> list[int]:
    """The failed status. A person who could not be reached does not count for the day's limit."""
    message = world.handsets.message(message_id)
    if message is None or message["ticks"] in ("failed", "read"):
        return []
    number = world.account.number(message["phone_number_id"])
    if number is None:
        return []
    error = webhook_error(code, details)
    world.handsets.change(message, ticks="failed", error={"code": code, "title": error["title"]})
    if message["private"].get("reached"):
        world.store.run("DELETE FROM reach WHERE waba_id = ? AND address = ?", number["waba_id"], message["address"])
    return emit_failed(world, number, message_id, message["private"], message["address"], error)


def emit_failed(world: World, number: Json, message_id: str, private: Json, address: str, error: Json) -> list[int]:
    """``recipient_id`` when it was sent to a phone, ``recipient_user_id`` only when sent by BSUID."""
    status: Json = {"id": message_id, "status": "failed", "timestamp": str(world.clock.now_s())}
    if private.get("user_id"):
        status["recipient_user_id"] = private["user_id"]
    else:
        status["recipient_id"] = address
    if private.get("opaque") is not None:
        status["biz_opaque_callback_data"] = private["opaque"]
    status["errors"] = [error]
    value = status_value(number, {}, status, visible=False)
    return world.emit("messages", number["waba_id"], value, number=number, address=address)


def fail_unknown(world: World, job: Json) -> None:
    """The failed status of a message to somebody who has no handset."""
    number = world.account.number(job["number_id"])
    if number is not None:
        emit_failed(world, number, job["id"], job["private"], "", webhook_error(131026))


def set_online(world: World, address: str, online: bool) -> None:
    """A phone that comes on receives what waited for it."""
    handset = world.handsets.get(address)
    if handset is None:
        return
    handset["online"] = online
    world.handsets.save(handset)
    if online:
        for message in world.handsets.waiting(address):
            on_whatsapp = world.account.number(message["phone_number_id"]) is not None
            if on_whatsapp and not message["private"].get("only_sent"):
                plan(world, message["id"], "delivered", world.between(world.config.delivered_delay_ms))
        people.came_online(world, address)


def open_chat(world: World, handset: Json, number_id: str | None) -> int:
    """The person looks at the chat (None: at every one): what was delivered is read, and told if receipts are on.

    ``number_id`` may be a Page's. Returns how many were new.
    """
    unread = world.handsets.unread(handset["address"], number_id)
    if handset["read_receipts"] and not handset["blocked"]:
        for message in unread:
            run_step(world, message["id"], "read")
        for sender_id in sorted({message["phone_number_id"] for message in unread}):
            people.read(world, sender_id, handset["address"])
    return len(unread)
