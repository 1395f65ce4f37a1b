"""Unreached: one person was not told one piece of news by any channel in time. The rule, as a pure function over facts.

A message leaves a person unreached when
- it ended suppressed, expired, dead or failed at the channel,
- for a reason that nobody chose: not in CHOSEN below, where the person or the operator wanted the silence, or newer news has
  taken its place. A reason that is not known counts as not chosen,
- and it is news: no agent's reply (its agent sees it), and of a notification that the catalogue counts as news,
- and no other way is being tried: the fact names no `next` message, and within GRACE_MS no further leg of the same event,
  notification and contact was enqueued, nor did the channel turn out to have it after all.

Where we ask first whether the address is theirs (CHECKED), the answer is waited for a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.rules.verdict import Reason
from gateway.store.facts import Fact

GRACE_MS = 5_000
CHECK_MS = 15 * 60 * 1000

ENDS = frozenset({"suppressed", "expired", "dead", "failed"})
GOES_ON = frozenset({"enqueued", "accepted", "sent", "delivered", "read", "played", "replaced", "ended"})
"""Facts of the message itself after which it is on its way, arrived, or overtaken by newer news."""

CHOSEN = frozenset(
    {
        Reason.WITHDRAWN,
        Reason.OPTED_OUT_AT_CHANNEL,
        Reason.ERASING,
        Reason.BLOCKED_BY_US,
        Reason.ONLY_TO,
        Reason.REPLACED,
        Reason.ENDED,
        Reason.STOPPED,
        Reason.CAPPED,
        Reason.DISCARDED,
        Reason.UNCERTAIN_ASK,
        Reason.NIGHT_PAST_DEADLINE,
        Reason.EXPIRED_BEFORE_PLANNING,
        Reason.TOLD_ELSEWHERE,
        Reason.ALREADY_KNOWN,
        Reason.LEFT,
        Reason.NOT_IN_ROLLOUT,
        Reason.HELD_OUT,
    }
)
CHECKED = frozenset({Reason.NO_PROOF, Reason.ADDRESS_CHECK_SENT})


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that will count as unreached at `due_ms` unless something happens before. kind: how it ended."""

    message: str
    partition: int
    stream_id: str
    at_ms: int
    due_ms: int
    kind: str
    reason: str
    notification: str
    ids: tuple[str, ...]

    @property
    def leg(self) -> tuple[str, str, str]:
        """(event, notification, contact): what further legs have in common with it."""
        return _first(self.ids, "e"), self.notification, _first(self.ids, "c")

    def fact(self) -> Fact:
        """The fact that we derive from it; made again after a crash it is the same."""
        detail = {"nt": self.notification, "reason": self.reason, "was": self.kind}
        return Fact(self.partition, f"{self.stream_id}.u", self.due_ms, "unreached", self.ids, detail)


def _first(ids: tuple[str, ...], letter: str) -> str:
    return next((one for one in ids if one.startswith(letter)), "")


def reason_of(fact: Fact) -> str:
    """Why a message ended, in a word of rules/verdict.py."""
    fallback = {"failed": Reason.FAILED_AT_CHANNEL.value, "expired": Reason.EXPIRED.value}.get(fact.kind, "")
    return fact.detail.get("reason") or fallback


def begins(fact: Fact, is_news: Callable[[str], bool]) -> Pending | None:
    """What a fact makes pending, None when it leaves nobody unreached."""
    message, notification = fact.id_of("m"), fact.detail.get("nt", "")
    if fact.kind not in ENDS or not message or fact.id_of("v") or fact.detail.get("next") or not is_news(notification):
        return None
    reason = reason_of(fact)
    if reason in CHOSEN:
        return None
    wait_ms = CHECK_MS if reason in CHECKED else GRACE_MS
    return Pending(
        message=message,
        partition=fact.partition,
        stream_id=fact.stream_id,
        at_ms=fact.at_ms,
        due_ms=fact.at_ms + wait_ms,
        kind=fact.kind,
        reason=reason,
        notification=notification,
        ids=fact.ids,
    )


class Book:
    """The pending messages of one partition, changed by one fact after another, in their order."""

    def __init__(self, pending: Iterable[Pending] = ()) -> None:
        self._by_message: dict[str, Pending] = {}
        self._by_leg: dict[tuple[str, str, str], set[str]] = {}
        for one in pending:
            self._add(one)

    def __len__(self) -> int:
        return len(self._by_message)

    def all(self) -> dict[str, Pending]:
        return dict(self._by_message)

    def due(self, now_ms: int) -> list[Pending]:
        return sorted((one for one in self._by_message.values() if one.due_ms <= now_ms), key=lambda one: one.due_ms)

    def drop(self, message: str) -> None:
        one = self._by_message.pop(message, None)
        if one is not None:
            legs = self._by_leg[one.leg]
            legs.discard(message)
            if not legs:
                del self._by_leg[one.leg]

    def take_in(self, fact: Fact, is_news: Callable[[str], bool]) -> None:
        if fact.kind not in ENDS and fact.kind not in GOES_ON:
            return
        self.drop(fact.id_of("m"))
        begun = begins(fact, is_news)
        if begun is not None:
            self._add(begun)
        elif fact.kind == "enqueued":
            leg = (fact.id_of("e"), fact.detail.get("nt", ""), fact.id_of("c"))
            for message in sorted(self._by_leg.get(leg, ())):
                # Planned together (two travellers of one address) they have one time; a further leg follows an end.
                if fact.at_ms > self._by_message[message].at_ms:
                    self.drop(message)

    def _add(self, one: Pending) -> None:
        self._by_message[one.message] = one
        self._by_leg.setdefault(one.leg, set()).add(one.message)
