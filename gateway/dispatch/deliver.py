"""One message, once: decide again, render, send, classify. What comes out is Delivered; the worker settles it.

Consent, window, brakes and what was told since are read at most a second before the POST. No POST begins with under three seconds
of lease left. An expected refusal is a value; whatever breaks after bytes may have left is uncertain, never a retry.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from gateway.clock import Clock
from gateway.connector import Connector, Outcome, RenderedRequest, Sender, SendResult
from gateway.connector import Scope as Reach
from gateway.directory import Directory
from gateway.dispatch.brakes import Brakes
from gateway.dispatch.content import content_of, said, unsaid
from gateway.dispatch.documents import DocumentDesk, DocumentProblem, UploadProblem
from gateway.dispatch.evidence import EvidenceClock
from gateway.dispatch.prepare import Prepared, Preparer
from gateway.dispatch.settled import already_known
from gateway.dispatch.speaking import Speaking
from gateway.dispatch.task import Task, question_of
from gateway.errors import CannotRender, GatewayError, Sealed, StoreError
from gateway.metrics import Metrics
from gateway.model.capability import Capability, Finding
from gateway.model.contact import Address
from gateway.model.conversation import Mention
from gateway.model.ids import MessageId
from gateway.model.message import Document, MessageState, OnUncertain, OutboundMessage
from gateway.model.personal import Personal
from gateway.rules import retry
from gateway.rules.may_send import decide
from gateway.rules.verdict import AsTemplate, FreeText, Later, Reason, Suppressed
from gateway.rules.ways import ANOTHER_WAY, told_elsewhere
from gateway.store.contacts import Contacts, FactChange
from gateway.store.mentions import Mentioned
from gateway.store.outbox import Claimed, Outbox, Settlement
from gateway.store.senders import Senders
from gateway.store.spending import Spend
from gateway.store.vault import Vault

LEAST_LEASE_MS = 3000
RESENDS = 2
HOLD_DELIVERED_MS = 10_000
UNREAD_LOOK_MS = 3_000
"""A gateway that just started reads its templates first; messages wait for that rather than end for it."""
STOPPED_LOOK_MS = 5_000
TAKE_OVERS = 2
SPEAKS_UNTIL = 2
"""The attempt after which an agent's words go out under the sender's own name: it is the words that matter."""
HELD_MS = 3600_000
"""How long another program is believed to hold a thread after it refused us, if no webhook says otherwise."""
PAUSE_MS = 3600_000

log = structlog.get_logger()

Refusal = retry.RetryAt | retry.Uncertain | retry.DecideAgain | retry.PauseSender | retry.Dead | retry.FallbackOrDead

_STATES = {Reason.EXPIRED: MessageState.EXPIRED, Reason.REPLACED: MessageState.REPLACED, Reason.ENDED: MessageState.ENDED}


@dataclass(frozen=True, slots=True)
class Deps:
    outbox: Outbox
    contacts: Contacts
    senders: Senders
    vault: Vault
    preparer: Preparer
    templates_stale: Callable[[], None]
    brakes: Brakes
    documents: DocumentDesk
    speaking: Speaking
    directory: Directory
    connectors: Mapping[str, Connector]
    clock: Clock
    metrics: Metrics
    send_timeout_s: float
    evidence: EvidenceClock
    lease_ms: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """How to settle a message, and what the desk may show of it to whoever reads the answer (None: nothing went out)."""

    settlement: Settlement
    mention: Mentioned | None = None


def finished(
    claimed: Claimed,
    reason: Reason,
    detail: str = "",
    *,
    stub: bytes = b"",
    sent: bool = False,
    body: Mapping[str, Any] | None = None,
) -> Settlement:
    """It ends here. sent: an attempt was made (its pair token stays spent). body: where it is known, another way may follow."""
    state = _STATES.get(reason, MessageState.DEAD if sent else MessageState.SUPPRESSED)
    attempt = claimed.attempt if sent else 0
    legs = (body or {}).get("legs") or []
    goes_on = bool(legs) and reason in ANOTHER_WAY
    follows = legs[0]["id"] if goes_on else (body or {}).get("file")
    if follows:
        detail = f"{detail} next={follows}".strip()
    return Settlement(
        claimed, "x", attempt, reason=reason.value, state=state, detail=detail, stub=stub, another_way=goes_on
    )


class Deliverer:
    def __init__(self, deps: Deps) -> None:
        self._d = deps
        self._meters: dict[tuple[str, Outcome], tuple[Counter, Histogram]] = {}

    async def prepare(self, batch: Sequence[Claimed]) -> list[Prepared | None]:
        """What `deliver` is handed for each message of a claim. Raises StoreUnavailable."""
        return await self._d.preparer.many(batch)

    async def deliver(self, claimed: Claimed, prepared: Prepared | None = None) -> Delivered:
        """Never raises once bytes may have left. Before that StoreUnavailable, cancellation and mistakes of ours go through.

        prepared: what was read for its whole claim; where it is missing or no longer fresh it is read again
        """
        deps = self._d
        sender = deps.directory.get(claimed.sender)
        connector = deps.connectors.get(sender.channel) if sender else None
        if sender is None or connector is None:
            return Delivered(finished(claimed, Reason.NO_SENDER))
        known = prepared if prepared is not None and deps.preparer.fresh(prepared) else await deps.preparer.one(claimed)
        decided = await self._decide(claimed, known, sender, connector)
        if isinstance(decided, Settlement):
            return Delivered(decided)
        task, verdict = decided
        document: tuple[Document, Personal] | None = None
        if task.body.get("document"):
            try:
                document = await deps.documents.media(task.body["document"], task.contact.id, connector, sender)
            except DocumentProblem as error:
                return Delivered(finished(claimed, Reason.DOCUMENT_MISSING, str(error).replace("|", " ")[:120], sent=True))
            except UploadProblem as error:
                result = error.result
                if result.outcome is Outcome.UNCERTAIN:  # a file that nobody refers to harms nobody
                    result = SendResult(Outcome.RETRY, retries=5)
                return await self._settlement(task, verdict, result)
            if not deps.preparer.fresh(known):  # fetching and uploading took its time: they may have stopped us meanwhile
                decided = await self._decide(claimed, await deps.preparer.one(claimed), sender, connector)
                if isinstance(decided, Settlement):
                    return Delivered(decided)
                task, verdict = decided
        return await self._send(task, verdict, document)

    async def _decide(
        self, claimed: Claimed, known: Prepared, sender: Sender, connector: Connector
    ) -> tuple[Task, FreeText | AsTemplate] | Settlement:
        """Whether it may be sent now and as what, by what was just read; else how it ends or when to look again."""
        made = self._task(claimed, known, sender, connector)
        if isinstance(made, Settlement):
            return made
        told = await self._told_elsewhere(made.body)
        verdict = decide(question_of(made, known.world, self._d.clock.now_ms(), told_elsewhere=told))
        if isinstance(verdict, Suppressed):
            return finished(claimed, verdict.reason, body=made.body)
        if isinstance(verdict, Later):
            return Settlement(claimed, "l", claimed.attempt, at_ms=verdict.at_ms, reason=verdict.why)
        if await already_known(self._d.outbox, claimed.record, made.body, made.box):
            return finished(claimed, Reason.ALREADY_KNOWN)
        if isinstance(verdict, AsTemplate) and not known.world.knows_templates(sender.id):
            at = self._d.clock.now_ms() + UNREAD_LOOK_MS
            return Settlement(claimed, "l", claimed.attempt, at_ms=at, reason="templates_unread")
        held = self._d.brakes.purse.hold(made, verdict)
        if held is not None:
            return held
        over = await self._over_tier(claimed, made.address, sender, verdict, made.body)
        return over if over is not None else (made, verdict)

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
        except Sealed:
            return finished(claimed, Reason.ERASING)
        except ValueError:
            return finished(claimed, Reason.POISONED, "body", sent=True)
        ended = _superseded(claimed, body, known.superseded)
        if ended is not None:
            return ended
        stop = self._d.brakes.stops(record, body, contact)
        if stop is not None:
            now = self._d.clock.now_ms()
            if record.deadline_ms <= now:  # deadlines keep running: put off "until then" it would come back at once, for ever
                return finished(claimed, Reason.EXPIRED)
            return Settlement(
                claimed, "l", claimed.attempt, at_ms=min(now + STOPPED_LOOK_MS, record.deadline_ms), reason="stopped"
            )
        address = next((one for one in contact.profile.addresses if one.id == record.address), None)
        if address is None:
            return finished(claimed, Reason.NO_ADDRESS)
        return Task(claimed, contact, box, address, sender, connector, body)

    async def _over_tier(
        self, claimed: Claimed, address: Address, sender: Sender, verdict: FreeText | AsTemplate, body: Mapping[str, Any]
    ) -> Settlement | None:
        """Outside a window the channel counts distinct people in 24 h over the whole portfolio."""
        if isinstance(verdict, FreeText):
            return None
        tier = self._d.brakes.state(sender.id).tier
        if tier < 0:
            return None
        free_at, room = await self._d.senders.people(sender.scope or sender.id, tier, [address.id])
        if room[0]:
            return None
        if free_at >= claimed.record.deadline_ms:
            return finished(claimed, Reason.TIER, body=body)
        return Settlement(claimed, "l", claimed.attempt, at_ms=free_at, reason="tier")

    async def _send(
        self, task: Task, verdict: FreeText | AsTemplate, document: tuple[Document, Personal] | None
    ) -> Delivered:
        deps = self._d
        claimed, body, connector, sender = task.claimed, task.body, task.connector, task.sender
        try:
            message = OutboundMessage(
                id=claimed.id,
                attempt=claimed.attempt,
                sender=sender.id,
                # A user id is good only within its own portfolio: to another one it is nobody, or somebody else.
                recipient=tuple(
                    (known.kind, known.value) for known in task.address.identifiers if known.scope in ("", sender.scope)
                ),
                content=content_of(body, verdict, connector.facts, document),
                reply_to=Personal(body["reply_to"]) if body.get("reply_to") else None,
                answering=body["kind"] == "reply",
                by_person=isinstance(verdict, FreeText) and verdict.by_person,
                speaker=await deps.speaking.speaker(body, connector, sender) if claimed.attempt <= SPEAKS_UNTIL else None,
            )
            request = connector.render(message, sender)
        except (CannotRender, KeyError) as error:
            detail = str(error) if isinstance(error, CannotRender) else "form"
            detail = detail.replace("|", " ")[:120]
            return Delivered(finished(claimed, Reason.CANNOT_RENDER, detail, sent=True, body=body))
        now = deps.clock.now_ms()
        late = now - claimed.leased_at_ms > deps.lease_ms - LEAST_LEASE_MS
        if late and not (await deps.outbox.renew([claimed], lease_ms=deps.lease_ms))[0]:
            return Delivered(Settlement(claimed, "h", claimed.attempt, at_ms=now, reason="lease_lost"))
        try:
            result = await self._post(task, request)
            self._count(sender.channel, result.outcome, (deps.clock.now_ms() - now) / 1000)
            if result.media_problem and body.get("document"):
                await self._aside(deps.documents.forget(body["document"], task.contact.id, sender))
            if result.speaker_problem and message.speaker is not None:
                await self._aside(deps.speaking.forget(body, sender))
                at = deps.clock.now_ms()
                return Delivered(Settlement(claimed, "r", claimed.attempt, at_ms=at, reason="speaker_gone"))
            if result.held_elsewhere:
                return Delivered(await self._held_elsewhere(task, message.recipient))
            return await self._settlement(task, verdict, result, posted_ms=now)
        except Exception as error:  # a mistake of ours, and bytes have left: to try again would be to send again
            log.exception("deliver.failed_after_send", message_id=claimed.id, error=type(error).__name__)
            why = f"error={type(error).__name__}"
            return Delivered(
                Settlement(claimed, "u", claimed.attempt, at_ms=deps.evidence.wait_ms, reason="internal", detail=why)
            )

    async def _post(self, task: Task, request: RenderedRequest) -> SendResult:
        try:
            async with asyncio.timeout(self._d.send_timeout_s):
                answer = await task.connector.send(request)
        except (OSError, TimeoutError, GatewayError) as error:
            return task.connector.classify(error)
        return task.connector.classify(answer)

    async def _held_elsewhere(self, task: Task, recipient: Sequence[tuple[str, Personal]]) -> Settlement:
        """Another program holds the thread: nothing was sent. A person's answer takes it over; news goes another way."""
        deps, claimed, now = self._d, task.claimed, self._d.clock.now_ms()
        if task.body["kind"] == "reply" and claimed.attempt <= TAKE_OVERS:
            request = task.connector.render_take_over(task.sender, recipient)
            if request is not None and (await self._post(task, request)).outcome is Outcome.ACCEPTED:
                return Settlement(claimed, "r", claimed.attempt, at_ms=now, reason="taken_over")
        holder = deps.contacts.set_holder(
            task.contact.id, task.sender.id, task.address.id, program="", until_ms=now + HELD_MS, at_ms=now
        )
        await self._aside(holder)
        # News without another way waits for the thread, as where it was known to be held; for a reply its agent is told.
        waits = task.body["kind"] == "notification" and not task.body.get("legs")
        return finished(claimed, Reason.HELD_ELSEWHERE, sent=not waits, body=task.body)

    async def _aside(self, work: Awaitable[object]) -> None:
        """What is worth knowing besides a message's outcome, which a store that is gone must not change."""
        try:
            await work
        except (StoreError, OSError, TimeoutError) as error:
            log.warning("deliver.not_noted", error=type(error).__name__)

    def _count(self, channel: str, outcome: Outcome, seconds: float) -> None:
        """Labels are looked up once: the look-up costs three times the counting."""
        meters = self._meters.get((channel, outcome))
        if meters is None:
            metrics = self._d.metrics
            meters = metrics.sends.labels(channel, outcome.value), metrics.send_seconds.labels(channel)
            self._meters[channel, outcome] = meters
        meters[0].inc()
        meters[1].observe(seconds)

    async def _settlement(
        self, task: Task, verdict: FreeText | AsTemplate, result: SendResult, *, posted_ms: int = 0
    ) -> Delivered:
        """The outcome, what follows from it for sender, contact and templates, and how to settle."""
        deps = self._d
        claimed, body = task.claimed, task.body
        now = deps.clock.now_ms()
        record = claimed.record
        step = retry.next_step(
            result,
            attempt=claimed.attempt,
            first_attempt_ms=record.planned_at_ms,
            now_ms=now,
            deadline_ms=record.deadline_ms,
            jitter=random.random(),
            on_uncertain=OnUncertain(body.get("on_uncertain", "ask")),
            kind=body["kind"],
            evidence_ms=deps.evidence.wait_ms,
        )
        if isinstance(step, retry.Accepted):
            return self._accepted(task, verdict, result, now, posted_ms)
        return Delivered(await self._refused(task, verdict, result, step, now))

    async def _refused(
        self, task: Task, verdict: FreeText | AsTemplate, result: SendResult, step: Refusal, now: int
    ) -> Settlement:
        deps = self._d
        claimed, sender = task.claimed, task.sender
        detail = f"code={result.code}" if result.code else ""
        if result.outcome in (Outcome.REJECTED, Outcome.RETRY) and result.detail:
            detail += " what=" + unsaid(result.detail, task.body).replace("|", " ").replace("\n", " ")[:100]
        match step:
            case retry.RetryAt():
                if step.scope in (Reach.SENDER, Reach.ACCOUNT, Reach.APP):
                    await self._aside(deps.senders.slow_down(sender.id, max(step.at_ms - now, 1000)))
                outcome = "r" if step.costs_attempt else "h"
                return Settlement(
                    claimed, outcome, claimed.attempt, at_ms=step.at_ms, reason=result.outcome.value, detail=detail,
                    pair=step.scope is Reach.PAIR,
                )  # fmt: skip
            case retry.Uncertain():
                wait = max(step.until_ms - now, 0)
                return Settlement(claimed, "u", claimed.attempt, at_ms=wait, reason="no_answer", detail=detail)
            case retry.DecideAgain():
                if step.template_problem and isinstance(verdict, AsTemplate):
                    await self._aside(self._template_problem(sender, verdict, now))
                if result.lacks:
                    await self._aside(self._lacks(sender, result, now))
                if result.window_closed:
                    opened = task.contact.facts.window_opened_at(sender.id, task.address.id) or 0
                    change = FactChange(f"w:{sender.id}:{task.address.id}", "", opened, "upto")  # unless they wrote since
                    await self._aside(deps.contacts.change_facts(task.contact.id, [change]))
                return Settlement(claimed, "r", claimed.attempt, at_ms=now, reason="decide_again", detail=detail)
            case retry.PauseSender():
                until = step.until_ms if step.until_ms is not None else now + PAUSE_MS
                await self._aside(deps.senders.set_state(sender.id, {"paused": until, "why": f"code {result.code}"}))
                deps.brakes.stale()
                hold = min(until, now + 30_000)
                return Settlement(claimed, "h", claimed.attempt, at_ms=hold, reason="sender_paused", detail=detail)
            case retry.Dead() | retry.FallbackOrDead():
                if step.reason is Reason.UNREACHABLE:
                    change = FactChange(f"un:{task.address.id}", "", now, "later")
                    await self._aside(deps.contacts.change_facts(task.contact.id, [change]))
                if result.lacks:
                    await self._aside(self._lacks(sender, result, now))
                return finished(claimed, step.reason, detail, sent=True, body=task.body)

    async def _lacks(self, sender: Sender, result: SendResult, now_ms: int) -> None:
        """The channel showed what this sender is not able to do: believed from now on, in every process."""
        why = f"the channel refused a send with code {result.code}"
        await self._d.senders.note_finding(sender.id, Capability(result.lacks), Finding(False, now_ms, why))
        self._d.templates_stale()

    async def _template_problem(self, sender: Sender, verdict: AsTemplate, now_ms: int) -> None:
        """The channel knows this template otherwise than we do: not used again until its state was read anew."""
        await self._d.senders.set_template(sender.id, verdict.name, verdict.language, state="PENDING", at=now_ms)
        self._d.templates_stale()

    def _accepted(
        self, task: Task, verdict: FreeText | AsTemplate, result: SendResult, now: int, posted_ms: int
    ) -> Delivered:
        claimed, sender, body = task.claimed, task.sender, task.body
        form = verdict.name if isinstance(verdict, AsTemplate) else "free_text"
        body["as"] = verdict.name if isinstance(verdict, AsTemplate) else "free"
        channel_hash = ""
        if result.channel_id is not None:
            body["id"] = result.channel_id.reveal()
            channel_hash = self._d.vault.blind("channel_id", sender.channel, result.channel_id.reveal())
        charge = self._d.brakes.purse.charge(task, verdict)
        settlement = Settlement(
            claimed,
            "a",
            claimed.attempt,
            stub=task.box.seal_body(body, claimed.id),
            channel_hash=channel_hash,
            hold_ms=HOLD_DELIVERED_MS if body.get("order") == "delivered" else 0,
            detail=f"as={form} s={sender.id} nt={claimed.record.notification} {charge.detail}",
            spend=Spend.of(charge),
            # Before the channel can have given it a time of its own: a receipt "until then" never misses it.
            sent_at_ms=posted_ms if task.connector.facts.receipts_by_time else 0,
        )
        if body["kind"] == "reply":
            return Delivered(settlement)
        brand = str(body.get("brand", sender.brand))
        mention = Mention(claimed.id, claimed.record.notification, brand, sender.id, Personal(said(body)), now)
        return Delivered(settlement, Mentioned(task.contact.id, task.address.id, mention))


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


__all__ = ["Delivered", "Deliverer", "Deps", "said"]
