"""News that no event brings: an operator's words to those who follow chosen flights, trips, orders, outages or areas.

Everybody who follows several of them is told once. The same words about the same subjects are the same notice for a day, so a
command that was killed is run again and goes on. A notice is held by the fuse, and by a brake on the subject that they follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.errors import BadInput, NotFound, Problem
from gateway.insight.naming import find_subject
from gateway.intake.followed import cell_of
from gateway.intake.saying import Said, Saying, Speaker, To, check_words, gate
from gateway.model.contact import Contact
from gateway.model.family import ROLE as FAMILY
from gateway.model.ids import EventId, SubjectId
from gateway.rules.fuse import Limits
from gateway.runtime import Runtime
from gateway.store import audit
from gateway.store.brakes import BrakeBook
from gateway.store.fuses import Fuses
from gateway.store.keys import DAY_MS

NOTICE = "notice"
PURPOSES = ("journey", "service")
MOST = 50
"""Subjects of one notice."""
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Notice:
    """subjects: found; purpose: the consent it needs; until_ms: of no use after that (0 = twelve hours)."""

    subjects: tuple[SubjectId, ...]
    words: Mapping[str, str]
    purpose: str
    until_ms: int = 0


class Notices:
    def __init__(self, runtime: Runtime, within_s: float | None = None) -> None:
        self._r = runtime
        self._speaker = Speaker(runtime, within_s)

    async def made(self, subjects: Sequence[str], words: Mapping[str, str], purpose: str, until_ms: int = 0) -> Notice:
        """A notice, checked. subjects: flight:..., trip:..., order:..., outage:..., area:SERVICE/COUNTRY/POSTCODE, or ids.

        raises: BadInput naming every problem, NotFound for a subject that nobody knows
        """
        notification = self._r.catalogue.get(NOTICE)
        if notification is None:
            raise NotFound(f"templates/ has no {NOTICE}")
        checked = check_words(words, list(notification.languages))
        problems = []
        if not 1 <= len(subjects) <= MOST:
            problems.append(Problem("subjects", f"should be 1 to {MOST}"))
        if purpose not in PURPOSES:
            problems.append(Problem("purpose", f"should be {' or '.join(PURPOSES)}: what they agreed to hear about"))
        if until_ms and until_ms <= self._r.clock.now_ms():
            problems.append(Problem("until", "should be in the future"))
        if problems:
            raise BadInput(problems)
        book = BrakeBook(self._r.connection.redis, self._r.clock)
        found = [await self._subject(one.strip(), book) for one in subjects]
        return Notice(tuple(dict.fromkeys(found)), checked, purpose, until_ms)

    async def _subject(self, text: str, book: BrakeBook) -> SubjectId:
        if text.startswith("area:"):
            parts = text.removeprefix("area:").split("/")
            if len(parts) != 3 or not all(parts):
                raise BadInput([Problem("subjects", "an area should be area:SERVICE/COUNTRY/POSTCODE, area:internet/NL/1012")])
            return self._r.vault.subject_id("area", cell_of(*parts))
        return await find_subject(text, self._r.vault, book)

    async def audience(self, notice: Notice) -> list[To]:
        """Who follows any of its subjects, each once. Raises NotFound when nobody does."""
        people: dict[str, To] = {}
        now = self._r.clock.now_ms()
        for subject in notice.subjects:
            for partition in await self._r.subjects.partitions(subject):
                after = ""
                while page := await self._r.contacts.subscribers(partition, subject, after, _PAGE):
                    after = page[-1]
                    for contact in await self._r.contacts.get_many(page):
                        if contact is not None and contact.id not in people:
                            brand = _brand(contact, subject, now)
                            if brand is not None:
                                people[contact.id] = To(contact.id, brand, subject=subject)
        if not people:
            raise NotFound("nobody follows any of these: there is nobody to write to")
        return [people[one] for one in sorted(people)]

    async def say(self, notice: Notice, to: Sequence[To], *, who: str, why: str, dry: bool = False) -> Said:
        """Write to them. dry: count only. Raises Conflict (the fuse holds it), StoreUnavailable."""
        runtime = self._r
        notification = runtime.catalogue.get(NOTICE)
        assert notification is not None
        now = runtime.clock.now_ms()
        life_ms = notice.until_ms - now if notice.until_ms else notification.deadline.life_ms
        notification = replace(notification, purpose=notice.purpose, deadline=replace(notification.deadline, life_ms=life_ms))
        saying = Saying(self.id_of(notice), notice.subjects[0], notification, notice.words, now)
        if dry:
            return await self._speaker.say(saying, to, dry=True)
        fuses = Fuses(runtime.connection.redis, runtime.clock, runtime.vault)
        limits = Limits(runtime.settings.fuse_people, runtime.settings.fuse_second_person)
        most = await gate(fuses, limits, saying, len(to))
        said = await self._speaker.say(saying, to if most is None else to[:most])
        await fuses.told([NOTICE], said.sent)
        detail: dict[str, str | int] = {"people": said.people, "who": who, "why": why}
        await audit.write_fact(
            runtime.connection.redis, runtime.clock, "noticed", ids=[saying.event, *notice.subjects[:5]], detail=detail
        )
        return said

    def id_of(self, notice: Notice) -> EventId:
        """The same words about the same subjects on one day are one notice."""
        parts = [*sorted(notice.subjects), *sorted(f"{key}={text}" for key, text in notice.words.items()), notice.purpose]
        day = self._r.clock.now_ms() // DAY_MS
        digest = hashlib.blake2b("\x1f".join([*parts, str(day)]).encode(), digest_size=16).hexdigest()
        return self._r.vault.event_id("notice", digest)


def _brand(contact: Contact, subject: SubjectId, now_ms: int) -> str | None:
    """The brand by which they follow it; None when they do not any more, or only as somebody's family."""
    for link in contact.profile.orders:
        if link.role == FAMILY:
            continue  # what travellers are asked to do is not said to those at home
        if link.until_ms >= now_ms and subject in (link.order, *link.subjects):
            return link.brand
    return None
