"""One item of a webhook, with what is read of every item: which Page, which person, when.

Source: Meta, webhook references of Messenger, 2023 to 27 Mar 2026. From a person the Page is the recipient; in an echo it is
the sender.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.messenger.people import named
from connectors.meta.items import key_of
from connectors.meta.reading import Unreadable, maybe_obj, maybe_stamp_ms, maybe_text
from gateway.model.contact import Identifier
from gateway.model.personal import Personal

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """page: the entry's id; at_ms: the item's own time, else the entry's; standby: another program holds the thread."""

    page: str
    at_ms: int
    body: Json
    standby: bool = False

    @property
    def sender(self) -> str:
        return maybe_text(maybe_obj(self.body.get("sender")).get("id"))

    @property
    def from_page(self) -> bool:
        return self.sender == self.page

    def person(self) -> tuple[Identifier, ...]:
        """Who is spoken of, on either side of the Page. Raises Unreadable when nobody is."""
        side = "recipient" if self.from_page else "sender"
        found = named(self.page, maybe_obj(self.body.get(side)).get("id"))
        if not found:
            raise Unreadable(f".{side}.id", "no page-scoped id")
        return found

    def key(self, kind: str, *parts: str) -> str:
        """For an item without an id of its own."""
        return key_of(self.page, self.person()[0].value.reveal(), kind, *parts)


def read_item(page: str, entry_ms: int, body: Json, *, standby: bool = False) -> Item:
    at_ms = maybe_stamp_ms(body.get("timestamp")) or entry_ms
    if not at_ms:
        raise Unreadable(".timestamp", "not a time in seconds or milliseconds")
    return Item(page, at_ms, body, standby)


def personal(value: Any) -> Personal | None:
    found = maybe_text(value)
    return Personal(found) if found else None
