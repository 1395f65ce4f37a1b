"""What the house says by itself in a conversation: its lines, those of a moment as one message (lua/conv_say.lua).

A line has a key, and is said once for it. Several that fall within WITHIN_MS are one message: the first waits for HOLD_MS,
whatever comes meanwhile joins it, and a line that answers the person's own words takes along what waits and goes at once. What is
in the message that waits is kept beside the conversation, sealed, until it has gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound, Sealed
from gateway.model.conversation import Conversation
from gateway.model.ids import ConversationId, MessageId, message_id, partition_of
from gateway.model.message import Priority
from gateway.store import conversation_codec as codec
from gateway.store import keys, scripts
from gateway.store.desk import Desk
from gateway.store.outbox_values import Pair
from gateway.store.reply import words
from gateway.store.vault import Box, Vault
from gateway.wake import Ready

WITHIN_MS = 5000
"""Lines of one conversation that fall within so long are one message."""
HOLD_MS = 5000
"""How long a line that answers nobody's words waits for others."""


class Outcome(StrEnum):
    """SAID: it is on its way, alone so far. JOINED: in one message with others. AGAIN: it was said under this key before.

    LATE: the conversation changed hands since it was made, it is dropped. GONE: no such conversation, or no key to seal with."""

    SAID = "said"
    JOINED = "joined"
    AGAIN = "again"
    LATE = "late"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Line:
    """name: of the text (assistant/lines.py); text: its words; buttons: {kind, label, payload} below it, at most ten"""

    name: str
    text: str
    buttons: Sequence[Mapping[str, str]] = ()

    def dump(self) -> dict[str, Any]:
        return {"name": self.name, "text": self.text, "buttons": [dict(one) for one in self.buttons]}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be said.

    key:     theirs, once for each cause; epoch: it was made under, None any; at_once: do not wait for others
    choose:  the word on what opens a list, where there are more choices than a channel has buttons
    ushers:  it goes before a person's words that are on their way, and no brake holds it: those go on too
    """

    key: str
    lines: Sequence[Line]
    deadline_ms: int
    epoch: int | None = None
    at_once: bool = False
    ushers: bool = False
    language: str = ""
    choose: str = ""


@dataclass(frozen=True, slots=True)
class _Held:
    message: MessageId | str = ""
    count: int = 0
    lines: Sequence[Line] = field(default_factory=tuple)


Join = Callable[[Sequence[Line]], tuple[str, Sequence[Mapping[str, str]]]]
"""Lines -> the words and the buttons of the one message that says them all."""


class Lines:
    def __init__(self, desk: Desk, redis: Redis, clock: Clock, vault: Vault, pair: Mapping[str, Pair]) -> None:
        self._desk = desk
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault
        self._pair = pair

    async def say(
        self, conversation: ConversationId, wanted: Wanted, join: Join, enqueued: Callable[[Ready], None] = lambda ready: None
    ) -> Outcome:
        """Say it, with what waits to be said. Repeatable by its key. Raises Conflict after ten lost races, StoreUnavailable."""
        for _ in range(10):
            found = await self._get(conversation)
            if found is None:
                return Outcome.GONE
            try:
                box = await self._vault.contact_box(found.contact)
                held = await self._held(found, box)
            except (NotFound, Sealed):
                return Outcome.GONE
            message = message_id(found.id, "said", wanted.key, found.contact, held.count)
            names, args = self._call(found, box, held, wanted, join, message)
            answer = [words(part) for part in await scripts.run(self._redis, "conv_say", names, args)]
            if answer[0] in ("unknown", "erasing"):
                return Outcome.GONE
            if answer[0] in ("look", "moved"):
                continue
            if answer[0] in ("said", "joined"):
                if wanted.at_once:
                    enqueued(Ready(partition_of(message), found.sender, int(_priority(wanted)), message, found.contact, ""))
                after = await self._get(conversation)
                if after is not None:
                    await self._desk.settle(after)
            return Outcome(answer[0])
        raise Conflict("much is being said in this conversation at once: try again")

    async def helped(self, found: Conversation, key: str, answer: str) -> None:
        """Note whether an automatic answer helped, once for each key. answer: "yes" or "no"; silence is neither."""
        names = [
            keys.beside(found.id, "facts"), keys.in_partition_of(found.id, "vk", self._vault.blind("helped", found.id, key))
        ]  # fmt: skip
        args: list[scripts.Part] = [self._clock.offset_ms, found.id, found.contact, answer, keys.KEEP_MS]
        await scripts.run(self._redis, "conv_helped", names, args)

    async def _get(self, conversation: ConversationId) -> Conversation | None:
        return codec.parse_conversation(conversation, await self._redis.hgetall(keys.of(conversation, "cv")))

    async def _held(self, found: Conversation, box: Box) -> _Held:
        raw = {bytes(name).decode(): bytes(value) for name, value in (await self._redis.hgetall(self._key(found.id))).items()}
        if not raw or self._clock.now_ms() - int(raw["at"]) > WITHIN_MS:
            return _Held()
        listed = box.open_json(raw["b"], _about(found.id))
        lines = [Line(one["name"], one["text"], one["buttons"]) for one in listed]
        return _Held(MessageId(raw["m"].decode()), int(raw["n"]), lines)

    def _key(self, conversation: ConversationId) -> str:
        return keys.of(conversation, "sy")

    def _call(
        self, found: Conversation, box: Box, held: _Held, wanted: Wanted, join: Join, message: MessageId
    ) -> tuple[list[str], list[scripts.Part]]:
        """KEYS and ARGV of lua/conv_say.lua."""
        lines = [*held.lines, *wanted.lines]
        text, buttons = join(lines)
        body = {
            "kind": "reply", "automatic": not wanted.ushers, "conversation": found.id, "text": text,
            "purpose": "reply", "author": "", "content": {"type": "text", "body": text}, "reply_to": None,
            "buttons": [dict(one) for one in buttons], "choose": wanted.choose, "deadline_ms": wanted.deadline_ms,
            "language": wanted.language,
        }  # fmt: skip
        entry_key = f"said:{message}"
        pair = self._pair.get(found.sender)
        names = [
            *(keys.of(found.id, name) for name in ("cv", "ct")),
            self._key(found.id),
            *(keys.beside(found.id, name) for name in ("facts", "vd", "vo")),
            keys.of(found.contact, "f"),
            keys.of(message, "m"),
            keys.of(MessageId(held.message or message), "m"),
            keys.in_partition_of(found.id, "vk", self._vault.blind("said", found.id, wanted.key)),
            *keys.lane_keys(partition_of(found.contact), found.sender),
            keys.beside(found.contact, "vr"),
        ]
        hold = 0 if wanted.at_once else HOLD_MS
        args: list[scripts.Part] = [self._clock.offset_ms, found.id, "" if wanted.epoch is None else wanted.epoch, message]
        args += [held.message, held.count, hold, WITHIN_MS, wanted.deadline_ms, pair.tolerance_ms if pair else 0]
        args += [keys.REPLY_KEEP_MS, keys.KEEP_MS, found.sender, box.seal_json(body, message)]
        args += [box.seal_json({"text": text}, codec.about_entry(found.contact, entry_key))]
        args += [box.seal_json([one.dump() for one in lines], _about(found.id)), entry_key]
        args += [",".join(one.name for one in wanted.lines), int(_priority(wanted)), "" if wanted.ushers else "1"]
        return names, args


def _priority(wanted: Wanted) -> Priority:
    return Priority.AGENT if wanted.ushers else Priority.URGENT


def _about(conversation: str) -> str:
    return f"lines:{conversation}"
