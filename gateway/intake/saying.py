"""What people of the operator say to many at once, in their own words: checked, and planned person by person.

Words are given by language and name nobody: they are the same for all. Inside the service window they are free text, outside it
the one parameter of an approved template; consent, night, caps and brakes count as for any notification.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.errors import BadInput, Conflict, NotFound, Problem, Sealed
from gateway.model.contact import Contact
from gateway.model.event import EventType
from gateway.model.family import PURPOSE, ROLE
from gateway.model.ids import AddressId, ContactId, EventId, MessageId, SenderId, SubjectId, message_id, partition_of
from gateway.notifications.model import Notification
from gateway.planning.pacing import Pacer, Patience
from gateway.planning.plan import draft
from gateway.planning.result import Draft, EventResult, Reader
from gateway.rules import fuse
from gateway.rules.fuse import Limits
from gateway.rules.question import Night
from gateway.rules.verdict import AsTemplate, FreeText, Later, Suppressed
from gateway.runtime import Runtime
from gateway.store.fuses import Fuses, Held
from gateway.store.outbox import Plan, PlannedContact
from gateway.store.ready import wake_for

LONGEST = 500
_PLACE = re.compile(r"\{\{?[^{}]*\}?\}|<[^<>]{1,40}>|\[[^\[\]]{1,40}\]|%\(?\w+\)?s|%[sd]")
_SOMEBODY = re.compile(r"(\+|\b0)\d(?:[ ().-]?\d){7,}|\d{9,}|\S@\S+\.\S")
_LANGUAGE = re.compile(r"[a-z]{2}")


def check_words(words: Mapping[str, str], languages: Sequence[str]) -> dict[str, str]:
    """Words by language, each on one line. languages: those that there are templates in. Raises BadInput naming each problem."""
    problems = []
    if not words:
        problems.append(Problem("words", f"are missing: give them in {' and '.join(languages)}"))
    found = {}
    for language, text in words.items():
        field = f"words.{language}" if _LANGUAGE.fullmatch(language) else "words"
        if language not in languages:
            problems.append(Problem(field, f"should be in one of {', '.join(languages)}: other languages have no template"))
            continue
        text = found[language] = " ".join(unicodedata.normalize("NFC", text).split())
        if not text:
            problems.append(Problem(field, "should say something"))
        if len(text) > LONGEST:
            problems.append(Problem(field, f"should be at most {LONGEST} characters; these are {len(text)}"))
        if _PLACE.search(text):
            problems.append(Problem(field, "should hold no place for a name or number: everybody reads the same words"))
        if _SOMEBODY.search(text):
            problems.append(Problem(field, "should hold no number or address of a person"))
    if problems:
        raise BadInput(problems)
    return found


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing said. event, subject: to what it belongs, for ids, brakes and traces; words: by language, checked."""

    event: EventId
    subject: SubjectId
    notification: Notification
    words: Mapping[str, str]
    at_ms: int


@dataclass(frozen=True, slots=True)
class To:
    """To whom: at one address, or (None) by the best way. item: what tells several messages to one person apart.

    subject: by which they are meant, None = the saying's own
    """

    contact: ContactId
    brand: str
    address: AddressId | None = None
    item: str = ""
    subject: SubjectId | None = None


@dataclass(slots=True)
class Said:
    """sent: enqueued; before: had it already; counts: (channel, language, form or reason) -> people."""

    people: int = 0
    sent: int = 0
    before: int = 0
    suppressed: int = 0
    counts: Counter[tuple[str, str, str]] | None = None
    senders: set[SenderId] = field(default_factory=set)
    """by whom it is said"""

    def add(self, channel: str, language: str, what: str) -> None:
        if self.counts is None:
            self.counts = Counter()
        self.counts[channel, language, what] += 1


