"""What an event did, whom of a contact's travellers it is about, and what planning may look at besides. Pure values.

`plan.draft` makes a `Draft` of these: one message decided on, its body not yet sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.connector import ChannelFacts, Sender
from gateway.directory import Directory
from gateway.model.capability import Capability
from gateway.model.contact import Address, Contact, OrderLink, Traveller
from gateway.model.event import EventType
from gateway.model.family import ROLE
from gateway.model.ids import AddressId, ContactId, MessageId, SenderId, SubjectId
from gateway.model.message import MessageState
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.expressions import Scope
from gateway.notifications.model import Notification
from gateway.planning.listening import listens
from gateway.rules import rebooking
from gateway.rules.flaps import Settling
from gateway.rules.question import TemplateState
from gateway.rules.rollout import Rollout
from gateway.rules.states import instant_ms
from gateway.rules.stretches import seen_from
from gateway.rules.verdict import Later, Suppressed, Verdict
from gateway.store.outbox import GoesOn, PlannedMessage

NO_CONNECTION: Mapping[str, Any] = {"risk": ""}
DAY_MS = 24 * 3600_000


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
    settling: Mapping[str, Settling] = field(default_factory=dict)
    """notification -> the value that it tells, and until when that waits"""

    @property
    def heard_elsewhere(self) -> bool:
        """Whether it is told to who follows something else: the cells of an area, the order of an appointment."""
        return any(one != self.subject for one in self.audience)

    def with_document(self, document: Mapping[str, Any] | None) -> EventResult:
        """The same, with the document as it was kept for one person."""
        return replace(self, document=document)

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
            "settling": {name: [one.value, one.until_ms, one.base] for name, one in self.settling.items()},
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
            settling={name: Settling(*one) for name, one in value.get("settling", {}).items()},
        )


@dataclass(frozen=True, slots=True)
class Reader:
    """One traveller of a contact whom an event concerns, by the order that brought it here (None for an area)."""

    traveller: Traveller | None
    link: OrderLink | None
    connections: tuple[Mapping[str, Any], ...] = ()
    """what there is to tell them of whether they catch their next legs (planning/connecting.py)"""
    connection: Mapping[str, Any] | None = None
    """of these the one that a message is about"""


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
    able: Callable[[SenderId, Capability], bool | None] = lambda sender, what: None
    """what a sender was found to be able to do; None = not known"""
    channels: tuple[str, ...] = ()
    """the installation's order of channels"""
    rollouts: tuple[Rollout, ...] = ()
    scopes: dict[tuple[str, str], Scope] = field(default_factory=dict)
    """(event, brand) -> what all its readers see alike: made once, and words that name nobody are rendered once"""
    families: bool = True
    """whether anybody at home is told (GATEWAY_FAMILY_PLACES)"""
    public: dict[str, EventResult] = field(default_factory=dict)
    """event -> what of it those at home may see (planning/at_home.py)"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message decided on, its body not yet sealed.

    passed:    ways that came before and were not possible: (channel, reason)
    told_with: told fields of other notifications that speak of the same value
    rollouts:  names of those that it is part of; of one that leaves it out, that one
    goes_on:   of what a roll-out leaves out, how it goes to whoever was told an older message in whose place this one comes
    """

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
    passed: tuple[tuple[str, str], ...] = ()
    told_with: tuple[str, ...] = ()
    rollouts: tuple[str, ...] = ()
    goes_on: Verdict | None = None
    brand: str = ""

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
            another_way_ms=self.notification.another_way_ms if self.body.get("legs") else 0,
            detail=self._detail("ro"),
            told_with=self.told_with,
            goes_on=self._goes_on(),
        )

    def _goes_on(self) -> GoesOn | None:
        if self.goes_on is None:
            return None
        late = self.goes_on if isinstance(self.goes_on, Later) else None
        return GoesOn(late.why if late else "", late.at_ms if late else 0, self._detail("on"))

    def _detail(self, how: str) -> str:
        """how: ro = as part of the roll-outs, on = outside of them"""
        said = [f"b={self.brand}"] if self.brand else []
        said += [f"pu={self.notification.purpose}"] if self.notification.roles == (ROLE,) else []  # told to those at home
        said += ["past=" + ",".join(":".join(one) for one in self.passed)] if self.passed else []
        return " ".join([*said, f"{how}={','.join(self.rollouts)}"] if self.rollouts else said)


