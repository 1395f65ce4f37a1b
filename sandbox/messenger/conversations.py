"""Conversations to read back after an outage: threads, their messages, one message.

Meta, Conversations API; details only of the 20 newest messages; ``is_owner`` since 13 October 2025.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sandbox.messenger import cdn
from sandbox.messenger import world as pages
from sandbox.messenger.errors import PageError, invalid
from sandbox.messenger.fields import Field
from sandbox.store import Json
from sandbox.world import World

PREFIX, DETAILED = "t_10", 20
MESSAGE_FIELDS = ("id", "created_time", "from", "to", "message", "attachments", "sticker", "reply_to", "tags")
THREAD_FIELDS = ("id", "updated_time", "link", "participants", "can_reply", "is_owner", "unread_count", "message_count",
                 "messages", "senders", "snippet")


def id_of(psid: str) -> str:
    return PREFIX + psid


def find(world: World, thread_id: str) -> tuple[str, str] | None:
    """(page id, address) of a thread's id."""
    return pages.who(world, thread_id.removeprefix(PREFIX)) if thread_id.startswith(PREFIX) else None


def time_of(at_ms: int) -> str:
    return dt.datetime.fromtimestamp(at_ms // 1_000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def newest(world: World, page_id: str, address: str, most: int) -> list[Json]:
    rows = world.store.rows("SELECT id FROM messages WHERE phone_number_id = ? AND address = ? AND kind <> 'unsent' "
                            "ORDER BY at_ms DESC, rowid DESC LIMIT ?", page_id, address, most)
    return [found for row in rows if (found := world.handsets.message(row["id"])) is not None]


def threads_of(world: World, page_id: str) -> list[str]:
    """Addresses whose thread has a message, the last spoken to first."""
    return [row["address"] for row in world.store.rows(
        "SELECT address, MAX(at_ms) AS at FROM messages WHERE phone_number_id = ? AND kind <> 'unsent' GROUP BY address "
        "ORDER BY at DESC", page_id)]


def view_thread(world: World, page: Json, address: str, asked: list[Field], base: str) -> Json:
    """raises: 100 for a field there is not"""
    psid, shown = pages.know(world, page["id"], address), {}
    last = newest(world, page["id"], address, 1)
    for field in asked:
        if field.name not in THREAD_FIELDS:
            raise invalid(f"Tried accessing nonexisting field ({field.name}) on node type (UnifiedThread)")
        if field.name == "messages":
            shown["messages"] = _messages(world, page, address, field, base)
        elif field.name != "id":
            shown[field.name] = _thread_field(world, page, address, field.name, last)
    return {"id": id_of(psid), **{name: value for name, value in shown.items() if value is not None}}


def _thread_field(world: World, page: Json, address: str, name: str, last: list[Json]) -> Any:
    if name == "updated_time":
        return time_of(last[0]["at_ms"]) if last else None
    if name == "snippet":
        return last[0]["bubble"]["body"] if last else None
    if name in ("participants", "senders"):
        return {"data": [_party(world, page, address, True), _party(world, page, address, False)]}
    if name == "can_reply":
        return pages.in_window(world, page["id"], address, pages.HUMAN_AGENT_MS)
    if name == "is_owner":
        return pages.holder(world, page["id"], address) == "ours"
    if name == "link":
        return f"/{page['username']}/inbox/{pages.psid_of(page['id'], address)}/"
    condition = " AND kind = 'sent' AND ticks <> 'read'" if name == "unread_count" else ""
    return world.store.count(f"SELECT COUNT(*) FROM messages WHERE phone_number_id = ? AND address = ?{condition}",  # noqa: S608
                             page["id"], address)


def _messages(world: World, page: Json, address: str, field: Field, base: str) -> Json:
    asked = field.inner or [Field("id"), Field("created_time")]
    found = newest(world, page["id"], address, min(field.limit or 25, 500))
    data = [view_message(world, page, message, asked if place < DETAILED else [Field("id"), Field("created_time")], base)
            for place, message in enumerate(found)]
    answer: Json = {"data": data}
    if data:
        answer["paging"] = {"cursors": {"before": found[0]["id"][2:18], "after": found[-1]["id"][2:18]}}
    return answer


def view_message(world: World, page: Json, message: Json, asked: list[Field], base: str) -> Json:
    """raises: 100 for a field there is not, 9000001 for what its author took back"""
    if message["private"].get("deleted"):
        raise PageError(9000001)
    by_page, bubble = message["kind"] == "received", message["bubble"]
    shown: Json = {"id": message["id"]}
    for field in asked:
        if field.name not in MESSAGE_FIELDS:
            raise invalid(f"Tried accessing nonexisting field ({field.name}) on node type (Message)")
        value: Any = None
        if field.name == "created_time":
            value = time_of(message["at_ms"])
        elif field.name == "from":
            value = _party(world, page, message["address"], by_page)
        elif field.name == "to":
            value = {"data": [_party(world, page, message["address"], not by_page)]}
        elif field.name == "message":
            value = bubble["body"] or ""
        elif field.name == "reply_to" and bubble.get("reply_to"):
            value = {"mid": bubble["reply_to"], "is_self_reply": False}
        elif field.name == "attachments":
            value = _attachments(world, bubble, base)
        elif field.name == "sticker" and bubble["type"] == "sticker":
            value = (bubble.get("attachment") or {}).get("url")
        if value is not None:
            shown[field.name] = value
    return shown


def _party(world: World, page: Json, address: str, is_page: bool) -> Json:
    if is_page:
        return {"name": page["name"], "email": f"{page['id']}@facebook.com", "id": page["id"]}
    psid = pages.know(world, page["id"], address)
    handset = world.handsets.get(address)
    return {"name": handset["name"] if handset else psid, "email": f"{psid}@facebook.com", "id": psid}


def _attachments(world: World, bubble: Json, base: str) -> Json | None:
    found = []
    for one in bubble.get("attachments") or ([bubble["attachment"]] if bubble.get("attachment") else []):
        media_id = str(one.get("url") or "").rsplit("/", 1)[-1]
        row = world.store.row("SELECT mime, filename, length(data) AS size FROM media WHERE id = ?", media_id)
        if row is None:
            continue
        link = cdn.url_of(world, media_id, base)
        entry: Json = {"id": media_id, "mime_type": row["mime"], "name": row["filename"] or media_id, "size": row["size"]}
        entry["image_data" if row["mime"].startswith("image/") else "file_url"] = \
            {"url": link} if row["mime"].startswith("image/") else link
        found.append(entry)
    return {"data": found} if found else None
