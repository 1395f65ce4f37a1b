"""`python main.py report`: what happened between two times, for the review afterwards: an incident; families."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gateway import directory as directories
from gateway.api.measures import as_json as measures_json
from gateway.cli import arguments, opening, printing
from gateway.cli.trace import zone_of
from gateway.clock import Clock
from gateway.errors import BadInput, GatewayError, NotFound, Problem, SettingsError, StoreError
from gateway.insight.incident import Incident, gather
from gateway.insight.incident_page import page_of
from gateway.insight.incident_words import as_csv, as_dict, as_text
from gateway.insight.trace import FAMILIES, candidates
from gateway.notifications import catalogue as catalogues
from gateway.rules import measures
from gateway.settings import Environment, Settings
from gateway.store.vault import Vault

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start: only what opens the history pays for it
    from gateway.insight.families_report import Measures
    from gateway.insight.history import History

OFFER = "family"
"""The key of the button below a pass or ticket that makes a family."""
COUNT_S = 60.0
"""How long a report may count: somebody waits for it, and nothing else does."""
SHOWN = ("flight", "trip", "outage")
"""Families whose names may stand in a report; the number of an order leads to a person."""


def add_parser(commands: Any) -> None:
    group = commands.add_parser("report", help="what happened, for the review afterwards")
    parts = group.add_subparsers(title="reports", metavar="REPORT", required=True)
    parser = arguments.command(
        parts,
        "incident",
        help="who was told how late between two times, who was not, and why",
        about=(
            "TIME is 30m, 2h, 1d ago, or 2026-11-22T18:00 (this machine's zone unless it says another). Without --html, --csv\n"
            "or --json the report is text. Nothing of a person is in it but our own ids."
        ),
        example="report incident --from 2026-11-22T06:00 --to 2026-11-22T09:00 --html incident.html",
    )
    parser.add_argument("--from", dest="since", type=arguments.moment, required=True, metavar="TIME", help="the beginning")
    parser.add_argument("--to", dest="until", type=arguments.moment, metavar="TIME", help="the end (default: now)")
    parser.add_argument(
        "--subject", type=arguments.not_a_number, metavar="WHAT",
        help="about one flight, trip, order or outage: flight:ZZ1007/2026-11-22/AMS, or our id j11...",
    )  # fmt: skip
    parser.add_argument("--html", type=Path, metavar="FILE", help="a page that needs nothing else; light, dark, and for phones")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="a line a message, for a spreadsheet; - for standard output")
    parser.add_argument("--zone", metavar="NAME", help="show times as in this zone (default: this machine's)")
    parser.set_defaults(work=_incident)
    parser = arguments.command(
        parts,
        "families",
        help="families per boarding pass, members per family, stops, questions answered without a person",
        about="TIME is 30m, 2h, 1d ago, or 2026-11-22T18:00 (this machine's zone unless it says another).",
        example="report families --from 7d",
    )
    parser.add_argument("--from", dest="since", type=arguments.moment, required=True, metavar="TIME", help="the beginning")
    parser.add_argument("--to", dest="until", type=arguments.moment, metavar="TIME", help="the end (default: now)")
    parser.set_defaults(work=_families)
    parser = arguments.command(
        parts,
        "webcare",
        help="service level, speed of answer, longest wait, hand-over and reopening, per brand and queue",
        about="TIME is 30m, 2h, 1d ago, or 2026-11-22T18:00 (this machine's zone unless it says another).",
        example="report webcare --from 7d",
    )
    parser.add_argument("--from", dest="since", type=arguments.moment, required=True, metavar="TIME", help="the beginning")
    parser.add_argument("--to", dest="until", type=arguments.moment, metavar="TIME", help="the end (default: now)")
    parser.set_defaults(work=_webcare)


def _webcare(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        from gateway import desk_plan
        from gateway.insight import webcare_report

        hours = desk_plan.read(settings).calendar
        _, now = await _vault_and_now(settings, subject=None)
        since, until = args.since.before(now), min(args.until.before(now) if args.until else now, now)
        if since >= until:
            raise BadInput([Problem("--from", "should be in the past, and before --to")])
        async with opening.opened_history(settings, call_s=COUNT_S) as history:
            found = await history.database.count(
                lambda connection: webcare_report.read(connection, since_ms=since, until_ms=until + 1, now_ms=now, hours=hours)
            )
        rows = measures.by_queue(found)
        if args.json:
            named = [{"brand": brand, "queue": queue, **measures_json(one)} for (brand, queue), one in rows.items()]
            whole = measures_json(measures.total(rows.values()))
            printing.as_json({"definition": measures.VERSION, "all": whole, "rows": named})
        else:
            print(_webcare_text(rows))
        return 0

    return opening.run(work)


def _webcare_text(rows: Mapping[tuple[str, str], measures.Measures]) -> str:
    def percent(share: float | None) -> str:
        return "-" if share is None else f"{100 * share:.1f} %"

    def span(ms: float | None) -> str:
        return "-" if ms is None else f"{int(ms) // 60_000}:{int(ms) // 1000 % 60:02d}"

    def row(name: str, one: measures.Measures) -> tuple[str, ...]:
        return (
            name, f"{one.answered:,}", f"{one.abandoned:,}", percent(one.service_level), span(one.asa_ms), span(one.longest_ms),
            f"{one.resolved:,}", percent(one.hand_over_rate), percent(one.reopen_rate), f"{one.automated:,}",
        )  # fmt: skip

    head = ("queue", "answered", "gone", f"within {measures.T_MS // 1000} s", "mean wait", "longest", "resolved", "handed over",
            "opened again", "by automation")  # fmt: skip
    lines = [row(f"{brand}/{queue}", one) for (brand, queue), one in rows.items()]
    return printing.columns(head, [*lines, row("all", measures.total(rows.values()))])


def _families(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        catalogue = catalogues.load(settings.templates_dir)
        offers = [one.name for one in catalogue if any(button.key == OFFER for button in one.buttons)]
        _, now = await _vault_and_now(settings, subject=None)
        since, until = args.since.before(now), min(args.until.before(now) if args.until else now, now)
        if since >= until:
            raise BadInput([Problem("--from", "should be in the past, and before --to")])
        async with opening.opened_history(settings, call_s=COUNT_S) as history:
            found = await history.families(offers, since_ms=since, until_ms=until + 1)
        if args.json:
            shares = {name: getattr(found, name) for name in ("per_pass", "per_family", "stopped", "unaided")}
            printing.as_json({**asdict(found), **shares})
        else:
            print(_families_text(found))
        return 0

    return opening.run(work)


def _families_text(found: Measures) -> str:
    def of(share: float | None, *, percent: bool = True) -> str:
        return "-" if share is None else f"{100 * share:.1f} %" if percent else f"{share:.1f}"

    def why(counts: Mapping[str, int]) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "none"

    return printing.columns(("", "number", "", ""), [
        ("passes and tickets told with the offer", f"{found.passes:,}", "", ""),
        ("families begun", f"{found.made:,}", of(found.per_pass), "of these"),
        ("members joined", f"{found.joined:,}", of(found.per_family, percent=False), f"a family, at most {found.largest}"),
        ("members left", f"{sum(found.left.values()):,}", of(found.stopped),
         f"of these, by their own wish ({why(found.left)})"),
        ("news planned for members", f"{found.told:,}", "", ""),
        ("questions", f"{sum(found.asked.values()):,}", of(found.unaided), "answered without a person"),
        ("doors closed by themselves", f"{found.shut:,}", "", "more than ten in a minute"),
        ("families over", f"{sum(found.ended.values()):,}", "", why(found.ended)),
    ])  # fmt: skip


def _incident(args: argparse.Namespace) -> int:
    zone = zone_of(args.zone)
    for path in (args.html, args.csv):
        if path is not None and str(path) != "-" and not path.absolute().parent.is_dir():
            raise BadInput([Problem("--html" if path is args.html else "--csv", f"there is no directory {path.parent}")])
    settings = opening.read_settings()

    async def work() -> int:
        vault, now = await _vault_and_now(settings, subject=args.subject)
        since, until = args.since.before(now), min(args.until.before(now) if args.until else now, now)
        if since >= now:
            raise BadInput([Problem("--from", "should be in the past")])
        async with opening.opened_history(settings) as history:
            subject, shown = await _subject(args.subject, vault, history) if args.subject and vault else ("", "")
            report = await gather(
                history, since_ms=since, until_ms=until, subject=subject, channels=_channels(settings), progress=_progress
            )
        _progress(0)
        return _give(args, replace(report, subject=shown), zone)

    return opening.run(work)


async def _vault_and_now(settings: Settings, *, subject: str | None) -> tuple[Vault | None, int]:
    """What turns a name into our id, and the time. Without a subject a store that is gone is no hindrance: it may be why."""
    try:
        async with opening.open_store(settings) as opened:
            return opened.vault, opened.clock.now_ms()
    except StoreError:
        if subject or settings.env is Environment.DEMO:
            raise
        return None, Clock().now_ms()


async def _subject(text: str, vault: Vault, history: History) -> tuple[str, str]:
    """(our id, how the report calls it). Raises NotFound."""
    family, _, entity = text.partition(":")
    if family in FAMILIES and entity:
        found = [str(vault.subject_id(family, entity))]
    else:
        found = [one for one in candidates(text, vault) if one.startswith("j")]
    known = [one for one in found if await history.of_ids([one], limit=1)]
    if not known:
        raise NotFound(
            f"the history knows no such subject: it should be written as its source writes it, "
            f"{' | '.join(f'{name}:...' for name in FAMILIES)}, e.g. flight:ZZ1007/2026-11-22/AMS, or be our id j11..."
        )
    if len(known) > 1:
        raise NotFound(f"several are called that: {', '.join(known)}: give its kind, e.g. flight:...")
    return known[0], text if family in SHOWN else known[0]


def _channels(settings: Settings) -> dict[str, str]:
    """Sender -> channel; a report can be made while senders.yaml cannot be read."""
    try:
        return {str(sender.id): sender.channel for sender in directories.read(settings)}
    except SettingsError:
        return {}


def _give(args: argparse.Namespace, report: Incident, zone: ZoneInfo | None) -> int:
    if args.html is not None:
        _write(args.html, [page_of(report, zone)])
    if args.csv is not None and str(args.csv) == "-":
        sys.stdout.writelines(as_csv(report))
    elif args.csv is not None:
        _write(args.csv, as_csv(report))
    if args.json:
        printing.as_json(as_dict(report))
    elif args.html is None and args.csv is None:
        print(as_text(report, zone, printing.columns))
    return 0


def _write(path: Path, pieces: Iterable[str]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
    except OSError as error:
        raise GatewayError(f"{path} cannot be written: {error.strerror}") from error
    print(f"{path} was written.", file=sys.stderr)


def _progress(count: int) -> None:
    """How many facts were read, on a terminal; 0 takes the line away."""
    if sys.stderr.isatty():
        print(f"\r{count:,} facts read" if count else "\r" + " " * 30 + "\r", end="", file=sys.stderr, flush=True)
