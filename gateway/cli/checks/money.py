"""What messages cost, and the budgets: files that can be trusted, and money that is left."""

from __future__ import annotations

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, Level, fail, names, note, ok, warn
from gateway.errors import SettingsError
from gateway.prices import amount, read
from gateway.prices.budgets import Level as Used
from gateway.prices.budgets import Standing, standings
from gateway.prices.model import Book, Confidence, day_of
from gateway.settings import Environment
from gateway.store.spending import Spending


async def prices(case: Case) -> list[Finding]:
    """Price lists can be read, hold today, and are the operator's own rather than examples."""
    check, folder = "prices", case.settings.prices_dir
    try:
        book, _ = read.load(folder)
    except SettingsError as error:
        return [Finding(Level.FAIL, check, problem, "mend that line; `python main.py cost check`") for problem in error.problems]
    missing = sorted({sender.channel for sender in case.directory} - set(book.channels))
    found = _lists(case, book)
    if missing:
        what = f"nothing is known of what {names(missing)} costs: cost shows it as unknown, and budgets do not count it"
        found += note(check, what, f"add a price list to {folder}: docs/cost.md")
    return found or ok(check, f"{len(book.channels)} channels have prices that hold today")


def _lists(case: Case, book: Book) -> list[Finding]:
    check, found = "prices", []
    today = day_of(case.clock.now_ms())
    used = {sender.channel for sender in case.directory}
    for known in book.channels.values():
        if known.channel not in used:
            continue
        now = known.on(today)
        if now is None:
            mend = f"add the present list to {known.file}"
            found += warn(check, f"no price list of {known.channel} holds today: what is sent has no expected price", mend)
        elif now.confidence is Confidence.EXAMPLE:
            what = f"the prices of {known.channel} are examples"
            mend = f"put your own price list into {known.file} and say `confidence: own`"
            production = case.settings.env is Environment.PRODUCTION
            found += warn(check, what, mend) if production else ok(check, f"{what}; production needs your own")
    return found


async def budgets(case: Case) -> list[Finding]:
    """Money is left: of a budget that is used up, what is not urgent waits."""
    check = "budgets"
    try:
        _, kept = read.load(case.settings.prices_dir)
    except SettingsError:
        return note(check, "not looked at: the prices cannot be read", "see `prices`")
    if not kept:
        return ok(check, "no budget is set")
    now = case.clock.now_ms()
    counted = await Spending((await case.store()).redis).read({one.counter(now) for one in kept})
    found = standings(kept, counted, now)
    tight = [one for one in found if one.level is not Used.FINE]
    if not tight:
        return ok(check, ", ".join(f"{one.budget.name} {one.percent}%" for one in found))
    return [finding for one in tight for finding in _tight(one)]


def _tight(one: Standing) -> list[Finding]:
    check, budget = "budgets", one.budget
    spent = f"{amount.shown(one.spent, 2)} of {amount.shown(budget.limit, 2)} {budget.currency}"
    mend = "raise its limit in budgets.yaml, which counts within seconds; or wait for the next period"
    if one.level is Used.FULL:
        what = f"{budget.name} is used up in {one.period} ({spent}): what is not urgent waits"
        return fail(check, what, mend)
    return warn(check, f"{budget.name} is at {one.percent}% in {one.period} ({spent})", mend)
