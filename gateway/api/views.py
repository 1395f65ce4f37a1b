"""Contacts and messages as JSON. Masked unless revealed: enough to recognise what one knows, too little to learn it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.insight.kinds import sentence_of
from gateway.model.contact import Address, ConsentEntry, Contact, OrderLink, Subscription, Traveller
from gateway.model.message import MessageRecord
from gateway.model.pass_page import PassPage
from gateway.model.personal import Personal
from gateway.model.touch import TimelineItem

DOTS = "•••"

_WAITS = {"night": "it is night where they are: it waits for the morning", "schedule": "its time has not come yet"}
"""What a queued message waits for, besides the reasons for not sending."""


def iso(at_ms: int | None) -> str | None:
    """A moment in UTC, None for none (0 counts as none)."""
    if not at_ms:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown(value: Personal | None, reveal: bool) -> str | None:
    """A number or code: whole, or its last two characters; of a phone number the country too."""
    if value is None:
        return None
    text = value.reveal()
    if reveal:
        return text
    if len(text) < 6:
        return DOTS
    return f"{text[:3] if text[0] == '+' else ''}{DOTS}{text[-2:]}"


def initial(name: Personal | None, reveal: bool) -> str | None:
    if name is None or not name.reveal():
        return None
    return name.reveal() if reveal else f"{name.reveal()[0]}{DOTS}"


def contact_json(contact: Contact, *, reveal: bool) -> dict[str, Any]:
    facts, profile = contact.facts, contact.profile
    return {
        "id": contact.id,
        "version": contact.version,
        "name": initial(profile.display_name, reveal),
        "language": facts.language,
        "timezone": facts.timezone,
        "channels": list(facts.wish),
        "addresses": [_address(contact, address, reveal) for address in profile.addresses],
        "travellers": [_traveller(one, reveal) for one in profile.travellers],
        "orders": [_order(link, reveal) for link in profile.orders],
        "consents": consents_json(contact),
        "masked": not reveal,
    }


def _address(contact: Contact, address: Address, reveal: bool) -> dict[str, Any]:
    proof, at_ms = contact.facts.proofs.get(address.id, (None, 0))
    wrote = [at for name, at in contact.facts.windows.items() if name.endswith(f":{address.id}")]
    return {
        "id": address.id,
        "channel": address.channel,
        "identifiers": [{"kind": known.kind, "value": shown(known.value, reveal)} for known in address.identifiers],
        "given_by": address.given_by.value,
        "proof": proof.value if proof else None,
        "proof_at": iso(at_ms) if proof else None,
        "not_me_at": iso(at_ms) if address.id in contact.facts.proofs and proof is None else None,
        "unreachable": contact.facts.is_unreachable(address.id),
        "last_wrote_at": iso(max(wrote, default=0)),
    }


def page_json(page: PassPage, now_ms: int) -> dict[str, Any]:
    """The page of a pass or ticket, without the link that opens it and without what it says."""
    return {
        "id": page.id,
        "kind": page.paper.get("kind"),
        "state": page.state(now_ms).value,
        "ends_at": iso(page.ends_ms),
        "open_on_a_device": bool(page.bound or page.also),
        "wrong_answers": page.wrong,
    }


def _traveller(traveller: Traveller, reveal: bool) -> dict[str, Any]:
    return {
        "given_name": initial(traveller.given_name, reveal),
        "family_name": initial(traveller.family_name, reveal),
        "customer": shown(traveller.number, reveal) if traveller.number is not None else None,
        "addresses": list(traveller.addresses),
    }


def _order(link: OrderLink, reveal: bool) -> dict[str, Any]:
    return {
        "subject": link.order,
        "number": shown(link.number, reveal),
        "kind": link.kind,
        "brand": link.brand,
        "role": link.role,
        "follows": list(link.subjects),
        "until": iso(link.until_ms),
    }


def touch_json(one: TimelineItem) -> dict[str, Any]:
    """A call, a mail, a visit, with its words."""

    def words(text: Personal | None) -> str | None:
        return text.reveal() if text is not None else None

    return {
        "at": iso(one.at_ms),
        "channel": one.kind,
        "direction": "in" if one.inward else "out",
        "brand": one.brand,
        "reason": one.reason or None,
        "subject": words(one.subject),
        "summary": words(one.summary),
        "agent": words(one.by),
    }


def consents_json(contact: Contact) -> list[dict[str, Any]]:
    """The present state for each purpose, channel and brand."""
    found = []
    for name, one in sorted(contact.facts.consents.items()):
        purpose, channel, brand = name.split(".", 2)
        found.append(
            {"purpose": purpose, "channel": channel, "brand": brand, "granted": one.granted, "at": iso(one.at_ms)}
        )
    return found


def entry_json(entry: ConsentEntry, *, reveal: bool) -> dict[str, Any]:
    return {
        "purpose": entry.purpose,
        "channel": entry.channel,
        "brand": entry.brand,
        "granted": entry.granted,
        "at": iso(entry.at_ms),
        "how": entry.how,
        "wording": entry.wording,
        "evidence": shown(entry.evidence, reveal),
    }


def subscription_json(one: Subscription) -> dict[str, Any]:
    return {"subject": one.subject, "orders": list(one.refs), "until": iso(one.until_ms)}


def message_json(
    record: MessageRecord, *, body: Mapping[str, Any] | None = None, address: Address | None = None
) -> dict[str, Any]:
    """Where a message is and why. body, address: given only where they may be revealed."""
    value: dict[str, Any] = {
        "id": record.id,
        "state": record.state.name.lower(),
        "reason": record.reason or None,
        "sentence": _WAITS.get(record.reason) or sentence_of(record.reason) or None,
        "status": record.status.name.lower(),
        "status_at": iso(record.status_at_ms),
        "notification": record.notification,
        "priority": record.priority.name.lower(),
        "event": record.event or None,
        "subject": record.subject or None,
        "contact": record.contact,
        "address": record.address or None,
        "conversation": record.conversation or None,
        "sender": record.sender or None,
        "attempts": record.attempt,
        "planned_at": iso(record.planned_at_ms),
        "due_at": iso(record.due_at_ms),
        "expires_at": iso(record.deadline_ms),
    }
    if body is not None:
        value["channel"] = body.get("channel")
        value["language"] = body.get("language")
        value["sent_as"] = body.get("as")
        value["text"] = "\n\n".join(part for part in (body.get("header"), body.get("text"), body.get("footer")) if part)
        value["buttons"] = [one.get("label") for one in body.get("buttons") or []]
    if address is not None:
        value["to"] = [{"kind": known.kind, "value": known.value.reveal()} for known in address.identifiers]
    return value
