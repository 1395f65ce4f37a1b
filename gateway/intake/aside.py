"""Those who were set aside when an event was told (store/untold.py), told again once the cause is mended."""

from __future__ import annotations

import structlog

from gateway.errors import StoreError
from gateway.intake.apply import DOCUMENTS
from gateway.intake.stores import Stores
from gateway.model.ids import EventId
from gateway.planning.left import has_left
from gateway.planning.result import EventResult
from gateway.planning.telling import Teller
from gateway.store.untold import SetAside

log = structlog.get_logger()


async def tell_again(stores: Stores, teller: Teller, event: EventId) -> tuple[int, int]:
    """(how many were told, how many are set aside still). Raises StoreUnavailable.

    Who fails again keeps nobody else; who has stopped following since is told nothing.
    """
    found = await stores.untold.of(event)
    for one in found:
        result = EventResult.load(one.result, one.sequence)
        try:
            if not await _has_left(stores, one, result):
                await teller.tell(one.contact, result)
        except (StoreError, OSError, TimeoutError):
            raise
        except Exception as error:
            log.exception("person.untold", event_id=event, contact=one.contact, error=type(error).__name__)
            continue
        await stores.untold.told(event, one)
    still = len(await stores.untold.of(event)) if found else 0
    return max(len(found) - still, 0), still


async def _has_left(stores: Stores, one: SetAside, result: EventResult) -> bool:
    if result.type in DOCUMENTS:  # it named whom it is for
        return False
    (known,) = await stores.contacts.get_many([one.contact])
    return known is not None and await has_left(stores.contacts, known, result.audience)
