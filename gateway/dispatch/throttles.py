"""How often in a row the channel refused one message for its rate: each time the wait is longer (rules/retry.py).

Counted by the process that was refused. Where several take turns at a lane each counts its own, so the waits grow a little later;
a process that ends forgets, and begins with the shortest wait again. Nothing that is promised depends on it.
"""

from __future__ import annotations

from collections import OrderedDict

from gateway.model.ids import MessageId

KNOWN_MAX = 20_000


class Throttles:
    def __init__(self) -> None:
        self._met: OrderedDict[MessageId, int] = OrderedDict()

    def before(self, message: MessageId) -> int:
        """Refusals in a row so far."""
        return self._met.get(message, 0)

    def note(self, message: MessageId, *, throttled: bool) -> None:
        """What the channel said this time. The longest forgotten goes when there are too many."""
        if not throttled:
            self._met.pop(message, None)
            return
        self._met[message] = self._met.pop(message, 0) + 1
        if len(self._met) > KNOWN_MAX:
            self._met.popitem(last=False)
