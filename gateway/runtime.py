"""Everything that roles and commands share, as `app.open_runtime` wired it. Only a role's `run` takes the whole of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import aiohttp

from gateway.assistant.saying import SystemLines
from gateway.clock import Clock
from gateway.connector import CapabilityProbe, Connector, Sender
from gateway.directory import Directory
from gateway.documents.maker import Maker
from gateway.documents.wallets import Wallets
from gateway.families.home import Home
from gateway.health import Beats
from gateway.insight.past import Past
from gateway.metrics import Metrics
from gateway.model.account import NumberReport, Refused
from gateway.model.webcare import DeskPlan
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.remote import TemplateAdmin
from gateway.planning.worlds import Worlds
from gateway.prices.tariffs import Tariffs
from gateway.rules.listening import Listener
from gateway.settings import Settings
from gateway.store.client import Connection
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.documents import Documents
from gateway.store.events import Events
from gateway.store.fanout import FanOuts
from gateway.store.media import Media
from gateway.store.outbox import Outbox, Pair
from gateway.store.senders import Senders
from gateway.store.subjects import Subjects
from gateway.store.untold import Untold
from gateway.store.vault import KeyRing, Vault
from gateway.store.webhooks import Webhooks
from gateway.wake import Wake


@dataclass
class Depth:
    """How much work waits and how full the store is, sampled every two seconds: intake answers 429 when it is too much.

    memory: what is used of what may be used, 0 where nobody set a limit
    """

    waiting: int = 0
    memory: float = 0.0


@dataclass(frozen=True, slots=True)
class Runtime:
    settings: Settings
    clock: Clock
    connection: Connection
    ring: KeyRing
    vault: Vault
    session: aiohttp.ClientSession
    connectors: Mapping[str, Connector]
    template_admins: Mapping[str, TemplateAdmin]
    probes: Mapping[str, CapabilityProbe]
    number_of: Callable[[Sender], Awaitable[NumberReport | Refused]]
    directory: Directory
    desk_plan: DeskPlan
    listener: Listener
    pairs: Mapping[str, Pair]
    catalogue: Catalogue
    tariffs: Tariffs
    contacts: Contacts
    subjects: Subjects
    events: Events
    fans: FanOuts
    untold: Untold
    outbox: Outbox
    documents: Documents
    maker: Maker
    wallets: Wallets
    senders: Senders
    webhooks: Webhooks
    conversations: Conversations
    lines: SystemLines
    past: Past
    worlds: Worlds
    home: Home
    wake: Wake
    beats: Beats
    metrics: Metrics
    stopping: asyncio.Event
    depth: Depth


def make_media(runtime: Runtime) -> Media:
    """Files of conversations. One directory for all processes; each may make its own of this."""
    settings = runtime.settings
    return Media(
        runtime.connection.redis, runtime.clock, runtime.vault, settings.media_dir, keep_days=settings.media_days
    )
