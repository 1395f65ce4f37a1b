"""A command typed in the wrong directory: what nobody heard is said not to be heard, and where was looked is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.reply import words as as_text
from gateway.store.signs import Signs
from tests.integration.commands_stage import House, Launcher, house, launcher

__all__ = ["launcher"]


@pytest.fixture
async def home(data_dir: Path, launcher: Launcher) -> AsyncIterator[House]:
    async with house(data_dir, launcher) as made:
        yield made


@pytest.mark.parametrize(
    ("word", "first", "second"),
    [("stop", "all", "source:shop"), ("crisis", "flight:ZZ1/2026-11-22/AMS", "flight:ZZ2/2026-11-22/AMS")],
)
async def test_a_brake_that_no_process_hears_is_kept_and_says_so(home: House, word: str, first: str, second: str) -> None:
    alone = await home.run(word, first, "--why", "closed")
    assert alone.code == 0, alone.err
    assert "nobody heard this" in alone.err
    assert str(home.data_dir / "store") in alone.err
    assert "two seconds" not in alone.out
    await Signs(home.redis).put("machine:8081", [])
    heard = await home.run(word, second, "--why", "closed")
    assert (heard.code, heard.err) == (0, "")
    assert "very process knows within two seconds" in heard.out


async def test_a_process_that_went_silent_does_not_count_as_hearing(home: House) -> None:
    """Its last word is over a minute old."""
    await Signs(home.redis).put("machine:8081", [])
    [(name, raw)] = (await home.redis.hgetall("signs")).items()
    at, _, rest = as_text(raw).partition(" ")
    await home.redis.hset("signs", as_text(name), f"{int(at) - 61_000} {rest}")
    assert "nobody heard this" in (await home.run("stop", "all", "--why", "wrong gates")).err


@pytest.mark.parametrize(
    ("first", "second", "sooner"),
    [
        ((), ("--until", "15m"), True),
        (("--until", "2h"), ("--until", "15m"), True),
        (("--until", "15m"), ("--until", "2h"), False),
        (("--until", "15m"), (), False),
    ],
)
async def test_a_stop_that_ends_sooner_than_the_one_before_it_says_so(
    home: House, first: tuple[str, ...], second: tuple[str, ...], sooner: bool
) -> None:
    """Two people pull the same brake: the later word counts, and must not shorten the earlier one unseen."""
    await Signs(home.redis).put("machine:8081", [])
    await home.run("stop", "all", "--why", "wrong gates", *first)
    ran = await home.run("stop", "all", "--why", "no answers", *second)
    assert f"It was stopped already, until {'20' if first else 'resumed'}" in ran.out
    assert ("ends sooner" in ran.err) is sooner


async def test_what_is_not_found_says_where_was_looked_and_names_the_demos_own_store(home: House) -> None:
    plain = await home.run("trace", "ZX7K2P")
    assert plain.code == 1
    assert f"Looked in {home.data_dir / 'store'}." in plain.err
    assert "demo" not in plain.err
    (home.data_dir / "demo").mkdir()
    (home.data_dir / "demo" / "env").touch()
    beside = await home.run("trace", "ZX7K2P")
    assert f"--env-file {home.data_dir / 'demo' / 'env'} trace" in beside.err
