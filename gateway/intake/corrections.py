"""Taking back what was wrong: a correction to exactly those who were handed it, at each address where they have it, once.

Who was handed it is read from facts and records: a message of this event and notification that the channel accepted. Who was only
to be told, and was not, hears nothing; nor does anybody hear twice, however often this is run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.errors import BadInput, NotFound, Problem
from gateway.intake.saying import Said, Saying, Speaker, To, check_words, gate
from gateway.model.ids import EventId, MessageId, SubjectId
from gateway.model.message import MessageRecord, MessageState
from gateway.notifications.model import Notification
from gateway.rules.fuse import Limits
from gateway.runtime import Runtime
from gateway.store import audit, keys
from gateway.store.facts import Facts
from gateway.store.fuses import Fuses

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start: only what opens the history pays for it
    from gateway.insight.history import History

CORRECTION = "correction"
_PAGE = 500
_MOST = 5_000_000


@dataclass(frozen=True, slots=True)
class Handed:
    """Who has a wrong message: one record an address."""

    event: EventId
    notification: str
    records: tuple[MessageRecord, ...]

    @property
    def people(self) -> int:
        return len({one.contact for one in self.records})

    @property
    def subject(self) -> SubjectId:
        return SubjectId(str(self.records[0].subject))


class Corrector:
    def __init__(self, runtime: Runtime, history: History, within_s: float | None = None) -> None:
        self._r = runtime
        self._history = history
        self._speaker = Speaker(runtime, within_s)

    async def handed(self, event: EventId, notification: str | None = None) -> Handed:
        """Who was handed this event's notification. None: the only one that anybody was handed.

        raises: NotFound when nobody was, or it is forgotten; BadInput naming the notifications there are
        """
        messages = await self._messages(event)
        found: dict[tuple[str, str], MessageRecord] = {}
        for begin in range(0, len(messages), _PAGE):
            for record in await self._r.outbox.headers(messages[begin : begin + _PAGE]):
                if record.state is MessageState.ACCEPTED and record.event == event and record.notification != CORRECTION:
                    found.setdefault((record.notification, f"{record.contact}{record.address}"), record)
        counts = Counter(name for name, _ in found)
        if not counts:
            raise NotFound("nobody was handed a message of this event, or it is over 8 days ago: there is nobody to write to")
        if notification is None and len(counts) > 1:
            told = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
            raise BadInput([Problem("notification", f"should say which one was wrong: {told}")])
        name = notification or next(iter(counts))
        if name not in counts:
            raise BadInput([Problem("notification", f"nobody was handed this one; there are {', '.join(sorted(counts))}")])
        return Handed(event, name, tuple(one for (known, _), one in sorted(found.items()) if known == name))

    async def _messages(self, event: EventId) -> list[MessageId]:
        """Every message ever planned for an event: of the history, and of the facts not folded yet."""
        positions = await self._history.positions(list(keys.all_partitions()))
        facts = await self._history.of_ids([event], limit=_MOST)
        facts += await Facts(self._r.connection.redis).unfolded({number: one.stream_id for number, one in positions.items()})
        return list(dict.fromkeys(MessageId(one.id_of("m")) for one in facts if event in one.ids and one.id_of("m")))

    async def correct(
        self, handed: Handed, words: Mapping[str, str], *, who: str, why: str, dry: bool = False
    ) -> Said:
        """Write to them. dry: count only.

        raises: BadInput (words), Conflict (the fuse holds it), NotFound (no such notification any more), StoreUnavailable
        """
        notification = self._notification(handed.notification)
        checked = check_words(words, list(notification.languages))
        saying = Saying(handed.event, handed.subject, notification, checked, self._r.clock.now_ms())
        to = [self._to(handed.notification, record) for record in handed.records]
        if dry:
            return await self._speaker.say(saying, to, dry=True)
        settings = self._r.settings
        fuses = Fuses(self._r.connection.redis, self._r.clock, self._r.vault)
        limits = Limits(settings.fuse_people, settings.fuse_second_person)
        held = replace(saying, event=EventId(self._r.vault.event_id("correction", f"{handed.event} {handed.notification}")))
        most = await gate(fuses, limits, held, handed.people)
        said = await self._speaker.say(saying, to if most is None else to[:most])
        detail: dict[str, str | int] = {"scope": handed.notification, "people": said.people, "who": who, "why": why}
        await audit.write_fact(self._r.connection.redis, self._r.clock, "corrected", ids=[handed.event], detail=detail)
        return said

    def _notification(self, wrong: str) -> Notification:
        """The correction, under the purpose and with the urgency of what was wrong: who gave no consent to that has none here."""
        correction, original = self._r.catalogue.get(CORRECTION), self._r.catalogue.get(wrong)
        if correction is None or original is None:
            raise NotFound(f"templates/ has no {CORRECTION if correction is None else wrong}")
        return replace(correction, purpose=original.purpose, priority=original.priority, night=original.night)

    def _to(self, notification: str, record: MessageRecord) -> To:
        sender = self._r.directory.get(record.sender)
        brand = sender.brand if sender is not None else self._r.settings.brand
        return To(record.contact, brand, record.address, f"{notification}:{record.address}")


def shown(said: Said) -> list[Mapping[str, str | int]]:
    """(channel, language, as what or why not) -> people, for programs and tables."""
    rows: Sequence[tuple[tuple[str, str, str], int]] = sorted((said.counts or Counter()).items())
    return [{"channel": one[0], "language": one[1], "what": one[2], "count": count} for one, count in rows]
