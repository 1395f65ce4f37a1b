"""The story of one thing: every step in time order, in words, with what it is linked to and what to do next.

Reads the history and what is not folded yet, so a step is shown at once. Our ids, times and reasons only: a booking code that is
asked for is looked up by its keyed hash and not repeated anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.errors import NotFound
from gateway.insight.unreached import ENDS, reason_of
from gateway.model.family import PURPOSE
from gateway.model.ids import is_id
from gateway.rules.verdict import Reason
from gateway.store.facts import Fact, Facts
from gateway.store.keys import all_partitions
from gateway.store.vault import Vault

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start: only what opens the history pays for it
    from gateway.insight.history import History

FAMILIES = ("order", "flight", "trip", "outage", "appointment")
WHAT = {"m": "message", "e": "event", "j": "subject", "c": "contact", "v": "conversation", "d": "page"}
FULL_MESSAGES = 20
"""For an event or subject with more messages than this they are summed up, not told one by one."""
GAP_AFTER_MS = 3600_000
"""A gap found this long after the last step may be why there is no further one."""
_OF_FAMILY = frozenset({"family_made", "family_joined", "family_left", "family_door", "family_steered", "family_ended"})
_ORIGIN = frozenset({"event", "applied", "older", "closed"})

UNKNOWN = (
    "nothing is known of that. An id of ours is a letter, two digits and 11 to 20 characters: m07... a message, e42... an event, "
    "j11... a subject, c07... a contact, v07... a conversation, d07... a page. "
    "A booking code or a flight is written as its source writes it: "
    "ZX7K2P, ZZ1007/2026-11-22/AMS. What is older than the retention is gone."
)


@dataclass(frozen=True, slots=True)
class Story:
    """what: message, event, subject, family, contact, conversation or page. steps: facts in time order.

    outcomes: for many messages, how each stands, counted: "delivered" -> 1204, "suppressed: no_consent" -> 13
    at_home:  of an event or subject the same of its messages to members of families alone, however few
    linked:   kind of id -> ids that the steps name, at most 20 of a kind
    advice:   the next useful command, without "python main.py"
    """

    id: str
    what: str
    steps: tuple[Fact, ...]
    outcomes: Mapping[str, int]
    linked: Mapping[str, tuple[str, ...]]
    advice: str
    at_home: Mapping[str, int] = field(default_factory=dict)


async def find(text: str, *, vault: Vault, history: History, facts: Facts) -> Story:
    """The story of an id, or of an entity as a source writes it. Raises NotFound, saying what ids look like."""
    fresh = await facts.unfolded({one: at.stream_id for one, at in (await history.positions(list(all_partitions()))).items()})
    for candidate in candidates(text, vault):
        steps = await _with([candidate], history, fresh)
        if steps:
            return await _story(candidate, steps, history, fresh)
    raise NotFound(UNKNOWN)


async def facts_about(identifier: str, *, history: History, facts: Facts) -> list[Fact]:
    """Every fact that names an id of ours, folded or not, in time order."""
    fresh = await facts.unfolded({one: at.stream_id for one, at in (await history.positions(list(all_partitions()))).items()})
    return await _with([identifier], history, fresh)


def candidates(text: str, vault: Vault) -> list[str]:
    """The ids that a text may mean: itself, or the subjects of that name in each family, as written and in capitals.

    With its family before it (flight:...) it is one of that family.
    """
    text = text.strip()
    lower = text.lower()
    if any(is_id(lower, letter) for letter in WHAT):
        return [lower]
    kind, _, name = text.partition(":")
    if kind.lower() in FAMILIES and 0 < len(name) <= 200:
        return [vault.subject_id(kind.lower(), one) for one in dict.fromkeys((name, name.upper(), name.lower()))]
    names = dict.fromkeys((text, text.upper(), lower)) if 0 < len(text) <= 200 else {}
    return [vault.subject_id(family, name) for name in names for family in FAMILIES]


async def _with(ids: Sequence[str], history: History, fresh: Sequence[Fact]) -> list[Fact]:
    """Facts that name any of these ids; one that was folded a moment ago is there once."""
    wanted = set(ids)
    found = {(fact.partition, fact.stream_id): fact for fact in await history.of_ids(wanted)}
    found |= {(fact.partition, fact.stream_id): fact for fact in fresh if wanted & set(fact.ids)}
    return sorted(found.values(), key=lambda fact: fact.order)


async def _story(identifier: str, steps: list[Fact], history: History, fresh: Sequence[Fact]) -> Story:
    what = "family" if any(fact.kind in _OF_FAMILY and fact.id_of("j") == identifier for fact in steps) else WHAT[identifier[0]]
    messages = _ids(steps, "m")
    outcomes: dict[str, int] = {}
    at_home: dict[str, int] = {}
    if what == "message":
        # Where it came from belongs to its story; what else its event did does not.
        events = _ids(steps, "e")
        if events:
            origin = await _with(events, history, fresh)
            steps = _merge(steps, [fact for fact in origin if fact.kind in _ORIGIN])
    elif len(messages) > FULL_MESSAGES:
        outcomes, at_home = outcomes_of(steps), outcomes_of(at_home_of(steps))
        steps = [fact for fact in steps if not fact.id_of("m")]
    elif messages:
        steps = _merge(steps, await _with(messages, history, fresh))
        at_home = outcomes_of(at_home_of(steps)) if identifier[0] in "ej" else {}
    gaps = await history.of_kinds(["gap"], since_ms=steps[0].at_ms, until_ms=steps[-1].at_ms + GAP_AFTER_MS)
    partitions = {fact.partition for fact in steps}
    steps = _merge(steps, [fact for fact in gaps if fact.partition in partitions])
    linked = {
        name: tuple(one for one in _ids(steps, letter) if one != identifier)[:20] for letter, name in WHAT.items()
    }
    return Story(
        id=identifier,
        what=what,
        steps=tuple(steps),
        outcomes=outcomes,
        linked={name: ids for name, ids in linked.items() if ids},
        advice=f"families show {identifier}" if what == "family" else advice(identifier, steps),
        at_home=at_home,
    )


def _merge(some: list[Fact], more: list[Fact]) -> list[Fact]:
    found = {(fact.partition, fact.stream_id): fact for fact in (*some, *more)}
    return sorted(found.values(), key=lambda fact: fact.order)


def _ids(steps: Sequence[Fact], letter: str) -> list[str]:
    return list(dict.fromkeys(one for fact in steps for one in fact.ids if one.startswith(letter)))


def outcomes_of(steps: Sequence[Fact]) -> dict[str, int]:
    """How each message among these facts stands now, counted, most frequent first."""
    stands: dict[str, str] = {}
    for fact in steps:
        message = fact.id_of("m")
        if message and fact.kind not in ("unreached", "double"):
            reason = reason_of(fact) if fact.kind in ENDS else ""
            stands[message] = f"{fact.kind}: {reason}" if reason else fact.kind
    return dict(Counter(stands.values()).most_common())


def at_home_of(steps: Sequence[Fact]) -> list[Fact]:
    """The facts of messages to members of families: those that were planned as such, and others of the same notifications."""
    names = {fact.detail.get("nt") for fact in steps if fact.detail.get("pu") == PURPOSE}
    messages = {fact.id_of("m") for fact in steps if "nt" in fact.detail and fact.detail["nt"] in names}
    return [fact for fact in steps if fact.id_of("m") in messages]


def advice(identifier: str, steps: Sequence[Fact]) -> str:
    """What to look at or do next, by how the story stands."""
    own = [fact for fact in steps if identifier in fact.ids]
    last = own[-1] if own else steps[-1]
    match identifier[0]:
        case "m":
            return _message_advice(identifier, own)
        case "e" | "j":
            bad = next((fact for fact in reversed(own) if fact.kind in ("dead", "failed", "unreached")), None)
            if bad is not None:
                return f"trace {bad.id_of('m')}"
            if last.kind == "closed" and "why" in last.detail:
                return f"events replay {identifier}"
            other = last.id_of("m") or (last.id_of("e") if identifier[0] == "j" else last.id_of("j"))
            return f"trace {other}" if other else "doctor"
        case "v" | "d":
            return f"trace {last.id_of('c')}" if last.id_of("c") else "doctor"
        case _:
            return f"contacts show {identifier}"


def _message_advice(message: str, own: Sequence[Fact]) -> str:
    last = next((fact for fact in reversed(own) if fact.kind not in ("unreached", "double")), own[-1])
    contact, reason = last.id_of("c"), reason_of(last) if last.kind in ENDS else ""
    match last.kind:
        case "dead" | "failed":
            return f"dead-letters show {message}"
        case "suppressed" | "expired":
            if reason.startswith("template_"):
                return "templates status"
            if reason == Reason.STOPPED:
                return "resume --list"
            return f"contacts show {contact}" if contact else "doctor"
        case "replaced" | "ended":
            by = last.detail.get("by", "")
            return f"trace {by}" if by else f"trace {last.id_of('j') or last.id_of('e')}"
        case "delivered" | "read" | "played" | "sent" | "accepted":
            return f"trace {contact}" if contact else "doctor"
        case _:
            return "doctor"
