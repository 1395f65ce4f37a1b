"""The parts a notification is made of, and the `Rendering` that comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.message import Button, ButtonKind
from gateway.notifications.expressions import Expression


@dataclass(frozen=True, slots=True)
class Parameter:
    """How one parameter gets its text: its phrases, else the first source that its format can say.

    Of phrases the first that holds is said; with `joined` all that hold, once for each of a list where it names one.

    sources: (expression, name of its format)
    place: whose clock (an expression that gives a place or a zone); longest: characters, longer values are cut
    phrases: (condition or None, name of the phrase in the language files)
    each: expressions, the first that gives a list; its elements are `each` in the phrases and what they name
    """

    name: str
    sources: tuple[tuple[Expression, str], ...] = ()
    place: Expression | None = None
    longest: int = 60
    phrases: tuple[tuple[Expression | None, str], ...] = ()
    joined: bool = False
    each: tuple[Expression, ...] = ()

    @property
    def is_link(self) -> bool:
        return any(form == "url" for _, form in self.sources)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The first of these expressions that gives a time, plus an offset; else a life after the event."""

    sources: tuple[Expression, ...] = ()
    offset_ms: int = 0
    life_ms: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """The value that must not flap before people's eyes. Notifications that watch the same name speak of one value.

    window_ms: a value that comes back within this time is told when it has settled; 0 = always at once
    sources:   what the value is made of
    """

    name: str = ""
    window_ms: int = 0
    sources: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentSpec:
    """A document as the message's header. sources, filename: expressions; what they gave stands in `Rendering`.

    header: "document" (PDF) or "image"
    """

    header: str
    sources: tuple[Expression, ...]
    filename: str
    """a literal with its extension, the same for everybody: names and codes stay out of it"""
    draw: str = ""
    """as what it is drawn where the issuer sent none: "picture", "page" or "print"; "" = not at all"""
    otherwise: str = ""
    """"words": inside a service window the words go alone where the document cannot be had; "" = nothing goes"""

    def carries(self, mime: str) -> bool:
        """Whether a template with this header can bring a file of this type."""
        return header_of(mime) == self.header


def header_of(mime: str) -> str:
    """The header of a template that brings such a file."""
    return "image" if mime.startswith("image/") else "document"


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """source: what the declaration's expression gave, a reference or a URL; header: "document" or "image"."""

    source: str
    header: str
    filename: str


@dataclass(frozen=True, slots=True)
class ButtonSpec:
    """key: names its label in the language files. A reply comes back as payload "<notification>/<key>".

    url: fixed text, to which the value of `suffix` is added (the one variable at the end that the channel allows)
    """

    key: str
    kind: ButtonKind
    url: str = ""
    suffix: Expression | None = None


@dataclass(frozen=True, slots=True)
class TemplateRef:
    """A template that can carry this notification: its name and language at the channel."""

    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Rendering:
    """What one reader is told.

    template_name:     "" where the notification exists only as free text inside the service window
    template_language: the channel's exact code; language is the same
    header_parameters, body_parameters: name -> text, what a template send needs
    text:              header, body and footer as free text says them, buttons apart
    """

    notification: str
    language: str
    template_name: str
    template_language: str
    header_parameters: Mapping[str, str]
    body_parameters: Mapping[str, str]
    header: str | None
    body: str
    footer: str | None
    buttons: tuple[Button, ...]
    document: RenderedDocument | None

    @property
    def parameters(self) -> Mapping[str, str]:
        return {**self.header_parameters, **self.body_parameters}

    @property
    def text(self) -> str:
        return "\n\n".join(part for part in (self.header, self.body, self.footer) if part)
