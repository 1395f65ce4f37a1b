"""From a claim to answers: decided on and rendered together, each posted by itself. What came back goes to be settled."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from gateway.dispatch.deliver import Delivered, Deliverer, finished
from gateway.dispatch.documents import DocumentsBusy
from gateway.dispatch.outgoing import Alone, Outgoing, Posted
from gateway.dispatch.prepare import Prepared
from gateway.dispatch.tokens import Tokens
from gateway.errors import StoreError
from gateway.model.ids import SenderId
from gateway.rules.verdict import Reason
from gateway.store.ahead import Ahead
from gateway.store.outbox import Claimed, Settlement
from gateway.store.vault import KeyMissing

TOGETHER = 25
"""Messages decided on and rendered in a go, some 5 ms: nothing else of this process runs meanwhile, and what they hold still
fits the processor's caches."""
INTERNAL_TRIES = 5
DOCUMENTS_LOOK_MS = 3_000
"""Until there may be room for its document again, and up to twice that: they must not all come back at once."""
KEY_LOOK_MS = 30_000
"""Until what cannot be opened for want of a wrapping key is looked at again: somebody must change the settings first."""

log = structlog.get_logger()


class Sending:
    def __init__(self, deliverer: Deliverer, tokens: Tokens, done: Callable[[Delivered | Posted], None]) -> None:
        """done: told once of each message that was claimed"""
        self._deliverer = deliverer
        self._tokens = tokens
        self._done = done

    async def deliver_all(self, group: asyncio.TaskGroup, claimed: Sequence[Claimed], ahead: Ahead | None) -> None:
        """Read what one claim needs in a go, decide on its messages and render them together, post each by itself."""
        for begin in range(0, len(claimed), TOGETHER):
            unspent: Counter[SenderId] = Counter()
            for made in await self._made(claimed[begin : begin + TOGETHER], ahead):
                if isinstance(made, Delivered):
                    self._done(made)
                    unspent[made.settlement.claimed.sender] += 1
                elif isinstance(made, Alone):
                    group.create_task(self.deliver(made.claimed, made.known))
                else:
                    group.create_task(self._post(made))
            if unspent:
                await self._tokens.give_back(unspent)
            await asyncio.sleep(0)  # these POSTs begin, and whoever else waited has their turn

    async def _made(self, batch: Sequence[Claimed], ahead: Ahead | None) -> list[Outgoing | Delivered | Alone]:
        try:
            return await self._deliverer.make(batch, await self._deliverer.prepare(batch, ahead))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # one of them may have spoilt it for all: each reads for itself, and says what is wrong
            log.warning("prepare.failed", count=len(batch), error=type(error).__name__)
            return [Alone(one, None) for one in batch]

    async def _post(self, outgoing: Outgoing) -> None:
        posted = await self._deliverer.post(outgoing)
        if posted is None:
            await self.deliver(outgoing.task.claimed)
        else:
            self._done(posted)

    async def deliver(self, claimed: Claimed, known: Prepared | None = None) -> None:
        """One message alone, whatever goes wrong with it."""
        try:
            delivered = await self._deliverer.deliver(claimed, known)
        except KeyMissing as error:
            # Nobody is erased by a GATEWAY_KEYS that lacks a key: it waits, and says what for, until that is mended.
            log.warning("deliver.key_missing", message_id=claimed.id, problem=str(error))
            delivered = Delivered(_not_sent(claimed, "h", KEY_LOOK_MS, "key_missing"))
        except DocumentsBusy:
            wait_ms = DOCUMENTS_LOOK_MS + random.randrange(DOCUMENTS_LOOK_MS)
            delivered = Delivered(_not_sent(claimed, "h", wait_ms, "documents_busy"))
            await self._tokens.give_back({claimed.sender: 1})
        except (StoreError, OSError, TimeoutError) as error:
            # Not a byte has left (what breaks after that is settled as uncertain): it waits a second and costs no attempt.
            log.warning("deliver.store_unavailable", message_id=claimed.id, error=type(error).__name__)
            delivered = Delivered(_not_sent(claimed, "h", 1000, "store_unavailable"))
        except Exception as error:
            log.exception("deliver.failed", message_id=claimed.id, error=type(error).__name__)
            why = f"error={type(error).__name__}"
            if claimed.attempt >= INTERNAL_TRIES:  # it would hold its lane until its deadline
                delivered = Delivered(finished(claimed, Reason.POISONED, why, sent=True))
            else:
                delivered = Delivered(_not_sent(claimed, "r", 5000, "internal", why))
        self._done(delivered)


def _not_sent(claimed: Claimed, outcome: str, wait_ms: int, reason: str, detail: str = "") -> Settlement:
    """Again in a while. What may have left at an earlier attempt stays uncertain: settled as a plain wait, an agent's words
    would go out a second time as if nothing had been."""
    if claimed.resend:
        attempt = claimed.attempt - 1 if outcome == "h" else claimed.attempt
        return Settlement(claimed, "u", attempt, at_ms=wait_ms, reason=reason, detail=detail)
    return Settlement(claimed, outcome, claimed.attempt, wait_ms=wait_ms, reason=reason, detail=detail)
