"""Kept webhooks -> items in the inboxes of their contacts' partitions; what concerns no person is applied at once.

Every step may run twice: an item has a key of its own and is taken in once; a webhook is deleted only when all its items are in.

Several logs are split at once, and what a person did may lie in another log than what made them known: behind a backlog, their
first words may be split after an answer that somebody gave them elsewhere. So what concerns nobody we know waits until all that
was kept before it is split, ten seconds at most; then it concerns nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.connector import (
    ArrivalEvent,
    BadItem,
    Connector,
    EchoEvent,
    EditEvent,
    ErrorEvent,
    IdentityEvent,
    InboundEvent,
    MessageEvent,
    PreferenceEvent,
    ReceiptEvent,
    Sender,
    SenderEvent,
    StatusEvent,
    TemplateEvent,
    ThreadEvent,
    UnknownEvent,
)
from gateway.crashpoint import crash_point
from gateway.directory import Directory
from gateway.errors import StoreError
from gateway.model.contact import Identifier
from gateway.model.ids import AddressId, ContactId, is_id, partition_of
from gateway.model.message import parse_opaque
from gateway.store.contacts import Contacts
from gateway.store.senders import Senders
from gateway.store.webhooks import KeptWebhook, Webhooks
from gateway.webhooks import items
from gateway.webhooks.waysin import WaysIn

BATCH = 50
PATIENCE_S = 10.0
"""How long something about nobody we know waits for what was kept before it, in another log: of a process that may have died."""
Item = tuple[int, str, Mapping[str, Any]]

log = structlog.get_logger()


class _NobodyYet(Exception):
    """It concerns a person whom we do not know."""


class Splitter:
    def __init__(
        self,
        webhooks: Webhooks,
        contacts: Contacts,
        senders: Senders,
        directory: Directory,
        connectors: Mapping[str, Connector],
        clock: Clock,
        changed: Callable[[], None],
        ways: WaysIn | None = None,
    ) -> None:
        self._webhooks = webhooks
        self._contacts = contacts
        self._senders = senders
        self._directory = directory
        self._connectors = connectors
        self._clock = clock
        self._changed = changed
        self._ways = ways
        self._waits: dict[int, float] = {}
        """logs in which something about people whom we do not know waits for older webhooks -> until when"""

    async def turn(self, logs: Sequence[int]) -> int:
        """Split the oldest kept webhooks of these logs, each log's in its order, several logs at once; how many were."""
        kept = await self._webhooks.kept(logs, limit=BATCH)
        if kept:
            await self._webhooks.late(min(one.received_ms for one in kept))
        turns = [self._log([one for one in kept if one.log == log]) for log in {one.log for one in kept}]
        count = 0
        for ended in await asyncio.gather(*turns, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended
            count += ended
        return count

    async def _log(self, kept: Sequence[KeptWebhook]) -> int:
        for place, one in enumerate(kept):
            try:
                found = await self._split(one)
            except _NobodyYet:
                return place
            except (StoreError, OSError, TimeoutError):
                raise
            except Exception as error:  # one that we cannot take apart is set aside: it stands in the way of all behind it
                log.exception("webhooks.split_failed", channel=one.channel, error=type(error).__name__)
                await self._webhooks.park_raw(one.channel, "webhook", type(error).__name__, one.raw)
                found = []
            if found:
                await self._webhooks.deliver(found)
                crash_point("webhook.split")
            await self._webhooks.done(one.log, one.place)
        return len(kept)

    async def _waits_on(self, kept: KeptWebhook) -> bool:
        """Whether they may be known when what was kept before is split."""
        if await self._webhooks.first(kept):
            self._waits.pop(kept.log, None)
            return False
        now = time.monotonic()
        return now < self._waits.setdefault(kept.log, now + PATIENCE_S)

    async def _split(self, kept: KeptWebhook) -> list[Item]:
        connector = self._connectors.get(kept.channel)
        if connector is None:
            await self._webhooks.park_raw(kept.channel, "channel", "no such channel here", kept.raw)
            return []
        found: list[Item] = []
        bad: list[BadItem] = []
        for event in connector.parse_webhook(kept.raw):
            if isinstance(event, BadItem):
                bad.append(event)
                continue
            try:
                item = await self._place(kept.channel, event)
            except _NobodyYet:
                if await self._waits_on(kept):
                    raise
                continue
            if item is not None:
                found.append(item)
        for one in bad:
            await self._webhooks.park_raw(kept.channel, one.where, one.why, one.raw)
        return found

    async def _place(self, channel: str, event: InboundEvent) -> Item | None:
        match event:
            case StatusEvent():
                return await self._status(channel, event)
            case MessageEvent():
                return await self._message(channel, event)
            case PreferenceEvent():
                owner = await self._known(channel, self._scoped(channel, event.account_id, event.identifiers))
                value = items.dump_preference(channel, event, *owner)
                return partition_of(owner[0]), f"pref:{channel}:{event.key}", value
            case IdentityEvent():
                previous = self._scoped(channel, event.account_id, event.previous)
                owner = await self._known(channel, previous)
                current = self._scoped(channel, event.account_id, event.current)
                value = items.dump_identity(channel, replace(event, previous=previous, current=current), *owner)
                return partition_of(owner[0]), f"ident:{channel}:{event.key}", value
            case ReceiptEvent() | EchoEvent() | ThreadEvent():
                return await self._beside(channel, event)
            case EditEvent() | ArrivalEvent():
                return await self._wrote(channel, event)
            case TemplateEvent():
                await self._template(channel, event)
            case SenderEvent():
                await self._sender(channel, event)
            case ErrorEvent():
                log.warning("channel.error", channel=channel, code=event.code)
            case UnknownEvent():
                log.info("webhook.unknown", channel=channel, what=event.what)
        return None

    def _scoped(self, channel: str, account: str, found: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
        """Give ids that are unique only within a portfolio or page their scope: the connector cannot know it."""
        sender = self._directory.for_account(channel, account)
        scope = sender.scope if sender else ""
        return tuple(one if one.kind == "phone" else replace(one, scope=scope) for one in found)

    async def _owner(self, channel: str, found: tuple[Identifier, ...]) -> tuple[ContactId, AddressId] | None:
        owners = await self._contacts.find(channel, found)
        return next((owner for owner in owners if owner is not None), None)

    async def _known(self, channel: str, found: tuple[Identifier, ...]) -> tuple[ContactId, AddressId]:
        owner = await self._owner(channel, found)
        if owner is None:
            raise _NobodyYet
        return owner

    async def _status(self, channel: str, event: StatusEvent) -> Item | None:
        event = replace(event, identifiers=self._scoped(channel, event.account_id, event.identifiers))
        ours = parse_opaque(event.opaque) if event.opaque else None
        if ours is not None and is_id(ours[0], "m"):
            partition = partition_of(ours[0])
        else:
            owner = await self._owner(channel, event.identifiers)
            if owner is None:
                return None  # a status of a message that this gateway never sent
            partition = partition_of(owner[0])
        key = f"status:{channel}:{event.channel_id.reveal()}:{int(event.status)}:{int(event.failed)}"
        return partition, key, items.dump_status(channel, event)

    async def _message(self, channel: str, event: MessageEvent) -> Item | None:
        if event.group or not event.identifiers:
            log.info("webhook.unhandled", channel=channel, what="group" if event.group else "nobody")
            return None
        return await self._wrote(channel, event)

    async def _wrote(self, channel: str, event: MessageEvent | EditEvent | ArrivalEvent) -> Item | None:
        """What a person did by themselves: whoever is not known yet becomes a contact by it."""
        sender = self._sender_of(channel, event.account_id)
        if sender is None or not event.identifiers:
            return None
        found = self._scoped(channel, event.account_id, event.identifiers)
        owner = await self._owner(channel, found)
        if owner is None and self._ways is not None and not isinstance(event, EditEvent):
            owner = await self._ways.owner(channel, sender, found, replace(event, identifiers=found))
        if owner is None:
            # A phone number names a person also when the channel hides it later; reserve by it where we have it.
            first = next((one for one in found if one.kind == "phone"), found[0])
            owner = await self._contacts.reserve(channel, first)
        whose = (owner[0], owner[1], sender.id)
        match event:
            case MessageEvent():
                key, value = event.channel_id.reveal(), items.dump_message(channel, replace(event, identifiers=found), *whose)
                return partition_of(owner[0]), f"msg:{channel}:{key}", value
            case EditEvent():
                key = f"{event.channel_id.reveal()}:{event.edits}"
                value = items.dump_edit(channel, replace(event, identifiers=found), *whose)
                return partition_of(owner[0]), f"edit:{channel}:{key}", value
            case ArrivalEvent():
                value = items.dump_arrival(channel, replace(event, identifiers=found), *whose)
                return partition_of(owner[0]), f"arrival:{channel}:{event.key}", value

    async def _beside(self, channel: str, event: ReceiptEvent | EchoEvent | ThreadEvent) -> Item | None:
        """What was not done by the person: it concerns those whom we know, and makes nobody a contact."""
        sender = self._sender_of(channel, event.account_id)
        if sender is None:
            return None
        owner = await self._known(channel, self._scoped(channel, event.account_id, event.identifiers))
        whose = (owner[0], owner[1], sender.id)
        match event:
            case ReceiptEvent():
                return partition_of(owner[0]), f"receipt:{channel}:{event.key}", items.dump_receipt(channel, event, *whose)
            case EchoEvent():
                key = f"echo:{channel}:{event.channel_id.reveal()}"
                return partition_of(owner[0]), key, items.dump_echo(channel, event, *whose)
            case ThreadEvent():
                return partition_of(owner[0]), f"thread:{channel}:{event.key}", items.dump_thread(channel, event, *whose)

    def _sender_of(self, channel: str, account: str) -> Sender | None:
        sender = self._directory.for_account(channel, account)
        if sender is None:
            log.warning("webhook.unknown_account", channel=channel)
        return sender

    async def _template(self, channel: str, event: TemplateEvent) -> None:
        """Several senders of one account have the same templates. A category that has changed is announced no more."""
        category, becomes = event.category, event.becomes
        for sender in self._directory.of_account(channel, event.account_id):
            changed = await self._senders.set_template(
                sender.id,
                event.name,
                event.language,
                at=event.at_ms or self._clock.now_ms(),
                state=event.status,
                reason=event.reason if event.status else None,
                quality=event.quality,
                category=category.lower() if category else None,
                becomes=becomes.lower() if becomes else "" if category and not event.status else None,
                edited="1" if event.edited else None,
            )
            if changed:
                what = event.status or category or becomes or event.quality or "edited"
                log.info("channel.template", sender=sender.id, template=event.name, language=event.language, what=what)
        self._changed()

    async def _sender(self, channel: str, event: SenderEvent) -> None:
        values: dict[str, str | int] = {}
        if event.tier is not None:
            values["tier"] = event.tier
        if event.what == "quality":
            values["quality"] = event.value
        if event.what in ("restriction", "disabled") and event.until_ms:
            values |= {"paused": event.until_ms, "why": f"{event.what} {event.value}"[:80]}
        if event.what == "reinstated":
            values |= {"paused": 0, "why": ""}
        for sender in self._directory.of_account(channel, event.account_id):
            if values:
                await self._senders.set_state(sender.id, values)
        log.warning("channel.sender", channel=channel, what=event.what, value=event.value)
