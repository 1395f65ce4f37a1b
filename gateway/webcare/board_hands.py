"""The board's brakes: what each will do, said before it is done, and doing it. By the same functions as the API and
the commands.

Whoever does it is named by their agent's id, which is also how "somebody else confirms" is decided; each leaves its fact, which
is an entry of the audit (insight/audit.py). Nothing here knows more than one installation-wide permission: board.may_brake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.api.rollouts import moved
from gateway.clock import Clock
from gateway.errors import BadInput, Conflict, NotFound, Problem
from gateway.insight.naming import find_subject
from gateway.model.agent import AgentId
from gateway.model.ids import EventId, SenderId, SubjectId, is_id
from gateway.rules.rollout import percent
from gateway.store.alarms import Alarms
from gateway.store.audit import Audit
from gateway.store.brakes import BrakeBook
from gateway.store.events import Events
from gateway.store.fuses import Fuses, Held
from gateway.store.incidents import PREFIX, Crisis, Incidents, Request, people_of, standing
from gateway.store.rollouts import Rollouts
from gateway.store.senders import Stop
from gateway.store.signs import Signs
from gateway.store.subjects import Subjects
from gateway.store.vault import Vault
from gateway.webcare import fields

COUNT_S = 10.0
WHY_MAX = 200
CRISIS_QUEUE = "crisis"


@dataclass(frozen=True, slots=True)
class Hands:
    """second: above how many people a release takes two"""

    book: BrakeBook
    fuses: Fuses
    incidents: Incidents
    subjects: Subjects
    events: Events
    rollouts: Rollouts
    alarms: Alarms
    signs: Signs
    audit: Audit
    vault: Vault
    clock: Clock
    second: int
    senders: tuple[SenderId, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a brake would do. key: of the words that say it, `board.do.KEY`; places: what stands in them; revision: of a roll-out

    wants: "" or "subject", what must be typed beside the reason
    """

    do: str
    target: str
    key: str
    places: Mapping[str, str | int]
    revision: int = 0
    wants: str = ""


@dataclass(frozen=True, slots=True)
class Did:
    """key: `board.did.KEY` says what was done. done False: it is asked for, somebody else must confirm"""

    key: str
    done: bool = True


async def ask(hands: Hands, who: AgentId, do: str, target: str) -> Asked:
    """What it would do, and to how many. Raises NotFound, BadInput, Conflict; TimeoutError where counting takes too long."""
    asks: Mapping[str, Callable[[Hands, AgentId, str], Awaitable[Asked]]] = {
        "stop": _ask_stop, "resume": _ask_resume, "release": _ask_release, "discard": _ask_discard, "crisis": _ask_crisis,
        "lift": _ask_lift, "raise": _ask_stage, "lower": _ask_stage, "hold": _ask_stage, "unhold": _ask_stage,
    }  # fmt: skip
    if do not in asks:
        raise NotFound("no such brake")
    async with asyncio.timeout(COUNT_S):
        found = await asks[do](hands, who, target)
    return found if found.do else Asked(do, target, f"{do}{found.key}", found.places, found.revision, found.wants)


async def _ask_stop(hands: Hands, who: AgentId, target: str) -> Asked:
    await _running(hands, target)
    return Asked("", target, "", {"what": target, "n": await _waiting(hands, target)})


async def _ask_resume(hands: Hands, who: AgentId, target: str) -> Asked:
    _no_crisis(target)
    if not any(one.scope == target for one in await hands.book.stops()):
        raise NotFound("this is not stopped any more")
    return Asked("", target, "", {"what": target, "n": await _waiting(hands, target)})


async def _ask_release(hands: Hands, who: AgentId, target: str) -> Asked:
    held, asked = await _held(hands, target)
    if asked is not None and asked.who == who:
        raise Conflict("you asked for this already: somebody else confirms")
    alone = asked is not None or not 0 < hands.second < held.people
    return Asked("", target, "" if alone else ".two", {"n": held.rest, "what": ", ".join(held.notifications)})


async def _ask_discard(hands: Hands, who: AgentId, target: str) -> Asked:
    """It takes one, whoever asked for a release: also that very person, who saw that it is wrong."""
    held, _ = await _held(hands, target)
    return Asked("", target, "", {"n": held.rest, "what": ", ".join(held.notifications)})


async def _held(hands: Hands, target: str) -> tuple[Held, Request | None]:
    """What is held, and who asked that all of it goes, as far as that can still be confirmed."""
    held = await hands.fuses.get(EventId(target)) if is_id(target, "e") else None
    if held is None or not held.waits:
        raise NotFound("this is not held any more")
    return held, standing(held.asked, hands.clock.now_ms()) if held.asked_part is None else None


