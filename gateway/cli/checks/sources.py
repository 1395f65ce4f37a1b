"""The stream of events that the settings name: reached, read, and what lies among its dead letters."""

from __future__ import annotations

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, fail, note, ok, span, warn
from gateway.errors import SourceUnavailable
from gateway.intake.sources.configured import open_stream, owns
from gateway.settings import AfterKeeping
from gateway.store.apikeys import ApiKeys, Scope
from gateway.store.sourcestream import StreamDepth

LATE_WARN_MS, LATE_FAIL_MS = 60_000, 5 * 60_000


async def source(case: Case) -> list[Finding]:
    """The stream of events is reached and read; what waits in it, and what was not taken."""
    check, settings = "source", case.settings
    connection = await case.store()
    stream = open_stream(settings, connection)
    if stream is None:
        return ok(check, "no stream is set: events come over HTTP")
    found: list[Finding] = []
    name = settings.source_key_name
    if name is not None:
        keys = await ApiKeys(connection.redis, case.clock, settings.api_key).all()
        if not any(key.name == name and key.may(Scope.EVENTS) for key in keys):
            mend = f"make one named {name} (docs/api.md), or mend GATEWAY_SOURCE_KEY_NAME"
            what = "no API key with the scope `events` has the name in GATEWAY_SOURCE_KEY_NAME: nothing is read"
            found += fail(check, what, mend)
    try:
        depth = await stream.depth()
    except SourceUnavailable as error:
        return found + fail(check, str(error), "start that server, or mend GATEWAY_SOURCE_REDIS_URL; nothing is lost meanwhile")
    finally:
        if not owns(settings):
            await stream.close()
    found += judge_depth(depth, delete=settings.source_after is AfterKeeping.DELETE)
    return found


def judge_depth(depth: StreamDepth, *, delete: bool) -> list[Finding]:
    """What the stream's numbers mean."""
    check, found = "source", []
    waiting = "an unknown number of" if depth.waiting is None else str(depth.waiting)
    what = f"{waiting} entries wait, {depth.pending} are in work, {depth.readers} readers"
    if depth.oldest_ms >= LATE_WARN_MS:
        what += f"; the oldest is {span(depth.oldest_ms)} old"
        mend = "does a process with the role `intake` run? Its log has source.*; a deep outbox or a full store pauses it"
        found += (fail if depth.oldest_ms >= LATE_FAIL_MS else warn)(check, what, mend)
    else:
        found += ok(check, what)
    if depth.dead:
        mend = "each says why in `dead-reason`: docs/sources.md, \"What was not taken\""
        found += warn(check, f"{depth.dead} entries were not taken and lie in the stream's dead letters", mend)
    if delete and depth.groups > 1:
        mend = "set GATEWAY_SOURCE_AFTER=leave, and let whoever adds cut the stream"
        found += note(check, f"{depth.groups - 1} other groups read the stream, so what is kept is left in it", mend)
    return found
