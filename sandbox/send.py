"""``POST /{phone-number-id}/messages``: who may be written to, what with, how fast; then a wamid and a plan."""

from __future__ import annotations

from typing import Any

from sandbox import content, delivery, interactive, pricing, template_send
from sandbox.clock import DAY_MS
from sandbox.content import Draft
from sandbox.errors import CODES, GraphError, invalid, missing, unexpected_key
from sandbox.ids import country_of
from sandbox.store import Json
from sandbox.world import World

ENTRY_WINDOW_MS = 3 * DAY_MS
_PHONE_MARKS = str.maketrans("", "", "+ -()\u00a0.")


def send(world: World, number: Json, body: Any) -> tuple[Json, str]:
    """Accept one message: (the answer, its wamid). raises: GraphError with the synchronous codes"""
    content.check_envelope(body)
    kind = body.get("type", "text")
    if body.get("recipient_type") == "group":
        raise GraphError(131215)
    if not isinstance(kind, str) or (kind not in content.READERS and kind not in ("template", "interactive")):
        raise GraphError(131051 if kind in content.UNSUPPORTED else 100, None if kind in content.UNSUPPORTED else
                         f"Parameter 'type' must be one of: {', '.join([*content.READERS, 'interactive', 'template'])}.")
    content.check_keys(body, kind)
    if body.get("category") is not None:
        raise GraphError(100, "Parameter 'category' is not supported: this account is not eligible for Direct Send.")
    check_account(world, number)
    address, handset, user_id = _recipient(world, number, body)
    if body.get(kind) is None:
        raise missing(kind)
    draft = _read(world, number, kind, body[kind])
    _check_recipient(world, number, address, handset, user_id, draft, body)
    _check_pace(world, number, address)
    return _accept(world, number, body, draft, address, handset, user_id)


def check_account(world: World, number: Json) -> None:
    """Switches of the account that refuse every send. raises: 133010, 368, 131031, 131057, 131064"""
    if not number["registered"]:
        raise GraphError(133010)
    switches = world.account.doc()["switches"]
    for name, code in (("restricted", 368), ("locked", 131031), ("maintenance", 131057)):
        if switches[name]:
            raise GraphError(code)


def _recipient(world: World, number: Json, body: Json) -> tuple[str, Json | None, str | None]:
    """(digits or the BSUID as it stands, the handset if there is one, the BSUID when sent by it). ``to`` wins."""
    if body.get("to") not in (None, ""):
        to = body["to"]
        if not isinstance(to, str):
            raise GraphError(100, message="(#100) Param to must be a string.")
        digits = to.translate(_PHONE_MARKS)
        if not digits.isascii() or not digits.isdigit() or not 7 <= len(digits) <= 15 or digits[0] == "0":
            raise invalid("Recipient phone number is not valid")
        if digits == number["digits"]:
            raise GraphError(131021)
        account = world.account.doc()
        if account["test_mode"] and digits not in account["test_recipients"]:
            raise GraphError(131030)
        barred = account["switches"]["barred_countries"]
        if barred and country_of(digits) in barred:
            raise GraphError(130497)
        return digits, world.handsets.get(digits), None
    user_id = body["recipient"]
    if not isinstance(user_id, str) or "." not in user_id or len(user_id) > 200:
        raise invalid("Parameter 'recipient' is not a valid business-scoped user id")
    handset = world.handsets.by_user_id(user_id)
    account = world.account.doc()
    if account["test_mode"] and (handset is None or handset["address"] not in account["test_recipients"]):
        raise GraphError(131030)
    return (handset["address"] if handset else user_id), handset, user_id


def _read(world: World, number: Json, kind: str, thing: Any) -> Draft:
    if kind == "template":
        return template_send.read(world, number, thing)
    if kind == "interactive":
        return interactive.read(world, number, thing)
    return content.READERS[kind](world, number, thing)


