"""Boarding passes, distinct ones, on one number at its rate: from the event to the phone, each drawn, uploaded and sent.

    python -m bench.passes                    300 passes
    python -m bench.passes 10000              what a large airline hands out in a day, in two minutes
    python -m bench.passes 10000 --sandbox    the same into the sandbox's phones

A gateway as an operator starts it (intake, dispatch) on a store of its own that waits for the disk; a Graph API in this process
that counts, keeps every fiftieth picture and who got it. Passes are posted faster than the number may send. In the end each
passenger got one message, no two the same picture, and the pictures that were kept are read: it is their own code.

With `--sandbox` the other side is the sandbox: a process that judges each call, keeps each file, lets through what a number may
send, and tells of each message by signed webhooks that it was sent, delivered and read; the gateway takes these in beside.

Printed: messages a second from the first to the last, beside the rate of the number (80), and processor time for one pass, from
the fiftieth on: what starting costs is left out.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
import zxingcpp
from aiohttp import web
from PIL import Image

from bench import sandboxed, stage
from bench.crowd import Crowd, Person
from bench.flights import delayed, flight
from bench.house import free_ports, gateway, served
from gateway.model.contact import Profile
from gateway.model.ids import SubjectId
from gateway.model.personal import Personal

ABOARD = 200
"""Passengers of one flight."""
BATCH = 20
PER_SECOND = 160
"""How fast passes are posted: twice what one number may send."""
KEPT = 50
"""Every so manieth picture is kept and read."""
QUIET_S = 60.0
SETTLE_S = 30.0
"""How long the last messages may take to be delivered and read."""
WARM = 50
"""Passes after which processor time is counted."""


@dataclass
class Phones:
    """to: messages by recipient; pictures: hashes of what was uploaded; kept: some of them by media id"""

    to: Counter[str] = field(default_factory=Counter)
    at: list[float] = field(default_factory=list)
    pictures: Counter[bytes] = field(default_factory=Counter)
    kept: dict[str, bytes] = field(default_factory=dict)
    shown: dict[str, bytes] = field(default_factory=dict)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    bytes: int = 0

    async def media(self, request: web.Request) -> web.Response:
        part: Any = (await request.post())["file"]
        data = part.file.read()
        self.bytes += len(data)
        self.pictures[hashlib.sha256(data).digest()] += 1
        media = str(10**15 + sum(self.pictures.values()))
        if sum(self.pictures.values()) % KEPT == 1:
            self.kept[media] = data
        return web.json_response({"id": media})

    async def messages(self, request: web.Request) -> web.Response:
        body = await request.json()
        who = str(body.get("recipient") or body.get("to"))
        media = body["template"]["components"][0]["parameters"][0]["image"]["id"]
        if media in self.kept:
            self.shown[who] = self.kept[media]
        self.to[who] += 1
        self.at.append(time.monotonic())
        self.came.set()
        answer = {"messaging_product": "whatsapp", "messages": [{"id": f"wamid.BENCH{len(self.at)}"}]}
        return web.json_response(answer)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/{version}/{number}/media", self.media)
        app.router.add_post("/{version}/{number}/messages", self.messages)
        return app

    async def until(self, count: int) -> None:
        """Until so many messages came. Raises TimeoutError after a minute in which none did."""
        while len(self.at) < count:
            self.came.clear()
            async with asyncio.timeout(QUIET_S):
                await self.came.wait()


class Passengers(Crowd):
    """Each with a booking of their own on one of the flights, by a name that says which they are."""

    def __init__(self, runtime: Any) -> None:
        super().__init__(runtime)
        self.numbers: dict[str, int] = {}
        self.users: dict[str, int] = {}
        """user id -> passenger"""

    def locator(self, number: int) -> str:
        return f"Q{number:05d}"

    def _order(self, person: Person) -> SubjectId:
        return self._runtime.vault.subject_id("order", self.locator(self.numbers[person.contact]))

    def _profile(self, person: Person) -> Profile:
        made, number = super()._profile(person), self.numbers[person.contact]
        # By a user id alone: numbers for fiction are a thousand, and would be taken for the same person.
        (known,) = (one for one in made.addresses[0].identifiers if one.kind == "user_id")
        self.users[known.value.reveal()] = number
        link = replace(made.orders[0], order=self._order(person), number=Personal(self.locator(number)), role="booker")
        who = replace(made.travellers[0], given_name=Personal("Pat"), family_name=Personal(surname(number)))
        return replace(made, addresses=(replace(made.addresses[0], identifiers=(known,)),), orders=(link,), travellers=(who,))

    async def board(self, count: int) -> None:
        people = []
        for number in range(count):
            person = self._person((self.subject(number // ABOARD, 0),))
            self.numbers[person.contact] = number
            people.append(person)
        for start in range(0, count, ABOARD):
            batch = people[start : start + ABOARD]
            await self._write(batch)
            await self.subscribe([replace(one, subjects=(*one.subjects, self._order(one))) for one in batch])


def surname(number: int) -> str:
    """Letters only, as on a pass."""
    return "PASSENGER" + "".join(chr(ord("A") + int(digit)) for digit in f"{number:06d}")


def code(number: int) -> str:
    return f"M1{surname(number) + '/PAT':<20}EQ{number:05d} AMSLHRZZ 1007 326Y012C{number % 10000:04d} 100"


def event(number: int) -> dict[str, Any]:
    leg = delayed(number // ABOARD, 0, 0)["leg"]
    departs = delayed(number // ABOARD, 0, 0)["times"]["departure"]["scheduled"]
    data = {
        "leg": leg,
        "passenger": {"surname": surname(number), "givenNames": "Pat", "recordLocator": f"Q{number:05d}"},
        "checkin": {"seat": f"{number % 30 + 1}{'ABCDEF'[number % 6]}", "sequence": number % 10000, "group": "2"},
        "times": {"scheduledOff": departs, "boarding": departs},
        "gate": "D18",
        "bcbp": code(number),
    }
    return {
        "specversion": "1.0", "id": f"pass-{number}", "type": "org.example.flight.boardingpass.v1", "source": "/dcs",
        "subject": flight(number // ABOARD, 0), "time": datetime.now(UTC).isoformat(), "datacontenttype": "application/json",
        "data": data,
    }  # fmt: skip


async def post(url: str, count: int) -> None:
    headers = {"Authorization": f"Bearer {stage.API_KEY}", "Content-Type": "application/cloudevents-batch+json"}
    began = time.monotonic()
    async with aiohttp.ClientSession(headers=headers) as session:
        for start in range(0, count, BATCH):
            await asyncio.sleep(max(0.0, began + start / PER_SECOND - time.monotonic()))
            body = json.dumps([event(number) for number in range(start, min(start + BATCH, count))])
            while True:
                async with session.post(f"{url}/v1/events", data=body) as answer:
                    if answer.status == 202:
                        break
                    if answer.status != 429:
                        raise RuntimeError(f"passes were answered {answer.status}: {(await answer.text())[:300]}")
                await asyncio.sleep(1.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """seconds: from the first message to the last; read: pictures that were read and held their own code"""

    count: int
    seconds: float
    doubles: int
    alike: int
    read: int
    wrong: int
    kilobytes: float
    gateway_ms: float
    drawing_ms: float
    store_ms: float
    channel_ms: float
    """Of the Graph API (in this process, or the sandbox), and of who posts the events."""
    ticks: dict[str, int] = field(default_factory=dict)
    """How far the messages came by the sandbox, which tells the gateway so."""

    @property
    def per_second(self) -> float:
        return (self.count - 1) / self.seconds if self.seconds else 0.0


async def measure(count: int) -> Measured:
    phones = Phones()
    async with stage.directory() as directory, served(phones.app()) as port:
        environ = stage.environment(directory, port)
        async with stage.opened(stage.read_settings(environ)) as runtime:
            passengers = Passengers(runtime)
            async with stage.unsynced(runtime):
                await passengers.board(count)
            async with gateway(environ, "intake,dispatch") as url:
                posting = asyncio.create_task(post(url, count))
                try:
                    await phones.until(min(WARM, count - 1))
                    counted, before = len(phones.at), await spent(runtime)
                    await phones.until(count)
                    after = await spent(runtime)
                finally:
                    posting.cancel()
                    await asyncio.gather(posting, return_exceptions=True)
            # The gateway has ended in good order: what it was at came, and what came twice is counted.
    each_ms = [(late - early) * 1000 / (count - counted) for early, late in zip(before, after, strict=True)]
    right = [read(data) == code(passengers.users[who]) for who, data in phones.shown.items()]
    return Measured(
        count=len(phones.at),
        seconds=phones.at[-1] - phones.at[0],
        doubles=sum(many - 1 for many in phones.to.values()),
        alike=sum(many - 1 for many in phones.pictures.values()),
        read=sum(right),
        wrong=len(right) - sum(right),
        kilobytes=phones.bytes / len(phones.at) / 1000,
        gateway_ms=each_ms[0],
        drawing_ms=each_ms[1],
        store_ms=each_ms[2],
        channel_ms=each_ms[3],
    )


async def measure_sandbox(count: int) -> Measured:
    """The same into the sandbox's phones."""
    async with stage.directory() as directory:
        port, public = free_ports(2)
        environ = stage.environment(directory, port) | sandboxed.SETTINGS
        async with sandboxed.sandbox(directory, port, f"http://127.0.0.1:{public}/webhooks/whatsapp") as world:
            async with stage.opened(stage.read_settings(environ)) as runtime:
                await world.approve(runtime, ("boarding_pass_issued", "boarding_pass_file"))
                passengers = Passengers(runtime)
                async with stage.unsynced(runtime):
                    await passengers.board(count)
                await world.give_phones(passengers.users)
                async with gateway(environ, "intake,dispatch,webhooks", public=public) as url:
                    posting = asyncio.create_task(post(url, count))
                    try:
                        await world.until(min(WARM, count - 1), QUIET_S)
                        counted, before = world.count(), await spent(runtime, world.pid)
                        await world.until(count, QUIET_S)
                        after = await spent(runtime, world.pid)
                    finally:
                        posting.cancel()
                        await asyncio.gather(posting, return_exceptions=True)
                    await world.settled(SETTLE_S)
            landed, ticks = world.landed(), world.ticks()
            looked = {one.user: world.file(one.media) for one in landed[::KEPT]}
    each_ms = [(late - early) * 1000 / (count - counted) for early, late in zip(before, after, strict=True)]
    right = [read(data) == code(passengers.users[who]) for who, data in looked.items()]
    told = Counter(one.user for one in landed)
    pictures = Counter(one.media for one in landed)
    return Measured(
        count=len(landed),
        seconds=(landed[-1].at_ms - landed[0].at_ms) / 1000,
        doubles=sum(many - 1 for many in told.values()),
        alike=sum(many - 1 for many in pictures.values()),
        read=sum(right),
        wrong=len(right) - sum(right),
        kilobytes=sum(map(len, looked.values())) / len(looked) / 1000,
        gateway_ms=each_ms[0],
        drawing_ms=each_ms[1],
        store_ms=each_ms[2],
        channel_ms=each_ms[3],
        ticks=dict(ticks),
    )


