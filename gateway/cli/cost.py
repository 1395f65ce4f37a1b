"""`python main.py cost`: what messages should cost, what the channels charged, and how budgets stand.

    cost            from the history: works while the gateway runs and while it does not
    cost check      reads the files of prices/ and names every mistake with its line; touches nothing else
    cost budgets    what is spent of each budget now, as dispatch counts it
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from typing import Any

from gateway.cli import arguments, opening, printing
from gateway.insight.cost_report import BY, UNKNOWN, Row, doubts, rows, totals
from gateway.prices import amount, read
from gateway.prices.budgets import Level, Standing, standings
from gateway.prices.model import DAY_MS, Confidence
from gateway.settings import Settings
from gateway.store.spending import Spending

DEFAULT_DAYS = 30
_END_MS = 253_402_300_799_000
"""The last day that dates can name."""
_SAID = {Level.FINE: "fine", Level.WARNED: "WARN", Level.FULL: "FULL: what is not urgent waits"}


def add_parser(commands: Any) -> None:
    parser = arguments.command(
        commands,
        "cost",
        help="what messages should cost, what was charged, and how budgets stand",
        about=(
            "Amounts are worked out from your own price lists (prices/), never from an invoice. Days are those of UTC.\n"
            "`cost check` looks at the price lists and budgets; `cost budgets` shows what is spent of each budget now."
        ),
        example="cost --by notification --from 2026-11-01 --to 2026-11-22",
    )
    parser.add_argument("what", nargs="?", choices=("report", "check", "budgets"), default="report", help="default: report")
    parser.add_argument("--by", choices=tuple(BY), default="day", help="one line for each (default: day)")
    parser.add_argument("--from", dest="since", type=_day, metavar="DAY", help="first day (default: 30 days back)")
    parser.add_argument("--to", dest="until", type=_day, metavar="DAY", help="last day (default: no end)")
    parser.add_argument("--csv", action="store_true", help="print comma-separated values")
    parser.set_defaults(work=_cost)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise argparse.ArgumentTypeError("should be a day such as 2026-11-22") from None


def _cost(args: argparse.Namespace) -> int:
    if args.csv and args.json:
        args.fail("--csv and --json: choose one")
    if args.csv and args.what != "report":
        args.fail("--csv is for the report")
    if args.since and args.until and args.until < args.since:
        args.fail("--to is before --from")
    settings = opening.read_settings()
    if args.what == "check":
        return check(settings, as_json=args.json)
    if args.what == "budgets":
        return opening.run(lambda: budgets(settings, as_json=args.json))
    return opening.run(lambda: report(settings, args))


async def report(settings: Settings, args: argparse.Namespace) -> int:
    """Print the report. Raises SettingsError (a bad price list), StoreUnavailable (no history)."""
    book, _ = read.load(settings.prices_dir)
    since = args.since or datetime.now(UTC).date() - timedelta(days=DEFAULT_DAYS)
    until_ms = _start_ms(args.until) + DAY_MS if args.until and args.until < date.max else _END_MS
    async with opening.opened_history(settings) as history:
        groups = await history.cost_groups(since_ms=_start_ms(since), until_ms=until_ms)
    found = rows(groups, book, args.by)
    notes = doubts(groups, book)
    if args.json:
        printing.as_json(
            {
                "by": args.by,
                "from": since.isoformat(),
                "to": args.until.isoformat() if args.until else None,
                "rows": [as_dict(row) for row in found],
                "totals": [as_dict(row) for row in totals(found)],
                "notes": notes,
            }
        )
    elif args.csv:
        _csv(args.by, found)
        for note in notes:
            print(note, file=sys.stderr)
    else:
        print(as_text(args.by, found) if found else f"No message was taken by a channel since {since}, or none is folded yet.")
        for note in notes:
            print(f"note: {note}")
    return 0


def as_dict(row: Row) -> dict[str, Any]:
    """For programs: amounts as exact texts, in units of the currency."""
    return {
        "key": row.key,
        "currency": row.currency,
        "messages": row.messages,
        "expected": amount.exact(row.expected),
        "expected_unknown": row.expected_unknown,
        "real": amount.exact(row.real),
        "real_unknown": row.real_unknown,
        "difference": amount.exact(row.difference),
        "compared": row.compared,
    }


def as_text(by: str, found: Sequence[Row]) -> str:
    """A table. A sum of which a part is unknown says of how many messages: "12.40 + ? (3)"."""
    lines = [*found, *totals(found)]
    cells = [
        (
            row.key,
            row.messages,
            row.currency,
            _sum(row.expected, row.messages, row.expected_unknown),
            _sum(row.real, row.messages, row.real_unknown),
            _sum(row.difference, row.messages, row.messages - row.compared),
        )
        for row in lines
    ]
    widths = [max(len(str(row[place])) for row in cells) for place in (3, 4, 5)]
    shown = [(*row[:3], *(str(text).rjust(width) for text, width in zip(row[3:], widths, strict=True))) for row in cells]
    unknown = any(row.expected_unknown or row.real_unknown for row in lines)
    text = printing.columns((by, "messages", "currency", "expected", "real", "difference"), shown)
    return text + ("\n\n? (n): not known of n messages; no list has the price, or the channel has not said" if unknown else "")


def _sum(millionths: int, messages: int, unknown: int) -> str:
    if unknown == 0:
        return amount.shown(millionths)
    apart = f"{UNKNOWN} ({unknown:,})"
    return apart if unknown == messages else f"{amount.shown(millionths)} + {apart}"


def _csv(by: str, found: Sequence[Row]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    head = ("currency", "messages", "expected", "expected_unknown", "real", "real_unknown", "difference", "compared")
    writer.writerow((by, *head))
    for row in found:
        said = as_dict(row)
        writer.writerow((row.key, *(said[name] for name in head)))


def _start_ms(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def check(settings: Settings, *, as_json: bool) -> int:
    """What the files say, or every mistake in them (SettingsError: exit code 1)."""
    book, kept = read.load(settings.prices_dir)
    lists = [
        {
            "channel": known.channel,
            "currency": known.currency,
            "from": one.valid_from.isoformat(),
            "until": end.isoformat() if end else None,
            "markets": len(one.prices),
            "confidence": one.confidence.value,
            "source": one.source,
            "file": known.file,
        }
        for known in book.channels.values()
        for one, after in zip_longest(known.lists, known.lists[1:])
        for end in [one.valid_until or (after.valid_from if after else None)]
    ]
    if as_json:
        names = [{"name": one.name, "brand": one.brand, "per": one.per.value, "currency": one.currency,
                  "limit": amount.exact(one.limit), "warn_at": one.warn_at} for one in kept]  # fmt: skip
        printing.as_json({"lists": lists, "budgets": names})
        return 0
    if not lists:
        print(f"{settings.prices_dir} holds no price list: every price is unknown (docs/cost.md)")
        return 0
    head = ("channel", "currency", "from", "until", "markets", "confidence", "source")
    print(printing.columns(head, [[one[name] or "-" for name in head] for one in lists]))
    print(f"\n{printing.counted(len(kept), 'budget')}; no mistake found")
    examples = sorted({one["channel"] for one in lists if one["confidence"] == Confidence.EXAMPLE.value})  # type: ignore[type-var]
    if examples:
        print(f"note: figures of {', '.join(map(str, examples))} are examples: replace them by your own price list")
    return 0


async def budgets(settings: Settings, *, as_json: bool) -> int:
    """How each budget stands now, as dispatch sees it."""
    _, kept = read.load(settings.prices_dir)
    async with opening.open_store(settings) as opened:
        now = opened.clock.now_ms()
        counted = await Spending(opened.connection.redis).read({one.counter(now) for one in kept})
    found = standings(kept, counted, now)
    if as_json:
        printing.as_json([_standing(one) for one in found])
    elif not found:
        print(f"no budget is set: {settings.prices_dir / read.BUDGETS}")
    else:
        head = ("budget", "brand", "period", "spent", "limit", "currency", "used", "")
        cells = [
            (
                one.budget.name, one.budget.brand or "all", one.period, amount.shown(one.spent, 2),
                amount.shown(one.budget.limit, 2), one.budget.currency, f"{one.percent}%", _SAID[one.level],
            )
            for one in found
        ]  # fmt: skip
        print(printing.columns(head, cells))
    return 0


def _standing(one: Standing) -> dict[str, Any]:
    return {
        "name": one.budget.name,
        "brand": one.budget.brand,
        "per": one.budget.per.value,
        "period": one.period,
        "spent": amount.exact(one.spent),
        "limit": amount.exact(one.budget.limit),
        "currency": one.budget.currency,
        "percent": one.percent,
        "level": one.level.value,
    }
