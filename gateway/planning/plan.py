"""What one event means for one contact: which notifications, about what, to which address, as what, and when.

Pure but for what it is handed: the contact, the event's result, the catalogue, the senders and what is known of their templates.
Eligibility is asked at planning (so that what may not be sent is stored with its reason) and again just before sending.

A body is JSON, sealed under the contact's key, with everything that dispatch needs: up to two forms (templates with their
formatted parameters, best first) and the free text of the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.connector import ChannelFacts, Sender
from gateway.directory import Directory
from gateway.errors import CannotRender
from gateway.model.contact import Address, Contact, OrderLink, Traveller
from gateway.model.event import EventType
from gateway.model.ids import AddressId, ContactId, MessageId, SenderId, SubjectId, message_id
from gateway.model.message import MessageState, OnUncertain
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.expressions import Scope
from gateway.notifications.model import Notification
from gateway.notifications.parts import Rendering, TemplateRef
from gateway.rules.may_send import decide
from gateway.rules.question import Question, TemplateChoice, TemplateState
from gateway.rules.states import instant_ms
from gateway.rules.verdict import AsTemplate, FreeText, Later, Reason, Suppressed, Verdict
from gateway.store.outbox import PlannedMessage, told_field

DAY_MS = 24 * 3600_000
CHECK = "address_check"


@dataclass(frozen=True, slots=True)
class EventResult:
    """What an event did, as planning needs it (kept sealed with its subject until the event is closed)."""

    event: str
    type: EventType
    external_id: str
    source: str
    subject: SubjectId
    sequence: int
    occurred_at_ms: int
    item: str
    changes: tuple[str, ...]
    state: Mapping[str, Any]
    previous: Mapping[str, Any]
    data: Mapping[str, Any]
    facts: Mapping[str, Any]
    notifications: tuple[str, ...]
    refs: tuple[str, ...] = ()
    """orders (subject ids) the event is limited to; none = everybody subscribed"""
    audience: tuple[SubjectId, ...] = ()
    """whose subscribers hear it: the subject itself, or the cells of an area"""
    cells: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    """cell subject -> postcode ranges [first, last] within it; no ranges = the whole cell"""
    document: Mapping[str, Any] | None = None
    """ref, mime, filename of the document, once it was kept"""

    def dump(self) -> dict[str, Any]:
        return {
            "event": self.event,
            "type": self.type.value,
            "xid": self.external_id,
            "source": self.source,
            "subject": self.subject,
            "at": self.occurred_at_ms,
            "item": self.item,
            "changes": list(self.changes),
            "state": self.state,
            "previous": self.previous,
            "data": self.data,
            "facts": self.facts,
            "notifications": list(self.notifications),
            "refs": list(self.refs),
            "audience": list(self.audience),
            "cells": self.cells,
        }

    @staticmethod
    def load(value: Mapping[str, Any], sequence: int) -> EventResult:
        return EventResult(
            event=value["event"],
            type=EventType(value["type"]),
            external_id=value["xid"],
            source=value["source"],
            subject=SubjectId(value["subject"]),
            sequence=sequence,
            occurred_at_ms=value["at"],
            item=value["item"],
            changes=tuple(value["changes"]),
            state=value["state"],
            previous=value["previous"],
            data=value["data"],
            facts=value["facts"],
            notifications=tuple(value["notifications"]),
            refs=tuple(value["refs"]),
            audience=tuple(SubjectId(one) for one in value["audience"]),
            cells=value["cells"],
        )


@dataclass(frozen=True, slots=True)
class Reader:
    """One traveller of a contact whom an event concerns, by the order that brought it here (None for an area)."""

    traveller: Traveller | None
    link: OrderLink | None


@dataclass(frozen=True, slots=True)
class World:
    """What planning may look at besides the contact. templates: per sender (name, language) -> state for a category."""

    catalogue: Catalogue
    directory: Directory
    facts: Mapping[str, ChannelFacts]
    template_state: Callable[[SenderId, str, str, str], TemplateState]
    allowed: Callable[[Address], bool | None]
    """None in production without a list; else whether this address may be written to"""
    blocked: Callable[[AddressId], bool]
    blind: Callable[..., str]
    production: bool
    now_ms: int
    default_brand: str
    knows_templates: Callable[[SenderId], bool] = lambda sender: True
    """whether the sender's templates were ever read from its channel"""
    scopes: dict[tuple[str, str], Scope] = field(default_factory=dict)
    """(event, brand) -> what all its readers see alike: made once, and words that name nobody are rendered once"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message decided on, its body not yet sealed."""

    id: MessageId
    notification: Notification
    sender: Sender | None
    address: Address | None
    verdict: Verdict
    due_ms: int
    deadline_ms: int
    told: str
    body: Mapping[str, Any]
    wants_check: bool = False

    def planned(self, contact: ContactId, sealed: bytes, *, revive: bool = False) -> PlannedMessage:
        reason = ""
        state = MessageState.QUEUED
        if isinstance(self.verdict, Suppressed):
            state, reason = MessageState.SUPPRESSED, self.verdict.reason.value
        elif isinstance(self.verdict, Later):
            reason = self.verdict.why
        return PlannedMessage(
            id=self.id,
            contact=contact,
            sender=self.sender.id if self.sender else "",
            address=self.address.id if self.address else "",
            priority=self.notification.priority,
            due_ms=self.due_ms,
            deadline_ms=self.deadline_ms,
            told=self.told,
            state=state,
            reason=reason,
            notification=self.notification.name,
            body=sealed,
            revive=revive,
        )


