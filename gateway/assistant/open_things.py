"""What somebody has open with a brand, and how it stands: journeys, orders, outages where they live.

    journeys   as those at home are told (families/state_said.py): one leg of each journey, by what its sources said of it
    orders     of goods: the status that the shop gave last
    outages    what holds at this moment in the areas that they follow, and the newest word on it

Everything is told with who said it and how long ago; nothing is worked out. What is older than a quarter of an hour and may have
changed since is told too, and a person looks (`fresh`); an order's status and an outage hold until somebody says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.assistant import state_words
from gateway.assistant.sources import Sources
from gateway.errors import CannotRender
from gateway.families import mirror
from gateway.families.state_said import Journeys, chosen, named, names_of, told
from gateway.model.contact import Contact, OrderLink
from gateway.model.event import EventType
from gateway.model.ids import SubjectId
from gateway.notifications.formats import Reader
from gateway.notifications.sources import names_of as source_names
from gateway.planning.result import EventResult, World, shared_scope
from gateway.planning.worlds import Worlds
from gateway.rules.asking import Names
from gateway.rules.changes import state_of
from gateway.rules.own_asking import JOURNEY, KINDS, ORDER, OUTAGE
from gateway.store.contacts import Contacts
from gateway.store.subjects import Subjects

STATE = "family_state"
TRAVELS = ("flight", "rail")
NO_GOODS = (*TRAVELS, "service", "appointment")
OVER = ("delivered", "returned", "refunded", "cancelled")
DAY_MS = 24 * 3600_000
LONG_OVER_MS = DAY_MS
"""A journey that ended so long ago is nobody's question any more."""
DONE_MS = 3 * DAY_MS
"""An order that was done so long ago neither."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something of theirs. subject: what it is about; name: as desk and button call it; words: how it stands, with its source

    fresh: nobody need look for something newer; near_ms: how far from now it is
    """

    kind: str
    subject: SubjectId
    name: str
    words: str
    fresh: bool
    near_ms: int


