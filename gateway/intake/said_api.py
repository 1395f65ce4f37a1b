"""Corrections and notices over the API. A request does the whole of it before it is answered; many people are for the command."""

from __future__ import annotations

from typing import Any

from gateway.api.brakes import CorrectionBody, NoticeBody
from gateway.errors import Conflict
from gateway.insight.history import open_history
from gateway.intake.corrections import Corrector, shown
from gateway.intake.notices import Notices
from gateway.intake.saying import Said
from gateway.model.ids import EventId
from gateway.runtime import Runtime

MOST = 2000
"""People of one request: more would outlast whoever waits for the answer."""
REQUEST_S = 20.0
"""So long a request waits for senders that have much before it; then it says how far it came, and the same again goes on."""


class SaidDoor:
    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def correct(self, body: CorrectionBody, who: str) -> dict[str, Any]:
        """Raises what Corrector raises; Conflict for more people than one request may write to."""
        history = await open_history(self._r.settings.history_url)
        try:
            corrector = Corrector(self._r, history, REQUEST_S)
            handed = await corrector.handed(EventId(body.event), body.notification)
            _few(handed.people, "correct")
            said = await corrector.correct(handed, body.words, who=who, why=body.why, dry=body.dry_run)
        finally:
            await history.close()
        return _json(said, done=not body.dry_run)

    async def notice(self, body: NoticeBody, who: str) -> dict[str, Any]:
        notices = Notices(self._r, REQUEST_S)
        made = await notices.made(body.subjects, body.words, body.purpose, body.until or 0)
        to = await notices.audience(made)
        _few(len(to), "notice")
        return _json(await notices.say(made, to, who=who, why=body.why, dry=body.dry_run), done=not body.dry_run)


def _few(people: int, command: str) -> None:
    if people > MOST:
        raise Conflict(f"{people:,} people are more than one request writes to ({MOST:,}): use `python main.py {command}`")


def _json(said: Said, *, done: bool) -> dict[str, Any]:
    return {
        "people": said.people,
        "sent": said.sent,
        "had_it": said.before,
        "not_sent": said.suppressed,
        "done": done,
        "messages": [dict(one) for one in shown(said)],
    }
