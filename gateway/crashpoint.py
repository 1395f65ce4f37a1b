"""Named places between two steps that matter, at which a test lets the process die. Costs a comparison where none is armed.

A call with the name "event.kept" stands where one thing is done and the next is not. GATEWAY_CRASH_AT=event.kept kills the
process there, as kill -9 does: no handler runs, nothing is flushed. Production refuses the setting. The crash tests die once
at each name that they find in the sources, and fail for one that they have no case for.
"""

from __future__ import annotations

import os
import signal

_armed = ""


def arm(name: str) -> None:
    """Die at this point the next time it is reached; "" = at none."""
    global _armed
    _armed = name


def crash_point(name: str) -> None:
    if name == _armed:
        os.kill(os.getpid(), signal.SIGKILL)
