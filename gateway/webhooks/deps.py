"""What applying needs, gathered once by whoever wires the parts together."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.clock import Clock
from gateway.directory import Directory
from gateway.planning.worlds import Worlds
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.outbox import Outbox
from gateway.store.vault import Vault
from gateway.wake import Wake


@dataclass(frozen=True, slots=True)
class Deps:
    contacts: Contacts
    outbox: Outbox
    conversations: Conversations
    vault: Vault
    worlds: Worlds
    directory: Directory
    clock: Clock
    wake: Wake
