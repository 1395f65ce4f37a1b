"""What happens in a person's thread without us: words from the channel's own inbox or another program, and who holds it.

The same conversations as `Conversations` keeps, by the same rules: one script a change, each thing once, the desk told after.
"""

from __future__ import annotations

from typing import Any, Protocol

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound, Sealed
from gateway.model.conversation import AUTOMATION, INBOX, PROGRAM, Conversation, OutsideEntry
from gateway.model.ids import AddressId, ContactId, ConversationId, SenderId, new_conversation_id
from gateway.store import conversation_codec as codec
from gateway.store import keys, scripts
from gateway.store.conversation_upkeep import KEEP_RESOLVED_MS, REOPEN_MS, open_key
from gateway.store.desk import Desk
from gateway.store.vault import Vault


class Store(Protocol):
    """What is needed of `Conversations`."""

    desk: Desk

    async def get_many(self, conversations: list[ConversationId]) -> list[Conversation | None]: ...
    async def of_contact(self, contact: ContactId) -> list[ConversationId]: ...


class Outside:
    def __init__(self, store: Store, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._store = store
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault

    async def add(
        self, contact: ContactId, brand: str, address: AddressId, sender: SenderId, item: OutsideEntry
    ) -> ConversationId:
        """Keep what others said to a person in their conversation, found or opened. Repeatable by `item.key`.

        raises: NotFound when the contact is being erased; Conflict after ten lost races
        """
        key = self._vault.blind("entry", contact, item.key)
        box = await self._vault.contact_box(contact, create=True)
        body = codec.seal_outside(box, contact, key, item)
        new = new_conversation_id(contact)
        for _ in range(10):
            opened = open_key(self._vault, contact, brand, address)
            held = await self._redis.get(opened)
            old = bytes(held).decode() if held else ""
            names = [
                opened,
                keys.of(contact, "f"),
                keys.in_partition_of(contact, "vk", key),
                *(keys.beside(contact, name) for name in ("facts", "vd", "vo")),
                keys.of(contact, "vs"),
                *(keys.of(one, name) for one in (new, old or new) for name in ("cv", "ct")),
            ]
            args: list[scripts.Part] = [self._clock.offset_ms, new, old, contact, brand, address, sender]
            args += ["1" if item.person else "0", INBOX if item.person else PROGRAM, item.at_ms, item.kind, key, body]
            args += [REOPEN_MS, KEEP_RESOLVED_MS, keys.KEEP_MS]
            answer = await scripts.run(self._redis, "conv_outside", names, args)
            if answer[0] == b"erasing":
                raise NotFound("this contact is being erased")
            if answer[0] != b"again":
                conversation = ConversationId(answer[1].decode())
                await self._settle(conversation)
                return conversation
        raise Conflict("this conversation is being opened by many at once: try again")

    async def open_at(self, contact: ContactId, sender: SenderId, address: AddressId) -> list[Conversation]:
        """The unresolved conversations of an address with a sender: one a brand at most."""
        found = await self._store.get_many(await self._store.of_contact(contact))
        return [
            one for one in found if one and one.address == address and one.sender == sender and not one.resolved
        ]

    async def remark(self, conversation: Conversation, key: str, form: str, at_ms: int) -> None:
        """Say in a thread, for colleagues, what happened at the channel. form: its word, e.g. WANTED; once by `key`."""
        try:
            box = await self._vault.contact_box(conversation.contact)
        except Sealed:
            return
        hashed = self._vault.blind("entry", conversation.contact, key)
        body = box.seal_json({"text": ""}, codec.about_entry(conversation.contact, hashed))
        names = [
            keys.of(conversation.id, "cv"),
            keys.of(conversation.id, "ct"),
            keys.in_partition_of(conversation.id, "vk", hashed),
            *(keys.beside(conversation.id, name) for name in ("facts", "vd", "vo")),
        ]
        args: list[scripts.Part] = [self._clock.offset_ms, conversation.id, AUTOMATION, at_ms, form, hashed, body, keys.KEEP_MS]
        await scripts.run(self._redis, "conv_remark", names, args)
        await self._settle(conversation.id)

    async def come_back(self, conversation: Conversation, *, handed_over: bool) -> bool:
        """Another program let go of the thread: whoever still waits there waits for us now. True: somebody does.

        handed_over: it was given to us, so what that program itself said counts as no answer
        """
        names = [keys.of(conversation.id, "cv"), *(keys.beside(conversation.id, name) for name in ("facts", "vd", "vo"))]
        args: list[scripts.Part] = [self._clock.offset_ms, conversation.id, "0" if handed_over else "1"]
        came = bool(await scripts.run(self._redis, "conv_back", names, args))
        if came:
            await self._settle(conversation.id)
        return came

    async def _settle(self, conversation: ConversationId) -> None:
        state = (await self._store.get_many([conversation]))[0]
        if state is not None:
            await self._store.desk.settle(state)
