"""What may be said when the service window is shut: templates that are meant for the desk, and approved at the channel.

They are notifications with `desk: true` (docs/notifications.md): service messages that name nobody, answered by writing back,
which opens the window again. The agent fills what their parameters take from `data`; the words before them are the ones that go.
They leave as any reply does, by the same outbox and with the same epoch and key, are decided on again just before they are sent,
and go as plain words if the window has opened meanwhile. Nothing is sent by itself when it does: the draft stays a draft.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.connector import ChannelFacts
from gateway.errors import BadInput, Problem
from gateway.model.contact import Contact
from gateway.model.conversation import Conversation
from gateway.model.event import EventType
from gateway.model.ids import SubjectId
from gateway.model.personal import Personal
from gateway.notifications.model import Notification
from gateway.planning.plan import Draft, draft
from gateway.planning.result import EventResult, Reader, World
from gateway.prices.amount import shown
from gateway.prices.country import country_of
from gateway.prices.model import charge
from gateway.prices.tariffs import Tariffs
from gateway.rules.verdict import AsTemplate, FreeText, Suppressed
from gateway.store.conversation_commands import Beside
from gateway.webcare.fields import sayable

BLANK = "…"
"""What stands for a value that the agent has not given yet."""
MARKS = 0xE000
"""The first of the letters that stand for blanks while words are made: nobody writes these (Unicode's private use)."""


@dataclass(frozen=True, slots=True)
class Blank:
    """One that the agent fills in. longest: characters"""

    name: str
    longest: int


@dataclass(frozen=True, slots=True)
class Offered:
    """A template that may go to this person now. text: the words, BLANK for what is to be filled in; price: "" unknown

    parts: the same words in their order, each {"text"} or {"blank": its name}: blanks stand where the language wants them
    """

    name: str
    language: str
    text: str
    blanks: tuple[Blank, ...]
    price: str
    parts: tuple[Mapping[str, str], ...] = ()


class DeskTemplates:
    def __init__(self, world: Callable[[], Awaitable[World]], tariffs: Tariffs) -> None:
        self._world = world
        self._tariffs = tariffs

    async def offered(self, one: Conversation, contact: Contact) -> list[Offered]:
        """Those that may go now, by name; none where they asked us to stop."""
        world = await self._world()
        found = []
        for notification in world.catalogue:
            if not notification.desk or stopped(contact, one, world):
                continue
            blanks = blanks_of(notification)
            marks = {blank.name: chr(MARKS + at) for at, blank in enumerate(blanks)}
            made = self._draft(world, notification, one, contact, marks)
            if made is None:
                continue
            parts = _parts(said(made.body)[0], {mark: name for name, mark in marks.items()})
            text = "".join(part.get("text", BLANK) for part in parts)
            language = str(made.body["language"])
            found.append(Offered(notification.name, language, text, blanks, self._price(world, made, one), parts))
        return found

    async def made(self, one: Conversation, contact: Contact, wanted: Mapping[str, Any]) -> tuple[Personal, Beside]:
        """The words of a template with what the agent filled in, ready for the outbox. Raises BadInput.

        wanted: {"name", "values": {blank: text}}
        """
        world = await self._world()
        name, values = wanted.get("name"), wanted.get("values") or {}
        notification = world.catalogue.get(name) if isinstance(name, str) else None
        if notification is None or not notification.desk or not isinstance(values, dict):
            raise BadInput([Problem("template", "should be the name of one that the desk offers, and its values")])
        if stopped(contact, one, world):
            raise BadInput([Problem("template", "they asked us to stop: nothing may go until they write")])
        problems, given = [], {}
        for blank in blanks_of(notification):
            text = values.get(blank.name)
            text = " ".join(sayable(text).split()) if isinstance(text, str) else ""  # no line break fits into a template's value
            if not 0 < len(text) <= blank.longest:
                problems.append(Problem(f"template.{blank.name}", f"should have 1 to {blank.longest} characters"))
            given[blank.name] = text
        if problems:
            raise BadInput(problems)
        made = self._draft(world, notification, one, contact, given)
        if made is None:
            raise BadInput([Problem("template", "is not approved in a language they read, or cannot be sent to them now")])
        text, forms = said(made.body)
        return Personal(text), Beside(template={"name": notification.name, "values": given}, forms=forms)

    def _draft(
        self, world: World, notification: Notification, one: Conversation, contact: Contact, values: Mapping[str, str]
    ) -> Draft | None:
        """Planned for this person at this address and from this sender; None where it may not go."""
        here = tuple(known for known in contact.profile.addresses if known.id == one.address)
        facts = contact.facts if contact.facts.language else replace(contact.facts, language=one.language or None)
        only = replace(contact, profile=replace(contact.profile, addresses=here), facts=facts)
        # Planning keeps what all readers of one event see alike: other words are another event.
        this = hashlib.blake2b(json.dumps([one.id, notification.name, dict(values)]).encode(), digest_size=16).hexdigest()
        result = EventResult(
            event=f"desk:{this}", type=EventType.ORDER_STATUS, external_id="", source="desk", subject=SubjectId(""), sequence=0,
            occurred_at_ms=world.now_ms, item="", changes=(), state={}, previous={}, data=dict(values), facts={},
            notifications=(notification.name,),
        )  # fmt: skip
        found = draft(notification, only, result, [Reader(None, None)], replace(world, default_brand=one.brand), links={})
        if found is None or found.sender is None or found.sender.id != one.sender or isinstance(found.verdict, Suppressed):
            return None
        approved = isinstance(found.verdict, AsTemplate) or (isinstance(found.verdict, FreeText) and bool(found.body["forms"]))
        return found if approved else None

    def _price(self, world: World, made: Draft, one: Conversation) -> str:
        facts: ChannelFacts | None = world.facts.get(made.address.channel) if made.address is not None else None
        if facts is None or made.address is None or not made.body["forms"]:
            return ""
        cost = charge(
            self._tariffs.book, channel=facts.channel, brand=one.brand, country=country_of(made.address.identifiers),
            category=str(made.body["forms"][0]["category"]), at_ms=world.now_ms,
        )  # fmt: skip
        return f"{cost.currency} {shown(cost.expected)}" if cost.expected is not None else ""


def _parts(text: str, marks: Mapping[str, str]) -> tuple[Mapping[str, str], ...]:
    """Words cut where a mark stands. marks: mark -> name of its blank"""
    pieces = re.split(f"([{''.join(marks)}])", text) if marks else [text]
    return tuple({"blank": marks[one]} if one in marks else {"text": one} for one in pieces if one)


def blanks_of(notification: Notification) -> tuple[Blank, ...]:
    """What an agent fills in: parameters that are made of `data` alone."""
    return tuple(
        Blank(one.name, one.longest)
        for one in notification.parameters.values()
        if one.sources and all(source.roots == {"data"} for source, _ in one.sources)
    )


def stopped(contact: Contact, one: Conversation, world: World) -> bool:
    """Whether they withdrew whatever they agreed to with this brand on this channel. Inside the window they are answered all the
    same; outside of it only their own words begin anew."""
    channel = next((known.channel for known in contact.profile.addresses if known.id == one.address), "")
    scopes = [
        consent.granted
        for scope, consent in contact.facts.consents.items()
        if scope.split(".", 1)[1] == f"{channel}.{one.brand}" and ":" not in scope
    ]
    return bool(scopes) and not any(scopes)


def said(body: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]]:
    """(the words as one text, the forms)"""
    text = "\n\n".join(str(part) for part in (body.get("header"), body.get("text"), body.get("footer")) if part)
    return text, list(body["forms"])
