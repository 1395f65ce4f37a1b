"""Which version of its words each sender uses, and what a newer one still waits for: `templates status`, `push`, `lint --remote`.

The store knows what was switched and when. A store that nobody started is not started for this, and one that does not answer
stops no command: what the channel lists says nearly as much, and it is said that the rest is not known.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.cli import opening, printing, whose
from gateway.connector import Sender
from gateway.directory import Directory
from gateway.errors import SettingsError, StoreError
from gateway.notifications import versions
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.model import Notification
from gateway.notifications.remote import RemoteTemplate
from gateway.planning.wordsused import Known, active_of, approving, speaker_of
from gateway.settings import Settings
from gateway.store.brakes import BrakeBook
from gateway.store.senders import Senders, Switched

REMOVABLE_MS = 8 * 24 * 3600 * 1000
"""How long after a switch nothing that was planned before it can be of use any more: as long as events are remembered."""
LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """One notification at one sender. switched: None = as the channel's list has it, the store says nothing.

    newer: a version that waits beside it, 0 = none; lacks: the languages in use that it is not approved in
    """

    notification: Notification
    sender: Sender
    version: int
    switched: Switched | None
    newer: int = 0
    lacks: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        known = self.switched
        return {
            "notification": self.notification.name,
            "version": self.version,
            "since": printing.iso(known.at_ms) if known else None,
            "before": known.before if known else None,
            "approved_in": list(known.languages) if known else None,
            "by": (known.who or None) if known else None,
            "waits": {"version": self.newer, "lacks": list(self.lacks)} if self.newer else None,
        }

    def sentence(self) -> str:
        known, name = self.switched, self.notification.name
        said = f"{name}: version {self.version} is sent" if self.version else f"{name}: no version can be sent yet"
        if known is not None:
            said += f" since {printing.when(known.at_ms)}"
            said += f" in place of {known.before}" if known.before else ""
            said += f", approved in {joined(known.languages)}" + (f" (by {known.who})" if known.who else "")
        if self.newer:
            missing = f"waits for {joined(self.lacks)}" if self.lacks else "is approved in every language, and about to be sent"
            said += f"; version {self.newer} {missing}"
        return said


class Book:
    """What the store knows of versions. Where there is no store to ask, everything is unknown.

    works: a process of a gateway works on it, and will switch what is due
    """

    def __init__(
        self, senders: Senders | None = None, brakes: BrakeBook | None = None, now_ms: Callable[[], int] = lambda: 0,
        *, works: bool = False,
    ) -> None:  # fmt: skip
        self._senders = senders
        self._brakes = brakes
        self.now_ms = now_ms
        self.works = works

    @property
    def open(self) -> bool:
        return self._senders is not None

    async def of(self, sender: Sender) -> Mapping[str, Switched]:
        return await self._senders.versions(sender.id) if self._senders is not None else {}

    async def planned_before(self, sender: Sender, notification: str, at_ms: int) -> int:
        """How many messages wait that were planned before this time, and may hold the words of then."""
        if self._brakes is None:
            return 0
        return await self._brakes.waiting(
            [sender.id], lambda record: record.notification == notification and record.planned_at_ms < at_ms
        )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Book]:
    """The store's book, if there is a store and it answers; else an empty one, and a line on standard error."""
    async with AsyncExitStack() as stack:
        book = Book()
        if settings.redis_url is not None or (settings.data_dir / "store").is_dir():
            try:
                store = await stack.enter_async_context(opening.open_store(settings))
                senders = Senders(store.connection.redis, store.clock)
                brakes = BrakeBook(store.connection.redis, store.clock)
                book = Book(senders, brakes, store.clock.now_ms, works=await whose.works(store))
            except (StoreError, SettingsError, OSError, TimeoutError) as error:
                print(f"which version is used is not known: {error}", file=sys.stderr)
        yield book


def heard(remote: Sequence[RemoteTemplate]) -> Known:
    """What a list says, in the store's words."""
    return {(one.name, one.language): {"state": one.status, "category": one.category} for one in remote}


def standings(
    catalogue: Catalogue,
    directory: Directory,
    sender: Sender,
    remote: Sequence[RemoteTemplate],
    stored: Mapping[str, Switched],
) -> list[Standing]:
    """Of every notification that has, or had, more than one version."""
    known, speaker = heard(remote), speaker_of(directory, catalogue, sender)
    found = []
    for one in catalogue:
        written = versions.versions_of(one)
        switched = stored.get(one.name)
        if not written or (len(written) < 2 and switched is None):
            continue
        approved = approving(known, one)
        if switched is None and versions.first(one, speaker, approved) is None:
            version = 0
        else:
            # One that was switched to and taken back here since is not ours to say any more.
            version = min(active_of(one, {one.name: switched.version} if switched else {}, speaker, known), written[0])
        newer = written[0] if written[0] > version and version else 0
        lacks = versions.lacking(one, newer, speaker, approved) if newer else ()
        found.append(Standing(one, sender, version, switched, newer, lacks))
    return found


async def wait_switched(
    book: Book, sender: Sender, wanted: Mapping[str, int], *, wait_s: float,
    sleep: Callable[[float], Any] = asyncio.sleep,
) -> Mapping[str, Switched]:  # fmt: skip
    """Until each of these notifications is at its version at least, or the time is over; what is known then."""
    waited = 0.0
    while True:
        known = await book.of(sender)
        missing = [name for name, version in wanted.items() if name not in known or known[name].version < version]
        if not missing or waited >= wait_s:
            return known
        await sleep(LOOK_S)
        waited += LOOK_S


async def removable(book: Book, standing: Standing) -> list[str]:
    """One sentence for each older version whose words can go, or why they cannot yet."""
    known = standing.switched
    older = [one for one in versions.versions_of(standing.notification) if one < standing.version]
    if not older or known is None:
        return []
    name, files = standing.notification.name, ", ".join(
        sorted(texts.file for texts in standing.notification.texts if texts.version in older)
    )  # fmt: skip
    spoken = {texts.language for texts in standing.notification.texts if texts.version == standing.version}
    alone = sorted(
        {texts.language for texts in standing.notification.texts if texts.version in older} - spoken
    )
    if alone:
        return [f"{name}: {joined(alone)} is said by an older version only: {files} stay"]
    if book.now_ms() - known.at_ms < REMOVABLE_MS:
        return [f"{name}: {files} can go on {printing.when(known.at_ms + REMOVABLE_MS)[:10]}, 8 days after the switch"]
    waiting = await book.planned_before(standing.sender, name, known.at_ms)
    if waiting:
        return [f"{name}: {printing.counted(waiting, 'message')} that wait may hold older words: {files} stay for now"]
    return [f"{name}: {files} can be removed: nothing plans them since {printing.when(known.at_ms)}"]


def joined(languages: Sequence[str]) -> str:
    """nl, en and de"""
    return ", ".join(languages[:-1]) + f" and {languages[-1]}" if len(languages) > 1 else "".join(languages)
