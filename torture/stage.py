"""Sets the stage: directories, ports, settings of every process, templates handed in and approved, phones that have a chat."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from gateway import settings as settings_module
from gateway.app import open_runtime
from gateway.connector import Sender
from gateway.model.personal import Secret
from gateway.notifications import push
from gateway.notifications.catalogue import Catalogue
from gateway.runtime import Runtime
from gateway.store.agents import Agents
from torture.cast import Person
from torture.events import BRAND
from torture.house import ROOT, Gateway, House, Member, free_ports, store_member
from torture.seen import TELLS
from torture.sizes import Sizes

API_KEY = "torture-key-of-thirty-two-letters"
NUMBER, WABA, PAGE = "314159265358979", "271828182845904", "141421356237302"
TOKEN = "sandbox-system-user-token"
"""Opens nothing but the sandbox."""


def set_up(directory: Path, sizes: Sizes, seed: int, *, balancer: int) -> House:
    """Nothing is started yet. balancer: the port at which the world's webhooks come in."""
    logs = directory / "logs"
    logs.mkdir(parents=True)
    store, url = store_member(directory / "store", logs)
    sandbox_port, *ports = free_ports(1 + 3 * len(sizes.roles))
    sandbox_url = f"http://127.0.0.1:{sandbox_port}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SANDBOX_"))}
    environment = kept | _settings(directory, url, sandbox_url, sizes)
    gateways = []
    for place, (name, roles) in enumerate(sizes.roles.items()):
        public, internal, console = ports[3 * place : 3 * place + 3]
        own = {
            "GATEWAY_PUBLIC_PORT": str(public),
            "GATEWAY_INTERNAL_PORT": str(internal),
            "GATEWAY_CONSOLE_PORT": str(console),
        }
        command = [sys.executable, str(ROOT / "main.py"), "run", "--roles", roles]
        gateways.append(
            Gateway(
                name, command, environment | own, logs / f"{name}.log", pause_s=1.0,
                roles=frozenset(roles.split(",")), public=public, internal=internal,
            )
        )  # fmt: skip
    callback = f"http://127.0.0.1:{balancer}/webhooks"
    world = kept | {
        "SANDBOX_PORT": str(sandbox_port),
        "SANDBOX_DATA_DIR": str(directory / "world"),
        "SANDBOX_SEED": str(seed),
        "SANDBOX_REVIEW_MS": "200",
        "SANDBOX_CREATIONS_AN_HOUR": "1000",
        "SANDBOX_WEBHOOK_URL": f"{callback}/whatsapp",
        "SANDBOX_PAGE_WEBHOOK_URL": f"{callback}/messenger",
    }
    sandbox = Member("sandbox", [sys.executable, "-m", "sandbox"], world, logs / "sandbox.log")
    return House(directory, store, sandbox, sandbox_url, gateways, environment)


def _settings(directory: Path, store_url: str, sandbox_url: str, sizes: Sizes) -> dict[str, str]:
    senders = directory / "senders.yaml"
    entries = [
        {"id": "air", "channel": "whatsapp", "brand": BRAND, "account": {"phone_number_id": NUMBER, "waba_id": WABA}},
        {"id": "page", "channel": "messenger", "brand": BRAND, "account": {"page_id": PAGE}},
    ]
    senders.write_text(yaml.safe_dump({"senders": [{**one, "portfolio": "torture", "token": TOKEN} for one in entries]}))
    return {
        "GATEWAY_ENV": "staging",
        "GATEWAY_ONLY_TO": "*",
        "GATEWAY_DATA_DIR": str(directory / "data"),
        "GATEWAY_TEMPLATES_DIR": str(ROOT / "templates"),
        "GATEWAY_PRICES_DIR": str(ROOT / "prices"),
        "GATEWAY_REDIS_URL": store_url,
        "GATEWAY_GRAPH_URL": sandbox_url,
        "GATEWAY_SENDERS_FILE": str(senders),
        "GATEWAY_BRAND": BRAND,
        "GATEWAY_API_KEY": API_KEY,
        "GATEWAY_APP_ID": "161803398874990",
        "GATEWAY_APP_SECRET": "sandbox-app-secret",
        "GATEWAY_VERIFY_TOKEN": "sandbox-verify-token",
        "GATEWAY_FUSE_PEOPLE": "0",
        "GATEWAY_EVIDENCE_MS": str(sizes.evidence_ms),
        "GATEWAY_LEASE_MS": str(sizes.lease_ms),
        "GATEWAY_LOG_FORMAT": "json",
        **sizes.settings,
    }


async def prepare_store(house: House) -> str:
    """Layout, key ring, approved templates and one agent, before the first gateway starts. Returns the agent's id."""
    settings = settings_module.read(house.environment, None)
    async with open_runtime(settings) as runtime:
        known = runtime.catalogue
        told = [one for name in TELLS.values() if (one := known.get(name)) is not None]
        others = [one for name in (one.substitute for one in told) if name and (one := known.get(name)) is not None]
        used = {one.name: one for one in (*told, *others)}
        wanted = Catalogue(used, known.brands, known.places, known.wordings)
        await asyncio.gather(*(_hand_in(runtime, wanted, sender) for sender in runtime.directory))
        agents = Agents(runtime.connection.redis, runtime.clock, runtime.vault)
        return (await agents.add_agent("robin", "Robin", Secret(secrets.token_hex(12)))).id


async def _hand_in(runtime: Runtime, wanted: Catalogue, sender: Sender) -> None:
    """What the events here are told by; the rest of the catalogue would only take its time."""
    admin = runtime.template_admins[sender.channel]
    await push.push(wanted, admin, sender)
    await push.status(wanted, admin, sender, wait_s=60, every_s=0.2)
    listed = await admin.list_templates(sender)
    await runtime.senders.replace_templates(
        sender.id, {(one.name, one.language): {"state": one.status, "category": one.category} for one in listed}
    )


async def ask(http: aiohttp.ClientSession, house: House, method: str, path: str, body: Any = None) -> Any:
    """One call of the sandbox's control API. Raises RuntimeError with its answer where it refuses."""
    async with http.request(method, f"{house.sandbox_url}/sandbox/{path}", json=body) as reply:
        answer = await reply.json()
        if reply.status >= 300:
            raise RuntimeError(f"the sandbox refused {method} {path}: {json.dumps(answer)}")
        return answer


async def open_chats(http: aiohttp.ClientSession, house: House, people: Iterable[Person]) -> dict[str, str]:
    """Phones for everybody, every fourth tells when it reads; who is reached by Messenger opened the chat. Number -> PSID."""
    await ask(http, house, "PUT", "account", {"switches": {"pair_rule": "bucket"}})
    psids: dict[str, str] = {}
    for place, one in enumerate(people):
        await ask(http, house, "POST", "handsets", {"address": one.address, "auto_read_ms": 3_000 if place % 4 == 0 else None})
        if one.channel == "messenger":
            await ask(http, house, "POST", f"handsets/{one.address}/open", {"page_id": PAGE})
            view = await ask(http, house, "GET", f"handsets/{one.address}")
            psids[one.address] = view["psids"][PAGE]
    return psids
