"""Invitations: kept beside the subject they are about, found by keyed hashes of their token and of the code for people.

The token is never stored. What an invitation says (order number, what it asks for) is sealed; how far it came is plain. Who is
first is decided by one script (lua/invitation_claim.lua). An invitation is kept for 30 days after its end, then it is gone.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict
from gateway.model.contact import Identifier
from gateway.model.ids import AddressId, ContactId, SubjectId, is_id
from gateway.model.invitation import Claim, ConsentAsked, Identified, Invitation, Origin, Purpose
from gateway.store import keys, scripts
from gateway.store.reply import octets, words
from gateway.store.vault import Vault

AFTER_MS = 30 * keys.DAY_MS
LONGEST_MS = 400 * keys.DAY_MS


class NameTaken(Conflict):
    """A token or code leads to another invitation: choose another one."""


class Invitations:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault

    # made

    async def put(self, one: Invitation, names: Sequence[str]) -> str:
        """Keep a new invitation: new, or same when it was kept before for the same request.

        names:  everything it is found by: the token, the code for people
        raises: Conflict: kept before, for another request; NameTaken: a name leads to another invitation
        """
        keep = (one.until_ms if one.until_given else max(one.until_ms, one.made_ms + LONGEST_MS)) + AFTER_MS
        for name in names:
            index = self._index(name)
            await self._redis.set(index, one.id, nx=True, pxat=keep)
            if words(await self._redis.get(index) or b"") != one.id:
                raise NameTaken("this name leads to another invitation")
        args: list[scripts.Part] = [
            self._clock.offset_ms, one.id, self._vault.seal_about(one.id, _dump(one)), one.until_ms, keep, one.digest, one.by,
        ]  # fmt: skip
        answer = words(await scripts.run(self._redis, "invitation_put", self._keys(one.id, one.subject), args))
        if answer == "other":
            raise Conflict("this Idempotency-Key was used before, with another body")
        return answer

    async def once(self, request: str, invitation: str) -> str:
        """The invitation that a request (a keyed hash) made, which is this one if it is new. Remembered for 8 days."""
        name = f"idem:{request}"
        await self._redis.set(name, invitation, nx=True, px=keys.KEEP_MS)
        return words(await self._redis.get(name) or invitation.encode())

    def _index(self, name: str) -> str:
        return f"i:{self._vault.blind('invitation', name)}"

    def _keys(self, invitation: str, subject: SubjectId) -> list[str]:
        return [keys.of(invitation, "iv"), keys.beside(invitation, f"ij:{subject}"), keys.beside(invitation, "facts")]

    # found

    async def named(self, name: str) -> Invitation | None:
        """By its token or code. None: never made, or long over."""
        raw = await self._redis.get(self._index(name))
        return await self.get(words(raw)) if raw else None

    async def get(self, invitation: str) -> Invitation | None:
        if not is_id(invitation, "i"):
            return None
        raw = await self._redis.hgetall(keys.of(invitation, "iv"))
        return self._load(invitation, {words(name): octets(value) for name, value in raw.items()}) if raw else None

    async def of_subject(self, subject: SubjectId) -> list[Invitation]:
        """Every invitation to this order, flight or trip that is still kept; most subjects have none."""
        found = []
        for raw in await self._redis.smembers(keys.beside(subject, f"ij:{subject}")):
            one = await self.get(words(raw))
            if one is not None:
                found.append(one)
        return sorted(found, key=lambda one: (one.made_ms, one.id))

    def _load(self, invitation: str, raw: dict[str, bytes]) -> Invitation | None:
        if "b" not in raw:
            return None
        body = self._vault.open_about(invitation, raw["b"])

        def number(name: str) -> int:
            return int(raw.get(name, b"0"))

        contact, address = words(raw.get("c", b"")), words(raw.get("a", b""))
        return Invitation(
            id=invitation,
            origin=Origin(body["origin"]),
            purpose=Purpose(body["purpose"]),
            brand=body["brand"],
            language=body["language"],
            subject=SubjectId(body["subject"]),
            number=body["number"],
            entity=body["entity"],
            customer=body["customer"],
            passenger=body["passenger"],
            role=body["role"],
            identified=Identified(body["identified"]),
            consents=tuple(ConsentAsked(*pair) for pair in body["consents"]),
            channels=tuple(body["channels"]),
            made_ms=number("made"),
            until_ms=number("until"),
            until_given=body["given"],
            by=words(raw.get("by", b"")),
            apart=body["apart"],
            digest=words(raw.get("digest", b"")),
            claimed_ms=number("claimed"),
            bound_ms=number("bound"),
            revoked_ms=number("revoked"),
            contact=ContactId(contact) if contact else None,
            address=AddressId(address) if address else None,
            traveller=words(raw.get("t", b"")),
        )

    # claimed

    async def claim(self, invitation: str, channel: str, comer: Sequence[Identifier], at_ms: int) -> Claim:
        """Who comes by it, in one step with whether they are the first. at_ms: when, by the channel. Repeatable."""
        hashes = [self._vault.blind("comer", channel, one.kind, one.scope, one.value.reveal()) for one in comer]
        names = [keys.of(invitation, "iv"), keys.beside(invitation, "facts")]
        args: list[scripts.Part] = [self._clock.offset_ms, invitation, at_ms, *hashes]
        return Claim(words(await scripts.run(self._redis, "invitation_claim", names, args)))

    async def bound(self, one: Invitation, contact: ContactId, address: AddressId, traveller: str, *, done: bool) -> None:
        """Note whom it is bound to. done: everything was planned; before that, the same comer is taken up again.

        What it was about is the contact's own from then on, and goes with them: the order's number is dropped here.
        """
        names = [keys.of(one.id, "iv"), keys.beside(one.id, "facts")]
        body = self._vault.seal_about(one.id, _dump(replace(one, number="", entity="") if done else one))
        args: list[scripts.Part] = [self._clock.offset_ms, one.id, contact, address, traveller, "1" if done else "0", body]
        await scripts.run(self._redis, "invitation_bound", names, args)

    async def move_customer(self, customer: str, held: ContactId, contact: ContactId) -> None:
        """Let a customer number lead to another contact, if it still leads to the one it led to. Repeatable."""
        name = keys.customer_index(customer)
        await scripts.run(self._redis, "index_drop", [name], [held])
        await self._redis.set(name, contact, nx=True)

    # ended

    async def revoke(self, invitation: str) -> str:
        """revoked, same, claimed (too late: somebody came by it) or unknown."""
        names = [keys.of(invitation, "iv"), keys.beside(invitation, "facts")]
        return words(await scripts.run(self._redis, "invitation_revoke", names, [self._clock.offset_ms, invitation]))

    async def forget(self, subjects: Iterable[SubjectId], contact: ContactId, customers: Container[str]) -> int:
        """Forget the invitations to these subjects by which a contact came, or that name one of its customers; how many."""
        count = 0
        for subject in dict.fromkeys(subjects):
            for one in await self.of_subject(subject):
                if one.contact == contact or (one.contact is None and one.customer in customers):
                    await self._redis.delete(keys.of(one.id, "iv"))
                    await self._redis.srem(keys.beside(one.id, f"ij:{subject}"), one.id)
                    count += 1
        return count

    async def ends(self, one: Invitation, until_ms: int) -> None:
        """The order is known now: an invitation whose maker said no end ends with it."""
        if not one.until_given and until_ms != one.until_ms:
            args: list[scripts.Part] = [until_ms, until_ms + AFTER_MS]
            await scripts.run(self._redis, "invitation_until", [keys.of(one.id, "iv")], args)


def _dump(one: Invitation) -> dict[str, Any]:
    return {
        "origin": one.origin.value,
        "purpose": one.purpose.value,
        "brand": one.brand,
        "language": one.language,
        "subject": one.subject,
        "number": one.number,
        "entity": one.entity,
        "customer": one.customer,
        "passenger": one.passenger,
        "role": one.role,
        "identified": one.identified.value,
        "consents": [[asked.purpose, asked.wording] for asked in one.consents],
        "channels": list(one.channels),
        "given": one.until_given,
        "apart": one.apart,
    }
