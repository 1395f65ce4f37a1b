"""The WABA and the app by API: what there is, who is subscribed, where webhooks go, what a token may do."""

from __future__ import annotations

from typing import Any

from sandbox import account as accounts
from sandbox.errors import GraphError
from sandbox.graph import auth, page_account
from sandbox.graph.call import MANAGEMENT, MESSAGING, Call, call, fields_of
from sandbox.graph.handshake import shake_hands
from sandbox.graph.numbers_api import DEFAULT, health, view
from sandbox.messenger import pages
from sandbox.store import Json

OBJECT = "whatsapp_business_account"
_WABA_FIELDS = ("id", "name", "timezone_id", "message_template_namespace")
_WABA_KNOWN = (*_WABA_FIELDS, "currency", "health_status", "account_review_status", "business_verification_status",
               "ownership_type", "whatsapp_business_manager_messaging_limit", "status", "owner_business_info",
               "is_enabled_for_insights", "disable_marketing_messages_on_cloud_api")
# fields the real node has and this one has no value for; they are left out, as empty fields are
_WABA_EMPTY = ("country", "marketing_messages_lite_api_status", "marketing_messages_onboarding_status",
               "on_behalf_of_business_info", "subscribed_apps", "primary_funding_id", "purchase_order_number")


@call("GET", "waba")
async def get_waba(this: Call) -> Json:
    account = this.world.account.doc()
    live = account["mode"] == "live"
    whole = {"id": this.node_id, "name": this.node["name"], "timezone_id": this.node["timezone_id"],
             "message_template_namespace": "sandbox_" + this.node_id, "currency": this.node["currency"],
             "health_status": health(this.world, None), "account_review_status": "APPROVED",
             "business_verification_status": "verified" if live else "not_verified", "ownership_type": "SELF",
             "whatsapp_business_manager_messaging_limit": account["tier"], "status": "ACTIVE",
             "owner_business_info": {"name": this.node["name"], "id": account["portfolio_id"]}, "is_enabled_for_insights": False,
             "disable_marketing_messages_on_cloud_api": account["switches"]["marketing_disabled"]}
    fields = fields_of(this.request, _WABA_FIELDS)
    for name in fields:
        if name not in _WABA_KNOWN + _WABA_EMPTY:
            raise GraphError(100, message=f"(#100) Tried accessing nonexisting field ({name}) on node type "
                                          "(WhatsAppBusinessAccount)", data=False)
    return {**{name: whole[name] for name in fields if name in whole}, "id": this.node_id}


@call("GET", "waba", "phone_numbers")
async def list_numbers(this: Call) -> Json:
    fields = fields_of(this.request, DEFAULT)
    return {"data": [view(this.world, number, fields) for number in this.world.account.numbers(this.node_id)]}


@call("GET", "waba", "subscribed_apps")
async def list_subscribed(this: Call) -> Json:
    if not this.node["subscribed"]:
        return {"data": []}
    app: Json = {"whatsapp_business_api_data": {"link": f"{this.base}/games/?app_id={this.world.config.app_id}",
                                                "name": "Sandbox app", "id": this.world.config.app_id}}
    if this.node["override"]:
        app["override_callback_uri"] = this.node["override"]["url"]
    return {"data": [app]}


@call("POST", "waba", "subscribed_apps")
async def subscribe(this: Call) -> Json:
    body = await this.read_object()
    url = body.get("override_callback_uri")
    if url:
        await shake_hands(this.world, str(url), str(body.get("verify_token", "")))
    this.node.update(subscribed=True, override={"url": url} if url else None)
    this.world.account.save_waba(this.node)
    return {"success": True}


@call("DELETE", "waba", "subscribed_apps")
async def unsubscribe(this: Call) -> Json:
    this.node.update(subscribed=False, override=None)
    this.world.account.save_waba(this.node)
    return {"success": True}


def _app_only(this: Call) -> None:
    if not this.who.is_app:
        raise GraphError(15)