def _check_recipient(world: World, number: Json, address: str, handset: Json | None, user_id: str | None, draft: Draft,
                     body: Json) -> None:
    switches = world.account.doc()["switches"]
    if user_id is not None and draft.category == "authentication":
        raise GraphError(131062)
    if draft.category == "marketing" and switches["marketing_disabled"]:
        raise GraphError(131063)
    if draft.is_template and switches["misclassified"]:
        raise GraphError(131064)
    asked = body.get("recipient_identity_key_hash")
    if asked is not None and (handset is None or handset.get("identity_hash") != asked):
        raise GraphError(137000)
    fault = world.faults.take("code", number["id"], address)
    if fault is not None:
        by_webhook = fault.get("async")
        if by_webhook is None:
            by_webhook = fault["code"] in CODES and CODES[fault["code"]].by_webhook
        if not by_webhook:
            raise GraphError(fault["code"], fault["details"] or None)
        draft.fail = (fault["code"], fault["details"] or None)


def _check_pace(world: World, number: Json, address: str) -> None:
    if not world.limits.pair(number["id"], address, rule=world.account.switch("pair_rule")):
        raise GraphError(131056)
    if not world.limits.pass_through(number["id"], number["throughput"]):
        raise GraphError(130429)


def _accept(world: World, number: Json, body: Json, draft: Draft, address: str, handset: Json | None,
            user_id: str | None) -> tuple[Json, str]:
    now = world.clock.now_ms()
    answer: Json = {"messaging_product": "whatsapp"}
    if user_id is None:
        answer["contacts"] = [{"input": body["to"], "wa_id": address}]
    else:
        answer["contacts"] = [{"input": user_id, "user_id": user_id}]
    if handset is None and user_id is None:
        handset = world.handsets.ensure(address)
    opaque = body.get("biz_opaque_callback_data")
    if handset is None:
        message_id = world.ids.from_business(None)
        _fail_unknown(world, number, message_id, str(user_id), opaque)
    else:
        visible = user_id is None or world.handsets.phone_visible(number["id"], handset)
        message_id = world.ids.from_business(address if visible else None)
        thread = world.handsets.thread(number["id"], address)
        in_window = world.handsets.window_open(number["id"], address)
        draft.private.update(opaque=opaque, user_id=user_id, category=draft.category, in_window=in_window,
                             ttl_ms=draft.ttl_ms)
        _entry_point(world, number, address, thread, draft)
        fail = _verdict(world, number, handset, draft, in_window)
        bubble = {"type": draft.type, **draft.bubble}
        if body.get("context") is not None and draft.type not in ("template", "reaction"):
            bubble["reply_to"] = body["context"]["message_id"]
        if visible:
            world.handsets.mark(number["id"], address, last_exchange_ms=now)
        if handset["typing_until_ms"] > now:
            handset["typing_until_ms"] = 0
            world.handsets.save(handset)
        world.handsets.add(message_id=message_id, number_id=number["id"], address=address, kind="received",
                           ticks="pending", bubble=bubble, private=draft.private, opaque=opaque)
        if draft.type == "reaction" and fail is None:
            _react(world, draft)
        delivery.start(world, message_id, links=draft.links, fail=fail, held=draft.held)
    message: Json = {"id": message_id}
    if draft.is_template:
        message["message_status"] = "held_for_quality_assessment" if draft.held else "accepted"
    answer["messages"] = [message]
    return answer, message_id


def _entry_point(world: World, number: Json, address: str, thread: Json, draft: Draft) -> None:
    """Somebody who came by an ad, answered within a day, is free to write to for 72 hours."""
    now = world.clock.now_ms()
    if thread["entry_ms"] is not None and thread["entry_until_ms"] is None and now - thread["entry_ms"] < DAY_MS:
        thread["entry_until_ms"] = now + ENTRY_WINDOW_MS
        world.handsets.mark(number["id"], address, entry_until_ms=thread["entry_until_ms"])
    if thread["entry_until_ms"] is not None and now < thread["entry_until_ms"]:
        draft.private.update(entry_until_ms=thread["entry_until_ms"], conversation=world.ids.hex_lower(32))


