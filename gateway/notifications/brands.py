"""The brands that speak: templates/brands.yaml."""

from __future__ import annotations

from dataclasses import dataclass


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