async def spent(runtime: Any, world: int = 0) -> tuple[float, float, float, float]:
    """Seconds that the gateway, the processes that draw for it, the store and the other side have computed so far. Of Linux.

    world: the sandbox's process, whose seconds are added to this one's
    """
    gateways = _gateways()
    drawing = [one for pid in gateways for one in _children(pid)]
    store = await stage.store_seconds(runtime)
    there = time.process_time() + (_seconds(world) if world else 0.0)
    return sum(map(_seconds, gateways)), sum(map(_seconds, drawing)), store, there


def _gateways() -> list[int]:
    return [pid for pid in _children(os.getpid()) if b"main.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _children(pid: int) -> list[int]:
    return [int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()]


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read(data: bytes) -> str:
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(data)))
    return str(found[0].text) if found else ""


def main(words: Sequence[str]) -> int:
    numbers = [word for word in words if word.isdigit()]
    if len(numbers) > 1 or set(words) - {*numbers, "--sandbox"}:
        sys.stderr.write("usage: python -m bench.passes [COUNT] [--sandbox]\n")
        return 2
    count = int(numbers[0]) if numbers else 300
    found = uvloop.run(measure_sandbox(count) if "--sandbox" in words else measure(count))
    ours = found.gateway_ms + found.drawing_ms + found.store_ms
    sys.stdout.write(
        f"{found.count} boarding passes on one number: {found.per_second:.1f} a second (the number may send 80), "
        f"{found.seconds:.1f} s from the first to the last\n"
        f"processor time for one: {ours + found.channel_ms:.1f} ms, ours {ours:.1f} (gateway {found.gateway_ms:.1f}, drawing "
        f"{found.drawing_ms:.1f}, store {found.store_ms:.1f}), the channel and the source {found.channel_ms:.1f}; "
        f"a picture has {found.kilobytes:.0f} kB\n"
        f"twice to one person: {found.doubles}; the same picture twice: {found.alike}; "
        f"read off the picture: {found.read} right, {found.wrong} wrong\n"
    )
    if found.ticks:
        sys.stdout.write("on the phones: " + ", ".join(f"{many:,} {how}" for how, many in sorted(found.ticks.items())) + "\n")
    return int(bool(found.doubles or found.alike or found.wrong or found.count != count))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
