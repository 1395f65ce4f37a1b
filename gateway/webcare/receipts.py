"""Read receipts: when its owner opens a conversation, its contact sees that somebody read it (T5).

A courtesy, and kept like one: it waits in no store, is tried once, holds up nobody, and is no message (nothing counts it, paces
it or pays for it). One for the newest line of theirs, never twice for the same line, and none while another program holds the
thread.

The same way goes that its owner types a reply: at most each 18 s (channels take it away after 20 or 25), only while the customer
waits for our words, never for a note. It sends nothing, and nothing follows from it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import structlog

from gateway.connector import Connector, Outcome, Sender
from gateway.errors import CannotRender, GatewayError
from gateway.model.contact import Address
from gateway.model.conversation import AgentId, Conversation, Entry, EntryKind
from gateway.model.ids import ConversationId, MessageId, SenderId
from gateway.model.message import MarkRead, OutboundMessage
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.webcare.live import being_cancelled

SEND_S = 5.0
WAITING = 500
REMEMBERED = 5_000
TYPING_S = 18.0


class Receipts:
    """ways: a sender and its connector; allowed: whether this address may be reached from here at all (GATEWAY_ONLY_TO)."""

    def __init__(
        self,
        conversations: Conversations,
        contacts: Contacts,
        ways: Callable[[SenderId], tuple[Sender, Connector] | None],
        allowed: Callable[[Address], Awaitable[bool]],
    ) -> None:
        self._conversations = conversations
        self._contacts = contacts
        self._ways = ways
        self._allowed = allowed
        self._queue: asyncio.Queue[tuple[Conversation, bool]] = asyncio.Queue(WAITING)
        self._told: OrderedDict[ConversationId, str] = OrderedDict()
        self._typed: OrderedDict[tuple[ConversationId, AgentId], float] = OrderedDict()

    async def opened(self, one: Conversation) -> None:
        """Its owner looks at it. Returns at once; where too many wait, one is left out."""
        if not self._queue.full():
            self._queue.put_nowait((one, False))

    async def typed(self, identifier: ConversationId, agent: AgentId) -> None:
        """Somebody types a reply. Looked at only as often as it may be told. Raises StoreUnavailable."""
        now_s, key = time.monotonic(), (identifier, agent)
        if now_s - self._typed.get(key, float("-inf")) < TYPING_S or self._queue.full():
            return
        self._typed[key] = now_s
        self._typed.move_to_end(key)
        if len(self._typed) > REMEMBERED:
            self._typed.popitem(last=False)
        one = await self._owed(identifier, agent)
        if one is not None:
            self._queue.put_nowait((one, True))

    async def _owed(self, identifier: ConversationId, agent: AgentId | None) -> Conversation | None:
        """The conversation where its customer waits for this agent's words, else None."""
        (one,) = await self._conversations.get_many([identifier])
        return one if one is not None and one.owner == agent and one.waiting_since_ms is not None else None

    async def run(self) -> None:
        """Until cancelled."""
        while not being_cancelled():
            one, typing = await self._queue.get()
            try:
                async with asyncio.timeout(SEND_S):
                    # Behind a slow channel it may have waited: who was answered meanwhile is not told that somebody types.
                    if not typing or await self._owed(one.id, one.owner) is not None:
                        await self.tell(one, typing=typing)
            except Exception as error:  # the top of a loop
                structlog.get_logger().info("desk.receipt_untold", conversation=one.id, error=type(error).__name__)

    async def tell(self, one: Conversation, *, typing: bool = False) -> bool:
        """Mark what they wrote last as read at the channel; whether that was taken. Raises StoreUnavailable, TimeoutError.

        typing: and say that somebody types
        """
        line = _newest(await self._conversations.thread(one, 20))
        told = line is not None and self._told.get(one.id) == line.id
        if line is None or (told and not typing) or one.elsewhere_since_ms is not None:
            return False
        contact = await self._contacts.get(one.contact)
        address = next((known for known in contact.profile.addresses if known.id == one.address), None)
        way = self._ways(one.sender)
        if address is None or way is None or contact.facts.erasing or not await self._allowed(address):
            return False
        sender, connector = way
        assert line.channel_message_id is not None
        recipient = tuple((known.kind, known.value) for known in address.identifiers if known.scope in ("", sender.scope))
        message = OutboundMessage(MessageId(""), 1, sender.id, recipient, MarkRead(line.channel_message_id, typing))
        self._told[one.id] = line.id
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        try:
            answer = connector.classify(await connector.send(connector.render(message, sender)))
        except (OSError, TimeoutError, CannotRender, GatewayError):
            return False
        return answer.outcome is Outcome.ACCEPTED


def _newest(lines: list[Entry]) -> Entry | None:
    """What they wrote last, where the channel gave it an id and it was said to us."""
    theirs = [line for line in lines if line.kind is EntryKind.IN and line.channel_message_id is not None and not line.standby]
    return theirs[-1] if theirs else None
