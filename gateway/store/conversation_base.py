"""What every part of the store's conversations stands on: reading them, running a command once, telling the desk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import NotFound
from gateway.model.conversation import AgentId, Conversation
from gateway.model.ids import AddressId, ContactId, ConversationId, is_id
from gateway.model.personal import Personal
from gateway.store import bulk, keys, scripts
from gateway.store import conversation_codec as codec
from gateway.store.ahead import Ahead
from gateway.store.conversation_commands import Command, CommandRefused, Done, Terms
from gateway.store.conversation_upkeep import open_key
from gateway.store.desk import Desk
from gateway.store.slots import Slots
from gateway.store.vault import Vault


class ConversationStore:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault, *, acks: int = 0, terms: Terms | None = None) -> None:
        self._redis: Any = redis
        self._acks = acks
        self._clock = clock
        self._vault = vault
        self.terms = terms or Terms()
        self.desk = Desk(redis, clock, self.terms.figures)
        self.slots = Slots(redis, clock)

    async def get(self, conversation: ConversationId) -> Conversation:
        """Raises NotFound for one that is unknown or forgotten."""
        found = (await self.get_many([conversation]))[0] if is_id(conversation, "v") else None
        if found is None:
            raise NotFound("no such conversation")
        return found

    async def get_many(
        self, conversations: Sequence[ConversationId], ahead: Ahead | None = None
    ) -> list[Conversation | None]:
        """ahead: may hold them (`read`), as they were a moment ago"""
        raws = await bulk.values(self._redis, [self.read(one) for one in conversations], ahead=ahead)
        return [codec.parse_conversation(one, bulk.mapping(raw)) for one, raw in zip(conversations, raws, strict=True)]

    @staticmethod
    def read(conversation: ConversationId) -> bulk.Command:
        return ("HGETALL", keys.of(conversation, "cv"))

    # inside

    async def _run(
        self,
        script: str,
        command: Command,
        names: Sequence[str],
        args: Sequence[scripts.Part],
        told: Callable[[Done], None] = lambda done: None,
    ) -> Done:
        """Run a command's script and tell the desk. told: of what is done, before the desk is"""
        prefix: list[scripts.Part] = [self._clock.offset_ms, command.conversation]
        behind = Ahead([self.read(command.conversation), self.desk.known_by(command.conversation)])
        calls = [(script, names, [*prefix, *args])]
        (raw,) = await bulk.run_scripts(self._redis, calls, acks=self._acks, ahead=behind)
        done = done_of([bytes(part).decode() for part in raw])
        told(done)
        await self._settle(command.conversation, behind)
        return done

    async def _settle(self, conversation: ConversationId, ahead: Ahead | None = None) -> None:
        state = (await self.get_many([conversation], ahead))[0]
        if state is not None:
            await self.desk.settle_many([state], ahead)

    async def _sealed_note(self, found: Conversation, key: str, text: Personal | None) -> tuple[str, bytes]:
        """An entry's key and its sealed body; two times nothing for no note."""
        if text is None:
            return "", b""
        box = await self._vault.contact_box(found.contact)
        return key, box.seal_json({"text": text.reveal()}, codec.about_entry(found.contact, key))

    def open_key(self, contact: ContactId, brand: str, address: AddressId) -> str:
        return open_key(self._vault, contact, brand, address)

    def _kept(self, found: Conversation) -> list[str]:
        """co and vs: what lives as long as the conversation does."""
        return [self.open_key(found.contact, found.brand, found.address), keys.of(found.contact, "vs")]

    def _names(self, conversation: ConversationId, command: Command | None = None) -> list[str]:
        """cv, ct, ik, facts, vd, vo: what every command's script begins with."""
        key = self._vault.blind("command", conversation, command.agent, command.key) if command else ""
        return [
            keys.of(conversation, "cv"),
            keys.of(conversation, "ct"),
            f"{keys.of(conversation, 'ik')}:{key}",
            *(keys.beside(conversation, name) for name in ("facts", "vd", "vo")),
        ]


def done_of(answer: Sequence[str]) -> Done:
    """A script's answer to a command. Raises NotFound, CommandRefused."""
    if answer[0] == "unknown":
        raise NotFound("no such conversation")
    if answer[0] == "refused":
        _, code, owner, since, state, epoch = answer
        raise CommandRefused(code, AgentId(owner) if owner else None, int(since), state, int(epoch))
    return Done(int(answer[1]), int(answer[2]), answer[3], answer[4], answer[0] == "again")
