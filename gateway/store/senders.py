"""What is known of our senders and their templates at the channel, and the brakes.

All of it is small, plain and read by every process once a second; it is written by webhooks, by the hourly sync and by people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.capability import Capability, Finding, Findings
from gateway.model.ids import SenderId
from gateway.model.message import Priority
from gateway.rules.rollout import Rollout
from gateway.store import keys, scripts
from gateway.store.bucket import Buckets, Grant, Speed
from gateway.store.capabilities import Capabilities
from gateway.store.incidents import Crisis, Incidents
from gateway.store.pace import lanes_before, speeds
from gateway.store.reply import words
from gateway.store.rollouts import Rollouts
from gateway.store.templates import TEMPLATE_WORDS, Switched, Templates, template_state

__all__ = ["PRIORITIES", "TEMPLATE_WORDS", "SenderState", "Senders", "Stop", "Switched", "template_state"]


@dataclass(frozen=True, slots=True)
class SenderState:
    """paused_until_ms: nothing is sent before; why: the channel's code or word. tier: distinct people in 24 h, -1 unlimited."""

    paused_until_ms: int = 0
    why: str = ""
    quality: str = "UNKNOWN"
    tier: int = -1
    restricted_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """A brake. scope: "all", "sender:S", "notification:N", "subject:J", "source:hash". until_ms 0 = until lifted."""

    scope: str
    until_ms: int
    who: str
    why: str
    at_ms: int


