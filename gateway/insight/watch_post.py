"""Tells one address of the operator's what fires and what is over: GATEWAY_ALERT_URL.

Once per change, several changes in one body, at most six bodies a minute; tried again with growing gaps until a 2xx. The body
has the shape of Alertmanager's webhook (version 4; prometheus.io, "Configuration: webhook_config", 2026), which chat and on-call
services read, with one more field, `text`, for those that take a line of text. Nothing of a person is in it. The address may
hold a secret in its path, so only its host is ever logged; redirects are not followed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog

from gateway.metrics import Metrics
from gateway.model.personal import Secret

EVERY_S = 10.0
GAPS_S = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
POST_S = 10.0
ALERTS_MAX = 50
"""In one body; what is more comes with the next."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Change:
    """Something that fires, or, with `ended_s`, is over. Times: seconds since the epoch."""

    fingerprint: str
    labels: dict[str, str]
    summary: str
    runbook: str
    since_s: float
    ended_s: float = 0

    @property
    def status(self) -> str:
        return "resolved" if self.ended_s else "firing"


class Poster:
    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: Secret,
        metrics: Metrics,
        *,
        env: str = "",
        now_s: Callable[[], float] = time.monotonic,
        every_s: float = EVERY_S,
        gaps_s: Sequence[float] = GAPS_S,
        post_s: float = POST_S,
    ) -> None:
        self._http = http
        self._url = url
        self._metrics = metrics
        self._env = env
        self._now_s = now_s
        self._every_s = every_s
        self._gaps_s = gaps_s
        self._timeout = aiohttp.ClientTimeout(total=post_s, connect=min(post_s, 3.0))
        self._waiting: dict[str, Change] = {}
        self._failures = 0
        self._next_s = -1e9

    def add(self, change: Change) -> None:
        """What this alert is now; a change of it that nobody was told of yet is told no more."""
        self._waiting[change.fingerprint] = change

    def take_back(self, fingerprint: str) -> None:
        """It need not be told any more."""
        self._waiting.pop(fingerprint, None)

    def names(self) -> list[str]:
        """The fingerprints of what waits to be told."""
        return list(self._waiting)

    def waits(self, fingerprint: str) -> Change | None:
        return self._waiting.get(fingerprint)

    async def turn(self) -> list[Change]:
        """Post what waits, if it is time; the changes that somebody now knows of."""
        if not self._waiting or self._now_s() < self._next_s:
            return []
        told = list(self._waiting.values())[:ALERTS_MAX]
        began = self._now_s()
        status = await self._post(body_of(told, self._env))
        if not 200 <= status < 300:
            gap_s = self._gaps_s[min(self._failures, len(self._gaps_s) - 1)]
            self._failures += 1
            self._next_s = began + max(gap_s * (1 + random.random() / 10), self._every_s)
            self._metrics.alert_posts.labels("failed").inc()
            log.warning("alert.not_posted", host=urlsplit(self._url.reveal()).hostname, status=status, tries=self._failures)
            return []
        self._failures = 0
        self._next_s = began + self._every_s
        self._metrics.alert_posts.labels("delivered").inc()
        for change in told:
            if self._waiting.get(change.fingerprint) == change:
                del self._waiting[change.fingerprint]
        return told

    async def _post(self, body: dict[str, Any]) -> int:
        """The status, 0 without an answer."""
        try:
            async with self._http.post(
                self._url.reveal(), json=body, timeout=self._timeout, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return 0


def body_of(changes: Sequence[Change], env: str) -> dict[str, Any]:
    firing = [change for change in changes if not change.ended_s]
    lines = [f"{change.status.upper()} {change.labels.get('alertname', '?')}: {change.summary}" for change in changes]
    return {
        "version": "4",
        "groupKey": f"thuisfront:{env}",
        "receiver": "thuisfront",
        "status": "firing" if firing else "resolved",
        "truncatedAlerts": 0,
        "groupLabels": {},
        "commonLabels": {"environment": env},
        "commonAnnotations": {},
        "externalURL": "",
        "text": "\n".join(lines),
        "alerts": [
            {
                "status": change.status,
                "labels": {**change.labels, "environment": env},
                "annotations": {"summary": change.summary, "runbook_url": change.runbook},
                "startsAt": _iso(change.since_s),
                "endsAt": _iso(change.ended_s) if change.ended_s else "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": change.fingerprint,
            }
            for change in changes
        ],
    }


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
