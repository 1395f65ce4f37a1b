"""The changes that conditions ask for: words of the closed list, or moments."""

from __future__ import annotations

import re

from gateway.notifications.catalogue import Catalogue
from gateway.notifications.model import Notification
from gateway.rules.words import Change

_ASKED = re.compile(r"'(\w+)' in changes")


def asked(one: Notification) -> set[str]:
    return set(_ASKED.findall(one.condition.source)) if one.condition is not None else set()


def unknown(one: Notification, catalogue: Catalogue) -> list[str]:
    """What it asks for and nothing ever says: neither a change, nor a moment of its event's subject."""
    moments = {moment.name for moment in catalogue.moments.of(one.event)} if one.event is not None else set()
    return sorted(asked(one) - {*Change} - moments)


def untold(catalogue: Catalogue) -> list[str]:
    """Moments that no notification asks for."""
    told = {word for one in catalogue for word in asked(one)}
    return [name for name in catalogue.moments.names if name not in told]
