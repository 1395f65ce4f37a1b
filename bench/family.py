"""A departure that those at home wait for: 300 travellers and 1,200 relatives of theirs, on one number at its rate.

    python -m bench.family            300 travellers, four relatives each
    python -m bench.family 30 4       fewer
    python -m bench.family --sandbox  into the sandbox's phones, which tell that they got and read it

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
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import uvloop
from aiohttp import web

from bench import sandboxed, stage
from bench.crowd import Crowd, Person
from bench.flights import delayed, flight
from bench.house import free_ports, gateway, served
from gateway.model.contact import Profile
from gateway.runtime import Runtime

TRAVELLERS, RELATIVES = 300, 4
MINE, THEIRS = "flight_departed", "family_departed"
RATE = 80
QUIET_S = 60.0
SETTLE_S = 30.0


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

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/{version}/{number}/messages", self.messages)
        return app

    async def until(self, count: int) -> None:
        """Until so many messages came, or for a minute none."""
        try:
            while len(self.at) < count:
                self.came.clear()
                async with asyncio.timeout(QUIET_S):
                    await self.came.wait()
        except TimeoutError:
            return


class InSandbox(Phones):
    """The same, looked up on the sandbox's phones."""

    def __init__(self, world: sandboxed.World) -> None:
        super().__init__()
        self._world = world
        self._before = 0

    async def until(self, count: int) -> None:
        await self._world.until(self._before + count, QUIET_S)
        await self._world.settled(SETTLE_S)  # the next is told when nothing of this one is on its way
        landed = self._world.landed()
        new, self._before = landed[self._before :], len(landed)
        away_s = time.time() - time.monotonic()
        self.told.update((one.user, one.template.rpartition("_v")[0]) for one in new)
        self.at += [one.at_ms / 1000 - away_s for one in new]


class People(Crowd):
    """Known by a user id alone: numbers for fiction are a thousand, and two people would be taken for one."""

    def __init__(self, runtime: Runtime, *, at_home: bool = False) -> None:
        super().__init__(runtime, at_home=at_home)
        self.users: list[str] = []

    def _profile(self, person: Person) -> Profile:
        made = super()._profile(person)
        known = tuple(one for one in made.addresses[0].identifiers if one.kind == "user_id")
        self.users += [one.value.reveal() for one in known]
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
    phones = Phones()
    async with stage.directory() as directory, served(phones.app()) as port:
        environ = stage.environment(directory, port)
        async with stage.opened(stage.read_settings(environ)) as runtime:
            await load(runtime, travellers, relatives)
            async with gateway(environ, "intake,dispatch") as url:
                return await both(url, phones, travellers * (1 + relatives))


async def measure_sandbox(travellers: int, relatives: int) -> tuple[Told, Told]:
    """The same into the sandbox's phones; the gateway takes in what they tell."""
    async with stage.directory() as directory:
        port, public = free_ports(2)
        environ = stage.environment(directory, port) | sandboxed.SETTINGS
        async with (
            sandboxed.sandbox(directory, port, f"http://127.0.0.1:{public}/webhooks/whatsapp") as world,
            stage.opened(stage.read_settings(environ)) as runtime,
        ):
            await world.approve(runtime, (MINE, THEIRS))
            await world.give_phones(await load(runtime, travellers, relatives))
            async with gateway(environ, "intake,dispatch,webhooks", public=public) as url:
                return await both(url, InSandbox(world), travellers * (1 + relatives))


async def load(runtime: Runtime, travellers: int, relatives: int) -> list[str]:
    """Two flights' people; the user ids of all of them."""
    plain, family, at_home = People(runtime), People(runtime, at_home=True), travellers * relatives
    async with stage.unsynced(runtime):
        await plain.load(travellers, [(plain.subject(1, 0),)] * travellers)
        await family.load(at_home, [(family.subject(1, 0),)] * at_home)
        await plain.load(travellers + at_home, [(plain.subject(2, 0),)] * (travellers + at_home))
    return plain.users + family.users


async def both(url: str, phones: Phones, people: int) -> tuple[Told, Told]:
    return await tell(url, phones, 1, people), await tell(url, phones, 2, people)


def main(words: Sequence[str]) -> int:
    numbers = [int(word) for word in words if word.isdigit()]
    if len(numbers) not in (0, 2) or {word for word in words if not word.isdigit()} - {"--sandbox"}:
        sys.stderr.write("usage: python -m bench.family [TRAVELLERS RELATIVES] [--sandbox]\n")
        return 2
    travellers, relatives = numbers or (TRAVELLERS, RELATIVES)
    way = measure_sandbox if "--sandbox" in words else measure
    found, plain = uvloop.run(way(travellers, relatives))
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
