"""The birth-death model of staffing: where its answer is known by formula, and beside the router's own decision."""

from __future__ import annotations

import math
import time

import pytest

from gateway.rules.staffing import House, Walk, agents_for, outlook
from tests.support.webcare_week import Week, people

WEEK_H = 105
"""Seven days from eight in the morning until eleven at night."""
PER_HOUR = 25_000 / WEEK_H


def erlang_c(agents: int, load: float) -> float:
    """Probability of having to wait where nobody gives up and everybody takes one at a time (A. K. Erlang, 1917)."""
    below = sum(load**n / math.factorial(n) for n in range(agents))
    full = load**agents / math.factorial(agents) * agents / (agents - load)
    return full / (below + full)


def test_with_one_chat_at_a_time_and_endless_patience_it_is_the_formula_of_erlang() -> None:
    house = House(per_hour=120, agents=12, alone_s=300, slots=1, patience_s=1e9)
    waits, load = erlang_c(12, 10.0), 10.0
    for within_s in (0.0, 20.0, 60.0, 120.0):
        expected = 1 - waits * math.exp(-(12 - load) * within_s / 300)
        assert outlook(house, within_s).service_level == pytest.approx(expected, abs=1e-4)
    assert outlook(house, 0).speed_of_answer_s == pytest.approx(waits * 300 / (12 - load), rel=1e-3)
    assert outlook(house, 0).load == pytest.approx(10 / 12)


def test_with_as_much_patience_as_work_it_is_a_house_without_end() -> None:
    """Whoever gives up as fast as others are served makes the number present Poisson: P(no slot free) is known."""
    house = House(per_hour=60, agents=5, alone_s=300, slots=1, patience_s=300)
    mean = 5.0
    none_free = 1 - sum(math.exp(-mean) * mean**n / math.factorial(n) for n in range(5))
    at_once = outlook(house, 0.0)
    assert at_once.gave_up == pytest.approx(at_once.waiting / 5, rel=1e-6), "who gives up is who waits, by patience"
    assert at_once.service_level == pytest.approx((1 - none_free) / 1.0, abs=1e-6), "within no time: who found a free slot"


def test_next_in_line_it_is_a_race_between_a_free_slot_and_ones_patience() -> None:
    walk = Walk(House(per_hour=60, agents=2, alone_s=100, slots=1, patience_s=400), 2)
    free, leave, seconds = 2 / 100, 1 / 400, 30.0
    over = 1 - math.exp(-(free + leave) * seconds)
    served, gone = walk.within(seconds)
    assert served[0] == pytest.approx(free / (free + leave) * over)
    assert gone[0] == pytest.approx(leave / (free + leave) * over)
    assert walk.served[0] == pytest.approx(free / (free + leave))
    assert walk.waited_s[0] == pytest.approx(free / (free + leave) ** 2)
    ahead = free + leave  # one before, who may give up too: then one is next oneself
    assert walk.served[1] == pytest.approx(ahead / (ahead + leave) * walk.served[0])
    later, lost = walk.within(1e5)
    assert later[1] == pytest.approx(walk.served[1])
    assert lost[1] == pytest.approx(1 - walk.served[1])


def test_what_comes_is_answered_or_gives_up() -> None:
    house = House(PER_HOUR, 44, 1200)
    found = outlook(house, 120)
    done_per_s = (1 - found.gave_up) * house.per_hour / 3600
    assert done_per_s <= house.full_per_s
    assert found.gave_up * house.per_hour / 3600 == pytest.approx(found.waiting / house.patience_s, rel=1e-6)


def test_more_agents_more_time_and_less_work_answer_more() -> None:
    levels = [outlook(House(PER_HOUR, agents, 1200), 120).service_level for agents in (38, 42, 46, 50)]
    assert levels == sorted(levels)
    times = [outlook(House(PER_HOUR, 44, 1200), within).service_level for within in (0, 30, 120, 600)]
    assert times == sorted(times)
    assert outlook(House(PER_HOUR, 44, 1100), 120).service_level > outlook(House(PER_HOUR, 44, 1300), 120).service_level


def test_the_fewest_agents_for_a_goal_reach_it_and_one_fewer_does_not() -> None:
    count = agents_for(PER_HOUR, 1200, goal=0.8, within_s=120)
    assert outlook(House(PER_HOUR, count, 1200), 120).service_level >= 0.8
    assert outlook(House(PER_HOUR, count - 1, 1200), 120).service_level < 0.8


@pytest.mark.parametrize(
    "house", [House(0, 5, 300), House(10, 0, 300), House(10, 5, 0), House(10, 5, 300, slots=3), House(10, 5, 300, patience_s=0)]
)
def test_a_house_that_cannot_be_is_refused(house: House) -> None:
    with pytest.raises(ValueError, match="a house has"):
        outlook(house, 120)


def test_a_day_through_the_routers_own_decision_is_near_the_model_and_nobody_has_a_third() -> None:
    house = House(PER_HOUR, 44, 1200)
    seen = Week(house, people(house, 1500, seed=4), within_s=120).run()
    assert seen.most == 2
    assert seen.beside_ms <= 4000, "nobody waits beside a free slot for longer than the gap between two gives and a second"
    assert seen.answered + seen.gave_up == seen.came == 1500
    assert abs(seen.service_level - outlook(house, 120).service_level) < 0.10, "a day's chance; the week is held to 3 points"


@pytest.mark.long
@pytest.mark.parametrize("alone_s", [1100, 1200, 1300])
def test_a_week_of_25000_with_44_agents_is_within_three_points_of_the_model(alone_s: float) -> None:
    house = House(PER_HOUR, 44, alone_s)
    began = time.process_time()
    seen = Week(house, people(house, 25_000, seed=7), within_s=120).run()
    # As many came, with as much work, as chance would have it: half a percent of load is a point of service level here.
    expected = outlook(seen.house(house), 120)
    assert seen.came == 25_000
    assert seen.most == 2
    assert seen.beside_ms <= 4000
    assert abs(seen.service_level - expected.service_level) < 0.03
    assert abs(seen.service_level - outlook(house, 120).service_level) < 0.05
    assert abs(seen.gave_up / seen.came - expected.gave_up) < 0.015
    assert time.process_time() - began < 60
