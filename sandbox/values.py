"""What stands in ``value`` of webhooks: metadata, contacts, statuses, with phone fields left out where hidden."""

from __future__ import annotations

from sandbox.store import Json


def metadata(number: Json) -> Json:
    return {"display_phone_number": number["digits"], "phone_number_id": number["id"]}


def contact(handset: Json, *, visible: bool, username: bool) -> Json:
    profile: Json = {"name": handset["name"]}
    if username and handset["username"]:
        profile["username"] = handset["username"]
    found: Json = {"profile": profile}
    if visible:
        found["wa_id"] = handset["address"]
    found["user_id"] = handset["user_id"]
    return found


def status_value(number: Json, handset: Json, status: Json, *, visible: bool) -> Json:
    """A status with its contacts block: a username only in delivered and read, no block at all with failed."""
    value: Json = {"messaging_product": "whatsapp", "metadata": metadata(number)}
    if status["status"] != "failed":
        value["contacts"] = [contact(handset, visible=visible, username=status["status"] in ("delivered", "read"))]
    value["statuses"] = [status]
    return value


def message_value(number: Json, handset: Json, message: Json, *, visible: bool) -> Json:
    return {"messaging_product": "whatsapp", "metadata": metadata(number),
            "contacts": [contact(handset, visible=visible, username=True)], "messages": [message]}
