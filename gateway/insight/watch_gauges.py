"""Gauges that nobody else sets: how this process is, and how the whole installation stands.

Every process looks at itself (`look_at_self`). Every process with the scheduler reads the store (`Survey`): all of them say the
same, so alerts and boards take the highest, and none is wrong for long when one of them dies.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable

from gateway.clock import Clock
from gateway.connector import Outcome
from gateway.directory import Directory
from gateway.health import Beats
from gateway.insight.kinds import KINDS
from gateway.metrics import Metrics
from gateway.model.ids import SenderId
from gateway.model.message import Priority
from gateway.notifications.catalogue import Catalogue
from gateway.planning.wordsused import speaker_of, used
from gateway.rules.rollout import State
from gateway.settings import Settings
from gateway.store.readings import Readings, blocked
from gateway.store.senders import Senders
from gateway.store.webhooks import Webhooks

ANSWERS = ("kept", "bad_signature", "too_large", "failed", "handshake_refused")
RISKS_EVERY_S = 60.0
LEVELS = (80, 100)
"""Percent of a limit at which somebody is told."""
ROLLOUT = "trouble allowed to the roll-out"
"""As a limit: LimitNearlyUsed says that 100% of it, of the roll-out's name, is used."""


def begin_at_zero(metrics: Metrics, channels: Iterable[str]) -> None:
    """Counters that alerts look at exist from the start: of a series that begins at 1 nobody sees that it grew."""
    for kind in (*KINDS, "other"):
        metrics.facts.labels(kind)
    for channel in channels:
        for answer in ANSWERS:
            metrics.webhooks_in.labels(channel, answer)
        for outcome in Outcome:
            metrics.sends.labels(channel, outcome.value)
    for why in ("gone", "not_durable", "append_failed"):
        metrics.store_at_risk.labels(why)


def say_reached(metrics: Metrics, limit: str, name: str, used: float) -> None:
    """used: a ratio. Each level is a series of its own, so that somebody is told of 100% though they know of 80."""
    for level in LEVELS:
        metrics.limit_reached.labels(limit, name, str(level)).set(used * 100 >= level)


async def look_at_self(
    metrics: Metrics, beats: Beats, clock: Clock, store_ms: Callable[[], Awaitable[int]], shown: set[str]
) -> None:
    """Set the gauges about this process. store_ms: asks the store what time it is. shown: loops that were late before.

    raises: what the store raises; the store then counts as gone
    """
    late = beats.late()
    for loop in shown - set(late):
        metrics.loop_late.labels(loop).set(0)
    for loop, seconds in late.items():
        metrics.loop_late.labels(loop).set(seconds)
    shown |= set(late)
    began, before_ms = time.monotonic(), clock.now_ms() - clock.offset_ms
    try:
        its = await store_ms()
    except Exception:
        metrics.store_at_risk.labels("gone").set(1)
        raise
    metrics.store_at_risk.labels("gone").set(0)
    half_ms = (time.monotonic() - began) * 500
    # Half of the way there and back is not known, so it does not count.
    metrics.clock_skew.set(max(abs(before_ms + half_ms - its) - half_ms, 0.0) / 1000)


class Survey:
    """Reads how the installation stands. `look` takes a few milliseconds of the store, whatever waits there."""

    def __init__(
        self,
        *,
        readings: Readings,
        senders: Senders,
        webhooks: Webhooks,
        directory: Directory,
        catalogue: Catalogue,
        settings: Settings,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._readings = readings
        self._senders = senders
        self._webhooks = webhooks
        self._directory = directory
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._catalogue = catalogue
        self._risks_at = -RISKS_EVERY_S
        self._rollouts: set[str] = set()

    async def look(self) -> None:
        """Set the gauges about the installation. Raises what the store raises."""
        metrics, ids = self._metrics, self._directory.ids
        now = self._clock.now_ms()
        stops = {stop.scope for stop in await self._senders.stops()}
        metrics.brakes.set(len(stops))
        states = await self._senders.states(ids)
        paused = {sender: state.paused_until_ms > now for sender, state in states.items()}
        slowed = await self._readings.slowed(ids)
        speeds, rates = await self._senders.speeds(ids), {sender.id: sender.per_second for sender in self._directory}
        sending = [one for one in ids if not paused[one] and "all" not in stops and f"sender:{one}" not in stops]
        lanes = await self._readings.lanes(ids, sending=sending)
        portfolios = {sender.id: sender.scope or sender.id for sender in self._directory}
        people = await self._readings.people(sorted(set(portfolios.values())))
        for sender in ids:
            tier = states[sender].tier
            metrics.queued.labels(sender).set(lanes.queued[sender])
            metrics.messages_due.labels(sender).set(lanes.due[sender])
            metrics.sender_paused.labels(sender).set(paused[sender])
            metrics.sender_slowed.labels(sender).set(slowed[sender])
            used = people[portfolios[sender]] / tier if tier > 0 else 0
            metrics.tier_used.labels(sender).set(used)
            say_reached(metrics, "tier", sender, used)
            metrics.sender_rate.labels(sender).set(speeds[sender].per_second(rates[sender]))
            metrics.templates_blocked.labels(sender).set(await self._blocked(sender))
        await self._stopped_rollouts()
        for priority in Priority:
            metrics.oldest_due.labels(priority.name.lower()).set(lanes.oldest_s[priority])
        metrics.dead_letters.set(await self._readings.dead())
        waiting, oldest_ms = await self._webhooks.backlog()
        metrics.webhooks_waiting.set(waiting)
        metrics.webhooks_oldest.set(oldest_ms / 1000)
        metrics.store_memory.set(await self._readings.memory())
        if time.monotonic() - self._risks_at >= RISKS_EVERY_S:
            self._risks_at = time.monotonic()
            for why, there in (await self._readings.risks(self._settings)).items():
                metrics.store_at_risk.labels(why).set(there)

    async def _stopped_rollouts(self) -> None:
        """One that the governor stopped is at the end of what it may take, until a person resumes or ends it."""
        found = {one.name: one.state is State.STOPPED for one in await self._senders.rollouts()}
        self._rollouts |= set(found)
        for name in self._rollouts:
            self._metrics.limit_reached.labels(ROLLOUT, name, "100").set(found.get(name, False))

    async def _blocked(self, sender: SenderId) -> int:
        """Of what this sender uses. A version that is still under review, or was replaced, is nobody's loss."""
        known, stored = await self._senders.templates(sender), await self._senders.versions(sender)
        whose = self._directory.get(sender)
        if whose is None:
            return 0
        speaker = speaker_of(self._directory, self._catalogue, whose)
        return blocked(known, used(self._catalogue, speaker, known, {name: one.version for name, one in stored.items()}))
