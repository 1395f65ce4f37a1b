"""Draws the desk: Jinja2 templates and static files of console/. The first page and every later patch are the same fragments."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.errors import NotFound
from gateway.model.conversation import Agent, Conversation
from gateway.model.ids import MessageId
from gateway.webcare import lines, views, words
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.lists import ListReader

CONSOLE = Path(__file__).parents[2] / "console"
STATIC = CONSOLE / "static"
LINES_KEPT = 5_000
MIME = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the page. version: changes with what it shows."""

    html: str
    version: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The open conversation's parts. lines: id -> part, in order; messages: ours whose fate the thread shows."""

    conversation: Conversation
    head: Part
    card: Part
    lines: Mapping[str, Part]
    messages: tuple[MessageId, ...]


def _clock_time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%H:%M UTC")


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def _date(ms: int) -> str:
    when = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{when.day} {when.strftime('%b %Y')}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(CONSOLE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clock_time=_clock_time, iso=_iso, date=_date, age=words.age)
    return environment


class Pages:
    def __init__(self, deps: WebcareDeps) -> None:
        self._deps = deps
        self._environment = _environment()
        self._reader = ListReader(deps)
        self._lines: OrderedDict[tuple[lines.Line, bool], Part] = OrderedDict()

    def draw(self, name: str, **context: Any) -> str:
        return self._environment.get_template(name).render(context)

    def _part(self, name: str, version_of: Any, **context: Any) -> Part:
        """version_of: what the part shows, without the passing of time, which the page counts by itself."""
        version = hashlib.blake2b(repr(version_of).encode(), digest_size=8).hexdigest()
        return Part(self.draw(name, version=version, now_ms=self._deps.clock.now_ms(), **context), version)

    async def lists(self, agent: Agent, opened: str) -> Part:
        found = await self._reader.lists(agent)
        return self._part("lists.html", (found, opened), lists=found, opened=opened)

    async def opened(self, agent: Agent, conversation: Conversation) -> Opened:
        contact = (await views.contacts_of(self._deps, [conversation]))[conversation.contact]
        head = await views.head(self._deps, conversation, contact, agent)
        card = await views.card(self._deps, conversation, contact)
        thread = await lines.thread(self._deps, conversation, contact)
        drawn = {line.id: self._line(line, head.mine, conversation.id) for line in thread}
        return Opened(
            conversation,
            self._part("head.html", head, head=head),
            self._part("card.html", (card, conversation.brand), card=card, brand=head.brand, channel=head.channel),
            drawn,
            tuple(MessageId(line.message) for line in thread if line.message),
        )

    def _line(self, line: lines.Line, mine: bool, conversation: str) -> Part:
        """A line's part, drawn once for all pages that show it."""
        part = self._lines.get((line, mine))
        if part is None:
            part = self._lines[line, mine] = self._part(
                "line.html", (line, mine), line=line, mine=mine, conversation=conversation, not_shown=words.MEDIA
            )
            if len(self._lines) > LINES_KEPT:
                self._lines.popitem(last=False)
        return part


def static_file(name: str) -> tuple[Path, str]:
    """A file of the page and its MIME type. Raises NotFound for anything else, whatever dots and slashes the name holds."""
    path = STATIC / name
    if path.parent != STATIC or path.suffix not in MIME or not path.is_file():
        raise NotFound("no such file")
    return path, MIME[path.suffix]
