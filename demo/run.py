"""`python main.py demo`: sets the stage, plays the story, and takes it down again in order.

The gateway and the sandbox are children in sessions of their own (Ctrl-C reaches only us, and we end the gateway first, so that
it drains towards a sandbox that still answers); both end when we are killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from demo import people, team
from demo.accounts import CLIENT, accounts_of, issuer_at, webhook_secret
from demo.bridge import Bridge
from demo.player import Player
from gateway import log, registry
from gateway import settings as settings_module
from gateway.app import open_runtime
from gateway.connector import Sender
from gateway.errors import GatewayError, SettingsError
from gateway.model.account import Screen
from gateway.notifications import push
from gateway.notifications.remote import TemplateAdmin, TemplateRefused
from gateway.runtime import Runtime
from gateway.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
STAMP = "thuisfront-demo"
READY_S = 60.0
PORTS = (
    ("GATEWAY_PUBLIC_PORT", "8080"),
    ("GATEWAY_INTERNAL_PORT", "8081"),
    ("GATEWAY_CONSOLE_PORT", "8082"),
    ("SANDBOX_PORT", "8090"),
    ("DEMO_ACCOUNTS_PORT", "8091"),
)
BRANDS = (
    ("air", "zz", "314159265358979", "+12025550142"),
    ("rail", "exr", "314159265358980", "+12025550143"),
    ("net", "netx", "314159265358981", "+12025550144"),
)
WABA = "271828182845904"
PAGES = (("rail-page", "exr", people.PAGE), ("air-page", "zz", people.AIR_PAGE))
SANDBOX_TOKEN = "sandbox-system-user-token"  # noqa: S105 -- opens nothing but the sandbox
PR_SET_PDEATHSIG = 1


def add_parser(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo", help="days to watch, on this machine", description="Play some days on eleven phones, on this machine only.",
        epilog="example: python main.py demo --speed 4 --again",
    )  # fmt: skip
    parser.add_argument("--again", action="store_true", help="start the story anew (forgets the last one)")
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="N", help="how fast, 0.25 to 20 (default 1)")
    parser.add_argument("--until-end", action="store_true", help="stop by itself when the story has ended")
    parser.set_defaults(work=run)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.25 <= speed <= 20:
        raise argparse.ArgumentTypeError("should be a number from 0.25 to 20")
    return speed


def run(args: argparse.Namespace) -> int:
    log.configure("text", level="warning")
    directory = Path(os.environ.get("GATEWAY_DATA_DIR", "var")) / "demo"
    with _own(directory, again=args.again):
        while True:
            environment = _environment(directory)
            _ports_free(environment)
            if not asyncio.run(_play(args, directory, environment)):
                return 0
            _empty(directory)  # "restart" was pressed on the story bar


@contextlib.contextmanager
def _own(directory: Path, *, again: bool) -> Any:
    """The demo's own directory: stamped, locked, emptied for --again. Never touches one that is not stamped."""
    stamp = directory / STAMP
    if directory.exists() and any(directory.iterdir()) and not stamp.exists():
        raise SettingsError([f"{directory} holds something that is not the demo's: set GATEWAY_DATA_DIR to another directory"])
    directory.mkdir(parents=True, exist_ok=True)
    stamp.touch()
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(["the demo is running already: look at its phones, or stop it first"]) from None
        if again:
            _empty(directory)
        yield


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        if path.name not in (STAMP, "lock"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _environment(directory: Path) -> dict[str, str]:
    """What both children are told. Nothing of the caller's own senders or tokens comes along."""
    ports = {name: os.environ.get(name, default) for name, default in PORTS}
    senders = directory / "senders.yaml"
    entries = [
        {
            "id": name,
            "channel": "whatsapp",
            "brand": brand,
            "account": {"phone_number_id": number, "waba_id": WABA, "number": shown},
            "portfolio": "demo",
            "token": SANDBOX_TOKEN,
        }
        for name, brand, number, shown in BRANDS
    ]
    entries += [
        {"id": name, "channel": "messenger", "brand": brand, "account": {"page_id": page}, "token": SANDBOX_TOKEN}
        for name, brand, page in PAGES
    ]
    senders.write_text(yaml.safe_dump({"senders": entries}))
    webcare = directory / "webcare.yaml"
    brands = {brand for _, brand, *_ in (*BRANDS, *PAGES)}
    webcare.write_text(yaml.safe_dump(team.webcare(sorted(brands))))
    console = f"http://127.0.0.1:{ports['GATEWAY_CONSOLE_PORT']}"
    told = {
        **ports,
        "GATEWAY_WEBHOOK_SECRET": _kept(directory / "webhook-secret", webhook_secret),
        "GATEWAY_IDENTITY_CODE_URL": f"{issuer_at(ports['DEMO_ACCOUNTS_PORT'])}/codes",
        "GATEWAY_CUSTOMER_OIDC_ISSUER": issuer_at(ports["DEMO_ACCOUNTS_PORT"]),
        "GATEWAY_CUSTOMER_OIDC_CLIENT_ID": CLIENT,
        "GATEWAY_ENV": "demo",
        "GATEWAY_ONLY_TO": "*",
        "GATEWAY_PUBLIC_URL": f"http://127.0.0.1:{ports['GATEWAY_PUBLIC_PORT']}",
        "GATEWAY_DATA_DIR": str(directory),
        "GATEWAY_GRAPH_URL": f"http://127.0.0.1:{ports['SANDBOX_PORT']}",
        "GATEWAY_SENDERS_FILE": str(senders),
        "GATEWAY_WEBCARE": str(webcare),
        "GATEWAY_API_KEY": _kept(directory / "api-key", lambda: secrets.token_hex(24)),
        "GATEWAY_APP_ID": "161803398874990",
        "GATEWAY_APP_SECRET": "sandbox-app-secret",
        "GATEWAY_VERIFY_TOKEN": "sandbox-verify-token",
        "GATEWAY_LOG_FORMAT": "text",
        "SANDBOX_BESIDE_URL": f"{console}/desk",
        "SANDBOX_DATA_DIR": str(directory / "sandbox"),
        "SANDBOX_WEBHOOK_URL": f"http://127.0.0.1:{ports['GATEWAY_PUBLIC_PORT']}/webhooks/whatsapp",
        "SANDBOX_PAGE_WEBHOOK_URL": f"http://127.0.0.1:{ports['GATEWAY_PUBLIC_PORT']}/webhooks/messenger",
        "SANDBOX_REVIEW_MS": "300",
        "SANDBOX_CREATIONS_AN_HOUR": "1000",
    }
    # For the other commands: python main.py --env-file var/demo/env trace ...
    (directory / "env").write_text("".join(f"{name}={value}\n" for name, value in told.items()))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SANDBOX_"))}
    return {**kept, **told}


def _kept(file: Path, make: Callable[[], str]) -> str:
    """A secret of this demo's own: made once, the same when it goes on."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(make())
    return file.read_text()


def _ports_free(environment: dict[str, str]) -> None:
    problems = []
    for name, _ in PORTS:
        try:
            port = int(environment[name])
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except (ValueError, OverflowError):
            problems.append(f"{name}: should be a port number, to 65535")
        except OSError:
            problems.append(f"port {environment[name]} is taken by another program: run the demo with {name}=<another port>")
    if problems:
        raise SettingsError(problems)


def _child(words: list[str], environment: dict[str, str], output: Path) -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def prepare() -> None:
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    with output.open("ab") as file:
        return subprocess.Popen(  # noqa: S603 -- our own programs, by our own interpreter
            [sys.executable, *words], env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            start_new_session=True, preexec_fn=prepare,  # before any thread of ours is started
        )  # fmt: skip


async def _play(args: argparse.Namespace, directory: Path, environment: dict[str, str]) -> bool:
    """Play until somebody stops it; whether it shall begin anew."""
    restart = False
    sandbox_url = environment["GATEWAY_GRAPH_URL"]
    gateway_url = f"http://127.0.0.1:{environment['GATEWAY_INTERNAL_PORT']}"
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    children: list[subprocess.Popen[bytes]] = []
    print("Setting the stage ...", flush=True)
    try:
        children.append(_child(["-m", "sandbox"], environment, directory / "sandbox.log"))
        children.append(_child([str(ROOT / "main.py"), "run"], environment, directory / "gateway.log"))
        async with (
            accounts_of(environment).running(int(environment["DEMO_ACCOUNTS_PORT"])),
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
        ):
            waited_for = [(f"{sandbox_url}/sandbox/clock", "sandbox"), (f"{gateway_url}/readyz", "gateway")]
            await _ready(http, waited_for, children, directory)
            settings = settings_module.read(environment)
            async with open_runtime(settings) as runtime:
                await _first_screen(runtime)
                await _templates(runtime)
                agents, password = await team.seated(runtime, directory)
                player = Player(
                    http, gateway=gateway_url, sandbox=sandbox_url, api_key=environment["GATEWAY_API_KEY"], agents=agents,
                    place=directory / "story.json", speed=args.speed,
                )  # fmt: skip
                await player.start()
                mail = f"{environment['GATEWAY_CUSTOMER_OIDC_ISSUER']}/mail"
                _screen(settings, sandbox_url, mail, password, resumed=player.place.position > 0)
                async with asyncio.TaskGroup() as group:
                    group.create_task(Bridge(runtime, sandbox_url, http).run(stopping))
                    group.create_task(player.run(stopping))
                    group.create_task(_watch(children, stopping, directory))
                    group.create_task(_until_asked(player.restart, stopping))
                    if args.until_end:
                        group.create_task(_until_asked(player.ended, stopping))
                restart = player.restart.is_set()
    except* GatewayError as group:
        raise group.exceptions[0] from None
    finally:
        print("\nStopping: the gateway finishes what it has begun ...", flush=True)
        for child in reversed(children):
            await asyncio.to_thread(_end, child)
        if not restart:
            print("Stopped. `make demo` goes on where it was; ARGS=--again starts anew.", flush=True)
    return restart


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(40)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


async def _ready(
    http: aiohttp.ClientSession, urls: list[tuple[str, str]], children: list[subprocess.Popen[bytes]], directory: Path
) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + READY_S
    for url, name in urls:
        while True:
            dead = [child for child in children if child.poll() is not None]
            if dead or loop.time() > until:
                lines = (directory / f"{name}.log").read_text(errors="replace").strip().splitlines()
                raise SettingsError([f"the {name} did not start: {lines[-1] if lines else 'it said nothing'}"])
            try:
                async with http.get(url) as answer:
                    if answer.status == 200:
                        break
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.1)


async def _first_screen(runtime: Runtime) -> None:
    """What people see of the Page before they write, as `connect messenger` sets it: without Get Started a link is lost."""
    for sender in runtime.directory:
        if "page_id" not in sender.account:
            continue
        admin = registry.messenger_admin(runtime.settings, registry.access_of(runtime.settings, sender))
        try:
            screen = Screen(get_started="get_started", greeting="Tickets and news of your journey, right here.")
            refused = await admin.set_screen(sender.account["page_id"], screen)
        finally:
            await admin.close()
        if refused is not None:
            raise GatewayError(f"the Page's first screen could not be set: {refused.sentence}")


async def _templates(runtime: Runtime) -> None:
    """Hand in the templates as one would at Meta, and wait for their approval."""
    first = next(iter(runtime.directory))  # the numbers share an account, and so its templates; each Page has its own
    for sender in (first, *(one for one in runtime.directory if one.channel != first.channel)):
        admin = runtime.template_admins[sender.channel]
        try:
            await push.push(runtime.catalogue, admin, sender)
            await push.status(runtime.catalogue, admin, sender, wait_s=20, every_s=0.3)
            for one in (one for one in runtime.directory if one.channel == sender.channel):
                await _read(runtime, admin, one)
        except TemplateRefused:
            # A story that is resumed after its Page was barred from templates; what was approved is known.
            if "page_id" not in sender.account:
                raise


async def _read(runtime: Runtime, admin: TemplateAdmin, sender: Sender) -> None:
    """Webhooks tell of each approval; a story that is resumed reads them here."""
    listed = await admin.list_templates(sender)
    await runtime.senders.replace_templates(
        sender.id, {(one.name, one.language): {"state": one.status, "category": one.category} for one in listed}
    )


def _screen(settings: Settings, sandbox: str, mail: str, password: str, *, resumed: bool) -> None:
    begin = "The story goes on where it was." if resumed else "The story begins."
    print(
        f"""
{begin} Everything stays on this machine; Ctrl-C stops it.

  phones and desk   {sandbox}/side       sign in as sanne, password {password}
  each alone        {sandbox}/phones, http://127.0.0.1:{settings.console_port}/desk
  their mail        {mail}       codes to show who they are arrive there
  what is going on  http://127.0.0.1:{settings.internal_port}/readyz, /metrics, /docs

Three things to try:
  1. Sign in on the right, type a question on a phone on the left, answer it, see it arrive. With the same password ravi is
     the second line, and ines oversees at http://127.0.0.1:{settings.console_port}/board; her code: .venv/bin/python -m demo.code
  2. Type "stop" on a phone: it is confirmed at once, and nothing more comes.
  3. Copy a trace command from below a bubble:
     .venv/bin/python main.py --env-file {settings.data_dir}/env trace ZX7K2P
""",
        flush=True,
    )


async def _watch(children: list[subprocess.Popen[bytes]], stopping: asyncio.Event, directory: Path) -> None:
    while not stopping.is_set():
        if any(child.poll() is not None for child in children):
            print(f"A part of the demo has ended; its last words are in {directory}/gateway.log and sandbox.log", flush=True)
            stopping.set()
        await asyncio.sleep(0.5)


async def _until_asked(asked: asyncio.Event, stopping: asyncio.Event) -> None:
    """Stop when the story has ended, or when somebody wants it from the beginning."""
    waits = [asyncio.ensure_future(one.wait()) for one in (asked, stopping)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for one in waits:
        one.cancel()
    stopping.set()
