"""A notification as it looks on the phone, in plain text for a terminal, filled with its examples."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator

from gateway.errors import NotFound
from gateway.model.message import Button, ButtonKind
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.model import Notification
from gateway.notifications.parts import ButtonSpec, RenderedDocument, Rendering
from gateway.notifications.texts import Texts, fill

WIDTH = 46


def preview(catalogue: Catalogue, name: str, language: str, *, brand: str | None = None, width: int = WIDTH) -> str:
    """The bubble of one notification in one language, with its examples. Raises NotFound, naming what there is."""
    return show(example(catalogue, name, language, brand=brand), width=width)


def example(catalogue: Catalogue, name: str, language: str, *, brand: str | None = None) -> Rendering:
    """What it would say if the world were as in its examples: for previews, and to try it on one's own phone.

    brand:  whose variant, where there is one. raises: NotFound. The document, if any, has no source: bring your own.
    """
    notification = catalogue.get(name)
    if notification is None:
        raise NotFound(f"no notification {name}; there are {', '.join(catalogue.names)}")
    current = [one for one in notification.texts if one.version == notification.version and one.language == language]
    texts = next((one for one in sorted(current, key=lambda one: one.brand is None) if one.brand in (brand, None)), None)
    if texts is None:
        raise NotFound(f"{name} has no words in {language}; it has {', '.join(notification.languages)}")
    document = notification.document
    return Rendering(
        notification=name,
        language=texts.language,
        template_name=texts.template,
        template_language=texts.language,
        header_parameters={name: texts.examples[name] for name in texts.header_variables},
        body_parameters={name: texts.examples[name] for name in texts.body_variables},
        header=fill(texts.header, texts.examples) if texts.header is not None else None,
        body=fill(texts.body, texts.examples),
        footer=texts.footer,
        buttons=tuple(_example_button(notification, spec, texts) for spec in notification.buttons),
        document=RenderedDocument("", document.header, document.filename) if document is not None else None,
    )


def show(rendering: Rendering, *, width: int = WIDTH) -> str:
    """The bubble of what one reader is told."""
    document = f"[ {rendering.document.filename} ]" if rendering.document is not None else None
    parts = [document, rendering.header, rendering.body, rendering.footer]
    labels = [(button.kind, button.label) for button in rendering.buttons]
    name = rendering.template_name or f"{rendering.notification} (free text only)"
    title = f"{name} · {rendering.language}"
    return "\n".join([title, *_bubble(parts, labels, width)])


def _example_button(notification: Notification, spec: ButtonSpec, texts: Texts) -> Button:
    label = texts.buttons[spec.key]
    if spec.kind is ButtonKind.REPLY:
        return Button(spec.kind, label, payload=f"{notification.name}/{spec.key}")
    suffix = "example" if spec.suffix is not None else None
    return Button(spec.kind, label, url=spec.url + (suffix or ""), url_suffix=suffix)


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
