"""What the channel says became of our messages: to each message, before or after its settle, ranked, so that none goes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from gateway.connector import Outcome, StatusEvent
from gateway.errors import Sealed
from gateway.model.contact import ConsentEntry, Contact
from gateway.model.ids import AddressId, ContactId, MessageId, is_id, partition_of
from gateway.model.message import DeliveryStatus, MessageRecord, MessageState, parse_opaque
from gateway.model.personal import Personal
from gateway.prices.model import Charge
from gateway.rules.verdict import Reason
from gateway.rules.ways import ANOTHER_WAY
from gateway.store.contacts import FactChange
from gateway.store.spending import Spend
from gateway.wake import Ready
from gateway.webhooks import billing, items
from gateway.webhooks.deps import Deps
from gateway.webhooks.people import People

log = structlog.get_logger()


class Statuses:
    def __init__(self, deps: Deps, people: People) -> None:
        self._d = deps
        self._people = people

    async def status(self, value: Mapping[str, Any]) -> None:
        """One message's status, found by what we gave along, else by the channel's id."""
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
        stub, cost = b"", None
        if record.state not in (MessageState.ACCEPTED, MessageState.FAILED):
            body, stub = await self._stub(record, sealed, event.channel_id)
            category = event.pricing.get("category", "")
            now = deps.clock.now_ms()
            cost = billing.charge_of(deps.tariffs, channel, body, event.identifiers, category=category, at_ms=now)
        price = " ".join(f"{name}={text}" for name, text in event.pricing.items() if name in ("type", "category"))
        another = ""
        if event.failed:
            another = await self._another_way(record, sealed, event)
            price = f"reason={_reason_of(event)}" + (f" next={another}" if another else "")
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
            another_way=bool(another),
            receipts_by_time=self._by_time(channel),
            price=cost.detail if cost else "",
            spend=Spend.of(cost) if cost else None,
        )
        if event.status is DeliveryStatus.SENT and self._by_time(channel):
            await self._catch_up(record.id, record.contact, record.address, event.at_ms)
        await self._people.named(record.contact, record.address, channel, event.identifiers)
        await self._failed(record, sealed, channel, event)
        self._wake(_freed([(record, answer)]))
        deps.wake.now("desk")

    async def left(self, contact: Contact, channel: str, channel_id: Personal, at_ms: int) -> bool:
        """Whether what left our sender with this id was a message of ours, known by its answer; then it is its evidence."""
        message = await self._d.outbox.by_channel_id(
            partition_of(contact.id), self._d.vault.blind("channel_id", channel, channel_id.reveal())
        )
        found = await self._d.outbox.record(message) if message else None
        if found is None:
            return False
        cost = None
        if found[0].state not in (MessageState.ACCEPTED, MessageState.FAILED):
            cost = await self._cost(contact, channel, *found)
        self._wake(_freed([(found[0], await self._reached(found[0], DeliveryStatus.SENT, at_ms, cost))]))
        if self._by_time(channel):
            await self._catch_up(found[0].id, contact.id, found[0].address, at_ms)
        return True

    # receipts by time

    async def receipt(self, value: Mapping[str, Any]) -> None:
        """Everything of ours that they were sent until then is delivered, or read.

        Remembered too: what was sent before then, and is only known to have been sent after this, is told by `_catch_up`.
        """
        contact = await self._people.find(ContactId(value["contact"]))
        if contact is None:
            return
        address, status = AddressId(value["address"]), DeliveryStatus(value["status"])
        until_ms, at_ms = int(value["until"]), int(value["at"])
        await self._d.contacts.change_facts(contact.id, [FactChange(f"rt:{address}:{int(status)}", "", until_ms, "later")])
        answers = [
            (record, await self._reached(record, status, at_ms))
            for record, _ in await self._d.outbox.awaiting_receipt(address, until_ms, status)
        ]
        self._wake(_freed(answers))
        self._d.wake.now("desk")

    async def _catch_up(self, message: MessageId, contact: ContactId, address: AddressId, sent_at_ms: int) -> None:
        """A receipt may come before the word that the message left at all."""
        known = (await self._d.contacts.facts_of([contact]))[0].receipts
        for status in (DeliveryStatus.DELIVERED, DeliveryStatus.READ):
            until_ms = known.get(f"{address}:{int(status)}", 0)
            found = await self._d.outbox.record(message) if until_ms >= sent_at_ms else None
            if found is not None:
                await self._reached(found[0], status, until_ms)

    async def _reached(
        self, record: MessageRecord, status: DeliveryStatus, at_ms: int, cost: Charge | None = None
    ) -> str:
        return await self._d.outbox.evidence(
            record, attempt=record.attempt, status=status, failed=False, at_ms=at_ms, receipts_by_time=True,
            price=cost.detail if cost else "", spend=Spend.of(cost) if cost else None,
        )  # fmt: skip

    def _wake(self, freed: Sequence[Ready]) -> None:
        if freed:
            self._d.wake.now("dispatch", freed)

    async def _cost(self, contact: Contact, channel: str, record: MessageRecord, sealed: bytes) -> Charge | None:
        """What a message should cost whose channel names no price with its word that it left."""
        try:
            body = (await self._d.vault.contact_box(contact.id)).open_json(sealed, record.id)
        except (Sealed, ValueError):
            return None
        address = next((one for one in contact.profile.addresses if one.id == record.address), None)
        facts, now = self._d.facts.get(channel), self._d.clock.now_ms()
        category = billing.category_of(body, record, contact, facts.window_ms if facts else 0, now)
        known = address.identifiers if address is not None else ()
        return billing.charge_of(self._d.tariffs, channel, body, known, category=category, at_ms=now)

    def _by_time(self, channel: str) -> bool:
        facts = self._d.facts.get(channel)
        return facts is not None and facts.receipts_by_time

    async def _failed(self, record: MessageRecord, sealed: bytes, channel: str, event: StatusEvent) -> None:
        """What a failure says beyond this message: about the person, or about the file that was uploaded for them."""
        if event.failed and event.result is not None and event.result.media_problem:
            await self._forget_file(record, sealed)
        outcome = event.result.outcome if event.failed and event.result is not None else None
        if outcome is Outcome.UNREACHABLE:
            change = FactChange(f"un:{record.address}", "", event.at_ms, "later")
            await self._d.contacts.change_facts(record.contact, [change])
        if outcome is Outcome.OPTED_OUT:
            brands = {one.brand for one in self._d.directory.of_account(channel, event.account_id)}
            entries = [
                ConsentEntry("offers", channel, brand, False, event.at_ms, "channel_opt_out") for brand in sorted(brands)
            ]
            await self._d.contacts.set_consents(record.contact, entries)

    async def _forget_file(self, record: MessageRecord, sealed: bytes) -> None:
        """The channel could not use the file: whoever replays the message uploads it anew."""
        if self._d.documents is None:
            return
        try:
            body = (await self._d.vault.contact_box(record.contact)).open_json(sealed, record.id)
        except (Sealed, ValueError):
            return
        if body.get("document"):
            await self._d.documents.forget_media_id(record.contact, body["document"]["ref"], record.sender)

    async def _another_way(self, record: MessageRecord, sealed: bytes, event: StatusEvent) -> str:
        """The message that takes over from one that the channel could not deliver; "" for none."""
        if _reason_of(event) not in ANOTHER_WAY:
            return ""
        try:
            body = (await self._d.vault.contact_box(record.contact)).open_json(sealed, record.id)
        except (Sealed, ValueError):
            return ""
        legs = body.get("legs") or []
        return str(legs[0]["id"]) if legs else ""

    async def _stub(
        self, record: MessageRecord, sealed: bytes, channel_id: Personal
    ) -> tuple[Mapping[str, Any], bytes]:
        """(its body, what to keep of it now that the channel's id is known); empty where it cannot be opened any more."""
        try:
            box = await self._d.vault.contact_box(record.contact)
            body = box.open_json(sealed, record.id)
        except Sealed:
            return {}, b""
        body["id"] = channel_id.reveal()
        return body, box.seal_body(body, record.id)


def _freed(answers: Sequence[tuple[MessageRecord, str]]) -> list[Ready]:
    """Where something waited for these words in its lane, and may go now."""
    found = (record for record, answer in answers if answer in ("settled", "applied"))
    return list(dict.fromkeys(Ready.look(partition_of(record.id), record.sender) for record in found))


def _reason_of(event: StatusEvent) -> Reason:
    """Why the channel could not deliver it, in our own word."""
    outcome = event.result.outcome if event.result else None
    if outcome is Outcome.OPTED_OUT:
        return Reason.OPTED_OUT_AT_CHANNEL
    if outcome is Outcome.UNREACHABLE:
        return Reason.UNREACHABLE
    if event.result is not None and event.result.window_closed:
        return Reason.WINDOW_CLOSED
    return Reason.FAILED_AT_CHANNEL
