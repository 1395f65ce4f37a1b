"""What could not be told, whatever was tried: set aside with the reason, so that everybody else hears everything else.

A person who cannot be planned for lies in `parked` of the event's partition, with what the event did, sealed. A notification that
cannot be written (its template breaks on this event) is set aside once for all its people, with the event itself and what it did.
`events replay` tells either again, once that is mended.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import ContactId, EventId, SubjectId
from gateway.store import audit, keys
from gateway.store.reply import fields, octets, words
from gateway.store.vault import Vault

KIND = "telling"
WORDING = "wording"
"""An event of which some notifications could not be written. No `event`: the version before would take it up without what it
did, find it older than itself, and forget it."""
_PAGE = 500
_SAID = 1000


@dataclass(frozen=True, slots=True)
class SetAside:
    """place: its id in `parked`; result: what the event did, as it was dumped, and its sequence"""

    place: str
    contact: ContactId
    sequence: int
    result: Mapping[str, Any]


class Untold:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault
        self._said: OrderedDict[tuple[str, ...], None] = OrderedDict()

    async def set_aside(
        self, event: EventId, subject: SubjectId, contact: ContactId, sequence: int, result: Mapping[str, Any], why: str
    ) -> None:
        """Keep it before whoever tells passes this person. Twice is harmless: it is told once."""
        sealed = self._vault.seal_about(event, {"contact": contact, "n": sequence, "result": dict(result)})
        await self._redis.xadd(keys.beside(event, "parked"), {"kind": KIND, "id": event, "why": why, "b": sealed})
        await audit.write_fact(self._redis, self._clock, "untold", ids=[event, subject, contact], detail={"why": why})

    async def broken(
        self, event: EventId, subject: SubjectId, sequence: int, result: Mapping[str, Any], names: Sequence[str]
    ) -> bool:
        """These notifications of an event could not be written. Once a process; twice is harmless. False: it is closed.

        Taken up again (it has another place then) it says so anew: what was set aside left `parked` by that.
        """
        raw = await self._redis.get(keys.of(event, "e"))
        place = words(raw).partition("|")[2] if raw is not None else ""
        if (event, place, *names) in self._said:
            return True
        rows = await self._redis.xrange(keys.beside(event, "ev"), place, place) if place else []
        if not rows:  # closed meanwhile: it was told by another
            return False
        did = f"{sequence}|".encode() + self._vault.seal_about(subject, dict(result))
        why = f"could not be written: {', '.join(names)}"
        entry = {"kind": WORDING, "id": event, "why": why, "b": fields(rows[0][1])[b"b"], "j": subject, "r": did}
        await self._redis.xadd(keys.beside(event, "parked"), entry)
        await audit.write_fact(self._redis, self._clock, "untold", ids=[event, subject], detail={"why": why})
        self._said[(event, place, *names)] = None
        while len(self._said) > _SAID:
            self._said.popitem(last=False)
        return True

    async def of(self, event: EventId) -> list[SetAside]:
        """Those of one event, the oldest first. Raises KeyMissing where the ring lacks their key."""
        found, start = [], "-"
        while True:
            rows = await self._redis.xrange(keys.beside(event, "parked"), min=start, max="+", count=_PAGE)
            for place, raw in rows:
                entry = fields(raw)
                if entry.get(b"kind") == KIND.encode() and entry.get(b"id") == event.encode():
                    value = self._vault.open_about(event, octets(entry[b"b"]))
                    found.append(SetAside(words(place), ContactId(value["contact"]), int(value["n"]), value["result"]))
            if len(rows) < _PAGE:
                return found
            start = f"({words(rows[-1][0])}"

    async def told(self, event: EventId, one: SetAside) -> None:
        await self._redis.xdel(keys.beside(event, "parked"), one.place)
