"""Keys of the internal API: who may speak for which sources, event types and brands, and do what.

A key is 256 random bits, so its SHA-256 is enough to keep: there is no dictionary to try against it, and a slow hash,
checked on every request, would only let strangers keep our cores busy. A key is shown once, when it is made. The first
key, of GATEWAY_API_KEY, has every right and is not kept at all: whoever changes the setting has ended the old one with
the restart.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import BadInput, Conflict, NotFound, Problem
from gateway.model.agent import Role, parse_right
from gateway.model.event import EventType
from gateway.model.personal import Secret
from gateway.store import keys, promised
from gateway.store.reply import octets, words

FRESH_MS = 1000
"""A key that was made or ended is so everywhere after this long."""

FIRST = "first"
"""The name of the key of GATEWAY_API_KEY."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}")


class Scope(StrEnum):
    """What a key may do. messages:reveal also opens addresses and names of contacts.

    desk: the conversations of the brands and queues that its rights name, as a program of its own.
    """

    EVENTS = "events"
    CONTACTS_READ = "contacts:read"
    CONTACTS_WRITE = "contacts:write"
    MESSAGES_READ = "messages:read"
    MESSAGES_REVEAL = "messages:reveal"
    DESK = "desk"
    ADMIN = "admin"


DESK_ROLES = frozenset({Role.AGENT.value, "read"})
"""What a key of scope desk may be for a brand or a queue of it. Nothing that looks beyond its own queues."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """sources: "/ops/*" all below, "/ops/flights" that one; types: of events; brands. Empty: all of them.

    rights: of scope desk, agent@brand, agent@brand/queue, read@brand or read@brand/queue; empty: none
    """

    name: str
    scopes: frozenset[Scope]
    sources: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    made_ms: int = 0
    rights: tuple[str, ...] = ()

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def speaks_for_source(self, source: str) -> bool:
        return not self.sources or any(_matches(pattern, source) for pattern in self.sources)

    def speaks_for_type(self, event_type: str) -> bool:
        return not self.types or event_type in self.types

    def speaks_for_brand(self, brand: str) -> bool:
        return not self.brands or brand in self.brands


def _matches(pattern: str, source: str) -> bool:
    return source.startswith(pattern[:-1]) if pattern.endswith("*") else source == pattern


def _desk_right(text: str) -> bool:
    right = parse_right(text)
    return right is not None and right.role in DESK_ROLES and bool(right.brand)


def _digest(key: Secret) -> str:
    return hashlib.sha256(key.reveal().encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(slots=True)
class _Known:
    """digest -> key, as it was read."""

    at_ms: int = -FRESH_MS
    keys: dict[str, ApiKey] = field(default_factory=dict)


class ApiKeys:
    def __init__(self, redis: Redis, clock: Clock, first: Secret | None) -> None:
        self._redis = redis
        self._clock = clock
        self._first = _digest(first) if first else ""
        self._first_key = ApiKey(FIRST, frozenset(Scope))
        self._known = _Known()

    async def check(self, given: Secret) -> ApiKey | None:
        """Whose key this is; None for nobody's. Takes as long for every key. Raises StoreUnavailable.

        The first key needs no store, so a store that is away is told as such and not as a wrong key.
        """
        digest = _digest(given)
        if self._first and hmac.compare_digest(digest, self._first):
            return self._first_key
        found = None
        for known, key in (await self._fresh()).items():
            if hmac.compare_digest(digest, known):
                found = key
        return found

    async def _fresh(self) -> dict[str, ApiKey]:
        now = self._clock.now_ms()
        if abs(now - self._known.at_ms) >= FRESH_MS:
            self._known = _Known(now, dict(await self._read()))
        return self._known.keys

    async def _read(self) -> list[tuple[str, ApiKey]]:
        rows = await self._redis.hgetall(keys.API_KEYS)
        return [(words(digest), _load(octets(raw))) for digest, raw in rows.items()]

    async def all(self) -> list[ApiKey]:
        """Every kept key by name, without the first."""
        return sorted((key for _, key in await self._read()), key=lambda key: key.name)

    async def make(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        sources: Sequence[str] = (),
        types: Sequence[str] = (),
        brands: Sequence[str] = (),
        rights: Sequence[str] = (),
    ) -> Secret:
        """Make a key and return it, this once.

        raises: BadInput, Conflict when the name is taken; StoreUnavailable, and where replicas do not answer none is made
        """
        problems = []
        if not _NAME.fullmatch(name) or name == FIRST:
            problems.append(
                Problem("name", "should be lower-case letters, digits, dots and dashes, at most 41, and not `first`")
            )
        wanted = list(dict.fromkeys(scopes))
        if not wanted or any(one not in set(Scope) for one in wanted):
            problems.append(Problem("scopes", f"should be some of {', '.join(Scope)}"))
        if any(one not in set(EventType) for one in types):
            problems.append(Problem("types", f"should be some of {', '.join(EventType)}"))
        if any(not one or len(one) > 300 or "*" in one[:-1] for one in sources):
            problems.append(Problem("sources", "should be sources of events; a * may stand at the end"))
        if any(not one or len(one) > 64 for one in brands):
            problems.append(Problem("brands", "should be brands of 1 to 64 characters"))
        if bool(rights) != (Scope.DESK in wanted) or not all(map(_desk_right, rights)):
            message = "should be, for scope desk and no other, agent@brand, agent@brand/queue, read@brand or read@brand/queue"
            problems.append(Problem("rights", message))
        if Scope.DESK in wanted and Scope.ADMIN in wanted:
            problems.append(Problem("scopes", "should not have admin beside desk: admin may do everything to conversations"))
        if problems:
            raise BadInput(problems)
        if any(key.name == name for key in await self.all()):
            raise Conflict(f"there is a key named {name}: end it first, or choose another name")
        await promised.stand(self._redis, keys.API_KEYS, since=promised.turns_of(self._redis))
        secret = Secret(secrets.token_urlsafe(32))
        key = ApiKey(
            name, frozenset(map(Scope, wanted)), tuple(sources), tuple(types), tuple(brands), self._clock.now_ms(),
            tuple(dict.fromkeys(rights)),
        )  # fmt: skip
        await promised.run(self._redis, keys.API_KEYS, ("HSET", keys.API_KEYS, _digest(secret), _dump(key)))
        self._known = _Known()
        return secret

    async def end(self, name: str) -> None:
        """End a key: it opens nothing from a second later on.

        raises: NotFound; StoreUnavailable, also where it is ended here and replicas still have it: end it again
        """
        since = promised.turns_of(self._redis)
        digests = [digest for digest, key in await self._read() if key.name == name]
        if not digests:
            await promised.stand(self._redis, keys.API_KEYS, since=since)
            raise NotFound("there is no key of that name; the first one is ended by changing GATEWAY_API_KEY")
        await promised.run(self._redis, keys.API_KEYS, ("HDEL", keys.API_KEYS, *digests))
        self._known = _Known()


def _dump(key: ApiKey) -> str:
    value: dict[str, object] = {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "sources": list(key.sources),
        "types": list(key.types),
        "brands": list(key.brands),
        "made": key.made_ms,
    }
    if key.rights:
        value["rights"] = list(key.rights)
    return json.dumps(value)


def _load(raw: bytes) -> ApiKey:
    value = json.loads(raw)
    known = {one.value for one in Scope}
    return ApiKey(
        name=value["name"],
        scopes=frozenset(Scope(one) for one in value["scopes"] if one in known),
        sources=tuple(value.get("sources", ())),
        types=tuple(value.get("types", ())),
        brands=tuple(value.get("brands", ())),
        made_ms=value.get("made", 0),
        rights=tuple(value.get("rights", ())),
    )
