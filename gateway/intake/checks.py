"""What is refused at the door besides shape: addresses that no channel has, consents under no known wording, codes that no symbol
of their kind holds, another's sources.

Pure. Whatever is refused here would otherwise be kept, and end silently when the event is taken up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.connector import Connector
from gateway.directory import Directory
from gateway.documents.reading import symbols_of
from gateway.documents.symbols import fits
from gateway.errors import BadInput, Problem
from gateway.intake.cloudevents import FAMILIES
from gateway.model.event import BusinessEvent, EventType
from gateway.notifications.wordings import Wordings
from gateway.store.apikeys import ApiKey


@dataclass(frozen=True, slots=True)
class Checks:
    connectors: Mapping[str, Connector]
    directory: Directory
    wordings: Wordings
    default_brand: str

    def brand_of(self, event: BusinessEvent) -> str:
        return str(event.data.get("brand") or self.default_brand)

    def problems(self, event: BusinessEvent) -> list[Problem]:
        """Every address and wording of an event's recipients that is none, and every code that cannot be drawn."""
        brand = self.brand_of(event)
        found: list[Problem] = []
        for place, recipient in enumerate(event.data.get("recipients") or []):
            found += self._recipient(f"data.recipients[{place}]", recipient, brand)
        if event.type is EventType.ORDER_DOCUMENT:  # a boarding pass's string is short enough for each (intake/schemas.py)
            found += codes_too_large(event.data.get("document") or {})
        return found

    def _recipient(self, path: str, recipient: Mapping[str, Any], brand: str) -> list[Problem]:
        found = []
        for place, address in enumerate(recipient.get("addresses") or []):
            message = self.address(address["channel"], address["to"], brand)
            if message:
                found.append(Problem(f"{path}.addresses[{place}].to", message))
        for place, consent in enumerate(recipient.get("consents") or []):
            if consent.get("wording") and not self.wordings.known(consent["wording"]):
                found.append(Problem(f"{path}.consents[{place}].wording", WORDING))
        return found

    def address(self, channel: str, to: str, brand: str) -> str:
        """What an address should be, "" when it is one or its channel is none of this installation's: it has no sender there."""
        connector = self.connectors.get(channel)
        if connector is None or self.directory.for_brand(brand, channel) is None:
            return ""
        try:
            connector.identify(to, self.directory.scope_of(brand, channel))
        except BadInput as error:
            return error.problems[0].message
        return ""

    def forbidden(self, event: BusinessEvent, key: ApiKey) -> list[Problem]:
        """What of an event this key may not speak for."""
        found = []
        if not key.speaks_for_source(event.source):
            found.append(Problem("source", "is none that this key speaks for"))
        if not key.speaks_for_type(event.type):
            found.append(Problem("type", "is none that this key speaks for"))
        # A flight, trip or outage belongs to no brand: the orders that follow it do.
        if FAMILIES[event.type] == "order" and not key.speaks_for_brand(self.brand_of(event)):
            found.append(Problem("data.brand", "is none that this key speaks for"))
        return found


def codes_too_large(document: Mapping[str, Any]) -> list[Problem]:
    """Codes of an order's document that no symbol of the kind they ask for holds: where several stand, those."""
    several = document.get("barcodes")
    path = "data.document.barcodes[{}]" if several else "data.document.barcode"
    return [
        Problem(path.format(place), TOO_LARGE.format(one.kind.value))
        for place, one in enumerate(symbols_of(document))
        if not fits(one)
    ]


TOO_LARGE = "is too large for {}, which holds about 1,000 bytes as pdf417, 1,300 as aztec and 2,300 as qr, and more of plain text"
WORDING = "should be the id of a wording in templates/wordings: what stood at the box they ticked"
