"""What the assistant remembers of a chat: what it decided last, what it asked, what was answered. Sealed, beside the address.

One hash an address, a field a brand. What was decided for a message is kept under that message's key: done again, it is the same
decision, whatever happened since. It lasts as long as an inbound message may come again; of the last few messages, for one that
could not be taken in to its end is tried again after those behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from redis.asyncio import Redis

from gateway.model.ids import AddressId
from gateway.store import keys
from gateway.store.reply import octets
from gateway.store.vault import Vault

EARLIER = 4
"""So many decisions before the last are kept."""


@dataclass(frozen=True, slots=True)
class AssistantMemory:
    """last:      key of the message that was taken in last (a keyed hash); decided: what was decided for it
    earlier:   the same of the few before it, oldest first
    token:     of the buttons that are out; asked: what they ask (helped, which, a dialog's "name/step"), "" nothing
    introduced: it has said in this stretch that it is automatic
    choices:   what the buttons stand for, by their names
    guess:     what it took the person to mean; kind: "journey", "order", "outage" or a dialog's name
    answers:   label -> what they answered, in their order; misses: answers that were not understood, in a row
    language:  spoken in this stretch
    conversation, epoch: where the stretch is: under another epoch it is over
    """

    last: str = ""
    decided: Mapping[str, Any] = field(default_factory=dict)
    earlier: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    token: str = ""
    asked: str = ""
    introduced: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    guess: str = ""
    kind: str = ""
    answers: Sequence[tuple[str, str]] = ()
    misses: int = 0
    language: str = ""
    conversation: str = ""
    epoch: int = 0

    def decided_for(self, key: str) -> Mapping[str, Any] | None:
        """What was decided for a message, {} nothing; None: it is new, or long ago."""
        return self.decided if key == self.last else self.earlier.get(key)

    def took(self, key: str, decided: Mapping[str, Any], *, before: AssistantMemory) -> AssistantMemory:
        """As this, with what was decided for one more message. before: as it stood when that was heard"""
        every = {**before.earlier, **({before.last: before.decided} if before.last else {})}
        kept = dict(list(every.items())[-EARLIER:])
        return replace(self, last=key, decided=decided, earlier=kept)


class AssistantMemories:
    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis: Any = redis
        self._vault = vault

    async def get(self, address: AddressId, brand: str) -> AssistantMemory:
        """What is remembered; an empty memory where there is nothing."""
        raw = await self._redis.hget(keys.of(address, "as"), brand)
        if not raw:
            return AssistantMemory()
        known = self._vault.open_about(_about(address, brand), octets(raw))
        fields = {name: known[name] for name in AssistantMemory.__dataclass_fields__ if name in known}
        fields["answers"] = tuple((str(label), str(said)) for label, said in fields.get("answers", ()))
        return AssistantMemory(**fields)

    async def put(self, address: AddressId, brand: str, memory: AssistantMemory) -> None:
        sealed = self._vault.seal_about(_about(address, brand), {"f": 1, **asdict(memory)})
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.hset(keys.of(address, "as"), brand, sealed)
        pipeline.pexpire(keys.of(address, "as"), keys.KEEP_MS)
        await pipeline.execute()


def _about(address: str, brand: str) -> str:
    return f"assistant:{address}:{brand}"
