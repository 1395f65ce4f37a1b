"""One message, once: decide again, render, send, classify. What comes out is Delivered; the worker settles it.

Consent, window, brakes and what was told since are read at most a second before the POST. No POST begins with under three seconds
of lease left. An expected refusal is a value; whatever breaks after bytes may have left is uncertain, never a retry.

Most messages of a claim need nothing but their POST, so they are decided on and rendered together (`make`), posted each by itself
(`post`) and concluded together again (`accepted`): code and data that are still in the processor's caches cost a third
(docs/performance.md). Whatever must wait for something else (a file, another way, a speaker) goes through `deliver` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from gateway.connector import Connector, Outcome, Sender, SendResult
from gateway.dispatch.afterwards import Afterwards
from gateway.dispatch.clocks import disagree, earlier, store_now
from gateway.dispatch.content import content_of
from gateway.dispatch.deps import Deps
from gateway.dispatch.documents import Brought, DocumentProblem, UploadProblem
from gateway.dispatch.ending import Delivered, finished
from gateway.dispatch.inturn import in_turn
from gateway.dispatch.outgoing import Alone, Outgoing, Posted, carry
from gateway.dispatch.prepare import Prepared
from gateway.dispatch.settled import already_known
from gateway.dispatch.task import LOST, Task, question_of
from gateway.errors import CannotRender, Sealed
from gateway.model.ids import MessageId
from gateway.model.message import OnUncertain, OutboundMessage, Priority
from gateway.model.personal import Personal
from gateway.planning.asofnow import ANEW
from gateway.planning.connecting import IN_TURN
from gateway.planning.left import is_out
from gateway.planning.settling import SETTLING
from gateway.rules import retry
from gateway.rules.may_send import decide
from gateway.rules.verdict import AsTemplate, FreeText, Later, Reason, Suppressed
from gateway.rules.ways import told_elsewhere
from gateway.store.ahead import Ahead
from gateway.store.outbox import Claimed, Settlement
from gateway.wake import Ready

LEAST_LEASE_MS = 3000
RESENDS = 2
TIER_LOOK_MS = 10_000
"""Places of a tier fall free one by one, and all who wait would be looked at for each: so often, and together, is enough."""
UNREAD_LOOK_MS = 3_000
"""A gateway that just started reads its templates first; messages wait for that rather than end for it."""
STOPPED_LOOK_MS = 5_000
STOPPED_LOOK_MAX_MS = 60_000
STOPPED_SHARE = 8
"""Of how long it has been stopped it waits before it is looked at again: tens of thousands that are looked at every five seconds
for hours would leave no room for others, and fill the store with facts."""
SPEAKS_UNTIL = 2
"""The attempt after which an agent's words go out under the sender's own name: it is the words that matter."""
WAITS_FOR = ("document", "legs", "before", "later", SETTLING, IN_TURN, ANEW)
"""Fields of a body for which something must be read or fetched before it can be decided on."""

log = structlog.get_logger()

Decided = tuple[Task, FreeText | AsTemplate]


class Deliverer:
    def __init__(self, deps: Deps) -> None:
        self._d = deps
        self._afterwards = Afterwards(deps)

    def ahead(self, ready: Sequence[Ready]) -> Ahead:
        """What claiming and preparing these messages will ask for, to be read beside the claim."""
        return self._d.preparer.ahead(ready)

    async def prepare(self, batch: Sequence[Claimed], ahead: Ahead | None = None) -> list[Prepared | None]:
        """What `make` is handed for each message of a claim. ahead: may have been read. Raises StoreUnavailable."""
        return await self._d.preparer.many(batch, ahead)

    async def make(self, batch: Sequence[Claimed], prepared: Sequence[Prepared | None]) -> list[Outgoing | Delivered | Alone]:
        """Per message of a claim: ready for its POST, ended already, or to be delivered alone.

        prepared: what `Preparer.many` read for them. Raises StoreUnavailable.
        """
        considered = [self._considered(one, known) for one, known in zip(batch, prepared, strict=True)]
        await self._count_people(considered)
        made: list[Outgoing | Delivered | Alone] = []
        for one, known in zip(considered, prepared, strict=True):
            if not isinstance(one, tuple):
                made.append(one)
                continue
            try:
                assert known is not None
                made.append(self._rendered(one, known, None, None))
            except Exception:  # delivered alone it fails in the same way, and says so: nobody else is kept waiting
                made.append(Alone(one[0].claimed, None))
        return made

    async def post(self, outgoing: Outgoing) -> Posted | Delivered | None:
        """Its POST. None: not a byte left, for it was decided on too long ago or its lease is nearly over. Never raises."""
        return await self._post(outgoing) if self._d.preparer.fresh(outgoing.known) and not self._late(outgoing) else None

    def accepted(self, posted: Posted) -> Delivered | None:
        """How to settle what was plainly accepted; None: `conclude` it. Never raises."""
        return self._afterwards.accepted(posted)

    async def conclude(self, posted: Posted) -> Delivered:
        """How to settle it, whatever the channel answered. Never raises."""
        return await self._afterwards.conclude(posted)

    async def deliver(self, claimed: Claimed, known: Prepared | None = None) -> Delivered:
        """One message alone, with whatever it must wait for. known: what was read for it; read anew where it is old.

        Never raises once bytes may have left. Before that StoreUnavailable, cancellation and mistakes of ours go through.
        """
        outgoing = await self._made_alone(claimed, known)
        if isinstance(outgoing, Delivered):
            return outgoing
        deps = self._d
        if self._late(outgoing) and not (await deps.outbox.renew([claimed], lease_ms=deps.lease_ms))[0]:
            return Delivered(Settlement(claimed, "h", claimed.attempt, wait_ms=0, reason="lease_lost"))
        posted = await self._post(outgoing)
        return posted if isinstance(posted, Delivered) else await self.conclude(posted)

    def _late(self, outgoing: Outgoing) -> bool:
        leased_at_ms = outgoing.task.claimed.leased_at_ms
        return self._d.clock.now_ms() - leased_at_ms > self._d.lease_ms - LEAST_LEASE_MS

    async def _post(self, outgoing: Outgoing) -> Posted | Delivered:
        deps, begun_ms = self._d, self._d.clock.now_ms()
        try:
            answer = await carry(outgoing.task.connector, outgoing.request, deps.send_timeout_s)
        except Exception as error:
            return self._afterwards.broken(outgoing.task.claimed, error)
        return Posted(outgoing, answer, begun_ms, deps.clock.now_ms())

    # deciding, for many at once

    def _considered(self, claimed: Claimed, known: Prepared | None) -> Decided | Delivered | Alone:
        sender, connector = self._ways_out(claimed)
        if known is None or sender is None or connector is None:
            return Alone(claimed, None)
        try:
            task = self._task(claimed, known, sender, connector)
            if isinstance(task, Settlement):
                return Delivered(task)
            body = task.body
            if self._d.brakes.spares(body):  # whether they are spared is asked of their orders, which were not read
                return Alone(claimed, None)
            if body["kind"] == "reply" or any(body.get(field) for field in WAITS_FOR):
                return Alone(claimed, known)
            verdict = self._verdict(task, known, told=False)
            if not isinstance(verdict, Settlement):
                verdict = self._held(task, verdict, known) or verdict
        except Exception:  # one must not spoil a claim: delivered alone it fails in the same way, and says so
            return Alone(claimed, None)
        return Delivered(verdict) if isinstance(verdict, Settlement) else (task, verdict)

    async def _count_people(self, considered: list[Decided | Delivered | Alone]) -> None:
        """Outside a window the channel counts distinct people in 24 h over the whole portfolio: who is over it goes later."""
        counted: dict[tuple[str, int], list[int]] = {}
        for place, one in enumerate(considered):
            if isinstance(one, tuple) and (tier := self._tier(*one)) >= 0:
                counted.setdefault((one[0].sender.scope or one[0].sender.id, tier), []).append(place)
        for (portfolio, tier), places in counted.items():
            places.sort(key=lambda place: _urgency(considered[place]))
            tasks = [one[0] for place in places if isinstance(one := considered[place], tuple)]
            free_at, room = await self._d.senders.people(portfolio, tier, [task.address.id for task in tasks])
            for place, task, there_is_room in zip(places, tasks, room, strict=True):
                if not there_is_room:
                    considered[place] = Delivered(_over_tier(task, free_at, store_now(task.claimed, self._d.clock.now_ms())))

    def _rendered(
        self, decided: Decided, known: Prepared, brought: Brought | None, speaker: Personal | None
    ) -> Outgoing | Delivered:
        task, verdict = decided
        claimed, body, sender = task.claimed, task.body, task.sender
        try:
            message = OutboundMessage(
                id=claimed.id,
                attempt=claimed.attempt,
                sender=sender.id,
                # A user id is good only within its own portfolio: to another one it is nobody, or somebody else.
                recipient=tuple(
                    (known.kind, known.value) for known in task.address.identifiers if known.scope in ("", sender.scope)
                ),
                content=content_of(body, verdict, task.connector.facts, (brought.document, brought.media) if brought else None),
                reply_to=Personal(body["reply_to"]) if body.get("reply_to") else None,
                answering=body["kind"] == "reply",
                by_person=isinstance(verdict, FreeText) and verdict.by_person,
                speaker=speaker,
            )
            request = task.connector.render(message, sender)
            return Outgoing(task, verdict, message, request, known, brought is not None and brought.before)
        except (CannotRender, KeyError) as error:
            detail = (str(error) if isinstance(error, CannotRender) else "form").replace("|", " ")[:120]
            return Delivered(finished(claimed, Reason.CANNOT_RENDER, detail, sent=True, body=body))

    # deciding, for one alone

    async def _made_alone(self, claimed: Claimed, known: Prepared | None) -> Outgoing | Delivered:
        deps = self._d
        sender, connector = self._ways_out(claimed)
        if sender is None or connector is None:
            return Delivered(finished(claimed, Reason.NO_SENDER))
        if known is None or not deps.preparer.fresh(known):
            known = await deps.preparer.one(claimed)
        decided = await self._decide(claimed, known, sender, connector)
        if isinstance(decided, Settlement):
            return Delivered(decided)
        try:
            task, verdict = await deps.preparer.as_of_now(decided[0], known.world), decided[1]
        except CannotRender as error:
            return Delivered(finished(claimed, Reason.CANNOT_RENDER, str(error).replace("|", " ")[:120], body=decided[0].body))
        brought: Brought | None = None
        if task.body.get("document"):
            language = str(task.body.get("language") or "")
            try:
                brought = await deps.documents.media(task.body["document"], task.contact.id, connector, sender, language)
            except DocumentProblem as error:
                why = str(error).replace("|", " ")[:120]
                if task.body["document"].get("otherwise") != "words" or not isinstance(verdict, FreeText):
                    return Delivered(finished(claimed, Reason.DOCUMENT_MISSING, why, sent=True))
                log.warning("deliver.without_document", message_id=claimed.id, why=why)
            except UploadProblem as error:
                result = error.result
                if result.outcome is Outcome.UNCERTAIN:  # a file that nobody refers to harms nobody
                    result = SendResult(Outcome.RETRY, retries=5)
                return await self._afterwards.settlement(task, verdict, result)
        if brought is not None and brought.lost:
            task = replace(task, body={**task.body, LOST: brought.lost})
        speaker = await deps.speaking.speaker(task.body, connector, sender) if claimed.attempt <= SPEAKS_UNTIL else None
        if not deps.preparer.fresh(known):  # file and speaker took their time: they may have stopped us meanwhile
            known = await deps.preparer.one(claimed)
            decided = await self._decide(claimed, known, sender, connector)
            if isinstance(decided, Settlement):
                return Delivered(decided)
        return self._rendered((replace(decided[0], body=task.body), decided[1]), known, brought, speaker)

    async def _decide(self, claimed: Claimed, known: Prepared, sender: Sender, connector: Connector) -> Decided | Settlement:
        """Whether it may be sent now and as what, by what was just read; else how it ends or when to look again."""
        made = self._task(claimed, known, sender, connector)
        if isinstance(made, Settlement):
            return made
        verdict = self._verdict(made, known, told=await self._told_elsewhere(made.body))
        if isinstance(verdict, Settlement):
            return verdict
        if await already_known(self._d.outbox, claimed.record, made.body, made.box):
            return finished(claimed, Reason.ALREADY_KNOWN)
        turn = await in_turn(self._d.outbox, made.body)
        if turn is not None:
            return finished(claimed, turn, sent=claimed.attempt > 1)
        held = self._held(made, verdict, known)
        if held is not None:
            return held
        considered: list[Decided | Delivered | Alone] = [(made, verdict)]
        await self._count_people(considered)
        over = considered[0]
        return over.settlement if isinstance(over, Delivered) else (made, verdict)

    # what both ways ask

    def _ways_out(self, claimed: Claimed) -> tuple[Sender | None, Connector | None]:
        sender = self._d.directory.get(claimed.sender)
        return sender, self._d.connectors.get(sender.channel) if sender else None

    def _verdict(self, task: Task, known: Prepared, *, told: bool) -> FreeText | AsTemplate | Settlement:
        claimed = task.claimed
        now = self._d.clock.now_ms()
        verdict = decide(question_of(task, known.world, now, told_elsewhere=told))
        differ = disagree(claimed, verdict, now)
        if differ is not None:
            return differ
        if isinstance(verdict, Suppressed):
            return finished(claimed, verdict.reason, body=task.body)
        if isinstance(verdict, Later):
            return Settlement(claimed, "l", claimed.attempt, at_ms=verdict.at_ms, reason=verdict.why)
        return verdict

    def _held(self, task: Task, verdict: FreeText | AsTemplate, known: Prepared) -> Settlement | None:
        """Put off while its templates were never read, or while there is no money for it."""
        if isinstance(verdict, AsTemplate) and not known.world.knows_templates(task.sender.id):
            return Settlement(task.claimed, "l", task.claimed.attempt, wait_ms=UNREAD_LOOK_MS, reason="templates_unread")
        return self._d.brakes.purse.hold(task, verdict)

    def _tier(self, task: Task, verdict: FreeText | AsTemplate) -> int:
        """How many people in 24 h its sender may write to as this; -1 = it does not count, or nobody told."""
        return self._d.brakes.state(task.sender.id).tier if isinstance(verdict, AsTemplate) else -1

    async def _told_elsewhere(self, body: Mapping[str, Any]) -> bool:
        """Whether the same news went another way meanwhile. Most messages have one way only, and ask nothing."""
        before = [MessageId(one) for one in body.get("before") or []]
        later = [MessageId(one["id"]) for one in body.get("legs") or []] + [MessageId(one) for one in body.get("later") or []]
        if not before and not later:
            return False
        found = {record.id: record for record in await self._d.outbox.headers([*before, *later])}
        return told_elsewhere(
            [(found[one].state, found[one].status) for one in before if one in found],
            [found[one].state for one in later if one in found],
        )

    def _task(self, claimed: Claimed, known: Prepared, sender: Sender, connector: Connector) -> Task | Settlement:
        """The message opened, or why it ends before anybody asks whether it may be sent."""
        contact, box, record = known.contact, known.box, claimed.record
        if contact is None or box is None:
            return finished(claimed, Reason.ERASING)
        try:
            body: dict[str, Any] = box.open_json(claimed.body, record.id)
        except (Sealed, ValueError):  # their key is there, so they are not erased: it is damaged
            return finished(claimed, Reason.POISONED, "body", sent=True)
        ended = _superseded(claimed, body, known.superseded or (Reason.LEFT.value if is_out(contact, body) else None))
        if ended is not None:
            return ended
        stop = self._d.brakes.stops(record, body, contact)
        if stop is not None:
            now = earlier(claimed, self._d.clock.now_ms())
            if record.deadline_ms <= now:  # deadlines keep running: put off "until then" it would come back at once, for ever
                return finished(claimed, Reason.EXPIRED)
            wait = min(max((now - stop.at_ms) // STOPPED_SHARE, STOPPED_LOOK_MS), STOPPED_LOOK_MAX_MS)
            return Settlement(claimed, "l", claimed.attempt, wait_ms=min(wait, record.deadline_ms - now), reason="stopped")
        address = next((one for one in contact.profile.addresses if one.id == record.address), None)
        if address is None:
            return finished(claimed, Reason.NO_ADDRESS)
        return Task(claimed, contact, box, address, sender, connector, body)


def _urgency(considered: Decided | Delivered | Alone) -> tuple[int, int]:
    """Who goes first where there is not room for all: the higher priority, then the earlier deadline."""
    if not isinstance(considered, tuple):
        return len(Priority), 0
    record = considered[0].claimed.record
    return record.priority, record.deadline_ms


def _over_tier(task: Task, free_at_ms: int, now_ms: int) -> Settlement:
    """free_at_ms, now_ms: by the store's clock"""
    claimed, deadline_ms = task.claimed, task.claimed.record.deadline_ms
    if not free_at_ms or free_at_ms >= deadline_ms:  # 0: a tier of nobody, where no place falls free
        return finished(claimed, Reason.TIER, body=task.body)
    at_ms = max(free_at_ms, min(now_ms + TIER_LOOK_MS, deadline_ms - TIER_LOOK_MS))
    return Settlement(claimed, "l", claimed.attempt, at_ms=at_ms, reason="tier")


def _superseded(claimed: Claimed, body: Mapping[str, Any], superseded: str | None) -> Settlement | None:
    """Ends what something newer made pointless, and an uncertain send that is not to be repeated."""
    if claimed.resend:
        on_uncertain = OnUncertain(body.get("on_uncertain", "ask" if body["kind"] == "reply" else "resend"))
        choice = retry.after_silence(on_uncertain, RESENDS + 1 - (claimed.attempt - 1), superseded is not None)
        if choice is OnUncertain.ASK:
            return finished(claimed, Reason.UNCERTAIN_ASK, sent=True)
        if choice is OnUncertain.DROP:
            reason = Reason(superseded) if superseded else Reason.UNCERTAIN_DROPPED
            return finished(claimed, reason, "uncertain", sent=True, body=body if on_uncertain is OnUncertain.RESEND else None)
    return finished(claimed, Reason(superseded)) if superseded else None


__all__ = ["Delivered", "Deliverer", "Deps", "finished"]
