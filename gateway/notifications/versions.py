"""Which version of a notification's words is sent: one for all its readers, and the next only when all of them can have it.

A changed text is a new version with its own name at the channel, and the channel approves each language for itself, in its own
time. Two people of one family should not read two versions of the same news because one language was looked at sooner. So every
sender has one *active* version of a notification. A newer one stands beside it, approved here and not yet there, and is not used.
When it is approved in every language in use, the active version is switched, once and for all languages; what is not
approved again later (paused, disabled) never switches it back.

*In use* at a sender are the words that somebody it writes to would read: for every brand it speaks for, in each language that the
version is written in, the brand's own words where it has any, else everybody's. Of brands' own words an account is given only
those of the sender's own brand.

With the active version a language that it cannot say just now (paused, moved to another category) or was never written in is
said by an older version, where that is still approved: `render.in_order`. Never by a newer one.

Pure. What was switched, and when, lies in the store (store/templates.py); this module says what should be there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gateway.notifications.model import Notification
from gateway.notifications.texts import Texts

Approved = Callable[[str, str], bool]
"""Whether (template, language) may be sent at this sender now, for its notification's category."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A sender as far as words go. own: its brand, whose own words its account has; brands: all that it speaks for."""

    own: str
    brands: tuple[str, ...] = ()

    @property
    def all_brands(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.own, *self.brands)))


@dataclass(frozen=True, slots=True)
class Due:
    """A version that should be active from now on, and the languages that it was approved in. before: 0 = none was."""

    notification: str
    version: int
    before: int
    languages: tuple[str, ...]


def versions_of(notification: Notification) -> tuple[int, ...]:
    """Those that have words and a template, newest first."""
    return tuple(sorted({texts.version for texts in notification.texts if texts.template}, reverse=True))


def in_use(notification: Notification, version: int, speaker: Speaker) -> list[Texts]:
    """The words of this version that somebody would read who is written to by this sender, each once."""
    found = {
        (texts.template, texts.language): texts
        for brand in speaker.all_brands
        for texts in _read_by(notification, version, brand if brand == speaker.own else None)
    }
    return list(found.values())


def active(notification: Notification, stored: int, speaker: Speaker, approved: Approved) -> int:
    """The version to use now. stored: as the store has it, 0 = it has none yet; 0 = nothing is known to be sendable."""
    if stored:
        return stored
    due = first(notification, speaker, approved)
    return due.version if due is not None else 0


def due(notification: Notification, stored: int, speaker: Speaker, approved: Approved) -> Due | None:
    """What the store should be told: a newer version that is approved in every language in use, or the first one ever."""
    if not stored:
        return first(notification, speaker, approved)
    newest = _newest_complete(notification, speaker, approved)
    if newest is None or newest <= stored:
        return None
    return Due(notification.name, newest, stored, _languages(in_use(notification, newest, speaker)))


def first(notification: Notification, speaker: Speaker, approved: Approved) -> Due | None:
    """Where none is active yet: the newest that is complete, else the oldest that can be said in any language.

    The oldest, because where several are known and none is complete, the newer ones are those under review.
    """
    newest = _newest_complete(notification, speaker, approved)
    if newest is not None:
        return Due(notification.name, newest, 0, _languages(in_use(notification, newest, speaker)))
    for version in reversed(versions_of(notification)):
        said = [one for one in in_use(notification, version, speaker) if approved(one.template, one.language)]
        if said:
            return Due(notification.name, version, 0, _languages(said))
    return None


def lacking(notification: Notification, version: int, speaker: Speaker, approved: Approved) -> tuple[str, ...]:
    """The languages in use of a version that are not approved."""
    return _languages(
        one for one in in_use(notification, version, speaker) if not approved(one.template, one.language)
    )


def _newest_complete(notification: Notification, speaker: Speaker, approved: Approved) -> int | None:
    for version in versions_of(notification):
        texts = in_use(notification, version, speaker)
        if texts and all(approved(one.template, one.language) for one in texts):
            return version
    return None


def _read_by(notification: Notification, version: int, brand: str | None) -> Iterator[Texts]:
    """One text a language: the brand's own, else everybody's."""
    here = [one for one in notification.texts if one.version == version and one.template]
    own = {one.language for one in here if brand is not None and one.brand == brand}
    for texts in here:
        if texts.brand == brand if texts.language in own else texts.brand is None:
            yield texts


def _languages(texts: Iterable[Texts]) -> tuple[str, ...]:
    return tuple(sorted({one.language for one in texts}))
