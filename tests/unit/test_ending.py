"""A long command that is ended: surely, also where the first cancellation is lost."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from gateway.cli import ending


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_work_and_what_it_undoes_is_undone(number: signal.Signals) -> None:
    undone: list[str] = []

    async def work() -> int:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(undone.append, "file")
        return 0

    with pytest.raises(KeyboardInterrupt):
        ending.run(work)
    assert undone == ["file"]


def test_a_cancellation_that_gets_lost_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "AGAIN_S", 0.01)
    lost = []

    async def work() -> int:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.append("the first")  # as wait_for of Python 3.11 does
        await asyncio.Event().wait()
        return 0

    with pytest.raises(KeyboardInterrupt):
        ending.run(work)
    assert lost == ["the first"]


def test_work_that_comes_to_its_end_gives_its_code_and_its_errors() -> None:
    async def done() -> int:
        return 1

    async def wrong() -> int:
        raise ValueError("said")

    assert ending.run(done) == 1
    with pytest.raises(ValueError, match="said"):
        ending.run(wrong)
