"""A notification as it looks on the phone, in plain text for a terminal, filled with its examples."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator

from gateway.errors import NotFound
from gateway.model.message import ButtonKind
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.model import Notification
from gateway.notifications.parts import Rendering
from gateway.notifications.texts import Texts, fill

WIDTH = 46


def preview(catalogue: Catalogue, name: str, language: str, *, brand: str | None = None, width: int = WIDTH) -> str:
    """The bubble of one notification in one language, with its examples. Raises NotFound, naming what there is."""
    notification = catalogue.get(name)
    if notification is None:
        raise NotFound(f"no notification {name}; there are {', '.join(catalogue.names)}")
    current = [one for one in notification.texts if one.version == notification.version and one.language == language]
    texts = next((one for one in sorted(current, key=lambda one: one.brand is None) if one.brand in (brand, None)), None)
    if texts is None:
        raise NotFound(f"{name} has no words in {language}; it has {', '.join(notification.languages)}")
    title = f"{texts.template or name + ' (free text only)'} · {texts.language}"
    return "\n".join([title, *_bubble(_example_parts(notification, texts), _labels(notification, texts), width)])


def show(rendering: Rendering, *, width: int = WIDTH) -> str:
    """The bubble of what one reader is told."""
    document = f"[ {rendering.document.filename} ]" if rendering.document is not None else None
    parts = [document, rendering.header, rendering.body, rendering.footer]
    labels = [(button.kind, button.label) for button in rendering.buttons]
    title = f"{rendering.template_name or rendering.notification} · {rendering.language}"
    return "\n".join([title, *_bubble(parts, labels, width)])


def _example_parts(notification: Notification, texts: Texts) -> list[str | None]:
    document = f"[ {notification.document.filename} ]" if notification.document is not None else None
    header = fill(texts.header, texts.examples) if texts.header is not None else None
    return [document, header, fill(texts.body, texts.examples), texts.footer]


def _labels(notification: Notification, texts: Texts) -> list[tuple[ButtonKind, str]]:
    return [(spec.kind, texts.buttons[spec.key]) for spec in notification.buttons if spec.key in texts.buttons]


def _bubble(parts: list[str | None], labels: list[tuple[ButtonKind, str]], width: int) -> Iterator[str]:
    inner = width - 4
    yield f"╭{'─' * (width - 2)}╮"
    shown = [part for part in parts if part]
    for number, part in enumerate(shown):
        if number:
            yield _row("", inner)
        for line in part.splitlines():
            for piece in textwrap.wrap(line, inner) or [""]:
                yield _row(piece, inner)
    for kind, label in labels:
        yield f"├{'─' * (width - 2)}┤"
        arrow = "↩" if kind is ButtonKind.REPLY else "↗"
        yield _row(f"{arrow} {label}".center(inner), inner)
    yield f"╰{'─' * (width - 2)}╯"


def _row(text: str, inner: int) -> str:
    return f"│ {text}{' ' * max(0, inner - _columns(text))} │"


def _columns(text: str) -> int:
    """Terminal columns: wide characters take two, marks and direction signs none."""
    return sum(
        0 if unicodedata.category(char) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
