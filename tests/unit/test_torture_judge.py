"""The count at the handsets can fail in every way that it is there for: a made-up run, and each fault put into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from torture.case import Case
from torture.excuses import GIVEN_UP_FEW, THAW_MS
from torture.handsets import Bubble
from torture.judge import GRACE_MS, STALE_MS, _overtaken, judge
from torture.seen import Brake, Kill, Pause, Reply, Seen, Silence, Step, Told, Verdict
from torture.silence import BRAKE_MS, ON_ITS_WAY_MS

FLIGHT, ANNA, BORIS = "j00flight", "c00anna", "c01boris"
HOMES = {ANNA: "whatsapp:447700900001", BORIS: "whatsapp:447700900002"}
ENDS = {"flight_cancelled": frozenset({"gate_changed", "flight_delayed"}), "gate_changed": frozenset()}
KINDS = {1: "gate_changed", 2: "gate_changed", 3: "gate_changed"}


@dataclass
class Run:
    """Three gates of one flight, told to two people, a second apart; every message has one bubble. Tests take it apart."""

    told: list[Told] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    bubbles: list[Bubble] = field(default_factory=list)
    evidence: dict[tuple[str, int], int] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    waiting: int = 0
    evidence_ms: int = 0
    rested: bool = True
    kinds: dict[int, str] = field(default_factory=lambda: dict(KINDS))
    answers: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    drops: frozenset[str] = frozenset()
    kills: list[Kill] = field(default_factory=lambda: [Kill(1_000, "store")])
    pauses: list[Pause] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    brakes: list[Brake] = field(default_factory=list)
    parked: list[str] = field(default_factory=list)
    tried: dict[str, int] = field(default_factory=lambda: {"webhooks doubled": 3})

    def __post_init__(self) -> None:
        self.steps += [Step(500, "subscribed", "", contact, "", FLIGHT, {}) for contact in HOMES]
        for version in (1, 2, 3):
            at, event = version * 10_000, f"e0{version}"
            gate = f"B00{version}"
            self.told.append(
                Told(
                    f"flight@{version}", "flight", version, event, FLIGHT, at, "", {"gate_changed": gate},
                    sure=("gate_changed",) if version == 3 else (),
                )
            )  # fmt: skip
            self.steps.append(Step(at, "event", "", "", event, FLIGHT, {}))
            change = "first" if version == 1 else "gate"
            self.steps.append(Step(at + 10, "applied", "", "", event, FLIGHT, {"changes": change}))
            if version > 1:
                for contact in HOMES:
                    self.message(version, contact, at + 20)

    def message(self, version: int, contact: str, at: int) -> None:
        mid = name(version, contact)
        self.steps.append(self.step(at, "enqueued", version, contact, nt=self.kinds[version]))
        self.steps.append(self.step(at + 10, "claimed", version, contact))
        self.steps.append(self.step(at + 40, "accepted", version, contact, attempt="1"))
        self.bubbles.append(self.bubble(version, contact, at + 30))
        self.evidence[mid, 1] = at + 200

    def step(self, at: int, kind: str, version: int, contact: str, **detail: str) -> Step:
        return Step(at, kind, name(version, contact), contact, f"e0{version}", FLIGHT, detail)

    def bubble(self, version: int, contact: str, at: int, *, attempt: int = 1, words: str = "") -> Bubble:
        channel, _, address = HOMES[contact].partition(":")
        return Bubble(len(self.bubbles) + 1, at, address, channel, name(version, contact), attempt, words or f"gate B00{version}")

    def drop(self, test: Callable[[Step], bool]) -> None:
        self.steps = [one for one in self.steps if not test(one)]

    def judged(self) -> Verdict:
        return judge(self.seen())

    def seen(self) -> Seen:
        return Seen(
            self.told, self.steps, self.bubbles, self.evidence, HOMES, ENDS, self.waiting, self.replies, self.evidence_ms,
            rested=self.rested, answers=self.answers, drops=self.drops, kills=self.kills, pauses=self.pauses,
            silences=self.silences, brakes=self.brakes, tried=self.tried, parked=self.parked,
        )  # fmt: skip


def name(version: int, contact: str) -> str:
    return f"m0{version}{contact}"


@pytest.fixture
def run() -> Run:
    return Run()


def faults(verdict: Verdict) -> dict[str, int]:
    """Only the counters that are not 0."""
    found = {
        "lost": len(verdict.lost),
        "disorder": len(verdict.disorder),
        "stale": len(verdict.stale),
        "doubles": len(verdict.forbidden),
        "strange": len(verdict.strange),
        "refused": len(verdict.refused),
        "unstopped": len(verdict.unstopped),
        "untried": len(verdict.untried),
    }
    return {one: count for one, count in found.items() if count}


def test_a_run_in_which_nothing_went_wrong_counts_nothing(run: Run) -> None:
    verdict = run.judged()
    assert faults(verdict) == {}
    assert verdict.ok
    assert verdict.counts["bubbles"] == 4


def test_an_answered_event_that_is_not_kept_is_lost(run: Run) -> None:
    run.drop(lambda one: one.event == "e02" and one.kind in ("event", "applied"))
    assert faults(run.judged()) == {"lost": 1}


def test_an_event_that_is_kept_and_never_applied_is_lost(run: Run) -> None:
    run.drop(lambda one: one.event == "e03" and one.kind == "applied")
    assert "answered 202 and never applied" in run.judged().lost[0]


def test_an_event_is_older_only_where_a_newer_one_was_applied(run: Run) -> None:
    run.drop(lambda one: one.event == "e02")
    run.bubbles = [one for one in run.bubbles if not one.message.startswith("m02")]
    run.steps += [Step(20_000, "event", "", "", "e02", FLIGHT, {}), Step(20_001, "older", "", "", "e02", FLIGHT, {})]
    assert faults(run.judged()) == {}
    run.drop(lambda one: one.event == "e03" and one.kind == "applied")
    assert any("older than something that nobody applied" in one for one in run.judged().lost)


def test_a_follower_for_whom_nothing_was_planned_is_lost(run: Run) -> None:
    run.drop(lambda one: one.message == name(3, BORIS))
    run.bubbles = [one for one in run.bubbles if one.message != name(3, BORIS)]
    verdict = run.judged()
    assert faults(verdict) == {"lost": 1}
    assert BORIS in verdict.lost[0]


def test_what_nobody_at_all_was_told_is_lost_by_what_its_fact_says_changed(run: Run) -> None:
    run.drop(lambda one: one.message.startswith("m03"))
    run.bubbles = [one for one in run.bubbles if not one.message.startswith("m03")]
    assert faults(run.judged()) == {"lost": 2}


def test_an_older_version_that_a_newer_one_overtook_in_planning_is_not_lost(run: Run) -> None:
    run.drop(lambda one: one.message == name(2, BORIS))
    run.bubbles = [one for one in run.bubbles if one.message != name(2, BORIS)]
    assert faults(run.judged()) == {}


def test_an_older_version_is_lost_where_the_newer_one_neither_replaces_nor_ends_it(run: Run) -> None:
    run.drop(lambda one: one.message == name(2, BORIS))
    run.bubbles = [one for one in run.bubbles if one.message != name(2, BORIS)]
    run.steps = [
        replace(one, detail={"nt": "flight_departed"}) if one.kind == "enqueued" and one.message.startswith("m03") else one
        for one in run.steps
    ]
    run.told[2] = replace(run.told[2], sure=())
    run.steps = [
        replace(one, detail={"changes": "departed"}) if one.kind == "applied" and one.event == "e03" else one for one in run.steps
    ]
    assert faults(run.judged()) == {"lost": 1}


def test_who_follows_only_later_is_due_the_newest_and_nothing_older(run: Run) -> None:
    run.steps = [replace(one, at_ms=25_000) if one.kind == "subscribed" and one.contact == BORIS else one for one in run.steps]
    run.drop(lambda one: one.message == name(2, BORIS))
    run.bubbles = [one for one in run.bubbles if one.message != name(2, BORIS)]
    assert faults(run.judged()) == {}
    run.drop(lambda one: one.message == name(3, BORIS))
    run.bubbles = [one for one in run.bubbles if one.message != name(3, BORIS)]
    assert faults(run.judged()) == {"lost": 1}


def test_a_message_that_ended_as_nothing_is_lost(run: Run) -> None:
    run.drop(lambda one: one.kind == "accepted" and one.message == name(3, ANNA))
    run.bubbles = [one for one in run.bubbles if one.message != name(3, ANNA)]
    assert faults(run.judged()) == {"lost": 1}


ENDINGS = [
    ("replaced", "", 1), ("ended", "ended", 1), ("dead", "retries_exhausted", 0), ("dead", "uncertain_dropped", 0),
    ("dead", "poisoned", 1), ("dead", "", 1), ("suppressed", "no_consent", 1), ("suppressed", "withdrawn", 1),
    ("expired", "expired", 1), ("expired", "retries_exhausted", 1), ("suppressed", "uncertain_dropped", 1),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "reason", "lost"), ENDINGS)
def test_a_message_may_end_for_the_reasons_of_a_fire_and_no_others(run: Run, kind: str, reason: str, lost: int) -> None:
    run.drop(lambda one: one.kind == "accepted" and one.message == name(3, ANNA))
    run.bubbles = [one for one in run.bubbles if one.message != name(3, ANNA)]
    run.steps.append(run.step(40_000, kind, 3, ANNA, reason=reason))
    run.answers = {(name(3, ANNA), attempt): [500] for attempt in (1, 2, 3)}
    verdict = run.judged()
    assert len(verdict.lost) == lost
    assert verdict.ends.total() == 1


def given_up(run: Run, contact: str, reason: str, statuses: list[int]) -> None:
    """One message that the house gave up; statuses: what the world answered to its attempts."""
    mid = name(3, contact)
    run.drop(lambda one: one.kind == "accepted" and one.message == mid)
    run.bubbles = [one for one in run.bubbles if one.message != mid]
    run.steps.append(run.step(40_000, "dead", 3, contact, reason=reason))
    run.answers |= {(mid, attempt): [status] for attempt, status in enumerate(statuses, 1)}


@pytest.mark.parametrize(("reason", "statuses", "lost"), [
    ("retries_exhausted", [500, 500, 502], 0), ("retries_exhausted", [500, 500], 1), ("retries_exhausted", [], 1),
    ("retries_exhausted", [500, 200, 500], 1), ("uncertain_dropped", [0, 502, 0], 0), ("uncertain_dropped", [0, 0], 1),
    ("uncertain_dropped", [200, 200, 200], 1),
])  # fmt: skip
def test_what_was_given_up_is_excused_by_what_the_world_itself_did(
    run: Run, reason: str, statuses: list[int], lost: int
) -> None:
    given_up(run, ANNA, reason, statuses)
    assert faults(run.judged()) == ({"lost": lost} if lost else {})


def test_what_is_never_sent_again_is_excused_by_one_lost_answer_and_not_by_none(run: Run) -> None:
    run.drops = frozenset({"gate_changed"})
    given_up(run, ANNA, "uncertain_dropped", [0])
    assert faults(run.judged()) == {}
    run.answers[name(3, ANNA), 1] = [200]
    assert faults(run.judged()) == {"lost": 1}


@pytest.mark.parametrize(("killed_ms", "lost"), [(35_000, 0), (39_500, 1)])
def test_a_kill_excuses_what_was_on_its_way_then_and_nothing_else(run: Run, killed_ms: int, lost: int) -> None:
    run.drops = frozenset({"gate_changed"})
    given_up(run, ANNA, "uncertain_dropped", [])
    run.steps.insert(-1, run.step(39_000, "uncertain", 3, ANNA, attempt="1", why="lease"))
    run.kills = [Kill(killed_ms, "hand")]
    assert len(run.judged().lost) == lost


def test_a_house_that_gives_too_much_up_is_no_success_whatever_the_world_did(run: Run) -> None:
    mids = [f"m00extra{place}" for place in range(GIVEN_UP_FEW + 1)]
    for mid in mids:
        run.steps += [
            Step(31_000, "enqueued", mid, ANNA, "e03", FLIGHT, {"nt": "gate_changed"}),
            Step(40_000, "dead", mid, ANNA, "e03", FLIGHT, {"reason": "retries_exhausted"}),
        ]
        run.answers |= {(mid, attempt): [500] for attempt in (1, 2, 3)}
    [line] = run.judged().lost
    assert "were given up" in line
    run.drop(lambda one: one.message == mids[0])
    assert faults(run.judged()) == {}


@pytest.mark.parametrize("what", ["kills", "webhooks doubled", "events", "pauses"])
def test_a_run_in_which_nothing_was_tried_has_shown_nothing(run: Run, what: str) -> None:
    run.tried["pauses"] = 2
    assert run.judged().ok
    run.tried[what] = 0
    verdict = run.judged()
    assert faults(verdict) == {"untried": 1}
    assert what in verdict.untried[0]
    assert not verdict.ok


def test_a_run_that_does_not_say_what_it_tried_has_shown_nothing(run: Run) -> None:
    run.tried, run.kills = {}, []
    assert len(run.judged().untried) == 2


@pytest.mark.parametrize("kind", ["replaced", "ended"])
def test_what_was_taken_out_is_excused_by_something_newer_for_the_same_person_alone(run: Run, kind: str) -> None:
    run.drop(lambda one: one.kind == "accepted" and one.message == name(2, ANNA))
    run.bubbles = [one for one in run.bubbles if one.message != name(2, ANNA)]
    run.steps.append(run.step(30_000, kind, 2, ANNA, reason=kind))
    assert faults(run.judged()) == {}
    run.drop(lambda one: one.message == name(3, ANNA))
    run.bubbles = [one for one in run.bubbles if one.message != name(3, ANNA)]
    assert any("nothing newer was planned for its person" in one for one in run.judged().lost)


def test_what_overtook_may_be_overtaken_itself_by_what_was_applied_before_it_was_closed(run: Run) -> None:
    """Anna has version 3 alone: 1 gave way to 2, which others were told, and 2 to 3."""
    gone = name(2, ANNA)
    run.drop(lambda one: one.message == gone)
    run.bubbles = [one for one in run.bubbles if one.message != gone]
    applied_ms = {one.event: one.at_ms for one in run.steps if one.kind == "applied"}
    first, known_ms = run.told[0], applied_ms["e02"] + 1
    assert _overtaken(Case(run.seen()), first, "gate_changed", ANNA, by_ms=known_ms)
    assert not _overtaken(Case(run.seen()), first, "gate_changed", ANNA, by_ms=applied_ms["e02"] - 1)
    run.steps.append(Step(applied_ms["e03"] - 1, "closed", "", "", "e02", FLIGHT, {}))
    assert not _overtaken(Case(run.seen()), first, "gate_changed", ANNA, by_ms=known_ms)
    assert faults(run.judged()) == {"lost": 1}


def test_what_the_channel_gave_up_on_is_on_no_handset(run: Run) -> None:
    last = next(one for one in run.bubbles if one.message == name(3, ANNA))
    run.bubbles[run.bubbles.index(last)] = replace(last, failed=True)
    assert "accepted by the channel, and is on no handset" in run.judged().lost[0]
    run.steps.append(run.step(40_000, "failed", 3, ANNA, reason="131053"))
    verdict = run.judged()
    assert faults(verdict) == {}
    assert verdict.ends == {"failed: 131053": 1}


def booked(run: Run) -> None:
    run.told.append(Told("order@1", "order", 1, "e09", "j09order", 400, HOMES[ANNA], {}, follows="flight"))
    run.steps += [Step(400, "event", "", "", "e09", "j09order", {}), Step(410, "applied", "", "", "e09", "j09order", {})]


def test_a_booking_that_made_nobody_follow_its_flight_is_lost(run: Run) -> None:
    booked(run)
    assert faults(run.judged()) == {}
    run.drop(lambda one: one.kind == "subscribed" and one.contact == ANNA)
    assert any("its person does not follow flight" in one for one in run.judged().lost)


def test_a_booking_that_brought_nobody_is_lost(run: Run) -> None:
    booked(run)
    run.told[-1] = replace(run.told[-1], person="whatsapp:447700900009")
    assert "its person is nobody's contact" in run.judged().lost[0]


def test_an_event_that_was_set_aside_is_lost(run: Run) -> None:
    run.steps.append(Step(50_000, "closed", "", "", "e03", FLIGHT, {"why": "tried five times"}))
    assert "set aside: tried five times" in run.judged().lost[0]


def test_what_of_a_webhook_was_set_aside_is_lost(run: Run) -> None:
    run.parked = ["item 1-1 in partition 7: tried three times"]
    assert faults(run.judged()) == {"lost": 1}


def test_what_is_called_accepted_and_lies_on_no_handset_is_lost(run: Run) -> None:
    run.bubbles = [one for one in run.bubbles if one.message != name(3, ANNA)]
    assert "accepted by the channel, and is on no handset" in run.judged().lost[0]


def test_a_house_that_does_not_come_to_rest_is_no_success(run: Run) -> None:
    run.rested = False
    assert faults(run.judged()) == {"lost": 1}


def test_messages_that_still_wait_are_lost(run: Run) -> None:
    run.waiting = 7
    assert faults(run.judged()) == {"lost": 1}


def test_an_older_version_behind_a_newer_one_is_out_of_order(run: Run) -> None:
    first, last = run.bubbles[0], run.bubbles[2]
    run.bubbles[0], run.bubbles[2] = replace(first, place=last.place), replace(last, place=first.place)
    assert faults(run.judged()) == {"disorder": 1}


@pytest.mark.parametrize(("notification", "since_ms", "found"), [
    ("flight_delayed", 25_000, {}), ("gate_changed", 25_000, {"disorder": 1, "stale": 1}),
    ("flight_delayed", 500, {"disorder": 1}),
])  # fmt: skip
def test_who_begins_to_follow_is_told_what_still_holds_behind_the_newest(
    run: Run, notification: str, since_ms: int, found: dict[str, int]
) -> None:
    """Version 2 was known before Anna followed, and is planned and told to her behind version 3."""
    mid = name(2, ANNA)
    run.told[1] = replace(run.told[1], marks={"gate_changed": "B002", "flight_delayed": "B002"})
    late = {"enqueued": 30_100, "claimed": 34_000, "accepted": 34_100}
    changed = {"enqueued": {"nt": notification}, "applied": {"changes": "delay" if notification == "flight_delayed" else "gate"}}
    run.steps = [
        replace(one, detail=changed.get(one.kind, one.detail)) if one.event == "e02" else one for one in run.steps
    ]
    run.steps = [replace(one, at_ms=late[one.kind]) if one.message == mid else one for one in run.steps]
    run.steps = [replace(one, at_ms=since_ms) if one.kind == "subscribed" and one.contact == ANNA else one for one in run.steps]
    run.bubbles = [replace(one, place=50, at_ms=34_090) if one.message == mid else one for one in run.bubbles]
    verdict = run.judged()
    assert faults(verdict) == found
    assert len(verdict.welcomed) == (not found)


def test_what_somebody_else_was_told_in_its_place_holds_no_more(run: Run) -> None:
    case = Case(run.seen())
    told, applied_ms = case.by_event["e02"], case.applied["e03"].at_ms
    assert case.over_by(told, "gate_changed", applied_ms)
    assert not case.over_by(told, "gate_changed", applied_ms - 1)
    assert not case.over_by(told, "flight_delayed", applied_ms)
    assert not case.over_by(case.by_event["e03"], "gate_changed", applied_ms)


def test_the_order_on_two_handsets_has_nothing_to_do_with_each_other(run: Run) -> None:
    run.bubbles[1] = replace(run.bubbles[1], place=99)
    run.bubbles[3] = replace(run.bubbles[3], place=100)
    assert faults(run.judged()) == {}


@pytest.mark.parametrize(("after_ms", "stale"), [(STALE_MS - 100, 0), (STALE_MS + 100, 1)])
def test_something_older_is_stale_when_what_replaces_it_was_long_planned(run: Run, after_ms: int, stale: int) -> None:
    planned = next(one for one in run.steps if one.kind == "enqueued" and one.message == name(3, ANNA)).at_ms
    older = next(one for one in run.bubbles if one.message == name(2, ANNA))
    run.bubbles[run.bubbles.index(older)] = replace(older, at_ms=planned + after_ms)
    assert len(run.judged().stale) == stale


def test_what_a_newer_status_ended_is_stale_when_it_comes_after_it(run: Run) -> None:
    run.steps = [
        replace(one, detail={"nt": "flight_cancelled"}) if one.kind == "enqueued" and one.message == name(3, ANNA) else one
        for one in run.steps
    ]
    older = next(one for one in run.bubbles if one.message == name(2, ANNA))
    run.bubbles[run.bubbles.index(older)] = replace(older, at_ms=90_000)
    assert len(run.judged().stale) == 1


def copied(run: Run, *, attempt: int = 2, at: int = 60_000, why: str = "lease") -> None:
    """The answer of the first was lost; the second was answered."""
    run.drop(lambda one: one.kind == "accepted" and one.message == name(3, ANNA))
    run.steps.append(run.step(at - 6_000, "uncertain", 3, ANNA, attempt="1", why=why))
    run.steps.append(run.step(at - 20, "claimed", 3, ANNA))
    run.steps.append(run.step(at + 10, "accepted", 3, ANNA, attempt=str(attempt)))
    run.bubbles.append(run.bubble(3, ANNA, at, attempt=attempt))


def test_a_copy_without_any_evidence_is_allowed_and_says_why(run: Run) -> None:
    del run.evidence[name(3, ANNA), 1]
    copied(run)
    verdict = run.judged()
    assert faults(verdict) == {}
    [double] = verdict.doubles
    assert "no evidence of attempt 1 came" in double.reason
    assert "uncertain (lease)" in double.reason


def test_a_copy_whose_evidence_came_after_it_was_taken_up_is_allowed(run: Run) -> None:
    run.evidence[name(3, ANNA), 1] = 60_500
    copied(run)
    [double] = run.judged().doubles
    assert double.allowed


def test_a_copy_in_spite_of_evidence_in_time_is_forbidden(run: Run) -> None:
    run.evidence[name(3, ANNA), 1] = 60_000 - GRACE_MS - 500
    copied(run)
    assert faults(run.judged()) == {"doubles": 1}


def test_a_copy_that_did_not_wait_for_evidence_is_forbidden_though_it_went_first(run: Run) -> None:
    sent = next(one for one in run.bubbles if one.message == name(3, ANNA)).at_ms
    run.evidence_ms = 30_000
    run.evidence[name(3, ANNA), 1] = sent + 10_000
    copied(run, at=sent + 8_000)
    assert faults(run.judged()) == {"doubles": 1}


def test_a_copy_is_allowed_where_evidence_came_later_than_it_is_waited_for(run: Run) -> None:
    sent = next(one for one in run.bubbles if one.message == name(3, ANNA)).at_ms
    run.evidence_ms = 30_000
    run.evidence[name(3, ANNA), 1] = sent + 45_000
    copied(run, at=sent + 41_000)
    assert run.judged().ok


def test_a_copy_of_what_the_house_itself_had_as_accepted_is_forbidden_without_any_evidence(run: Run) -> None:
    mid = name(3, ANNA)
    run.evidence.pop((mid, 1))
    run.steps.append(run.step(40_000, "claimed", 3, ANNA))
    run.bubbles.append(run.bubble(3, ANNA, 40_100, attempt=2))
    assert "down as accepted" in run.judged().forbidden[0].reason


def test_the_same_attempt_twice_is_never_allowed(run: Run) -> None:
    del run.evidence[name(3, ANNA), 1]
    copied(run, attempt=1)
    assert faults(run.judged()) == {"doubles": 1}


def frozen(run: Run, *, arrived_ms: int) -> None:
    """Gate 3 for Anna was claimed, its process stood still, somebody else sent it again, and then the first went on."""
    copied(run, at=52_000)
    run.steps = sorted(run.steps, key=lambda one: one.at_ms)
    mid = name(3, ANNA)
    run.bubbles = [one for one in run.bubbles if not (one.message == mid and one.attempt == 1)]
    del run.evidence[mid, 1]
    run.bubbles.append(run.bubble(3, ANNA, arrived_ms))
    run.evidence[mid, 2] = 52_100
    run.pauses = [Pause("hand", 30_035, 60_000)]


def test_a_copy_by_a_process_that_stood_still_is_allowed_and_says_so(run: Run) -> None:
    frozen(run, arrived_ms=60_000 + THAW_MS - 100)
    verdict = run.judged()
    assert faults(verdict) == {}
    [double] = verdict.doubles
    assert "hand stood still for 29965 ms" in double.reason


@pytest.mark.parametrize("change", ["late", "began later", "did not stand still"])
def test_a_copy_is_not_excused_by_a_pause_that_has_nothing_to_do_with_it(run: Run, change: str) -> None:
    frozen(run, arrived_ms=60_000 + THAW_MS + (100 if change == "late" else -100))
    if change == "began later":
        run.pauses = [replace(run.pauses[0], from_ms=30_000)]
    if change == "did not stand still":
        run.pauses = []
    assert faults(run.judged()) == {"doubles": 1}


def test_what_a_process_sends_as_it_wakes_is_out_of_order_with_a_reason(run: Run) -> None:
    first = run.bubbles[0]
    run.bubbles[0] = replace(first, place=99, at_ms=61_000)
    assert faults(run.judged()) == {"disorder": 1, "stale": 1}
    run.pauses = [Pause("hand", first.at_ms, 60_000)]
    verdict = run.judged()
    assert faults(verdict) == {}
    assert len(verdict.thawed) == 2


def test_after_a_stop_nothing_is_planned_and_nothing_handed_over(run: Run) -> None:
    run.silences = [Silence(HOMES[ANNA], 24_000, 24_500)]
    assert "no consent was withdrawn" in run.judged().unstopped[0]
    run.steps.append(Step(25_000, "consent", "", ANNA, "", "", {"k:journey.whatsapp.zz": "w"}))
    verdict = run.judged()
    assert faults(verdict) == {"unstopped": 2}
    assert "was planned" in verdict.unstopped[0]
    assert "was handed over" in verdict.unstopped[1]
    assert verdict.stopped_after_ms == [500]
    mid = name(3, ANNA)
    run.drop(lambda one: one.message == mid)
    run.bubbles = [one for one in run.bubbles if one.message != mid]
    run.steps.append(run.step(30_030, "suppressed", 3, ANNA, reason="withdrawn", nt="gate_changed"))
    assert faults(run.judged()) == {}


@pytest.mark.parametrize(("after_ms", "found"), [(ON_ITS_WAY_MS - 100, 0), (ON_ITS_WAY_MS + 100, 1)])
def test_what_was_on_its_way_when_somebody_said_stop_may_still_arrive(run: Run, after_ms: int, found: int) -> None:
    run.silences = [Silence(HOMES[ANNA], 30_000, 30_040)]
    run.steps.append(Step(30_100, "consent", "", ANNA, "", "", {"k:journey.whatsapp.zz": "w"}))
    last = next(one for one in run.bubbles if one.message == name(3, ANNA))
    run.bubbles[run.bubbles.index(last)] = replace(last, at_ms=30_100 + after_ms)
    assert len(run.judged().unstopped) == found


def test_an_agreement_is_no_withdrawal(run: Run) -> None:
    run.silences = [Silence(HOMES[ANNA], 31_000, 31_500)]
    run.steps.append(Step(32_000, "consent", "", ANNA, "", "", {"k:journey.whatsapp.zz": "g"}))
    assert faults(run.judged()) == {"unstopped": 1}


def test_a_stop_whose_webhook_was_never_answered_is_lost(run: Run) -> None:
    run.silences = [Silence(HOMES[ANNA], 31_000, 0)]
    assert faults(run.judged()) == {"lost": 1}


def test_a_stop_excuses_its_own_person_and_only_what_came_after_it(run: Run) -> None:
    for contact in (ANNA, BORIS):
        mid = name(3, contact)
        run.drop(lambda one, mid=mid: one.message == mid and one.kind != "enqueued")  # type: ignore[misc]
        run.bubbles = [one for one in run.bubbles if one.message != mid]
        run.steps.append(run.step(40_000, "suppressed", 3, contact, reason="withdrawn"))
    run.silences = [Silence(HOMES[ANNA], 30_900, 30_950)]
    run.steps.append(Step(31_000, "consent", "", ANNA, "", "", {"k:journey.whatsapp.zz": "w"}))
    [line] = run.judged().lost
    assert name(3, BORIS) in line
    run.steps[-1] = replace(run.steps[-1], at_ms=41_000)
    assert len(run.judged().lost) == 2


@pytest.mark.parametrize(("from_ms", "until_ms", "found"), [
    (30_000 - BRAKE_MS, 40_000, 2), (30_100 - BRAKE_MS, 40_000, 0), (20_500 - BRAKE_MS, 30_000, 0),
])  # fmt: skip
def test_nothing_is_handed_over_while_everything_is_stopped(run: Run, from_ms: int, until_ms: int, found: int) -> None:
    run.brakes = [Brake(from_ms, until_ms)]
    assert len(run.judged().unstopped) == found


def test_a_bubble_that_no_fact_explains_is_strange(run: Run) -> None:
    run.bubbles.append(Bubble(99, 70_000, "447700900001", "whatsapp", "m09nobody", 1, "hello"))
    assert faults(run.judged()) == {"strange": 1}


def test_a_message_on_somebody_elses_handset_is_strange(run: Run) -> None:
    run.bubbles[0] = replace(run.bubbles[0], address="447700900009")
    assert "somebody else" in run.judged().strange[0]


def test_a_message_to_somebody_whom_no_booking_brought_is_strange(run: Run) -> None:
    run.steps = [replace(one, contact="c09nobody") if one.message == name(3, ANNA) else one for one in run.steps]
    assert any("somebody else" in one for one in run.judged().strange)


def test_a_message_with_the_words_of_another_version_is_strange(run: Run) -> None:
    run.bubbles[0] = replace(run.bubbles[0], words="gate B001")
    assert "does not say 'B002'" in run.judged().strange[0]


def test_an_event_that_was_never_answered_or_answered_otherwise_is_refused(run: Run) -> None:
    run.told.append(Told("flight@4", "flight", 4, "", "", 0, "", {}))
    run.told[1] = replace(run.told[1], odd=("409 other_content",))
    assert faults(run.judged()) == {"refused": 2}


def answered(run: Run, *, kind: str, copies: int) -> None:
    mid = "m00answer"
    run.steps += [
        Step(5_000, "enqueued", mid, ANNA, "", "", {"nt": "reply"}),
        Step(5_100, kind, mid, ANNA, "", "", {"reason": "uncertain_ask"}),
    ]
    for copy in range(copies):
        words = "Dogs are welcome, case 0001."
        run.bubbles.append(Bubble(90 + copy, 5_050 + copy, "447700900001", "whatsapp", mid, 1 + copy, words))
    run.replies.append(Reply("case 0001.", mid))


def test_an_agents_answer_that_arrived_once_is_as_it_should_be(run: Run) -> None:
    answered(run, kind="accepted", copies=1)
    assert faults(run.judged()) == {}


def test_an_agents_answer_that_arrived_nowhere_is_not_lost_where_its_agent_was_asked(run: Run) -> None:
    answered(run, kind="dead", copies=0)
    assert faults(run.judged()) == {"lost": 1}
    run.answers["m00answer", 1] = [0]
    assert faults(run.judged()) == {}


def test_an_agents_answer_that_nobody_has_is_lost(run: Run) -> None:
    answered(run, kind="accepted", copies=0)
    assert run.judged().lost


def test_an_agents_answer_is_never_allowed_twice(run: Run) -> None:
    answered(run, kind="accepted", copies=2)
    assert run.judged().forbidden


def test_words_that_the_desk_refused_are_nobodys_due_and_on_no_handset(run: Run) -> None:
    run.replies.append(Reply("case 0002.", "", refused="409 owner_changed"))
    assert faults(run.judged()) == {}
    run.bubbles.append(Bubble(95, 6_000, "447700900001", "whatsapp", name(3, ANNA), 1, "case 0002. gate B003"))
    assert faults(run.judged())["strange"] == 1


def test_words_of_which_the_desk_never_said_anything_may_lie_there_once(run: Run) -> None:
    run.replies.append(Reply("case 0001.", "", unsure=True))
    assert faults(run.judged()) == {}
    answered(run, kind="accepted", copies=2)
    run.replies = run.replies[:1]
    assert faults(run.judged())["doubles"] == 1


def test_what_was_applied_and_called_older_than_itself_afterwards_is_due_all_the_same(run: Run) -> None:
    run.drop(lambda one: one.event == "e02")
    run.bubbles = [one for one in run.bubbles if not one.message.startswith("m02")]
    run.steps += [
        Step(20_000, "event", "", "", "e02", FLIGHT, {}),
        Step(20_010, "applied", "", "", "e02", FLIGHT, {"changes": "delay"}),
        Step(20_900, "older", "", "", "e02", FLIGHT, {}),
    ]
    assert faults(run.judged()) == {"lost": 2}


@pytest.mark.parametrize(("closed_ms", "lost"), [(29_000, {"lost": 2}), (31_000, {})])
def test_news_that_came_when_an_event_was_over_has_overtaken_nobody(run: Run, closed_ms: int, lost: dict[str, int]) -> None:
    run.drop(lambda one: bool(one.message) and one.event == "e02")
    run.bubbles = [one for one in run.bubbles if not one.message.startswith("m02")]
    run.steps.append(Step(closed_ms, "closed", "", "", "e02", FLIGHT, {}))
    assert faults(run.judged()) == lost


@pytest.mark.parametrize(("at_ms", "lost"), [(29_000, {"lost": 1}), (30_020, {})])
def test_what_was_replaced_before_anything_newer_was_planned_is_lost(run: Run, at_ms: int, lost: dict[str, int]) -> None:
    mid = name(2, ANNA)
    run.drop(lambda one: one.message == mid and one.kind != "enqueued")
    run.bubbles = [one for one in run.bubbles if one.message != mid]
    run.steps.append(run.step(at_ms, "replaced", 2, ANNA))
    assert faults(run.judged()) == lost
