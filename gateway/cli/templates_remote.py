"""`templates lint --remote`: our words beside those that the channel has, line by line; what it lacks; what can go here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.cli import printing, templates_versions
from gateway.cli.checks.case import account_of
from gateway.cli.templates_door import Door, remote_of
from gateway.cli.templates_versions import Book, Standing
from gateway.connector import Sender
from gateway.notifications import versions
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.drift import Difference, differences, given
from gateway.notifications.model import Notification
from gateway.notifications.remote import RemoteTemplate, TemplateAdmin, TemplateRefused
from gateway.planning.wordsused import active_of, speaker_of


@dataclass(frozen=True, slots=True)
class Compared:
    """One sender. drift, missing: what to mend; notes: nothing to do, or not today. error: the channel gave no list."""

    sender: str
    listed: int = 0
    drift: tuple[Difference, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""

    @property
    def good(self) -> bool:
        return not (self.drift or self.missing or self.error)

    def row(self) -> dict[str, Any]:
        return {
            "sender": self.sender, "listed": self.listed, "drift": [asdict(one) for one in self.drift],
            "missing": list(self.missing), "notes": list(self.notes), **({"error": self.error} if self.error else {}),
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        if self.error:
            yield f"error    {self.error}"
            return
        for one in self.drift:
            yield f"drift    {self.sender}: {one.template} {one.language}, {one.what}"
            yield f"           here:  {one.ours or '(nothing)'}"
            yield f"           there: {one.theirs or '(nothing)'}"
        yield from (f"missing  {self.sender}: {one}" for one in self.missing)
        yield from (f"note     {self.sender}: {one}" for one in self.notes)
        differing = len({(one.template, one.language) for one in self.drift})
        yield f"{self.sender}: {self.listed} of our templates there, {differing} differ, {len(self.missing)} missing."


async def compare(catalogue: Catalogue, door: Door, book: Book, channel: str | None) -> list[Compared]:
    """Every sender; of senders that share an account each is looked at with its own brand's words."""
    found = []
    for sender, admin in door.senders(None, channel):
        try:
            remote = await remote_of(admin, sender)
        except TemplateRefused as error:
            found.append(Compared(sender.id, error=str(error)))
            continue
        found.append(await _one(catalogue, door, book, sender, admin, remote))
    return found


async def _one(
    catalogue: Catalogue, door: Door, book: Book, sender: Sender, admin: TemplateAdmin, remote: Sequence[RemoteTemplate]
) -> Compared:
    stored = await book.of(sender)
    standings = templates_versions.standings(catalogue, door.directory, sender, remote, stored)
    ours = {(texts.template, texts.language) for _, texts in given(catalogue, admin, sender.brand)}
    notes = [sentence for one in standings for sentence in await templates_versions.removable(book, one)]
    notes += _room(admin, sender, remote, ours)
    return Compared(
        sender=sender.id,
        listed=sum((one.name, one.language) in ours for one in remote),
        drift=tuple(differences(catalogue, remote, admin, sender.brand)),
        missing=tuple(_missing(catalogue, door, sender, admin, remote, standings)),
        notes=tuple(notes),
    )


def _missing(
    catalogue: Catalogue,
    door: Door,
    sender: Sender,
    admin: TemplateAdmin,
    remote: Sequence[RemoteTemplate],
    standings: Sequence[Standing],
) -> Iterator[str]:
    """Of the version that is sent, and of the newest. What is gone of an older one is no loss."""
    there = {(one.name, one.language) for one in remote}
    sent = {one.notification.name: one.version for one in standings}
    speaker = speaker_of(door.directory, catalogue, sender)
    known = templates_versions.heard(remote)

    def wanted(one: Notification) -> set[int]:
        return {sent.get(one.name) or active_of(one, {}, speaker, known), max(versions.versions_of(one), default=0)}

    for one in catalogue:
        if admin.rules.hindrance(one):
            continue
        for version in sorted(wanted(one)):
            for texts in versions.in_use(one, version, speaker):
                if (texts.template, texts.language) not in there:
                    yield f"{texts.template} {texts.language}: the channel does not have it; `templates push` creates it"


def _room(
    admin: TemplateAdmin, sender: Sender, remote: Sequence[RemoteTemplate], ours: set[tuple[str, str]]
) -> Iterator[str]:
    """How full the account is, with what others made there: told from four fifths of the smaller limit on."""
    least, most = admin.rules.templates_unverified_max, admin.rules.templates_max
    coming = len(ours - {(one.name, one.language) for one in remote})
    count = len(remote) + coming
    if least and count * 5 >= least * 4:
        others = sum((one.name, one.language) not in ours for one in remote)
        yield (
            f"account {account_of(sender)} will hold {printing.counted(count, 'template')} ({others} not of ours); "
            f"one that is not verified holds {least:,}, a verified one {most:,}"
        )
