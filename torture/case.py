"""Everything that was seen, indexed once: messages by their facts, events by what became of them, followers, copies."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from torture.handsets import Bubble
from torture.seen import Seen, Step, Told, Verdict

ENDS = ("suppressed", "replaced", "ended", "expired", "dead", "failed", "discarded")


@dataclass
class Message:
    """A message by its facts."""

    id: str
    contact: str
    event: str
    notification: str = ""
    steps: list[Step] = field(default_factory=list)

    @property
    def planned_ms(self) -> int:
        return self.steps[0].at_ms

    @property
    def fate(self) -> Step | None:
        """The last thing that became of it, statuses of another attempt aside; None: it still waits."""
        for one in reversed(self.steps):
            if one.kind in ENDS or one.kind == "accepted":
                return one
        return None


class Case:
    """Everything indexed once, then counted piece by piece."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.verdict = Verdict()
        self.by_event = {one.event: one for one in seen.told if one.event}
        self.messages: dict[str, Message] = {}
        self.applied: dict[str, Step] = {}
        self.older: dict[str, Step] = {}
        self.kept: set[str] = set()
        self.parked: dict[str, str] = {}
        self.closed: dict[str, int] = {}
        self.withdrawals: list[Step] = []
        self.silent: dict[str, int] = {}
        self.given_up = 0
        self.followers: dict[str, dict[str, int]] = defaultdict(dict)
        for step in seen.steps:
            self._take_in(step)
        self.of_event: dict[tuple[str, str], dict[str, Message]] = defaultdict(dict)
        self.of_person: dict[tuple[str, str], list[Message]] = defaultdict(list)
        for message in self.messages.values():
            self.of_event[message.event, message.notification][message.contact] = message
            told = self.by_event.get(message.event)
            if told is not None:
                self.of_person[message.contact, told.subject].append(message)
        self.of_subject: dict[str, list[tuple[Told, str]]] = defaultdict(list)
        for event, notification in self.of_event:
            if event in self.by_event:
                self.of_subject[self.by_event[event].subject].append((self.by_event[event], notification))
        self.copies: dict[str, list[Bubble]] = defaultdict(list)
        for bubble in seen.bubbles:
            if bubble.message:
                self.copies[bubble.message].append(bubble)
        self.answers: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for (message_id, attempt), statuses in seen.answers.items():
            self.answers[message_id] += [(attempt, status) for status in statuses]
        self.arrived = {one.message for one in seen.bubbles if one.message and not one.failed}
        self.subjects: dict[str, set[str]] = defaultdict(set)
        for told in seen.told:
            if told.subject:
                self.subjects[told.subject_name].add(told.subject)

    def _take_in(self, step: Step) -> None:
        if step.message:
            message = self.messages.setdefault(step.message, Message(step.message, step.contact, step.event))
            message.contact, message.event = message.contact or step.contact, message.event or step.event
            message.notification = message.notification or step.detail.get("nt", "")
            message.steps.append(step)
        elif step.kind == "event":
            self.kept.add(step.event)
        elif step.kind == "applied":
            self.applied.setdefault(step.event, step)
        elif step.kind == "older":
            self.older.setdefault(step.event, step)
        elif step.kind == "closed":
            self.closed.setdefault(step.event, step.at_ms)
            if step.detail.get("why"):
                self.parked[step.event] = step.detail["why"]
        elif step.kind == "consent":
            if any(name.startswith("k:") and value != "g" for name, value in step.detail.items()):
                self.withdrawals.append(step)
        elif step.kind == "subscribed":
            self.followers[step.subject].setdefault(step.contact, step.at_ms)

    def newest(self) -> dict[str, Told]:
        """Per subject the newest version that was answered 202."""
        found: dict[str, Told] = {}
        for one in self.seen.told:
            if one.event and (one.subject not in found or found[one.subject].version < one.version):
                found[one.subject] = one
        return found

    def takes_out(self, newer: str, older: str) -> bool:
        """Whether a notification replaces (itself) or ends another one."""
        return newer == older or older in self.seen.ends.get(newer, frozenset())

    def over_by(self, told: Told, notification: str, at_ms: int) -> bool:
        """Whether by then an event had been applied that was newer and replaced or ended this, as somebody or other was told."""
        return any(self.applied[newer.event].at_ms <= at_ms for newer, _ in self.newer(told, notification))

    def newer(self, told: Told, notification: str) -> list[tuple[Told, str]]:
        """Applied events of its subject that are newer, with what they told somebody or other that replaces or ends this; the
        newest first."""
        found = [
            (newer, name)
            for newer, name in self.of_subject.get(told.subject, [])
            if newer.version > told.version and newer.event in self.applied and self.takes_out(name, notification)
        ]
        return sorted(found, key=lambda one: -one[0].version)

    def told_of(self, bubble: Bubble) -> Told | None:
        """The event whose message this is; None for an agent's words and for what nobody knows."""
        message = self.messages.get(bubble.message)
        return self.by_event.get(message.event) if message is not None else None

    def name(self, message: Message) -> str:
        told = self.by_event.get(message.event)
        return f"{told.name if told else message.event or 'an answer'} {message.notification} {message.id}"
