"""Makes documents off the event loop: a few processes that draw, and a queue before them that is never long.

    async with Maker(settings.templates_dir, settings.fonts_dir) as maker:
        made = await maker.make(paper, Form.PICTURE, "nl")

A process is started when the first document is wanted, and kept. An order that a process does not answer in time, or dies
over, ends that process, not ours: the order fails as CannotDraw, the next one gets a new process. Who gives up waiting (a
cancelled task) takes nothing with it: the process finishes its document, which is thrown away.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from gateway.documents.forms import Form, Made
from gateway.documents.paper import Paper
from gateway.documents.worker import FRAME_MAX, LENGTH, frame
from gateway.errors import CannotDraw
from gateway.metrics import Metrics

PROCESSES = min(2, os.cpu_count() or 1)
"""Each draws about 130 pictures a second with a processor to itself, and takes 85 to 200 MiB. They give way to the gateway."""
WAITING = 32
MAKE_S = 20.0
"""For one document, once a process has it: drawing takes tens of milliseconds, a machine under load takes longer."""
START_S = 30.0
CLOSE_S = 2.0
REASONS = ("symbol", "unread", "layout", "failed", "worker", "late", "closed")
"""Why a document was not made: CannotDraw.why, and the label of the counter."""

_ROOT = Path(__file__).parents[2]
_ENVIRONMENT = {
    # Freed pictures are kept for the next one: asking the kernel for two megabytes anew each time costs a third of the drawing.
    "MALLOC_MMAP_THRESHOLD_": str(64 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20), "PILLOW_BLOCKS_MAX": "16",
    "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8",
}  # fmt: skip

_ENDING = "no more documents are made: the program is ending"

_log = structlog.get_logger()


@dataclass(slots=True)
class _Order:
    paper: Paper
    form: Form
    language: str
    done: asyncio.Future[Made]


class Maker:
    """templates: the directory of templates; fonts: a folder of further fonts, or None; metrics: where to count, or None."""

    def __init__(
        self,
        templates: Path,
        fonts: Path | None = None,
        *,
        processes: int = PROCESSES,
        waiting: int = WAITING,
        make_s: float = MAKE_S,
        metrics: Metrics | None = None,
    ) -> None:
        self._arguments = [str(templates.resolve()), str(fonts.resolve()) if fonts else ""]
        self._processes = processes
        self._make_s = make_s
        self._metrics = metrics
        self._orders: asyncio.Queue[_Order] = asyncio.Queue(waiting)
        self._tasks: list[asyncio.Task[None]] = []
        self._warm: asyncio.Future[None] | None = None
        self._closed = False
        self.busy = 0
        """Documents that a process is at this moment making."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def make(self, paper: Paper, form: Form, language: str) -> Made:
        """The document, each symbol of it read back. Waits for room in the queue.

        language: the channel's code; the brand's or English is taken where a layout does not speak it
        raises:   CannotDraw
        """
        self._open()
        began = time.monotonic()
        order = _Order(paper, form, language, asyncio.get_running_loop().create_future())
        try:
            await self._orders.put(order)
            made = await order.done
        except CannotDraw as error:
            self._count(paper, form, error.why)
            raise
        self._count(paper, form, "made", time.monotonic() - began)
        return made

    async def warm(self) -> None:
        """Start the first process now, and wait until it can draw. Raises CannotDraw, saying why layouts or fonts do not load."""
        self._open()
        assert self._warm is not None, "opened"
        await asyncio.shield(self._warm)

    async def close(self) -> None:
        """End the processes. Documents that are not yet made fail as CannotDraw. May be called twice."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._warm is not None and not self._warm.done():
            self._warm.set_exception(CannotDraw("closed", _ENDING))
        while not self._orders.empty():  # whoever waits for room comes in behind, and is turned away as well
            _fail(self._orders.get_nowait(), "closed", _ENDING)
            await asyncio.sleep(0)

    def _open(self) -> None:
        if self._closed:
            raise CannotDraw("closed", _ENDING)
        if not self._tasks:
            self._warm = asyncio.get_running_loop().create_future()
            self._warm.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody need ask
            self._tasks = [asyncio.create_task(self._run(one == 0), name=f"documents-{one}") for one in range(self._processes)]

    async def _run(self, first: bool) -> None:
        """One process after another, one order after another, until cancelled. first: start before there is an order."""
        worker: _Worker | None = None
        order: _Order | None = None
        try:
            worker = await self._begun() if first else None
            while True:
                order = await self._orders.get()
                if order.done.done():  # who asked has gone
                    continue
                try:
                    worker = worker or await _Worker.start(self._arguments)
                    self.busy += 1
                    try:
                        made = await worker.make(order, self._make_s)
                    finally:
                        self.busy -= 1
                    if not order.done.done():
                        order.done.set_result(made)
                except CannotDraw as error:
                    _fail(order, error.why, str(error))
                    if worker is not None and worker.broken:
                        await worker.end()
                        worker = None
                except Exception as error:  # the top of a loop: the next order gets a new process
                    _log.error("documents.worker_failed", error=type(error).__name__)
                    _fail(order, "worker", "the process that draws could not be used")
                    if worker is not None:
                        await worker.end()
                        worker = None
        finally:
            if order is not None:
                _fail(order, "closed", _ENDING)
            if worker is not None:
                await worker.end()

    async def _begun(self) -> _Worker | None:
        """The first process; None where it does not start: the next order tries again and says why."""
        assert self._warm is not None, "opened"
        try:
            worker = await _Worker.start(self._arguments)
        except Exception as error:  # the top of a loop: one that ended here would leave its orders waiting for ever
            if not isinstance(error, CannotDraw):
                _log.error("documents.worker_failed", error=type(error).__name__)
                error = CannotDraw("worker", "the process that draws does not start")
            if not self._warm.done():
                self._warm.set_exception(error)
            return None
        if not self._warm.done():
            self._warm.set_result(None)
        return worker

    def _count(self, paper: Paper, form: Form, outcome: str, seconds: float | None = None) -> None:
        if self._metrics is None:
            return
        self._metrics.documents.labels(paper.kind.value, form.value, outcome).inc()
        if seconds is not None:
            self._metrics.document_seconds.observe(seconds)


class _Worker:
    """One process that draws. broken: it cannot be asked again."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.broken = False

    @staticmethod
    async def start(arguments: list[str]) -> _Worker:
        """Raises CannotDraw, with the reason where layouts or fonts do not load."""
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway.documents.worker", *arguments,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                cwd=_ROOT, env=_ENVIRONMENT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:  # no memory, no room for a process
            raise CannotDraw("worker", "the process that draws does not start") from error
        worker = _Worker(process)
        try:
            async with asyncio.timeout(START_S):
                answer = await worker._answer()
        except (TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            await worker.end()
            raise CannotDraw("worker", "the process that draws does not start") from error
        except BaseException:
            await worker.end()
            raise
        if not answer.get("ready"):
            await worker.end()
            raise CannotDraw("layout", str(answer.get("why", "")))
        return worker

    async def make(self, order: _Order, make_s: float) -> Made:
        """Raises CannotDraw; `broken` says whether the process must go as well."""
        assert self._process.stdin is not None, "a pipe"
        assert self._process.stdout is not None, "a pipe"
        asked = {"paper": order.paper.dump(), "form": order.form.value, "language": order.language}
        self.broken = True  # until its answer has been read to the end: also where this task is cancelled
        try:
            async with asyncio.timeout(make_s):
                self._process.stdin.write(frame(json.dumps(asked).encode()))
                await self._process.stdin.drain()
                answer = await self._answer()
                files = [await self._process.stdout.readexactly(size) for size in answer.get("sizes", ())]
        except TimeoutError as error:
            raise CannotDraw("late", f"the process that draws took more than {make_s:g} s") from error
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            raise CannotDraw("worker", "the process that draws ended over a document") from error
        self.broken = False
        if not files:
            raise CannotDraw(str(answer["why"]), str(answer["message"]))
        return Made(files[0], answer["mime"], answer["pages"], tuple(files[1:]), answer["boxes"], answer["lost"])

    async def end(self) -> None:
        """Let it end, then make it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self.broken:
            self._kill()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._process.wait()
        except TimeoutError:
            self._kill()
            await self._process.wait()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None, "a pipe"
        size = LENGTH.unpack(await self._process.stdout.readexactly(LENGTH.size))[0]
        if size > FRAME_MAX:
            raise ValueError("no answer of ours")
        answer: dict[str, Any] = json.loads(await self._process.stdout.readexactly(size))
        return answer


def _fail(order: _Order, why: str, message: str) -> None:
    if not order.done.done():
        order.done.set_exception(CannotDraw(why, message))