class Senders:
    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._capabilities = Capabilities(redis, clock)
        self._buckets = Buckets(redis)
        self._templates = Templates(redis, clock)

    async def draw(self, sender: SenderId, per_second: float, wants: Sequence[int]) -> Grant:
        """Draw tokens before claiming. wants: per priority; see store/bucket.py."""
        return await self._buckets.draw(sender, per_second, wants)

    async def give_back(self, sender: SenderId, tokens: int) -> None:
        """Tokens drawn for what was not sent after all."""
        await self._buckets.give_back(sender, tokens)

    async def slow_down(self, sender: SenderId, stay_ms: int) -> float:
        """The channel said too fast: half the rate, in every process, rising again after a while; the share now."""
        return await self._buckets.slow_down(sender, stay_ms)

    async def speeds(self, senders: Sequence[SenderId]) -> dict[SenderId, Speed]:
        """Which share of its own rate each may use now."""
        return await speeds(self._redis, self._clock, senders)

    async def lanes_before(self, sender: SenderId, priority: int, deadline_s: int) -> int:
        """How many lanes may send before a message of this priority and deadline, or with it."""
        return await lanes_before(self._redis, sender, priority, deadline_s)

    async def people(self, portfolio: str, tier: int, recipients: Sequence[str]) -> tuple[int, list[bool]]:
        """Count distinct people against the tier: (when a place falls free in ms, per recipient whether there was room)."""
        args: list[scripts.Part] = [self._clock.offset_ms, tier, *recipients]
        answer = await scripts.run(self._redis, "people", [keys.people(portfolio)], args)
        return int(answer[0]), [bool(one) for one in answer[1:]]

    async def states(self, senders: Sequence[SenderId]) -> dict[SenderId, SenderState]:
        pipeline = self._redis.pipeline(transaction=False)
        for sender in senders:
            pipeline.hgetall(keys.sender_state(sender))
        found = {}
        for sender, raw in zip(senders, await pipeline.execute() if senders else [], strict=True):
            value = {words(name): words(text) for name, text in raw.items()}
            found[sender] = SenderState(
                paused_until_ms=int(value.get("paused", "0")),
                why=value.get("why", ""),
                quality=value.get("quality", "UNKNOWN"),
                tier=int(value.get("tier", "-1")),
                restricted_until_ms=int(value.get("restricted", "0")),
            )
        return found

    async def set_state(self, sender: SenderId, values: Mapping[str, str | int]) -> None:
        """Fields: paused, why, quality, tier, restricted."""
        fields: dict[Any, Any] = {name: str(value) for name, value in values.items()}
        await self._redis.hset(keys.sender_state(sender), mapping=fields)

    # what they are able to do

    async def findings(self, senders: Sequence[SenderId]) -> dict[SenderId, Findings]:
        """What is known of each, as it counts now; see store/capabilities.py."""
        return await self._capabilities.read(senders)

    async def note_finding(self, sender: SenderId, capability: Capability, finding: Finding) -> None:
        """What an answer of the channel to a send showed, e.g. `SendResult.lacks`. A "no" counts for 24 h."""
        await self._capabilities.show(sender, capability, finding)

    async def keep_findings(self, sender: SenderId, findings: Findings) -> None:
        """What the channel said when it was asked."""
        await self._capabilities.keep(sender, findings)

    # templates at the channel: see store/templates.py

    async def templates(self, sender: SenderId) -> dict[tuple[str, str], dict[str, Any]]:
        """(name, language) -> {"state", "category", "quality", "reason", "edited", "becomes", "at"} as last heard."""
        return await self._templates.known(sender)

    async def set_template(
        self, sender: SenderId, name: str, language: str, *, at: int | None = None, **values: str | None
    ) -> bool:
        """Overlay what was heard, None = nothing about it; what is known as of later than `at` stays. False: nothing changed.

        at: the channel's time in ms; None = a send of ours showed it
        """
        said = {key: value for key, value in values.items() if value is not None}
        return await self._templates.note(sender, name, language, at_ms=at, values=said)

    async def replace_templates(
        self, sender: SenderId, found: Mapping[tuple[str, str], Mapping[str, Any]], *, since_ms: int | None = None
    ) -> None:
        """The whole list as just read from the channel. since_ms: `store_ms` before it was asked for; None = just now."""
        await self._templates.sync(sender, found, since_ms=since_ms)

    async def store_ms(self) -> int:
        """The store's time."""
        return await self._templates.now_ms()

    async def synced_ms(self, sender: SenderId) -> int:
        """When the templates were last read from the channel, 0 = never."""
        return await self._templates.synced_ms(sender)

    async def versions(self, sender: SenderId) -> dict[str, Switched]:
        """Notification -> the version of it that is used."""
        return await self._templates.versions(sender)

    async def switch(
        self, sender: SenderId, notification: str, version: int, *, languages: tuple[str, ...], who: str = ""
    ) -> bool:
        """Raise the active version, with its fact. False: it is that one or a newer one by now."""
        return await self._templates.switch(sender, notification, version, languages=languages, who=who)

    # brakes

    async def stop(self, stop: Stop) -> None:
        value = json.dumps({"until": stop.until_ms, "who": stop.who, "why": stop.why, "at": stop.at_ms})
        await self._redis.hset(keys.STOPS, stop.scope, value)

    async def resume(self, scope: str) -> bool:
        """False: it was not stopped. Seen before it is taken out: an answer that is lost on the way is asked for again."""
        if not await self._redis.hexists(keys.STOPS, scope):
            return False
        await self._redis.hdel(keys.STOPS, scope)
        return True

    async def stops(self) -> list[Stop]:
        """Brakes in force; one past its time, by the store's clock and not by whoever looks, is lifted by itself."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hgetall(keys.STOPS)
        pipeline.time()
        known, (seconds, micros) = await pipeline.execute()
        now = seconds * 1000 + micros // 1000 + self._clock.offset_ms
        found = []
        for scope, raw in known.items():
            value = json.loads(words(raw))
            if value["until"] and value["until"] <= now:
                await scripts.run(self._redis, "stop_over", [keys.STOPS], [words(scope), raw])
                continue
            found.append(Stop(words(scope), value["until"], value["who"], value["why"], value["at"]))
        return found


    async def crises(self) -> list[Crisis]:
        """Crises in force, oldest first; each is among `stops` too."""
        return await Incidents(self._redis, self._clock).all()

    async def rollouts(self) -> list[Rollout]:
        """Roll-outs under way."""
        return await Rollouts(self._redis, self._clock).all()


PRIORITIES = tuple(Priority)
