"""What each listener serves, gathered from the roles that run here: the API, health and metrics inside, the desk outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway import http, webcare
from gateway.api import routes as api_routes
from gateway.api.auth import guarded
from gateway.api.brakes import BrakeDeps
from gateway.api.families import FamilyDeps
from gateway.api.inviting import inviting_of
from gateway.api.people import People
from gateway.api.problems import problem
from gateway.api.rollouts import RolloutDeps
from gateway.assistant.open_things import OpenThings
from gateway.clock import Clock
from gateway.connector import Connector, Sender
from gateway.errors import StoreError
from gateway.families.overview import Overview
from gateway.families.state_said import Journeys
from gateway.health import Health
from gateway.insight.watch_rules import load_here, names_of
from gateway.insight.watch_signs import instance_of, run_signs
from gateway.intake import api as intake_api
from gateway.intake import schemas
from gateway.intake.dryrun_api import DryRunDoor
from gateway.intake.role import make_deps, make_expander, make_waiting
from gateway.intake.said_api import SaidDoor
from gateway.metrics import metrics_handler
from gateway.model.contact import Address
from gateway.model.identity import Proving, Way
from gateway.model.ids import SenderId
from gateway.oidc import OidcClient
from gateway.runtime import Runtime, make_media
from gateway.settings import Environment, Settings
from gateway.store.agents import Agents
from gateway.store.alarms import Alarms
from gateway.store.apikeys import ApiKey, ApiKeys, Scope
from gateway.store.assistants import AssistantMemories
from gateway.store.audit import Audit
from gateway.store.brakes import BrakeBook
from gateway.store.conversation_crisis import FirstInRank
from gateway.store.drafts import Drafts
from gateway.store.erasure import Erasure
from gateway.store.floor import Floor
from gateway.store.fuses import Fuses
from gateway.store.incidents import Incidents
from gateway.store.leases import Leases
from gateway.store.media import Media
from gateway.store.passes import Passes
from gateway.store.pending import Pending
from gateway.store.presence import PresenceBook
from gateway.store.queue_told import QueueTold
from gateway.store.readings import Readings
from gateway.store.rollouts import Rollouts
from gateway.store.signs import ROLE, Signs
from gateway.store.tries import Tries
from gateway.store.wakeup import write_offset
from gateway.webcare import canned
from gateway.webcare.board_hands import Hands
from gateway.webcare.fetch import Fetching
from gateway.webcare.outside import CALLER, Pace
from gateway.webcare.provider import Provider, read_groups
from gateway.webcare.queue_words import QueueWords
from gateway.webcare.receipts import Receipts
from gateway.webcare.router import make_router
from gateway.webcare.scan import HookScanner
from gateway.webcare.templates import DeskTemplates

LARGEST = 32 * 1024 * 1024
DEPTH_S = 2.0

log = structlog.get_logger()


async def sample_depth(runtime: Runtime) -> None:
    readings = Readings(runtime.connection.redis, runtime.clock)
    while not runtime.stopping.is_set():
        try:
            queued = await runtime.outbox.depth(runtime.directory.ids)
            opened = await runtime.events.depth()
            runtime.depth.waiting = queued + opened
            runtime.depth.memory = await readings.memory()
            runtime.metrics.events_open.set(opened)
            waiting, _ = await runtime.webhooks.backlog()
            runtime.metrics.webhooks_waiting.set(waiting)
        except (StoreError, OSError, TimeoutError) as error:
            log.info("depth.unknown", error=type(error).__name__)
        await asyncio.sleep(DEPTH_S)


async def say_signs(runtime: Runtime) -> None:
    """How this process is, for whoever watches."""
    await run_signs(
        Signs(runtime.connection.redis),
        instance=instance_of(runtime.settings.internal_port),
        names=names_of(load_here()) | {ROLE},
        channels=runtime.connectors,
        metrics=runtime.metrics,
        beats=runtime.beats,
        clock=runtime.clock,
        stopping=runtime.stopping,
    )


def webcare_deps(runtime: Runtime) -> webcare.WebcareDeps:
    redis, clock, plan = runtime.connection.redis, runtime.clock, runtime.desk_plan
    incidents = Incidents(redis, clock)
    media, receipts = make_media(runtime), _receipts(runtime)
    moves = FirstInRank(redis, clock, runtime.conversations, incidents)
    # The demo turns the clock by days; who sits at the desk lives by the one on the wall, and so does the app with their codes.
    own = Clock() if runtime.settings.env is Environment.DEMO else clock
    agents, presence, floor = Agents(redis, own, runtime.vault), PresenceBook(redis, clock), Floor(redis)
    return webcare.WebcareDeps(
        conversations=runtime.conversations,
        agents=agents,
        contacts=runtime.contacts,
        outbox=runtime.outbox,
        clock=runtime.clock,
        brands={name: brand.name for name, brand in runtime.catalogue.brands.items()},
        channels={
            sender.id: runtime.connectors[sender.channel].facts
            for sender in runtime.directory
            if sender.channel in runtime.connectors
        },
        enqueued=lambda ready: runtime.wake.now("dispatch", [ready]),
        trusted_proxies=runtime.settings.trusted_proxies,
        first_queues=incidents.first_queues,
        move_first=moves.move,
        slots_mended=runtime.metrics.slots_mended.inc,
        findings=runtime.senders.findings,
        journeys=Journeys(runtime.subjects),
        things=OpenThings(runtime.subjects, runtime.contacts, runtime.worlds),
        presence=presence,
        floor=floor,
        router=make_router(
            runtime.conversations, agents, presence, floor, Leases(redis), incidents.first_queues, moves.to_queue,
            QueueWords(runtime.lines), QueueTold(redis), plan, clock, runtime.metrics,
        ),
        provider=_provider(runtime),
        plan=runtime.desk_plan,
        lines=runtime.lines,
        past=runtime.past,
        hands=hands_of(runtime),
        memories=AssistantMemories(redis, runtime.vault),
        proving=_proving(runtime.settings),
        media=media,
        fetching=_fetching(runtime, media),
        documents=runtime.documents,
        opened=receipts.opened,
        receipts=receipts,
        drafts=Drafts(runtime.connection.redis, runtime.clock, runtime.vault),
        canned=canned.load(runtime.settings.canned_dir),
        templates=DeskTemplates(runtime.worlds.now, runtime.tariffs),
        tariffs=runtime.tariffs,
        file_max=runtime.settings.media_max_mb * 1_000_000,
    )


def hands_of(runtime: Runtime) -> Hands:
    """What the board works the brakes with."""
    redis, clock = runtime.connection.redis, runtime.clock
    return Hands(
        book=BrakeBook(redis, clock),
        fuses=Fuses(redis, clock, runtime.vault),
        incidents=Incidents(redis, clock),
        subjects=runtime.subjects,
        events=runtime.events,
        rollouts=Rollouts(redis, clock),
        alarms=Alarms(redis),
        signs=Signs(redis),
        audit=Audit(redis, clock, runtime.vault),
        vault=runtime.vault,
        clock=clock,
        second=runtime.settings.fuse_second_person,
        senders=runtime.directory.ids,
    )


def _ways(runtime: Runtime) -> Callable[[SenderId], tuple[Sender, Connector] | None]:
    def ways(sender: SenderId) -> tuple[Sender, Connector] | None:
        found = runtime.directory.get(sender)
        connector = runtime.connectors.get(found.channel) if found is not None else None
        return (found, connector) if found is not None and connector is not None else None

    return ways


def _receipts(runtime: Runtime) -> Receipts:
    async def allowed(address: Address) -> bool:
        world = await runtime.worlds.now()
        listed = world.allowed(address)
        return world.production if listed is None else listed

    return Receipts(runtime.conversations, runtime.contacts, _ways(runtime), allowed)


def _fetching(runtime: Runtime, media: Media) -> Fetching:
    scan = runtime.settings.media_scan_url
    return Fetching(
        media=media,
        ways=_ways(runtime),
        largest=runtime.settings.media_max_mb * 1_000_000,
        told=runtime.conversations.desk.touched,
        scanner=HookScanner(runtime.session, scan.reveal()) if scan is not None else None,
    )


def _proving(settings: Settings) -> Proving:
    """By which ways customers can show who they are; their pages are the webhooks role's."""
    ways = {Way.LOGIN: settings.customer_oidc_issuer, Way.CODE: settings.identity_code_url}
    return Proving(frozenset(way for way, given in ways.items() if given is not None), settings.public_url or "")


