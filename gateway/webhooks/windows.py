"""The service window opens: what waited for it goes out at once."""

from __future__ import annotations

from gateway.connector import Sender
from gateway.model.contact import Contact
from gateway.model.ids import AddressId
from gateway.planning.waiting import Mended
from gateway.rules.window import is_open
from gateway.webhooks.deps import Deps

_DAY_MS = 24 * 3600 * 1000


class Windows:
    def __init__(self, deps: Deps) -> None:
        self._d = deps

    async def open(self, contact: Contact, address: AddressId, sender: Sender, at_ms: int) -> None:
        """They did at `at_ms` what opens the window. contact: as it was before, so that only an opening sends what waited."""
        before = contact.facts.window_opened_at(sender.id, address)
        await self._d.contacts.open_window(contact.id, sender.id, address, at_ms)
        facts = self._d.facts.get(sender.channel)
        was_open = is_open(before, facts.window_ms if facts else _DAY_MS, self._d.clock.now_ms())
        # The same time again is this event again, applied by one who died before the end.
        if self._d.waiting is not None and (not was_open or before == at_ms):
            await self._d.waiting.revive(contact.id, address, Mended.WINDOW)
