"""Send events from Python: kept for sure, or you know that they were not.

    GATEWAY_API_KEY=... python examples/send_event.py tests/samples/events/ce-flight-delayed.json

What matters is the loop: the same request again after 429, 503 or no answer at all. Each event has its own source and
id, so the gateway counts it once however often it comes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp

BATCH = "application/cloudevents-batch+json"
PATIENCE_S = 300.0


class NotTaken(Exception):
    """The gateway refused some events for good: sending them again changes nothing."""


async def send_events(session: aiohttp.ClientSession, url: str, events: list[dict[str, Any]]) -> list[str]:
    """Send up to 500 events in one request until they are kept; the gateway's ids of them, in their order.

    raises: NotTaken with each refused field, TimeoutError after PATIENCE_S: keep the events, and send them again
    """
    body = json.dumps(events).encode()
    async with asyncio.timeout(PATIENCE_S):
        wait_s = 1.0
        while True:
            try:
                async with session.post(f"{url}/v1/events", data=body, headers={"Content-Type": BATCH}) as response:
                    if response.status not in (429, 500, 502, 503, 504):
                        return _taken(response.status, await response.json(content_type=None))
                    wait_s = float(response.headers.get("Retry-After", wait_s))
            except (aiohttp.ClientError, TimeoutError) as error:
                print(f"no answer ({type(error).__name__}), again in {wait_s:.0f} s", file=sys.stderr)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, 30.0)


def _taken(status: int, answer: dict[str, Any]) -> list[str]:
    refused = answer.get("refused", [])
    if status not in (202, 207) or refused:
        words = [
            f"event {one['index']}: {problem['field']} {problem['message']}"
            for one in refused
            for problem in one["problems"]
        ]
        raise NotTaken("; ".join(words) or f"{status}: {answer.get('detail', '')}")
    return [one["event"] for one in answer["events"]]


def read_files(paths: list[str]) -> list[dict[str, Any]]:
    """The events of JSON files, one or a list in each."""
    events: list[dict[str, Any]] = []
    for path in paths:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        events += found if isinstance(found, list) else [found]
    return events


async def main(events: list[dict[str, Any]]) -> None:
    url = os.environ.get("GATEWAY_URL", "http://127.0.0.1:8081").rstrip("/")
    headers = {"Authorization": f"Bearer {os.environ['GATEWAY_API_KEY']}"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=20)) as session:
        for event in await send_events(session, url, events):
            print(event)


if __name__ == "__main__":
    asyncio.run(main(read_files(sys.argv[1:])))
