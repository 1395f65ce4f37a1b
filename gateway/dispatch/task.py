"""One message on its way, and what eligibility is asked about it just before it is sent. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.connector import Connector, Sender
from gateway.model.contact import Address, Contact
from gateway.planning.plan import World
from gateway.rules.question import Night, Question, TemplateChoice
from gateway.store.outbox import Claimed
from gateway.store.vault import Box


@dataclass(frozen=True, slots=True)
class Task:
    """One message on its way: what was claimed, to whom, by whom, and what it says. body: as it was sealed."""

    claimed: Claimed
    contact: Contact
    box: Box
    address: Address
    sender: Sender
    connector: Connector
    body: dict[str, Any]


def question_of(task: Task, world: World, now_ms: int) -> Question:
    """Everything eligibility may look at, now that it is about to be sent."""
    contact, address, sender, body = task.contact, task.address, task.sender, task.body
    facts, record = contact.facts, task.claimed.record
    proof, _ = facts.proofs.get(address.id, (None, 0))
    return Question(
        kind=body["kind"],
        purpose=body.get("purpose", "reply"),
        channel=sender.channel,
        brand=body.get("brand", sender.brand),
        now_ms=now_ms,
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
        window_ms=task.connector.facts.window_ms,
        window_opened_at_ms=facts.window_opened_at(sender.id, address.id),
        templates=tuple(
            TemplateChoice(
                one["name"], one["language"],
                world.template_state(sender.id, one["name"], one["language"], one.get("category", "utility")),
            )
            for one in body.get("forms") or []
        ),
        spoke_at_ms=facts.spoke_at(),
    )  # fmt: skip
