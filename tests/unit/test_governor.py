"""What the governor makes of figures: raise, stop, or leave it."""

from __future__ import annotations

import pytest

from gateway.errors import BadInput, Conflict
from gateway.insight.governor import judge
from gateway.insight.rolled import Measures
from gateway.model.ids import SenderId
from gateway.rules import rollout_moves, warm_up
from gateway.rules.rollout import PLACES, Limits, Match, Rollout, Stage, State
from gateway.store.senders import SenderState

HOUR_MS = 3600_000
STAGES = (Stage(1000, 24 * HOUR_MS, 100), Stage(3000, 24 * HOUR_MS, 100), Stage(10_000, 0))
ONE = Rollout("r", "s", Match(), 1000, stages=STAGES, stage=0, limits=Limits(500, 200, 20), since_ms=0)
WELL = Measures(told=100, messages=100)
GREEN = {SenderId("wa"): SenderState(quality="GREEN")}


def kind(one: Rollout = ONE, found: Measures = WELL, hours: float = 24, day: int = 1000, **state: object) -> str:
    senders = {SenderId("wa"): SenderState(**{"quality": "GREEN", **state})}  # type: ignore[arg-type]
    move = judge(one, found, senders, people_a_day=day, now_ms=round(hours * HOUR_MS))
    return move.kind if move is not None else ""


def test_a_stage_is_left_when_it_lasted_long_enough_and_enough_were_told() -> None:
    assert kind() == "rollout_raised"
    assert kind(hours=23.9) == ""
    assert kind(found=Measures(told=99, messages=99)) == ""
    move = judge(ONE, WELL, GREEN, people_a_day=1000, now_ms=24 * HOUR_MS)
    assert move is not None
    assert (move.after.share, move.after.stage, move.after.who) == (3000, 1, "governor")
    last = judge(move.after, WELL, GREEN, people_a_day=1000, now_ms=48 * HOUR_MS)
    assert last is not None
    assert (last.after.share, last.after.next_stage) == (10_000, None)
    assert judge(last.after, WELL, GREEN, people_a_day=1000, now_ms=96 * HOUR_MS) is None


@pytest.mark.parametrize("quality", ["YELLOW", "RED", "yellow"])
def test_bad_quality_stops_it_at_once_however_few_were_told(quality: str) -> None:
    assert kind(found=Measures(), hours=0, quality=quality) == "rollout_stopped"
    assert kind(found=Measures(), hours=0, quality="UNKNOWN") == ""


def test_failures_and_opt_outs_above_the_limit_stop_it_and_count_from_the_least_number() -> None:
    assert kind(found=Measures(told=100, messages=100, failed=5)) == "rollout_raised"
    assert kind(found=Measures(told=100, messages=100, failed=6), hours=0) == "rollout_stopped"
    assert kind(found=Measures(told=100, messages=100, opted_out=2)) == "rollout_raised"
    assert kind(found=Measures(told=100, messages=100, opted_out=3), hours=0) == "rollout_stopped"
    assert kind(found=Measures(told=19, messages=19, failed=19, opted_out=19)) == ""
    move = judge(ONE, Measures(told=100, messages=100, failed=6), GREEN, people_a_day=1, now_ms=1)
    assert move is not None
    assert (move.after.state, move.after.share) == (State.STOPPED, 1000)
    assert move.after.why == "6 of 100 messages failed, more than 5 %"


def test_it_does_not_rise_above_what_the_tier_has_room_for() -> None:
    assert kind(day=2666, tier=1000) == "rollout_raised"
    assert kind(day=2667, tier=1000) == ""
    assert kind(day=1_000_000, tier=-1) == "rollout_raised"


def test_after_a_stop_only_a_person_lets_it_rise_again() -> None:
    stopped = rollout_moves.stopped(ONE, who="governor", why="quality")
    assert judge(stopped, WELL, GREEN, people_a_day=1, now_ms=10**12) is None
    with pytest.raises(Conflict, match="resume it first"):
        rollout_moves.raised(stopped, 3000, who="ann", why="x")
    resumed = rollout_moves.resumed(stopped, who="ann", why="mended")
    assert (resumed.state, resumed.share, kind(resumed)) == (State.RUNNING, 1000, "rollout_raised")
    assert kind(rollout_moves.held(ONE, who="ann", why="wait"), quality="RED") == ""
    lower = rollout_moves.lowered(stopped, 100, who="ann", why="less")
    assert (lower.state, lower.share, lower.stage) == (State.STOPPED, 100, -1)
    below = rollout_moves.resumed(lower, who="ann", why="mended")
    assert (kind(below, hours=1000), below.next_stage) == ("", None), "it stays where a person put it, and says so"
    back = rollout_moves.raised(below, 1000, who="ann", why="again")
    assert (back.stage, back.next_stage) == (0, STAGES[1])
    for wrong in (1000, 500, PLACES + 1):
        with pytest.raises(BadInput):
            rollout_moves.raised(ONE, wrong, who="ann", why="x")


@pytest.mark.parametrize(("people", "tier"), [(5000, 250), (100, 250), (1_000_000, 2000), (7, 100_000), (0, 250), (900, -1)])
def test_a_warm_up_begins_with_what_fits_today_and_ends_with_everybody(people: int, tier: int) -> None:
    stages = warm_up.plan(people, tier)
    shares = [stage.share for stage in stages]
    assert shares == sorted(set(shares))
    assert shares[-1] == PLACES
    assert warm_up.fits(shares[0], people, tier) or shares[0] == 1
    if people == 5000:
        assert shares[:3] == [400, 800, 1600]
        assert stages[0].least_people == 100
