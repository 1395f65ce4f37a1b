"""Chatwoot in small: one account with one inbox of kind API, over HTTP, in the shapes of tests/samples/chatwoot.

It refuses what Chatwoot refuses (no token, unknown ids, an identifier that is taken, words that are too long), and is strict
where Chatwoot is not: a field that it would silently ignore is an error here. Its webhooks go as Chatwoot's do: signed, once,
within five seconds, and a message whose webhook failed is marked so; `doubled` sends each twice and in no order. An agent is
played by `says`, `resolves` and `retry`.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "chatwoot"
ACCOUNT, INBOX, TOKEN, SECRET = 1, 7, "pretend-token-of-chatwoot", "pretend-secret-of-the-inbox"
CONTENT_MAX = 150_000
STATUSES = ("sent", "delivered", "read", "failed")
KINDS = {0: "incoming", 1: "outgoing"}
TAKEN = {
    "contacts": {"inbox_id", "identifier", "source_id", "name"},
    "conversations": {"inbox_id", "contact_id", "source_id", "custom_attributes"},
    "messages": {"content", "message_type", "private", "source_id", "attachments[]"},
    "status": {"status"},
    "attributes": {"custom_attributes", "merge"},
    "message": {"status", "external_error"},
}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


@dataclass
class Message:
    id: int
    conversation: int
    kind: int
    text: str
    private: bool
    source: str | None
    agent: str = ""
    status: str = "sent"
    error: str | None = None
    files: list[tuple[str, str, bytes]] = field(default_factory=list)


class PretendChatwoot:
    """webhook: the inbox's; doubled: each twice, in no order; door: called with "before" or "after" and the request"""

    def __init__(self) -> None:
        self.webhook, self.doubled, self.url = "", False, ""
        self.door: Callable[[str, web.Request], None] = lambda when, request: None
        self.contacts: dict[int, dict[str, Any]] = {}
        self.conversations: dict[int, dict[str, Any]] = {}
        self.messages: dict[int, Message] = {}
        self.refusals: list[tuple[str, int]] = []
        self._last, self._random = 1000, random.Random(7)
        self._runner: web.AppRunner | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=32 * 1024 * 1024, middlewares=[self._checked])
        at = f"/api/v1/accounts/{ACCOUNT}"
        for method, path, handler in (
            ("POST", "/contacts", self._make_contact), ("GET", "/contacts/search", self._find_contacts),
            ("DELETE", "/contacts/{id}", self._delete_contact), ("GET", "/contacts/{id}/conversations", self._of_contact),
            ("POST", "/conversations", self._make_conversation), ("GET", "/conversations/{id}", self._show),
            ("POST", "/conversations/{id}/toggle_status", self._toggle),
            ("POST", "/conversations/{id}/custom_attributes", self._set),
            ("GET", "/conversations/{id}/messages", self._list), ("POST", "/conversations/{id}/messages", self._say),
            ("PATCH", "/conversations/{id}/messages/{message}", self._mark),
            ("DELETE", "/conversations/{id}/messages/{message}", self._delete_message),
        ):  # fmt: skip
            app.router.add_route(method, at + path, handler)
        app.router.add_get("/rails/active_storage/blobs/redirect/{message}/{name}", self._blob)
        app.router.add_get("/rails/active_storage/disk/{message}/{name}", self._disk)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))

    async def close(self) -> None:
        assert self._runner is not None
        assert self._http is not None
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._http.close()
        await self._runner.cleanup()

    # what an agent sees and does

    def said(self, conversation: int, *, private: bool = False) -> list[Message]:
        """What the bridge said there, oldest first: the customer's messages, or the private notes."""
        own = [one for one in self.messages.values() if one.conversation == conversation and not one.agent]
        return [one for one in own if one.private == private]

    def of(self, name: str) -> int:
        """The number of the only conversation with somebody of this name."""
        (found,) = [number for number, one in self.conversations.items() if self.contacts[one["contact"]]["name"] == name]
        return found

    def says(
        self, conversation: int, text: str, *, by: str = "Kim de Boer", private: bool = False,
        files: list[tuple[str, str, bytes]] | None = None,
    ) -> Message:  # fmt: skip
        one = Message(self._number(), conversation, 1, text, private, None, by, files=files or [])
        self.messages[one.id] = one
        self._tell_message(one, "message_created")
        return one

    def resolves(self, conversation: int, reason: str = "") -> None:
        if reason:
            self.conversations[conversation]["attributes"]["reason"] = reason
        self._set_status(conversation, "resolved")

    def retry(self, message: int) -> None:
        """What the button does: the mark goes, and nothing is told but that the message changed."""
        self.messages[message].status, self.messages[message].error = "sent", None
        self._tell_message(self.messages[message], "message_updated")

    # requests

    @web.middleware
    async def _checked(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/api/") and request.headers.get("api_access_token") != TOKEN:
            return web.json_response(sample("api-unauthorized"), status=401)
        self.door("before", request)
        try:
            answer: web.StreamResponse = await handler(request)
        except web.HTTPException as refused:
            self.refusals.append((request.path, refused.status))
            raise
        self.door("after", request)
        return answer

    async def _make_contact(self, request: web.Request) -> web.Response:
        body = await _body(request, "contacts")
        if body["inbox_id"] != INBOX:
            raise _missing()
        if any(one["identifier"] == body["identifier"] for one in self.contacts.values()):
            raise web.HTTPUnprocessableEntity(text=json.dumps(sample("api-invalid")), content_type="application/json")
        number = self._number()
        self.contacts[number] = {"id": number, **body}
        answer = sample("api-contact-created")
        answer["payload"]["contact"] |= self._contact(number)
        answer["payload"]["contact_inbox"]["source_id"] = body["source_id"]
        return web.json_response(answer)

    async def _find_contacts(self, request: web.Request) -> web.Response:
        if not request.query.get("q"):
            raise web.HTTPUnprocessableEntity(text='{"error":"Specify search string with parameter q"}')
        answer = sample("api-contacts-found")
        (shape,) = answer["payload"]
        found = [number for number, one in self.contacts.items() if request.query["q"] in one["identifier"]]
        answer["payload"] = [{**shape, **self._contact(number)} for number in found]
        return web.json_response(answer)

    async def _delete_contact(self, request: web.Request) -> web.Response:
        number = _known(self.contacts, request.match_info["id"])
        for conversation in [one for one, value in self.conversations.items() if value["contact"] == number]:
            del self.conversations[conversation]
            self.messages = {key: one for key, one in self.messages.items() if one.conversation != conversation}
        del self.contacts[number]
        return web.Response()

    async def _of_contact(self, request: web.Request) -> web.Response:
        number = _known(self.contacts, request.match_info["id"])
        found = [self._conversation(one) for one, value in self.conversations.items() if value["contact"] == number]
        return web.json_response({"payload": found})

    async def _make_conversation(self, request: web.Request) -> web.Response:
        body = await _body(request, "conversations")
        contact = _known(self.contacts, str(body["contact_id"]))
        if body["inbox_id"] != INBOX:
            raise _missing()
        if any(one["source_id"] == body["source_id"] and key != contact for key, one in self.contacts.items()):
            raise web.HTTPUnprocessableEntity(text='{"error":"source_id should be unique"}')
        number = self._number()
        self.conversations[number] = {"contact": contact, "status": "open", "attributes": dict(body["custom_attributes"])}
        return web.json_response(self._conversation(number))

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._conversation(_known(self.conversations, request.match_info["id"])))

    async def _toggle(self, request: web.Request) -> web.Response:
        number, body = _known(self.conversations, request.match_info["id"]), await _body(request, "status")
        if body["status"] not in ("open", "resolved", "pending", "snoozed"):
            raise web.HTTPInternalServerError(text="'status' is not a valid status")
        self._set_status(number, body["status"])
        answer = sample("api-status-toggled")
        answer["payload"] |= {"conversation_id": number, "current_status": body["status"]}
        return web.json_response(answer)

    async def _set(self, request: web.Request) -> web.Response:
        number, body = _known(self.conversations, request.match_info["id"]), await _body(request, "attributes")
        one = self.conversations[number]
        one["attributes"] = {**(one["attributes"] if body.get("merge") else {}), **body["custom_attributes"]}
        return web.json_response({"custom_attributes": one["attributes"]})

    async def _list(self, request: web.Request) -> web.Response:
        number = _known(self.conversations, request.match_info["id"])
        found = [one for one in self.messages.values() if one.conversation == number]
        after = request.query.get("after")
        found = [one for one in found if one.id > int(after)][:100] if after else found[-20:]
        answer = sample("api-messages")
        answer["payload"] = [self._message(one) for one in found]
        return web.json_response(answer)

    async def _say(self, request: web.Request) -> web.Response:
        number = _known(self.conversations, request.match_info["id"])
        files: list[tuple[str, str, bytes]] = []
        if request.content_type == "multipart/form-data":
            form = await request.post()
            body: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
            for value in form.getall("attachments[]", []):
                assert isinstance(value, web.FileField)
                files.append((value.filename, value.content_type, value.file.read()))
            body = {**body, "private": body["private"] == "true"}
            _only(body, "messages")
        else:
            body = await _body(request, "messages")
        if len(body["content"]) > CONTENT_MAX or not (body["content"].strip() or files):
            raise web.HTTPUnprocessableEntity(text='{"error":"Content is too long or empty"}')
        kind = 0 if body["message_type"] == "incoming" else 1
        one = Message(self._number(), number, kind, body["content"], bool(body["private"]), body.get("source_id"), files=files)
        self.messages[one.id] = one
        if kind == 0 and self.conversations[number]["status"] == "resolved":
            self._set_status(number, "open")
        self._tell_message(one, "message_created")
        return web.json_response(self._message(one))

    async def _mark(self, request: web.Request) -> web.Response:
        _known(self.conversations, request.match_info["id"])
        one, body = self.messages[_known(self.messages, request.match_info["message"])], await _body(request, "message")
        if body["status"] in STATUSES and not (one.status == "read" and body["status"] == "delivered"):
            one.status, one.error = body["status"], body.get("external_error") if body["status"] == "failed" else None
            self._tell_message(one, "message_updated")
        return web.json_response(self._message(one))

    async def _delete_message(self, request: web.Request) -> web.Response:
        one = self.messages[_known(self.messages, request.match_info["message"])]
        one.text, one.files = "This message was deleted", []
        return web.Response()

    async def _blob(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(f"/rails/active_storage/disk/{request.match_info['message']}/{request.match_info['name']}")

    async def _disk(self, request: web.Request) -> web.Response:
        files = self.messages[_known(self.messages, request.match_info["message"])].files
        _, kind, data = next(one for one in files if one[0] == request.match_info["name"])
        return web.Response(body=data, content_type=kind)

    # shapes

    def _contact(self, number: int) -> dict[str, Any]:
        return {name: self.contacts[number][name] for name in ("id", "name", "identifier")}

    def _conversation(self, number: int) -> dict[str, Any]:
        one, shape = self.conversations[number], sample("api-conversation")
        shape["meta"]["sender"] |= self._contact(one["contact"])
        return {**shape, "id": number, "status": one["status"], "custom_attributes": one["attributes"]}

    def _message(self, one: Message) -> dict[str, Any]:
        theirs, agents = sample("api-messages")["payload"]
        sender = agents["sender"] | {"name": one.agent, "available_name": one.agent} if one.agent else None
        contact = theirs["sender"] | self._contact(self.conversations[one.conversation]["contact"])
        shown = {
            **theirs, "id": one.id, "content": one.text, "conversation_id": one.conversation, "message_type": one.kind,
            "status": one.status, "content_attributes": _error(one), "private": one.private, "source_id": one.source,
            "sender": sender or (contact if one.kind == 0 else agents["sender"] | {"id": 9, "name": "Bridge"}),
        }  # fmt: skip
        return {**shown, "attachments": self._attachments(one)} if one.files else shown

    def _attachments(self, one: Message) -> list[dict[str, Any]]:
        (shape,) = sample("webhook-message-created-file")["attachments"]
        url = f"{self.url}/rails/active_storage/blobs/redirect/{one.id}"
        return [
            {**shape, "id": one.id * 10 + place, "message_id": one.id, "data_url": f"{url}/{name}", "file_size": len(data)}
            for place, (name, _, data) in enumerate(one.files)
        ]

    # webhooks

    def _tell_message(self, one: Message, event: str) -> None:
        told = sample("webhook-message-created")
        told |= {
            "event": event, "id": one.id, "content": one.text, "message_type": KINDS[one.kind], "private": one.private,
            "source_id": one.source, "content_attributes": _error(one),
        }  # fmt: skip
        told["sender"] |= {"name": one.agent} if one.agent else {"id": 9, "name": "Bridge"}
        told["sender"]["type"] = "agent_bot" if one.agent == "Robot" else "user"
        told["conversation"] = self._told_conversation(told["conversation"], one.conversation)
        if one.files:
            told["attachments"] = self._attachments(one)
        self._send(told, one)

    def _set_status(self, number: int, status: str) -> None:
        one = self.conversations[number]
        if one["status"] == status:
            return
        changed = [{"status": {"previous_value": one["status"], "current_value": status}}]
        one["status"] = status
        told = self._told_conversation(sample("webhook-conversation-status-changed"), number)
        self._send({**told, "changed_attributes": changed}, None)

    def _told_conversation(self, shape: dict[str, Any], number: int) -> dict[str, Any]:
        one = self.conversations[number]
        return {**copy.deepcopy(shape), "id": number, "status": one["status"], "custom_attributes": one["attributes"]}

    def _send(self, told: dict[str, Any], message: Message | None) -> None:
        body, delivery = json.dumps(told).encode(), str(uuid.uuid4())
        for _ in range(2 if self.doubled else 1):
            wait_s = self._random.random() * 0.4 if self.doubled else 0.0
            task = asyncio.create_task(self._post(body, delivery, message, wait_s))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _post(self, body: bytes, delivery: str, message: Message | None, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        assert self._http is not None
        headers = {**signed(body), "X-Chatwoot-Delivery": delivery}
        try:
            async with self._http.post(self.webhook, data=body, headers=headers) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = 0
        if message is not None and not 200 <= status < 300 and not self.doubled:
            message.status, message.error = "failed", f"webhook answered {status}"

    def _number(self) -> int:
        self._last += 1
        return self._last


def signed(body: bytes, secret: str = SECRET, at_s: float | None = None) -> dict[str, str]:
    """The headers of a webhook of this inbox's."""
    stamp = str(int(at_s or time.time()))
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Chatwoot-Timestamp": stamp, "X-Chatwoot-Signature": f"sha256={digest}"}


def _error(one: Message) -> dict[str, Any]:
    return {"external_error": one.error} if one.error or one.status == "failed" else {}


async def _body(request: web.Request, what: str) -> dict[str, Any]:
    body: dict[str, Any] = await request.json()
    _only(body, what)
    return body


def _only(body: dict[str, Any], what: str) -> None:
    assert set(body) <= TAKEN[what], f"Chatwoot would ignore {set(body) - TAKEN[what]}"


def _known(found: dict[int, Any], number: str) -> int:
    if not number.isdigit() or int(number) not in found:
        raise _missing()
    return int(number)


def _missing() -> web.HTTPNotFound:
    return web.HTTPNotFound(text=json.dumps(sample("api-not-found")), content_type="application/json")