class Speaker:
    """within_s: how long all of it may take at most; see planning/pacing.Patience"""

    def __init__(self, runtime: Runtime, within_s: float | None = None) -> None:
        self._r = runtime
        self._within_s = within_s

    async def say(self, saying: Saying, to: Sequence[To], *, dry: bool = False) -> Said:
        """Plan it for everybody, one by one, no faster than it can be sent; again after a crash, whoever has it keeps it.

        dry: count only
        raises: Conflict when the senders send nothing, or too slowly for `within_s`; StoreUnavailable
        """
        said = Said(counts=Counter())
        runtime = self._r
        patience = Patience(Pacer(runtime.senders, runtime.directory, runtime.clock), self._within_s)
        deadline_ms = saying.notification.deadline_ms({"event": {"occurred_at_ms": saying.at_ms}})
        for one in to:
            if not dry:
                await patience.one_more(saying.notification.priority, deadline_ms, said.senders, of=len(to))
            await self._one(saying, one, said, dry=dry)
        return said

    async def _one(self, saying: Saying, to: To, said: Said, *, dry: bool) -> None:
        runtime = self._r
        for _ in range(5):
            try:
                contact = await runtime.contacts.get(to.contact)
            except (NotFound, Sealed):  # erased meanwhile
                return
            found = await self._draft(saying, contact, to)
            if found is None:
                return
            channel, language = found.address.channel if found.address else "", str(found.body.get("language", ""))
            there = await runtime.outbox.headers([found.id])
            if dry or there:
                break
            box = await runtime.vault.contact_box(contact.id, create=True)
            message = found.planned(contact.id, box.seal_body(found.body, found.id))
            planned = PlannedContact(contact.id, contact.facts.consent_version, (), (message,))
            plan = Plan(partition_of(contact.id), saying.event, 0, to.subject or saying.subject, (planned,))
            answer = await runtime.outbox.put(plan)
            if answer.written:
                wake_for(runtime.wake, (plan, answer))
                break
            if any(state not in ("ok", "replan") for state in answer.contacts):
                return
        else:
            raise RuntimeError("a contact is being changed by too many at once")
        said.people += 1
        if found.sender is not None:
            said.senders.add(found.sender.id)
        if there:
            said.before += 1
        elif isinstance(found.verdict, Suppressed):
            said.suppressed += 1
        else:
            said.sent += 1
        said.add(channel, language, "before" if there else _what(found))

    async def _draft(self, saying: Saying, contact: Contact, to: To) -> Draft | None:
        world = await self._r.worlds.now()
        brand = world.catalogue.brands.get(to.brand)
        default = brand.language if brand else "en"
        known = (contact.facts.language or default).replace("_", "-").partition("-")[0].lower()
        language = next(one for one in (known, default, "en", *saying.words) if one in saying.words)
        result = EventResult(
            event=saying.event, type=EventType.ORDER_STATUS, external_id="", source="operator", subject=saying.subject,
            sequence=0, occurred_at_ms=saying.at_ms, item="", changes=(), state={}, previous={},
            data={"words": saying.words[language]}, facts={}, notifications=(saying.notification.name,),
        )  # fmt: skip
        profile = contact.profile
        if to.address is not None:
            profile = replace(profile, addresses=tuple(one for one in profile.addresses if one.id == to.address))
        only = replace(contact, profile=profile, facts=replace(contact.facts, language=language))
        world = replace(world, default_brand=to.brand, scopes={}, rollouts=())  # what people say to people is for all of them
        found = draft(_by_night(saying, contact, to), only, result, [Reader(None, None)], world)
        if found is None:
            return None
        # Its id is of its own kind: the event's own message of this name and person, if any, is another one.
        return replace(found, id=self.id_of(saying, to), told="")

    def id_of(self, saying: Saying, to: To) -> MessageId:
        return message_id(f"said:{saying.event}", saying.notification.name, to.item, to.contact, 0)


def _by_night(saying: Saying, contact: Contact, to: To) -> Notification:
    """The notification, waiting for the morning where they follow it as somebody's family and asked for quiet nights."""
    notification, subject = saying.notification, to.subject or saying.subject
    if notification.purpose != PURPOSE:
        return notification
    quiet = any(one.role == ROLE and one.quiet and subject in one.subjects for one in contact.profile.orders)
    return replace(notification, night=Night.WAIT) if quiet else notification


def _what(found: Draft) -> str:
    verdict = found.verdict
    if isinstance(verdict, Suppressed):
        return verdict.reason.value
    if isinstance(verdict, Later):
        return f"later, {verdict.why}"
    return verdict.name if isinstance(verdict, AsTemplate) else "text" if isinstance(verdict, FreeText) else ""


async def gate(fuses: Fuses, limits: Limits, saying: Saying, people: int) -> int | None:
    """How many of them may be told now, None = all. Raises Conflict while the fuse holds it, which `fuses release` ends."""
    held = await fuses.get(saying.event)
    name = saying.notification.name
    if held is None:
        hours = await fuses.hours([name])
        blown = fuse.judge(people, limits, hours, fuses.hour())
        if blown is None:
            return None
        held = Held(saying.event, saying.subject, (name,), people, blown.why, blown.limit, fuses.now_ms())
        await fuses.blow(held)
    if held.state == "released":
        return None
    if held.state == "part" and held.allowed:
        return held.allowed
    if held.state == "discarded":
        raise Conflict(f"it was discarded by {held.by}")
    sentence = fuse.Blown(held.why, held.people, held.limit, name).sentence
    raise Conflict(
        f"the fuse holds it: {sentence}. Nothing was sent. Look at it, then `fuses release {saying.event}`, and send it again"
    )
