"""A Page's webhooks: the item, the entry it stands in, and what an hour without an answer costs.

Facts: Meta, "Webhooks for the Messenger Platform" and the references of each field (2023 to March 2026).
"""

from __future__ import annotations

from typing import Any

from sandbox.clock import HOUR_MS
from sandbox.messenger import world as pages
from sandbox.messenger.pages import SWITCHES
from sandbox.store import Json
from sandbox.webhooks import PAGE
from sandbox.world import World

# Comes under ``standby`` while another app holds the thread; Meta, standby reference, 25 September 2024.
ON_STANDBY = ("messages", "message_edits", "message_reactions", "message_reads", "message_deliveries", "message_echoes",
              "messaging_postbacks", "messaging_referrals")
# What no client knows, as Meta adds things without notice.
UNKNOWN: Json = {"some_future_event": {"value": 1}}


def wire(world: World) -> None:
    world.webhooks.on_answer(lambda about, sender, accepted: answered(world, about, sender, accepted=accepted))


def item(world: World, page: Json, address: str | None, event: Json, *, at_ms: int | None = None,
         from_page: bool = False) -> Json:
    """One item of ``messaging``: who to whom, when (ms) and what. ``address`` None: an event about nobody has no sender."""
    at = world.clock.now_ms() if at_ms is None else at_ms
    if address is None:
        return {"recipient": {"id": page["id"]}, "timestamp": at, **event}
    person, ours = {"id": pages.know(world, page["id"], address)}, {"id": page["id"]}
    sender, recipient = (ours, person) if from_page else (person, ours)
    return {"sender": sender, "recipient": recipient, "timestamp": at, **event}


def tell(world: World, page: Json, field: str, address: str | None, event: Json, *, at_ms: int | None = None,
         from_page: bool = False) -> list[int]:
    """Send one event to our app, if app and Page are subscribed to its field. Returns the webhook rows made."""
    page = pages.page_of(world, page["id"]) or page
    standby = field in ON_STANDBY and address is not None and pages.on_standby(world, page, address)
    url = pages.callback(world, "standby" if standby else field, page)
    if url is None:
        return []
    one = item(world, page, address, event, at_ms=at_ms, from_page=from_page)
    if standby and "postback" in one:
        one["postback"] = {key: value for key, value in one["postback"].items() if key != "payload"}
    where = (page["id"], address or "")
    rows: list[int] = []
    if address is not None and world.faults.take("webhook_unknown", *where) is not None:
        rows += _emit(world, page, url, {"messaging": [item(world, page, address, UNKNOWN)]}, address)
    if world.faults.take("webhook_seconds", *where) is not None:
        one["timestamp"] //= 1_000
    if world.faults.take("webhook_changes_form", *where) is not None:
        value = {**one, "timestamp": str(one["timestamp"] // 1_000)}
        return rows + _emit(world, page, url, {"changes": [{"field": field, "value": value}]}, address or "", seconds=True)
    kind = "standby" if standby else "messaging"
    if field == "messaging_handovers" and page["old_handovers"]:
        kind = "messaging_handovers"
    return rows + _emit(world, page, url, {kind: [one]}, address or "")


def change(world: World, page: Json, field: str, value: Json) -> list[int]:
    """Send one field/value pair; its entry carries seconds."""
    url = pages.callback(world, field, pages.page_of(world, page["id"]) or page)
    if url is None:
        return []
    return _emit(world, page, url, {"changes": [{"field": field, "value": value}]}, "", seconds=True)


def bare(world: World, page: Json, content: Json, *, entry_id: str | None = None, seconds: bool = False) -> list[int]:
    """An entry as it stands, to whoever receives messages: what a dashboard's test or a mistake of Meta's sends."""
    url = pages.callback(world, "messages", page)
    if url is None:
        return []
    return _emit(world, {"id": page["id"], "shown": entry_id or page["id"]}, url, content, "", seconds=seconds)


def _emit(world: World, page: Json, url: str, content: Json, address: str, *, seconds: bool = False) -> list[int]:
    now = world.clock.now_s() if seconds else world.clock.now_ms()
    entry = {"id": page.get("shown", page["id"]), "time": now, **content}
    return world.webhooks.emit(url, entry, phone_number_id=page["id"], address=address, about=PAGE)


# an hour without an answer

def failing_since(world: World, page: Json) -> int | None:
    """Since when the callback has not answered 200 to anything about the Page; None: it does."""
    since = world.store.get(f"page_failing:{page['id']}")
    return since if since is not None and since >= (page["since_ms"] or 0) else None


def answered(world: World, about: str, page_id: str, *, accepted: bool) -> None:
    """After one hour of failures the app is no longer subscribed to the Page, and what was kept for it is gone."""
    page = pages.page_of(world, page_id) if about == PAGE else None
    if page is None:
        return
    since = failing_since(world, page)
    if accepted:
        if since is not None:
            world.store.put(f"page_failing:{page_id}", None)
    elif since is None:
        world.store.put(f"page_failing:{page_id}", world.clock.now_ms())
    elif page["subscribed"] and world.clock.now_ms() - since >= HOUR_MS:
        cut_off(world, page)


def cut_off(world: World, page: Json) -> None:
    page.update(subscribed=False, since_ms=world.clock.now_ms())
    pages.save_page(world, page)
    world.webhooks.forget(page["id"])
    world.store.put(f"page_failing:{page['id']}", None)
    publish(world, page["id"])


def publish(world: World, page_id: str) -> None:
    """Tell the phones' page that a Page's switches or subscription changed."""
    def told() -> Any:
        page = pages.page_of(world, page_id)
        return None if page is None else view(world, page)

    world.hub.publish("page", told)


def view(world: World, page: Json) -> Json:
    """The Page as the control API shows it."""
    switches = {name: page[name] for name in SWITCHES}
    app = pages.subscription(world)
    return {"id": page["id"], "name": page["name"], "username": page["username"], **switches, "subscribed": page["subscribed"],
            "since": page["since_ms"] or None, "fields": page["subscribed_fields"], "profile": page["profile"],
            "webhook_url": None if app is None else app["url"] or world.config.page_webhook_url,
            "failing_since": failing_since(world, page)}
