"""The numbers that we send from: registered, verified, trusted, and large enough for tomorrow."""

from __future__ import annotations

from collections.abc import Callable

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, NotSeen, fail, names, note, ok, warn
from gateway.connector import Sender
from gateway.model.account import NumberReport, Refused, Why
from gateway.settings import Environment
from gateway.store import keys
from gateway.store.readings import Readings, Travelling

DAY_MS = 24 * 3600 * 1000
NEARLY = 0.8
ADDRESS_CHARS = 16
COUNT_MAX = 200_000
"""Members of lanes that are read to count people; above it messages are counted instead."""
_CONNECT = "run `python main.py connect whatsapp`: it goes on where it was"


async def _each(case: Case, judge: Callable[[Sender, NumberReport], list[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    for sender in _numbers(case):
        found += judge(sender, await case.number(sender))
    return found


def _numbers(case: Case) -> list[Sender]:
    """raises: NotSeen where there is none"""
    if not case.numbers:
        raise NotSeen("no number is set up", "senders")
    return case.numbers


async def number(case: Case) -> list[Finding]:
    """The number exists, is ours and is registered for the API."""
    check, found = "number", []
    for sender in _numbers(case):
        report = await case.number_or_refusal(sender)
        if isinstance(report, Refused):
            if report.why not in (Why.MISSING, Why.OTHER, Why.PERMISSION):
                await case.number(sender)  # tells whose fault it is
            mend = report.mend or "compare GATEWAY_WHATSAPP_PHONE_NUMBER_ID with WhatsApp > API Setup"
            found += fail(check, f"the number of {sender.id} cannot be seen: {report.sentence}", mend)
        elif not report.registered:
            found += fail(check, f"the number of {sender.id} is not registered: nothing can be sent or received", _CONNECT)
        else:
            found += ok(check, f"the number of {sender.id} is registered")
    return found


async def number_verified(case: Case) -> list[Finding]:
    """Somebody proved to have the number, by SMS or voice."""
    check = "number-verified"

    def judge(sender: Sender, report: NumberReport) -> list[Finding]:
        if report.verified is None:
            return note(check, f"the channel does not say whether the number of {sender.id} is verified")
        if report.verified:
            return ok(check, f"the number of {sender.id} is verified")
        if report.registered:
            what = f"the number of {sender.id} is not verified: it works, and could not be registered again"
            return note(check, what, _CONNECT) if report.test else warn(check, what, _CONNECT)
        return fail(check, f"the number of {sender.id} is not verified, so it cannot be registered", _CONNECT)

    return await _each(case, judge)


async def test_mode(case: Case) -> list[Finding]:
    """A test number writes to five listed phones and to nobody else."""
    check = "test-mode"

    def judge(sender: Sender, report: NumberReport) -> list[Finding]:
        if report.test is None:
            return note(check, f"the channel does not say whether {sender.id} is a test number")
        if not report.test:
            return ok(check, f"{sender.id} may write to everybody")
        what = f"{sender.id} is a test number: it reaches 5 listed phones only (code 131030 for all others)"
        if case.settings.env is Environment.PRODUCTION:
            return fail(check, what, "add a number of your own: WhatsApp Manager > Phone numbers > Add, then docs/go-live.md")
        return note(check, what, "list a phone: your app > WhatsApp > API Setup > `To` > Manage phone number list")

    return await _each(case, judge)


async def quality(case: Case) -> list[Finding]:
    """What people's blocks and reports made of the number."""
    check = "quality"
    mend = "find what people block: `python main.py templates status`, fewer and better timed messages, ask for consent again"

    def judge(sender: Sender, report: NumberReport) -> list[Finding]:
        what = f"quality of {sender.id} is {report.quality}"
        if report.quality == "RED":
            return fail(check, what + ": people block or report it; its templates are paused next", mend)
        if report.quality == "YELLOW":
            return warn(check, what, mend)
        return ok(check, what)

    return await _each(case, judge)


async def account_state(case: Case) -> list[Finding]:
    """Nothing that the channel itself holds against number, account, business or app."""
    check = "account"

    def judge(sender: Sender, report: NumberReport) -> list[Finding]:
        if report.blocked and report.registered:  # the number itself when unregistered: the check `number` says it
            what = f"{sender.id} cannot send: {names(list(report.blocked))}"
            return fail(check, what, "do what it says; places to click: docs/go-live.md")
        if report.limited:
            return note(check, f"{sender.id} is limited: {names(list(report.limited))}", "docs/go-live.md: the calendar")
        return ok(check, f"the channel holds nothing against {sender.id}")

    return await _each(case, judge)


async def tier(case: Case) -> list[Finding]:
    """As many people as are due in the next 24 hours may be written to: the limit is shared by all numbers of a portfolio."""
    check, portfolios = "tier", _portfolios(case)
    if not portfolios:
        raise NotSeen("no number is set up", "senders")
    found: list[Finding] = []
    # Whose travellers they are is not known before they are told, so with several portfolios nothing is added to either.
    travelling = await Readings((await case.store()).redis, case.clock).travelling() if len(portfolios) == 1 else None
    for senders in portfolios:
        tiers = [report.tier for report in [await case.number(sender) for sender in senders] if report.tier is not None]
        whose = names([str(sender.id) for sender in senders])
        if not tiers:
            found += note(check, f"the channel does not say how many people {whose} may write to")
            continue
        limit = min((one for one in tiers if one >= 0), default=-1)
        found += judge_tier(whose, limit, *await _due(case, senders), travelling)
    return found


def judge_tier(whose: str, limit: int, due: int, exact: bool, travelling: Travelling | None = None) -> list[Finding]:
    """limit: people in 24 h, -1 unlimited. due: people, or messages (at least as many) where not `exact`. travelling: who will
    hear something too, if only a boarding call: an estimate, so it never fails alone."""
    check = "tier"
    waiting = f"{due} {'people' if exact else 'messages'} wait for the next 24 hours"
    expected = travelling.people if travelling is not None else 0
    if travelling is not None and expected:
        waiting += f", about {expected} travel in them ({travelling.basis})"
    if limit < 0:
        return ok(check, f"{whose}: unlimited; {waiting}")
    allowed = f"{whose} may write to {limit} people in 24 hours"
    mend = "verify the business (250 to 2,000 people), or spread what is not urgent: docs/go-live.md, the calendar"
    if due > limit:
        what = f"{allowed} and {waiting}: the least urgent will be unreached"
        return fail(check, what, mend) if exact else warn(check, what, mend)
    if due + expected > limit * NEARLY:
        return warn(check, f"{allowed} and {waiting}", mend)
    return ok(check, f"{allowed}; {waiting}")


def _portfolios(case: Case) -> list[list[Sender]]:
    found: dict[str, list[Sender]] = {}
    for sender in case.numbers:
        found.setdefault(sender.scope, []).append(sender)
    return list(found.values())


async def _due(case: Case, senders: list[Sender]) -> tuple[int, bool]:
    """How many distinct addresses are due, as somebody counts them, else from the lanes; (count, whether of people).

    What waits now, and what is planned for the next 24 hours; not what events will bring until then.
    """
    if case.world.people_due is not None:
        return await case.world.people_due(senders), True
    redis = (await case.store()).redis
    until = case.clock.now_ms() + DAY_MS
    waiting = [
        (keys.part(partition, f"q:{sender.id}"), keys.part(partition, f"later:{sender.id}"))
        for partition in keys.all_partitions()
        for sender in senders
    ]
    pipeline = redis.pipeline(transaction=False)
    for queue, later in waiting:
        pipeline.zcard(queue)
        pipeline.zcount(later, "-inf", until)
    count = sum(await pipeline.execute())
    if count > COUNT_MAX:
        return count, False
    pipeline = redis.pipeline(transaction=False)
    for queue, later in waiting:
        pipeline.zrange(queue, 0, -1)
        pipeline.zrangebyscore(later, "-inf", until)
    # A member of a lane begins with its address: lua/_lane.lua.
    return len({bytes(member)[:ADDRESS_CHARS] for members in await pipeline.execute() for member in members}), True