async def _ask_crisis(hands: Hands, who: AgentId, target: str) -> Asked:
    return Asked("", target, "", {}, wants="subject")


async def _ask_lift(hands: Hands, who: AgentId, target: str) -> Asked:
    found = next((one for one in await hands.incidents.all() if one.subject == target), None)
    if found is None:
        raise NotFound("there is no crisis about it")
    asked = standing(found.asked, hands.clock.now_ms())
    if asked is not None and asked.who == who:
        raise Conflict("you asked for this already: somebody else confirms")
    count = await _waiting(hands, f"subject:{target}")
    return Asked("", target, "" if asked is not None else ".two", {"what": found.said, "n": count})


async def _ask_stage(hands: Hands, who: AgentId, target: str) -> Asked:
    name, _, share = target.partition("@")
    found = await hands.rollouts.get(name)
    to = int(share) if share.isascii() and share.isdigit() else found.share
    return Asked("", target, "", {"what": name, "old": percent(found.share), "new": percent(to)}, revision=found.revision)


async def do_it(hands: Hands, who: AgentId, do: str, target: str, body: Mapping[str, Any]) -> Did:
    """body: why; subject for a crisis; revision for a roll-out. Raises as `ask`, and StoreUnavailable."""
    why = fields.words(body, WHY_MAX, "why").reveal()
    match do:
        case "stop":
            await _running(hands, target)
            await hands.book.stop(Stop(target, 0, who, why, hands.clock.now_ms()))
        case "resume":
            _no_crisis(target)
            ids = [target.partition(":")[2]] if target.startswith("subject:") else []
            if not await hands.book.resume(target, who=who, why=why, ids=ids):
                raise NotFound("this is not stopped any more")
        case "release" | "discard":
            return await _let_go(hands, who, do, target, why)
        case "crisis":
            said = fields.words(body, 120, "subject").reveal()
            subject = await find_subject(said, hands.vault, hands.book)
            people = await people_of(hands.subjects, subject)
            await hands.incidents.begin(Crisis(subject, people, said, CRISIS_QUEUE, who, why, hands.clock.now_ms()))
        case "lift":
            if not is_id(target, "j"):
                raise NotFound("there is no crisis about it")
            lifted, _ = await hands.incidents.lift(SubjectId(target), who=who, why=why)
            return Did(do, lifted)
        case "raise" | "lower" | "hold" | "unhold":
            name, _, share = target.partition("@")
            seen = await hands.rollouts.get(name)
            if fields.whole(body, "revision") != seen.revision:
                raise Conflict(f"the roll-out {name} has changed since you looked")
            if do in ("raise", "lower") and not (share.isascii() and share.isdigit()):
                raise BadInput([Problem("target", "should be NAME@SHARE")])
            # `resume` is the word for a stop on this page.
            await moved(hands.rollouts, seen, "resume" if do == "unhold" else do, int(share or 0), who=who, why=why)
        case _:
            raise NotFound("no such brake")
    return Did(do)


async def _let_go(hands: Hands, who: AgentId, do: str, target: str, why: str) -> Did:
    if not is_id(target, "e"):
        raise NotFound("this is not held any more")
    event, done = EventId(target), True
    if do == "discard":
        await hands.fuses.discard(event, who=who, why=why)
    else:
        done, _ = await hands.fuses.release(event, who=who, why=why, part=None, second=hands.second)
    if done:
        await hands.events.reopen(event)
    return Did(do, done)


def _scope(hands: Hands, target: str) -> None:
    """What the board may stop: everything automatic, or a sender. Finer brakes are the commands'. Raises BadInput."""
    if target != "all" and target not in {f"sender:{one}" for one in hands.senders}:
        raise BadInput([Problem("target", "should be all or sender:ID")])


async def _running(hands: Hands, target: str) -> None:
    """Raises BadInput as `_scope`; Conflict where it is stopped for good already: who did it and why would be lost, and whoever
    lifts it should know that it was after a restore."""
    _scope(hands, target)
    if any(one.scope == target and not one.until_ms for one in await hands.book.stops()):
        raise Conflict("this is stopped already: nothing of it leaves")


def _no_crisis(target: str) -> None:
    """A crisis stands among the stops; it is ended by two people and not lifted by one. Raises NotFound."""
    if target.startswith(PREFIX):
        raise NotFound("this is not stopped any more")


async def _waiting(hands: Hands, scope: str) -> int:
    """How many messages are, or would be, behind a brake; those of all senders where the scope does not tell."""
    kind, _, rest = scope.partition(":")
    if kind == "subject":
        return await hands.book.waiting(hands.senders, lambda record: record.subject == rest)
    if kind == "notification":
        return await hands.book.waiting(hands.senders, lambda record: record.notification == rest)
    return await hands.book.waiting([rest] if kind == "sender" else hands.senders)


