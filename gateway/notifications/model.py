"""What a notification is. Made by `catalogue.load`, which has checked it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.model.event import EventType
from gateway.model.family import ROLE
from gateway.model.message import OnUncertain, Priority
from gateway.notifications import formats
from gateway.notifications.expressions import Context, Expression, Failure, Scope, scope_of
from gateway.notifications.parts import ButtonSpec, Deadline, DocumentSpec, Parameter, Rendering, TemplateRef, Watch
from gateway.notifications.places import Places
from gateway.notifications.render import LAST_LANGUAGE, in_order, render
from gateway.notifications.texts import Texts
from gateway.rules.question import Night
from gateway.rules.states import instant_ms
from gateway.rules.ways import Prefer

__all__ = ["DEFAULT_LIFE_MS", "Notification", "Rendering", "TemplateRef"]

_HOUR_MS = 3_600_000

DEFAULT_LIFE_MS: Mapping[EventType, int] = {
    EventType.ORDER_STATUS: 48 * _HOUR_MS,
    EventType.ORDER_DOCUMENT: 7 * 24 * _HOUR_MS,
    EventType.FLIGHT_STATUS: 6 * _HOUR_MS,
    EventType.FLIGHT_BOARDINGPASS: 24 * _HOUR_MS,
    EventType.TRIP_STATUS: 2 * _HOUR_MS,
    EventType.OUTAGE_STATUS: 6 * _HOUR_MS,
    EventType.APPOINTMENT_STATUS: 24 * _HOUR_MS,
}
"""How long after it happened a notification is of use when none of its own expressions gives a time."""

DEFAULT_SETTLE_MS: Mapping[EventType, int] = {
    EventType.FLIGHT_STATUS: 180_000,
    EventType.TRIP_STATUS: 180_000,
    EventType.OUTAGE_STATUS: 180_000,
    EventType.APPOINTMENT_STATUS: 180_000,
}
"""What a value that comes back waits for at most before it is told, where its notification says nothing: see rules/flaps.py.
Only for what replaces its own older versions. An order's steps are told once each, and cannot flap."""


