"""Draws the desk: Jinja2 templates and static files of console/. The first page and every later patch are the same fragments."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from gateway.errors import NotFound
from gateway.model.agent import Permission
from gateway.model.conversation import Agent, Conversation
from gateway.model.ids import ConversationId, MessageId
from gateway.store.presence import BREAKS
from gateway.webcare import here, lines, views, words
from gateway.webcare.catalogue import LOCALES, Words, words_in
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.folding import folded
from gateway.webcare.lists import ListReader
from gateway.webcare.pulse import Pulses

CONSOLE = Path(__file__).parents[2] / "console"
STATIC = CONSOLE / "static"
LINES_KEPT = 5_000
WAITING_KEPT = 200
KEY_LIST = (
    ("next", "j"), ("previous", "k"), ("longest", "g"), ("take", "o"), ("reply", "r"), ("quote", "q"), ("note", "n"),
    ("finish", "e"), ("park", "p"), ("transfer", "t"), ("release", "b"), ("card", "i"), ("identify", "v"), ("status", "s"),
    ("several", "a"),
)  # fmt: skip
"""What the leader's letters do, unless somebody chose others."""
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
class Side:
    """Parts around the conversation. conversations: those in their own lists; handed: of these what colleagues ask them

    fresh: nothing has changed since it was read
    """

    parts: Mapping[str, Part]
    conversations: frozenset[ConversationId] = frozenset()
    handed: frozenset[ConversationId] = frozenset()
    fresh: bool = True


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


@pass_context
def _age(context: Context, ms: int) -> str:
    return words_of(context).age(ms)


@pass_context
def _date(context: Context, ms: int) -> str:
    return words_of(context).date(ms)


@pass_context
def _said(context: Context, sentence: str) -> str:
    return words_of(context).said(sentence)


@pass_context
def _t(context: Context, key: str, **places: Any) -> str:
    return words_of(context).t(key, **places)


def words_of(context: Context) -> Words:
    found: Words = context["words"]
    return found


@functools.cache
def _environment() -> Environment:
    """One a process: each template is understood once, whoever draws it."""
    environment = Environment(
        loader=FileSystemLoader(CONSOLE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clock_time=_clock_time, iso=_iso, date=_date, age=_age, said=_said)
    environment.globals.update(t=_t)
    return environment


class Pages:
    """locale: of who looks, one of catalogue.LOCALES."""

    def __init__(self, deps: WebcareDeps) -> None:
        self._deps = deps
        self._environment = _environment()
        self._reader = ListReader(deps)
        self.pulses = Pulses(deps)
        self._lines: OrderedDict[tuple[lines.Line, bool, str], Part] = OrderedDict()
        self._waiting: OrderedDict[tuple[object, ...], Part] = OrderedDict()

    def draw(self, name: str, locale: str = LOCALES[0], **context: Any) -> str:
        return self._environment.get_template(name).render(words=words_in(locale), **context)

    def part(self, name: str, version_of: Any, locale: str, **context: Any) -> Part:
        """version_of: what the part shows, without the passing of time, which the page counts by itself."""
        version = hashlib.blake2b(repr((version_of, locale)).encode(), digest_size=8).hexdigest()
        return Part(self.draw(name, locale, version=version, now_ms=self._deps.clock.now_ms(), **context), version)

    def audits(self, agent: Agent) -> bool:
        """Whether a page shows them the way to the audit."""
        return self._deps.past is not None and agent.may(Permission.AUDIT)

    async def sides(self, agent: Agent, opened: str, locale: str) -> dict[str, Part]:
        """What stands around the conversation: the first line and the lists. opened: the conversation that is shown, "" none"""
        own, waiting = await self.own(agent, opened, locale), await self.waiting(agent, opened, locale)
        return {**own.parts, **waiting.parts}

    async def own(self, agent: Agent, opened: str, locale: str) -> Side:
        """The first line, and the lists of what is theirs."""
        own = await self._reader.own(agent)
        top = here.top(self._deps, agent, own.conversations, own.presence)
        parts = {
            "own": self.part("own.html", (own.drawn, opened), locale, own=own, opened=opened),
            "top": self.part("top.html", top, locale, top=top, breaks=BREAKS),
        }
        return Side(parts, conversations=own.ids, handed=own.handed)

    async def waiting(self, agent: Agent, opened: str, locale: str) -> Side:
        """The list of what waits, drawn once for all who may read the same."""
        waiting = await self._reader.waiting(agent)
        shown = opened if any(row.id == opened for row in waiting.rows) else ""
        key = (waiting.same, shown, locale)
        part = self._waiting.get(key)
        if part is None:
            part = self._waiting[key] = self.part(
                "waiting.html", (waiting.rows, waiting.total, shown), locale, waiting=waiting, opened=shown
            )
            if len(self._waiting) > WAITING_KEPT:
                self._waiting.popitem(last=False)
        return Side({"waiting": part}, handed=waiting.handed, fresh=waiting.fresh)

    async def opened(self, agent: Agent, conversation: Conversation, locale: str = LOCALES[0]) -> Opened:
        contact = (await views.contacts_of(self._deps, [conversation]))[conversation.contact]
        # Read beside each other: words that somebody waits for are not behind a dozen round trips in a row.
        head, readers, card, said = await asyncio.gather(
            views.head(self._deps, conversation, contact, agent),
            here.readers(self._deps, conversation.id, agent),
            views.card(self._deps, conversation, contact, agent, locale),
            lines.thread(self._deps, conversation, contact, agent),
        )
        thread = folded(said)
        drawn = {line.id: self._line(line, head.mine, conversation.id, locale) for line in thread}
        return Opened(
            conversation,
            self.part("head.html", (head, readers), locale, head=head, readers=readers),
            self.part("card.html", (card, conversation.brand), locale, card=card, brand=head.brand, channel=head.channel),
            drawn,
            tuple(MessageId(line.message) for line in thread if line.message),
        )

    def _line(self, line: lines.Line, mine: bool, conversation: str, locale: str) -> Part:
        """A line's part, drawn once for all pages that show it."""
        part = self._lines.get((line, mine, locale))
        if part is None:
            part = self._lines[line, mine, locale] = self.part(
                "line.html", (line, mine), locale, line=line, mine=mine, conversation=conversation, not_shown=words.MEDIA
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
