"""What keeps conversations and the desk's lists true: after a crash, by the passing of time, and when a person is erased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.conversation import Conversation, ConversationState
from gateway.model.ids import AddressId, ContactId, ConversationId
from gateway.store import keys, scripts
from gateway.store.desk import Desk
from gateway.store.vault import Vault

KEEP_RESOLVED_MS = 90 * keys.DAY_MS
REOPEN_MS = 3 * keys.DAY_MS
IDLE_MS = 600 * 1000
SILENT_MS = 24 * 3600 * 1000


class Back(Protocol):
    async def come_back(self, conversation: Conversation, *, handed_over: bool) -> bool: ...


class Store(Protocol):
    """What is needed of `Conversations`."""

    desk: Desk

    @property
    def outside(self) -> Back: ...
    async def get(self, conversation: ConversationId) -> Conversation: ...
    async def get_many(self, conversations: Sequence[ConversationId]) -> list[Conversation | None]: ...
    async def of_contact(self, contact: ContactId) -> list[ConversationId]: ...


def open_key(vault: Vault, contact: ContactId, brand: str, address: AddressId) -> str:
    """The key that names the last conversation of (contact, brand, address)."""
    return f"{keys.of(contact, 'co')}:{vault.blind('conversation', contact, brand, address)}"


class Upkeep:
    def __init__(self, store: Store, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._store = store
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault

    async def repair(self, everything: bool) -> int:
        """Tell the desk what a crash kept from it. everything: look at each unresolved conversation, also for passed time.

        returns: how many conversations the desk was told of
        """
        names = ["vd", "vo"] if everything else ["vd"]
        pipeline = self._redis.pipeline(transaction=False)
        for partition in keys.all_partitions():
            for name in names:
                pipeline.zrange(keys.part(partition, name), 0, 499)
        found = {bytes(one).decode() for rows in await pipeline.execute() for one in rows}
        if everything:
            found.update(await self._store.desk.unresolved())
        conversations = [ConversationId(one) for one in sorted(found)]
        return await self._bring_up_to_date(conversations, everything) + await self._trim(everything)

    async def _bring_up_to_date(self, conversations: list[ConversationId], everything: bool) -> int:
        told = 0
        gone: list[ConversationId] = []
        states = await self._store.get_many(conversations)
        known = await self._store.desk.known(conversations)
        for identifier, state, revision in zip(conversations, states, known, strict=True):
            if state is None:
                gone.append(identifier)
                continue
            if everything and await self._age(state):
                state = await self._store.get(identifier)
            if state.revision > revision:
                await self._store.desk.settle(state)
                told += 1
            else:
                await self._store.desk.heard(state)
        for identifier in gone:  # forgotten with its contact: no list may show it
            await self._redis.zrem(keys.beside(identifier, "vd"), identifier)
            await self._redis.zrem(keys.beside(identifier, "vo"), identifier)
        await self._store.desk.forget(gone)
        return told

    async def _trim(self, everything: bool) -> int:
        return await self._store.desk.trim(self._clock.now_ms() - keys.KEEP_MS) if everything else 0

    async def _age(self, one: Conversation) -> bool:
        """What time alone does: answered and silent is waiting; silent for a day is resolved. True when it did something."""
        now = self._clock.now_ms()
        if one.waiting_since_ms is not None or one.resolved:
            return False
        silent_ms = now - max(one.last_in_ms, one.last_out_ms, one.owner_since_ms if one.owner else 0)
        if one.elsewhere_since_ms is not None and one.last_out_ms < one.last_in_ms and silent_ms > SILENT_MS:
            # Who holds the thread let a day pass without a word; the channel takes it from them after that.
            return await self._store.outside.come_back(one, handed_over=False)
        if one.state in (ConversationState.AUTOMATED, ConversationState.WAITING) and silent_ms > SILENT_MS:
            step, by = "resolved", "automation" if one.state is ConversationState.AUTOMATED else "silence"
        elif one.state is ConversationState.ACTIVE and one.last_out_ms >= one.last_in_ms and silent_ms > IDLE_MS:
            step, by = "waiting", ""
        else:
            return False
        names = [
            keys.of(one.id, "cv"),
            keys.of(one.id, "ct"),
            *(keys.beside(one.id, name) for name in ("facts", "vd", "vo")),
            open_key(self._vault, one.contact, one.brand, one.address),
            keys.of(one.contact, "vs"),
        ]
        args: list[scripts.Part] = [self._clock.offset_ms, one.id, one.revision, step, by, KEEP_RESOLVED_MS]
        return bool(await scripts.run(self._redis, "conv_idle", names, args))

    async def erase(self, contact: ContactId) -> int:
        """Destroy a contact's conversations and mentions; how many. Repeatable; before the contact's own keys go."""
        conversations = await self._store.of_contact(contact)
        states = await self._store.get_many(conversations)
        for identifier, state in zip(conversations, states, strict=True):
            names = [keys.of(identifier, "cv"), keys.of(identifier, "ct"), keys.of(identifier, "dr"), keys.of(identifier, "sy")]
            if state is not None:
                names += [open_key(self._vault, contact, state.brand, state.address), keys.of(state.address, "pm")]
            for name in names:
                await self._redis.delete(name)
            await self._redis.zrem(keys.beside(identifier, "vo"), identifier)
            await self._redis.zrem(keys.beside(identifier, "vd"), identifier)
        await self._store.desk.forget(conversations)
        await self._redis.delete(keys.of(contact, "vs"))
        await self._redis.delete(keys.of(contact, "md"))
        return len(conversations)
