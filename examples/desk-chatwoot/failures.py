"""The two ways in which a call can end that is not done: it is tried again, or somebody must be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Wait(Exception):
    """Nobody answered, or not now. Nothing is known to have been done; the same call again is safe.

    after_s: what the other side asked for, None for our own pace
    """

    def __init__(self, why: str, after_s: float | None = None) -> None:
        super().__init__(why)
        self.after_s = after_s


class Refused(Exception):
    """It was not done, and will not be by asking again. detail: a sentence for whoever wrote it"""

    def __init__(self, code: str, detail: str, body: Mapping[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code, self.detail, self.body = code, detail, body or {}


class Missing(Exception):
    """Chatwoot has it no longer: somebody deleted it there."""
