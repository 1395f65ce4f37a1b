"""What a notification watches, for how long it is held back when that flaps, and what its file may say of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import BadInput
from gateway.notifications.catalogue import Catalogue, load
from gateway.notifications.model import Notification
from tests.support.notifications import ROOT, catalogue

MINUTE_MS = 60_000


def one(name: str, of: Catalogue | None = None) -> Notification:
    found = (of or catalogue()).get(name)
    assert found is not None
    return found


def small(into: Path, name: str, **lines: str) -> Catalogue:
    """One notification of ours with lines of its file changed, or left out where they are ""."""
    directory = into / "templates"
    directory.mkdir()
    for known in ("brands.yaml", "places.yaml"):
        shutil.copy(ROOT / "templates" / known, directory / known)
    for folder in ("logos", name):
        shutil.copytree(ROOT / "templates" / folder, directory / folder)
    file = directory / name / "notification.yaml"
    kept = [line for line in file.read_text().splitlines() if line.split(":")[0] not in (*lines, "ends")]
    file.write_text("\n".join([*kept, *(f"{key}: {value}" for key, value in lines.items() if value)]) + "\n")
    return load(directory)


@pytest.mark.parametrize(
    ("name", "minutes"),
    [
        ("gate_changed", 3), ("flight_delayed", 3), ("trip_on_time_again", 3), ("platform_changed", 3), ("outage_updated", 3),
        ("flight_cancelled", 0), ("flight_reinstated", 0), ("trip_cancelled", 0),
        ("order_shipped", 0), ("ticket_issued", 0), ("boarding_pass_issued", 0), ("order_confirmed", 0),
    ],
)  # fmt: skip
def test_states_of_a_journey_settle_for_three_minutes_and_what_is_told_once_never_waits(name: str, minutes: int) -> None:
    assert one(name).watch.window_ms == minutes * MINUTE_MS


def test_who_tells_the_departure_speaks_of_one_value() -> None:
    told = {found.name for found in catalogue() if found.watch.name == "departure"}
    assert told == {"flight_delayed", "flight_on_time_again", "flight_rescheduled", "trip_delayed", "trip_on_time_again"}


def state(gate: str, *, departure: str = "2026-11-22T10:55:00+01:00", delay: int = 0) -> dict[str, Any]:
    return {
        "event": {"type": "flight.status"},
        "state": {"gate": gate, "departure": {"scheduled": "2026-11-22T10:55:00+01:00"}},
        "facts": {"departure_at": departure, "delay_minutes": delay},
    }


def test_on_time_is_the_value_of_before_the_delay_however_it_is_written() -> None:
    before, late = state("D5"), state("D5", departure="2026-11-22T11:15:00+01:00", delay=20)
    on_time = state("D5", departure="2026-11-22T09:55:00Z")
    assert one("flight_delayed").watched(before) == one("flight_on_time_again").watched(on_time)
    assert one("flight_delayed").watched(before) != one("flight_delayed").watched(late)


def test_a_gate_is_the_same_whatever_the_hour() -> None:
    assert one("gate_changed").watched(state("D5")) == one("gate_changed").watched(state("D5", delay=20))
    assert one("gate_changed").watched(state("D5")) != one("gate_changed").watched(state("D7"))


@pytest.mark.parametrize(("said", "ms"), [("90s", 90_000), ("10m", 600_000), ("0", 0)])
def test_an_operator_says_how_long(tmp_path: Path, said: str, ms: int) -> None:
    assert one("gate_changed", small(tmp_path, "gate_changed", settle=said)).watch.window_ms == ms


def test_without_a_word_it_watches_all_that_its_text_shows_of_the_subject(tmp_path: Path) -> None:
    found = one("gate_changed", small(tmp_path, "gate_changed", watch=""))
    assert found.watch.name == "gate_changed"
    assert {"state.gate", "state.departure.scheduled"} <= {source.source for source in found.watch.sources}


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ({"settle": "3 minutes"}, "3m or 90s"),
        ({"settle": "20m"}, "less than or equal to 600"),
        ({"settle": "3m", "replaces": "false"}, "replaces"),
        ({"watch": "{gate: state.gate, hour: state.departure}"}, "at most 1"),
        ({"watch": "{gate: 'state.'}"}, "watch"),
    ],
)
def test_what_makes_no_sense_is_refused_at_load(tmp_path: Path, lines: dict[str, str], why: str) -> None:
    with pytest.raises(BadInput) as refused:
        small(tmp_path, "gate_changed", **lines)
    assert any(why in f"{problem.field} {problem.message}" for problem in refused.value.problems)
