"""Wires the webhooks role together: its routes on the public listener, its two loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache

from aiohttp import web

from gateway.assistant import dialogs
from gateway.assistant.hearing import Assistant
from gateway.assistant.open_things import OpenThings
from gateway.insight.hooks import Signer
from gateway.metrics import Metrics
from gateway.oidc import OidcClient
from gateway.planning.telling import Teller
from gateway.planning.waiting import Waiting
from gateway.planning.waysin_links import LinkMaker
from gateway.runtime import Runtime, make_media
from gateway.store import keys
from gateway.store.assistants import AssistantMemories
from gateway.store.dialogues import Dialogues
from gateway.store.incidents import Incidents
from gateway.store.invitations import Invitations
from gateway.store.ownership import Ownership
from gateway.store.passes import Passes
from gateway.store.pending import Pending
from gateway.webhooks import api, identity, invite, join, pass_page, speaker, worker
from gateway.webhooks.apply import Applier, Deps
from gateway.webhooks.identity import IdentityPages
from gateway.webhooks.identity_code import CodeHook
from gateway.webhooks.joining import make_family_sayer
from gateway.webhooks.pass_page import PassPages
from gateway.webhooks.split import Splitter
from gateway.webhooks.waysin import make_ways_in


def add_routes(app: web.Application, runtime: Runtime) -> None:
    speaker.add_routes(app)
    api.add_routes(
        app,
        api.Deps(
            webhooks=runtime.webhooks,
            connectors=runtime.connectors,
            secrets=runtime.settings.app_secrets,
            verify_token=runtime.settings.verify_token,
            wake=runtime.wake,
            count=_counter(runtime.metrics),
        ),
    )
    settings, vault = runtime.settings, runtime.vault
    invite.add_routes(
        app,
        invite.Deps(
            invitations=Invitations(runtime.connection.redis, runtime.clock, vault),
            maker=LinkMaker(runtime.connectors, runtime.directory, vault.blind, settings.public_url),
            catalogue=runtime.catalogue,
            vault=vault,
            clock=runtime.clock,
            connectors=runtime.connectors,
            trusted_proxies=settings.trusted_proxies,
            default_brand=settings.brand,
        ),
    )
    join.add_routes(
        app,
        join.Deps(
            home=runtime.home,
            subjects=runtime.subjects,
            invitations=Invitations(runtime.connection.redis, runtime.clock, vault),
            maker=LinkMaker(runtime.connectors, runtime.directory, vault.blind, settings.public_url),
            catalogue=runtime.catalogue,
            vault=vault,
            clock=runtime.clock,
            connectors=runtime.connectors,
            trusted_proxies=settings.trusted_proxies,
            default_brand=settings.brand,
        ),
    )
    pages = PassPages(
        pass_page.Deps(
            passes=Passes(runtime.connection.redis, runtime.clock, vault),
            subjects=runtime.subjects,
            wallets=runtime.wallets,
            catalogue=runtime.catalogue,
            vault=vault,
            clock=runtime.clock,
            trusted_proxies=settings.trusted_proxies,
            default_brand=settings.brand,
            plain=not settings.public_base.startswith("https://"),
        )
    )
    pages.add_routes(app)
    IdentityPages(_identity_deps(runtime)).add_routes(app)


def _identity_deps(runtime: Runtime) -> identity.Deps:
    """With the ways that are set up; without any, every link is one that does not work."""
    settings, clock = runtime.settings, runtime.clock
    codes, login = None, None
    if settings.identity_code_url is not None and settings.webhook_secret is not None:
        codes = CodeHook(runtime.session, settings.identity_code_url, Signer(settings.webhook_secret), clock)
    if settings.customer_oidc_issuer is not None:
        client = OidcClient(
            settings.customer_oidc_issuer, settings.customer_oidc_client_id or "", settings.customer_oidc_client_secret, clock,
            scopes=settings.customer_oidc_scopes,
        )  # fmt: skip
        pending = Pending(runtime.connection.redis, runtime.vault, "customer")
        login = identity.Login(client, settings.customer_oidc_claim, pending)
    return identity.Deps(
        conversations=runtime.conversations,
        contacts=runtime.contacts,
        catalogue=runtime.catalogue,
        clock=clock,
        public_url=settings.public_url or "",
        codes=codes,
        login=login,
        trusted_proxies=settings.trusted_proxies,
        default_brand=settings.brand,
    )


def _counter(metrics: Metrics) -> Callable[[str, str], None]:
    """Counts answers; looking a label up costs four times what counting does."""

    @cache
    def one(channel: str, answer: str) -> Callable[[], None]:
        return metrics.webhooks_in.labels(channel, answer).inc

    return lambda channel, answer: one(channel, answer)()


def make_splitter(runtime: Runtime) -> Splitter:
    return Splitter(
        runtime.webhooks,
        runtime.contacts,
        runtime.senders,
        runtime.directory,
        runtime.connectors,
        runtime.clock,
        runtime.worlds.stale,
        make_ways_in(runtime),
    )


def make_applier(runtime: Runtime) -> Applier:
    contacts, outbox, vault = runtime.contacts, runtime.outbox, runtime.vault
    teller = Teller(contacts, runtime.subjects, outbox, vault, runtime.worlds, runtime.wake, runtime.untold)
    return Applier(
        Deps(
            contacts,
            outbox,
            runtime.conversations,
            vault,
            runtime.worlds,
            runtime.directory,
            runtime.clock,
            runtime.wake,
            facts={name: one.facts for name, one in runtime.connectors.items()},
            waiting=Waiting(outbox, contacts, vault, teller, runtime.clock, runtime.wake),
            ways=make_ways_in(runtime),
            incidents=Incidents(runtime.connection.redis, runtime.clock),
            rebookings=(runtime.subjects, teller),
            tariffs=runtime.tariffs,
            documents=runtime.documents,
            home=runtime.home if runtime.home.places else None,
            family=(make_family_sayer(runtime), Dialogues(runtime.connection.redis, vault)),
            plan=runtime.desk_plan,
            listener=runtime.listener,
            media=make_media(runtime),
            lines=runtime.lines,
            assistant=Assistant(
                runtime.conversations,
                AssistantMemories(runtime.connection.redis, vault),
                OpenThings(runtime.subjects, contacts, runtime.worlds),
                runtime.lines,
                dialogs.load(dialogs.folder_of(runtime.settings.words_dir)),
            ),
        )
    )


async def run(runtime: Runtime) -> None:
    """Until stopping: split what was kept, apply what was split."""
    splitter, applier = make_splitter(runtime), make_applier(runtime)
    redis, clock, stopping = runtime.connection.redis, runtime.clock, runtime.stopping
    logs = Ownership(redis, clock, "split", keys.WEBHOOK_LOGS)
    inboxes = Ownership(redis, clock, "inbox", len(keys.all_partitions()))
    split_beat = runtime.beats.expect("webhooks.split", 60)
    apply_beat = runtime.beats.expect("webhooks.apply", 60)
    async with asyncio.TaskGroup() as group:
        for owned in (logs, inboxes):
            group.create_task(owned.keep(stopping), name="owned")
        group.create_task(worker.run_split(splitter, logs, runtime.wake, stopping, split_beat), name="split")
        group.create_task(
            worker.run_apply(runtime.webhooks, applier, inboxes, runtime.wake, stopping, apply_beat), name="apply"
        )
    runtime.beats.leave("webhooks.split")
    runtime.beats.leave("webhooks.apply")
