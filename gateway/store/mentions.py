"""What was told to an address lately, so that whoever reads the answer sees what is answered: written for many sends at once.

The same records as `Conversations.mention` writes (lua/conv_mention.lua): the last ten of an address, kept for 8 days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.model.conversation import Mention
from gateway.model.ids import AddressId, ContactId, ConversationId
from gateway.store import bulk, keys, scripts
from gateway.store import conversation_codec as codec
from gateway.store.conversation_upkeep import open_key
from gateway.store.conversations import MENTIONS
from gateway.store.desk import Desk
from gateway.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Mentioned:
    """A proactive message that was accepted, for whom and on which address."""

    contact: ContactId
    address: AddressId
    mention: Mention


class Mentions:
    def __init__(self, redis: Redis, vault: Vault, desk: Desk) -> None:
        self._redis = redis
        self._vault = vault
        self._desk = desk

    async def add(self, mentions: Sequence[Mentioned]) -> None:
        """Remember proactive messages that were accepted, in one round trip.

        raises: StoreUnavailable; Sealed when the only contact has no key any more (of several, it is left out)
        """
        if not mentions:
            return
        boxes = await self._vault.contact_boxes(list(dict.fromkeys(one.contact for one in mentions)))
        calls: list[scripts.Call] = []
        for one in mentions:
            box, mention = boxes.get(one.contact), one.mention
            if box is not None:
                names = [keys.of(one.address, "pm"), open_key(self._vault, one.contact, mention.brand, one.address)]
                packed = codec.pack_mention(box, one.address, mention)
                calls.append(("conv_mention", names, [mention.message, packed, MENTIONS, keys.KEEP_MS]))
        for held in await bulk.run_scripts(self._redis, calls):
            if held:
                await self._desk.touched(ConversationId(bytes(held).decode()))
