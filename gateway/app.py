"""Composition root: Settings -> Runtime. The one place where parts are wired together.

Whatever is opened here is closed here, in the opposite order, also when opening fails half way.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from gateway import crashpoint, desk_plan, registry
from gateway import directory as directories
from gateway.assistant.saying import SystemLines
from gateway.clock import Clock
from gateway.connector import ChannelFacts
from gateway.documents.maker import Maker
from gateway.documents.wallets import Wallets
from gateway.families.herald import Herald
from gateway.families.home import make_home
from gateway.health import Beats
from gateway.insight.past import Past
from gateway.listening import WordLists
from gateway.metrics import Metrics
from gateway.notifications import catalogue as catalogues
from gateway.planning.telling import Teller
from gateway.planning.waysin_say import Sayer
from gateway.planning.worlds import Worlds
from gateway.prices.tariffs import Tariffs
from gateway.runtime import Depth, Runtime
from gateway.settings import Environment, Settings
from gateway.store import layout
from gateway.store.client import connect
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations, Terms
from gateway.store.documents import Documents
from gateway.store.events import Events
from gateway.store.fanout import FanOuts
from gateway.store.incidents import Incidents
from gateway.store.ledger import Ledger
from gateway.store.outbox import Outbox, Pair
from gateway.store.senders import Senders
from gateway.store.subjects import Subjects
from gateway.store.untold import Untold
from gateway.store.vault import Vault, ring_for
from gateway.store.wakeup import publish_to, read_offset
from gateway.store.webhooks import Webhooks
from gateway.wake import Wake


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """Open everything a role or a command needs.

    raises: SettingsError, StoreUnavailable, StoreRefused (not durable, evicting, another environment), LayoutMismatch,
            BadInput (templates/)
    """
    async with contextlib.AsyncExitStack() as stack:
        senders_known = directories.read(settings)
        lists = WordLists.load(settings.words_dir)
        plan = desk_plan.read(settings, lists.reasons)
        catalogue = catalogues.load(settings.templates_dir, public=settings.public_base)
        tariffs = Tariffs.open(settings.prices_dir)
        ring = ring_for(settings.keys, settings.data_dir)
        connection = await connect(settings)
        stack.push_async_callback(connection.close)
        connection.durability.demand(settings.env)
        redis = connection.redis
        clock = Clock()
        crashpoint.arm(settings.crash_at)
        await layout.claim(redis, settings.env, clock.now_ms())
        if settings.env is Environment.DEMO:  # only a demo may turn the clock
            clock.offset_ms = await read_offset(redis)
        session = aiohttp.ClientSession(trust_env=False)
        stack.push_async_callback(session.close)
        channels = registry.open_channels(settings, session, clock)
        for connector in channels.connectors.values():
            stack.push_async_callback(connector.close)
        vault = Vault(ring, redis, acks=settings.store_acks)
        vault.form.packed = await layout.packs_bodies(redis)
        ledger = Ledger(settings.ledger_file, vault.blind)
        ledger.make()
        pairs: dict[str, Pair] = {
            sender.id: _pair(channels.connectors[sender.channel].facts, settings)
            for sender in senders_known
            if sender.channel in channels.connectors
        }
        senders = Senders(redis, clock)
        metrics = Metrics()
        maker = await stack.enter_async_context(Maker(settings.templates_dir, settings.fonts_dir, metrics=metrics))
        contacts, subjects = Contacts(redis, clock, vault, ledger), Subjects(redis, clock, vault)
        outbox, untold = Outbox(redis, clock, pairs, acks=settings.store_acks), Untold(redis, clock, vault)
        wake = Wake(publish_to(redis))
        worlds = Worlds(catalogue, senders_known, channels.connectors, senders, settings, clock, vault)
        conversations = Conversations(
            redis, clock, vault, pair=pairs, acks=settings.store_acks,
            terms=Terms(lambda brand: plan.of(brand).figures, lambda: plan.push),
        )
        past = Past(settings.history_url, vault, conversations)
        stack.push_async_callback(past.close)
        system_lines = SystemLines(
            conversations, contacts, clock, plan, {name: brand.name for name, brand in catalogue.brands.items()},
            {one.id: channels.connectors[one.channel].facts for one in senders_known if one.channel in channels.connectors},
            lambda ready: wake.now("dispatch", [ready]),
        )  # fmt: skip
        conversations.ending = system_lines.ending
        teller = Teller(contacts, subjects, outbox, vault, worlds, wake, untold)
        yield Runtime(
            settings=settings,
            clock=clock,
            connection=connection,
            ring=ring,
            vault=vault,
            session=session,
            connectors=channels.connectors,
            template_admins=channels.template_admins,
            probes=channels.probes,
            number_of=registry.number_of(settings),
            directory=senders_known,
            desk_plan=plan,
            listener=lists.listener(),
            pairs=pairs,
            catalogue=catalogue,
            tariffs=tariffs,
            contacts=contacts,
            subjects=subjects,
            events=Events(redis, clock, vault),
            fans=FanOuts(redis),
            untold=untold,
            outbox=outbox,
            documents=Documents(redis, vault),
            wallets=Wallets.open(settings, catalogue, vault.blind, clock.now_ms),
            maker=maker,
            senders=senders,
            webhooks=Webhooks(redis, clock, vault, acks=settings.store_acks),
            conversations=conversations,
            past=past,
            lines=system_lines,
            worlds=worlds,
            home=make_home(
                contacts, subjects, teller, Herald(Sayer(contacts, outbox, vault, worlds, wake), vault),
                Incidents(redis, clock), clock, settings.family_places,
            ),
            wake=wake,
            beats=Beats(),
            metrics=metrics,
            stopping=asyncio.Event(),
            depth=Depth(),
        )


def _pair(facts: ChannelFacts, settings: Settings) -> Pair:
    """The setting may change a channel's pair rate; it gives none to a channel that has none."""
    return Pair(settings.pair_interval_ms if facts.pair_interval_ms else 0, facts.pair_burst)
