"""`templates push` and `templates status`: bring our words to the channels, follow the review, and say what is sent meanwhile."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from gateway.cli import asking, opening, printing, templates_versions
from gateway.cli.templates_door import Door, door, findings
from gateway.cli.templates_versions import Book, Standing
from gateway.connector import Sender
from gateway.errors import NotFound
from gateway.notifications import catalogue as catalogues
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.push import FINE, Action, Done, Step, plan, push, status
from gateway.notifications.remote import RemoteTemplate, TemplateAdmin, TemplateRefused

FIRST_S, LOOK_S = 0.5, 10.0
"""Between two looks at the channel's list: short at first, for Pages' templates are approved in seconds."""
AGAIN_S = 60.0
"""Between two tries to create what the channel takes no more of for now."""
SWITCH_S = 30.0
"""How long a switch is waited for: a gateway that heard of the last approval does it within two seconds."""


def push_all(args: argparse.Namespace) -> int:
    settings = opening.read_settings()
    catalogue = catalogues.load(settings.templates_dir, public=settings.public_base)

    async def work() -> int:
        answers: list[dict[str, Any]] = []
        bad = False
        async with door(settings, catalogue) as opened, templates_versions.opened(settings) as book:
            errors = [one for one in findings(opened, args.channel) if one.level == "error"]
            if errors:
                listed = "\n".join(f"  {one.where}: {one.message}" for one in errors[:10])
                counted = printing.counted(len(errors), "error")
                raise NotFound(f"nothing was pushed: `templates lint` finds {counted}\n{listed}")
            for sender, admin in opened.senders(args.sender, args.channel):
                done: list[Done] = []
                try:
                    if not args.dry_run:
                        done = await _carry_out(args, catalogue, admin, sender)
                        if args.wait:
                            await _followed(catalogue, admin, sender, args.wait)
                    remote = await admin.list_templates(sender)
                except TemplateRefused as error:  # of one sender: those after it have something to be given
                    bad = True
                    answers.append({"sender": sender.id, "steps": [], "done": [_done(one) for one in done], "error": str(error)})
                    print(_unlisted(sender, error), file=sys.stderr)
                    continue
                steps = plan(catalogue, remote, admin, sender.brand)
                bad = bad or any(one.error or one.later for one in done)
                bad = bad or any(step.action in (Action.DRIFTED, Action.REJECTED) for step in steps)
                rows: dict[str, Any] = {"steps": [_step(step) for step in steps], "done": [_done(one) for one in done]}
                if not args.json:
                    _tell_plan(sender, admin, steps, dry_run=args.dry_run, done=done)
                if not args.dry_run:
                    standing = await _standings(opened, book, sender, remote, wait_s=args.wait, tell=not args.json)
                    rows["versions"] = [one.row() for one in standing]
                answers.append({"sender": sender.id, **rows})
        if args.json:
            printing.as_json({"dry_run": args.dry_run, "senders": answers})
        return int(bad)

    return opening.run(work)


async def _carry_out(
    args: argparse.Namespace, catalogue: Catalogue, admin: TemplateAdmin, sender: Sender
) -> list[Done]:
    """Push, saying each as it is done. With --wait, what the channel takes no more of now is tried again until it does."""
    io, waited = asking.terminal(), 0.0

    def told(one: Done) -> None:
        if not args.json and not (one.later and waited < args.wait):
            words = "left for later" if one.later and not one.error else one.error or one.status.lower()
            print(f"{one.step.action.value:<7}  {one.step.template} {one.step.language}: {words}", flush=True)

    done: list[Done] = []
    while True:
        now = await push(catalogue, admin, sender, told=told)
        later = [one for one in now if one.later]
        done += [one for one in now if not one.later]
        if not later or waited >= args.wait:
            return done + later
        pause = min(AGAIN_S, args.wait - waited)
        io.progress(f"{sender.id}: {len(later)} wait until the channel takes more ({later[0].error or 'too many for now'})")
        await asyncio.sleep(pause)
        waited += pause


async def _followed(catalogue: Catalogue, admin: TemplateAdmin, sender: Sender, wait_s: float) -> list[Step]:
    io = asking.terminal()
    try:
        return await status(
            catalogue, admin, sender, wait_s=wait_s, every_s=LOOK_S, first_s=FIRST_S,
            told=lambda steps: io.progress(f"{sender.id}: {_summary(steps)}"),
        )  # fmt: skip
    finally:
        io.progress("")


async def _standings(
    opened: Door, book: Book, sender: Sender, remote: Sequence[RemoteTemplate], *, wait_s: float, tell: bool
) -> list[Standing]:
    """Which version of what has several is sent. With `wait_s`, a version that the channel lists as approved in every language
    is waited for until the gateway has switched: it hears of the approval by webhook, or reads the list once an hour."""
    found = templates_versions.standings(opened.catalogue, opened.directory, sender, remote, await book.of(sender))
    due = {one.notification.name: one.newer for one in found if one.newer and not one.lacks}
    due |= {one.notification.name: one.version for one in found if one.switched is None and one.version}
    if due and wait_s and book.open and not book.works:
        print("no process of a gateway works on this store: what is approved is sent when one does", file=sys.stderr)
    elif due and wait_s and book.open:
        known = await templates_versions.wait_switched(book, sender, due, wait_s=min(wait_s, SWITCH_S))
        found = templates_versions.standings(opened.catalogue, opened.directory, sender, remote, known)
    for one in found if tell else ():
        print(f"{sender.id}: {one.sentence()}")
    return found


def _tell_plan(sender: Sender, admin: TemplateAdmin, steps: list[Step], *, dry_run: bool, done: list[Done]) -> None:
    todo = [step for step in steps if step.action in (Action.CREATE, Action.EDIT)]
    if dry_run:
        for step in todo:
            print(f"would {step.action.value:<7}  {step.template} {step.language}")
        if 0 < (an_hour := admin.rules.creates_an_hour) < len(todo):
            print(f"the channel takes {an_hour} new ones an hour: `--wait` goes on by itself, or run it again each hour")
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


def status_all(args: argparse.Namespace) -> int:
    settings = opening.read_settings()
    catalogue = catalogues.load(settings.templates_dir, public=settings.public_base)

    async def work() -> int:
        good = True
        answers: list[dict[str, Any]] = []
        async with door(settings, catalogue) as opened, templates_versions.opened(settings) as book:
            for sender, admin in opened.senders(args.sender, args.channel):
                try:
                    steps = await _followed(catalogue, admin, sender, args.wait)
                    remote = await admin.list_templates(sender)
                    if not args.json:
                        _tell_status(sender, steps)
                    standing = await _standings(opened, book, sender, remote, wait_s=args.wait, tell=not args.json)
                except TemplateRefused as error:  # of one sender: those after it have something to say
                    good = False
                    answers.append({"sender": sender.id, "steps": [], "error": str(error)})
                    print(_unlisted(sender, error), file=sys.stderr)
                    continue
                good = good and all(step.action in FINE for step in steps)
                rows = {"steps": [_step(step) for step in steps], "versions": [one.row() for one in standing]}
                answers.append({"sender": sender.id, **rows})
        if args.json:
            printing.as_json({"approved": good, "senders": answers})
        return int(not good)

    return opening.run(work)


def _unlisted(sender: Sender, error: TemplateRefused) -> str:
    later = " (try again later)" if error.wait else ""
    return f"{sender.id}: the channel gives no list of its templates: {error}{later}"


def _tell_status(sender: Sender, steps: list[Step]) -> None:
    for step in steps:
        if step.action is not Action.UNCHANGED:
            why = step.why or step.status.lower() or "the channel does not have it"
            print(f"{step.action.value:<9}  {step.template} {step.language}: {why}")
        if step.notice:
            print(f"notice     {step.template} {step.language}: {step.notice}")
    print(f"{sender.id}: {_summary(steps)}")


def _step(step: Step) -> dict[str, str]:
    return {
        "notification": step.notification, "template": step.template, "language": step.language,
        "action": step.action.value, "status": step.status, "why": step.why,
        "notice": step.notice,
    }  # fmt: skip


def _done(one: Done) -> dict[str, Any]:
    return {**_step(one.step), "status": one.status, "error": one.error, "later": one.later}