def readers_of(contact: Contact, result: EventResult, now_ms: int) -> list[Reader]:
    """Whom of a contact's travellers the event is about; empty when it is about none of them."""
    travellers = {traveller.customer: traveller for traveller in contact.profile.travellers}
    wanted = set(result.audience) | {result.subject}
    found = []
    for link in contact.profile.orders:
        if link.until_ms < now_ms or not (wanted & ({link.order} | set(link.subjects))):
            continue
        if result.refs and link.order not in result.refs:
            continue
        if result.cells and not _in_cells(link, result.cells):
            continue
        found.append(Reader(travellers.get(link.traveller), link))
    return found


def _in_cells(link: OrderLink, cells: Mapping[str, Sequence[Sequence[str]]]) -> bool:
    """Whether an area contract's exact postcode lies in one of the ranges of its cells."""
    postcode = "".join((link.postcode.reveal() if link.postcode else "").split()).upper()
    for subject in link.subjects:
        ranges = cells.get(subject)
        if ranges is None:
            continue
        if not ranges or not postcode:
            return True
        if any(first <= postcode <= last for first, last in ranges):
            return True
    return False


def zone_for(contact: Contact, result: EventResult, brand_zone: str, now_ms: int) -> str:
    """Whose night it is: the next leg's place within 24 h of it, else the person's own zone, else the brand's."""
    departure = result.state.get("departure") or {}
    origin = result.state.get("from") or {}
    for key in ("estimated", "scheduled"):
        at_ms = instant_ms(departure.get(key))
        if at_ms is not None and abs(at_ms - now_ms) <= DAY_MS and isinstance(origin, Mapping) and origin.get("timezone"):
            return str(origin["timezone"])
    return contact.facts.timezone or brand_zone


def languages(contact: Contact) -> tuple[str, ...]:
    return (contact.facts.language,) if contact.facts.language else ()


def scope_for(result: EventResult, reader: Reader, world: World, brand: str, links: Mapping[str, str]) -> Scope:
    """The context of conditions and parameters, for one reader."""
    traveller, link = reader.traveller, reader.link
    given = traveller.given_name.reveal() if traveller and traveller.given_name else ""
    family = traveller.family_name.reveal() if traveller and traveller.family_name else ""
    shared = world.scopes.get((result.event, brand))
    if shared is None:
        shared = world.scopes[(result.event, brand)] = _shared_scope(result, world, brand)
    return shared.of(
        person={"given_name": given, "family_name": family},
        order={"number": link.number.reveal(), "kind": link.kind} if link else {"number": "", "kind": ""},
        passenger={"key": link.passenger or ""} if link else {"key": ""},
        links=dict(links),
    )


