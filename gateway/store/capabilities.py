"""What each sender is able to do at its channel, kept from two sides: what the channel said when asked, what a send showed.

The two stand apart, `asked:<capability>` and `shown:<capability>`, each with one writer, so that neither can lose the other's
word; `settle` says at reading which of them counts.
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
from gateway.store import keys
from gateway.store.reply import words

SHOWN_MS = 24 * 3600 * 1000
"""How long a "no" that a send showed counts; after it one more send may try."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the channel said. since_ms: since when it has said the same (yes, no, or nothing)."""

    finding: Finding
    since_ms: int


def settle(asked: Asked | None, shown: Finding | None, now_ms: int) -> Finding | None:
    """Which word counts. Pure.

    A "no" that a send showed counts for 24 h, against a channel that says nothing and against one that said "yes" when
    it refused that send; a "yes" that is new since then, or any later "no", counts at once.
    """
    if shown is None or asked is None:
        return asked.finding if asked is not None else shown
    if asked.finding.able is False:
        return asked.finding if asked.finding.at_ms >= shown.at_ms or shown.able is False else shown
    if shown.able is False:
        fresh = now_ms - shown.at_ms < SHOWN_MS
        changed = asked.finding.able is True and asked.since_ms > shown.at_ms
        return shown if fresh and not changed else asked.finding
    return shown if asked.finding.able is None else asked.finding


class Capabilities:
    """One hash a sender, plain: nothing in it is about a person."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def keep(self, sender: SenderId, findings: Findings) -> None:
        """What the channel just said; what it was not asked about stays. Its details take the place of the old ones."""
        key = keys.capabilities(sender)
        before = _parse(await self._redis.hgetall(key))
        mapping: dict[Any, Any] = {}
        for capability, finding in findings.found.items():
            known = before.asked.get(capability)
            same = known is not None and known.finding.able is finding.able
            since_ms = known.since_ms if known is not None and same else finding.at_ms
            mapping[f"asked:{capability}"] = _written(finding, since_ms)
        mapping["details"] = json.dumps(dict(findings.details))
        await self._redis.hset(key, mapping=mapping)

    async def show(self, sender: SenderId, capability: Capability, finding: Finding) -> None:
        """What an answer to a send showed."""
        await self._redis.hset(keys.capabilities(sender), f"shown:{capability}", _written(finding, finding.at_ms))

    async def read(self, senders: Sequence[SenderId]) -> dict[SenderId, Findings]:
        """What counts now, of every sender asked for; empty findings for one of whom nothing is known."""
        pipeline = self._redis.pipeline(transaction=False)
        for sender in senders:
            pipeline.hgetall(keys.capabilities(sender))
        now_ms = self._clock.now_ms()
        found: dict[SenderId, Findings] = {}
        for sender, raw in zip(senders, await pipeline.execute() if senders else [], strict=True):
            known = _parse(raw)
            settled = {what: settle(known.asked.get(what), known.shown.get(what), now_ms) for what in Capability}
            found[sender] = Findings({what: one for what, one in settled.items() if one is not None}, known.details)
        return found


@dataclass(frozen=True, slots=True)
class _Kept:
    asked: Mapping[Capability, Asked]
    shown: Mapping[Capability, Finding]
    details: Mapping[str, str]


def _parse(raw: Mapping[Any, Any]) -> _Kept:
    """A field that this program does not know (a newer one wrote it) is passed over."""
    asked: dict[Capability, Asked] = {}
    shown: dict[Capability, Finding] = {}
    details: dict[str, str] = {}
    for name, text in raw.items():
        side, _, what = words(name).partition(":")
        value = json.loads(words(text))
        if side == "details":
            details = {str(key): str(one) for key, one in value.items()}
        elif what in Capability._value2member_map_:
            finding = Finding(value["able"], int(value["at"]), str(value["why"]))
            if side == "asked":
                asked[Capability(what)] = Asked(finding, int(value["since"]))
            else:
                shown[Capability(what)] = finding
    return _Kept(asked, shown, details)


def _written(finding: Finding, since_ms: int) -> str:
    return json.dumps({"able": finding.able, "at": finding.at_ms, "why": finding.why, "since": since_ms})
