"""Plays the story: turns the clock to each step, sends its events, waits until the phones show what it promises.

Where it is, is kept on disk after every step, so that a story that was stopped goes on where it was: each event has an id of
its own (step and number), so that sending one twice is harmless.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import structlog

from demo import people, story
from demo.agent import DeskHands

DWELL_S = 6.0
ARRIVE_S = 30.0

_LINK = re.compile(r"https?://\S+/j/[0-9a-z]+")
_CHOICE = re.compile(r'<a class="go"[^>]* href="([^"]+)"')

log = structlog.get_logger()


@dataclass
class Place:
    """How far the story is. clock_ms: the story's time when it was last seen (it stands still while nothing runs)."""

    first: str
    position: int
    clock_ms: int

    @staticmethod
    def load(path: Path) -> Place | None:
        try:
            value = json.loads(path.read_text())
            return Place(str(value["first"]), int(value["position"]), int(value["clock_ms"]))
        except (OSError, ValueError, KeyError):
            return None

    def save(self, path: Path) -> None:
        made = path.with_suffix(".new")
        made.write_text(json.dumps(self.__dict__))
        made.replace(path)


class Player:
    def __init__(
        self, http: aiohttp.ClientSession, *, gateway: str, sandbox: str, api_key: str, agents: Mapping[str, str], place: Path,
        speed: float,
    ) -> None:  # fmt: skip
        self._http = http
        self._gateway = gateway
        self._sandbox = sandbox
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._desk = DeskHands(http, gateway, self._headers, agents)
        self._path = place
        known = Place.load(place)
        now = datetime.now(UTC)
        self.place = known or Place(story.first_day(now).isoformat(), 0, 0)
        self.steps = story.make(date.fromisoformat(self.place.first))
        if not known:
            self.place.clock_ms = story.to_ms(self.steps[0].at) - 60_000
        self._shown = max(self.place.position - 1, 0)
        self._speed = speed
        self._playing = True
        self._once = False
        self._woken = asyncio.Event()
        self.ended = asyncio.Event()
        self.restart = asyncio.Event()

    # the clock

    def _now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._offset

    async def start(self) -> None:
        """Set both clocks to where the story is, and make the phones."""
        await self._turn(self.place.clock_ms)
        for person in people.EVERYBODY:
            body = {
                "name": person.name,
                "label": f"{person.given} {person.family}",
                "address": person.number,
                "language": person.language,
                "timezone": person.timezone,
            }
            await self._post(f"{self._sandbox}/sandbox/handsets", body)
        await self._show("playing")

    async def _turn(self, story_ms: int) -> None:
        self._offset = story_ms - time.time_ns() // 1_000_000
        async with self._http.put(f"{self._gateway}/v1/clock", json={"offset_ms": self._offset}, headers=self._headers) as answer:
            answer.raise_for_status()
        async with self._http.put(f"{self._sandbox}/sandbox/clock", json={"offset_ms": self._offset}) as answer:
            answer.raise_for_status()
        await asyncio.sleep(0.5)  # every process of the gateway reads the clock five times a second

    # playing

    async def run(self, stopping: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            control = group.create_task(self._controls())
            keeper = group.create_task(self._keep())
            try:
                while not stopping.is_set() and self.place.position < len(self.steps):
                    await self._wait_to_play(stopping)
                    if stopping.is_set():
                        break
                    await self._step(self.steps[self.place.position])
                if self.place.position >= len(self.steps):
                    await self._show("ended")
                    self.ended.set()
                    await stopping.wait()
            finally:
                control.cancel()
                keeper.cancel()
        self._remember()

    async def _wait_to_play(self, stopping: asyncio.Event) -> None:
        while not self._playing and not self._once and not stopping.is_set():
            self._woken.clear()
            try:
                async with asyncio.timeout(0.5):
                    await self._woken.wait()
            except TimeoutError:
                pass
        self._once = False

    async def _step(self, step: story.Step) -> None:
        number = self.place.position
        before = await self._received()  # before the clock is turned: what waited for this moment goes out by itself
        wanted = story.to_ms(step.at)
        if wanted > self._now_ms():
            await self._turn(wanted)
        self._shown = number
        await self._show("playing" if self._playing else "paused")
        if step.page:
            await self._switch(step.page)
        await self._fault(step.fault)
        kept = []
        for place, event in enumerate(step.events):
            at = datetime.fromtimestamp(self._now_ms() / 1000, UTC).isoformat(timespec="milliseconds")
            body = {**event, "id": f"demo-{self.place.first}-{number}-{place}", "time": at}
            kept.append(await self._event(body))
        for place, (name, invitation) in enumerate(step.opens):
            link = await self._invite(invitation, f"demo-{self.place.first}-{number}-{place}")
            await self._says(name, {"link": link})
        for name, label in step.presses:
            await self._presses(name, label)
        for name, channel, whose in step.follows:
            await self._says(name, {"link": await self._join_link(name, channel, whose)})
        for name, text in step.says:
            await self._says(name, {"text": text})
        for name, photo, text in step.shows:
            await self._says(name, {"image": {"data": photo, "mime": "image/jpeg", "caption": text}})
        for place, act in enumerate(step.desk):
            await self._desk.do(act, f"demo-{self.place.first}-{number}-{place}")
        for known in kept:
            await self._told(known)
        await self._arrived(before, step.expect)
        self.place.position = number + 1
        self._remember()
        await self._dwell()

    async def _event(self, body: dict[str, Any]) -> str:
        """Send one event until it is kept: sent twice, it counts once. Returns its id there, "" where that knew better."""
        for pause in (0.2, 0.5, 1.0, 2.0, 4.0, 8.0):
            headers = {**self._headers, "Content-Type": "application/cloudevents+json"}
            async with self._http.post(f"{self._gateway}/v1/events", data=json.dumps(body), headers=headers) as answer:
                if answer.status in (202, 409):
                    return str((await answer.json()).get("event", ""))
                if answer.status not in (429, 503):
                    raise RuntimeError(f"the gateway refused an event of the story: {answer.status} {await answer.text()}")
            await asyncio.sleep(pause)
        raise RuntimeError("the gateway takes no events")

    async def _told(self, event: str) -> None:
        """Until everybody was told or had it kept for later: a clock that is turned before would call for older news first."""
        until = time.monotonic() + ARRIVE_S
        while event and time.monotonic() < until:
            async with self._http.get(f"{self._gateway}/v1/events/{event}", headers=self._headers) as answer:
                if answer.status == 404 or (await answer.json())["state"] == "told":
                    return
            await asyncio.sleep(0.1)

    async def _says(self, chat: str, body: dict[str, Any]) -> None:
        """Something that is done on a phone: in its WhatsApp, where the chat names no other channel."""
        name, _, channel = chat.partition("/")
        body = {**body, "channel": channel} if channel else body
        person = next(one for one in people.EVERYBODY if one.name == name)
        await self._post(f"{self._sandbox}/sandbox/handsets/{person.number.lstrip('+')}/say", body)

    async def _presses(self, name: str, label: str) -> None:
        """Press a button below the newest message on this phone that has one with these words."""
        for bubble in await self._bubbles(name):
            for button in bubble["buttons"]:
                if button["text"] == label:
                    await self._says(name, {"button": {"bubble": bubble["id"], "index": button["index"]}})
                    return
        raise RuntimeError(f"no button {label!r} on {name}'s phone")

    async def _join_link(self, name: str, channel: str, whose: str) -> str:
        """The link that somebody finds behind the family link which stands on another's phone: on its page they choose an app."""
        person = next(one for one in people.EVERYBODY if one.name == name)
        links = [found[0] for bubble in await self._bubbles(whose) if (found := _LINK.search(bubble["body"] or ""))]
        if not links:
            raise RuntimeError(f"no family link on {whose}'s phone")
        async with self._http.get(links[0], headers={"Accept-Language": person.locale}) as answer:
            text = await answer.text()
        host = "wa.me" if channel == "whatsapp" else "m.me"
        chosen = next((unescape(url) for url in _CHOICE.findall(text) if host in url), None)
        if chosen is None:
            raise RuntimeError(f"the page behind the family link offers no {channel} to {name}: {answer.status}")
        return chosen

    async def _bubbles(self, name: str) -> list[dict[str, Any]]:
        """What somebody was sent, newest first."""
        async with self._http.get(f"{self._sandbox}/sandbox/handsets") as answer:
            value = await answer.json()
        threads = next(one for one in value["handsets"] if one["name"] == name)["threads"]
        found = [bubble for thread in threads for bubble in thread["bubbles"] if bubble["kind"] == "received"]
        return sorted(found, key=lambda bubble: -bubble["at_ms"])

    async def _invite(self, invitation: dict[str, Any], key: str) -> str:
        """Make an invitation as a booking page would, the same one however often; its link to the chat."""
        headers = {**self._headers, "Idempotency-Key": key}
        async with self._http.post(f"{self._gateway}/v1/invitations", json=invitation, headers=headers) as answer:
            made = await answer.json()
            if answer.status >= 300:
                raise RuntimeError(f"the gateway refused an invitation of the story: {answer.status} {made}")
        return str(made["links"][0]["url"])

    async def _switch(self, switches: dict[str, bool]) -> None:
        async with self._http.put(f"{self._sandbox}/sandbox/pages/{people.PAGE}", json=switches) as answer:
            answer.raise_for_status()

    async def _fault(self, fault: dict[str, Any]) -> None:
        """What goes wrong at Meta in this step, and nothing of what went wrong in one before it."""
        async with self._http.delete(f"{self._sandbox}/sandbox/faults") as answer:
            answer.raise_for_status()
        if fault:
            async with self._http.put(f"{self._sandbox}/sandbox/faults", json=fault) as answer:
                answer.raise_for_status()

    async def _received(self) -> dict[str, int]:
        """How many messages each chat has got so far."""
        async with self._http.get(f"{self._sandbox}/sandbox/handsets") as answer:
            value = await answer.json()
        counts: dict[str, int] = {}
        for one in value["handsets"]:
            for thread in one["threads"]:
                chat = story.chat_of(one["name"], thread["channel"])
                counts[chat] = counts.get(chat, 0) + sum(bubble["kind"] == "received" for bubble in thread["bubbles"])
        return counts

    async def _arrived(self, before: dict[str, int], expect: Sequence[tuple[str, str]]) -> None:
        """Wait for what the step promises, so that no clock is turned while something is on its way."""
        wanted: dict[str, int] = {}
        for chat, _ in expect:
            wanted[chat] = wanted.get(chat, 0) + 1
        until = time.monotonic() + ARRIVE_S
        while time.monotonic() < until:
            now = await self._received()
            if all(now.get(chat, 0) >= before.get(chat, 0) + count for chat, count in wanted.items()):
                return
            await asyncio.sleep(0.2)
        log.warning("story.late", step=self.place.position)

    async def _dwell(self) -> None:
        """Give people time to read; "step" ends it at once."""
        self._woken.clear()
        until = time.monotonic() + DWELL_S / self._speed
        while not self._once and (left := until - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._woken.wait()
            except TimeoutError:
                return
            self._woken.clear()

    # the story bar

    async def _show(self, state: str) -> None:
        body = {
            "title": "Days at the home front",
            "steps": [{"title": step.title, "caption": step.caption} for step in self.steps],
            "position": self._shown,
            "state": state,
            "speed": self._speed,
            "note": "Ask from any phone: what nobody answers at once waits at the desk." if state == "ended" else None,
        }
        async with self._http.put(f"{self._sandbox}/sandbox/story", json=body) as answer:
            answer.raise_for_status()

    async def _controls(self) -> None:
        since = 0
        while True:
            try:
                params = {"since": str(since), "wait": "20"}
                timeout = aiohttp.ClientTimeout(total=30)
                async with self._http.get(f"{self._sandbox}/sandbox/story/control", params=params, timeout=timeout) as answer:
                    value = await answer.json()
            except (aiohttp.ClientError, TimeoutError, ValueError):
                await asyncio.sleep(1)
                continue
            since = int(value["since"])
            for action in value["actions"]:
                await self._control(action)

    async def _control(self, action: dict[str, Any]) -> None:
        match action["action"]:
            case "play":
                self._playing = True
            case "pause":
                self._playing = False
            case "step":
                self._once = True
            case "speed":
                self._speed = max(0.25, min(float(action.get("speed") or 1), 20))
            case "restart":
                self.restart.set()
        self._woken.set()
        if not self.ended.is_set():
            await self._show("playing" if self._playing else "paused")

    # where it was

    def _remember(self) -> None:
        self.place.clock_ms = self._now_ms()
        self.place.save(self._path)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._remember()

    async def _post(self, url: str, body: dict[str, Any]) -> None:
        async with self._http.post(url, json=body) as answer:
            if answer.status >= 400:
                raise RuntimeError(f"{url.rpartition('/')[2]}: {answer.status} {await answer.text()}")


