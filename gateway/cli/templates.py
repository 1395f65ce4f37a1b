"""`python main.py templates`: checks what we say, shows it, brings it to the channel and follows the review."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.cli import arguments, opening, printing, templates_follow, templates_switch, templates_try, templates_versions
from gateway.cli.templates_door import door, findings, known_channel
from gateway.cli.templates_remote import Compared, compare
from gateway.documents.layouts_lint import lint_layouts
from gateway.errors import BadInput, NotFound
from gateway.notifications import catalogue as catalogues
from gateway.notifications import graph
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.lint import Finding
from gateway.notifications.parts import Rendering
from gateway.notifications.preview import example, show

WAIT_S = 600.0


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "templates", help="what we say: check, show, bring to the channel, try")
    check = arguments.command(
        group,
        "lint",
        help="check everything in templates/ against the channel's rules and ours",
        about=(
            "Exit code 1 when something would be refused or mislead; warnings do not count. With --remote also when the\n"
            "channel's words are not ours, line by line, or a template that we use is missing there."
        ),
        example="templates lint --remote",
    )
    check.add_argument("--remote", action="store_true", help="also compare with what the channel has, sender by sender")
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
        about=(
            "Nothing reaches people by it: the channel looks at new templates first. A new version of changed words is\n"
            "sent when it is approved in every language in use; --wait stays until then. Where the channel takes no more\n"
            "for now, --wait goes on when it does; without it, run it again later."
        ),
        example="templates push --wait 600",
    )
    _add_sender(send)
    _add_wait(send, "create the rest when the channel takes it, and follow the review and the switch")
    send.add_argument("--dry-run", action="store_true", help="only say what would be done")
    send.set_defaults(work=templates_follow.push_all)
    follow = arguments.command(
        group,
        "status",
        help="how each template stands at the channel",
        about=(
            "Exit code 0 when all that the channel can hold are approved and the same as ours. Of what has several\n"
            "versions it says which is sent, since when, and what the newer one waits for."
        ),
        example="templates status --wait 300",
    )
    _add_sender(follow)
    _add_wait(follow, "look again until none is under review any more, and what is approved is sent")
    follow.set_defaults(work=templates_follow.status_all)
    templates_switch.add_parser(group)
    templates_try.add_parser(group)


def _add_sender(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sender", metavar="ID", help="one of our senders (default: all)")
    _add_channel(parser, "the senders of one channel (default: of every channel that a brand has senders for)")


def _add_wait(parser: argparse.ArgumentParser, words: str) -> None:
    parser.add_argument(
        "--wait", nargs="?", type=arguments.seconds, const=WAIT_S, default=0.0, metavar="SECONDS",
        help=f"{words} (at most so long; default {WAIT_S:g})",
    )  # fmt: skip


def _add_channel(parser: argparse.ArgumentParser, words: str) -> None:
    parser.add_argument("--channel", metavar="NAME", help=words)


def _lint(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        catalogue: Catalogue | None = None
        found: list[Finding] = []
        try:
            catalogue = catalogues.load(settings.templates_dir, public=settings.public_base)
        except BadInput as error:  # what does not load is the first of all findings
            found = [Finding("error", one.field, "load", one.message) for one in error.problems]
        compared: list[Compared] = []
        if catalogue is not None:
            async with door(settings, catalogue) as opened:
                found = [*findings(opened, args.channel), *lint_layouts(settings.templates_dir, settings.fonts_dir)]
                if args.remote:
                    async with templates_versions.opened(settings) as book:
                        compared = await compare(catalogue, opened, book, args.channel)
        errors = sum(one.level == "error" for one in found)
        drawn = _drawn(args.graph, catalogue)
        bad = int(errors > 0 or not all(one.good for one in compared))
        if args.json:
            rows = [{"level": one.level, "where": one.where, "rule": one.rule, "message": one.message} for one in found]
            remote = {"remote": [one.row() for one in compared]} if args.remote else {}
            printing.as_json({"errors": errors, "findings": rows, **remote, **({"graph": drawn} if drawn else {})})
            return bad
        for one in found:
            print(f"{one.level:<7}  {one.where}: {one.message} ({one.rule})")
        if drawn:
            print(f"\n{drawn}\n" if found else f"{drawn}\n")
        count = f"{printing.counted(len(catalogue.names), 'notification')}, " if catalogue else ""
        print(f"{count}{printing.counted(errors, 'error')}, {printing.counted(len(found) - errors, 'warning')}.")
        for line in (line for one in compared for line in one.lines()):
            print(line)
        return bad

    return opening.run(work)


def _drawn(form: str | None, catalogue: Catalogue | None) -> str:
    if form is None or catalogue is None:
        return ""
    return graph.mermaid(catalogue) if form == "mermaid" else graph.text(catalogue)


def _preview(args: argparse.Namespace) -> int:
    settings = opening.read_settings()
    catalogue = catalogues.load(settings.templates_dir, public=settings.public_base)
    if args.brand is not None and args.brand not in catalogue.brands:
        raise NotFound(f"no brand {args.brand}; there are {', '.join(catalogue.brands)}")
    known = catalogue.get(args.name)
    languages = [args.lang] if args.lang or known is None else list(known.languages)
    shown = [example(catalogue, args.name, language or "nl", brand=args.brand) for language in languages]
    assert known is not None, "example refuses an unknown name"

    async def work() -> int:
        hindrance = ""
        if args.channel is not None:
            async with door(settings, catalogue) as opened:
                hindrance = opened.admins[known_channel(args.channel, opened.admins)].rules.hindrance(known)
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
