"""Erasing a person: mark, forget how they are found, destroy their conversations, then everything in their partition at
once.

What stays: counted facts with our own ids, headers of messages for 8 days, and events and webhooks under the keys of
their days, destroyed after 8 days. Every step may run twice: `sweep` takes up what a killed process left, and after 8
days, when nothing can still be under way, drops the mark.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.clock import Clock
from gateway.errors import NotFound
from gateway.model.contact import Contact
from gateway.model.family import ROLE, Left
from gateway.model.ids import AddressId, ContactId, MessageId, SenderId, is_id, partition_of
from gateway.store import audit, keys, ledger, scripts
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.families import Families
from gateway.store.invitations import Invitations
from gateway.store.outbox import Pair
from gateway.store.reply import words
from gateway.store.vault import KeyMissing, Vault

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done. contact: who was meant, followed where it had moved."""

    contact: ContactId
    messages: int
    conversations: int
    addresses: int


class Past(Protocol):
    async def erase(self, contact: ContactId) -> object: ...


class Erasure:
    def __init__(
        self,
        redis: Redis,
        clock: Clock,
        vault: Vault,
        contacts: Contacts,
        conversations: Conversations,
        senders: Sequence[SenderId],
        pair: Mapping[str, Pair],
        past: Past | None = None,
    ) -> None:
        """senders: all of this installation, whose lanes are looked through; pair: as the outbox was given.

        past: what is kept of people outside the store
        """
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault
        self._contacts = contacts
        self._conversations = conversations
        self._senders = tuple(senders)
        self._pair = pair
        self._past = past

    async def erase(self, contact: ContactId, *, by: str = "") -> Erased:
        """Erase a contact. Repeatable. by: who had it done, for the audit; "" where it is done again or after a restore

        raises: NotFound when there is none, or it was erased before; StoreUnavailable, also when the ledger cannot be written
        """
        for _ in range(5):
            names = [keys.of(contact, "f"), keys.beside(contact, "erase"), keys.beside(contact, "facts")]
            found = (await self._contacts.get_many([contact]))[0]
            if found is None or (found.version == 0 and found.facts.moved_to is None):
                raise NotFound("no such contact, or it was erased")
            await self._keep_beside(found)
            args: list[scripts.Part] = [self._clock.offset_ms, contact, audit.plain(by)]
            answer = words(await scripts.run(self._redis, "contact_erasing", names, args))
            if answer == "ok":
                return await self._finish(found)
            contact = ContactId(answer.partition(":")[2])
        raise NotFound("this contact moved in a circle: run doctor")

    async def _keep_beside(self, contact: Contact) -> None:
        """Into the ledger first: without its line a restored backup would bring the person back. Raises StoreUnavailable."""
        if self._contacts.beside is None:
            return
        scopes = tuple(sorted(contact.facts.consents))
        known = self._contacts.beside_addresses(contact)
        kept = ledger.now_ms()
        await self._contacts.beside.append(
            ledger.Entry(ledger.ERASED, self._clock.now_ms(), kept, contact.id, scopes, known)
        )

    async def _finish(self, contact: Contact) -> Erased:
        """What follows the mark. Indexes first: whoever comes with this number from now on is somebody new."""
        await self._drop_indexes(contact)
        await self._drop_ways_in(contact)
        await self._leave_families(contact)
        conversations = await self._conversations.erase(contact.id)
        if self._past is not None:  # while the mark stands: should it fail, `sweep` does it again
            await self._past.erase(contact.id)
        addresses = [address.id for address in contact.profile.addresses]
        messages = await self._erase(contact.id, addresses)
        self._vault.forget(contact.id)
        return Erased(contact.id, max(messages, 0), conversations, len(addresses))

    async def _drop_indexes(self, contact: Contact) -> None:
        names = [
            keys.address_index(
                self._vault.blind("address", address.channel, known.kind, known.scope, known.value.reveal())
            )
            for address in contact.profile.addresses
            for known in address.identifiers
        ]
        names += [keys.customer_index(traveller.customer) for traveller in contact.profile.travellers]
        calls: list[scripts.Call] = [("index_drop", [name], [contact.id]) for name in names]
        await scripts.run_many(self._redis, calls)

    async def _drop_ways_in(self, contact: Contact) -> None:
        """What lies under no key of theirs: by what they came, what they were asked about it, which messages wait for a receipt,
        on which devices their pages are open."""
        for address in contact.profile.addresses:
            await self._redis.delete(*(keys.of(address.id, name) for name in ("wd", "as", "rc")))
        await self._redis.delete(keys.of(contact.id, "pn"))
        subjects = [one for link in contact.profile.orders for one in (link.order, *link.subjects)]
        customers = {traveller.customer for traveller in contact.profile.travellers}
        await Invitations(self._redis, self._clock, self._vault).forget(subjects, contact.id, customers)

    async def _leave_families(self, contact: Contact) -> None:
        """Off the lists that they are on; their own families are over, and whoever looks at these next tells the members."""
        families = Families(self._redis, self._clock, self._vault)
        own = []
        for link in contact.profile.orders:
            if link.role == ROLE:
                await families.leave(link.order, contact.id, Left.ERASED)
            else:
                own.append(families.id_of(link.order, link.traveller))
        for found in await families.get_many(own):
            if found is not None and found.contact == contact.id:
                await families.end(found.id, "erased")

    async def _erase(self, contact: ContactId, addresses: Sequence[AddressId]) -> int:
        partition = partition_of(contact)
        subjects = [words(name) for name in await self._redis.hkeys(keys.of(contact, "cs"))]
        waiting = await self._in_lanes(partition, addresses)
        names = [keys.part(partition, name) for name in ("facts", "erase", "all")]
        names += [keys.of(contact, name) for name in ("f", "c", "k", "led", "cs", "told")]
        names += [keys.part(partition, f"su:{subject}") for subject in subjects]
        for sender in self._senders:
            names += keys.lane_keys(partition, sender)
        names += [keys.of(MessageId(member[39:]), "m") for _, member in waiting]
        plan = {
            "subs": len(subjects),
            "senders": len(self._senders),
            "tau": [self._pair[sender].tolerance_ms if sender in self._pair else 0 for sender in self._senders],
            "ttl": keys.KEEP_MS,
            "messages": [{"s": place + 1, "m": member} for place, member in waiting],
        }
        args: list[scripts.Part] = [self._clock.offset_ms, contact, json.dumps(plan)]
        return int(await scripts.run(self._redis, "contact_erase", names, args))

    async def _in_lanes(self, partition: int, addresses: Sequence[AddressId]) -> list[tuple[int, str]]:
        """(number of the sender, member) of every message of these addresses that waits in a lane or in `later`."""
        pipeline = self._redis.pipeline(transaction=False)
        for sender in self._senders:
            pipeline.zrange(keys.part(partition, f"later:{sender}"), 0, -1)
            for address in addresses:
                pipeline.zrange(keys.part(partition, f"q:{sender}"), f"[{address}:", f"[{address};", bylex=True)
        answers = iter(await pipeline.execute() if self._senders else [])
        wanted = {str(address) for address in addresses}
        found: dict[tuple[int, str], None] = {}
        for place in range(len(self._senders)):
            for member in map(words, next(answers)):
                if member.partition(":")[0] in wanted:
                    found[place, member] = None
            for _ in addresses:
                found.update({(place, words(member)): None for member in next(answers)})
        return list(found)

    async def rewrite_log(self) -> bool:
        """Have the server rewrite its append-only file, at most once in 20 hours; whether it began. A managed store may bar it.

        Until then the file still holds what was erased, sealed under a key that is destroyed.
        """
        if not await self._redis.set(keys.lease("job:rewrite"), "1", nx=True, px=20 * 3600_000):
            return False
        try:
            await self._redis.bgrewriteaof()
        except ResponseError:
            return False
        return True

    async def sweep(self) -> int:
        """Finish what was begun and left, and drop marks older than 8 days; how many contacts were looked at."""
        now = self._clock.now_ms()
        looked = 0
        for partition in keys.all_partitions():
            rows = await self._redis.zrange(keys.part(partition, "erase"), 0, -1, withscores=True)
            for raw, at in rows:
                contact = ContactId(words(raw))
                looked += 1
                try:
                    found = (await self._contacts.get_many([contact]))[0] if is_id(contact, "c") else None
                except KeyMissing as error:  # it waits for GATEWAY_KEYS to be mended, and the others do not wait for it
                    log.warning("erasure.key_missing", contact_id=contact, problem=str(error))
                    continue
                if found is not None and found.version > 0:
                    await self._finish(found)
                    continue
                if self._past is not None and is_id(contact, "c"):
                    # Again, as long as the mark stands: who was copying when it was set may have written after the first time,
                    # and died before looking again.
                    await self._past.erase(contact)
                if now - at > keys.KEEP_MS:
                    pipeline = self._redis.pipeline(transaction=False)
                    pipeline.delete(*(keys.of(contact, name) for name in ("f", "k", "led", "cs", "told")))
                    pipeline.zrem(keys.part(partition, "erase"), contact)
                    await pipeline.execute()
        return looked
