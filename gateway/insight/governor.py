"""The governor of roll-outs: it raises a share stage by stage while all is well, and stops it at once when something is not.

Each minute it looks at every roll-out that runs: the quality of its senders as the channel last said, and what the folded facts
say of the messages planned since its stage began. `judge` is the whole of its mind, and pure.

    stop    a sender's quality is yellow or red; more failed, or more people stopped news, than the roll-out's limits allow
    raise   the stage lasted long enough, enough people were told, and the next share still fits what the channel lets its
            senders write to in a day
    else    nothing

Quality is looked at first, of all of them, for it needs no figures. Figures may take long, or not come: who was not looked at in
one turn comes first in the next. Nothing rises while the fold is behind: what failed, and who stopped news, may be in what is not
folded yet. A scheduler that comes back after a night finds that its stage lasted long enough, and waits for the night's facts.

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
from gateway.store import keys
from gateway.store.facts import Facts
from gateway.store.rollouts import Rollouts
from gateway.store.senders import Senders, SenderState

WHO = "governor"
RAISED = "rollout_raised"
BAD = ("YELLOW", "RED")
WINDOW_MS = 7 * 24 * 3600_000
"""A stage that lasts longer is judged by its last days."""
DAY_MS = 24 * 3600_000
BEHIND_S = 60.0
"""The fold is a second behind where all is well."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Move:
    """kind: the fact's."""

    kind: str
    after: Rollout


def judge(
    one: Rollout, found: Measures | None, senders: Mapping[SenderId, SenderState], *, people_a_day: float, now_ms: int,
    whole: bool = True,
) -> Move | None:  # fmt: skip
    """What is to be done with a roll-out now, None = nothing.

    found: of its stage, None = not known, so that only quality is looked at; senders: those that it goes by
    people_a_day: whom its news is for in 24 hours, told or not
    whole: nothing of note is missing in `found`; else it can stop, and cannot rise
    """
    if one.state is not State.RUNNING:
        return None
    wrong = _wrong(one, found, senders)
    if wrong:
        return Move("rollout_stopped", rollout_moves.stopped(one, who=WHO, why=wrong))
    stage = one.stages[one.stage] if one.stage >= 0 else None
    following = one.next_stage
    if found is None or not whole or stage is None or following is None:
        return None
    if now_ms - one.since_ms < stage.least_ms or found.told < stage.least_people:
        return None
    tiers = [state.tier for state in senders.values() if state.tier > 0]
    if tiers and not fits(following.share, people_a_day, min(tiers)):
        return None
    why = f"{found.told} people told, {found.failed} of {found.messages} failed, {found.opted_out} stopped news"
    return Move(RAISED, rollout_moves.raised(one, following.share, who=WHO, why=why))


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
    def __init__(
        self, book: Rollouts, facts: Facts, senders: Senders, directory: Directory, history: History, clock: Clock
    ) -> None:
        self._book = book
        self._facts = facts
        self._senders = senders
        self._directory = directory
        self._history = history
        self._clock = clock
        self._last = ""
        """the name of the one whose figures were asked for last"""

    async def turn(self) -> list[Move]:
        """Look at each once; what was done. Raises StoreUnavailable."""
        done, well = [], []
        for one in await self._book.all():
            if one.state is not State.RUNNING:
                continue
            states = await self._senders.states(its_senders(self._directory, one.match.senders, one.match.brands))
            move = judge(one, None, states, people_a_day=0, now_ms=self._clock.now_ms())
            if move is None:
                well.append((one, states))
            elif await self._made(one, move):
                done.append(move)
        for one, states in sorted(well, key=lambda entry: (entry[0].name <= self._last, entry[0].name)):
            self._last = one.name
            move = await self._by_figures(one, states)
            if move is not None and await self._made(one, move):
                done.append(move)
        return done

    async def _made(self, one: Rollout, move: Move) -> bool:
        try:
            await self._book.change(one, move.after, move.kind)
        except Conflict:
            log.info("rollout.changed_meanwhile", rollout=one.name)
            return False
        log.info("rollout.governed", rollout=one.name, move=move.kind, why=move.after.why)
        return True

    async def _by_figures(self, one: Rollout, states: Mapping[SenderId, SenderState]) -> Move | None:
        now = self._clock.now_ms()
        try:
            # Before the figures: what is folded while they are read is one more reason to wait, and no less.
            folded = await self._history.positions(keys.all_partitions())
            whole = await self._facts.oldest_after({place: one.stream_id for place, one in folded.items()}) < BEHIND_S
            found = await self._history.rolled(one.name, since_ms=max(one.since_ms, now - WINDOW_MS), until_ms=now + 1)
            move = judge(one, found, states, people_a_day=0, now_ms=now, whole=whole)
            if move is None or move.kind != RAISED:
                return move
            people = await self._people_a_day(one, now)  # a second count as long as the first: only where all else is well
        except StoreUnavailable as error:
            log.warning("rollout.no_figures", rollout=one.name, error=str(error))
            return None
        return judge(one, found, states, people_a_day=people, now_ms=now, whole=whole)

    async def _people_a_day(self, one: Rollout, now: int) -> float:
        """Of the last 24 hours; one that is younger is taken to go on as it began."""
        since = max(one.began_ms, now - DAY_MS)
        people = await self._history.rolled_people(one.name, since_ms=since, until_ms=now + 1)
        return people * DAY_MS / max(now - since, 1)
