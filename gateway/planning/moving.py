"""Whoever has another flight or train now follows that one.

    automatic   they stand on it already: they follow it as soon as their cancellation is planned
    proposed    they follow it once somebody of their order has accepted it; "other" or "refund" after that takes it back

A move is a pair in the order's link: from what was cancelled to what is theirs instead. They follow both, but of the cancelled
one they hear only what a notification tells `after_rebooking`: that it goes after all, is cancelled again, that there is another
offer. Nobody but the order itself can say on which of the two somebody is booked in the end, and its next version with an
itinerary writes the link anew: what it lists is followed, and a move of before is forgotten.

There is one way to do it, `settle`: it looks what the cancelled journey's memory offers this order now and what the order has
answered, and makes the link and the subscription so. Done twice, by two processes, late or for an event long overtaken it comes
to the same. A crash in between is done again by the fan-out (its cursor moves only afterwards) or the inbox that had it in hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.errors import NotFound, Sealed
from gateway.model.contact import Contact, Move, OrderLink, Profile, Subscription
from gateway.model.event import EventType
from gateway.model.ids import ContactId, SubjectId, partition_of
from gateway.planning.left import leave_unnamed
from gateway.planning.schedule import Schedule
from gateway.rules import rebooking
from gateway.rules.states import instant_ms, named
from gateway.store.contacts import Contacts
from gateway.store.rebookings import ACCEPT, Answer
from gateway.store.subjects import Subjects

DAY_MS = 24 * 3600_000
PAGE = 100
REBOOKED = "rebooked"


class Mover:
    def __init__(self, contacts: Contacts, subjects: Subjects, schedule: Schedule) -> None:
        self._contacts = contacts
        self._subjects = subjects
        self._schedule = schedule

    async def settle(self, contact: ContactId, order: SubjectId, journey: SubjectId, type_: EventType) -> SubjectId | None:
        """Let this person follow what their order has instead of a cancelled journey; what they follow by that, or None.

        Whoever follows something by this is to be told what holds of it: the caller does, as often as it comes here.
        """
        memory = (await self._subjects.read(journey, type_.value)).memory
        answer = await self._subjects.rebookings.said(order, journey)
        entry = rebooking.offered(memory, order)
        wanted = _wanted(entry, answer, rebooking.id_of(memory.get("told", {}).get("offers", {}), order))
        try:
            if wanted is not None:
                assert entry is not None
                # What an offer does not name is as it was: it leads from and to the same places.
                entry = {end: memory[end] for end in ("from", "to") if memory.get(end)} | dict(entry)
                follows = await self._follow(contact, order, Move(journey, wanted, entry["offer"]), entry, type_)
                return wanted if follows else None
            if answer is not None and answer.choice != ACCEPT:
                await self._take_back(contact, order, journey)
        except (NotFound, Sealed):  # being erased
            pass
        return None

    async def settle_order(self, order: SubjectId, journey: SubjectId, type_: EventType) -> list[tuple[ContactId, SubjectId]]:
        """The same for everybody of an order, until no answer came meanwhile; who follows what by it."""
        while True:
            before = await self._subjects.rebookings.said(order, journey)
            found = []
            for partition in await self._subjects.partitions(order):
                after = ""
                while people := await self._contacts.subscribers(partition, order, after, PAGE):
                    after = people[-1]
                    for one in people:
                        follows = await self.settle(one, order, journey, type_)
                        if follows is not None:
                            found.append((one, follows))
            if await self._subjects.rebookings.said(order, journey) == before:
                return found

    async def _follow(
        self, contact: ContactId, order: SubjectId, move: Move, entry: Mapping[str, Any], type_: EventType
    ) -> bool:
        """False: it is none of theirs, or they followed the other one all along."""
        known = await self._subjects.read(move.to, type_.value)
        times = [instant_ms(entry.get(end)) for end in ("departure", "arrival")]
        until = max((at for at in times if at is not None), default=0) + 2 * DAY_MS

        def edit(link: OrderLink) -> OrderLink:
            if move.away not in link.subjects:
                return link
            changed = link if move in link.moves else _without(link, move.away)
            if move.to not in changed.subjects:
                place = changed.subjects.index(move.away) + 1
                subjects = (*changed.subjects[:place], move.to, *changed.subjects[place:])
                onward = (*changed.onward, move.to) if move.away in changed.onward else changed.onward
                changed = replace(changed, subjects=subjects, moves=(*changed.moves, move), onward=onward)
            return replace(changed, until_ms=max(changed.until_ms, until))

        current = await self._change(contact, order, edit)
        mine = [link for link in current.profile.orders if move.to in link.subjects]
        moved = any(link.order == order and move in link.moves for link in mine)
        if moved:
            base = _baseline(entry, type_) if not known.based and not known.revision else {}
            sealed = self._subjects.seal_base(move.to, base) if base else b""
            until = max(link.until_ms for link in mine)
            await self._contacts.open_subject(move.to, partition_of(current.id), sealed, until + 30 * DAY_MS)
            if not known.spoken:
                await self._schedule.refresh(move.to, type_)
            refs = tuple(sorted({link.order for link in mine}))
            await self._contacts.subscribe(Subscription(current.id, move.to, refs, until))
        await leave_unnamed(self._contacts, current.id, order, REBOOKED)
        await self._subjects.families.look_soon_at(current, order)
        return moved

    async def _take_back(self, contact: ContactId, order: SubjectId, journey: SubjectId) -> None:
        """Only what they had accepted: what is automatic is theirs until the order says otherwise."""

        def edit(link: OrderLink) -> OrderLink:
            accepted = any(one.away == journey and one.how == rebooking.PROPOSED for one in link.moves)
            return _without(link, journey) if accepted else link

        current = await self._change(contact, order, edit)
        await leave_unnamed(self._contacts, current.id, order, REBOOKED)
        await self._subjects.families.look_soon_at(current, order)

    async def _change(self, contact: ContactId, order: SubjectId, edit: Callable[[OrderLink], OrderLink]) -> Contact:
        def each(profile: Profile) -> Profile:
            return replace(profile, orders=tuple(edit(one) if one.order == order else one for one in profile.orders))

        return await self._contacts.change(contact, each)

def _wanted(entry: rebooking.Entry | None, answer: Answer | None, offer: str) -> SubjectId | None:
    if entry is None or not entry.get("subject"):
        return None
    accepted = answer is not None and (answer.choice, answer.offer) == (ACCEPT, offer)
    if entry["offer"] != rebooking.AUTOMATIC and not accepted:
        return None
    return SubjectId(entry["subject"])


def _without(link: OrderLink, away: SubjectId) -> OrderLink:
    """The link without the moves away from a journey, those that went on from there, and what only these brought."""
    gone: set[SubjectId] = set()
    moves, left = link.moves, {away}
    while left:
        taken = [one for one in moves if one.away in left]
        moves = tuple(one for one in moves if one.away not in left)
        left = {one.to for one in taken}
        gone |= left
    subjects, onward = (tuple(one for one in some if one not in gone) for some in (link.subjects, link.onward))
    return replace(link, moves=moves, subjects=subjects, onward=onward)


def has_moved(link: OrderLink | None, subjects: Sequence[SubjectId]) -> bool:
    """Whether this order has something else now instead of one of these."""
    return link is not None and any(one.away in subjects for one in link.moves)


def _baseline(entry: Mapping[str, Any], type_: EventType) -> dict[str, Any]:
    """What the offer says of the other one before that speaks itself."""
    kind = "trip" if type_ is EventType.TRIP_STATUS else "flight"
    base: dict[str, Any] = named({"type": kind, "entity": entry.get("entity")})
    base |= {end: dict(entry[end]) for end in ("from", "to") if entry.get(end)}
    return base | {end: {"scheduled": entry[end]} for end in ("departure", "arrival") if entry.get(end)}
