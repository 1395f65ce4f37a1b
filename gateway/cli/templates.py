"""`python main.py templates`: checks what we say, shows it, brings it to the channel and follows the review."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway import directory as directories
from gateway import registry
from gateway.cli import arguments, asking, opening, printing, templates_try
from gateway.connector import Sender
from gateway.directory import Directory
from gateway.errors import BadInput, NotFound, SettingsError
from gateway.notifications import catalogue as catalogues
from gateway.notifications import graph
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.lint import Finding, lint
from gateway.notifications.parts import Rendering
from gateway.notifications.preview import example, show
from gateway.notifications.push import FINE, Action, Done, Step, plan, push, status
from gateway.notifications.remote import RemoteTemplate, TemplateAdmin, TemplateRefused
from gateway.settings import Settings

WAIT_S = 600.0
CALL_S = 120.0
"""The list of an account's templates, page after page."""


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "templates", help="what we say: check, show, bring to the channel, try")
    check = arguments.command(
        group,
        "lint",
        help="check everything in templates/ against the channel's rules and ours",
        about="Exit code 1 when something would be refused or mislead; warnings do not count.",
        example="templates lint --graph",
    )
    check.add_argument(
        "--graph", nargs="?", const="text", choices=("text", "mermaid"), help="also draw what replaces and ends what"
    )
    _add_channel(check, "by the rules of one channel (default: of every channel that there is)")
    check.set_defaults(work=_lint)
    preview = arguments.command(
        group, "preview", help="show a notification as on the phone", example="templates preview gate_changed --lang nl"
    )
    preview.add_argument("name", metavar="NAME")
    preview.add_argument("--lang", metavar="CODE", help="one language: nl, en (default: all)")
    preview.add_argument("--brand", metavar="ID", help="a brand's own words, where it has any")
    _add_channel(preview, "also say whether a template of this channel can hold it")
    preview.set_defaults(work=_preview)
    send = arguments.command(
        group,
        "push",
        help="create at the channel what is missing, mend what was rejected",
        about="Nothing reaches people by it: the channel looks at new templates first. `templates status --wait` follows that.",
        example="templates push --dry-run",
    )
    _add_sender(send)
    send.add_argument("--dry-run", action="store_true", help="only say what would be done")
    send.set_defaults(work=_push)
    follow = arguments.command(
        group,
        "status",
        help="how each template stands at the channel",
        about="Exit code 0 when all that the channel can hold are approved and the same as ours.",
        example="templates status --wait 300",
    )
    _add_sender(follow)
    follow.add_argument(
        "--wait", nargs="?", type=arguments.seconds, const=WAIT_S, default=0.0, metavar="SECONDS",
        help=f"look again until none is under review any more (default {WAIT_S:g})",
    )  # fmt: skip
    follow.set_defaults(work=_status)
    templates_try.add_parser(group)


