"""`python main.py doctor` and `python main.py connect ...`: wiring only."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp

from gateway import log, registry, settings
from gateway.cli import connect, connect_messenger, doctor
from gateway.cli.dialogue import Terminal
from gateway.connector import Connector
from gateway.errors import SettingsError
from gateway.notifications import catalogue
from gateway.notifications.remote import TemplateAdmin


def add_parser(commands: Any) -> None:
    examine: argparse.ArgumentParser = commands.add_parser(
        "doctor",
        help="name what is wrong, and the mend",
        description="Examine settings, store, account, templates and webhooks; change nothing. Exit code 1 when something fails.",
        epilog="example: python main.py doctor --only token,callback",
    )
    doctor.add_arguments(examine)
    examine.set_defaults(work=run_doctor)
    join: argparse.ArgumentParser = commands.add_parser(
        "connect",
        help="connect a number or a Page, up to a message on your own phone",
        description="Connect step by step; stopped, it goes on where it was. Secrets are asked for, never arguments.",
        epilog="example: python main.py connect whatsapp",
    )
    channels = join.add_subparsers(dest="channel", metavar="CHANNEL", required=True)
    number = channels.add_parser(
        "whatsapp", help="a number", description="Connect a WhatsApp number in seven steps.",
        epilog="example: python main.py connect whatsapp",
    )  # fmt: skip
    connect.add_arguments(number)
    number.set_defaults(work=run_connect)
    page = channels.add_parser(
        "messenger", help="a Page", description="Connect a Page in seven steps.",
        epilog="example: python main.py connect messenger",
    )  # fmt: skip
    connect_messenger.add_arguments(page)
    page.set_defaults(work=run_connect_page)


def run_doctor(args: argparse.Namespace) -> int:
    log.configure("text", level="error")
    io = Terminal()
    if args.list:
        return doctor.show_list(io)
    try:
        loaded = settings.read()
    except SettingsError as error:
        return doctor.without_settings(error, io=io, json_=args.json)

    async def main() -> int:
        async with aiohttp.ClientSession(trust_env=False) as session:
            channels = registry.open_channels(loaded, session)
            try:
                return await doctor.run(
                    loaded,
                    io=io,
                    admins={"whatsapp": lambda access: registry.whatsapp_admin(loaded, access)},
                    page_admins={"messenger": lambda access: registry.messenger_admin(loaded, access)},
                    template_admins=channels.template_admins,
                    json_=args.json,
                    only=[name.strip() for name in args.only.split(",") if name.strip()],
                )
            finally:
                for connector in channels.connectors.values():
                    await connector.close()

    return asyncio.run(main())


def run_connect(args: argparse.Namespace) -> int:
    loaded, wanted = settings.read(), connect.parse_arguments(args)

    async def work(connector: Connector, templates: TemplateAdmin) -> int:
        return await connect.run(
            wanted,
            loaded,
            io=Terminal(),
            admins=lambda access: registry.whatsapp_admin(loaded, access),
            connector=connector,
            templates=templates,
            catalogue=catalogue.load(loaded.templates_dir, public=loaded.public_base),
            env_file=_env_file(args),
        )

    return _with_channel(args.channel, loaded, work)


def run_connect_page(args: argparse.Namespace) -> int:
    loaded, wanted = settings.read(), connect_messenger.parse_arguments(args)

    async def work(connector: Connector, templates: TemplateAdmin) -> int:
        return await connect_messenger.run(
            wanted,
            loaded,
            io=Terminal(),
            admins=lambda access: registry.messenger_admin(loaded, access),
            connector=connector,
            templates=templates,
            catalogue=catalogue.load(loaded.templates_dir, public=loaded.public_base),
            env_file=_env_file(args),
        )

    return _with_channel(args.channel, loaded, work)


def _env_file(args: argparse.Namespace) -> Path:
    return Path(args.env_file) if args.env_file else Path(".env")


def _with_channel(
    name: str, loaded: settings.Settings, work: Callable[[Connector, TemplateAdmin], Coroutine[Any, Any, int]]
) -> int:
    log.configure("text", level="error")

    async def main() -> int:
        async with aiohttp.ClientSession(trust_env=False) as session:
            channels = registry.open_channels(loaded, session)
            try:
                return await work(channels.connectors[name], channels.template_admins[name])
            finally:
                for connector in channels.connectors.values():
                    await connector.close()

    return asyncio.run(main())
