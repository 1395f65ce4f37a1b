"""What may become of a roll-out, by a person's word or the governor's. Pure: each gives the roll-out as it is afterwards.

    running --raise, lower--> running      by a person at any time; by the governor, one stage up, when a stage has done well
    running --hold--> held                 a person freezes the share
    running --stop--> stopped              the governor freezes it: quality, failures, opt-outs
    held, stopped --resume--> running      a person only
    any --end--> gone                      everybody is told

A stop freezes the share and does not lower it. The last message of a story is worth more to who knows its beginning than to
anybody else, and what has gone wrong is looked at with the same people. Whoever wants fewer lowers the share, or pulls a brake.
A share that is frozen is not raised: it is resumed first, by somebody who has looked.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.errors import BadInput, Conflict, Problem
from gateway.rules.rollout import PLACES, Rollout, Stage, State, percent


def raised(one: Rollout, share: int, *, who: str, why: str) -> Rollout:
    """raises: Conflict while it is held or stopped; BadInput where it would not be more"""
    if one.state is not State.RUNNING:
        by = "a person holds it" if one.state is State.HELD else f"the governor stopped it ({one.why})"
        raise Conflict(f"{by}: resume it first")
    if not one.share < share <= PLACES:
        raise BadInput([Problem("share", f"should be more than {percent(one.share)}, and at most 100 %")])
    return replace(one, share=share, stage=_stage_of(one.stages, share), who=who, why=why)


def lowered(one: Rollout, share: int, *, who: str, why: str) -> Rollout:
    """Held and stopped ones too. Raises BadInput where it would not be less."""
    if not 0 <= share < one.share:
        raise BadInput([Problem("share", f"should be less than {percent(one.share)}")])
    return replace(one, share=share, stage=_stage_of(one.stages, share), who=who, why=why)


def held(one: Rollout, *, who: str, why: str) -> Rollout:
    """Raises Conflict where its share is frozen already."""
    if one.state is not State.RUNNING:
        raise Conflict(f"it is {one.state} already")
    return replace(one, state=State.HELD, who=who, why=why)


def stopped(one: Rollout, *, who: str, why: str) -> Rollout:
    """The governor's."""
    return replace(one, state=State.STOPPED, who=who, why=why)


def resumed(one: Rollout, *, who: str, why: str) -> Rollout:
    """Its stage begins anew: what happened before does not count against it again. Raises Conflict where it runs."""
    if one.state is State.RUNNING:
        raise Conflict("it runs: nothing is to be resumed")
    return replace(one, state=State.RUNNING, who=who, why=why)


def problems_of(one: Rollout) -> list[Problem]:
    """What is wrong with one that somebody wants to start, as far as numbers tell."""
    found = []
    if not 0 <= one.share <= PLACES:
        found.append(Problem("share", "should be from 0 to 100 %"))
    if not 0 <= one.hold_out <= PLACES // 2:
        found.append(Problem("hold_out", "should be from 0 to 50 %"))
    shares = [stage.share for stage in one.stages]
    if shares != sorted(set(shares)) or any(not 0 < share <= PLACES for share in shares):
        found.append(Problem("stages", "should rise, each above 0 and at most 100 %"))
    return found


def _stage_of(stages: tuple[Stage, ...], share: int) -> int:
    """The last stage that a share has reached, -1 = none."""
    return sum(stage.share <= share for stage in stages) - 1
