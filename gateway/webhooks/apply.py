"""One inbox item, applied. In order within a partition; every step may run twice.

A message, in this order: a stop (before anything else, and confirmed) - who it is (identifiers, name) - the window - what a
button decides by itself ("yes, that is me") - the desk. A status goes to its message, before or after its settle, ranked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.connector import InboundKind, MessageEvent, Outcome, StatusEvent
from gateway.directory import Directory
from gateway.errors import NotFound, Sealed
from gateway.model.contact import ConsentEntry, Contact, Profile, Proof
from gateway.model.conversation import InboundEntry
from gateway.model.event import EventType
from gateway.model.ids import AddressId, ContactId, MessageId, SenderId, SubjectId, is_id, message_id, partition_of
from gateway.model.message import MessageRecord, MessageState, parse_opaque
from gateway.model.personal import Personal
from gateway.planning.plan import Draft, EventResult, Reader, draft
from gateway.planning.worlds import Worlds
from gateway.rules import stops
from gateway.rules.verdict import Reason
from gateway.store.contacts import Contacts, FactChange
from gateway.store.conversations import Conversations
from gateway.store.outbox import Outbox, Plan, PlannedContact, PlannedMessage
from gateway.store.vault import Vault
from gateway.wake import Wake
from gateway.webhooks import items

CHECK = "address_check"
STOP_CONFIRMED = "stop_confirmed"
STOP_ALL_CONFIRMED = "stop_all_confirmed"
STOP_ALL = "stop_all"
RESUME = "resume"
PURPOSES = ("journey", "service", "family", "survey", "offers")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Deps:
    contacts: Contacts
    outbox: Outbox
    conversations: Conversations
    vault: Vault
    worlds: Worlds
    directory: Directory
    clock: Clock
    wake: Wake


class Applier:
    def __init__(self, deps: Deps) -> None:
        self._d = deps

    async def apply(self, value: Mapping[str, Any]) -> None:
        """Apply one item. Raises for what makes it fail; the worker counts and parks."""
        match value["kind"]:
            case "status":
                await self._status(value)
            case "message":
                await self._message(value)
            case "preference":
                await self._preference(value)
            case "identity":
                await self._identity(value)
            case other:
                raise ValueError(f"unknown kind {other}")

    # statuses

    async def _status(self, value: Mapping[str, Any]) -> None:
        event = items.load_status(value)
        deps = self._d
        channel = value["channel"]
        channel_hash = deps.vault.blind("channel_id", channel, event.channel_id.reveal())
        ours = parse_opaque(event.opaque) if event.opaque else None
        message: MessageId | None = ours[0] if ours is not None and is_id(ours[0], "m") else None
        if message is None:
            owner = next((one for one in await deps.contacts.find(channel, event.identifiers) if one is not None), None)
            message = await deps.outbox.by_channel_id(partition_of(owner[0]), channel_hash) if owner else None
        found = await deps.outbox.record(message) if message else None
        if found is None or message is None:
            log.info("status.unknown", channel=channel, status=int(event.status))
            return
        record, sealed = found
        stub = b""
        if record.state not in (MessageState.ACCEPTED, MessageState.FAILED):
            stub = await self._stub(record, sealed, event.channel_id)
        price = " ".join(f"{name}={text}" for name, text in event.pricing.items() if name in ("type", "category"))
        if event.failed:
            price = f"reason={_reason_of(event)}"
        answer = await deps.outbox.evidence(
            record,
            attempt=ours[1] if ours else record.attempt,
            status=event.status,
            failed=event.failed,
            at_ms=event.at_ms,
            code=event.result.code if event.result else 0,
            channel_hash=channel_hash,
            stub=stub,
            detail=price.replace("|", " "),
        )
        await self._names(record.contact, record.address, channel, event.identifiers)
        outcome = event.result.outcome if event.failed and event.result is not None else None
        if outcome is Outcome.UNREACHABLE:
            await deps.contacts.change_facts(record.contact, [FactChange(f"un:{record.address}", "", event.at_ms, "later")])
        if outcome is Outcome.OPTED_OUT:
            brands = {one.brand for one in deps.directory.of_account(channel, event.account_id)}
            entries = [
                ConsentEntry("offers", channel, brand, False, event.at_ms, "channel_opt_out") for brand in sorted(brands)
            ]
            await deps.contacts.set_consents(record.contact, entries)
        if answer in ("settled", "applied"):
            deps.wake.now("dispatch")
        deps.wake.now("desk")

    async def _stub(self, record: MessageRecord, sealed: bytes, channel_id: Personal) -> bytes:
        try:
            box = await self._d.vault.contact_box(record.contact)
            body = box.open_json(sealed, record.id)
        except Sealed:
            return b""
        body["id"] = channel_id.reveal()
        return box.seal_json(body, record.id)

    # who it is

    async def _names(self, contact: ContactId, address: AddressId, channel: str, found: Sequence[Any]) -> None:
        """Let an address be known by what the channel itself named in one breath: its own evidence, nothing else's."""
        if not found:
            return
        try:
            current = await self._d.contacts.get(contact)
        except (NotFound, Sealed):
            return
        known = next((one for one in current.profile.addresses if one.id == address), None)
        if known is None:
            return
        new = [one for one in found if one not in known.identifiers]
        fresh = [one for one in new if await self._d.contacts.alias(channel, one, current.id, address)]
        if fresh:
            await self._d.contacts.add_identifiers(current.id, address, channel, fresh)

    # messages

    async def _message(self, value: Mapping[str, Any]) -> None:
        deps = self._d
        event = items.load_message(value)
        sender = deps.directory.get(value["sender"])
        if sender is None:
            raise ValueError("unknown sender")
        try:
            contact = await deps.contacts.get(ContactId(value["contact"]))
        except (NotFound, Sealed):  # being erased: nothing of theirs is kept any more
            return
        address = AddressId(value["address"])
        origin = await self._origin(contact, value["channel"], event)
        brand = await self._brand(contact, origin, sender.brand)
        # Before anything is written that a full store might refuse: a stop asks for no room.
        stopped = await self._stop(contact, value["channel"], brand, event, origin)
        known = await self._known(value, event)
        if known is None:
            return
        contact = known
        if event.opens_window:
            await deps.contacts.open_window(contact.id, SenderId(sender.id), address, event.at_ms)
        handled = stopped is not None
        if stopped is not None:
            await self._service(contact.id, address, stopped, event, brand)
        else:
            handled = await self._button(contact, address, event)
            resumed = event.kind is InboundKind.BUTTON and event.payload == f"{STOP_CONFIRMED}/{RESUME}"
            if not handled and (resumed or (event.kind is InboundKind.TEXT and stops.is_start(event.text.reveal()))):
                handled = await self._start(contact, value["channel"], brand, event)
        entry = InboundEntry(
            key=f"{value['channel']}:{event.channel_id.reveal()}",
            kind=event.kind.value,
            text=event.text,
            at_ms=event.at_ms,
            payload=event.payload,
            media=_media(event),
            channel_message_id=event.channel_id,
            origin=origin.id if origin else None,
            detail=event.detail,
        )
        await deps.conversations.add_inbound(
            contact.id, brand, address, SenderId(sender.id), item=entry, needs_person=not handled
        )
        deps.wake.now("desk")
        deps.wake.now("dispatch")

    async def _known(self, value: Mapping[str, Any], event: MessageEvent) -> Contact | None:
        """The writer's contact, with every identifier the channel named and the name it shows. None: being erased."""
        deps = self._d
        contact_id, address = ContactId(value["contact"]), AddressId(value["address"])
        mine = [
            one for one in event.identifiers if await deps.contacts.alias(value["channel"], one, contact_id, address)
        ]
        name = event.profile_name

        def edit(profile: Profile) -> Profile:
            return replace(profile, display_name=name) if name else profile

        try:
            await deps.contacts.add_identifiers(contact_id, address, value["channel"], mine)
            return await deps.contacts.change(contact_id, edit)
        except (NotFound, Sealed):
            return None

    async def _origin(self, contact: Contact, channel: str, event: MessageEvent) -> MessageRecord | None:
        """Which of our messages they answer: what they quote, or the message whose button they pressed."""
        if event.answers is None:
            return None
        channel_hash = self._d.vault.blind("channel_id", channel, event.answers.reveal())
        message = await self._d.outbox.by_channel_id(partition_of(contact.id), channel_hash)
        found = await self._d.outbox.record(message) if message else None
        return found[0] if found else None

    async def _body(self, record: MessageRecord) -> Mapping[str, Any]:
        found = await self._d.outbox.record(record.id)
        if found is None:
            return {}
        try:
            opened: Mapping[str, Any] = (await self._d.vault.contact_box(record.contact)).open_json(found[1], record.id)
        except Sealed:
            return {}
        return opened

    async def _brand(self, contact: Contact, origin: MessageRecord | None, default: str) -> str:
        """Whose conversation it is: the brand of what they answer, else of their newest order, else the sender's."""
        if origin is not None:
            return str((await self._body(origin)).get("brand") or default)
        brands = {link.brand for link in contact.profile.orders}
        return next(iter(brands)) if len(brands) == 1 else default

    # stops and starts

    async def _stop(
        self, contact: Contact, channel: str, brand: str, event: MessageEvent, origin: MessageRecord | None
    ) -> str | None:
        """Withdraw what a stop withdraws; the name of the confirmation to send, None when it is no stop."""
        text = event.text.reveal() if event.kind is InboundKind.TEXT else ""
        everything = (event.payload or "").endswith(f"/{STOP_ALL}") or bool(text and stops.stops_all(text))
        if not everything and (not text or stops.stop_language(text) is None):
            return None
        granted = [name.split(".", 2) for name, one in contact.facts.consents.items() if one.granted]
        purposes: list[tuple[str, str]]
        answered = str((await self._body(origin)).get("purpose") or "") if origin else ""
        if everything or not answered:
            # Nothing says which news they mean: then all of it on this channel stops.
            purposes = [(purpose, of) for purpose, on, of in granted if on == channel]
            purposes += [(purpose, brand) for purpose in PURPOSES]
        else:
            purposes = [(answered, brand)]
        entries = [
            ConsentEntry(purpose, channel, of, False, _end_of(event.at_ms), "stop_word", evidence=Personal("inbound message"))
            for purpose, of in dict.fromkeys(purposes)
        ]
        await self._d.contacts.set_consents(contact.id, entries)
        return STOP_ALL_CONFIRMED if everything else STOP_CONFIRMED

    async def _start(self, contact: Contact, channel: str, brand: str, event: MessageEvent) -> bool:
        """Their own "start" grants again what a stop withdrew; nothing that they never agreed to."""
        withdrawn = [
            name.split(".", 2) for name, one in contact.facts.consents.items() if not one.granted and one.at_ms < event.at_ms
        ]
        ledger = await self._d.contacts.ledger(contact.id)
        once = {(entry.purpose, entry.channel, entry.brand) for entry in ledger if entry.granted}
        entries = [
            ConsentEntry(purpose, on, of, True, event.at_ms, "start_word", evidence=Personal("inbound message"))
            for purpose, on, of in withdrawn
            if on == channel and (purpose, on, of) in once
        ]
        if not entries:
            return False
        await self._d.contacts.set_consents(contact.id, entries)
        return True

    async def _service(
        self, contact: ContactId, address: AddressId, name: str, event: MessageEvent, brand: str
    ) -> None:
        """Confirm a stop, to the address that said it. Once an inbound message, however often it is applied."""
        deps = self._d
        world = await deps.worlds.now()
        notification = world.catalogue.get(name)
        if notification is None:
            return
        try:
            current = await deps.contacts.get(contact)
        except (NotFound, Sealed):
            return
        key = deps.vault.blind("inbound", event.channel_id.reveal())[:16]
        result = EventResult(
            event=f"inbound:{key}", type=EventType.ORDER_STATUS, external_id="", source="inbound", subject=SubjectId(""),
            sequence=0, occurred_at_ms=event.at_ms, item="", changes=(), state={}, previous={}, data={}, facts={},
            notifications=(name,),
        )  # fmt: skip
        only = replace(current, profile=replace(current.profile, addresses=tuple(
            one for one in current.profile.addresses if one.id == address)))  # fmt: skip
        found = draft(notification, only, result, [Reader(None, None)], replace(world, default_brand=brand))
        if found is None:
            return
        found = replace(found, id=message_id(result.event, name, "", current.id, 0), told="")
        await self._put(current, [found])

    async def _put(self, contact: Contact, drafts: Sequence[Draft]) -> None:
        box = await self._d.vault.contact_box(contact.id)
        messages = tuple(one.planned(contact.id, box.seal_json(dict(one.body), one.id)) for one in drafts)
        for _ in range(5):
            facts = (await self._d.contacts.facts_of([contact.id]))[0]
            planned = PlannedContact(contact.id, facts.consent_version, (), messages)
            answer = await self._d.outbox.put(Plan(partition_of(contact.id), "", 0, "", (planned,)))
            if answer.written or any(state not in ("ok", "replan") for state in answer.contacts):
                return

    # buttons that decide by themselves

    async def _button(self, contact: Contact, address: AddressId, event: MessageEvent) -> bool:
        """Answers to our own questions. True: handled, no person is needed."""
        if event.kind is not InboundKind.BUTTON or not event.payload:
            return False
        name, _, key = event.payload.partition("/")
        if name != CHECK:
            return False
        if key == "yes":
            await self._d.contacts.set_proof(contact.id, address, Proof.INBOUND, event.at_ms)
            await self._revive(contact.id, address)
            return True
        if key == "not_me":
            await self._d.contacts.set_proof(contact.id, address, None, event.at_ms)
            return True
        return False

    async def _revive(self, contact: ContactId, address: AddressId) -> None:
        """What waited for this proof goes now, unless it was replaced or ended, or its time is past."""
        deps = self._d
        for message in await deps.outbox.told_messages(contact):
            found = await deps.outbox.record(message)
            if found is None:
                continue
            record, body = found
            if record.state is not MessageState.SUPPRESSED or record.reason != Reason.NO_PROOF.value:
                continue
            if record.address != address or record.deadline_ms <= deps.clock.now_ms():
                continue
            planned = PlannedMessage(
                id=record.id, contact=contact, sender=record.sender, address=address, priority=record.priority, due_ms=0,
                deadline_ms=record.deadline_ms, told=record.told, state=MessageState.QUEUED, reason="",
                notification=record.notification, body=body, revive=True,
            )  # fmt: skip
            for _ in range(5):
                facts = (await deps.contacts.facts_of([contact]))[0]
                one = PlannedContact(contact, facts.consent_version, (), (planned,))
                plan = Plan(partition_of(contact), str(record.event), record.version, str(record.subject), (one,))
                answer = await deps.outbox.put(plan)
                if answer.written or any(state not in ("ok", "replan") for state in answer.contacts):
                    break

    # the channel's own words about a person

    async def _preference(self, value: Mapping[str, Any]) -> None:
        """The switch inside the channel's app: for every brand that speaks through this account."""
        brands = {one.brand for one in self._d.directory.of_account(value["channel"], value["account"])}
        entries = [
            ConsentEntry(purpose, value["channel"], brand, bool(value["granted"]), value["at"], "channel_preference")
            for purpose in value["purposes"]
            for brand in sorted(brands)
        ]
        await self._d.contacts.set_consents(ContactId(value["contact"]), entries)

    async def _identity(self, value: Mapping[str, Any]) -> None:
        """A number or user id changed: the channel says that the new one is the same person."""
        contact, address = ContactId(value["contact"]), AddressId(value["address"])
        current = items.identifiers(value["current"])
        mine = [one for one in current if await self._d.contacts.alias(value["channel"], one, contact, address)]
        if mine:
            await self._d.contacts.add_identifiers(contact, address, value["channel"], mine)
            # Numbers are given to others some months later: the old one must not lead to this person then.
            replaced = {(one.kind, one.scope) for one in mine}
            gone = [
                one for one in items.identifiers(value["previous"]) if (one.kind, one.scope) in replaced and one not in current
            ]
            await self._d.contacts.give_up(value["channel"], gone, contact)
        if value.get("changed"):
            await self._d.contacts.drop_proof(contact, address, _end_of(value["at"]))


def _reason_of(event: StatusEvent) -> str:
    """Why the channel could not deliver it, in our own word."""
    outcome = event.result.outcome if event.result else None
    if outcome is Outcome.OPTED_OUT:
        return Reason.OPTED_OUT_AT_CHANNEL.value
    if outcome is Outcome.UNREACHABLE:
        return Reason.UNREACHABLE.value
    if event.result is not None and event.result.window_closed:
        return Reason.WINDOW_CLOSED.value
    return Reason.FAILED_AT_CHANNEL.value


def _end_of(at_ms: int) -> int:
    """A time told in whole seconds, as its last millisecond: a stop is later than a consent given in the same second."""
    return at_ms + 999 if at_ms % 1000 == 0 else at_ms


def _media(event: MessageEvent) -> dict[str, str] | None:
    if event.media is None:
        return None
    media = {"channel_media_id": event.media.channel_media_id.reveal(), "mime": event.media.mime}
    if event.media.filename is not None:
        media["filename"] = event.media.filename.reveal()
    if event.media.voice:
        media["voice"] = "yes"
    return media
