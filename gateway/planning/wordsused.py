"""What notifications/versions.py asks for, from what store and directory know: whom a sender speaks for, what is approved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.connector import Sender
from gateway.directory import Directory
from gateway.notifications import versions
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.model import Notification
from gateway.notifications.versions import Approved, Speaker
from gateway.rules.question import TemplateState
from gateway.store.templates import template_state

Known = Mapping[tuple[str, str], Mapping[str, Any]]
"""(template, language) -> what was last heard of it"""


def speaker_of(directory: Directory, catalogue: Catalogue, sender: Sender) -> Speaker:
    """A sender that is alone on its channel speaks for every brand."""
    spoken = [brand for brand in catalogue.brands if directory.for_brand(brand, sender.channel) is sender]
    return Speaker(sender.brand, tuple(spoken))


def approving(known: Known, notification: Notification) -> Approved:
    """Which of a notification's templates may be sent."""

    def approved(template: str, language: str) -> bool:
        return template_state(known.get((template, language)), category=notification.category) is TemplateState.APPROVED

    return approved


def active_of(notification: Notification, stored: Mapping[str, int], speaker: Speaker, known: Known) -> int:
    """The version that is used: the active one; where nothing can be said yet, the newest, for that is what is missed."""
    found = versions.active(notification, stored.get(notification.name, 0), speaker, approving(known, notification))
    return found or max(versions.versions_of(notification), default=0)


def used(
    catalogue: Catalogue, speaker: Speaker, known: Known, stored: Mapping[str, int]
) -> dict[tuple[str, str], str]:
    """(template, language) of all words that people read from this sender -> their notification's category."""
    return {
        (texts.template, texts.language): one.category
        for one in catalogue
        for texts in versions.in_use(one, active_of(one, stored, speaker, known), speaker)
    }
