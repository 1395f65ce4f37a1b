"""Things that should move: webhooks that come and are applied, facts that are folded."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, fail, note, ok, span, warn
from gateway.errors import GatewayError
from gateway.store import keys
from gateway.store.facts import START, Facts, parse, place
from gateway.store.reply import fields, words
from gateway.store.timers import standing
from gateway.store.vault import KeyRing, Vault
from gateway.store.webhooks import Webhooks

BACKLOG_WARN_MS, BACKLOG_FAIL_MS = 60_000, 5 * 60_000
SILENT_WARN_MS, SILENT_FAIL_MS = 5 * 60_000, 15 * 60_000
MOMENT_WARN_MS, MOMENT_FAIL_MS = 60_000, 15 * 60_000
FOLD_WARN_MS, FOLD_FAIL_MS = 60_000, 15 * 60_000
LOOK_BACK = 200
"""Facts read from the end of each partition's stream."""

_HEARD = frozenset({"sent", "delivered", "read", "played", "failed", "inbound"})


async def webhook_backlog(case: Case) -> list[Finding]:
    """What was kept is applied. While it waits, statuses are late and uncertain messages wait longer."""
    check, redis = "webhook-backlog", (await case.store()).redis
    # Counting opens nothing, so any ring will do.
    vault = Vault(KeyRing(KeyRing.generate()), redis)
    count, age_ms = await Webhooks(redis, case.clock, vault).backlog()
    if not count:
        return ok(check, "no webhook waits")
    what = f"{count} webhooks wait, the oldest for {span(max(age_ms, 0))}"
    mend = "does a process with the role `webhooks` run? Its log says what it is stuck on; `python main.py trace` shows one"
    if age_ms >= BACKLOG_FAIL_MS:
        return fail(check, what, mend)
    return warn(check, what, mend) if age_ms >= BACKLOG_WARN_MS else ok(check, what)


async def webhooks_silent(case: Case) -> list[Finding]:
    """After messages were handed over, the channel tells what became of them within seconds."""
    check = "webhooks-silent"
    accepted, heard = await _handed_and_heard(case)
    now = case.clock.now_ms()
    if not accepted:
        return ok(check, "nothing was handed to the channel lately, so nothing is expected from it")
    waiting = [at for at in accepted if at > heard]
    quiet_ms = now - min(waiting) if waiting else 0
    if quiet_ms < SILENT_WARN_MS:
        return ok(check, "the channel tells what becomes of messages")
    since = f"since {span(now - heard)} ago" if heard else "ever"
    what = f"{len(waiting)} messages were handed over, the first {span(quiet_ms)} ago, and no webhook came {since}"
    mend = "see the checks callback, subscription, public-url and app-secret; a proxy may swallow POSTs to /webhooks/"
    return fail(check, what, mend) if quiet_ms >= SILENT_FAIL_MS else warn(check, what, mend)


async def _handed_and_heard(case: Case) -> tuple[list[int], int]:
    """(when messages were accepted, when the channel last told anything; 0 never), of the newest facts of every partition."""
    redis = (await case.store()).redis
    pipeline = redis.pipeline(transaction=False)
    for partition in keys.all_partitions():
        pipeline.xrevrange(keys.part(partition, "facts"), "+", "-", count=LOOK_BACK)
    accepted: list[int] = []
    heard = 0
    for partition, rows in zip(keys.all_partitions(), await pipeline.execute(), strict=True):
        for name, entry in rows:
            fact = parse(partition, words(name), fields(entry)[b"f"])
            if fact.kind in _HEARD or (fact.kind == "accepted" and fact.detail.get("by") == "evidence"):
                heard = max(heard, fact.at_ms)
            elif fact.kind == "accepted":
                accepted.append(fact.at_ms)
    return accepted, heard


async def history(case: Case) -> list[Finding]:
    """The database of facts and closed conversations answers, and its tables have this version's shape, or will have it."""
    from gateway.insight import schema
    from gateway.insight.database import open_database

    check, url = "history", case.settings.history_url
    file = url.removeprefix("sqlite:///")
    if file != url and not _is_file(file):
        return ok(check, "there is no history yet: the first start makes it")
    try:
        database = await open_database(url, prepare=False)
        try:
            version = await database.version()
        finally:
            await database.close()
        schema.check(version)
    except schema.SchemaNewer as error:
        return fail(check, str(error), "run the version of the gateway that made it; or restore a backup from before it")
    except GatewayError as error:
        return fail(check, f"the history is not reached: {error}", "mend GATEWAY_HISTORY_URL, or start that database")
    if version != schema.HEAD:
        return note(check, f"the history has an older shape ({version or 'none'}): the next start brings it to {schema.HEAD}")
    return ok(check, f"{database.dialect}, shape {version}")


async def facts(case: Case) -> list[Finding]:
    """The fold keeps up: board, trace, metrics and outgoing webhooks all read what it wrote."""
    check, redis = "facts", (await case.store()).redis
    partitions = list(keys.all_partitions())
    try:
        positions = await _positions(case.settings.history_url, partitions)
    except GatewayError as error:
        return fail(check, f"the history is not reached: {error}", "see `history`")
    pages = await Facts(redis).settled(positions, limit=1)
    seconds, micros = await redis.time()
    now = int(seconds) * 1000 + int(micros) // 1000
    late = [now - place(page.facts[0].stream_id)[0] for page in pages if page.facts]
    if not late:
        return ok(check, "every fact is in the history")
    if all(positions[number] == START for number in partitions) and max(late) < FOLD_FAIL_MS:
        return note(check, "facts are there and none was ever folded: no gateway has run for long")
    what = f"{len(late)} of {len(partitions)} partitions have facts to fold, the oldest {span(max(late))} old"
    mend = "does a process with the role `scheduler` run? Its log has facts.*; a locked or full history database stops it"
    if max(late) >= FOLD_FAIL_MS:
        return fail(check, what, mend)
    return warn(check, what, mend) if max(late) >= FOLD_WARN_MS else ok(check, what)


async def moments(case: Case) -> list[Finding]:
    """What is to be told at a time, is: check-in, boarding, reminders."""
    check, now = "moments", case.clock.now_ms()
    count, first_ms = await standing((await case.store()).redis)
    if first_ms is None:
        return ok(check, "no flight or train has a moment that is still to come")
    late_ms = now - first_ms
    if late_ms < MOMENT_WARN_MS:
        return ok(check, f"{count} moments are still to come" + (f", the next in {span(-late_ms)}" if late_ms < 0 else ""))
    what = f"of {count} moments that are still to come the first is {span(late_ms)} late"
    mend = "does a process with the role `intake` run? Its log has moments.*"
    return fail(check, what, mend) if late_ms >= MOMENT_FAIL_MS else warn(check, what, mend)


async def _positions(url: str, partitions: list[int]) -> dict[int, str]:
    """Where the fold stands in each partition. A file that is not there yet is not made: a doctor changes nothing."""
    file = url.removeprefix("sqlite:///")
    if file != url and not _is_file(file):
        return dict.fromkeys(partitions, START)
    from gateway.insight.history import open_history

    history = await open_history(url, prepare=False)
    try:
        if not await history.database.has("positions"):  # an empty database: the next start makes what it needs
            return dict.fromkeys(partitions, START)
        return {number: one.stream_id for number, one in (await history.positions(partitions)).items()}
    finally:
        await history.close()


def _is_file(name: str) -> bool:
    return Path(name).is_file()
