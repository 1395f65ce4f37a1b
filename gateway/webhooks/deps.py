"""What applying needs, gathered once by whoever wires the parts together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.assistant.hearing import Assistant
from gateway.assistant.saying import SystemLines
from gateway.clock import Clock
from gateway.connector import ChannelFacts
from gateway.directory import Directory
from gateway.families.home import Home
from gateway.families.saying import FamilySayer
from gateway.model.webcare import DeskPlan
from gateway.planning.telling import Teller
from gateway.planning.waiting import Waiting
from gateway.planning.worlds import Worlds
from gateway.prices.tariffs import Tariffs
from gateway.rules.listening import Listener
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.dialogues import Dialogues
from gateway.store.documents import Documents
from gateway.store.incidents import Incidents
from gateway.store.media import Media
from gateway.store.outbox import Outbox
from gateway.store.subjects import Subjects
from gateway.store.vault import Vault
from gateway.wake import Wake
from gateway.webhooks.waysin import WaysIn


@dataclass(frozen=True, slots=True)
class Deps:
    """facts:   channel -> its numbers; a channel without an entry does nothing by time and shares no threads
    waiting: sends what waited for a window or a proof; ways: asks whether somebody came by an invitation
    rebookings: keeps what people say of their cancelled journeys, and lets them follow another one
    home: who is at home for whom, where there are families
    incidents: knows whose answers belong in the queue of a crisis; documents: what is uploaded for whom
    media: has files that came with words fetched
    family: speaks of families, and knows what a traveller was last asked about theirs
    assistant: answers plain questions before the desk
    lines: says what the house says by itself
    plan: the queues, and what belongs in which; listener: what a message says of itself
    """

    contacts: Contacts
    outbox: Outbox
    conversations: Conversations
    vault: Vault
    worlds: Worlds
    directory: Directory
    clock: Clock
    wake: Wake
    facts: Mapping[str, ChannelFacts] = field(default_factory=dict)
    waiting: Waiting | None = None
    ways: WaysIn | None = None
    incidents: Incidents | None = None
    rebookings: tuple[Subjects, Teller] | None = None
    tariffs: Tariffs = field(default_factory=Tariffs)
    documents: Documents | None = None
    home: Home | None = None
    family: tuple[FamilySayer, Dialogues] | None = None
    plan: DeskPlan = field(default_factory=DeskPlan.plain)
    listener: Listener = field(default_factory=Listener)
    media: Media | None = None
    assistant: Assistant | None = None
    lines: SystemLines | None = None
