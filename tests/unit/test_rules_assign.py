"""Who gets whom, case by case: each row is one sentence of the routing rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.model.conversation import AgentId, ConversationState
from gateway.model.webcare import AgentStatus, Boost, Calendar, Figures, Interval, Queue
from gateway.rules.assign import Teammate, decide, ring_of, skills_of, to_general
from tests.support.team import NOW, mate, plan, waiting

G1, G2, G3 = AgentId("g1"), AgentId("g2"), AgentId("g3")
SHUT = Calendar("office", "Europe/Amsterdam", ((),) * 7)
SKILLED = Queue("rail", required=frozenset({"rail"}), preferred=frozenset({"groups"}), optional=frozenset({"refunds"}))


@pytest.mark.parametrize(
    ("sentence", "team", "chosen"),
    [
        ("fewest live conversations", [mate("g1", live=1), mate("g2")], "g2"),
        ("then who has had a free slot for longest", [mate("g1", free_s=10), mate("g2", free_s=20)], "g2"),
        ("then the lowest id", [mate("g2"), mate("g1")], "g1"),
        ("nobody over capacity", [mate("g1", live=2), mate("g2", live=1)], "g2"),
        ("nobody with too many of their own", [mate("g1", owned=8), mate("g2", live=1)], "g2"),
        ("nobody within the gap", [mate("g1", given_s=2.9), mate("g2", live=1)], "g2"),
        ("after the gap", [mate("g1", given_s=3), mate("g2", live=1)], "g1"),
        ("nobody on a break", [mate("g1", status=AgentStatus.BREAK), mate("g2", live=1)], "g2"),
        ("nobody busy", [mate("g1", status=AgentStatus.BUSY), mate("g2", live=1)], "g2"),
        ("nobody not responding", [mate("g1", status=AgentStatus.NOT_RESPONDING), mate("g2", live=1)], "g2"),
        ("nobody without a beat for 45 s", [mate("g1", beat_s=45), mate("g2", live=1)], "g2"),
        ("nobody of another brand", [mate("g1", rights=("reply@other",)), mate("g2", live=1)], "g2"),
        ("nobody of another queue", [mate("g1", rights=("agent@nl/rail",)), mate("g2", live=1)], "g2"),
        ("nobody who is there to oversee", [mate("g1", rights=("supervisor",)), mate("g2", live=1)], "g2"),
        ("who does both", [mate("g1", rights=("supervisor", "agent@nl")), mate("g2", live=1)], "g1"),
        ("nobody who may only read", [mate("g1", rights=("read",)), mate("g2", live=1)], "g2"),
        ("nobody at all", [mate("g1", live=2)], None),
    ],
)
def test_the_best_agent_is_chosen(sentence: str, team: list[Teammate], chosen: str | None) -> None:
    turn = decide([waiting()], team, plan(), NOW)
    assert [one.decision.agent for one in turn.given] == ([chosen] if chosen else []), sentence


@pytest.mark.parametrize(
    ("language", "speaks", "found"),
    [("fr", ("fr",), True), ("fr", ("nl",), False), ("", ("nl",), True), ("fr", (), True)],
)
def test_language_never_drops_and_unknown_fits_anybody(language: str, speaks: tuple[str, ...], found: bool) -> None:
    turn = decide([waiting(language=language, waited_s=7200)], [mate(languages=speaks)], plan(), NOW)
    assert bool(turn.given) is found
    assert list(turn.impossible.values()) == ([] if found else ["language"])


@pytest.mark.parametrize(
    ("waited_s", "skills", "found"),
    [
        (0, ("rail", "groups", "refunds"), True),
        (59, ("rail", "refunds"), False),
        (60, ("rail", "refunds"), True),
        (119, ("rail",), False),
        (120, ("rail",), True),
    ],
)
def test_skills_drop_by_rings(waited_s: float, skills: tuple[str, ...], found: bool) -> None:
    turn = decide([waiting(queue="rail", waited_s=waited_s)], [mate(skills=skills)], plan(SKILLED), NOW)
    assert bool(turn.given) is found
    assert not turn.impossible


def test_required_skills_never_drop_and_that_nobody_has_them_is_said_at_once() -> None:
    one = waiting(queue="rail")
    turn = decide([one], [mate(skills=("groups",))], plan(SKILLED), NOW)
    assert turn.impossible == {one.id: "skills"}
    assert not to_general(one, "skills", NOW, NOW + 119_000)
    assert to_general(one, "skills", NOW, NOW + 120_000)
    assert not to_general(one, "language", NOW, NOW + 120_000)
    assert not to_general(waiting(), "skills", NOW, NOW + 120_000)


def test_a_specialists_lunch_is_full_and_not_impossible_until_they_are_offline() -> None:
    one, plain = waiting(queue="rail", waited_s=3600), mate("g2")
    for away in (mate("g1", status=AgentStatus.BREAK, skills=("rail",), beat_s=1200), mate("g1", skills=("rail",), beat_s=119)):
        assert decide([one], [away, plain], plan(SKILLED), NOW).full == (one.id,)
    for away in (mate("g1", status=AgentStatus.OFFLINE, skills=("rail",)), mate("g1", skills=("rail",), beat_s=120)):
        assert decide([one], [away, plain], plan(SKILLED), NOW).impossible == {one.id: "skills"}


def test_nobody_available_in_open_hours_is_full_and_not_closed() -> None:
    one = waiting()
    turn = decide([one], [mate(status=AgentStatus.BREAK)], plan(), NOW)
    assert (turn.full, turn.closed, dict(turn.impossible)) == ((one.id,), (), {})
    assert decide([one], [], plan(), NOW).full == (one.id,)


def test_a_closed_queue_gives_nothing_but_words_that_cannot_wait() -> None:
    shut = plan(Queue("general", calendar="office"), calendars=(SHUT,))
    calm, urgent = waiting(1), waiting(2, safety="medical", boost="safety", boost_s=3600)
    turn = decide([calm, urgent], [mate("g1"), mate("g2")], shut, NOW)
    assert turn.closed == (calm.id,)
    assert [one.conversation.id for one in turn.given] == [urgent.id]


def test_rank_is_wait_and_boost_and_what_an_agent_got_counts_in_the_same_turn() -> None:
    old, urged, new = waiting(1, waited_s=500), waiting(2, waited_s=10, boost="reopened", boost_s=600), waiting(3)
    turn = decide([new, old, urged], [mate("g1"), mate("g2")], plan(), NOW)
    assert [one.conversation.id for one in turn.given] == [urged.id, old.id]
    assert [one.decision.agent for one in turn.given] == [G1, G2]
    assert turn.given[0].decision.boost is Boost.REOPENED
    assert turn.full == (new.id,)  # both are within the gap now


def test_a_crisis_goes_before_longer_waits_and_danger_before_a_crisis() -> None:
    old, crisis, danger = waiting(1, waited_s=5000), waiting(2, queue="crisis-x"), waiting(3, safety="danger")
    turn = decide([old, crisis, danger], [mate(f"g{n}") for n in (1, 2, 3)], plan(), NOW, first=["crisis-x"])
    assert [one.conversation.id for one in turn.given] == [danger.id, crisis.id, old.id]


def test_a_crisis_is_for_everybody_of_the_brand_and_another_queue_is_not() -> None:
    team = [mate("g1", rights=("agent@nl/rail",))]
    assert decide([waiting(queue="crisis-x")], team, plan(), NOW, first=["crisis-x"]).given
    one = waiting(queue="other")
    turn = decide([one], team, plan(), NOW)
    assert turn.impossible == {one.id: "queue"}
    assert to_general(one, "queue", NOW, NOW + 120_000)


@pytest.mark.parametrize(
    ("sentence", "own", "waited_s", "outcome"),
    [
        ("their own agent before an idle one", mate("g1", live=1), 0, "g1"),
        ("full: held", mate("g1", live=2), 119, "held"),
        ("held no longer than sticky_hold_s", mate("g1", live=2), 120, "g2"),
        ("absent: no hold", mate("g1", live=2, status=AgentStatus.BREAK), 0, "g2"),
        ("unreachable: no hold", mate("g1", beat_s=50), 0, "g2"),
        ("no longer theirs to answer: no hold", mate("g1", rights=("read",)), 0, "g2"),
    ],
)
def test_an_agent_of_last_time(sentence: str, own: Teammate, waited_s: float, outcome: str) -> None:
    one = waiting(sticky=G1, waited_s=waited_s)
    turn = decide([one], [own, mate("g2")], plan(), NOW)
    if outcome == "held":
        assert turn.held == (one.id,), sentence
        return
    assert [given.decision.agent for given in turn.given] == [outcome], sentence
    assert turn.given[0].decision.how == ("sticky" if outcome == "g1" else "idle")


def test_nobody_is_held_past_the_time_within_which_they_should_be_answered() -> None:
    one = waiting(sticky=G1, waited_s=0, waiting_since_ms=NOW - 100_000)
    patient = plan(figures=Figures(service_level_s=101))
    hasty = plan(figures=Figures(service_level_s=100))
    team = [mate("g1", live=2), mate("g2")]
    assert decide([one], team, patient, NOW).held == (one.id,)
    assert decide([one], team, hasty, NOW).given[0].decision.agent == G2


SHIFT = Calendar("shift", "UTC", ((Interval(15 * 60 + 59, 18 * 60), Interval(11 * 60, 12 * 60)),) * 7)
"""At SOON it has been open for half a minute; before it was closed since NOON."""
SOON, NOON_S = NOW - 30_000, 4 * 3600


@pytest.mark.parametrize(("open_s", "ring"), [(59, 0), (61, 1), (119, 1), (121, 2)])
def test_no_ring_widens_while_it_is_closed(open_s: int, ring: int) -> None:
    """They came before noon: what they stood there then and since it opened again counts, the hours between do not."""
    rail = replace(SKILLED, calendar="shift")
    one = waiting(queue="rail", waited_s=NOON_S + open_s - 30)
    knows = ("rail", *(("refunds",) if ring < 2 else ()), *(("groups",) if ring < 1 else ()))
    turn = decide([one], [mate(skills=knows)], plan(rail, calendars=(SHIFT,)), SOON)
    assert [(given.decision.ring, given.decision.waited_ms) for given in turn.given] == [(ring, open_s * 1000)]
    fewer = mate(skills=tuple(knows[:-1]))
    assert not decide([one], [fewer], plan(rail, calendars=(SHIFT,)), SOON).given


@pytest.mark.parametrize(("open_s", "held"), [(61, True), (119, True), (121, False)])
def test_closed_hours_use_up_nobodys_time_with_their_own_agent(open_s: int, held: bool) -> None:
    hours = plan(Queue("general", calendar="shift"), calendars=(SHIFT,))
    one = waiting(sticky=G1, waited_s=NOON_S + open_s - 30)
    turn = decide([one], [mate("g1", live=2), mate("g2")], hours, SOON)
    assert bool(turn.held) is held


def test_the_oldest_goes_first_in_the_morning_whatever_is_closed() -> None:
    hours = plan(Queue("general", calendar="shift"), calendars=(SHIFT,))
    night, morning = waiting(1, waited_s=3600), waiting(2, waited_s=50, boost="reopened", boost_s=600)
    assert [one.conversation.id for one in decide([morning, night], [mate()], hours, NOW).given] == [night.id]


def test_who_was_excluded_is_not_given_it_again_before_the_time() -> None:
    one = waiting(excluded={G1: NOW + 1})
    assert decide([one], [mate("g1")], plan(), NOW).full == (one.id,)
    assert decide([one], [mate("g1")], plan(), NOW + 1).given[0].decision.agent == G1


def returning(**more: Any) -> Any:
    return waiting(state=ConversationState.WAITING, owner=G1, epoch=3, returning_ms=NOW, **more)


def test_who_comes_back_gets_their_own_agent_before_anybody_new() -> None:
    old, back = waiting(1, waited_s=900), returning(number=2)
    turn = decide([old, back], [mate("g1", live=1, status=AgentStatus.BUSY)], plan(), NOW)
    assert [(one.conversation.id, one.returning, one.decision.how) for one in turn.given] == [(back.id, True, "returning")]
    assert turn.full == (old.id,)


@pytest.mark.parametrize(("over_cap", "live", "comes"), [(0, 1, True), (0, 2, False), (1, 2, True), (1, 3, False)])
def test_who_comes_back_may_be_over_the_cap_only_where_that_is_allowed(over_cap: int, live: int, comes: bool) -> None:
    back = returning()
    turn = decide([back], [mate("g1", live=live)], plan(figures=Figures(over_cap=over_cap)), NOW)
    assert bool(turn.given) is comes
    assert turn.held == (() if comes else (back.id,))


@pytest.mark.parametrize("gone", [[], [mate("g1", status=AgentStatus.BREAK)], [mate("g1", beat_s=45)]])
def test_who_comes_back_to_an_agent_who_is_not_here_belongs_into_the_queue(gone: list[Teammate]) -> None:
    back = returning()
    assert decide([back], gone, plan(), NOW).absent == (back.id,)


def test_a_decision_says_why_each_other_one_was_left_out_and_who_was_next() -> None:
    team = [
        mate("g1"), mate("g2", live=1), mate("g3", live=2), mate("g4", status=AgentStatus.BREAK), mate("g5", beat_s=50),
        mate("g6", rights=("reply@other",)), mate("g7", languages=("de",)), mate("g8", given_s=1), mate("g9", owned=8),
    ]  # fmt: skip
    decision = decide([waiting(language="nl", waited_s=4)], team, plan(), NOW).given[0].decision
    assert (decision.agent, decision.candidates, decision.next_best) == (G1, (G1, G2), G2)
    assert {one.agent: one.why for one in decision.left_out} == {
        "g3": "full", "g4": "break", "g5": "unreachable", "g6": "brand", "g7": "language", "g8": "gap", "g9": "owned",
    }  # fmt: skip
    assert (decision.version, decision.waited_ms, decision.ring) == ("v1", 4000, 0)


def test_what_is_somebodys_already_is_left_alone_wherever_a_list_shows_it() -> None:
    theirs = waiting(state=ConversationState.ASSIGNED, owner=G1, epoch=3)
    turn = decide([theirs], [mate("g1"), mate("g2")], plan(), NOW)
    assert (turn.given, turn.absent, turn.held) == ((), (), ())


def test_a_queue_that_another_desk_answers_is_left_alone() -> None:
    turn = decide([waiting(queue="theirs")], [mate()], plan(Queue("theirs", desk="external")), NOW)
    assert turn == replace(turn, given=(), full=(), closed=(), held=(), absent=(), impossible={})


def test_rings_begin_at_their_second() -> None:
    figures = Figures()
    assert [ring_of(ms, figures) for ms in (0, 59_999, 60_000, 119_999, 120_000)] == [0, 0, 1, 1, 2]
    assert [len(skills_of(SKILLED, ring)) for ring in (0, 1, 2)] == [3, 2, 1]