@call("GET", "app", "subscriptions", scope=None)
async def list_subscriptions(this: Call) -> Json:
    _app_only(this)
    subscription = this.world.account.subscription()
    numbers = [] if subscription is None else [{
        "object": OBJECT, "callback_url": this.world.account.callback_url(), "active": True,
        "fields": [{"name": name, "version": this.version} for name in subscription["fields"]]}]
    return {"data": numbers + page_account.subscription(this)}


@call("POST", "app", "subscriptions", scope=None)
async def set_subscription(this: Call) -> Json:
    """raises: 15 with a user's token, 100 for wrong parameters, 2200 when the callback fails the handshake"""
    _app_only(this)
    body = {**this.request.query, **await this.read_object()}
    if body.get("object") == page_account.OBJECT:
        return await page_account.set_subscription(this, body)
    if body.get("object") != OBJECT:
        raise GraphError(100, message=f"(#100) Param object must be one of {{{OBJECT}}}.")
    for name in ("callback_url", "verify_token"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise GraphError(100, message=f"(#100) The parameter {name} is required.")
    fields = _names(body.get("fields"))
    for name in fields:
        if name not in accounts.FIELDS:
            raise GraphError(100, message=f"(#100) Invalid field {name[:60]!r} for object {OBJECT}.")
    await shake_hands(this.world, body["callback_url"], body["verify_token"])
    account = this.world.account.edit()
    account["callback"] = {"url": body["callback_url"], "fields": fields}
    this.world.account.save(account)
    return {"success": True}


def _names(fields: Any) -> list[str]:
    names = fields.split(",") if isinstance(fields, str) else fields
    if not isinstance(names, list) or not names:
        raise GraphError(100, message="(#100) The parameter fields is required.")
    return [str(name).strip() for name in names]


@call("DELETE", "app", "subscriptions", scope=None)
async def drop_subscription(this: Call) -> Json:
    """Of one ``object``, or of all."""
    _app_only(this)
    about = {**this.request.query, **await this.read_object()}.get("object")
    if about in (None, page_account.OBJECT):
        page_account.drop_subscription(this.world)
    if about in (None, OBJECT):
        account = this.world.account.edit()
        account["callback"] = {}  # nobody, also not the configured one
        this.world.account.save(account)
    return {"success": True}


@call("GET", "app", scope=None)
async def get_app(this: Call) -> Json:
    return {"id": this.node_id if this.node_id != "app" else this.world.config.app_id, "name": "Sandbox app"}


@call("GET", "debug_token", scope=None)
async def debug_token(this: Call) -> Json:
    """What ``input_token`` may do; asked with the app's token or the token itself."""
    world, asked = this.world, this.request.query.get("input_token")
    if not asked:
        raise GraphError(100, message="(#100) The parameter input_token is required.")
    account = world.account.doc()
    if auth.same(asked, f"{world.config.app_id}|{world.config.app_secret}"):
        return {"data": {"app_id": world.config.app_id, "type": "APP", "application": "Sandbox app", "is_valid": True,
                         "scopes": []}}
    if (page_id := auth.page_of_token(world, asked)) is not None:
        return {"data": page_account.describe_token(world, page_id)}
    if not auth.same(asked, world.config.token):
        return {"data": {"error": {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"},
                         "is_valid": False, "scopes": []}}
    targets = {MESSAGING: [accounts.WABA_ID], MANAGEMENT: [accounts.WABA_ID], "business_management":
               [account["portfolio_id"]]}
    targets.update({scope: [page["id"] for page in pages.everyone(world.store)] for scope in accounts.PAGE_SCOPES})
    data: Json = {"app_id": world.config.app_id, "type": "SYSTEM_USER", "application": "Sandbox app",
                  "data_access_expires_at": 0, "expires_at": 0, "is_valid": True, "issued_at": 0,
                  "scopes": account["scopes"], "granular_scopes": [
                      {"scope": scope, **({"target_ids": targets[scope]} if scope in targets else {})}
                      for scope in account["scopes"]], "user_id": "122100000000000001"}
    if account["switches"]["token_expired"]:
        data.update(is_valid=False, expires_at=world.clock.now_s() - 3_600,
                    error={"code": 190, "message": auth.expired(world).message, "subcode": 463})
    return {"data": data}
