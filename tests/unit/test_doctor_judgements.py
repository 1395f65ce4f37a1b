"""Where the doctor draws its lines: pure judgements about figures, and the sentence at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.checks import CHECKS
from gateway.cli.checks.finding import Finding, Level, names, span
from gateway.cli.checks.numbers import judge_tier
from gateway.cli.checks.storage import judge_disk, judge_durability
from gateway.cli.doctor import verdict
from gateway.settings import Environment, StorePromise
from gateway.store.durability import Durability
from gateway.store.readings import Travelling

GB = 1 << 30


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [
        (50 * GB, 100 * GB, Level.OK),
        (50 * GB, 4000 * GB, Level.OK),  # 1% of a large disk is room for years
        (8 * GB, 100 * GB, Level.WARN),
        (1 * GB, 2 * GB, Level.WARN),
        (200 << 20, 400 << 20, Level.FAIL),
        (1 * GB, 100 * GB, Level.FAIL),
        (0, 0, Level.FAIL),
    ],
)
def test_disk_is_full_by_share_and_by_size(free: int, total: int, level: Level) -> None:
    (finding,) = judge_disk("GATEWAY_DATA_DIR var", free, total)
    assert finding.level is level


@pytest.mark.parametrize(
    ("limit", "due", "exact", "level"),
    [
        (-1, 10**6, True, Level.OK),
        (250, 200, True, Level.OK),
        (250, 201, True, Level.WARN),
        (250, 251, True, Level.FAIL),
        (250, 251, False, Level.WARN),  # messages, not people: it may still fit
        (0, 1, True, Level.FAIL),
    ],
)
def test_tier_is_short_when_more_people_are_due(limit: int, due: int, exact: bool, level: Level) -> None:
    (finding,) = judge_tier("whatsapp", limit, due, exact)
    assert finding.level is level


@pytest.mark.parametrize(
    ("limit", "due", "travelling", "level"),
    [
        (250, 40, 100, Level.OK),
        (250, 40, 200, Level.WARN),
        (250, 0, 4000, Level.WARN),
        (-1, 0, 4000, Level.OK),
        (250, 251, 0, Level.FAIL),
    ],
)
def test_who_travels_tomorrow_counts_to_the_tier_and_as_an_estimate_only_warns(
    limit: int, due: int, travelling: int, level: Level
) -> None:
    (finding,) = judge_tier("whatsapp", limit, due, True, Travelling(travelling, 1920, 40_000))
    assert finding.level is level
    assert ("estimated from 1,920 of 40,000 contacts" in finding.what) is (travelling > 0)


def durability(*problems: str, unusable: tuple[str, ...] = (), barred: bool = False) -> Durability:
    promise = StorePromise.REPLICATED if barred else StorePromise.DURABLE
    return Durability("Valkey 9", unusable, (*unusable, *problems), promise, barred, "202 means something.")


def test_what_bars_production_warns_elsewhere_and_what_cannot_be_used_fails_everywhere() -> None:
    weak = durability("appendonly is no: write `appendonly yes`")
    (finding,) = judge_durability(weak, Environment.STAGING)
    assert finding == Finding(Level.WARN, "store-keeps", "appendonly is no", "write `appendonly yes`")
    assert judge_durability(weak, Environment.PRODUCTION)[0].level is Level.FAIL
    old = durability(unusable=("Redis 6 is too old: 7.2 or newer is needed",))
    assert judge_durability(old, Environment.DEMO)[0].level is Level.FAIL


def test_operators_word_about_a_store_is_repeated_as_such() -> None:
    (finding,) = judge_durability(durability(barred=True), Environment.PRODUCTION)
    assert (finding.level, finding.what) == (Level.NOTE, "202 means something.")


@pytest.mark.parametrize(
    ("levels", "begins"),
    [
        ((Level.OK, Level.NOTE), "All is well: 2 findings"),
        ((Level.OK, Level.WARN), "Well, for now: 1 to watch (b)"),
        ((Level.FAIL, Level.WARN, Level.FAIL), "Not well: 2 to mend (a, c), 1 to watch (b)"),
    ],
)
def test_last_sentence_says_whether_all_is_well(levels: tuple[Level, ...], begins: str) -> None:
    found = [Finding(level, name, "so") for level, name in zip(levels, "abc", strict=False)]
    assert verdict(found).startswith(begins)


def test_every_check_has_a_name_of_its_own_and_says_what_it_looks_at() -> None:
    found = [check.name for check in CHECKS]
    assert len(found) == len(set(found)) >= 20
    assert all(check.look.__doc__ for check in CHECKS)


@pytest.mark.parametrize(
    ("ms", "words"), [(5_000, "5 s"), (119_000, "119 s"), (3_600_000, "60 min"), (7_200_000, "2 h"), (200_000_000, "2 days")]
)
def test_durations_are_said_as_people_say_them(ms: int, words: str) -> None:
    assert span(ms) == words


def test_long_lists_end_in_a_count() -> None:
    assert names(["a", "b", "c"], most=2) == "a, b and 1 more"


def test_every_check_is_described_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert [check.name for check in CHECKS if f"| `{check.name}` |" not in page] == []