def readers_of(contact: Contact, result: EventResult, now_ms: int) -> list[Reader]:
    """Whom of a contact's travellers the event is about; empty when it is about none of them."""
    travellers = {traveller.customer: traveller for traveller in contact.profile.travellers}
    wanted = set(result.audience) | {result.subject}
    # Somebody may have been invited to an order of this number at another brand.
    brand = str(result.data.get("brand") or "") if result.type.value.startswith(("order.", "appointment.")) else ""
    found = []
    for link in contact.profile.orders:
        if brand and link.brand != brand and link.order in wanted:
            continue
        if not wanted & ({link.order} | set(link.subjects)):
            continue
        if not listens(link.until_ms, result.type, result.previous, result.state, now_ms):
            continue
        if result.refs and link.order not in result.refs:
            continue
        if result.cells and not _in_cells(link, result.cells):
            continue
        found.append(Reader(travellers.get(link.traveller), link))
    return found


def readers_about(contact: Contact, result: EventResult, about: Sequence[str], now_ms: int) -> list[Reader]:
    """Those of a contact's travellers that a message was about, as their orders stand now; a document may come without any."""
    everybody = {one.customer: one for one in contact.profile.travellers}
    readers = [one for one in readers_of(contact, result, now_ms) if one.traveller and one.traveller.customer in about]
    return readers or [Reader(everybody[one], None) for one in about if one in everybody]


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


def brand_of(result: EventResult, reader: Reader, world: World) -> str:
    """Whose words these are: the order's; of a document for somebody whose order is over or was never told, the event's."""
    if reader.link is not None:
        return reader.link.brand
    document = result.type in (EventType.ORDER_DOCUMENT, EventType.FLIGHT_BOARDINGPASS)
    named = str(result.data.get("brand") or "") if document else ""
    return named if named in world.catalogue.brands else world.default_brand


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


def scope_for(
    result: EventResult,
    reader: Reader,
    world: World,
    brand: str,
    links: Mapping[str, str],
    paper: Mapping[str, Any] | None = None,
) -> Scope:
    """The context of conditions and parameters, for one reader. paper: what the document that comes with it shows, dumped"""
    traveller, link = reader.traveller, reader.link
    given = traveller.given_name.reveal() if traveller and traveller.given_name else ""
    family = traveller.family_name.reveal() if traveller and traveller.family_name else ""
    shared = world.scopes.get((result.event, brand))
    if shared is None:
        shared = world.scopes[(result.event, brand)] = shared_scope(result, world, brand)
    own = seen_from(result.state, link.stretches.get(result.subject)) if link else None
    return shared.of(
        **({"state": own} if own is not None else {}),
        person={"given_name": given, "family_name": family},
        order={"number": link.number.reveal(), "kind": link.kind} if link else {"number": "", "kind": ""},
        passenger={"key": link.passenger or ""} if link else {"key": ""},
        links=dict(links),
        paper=_without_codes(paper or {}),
        connection=reader.connection or NO_CONNECTION,
        rebooking=rebooking.shown(result.state, result.facts.get("offers") or {}, link.order if link else ""),
    )


def _without_codes(paper: Mapping[str, Any]) -> dict[str, Any]:
    """The codes themselves are said by nobody; `about`: whose or which leg's the first is."""
    symbols = paper.get("symbols") or [{}]
    return {name: value for name, value in paper.items() if name != "symbols"} | {"about": symbols[0].get("about", "")}


def shared_scope(result: EventResult, world: World, brand: str) -> Scope:
    """What all readers of an event see alike, of one brand."""
    known = world.catalogue.brands.get(brand)
    fallback = {"id": brand, "name": brand, "language": "en", "timezone": "UTC", "support_url": "", "rights_url": ""}
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


