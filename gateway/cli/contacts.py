"""`python main.py contacts show|set|consent|follow|unfollow|pages|unbind|import|export|erase`: what we know of a person.

Somebody is named by our id, or with `-`, which asks for a number or a customer number without showing it.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.api import views
from gateway.api.people import People
from gateway.app import open_runtime
from gateway.cli import arguments, contact_changes, contact_pages, printing, talk
from gateway.cli.dialogue import Dialogue
from gateway.errors import BadInput, NotFound, Problem
from gateway.intake import imports
from gateway.intake.role import make_expander, make_waiting
from gateway.model.contact import Contact
from gateway.model.ids import is_id
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.store.audit import Audit
from gateway.store.erasure import Erasure
from gateway.store.passes import Passes
from gateway.store.positions import ImportPositions

_EXAMPLES = {
    "show": "c07k3v9p2m4x8qzz --reveal",
    "import": "people.csv --dry-run",
    "export": "- --out person.json",
    "erase": "-",
    "set": "- --language nl-NL --timezone Europe/Amsterdam",
    "consent": "- --grant --purpose journey --brand zz --how telephone --wording journey-nl-3 --evidence 'call 4711'",
    "follow": "- flight ZZ1007/2026-11-22/AMS --order ZX7K2P",
    "pages": "-",
    "unbind": "c07k3v9p2m4x8qzz d07m2r8kq4v9x3pz",
    "unfollow": "- flight ZZ1007/2026-11-22/AMS",
}


def add_parser(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "contacts", help="show, import, export or erase contacts", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parts = parser.add_subparsers(metavar="WHAT", required=True)
    who = "our id of the contact, c07..., or - to be asked for a number or customer number"

    show = parts.add_parser("show", help="what we know of a contact, and why they are or are not written to")
    show.add_argument("who", metavar="CONTACT", help=who)
    show.add_argument("--reveal", action="store_true", help="show names and numbers in full")
    show.add_argument("--json", action="store_true", help="as JSON")
    show.set_defaults(work=talk.command(run_show))

    take = parts.add_parser("import", help="take in contacts and consents from CSV or JSON lines")
    take.add_argument("file", type=Path, metavar="FILE", help=f"columns: {', '.join(imports.COLUMNS)}")
    take.add_argument("--dry-run", action="store_true", help="check every line and write nothing but the report")
    take.add_argument(
        "--report", type=Path, metavar="PATH", help="where refused lines are named (default: FILE.report.csv)"
    )
    take.add_argument("--json", action="store_true", help="the counts as JSON")
    take.set_defaults(work=talk.command(run_import))

    export = parts.add_parser("export", help="everything we have of a person, as JSON")
    export.add_argument("who", metavar="CONTACT", help=who)
    export.add_argument(
        "--out", type=Path, metavar="PATH", help="write it there, for its user only, instead of showing it"
    )
    export.set_defaults(work=talk.command(run_export))

    erase = parts.add_parser("erase", help="erase a person: it cannot be undone")
    erase.add_argument("who", metavar="CONTACT", help=who)
    erase.add_argument("--yes", action="store_true", help="do not ask")
    erase.add_argument("--json", action="store_true", help="the answer as JSON")
    erase.set_defaults(work=talk.command(run_erase))


    contact_changes.add_parsers(parts, who, _with_contact)
    contact_pages.add_parsers(parts, who, _with_contact)
    arguments.add_examples(parts, "contacts", _EXAMPLES)


def _with_contact(work: contact_changes.Work) -> talk.Work:
    async def run(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
        async with _open(settings) as (_, people):
            return await work(args, people, await _find(args.who, people, out), out)

    return run


def people_of(runtime: Runtime) -> People:
    """What the commands do with contacts, on an open runtime."""

    erasure = Erasure(
        runtime.connection.redis, runtime.clock, runtime.vault, runtime.contacts, runtime.conversations,
        runtime.directory.ids, runtime.pairs, runtime.past,
    )  # fmt: skip
    return People(
        contacts=runtime.contacts,
        outbox=runtime.outbox,
        conversations=runtime.conversations,
        erasure=erasure,
        vault=runtime.vault,
        clock=runtime.clock,
        connectors=runtime.connectors,
        directory=runtime.directory,
        wordings=runtime.catalogue.wordings,
        default_brand=runtime.settings.brand,
        passes=Passes(runtime.connection.redis, runtime.clock, runtime.vault),
        audit=Audit(runtime.connection.redis, runtime.clock, runtime.vault),
        newcomer=make_expander(runtime).welcome,
        waiting=make_waiting(runtime),
        families=runtime.subjects.families,
        past=runtime.past,
    )


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[tuple[Runtime, People]]:
    async with open_runtime(settings) as runtime:
        yield runtime, people_of(runtime)


async def _find(who: str, people: People, out: Dialogue) -> Contact:
    """The contact that is meant. Raises NotFound, BadInput."""
    if who != "-":
        if not is_id(who, "c"):
            raise BadInput([Problem("CONTACT", "should be an id of ours such as c07..., or - to be asked")])
        return await people.get_even_erasing(who)
    given = (await out.ask_hidden("Phone number, customer number or id")).reveal()
    if is_id(given, "c"):
        return await people.get_even_erasing(given)
    for channel in people.connectors:
        try:
            found = await people.by_address(channel, given)
        except BadInput:
            continue
        if found is not None:
            return found
    found = await people.by_customer(given) if given else None
    if found is None:
        raise NotFound("nobody is known by that")
    return found


# show


async def run_show(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
    """Show a contact; masked unless --reveal."""
    async with _open(settings) as (_, people):
        contact = await _find(args.who, people, out)
        value = views.contact_json(contact, reveal=args.reveal)
        value["subscriptions"] = [
            views.subscription_json(one) for one in await people.contacts.subscriptions(contact.id)
        ]
        value["messages"] = [views.message_json(record) for record, _ in await people.messages(contact.id)]
    out.show(json.dumps(value, indent=2, ensure_ascii=False) if args.json else _told(value))
    return 0


def _told(value: dict[str, Any]) -> str:
    """A contact as lines for people."""
    lines = [f"contact {value['id']}", f"  language {value['language'] or '-'}, zone {value['timezone'] or '-'}", ""]
    for one in value["travellers"]:
        lines.append(
            f"  person     {' '.join(name for name in (one['given_name'], one['family_name']) if name) or '-'}"
        )
    for one in value["addresses"]:
        known = ", ".join(f"{known['kind']} {known['value']}" for known in one["identifiers"])
        proof = (
            f"proven by {one['proof']}" if one["proof"] else "said it is not them" if one["not_me_at"] else "no proof"
        )
        reach = ", the channel cannot reach it" if one["unreachable"] else ""
        lines.append(f"  address    {one['id']}  {one['channel']}: {known}; {proof}{reach}")
    for one in value["consents"]:
        word = "agreed to" if one["granted"] else "stopped"
        lines.append(f"  consent    {word} {one['purpose']} of {one['brand']} on {one['channel']}, {one['at']}")
    if not value["consents"]:
        lines.append("  consent    none: nobody writes to them but in answer")
    for one in value["orders"]:
        lines.append(
            f"  order      {one['subject']}  {one['number']} ({one['kind']}, {one['brand']}) until {one['until']}"
        )
    lines.append(f"  follows    {len(value['subscriptions'])} subjects")
    for one in value["messages"][:20]:
        why = f": {one['sentence']}" if one["sentence"] else ""
        lines.append(f"  message    {one['id']}  {one['notification']}  {one['state']}, {one['status']}{why}")
    return "\n".join([*lines, "", f"next: {printing.typed('trace ' + value['id'])}"])


# import


async def run_import(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
    """Take a file in; 0 when every line was taken, else 1. The report names each refused line and why, and no value."""
    report = args.report or args.file.with_name(f"{args.file.name}.report.csv")
    async with _open(settings) as (runtime, people):
        positions = None if args.dry_run else ImportPositions(runtime.connection.redis)
        going_on = positions is not None and await imports.resumes(args.file, positions)
        with report.open("a" if going_on else "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if not going_on:
                writer.writerow(("line", "field", "reason"))

            def refused(one: imports.Refused) -> None:
                writer.writerows((one.number, problem.field, problem.message) for problem in one.problems)
                file.flush()

            def progress(tally: imports.Tally, lines: int) -> None:
                out.progress(
                    f"{_bar(tally.lines, lines)} {tally.lines:,} of {lines:,} lines, {tally.refused:,} refused"
                )

            tally = await imports.run(args.file, people, positions, refused=refused, progress=progress)
    if args.json:
        counts = {"lines": tally.lines, "taken": tally.taken, "known": tally.known, "refused": tally.refused}
        out.show(json.dumps({**counts, "resumed_at": tally.resumed_at, "dry_run": args.dry_run, "report": str(report)}))
        return 1 if tally.refused else 0
    if tally.resumed_at:
        out.show(f"went on after line {tally.resumed_at:,} of the last run")
    would = "would be " if args.dry_run else ""
    out.show(
        f"{tally.lines:,} lines: {tally.taken:,} {would}taken, {tally.known:,} known, {tally.refused:,} {would}refused"
    )
    if tally.refused:
        out.show(f"each refused line and why: {report}")
    return 1 if tally.refused else 0


def _bar(done: int, of: int, width: int = 24) -> str:
    filled = width * done // of if of else width
    return f"[{'#' * filled}{'.' * (width - filled)}]"


# export, erase


async def run_export(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
    """Everything of a person as JSON, in the clear."""
    async with _open(settings) as (_, people):
        contact = await _find(args.who, people, out)
        text = json.dumps(await people.export(contact, by=arguments.login()), indent=2, ensure_ascii=False)
    if args.out is None:
        out.show(text)
        return 0
    try:
        args.out.touch(mode=0o600, exist_ok=False)
        args.out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(
            [Problem("--out", f"cannot be written ({error.strerror}): name a file that is not there yet")]
        ) from None
    out.show(f"written to {args.out}, readable for you only: hand it over and remove it")
    return 0


async def run_erase(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
    """Erase a person, after asking; 0 when they are erased, 1 when it was not agreed to."""
    async with _open(settings) as (_, people):
        contact = await _find(args.who, people, out)
        if not args.yes:
            numbers = len(contact.profile.addresses)
            out.show(
                f"{contact.id}: {numbers} addresses, {len(contact.profile.travellers)} people, all their conversations."
            )
            if (await out.ask("It cannot be undone. Write `erase` to go on")).lower() != "erase":
                out.show("nothing was erased")
                return 1
        done = await people.erase(contact, by=arguments.login())
    if args.json:
        out.show(json.dumps({"contact": done.contact, "messages": done.messages, "conversations": done.conversations}))
    else:
        out.show(
            f"{done.contact} is erased: {done.messages} messages withdrawn, "
            f"{done.conversations} conversations destroyed.\n"
            "Sealed events and webhooks of the last 8 days end with the keys of their days."
        )
    return 0
