"""A Page by API: its fields, its profile, its personas, who is subscribed, which features were reviewed, its tokens."""

from __future__ import annotations

from typing import Any

from sandbox import account as accounts
from sandbox.errors import GraphError
from sandbox.graph import auth
from sandbox.graph.call import Call, call, fields_of
from sandbox.graph.handshake import shake_hands
from sandbox.graph.page_call import METADATA, page_call, params
from sandbox.messenger import pages, personas, profile, webhooks
from sandbox.messenger import world as page_world
from sandbox.messenger.errors import PageError, invalid
from sandbox.messenger.fields import parse
from sandbox.messenger.reading import text, thing
from sandbox.messenger.recipients import by_psid
from sandbox.store import Json
from sandbox.world import World

OBJECT = "page"
FIELDS = ("id", "name", "username", "link", "category", "access_token", "tasks", "messaging_feature_status", "is_published")
TASKS = ["MODERATE", "MESSAGING", "MANAGE"]
DATA_ACCESS_S = 90 * 86_400


@page_call("GET", "page", scope=None)
async def get_page(this: Call, page: Json) -> Json:
    whole: Json = {
        "id": page["id"], "name": page["name"], "username": page["username"], "category": "Travel company",
        "link": f"https://www.facebook.com/{page['username']}", "access_token": auth.PAGE_TOKEN + page["id"], "tasks": TASKS,
        "messaging_feature_status": {"hop_v2": True, "msgr_multi_app": True, "ig_multi_app": True}, "is_published": True}
    names = fields_of(this.request, ("id", "name"))
    for name in names:
        if name not in FIELDS:
            raise invalid(f"Tried accessing nonexisting field ({name}) on node type (Page)")
    return {name: whole[name] for name in dict.fromkeys((*names, "id"))}


@page_call("GET", "page", "messaging_feature_review")
async def feature_review(this: Call, page: Json) -> Json:
    """Which features of the app were reviewed for this Page."""
    def state(approved: bool) -> str:
        return "APPROVED" if approved else "PENDING"

    return {"data": [{"feature": "HUMAN_AGENT", "status": state(page["human_agent"])},
                     {"feature": "UTILITY_MESSAGES", "status": state(page["utility"])}]}


# the app's subscription to the Page

@page_call("POST", "page", "subscribed_apps", scope=METADATA)
async def subscribe(this: Call, page: Json) -> Json:
    """raises: 100 without fields or for an unknown one"""
    fields = _names((await params(this)).get("subscribed_fields"), "subscribed_fields")
    page.update(subscribed=True, subscribed_fields=fields, since_ms=this.world.clock.now_ms())
    pages.save(this.world.store, page)
    webhooks.publish(this.world, page["id"])
    return {"success": True}


@page_call("GET", "page", "subscribed_apps", scope=METADATA)
async def list_subscribed(this: Call, page: Json) -> Json:
    if not page["subscribed"]:
        return {"data": []}
    return {"data": [{"id": this.world.config.app_id, "name": "Sandbox app", "category": "Business",
                      "link": f"{this.base}/games/?app_id={this.world.config.app_id}",
                      "subscribed_fields": page["subscribed_fields"]}]}


@page_call("DELETE", "page", "subscribed_apps", scope=METADATA)
async def unsubscribe(this: Call, page: Json) -> Json:
    page.update(subscribed=False, since_ms=this.world.clock.now_ms())
    pages.save(this.world.store, page)
    webhooks.publish(this.world, page["id"])
    return {"success": True}


def _names(value: Any, param: str) -> list[str]:
    names = [str(name).strip() for name in (value.split(",") if isinstance(value, str) else value or [])]
    if not names or names == [""]:
        raise invalid(f"The parameter {param} is required")
    for name in names:
        if name not in pages.FIELDS:
            raise invalid(f"Param {param}[0] must be one of {{{', '.join(pages.FIELDS)}}} - got {name[:60]!r}")
    return list(dict.fromkeys(names))


# the app's own subscription for object=page; asked by app_api

async def set_subscription(this: Call, body: Json) -> Json:
    """raises: 100 for wrong parameters, 2200 when the callback fails the handshake"""
    for name in ("callback_url", "verify_token"):
        text(body.get(name), name, 2_000)
    fields = _names(body.get("fields"), "fields")
    await shake_hands(this.world, body["callback_url"], body["verify_token"])
    this.world.store.put("page_callback", {"url": body["callback_url"], "fields": fields})
    return {"success": True}


def subscription(this: Call) -> list[Json]:
    found = page_world.subscription(this.world)
    if found is None:
        return []
    return [{"object": OBJECT, "callback_url": found["url"] or page_world.configured_url(this.world), "active": True,
             "fields": [{"name": name, "version": this.version} for name in found["fields"]]}]


def drop_subscription(world: World) -> None:
    world.store.put("page_callback", {})  # nobody, also not the configured one


# profile

