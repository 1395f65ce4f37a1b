"""One message, once: decide again, render, send, classify. What comes out is a Settlement; the worker settles it.

Consent, window, brakes and what was told since are read at most a second before the POST. No POST begins with under three seconds
of lease left. An expected refusal is a value; whatever breaks after bytes may have left is uncertain, never a retry.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.connector import Connector, Outcome, Sender, SendResult
from gateway.connector import Scope as Reach
from gateway.directory import Directory
from gateway.dispatch.brakes import Brakes
from gateway.dispatch.content import content_of, said
from gateway.dispatch.documents import DocumentDesk, DocumentProblem, UploadProblem
from gateway.errors import CannotRender, GatewayError, NotFound, Sealed
from gateway.metrics import Metrics
from gateway.model.contact import Address, Contact
from gateway.model.message import MessageState, OnUncertain, OutboundMessage
from gateway.model.personal import Personal
from gateway.planning.worlds import Worlds
from gateway.rules import retry
from gateway.rules.may_send import decide
from gateway.rules.question import Night, Question, TemplateChoice
from gateway.rules.verdict import AsTemplate, FreeText, Later, Reason, Suppressed
from gateway.store.contacts import Contacts, FactChange
from gateway.store.conversations import Conversations
from gateway.store.outbox import Claimed, Outbox, Settlement
from gateway.store.senders import Senders
from gateway.store.vault import Vault

LEAST_LEASE_MS = 3000
RESENDS = 2
HOLD_DELIVERED_MS = 10_000
STOPPED_LOOK_MS = 5_000
PAUSE_MS = 3600_000

log = structlog.get_logger()

_STATES = {Reason.EXPIRED: MessageState.EXPIRED, Reason.REPLACED: MessageState.REPLACED, Reason.ENDED: MessageState.ENDED}


@dataclass(frozen=True, slots=True)
class Deps:
    outbox: Outbox
    contacts: Contacts
    senders: Senders
    conversations: Conversations
    vault: Vault
    worlds: Worlds
    brakes: Brakes
    documents: DocumentDesk
    directory: Directory
    connectors: Mapping[str, Connector]
    clock: Clock
    metrics: Metrics
    send_timeout_s: float
    evidence_ms: int
    lease_ms: int


def finished(claimed: Claimed, reason: Reason, detail: str = "", *, stub: bytes = b"", sent: bool = False) -> Settlement:
    """It ends here. sent: an attempt was made (its pair token stays spent)."""
    state = _STATES.get(reason, MessageState.DEAD if sent else MessageState.SUPPRESSED)
    attempt = claimed.attempt if sent else 0
    return Settlement(claimed, "x", attempt, reason=reason.value, state=state, detail=detail, stub=stub)


class Deliverer:
    def __init__(self, deps: Deps) -> None:
        self._d = deps

    async def deliver(self, claimed: Claimed) -> Settlement:
        """Never raises for what one message did; StoreUnavailable and cancellation go through."""
        deps = self._d
        sender = deps.directory.get(claimed.sender)
        connector = deps.connectors.get(sender.channel) if sender else None
        if sender is None or connector is None:
            return finished(claimed, Reason.NO_SENDER)
        record = claimed.record
        superseded = (await deps.outbox.superseded([record]))[0]
        try:
            contact = await deps.contacts.get(record.contact)
            box = await deps.vault.contact_box(contact.id)
            body: dict[str, Any] = box.open_json(claimed.body, record.id)
        except (NotFound, Sealed):
            return finished(claimed, Reason.ERASING)
        except ValueError:
            return finished(claimed, Reason.POISONED, "body", sent=True)
        on_uncertain = OnUncertain(body.get("on_uncertain", "ask" if body["kind"] == "reply" else "resend"))
        if claimed.resend:
            choice = retry.after_silence(on_uncertain, RESENDS + 1 - (claimed.attempt - 1), superseded is not None)
            if choice is OnUncertain.ASK:
                return finished(claimed, Reason.UNCERTAIN_ASK, sent=True)
            if choice is OnUncertain.DROP:
                reason = Reason(superseded) if superseded else Reason.UNCERTAIN_DROPPED
                return finished(claimed, reason, "uncertain", sent=True)
        if superseded:
            return finished(claimed, Reason(superseded))
        stop = deps.brakes.stops(record, body)
        if stop is not None:
            at = deps.clock.now_ms() + STOPPED_LOOK_MS
            return Settlement(claimed, "l", claimed.attempt, at_ms=min(at, record.deadline_ms), reason="stopped")
        address = next((one for one in contact.profile.addresses if one.id == record.address), None)
        if address is None:
            return finished(claimed, Reason.NO_ADDRESS)
        question = await self._question(claimed, contact, address, sender, connector, body)
        verdict = decide(question)
        if isinstance(verdict, Suppressed):
            return finished(claimed, verdict.reason)
        if isinstance(verdict, Later):
            return Settlement(claimed, "l", claimed.attempt, at_ms=verdict.at_ms, reason=verdict.why)
        over = await self._over_tier(claimed, address, sender, verdict)
        if over is not None:
            return over
        return await self._send(claimed, contact, address, sender, connector, body, verdict)

    async def _question(
        self,
        claimed: Claimed,
        contact: Contact,
        address: Address,
        sender: Sender,
        connector: Connector,
        body: Mapping[str, Any],
    ) -> Question:
        world = await self._d.worlds.now()
        facts, record = contact.facts, claimed.record
        proof, _ = facts.proofs.get(address.id, (None, 0))
        forms = body.get("forms") or []
        return Question(
            kind=body["kind"],
            purpose=body.get("purpose", "reply"),
            channel=sender.channel,
            brand=body.get("brand", sender.brand),
            now_ms=world.now_ms,
            deadline_ms=record.deadline_ms,
            urgent=record.priority <= 1,
            personal=bool(body.get("personal")),
            night=Night(body.get("night", "wake")),
            timezone=body.get("zone", "UTC"),
            erasing=facts.erasing,
            consents=facts.consents,
            proof=proof,
            not_me=address.id in facts.proofs and proof is None,
            blocked=world.blocked(address.id),
            unreachable=facts.is_unreachable(address.id),
            only_to=world.allowed(address),
            production=world.production,
            window_ms=connector.facts.window_ms,
            window_opened_at_ms=facts.window_opened_at(sender.id, address.id),
            templates=tuple(
                TemplateChoice(
                    one["name"], one["language"],
                    world.template_state(sender.id, one["name"], one["language"], one.get("category", "utility")),
                )
                for one in forms
            ),
            spoke_at_ms=facts.spoke_at(),
        )  # fmt: skip

    async def _over_tier(
        self, claimed: Claimed, address: Address, sender: Sender, verdict: FreeText | AsTemplate
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
            return finished(claimed, Reason.TIER)
        return Settlement(claimed, "l", claimed.attempt, at_ms=free_at, reason="tier")

    async def _send(
        self,
        claimed: Claimed,
        contact: Contact,
        address: Address,
        sender: Sender,
        connector: Connector,
        body: dict[str, Any],
        verdict: FreeText | AsTemplate,
    ) -> Settlement:
        deps = self._d
        try:
            document = None
            if body.get("document"):
                document = await deps.documents.media(body["document"], contact.id, connector, sender)
            message = OutboundMessage(
                id=claimed.id,
                attempt=claimed.attempt,
                sender=sender.id,
                recipient=tuple((known.kind, known.value) for known in address.identifiers),
                content=content_of(body, verdict, connector.facts, document),
                reply_to=Personal(body["reply_to"]) if body.get("reply_to") else None,
            )
            request = connector.render(message, sender)
        except (CannotRender, KeyError) as error:
            detail = str(error) if isinstance(error, CannotRender) else "form"
            return finished(claimed, Reason.CANNOT_RENDER, detail.replace("|", " ")[:120], sent=True)
        except DocumentProblem as error:
            return finished(claimed, Reason.DOCUMENT_MISSING, str(error).replace("|", " ")[:120], sent=True)
        except UploadProblem as error:
            result = error.result
            if result.outcome is Outcome.UNCERTAIN:
                result = SendResult(Outcome.RETRY, retries=5)
            return await self._settlement(claimed, contact, address, sender, body, verdict, result)
        now = deps.clock.now_ms()
        late = now - claimed.leased_at_ms > deps.lease_ms - LEAST_LEASE_MS
        if late and not (await deps.outbox.renew([claimed], lease_ms=deps.lease_ms))[0]:
            return Settlement(claimed, "h", claimed.attempt, at_ms=now, reason="lease_lost")
        try:
            async with asyncio.timeout(deps.send_timeout_s):
                result = connector.classify(await connector.send(request))
        except (OSError, TimeoutError, GatewayError) as error:
            result = connector.classify(error)
        deps.metrics.sends.labels(sender.channel, result.outcome.value).inc()
        deps.metrics.send_seconds.labels(sender.channel).observe((deps.clock.now_ms() - now) / 1000)
        if result.media_problem and body.get("document"):
            await deps.documents.forget(body["document"], contact.id, sender)
        return await self._settlement(claimed, contact, address, sender, body, verdict, result)

    async def _settlement(
        self,
        claimed: Claimed,
        contact: Contact,
        address: Address,
        sender: Sender,
        body: dict[str, Any],
        verdict: FreeText | AsTemplate,
        result: SendResult,
    ) -> Settlement:
        """The outcome, what follows from it for sender, contact and templates, and how to settle."""
        deps = self._d
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
            evidence_ms=deps.evidence_ms,
        )
        detail = f"code={result.code}" if result.code else ""
        if result.outcome in (Outcome.REJECTED, Outcome.RETRY) and result.detail:
            detail += " what=" + result.detail.replace("|", " ").replace("\n", " ")[:100]
        match step:
            case retry.Accepted():
                return await self._accepted(claimed, contact, address, sender, body, verdict, result)
            case retry.RetryAt():
                if step.scope in (Reach.SENDER, Reach.ACCOUNT, Reach.APP):
                    await deps.senders.slow_down(sender.id, 0.5, max(step.at_ms - now, 1000) * 4)
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
                    await self._template_problem(sender, verdict, now)
                return Settlement(claimed, "r", claimed.attempt, at_ms=now, reason="decide_again", detail=detail)
            case retry.PauseSender():
                until = step.until_ms if step.until_ms is not None else now + PAUSE_MS
                await deps.senders.set_state(sender.id, {"paused": until, "why": f"code {result.code}"})
                deps.brakes.stale()
                hold = min(until, now + 30_000)
                return Settlement(claimed, "h", claimed.attempt, at_ms=hold, reason="sender_paused", detail=detail)
            case retry.Dead() | retry.FallbackOrDead():
                if step.reason is Reason.UNREACHABLE:
                    change = FactChange(f"un:{address.id}", "", now, "later")
                    await deps.contacts.change_facts(contact.id, [change])
                return finished(claimed, step.reason, detail, sent=True)

    async def _template_problem(self, sender: Sender, verdict: AsTemplate, now_ms: int) -> None:
        """The channel knows this template otherwise than we do: not used again until its state was read anew."""
        await self._d.senders.set_template(sender.id, verdict.name, verdict.language, state="PENDING", at=now_ms)
        self._d.worlds.stale()

    async def _accepted(
        self,
        claimed: Claimed,
        contact: Contact,
        address: Address,
        sender: Sender,
        body: dict[str, Any],
        verdict: FreeText | AsTemplate,
        result: SendResult,
    ) -> Settlement:
        deps = self._d
        body["as"] = verdict.name if isinstance(verdict, AsTemplate) else "free"
        channel_hash = ""
        if result.channel_id is not None:
            body["id"] = result.channel_id.reveal()
            channel_hash = deps.vault.blind("channel_id", sender.channel, result.channel_id.reveal())
        if body["kind"] != "reply":
            await self._mention(claimed, contact, address, sender, body)
        box = await deps.vault.contact_box(contact.id)
        form = body["as"] if isinstance(verdict, AsTemplate) else "free_text"
        return Settlement(
            claimed,
            "a",
            claimed.attempt,
            stub=box.seal_json(body, claimed.id),
            channel_hash=channel_hash,
            hold_ms=HOLD_DELIVERED_MS if body.get("order") == "delivered" else 0,
            detail=f"as={form} s={sender.id} nt={claimed.record.notification}",
        )


    async def _mention(
        self, claimed: Claimed, contact: Contact, address: Address, sender: Sender, body: Mapping[str, Any]
    ) -> None:
        """Let the desk see what an answer is about. It is sent already: whatever fails here changes nothing of that."""
        try:
            await self._d.conversations.mention(
                contact.id, str(body.get("brand", sender.brand)), address.id, sender.id, claimed.id,
                claimed.record.notification, Personal(said(body)), self._d.clock.now_ms(),
            )  # fmt: skip
        except (GatewayError, OSError, TimeoutError) as error:
            log.warning("mention.failed", message_id=claimed.id, error=type(error).__name__)


__all__ = ["Deliverer", "Deps", "said"]
