"""People whom the business blocks: their messages are not passed on, messages to them fail with 130403.

Only who wrote in the last 24 hours can be blocked (code 139100 otherwise).
"""

from __future__ import annotations

from typing import Any

from sandbox.errors import GraphError
from sandbox.graph.call import MESSAGING, Call, call
from sandbox.ids import digits_of
from sandbox.store import Json

MOST = 64_000


def _asked(body: Json) -> list[Json]:
    users = body.get("block_users")
    if body.get("messaging_product") != "whatsapp":
        raise GraphError(100, message="(#100) The parameter messaging_product is required.")
    if not isinstance(users, list) or not users or not all(isinstance(user, dict) for user in users):
        raise GraphError(100, message="(#100) The parameter block_users is required.")
    return users


def _find(this: Call, user: Json) -> tuple[str, Json | None]:
    if user.get("user"):
        return str(user["user"]), this.world.handsets.get(digits_of(str(user["user"])))
    return str(user.get("user_id", "")), this.world.handsets.by_user_id(str(user.get("user_id", "")))


def _name(said: str, handset: Json) -> Json:
    return {"input": said, "wa_id": handset["address"], "user_id": handset["user_id"]}


@call("POST", "number", "block_users", scope=MESSAGING)
async def block(this: Call) -> Json:
    blocked: list[str] = this.node.setdefault("blocked", [])
    added: list[Json] = []
    failed: list[Json] = []
    for user in _asked(await this.read_object()):
        said, handset = _find(this, user)
        if handset is None or not this.world.handsets.window_open(this.node_id, handset["address"]) or len(blocked) >= MOST:
            failed.append({"input": said, "errors": [{
                "message": "(#139100) Failed to block/unblock users", "code": 139100,
                "error_data": {"details": "Only users who wrote in the last 24 hours can be blocked."}}]})
            continue
        added.append(_name(said, handset))
        if handset["address"] not in blocked:
            blocked.append(handset["address"])
    this.world.account.save_number(this.node)
    answer: Json = {"messaging_product": "whatsapp", "block_users": {"added_users": added}}
    if failed:
        answer["block_users"]["failed_users"] = failed
    return answer


@call("DELETE", "number", "block_users", scope=MESSAGING)
async def unblock(this: Call) -> Json:
    removed: list[Any] = []
    for user in _asked(await this.read_object()):
        said, handset = _find(this, user)
        if handset is not None and handset["address"] in this.node.get("blocked", []):
            this.node["blocked"].remove(handset["address"])
            removed.append(_name(said, handset))
    this.world.account.save_number(this.node)
    return {"messaging_product": "whatsapp", "block_users": {"removed_users": removed}}


@call("GET", "number", "block_users", scope=MESSAGING)
async def list_blocked(this: Call) -> Json:
    return {"data": [{"messaging_product": "whatsapp", "wa_id": address} for address in this.node.get("blocked", [])]}
