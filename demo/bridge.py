"""Tells the sandbox's phones what only the gateway knows: why a message came, and what was not sent.

Follows the facts of every partition, as an operator's tool would, opens the message that each is about, and puts its story beside
the bubble: which event, which notification, sent as what; or a pale bubble with the reason. It changes nothing in the gateway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import structlog

from gateway.dispatch.content import said
from gateway.errors import GatewayError, Sealed
from gateway.model.contact import Address
from gateway.model.ids import PARTITIONS, MessageId
from gateway.model.message import MessageRecord
from gateway.rules.verdict import SENTENCES, Reason
from gateway.runtime import Runtime
from gateway.store.facts import START, Fact, Facts

LOOK_S = 0.3
UNSENT = ("suppressed", "replaced", "ended", "expired", "dead")

log = structlog.get_logger()


class Bridge:
    def __init__(self, runtime: Runtime, sandbox: str, http: aiohttp.ClientSession) -> None:
        self._runtime = runtime
        self._sandbox = sandbox
        self._http = http
        self._facts = Facts(runtime.connection.redis, settle_ms=0)
        self._after = dict.fromkeys(range(PARTITIONS), START)
        self._pale: set[str] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Until stopping. What cannot be told now is told at the next look: every call to the sandbox may be repeated."""
        while not stopping.is_set():
            try:
                for fact in await self._facts.unfolded(self._after):
                    await self._tell(fact)
                    self._after[fact.partition] = fact.stream_id
            except (GatewayError, aiohttp.ClientError, OSError, TimeoutError) as error:
                log.info("bridge.waits", error=type(error).__name__)
            await asyncio.sleep(LOOK_S)

    async def _tell(self, fact: Fact) -> None:
        message = fact.id_of("m")
        if not message or fact.kind not in (*UNSENT, "accepted", "enqueued"):
            return
        if fact.kind == "enqueued" and "due" not in fact.detail:
            return
        found = await self._runtime.outbox.record(MessageId(message))
        if found is None:
            return
        record, sealed = found
        try:
            body = (await self._runtime.vault.contact_box(record.contact)).open_json(sealed, record.id)
        except Sealed:
            return
        if fact.kind == "accepted":
            if message in self._pale:
                await self._call("DELETE", f"/sandbox/unsent/{message}", None)
                self._pale.discard(message)
            why = _why(record, body, str(self._runtime.settings.data_dir))
            await self._call("PUT", "/sandbox/why", {"opaque": message, "why": why})
            return
        await self._unsent(fact, record, body)

    async def _unsent(self, fact: Fact, record: MessageRecord, body: Mapping[str, Any]) -> None:
        address = await self._address(record)
        sender = self._runtime.directory.get(record.sender)
        if address is None or sender is None or not body.get("text"):
            return
        phone = await self._phone(address)
        if phone is None:
            return
        self._pale.add(record.id)
        account = "page_id" if "page_id" in sender.account else "phone_number_id"
        await self._call(
            "PUT",
            "/sandbox/unsent",
            {
                "id": record.id,
                "address": phone,
                account: sender.account[account],
                "at_ms": fact.at_ms,
                "body": said(body),
                "reason": _reason(fact, body),
                "why": _why(record, body, str(self._runtime.settings.data_dir)),
                "template": None,
            },
        )

    async def _address(self, record: MessageRecord) -> Address | None:
        try:
            contact = await self._runtime.contacts.get(record.contact)
        except GatewayError:
            return None
        return next((one for one in contact.profile.addresses if one.id == record.address), None)

    async def _phone(self, address: Address) -> str | None:
        """The number of the phone that an address leads to. A Page knows people by ids of its own: the sandbox knows whose."""
        number, psid = address.value("phone"), address.value("psid")
        if number is not None or psid is None:
            return number.reveal().lstrip("+") if number is not None else None
        url = f"{self._sandbox}/sandbox/handsets/{psid.reveal()}"
        async with self._http.get(url, timeout=aiohttp.ClientTimeout(total=5)) as answer:
            return str((await answer.json())["address"]).lstrip("+") if answer.status == 200 else None

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> None:
        async with self._http.request(method, self._sandbox + path, json=body, timeout=aiohttp.ClientTimeout(total=5)) as answer:
            await answer.read()


def _reason(fact: Fact, body: Mapping[str, Any]) -> str:
    if fact.kind == "enqueued":
        at = datetime.fromtimestamp(int(fact.detail["due"]) / 1000, ZoneInfo(str(body.get("zone", "UTC"))))
        word = "it is night there" if fact.detail.get("why") == "night" else "it is not time yet"
        return f"waits until {at:%H:%M}: {word}"
    word = fact.detail.get("reason") or fact.kind
    try:
        return SENTENCES[Reason(word)]
    except ValueError:
        return word


def _why(record: MessageRecord, body: Mapping[str, Any], data_dir: str) -> dict[str, Any]:
    name = record.notification
    event = body.get("event") or {}
    if body.get("kind") == "reply":
        text = f"{body.get('author') or 'An agent'} answered at the desk"
        return {"text": text, "details": [], "trace": _trace(record, data_dir)}
    changes = ", ".join(event.get("changes") or [])
    details = [f"notification: {name}", f"event: {event.get('type', '')} {event.get('xid', '')}".strip()]
    if changes:
        details.append(f"what changed: {changes}")
    details.append(f"purpose: {body.get('purpose')}, language: {body.get('language')}, zone: {body.get('zone')}")
    if not event.get("type") or event.get("source") == "inbound":
        return {"text": "because of their own words", "details": details, "trace": _trace(record, data_dir)}
    kind = str(event["type"]).partition(".")[0]
    news = [word.replace("_", " ") for word in event.get("changes") or [] if word not in ("first", "status_changed")]
    what = " and ".join(news) or name.replace("_", " ")
    return {"text": f"because the {kind} told: {what}", "details": details, "trace": _trace(record, data_dir)}


def _trace(record: MessageRecord, data_dir: str) -> str:
    return f".venv/bin/python main.py --env-file {data_dir}/env trace {record.id}"
