"""Conversations: what people wrote to us, who of us answers, and the answers on their way to the outbox.

The conversation in its contact's partition is the truth, changed by one script a command; the desk's lists (desk.py) follow.
Every command carries the epoch its agent saw and an idempotency key: under another epoch it is refused with who and when, and
repeated it answers as the first time. Texts are sealed with the contact's key, so erasing the contact erases them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound, Sealed
from gateway.model.conversation import (
    EDIT,
    AgentId,
    Conversation,
    Entry,
    InboundEntry,
    Mention,
    is_courtesy,
)
from gateway.model.ids import (
    AddressId,
    ContactId,
    ConversationId,
    MessageId,
    SenderId,
    is_id,
    message_id,
    new_conversation_id,
    partition_of,
)
from gateway.model.message import Priority
from gateway.model.personal import Personal
from gateway.model.webcare import Assignment, Decision, Figures, Heard
from gateway.store import bulk, keys, scripts
from gateway.store import conversation_codec as codec
from gateway.store.conversation_commands import Command, CommandRefused, Done, digest
from gateway.store.conversation_lines import Lines
from gateway.store.conversation_outside import Outside
from gateway.store.conversation_upkeep import KEEP_RESOLVED_MS, REOPEN_MS, Upkeep, open_key
from gateway.store.desk import Desk
from gateway.store.giving import Giving
from gateway.store.outbox import Pair
from gateway.store.slots import Slots
from gateway.store.vault import Box, Vault
from gateway.wake import Ready

__all__ = ["Command", "CommandRefused", "Conversations", "Done"]

COURTESY_MS = 15 * 60 * 1000
MENTIONS = 10
THREAD_MAX = 300
"""How many lines of a thread are read at once, newest kept."""


class Conversations:
    def __init__(
        self,
        redis: Redis,
        clock: Clock,
        vault: Vault,
        *,
        pair: Mapping[str, Pair] | None = None,
        acks: int = 0,
        figures: Callable[[str], Figures] = lambda brand: Figures(),
    ) -> None:
        """pair: sender -> its channel's pair rate, the same that the outbox was given.

        acks:    how many replicas must have what an agent did before it is answered
        figures: a brand's numbers
        """
        self._redis: Any = redis
        self._acks = acks
        self._clock = clock
        self._vault = vault
        self._pair = pair or {}
        self._figures = figures
        self.desk = Desk(redis, clock, figures)
        self.slots = Slots(redis, clock)
        self._giving = Giving(self, redis, clock)
        self.outside = Outside(self, redis, clock, vault)
        self.lines = Lines(self.desk, redis, clock, vault, self._pair)
        self._upkeep = Upkeep(self, redis, clock, vault)

    # what comes in

    async def add_inbound(
        self,
        contact: ContactId,
        brand: str,
        address: AddressId,
        sender: SenderId,
        *,
        item: InboundEntry,
        needs_person: bool = True,
        elsewhere: bool = False,
        queue: str = "general",
        heard: Heard | None = None,
    ) -> ConversationId:
        """Keep what somebody wrote in their conversation, found, reopened or opened. Repeatable by `item.key`.

        An edit (item.edit_of) is a line of its own beside what it changes; one that is older than another changes nothing.

        needs_person: False for what handled itself (a stop word, an address check): kept in the thread, not queued
        elsewhere:    another program holds the thread and is the one to answer: not queued until it comes back to us
        heard:        what it says of itself; words that cannot wait need a person, whatever handled it
        raises:       NotFound when the contact is being erased; Conflict after ten lost races
        """
        key = self._vault.blind("entry", contact, item.key)
        box = await self._vault.contact_box(contact, create=True)
        body = codec.seal_inbound(box, contact, key, item)
        new = new_conversation_id(contact)
        changed = self._vault.blind("entry", contact, item.edit_of) if item.edit_of else ""
        counted = self._vault.blind("edits", contact, item.edit_of) if item.edit_of else key
        listened = codec.pack_heard(heard or Heard(), item.at_ms, self._figures(brand))
        needs_person = needs_person or (heard is not None and heard.safety is not None)
        for _ in range(10):
            open_key = self._open_key(contact, brand, address)
            held = await self._redis.get(open_key)
            old = bytes(held).decode() if held else ""
            names = [
                open_key,
                keys.of(contact, "f"),
                keys.in_partition_of(contact, "vk", key),
                *(keys.beside(contact, name) for name in ("facts", "vd", "vo")),
                keys.of(contact, "vs"),
                *(keys.of(one, name) for one in (new, old or new) for name in ("cv", "ct")),
                keys.in_partition_of(contact, "vk", counted),
            ]
            args: list[scripts.Part] = [self._clock.offset_ms, new, old, contact, brand, address, sender, queue]
            args += ["1" if needs_person else "0", "1" if is_courtesy(item.kind, item.text) else "0", item.at_ms]
            args += [EDIT if changed else item.kind, item.origin or "", key, body, REOPEN_MS, COURTESY_MS, KEEP_RESOLVED_MS]
            args += [keys.KEEP_MS, "1" if elsewhere else "0", changed, item.edits if changed else 0, item.asked]
            args += listened
            answer = await scripts.run(self._redis, "conv_inbound", names, args)
            if answer[0] == b"erasing":
                raise NotFound("this contact is being erased")
            if answer[0] != b"again":
                conversation = ConversationId(answer[1].decode())
                await self._settle(conversation)
                return conversation
        raise Conflict("this conversation is being opened by many at once: try again")

    async def add_out(
        self, conversation: ConversationId, message: MessageId, text: Personal, author: str, at_ms: int | None = None
    ) -> None:
        """Give a message that was sent by another way its line in the thread, once. Raises NotFound."""
        found = await self.get(conversation)
        box = await self._vault.contact_box(found.contact)
        body = box.seal_json({"text": text.reveal()}, codec.about_entry(found.contact, message))
        names = self._names(conversation)
        names[2] = keys.in_partition_of(conversation, "vk", self._vault.blind("entry", found.contact, message))
        at = at_ms if at_ms is not None else self._clock.now_ms()
        args: list[scripts.Part] = [self._clock.offset_ms, conversation, author, message, at, message, body, keys.KEEP_MS]
        if await scripts.run(self._redis, "conv_out", names, args) == -1:
            raise NotFound("no such conversation")
        await self._settle(conversation)

    async def mention(
        self,
        contact: ContactId,
        brand: str,
        address: AddressId,
        sender: SenderId,
        message: MessageId,
        notification: str,
        text: Personal,
        at_ms: int,
    ) -> None:
        """Remember a proactive message that was accepted: the last ten of an address, 8 days, for whoever reads the answer."""
        box = await self._vault.contact_box(contact)
        packed = codec.pack_mention(box, address, Mention(message, notification, brand, sender, text, at_ms))
        names = [keys.of(address, "pm"), self._open_key(contact, brand, address)]
        held = await scripts.run(self._redis, "conv_mention", names, [message, packed, MENTIONS, keys.KEEP_MS])
        if held:
            await self.desk.touched(ConversationId(bytes(held).decode()))

    # who has it

    async def give(self, wanted: Sequence[Assignment]) -> list[str]:
        """Let conversations be agents', all in a few round trips. Per item "given", or why not:

        full, owned (they have as many as they may), away (not here or not available), gap (given one a moment ago), taken
        (somebody has it), moved (it stands elsewhere, or changed hands, since it was looked at). Repeatable: who has it keeps it.
        raises: StoreUnavailable; what was reserved then is swept
        """
        return await self._giving.give(wanted)

    async def decisions(self, conversation: ConversationId) -> list[Decision]:
        """Why it was given to whom it was: the last ten times, newest first."""
        raw = await self._redis.lrange(keys.of(conversation, "dr"), 0, -1)
        return [codec.parse_decision(bytes(one)) for one in raw]

    # what agents do

    async def take(self, command: Command) -> Done:
        """Make a conversation that is nobody's one's own. Raises CommandRefused, NotFound."""
        args: list[scripts.Part] = [command.agent, command.epoch, digest("take", command), keys.KEEP_MS]
        return await self._run("conv_take", command, self._names(command.conversation, command), args)

    async def reply(
        self,
        command: Command,
        text: Personal,
        *,
        author: Personal,
        deadline_ms: int,
        quote: Personal | None = None,
        again: MessageId | str = "",
        enqueued: Callable[[Ready], None] = lambda ready: None,
    ) -> Done:
        """Hand an agent's words to the outbox: one message, whatever happens in between (lua/conv_reply.lua).

        author:      the first name that the contact may be shown
        deadline_ms: when the service window closes, margin off; past it is refused as window_closed
        quote:       the channel's id of the message of theirs that it quotes
        again:       the message of ours that it repeats, decided by its agent
        enqueued:    told as soon as it is in its lane: the desk can wait for its news, the person should not
        """
        for _ in range(3):
            found = await self.get(command.conversation)
            names, args = await self._reply_call(command, found, text, author, deadline_ms, quote, again)
            try:
                return await self._run("conv_reply", command, names, args, partial(_said, found, enqueued))
            except CommandRefused as refusal:
                if refusal.code != "sender_changed":  # they wrote to another number of the brand just now: answer from there
                    raise
        raise Conflict("this conversation moves between senders: try again")

    async def _reply_call(
        self,
        command: Command,
        found: Conversation,
        text: Personal,
        author: Personal,
        deadline_ms: int,
        quote: Personal | None,
        again: str,
    ) -> tuple[list[str], list[scripts.Part]]:
        """KEYS and ARGV of lua/conv_reply.lua."""
        box = await self._vault.contact_box(found.contact)
        message = message_id(command.conversation, "reply", f"{command.agent}:{command.key}", found.contact, 0)
        words = text.reveal()
        body = box.seal_json(
            {
                "kind": "reply",
                "conversation": command.conversation,
                "text": words,
                "author": author.reveal(),
                "content": {"type": "text", "body": words},
                "reply_to": quote.reveal() if quote else None,
                "deadline_ms": deadline_ms,
                "purpose": "reply",
            },
            message,
        )
        entry = box.seal_json({"text": words}, codec.about_entry(found.contact, command.key))
        pair = self._pair.get(found.sender)
        names = [
            *self._names(command.conversation, command),
            keys.of(found.contact, "f"),
            keys.of(message, "m"),
            *keys.lane_keys(int(found.contact[1:3]), found.sender),
        ]
        args: list[scripts.Part] = [command.agent, command.epoch, digest("reply", command, words, again), keys.KEEP_MS]
        args += [message, deadline_ms, pair.tolerance_ms if pair else 0, keys.REPLY_KEEP_MS, command.key, again]
        args += [body, entry, found.sender]
        return names, args

    async def note(self, command: Command, text: Personal) -> Done:
        """Write a note for colleagues; no epoch is asked. Raises CommandRefused (key_reused), NotFound."""
        found = await self.get(command.conversation)
        box = await self._vault.contact_box(found.contact)
        body = box.seal_json({"text": text.reveal()}, codec.about_entry(found.contact, command.key))
        args: list[scripts.Part] = [command.agent, digest("note", command, text.reveal()), keys.KEEP_MS, command.key, body]
        return await self._run("conv_note", command, self._names(command.conversation, command), args)

    async def finish(self, command: Command, *, inbound_seen: int | None = None) -> Done:
        """Resolve. inbound_seen: `Conversation.inbound` as the agent saw it; refused as they_wrote when there is more."""
        return await self._let_go(command, "resolved", str(inbound_seen) if inbound_seen is not None else "")

    async def release(self, command: Command) -> Done:
        """Back into its queue, with its age."""
        return await self._let_go(command, "queued", "")

    async def leave(self, command: Command, message: MessageId) -> Done:
        """Decide that a message that failed, or may have arrived, is not sent again."""
        args: list[scripts.Part] = [command.agent, command.epoch, digest("leave", command, message), keys.KEEP_MS, message]
        return await self._run("conv_leave", command, self._names(command.conversation, command), args)

    async def _let_go(self, command: Command, state: str, seen: str) -> Done:
        found = await self.get(command.conversation)
        names = [
            *self._names(command.conversation, command),
            self._open_key(found.contact, found.brand, found.address),
            keys.of(found.contact, "vs"),
        ]
        args: list[scripts.Part] = [command.agent, command.epoch, digest(state, command), keys.KEEP_MS]
        args += [state, seen, KEEP_RESOLVED_MS]
        return await self._run("conv_finish", command, names, args)

    async def _run(
        self,
        script: str,
        command: Command,
        names: Sequence[str],
        args: Sequence[scripts.Part],
        told: Callable[[Done], None] = lambda done: None,
    ) -> Done:
        """told: of what is done, before the desk is"""
        prefix: list[scripts.Part] = [self._clock.offset_ms, command.conversation]
        (raw,) = await bulk.run_scripts(self._redis, [(script, names, [*prefix, *args])], acks=self._acks)
        answer = [bytes(part).decode() for part in raw]
        if answer[0] == "unknown":
            raise NotFound("no such conversation")
        if answer[0] == "refused":
            _, code, owner, since, state, epoch = answer
            raise CommandRefused(code, AgentId(owner) if owner else None, int(since), state, int(epoch))
        done = Done(int(answer[1]), int(answer[2]), answer[3], answer[4], answer[0] == "again")
        told(done)
        await self._settle(command.conversation)
        return done

    # reading

    async def get(self, conversation: ConversationId) -> Conversation:
        """Raises NotFound for one that is unknown or forgotten."""
        found = (await self.get_many([conversation]))[0] if is_id(conversation, "v") else None
        if found is None:
            raise NotFound("no such conversation")
        return found

    async def get_many(self, conversations: Sequence[ConversationId]) -> list[Conversation | None]:
        pipeline = self._redis.pipeline(transaction=False)
        for conversation in conversations:
            pipeline.hgetall(keys.of(conversation, "cv"))
        raws = await pipeline.execute() if conversations else []
        return [codec.parse_conversation(one, raw) for one, raw in zip(conversations, raws, strict=True)]

    async def thread(self, conversation: Conversation, limit: int = THREAD_MAX) -> list[Entry]:
        """The last lines, oldest first. Empty when the contact was erased: nothing can be opened any more."""
        raw = await self._redis.xrevrange(keys.of(conversation.id, "ct"), count=limit)
        try:
            box = await self._vault.contact_box(conversation.contact)
            lines = [codec.parse_entry(place, fields, box, conversation.contact) for place, fields in reversed(raw)]
        except Sealed:
            return []
        return codec.fold_edits(lines)

    async def holding(self, contact: ContactId, key: str) -> Conversation | None:
        """The conversation that holds the entry with this key, None when nobody knows it (any more)."""
        held = await self._redis.get(keys.in_partition_of(contact, "vk", self._vault.blind("entry", contact, key)))
        return (await self.get_many([ConversationId(bytes(held).decode())]))[0] if held else None

    async def last_entries(self, conversations: Sequence[Conversation]) -> list[Entry | None]:
        """Per conversation what was last said (not noted), for lists, in one round trip."""
        if not conversations:
            return []
        boxes = await self._boxes([one.contact for one in conversations])
        pipeline = self._redis.pipeline(transaction=False)
        for one in conversations:
            pipeline.xrevrange(keys.of(one.id, "ct"), count=5)
        found: list[Entry | None] = []
        for one, rows in zip(conversations, await pipeline.execute(), strict=True):
            said = [row for row in rows if not row[1][b"h"].startswith(b"1|note|")] or rows
            box = boxes.get(one.contact)
            found.append(codec.parse_entry(said[0][0], said[0][1], box, one.contact) if said and box else None)
        return found

    async def mentions(self, conversation: Conversation) -> list[Mention]:
        """The last proactive messages of its brand to its address, oldest first."""
        raw = await self._redis.lrange(keys.of(conversation.address, "pm"), 0, -1)
        try:
            box = await self._vault.contact_box(conversation.contact)
            found = [codec.parse_mention(bytes(one), box, conversation.address) for one in raw]
        except Sealed:
            return []
        return sorted((one for one in found if one.brand == conversation.brand), key=lambda one: one.at_ms)

    async def of_contact(self, contact: ContactId) -> list[ConversationId]:
        """All conversations of a contact that are still kept, oldest first."""
        raw = await self._redis.zrange(keys.of(contact, "vs"), 0, -1)
        return [ConversationId(bytes(one).decode()) for one in raw]

    # keeping the desk true

    async def repair(self, *, everything: bool = False) -> int:
        """Tell the desk what a crash kept from it (conversation_upkeep.py); how many conversations it was told of.

        everything: look at each unresolved conversation, also for what time alone does
        """
        return await self._upkeep.repair(everything) + await self._giving.sweep()

    async def erase(self, contact: ContactId) -> int:
        """Destroy a contact's conversations and mentions; how many. Repeatable; before the contact's own keys go."""
        return await self._upkeep.erase(contact)

    # inside

    async def _settle(self, conversation: ConversationId) -> None:
        state = (await self.get_many([conversation]))[0]
        if state is not None:
            await self.desk.settle(state)

    async def _boxes(self, contacts: Sequence[ContactId]) -> Mapping[ContactId, Box]:
        try:
            return await self._vault.contact_boxes(list(dict.fromkeys(contacts)))
        except Sealed:
            return {}

    def _open_key(self, contact: ContactId, brand: str, address: AddressId) -> str:
        return open_key(self._vault, contact, brand, address)

    def _names(self, conversation: ConversationId, command: Command | None = None) -> list[str]:
        """cv, ct, ik, facts, vd, vo: what every command's script begins with."""
        key = self._vault.blind("command", conversation, command.agent, command.key) if command else ""
        return [
            keys.of(conversation, "cv"),
            keys.of(conversation, "ct"),
            f"{keys.of(conversation, 'ik')}:{key}",
            *(keys.beside(conversation, name) for name in ("facts", "vd", "vo")),
        ]


def _said(found: Conversation, enqueued: Callable[[Ready], None], done: Done) -> None:
    """Name an agent's words, which are in their lane now, to whoever sends them."""
    if not done.repeated:
        message = MessageId(done.message)
        enqueued(Ready(partition_of(message), found.sender, int(Priority.AGENT), message, found.contact, ""))