def _verdict(world: World, number: Json, handset: Json, draft: Draft, in_window: bool) -> tuple[int, str | None] | None:
    """What Meta finds only after its 200: the code of the failed status, or None."""
    switches = world.account.doc()["switches"]
    if not handset["on_whatsapp"]:
        return 131026, None
    if handset["address"] in number.get("blocked", []):
        return 130403, None
    if draft.fail is not None:
        return draft.fail
    if not draft.is_template and not in_window:
        return 131047, None
    if draft.category == "marketing" and number["id"] in handset["marketing_stopped"]:
        return 131050, None
    if draft.category == "marketing" and country_of(handset["address"]) == "US":
        return 131049, None
    if switches["payment_problem"] and (draft.category != "service" or not pricing.free_left(
            world.store, number["id"], world.clock.now_ms())):
        return 131042, None
    if draft.type == "reaction":
        target = world.handsets.message(draft.private["target"])
        if (target is None or target["bubble"]["type"] == "reaction" or target["address"] != handset["address"]
                or world.clock.now_ms() - target["at_ms"] > 30 * DAY_MS):
            return 131009, "The message to react to does not exist, is too old or is a reaction."
    if not in_window:
        if not world.limits.reach(number["waba_id"], handset["address"]):
            return 131048, None
        draft.private["reached"] = True
    return None


def _react(world: World, draft: Draft) -> None:
    target = world.handsets.message(draft.private["target"])
    if target is not None:
        world.handsets.change(target, reaction=draft.bubble["body"] or None)


def _fail_unknown(world: World, number: Json, message_id: str, user_id: str, opaque: str | None) -> None:
    """A BSUID of nobody we know: accepted, then undeliverable."""
    world.jobs.add(world.between(world.config.failed_delay_ms), "fail_unknown", message_id,
                   {"id": message_id, "number_id": number["id"], "private": {"user_id": user_id, "opaque": opaque}})


def read_receipt(world: World, number: Json, body: Json) -> None:
    """``status: read`` for an inbound message: it and the earlier ones get their ticks; maybe the typing dots.

    raises: 100 for an unknown key, 131008, 131009 when the message is not known
    """
    for key in body:
        if key not in ("messaging_product", "status", "message_id", "typing_indicator", "recipient_type", "to"):
            raise unexpected_key(key, "message")
    if body.get("messaging_product") != "whatsapp":
        raise GraphError(100, message="(#100) The parameter messaging_product is required.")
    if body["status"] != "read":
        raise invalid("Parameter 'status' must be 'read'")
    content.text(body, "message_id", "message_id", 1_000)
    typing = body.get("typing_indicator")
    if typing is not None and content.only(typing, ("type",), "typing_indicator").get("type") != "text":
        raise invalid("Parameter 'typing_indicator.type' must be 'text'")
    message = world.handsets.message(body["message_id"])
    if message is None or message["kind"] != "sent" or message["phone_number_id"] != number["id"]:
        raise invalid("Message id is not valid: no such inbound message")
    if world.clock.now_ms() - message["at_ms"] > 30 * DAY_MS:
        raise invalid("Messages older than 30 days cannot be marked as read")
    for row in world.store.rows("SELECT id FROM messages WHERE address = ? AND phone_number_id = ? AND kind = 'sent' "
                                "AND ticks <> 'read' AND at_ms <= ?", message["address"], number["id"], message["at_ms"]):
        earlier = world.handsets.message(row["id"])
        if earlier is not None:
            world.handsets.change(earlier, ticks="read")
    handset = world.handsets.get(message["address"])
    if typing is not None and handset is not None:
        handset["typing_until_ms"] = world.clock.now_ms() + 25_000
        world.handsets.save(handset)
        world.jobs.add(25_000, "typing_end", handset["address"], {"address": handset["address"]})

