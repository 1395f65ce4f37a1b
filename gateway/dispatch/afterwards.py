"""What follows from an answer of the channel: for the message, its sender, its contact, its template.

What is plainly accepted needs nothing besides its settling, so many of them are concluded in a go (`accepted`); whatever else
the channel said is concluded alone (`conclude`).
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Sequence

import structlog
from prometheus_client import Counter, Histogram

from gateway.connector import Outcome, RenderedRequest, Sender, SendResult
from gateway.connector import Scope as Reach
from gateway.dispatch.clocks import earlier
from gateway.dispatch.content import said, unsaid
from gateway.dispatch.deps import Deps
from gateway.dispatch.ending import Delivered, finished
from gateway.dispatch.outgoing import Posted, carry
from gateway.dispatch.task import LOST, Task
from gateway.dispatch.throttles import Throttles
from gateway.errors import StoreError
from gateway.model.capability import Capability, Finding
from gateway.model.conversation import Mention
from gateway.model.message import OnUncertain
from gateway.model.personal import Personal
from gateway.planning.asofnow import RENEWED
from gateway.rules import retry
from gateway.rules.verdict import AsTemplate, FreeText, Reason
from gateway.store.contacts import FactChange
from gateway.store.mentions import Mentioned
from gateway.store.outbox import Claimed, Settlement, seal_sent

HOLD_DELIVERED_MS = 10_000
TAKE_OVERS = 2
HELD_MS = 3600_000
"""How long another program is believed to hold a thread after it refused us, if no webhook says otherwise."""
PAUSE_MS = 3600_000
PAUSED_LOOK_MS = 30_000

log = structlog.get_logger()

Refusal = retry.RetryAt | retry.Uncertain | retry.DecideAgain | retry.PauseSender | retry.Dead | retry.FallbackOrDead


class Afterwards:
    def __init__(self, deps: Deps) -> None:
        self._d = deps
        self._meters: dict[tuple[str, Outcome], tuple[Counter, Histogram]] = {}
        self._throttles = Throttles()

    def accepted(self, posted: Posted) -> Delivered | None:
        """How to settle what was plainly accepted; None: it was not, or something else must be done besides. Never raises."""
        outgoing = posted.outgoing
        try:
            result = outgoing.task.connector.classify(posted.answer)
            if result.outcome is not Outcome.ACCEPTED or result.media_problem or result.speaker_problem or result.held_elsewhere:
                return None
            self._count(outgoing.task.sender.channel, result.outcome, (posted.answered_ms - posted.posted_ms) / 1000)
            return self._accepted(outgoing.task, outgoing.verdict, result, posted.answered_ms, posted.posted_ms)
        except Exception as error:
            return self.broken(outgoing.task.claimed, error)

    async def conclude(self, posted: Posted) -> Delivered:
        """How to settle it, whatever the channel answered. Never raises."""
        outgoing, deps = posted.outgoing, self._d
        task, body, claimed = outgoing.task, outgoing.task.body, outgoing.task.claimed
        try:
            result = task.connector.classify(posted.answer)
            self._count(task.sender.channel, result.outcome, (posted.answered_ms - posted.posted_ms) / 1000)
            if result.media_problem and body.get("document"):
                await self._aside(deps.documents.forget(body["document"], task.contact.id, task.sender))
            elif outgoing.media_before and result.outcome is Outcome.REJECTED:
                # Of a file that is gone some channels say only that a parameter is wrong. With a new one it is tried once more.
                await self._aside(deps.documents.forget(body["document"], task.contact.id, task.sender))
                return Delivered(Settlement(claimed, "r", claimed.attempt, wait_ms=0, reason="media_gone"))
            if result.speaker_problem and outgoing.message.speaker is not None:
                await self._aside(deps.speaking.forget(body, task.sender))
                return Delivered(Settlement(claimed, "r", claimed.attempt, wait_ms=0, reason="speaker_gone"))
            if result.held_elsewhere:
                return Delivered(await self._held_elsewhere(task, outgoing.message.recipient))
            return await self.settlement(task, outgoing.verdict, result, posted_ms=posted.posted_ms)
        except Exception as error:
            return self.broken(claimed, error)

    def broken(self, claimed: Claimed, error: Exception) -> Delivered:
        """A mistake of ours after bytes may have left: to try again would be to send again."""
        log.error("deliver.failed_after_send", message_id=claimed.id, error=type(error).__name__, exc_info=error)
        why = f"error={type(error).__name__}"
        return Delivered(
            Settlement(claimed, "u", claimed.attempt, at_ms=self._d.evidence.wait_ms, reason="internal", detail=why)
        )

    async def _held_elsewhere(self, task: Task, recipient: Sequence[tuple[str, Personal]]) -> Settlement:
        """Another program holds the thread: nothing was sent. A person's answer takes it over; news goes another way."""
        deps, claimed, now = self._d, task.claimed, self._d.clock.now_ms()
        if task.body["kind"] == "reply" and not task.body.get("automatic") and claimed.attempt <= TAKE_OVERS:
            request = task.connector.render_take_over(task.sender, recipient)
            if request is not None and await self._took_over(task, request):
                return Settlement(claimed, "r", claimed.attempt, wait_ms=0, reason="taken_over")
        holder = deps.contacts.set_holder(
            task.contact.id, task.sender.id, task.address.id, program="", until_ms=now + HELD_MS, at_ms=now
        )
        await self._aside(holder)
        # News without another way waits for the thread, as where it was known to be held; for a reply its agent is told.
        waits = task.body["kind"] == "notification" and not task.body.get("legs")
        return finished(claimed, Reason.HELD_ELSEWHERE, sent=not waits, body=task.body)

    async def _took_over(self, task: Task, request: RenderedRequest) -> bool:
        answer = await carry(task.connector, request, self._d.send_timeout_s)
        return task.connector.classify(answer).outcome is Outcome.ACCEPTED

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

    async def settlement(
        self, task: Task, verdict: FreeText | AsTemplate, result: SendResult, *, posted_ms: int = 0
    ) -> Delivered:
        """The outcome, what follows from it for sender, contact and templates, and how to settle."""
        deps = self._d
        claimed, body = task.claimed, task.body
        now = deps.clock.now_ms()
        asked_ms = earlier(claimed, now)
        record = claimed.record
        step = retry.next_step(
            result,
            attempt=claimed.attempt,
            first_attempt_ms=record.planned_at_ms,
            now_ms=asked_ms,
            deadline_ms=record.deadline_ms,
            jitter=random.random(),
            on_uncertain=OnUncertain(body.get("on_uncertain", "ask")),
            kind=body["kind"],
            throttles=self._throttles.before(claimed.id),
            evidence_ms=deps.evidence.wait_ms,
        )
        self._throttles.note(claimed.id, throttled=result.outcome is Outcome.THROTTLED)
        if isinstance(step, retry.Accepted):
            return self._accepted(task, verdict, result, now, posted_ms)
        return Delivered(await self._refused(task, verdict, result, step, now, asked_ms))

    async def _refused(
        self, task: Task, verdict: FreeText | AsTemplate, result: SendResult, step: Refusal, now: int, asked_ms: int
    ) -> Settlement:
        """asked_ms: the time that `step` counts from"""
        deps = self._d
        claimed, sender = task.claimed, task.sender
        detail = f"code={result.code}" if result.code else ""
        if result.outcome in (Outcome.REJECTED, Outcome.RETRY) and result.detail:
            detail += " what=" + unsaid(result.detail, task.body).replace("|", " ").replace("\n", " ")[:100]
        match step:
            case retry.RetryAt():
                if step.scope in (Reach.SENDER, Reach.ACCOUNT, Reach.APP):
                    await self._aside(deps.senders.slow_down(sender.id, max(step.at_ms - asked_ms, 1000)))
                outcome = "r" if step.costs_attempt else "h"
                return Settlement(
                    claimed, outcome, claimed.attempt, wait_ms=step.at_ms - asked_ms, reason=result.outcome.value, detail=detail,
                    pair=step.scope is Reach.PAIR,
                )  # fmt: skip
            case retry.Uncertain():
                wait = max(step.until_ms - asked_ms, 0)
                return Settlement(claimed, "u", claimed.attempt, at_ms=wait, reason="no_answer", detail=detail)
            case retry.DecideAgain():
                if step.template_problem and isinstance(verdict, AsTemplate):
                    await self._aside(self._template_problem(sender, verdict))
                if result.lacks:
                    await self._aside(self._lacks(sender, result, now))
                if result.window_closed:
                    opened = task.contact.facts.window_opened_at(sender.id, task.address.id) or 0
                    change = FactChange(f"w:{sender.id}:{task.address.id}", "", opened, "upto")  # unless they wrote since
                    await self._aside(deps.contacts.change_facts(task.contact.id, [change]))
                return Settlement(claimed, "r", claimed.attempt, wait_ms=0, reason="decide_again", detail=detail)
            case retry.PauseSender():
                pause = step.until_ms - asked_ms if step.until_ms is not None else PAUSE_MS
                await self._aside(deps.senders.set_state(sender.id, {"paused": now + pause, "why": f"code {result.code}"}))
                deps.brakes.stale()
                wait = min(pause, PAUSED_LOOK_MS)
                return Settlement(claimed, "h", claimed.attempt, wait_ms=wait, reason="sender_paused", detail=detail)
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

    async def _template_problem(self, sender: Sender, verdict: AsTemplate) -> None:
        """The channel knows this template otherwise than we do: not used again until the channel says how it stands."""
        await self._d.senders.set_template(sender.id, verdict.name, verdict.language, state="PENDING")
        self._d.templates_stale()

    def _accepted(
        self, task: Task, verdict: FreeText | AsTemplate, result: SendResult, now: int, posted_ms: int
    ) -> Delivered:
        claimed, sender, body = task.claimed, task.sender, task.body
        form = verdict.name if isinstance(verdict, AsTemplate) else "free_text"
        sent = {"as": verdict.name if isinstance(verdict, AsTemplate) else "free"}
        if body.get(RENEWED):  # who answers them reads what they read, and not what was planned
            sent["text"] = str(body["text"])
        channel_hash = ""
        if result.channel_id is not None:
            sent["id"] = result.channel_id.reveal()
            channel_hash = self._d.vault.blind("channel_id", sender.channel, result.channel_id.reveal())
        lost = f" codes_not_drawn={body[LOST]}" if body.get(LOST) else ""
        price, spend = self._d.brakes.purse.priced(task, verdict)
        settlement = Settlement(
            claimed,
            "a",
            claimed.attempt,
            sent=seal_sent(task.box, claimed.id, sent),
            channel_hash=channel_hash,
            hold_ms=HOLD_DELIVERED_MS if body.get("order") == "delivered" else 0,
            detail=f"as={form} s={sender.id} nt={claimed.record.notification} {price}{lost}",
            spend=spend,
            # Before the channel can have given it a time of its own: a receipt "until then" never misses it.
            sent_at_ms=posted_ms if task.connector.facts.receipts_by_time else 0,
        )
        if body["kind"] == "reply":
            return Delivered(settlement)
        brand = str(body.get("brand", sender.brand))
        mention = Mention(claimed.id, claimed.record.notification, brand, sender.id, Personal(said(body)), now)
        return Delivered(settlement, Mentioned(task.contact.id, task.address.id, mention))