def _add_sender(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sender", metavar="ID", help="one of our senders (default: all)")
    _add_channel(parser, "the senders of one channel (default: of every channel that a brand has senders for)")


def _add_channel(parser: argparse.ArgumentParser, words: str) -> None:
    parser.add_argument("--channel", metavar="NAME", help=words)


@dataclass(frozen=True, slots=True)
class _Door:
    """What talks to the channel about templates; needs no store."""

    catalogue: Catalogue
    directory: Directory
    admins: dict[str, TemplateAdmin]

    def senders(self, wanted: str | None, channel: str | None) -> list[tuple[Sender, TemplateAdmin]]:
        """Those with templates at their channel. Raises NotFound, SettingsError."""
        found = [(one, self.admins[one.channel]) for one in self.directory if one.channel in self.admins]
        if not found:
            raise SettingsError(
                [
                    "there is no sender: set GATEWAY_WHATSAPP_PHONE_NUMBER_ID and GATEWAY_WHATSAPP_TOKEN, "
                    "GATEWAY_MESSENGER_PAGE_ID and GATEWAY_MESSENGER_TOKEN, or senders.yaml"
                ]
            )
        if channel is not None:
            found = [(one, admin) for one, admin in found if one.channel == _known(channel, self.admins)]
            if not found:
                raise NotFound(f"no sender on {channel}; there are {', '.join(one.id for one in self.directory)}")
        if wanted is None:
            return found
        chosen = [(one, admin) for one, admin in found if one.id == wanted]
        if not chosen:
            raise NotFound(f"no sender {wanted}; there are {', '.join(one.id for one, _ in found)}")
        return chosen


def _known(channel: str, admins: Mapping[str, TemplateAdmin]) -> str:
    """The channel, if there is such a one. Raises NotFound."""
    if channel not in admins:
        raise NotFound(f"no channel {channel}; there are {', '.join(admins)}")
    return channel


@asynccontextmanager
async def _door(settings: Settings, catalogue: Catalogue) -> AsyncIterator[_Door]:
    async with aiohttp.ClientSession(trust_env=False) as session:
        channels = registry.open_channels(settings, session)
        try:
            yield _Door(catalogue, directories.read(settings), channels.template_admins)
        finally:
            for connector in channels.connectors.values():
                await connector.close()


def _lint(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        catalogue: Catalogue | None = None
        found: list[Finding] = []
        try:
            catalogue = catalogues.load(settings.templates_dir)
        except BadInput as error:  # what does not load is the first of all findings
            found = [Finding("error", one.field, "load", one.message) for one in error.problems]
        if catalogue is not None:
            found = await _findings(settings, catalogue, args.channel)
        errors = sum(one.level == "error" for one in found)
        drawn = _drawn(args.graph, catalogue)
        if args.json:
            rows = [{"level": one.level, "where": one.where, "rule": one.rule, "message": one.message} for one in found]
            printing.as_json({"errors": errors, "findings": rows, **({"graph": drawn} if drawn else {})})
            return int(errors > 0)
        for one in found:
            print(f"{one.level:<7}  {one.where}: {one.message} ({one.rule})")
        if drawn:
            print(f"\n{drawn}\n" if found else f"{drawn}\n")
        count = f"{printing.counted(len(catalogue.names), 'notification')}, " if catalogue else ""
        print(f"{count}{printing.counted(errors, 'error')}, {printing.counted(len(found) - errors, 'warning')}.")
        return int(errors > 0)

    return opening.run(work)


def _drawn(form: str | None, catalogue: Catalogue | None) -> str:
    if form is None or catalogue is None:
        return ""
    return graph.mermaid(catalogue) if form == "mermaid" else graph.text(catalogue)


async def _findings(settings: Settings, catalogue: Catalogue, channel: str | None) -> list[Finding]:
    """By the rules of every channel that there is a connector for, or of one; the same finding once. Raises NotFound."""
    async with _door(settings, catalogue) as door:
        admins = door.admins if channel is None else {channel: door.admins[_known(channel, door.admins)]}
        found = [one for admin in admins.values() for one in lint(catalogue, admin.rules)]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.level != "error")


def _preview(args: argparse.Namespace) -> int:
    settings = opening.read_settings()
    catalogue = catalogues.load(settings.templates_dir)
    if args.brand is not None and args.brand not in catalogue.brands:
        raise NotFound(f"no brand {args.brand}; there are {', '.join(catalogue.brands)}")
    known = catalogue.get(args.name)
    languages = [args.lang] if args.lang or known is None else list(known.languages)
    shown = [example(catalogue, args.name, language or "nl", brand=args.brand) for language in languages]
    assert known is not None, "example refuses an unknown name"

    async def work() -> int:
        hindrance = ""
        if args.channel is not None:
            async with _door(settings, catalogue) as door:
                hindrance = door.admins[_known(args.channel, door.admins)].rules.hindrance(known)
        if args.json:
            printing.as_json([_previewed(one, hindrance) for one in shown])
        else:
            print("\n\n".join(show(one) for one in shown))
            if hindrance:
                print(f"\nNo template: {hindrance}.")
        return 0

    return opening.run(work)


def _previewed(one: Rendering, hindrance: str) -> dict[str, Any]:
    return {
        "notification": one.notification, "language": one.language, "template": one.template_name,
        "header": one.header, "body": one.body, "footer": one.footer,
        "buttons": [{"kind": button.kind.value, "label": button.label} for button in one.buttons],
        "document": one.document.filename if one.document else None,
        **({"no_template": hindrance} if hindrance else {}),
    }  # fmt: skip


def _push(args: argparse.Namespace) -> int:
    settings = opening.read_settings()
    catalogue = catalogues.load(settings.templates_dir)

    async def work() -> int:
        errors = [one for one in await _findings(settings, catalogue, args.channel) if one.level == "error"]
        if errors:
            listed = "\n".join(f"  {one.where}: {one.message}" for one in errors[:10])
            raise NotFound(f"nothing was pushed: `templates lint` finds {printing.counted(len(errors), 'error')}\n{listed}")
        answers, bad = [], False
        async with _door(settings, catalogue) as door:
            for sender, admin in door.senders(args.sender, args.channel):
                done: list[Done] = [] if args.dry_run else await _carry_out(args, catalogue, admin, sender)
                steps = plan(catalogue, await _remote(admin, sender), admin, sender.brand)
                bad = bad or any(one.error or one.later for one in done)
                bad = bad or any(step.action in (Action.DRIFTED, Action.REJECTED) for step in steps)
                rows = {"steps": [_step(step) for step in steps], "done": [_done(one) for one in done]}
                answers.append({"sender": sender.id, **rows})
                if not args.json:
                    _tell_plan(sender, steps, dry_run=args.dry_run, done=done)
        if args.json:
            printing.as_json({"dry_run": args.dry_run, "senders": answers})
        return int(bad)

    return opening.run(work)


async def _carry_out(
    args: argparse.Namespace, catalogue: Catalogue, admin: TemplateAdmin, sender: Sender
) -> list[Done]:
    """Push, saying each as it is done."""

    def told(one: Done) -> None:
        if not args.json:
            words = "left for later" if one.later and not one.error else one.error or one.status.lower()
            print(f"{one.step.action.value:<7}  {one.step.template} {one.step.language}: {words}", flush=True)

    return await push(catalogue, admin, sender, told=told)


async def _remote(admin: TemplateAdmin, sender: Sender) -> list[RemoteTemplate]:
    try:
        return await admin.list_templates(sender)
    except TemplateRefused as error:
        raise TemplateRefused(f"the channel gives no list of {sender.id}'s templates: {error}", code=error.code) from error


def _tell_plan(sender: Sender, steps: list[Step], *, dry_run: bool, done: list[Done]) -> None:
    todo = [step for step in steps if step.action in (Action.CREATE, Action.EDIT)]
    if dry_run:
        for step in todo:
            print(f"would {step.action.value:<7}  {step.template} {step.language}")
    for step in steps:
        if step.action in (Action.DRIFTED, Action.REJECTED, Action.STOPPED, Action.SKIPPED):
            print(f"{step.action.value:<9}  {step.template} {step.language}: {step.why or step.status.lower()}")
    later = sum(one.later for one in done)
    tail = f"; {later} left for later: the channel takes so many an hour, run it again then" if later else ""
    print(f"{sender.id}: {_summary(steps)}{tail}")


def _summary(steps: list[Step]) -> str:
    counts = Counter(step.action for step in steps)
    names = {
        Action.UNCHANGED: "approved", Action.WAIT: "under review", Action.CREATE: "to create", Action.EDIT: "to send again",
        Action.REJECTED: "rejected", Action.DRIFTED: "differ there", Action.STOPPED: "stopped by the channel",
        Action.SKIPPED: "not for this channel",
    }  # fmt: skip
    said = [f"{counts[action]} {words}" for action, words in names.items() if counts[action]]
    return ", ".join(said) or "no templates"


def _status(args: argparse.Namespace) -> int:
    settings = opening.read_settings()
    catalogue = catalogues.load(settings.templates_dir)

    async def work() -> int:
        io, good = asking.terminal(), True
        answers: list[dict[str, Any]] = []
        async with _door(settings, catalogue) as door:
            for sender, admin in door.senders(args.sender, args.channel):

                def told(steps: list[Step], sender: Sender = sender) -> None:
                    io.progress(f"{sender.id}: {_summary(steps)}")

                try:
                    steps = await status(catalogue, admin, sender, wait_s=args.wait, told=told)
                except TemplateRefused as error:  # of one sender: those after it have something to say
                    good = False
                    answers.append({"sender": sender.id, "steps": [], "error": str(error)})
                    print(f"{sender.id}: the channel gives no list of its templates: {error}", file=sys.stderr)
                    continue
                finally:
                    io.progress("")
                good = good and all(step.action in FINE for step in steps)
                answers.append({"sender": sender.id, "steps": [_step(step) for step in steps]})
                if not args.json:
                    _tell_status(sender, steps)
        if args.json:
            printing.as_json({"approved": good, "senders": answers})
        return int(not good)

    return opening.run(work)


def _tell_status(sender: Sender, steps: list[Step]) -> None:
    for step in steps:
        if step.action is not Action.UNCHANGED:
            why = step.why or step.status.lower() or "the channel does not have it"
            print(f"{step.action.value:<9}  {step.template} {step.language}: {why}")
    print(f"{sender.id}: {_summary(steps)}")


def _step(step: Step) -> dict[str, str]:
    return {
        "notification": step.notification, "template": step.template, "language": step.language,
        "action": step.action.value, "status": step.status, "why": step.why,
    }  # fmt: skip


def _done(one: Done) -> dict[str, Any]:
    return {**_step(one.step), "status": one.status, "error": one.error, "later": one.later}