def _provider(runtime: Runtime) -> Provider | None:
    """Who says who agents are, where somebody else does. Raises SettingsError for a table of groups that cannot be read."""
    settings = runtime.settings
    if settings.oidc_issuer is None or settings.oidc_groups_file is None:
        return None
    secret, scopes = settings.oidc_client_secret, settings.oidc_scopes
    redis, vault = runtime.connection.redis, runtime.vault
    return Provider(
        client=OidcClient(settings.oidc_issuer, settings.oidc_client_id or "", secret, runtime.clock, scopes=scopes),
        groups=read_groups(settings.oidc_groups_file),
        claim=settings.oidc_groups_claim,
        console=settings.console_url or "",
        pending=Pending(redis, vault, "agent"),
        tries=Tries(redis, vault),
        grace_s=settings.oidc_grace_s,
    )


def add_console(app: web.Application, desk: webcare.WebcareDeps, settings: Settings) -> None:
    """The desk. In the demo the sandbox may show it beside its phones; anywhere else nobody may frame it."""
    framed_by = settings.graph_url if settings.env is Environment.DEMO else ""
    webcare.add_console_routes(app, desk, framed_by=framed_by)


def add_internal(
    app: web.Application, runtime: Runtime, names: Sequence[str], health: Health, desk: webcare.WebcareDeps
) -> None:
    app.router.add_get("/healthz", health.get_alive)
    app.router.add_get("/readyz", health.get_ready)
    app.router.add_get("/metrics", metrics_handler(runtime.metrics))
    keys = ApiKeys(runtime.connection.redis, runtime.clock, runtime.settings.api_key)
    app.middlewares.append(_keyed(keys))
    if "intake" in names:
        _add_intake(app, runtime, keys)
    if "webcare" in names:
        webcare.add_api_routes(app, desk)
    if runtime.settings.env is Environment.DEMO:
        app.router.add_put("/v1/clock", _clock(runtime))


