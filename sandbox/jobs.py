"""What falls due: rows with a time on the sandbox's clock, run once each, also after kill -9.

A plain handler runs in one transaction with the deletion of its row: exactly once. An async handler (a fetch) runs
beside the loop and gives back what to do in that transaction; killed in between, it runs again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

from sandbox.clock import Clock
from sandbox.store import Json, Store, dump

Handler = Callable[[Json], object]
AsyncHandler = Callable[[Json], Awaitable[Callable[[], None]]]

_LONGEST_WAIT_S = 30.0
_BATCH = 200
log = logging.getLogger("sandbox")


class Jobs:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._handlers: dict[str, Handler] = {}
        self._async: dict[str, AsyncHandler] = {}
        self._wake = asyncio.Event()
        self._running: set[int] = set()
        clock.on_turn(self._wake.set)

    def register(self, kind: str, handler: Handler) -> None:
        self._handlers[kind] = handler

    def register_async(self, kind: str, handler: AsyncHandler) -> None:
        self._async[kind] = handler

    def add(self, after_ms: int, kind: str, key: str, payload: Json) -> None:
        """``key``: what the job is about; ``drop`` forgets all jobs of a key."""
        self._store.insert("INSERT INTO jobs (due_ms, kind, key, payload) VALUES (?, ?, ?, ?)",
                           self._clock.now_ms() + after_ms, kind, key, dump(payload))
        self._wake.set()

    def drop(self, key: str) -> None:
        self._store.run("DELETE FROM jobs WHERE key = ?", key)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                now = self._clock.now_ms()
                rows = self._store.rows("SELECT id, kind, payload FROM jobs WHERE due_ms <= ? ORDER BY due_ms, id LIMIT ?",
                                        now, _BATCH + len(self._running))
                rows = [row for row in rows if row["id"] not in self._running]
                for row in rows:
                    if row["kind"] in self._async:
                        self._running.add(row["id"])
                        group.create_task(self._run_async(row["id"], row["kind"], json.loads(row["payload"])))
                    else:
                        self._run_one(row["id"], row["kind"], json.loads(row["payload"]))
                if rows:
                    await asyncio.sleep(0)
                    continue
                await self._sleep(now)

    async def _sleep(self, looked_ms: int) -> None:
        """Until the next job after the time of the last look, which is not now: one may have fallen due between."""
        row = self._store.row("SELECT MIN(due_ms) AS due FROM jobs WHERE due_ms > ?", looked_ms)
        wait_s = _LONGEST_WAIT_S
        if row is not None and row["due"] is not None:
            wait_s = min(wait_s, max(0.0, (row["due"] - self._clock.now_ms()) / 1_000))
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _run_one(self, job_id: int, kind: str, payload: Json) -> None:
        handler = self._handlers.get(kind)
        try:
            with self._store.tx():
                if self._store.run("DELETE FROM jobs WHERE id = ?", job_id) and handler is not None:
                    handler(payload)
        except Exception:
            log.exception("job.failed kind=%s id=%s", kind, job_id)
            self._store.run("DELETE FROM jobs WHERE id = ?", job_id)

    async def _run_async(self, job_id: int, kind: str, payload: Json) -> None:
        try:
            finish = await self._async[kind](payload)
            with self._store.tx():
                if self._store.run("DELETE FROM jobs WHERE id = ?", job_id):
                    finish()
        except Exception:
            log.exception("job.failed kind=%s id=%s", kind, job_id)
            self._store.run("DELETE FROM jobs WHERE id = ?", job_id)
        finally:
            self._running.discard(job_id)
            self._wake.set()
