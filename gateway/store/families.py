"""Families: one list each, in the family's own partition, found by the order and the traveller it belongs to.

What is plain are our own ids and times. What names somebody (a member's name, the link of the traveller's group) is sealed under
a key that the family alone has, and that key under the traveller's: whoever is erased takes the names with them, also out of a
backup, while the list still says who has to be told that it is over. A family that goes to another contact takes its key along.

Who is in is decided by one script (lua/family_join.lua). An ended family keeps who is in it until they were told, then it is
erased but for the number of its last link: what begins anew begins under another one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict, Sealed
from gateway.model.contact import Contact
from gateway.model.family import ROLE, Family, Joined, Left, Member
from gateway.model.ids import AddressId, ContactId, SubjectId
from gateway.model.personal import Personal
from gateway.store import audit, bulk, keys, scripts
from gateway.store.reply import octets, words
from gateway.store.vault import Box, Vault

A_MINUTE = 10
"""How many may join in one minute; then the door closes."""
LONGEST_MS = 400 * keys.DAY_MS
STUB_MS = keys.KEEP_MS
"""How long an ended family is known as one. Its links outlive that; their number is never given again."""


class Families:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault

    def id_of(self, order: SubjectId, customer: str) -> SubjectId:
        """The family of this traveller of this order, whether there is one or not."""
        return self._vault.subject_id("family", f"{order}/{customer}")

    # read

    async def get(self, family: SubjectId) -> Family | None:
        """As it stands, also when it has ended; None where there is none, or none any more.

        Names and the group link are None where the traveller's key is gone.
        """
        return (await self.get_many([family]))[0]

    async def get_many(self, families: Iterable[SubjectId]) -> list[Family | None]:
        asked = list(families)
        raw = await bulk.values(self._redis, [("HGETALL", keys.of(one, "fam")) for one in asked])
        found: list[Family | None] = []
        for family, answer in zip(asked, raw, strict=True):
            fields = {words(name): octets(value) for name, value in bulk.mapping(answer).items()}
            found.append(self._load(family, fields, await self._opened(family, fields)) if "made" in fields else None)
        return found

    async def due(self, partition: int, limit: int) -> list[SubjectId]:
        """Families of a partition that it is time to look at, the longest due first."""
        return (await self.due_of([partition], limit))[0]

    async def due_of(self, partitions: Iterable[int], limit: int) -> list[list[SubjectId]]:
        """The same of several partitions, each up to `limit`, in one round trip."""
        now = self._clock.now_ms()
        commands = [("ZRANGE", keys.part(one, "famdue"), "-inf", now, "BYSCORE", "LIMIT", 0, limit) for one in partitions]
        return [[SubjectId(words(one)) for one in answer] for answer in await bulk.values(self._redis, commands)]

    async def _opened(self, family: SubjectId, fields: dict[str, bytes]) -> Box | None:
        """The family's own key; None when the traveller's is gone."""
        if "k" not in fields:
            return None
        try:
            return Box((await self._vault.contact_box(ContactId(words(fields["c"])))).open(fields["k"], family))
        except Sealed:
            return None

    def _load(self, family: SubjectId, fields: dict[str, bytes], box: Box | None) -> Family:
        def number(name: str) -> int:
            return int(fields.get(name, b"0"))

        def text(name: str) -> str:
            return words(fields.get(name, b""))

        def opened(sealed: bytes, about: str) -> Personal | None:
            return Personal(str(box.open_json(sealed, about))) if box is not None and sealed else None

        members = []
        for field, value in fields.items():
            if field.startswith("m:"):
                _, address, channel, joined, name = value.split(b"|", 4)
                contact = ContactId(field[2:])
                members.append(
                    Member(contact, AddressId(words(address)), words(channel), opened(name, f"{family}:{contact}"), int(joined))
                )
        door = text("open")
        return Family(
            id=family,
            order=SubjectId(text("o")),
            customer=text("t"),
            contact=ContactId(text("c")),
            address=AddressId(text("a")),
            brand=text("b"),
            language=text("l"),
            made_ms=number("made"),
            until_ms=number("until"),
            open=door == "1",
            places=number("places"),
            renewals=number("n"),
            ended_ms=number("ended"),
            ended_why=text("why"),
            shut_ms=int(door[1:]) if door.startswith("t") else 0,
            looks=number("looks"),
            group_ms=number("gat"),
            group_link=opened(fields.get("g", b""), f"{family}:group"),
            followed=tuple(SubjectId(one) for one in text("s").split(",") if one),
            members=tuple(sorted(members, key=lambda one: (one.joined_ms, one.contact))),
            barred=tuple(sorted(ContactId(field[2:]) for field in fields if field.startswith("x:"))),
        )

    # made and joined

    async def make(self, one: Family) -> Family:
        """The family that stands, else this one: made now, open, with a link that was never given out. Repeatable.

        Of `one` count whose it is, brand, language, places, what is followed and when to look next. One that stands goes along
        to the contact and chat that are named here.

        raises: Conflict while an ended one is still telling its members; Sealed when the traveller is being erased
        """
        box = await self._vault.contact_box(one.contact, create=True)
        args: list[scripts.Part] = [
            self._clock.offset_ms, one.id, one.order, one.customer, one.contact, one.address, one.brand, one.language,
            one.places, one.until_ms, box.seal(os.urandom(32), one.id), max(one.until_ms, self._clock.now_ms()) + LONGEST_MS,
            ",".join(one.followed),
        ]  # fmt: skip
        names = [keys.of(one.id, "fam"), keys.beside(one.id, "famdue"), keys.beside(one.id, "facts")]
        answer = words(await scripts.run(self._redis, "family_make", names, args))
        if answer == "ending":
            raise Conflict("this family has ended, and its members are being told")
        found = await self.get(one.id)
        if found is None:
            raise Conflict("this family was made and ended in the same moment")
        if answer == "same" and (found.contact, found.address) != (one.contact, one.address):
            await self.move(found, one.contact, one.address)
            found = await self.get(one.id) or found
        return found

    async def join(self, family: SubjectId, member: Member, renewals: int) -> Joined:
        """Decide whether somebody is in. renewals: the number of the link they came by. Repeatable: in, then again."""
        box = await self._box_of(family)
        name = box.seal_json(member.name.reveal(), f"{family}:{member.contact}") if box is not None and member.name else b""
        args: list[scripts.Part] = [
            self._clock.offset_ms, family, member.contact, member.address, member.channel, name, renewals, A_MINUTE,
        ]  # fmt: skip
        return Joined(words(await scripts.run(self._redis, "family_join", self._keys(family), args)))

    async def leave(self, family: SubjectId, contact: ContactId, why: Left) -> bool:
        """Take somebody from the list; whoever was removed by the traveller stays out. False: they were not on it."""
        args: list[scripts.Part] = [self._clock.offset_ms, family, contact, why.value]
        return bool(await scripts.run(self._redis, "family_leave", self._keys(family), args))

    # changed

    async def rename(self, family: SubjectId, contact: ContactId, name: Personal) -> bool:
        """What a member wants to be called. False: they are none, or it is over."""
        box = await self._box_of(family)
        if box is None:
            return False
        return await self._change(family, "name", contact, box.seal_json(name.reveal(), f"{family}:{contact}")) > 0

    async def set_group(self, family: SubjectId, link: Personal) -> bool:
        """The link of the traveller's own group. False: the family is over."""
        box = await self._box_of(family)
        return box is not None and await self._change(family, "group", box.seal_json(link.reveal(), f"{family}:group")) > 0

    async def door(self, family: SubjectId, *, open: bool) -> bool:
        """Let people in, or nobody; opening it counts anew how many come in one minute. False: the family is over."""
        return await self._change(family, "door", "1" if open else "0") > 0

    async def renew(self, family: SubjectId, key: str = "") -> int:
        """A new link, whose number it returns: the one before lets nobody in any more. 0: the family is over.

        key: of what asked for it (a keyed hash): asked for again by that, it is the link that was made for it
        """
        return await self._change(family, "renew", key)

    async def set_followed(self, family: SubjectId, subjects: Iterable[SubjectId]) -> bool:
        """The legs that every member follows by now. False: the family is over."""
        return await self._change(family, "followed", ",".join(subjects)) > 0

    async def move(self, found: Family, contact: ContactId, address: AddressId) -> bool:
        """The traveller is reached at another chat now, or is another contact. False: somebody moved it meanwhile, or it is over.

        raises: Sealed when the key of either contact is gone
        """
        key = await self._redis.hget(keys.of(found.id, "fam"), "k")
        if key is None:
            return False
        sealed = octets(key)
        if contact != found.contact:
            raw = (await self._vault.contact_box(found.contact)).open(sealed, found.id)
            sealed = (await self._vault.contact_box(contact, create=True)).seal(raw, found.id)
        return await self._change(found.id, "move", found.contact, contact, address, sealed) > 0

    async def _change(self, family: SubjectId, what: str, *args: scripts.Part) -> int:
        parts: list[scripts.Part] = [self._clock.offset_ms, family, what, *args]
        return int(await scripts.run(self._redis, "family_change", self._keys(family), parts))

    # looked at and ended

    async def look_at(self, family: SubjectId, at_ms: int, *, began: Family | None = None) -> bool:
        """When to look at it next. began: as the look that ends here read it; whoever has asked for one since is served first.

        False: nothing was changed, or there is none
        """
        args: list[scripts.Part] = [family, at_ms, 0, "" if began is None else began.looks]
        names = [keys.of(family, "fam"), keys.beside(family, "famdue")]
        return bool(await scripts.run(self._redis, "family_look", names, args))

    async def look_soon_at(self, contact: Contact, order: SubjectId) -> None:
        """Something about this order of theirs changed: whoever looks at families next looks at theirs, where they have one."""
        links = [link for link in contact.profile.orders if link.order == order and link.role != ROLE]
        await self.look_soon(*(self.id_of(order, link.traveller) for link in links))

    async def look_soon(self, *families: SubjectId) -> None:
        """The same of these families, if there are any."""
        now = self._clock.now_ms()
        calls: list[scripts.Call] = [
            ("family_look", [keys.of(one, "fam"), keys.beside(one, "famdue")], [one, now, 1, ""])
            for one in dict.fromkeys(families)
        ]
        await scripts.run_many(self._redis, calls)

    async def end(self, family: SubjectId, why: str) -> bool:
        """From now on it is over: nobody comes in, and who looks at it next tells its members. False: it was over, or is none.

        why: over (landed), traveller or operator (they ended it), erased, left_out (of the order), cancelled (the order)
        """
        args: list[scripts.Part] = [self._clock.offset_ms, family, why]
        names = [keys.of(family, "fam"), keys.beside(family, "famdue"), keys.beside(family, "facts")]
        return bool(await scripts.run(self._redis, "family_end", names, args))

    async def steered(self, family: SubjectId, what: str, *, who: str, why: str) -> None:
        """Write down that an operator decides something about it. what: close, open, end; who, why: of their own people"""
        detail: dict[str, str | int] = {"what": what, "who": who, "why": why}
        await audit.write_fact(self._redis, self._clock, "family_steered", ids=[family], detail=detail)

    async def erase(self, family: SubjectId) -> bool:
        """Erase the list of an ended family: everybody was told. False: it lasts."""
        names = [keys.of(family, "fam"), keys.beside(family, "famdue")]
        return bool(await scripts.run(self._redis, "family_erase", names, [family, STUB_MS]))

    def _keys(self, family: SubjectId) -> list[str]:
        return [keys.of(family, "fam"), keys.beside(family, "facts")]

    async def _box_of(self, family: SubjectId) -> Box | None:
        key, contact = await self._redis.hmget(keys.of(family, "fam"), "k", "c")
        return await self._opened(family, {"k": octets(key), "c": octets(contact)}) if key is not None else None
