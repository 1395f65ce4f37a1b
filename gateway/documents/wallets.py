"""What a person may take along of a paper beside its page: a pass for either phone's wallet, and a calendar entry.

    offers(paper)                     which of them can be had: asks for keys, symbols and times, makes nothing
    make(kind, paper, language, ...)  one of them: a file with its MIME type and name, or an address to redirect to

Who calls has made sure that it is the right person: files hold what the paper shows, and the address of a wallet link holds the
name and the booking code in clear (google_wallet.py), so it is made when somebody asks for it on the page behind the proof, and
stands in no message. File names say which flight and day, never who.

Making one costs one or two milliseconds of a processor, most of it the signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.documents import calendar
from gateway.documents.paper import Paper
from gateway.documents.wallet_cards import Blind, file_name
from gateway.errors import CannotWrap
from gateway.notifications.brands import Brand
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.places import Places
from gateway.settings import Settings


class WalletKind(StrEnum):
    APPLE = "apple"
    GOOGLE = "google"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Handed:
    """A file, or where `location` is set an address that the browser is sent to (and nothing else)."""

    body: bytes = b""
    mime: str = ""
    filename: str = ""
    location: str = ""


class Wallets:
    """brands, places: of the catalogue; blind: keyed hash (`Vault.blind`)."""

    def __init__(self, *, brands: Mapping[str, Brand], places: Places, blind: Blind) -> None:
        self._brands = brands
        self._places = places
        self._blind = blind

    @staticmethod
    def open(settings: Settings, catalogue: Catalogue, blind: Blind) -> Wallets:
        """With the keys that the settings name. Raises SettingsError for keys that are broken or belong to somebody else."""
        return Wallets(brands=catalogue.brands, places=catalogue.places, blind=blind)

    def offers(self, paper: Paper) -> tuple[WalletKind, ...]:
        """What can be had of this paper here, in the order in which it is shown."""
        if paper.brand not in self._brands:
            return ()
        return (WalletKind.CALENDAR,) if calendar.has_entries(paper) else ()

    def make(self, kind: WalletKind, paper: Paper, language: str, *, now_ms: int, about: str = "") -> Handed:
        """One of what `offers` says. Raises CannotWrap where it is not among them.

        language: the reader's, as the channel writes it; about: what this paper is over all its versions (a text of the caller's
        that is personal to nobody else, hashed before use): a newer version then takes the place of the older on the phone.
        Without it what stays is told by booking, traveller, flight and day.
        """
        if kind not in self.offers(paper):
            raise CannotWrap(f"{kind.value} is not offered for this paper")
        brand = self._brands[paper.brand]
        body = calendar.ics(paper, language, brand=brand, places=self._places, blind=self._blind, now_ms=now_ms, about=about)
        return Handed(body, calendar.MIME, file_name(paper, ".ics"))
