"""Notices that the store may have gone back: another server answers in the old one's place, or the old one was started again.

Every server names its history (`master_replid`, INFO replication): a replica that is promoted begins a new one, and so does a
server that starts. The name is asked for on every new connection, before anything else is sent on it. So nothing can be written
to a server with another past without this having noticed first: whoever must not do that (a claim) says up to which turn it
knows, and is refused on the connection itself.

What the old server had taken and no replica had is gone then, with nobody told: dispatch plays it again (dispatch/again.py).
"""

from __future__ import annotations

import time
from typing import Any

from redis import exceptions

from gateway.errors import StoreUnavailable

_NOBODY = "0" * 40


class Turned(StoreUnavailable):
    """Another server answers than the one that was known: look what it does not have, then ask again."""


class Lineage:
    """turns: how often another history was met since `begin`. promoted_s: when a replica had taken over last (monotonic)."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._begun = False
        self.turns = 0
        self.promoted_s = float("-inf")
        self.barred = False
        """INFO is not allowed to us: a failover is not noticed"""

    def begin(self) -> None:
        """All servers there are have been met; from now on a new one is a turn."""
        self._begun = True

    async def greet(self, connection: Any) -> None:
        """What a new connection does first: log in as always, then ask whose past it leads to."""
        # No look at its health: one that fails connects anew, and would greet there again, ever deeper (a server that hangs up).
        await connection.on_connect_check_health(check_health=False)
        if self.barred:
            return
        await connection.send_command("INFO", "replication", check_health=False)
        try:
            answer = await connection.read_response()
        except exceptions.ResponseError as error:
            if not isinstance(error, exceptions.NoPermissionError) and "unknown command" not in str(error):
                # Only busy (a script that takes long): without its name nothing may be sent, and nobody is barred for good.
                raise exceptions.ConnectionError("the server does not tell its history now") from error
            self.barred = True
            return
        text = answer.decode() if isinstance(answer, bytes) else str(answer)
        lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        self.met(lines.get("master_replid", ""), lines.get("master_replid2", _NOBODY))

    def met(self, history: str, before: str) -> None:
        """history, before: its name, and that of the history which it was promoted out of (all zeros: none)."""
        if not history or history in self._known:
            return
        self._known.add(history)
        if self._begun:
            self.turns += 1
            if before != _NOBODY:
                self.promoted_s = time.monotonic()

    def demand(self, turn: int) -> None:
        """Raises Turned where `turn` is not the last one."""
        if turn != self.turns:
            raise Turned("another server answers for the store: what it lacks must be played again first")
