"""Thread control by API: pass, take, ask, release, extend, and who holds it."""

from __future__ import annotations

from sandbox.graph.call import Call
from sandbox.graph.page_call import page_call, params
from sandbox.messenger import recipients, threads
from sandbox.messenger import world as pages
from sandbox.messenger.errors import PageError
from sandbox.messenger.reading import thing
from sandbox.store import Json


def _address(this: Call, page: Json, body: Json) -> str:
    """Of ``recipient {id}``. raises: 100, 100/2018001"""
    threads.metadata(body)
    psid = thing(body.get("recipient"), "recipient").get("id")
    return recipients.by_psid(this.world, page, str(psid or "")).address


@page_call("POST", "page", "pass_thread_control")
async def pass_control(this: Call, page: Json) -> Json:
    body = await params(this)
    address = _address(this, page, body)
    with this.world.store.tx():
        threads.pass_on(this.world, page, address, body.get("target_app_id"))
    return {"success": True}


@page_call("POST", "page", "take_thread_control")
async def take_control(this: Call, page: Json) -> Json:
    address = _address(this, page, await params(this))
    with this.world.store.tx():
        threads.take(this.world, page, address)
    return {"success": True}


@page_call("POST", "page", "request_thread_control")
async def request_control(this: Call, page: Json) -> Json:
    address = _address(this, page, await params(this))
    with this.world.store.tx():
        threads.ask(this.world, page, address)
    return {"success": True}


@page_call("POST", "page", "release_thread_control")
async def release_control(this: Call, page: Json) -> Json:
    address = _address(this, page, await params(this))
    with this.world.store.tx():
        threads.release(this.world, page, address)
    return {"success": True}


@page_call("POST", "page", "extend_thread_control")
async def extend_control(this: Call, page: Json) -> Json:
    body = await params(this)
    address = _address(this, page, body)
    with this.world.store.tx():
        threads.extend(this.world, page, address, body.get("duration"))
    return {"success": True}


@page_call("GET", "page", "thread_owner")
async def thread_owner(this: Call, page: Json) -> Json:
    address = recipients.by_psid(this.world, page, this.request.query.get("recipient", "")).address
    return threads.owner(this.world, page, address)


@page_call("GET", "page", "secondary_receivers")
async def secondary_receivers(this: Call, page: Json) -> Json:
    """Legacy: the other apps of the Page, for the default app only. raises: 100/2534037"""
    if page["default_app"] not in ("ours", None):
        raise PageError(100, 2534037)
    others = [(pages.INBOX_APP_ID, "Page Inbox")] + ([(pages.ASSISTANT_APP_ID, "Meta Assistant")] if page["assistant"] else [])
    return {"data": [{"id": app_id, "name": name} for app_id, name in others]}
