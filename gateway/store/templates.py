"""Templates as each sender's channel has them, as last heard; and which version of each notification a sender uses.

Two writers tell what the channel has: webhooks (and refused sends) one value at a time, and the sync, the whole list at once.
Each value keeps when it was so by the channel and when we heard it. Among webhooks the channel's time decides. Between a webhook
and the sync it cannot: the list has no time, it was made somewhere between our asking and our reading. So what was heard
after we asked stays, and what is older than we asked, less MARGIN_MS for the channel's clock and its whole seconds, is past.

The active version (notifications/versions.py) is written by one script that only ever raises it. It lies in a partition, beside
the facts, so that the switch and its fact are one step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import SenderId
from gateway.rules.question import TemplateState
from gateway.store import audit, keys, scripts
from gateway.store.reply import words

MARGIN_MS = 60_000
"""How far the channel's clock, its whole seconds and its list may be behind ours."""
PIECE = 200
"""Templates that one script changes: each keeps the store for a few milliseconds."""
_Part = TypeVar("_Part")
SYNCED = ("state", "category", "quality", "reason", "edited", "becomes")
"""What the list tells of each template. edited: "1" where its words are not ours."""


@dataclass(frozen=True, slots=True)
class Switched:
    """A sender's active version of a notification. before: 0 = the first; who: "" = because all `languages` were approved."""

    version: int
    at_ms: int = 0
    before: int = 0
    languages: tuple[str, ...] = ()
    who: str = ""


class Templates:
    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def known(self, sender: SenderId) -> dict[tuple[str, str], dict[str, Any]]:
        """(name, language) -> {"state", "category", "quality", "reason", "edited", "becomes", "at"} as last heard."""
        raw = await self._redis.hgetall(keys.templates(sender))
        found = {}
        for name, value in raw.items():
            template, _, language = words(name).rpartition(":")
            found[(template, language)] = json.loads(words(value))
        return found

    async def note(
        self, sender: SenderId, name: str, language: str, *, at_ms: int | None, values: Mapping[str, str]
    ) -> bool:
        """Overlay what was heard; a value that is known as of a later time stays. False: nothing changed by it.

        at_ms: the channel's time; None = a send of ours showed it: so until the channel says anything newer than its last word
        """
        said = [part for pair in values.items() for part in pair]
        args: list[scripts.Part] = [self._clock.offset_ms, f"{name}:{language}", "" if at_ms is None else at_ms, *said]
        return bool(await scripts.run(self._redis, "template_note", [keys.templates(sender)], args))

    async def now_ms(self) -> int:
        """The store's time, as `note` writes it: what a sync began at."""
        seconds, micros = await self._redis.time()
        return int(seconds) * 1000 + int(micros) // 1000 + self._clock.offset_ms

    async def sync(
        self, sender: SenderId, found: Mapping[tuple[str, str], Mapping[str, Any]], *, since_ms: int | None = None
    ) -> None:
        """The whole list of the channel. since_ms: the store's time before it was asked for; None = just now."""
        began = await self.now_ms() if since_ms is None else since_ms
        key = keys.templates(sender)
        rows: list[list[scripts.Part]] = []
        for (name, language), value in found.items():
            row: list[scripts.Part] = [f"{name}:{language}"]
            for each in SYNCED:
                row += [each, str(value.get(each) or "")]
            rows.append(row)
        head: list[scripts.Part] = [began, max(began - MARGIN_MS, 0), len(SYNCED)]
        for some in _pieces(rows):
            await scripts.run(self._redis, "templates_sync", [key], [*head, *(part for row in some for part in row)])
        listed = {row[0] for row in rows}
        fields = [words(one) for one in await self._redis.hkeys(key)]
        for others in _pieces([one for one in fields if one not in listed]):
            await scripts.run(self._redis, "templates_gone", [key], [began, *others])
        await self._redis.set(f"sync:{sender}", str(self._clock.now_ms()))

    async def synced_ms(self, sender: SenderId) -> int:
        """When they were last read from the channel, 0 = never."""
        raw = await self._redis.get(f"sync:{sender}")
        return int(words(raw)) if raw else 0

    # versions

    async def versions(self, sender: SenderId) -> dict[str, Switched]:
        """Notification -> its active version. A record in a form that this program does not know is passed over."""
        found = {}
        for name, raw in (await self._redis.hgetall(keys.versions(sender))).items():
            form, *rest = words(raw).split("|")
            if form == "1" and len(rest) == 5:
                version, at, before, languages, who = rest
                found[words(name)] = Switched(int(version), int(at), int(before), tuple(languages.split(",")), who)
        return found

    async def switch(
        self, sender: SenderId, notification: str, version: int, *, languages: tuple[str, ...], who: str = ""
    ) -> bool:
        """Raise the active version, with its fact. False: it is that one or a newer one by now."""
        args: list[scripts.Part] = [
            self._clock.offset_ms, notification, version, sender, ",".join(languages), audit.plain(who)
        ]  # fmt: skip
        into = [keys.versions(sender), keys.part(audit.PARTITION, "facts")]
        return bool(await scripts.run(self._redis, "version_switch", into, args))


def _pieces(parts: Sequence[_Part]) -> Iterator[Sequence[_Part]]:
    for begin in range(0, len(parts), PIECE):
        yield parts[begin : begin + PIECE]


TEMPLATE_WORDS: Mapping[str, TemplateState] = {
    "APPROVED": TemplateState.APPROVED,
    "REINSTATED": TemplateState.APPROVED,
    "FLAGGED": TemplateState.APPROVED,
    "UNARCHIVED": TemplateState.APPROVED,
    "PENDING": TemplateState.PENDING,
    "IN_APPEAL": TemplateState.PENDING,
    "PENDING_DELETION": TemplateState.MISSING,
    "REJECTED": TemplateState.REJECTED,
    "PAUSED": TemplateState.PAUSED,
    "LOCKED": TemplateState.PAUSED,
    "DISABLED": TemplateState.DISABLED,
    "LIMIT_EXCEEDED": TemplateState.DISABLED,
    "ARCHIVED": TemplateState.DISABLED,
    "DELETED": TemplateState.MISSING,
}
"""The channel's words for a template's state -> ours. An unknown word counts as pending: not sent, and visible."""


def template_state(value: Mapping[str, Any] | None, *, category: str) -> TemplateState:
    """A template's state for a notification of this category: one that the channel moved to another is not used."""
    if value is None:
        return TemplateState.MISSING
    state = TEMPLATE_WORDS.get(str(value.get("state", "")).upper(), TemplateState.PENDING)
    known = str(value.get("category", "") or "").lower()
    if state is TemplateState.APPROVED and known and known != category.lower():
        return TemplateState.RECATEGORISED
    return state
