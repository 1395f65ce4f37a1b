"""People of a Page by API: their profiles, their conversations, single messages."""

from __future__ import annotations

from sandbox.graph.call import Call, fields_of
from sandbox.graph.page_call import page_call
from sandbox.messenger import conversations, faces
from sandbox.messenger import world as pages
from sandbox.messenger.errors import PageError, invalid
from sandbox.messenger.fields import Field, parse
from sandbox.messenger.reading import one_of
from sandbox.messenger.recipients import by_psid
from sandbox.store import Json
from sandbox.world import World

CONVERSATIONS_A_SECOND = 2  # Meta, "Messenger Platform rate limits", 23 March 2026


@page_call("GET", "psid")
async def get_profile(this: Call, page: Json) -> Json:
    """raises: 100/33 for who never wrote to the Page, 100/2018218, 100/2018247"""
    address = this.node["address"]
    faces.visible(this.world, page["id"], this.node_id, address)
    return faces.view(this.world, this.node_id, address, fields_of(this.request, faces.DEFAULT), this.base)


def _pace(this: Call, page: Json) -> None:
    if not this.world.limits.pass_through(f"conversations:{page['id']}", CONVERSATIONS_A_SECOND):
        raise PageError(613)


@page_call("GET", "page", "conversations")
async def list_conversations(this: Call, page: Json) -> Json:
    """``user_id``: one person's only. raises: 613 (2 a second), 100"""
    _pace(this, page)
    query = this.request.query
    one_of(query.get("platform", "messenger").lower(), "platform", ("messenger", "instagram"))
    limit = query.get("limit", "25")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise invalid("Param limit must be a number from 1 to 100")
    addresses = conversations.threads_of(this.world, page["id"]) if query.get("platform", "").lower() != "instagram" else []
    if query.get("user_id"):
        only = by_psid(this.world, page, query["user_id"]).address
        addresses = [address for address in addresses if address == only]
    asked = parse(query.get("fields", "")) or [Field("id"), Field("link"), Field("updated_time")]
    start = int(query["after"]) if query.get("after", "").isdigit() else 0
    chosen = addresses[start:start + int(limit)]
    answer: Json = {"data": [conversations.view_thread(this.world, page, address, asked, this.base) for address in chosen]}
    if chosen:
        answer["paging"] = {"cursors": {"before": str(start), "after": str(start + len(chosen))}}
        if start + len(chosen) < len(addresses):
            more = this.request.url.update_query(after=str(start + len(chosen))).without_query_params("access_token")
            answer["paging"]["next"] = str(more)
    return answer


@page_call("GET", "thread")
async def get_conversation(this: Call, page: Json) -> Json:
    """raises: 613, 100, 100/2534001 for a thread without a message"""
    _pace(this, page)
    if not conversations.newest(this.world, page["id"], this.node["address"], 1):
        raise PageError(100, 2534001)
    asked = parse(this.request.query.get("fields", "")) or [Field("id"), Field("updated_time")]
    return conversations.view_thread(this.world, page, this.node["address"], asked, this.base)


@page_call("GET", "message")
async def get_message(this: Call, page: Json) -> Json:
    _pace(this, page)
    asked = parse(this.request.query.get("fields", "")) or [Field("id"), Field("created_time")]
    return conversations.view_message(this.world, page, this.node, asked, this.base)


def find(world: World, node_id: str) -> tuple[str, Json] | None:
    """A PSID, a conversation (t_...) or a message (m_...) of a Page's."""
    if node_id.isdigit() and len(node_id) == 17 and (found := pages.who(world, node_id)) is not None:
        return "psid", {"page_id": found[0], "address": found[1]}
    if (found := conversations.find(world, node_id)) is not None:
        return "thread", {"page_id": found[0], "address": found[1]}
    message = world.handsets.message(node_id) if node_id.startswith("m_") else None
    if message is None or message["kind"] == "unsent" or pages.page_of(world, message["phone_number_id"]) is None:
        return None
    return "message", {**message, "page_id": message["phone_number_id"]}
