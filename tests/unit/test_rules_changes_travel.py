"""What is news about a flight or train."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.rules.changes import facts
from tests.unit.changes_support import FLIGHT, TRIP, bare, clock, flight, remember, tell


def test_late_later_cancelled_reinstated_on_time() -> None:
    assert tell(
        FLIGHT,
        flight("delayed", 20),
        flight("delayed", 45),
        bare("cancelled"),
        bare("reinstated"),
        flight("scheduled", 0),
    ) == [{"delay"}, {"delay"}, {"cancelled"}, {"reinstated"}, {"on_time_again"}]


def test_the_same_story_with_a_gate_in_between() -> None:
    assert tell(
        FLIGHT,
        flight("scheduled", gate="D18"),
        flight("delayed", 20, gate="D18"),
        flight("delayed", 45, gate="C07"),
        bare("delayed", gate="C09"),
        flight("scheduled", 0, gate="C09"),
    ) == [set(), {"delay"}, {"delay", "gate"}, {"gate"}, {"on_time_again"}]


@pytest.mark.parametrize(
    ("says", "events", "told"),
    [
        ("as planned at first sight is no news", [flight("scheduled", 0)], [set()]),
        ("late at first sight is", [flight("delayed", 30)], [{"delay"}]),
        ("four minutes are none", [flight("delayed", 4)], [set()]),
        ("five are", [flight("scheduled", 5)], [{"delay"}]),
        ("late without a time is late", [bare("delayed")], [{"delay"}]),
        ("and again when the time is known", [bare("delayed"), flight("delayed", 40)], [{"delay"}, {"delay"}]),
        ("four minutes more are no news", [flight("delayed", 30), flight("delayed", 34)], [{"delay"}, set()]),
        ("nor four less", [flight("delayed", 30), flight("delayed", 26)], [{"delay"}, set()]),
        ("five less are", [flight("delayed", 30), flight("delayed", 25)], [{"delay"}, {"delay"}]),
        (
            "creeping by three minutes is news each time it makes five",
            [flight("delayed", minutes) for minutes in (20, 23, 26, 29, 32)],
            [{"delay"}, set(), {"delay"}, set(), {"delay"}],
        ),
        ("back to the timetable", [flight("delayed", 45), flight("scheduled", 0)], [{"delay"}, {"on_time_again"}]),
        ("without a word of the time", [flight("delayed", 45), bare("scheduled")], [{"delay"}, {"on_time_again"}]),
        ("almost back counts", [flight("delayed", 45), flight("scheduled", 4)], [{"delay"}, {"on_time_again"}]),
        ("six, then three: within what was told", [flight("delayed", 6), flight("scheduled", 3)], [{"delay"}, set()]),
        (
            "late again after that",
            [flight("delayed", 45), flight("scheduled", 0), flight("delayed", 10)],
            [{"delay"}, {"on_time_again"}, {"delay"}],
        ),
        ("boarding says nothing of the hour", [bare("delayed"), bare("boarding")], [{"delay"}, {"boarding"}]),
        ("leaving early is news", [flight("scheduled", 0), flight("early", -10)], [set(), {"early"}]),
        ("and at first sight", [flight("early", -10)], [{"early"}]),
        (
            "early and then as planned",
            [flight("early", -10), flight("scheduled", 0)],
            [{"early"}, {"on_time_again"}],
        ),
        (
            "another timetable is no delay",
            [flight("scheduled"), flight("scheduled", scheduled=95)],
            [set(), {"rescheduled"}],
        ),
        (
            "and what was told already is no news when the timetable follows",
            [flight("delayed", 45), flight("scheduled", 45, scheduled=45)],
            [{"delay"}, set()],
        ),
        (
            "nor when boarding leaves the time out",
            [flight("delayed", 45), flight("scheduled", scheduled=45), bare("boarding")],
            [{"delay"}, set(), {"boarding"}],
        ),
        (
            "late, with another timetable and no forecast for it",
            [bare("delayed"), flight("scheduled"), flight("delayed", scheduled=60)],
            [{"delay"}, {"on_time_again"}, {"rescheduled", "delay"}],
        ),
        ("unknown is no status", [flight("delayed", 45), bare("unknown")], [{"delay"}, set()]),
        ("nothing known is nothing told", [{"status": "unknown"}, {"status": "unknown"}], [set(), set()]),
        (
            "it runs again, as late as before: told again",
            [flight("delayed", 45), bare("cancelled"), flight("reinstated", 45)],
            [{"delay"}, {"cancelled"}, {"reinstated", "delay"}],
        ),
        (
            "it runs again, on time: told once",
            [flight("delayed", 45), bare("cancelled"), flight("scheduled", 0)],
            [{"delay"}, {"cancelled"}, {"reinstated"}],
        ),
        (
            "it runs again, and only later says that it is late",
            [flight("delayed", 45), bare("cancelled"), bare("reinstated"), flight("delayed", 45)],
            [{"delay"}, {"cancelled"}, {"reinstated"}, {"delay"}],
        ),
        ("running again without a cancellation is none", [bare("reinstated")], [set()]),
        ("nor after as planned", [flight("scheduled"), bare("reinstated")], [set(), set()]),
    ],
)
def test_time(says: str, events: list[dict[str, Any]], told: list[set[str]]) -> None:
    assert tell(FLIGHT, *events) == told, says


@pytest.mark.parametrize(
    ("says", "events", "told"),
    [
        ("the first gate is no other gate", [flight("scheduled"), flight("scheduled", gate="D18")], [set(), set()]),
        ("another is", [flight("scheduled", gate="D18"), flight("scheduled", gate="C07")], [set(), {"gate"}]),
        (
            "back to the first is news as well",
            [flight("scheduled", gate=gate) for gate in ("D18", "C07", "D18")],
            [set(), {"gate"}, {"gate"}],
        ),
        (
            "leaving the gate out changes nothing",
            [flight("scheduled", gate="D18"), flight("scheduled")],
            [set(), set()],
        ),
        ("nor does null", [flight("scheduled", gate="D18"), flight("scheduled", gate=None)], [set(), set()]),
        ("another terminal", [flight(terminal="1"), flight(terminal="2")], [set(), {"terminal"}]),
        (
            "a gate after departure is no news",
            [flight("departed", gate="D18"), bare("departed", gate="C07")],
            [{"departed"}, set()],
        ),
        (
            "after a cancellation a new gate is told when it runs again",
            [flight("scheduled", gate="D18"), bare("cancelled"), bare("reinstated", gate="C07")],
            [set(), {"cancelled"}, {"reinstated", "gate"}],
        ),
        (
            "the old one is not, nor is it still known",
            [flight("scheduled", gate="D18"), bare("cancelled"), bare("reinstated"), bare("scheduled", gate="D18")],
            [set(), {"cancelled"}, {"reinstated"}, set()],
        ),
        ("cancelled at first sight is cancelled", [bare("cancelled")], [{"cancelled"}]),
        (
            "check-in opens once",
            [bare("check_in"), flight("delayed", 30), bare("check_in")],
            [{"check_in"}, {"delay"}, set()],
        ),
        (
            "boarding is called once",
            [bare("boarding"), bare("gate_closed"), bare("boarding")],
            [{"boarding"}, {"gate_closed"}, set()],
        ),
        (
            "and again for another time",
            [flight("boarding", 0), flight("delayed", 60), flight("boarding", 60)],
            [{"boarding"}, {"delay"}, {"boarding"}],
        ),
        ("under way is departed", [bare("en_route")], [{"departed"}]),
        ("departed and under way is departed once", [bare("departed"), bare("en_route")], [{"departed"}, set()]),
        (
            "back at the gate it leaves again",
            [bare("departed"), flight("delayed", 60), bare("departed")],
            [{"departed"}, {"delay"}, {"departed"}],
        ),
        ("it lands", [bare("departed"), bare("arrived")], [{"departed"}, {"landed"}]),
        ("landing is news at first sight", [bare("arrived")], [{"landed"}]),
        (
            "landed and in the air and landed is one landing",
            [bare("arrived"), bare("en_route"), bare("arrived")],
            [{"landed"}, {"departed"}, set()],
        ),
        ("the belt that comes with the landing is part of it", [bare("arrived", belt="12")], [{"landed"}]),
        ("one that comes later is news", [bare("arrived"), bare("arrived", belt="12")], [{"landed"}, {"belt"}]),
        ("another belt", [bare("arrived", belt="12"), bare("arrived", belt="14")], [{"landed"}, {"belt"}]),
        ("diverted", [bare("departed"), bare("diverted", divertedTo="STN")], [{"departed"}, {"diverted"}]),
        ("where to is news", [bare("diverted"), bare("diverted", divertedTo="STN")], [{"diverted"}, {"diverted"}]),
        (
            "under way, ten minutes from what was told are no news",
            [bare("departed", arrival_scheduled=clock(90)), bare("en_route", arrival_estimated=clock(100))],
            [{"departed"}, set()],
        ),
        (
            "fifteen are",
            [bare("departed", arrival_scheduled=clock(90)), bare("en_route", arrival_estimated=clock(105))],
            [{"departed"}, {"arrival_moved"}],
        ),
        (
            "a diversion takes its new time with it",
            [bare("departed", arrival_scheduled=clock(90)), bare("diverted", divertedTo="STN", arrival_estimated=clock(140))],
            [{"departed"}, {"diverted"}],
        ),
    ],
)
def test_the_journey(says: str, events: list[dict[str, Any]], told: list[set[str]]) -> None:
    assert tell(FLIGHT, *events) == told, says


def trip(status: str | None = None, **more: Any) -> dict[str, Any]:
    leg = {"operator": "EXR", "line": "IC 3500", "tripNumber": "3542", "operatingDay": "2026-11-22"}
    return {"trip": {**leg, "from": {"code": "xmp:UT"}, "to": {"code": "xmp:EHV"}}, "status": status, **more}


TIMETABLE = {"departure": {"scheduled": clock(0)}}


@pytest.mark.parametrize(
    ("says", "events", "told"),
    [
        ("the planned platform is no news", [trip("scheduled", platform={"planned": "7"})], [set()]),
        (
            "nor the same one confirmed",
            [trip(platform={"planned": "7"}), trip(platform={"actual": "7"})],
            [set(), set()],
        ),
        ("another is", [trip(platform={"planned": "7"}), trip(platform={"actual": "5b"})], [set(), {"platform"}]),
        ("at first sight too", [trip(platform={"planned": "7", "actual": "5b"})], [{"platform"}]),
        ("minutes alone are a delay", [trip("delayed", delayMinutes=12)], [{"delay"}]),
        ("few are none", [trip("delayed", delayMinutes=4)], [set()]),
        (
            "more of them",
            [trip(delayMinutes=12), trip(delayMinutes=14), trip(delayMinutes=17)],
            [{"delay"}, set(), {"delay"}],
        ),
        ("and none", [trip(delayMinutes=12), trip(delayMinutes=0)], [{"delay"}, {"on_time_again"}]),
        ("minutes on a known timetable", [trip(times=TIMETABLE), trip("delayed", delayMinutes=12)], [set(), {"delay"}]),
        (
            "the same told as a time is no news",
            [
                trip("delayed", times=TIMETABLE, delayMinutes=12),
                trip("delayed", times={"departure": {"estimated": clock(12)}}),
            ],
            [{"delay"}, set()],
        ),
        ("stops left out", [trip("partly_cancelled", cancelledStops=["xmp:HT"])], [{"partly_cancelled"}]),
        (
            "other stops",
            [
                trip("partly_cancelled", cancelledStops=["xmp:HT"]),
                trip("partly_cancelled", cancelledStops=["xmp:HT", "xmp:BT"]),
            ],
            [{"partly_cancelled"}, {"partly_cancelled"}],
        ),
        ("then all of it", [trip("partly_cancelled"), trip("cancelled")], [{"partly_cancelled"}, {"cancelled"}]),
        ("then none of it", [trip("cancelled"), trip("scheduled")], [{"cancelled"}, {"reinstated"}]),
        (
            "stops left out and late",
            [trip("partly_cancelled", times={"departure": {"scheduled": clock(0), "estimated": clock(9)}})],
            [{"partly_cancelled", "delay"}],
        ),
        (
            "only the arrival is known",
            [trip("delayed", times={"arrival": {"scheduled": clock(0), "estimated": clock(9)}})],
            [{"delay"}],
        ),
        (
            "then the departure, which is on time: another clock, so no news",
            [
                trip("delayed", times={"arrival": {"scheduled": clock(0), "estimated": clock(9)}}),
                trip("delayed", times={"departure": {"scheduled": clock(-50), "estimated": clock(-50)}}),
            ],
            [{"delay"}, set()],
        ),
        (
            "or late: told by that clock",
            [
                trip("delayed", times={"arrival": {"scheduled": clock(0), "estimated": clock(9)}}),
                trip("delayed", times={"departure": {"scheduled": clock(-50), "estimated": clock(-41)}}),
            ],
            [{"delay"}, {"delay"}],
        ),
    ],
)
def test_a_train(says: str, events: list[dict[str, Any]], told: list[set[str]]) -> None:
    assert tell(TRIP, *events) == told, says


def test_minutes_become_a_time_as_soon_as_the_timetable_is_known() -> None:
    memory = remember(TRIP, trip(times=TIMETABLE), trip("delayed", delayMinutes=12))
    assert memory["departure"] == {"scheduled": clock(0), "estimated": clock(12)}
    assert "delay_minutes" not in memory
    assert facts(TRIP, memory)["delay_minutes"] == 12
    assert facts(TRIP, remember(TRIP, trip("delayed", delayMinutes=12)))["delay_minutes"] == 12
