"""`python main.py doctor` and `python main.py connect whatsapp`: wiring only."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from gateway import log, registry, settings
from gateway.cli import connect, doctor
from gateway.cli.dialogue import Terminal
from gateway.errors import SettingsError
from gateway.notifications import catalogue


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
        help="connect a number, up to a message on your own phone",
        description="Connect a number step by step; stopped, it goes on where it was. Secrets are asked for, never arguments.",
        epilog="example: python main.py connect whatsapp",
    )
    join.add_argument("channel", choices=["whatsapp"], help="which channel")
    connect.add_arguments(join)
    join.set_defaults(work=run_connect)


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
    log.configure("text", level="error")
    loaded = settings.read()
    wanted = connect.parse_arguments(args)

    async def main() -> int:
        async with aiohttp.ClientSession(trust_env=False) as session:
            channels = registry.open_channels(loaded, session)
            connector = channels.connectors[args.channel]
            try:
                return await connect.run(
                    wanted,
                    loaded,
                    io=Terminal(),
                    admins=lambda access: registry.whatsapp_admin(loaded, access),
                    connector=connector,
                    templates=channels.template_admins[args.channel],
                    catalogue=catalogue.load(loaded.templates_dir),
                    env_file=Path(args.env_file) if args.env_file else Path(".env"),
                )
            finally:
                await connector.close()

    return asyncio.run(main())
