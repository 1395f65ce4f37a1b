"""What one turn of the router promises, whoever waits and whoever is here."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.conversation import AgentId, ConversationState
from gateway.model.webcare import AgentStatus, Calendar, Figures, Interval, Load, Queue
from gateway.rules.assign import Teammate, decide
from gateway.rules.ranks import order
from tests.support.team import NOW, mate, plan, waiting

NAMES = ["g0", "g1", "g2"]
AVAILABLE = AgentStatus.AVAILABLE
SHUT = Calendar("shut", "UTC", ((),) * 7)
QUEUES = (
    Queue("rail", required=frozenset({"rail"}), preferred=frozenset({"vip"})),
    Queue("shut", calendar="shut"),
    Queue("general"),
)
figures = st.builds(
    Figures, capacity=st.integers(1, 3), over_cap=st.integers(0, 1), owned_max=st.integers(3, 5), gap_s=st.sampled_from([0, 0, 3])
)


@st.composite
def teams(draw: st.DrawFn) -> list[Teammate]:
    found = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=3)):
        live = draw(st.integers(0, 3))
        found.append(
            mate(
                name, live=live, owned=live + draw(st.integers(0, 3)),
                status=draw(st.sampled_from([AVAILABLE, AVAILABLE, AVAILABLE, *AgentStatus])),
                rights=draw(st.sampled_from([("agent",), ("agent",), ("agent@nl/rail",), ("read",)])),
                beat_s=draw(st.sampled_from([1, 1, 1, 60])), given_s=draw(st.sampled_from([100, 100, 1])),
                free_s=draw(st.integers(0, 90)),
                languages=draw(st.sampled_from([(), ("nl",), ("nl", "de")])), skills=draw(st.sampled_from([(), ("rail",)])),
            )
        )  # fmt: skip
    return found


@st.composite
def queued(draw: st.DrawFn) -> list[Any]:
    found = []
    for number in range(draw(st.integers(1, 8))):
        waited = draw(st.sampled_from([0, 30, 70, 130]))
        one = waiting(
            number, waited_s=waited, queue=draw(st.sampled_from(["general", "general", "general", "rail", "shut"])),
            language=draw(st.sampled_from(["", "", "nl", "fr"])), safety=draw(st.sampled_from(["", "", "", "danger"])),
            sticky=draw(st.sampled_from([None, None, None, *map(AgentId, NAMES)])),
            excluded=draw(st.sampled_from([{}, {AgentId("g0"): NOW + 1}])), boost_s=draw(st.sampled_from([0, 600, -600])),
        )  # fmt: skip
        if draw(st.booleans()):
            owner = draw(st.sampled_from(NAMES))
            back = {"state": ConversationState.WAITING, "owner": AgentId(owner), "returning_ms": NOW - waited * 1000}
            one = replace(one, sticky=None, **back)
        found.append(one)
    return found


@given(queued(), teams(), figures)
@settings(max_examples=120, deadline=None)
def test_what_one_turn_promises(waits: list[Any], team: list[Teammate], found: Figures) -> None:
    house = plan(*QUEUES, figures=found, calendars=(SHUT,))
    turn = decide(waits, team, house, NOW)
    here = {one.id: one for one in team}
    got = Counter(one.decision.agent for one in turn.given)
    new = Counter(one.decision.agent for one in turn.given if not one.returning)

    # Each conversation has one outcome, and nobody is in two.
    outcomes = [*(one.conversation.id for one in turn.given), *turn.held, *turn.absent, *turn.closed, *turn.full]
    assert sorted([*outcomes, *turn.impossible]) == sorted(one.id for one in waits)

    for agent, count in got.items():
        one = here[agent]
        assert one.presence.reachable(NOW)
        assert one.load.live + count <= found.capacity + found.over_cap
        if new[agent]:
            assert one.load.live + count <= found.capacity or new[agent] < count
            assert one.presence.status is AgentStatus.AVAILABLE
            assert one.load.owned + new[agent] <= found.owned_max
            if found.gap_s:
                assert (new[agent], NOW - one.presence.given_ms >= found.gap_s * 1000) == (1, True)

    after = {one.id: replace(one, load=Load(one.load.live + got[one.id], one.load.owned + new[one.id])) for one in team}
    for given_ in turn.given:
        conversation, decision = given_.conversation, given_.decision
        agent = here[decision.agent].agent
        assert agent.may("reply", "nl", conversation.queue) or given_.returning
        assert given_.returning == (conversation.owner == decision.agent)
        if not given_.returning:
            assert conversation.excluded.get(agent.id, 0) <= NOW
            assert conversation.queue != "shut" or conversation.safety
            if decision.how == "idle":
                knows = here[agent.id]
                assert not conversation.language or not knows.languages or conversation.language in knows.languages
                assert conversation.queue != "rail" or "rail" in knows.skills
            assert agent.id not in {one.agent for one in decision.left_out}

    # Nobody is left waiting beside somebody who could have had them: not in this turn, nor if it is taken again after it.
    rest = [one for one in waits if one.id in turn.full]
    gapped = [replace(one, presence=replace(one.presence, given_ms=NOW)) if new[one.id] else one for one in after.values()]
    assert not decide(rest, gapped, house, NOW).given

    # Who is given nothing while somebody of lower rank is given something could not have been given that one's agent.
    places = {one.id: place for place, one in enumerate(order(waits))}
    for given_ in turn.given:
        for one in rest:
            if places[one.id] < places[given_.conversation.id] and not given_.returning:
                alone = decide([one], [here[given_.decision.agent]], house, NOW)
                assert not alone.given or got[given_.decision.agent] > 1


@given(queued(), teams())
@settings(max_examples=40, deadline=None)
def test_the_order_in_which_they_are_read_changes_nothing(waits: list[Any], team: list[Teammate]) -> None:
    house = plan(*QUEUES, calendars=(SHUT,))
    assert decide(waits, team, house, NOW) == decide(list(reversed(waits)), list(reversed(team)), house, NOW)


@given(queued(), teams(), figures)
@settings(max_examples=60, deadline=None)
def test_closed_hours_in_between_change_no_decision(waits: list[Any], team: list[Teammate], found: Figures) -> None:
    """Who came before a closed stretch is treated as who came so much later without one: agent, ring, who is held."""
    waits = [replace(one, boost_s=0) for one in waits]  # the place in a queue runs on through the night, and a boost counts in it
    pause = Calendar("pause", "UTC", ((Interval(0, 12 * 60), Interval(16 * 60 - 1, 1440)),) * 7)  # NOW is 16:00
    queues = (replace(QUEUES[0], calendar="pause"), QUEUES[1], replace(QUEUES[2], calendar="pause"))
    closed_ms = (4 * 60 - 1) * 60_000

    def earlier(one: Any) -> Any:
        if NOW - one.queued_ms <= 60_000:
            return one
        since = one.queued_ms - closed_ms
        return replace(one, queued_ms=since, waiting_since_ms=since, opened_ms=since)

    plain = decide(waits, team, plan(*QUEUES, figures=found, calendars=(SHUT,)), NOW)
    paused = decide(map(earlier, waits), team, plan(*queues, figures=found, calendars=(SHUT, pause)), NOW)
    assert [one.decision for one in paused.given] == [one.decision for one in plain.given]
    assert (paused.held, paused.full, paused.absent, paused.closed) == (plain.held, plain.full, plain.absent, plain.closed)
