"""A phone number by API: its state, verification, registration, profile, its own callback, its short links."""

from __future__ import annotations

from aiohttp import web

from sandbox.clock import HOUR_MS
from sandbox.errors import GraphError, invalid, object_missing
from sandbox.graph.call import Call, call, fields_of
from sandbox.graph.handshake import shake_hands
from sandbox.store import Json
from sandbox.world import World

DEFAULT = ("verified_name", "code_verification_status", "display_phone_number", "quality_rating", "platform_type",
           "throughput", "webhook_configuration", "id")
KNOWN = (*DEFAULT, "status", "name_status", "whatsapp_business_manager_messaging_limit", "health_status", "account_mode",
         "is_official_business_account", "is_pin_enabled", "messaging_limit_tier")
# fields the real node has and this one has no value for; they are left out, as empty fields are
EMPTY = ("conversational_automation", "quality_score", "new_name_status", "is_on_biz_app", "is_preverified_number",
         "search_visibility", "eligibility_for_api_business_global_search", "certificate", "new_certificate",
         "last_onboarded_time", "country_code", "country_dial_code", "username")
TRIES, TRIES_MS, PIN_MISSES = 10, 72 * HOUR_MS, 5
_CODES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def view(world: World, number: Json, fields: list[str]) -> Json:
    account = world.account.doc()
    waba = world.account.waba(number["waba_id"]) or {"override": None}
    configuration = {"application": world.account.callback_url(),
                     "whatsapp_business_account": waba["override"] and waba["override"]["url"],
                     "phone_number": number["override"] and number["override"]["url"]}
    whole: Json = {
        "verified_name": number["verified_name"], "display_phone_number": number["display_phone_number"],
        "code_verification_status": "VERIFIED" if number["verified"] else "NOT_VERIFIED",
        "quality_rating": number["quality_rating"], "platform_type": "CLOUD_API" if number["registered"] else "NOT_APPLICABLE",
        "throughput": {"level": "HIGH" if number["throughput"] > 80 else "STANDARD"},
        "webhook_configuration": {key: url for key, url in configuration.items() if url}, "id": number["id"],
        "status": "CONNECTED" if number["registered"] else "PENDING",
        "name_status": "APPROVED" if account["mode"] == "live" else "NONE",
        "whatsapp_business_manager_messaging_limit": account["tier"], "messaging_limit_tier": account["tier"],
        "health_status": health(world, number), "account_mode": "SANDBOX" if account["test_mode"] else "LIVE",
        "is_official_business_account": False, "is_pin_enabled": number["pin"] is not None}
    for name in fields:
        if name not in KNOWN + EMPTY:
            raise GraphError(100, message=f"(#100) Tried accessing nonexisting field ({name}) on node type "
                                          "(WhatsAppBusinessPhoneNumber)", data=False)
    return {**{name: whole[name] for name in fields if name in whole}, "id": number["id"]}


def health(world: World, number: Json | None) -> Json:
    """Who of number, WABA, business and app may send; the worst of them counts."""
    account = world.account.doc()
    switches = account["switches"]
    waba_id = world.account.numbers()[0]["waba_id"] if number is None else number["waba_id"]

    def entity(kind: str, entity_id: str, error: tuple[int, str, str] | None, state: str = "BLOCKED") -> Json:
        found: Json = {"entity_type": kind, "id": entity_id, "can_send_message": "AVAILABLE"}
        if error is not None:
            found["can_send_message"] = state
            found["errors"] = [{"error_code": error[0], "error_description": error[1], "possible_solution": error[2]}]
        return found

    entities = []
    if number is not None:
        entities.append(entity("PHONE_NUMBER", number["id"], None if number["registered"] else
                               (141000, "The phone number is not registered.", "Register the phone number.")))
    waba_error = None
    if switches["restricted"] or switches["locked"]:
        waba_error = (141010, "The account is restricted.", "See the account's quality page.")
    elif switches["payment_problem"]:
        waba_error = (141006, "There is an error with the payment method.", "Add a payment method.")
    entities.append(entity("WABA", waba_id, waba_error))
    entities.append(entity("BUSINESS", account["portfolio_id"], None if account["mode"] == "live" else
                           (141010, "The business is not verified.", "Verify the business."), "LIMITED"))
    entities.append(entity("APP", world.config.app_id, None))
    states = [one["can_send_message"] for one in entities]
    worst = next((state for state in ("BLOCKED", "LIMITED") if state in states), "AVAILABLE")
    return {"can_send_message": worst, "entities": entities}


@call("GET", "number")
async def get_number(this: Call) -> Json:
    return view(this.world, this.node, fields_of(this.request, DEFAULT))


@call("POST", "number")
async def post_number(this: Call) -> Json:
    """Sets or clears the number's own callback; the new one must answer the handshake."""
    body = await this.read_object()
    wanted = body.get("webhook_configuration")
    if not isinstance(wanted, dict):
        raise GraphError(100, "Only webhook_configuration can be set here.")
    url = wanted.get("override_callback_uri")
    if url:
        await shake_hands(this.world, str(url), str(wanted.get("verify_token", "")))
    this.node["override"] = {"url": url} if url else None
    this.world.account.save_number(this.node)
    return {"success": True}


