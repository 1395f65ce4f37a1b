"""The processes that draw: off the event loop, in turn, and gone when their parent is."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from gateway.documents import symbols
from gateway.documents.forms import Form
from gateway.documents.maker import Maker, _Worker
from gateway.documents.paper import Symbol, SymbolKind
from gateway.errors import CannotDraw
from gateway.metrics import Metrics
from tests.support.drawn import PASS, TEMPLATES, issued, passes
from tests.support.waiting import wait_until

HELD_S = 0.05
ROOT = Path(__file__).parents[2]


async def test_fifty_documents_are_drawn_and_the_event_loop_is_not_held() -> None:
    """What this process computes, all its threads together, between two turns of its loop, and in all."""
    longest, ended = 0.0, False

    async def beat() -> None:
        nonlocal longest
        before = time.process_time()
        while not ended:
            await asyncio.sleep(0.001)
            now = time.process_time()
            longest, before = max(longest, now - before), now

    papers = passes(50)
    async with Maker(TEMPLATES) as maker, asyncio.TaskGroup() as group:
        group.create_task(beat())
        await maker.warm()
        began = time.process_time()
        made = await asyncio.gather(*(maker.make(paper, Form.PICTURE, "nl") for paper in papers))
        computed = time.process_time() - began
        ended = True
    assert len({one.data for one in made}) == 50
    assert longest < HELD_S
    assert computed < 50 * 0.005, "drawing one takes over 10 ms: it is not done here"


async def test_what_cannot_be_drawn_is_refused_and_counted_and_takes_nothing_with_it() -> None:
    metrics = Metrics()
    async with Maker(TEMPLATES, processes=1, metrics=metrics) as maker:
        first = await maker.make(PASS, Form.PICTURE, "nl")
        with pytest.raises(CannotDraw, match="do not fit"):
            await maker.make(replace(PASS, symbols=(Symbol(SymbolKind.AZTEC, issued(5000), binary=True),)), Form.PAGE, "nl")
        again = await maker.make(PASS, Form.PICTURE, "nl")
    assert again == first
    with pytest.raises(CannotDraw) as found:
        await maker.make(PASS, Form.PICTURE, "nl")
    assert found.value.why == "closed"
    told = {
        labels: metrics.documents.labels("boarding_pass", *labels)._value.get()
        for labels in (("picture", "made"), ("page", "symbol"), ("picture", "closed"))
    }
    assert told == {("picture", "made"): 2, ("page", "symbol"): 1, ("picture", "closed"): 0}, "a refused one is not an order"


@pytest.mark.parametrize(("dies", "why"), [(True, "worker"), pytest.param(False, "late", marks=pytest.mark.long)])
async def test_a_process_that_dies_or_hangs_over_a_document_is_replaced_and_only_that_one_fails(dies: bool, why: str) -> None:
    async with Maker(TEMPLATES, processes=1, make_s=20.0 if dies else 1.5) as maker:
        expected = await maker.make(PASS, Form.PICTURE, "nl")
        (process,) = children()
        os.kill(process, signal.SIGSTOP)
        order = asyncio.create_task(maker.make(PASS, Form.PICTURE, "nl"))
        await wait_until(lambda: maker.busy == 1)
        if dies:
            os.kill(process, signal.SIGKILL)
        with pytest.raises(CannotDraw) as found:
            await order
        assert found.value.why == why
        assert await maker.make(PASS, Form.PICTURE, "nl") == expected
        assert process not in children()


async def test_who_gives_up_takes_nothing_with_them_and_gets_nobody_elses_document() -> None:
    mine, other = passes(2)
    async with Maker(TEMPLATES, processes=1) as maker:
        await maker.warm()
        (process,) = children()
        os.kill(process, signal.SIGSTOP)
        gone, waiting = (asyncio.create_task(maker.make(mine, Form.PICTURE, "nl")) for _ in range(2))
        await wait_until(lambda: maker.busy == 1)
        gone.cancel()
        waiting.cancel()
        await asyncio.gather(gone, waiting, return_exceptions=True)
        os.kill(process, signal.SIGCONT)
        made = await maker.make(other, Form.PICTURE, "nl")
        assert children() == [process]
    assert symbols.read(Image.open(io.BytesIO(made.data)), SymbolKind.AZTEC) == [other.symbols[0].payload]
    assert children() == []


@pytest.mark.long
async def test_closing_ends_the_processes_and_turns_away_who_still_waits() -> None:
    maker = Maker(TEMPLATES, processes=1, waiting=2)
    await maker.warm()
    (process,) = children()
    os.kill(process, signal.SIGSTOP)
    orders = [asyncio.create_task(maker.make(PASS, Form.PICTURE, "nl")) for _ in range(6)]
    await wait_until(lambda: maker.busy == 1)
    await maker.close()
    ended = await asyncio.gather(*orders, return_exceptions=True)
    assert [one.why for one in ended if isinstance(one, CannotDraw)] == ["closed"] * 6
    assert children() == []


async def test_who_waits_for_the_first_process_is_told_when_we_close() -> None:
    maker = Maker(TEMPLATES, processes=1)
    warming = asyncio.create_task(maker.warm())
    await wait_until(lambda: bool(children()))
    await maker.close()
    with pytest.raises(CannotDraw) as found:
        await asyncio.wait_for(warming, 10)
    assert found.value.why == "closed"


async def test_a_first_process_that_fails_in_a_way_nobody_thought_of_leaves_no_order_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def torn(*_: object) -> None:
        raise ConnectionResetError("a pipe of no use")

    async with Maker(TEMPLATES, processes=1) as maker:
        with monkeypatch.context() as patched:
            patched.setattr(_Worker, "_answer", torn)
            with pytest.raises(CannotDraw, match="does not start"):
                await asyncio.wait_for(maker.warm(), 10)
        made = await asyncio.wait_for(maker.make(PASS, Form.PICTURE, "nl"), 30)
    assert made.mime == "image/png"


async def test_a_process_that_cannot_be_started_fails_the_order_and_the_next_one_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Maker(TEMPLATES, processes=1) as maker:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "executable", "/nowhere/python")
            for _ in range(2):
                with pytest.raises(CannotDraw, match="does not start") as found:
                    await asyncio.wait_for(maker.make(PASS, Form.PICTURE, "nl"), 10)
                assert found.value.why == "worker"
        assert (await maker.make(PASS, Form.PICTURE, "nl")).mime == "image/png"


@pytest.mark.long
async def test_layouts_that_do_not_load_are_named(tmp_path: Path) -> None:
    layout = tmp_path / "layouts" / "boarding_pass" / "picture.yaml"
    layout.parent.mkdir(parents=True)
    layout.write_text("size: [720, 1040]\nboxes: [{logo: true, at: [0, 0, 800, 10]}]\n")
    async with Maker(tmp_path) as maker:
        with pytest.raises(CannotDraw, match=r"boarding_pass/picture\.yaml.*should lie on the canvas"):
            await maker.warm()
        with pytest.raises(CannotDraw, match="should lie on the canvas"):
            await maker.make(PASS, Form.PICTURE, "nl")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_a_process_that_draws_ends_with_its_parent_however_that_ends() -> None:
    script = (
        "import asyncio, pathlib\nfrom gateway.documents.maker import Maker\n"
        f"async def main():\n    maker = Maker(pathlib.Path({str(TEMPLATES)!r}))\n    await maker.warm()\n"
        "    print('ready', flush=True)\n    await asyncio.sleep(60)\nasyncio.run(main())"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert parent.stdout is not None
        assert await asyncio.to_thread(parent.stdout.readline) == b"ready\n"
        (process,) = children(parent.pid)
        os.kill(process, signal.SIGSTOP)  # not even able to see its input end
    finally:
        parent.kill()
        parent.wait()
    await wait_until(lambda: state(process) in ("", "Z"))


def children(parent: int | None = None) -> list[int]:
    found = Path(f"/proc/{parent or os.getpid()}/task").glob("*/children")
    return [int(one) for path in found for one in path.read_text().split() if b"documents.worker" in command(int(one))]


def command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
