"""What the assistant decided for one message: kept under the message's key, so that done again it is the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.assistant.saying import Words

PREFIX = "as"
"""What the payload of each of the assistant's buttons begins with: as/<token>/<choice>."""
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class Decided:
    """handled: no person need look; lines: what is said, in this order; at_once: they answer the person's own words

    closes: nothing is open any more: the conversation, where this opened it or an answer of its helped, is done
    helped: "yes" or "no", where they answered that
    private: a file that came with it shows who they are
    epoch:  of the conversation as it was looked at, None where there was none yet
    """

    handled: bool
    lines: Sequence[Words] = ()
    at_once: bool = True
    closes: bool = False
    helped: str = ""
    epoch: int | None = None
    language: str = ""
    private: bool = False

    def dump(self) -> dict[str, Any]:
        return {
            "handled": self.handled, "at_once": self.at_once, "closes": self.closes, "helped": self.helped, "epoch": self.epoch,
            "language": self.language, "private": self.private,
            "lines": [[one.name, dict(one.params), [dict(button) for button in one.buttons]] for one in self.lines],
        }  # fmt: skip

    @classmethod
    def load(cls, known: Mapping[str, Any]) -> Decided:
        lines = [Words(str(name), params, buttons) for name, params, buttons in known["lines"]]
        return cls(
            bool(known["handled"]), lines, bool(known["at_once"]), bool(known["closes"]), str(known["helped"]), known["epoch"],
            str(known["language"]), bool(known.get("private")),
        )  # fmt: skip


def button(token: str, choice: str, label: str) -> Mapping[str, str]:
    """A button of the assistant's; its label is cut to what every channel shows."""
    return {"kind": "reply", "label": label if len(label) <= 20 else f"{label[:19]}…", "payload": f"{PREFIX}/{token}/{choice}"}


def pressed(payload: str | None) -> tuple[str, str] | None:
    """(token, choice) of a button of the assistant's; None of any other."""
    parts = (payload or "").split("/", 2)
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == PREFIX else None
