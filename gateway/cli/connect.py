"""`python main.py connect whatsapp`: from an app at Meta to a message on one's own phone, and its answer back.

Seven steps, each of which says what it does and why. What the channel can be asked is asked, never assumed, so the command may
be stopped anywhere and started again: it goes on where it was. Secrets are typed unseen or stand in the settings; none is an
argument, none is shown, and they are kept in `.env` alone (0600, if that is allowed).
"""

from __future__ import annotations

import argparse
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from gateway.cli import connect_access, connect_first, connect_number, connect_state, connect_webhooks
from gateway.cli.admin_port import AdminFactory
from gateway.cli.connect_listener import Ear
from gateway.cli.connect_visit import Halted, Visit, tell_unwritten
from gateway.cli.dialogue import Dialogue
from gateway.clock import Clock
from gateway.connector import Connector
from gateway.errors import BadInput, Problem
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.remote import TemplateAdmin
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class ConnectArgs:
    """What may be said beforehand; all else is asked. to: "-" or None asks unseen. region: two letters, "" Meta's choice."""

    app_id: str | None = None
    account_id: str | None = None
    number_id: str | None = None
    to: str | None = None
    region: str | None = None
    language: str = "en_US"
    wait_s: float = 180.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No secret among them: what stands on a command line, everybody on the machine can read."""
    parser.add_argument("--app-id", metavar="ID", help="of your Meta app")
    parser.add_argument("--account", metavar="ID", help="WhatsApp business account id")
    parser.add_argument("--number", metavar="ID", help="phone number id (not the number)")
    parser.add_argument("--to", metavar="+44...", help="your own phone; - asks for it unseen (default)")
    parser.add_argument("--region", metavar="CC", help="country that keeps message contents at rest; '' leaves it to Meta")
    parser.add_argument("--language", default="en_US", metavar="xx_YY", help="of the words around a verification code")
    parser.add_argument("--wait", type=float, default=180.0, metavar="S", help="seconds to wait for delivered and an answer")


def parse_arguments(args: argparse.Namespace) -> ConnectArgs:
    """raises: BadInput naming the argument"""
    problems = [
        Problem(f"--{name}", "should be a long number")
        for name, value in (("app-id", args.app_id), ("account", args.account), ("number", args.number))
        if value is not None and not value.isdigit()
    ]
    if args.region is not None and not re.fullmatch(r"[A-Za-z]{2}|", args.region):
        problems.append(Problem("--region", "should be two letters such as DE, or '' for Meta's own choice"))
    if not 1 <= args.wait <= 3600:
        problems.append(Problem("--wait", "should be 1 to 3600 seconds"))
    if problems:
        raise BadInput(problems)
    return ConnectArgs(args.app_id, args.account, args.number, args.to, args.region, args.language, args.wait)


async def run(
    args: ConnectArgs,
    settings: Settings,
    *,
    io: Dialogue,
    admins: AdminFactory,
    connector: Connector,
    templates: TemplateAdmin,
    catalogue: Catalogue,
    ear: Ear | None = None,
    env_file: Path = Path(".env"),
    clock: Clock | None = None,
) -> int:
    """Connect one number; 0 when it is done, 1 when it cannot go on (said, with the mend).

    ear: hears webhooks for us where a gateway runs; None opens a listener on the public port meanwhile
    raises: GatewayError where state or `.env` cannot be written, NoTerminal where nobody answers
    """
    visit = Visit(
        io=io,
        settings=settings,
        state=connect_state.load(settings.data_dir, settings.graph_url),
        env_file=env_file,
        admins=admins,
        connector=connector,
        templates=templates,
        catalogue=catalogue,
        clock=clock or Clock(),
        wait_s=args.wait_s,
    )
    where = "the sandbox" if settings.sandboxed else "Meta"
    io.show(f"Connecting WhatsApp ({where}) in seven steps. Stop whenever you like: started again, it goes on where it was.")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(visit.close)
        try:
            await connect_access.credentials(visit, args.app_id)
            await connect_access.account_and_number(visit, args.account_id, args.number_id)
            await connect_number.verify(visit, args.language)
            await connect_number.register(visit, args.language, args.region)
            await connect_webhooks.callback(visit, ear, stack)
            await connect_webhooks.subscribe(visit)
            await connect_first.first_message(visit, args.to)
        except Halted as reason:
            io.show(f"\nStopped: {reason.what}.")
            if reason.mend:
                io.show(f"-> {reason.mend}")
            tell_unwritten(visit)
            io.show("Start `python main.py connect whatsapp` again and it goes on from here.")
            return 1
    tell_unwritten(visit)
    io.show(
        "\nConnected. Next:\n"
        "  python main.py run         webhooks wait at Meta until a gateway runs to keep them\n"
        "  python main.py doctor      names what is left to mend\n"
        "  docs/go-live.md            what takes days: business verification, display name, templates, the people a day"
    )
    return 0
