"""A departure that those at home wait for: 300 travellers and 1,200 relatives of theirs, on one number at its rate.

    python -m bench.family            300 travellers, four relatives each
    python -m bench.family 30 4       fewer

A gateway as an operator starts it (intake, dispatch) on a store of its own that waits for the disk; a Graph API in this process
that counts who got what. One event says that the flight has left. Then the same again with as many plain subscribers of another
flight, in the same minute on the same machine: the ratio of the two is what families cost.

Printed: seconds from the event to the last phone, messages a second beside the rate of the number (80), and, which must be none,
people who were told twice, not at all, or in the words of the others.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import uvloop
from aiohttp import web

from bench import stage
from bench.crowd import Crowd, Person
from bench.flights import delayed, flight
from bench.house import gateway
from gateway.model.contact import Profile

TRAVELLERS, RELATIVES = 300, 4
MINE, THEIRS = "flight_departed", "family_departed"
RATE = 80
QUIET_S = 60.0


@dataclass
class Phones:
    """told: (recipient, template) -> how often; at: when each came"""

    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    at: list[float] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def messages(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.told[str(body.get("recipient") or body.get("to")), str(body["template"]["name"]).rpartition("_v")[0]] += 1
        self.at.append(time.monotonic())
        self.came.set()
        return web.json_response({"messaging_product": "whatsapp", "messages": [{"id": f"wamid.BENCH{len(self.at)}"}]})

    @asynccontextmanager
    async def served(self) -> AsyncIterator[int]:
        app = web.Application()
        app.router.add_post("/{version}/{number}/messages", self.messages)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield int(runner.addresses[0][1])
        finally:
            await runner.cleanup()

    async def until(self, count: int) -> None:
        """Until so many messages came, or for a minute none."""
        try:
            while len(self.at) < count:
                self.came.clear()
                async with asyncio.timeout(QUIET_S):
                    await self.came.wait()
        except TimeoutError:
            return


class People(Crowd):
    """Known by a user id alone: numbers for fiction are a thousand, and two people would be taken for one."""

    def _profile(self, person: Person) -> Profile:
        made = super()._profile(person)
        known = tuple(one for one in made.addresses[0].identifiers if one.kind == "user_id")
        return replace(made, addresses=(replace(made.addresses[0], identifiers=known),))


@dataclass(frozen=True, slots=True)
class Told:
    """seconds: from the event being kept to the last message; per_second: from the first message to the last"""

    seconds: float
    first_s: float
    per_second: float
    doubles: int
    travellers: int
    relatives: int


def departed(group: int) -> dict[str, Any]:
    data = delayed(group, 0, 25)
    times = data["times"]
    times["departure"]["actual"] = times["departure"]["estimated"]
    return {
        "specversion": "1.0", "id": f"departed-{group}", "type": "org.example.flight.status.v1", "source": "/ops/flights",
        "subject": flight(group, 0), "time": datetime.now(UTC).isoformat(), "sequence": "0000000002",
        "datacontenttype": "application/json", "data": {**data, "status": "departed"},
    }  # fmt: skip


async def tell(url: str, phones: Phones, group: int, count: int) -> Told:
    """Tell one flight's departure, and wait for so many messages about it."""
    phones.told.clear()
    phones.at.clear()
    headers = {"Authorization": f"Bearer {stage.API_KEY}", "Content-Type": "application/cloudevents+json"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{url}/v1/events", data=json.dumps(departed(group))) as answer,
    ):
        if answer.status != 202:
            raise RuntimeError(f"the event was answered {answer.status}: {(await answer.text())[:300]}")
    began = time.monotonic()
    await phones.until(count)
    at = phones.at or [began]
    return Told(
        seconds=at[-1] - began,
        first_s=at[0] - began,
        per_second=(len(at) - 1) / (at[-1] - at[0]) if len(at) > 1 else 0.0,
        doubles=sum(times - 1 for times in phones.told.values()) + len(phones.told) - len({who for who, _ in phones.told}),
        travellers=sum(name == MINE for _, name in phones.told),
        relatives=sum(name == THEIRS for _, name in phones.told),
    )


async def measure(travellers: int, relatives: int) -> tuple[Told, Told]:
    """(with families, plain subscribers alone), as many people in either."""
    phones, at_home = Phones(), travellers * relatives
    async with stage.directory() as directory, phones.served() as port:
        environ = stage.environment(directory, port)
        async with stage.opened(stage.read_settings(environ)) as runtime:
            plain, family = People(runtime), People(runtime, at_home=True)
            async with stage.unsynced(runtime):
                await plain.load(travellers, [(plain.subject(1, 0),)] * travellers)
                await family.load(at_home, [(family.subject(1, 0),)] * at_home)
                await plain.load(travellers + at_home, [(plain.subject(2, 0),)] * (travellers + at_home))
            async with gateway(environ, "intake,dispatch") as url:
                with_families = await tell(url, phones, 1, travellers + at_home)
                alone = await tell(url, phones, 2, travellers + at_home)
                return with_families, alone


def main(words: Sequence[str]) -> int:
    travellers, relatives = (int(words[0]), int(words[1])) if len(words) > 1 else (TRAVELLERS, RELATIVES)
    found, plain = uvloop.run(measure(travellers, relatives))
    people, at_home = travellers * (1 + relatives), travellers * relatives
    missing = people - found.travellers - found.relatives
    wrong = abs(travellers - found.travellers) + abs(at_home - found.relatives)
    sys.stdout.write(
        f"{travellers:,} travellers and {at_home:,} at home on one number: all told {found.seconds:.1f} s after the event, "
        f"the first after {found.first_s * 1000:.0f} ms; {found.per_second:.1f} a second (the number may send {RATE})\n"
        f"{people:,} plain subscribers: {plain.seconds:.1f} s, {plain.per_second:.1f} a second; "
        f"ratio {found.seconds / plain.seconds:.2f}\n"
        f"told twice: {found.doubles + plain.doubles}; not told: {missing + people - plain.travellers}; "
        f"told in the words of the others: {max(wrong - missing, 0)}\n"
    )
    return int(bool(found.doubles or plain.doubles or wrong or people != plain.travellers))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