class OpenThings:
    def __init__(self, subjects: Subjects, contacts: Contacts, worlds: Worlds, sources: Sources | None = None) -> None:
        self._subjects = subjects
        self._contacts = contacts
        self._worlds = worlds
        self._journeys = Journeys(subjects)
        self._sources = sources or Sources()

    async def of(self, contact: Contact, brand: str, language: str, kind: str = "") -> tuple[list[Thing], list[str]]:
        """(what they have open, nearest first; kinds whose source did not answer in time). kind: only these, "" all"""
        world = await self._worlds.now()
        reader = self._reader(contact, brand, language, world)
        asked = {
            JOURNEY: lambda: self._their_journeys(contact, brand, reader, world),
            ORDER: lambda: self._their_orders(contact, brand, reader, world),
            OUTAGE: lambda: self._their_outages(contact, brand, reader, world),
        }
        found, unknown = await self._sources.ask({one: asked[one] for one in KINDS if kind in ("", one)})
        once = {one.subject: one for one in reversed(found)}
        return sorted(once.values(), key=lambda one: one.near_ms), unknown

    async def names(self, contact: Contact, brand: str) -> Names:
        """What their journeys are called: words that a question about them may hold."""
        legs = [leg for link in self._travels(contact, brand, 0) for leg in await self._journeys.legs(link)]
        return names_of(legs, (await self._worlds.now()).catalogue.places)

    def _travels(self, contact: Contact, brand: str, now_ms: int) -> list[OrderLink]:
        return [one for one in self._links(contact, brand, now_ms) if one.kind in TRAVELS]

    def _links(self, contact: Contact, brand: str, now_ms: int) -> list[OrderLink]:
        orders = contact.profile.orders
        return [one for one in orders if one.brand == brand and one.until_ms >= now_ms and not mirror.is_member(one)]

    async def _their_journeys(self, contact: Contact, brand: str, reader: Reader, world: World) -> Sequence[Thing]:
        found = []
        for link in self._travels(contact, brand, reader.now_ms):
            legs = chosen(await self._journeys.legs(link), reader.now_ms)
            if legs is None or (legs[0].is_over and legs[0].distance_ms(reader.now_ms) > LONG_OVER_MS):
                continue
            said = told(*legs, brand, world.catalogue.sources, reader.now_ms)
            words = self._journey_words({**said.data, "own": True}, said.subject, brand, reader, world)
            if words:
                name = named([replace(legs[0])]).rpartition(" ")[0] or named([legs[0]])
                found.append(Thing(JOURNEY, said.subject, name, words, said.fresh, legs[0].distance_ms(reader.now_ms)))
        return found

    def _journey_words(self, data: dict[str, object], subject: SubjectId, brand: str, reader: Reader, world: World) -> str:
        notification = world.catalogue.get(STATE)
        if notification is None:
            return ""
        result = EventResult(
            event="asked", type=EventType.ORDER_STATUS, external_id="", source="inbound", subject=subject, sequence=0,
            occurred_at_ms=reader.now_ms, item="", changes=(), state={}, previous={}, data=data, facts={}, notifications=(STATE,),
        )  # fmt: skip
        try:
            scope = shared_scope(result, world, brand)
            return notification.render(scope, (reader.language,), reader.zone, brand=brand).text
        except CannotRender:
            return ""

    async def _their_orders(self, contact: Contact, brand: str, reader: Reader, world: World) -> Sequence[Thing]:
        found = []
        for link in self._links(contact, brand, reader.now_ms):
            if link.kind in NO_GOODS:
                continue
            known = await self._subjects.read(link.order, EventType.ORDER_STATUS.value)
            state, age_ms = state_of(known.known), reader.now_ms - known.spoken_ms
            if not known.spoken_ms or (state.get("status") in OVER and age_ms > DONE_MS):
                continue
            name = link.number.reveal()
            words = state_words.order(name, state, reader)
            if words:
                heard = state_words.heard(self._called(link.source, brand, reader, world), known.spoken_ms, reader)
                found.append(Thing(ORDER, link.order, name, f"{words}\n\n{heard}", True, age_ms))
        return found

    async def _their_outages(self, contact: Contact, brand: str, reader: Reader, world: World) -> Sequence[Thing]:
        mine = {one for link in self._links(contact, brand, reader.now_ms) for one in link.subjects if link.kind == "service"}
        found = []
        for cell in mine:
            for _, sequence, entry in await self._subjects.current(cell):
                result = EventResult.load(entry, sequence)
                if result.type is not EventType.OUTAGE_STATUS:
                    continue
                known = await self._subjects.read(result.subject, EventType.OUTAGE_STATUS.value)
                state = state_of(known.known) if known.spoken_ms else result.state
                at_ms = known.spoken_ms or result.occurred_at_ms
                words = state_words.outage(state, reader)
                if words:
                    heard = state_words.heard(self._called(result.source, brand, reader, world), at_ms, reader)
                    name = state_words.outage_name(state, reader.language)
                    found.append(Thing(OUTAGE, result.subject, name, f"{words}\n\n{heard}", True, reader.now_ms - at_ms))
        return found

    def _called(self, source: str, brand: str, reader: Reader, world: World) -> str:
        """Who said it, as people know them; a source that is not listed is the brand's own."""
        known = world.catalogue.brands.get(brand)
        names = source_names(source, world.catalogue.sources)
        return names.get(reader.language) or names.get("en") or (known.name if known is not None else brand)

    def _reader(self, contact: Contact, brand: str, language: str, world: World) -> Reader:
        known = world.catalogue.brands.get(brand)
        zone = contact.facts.timezone or (known.timezone if known is not None else "UTC")
        own = contact.facts.language or ""
        locale = own if own.split("-")[0] == language else language
        return Reader(language, locale, zone, world.now_ms, world.catalogue.places)
