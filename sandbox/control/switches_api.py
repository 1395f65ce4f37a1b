"""Faults, the clock, the account's switches, decisions about templates, the log of requests, reset."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import account, announce, delivery, review
from sandbox.clock import DAY_MS
from sandbox.control.problem import Problem, body_of, check
from sandbox.faults import NAMES, BadFault
from sandbox.ids import digits_of
from sandbox.keys import WORLD
from sandbox.messenger import templates
from sandbox.store import Json
from sandbox.world import World

_FARTHEST_MS = 40 * 365 * DAY_MS


async def list_faults(request: web.Request) -> web.Response:
    known = {name: {key: kind.__name__ for key, (kind, _) in params.items()} for name, params in NAMES.items()}
    return web.json_response({"faults": request.app[WORLD].faults.all(), "names": known})


async def put_fault(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    body = await body_of(request)
    try:
        with world.store.tx():
            fault = world.faults.put(body)
            if fault["name"] == "phone_off":
                _phones_off(world, fault)
    except BadFault as bad:
        raise Problem(400, str(bad)) from None
    world.webhooks.wake()
    return web.json_response({"fault": fault})


def _phones_off(world: World, fault: Json) -> None:
    """The phone of the address (or every phone) goes off now and comes on again when the time is over."""
    who = [digits_of(fault["address"])] if fault.get("address") else [one["address"] for one in world.handsets.all()]
    for address in who:
        world.handsets.ensure(address)
        delivery.set_online(world, address, False)
        world.jobs.add(fault["ms"], "phone_on", f"phone_on:{address}", {"address": address})
    world.jobs.add(fault["ms"], "fault_over", "fault", {"id": fault["id"]})


def wire_jobs(world: World) -> None:
    world.jobs.register("fault_over", lambda job: world.faults.drop(job["id"]))


async def delete_faults(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    name = request.match_info.get("name") or request.query.get("name")
    off = [fault for fault in world.faults.all() if fault["name"] == "phone_off" and name in (None, "phone_off")]
    try:
        with world.store.tx():
            gone = world.faults.delete(name)
            for fault in off:
                for one in world.handsets.all():
                    if fault.get("address") in (None, one["address"]):
                        world.jobs.drop(f"phone_on:{one['address']}")
                        delivery.set_online(world, one["address"], True)
    except BadFault as bad:
        raise Problem(404, str(bad)) from None
    world.webhooks.wake()
    return web.json_response({"deleted": gone})


def _clock(world: World) -> web.Response:
    return web.json_response({"offset_ms": world.clock.offset_ms, "now_ms": world.clock.now_ms()})


async def get_clock(request: web.Request) -> web.Response:
    return _clock(request.app[WORLD])


async def put_clock(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    offset = check(await body_of(request), {"offset_ms": int}, ("offset_ms",))["offset_ms"]
    if abs(offset) > _FARTHEST_MS:
        raise Problem(400, "offset_ms may be at most 40 years")
    world.turn_clock(offset)
    return _clock(world)


# what of the account can be set, beside mode and the switches
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "mode": str, "tier": (str, int), "test_mode": bool, "test_recipients": list, "review_ms": int, "review": str,
    "scopes": list, "switches": dict, "numbers": list}
_NUMBER: dict[str, type | tuple[type, ...]] = {
    "id": str, "digits": str, "verified_name": str, "quality_rating": str, "registered": bool, "verified": bool,
    "throughput": int, "display_phone_number": str}


def _account(world: World) -> web.Response:
    doc = world.account.edit()
    doc.pop("callback")
    numbers = []
    for number in world.account.numbers():
        shown = {key: number[key] for key in ("id", "waba_id", "digits", "display_phone_number", "verified_name", "code",
                                              "quality_rating", "registered", "verified", "throughput")}
        numbers.append(shown)
    waba = world.account.waba(account.WABA_ID)
    return web.json_response({
        **doc, "app_id": world.config.app_id, "waba_id": account.WABA_ID, "numbers": numbers,
        "callback_url": world.account.callback_url(),
        "subscribed": bool(waba and waba["subscribed"])})


async def get_account(request: web.Request) -> web.Response:
    return _account(request.app[WORLD])


async def put_account(request: web.Request) -> web.Response:
    """Change what is named; ``mode`` makes the account anew first. raises: Problem 400"""
    world = request.app[WORLD]
    body = check(await body_of(request), _FIELDS)
    _check_account(body)
    with world.store.tx():
        if body.get("mode") is not None:
            world.account.make(body["mode"])
        old, doc = world.account.doc(), world.account.edit()
        doc["switches"].update(body.get("switches") or {})
        doc.update({key: value for key, value in body.items()
                    if key not in ("mode", "switches", "numbers") and value is not None})
        doc["test_recipients"] = [digits_of(str(address)) for address in doc["test_recipients"]]
        world.account.save(doc)
        announce.account_changed(world, old, doc)
        for spec in body.get("numbers") or []:
            _put_number(world, spec)
    return _account(world)


def _check_account(body: Json) -> None:
    if body.get("mode") not in (None, "new", "live"):
        raise Problem(400, "mode must be 'new' or 'live'")
    if isinstance(body.get("tier"), str) and body["tier"] not in account.TIERS:
        raise Problem(400, f"tier must be a number of people or one of: {', '.join(account.TIERS)}")
    if body.get("review") not in (None, "rules", "approve", "reject", "hold"):
        raise Problem(400, "review must be 'rules', 'approve', 'reject' or 'hold' (only decided by hand)")
    if len(body.get("test_recipients") or []) > 5:
        raise Problem(400, "a test number has at most 5 recipients")
    for name, value in (body.get("switches") or {}).items():
        if name not in account.SWITCHES or type(value) is not type(account.SWITCHES[name]):
            raise Problem(400, f"no switch {name!r} with such a value; there are: {account.SWITCHES}")
    if (body.get("switches") or {}).get("pair_rule") not in (None, "debt", "bucket"):
        raise Problem(400, "pair_rule must be 'debt' or 'bucket'")


def _put_number(world: World, spec: Any) -> None:
    """Change a number by id, or add one (its digits are needed)."""
    if not isinstance(spec, dict):
        raise Problem(400, "numbers must be objects")
    check(spec, _NUMBER, ("id",))
    number = world.account.number(spec["id"])
    if number is None:
        if not spec.get("digits") or not spec["id"].isdigit():
            raise Problem(400, "a new number needs a decimal id and its digits")
        number = world.account.add_number(spec["id"], digits_of(spec["digits"]), spec.get("verified_name") or "")
    old = number["throughput"]
    number.update({key: value for key, value in spec.items() if key not in ("id", "digits") and value is not None})
    if number["throughput"] > old:
        announce.throughput_raised(world, number)
    world.account.save_number(number)


async def decide(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    body = check(await body_of(request), {"decision": str, "reason": str, "category": str, "quality": str, "held": bool,
                                          "notice": bool, "components": list})
    with world.store.tx():
        try:
            template_id = request.match_info["id"]
            found = templates.decide(world, template_id, body) or review.decide(world, template_id, body)
        except review.BadDecision as bad:
            raise Problem(400, str(bad)) from None
    if found is None:
        raise Problem(404, "no template has this id")
    return web.json_response(found)


async def list_requests(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    since = request.query.get("since", "0")
    if not since.isdigit():
        raise Problem(400, "since must be the number of a request")
    return web.json_response({"last": world.request_count,
                              "requests": [entry for entry in world.requests if entry["n"] > int(since)]})


async def reset(request: web.Request) -> web.Response:
    request.app[WORLD].reset()
    return web.json_response({"success": True})


ROUTES = [
    web.get("/sandbox/faults", list_faults), web.put("/sandbox/faults", put_fault),
    web.delete("/sandbox/faults", delete_faults), web.delete("/sandbox/faults/{name}", delete_faults),
    web.get("/sandbox/clock", get_clock), web.put("/sandbox/clock", put_clock),
    web.get("/sandbox/account", get_account), web.put("/sandbox/account", put_account),
    web.post("/sandbox/templates/{id}/decide", decide),
    web.get("/sandbox/requests", list_requests), web.post("/sandbox/reset", reset)]
