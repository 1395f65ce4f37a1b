"""Another way to the same person, when one failed or brought nothing in time.

    ended     the settle or the channel's `failed` puts the message among `ways`, in the same step that ends it
    in time   a notification that asks for it stands among `ways` from its planning on, due so long after it was due itself;
              `delivered` takes it out

Whoever takes a message up here looks what became of it, judges the ways that planning left in its body, best first, and plans the
next one as a message of its own: its id was fixed at planning, so that doing this twice makes one message. A way that may not be
used now is kept as suppressed, with its reason. Then the entry is taken out, with a fact that names both. A crash between the two
leaves the entry, and the message is found to exist.

The same news is not told twice: a message that still waited when another way took over is dropped when its turn comes, and the
other way is dropped when the first turns out to be delivered after all (rules/ways.told_elsewhere, asked before each send).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.connector import Connector
from gateway.crashpoint import crash_point
from gateway.directory import Directory
from gateway.errors import NotFound, Sealed, StoreError
from gateway.model.contact import Contact
from gateway.model.ids import AddressId, MessageId, partition_of
from gateway.model.message import DeliveryStatus, MessageRecord, MessageState
from gateway.planning.asked import question_of_body
from gateway.planning.plan import split_body
from gateway.planning.result import World
from gateway.planning.worlds import Worlds
from gateway.rules.may_send import decide
from gateway.rules.verdict import Later, Reason, Suppressed, Verdict
from gateway.store.contacts import Contacts
from gateway.store.outbox import Outbox, Plan, PlannedContact, PlannedMessage
from gateway.store.ready import wake_for
from gateway.store.vault import KeyMissing, Vault
from gateway.wake import Wake

NOT_DELIVERED = "not_delivered"
AGAIN_MS = 60_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Deps:
    outbox: Outbox
    contacts: Contacts
    vault: Vault
    worlds: Worlds
    directory: Directory
    connectors: Mapping[str, Connector]
    clock: Clock
    wake: Wake


@dataclass(frozen=True, slots=True)
class _Found:
    """A message whose other ways are due, opened. why: a reason, or NOT_DELIVERED."""

    record: MessageRecord
    body: Mapping[str, Any]
    contact: Contact
    why: str


class Legs:
    def __init__(self, deps: Deps) -> None:
        self._d = deps

    async def turn(self, partitions: Sequence[int]) -> int:
        """Find another way for what is due in these partitions; how many messages were looked at. Raises StoreUnavailable."""
        due = await self._d.outbox.ways_due(partitions)
        for message in due:
            try:
                await self._one(message)
            except KeyMissing as error:  # it waits for GATEWAY_KEYS to be mended, and the others do not wait for it
                log.warning("ways.key_missing", message_id=message, problem=str(error))
                await self._d.outbox.way_later(message, self._d.clock.now_ms() + AGAIN_MS)
            except (StoreError, OSError, TimeoutError):
                raise
            except Exception as error:  # it stands in nobody's way: looked at again until its deadline is past
                log.exception("ways.message_failed", message_id=message, error=type(error).__name__)
                await self._d.outbox.way_later(message, self._d.clock.now_ms() + AGAIN_MS)
        return len(due)

    async def _one(self, message: MessageId) -> None:
        found = await self._open(message)
        if found is None:
            await self._d.outbox.way_done(message)
            return
        taken = await self._take(found)
        crash_point("way.planned")
        await self._d.outbox.way_done(message, f"next={taken} why={found.why}" if taken else "")

    async def _open(self, message: MessageId) -> _Found | None:
        """None: no other way is wanted any more."""
        deps = self._d
        known = await deps.outbox.record(message)
        if known is None:
            return None
        record, sealed = known
        why = _why(record)
        if why is None or (await deps.outbox.superseded([record]))[0]:
            return None
        if record.deadline_ms <= deps.clock.now_ms() and record.state in (MessageState.ACCEPTED, MessageState.QUEUED):
            return None  # one that had ended is followed by ways that are too late, so that it shows that nobody was told
        try:
            body = (await deps.vault.contact_box(record.contact)).open_json(sealed, record.id)
            contact = await deps.contacts.get(record.contact)
        except (NotFound, Sealed, ValueError):  # erased meanwhile, or nothing that we can read
            return None
        if _stopped(body, contact):
            return None
        return _Found(record, body, contact, why)

    async def _take(self, found: _Found) -> MessageId | None:
        """Plan the first way that may be used, and keep those passed over with their reasons. None: there is no way."""
        world = await self._d.worlds.now()
        legs: list[dict[str, Any]] = list(found.body.get("legs") or [])
        planned: list[PlannedMessage] = []
        taken: MessageId | None = None
        box = await self._d.vault.contact_box(found.contact.id)
        while legs and taken is None:
            way = legs.pop(0)
            before = [*found.body.get("before", []), found.record.id, *(one.id for one in planned)]
            body = _body(found.body, way, legs, before)
            verdict = self._judge(found, way, body, world)
            if verdict is None:
                continue
            connector = self._d.connectors.get(way["channel"])
            notification = world.catalogue.get(found.record.notification)
            for message, told, part in split_body(way["id"], found.record.told, body, connector.facts if connector else None):
                wait_ms = notification.another_way_ms if notification is not None and part.get("legs") else 0
                one = self._planned(found, way, verdict, message, told, box.seal_body(part, message), wait_ms)
                planned.append(replace(one, detail=f"{one.detail} next={part['file']}") if part.get("file") else one)
            if not isinstance(verdict, Suppressed):
                taken = MessageId(way["id"])
        if planned:
            await self._put(found, planned)
        return taken

    def _judge(self, found: _Found, way: Mapping[str, Any], body: Mapping[str, Any], world: World) -> Verdict | None:
        """None: the sender is gone since."""
        address = next((one for one in found.contact.profile.addresses if one.id == way["address"]), None)
        sender = self._d.directory.get(way["sender"])
        connector = self._d.connectors.get(way["channel"])
        if sender is None or connector is None:
            return None
        if address is None:
            return Suppressed(Reason.NO_ADDRESS)
        question = question_of_body(
            body, found.record, found.contact, address, sender, connector.facts, world, self._d.clock.now_ms()
        )
        return decide(question)

    def _planned(
        self,
        found: _Found,
        way: Mapping[str, Any],
        verdict: Verdict,
        message: MessageId,
        told: str,
        sealed: bytes,
        wait_ms: int,
    ) -> PlannedMessage:
        """wait_ms: after which the way behind this one is tried, should this one bring nothing"""
        record = found.record
        suppressed = isinstance(verdict, Suppressed)
        return PlannedMessage(
            id=message,
            contact=found.contact.id,
            sender=way["sender"],
            address=AddressId(way["address"]),
            priority=record.priority,
            due_ms=verdict.at_ms if isinstance(verdict, Later) else 0,
            deadline_ms=record.deadline_ms,
            told=told,
            state=MessageState.SUPPRESSED if suppressed else MessageState.QUEUED,
            reason=verdict.reason.value if isinstance(verdict, Suppressed) else verdict.why if isinstance(verdict, Later) else "",
            notification=record.notification,
            body=sealed,
            another_way_ms=wait_ms,
            detail=f"b={found.body.get('brand', '')} after={record.id} why={found.why}",
        )

    async def _put(self, found: _Found, planned: Sequence[PlannedMessage]) -> None:
        record = found.record
        for _ in range(5):
            facts = (await self._d.contacts.facts_of([found.contact.id]))[0]
            one = PlannedContact(found.contact.id, facts.consent_version, (), tuple(planned))
            plan = Plan(partition_of(found.contact.id), str(record.event), record.version, str(record.subject), (one,))
            answer = await self._d.outbox.put(plan)
            if answer.written or any(state not in ("ok", "replan") for state in answer.contacts):
                wake_for(self._d.wake, (plan, answer))
                return
        raise RuntimeError("a contact is being changed by too many at once")


def _why(record: MessageRecord) -> str | None:
    """Why another way is due, None when it is not: it arrived, or nobody wants it any more."""
    match record.state:
        case MessageState.ACCEPTED:
            return NOT_DELIVERED if record.status < DeliveryStatus.DELIVERED else None
        case MessageState.QUEUED:
            return NOT_DELIVERED
        case MessageState.FAILED | MessageState.SUPPRESSED | MessageState.DEAD:
            return record.reason or NOT_DELIVERED
        case MessageState.REPLACED | MessageState.ENDED | MessageState.EXPIRED:
            return None


def _stopped(body: Mapping[str, Any], contact: Contact) -> bool:
    """Whether they stopped this news where it was tried first: the same words do not follow them to another channel."""
    said = contact.facts.consents.get(f"{body.get('purpose')}.{body.get('channel')}.{body.get('brand')}")
    return body["kind"] == "notification" and said is not None and not said.granted


def _body(body: Mapping[str, Any], way: Mapping[str, Any], rest: Sequence[Any], before: Sequence[str]) -> dict[str, Any]:
    """The same words for another way: as a whole again, where the first way had taken them apart."""
    made = {name: value for name, value in body.items() if name not in ("as", "id", "part", "whole_buttons", "later", "file")}
    made |= {
        "channel": way["channel"],
        "forms": [dict(form) for form in way["forms"]],
        "buttons": body.get("whole_buttons", body.get("buttons")),
        "legs": list(rest),
        "before": list(before),
    }
    return made