@call("POST", "number", "request_code")
async def request_code(this: Call) -> Json:
    """The code arrives where a real one would not: GET /sandbox/account shows it."""
    body = await this.read_object()
    if body.get("code_method") not in ("SMS", "VOICE"):
        raise GraphError(100, message="(#100) Param code_method must be one of {SMS, VOICE}.")
    if not isinstance(body.get("language"), str):
        raise GraphError(100, message="(#100) The parameter language is required.")
    if this.node["verified"]:
        raise GraphError(136024)
    this.node["code"] = this.world.ids.decimal(6, str(this.world.rng.randrange(1, 10)))
    this.world.account.save_number(this.node)
    return {"success": True}


@call("POST", "number", "verify_code")
async def verify_code(this: Call) -> Json:
    body = await this.read_object()
    if this.node["code"] is None or str(body.get("code", "")).replace("-", "") != this.node["code"]:
        raise GraphError(136025)
    this.node.update(verified=True, code=None)
    this.world.account.save_number(this.node)
    return {"success": True}


def _try(world: World, number: Json) -> None:
    """Ten registrations and deregistrations in 72 hours. raises: 133016"""
    now = world.clock.now_ms()
    number["attempts"] = [at for at in number["attempts"] if at > now - TRIES_MS]
    if len(number["attempts"]) >= TRIES:
        raise GraphError(133016)
    number["attempts"].append(now)
    world.account.save_number(number)


@call("POST", "number", "register")
async def register(this: Call) -> Json:
    """raises: 100, 133005 wrong PIN, 133006 not verified, 133008 too many wrong PINs, 133016"""
    body = await this.read_object()
    number, pin = this.node, body.get("pin")
    if body.get("messaging_product") != "whatsapp":
        raise GraphError(100, message="(#100) The parameter messaging_product is required.")
    if not isinstance(pin, str) or len(pin) != 6 or not pin.isdigit():
        raise GraphError(100, message="(#100) Param pin must be 6 digits.")
    region = body.get("data_localization_region")
    if region is not None and (not isinstance(region, str) or len(region) != 2):
        raise invalid("data_localization_region must be a country code of two letters")
    _try(this.world, number)
    if not number["verified"]:
        raise GraphError(133006)
    if number["pin_misses"] >= PIN_MISSES:
        raise GraphError(133008)
    if number["pin"] is not None and number["pin"] != pin:
        number["pin_misses"] += 1
        this.world.account.save_number(number)
        raise GraphError(133005)
    number.update(registered=True, pin=pin, pin_misses=0, quality_rating="GREEN")
    if region is not None:
        number["region"] = region
    this.world.account.save_number(number)
    return {"success": True}


@call("POST", "number", "deregister")
async def deregister(this: Call) -> Json:
    _try(this.world, this.node)
    this.node["registered"] = False
    this.world.account.save_number(this.node)
    return {"success": True}


_PROFILE = {"about": 139, "address": 256, "description": 512, "email": 128, "vertical": 40}


@call("GET", "number", "whatsapp_business_profile")
async def get_profile(this: Call) -> Json:
    fields = fields_of(this.request, ("messaging_product",))
    profile = {"messaging_product": "whatsapp", **this.node["profile"]}
    return {"data": [{name: profile[name] for name in fields if name in profile} | {"messaging_product": "whatsapp"}]}


@call("POST", "number", "whatsapp_business_profile")
async def post_profile(this: Call) -> Json:
    body = await this.read_object()
    if body.pop("messaging_product", None) != "whatsapp":
        raise GraphError(100, message="(#100) The parameter messaging_product is required.")
    for key, value in body.items():
        if key == "websites" and isinstance(value, list) and len(value) <= 2:
            continue
        if key not in _PROFILE or not isinstance(value, str):
            raise GraphError(100, f'Unexpected key "{key}" on param "whatsapp_business_profile".')
        if len(value) > _PROFILE[key]:
            raise GraphError(100, message=f"(#100) Param {key} must be at most {_PROFILE[key]} characters long.")
    this.node["profile"].update(body)
    this.world.account.save_number(this.node)
    return {"success": True}


@call("POST", "number", "message_qrdls")
async def make_link(this: Call) -> Json:
    body = await this.read_object()
    text = body.get("prefilled_message")
    if not isinstance(text, str) or not 1 <= len(text) <= 140:
        raise GraphError(100, message="(#100) Param prefilled_message must be 1 to 140 characters long.")
    code = "".join(this.world.rng.choices(_CODES, k=14))
    link: Json = {"code": code, "prefilled_message": text, "deep_link_url": f"https://wa.me/message/{code}"}
    this.world.store.put(f"qrdl:{this.node_id}:{code}", link)
    return link


@call("GET", "number", "message_qrdls")
async def list_links(this: Call) -> Json | web.Response:
    rows = this.world.store.rows("SELECT key FROM kv WHERE key LIKE ? ORDER BY rowid", f"qrdl:{this.node_id}:%")
    links = [this.world.store.get(row["key"]) for row in rows]
    code = this.request.query.get("code")
    return {"data": [link for link in links if code in (None, link["code"])]}


@call("POST", "number", "groups")
async def no_groups(this: Call) -> Json:
    """Only numbers of an Official Business Account may have groups; none here is one."""
    raise GraphError(131215)


@call("POST", "number", "marketing_messages")
async def no_marketing_endpoint(this: Call) -> Json:
    raise object_missing(this.node_id, "POST")
