"""Some people of an event planned in one step a partition, with the cursor of its fan-out there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.crashpoint import crash_point
from gateway.intake.fanqueue import FanQueue
from gateway.intake.stillnews import NOTHING, Over
from gateway.intake.stores import Stores
from gateway.model.ids import ContactId, EventId, SenderId
from gateway.planning.connecting import ITEM
from gateway.planning.left import has_left
from gateway.planning.pacing import Pacer
from gateway.planning.result import EventResult, World
from gateway.planning.telling import Teller, broken_of
from gateway.planning.worlds import Worlds
from gateway.store.ahead import Ahead
from gateway.store.fanout import Cursor, FanOut
from gateway.store.outbox import Plan, PlannedContact
from gateway.store.ready import ready_of
from gateway.wake import Wake


@dataclass(slots=True)
class Share:
    """Some people of one partition, to be told together. start None: the whole audience there, without a fan-out opened."""

    partition: int
    people: list[ContactId]
    fan: FanOut | None = None
    start: str | None = None
    cursor: str = ""
    done: bool = False


class Shares:
    """Plans and writes them. pacer: None waits for no sender."""

    def __init__(
        self, stores: Stores, teller: Teller, worlds: Worlds, wake: Wake, queue: FanQueue, pacer: Pacer | None
    ) -> None:
        self._s = stores
        self._teller = teller
        self._worlds = worlds
        self._wake = wake
        self._queue = queue
        self.pacer = pacer

    async def put(self, result: EventResult, shares: Sequence[Share], over: Over = NOTHING) -> list[FanOut]:
        """Plan some people of several partitions and move their cursors. Those that must wait for an older event of the subject.

        A partition is one step: what changed between the look and the script is looked at again, for it alone.
        """
        world = await self._worlds.now()
        waiting, behind = list(shares), []
        for _ in range(5):
            ahead = Ahead(self._s.outbox.told([contact for share in waiting for contact in share.people]))
            plans = await self._plans(waiting, result, world, ahead, over)
            again = []
            answers = await self._s.outbox.put_many(plans, ahead=ahead)
            crash_point("fan.planned")
            if ready := ready_of(zip(plans, answers, strict=True)):
                self._wake.now("dispatch", ready)
            for share, plan, answer in zip(waiting, plans, answers, strict=True):
                if answer.behind:
                    behind += [share.fan] if share.fan is not None else []
                elif answer.written:
                    self._written(share, plan, answer.messages, moved=answer.moved)
                else:
                    for one, state in zip(plan.contacts, answer.contacts, strict=True):
                        if state.startswith("moved:"):
                            # Before the cursor passes them: a crash in between would leave nobody to go after them.
                            await self._teller.tell(ContactId(state[6:]), result)
                        if state not in ("ok", "replan"):
                            share.people.remove(one.id)
                    again.append(share)
            waiting = again
            if not waiting:
                return behind
        raise RuntimeError("a contact is being changed by too many at once")

    async def _plans(
        self, shares: Sequence[Share], result: EventResult, world: World, ahead: Ahead, over: Over
    ) -> list[Plan]:
        everybody = [contact for share in shares for contact in share.people]
        # What is told of connections is as it is now, whichever event tells it: an older one leaves it to the newer.
        of_now = [name for name in over if (known := world.catalogue.get(name)) is not None and known.item == ITEM]
        if of_now:
            result = replace(result, notifications=tuple(name for name in result.notifications if name not in of_now))
        planned: dict[ContactId, PlannedContact] = {}
        for contact in await self._s.contacts.get_many(everybody, ahead=ahead):
            if contact is None or await has_left(self._s.contacts, contact, result.audience):
                continue
            one = await self._teller.planned(contact, result, world)
            if one is not None:
                planned[one.id] = one
        if names := broken_of(list(planned.values())):  # before a cursor passes them
            await self._s.untold.broken(EventId(result.event), result.subject, result.sequence, result.dump(), names)
        return [
            Plan(
                partition=share.partition,
                event=result.event,
                version=result.sequence,
                subject=result.subject,
                contacts=tuple(planned[contact] for contact in share.people if contact in planned),
                fan=share.fan.member if share.fan is not None else "",
                cursor=share.cursor,
                done=share.done,
                start=share.start,
                over=over,
            )
            for share in shares
        ]

    def _written(self, share: Share, plan: Plan, answers: Iterable[str], *, moved: bool) -> None:
        known = self._queue.get(EventId(plan.event))
        messages = [message for contact in plan.contacts for message in contact.messages]
        queued = Counter(
            SenderId(str(message.sender))
            for message, answer in zip(messages, answers, strict=True)
            if answer == "queued" and message.sender
        )
        if self.pacer is not None:
            self.pacer.planned(list(queued.items()))
        if known is None or share.fan is None:
            return
        known.senders |= {SenderId(str(message.sender)) for message in messages if message.sender}
        if not moved:
            known.cursors.pop(share.partition, None)  # another process moved it: read it anew
        elif share.done:
            self._queue.drop(share.fan.event, share.partition)
        else:
            known.cursors[share.partition] = Cursor(share.cursor, 0)