@page_call("POST", "page", "messenger_profile")
async def put_profile(this: Call, page: Json) -> Json:
    page["profile"] = profile.put(page["profile"], await params(this))
    pages.save(this.world.store, page)
    webhooks.publish(this.world, page["id"])
    return {"result": "success"}


@page_call("GET", "page", "messenger_profile")
async def get_profile(this: Call, page: Json) -> Json:
    if not this.request.query.get("fields"):
        raise invalid("The parameter fields is required")
    found = profile.view(page, fields_of(this.request, ()))
    return {"data": [found] if found else []}


@page_call("DELETE", "page", "messenger_profile")
async def drop_profile(this: Call, page: Json) -> Json:
    fields = (await params(this)).get("fields")
    page["profile"] = profile.drop(page["profile"], fields.split(",") if isinstance(fields, str) else fields)
    pages.save(this.world.store, page)
    webhooks.publish(this.world, page["id"])
    return {"result": "success"}


@page_call("POST", "page", "custom_user_settings")
async def put_user_menu(this: Call, page: Json) -> Json:
    """One person's own menu. raises: 10/2018336 by a fault of that code: how a thread under European rules is found out"""
    body = await params(this)
    recipient = by_psid(this.world, page, str(body.get("psid") or ""))
    if this.world.faults.take("code", page["id"], recipient.address, subcode=2018336) is not None:
        raise PageError(10, 2018336)
    menu = profile.check_menu(body.get("persistent_menu"))
    with this.world.store.tx():
        page_world.note(this.world, page["id"], recipient.address, menu=menu)
    return {"result": "success"}


@page_call("GET", "page", "custom_user_settings")
async def get_user_menu(this: Call, page: Json) -> Json:
    recipient = by_psid(this.world, page, this.request.query.get("psid", ""))
    menu = page_world.person(this.world, page["id"], recipient.address).get("menu")
    return {"data": [] if menu is None else [{"user_level_persistent_menu": menu}]}


# personas

@page_call("POST", "page", "personas")
async def make_persona(this: Call, page: Json) -> Json:
    return {"id": await personas.make(this.world, page["id"], await params(this))}


def _persona(this: Call, found: Json) -> Json:
    return {"id": found["id"], "name": found["name"], "profile_picture_url": personas.picture_url(this.world, found, this.base)}


@page_call("GET", "page", "personas")
async def list_personas(this: Call, page: Json) -> Json:
    found = personas.of_page(this.world, page["id"])
    answer: Json = {"data": [_persona(this, one) for one in found]}
    if found:
        answer["paging"] = {"cursors": {"before": found[0]["id"], "after": found[-1]["id"]}}
    return answer


@page_call("GET", "persona")
async def get_persona(this: Call, page: Json) -> Json:
    return _persona(this, this.node)


@page_call("DELETE", "persona")
async def delete_persona(this: Call, page: Json) -> Json:
    """What it said stays as it is on the phones."""
    personas.delete(this.world, this.node_id)
    return {"success": True}


# tokens

@call("GET", "system_user", scope=None)
async def get_me(this: Call) -> Json:
    return {"id": this.node["id"], "name": "Sandbox system user"}


@call("GET", "system_user", "accounts", scope=None)
async def list_accounts(this: Call) -> Json:
    """The Pages of the system user, each with its token."""
    if this.who.is_app:
        raise GraphError(190)
    parse(this.request.query.get("fields", ""))
    return {"data": [{"access_token": auth.PAGE_TOKEN + page["id"], "category": "Travel company", "name": page["name"],
                      "id": page["id"], "tasks": TASKS} for page in page_world.all_pages(this.world)]}


def describe_token(world: World, page_id: str) -> Json:
    """``debug_token`` of a Page's token; it never ends by itself, access to data does after 90 days."""
    now, scopes = world.clock.now_s(), world.account.doc()["scopes"]
    data: Json = {"app_id": world.config.app_id, "type": "PAGE", "application": "Sandbox app",
                  "data_access_expires_at": now + DATA_ACCESS_S, "expires_at": 0, "is_valid": True, "issued_at": now,
                  "profile_id": page_id, "scopes": [scope for scope in scopes if scope in accounts.PAGE_SCOPES] +
                  ["public_profile"], "user_id": "122100000000000001"}
    data["granular_scopes"] = [{"scope": scope, "target_ids": [page_id]} for scope in data["scopes"] if "page" in scope]
    if world.account.switch("token_expired"):
        data.update(is_valid=False, error={"code": 190, "message": auth.expired(world).message, "subcode": 463})
    return data


def find(world: World, node_id: str) -> tuple[str, Json] | None:
    """A Page by its id, a persona, the system user as ``me``."""
    if node_id.isdigit() and (page := pages.get(world.store, node_id)) is not None:
        return "page", page
    if (persona := personas.get(world, node_id)) is not None:
        return "persona", thing(persona, "persona")
    return ("system_user", {"id": "122100000000000001"}) if node_id == "me" else None