@dataclass(frozen=True, slots=True)
class Notification:
    """Everything about one notification. Made by `catalogue.load`, which has checked it.

    roles:    whom of an order it is for: "booker", "passenger", "customer"; ("any",) for all of them; ("family",) for those at
              home who follow somebody's journey, and for nobody else
    among:    of whom of these it is true; None = of all. It sees what only a reader has, such as `rebooking`
    item:     what makes two of one event different messages: "none", "passenger" or "document"; "rebooking" once an offer,
              "connection" once each time that one becomes tight, or fits again
    personal: it names a person, a booking code or a seat, or brings a document, so the address needs a proof
    replaces: a newer one takes the place of an older one still queued, same subject and contact
    ends:     names of notifications of the same subject that this one makes pointless
    channel_ttl_ms: how long the channel itself goes on trying once it has the message; None = as long as it likes
    order:    "delivered" keeps the lane's next message back until this one was delivered
    """

    name: str
    event: EventType | None
    condition: Expression | None
    roles: tuple[str, ...]
    item: str
    purpose: str
    category: str
    priority: Priority
    night: Night
    personal: bool
    replaces: bool
    ends: tuple[str, ...]
    kind: str
    on_uncertain: OnUncertain
    order: str
    version: int
    template: bool
    substitute: str | None
    channel_ttl_ms: int | None
    deadline: Deadline
    not_before: Deadline
    parameters: Mapping[str, Parameter]
    news: tuple[str, ...]
    document: DocumentSpec | None
    buttons: tuple[ButtonSpec, ...]
    texts: tuple[Texts, ...]
    reads: frozenset[str]
    """the context's names that its words, buttons and document are made of"""
    among: Expression | None = None
    after_rebooking: Expression | None = None
    """when it is true they are told it also of a cancelled journey that they have another one for; None = never"""
    asks: str = "none"
    """"rebooking": its buttons accept, other and refund say what is to become of a cancelled journey"""
    legal: str = "none"
    """"passenger_rights": it has to say where passengers read their rights"""
    once_a_journey: bool = False
    """not about a leg on which somebody's journey only goes on (rules/journeys.py)"""
    channels: tuple[str, ...] = ()
    """the only channels it may go by, the first one first; () = any"""
    prefer: Prefer = Prefer.GIVEN
    another_way_ms: int = 0
    """not delivered so long after it fell due, the person's next address is tried; 0 = only where a way fails"""
    fuse_people: int | None = None
    """one event that would tell it to more people is held; None = the installation's number"""
    amount: str = ""
    """of those at home: "ends" = told also to who wants to hear only that it left and landed (model/family.py Amount)"""
    desk: bool = False
    """agents may send it, when the service window is shut; what they fill in is `data` of its parameters"""
    rollout: str = ""
    """as declared: "allowed", "never", "" = by what it is; see notifications/rolling.py"""
    watch: Watch = field(repr=False, default_factory=Watch)
    """what its text shows that may come and go, and for how long that is held back"""
    places: Places = field(repr=False, default_factory=dict)
    failed: Failure = field(repr=False, compare=False, default=lambda name, why: None)

    @property
    def at_home(self) -> bool:
        """Whether it is for a family's members."""
        return ROLE in self.roles

    @property
    def languages(self) -> Mapping[str, Texts]:
        """The current words for every brand, by language."""
        return {texts.language: texts for texts in self.texts if texts.brand is None and texts.version == self.version}

    def applies(self, context: Context) -> bool:
        """Whether the event is this notification's, and its condition true; a missing field is false, and counted."""
        if self.condition is None or self.event is None:
            return False
        scope = scope_of(context)
        if (scope.values.get("event") or {}).get("type") != self.event:
            return False
        return self.condition.holds(scope, lambda why: self.failed(self.name, why))

    def is_for(self, context: Context) -> bool:
        """Whether it is for this reader."""
        return self.among is None or self.among.holds(scope_of(context), lambda why: self.failed(self.name, why))

    def still_for(self, context: Context) -> bool:
        """Whether it is for somebody who has another journey instead of this one."""
        condition = self.after_rebooking
        return condition is not None and condition.holds(scope_of(context), lambda why: self.failed(self.name, why))

    def deadline_ms(self, context: Context) -> int:
        """When telling it becomes worse than silence."""
        scope = scope_of(context)
        at_ms = _first_instant(self.deadline.sources, scope)
        if at_ms is not None:
            return at_ms + self.deadline.offset_ms
        event = scope.values.get("event") or {}
        since_ms = int(event.get("occurred_at_ms") or scope.values.get("now_ms") or 0)
        return since_ms + (self.deadline.life_ms or DEFAULT_LIFE_MS.get(self.event or EventType.ORDER_STATUS, _HOUR_MS))

    def not_before_ms(self, context: Context) -> int:
        """When it may be sent at the earliest; 0 = at once."""
        at_ms = _first_instant(self.not_before.sources, scope_of(context))
        return 0 if at_ms is None else at_ms + self.not_before.offset_ms

    def watched(self, context: Context) -> Any:
        """The value that it tells, as rules/flaps.py compares it: times as instants, what is not known as None."""
        scope = scope_of(context)
        return [_comparable(source.value(scope)) for source in self.watch.sources]

    def item_of(self, context: Context) -> str:
        """The part of the subject it is about: "" for state, else the document's id or the passenger's key."""
        values = scope_of(context).values
        if self.item == "document":
            return _text_at(values, ("event", "item"), ("data", "document", "id"), ("event", "external_id"))
        if self.item == "passenger":
            found = _text_at(
                values, ("event", "item"), ("passenger", "key"), ("data", "passenger", "ticketNumber"),
                ("data", "passenger", "ticket_number"),
            )  # fmt: skip
            return found or _name_key(values)
        return ""

    def candidates(
        self, chain: Sequence[str], *, brand: str, brand_language: str = LAST_LANGUAGE
    ) -> tuple[TemplateRef, ...]:
        """Templates that can carry it for this reader, best first: own words of the brand, then everybody's; the newest
        version, then the older ones that are still sent while the channel looks at the new; then the next language."""
        return tuple(
            TemplateRef(texts.template, texts.language)
            for texts in in_order(self, chain, brand, brand_language)
            if texts.template
        )

    def render(
        self,
        context: Context,
        chain: Sequence[str],
        zone: str,
        *,
        brand: str,
        template: TemplateRef | None = None,
    ) -> Rendering:
        """Its words for one reader, in the first language of the chain that exists.

        chain:    the reader's languages, best first, as BCP 47 ("nl-NL"); then the brand's default, then English
        zone:     the reader's IANA zone, for times that name no place
        template: one of `candidates`, to say an older version or another language; None = the best
        raises:   CannotRender when a parameter has no value and its language no words for that
        """
        return render(self, context, chain, zone, brand=brand, template=template)


def _first_instant(sources: Sequence[Expression], scope: Scope) -> int | None:
    for source in sources:
        found = formats.instant(source.value(scope))
        if found is not None:
            return round(found.timestamp() * 1000)
    return None


def _comparable(value: Any) -> Any:
    """The same instant written in two ways is one value."""
    at_ms = instant_ms(value)
    return value if at_ms is None else at_ms


def _text_at(values: Mapping[str, Any], *paths: tuple[str, ...]) -> str:
    for path in paths:
        value: Any = values
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value not in (None, ""):
            return str(value)
    return ""


def _name_key(values: Mapping[str, Any]) -> str:
    surname = _text_at(values, ("data", "passenger", "surname"))
    given = _text_at(values, ("data", "passenger", "givenNames"), ("data", "passenger", "given_names"))
    return f"{surname}/{given}".casefold() if surname or given else ""