def _shared_scope(result: EventResult, world: World, brand: str) -> Scope:
    known = world.catalogue.brands.get(brand)
    fallback = {"id": brand, "name": brand, "language": "en", "timezone": "UTC", "support_url": ""}
    return Scope(
        {
            "event": {
                "type": result.type.value,
                "status": result.state.get("status", ""),
                "occurred_at_ms": result.occurred_at_ms,
                "external_id": result.external_id,
                "item": result.item,
            },
            "data": dict(result.data),
            "state": dict(result.state),
            "previous": dict(result.previous),
            "changes": list(result.changes),
            "facts": dict(result.facts),
            "brand": known.context() if known else fallback,
            "now_ms": world.now_ms,
        }
    )


def draft(
    notification: Notification,
    contact: Contact,
    result: EventResult,
    readers: Sequence[Reader],
    world: World,
    *,
    links: Mapping[str, str] | None = None,
    document: Mapping[str, Any] | None = None,
    leg: int = 0,
) -> Draft | None:
    """Decide on one message of one notification to one contact about `readers` (several travellers of one address).

    returns None when the notification is for none of them (their role).
    """
    meant = [one for one in readers if _has_role(notification, one)]
    if not meant:
        return None
    reader = meant[0]
    brand = reader.link.brand if reader.link else world.default_brand
    scope = scope_for(result, reader, world, brand, links or {})
    deadline = notification.deadline_ms(scope)
    not_before = notification.not_before_ms(scope)
    item = world.blind("item", result.item)[:16] if notification.item != "none" and result.item else ""
    message = message_id(result.event, notification.name, item, contact.id, leg)
    told = told_field(result.subject, notification.name, item) if notification.replaces or notification.item != "none" else ""
    if not told:
        told = told_field(result.subject, notification.name, world.blind("event", result.event)[:16])
    brand_known = world.catalogue.brands.get(brand)
    zone = zone_for(contact, result, brand_known.timezone if brand_known else "UTC", world.now_ms)

    def outcome(verdict: Verdict, sender: Sender | None, address: Address | None, body: Mapping[str, Any], check: bool) -> Draft:
        due = verdict.at_ms if isinstance(verdict, Later) else 0
        return Draft(message, notification, sender, address, verdict, due, deadline, told, body, check)

    addresses = _addresses(contact, meant)
    if not addresses:
        return outcome(Suppressed(Reason.NO_ADDRESS), None, None, {}, False)
    first: Draft | None = None
    for address in addresses:
        sender = world.directory.for_brand(brand, address.channel)
        if sender is None:
            first = first or outcome(Suppressed(Reason.NO_SENDER), None, address, {}, False)
            continue
        try:
            forms, text = _forms(notification, scope, contact, zone, brand, sender, world)
        except CannotRender:
            first = first or outcome(Suppressed(Reason.CANNOT_RENDER), sender, address, {}, False)
            continue
        question = question_for(
            notification, contact, address, sender, world, brand=brand, zone=zone, deadline_ms=deadline,
            not_before_ms=not_before, forms=[TemplateChoice(form["name"], form["language"], form["state"]) for form in forms],
        )  # fmt: skip
        verdict = decide(question)
        if notification.document is not None and document is None:
            verdict = verdict if isinstance(verdict, Suppressed) else Suppressed(Reason.DOCUMENT_MISSING)
        body = body_of(notification, result, forms, text, zone, brand, address.channel, document)
        check = isinstance(verdict, Suppressed) and verdict.reason is Reason.NO_PROOF
        found = outcome(verdict, sender, address, body, check)
        if not isinstance(verdict, Suppressed):
            return found
        first = first or found
    return first


def _has_role(notification: Notification, reader: Reader) -> bool:
    role = reader.link.role if reader.link else "customer"
    return "any" in notification.roles or role in notification.roles


def _addresses(contact: Contact, readers: Sequence[Reader]) -> list[Address]:
    """The addresses of these travellers in their order of preference, then the contact's other own ones."""
    by_id = {address.id: address for address in contact.profile.addresses}
    wanted: list[AddressId] = []
    for reader in readers:
        if reader.traveller is not None:
            wanted += [one for one in reader.traveller.addresses if one not in wanted]
    if not wanted:
        wanted = list(by_id)
    return [by_id[one] for one in wanted if one in by_id]


