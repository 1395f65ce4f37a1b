"""Alive and ready, as two different questions.

Alive: the event loop of this process turns. A restart mends nothing else, so nothing else is asked. Ready: work may be sent here,
because the store answers and takes a write, every loop has beaten within its time, the keys are there and we are not stopping.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.metrics import Metrics

STORE_S = 2.0
FRESH_S = 1.0
"""Readiness is asked by several at once (a balancer, a board): an answer this young is given again."""


class Beats:
    """When each loop was last seen to turn. `expect` before the loop begins, then call what it returned at every turn."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._within_s: dict[str, float] = {}
        self._last_s: dict[str, float] = {}

    def expect(self, name: str, within_s: float) -> Callable[[], None]:
        """From now on the loop `name` must beat every `within_s`; returns its beat."""
        self._within_s[name] = within_s
        self._last_s[name] = self._now_s()

        def beat() -> None:
            self._last_s[name] = self._now_s()

        return beat

    def leave(self, name: str) -> None:
        """The loop has ended in good order."""
        self._within_s.pop(name, None)
        self._last_s.pop(name, None)

    def late(self) -> dict[str, float]:
        """Loops that are past their time -> seconds since their last beat."""
        now = self._now_s()
        return {
            name: now - self._last_s[name] for name, within in self._within_s.items() if now - self._last_s[name] > within
        }


@dataclass(frozen=True, slots=True)
class Check:
    """say: for people; what is wrong and where to look, without addresses or secrets."""

    name: str
    ok: bool
    say: str


@dataclass(frozen=True, slots=True)
class Readiness:
    checks: tuple[Check, ...]
    promise: str

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    @property
    def failing(self) -> list[str]:
        return [check.name for check in self.checks if not check.ok]


class Health:
    """store:   writes something small, raises when it cannot (Leases.check_writable)
    keys:    whether the key ring is there
    promise: the store's sentence on what "kept" means there (Connection.promise)
    """

    def __init__(
        self,
        beats: Beats,
        *,
        store: Callable[[], Awaitable[object]],
        keys: Callable[[], bool],
        promise: Callable[[], str],
        metrics: Metrics | None = None,
        store_s: float = STORE_S,
        fresh_s: float = FRESH_S,
    ) -> None:
        self._beats = beats
        self._store = store
        self._keys = keys
        self._promise = promise
        self._metrics = metrics
        self._store_s = store_s
        self._fresh_s = fresh_s
        self._stopping = False
        self._answer: tuple[float, Check] | None = None
        self._asking = asyncio.Lock()

    def stop(self) -> None:
        """From now on not ready: the first step of stopping."""
        self._stopping = True

    async def ready(self) -> Readiness:
        """Ask everything; takes `store_s` at most."""
        late = self._beats.late()
        checks = (
            Check("stopping", not self._stopping, "stopping" if self._stopping else "running"),
            await self._store_check(),
            Check("loops", not late, _late_words(late) if late else "every loop turns"),
            Check("keys", *self._keys_check()),
        )
        answer = Readiness(checks, self._promise())
        if self._metrics is not None:
            self._metrics.ready.set(answer.ok)
            for check in checks:
                self._metrics.check_failed.labels(check.name).set(not check.ok)
        return answer

    def _keys_check(self) -> tuple[bool, str]:
        present = self._keys()
        return present, "the key ring is there" if present else "no key ring: set GATEWAY_KEYS"

    async def _store_check(self) -> Check:
        async with self._asking:
            if self._answer is not None and time.monotonic() - self._answer[0] < self._fresh_s:
                return self._answer[1]
            check = Check("store", True, "the store answers and takes writes")
            try:
                async with asyncio.timeout(self._store_s):
                    await self._store()
            except TimeoutError:
                check = Check("store", False, f"the store did not answer within {self._store_s:g} s")
            except Exception as error:  # whatever is wrong with it, the answer is "not ready", not a crash
                check = Check("store", False, f"the store does not take writes ({type(error).__name__})")
            self._answer = (time.monotonic(), check)
            return check

    async def get_alive(self, request: web.Request) -> web.StreamResponse:
        """GET /healthz"""
        return web.json_response({"alive": True})

    async def get_ready(self, request: web.Request) -> web.StreamResponse:
        """GET /readyz: 200 or 503, with the failing checks by name and what the store promises."""
        answer = await self.ready()
        body = {
            "ready": answer.ok,
            "failing": answer.failing,
            "checks": {check.name: check.say for check in answer.checks},
            "promise": answer.promise,
        }
        return web.json_response(body, status=200 if answer.ok else 503, headers={"Cache-Control": "no-store"})


def _late_words(late: dict[str, float]) -> str:
    return "no sign of " + ", ".join(f"{name} for {seconds:.0f} s" for name, seconds in sorted(late.items()))
