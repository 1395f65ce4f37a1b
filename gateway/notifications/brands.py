"""The brands that speak: templates/brands.yaml, and how their documents and pages look."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_CONTRAST = 4.5
"""Between a text and its ground: WCAG 2.2, 1.4.3 (AA)."""


@dataclass(frozen=True, slots=True)
class Look:
    """Colours as #RRGGBB: text in `ink` on `ground`, and in `ground` on `accent`. logo: a file beside brands.yaml, "" = none."""

    ink: str = "#17212B"
    ground: str = "#FFFFFF"
    accent: str = "#24405A"
    logo: str = ""

    @property
    def muted(self) -> str:
        """For labels: the ink with a quarter of the ground in it."""
        return mixed(self.ink, self.ground, 0.25)

    @property
    def line(self) -> str:
        return mixed(self.ink, self.ground, 0.85)

    def colour(self, name: str) -> str:
        """Of ink, ground, accent, muted, line; of "white"; or of a colour itself."""
        named = {
            "ink": self.ink, "ground": self.ground, "accent": self.accent, "muted": self.muted, "line": self.line,
            "white": "#FFFFFF",
        }  # fmt: skip
        return named.get(name, name)

    def css(self) -> dict[str, str]:
        """Custom properties for a page: {"--brand-ink": "#17212B", ...}"""
        return {f"--brand-{name}": self.colour(name) for name in ("ink", "ground", "accent", "muted", "line")}

    def faint(self) -> list[tuple[str, str, float]]:
        """(text, ground, contrast) of each pair that is too hard to read."""
        pairs = (("ink", "ground"), ("muted", "ground"), ("ground", "accent"))
        found = ((one, other, contrast(self.colour(one), self.colour(other))) for one, other in pairs)
        return [pair for pair in found if pair[2] < LEAST_CONTRAST]


def contrast(one: str, other: str) -> float:
    """1 to 21, as WCAG 2.2 reckons it from relative luminance."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """The first colour with so much of the other in it."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


def _luminance(colour: str) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in
              (channel / 255 for channel in _channels(colour))]  # fmt: skip
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@dataclass(frozen=True, slots=True)
class Brand:
    """id: as events name it; language: the channel's code of its default; timezone: IANA.

    rights_url: where its travellers read what they are entitled to, "" where it carries nobody
    """

    id: str
    name: str
    language: str
    timezone: str
    support_url: str
    unsigned_passes: bool = False
    """its carrier takes boarding passes that we build without a signature, where an event brings no code of its own"""
    rights_url: str = ""
    look: Look = Look()
    logo_url: str = ""
    """of a PNG that everybody may fetch: a wallet asks for it by its address"""

    def context(self) -> dict[str, str]:
        """What conditions and parameters see as `brand`."""
        return {
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "timezone": self.timezone,
            "support_url": self.support_url,
            "rights_url": self.rights_url,
        }
