"""A person changes their phone number: chats move along, the business-scoped user id becomes another one."""

from __future__ import annotations

from sandbox.ids import bsuid
from sandbox.store import Json
from sandbox.values import metadata
from sandbox.world import World


class Taken(Exception):
    """The new number belongs to somebody."""


def change_number(world: World, handset: Json, address: str) -> Json:
    """Move a handset to another number and tell every business number it has a chat with. raises: Taken

    Told as Meta tells it: two system messages (the number, the user id) and the field ``user_id_update``.
    """
    if world.handsets.get(address) is not None:
        raise Taken
    old = dict(handset)
    new = {**handset, "address": address, "user_id": bsuid(world.account.doc()["portfolio_id"], address)}
    numbers = [row["phone_number_id"] for row in world.store.rows(
        "SELECT phone_number_id FROM threads WHERE address = ? ORDER BY phone_number_id", old["address"])]
    world.store.run("DELETE FROM handsets WHERE address = ?", old["address"])
    for table in ("threads", "messages", "reach", "page_people"):
        world.store.run(f"UPDATE {table} SET address = ? WHERE address = ?", address, old["address"])  # noqa: S608
    world.handsets.save(new)
    for number_id in numbers:
        number = world.account.number(number_id)
        if number is not None:
            _tell(world, number, old, new)
    world.hub.publish("reset", {"reason": "number changed"})
    return new


def _tell(world: World, number: Json, old: Json, new: Json) -> None:
    now = str(world.clock.now_s())
    head: Json = {"messaging_product": "whatsapp", "metadata": metadata(number)}
    for kind, before, after, more in (
            ("user_changed_number", old["address"], new["address"], {}),
            ("user_changed_user_id", old["user_id"], new["user_id"], {"user_id": new["user_id"]})):
        system = {"body": f"User {new['name']} changed from {before} to {after}", "wa_id": new["address"], **more, "type": kind}
        message = {"from": old["address"], "id": world.ids.system_event(old["address"]), "timestamp": now, "type": "system",
                   "system": system}
        world.emit("messages", number["waba_id"], {**head, "messages": [message]}, number=number, address=new["address"])
    update = {"wa_id": new["address"], "detail": f"User id for {new['name']} has been updated.",
              "user_id": {"previous": old["user_id"], "current": new["user_id"]}, "timestamp": now}
    contact = {"profile": {"name": new["name"]}, "wa_id": new["address"]}
    world.emit("user_id_update", number["waba_id"], {**head, "contacts": [contact], "user_id_update": [update]},
               number=number, address=new["address"])
