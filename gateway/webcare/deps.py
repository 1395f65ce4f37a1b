"""What the desk and its API need, gathered once by whoever wires the parts together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.connector import ChannelFacts
from gateway.model.ids import SenderId
from gateway.store.agents import Agents
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.outbox import Outbox
from gateway.webcare.live import Live

WINDOW_MS = 24 * 3600 * 1000
TEXT_MAX = 4096


def _nobody(sender: SenderId) -> None:
    pass


@dataclass(frozen=True, slots=True)
class WebcareDeps:
    """brands: id -> name for people; channels: sender -> its channel's numbers
    live:            tells open pages what changed; `webcare.run` feeds it
    enqueued:        called with the sender of each reply, so that a dispatch in this process need not wait to look
    trusted_proxies: addresses whose X-Forwarded-For and X-Forwarded-Proto are believed
    """

    conversations: Conversations
    agents: Agents
    contacts: Contacts
    outbox: Outbox
    clock: Clock
    brands: Mapping[str, str]
    channels: Mapping[SenderId, ChannelFacts]
    live: Live = field(default_factory=Live)
    enqueued: Callable[[SenderId], None] = _nobody
    trusted_proxies: tuple[str, ...] = ()

    def channel(self, sender: SenderId) -> str:
        facts = self.channels.get(sender)
        return facts.channel if facts else ""

    def window_ms(self, sender: SenderId) -> int:
        facts = self.channels.get(sender)
        return facts.window_ms if facts else WINDOW_MS

    def text_max(self, sender: SenderId) -> int:
        facts = self.channels.get(sender)
        return facts.text_max if facts else TEXT_MAX