def _add_intake(app: web.Application, runtime: Runtime, keys: ApiKeys) -> None:
    deps = make_deps(runtime, keys)
    intake_api.add_routes(app, deps)
    redis = runtime.connection.redis
    people = People(
        contacts=runtime.contacts,
        passes=Passes(redis, runtime.clock, runtime.vault),
        audit=Audit(redis, runtime.clock, runtime.vault),
        outbox=runtime.outbox,
        conversations=runtime.conversations,
        erasure=Erasure(
            redis, runtime.clock, runtime.vault, runtime.contacts, runtime.conversations, runtime.directory.ids, runtime.pairs,
            runtime.past,
        ),
        vault=runtime.vault,
        clock=runtime.clock,
        connectors=runtime.connectors,
        directory=runtime.directory,
        wordings=runtime.catalogue.wordings,
        default_brand=runtime.settings.brand,
        newcomer=make_expander(runtime).welcome,
        waiting=make_waiting(runtime),
        families=runtime.subjects.families,
        past=runtime.past,
        plan=runtime.desk_plan,
    )
    rollouts = RolloutDeps(Rollouts(redis, runtime.clock), runtime.catalogue, runtime.directory)
    overview = Overview(runtime.subjects.families, runtime.contacts, runtime.subjects)
    at_home = FamilyDeps(overview, BrakeBook(redis, runtime.clock), runtime.vault)
    api_routes.add_routes(
        app, people, inviting_of(runtime), keys, schemas.components, brake_deps(runtime, deps), rollouts, at_home
    )


def brake_deps(runtime: Runtime, deps: intake_api.Deps) -> BrakeDeps:
    redis, said = runtime.connection.redis, SaidDoor(runtime)
    return BrakeDeps(
        rehearse=DryRunDoor(runtime, deps).answer,
        correct=said.correct,
        notice=said.notice,
        incidents=Incidents(redis, runtime.clock),
        subjects=runtime.subjects,
        fuses=Fuses(redis, runtime.clock, runtime.vault),
        events=runtime.events,
        fans=runtime.fans,
        second=runtime.settings.fuse_second_person,
        book=BrakeBook(redis, runtime.clock),
        vault=runtime.vault,
        clock=runtime.clock,
    )


def _keyed(keys: ApiKeys) -> Middleware:
    """The demo's clock needs a key with all rights; the desk's API such a one, or one that is another program's desk."""
    pace = Pace()

    @web.middleware
    async def middleware(request: web.Request, handler: http.Handler) -> web.StreamResponse:
        if request.path.startswith(("/v1/conversations", "/v1/clock")):

            async def inside(request: web.Request, key: ApiKey) -> web.StreamResponse:
                if not key.may(Scope.ADMIN):
                    wait_s = pace.wait_s(key.name)
                    if wait_s:
                        return problem(429, "too_fast", "Too many calls with this key.", headers={"Retry-After": str(wait_s)})
                    request[CALLER] = key
                return await handler(request)

            other = Scope.DESK if request.path.startswith("/v1/conversations") else None
            return await guarded(keys, Scope.ADMIN, inside, other=other)(request)
        return await handler(request)

    return middleware


def _clock(runtime: Runtime):  # type: ignore[no-untyped-def]
    async def put_clock(request: web.Request) -> web.Response:
        """Demo only: turn the clock of every process. {"offset_ms": int}"""
        body = await request.json()
        await write_offset(runtime.connection.redis, int(body["offset_ms"]))
        runtime.clock.offset_ms = int(body["offset_ms"])
        return web.json_response({"offset_ms": runtime.clock.offset_ms, "now_ms": runtime.clock.now_ms()})

    return put_clock
