"""What keeps conversations and the desk's lists true: after a crash, by the passing of time, and when a person is erased."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound, Sealed
from gateway.model.conversation import AUTOMATION, Conversation, ConversationState
from gateway.model.ids import AddressId, ContactId, ConversationId
from gateway.model.webcare import Assignment
from gateway.store import keys
from gateway.store.conversation_commands import Terms
from gateway.store.desk import Desk
from gateway.store.looks import SILENT_MS, ending_ms, next_look_ms, silent_since_ms
from gateway.store.vault import KeyMissing, Vault

KEEP_RESOLVED_MS = 90 * keys.DAY_MS
REOPEN_MS = 3 * keys.DAY_MS
AGAIN_MS = 30_000
"""When what was due and did not move is looked at again."""


class Back(Protocol):
    async def come_back(self, conversation: Conversation, *, handed_over: bool) -> bool: ...


class Store(Protocol):
    """What is needed of `Conversations`."""

    desk: Desk
    terms: Terms
    ending: Callable[[Conversation], Awaitable[object]] | None

    @property
    def outside(self) -> Back: ...
    async def get(self, conversation: ConversationId) -> Conversation: ...
    async def give(self, wanted: Sequence[Assignment]) -> list[str]: ...
    async def idle(self, one: Conversation, step: str, by: str) -> bool: ...
    async def requeue(self, one: Conversation, why: str) -> bool: ...
    def open_key(self, contact: ContactId, brand: str, address: AddressId) -> str: ...
    async def get_many(self, conversations: Sequence[ConversationId]) -> list[Conversation | None]: ...
    async def of_contact(self, contact: ContactId) -> list[ConversationId]: ...


def open_key(vault: Vault, contact: ContactId, brand: str, address: AddressId) -> str:
    """The key that names the last conversation of (contact, brand, address)."""
    return f"{keys.of(contact, 'co')}:{vault.blind('conversation', contact, brand, address)}"


class Upkeep:
    def __init__(self, store: Store, redis: Redis, clock: Clock) -> None:
        self._store = store
        self._redis: Any = redis
        self._clock = clock

    async def repair(self, everything: bool) -> int:
        """Tell the desk what a crash kept from it, and do what time does where it is due.

        everything: look at all that is unresolved
        returns:    how many conversations the desk was told of
        """
        names = ["vd", "vo"] if everything else ["vd"]
        pipeline = self._redis.pipeline(transaction=False)
        for partition in keys.all_partitions():
            for name in names:
                pipeline.zrange(keys.part(partition, name), 0, 499)
        found = {bytes(one).decode() for rows in await pipeline.execute() for one in rows}
        due = await self._store.desk.due(self._clock.now_ms())
        found.update(due)
        if everything:
            found.update(await self._store.desk.unresolved())
        told = await self._bring_up_to_date([ConversationId(one) for one in sorted(found)], frozenset(due))
        return told + await self._trim(everything)

    async def _bring_up_to_date(self, conversations: list[ConversationId], due: Collection[ConversationId]) -> int:
        told = 0
        idle: list[Conversation] = []
        gone: list[ConversationId] = []
        states = await self._store.get_many(conversations)
        known = await self._store.desk.known(conversations)
        for identifier, state, revision in zip(conversations, states, known, strict=True):
            if state is None:
                gone.append(identifier)
                continue
            if await self._age(state):
                state = await self._store.get(identifier)
            elif identifier in due:
                idle.append(state)
            if state.revision > revision:
                await self._store.desk.settle(state)
                told += 1
            else:
                await self._store.desk.heard(state)
        await self._store.desk.look_again(idle, self._clock.now_ms() + AGAIN_MS)
        for identifier in gone:  # forgotten with its contact: no list may show it
            await self._redis.zrem(keys.beside(identifier, "vd"), identifier)
            await self._redis.zrem(keys.beside(identifier, "vo"), identifier)
        await self._store.desk.forget(gone)
        return told

    async def _trim(self, everything: bool) -> int:
        return await self._store.desk.trim(self._clock.now_ms() - keys.KEEP_MS) if everything else 0

    async def _age(self, one: Conversation) -> bool:
        """What time alone does, where it is due. True when it did something.

        Answered and silent is waiting; silent for a day, or without its reason in time, resolved; parked until now wants its
        agent back. What wanted its agent back for too long goes to its queue. What was given and not opened is not ours:
        whether its agent is typing elsewhere is known where they are watched.
        """
        due = next_look_ms(one, self._store.terms.figures(one.brand))
        if not due or due > self._clock.now_ms():
            return False
        if one.state is ConversationState.WRAPUP:
            return await self._store.idle(one, "resolved", "")
        if one.returning_ms:
            return await (self._store.requeue(one, "not_back") if self._store.terms.push() else self.bring_back(one.id))
        if one.state is ConversationState.PARKED:
            return await self._store.idle(one, "wake", "")
        if one.elsewhere_since_ms is not None and one.last_out_ms < one.last_in_ms:
            # Who holds the thread let a day pass without a word; the channel takes it from them after that.
            return await self._store.outside.come_back(one, handed_over=False)
        if one.state is ConversationState.ACTIVE:
            return await self._store.idle(one, "waiting", "")
        if ending_ms(one, self._store.terms.figures(one.brand)) and self._clock.now_ms() < silent_since_ms(one) + SILENT_MS:
            await self._say_ending(one)
            return False
        ours = one.owner is None and one.state is not ConversationState.QUEUED
        return await self._store.idle(one, "resolved", AUTOMATION if ours else "silence")

    async def _say_ending(self, one: Conversation) -> None:
        """Said once, for it has a key of its own; not where this process cannot say anything, nor once their window is shut."""
        if self._store.ending is None or self._clock.now_ms() >= one.last_in_ms + SILENT_MS:
            return
        try:
            await self._store.ending(one)
        except (Conflict, NotFound, Sealed, KeyMissing) as error:  # it keeps no other conversation from what time does to it
            structlog.get_logger().warning("conversation.ending_unsaid", conversation=one.id, error=type(error).__name__)

    async def bring_back(self, conversation: ConversationId) -> bool:
        """Where agents have no limits: what wants its agent back is with them at once."""
        one = (await self._store.get_many([conversation]))[0]
        if one is None or not one.returning_ms or one.owner is None:
            return False
        back = Assignment(one.id, one.owner, one.epoch, capacity=0, by_router=False, returning=True)
        return (await self._store.give([back])) == ["given"]

    async def erase(self, contact: ContactId) -> int:
        """Destroy a contact's conversations and mentions; how many. Repeatable; before the contact's own keys go."""
        conversations = await self._store.of_contact(contact)
        states = await self._store.get_many(conversations)
        for identifier, state in zip(conversations, states, strict=True):
            names = [keys.of(identifier, name) for name in ("cv", "ct", "dr", "sy", "qt", "dft", "wsp")]
            if state is not None:
                names += [self._store.open_key(contact, state.brand, state.address), keys.of(state.address, "pm")]
            for name in names:
                await self._redis.delete(name)
            await self._redis.zrem(keys.beside(identifier, "vo"), identifier)
            await self._redis.zrem(keys.beside(identifier, "vd"), identifier)
        await self._store.desk.forget(conversations)
        await self._redis.delete(keys.of(contact, "vs"))
        await self._redis.delete(keys.of(contact, "md"))
        await self._redis.delete(keys.of(contact, "kp"))
        return len(conversations)
