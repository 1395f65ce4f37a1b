"""What eligibility is asked about a message planned before: just before it is sent, or when another way is tried. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.connector import ChannelFacts, Sender
from gateway.model.capability import Capability
from gateway.model.contact import Address, Contact
from gateway.model.message import MessageRecord
from gateway.planning.result import World
from gateway.rules.question import Night, Question, TemplateChoice


def question_of_body(
    body: Mapping[str, Any],
    record: MessageRecord,
    contact: Contact,
    address: Address,
    sender: Sender,
    facts: ChannelFacts,
    world: World,
    now_ms: int,
    *,
    told_elsewhere: bool = False,
) -> Question:
    """Everything eligibility may look at. body: as it was sealed, for this way."""
    known = contact.facts
    proof, _ = known.proofs.get(address.id, (None, 0))
    document = body.get("document")
    person_ms = facts.person_window_ms if world.able(sender.id, Capability.PERSON_WINDOW) is True else 0
    return Question(
        kind=body["kind"],
        purpose=body.get("purpose", "reply"),
        channel=sender.channel,
        brand=body.get("brand", sender.brand),
        now_ms=now_ms,
        deadline_ms=record.deadline_ms,
        urgent=record.priority <= 1,
        automatic=bool(body.get("automatic")),
        personal=bool(body.get("personal")),
        night=Night(body.get("night", "wake")),
        timezone=body.get("zone", "UTC"),
        erasing=known.erasing,
        consents=known.consents,
        proof=proof,
        not_me=address.id in known.proofs and proof is None,
        blocked=world.blocked(address.id),
        unreachable=known.is_unreachable(address.id),
        only_to=world.allowed(address),
        production=world.production,
        window_ms=facts.window_ms,
        window_opened_at_ms=known.window_opened_at(sender.id, address.id),
        templates=tuple(
            TemplateChoice(
                one["name"], one["language"],
                world.template_state(sender.id, one["name"], one["language"], one.get("category", "utility")),
            )
            for one in body.get("forms") or []
        ),
        spoke_at_ms=known.spoke_at(),
        templates_allowed=world.able(sender.id, Capability.TEMPLATES),
        document_in_template=not document or document.get("mime") in facts.template_document_mimes,
        person_window_ms=person_ms,
        held_elsewhere=facts.thread_control and known.held_elsewhere(sender.id, address.id, now_ms),
        told_elsewhere=told_elsewhere,
        complaint=known.complains(body.get("brand", sender.brand), now_ms),
    )  # fmt: skip
