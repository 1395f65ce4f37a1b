"""A document goes to the people that its event names, each under their own key; where it names nobody, to whose it is (whose.py).

To each what papers.py makes of it: the issuer's own document, or a paper that is drawn when it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.clock import Clock
from gateway.errors import NotFound, Sealed, StoreError
from gateway.intake.orders import Orders
from gateway.intake.papers import Papers
from gateway.intake.stores import Stores
from gateway.intake.whose import Holder, Whose
from gateway.model.contact import Contact
from gateway.model.event import BusinessEvent
from gateway.planning.result import EventResult, Reader, readers_of
from gateway.planning.telling import Teller
from gateway.planning.worlds import Worlds


class Handing:
    def __init__(self, stores: Stores, orders: Orders, teller: Teller, worlds: Worlds, clock: Clock) -> None:
        self._contacts = stores.contacts
        self._orders = orders
        self._whose = Whose(stores)
        self._papers = Papers(stores, worlds, clock)
        self._teller = teller
        self._clock = clock

    async def hand_out(self, event: BusinessEvent, result: EventResult, namespace: str) -> int:
        """Tell those whose it is; how many contacts that were. Raises StoreUnavailable."""
        holders = await self._holders(event, namespace)
        failed: Exception | None = None
        for one in holders if result.notifications else ():
            try:
                known = one.known if one.known is not None and one.known.facts.moved_to is None else None
                await self._hand(event, result, known or await self._contacts.get(one.contact), one)
            except (NotFound, Sealed):  # erased meanwhile
                continue
            except (StoreError, OSError, TimeoutError):
                raise
            except Exception as error:  # all others have theirs before the event fails
                failed = failed or error
        if failed is not None:
            raise failed
        return len(holders)

    async def _holders(self, event: BusinessEvent, namespace: str) -> Sequence[Holder]:
        if not event.data.get("recipients"):
            return await self._whose.of(event)
        return [Holder(one.contact, one.traveller) for one in await self._orders.reach(event, namespace)]

    async def _hand(self, event: BusinessEvent, result: EventResult, contact: Contact, holder: Holder) -> None:
        readers = [
            reader
            for reader in readers_of(contact, replace(result, refs=()), self._clock.now_ms())
            if reader.traveller is not None and reader.traveller.customer == holder.traveller
        ]
        if not readers:
            person = next((known for known in contact.profile.travellers if known.customer == holder.traveller), None)
            readers = [Reader(person, None)]
        for item, document in await self._papers.for_one(event, result, contact, readers[0], holder.place):
            await self._teller.tell(contact.id, replace(result, item=item, document=document), readers, known=contact)
