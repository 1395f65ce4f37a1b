"""Conversations: what people wrote to us, who of us answers, and the answers on their way to the outbox.

The conversation in its contact's partition is the truth, changed by one script a command; the desk's lists (desk.py) follow.
Every command carries the epoch its agent saw and an idempotency key: under another epoch it is refused with who and when, and
repeated it answers as the first time. Texts are sealed with the contact's key, so erasing the contact erases them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

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
    what_of,
)
from gateway.model.ids import (
    AddressId,
    ContactId,
    ConversationId,
    MessageId,
    SenderId,
    message_id,
    new_conversation_id,
    partition_of,
)
from gateway.model.message import Priority
from gateway.model.personal import Personal
from gateway.model.webcare import BOOST_S, Boost, Heard
from gateway.rules import flood
from gateway.store import conversation_codec as codec
from gateway.store import keys, scripts
from gateway.store.agent_commands import AgentCommands
from gateway.store.conversation_commands import NOTHING_BESIDE, Beside, Command, CommandRefused, Done, Terms, digest
from gateway.store.conversation_lines import Lines
from gateway.store.conversation_outside import Outside
from gateway.store.conversation_upkeep import KEEP_RESOLVED_MS, Upkeep
from gateway.store.fates import Fates
from gateway.store.giving import Giving
from gateway.store.identity import IdentityStore
from gateway.store.outbox import Pair
from gateway.store.parking import Parking
from gateway.store.recount import Recount
from gateway.store.system_moves import SystemMoves
from gateway.store.vault import Box, Vault
from gateway.store.whispers import Whisper
from gateway.store.whispers import parse as parse_whispers
from gateway.wake import Ready

__all__ = ["Command", "CommandRefused", "Conversations", "Done", "Terms"]

HOUR_MS = 3600 * 1000
COURTESY_MS = 15 * 60 * 1000
MENTIONS = 10
THREAD_MAX = 300
"""How many lines of a thread are read at once, newest kept."""


class Conversations(AgentCommands, SystemMoves, IdentityStore):
    def __init__(
        self,
        redis: Redis,
        clock: Clock,
        vault: Vault,
        *,
        pair: Mapping[str, Pair] | None = None,
        acks: int = 0,
        terms: Terms | None = None,
    ) -> None:
        """pair: sender -> its channel's pair rate, the same that the outbox was given.

        acks:  how many replicas must have what an agent did before it is answered
        terms: by what the house works; without them agents take what there is, without limits
        """
        super().__init__(redis, clock, vault, acks=acks, terms=terms)
        self._pair = pair or {}
        self.outside = Outside(self, redis, clock, vault)
        self.lines = Lines(self.desk, redis, clock, vault, self._pair)
        self._giving = Giving(self, redis, clock)
        self._upkeep = Upkeep(self, redis, clock)
        self._parking = Parking(self, redis, clock)
        self._recount = Recount(self, redis, clock)
        self.fates = Fates(redis, clock, self)
        self.ending: Callable[[Conversation], Awaitable[object]] | None = None
        """tells somebody who was answered and is silent that it ends by itself; None: nobody is told"""

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
        boost: Boost | None = None,
        complaints: str = "",
        ahead: Sequence[str] = (),
        epoch: int | None = None,
    ) -> ConversationId:
        """Keep what somebody wrote in their conversation, found, reopened or opened. Repeatable by `item.key`.

        An edit (item.edit_of) is a line of its own beside what it changes; one that is older than another changes nothing.

        needs_person: False for what handled itself (a stop word, an address check): kept in the thread, not queued
        elsewhere:    another program holds the thread and is the one to answer: not queued until it comes back to us
        heard:        what it says of itself; words that cannot wait need a person, whatever handled it
        boost:        why else somebody is answered before others, where a person is needed; the largest counts
        complaints:   the queue in which it waits where it is one, unless it stands in one of `ahead` or cannot wait
        epoch:        under which automation answers it by itself; where it changed hands since, it is a person's after all
        raises:       NotFound when the contact is being erased; Conflict after ten lost races
        """
        key = self._vault.blind("entry", contact, item.key)
        box = await self._vault.contact_box(contact, create=True)
        body = codec.seal_inbound(box, contact, key, item)
        new = new_conversation_id(contact)
        changed = self._vault.blind("entry", contact, item.edit_of) if item.edit_of else ""
        counted = self._vault.blind("edits", contact, item.edit_of) if item.edit_of else key
        figures = self.terms.figures(brand)
        listened = codec.pack_heard(heard or Heard(), item.at_ms, figures)
        needs_person = needs_person or (heard is not None and heard.safety is not None)
        for _ in range(10):
            open_key = self.open_key(contact, brand, address)
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
                keys.of(address, "bk"),
            ]
            args: list[scripts.Part] = [self._clock.offset_ms, new, old, contact, brand, address, sender, queue]
            args += ["1" if needs_person else "0", "1" if is_courtesy(item.kind, item.text) else "0", item.at_ms]
            args += [EDIT if changed else item.kind, item.origin or "", key, body, figures.reopen_h * HOUR_MS, COURTESY_MS]
            args.append(KEEP_RESOLVED_MS)
            args += [keys.KEEP_MS, "1" if elsewhere else "0", changed, item.edits if changed else 0, item.asked]
            args += [*listened, BOOST_S[Boost.REOPENED], boost or "", BOOST_S[boost] if boost else "", figures.sticky_h * HOUR_MS]
            args += [complaints, " ".join(ahead), flood.MOST, flood.WINDOW_MS, flood.AGAIN_MS]
            args += [what_of(item), self._vault.blind("file", contact, key, "0") if item.media is not None else ""]
            args.append("" if epoch is None else epoch)
            answer = await scripts.run(self._redis, "conv_inbound", names, args)
            if answer[0] == b"erasing":
                raise NotFound("this contact is being erased")
            if answer[0] != b"again":
                conversation = ConversationId(answer[1].decode())
                await self._settle(conversation)
                if not self.terms.push():
                    await self._upkeep.bring_back(conversation)
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
        names = [keys.of(address, "pm"), self.open_key(contact, brand, address)]
        held = await scripts.run(self._redis, "conv_mention", names, [message, packed, MENTIONS, keys.KEEP_MS])
        if held:
            await self.desk.touched(ConversationId(bytes(held).decode()))

    # what agents say

    async def reply(
        self,
        command: Command,
        text: Personal,
        *,
        author: Personal,
        deadline_ms: int,
        quote: Personal | None = None,
        again: MessageId | str = "",
        beside: Beside = NOTHING_BESIDE,
        enqueued: Callable[[Ready], None] = lambda ready: None,
    ) -> Done:
        """Hand an agent's words to the outbox: one message, whatever happens in between (lua/conv_reply.lua).

        author:      the first name that the contact may be shown
        deadline_ms: when the service window closes, margin off; past it is refused as window_closed
        quote:       the channel's id of the message of theirs that it quotes
        again:       the message of ours that it repeats, decided by its agent
        beside:      a file that goes with them, the template as which they go
        enqueued:    told as soon as it is in its lane: the desk can wait for its news, the person should not
        """
        for _ in range(3):
            found = await self.get(command.conversation)
            names, args = await self._reply_call(command, found, text, author, deadline_ms, quote, again, beside)
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
        beside: Beside,
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
                **beside.of_body(),
            },
            message,
        )
        entry = box.seal_json({"text": words, **beside.of_entry()}, codec.about_entry(found.contact, command.key))
        pair = self._pair.get(found.sender)
        names = [
            *self._names(command.conversation, command),
            keys.of(found.contact, "f"),
            keys.of(message, "m"),
            *keys.lane_keys(int(found.contact[1:3]), found.sender),
            keys.beside(found.contact, "vr"),
        ]
        stands_for = digest("reply", command, words, again, *beside.named())
        args: list[scripts.Part] = [command.agent, command.epoch, stands_for, keys.KEEP_MS]
        args += [message, deadline_ms, pair.tolerance_ms if pair else 0, keys.REPLY_KEEP_MS, command.key, again]
        args += [body, entry, found.sender]
        return names, args

    # reading

    async def thread(self, conversation: Conversation, limit: int = THREAD_MAX) -> list[Entry]:
        """The last lines, oldest first. Empty when the contact was erased: nothing can be opened any more."""
        return codec.fold_edits(await self._entries(conversation, limit))

    async def shown_at(self, conversation: Conversation, place: str) -> str:
        """The id of the line of `thread` that shows what stands at a place in it, "" for none (codec.shown_at)."""
        return codec.shown_at(await self._entries(conversation, THREAD_MAX), place)

    async def _entries(self, conversation: Conversation, limit: int) -> list[Entry]:
        raw = await self._redis.xrevrange(keys.of(conversation.id, "ct"), count=limit)
        try:
            box = await self._vault.contact_box(conversation.contact)
            return [codec.parse_entry(place, fields, box, conversation.contact) for place, fields in reversed(raw)]
        except Sealed:
            return []

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

    async def whispers(self, conversation: Conversation) -> list[Whisper]:
        """What was whispered to whoever had it, oldest first; whoever shows one asks first who looks."""
        raw = await self._redis.lrange(keys.of(conversation.id, "wsp"), 0, -1)
        try:
            return parse_whispers(raw, await self._vault.contact_box(conversation.contact), conversation) if raw else []
        except Sealed:
            return []

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

    async def recount(self) -> dict[AgentId, int]:
        """Count slots again from the conversations: per agent how many were wrong, and are right now (recount.py)."""
        return await self._recount.mend()

    async def erase(self, contact: ContactId) -> int:
        """Destroy a contact's conversations and mentions; how many. Repeatable; before the contact's own keys go."""
        return await self._upkeep.erase(contact)

    # inside

    async def _boxes(self, contacts: Sequence[ContactId]) -> Mapping[ContactId, Box]:
        try:
            return await self._vault.contact_boxes(list(dict.fromkeys(contacts)))
        except Sealed:
            return {}


def _said(found: Conversation, enqueued: Callable[[Ready], None], done: Done) -> None:
    """Name an agent's words, which are in their lane now, to whoever sends them."""
    if not done.repeated:
        message = MessageId(done.message)
        enqueued(Ready(partition_of(message), found.sender, int(Priority.AGENT), message, found.contact, ""))
