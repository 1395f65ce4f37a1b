"""An incident as the history would have it: a channel that takes nothing for twelve minutes, and a brake."""

from __future__ import annotations

from gateway.insight.history import Batch, History, Position
from gateway.model.ids import MessageId
from gateway.store.facts import Fact

BEGIN = 1_763_798_400_000
"""22 Nov 2025, 08:00 UTC"""
MINUTE = 60_000
SUBJECT, OTHER = "j11aaaaaaaaaaa", "j12bbbbbbbbbbb"
EVENT, LATER_EVENT = "e11aaaaaaaaaaaaaaaa", "e12bbbbbbbbbbbbbbbb"


class Story:
    """Facts of one partition in the order in which they are told."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def tell(self, at_ms: int, kind: str, *ids: str, **detail: object) -> None:
        words = {name: str(value) for name, value in detail.items()}
        self.facts.append(Fact(7, f"{at_ms}-{len(self.facts)}", at_ms, kind, ids, words))

    def message(self, number: int, *, subject: str = SUBJECT, event: str = EVENT) -> tuple[str, ...]:
        """Its ids: message, contact, subject, event."""
        return MessageId(f"m07{number:020d}"), f"c07{number % 1000:013d}", subject, event

    def planned(self, at_ms: int, ids: tuple[str, ...], notification: str, sender: str = "air", **detail: object) -> None:
        self.tell(at_ms, "enqueued", *ids, nt=notification, s=sender, p=2, dl=at_ms + 3600_000, **detail)

    def told(self, at_ms: int, ids: tuple[str, ...], notification: str, sender: str = "air", *, delivered: int = 2000) -> None:
        self.tell(at_ms, "accepted", *ids, attempt=1, s=sender, nt=notification)
        if delivered:
            self.tell(at_ms + delivered, "delivered", *ids, at=at_ms + delivered)

    async def keep(self, history: History) -> None:
        last = self.facts[-1].stream_id
        at = (await history.positions([7]))[7]
        facts = tuple(sorted(self.facts, key=lambda fact: fact.order))
        await history.commit([Batch(7, at, Position(last, last), facts)])


def outage() -> Story:
    """100 people hear of a delay 12 minutes late and later, 3 twice, 5 never; 40 of a second flight at once; a brake on gates."""
    story, t = Story(), BEGIN
    story.tell(t - 40 * MINUTE, "stopped", scope="notification:survey", who="ada", why="too many")
    story.tell(t - 30 * MINUTE, "stopped", scope="sender:rail", who="ada", why="done long before", until=t - 20 * MINUTE)
    story.tell(t, "event", EVENT, SUBJECT, type="flight.status")
    for number in range(105):
        ids = story.message(number)
        story.planned(t + 200, ids, "flight_delayed", "air" if number % 4 else "air-page")
        story.tell(t + 1000, "retry", *ids, attempt=1, at=t + 30_000, why="retry")
        if number >= 100:
            story.tell(t + 30 * MINUTE, "expired", *ids, nt="flight_delayed", reason="expired")
            story.tell(t + 30 * MINUTE + 5000, "unreached", *ids, nt="flight_delayed", reason="expired", was="expired")
            continue
        story.told(t + 12 * MINUTE + number * 3000, ids, "flight_delayed", "air" if number % 4 else "air-page")
        if number < 3:
            story.tell(t + 12 * MINUTE + number * 3000, "uncertain", *ids, attempt=1, why="no_answer")
            story.tell(t + 14 * MINUTE, "double", *ids, attempt=2)
    story.tell(t + 5 * MINUTE, "stopped", scope="notification:gate_changed", who="ben", why="channel is down <script>")
    for number in range(200, 210):
        ids = story.message(number)
        story.tell(t + 6 * MINUTE, "suppressed", *ids, nt="gate_changed", reason="no_consent")
    for number in range(210, 220):
        ids = story.message(number)
        story.planned(t + 6 * MINUTE, ids, "gate_changed")
        story.tell(t + 6 * MINUTE + 500, "later", *ids, attempt=0, at=t + 20 * MINUTE, why="stopped")
        story.tell(t + 20 * MINUTE, "replaced", *ids, nt="gate_changed", reason="replaced", by=LATER_EVENT)
    story.tell(t + 15 * MINUTE, "resumed", scope="notification:gate_changed", who="ben")
    story.tell(t + 16 * MINUTE, "event", LATER_EVENT, OTHER, type="flight.status")
    for number in range(300, 340):
        ids = story.message(number, subject=OTHER, event=LATER_EVENT)
        story.planned(t + 16 * MINUTE + 100, ids, "flight_departed")
        story.told(t + 16 * MINUTE + 900, ids, "flight_departed", delivered=0)
    return story
