"""What an agent's command carries, what it answers, and how it is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import Conflict
from gateway.model.conversation import AgentId
from gateway.model.ids import ConversationId, MessageId
from gateway.model.webcare import Figures


def _usual(brand: str) -> Figures:
    return Figures()


def _pull() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Terms:
    """By what the house works. figures: a brand's numbers; push: whether the router gives, and limits hold; else agents take."""

    figures: Callable[[str], Figures] = _usual
    push: Callable[[], bool] = _pull


class CommandRefused(Conflict):
    """A command came too late, or there is no room for it. owner and since_ms: whose the conversation is now (None: nobody's).

    code: owner_changed, resolved, they_wrote, window_closed, decided, erasing, sender_changed, key_reused; moved (from its state
    that cannot be), full, owned, parked_full, late (no slot), hops, not_offered
    """

    def __init__(self, code: str, owner: AgentId | None, since_ms: int, state: str, epoch: int) -> None:
        super().__init__(f"{code}: {state}, epoch {epoch}, owner {owner or 'nobody'} since {since_ms}")
        self.code, self.owner, self.since_ms, self.state, self.epoch = code, owner, since_ms, state, epoch


@dataclass(frozen=True, slots=True)
class Command:
    """What every command carries. epoch: as the agent saw it; key: theirs, made once for one intention.

    program: the agent is another program with a team of its own behind it: limits of one person do not hold for it
    """

    conversation: ConversationId
    agent: AgentId
    epoch: int
    key: str
    program: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did. repeated: it was done before, under the same key, and this is its first answer."""

    revision: int
    epoch: int
    entry: str
    message: MessageId | str
    repeated: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes with an agent's words. file: ref, mime, filename of what lies sealed for dispatch under this ref.

    template: `name` of the notification whose template they go as, and the `values` that the agent gave it; forms: its templates
    by language, with every parameter as it goes out (name, language, category, header, body)
    """

    file: Mapping[str, str] | None = None
    template: Mapping[str, Any] | None = None
    forms: Sequence[Mapping[str, Any]] = ()

    def of_body(self) -> dict[str, Any]:
        """What dispatch must know."""
        found: dict[str, Any] = {}
        if self.file is not None:
            found["document"] = dict(self.file)
        if self.forms:
            found["forms"] = [dict(one) for one in self.forms]
        return found

    def of_entry(self) -> dict[str, Any]:
        """What the thread keeps."""
        found: dict[str, Any] = {}
        if self.file is not None:
            found["media"] = dict(self.file)
        if self.template is not None:
            found["template"] = dict(self.template)
        return found

    def named(self) -> tuple[str, ...]:
        """What a key stands for, beside the words."""
        return tuple(json.dumps(one, sort_keys=True) for one in (self.file, self.template) if one is not None)


NOTHING_BESIDE = Beside()


def digest(kind: str, command: Command, *parts: str) -> str:
    """What a key stands for, so that it cannot be used for something else. Salted by the key, and cut: no text shows in it."""
    text = json.dumps([kind, command.key, command.conversation, *parts])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
