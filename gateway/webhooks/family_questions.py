"""Somebody at home writes: "where is it now?" is answered at once, anything else goes to a person who sees whose family they are.

    asks        the text is nothing but such a question (rules/asking.py), or they pressed "Where is it now?": of each journey
                that they follow they are told how it stands, who said so and how long ago (families/state_said.py)
    too old     is what we know older than a quarter of an hour, and not final: they are told what is known, and a person looks
    else        a person. The desk sees that it is the family of a traveller, and on which flight; never the traveller's booking

Nothing is answered by itself where another program holds the thread, or while a crisis is about anything of theirs: then every
question goes to the crisis's queue. Who travels themselves as well asks as a traveller, unless they answer a message that was
for them as family.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.connector import InboundKind, MessageEvent, Sender
from gateway.families.home import Home
from gateway.families.state_said import MOST, Journeys, Leg, Said, chosen, named, names_of, told
from gateway.model.contact import Contact, OrderLink
from gateway.model.family import PURPOSE, ROLE
from gateway.model.ids import AddressId
from gateway.model.message import MessageRecord
from gateway.notifications.catalogue import Catalogue
from gateway.planning.waysin_say import Sayer
from gateway.rules.asking import asked_in
from gateway.store.subjects import Subjects
from gateway.webhooks.deps import Deps
from gateway.webhooks.origins import Origins

STATE = "family_state"
NOW = "now"
"""The button that asks, below any message to a family."""
TRAVELS = ("flight", "rail")
"""Kinds of orders whose people may mean their own journey."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody at home wrote. asks: how it stands; answered: they were told so, and no person need look.

    about: their journeys, as the desk names them
    """

    asks: bool
    answered: bool
    about: str


@dataclass(frozen=True, slots=True)
class _Journey:
    link: OrderLink
    legs: Sequence[Leg]


class FamilyQuestions:
    def __init__(self, deps: Deps, origins: Origins, home: Home, subjects: Subjects) -> None:
        self._d = deps
        self._origins = origins
        self._home = home
        self._journeys = Journeys(subjects)
        self._sayer = Sayer(deps.contacts, deps.outbox, deps.vault, deps.worlds, deps.wake)

    async def hear(
        self, contact: Contact, address: AddressId, sender: Sender, event: MessageEvent, origin: MessageRecord | None
    ) -> Asked | None:
        """Answer them if they ask how it stands. None: it is not as family that they write."""
        now_ms = self._d.clock.now_ms()
        links = [one for one in self._home.memberships(contact) if self._speaks_for(sender, one.brand)]
        if not links or event.group or not await self._as_family(contact, origin, now_ms):
            return None
        journeys = [_Journey(link, await self._journeys.legs(link)) for link in links]
        catalogue = (await self._d.worlds.now()).catalogue
        language, meant = await self._meant(journeys, event, catalogue)
        best = [legs for one in meant if (legs := chosen(one.legs, now_ms)) is not None]
        about = "; ".join(dict.fromkeys(named([leg]) for leg, _ in best))
        if language is None:
            return Asked(False, False, about)
        if not await self._may_answer(contact, address, sender, event):
            return Asked(True, False, about)
        known = self._said(meant, catalogue, now_ms)
        key = self._d.vault.blind("inbound", event.channel_id.reveal())[:16]
        for place, one in enumerate(known):
            await self._sayer.say(
                contact.id, address, STATE, f"{key}:{place}", event.at_ms, one.brand, language=language, data=one.data,
                subject=one.subject,
            )  # fmt: skip
        return Asked(True, bool(known) and all(one.fresh for one in known), about)

    def _speaks_for(self, sender: Sender, brand: str) -> bool:
        """Whether a brand's people are answered here: another brand's journey is no business of this one."""
        own = self._d.directory.for_brand(brand, sender.channel)
        return own is not None and own.id == sender.id

    async def _as_family(self, contact: Contact, origin: MessageRecord | None, now_ms: int) -> bool:
        if origin is not None:
            return (await self._origins.body(origin)).get("purpose") == PURPOSE
        return not any(
            one.role != ROLE and one.kind in TRAVELS and one.until_ms >= now_ms for one in contact.profile.orders
        )

    async def _meant(
        self, journeys: Sequence[_Journey], event: MessageEvent, catalogue: Catalogue
    ) -> tuple[str | None, list[_Journey]]:
        """(the language in which they ask, None: they do not, "" by a button; of which legs of which journeys)."""
        if event.kind is InboundKind.BUTTON:
            return "" if (event.payload or "").split("/")[1:2] == [NOW] else None, list(journeys)
        if event.kind is not InboundKind.TEXT:
            return None, list(journeys)
        text = event.text.reveal()
        # In a thread of its own: the first text of a process makes the patterns, which takes a good part of a second.
        language = await asyncio.to_thread(asked_in, text)
        if language is not None:
            return language, list(journeys)
        meant = []
        for one in journeys:
            own = {leg.subject: asked_in(text, names_of([leg], catalogue.places)) for leg in one.legs}
            language = language or next((found for found in own.values() if found), None)
            if legs := [leg for leg in one.legs if own[leg.subject]]:
                meant.append(_Journey(one.link, legs))
        return language, meant or list(journeys)

    async def _may_answer(self, contact: Contact, address: AddressId, sender: Sender, event: MessageEvent) -> bool:
        if event.standby or contact.facts.held_elsewhere(sender.id, address, self._d.clock.now_ms()):
            return False
        return self._d.incidents is None or await self._d.incidents.queue_of(contact) is None

    def _said(self, journeys: Sequence[_Journey], catalogue: Catalogue, now_ms: int) -> list[Said]:
        """What is told: of two journeys on one flight once; those nearest in time first."""
        found: dict[str, tuple[int, Said]] = {}
        for one in journeys:
            legs = chosen(one.legs, now_ms)
            if legs is None:
                continue
            said = told(*legs, one.link.brand, catalogue.sources, now_ms)
            found.setdefault(said.subject, (legs[0].distance_ms(now_ms), said))
        return [said for _, said in sorted(found.values(), key=lambda entry: entry[0])][:MOST]
