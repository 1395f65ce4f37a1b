"""Python's garbage collector, told what this program is like: much that stays, and much that lives for a moment.

With Python's own thresholds it took two fifths of the time of a message, and a full collection stopped a process that serves the
desk for a seventh of a second, several times a minute: whoever was to be given to an agent just then waited for it
(docs/performance.md). What is loaded when the roles begin (catalogue, rules, libraries) stays for ever, and is not walked again.
"""

from __future__ import annotations

import gc

YOUNG = 50_000
"""New objects between two looks at the young ones (Python's own: 700)."""


def calm() -> None:
    """Once, when everything is loaded and before the work begins."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
