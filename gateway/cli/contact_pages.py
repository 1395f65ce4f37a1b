"""`python main.py contacts pages|unbind`: the pages of somebody's passes and tickets, and letting one open on another device.

Neither the link nor what the page says is shown: who calls for help has the link in their chat.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from gateway.api import views
from gateway.api.people import People
from gateway.cli import printing, talk
from gateway.cli.contact_changes import Bind
from gateway.cli.dialogue import Dialogue
from gateway.model.contact import Contact


def add_parsers(parts: Any, who: str, bind: Bind) -> None:
    pages = parts.add_parser("pages", help="the pages of a person's passes and tickets, and whether they are open on a device")
    pages.add_argument("who", metavar="CONTACT", help=who)
    pages.add_argument("--json", action="store_true", help="as JSON")
    pages.set_defaults(work=talk.command(bind(run_pages)))

    unbind = parts.add_parser("unbind", help="let a page be opened on another device; wrong answers are forgotten")
    unbind.add_argument("who", metavar="CONTACT", help=who)
    unbind.add_argument("page", metavar="PAGE", help="d07..., as `contacts pages` shows it")
    unbind.add_argument("--json", action="store_true", help="the answer as JSON")
    unbind.set_defaults(work=talk.command(bind(run_unbind)))


async def run_pages(args: argparse.Namespace, people: People, contact: Contact, out: Dialogue) -> int:
    now_ms = people.clock.now_ms()
    found = [views.page_json(one, now_ms) for one in await people.passes.of_contact(contact.id)]
    if args.json:
        out.show(json.dumps({"pages": found}, indent=2))
        return 0
    for one in found:
        device = "open on a device" if one["open_on_a_device"] else "open on no device"
        wrong = f", {one['wrong_answers']} wrong answers" if one["wrong_answers"] else ""
        out.show(f"  {one['id']}  {one['kind'] or '-'}  {one['state']} until {one['ends_at']}, {device}{wrong}")
    out.show(f"next: {printing.typed('contacts unbind ' + contact.id + ' ' + found[0]['id'])}" if found else "no pages")
    return 0


async def run_unbind(args: argparse.Namespace, people: People, contact: Contact, out: Dialogue) -> int:
    undone = await people.unbind(contact, args.page, by="cli")
    if args.json:
        out.show(json.dumps({"answer": "unbound" if undone else "same"}))
    elif undone:
        out.show(f"{args.page} is open on no device now: whoever opens its link next proves who they are")
    else:
        out.show(f"{args.page} was open on no device, and nobody had answered wrongly")
    return 0
