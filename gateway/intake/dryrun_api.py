"""One event of a request, rehearsed for whoever holds a key: the same checks and rights as at the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.api import problems
from gateway.intake.cloudevents import Malformed, Refusal, split_request
from gateway.intake.dryrun import DryRun, Rehearsal
from gateway.intake.dryrun_show import as_json
from gateway.intake.role import fuse_limits
from gateway.intake.taking import CODES, OTHER, Deps, Taking
from gateway.rules.fuse import judge
from gateway.runtime import Runtime
from gateway.store.apikeys import ApiKey
from gateway.store.fuses import Fuses
from gateway.store.kept import Kept


class DryRunDoor:
    def __init__(self, runtime: Runtime, deps: Deps) -> None:
        self._r = runtime
        self._taking = Taking(deps)

    async def answer(
        self, content_type: str, headers: Mapping[str, str], raw: bytes, key: ApiKey, *, reveal: bool
    ) -> dict[str, Any]:
        """What this one event would do now. Raises problems.Refused where it would be refused."""
        try:
            values, batch = split_request(content_type, headers, raw)
        except Malformed as error:
            raise _refused(error.refusal) from None
        if batch or len(values) != 1:
            raise problems.Refused(problems.problem(422, "one_event", "A dry run takes one event at a time, no batch."))
        return await self.of(values[0], key, reveal=reveal)

    async def of(self, value: Any, key: ApiKey, *, reveal: bool) -> dict[str, Any]:
        event = self._taking.look(value, key)
        if isinstance(event, Refusal):
            raise _refused(event)
        (known,) = await Kept(self._r.connection.redis, self._r.clock).known([event])
        if known == "other":
            raise _refused(OTHER)
        if known == "same":
            nothing = DryRun(event, self._r.clock.now_ms(), older=False, lines=(), takes_out=0, seconds=0.0)
            return as_json(nothing, answer="same", reveal=reveal)
        found = await Rehearsal(self._r).of(event)
        return as_json(found, reveal=reveal) | {"fuse": await self._fuse(found)}

    async def _fuse(self, found: DryRun) -> str | None:
        """Why the fuse would hold it, None when it would not. Counted by people, where the fuse counts subscriptions."""
        fuses = Fuses(self._r.connection.redis, self._r.clock, self._r.vault)
        names = sorted({one.notification for one in found.lines if one.goes})
        blown = judge(found.looked_at, fuse_limits(self._r, names), await fuses.hours(names), fuses.hour())
        return blown.sentence if blown is not None else None


def _refused(refusal: Refusal) -> problems.Refused:
    code, detail = CODES[refusal.status]
    return problems.Refused(problems.problem(refusal.status, code, detail, problems=problems.fields(refusal.problems)))
