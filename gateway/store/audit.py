"""A fact about what somebody did by hand that no other script writes down: a brake, a key, a message to one's own phone.

No personal data: `who` is a name of the operator's own people, and the words are theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.audit import Audited
from gateway.model.ids import partition_of
from gateway.store import keys, scripts
from gateway.store.vault import Vault

PARTITION = 0
"""Where facts lie that are about nothing of a partition's own."""


async def write_fact(
    redis: Redis, clock: Clock, kind: str, *, ids: Sequence[str] = (), detail: Mapping[str, str | int]
) -> None:
    """Append one fact to the stream of its first id's partition. Values may hold several words; "=" and "|" are taken out."""
    words = " ".join(f"{name}={plain(str(value))}" for name, value in detail.items() if value != "")
    args: list[scripts.Part] = [clock.offset_ms, kind, " ".join(ids), words]
    await scripts.run(redis, "conv_audit", [stream_of(ids)], args)


def stream_of(ids: Sequence[str]) -> str:
    """Where the fact about these ids lies."""
    return keys.part(partition_of(ids[0]) if ids else PARTITION, "facts")


def plain(text: str) -> str:
    """Words that a packed fact can hold."""
    return " ".join(text.replace("|", " ").replace("=", " ").split())[:200]


class Audit:
    """Writes the audit. It becomes a fact, and the fold brings that to a table to which rows are only ever added."""

    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._redis = redis
        self._clock = clock
        self._vault = vault

    async def write(
        self, what: Audited, agent: str, *, about: Sequence[str] = (), place: str = "", old: str = "", new: str = "", **more: str
    ) -> None:
        """One entry.

        agent:    who did it; OPERATOR on the command line
        about:    ids of a conversation, contact or message
        place:    the address it came from; kept as `place_of` says
        old, new: words of ours, never of a contact's: rights, states, settings
        more:     target (an agent), why, terms, count ...
        raises:   StoreUnavailable: what may not go unnoticed is then not done
        """
        seen = self.place_of(place) if place else ""
        detail = {"agent": agent, **more, "place": seen, "old": old, "new": new}
        await write_fact(self._redis, self._clock, what, ids=about, detail=detail)

    def place_of(self, address: str) -> str:
        """A network address as the audit keeps it: a keyed hash, the same for the same address.

        Whether two sign-ins came from one place, or this one from that address, can be asked; a list of where people work
        cannot be read out of it.
        """
        return self._vault.blind("place", address)[:12]

    def terms_of(self, brand: str, terms: str) -> str:
        """What was searched for, as the audit keeps it: the same words, the same hash."""
        return self._vault.blind("terms", brand, " ".join(terms.casefold().split()))[:16]

    def mark_of(self, *parts: str) -> str:
        """A keyed hash over the parts of an address that only the audit's page hands out."""
        return self._vault.blind("audit page", *parts)[:24]
