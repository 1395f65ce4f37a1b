"""The governor of roll-outs: it raises a share stage by stage while all is well, and stops it at once when something is not.

Each minute it looks at every roll-out that runs: the quality of its senders as the channel last said, and what the folded facts
say of the messages planned since its stage began. `judge` is the whole of its mind, and pure.

    stop    a sender's quality is yellow or red; more failed, or more people stopped news, than the roll-out's limits allow
    raise   the stage lasted long enough, enough people were told, and the next share still fits what the channel lets its
            senders write to in a day
    else    nothing

A stop freezes the share: it lowers nothing, and it is undone by a person alone (rules/rollout_moves.py). Each move is a fact with
`governor` as who, and why; a stopped roll-out fires the alert LimitNearlyUsed for as long as it is stopped (watch_gauges.py).

Two governors at once, or one beside a person: a move is written by compare-and-set, so one is made and the other is dropped. The
next turn looks at what is there by then. A turn that fails changes nothing and is made again a minute later. Where the history
does not answer, nothing rises; quality, which the store knows, stops it all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from gateway.clock import Clock
from gateway.directory import Directory
from gateway.errors import Conflict, StoreUnavailable
from gateway.insight.history import History
from gateway.insight.rolled import Measures
from gateway.model.ids import SenderId
from gateway.planning.rolling_start import its_senders
from gateway.rules import rollout_moves
from gateway.rules.rollout import PLACES, Rollout, State, percent
from gateway.rules.warm_up import fits
from gateway.store.rollouts import Rollouts
from gateway.store.senders import Senders, SenderState

WHO = "governor"
BAD = ("YELLOW", "RED")
WINDOW_MS = 7 * 24 * 3600_000
"""A stage that lasts longer is judged by its last days."""
DAY_MS = 24 * 3600_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Move:
    """kind: the fact's."""

    kind: str
    after: Rollout


def judge(
    one: Rollout, found: Measures | None, senders: Mapping[SenderId, SenderState], *, people_a_day: int, now_ms: int
) -> Move | None:
    """What is to be done with a roll-out now, None = nothing.

    found: of its stage, None = not known, so that only quality is looked at; senders: those that it goes by
    people_a_day: whom its news was for in the last 24 hours, told or not
    """
    if one.state is not State.RUNNING:
        return None
    wrong = _wrong(one, found, senders)
    if wrong:
        return Move("rollout_stopped", rollout_moves.stopped(one, who=WHO, why=wrong))
    stage = one.stages[one.stage] if one.stage >= 0 else None
    following = one.next_stage
    if found is None or stage is None or following is None:
        return None
    if now_ms - one.since_ms < stage.least_ms or found.told < stage.least_people:
        return None
    tiers = [state.tier for state in senders.values() if state.tier > 0]
    if tiers and not fits(following.share, people_a_day, min(tiers)):
        return None
    why = f"{found.told} people told, {found.failed} of {found.messages} failed, {found.opted_out} stopped news"
    return Move("rollout_raised", rollout_moves.raised(one, following.share, who=WHO, why=why))


def _wrong(one: Rollout, found: Measures | None, senders: Mapping[SenderId, SenderState]) -> str:
    bad = sorted(f"{sender} is {state.quality.lower()}" for sender, state in senders.items() if state.quality.upper() in BAD)
    if bad:
        return "quality of " + ", ".join(bad)
    limits = one.limits
    if found is None or found.told < limits.least:
        return ""
    if found.failed * PLACES > limits.failed * found.messages:
        return f"{found.failed} of {found.messages} messages failed, more than {percent(limits.failed)}"
    if found.opted_out * PLACES > limits.opted_out * found.told:
        return f"{found.opted_out} of {found.told} people stopped news, more than {percent(limits.opted_out)}"
    return ""


class Governor:
    def __init__(self, book: Rollouts, senders: Senders, directory: Directory, history: History, clock: Clock) -> None:
        self._book = book
        self._senders = senders
        self._directory = directory
        self._history = history
        self._clock = clock

    async def turn(self) -> list[Move]:
        """Look at each once; what was done. Raises StoreUnavailable."""
        done = []
        for one in await self._book.all():
            if one.state is not State.RUNNING:
                continue
            move = await self._judged(one)
            if move is None:
                continue
            try:
                await self._book.change(one, move.after, move.kind)
            except Conflict:
                log.info("rollout.changed_meanwhile", rollout=one.name)
                continue
            log.info("rollout.governed", rollout=one.name, move=move.kind, why=move.after.why)
            done.append(move)
        return done

    async def _judged(self, one: Rollout) -> Move | None:
        now = self._clock.now_ms()
        states = await self._senders.states(its_senders(self._directory, one.match.senders, one.match.brands))
        found, people = None, 0
        try:
            found = await self._history.rolled(one.name, since_ms=max(one.since_ms, now - WINDOW_MS), until_ms=now + 1)
            if one.next_stage is not None:
                day = await self._history.rolled(one.name, since_ms=max(one.began_ms, now - DAY_MS), until_ms=now + 1)
                people = day.told + day.left_out + day.held_out
        except StoreUnavailable as error:  # without figures nothing rises, and bad quality stops it all the same
            found = None
            log.warning("rollout.no_figures", rollout=one.name, error=str(error))
        return judge(one, found, states, people_a_day=people, now_ms=now)
