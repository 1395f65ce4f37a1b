"""`python main.py connect messenger`: from an app and a Page at Meta to a message on one's own phone, and its answer back.

Seven steps, each of which says what it does and why. What Meta can be asked is asked, never assumed, so the command may be
stopped anywhere and started again: it goes on where it was. What people would see is shown first, and set when that is agreed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from gateway.cli import connect_access, connect_page, connect_page_first, connect_state, connect_webhooks
from gateway.cli.admin_port import PageAdmin
from gateway.cli.connect_listener import Ear
from gateway.cli.connect_visit import Halted, Visit, tell_unwritten
from gateway.cli.dialogue import Dialogue
from gateway.clock import Clock
from gateway.connector import Connector
from gateway.errors import BadInput, Problem
from gateway.model.account import Access
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.remote import TemplateAdmin
from gateway.settings import Settings

CHANNEL = "messenger"


@dataclass(frozen=True, slots=True)
class PageArgs:
    """What may be said beforehand; all else is asked. yes: what would be shown and asked is agreed to."""

    app_id: str | None = None
    page_id: str | None = None
    yes: bool = False
    wait_s: float = 180.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No secret among them: what stands on a command line, everybody on the machine can read."""
    parser.add_argument("--app-id", metavar="ID", help="of your Meta app")
    parser.add_argument("--page", metavar="ID", help="id of the Page (Page settings > About > Page transparency)")
    parser.add_argument("--yes", action="store_true", help="write .env, set the first screen and send the trial without asking")
    parser.add_argument("--wait", type=float, default=180.0, metavar="S", help="seconds to wait for each sign from the phone")


def parse_arguments(args: argparse.Namespace) -> PageArgs:
    """raises: BadInput naming the argument"""
    problems = [
        Problem(f"--{name}", "should be a long number")
        for name, value in (("app-id", args.app_id), ("page", args.page))
        if value is not None and not (value.isascii() and value.isdigit())
    ]
    if not 1 <= args.wait <= 3600:
        problems.append(Problem("--wait", "should be 1 to 3600 seconds"))
    if problems:
        raise BadInput(problems)
    return PageArgs(args.app_id, args.page, args.yes, args.wait)


async def run(
    args: PageArgs,
    settings: Settings,
    *,
    io: Dialogue,
    admins: Callable[[Access], PageAdmin],
    connector: Connector,
    templates: TemplateAdmin,
    catalogue: Catalogue,
    ear: Ear | None = None,
    env_file: Path = Path(".env"),
    clock: Clock | None = None,
) -> int:
    """Connect one Page; 0 when it is done, 1 when it cannot go on (said, with the mend).

    ear: hears webhooks for us where a gateway runs; None opens a listener on the public port meanwhile
    raises: GatewayError where state or `.env` cannot be written, NoTerminal where nobody answers
    """
    visit = Visit(
        io=io,
        settings=settings,
        state=connect_state.load(settings.data_dir, settings.graph_url, CHANNEL),
        env_file=env_file,
        admins=admins,
        connector=connector,
        templates=templates,
        catalogue=catalogue,
        clock=clock or Clock(),
        wait_s=args.wait_s,
        yes=args.yes,
    )
    where = "the sandbox" if settings.sandboxed else "Meta"
    io.show(f"Connecting Messenger ({where}) in seven steps. Stop whenever you like: started again, it goes on where it was.")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(visit.close)
        try:
            await connect_access.credentials(visit, args.app_id, connect_page.DOOR, settings.messenger_token)
            await connect_page.choose_page(visit, args.page_id)
            await connect_webhooks.callback(visit, ear, stack, step=3)
            await connect_webhooks.subscribe(visit, step=4, what="Page")
            await connect_page.first_screen(visit)
            await connect_page.who_answers(visit)
            await connect_page_first.first_message(visit)
        except Halted as reason:
            io.show(f"\nStopped: {reason.what}.")
            if reason.mend:
                io.show(f"-> {reason.mend}")
            tell_unwritten(visit)
            io.show("Start `python main.py connect messenger` again and it goes on from here.")
            return 1
    tell_unwritten(visit)
    io.show(
        "\nConnected. Next:\n"
        "  python main.py templates push --channel messenger   every other template\n"
        "  python main.py run         webhooks wait at Meta for an hour until a gateway runs to keep them\n"
        "  python main.py doctor      names what is left to mend\n"
        "  docs/go-live.md            what takes days: app review, business verification, templates, Human Agent"
    )
    return 0
