"""What the assistant remembers of a chat: what it decided last, what it asked, what was answered. Sealed, beside the address.

One hash an address, a field a brand. What was decided for a message is kept under that message's key: done again, it is the same
decision, whatever happened since. It lasts as long as an inbound message may come again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from redis.asyncio import Redis

from gateway.model.ids import AddressId
from gateway.store import keys
from gateway.store.reply import octets
from gateway.store.vault import Vault


@dataclass(frozen=True, slots=True)
class AssistantMemory:
    """last:      key of the message that was taken in last (a keyed hash); decided: what was decided for it
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
