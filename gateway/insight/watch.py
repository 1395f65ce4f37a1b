"""The watch: the rules of deploy/alerts.yaml without a Prometheus, in one process at a time.

Every process says every ten seconds how it is (watch_signs.py). Whoever holds the lease reads them all, as Prometheus would
scrape them, looks which alerts fire, and tells GATEWAY_ALERT_URL each change once (watch_post.py); without an address it goes to
the log and to /metrics. What somebody was told of is kept in the store, so that the next watcher neither tells it again nor
forgets to say that it is over. A new watcher has seen nothing yet: it calls nothing over before it has watched as long as the
rule looks back. What came and went before anybody could be told stands in the log alone.

While the store is gone the last watcher goes on with what it knows of itself, which is enough to say just that. What cannot be
seen from inside is that every process is gone: ask /healthz from outside.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from gateway.insight.watch_post import Change, Poster
from gateway.insight.watch_rules import Alarm, Alert, Rule
from gateway.insight.watch_series import LOOKBACK_S, Window
from gateway.metrics import Metrics
from gateway.store.alarms import Alarms, Firing
from gateway.store.leases import Leases
from gateway.store.signs import Sample, Sign, Signs

EVERY_S = 15.0
LEASE = "watch"
LEASE_MS = 60_000
JOB = "thuisfront"
TURN_S = 40.0
SURVEY_S = 10.0

log = structlog.get_logger()


@dataclass
class _Known:
    """What a watcher knows; begun anew with each lease.

    told: what somebody was told fires, by fingerprint; loaded: with what earlier watchers told. to_keep: of it, what the store
    has yet to hear (None: that it is over)
    """

    window: Window
    alarm: Alarm
    began_s: float
    told: dict[str, Change] = field(default_factory=dict)
    loaded: bool = False
    to_keep: dict[str, Change | None] = field(default_factory=dict)
    instances: set[str] = field(default_factory=set)
    firing: dict[str, Alert] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    """that fired under this watcher: it knows when they are over"""


class Watch:
    """own: (instance, figures) of this process, for when the store is gone. poster: None tells nobody but the log.

    alarms: shows what fires on the board
    """

    def __init__(
        self,
        signs: Signs,
        rules: Sequence[Rule],
        *,
        own: Callable[[], tuple[str, list[Sample]]],
        poster: Poster | None,
        metrics: Metrics,
        alarms: Alarms | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._signs = signs
        self._alarms = alarms
        self._rules = rules
        self._own = own
        self._poster = poster
        self._metrics = metrics
        self._now_s = now_s
        self._known: _Known | None = None

    def rest(self) -> None:
        """Somebody else watches."""
        self._known = None
        for rule in self._rules:
            self._metrics.alerts_firing.labels(rule.name).set(0)

    async def turn(self) -> list[Alert]:
        """One look and, if it is time, one post; the alerts that fire."""
        now = self._now_s()
        known = self._known
        if known is None:
            keep_s = max((rule.look_back_s for rule in self._rules), default=0) + LOOKBACK_S
            known = self._known = _Known(Window(keep_s), Alarm(self._rules), now)
        try:
            signs = await self._signs.all()
            if not known.loaded:
                known.told = {name: _read(name, raw) for name, raw in (await self._signs.told()).items()} | known.told
                known.loaded = True
        except Exception as error:  # whatever is wrong with the store: what we know of ourselves is still true
            log.warning("watch.store_unavailable", error=type(error).__name__)
            instance, samples = self._own()
            self._take_in(known, [Sign(instance, 0, tuple(samples))], now)
        else:
            self._take_in(known, signs, now)
            self._see_who_left(known, {sign.instance for sign in signs})
        known.window.forget(now - max((rule.look_back_s for rule in self._rules), default=0) - LOOKBACK_S)
        firing = known.alarm.look(known.window, now)
        for rule in self._rules:
            self._metrics.alerts_firing.labels(rule.name).set(sum(alert.rule is rule for alert in firing))
        await self._tell(known, firing, now)
        await self._show(firing)
        return firing

    async def _show(self, firing: Sequence[Alert]) -> None:
        """For the board, whether or not anybody is told elsewhere. A store that is gone is told at the next turn."""
        if self._alarms is None:
            return
        shown = [
            Firing(one.fingerprint, one.rule.name, one.rule.labels.get("severity", ""), one.summary, one.rule.runbook,
                   round(one.since_s * 1000))
            for one in firing
        ]  # fmt: skip
        try:
            await self._alarms.show(shown)
        except Exception as error:
            log.info("watch.not_shown", error=type(error).__name__)

    def _take_in(self, known: _Known, signs: Sequence[Sign], now: float) -> None:
        for sign in signs:
            of = {"instance": sign.instance, "job": JOB}
            known.window.add("up", of, now, float(sign.alive))
            known.instances.add(sign.instance)
            if not sign.alive:
                known.window.gone(sign.instance)
                continue
            for name, labels, value in sign.samples:
                known.window.add(name, {**labels, **of}, now, value)

    @staticmethod
    def _see_who_left(known: _Known, here: set[str]) -> None:
        for instance in known.instances - here:
            known.window.gone(instance, but="")
        known.instances &= here

    async def _tell(self, known: _Known, firing: Sequence[Alert], now: float) -> None:
        self._say(known, firing)
        if self._poster is None:
            return
        told = known.told
        on = {alert.fingerprint: alert for alert in firing}
        for name, alert in on.items():
            waits = self._poster.waits(name)
            if name in told:
                if waits is not None:  # it was over, nobody was told of that yet, and here it is again
                    self._poster.take_back(name)
            elif waits is None or waits.ended_s:
                self._poster.add(_change(alert))
        known.seen &= told.keys() | on.keys()
        looked_back = {rule.name: rule.look_back_s for rule in self._rules}
        for name, change in told.items():
            rule = change.labels.get("alertname", "")
            sure = name in known.seen or now - known.began_s >= looked_back.get(rule, 0)
            if sure and name not in on and self._poster.waits(name) is None:
                self._poster.add(_ended(change, now))
        for name in self._unheard(on, told):
            self._poster.take_back(name)
        for change in await self._poster.turn():
            known.to_keep[change.fingerprint] = None if change.ended_s else change
            if change.ended_s:
                told.pop(change.fingerprint, None)
            else:
                told[change.fingerprint] = change
        await self._keep(known)

    def _unheard(self, on: dict[str, Alert], told: dict[str, Change]) -> list[str]:
        """Alerts that came and went before anybody was told of them: told no more."""
        assert self._poster is not None
        return [name for name in self._poster.names() if name not in on and name not in told]

    async def _keep(self, known: _Known) -> None:
        """What a store that is gone cannot be told now, it is told at a later turn."""
        if not known.to_keep:
            return
        changed = {name: _write(one) for name, one in known.to_keep.items() if one is not None}
        try:
            await self._signs.keep_told(changed, [name for name, one in known.to_keep.items() if one is None])
            known.to_keep.clear()
        except Exception as error:
            log.warning("watch.not_kept", error=type(error).__name__)

    def _say(self, known: _Known, firing: Sequence[Alert]) -> None:
        on = {alert.fingerprint: alert for alert in firing}
        for name, alert in on.items():
            if name not in known.firing:
                log.warning("alert.firing", alert=alert.rule.name, summary=alert.summary, **_plain(alert.labels))
        for name, alert in known.firing.items():
            if name not in on:
                log.info("alert.over", alert=alert.rule.name, **_plain(alert.labels))
        known.firing = on
        known.seen |= on.keys()


def _plain(labels: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {f"of_{name}": value for name, value in labels}


def _change(alert: Alert) -> Change:
    return Change(alert.fingerprint, alert.all_labels, alert.summary, alert.rule.runbook, alert.since_s)


def _ended(change: Change, now: float) -> Change:
    return Change(change.fingerprint, change.labels, change.summary, change.runbook, change.since_s, now)


def _write(change: Change) -> str:
    return json.dumps([change.labels, change.summary, change.runbook, change.since_s])


def _read(fingerprint: str, raw: str) -> Change:
    value: Any = json.loads(raw)
    return Change(fingerprint, value[0], value[1], value[2], float(value[3]))


async def run_watch(
    watch: Watch,
    *,
    leases: Leases,
    survey: Callable[[], Awaitable[None]],
    metrics: Metrics,
    stopping: asyncio.Event,
    beat: Callable[[], None] = lambda: None,
    every_s: float = EVERY_S,
) -> None:
    """Until stopping. survey: sets the gauges of the installation, in every process; only the holder of the lease watches."""
    mine = False
    try:
        while not stopping.is_set():
            beat()
            try:
                async with asyncio.timeout(TURN_S):
                    mine = await _turn(watch, leases, survey, mine)
            except Exception as error:
                metrics.loop_failures.labels("watch").inc()
                log.warning("watch.failed", role="watch", error=type(error).__name__)
            await _wait(stopping, every_s)
    finally:
        try:
            async with asyncio.timeout(2):
                await asyncio.shield(leases.release([LEASE]))
        except Exception as error:
            log.info("watch.lease_left", role="watch", error=type(error).__name__)


async def _turn(watch: Watch, leases: Leases, survey: Callable[[], Awaitable[None]], mine: bool) -> bool:
    try:
        async with asyncio.timeout(SURVEY_S):
            await survey()
    except Exception as error:
        log.info("watch.no_survey", role="watch", error=type(error).__name__)
    try:
        (now_mine,) = await leases.acquire([LEASE], LEASE_MS)
    except Exception as error:  # the store is gone: whoever watched goes on, for somebody must say so
        log.info("watch.no_lease", role="watch", error=type(error).__name__)
        now_mine = mine
    if mine and not now_mine:
        watch.rest()
    if now_mine:
        await watch.turn()
    return now_mine


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass
