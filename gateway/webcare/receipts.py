"""Read receipts: when its owner opens a conversation, its contact sees that somebody read it (T5).

A courtesy, and kept like one: it waits in no store, is tried once, holds up nobody, and is no message (nothing counts it, paces
it or pays for it). One for the newest line of theirs, never twice for the same line, and none while another program holds the
thread.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import structlog

from gateway.connector import Connector, Outcome, Sender
from gateway.errors import CannotRender, GatewayError
from gateway.model.contact import Address
from gateway.model.conversation import Conversation, Entry, EntryKind
from gateway.model.ids import ConversationId, MessageId, SenderId
from gateway.model.message import MarkRead, OutboundMessage
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.webcare.live import being_cancelled

SEND_S = 5.0
WAITING = 500
REMEMBERED = 5_000


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
        self._queue: asyncio.Queue[Conversation] = asyncio.Queue(WAITING)
        self._told: OrderedDict[ConversationId, str] = OrderedDict()

    async def opened(self, one: Conversation) -> None:
        """Its owner looks at it. Returns at once; where too many wait, one is left out."""
        if not self._queue.full():
            self._queue.put_nowait(one)

    async def run(self) -> None:
        """Until cancelled."""
        while not being_cancelled():
            one = await self._queue.get()
            try:
                async with asyncio.timeout(SEND_S):
                    await self.tell(one)
            except Exception as error:  # the top of a loop
                structlog.get_logger().info("desk.receipt_untold", conversation=one.id, error=type(error).__name__)

    async def tell(self, one: Conversation) -> bool:
        """Mark what they wrote last as read at the channel; whether that was taken. Raises StoreUnavailable, TimeoutError."""
        line = _newest(await self._conversations.thread(one, 20))
        if line is None or self._told.get(one.id) == line.id or one.elsewhere_since_ms is not None:
            return False
        contact = await self._contacts.get(one.contact)
        address = next((known for known in contact.profile.addresses if known.id == one.address), None)
        way = self._ways(one.sender)
        if address is None or way is None or contact.facts.erasing or not await self._allowed(address):
            return False
        sender, connector = way
        assert line.channel_message_id is not None
        recipient = tuple((known.kind, known.value) for known in address.identifiers if known.scope in ("", sender.scope))
        message = OutboundMessage(MessageId(""), 1, sender.id, recipient, MarkRead(line.channel_message_id))
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