def question_for(
    notification: Notification,
    contact: Contact,
    address: Address,
    sender: Sender,
    world: World,
    *,
    brand: str,
    zone: str,
    deadline_ms: int,
    not_before_ms: int,
    forms: Sequence[TemplateChoice],
) -> Question:
    """Everything eligibility may look at, for a proactive message."""
    facts = contact.facts
    proof, _ = facts.proofs.get(address.id, (None, 0))
    said_not_me = address.id in facts.proofs and proof is None
    channel = world.facts[address.channel]
    return Question(
        kind=notification.kind,
        purpose=notification.purpose,
        channel=address.channel,
        brand=brand,
        now_ms=world.now_ms,
        deadline_ms=deadline_ms,
        not_before_ms=not_before_ms,
        urgent=notification.priority == 1,
        personal=notification.personal,
        night=notification.night,
        timezone=zone,
        erasing=facts.erasing,
        consents=facts.consents,
        proof=proof,
        not_me=said_not_me,
        blocked=world.blocked(address.id),
        unreachable=facts.is_unreachable(address.id),
        only_to=world.allowed(address),
        production=world.production,
        window_ms=channel.window_ms,
        window_opened_at_ms=facts.window_opened_at(sender.id, address.id),
        templates=tuple(forms),
        spoke_at_ms=facts.spoke_at(),
    )


def _forms(
    notification: Notification, scope: Scope, contact: Contact, zone: str, brand: str, sender: Sender, world: World
) -> tuple[list[dict[str, Any]], Rendering]:
    """Up to two template forms, best first (approved ones before others), and the words as free text."""
    chain = languages(contact)
    candidates: list[tuple[Notification, TemplateRef]] = []
    brand_known = world.catalogue.brands.get(brand)
    default = brand_known.language if brand_known else "en"
    candidates += [(notification, ref) for ref in notification.candidates(chain, brand=brand, brand_language=default)]
    if notification.substitute and (other := world.catalogue.get(notification.substitute)) is not None:
        candidates += [(other, ref) for ref in other.candidates(chain, brand=brand, brand_language=default)]
    states = [
        (one, ref, world.template_state(sender.id, ref.name, ref.language, one.category)) for one, ref in candidates
    ]
    best = sorted(states, key=lambda entry: entry[2] is not TemplateState.APPROVED)[:2]
    forms = []
    text: Rendering | None = None
    for one, ref, state in best:
        rendering = one.render(scope, chain, zone, brand=brand, template=ref)
        text = text or rendering
        forms.append(
            {
                "name": ref.name,
                "language": ref.language,
                "state": state,
                "category": one.category,
                "header": dict(rendering.header_parameters),
                "body": dict(rendering.body_parameters),
            }
        )
    if text is None:
        text = notification.render(scope, chain, zone, brand=brand)
    return forms, text


def body_of(
    notification: Notification,
    result: EventResult,
    forms: Sequence[Mapping[str, Any]],
    text: Rendering,
    zone: str,
    brand: str,
    channel: str,
    document: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The JSON that is sealed: what dispatch needs, and nothing it must look up elsewhere."""
    return {
        "kind": notification.kind,
        "notification": notification.name,
        "purpose": notification.purpose,
        "brand": brand,
        "channel": channel,
        "zone": zone,
        "personal": notification.personal,
        "night": notification.night.value,
        "on_uncertain": notification.on_uncertain.value,
        "order": notification.order,
        "language": text.language,
        "forms": [{**form, "state": None} for form in forms],
        "header": text.header,
        "text": text.body,
        "footer": text.footer,
        "buttons": [
            {
                "kind": button.kind.value,
                "label": button.label,
                "payload": button.payload,
                "url": button.url,
                "suffix": button.url_suffix,
            }
            for button in text.buttons
        ],
        "document": {**document, "header": text.document.header} if document and text.document else None,
        "event": {"type": result.type.value, "xid": result.external_id, "source": result.source, "changes": list(result.changes)},
    }


UNCERTAIN_DEFAULT = OnUncertain.RESEND

__all__ = [
    "AsTemplate", "Draft", "EventResult", "FreeText", "Reader", "World", "body_of", "draft", "question_for", "readers_of",
]  # fmt: skip
