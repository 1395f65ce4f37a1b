"""What a person may take along of a paper beside its page: a pass for either phone's wallet, and a calendar entry.

    offers(paper)                     which of them can be had: asks for keys, symbols and times, makes nothing
    make(kind, paper, language, ...)  one of them: a file with its MIME type and name, or an address to redirect to

Who calls has made sure that it is the right person: files hold what the paper shows, and the address of a wallet link holds the
name and the booking code in clear (google_wallet.py), so it is made when somebody asks for it on the page behind the proof, and
stands in no message. File names say which flight and day, never who.

Making one costs a processor one to three milliseconds, most of them for the signature, or a calendar's zones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import structlog

from gateway.documents import calendar, google_wallet
from gateway.documents.paper import Paper
from gateway.documents.wallet_cards import Blind, cards, file_name, shown_at
from gateway.documents.wallet_keys import AppleKeys, GoogleKeys, apple_keys, google_keys
from gateway.errors import CannotWrap, SettingsError
from gateway.notifications.brands import Brand
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.places import Places
from gateway.settings import Settings

_log = structlog.get_logger()


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
    """brands, places: of the catalogue; blind: keyed hash (`Vault.blind`); now_ms: for certificates that end while we run.

    images: of each brand, for passes that `apple` signs
    """

    def __init__(
        self,
        *,
        brands: Mapping[str, Brand],
        places: Places,
        blind: Blind,
        now_ms: Callable[[], int],
        images: Mapping[str, Mapping[str, bytes]] | None = None,
        apple: AppleKeys | None = None,
        google: GoogleKeys | None = None,
    ) -> None:
        self._brands = brands
        self._places = places
        self._blind = blind
        self._now_ms = now_ms
        self._images = images or {}
        self._apple = apple
        self._google = google

    @staticmethod
    def open(settings: Settings, catalogue: Catalogue, blind: Blind, now_ms: Callable[[], int]) -> Wallets:
        """With the keys that the settings name. Raises SettingsError for keys that are broken or belong to somebody else."""
        apple, google = both_keys(settings)
        if apple is not None and not apple.hold(now_ms()):
            _log.warning("wallets.apple_certificate_ended", mend="renew GATEWAY_APPLE_PASS_CERT; until then no pass is offered")
        brands, places = catalogue.brands, catalogue.places
        pictures: dict[str, Mapping[str, bytes]] = {}
        if apple is not None:
            # Where no passes are signed no process spends its start on what draws their pictures.
            from gateway.documents.wallet_images import images

            pictures = {name: images(brand.look, settings.templates_dir) for name, brand in brands.items()}
        return Wallets(
            brands=brands, places=places, blind=blind, now_ms=now_ms, images=pictures, apple=apple, google=google
        )

    def offers(self, paper: Paper) -> tuple[WalletKind, ...]:
        """What can be had of this paper here, in the order in which it is shown."""
        brand = self._brands.get(paper.brand)
        if brand is None:
            return ()
        paper = shown_at(paper, brand.timezone)
        found = []
        if self._apple is not None and self._apple.hold(self._now_ms()) and cards(paper):
            found.append(WalletKind.APPLE)
        if self._google is not None and google_wallet.fits(paper, brand=brand, keys=self._google, blind=self._blind):
            found.append(WalletKind.GOOGLE)
        if calendar.has_entries(paper):
            found.append(WalletKind.CALENDAR)
        return tuple(found)

    def make(self, kind: WalletKind, paper: Paper, language: str, *, now_ms: int, about: str = "") -> Handed:
        """One of what `offers` says. Raises CannotWrap where it is not among them.

        language: the reader's, as the channel writes it; about: what this paper is over all its versions (a text of the caller's
        that is personal to nobody else, hashed before use): a newer version then takes the place of the older on the phone.
        Without it what stays is told by booking, traveller, flight and day.
        """
        if kind not in self.offers(paper):
            raise CannotWrap(f"{kind.value} is not offered for this paper")
        brand, blind = self._brands[paper.brand], self._blind
        paper = shown_at(paper, brand.timezone)
        if kind is WalletKind.APPLE and self._apple is not None:
            from gateway.documents import apple_wallet

            pictures = self._images[paper.brand]
            body, mime = apple_wallet.passes(
                paper, language, brand=brand, keys=self._apple, blind=blind, images=pictures, about=about
            )
            return Handed(body, mime, file_name(paper, ".pkpass" if mime == apple_wallet.MIME else ".pkpasses"))
        if kind is WalletKind.GOOGLE and self._google is not None:
            address = google_wallet.link(
                paper, language, brand=brand, keys=self._google, blind=blind, now_ms=now_ms, about=about
            )
            return Handed(location=address)
        body = calendar.ics(paper, language, brand=brand, places=self._places, blind=blind, now_ms=now_ms, about=about)
        return Handed(body, calendar.MIME, file_name(paper, ".ics"))


def both_keys(settings: Settings) -> tuple[AppleKeys | None, GoogleKeys | None]:
    """Raises SettingsError with what is wrong with either."""
    problems: list[str] = []
    apple, google = None, None
    try:
        apple = apple_keys(settings)
    except SettingsError as error:
        problems += error.problems
    try:
        google = google_keys(settings)
    except SettingsError as error:
        problems += error.problems
    if problems:
        raise SettingsError(problems)
    return apple, google
