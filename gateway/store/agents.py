"""Agents, their sessions, and the count of failed sign-ins.

An agent's record is sealed under a key derived for it, and found by a keyed hash of the name they sign in with. A session is
kept by the hash of its token: who reads the store cannot sign in with what they read. Passwords are argon2id.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import BadInput, Conflict, NotFound, Problem
from gateway.model.conversation import Agent, AgentId
from gateway.model.ids import ConversationId, partition_of
from gateway.model.personal import Personal, Secret
from gateway.store import keys, promised, scripts
from gateway.store.vault import Vault

PASSWORD_MIN = 12
SESSION_MS = 8 * 3600 * 1000
IDLE_MS = 30 * 60 * 1000
TRY_WINDOW_MS = 15 * 60 * 1000
TRIES_PER_NAME = 8
TRIES_PER_PLACE = 60
PERMISSIONS = ("read", "reply")
_HASHES_AT_ONCE = 2
"""argon2id takes 64 MB and a core for each."""

_RIGHT = re.compile(rf"({'|'.join(PERMISSIONS)})(@[\w-]+)?")
_AUDIT_PARTITION = 0
"""Where facts lie that belong to no conversation."""


@dataclass(frozen=True, slots=True)
class Session:
    """csrf: what every command of this session must bring along. made_ms: it ends 8 h after, however busy."""

    agent: AgentId
    csrf: str
    made_ms: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: Secret
    session: Session


class Throttled(Conflict):
    """Too many failed tries, by name or by place; says nothing about whether the name exists."""

    def __init__(self, wait_ms: int) -> None:
        super().__init__(f"too many tries: wait {wait_ms // 1000} s")
        self.wait_ms = wait_ms


class Agents:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault, *, hasher: PasswordHasher | None = None) -> None:
        """hasher: argon2id with the library's parameters (RFC 9106, low memory) unless a test wants it quicker."""
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault
        self._hasher = hasher or PasswordHasher()
        self._nobody = ""
        self._room = asyncio.Semaphore(_HASHES_AT_ONCE)

    # agents

    def agent_id(self, name: str) -> AgentId:
        return AgentId("g" + self._vault.blind("agent", _folded(name))[:13])

    async def add_agent(self, name: str, display: str, password: Secret, rights: Sequence[str] = ("reply",)) -> Agent:
        """Make an agent. Raises BadInput for what is wrong, Conflict when the name is taken."""
        problems = list(_problems(name, display, rights)) + list(_weak(password, name))
        if problems:
            raise BadInput(problems)
        agent = Agent(self.agent_id(name), Personal(name.strip()), Personal(" ".join(display.split())), tuple(rights))
        sealed = self._seal(agent, await self._hash(password))
        if not (await promised.run(self._redis, keys.AGENTS, ("HSETNX", keys.AGENTS, agent.id, sealed)))[0]:
            raise Conflict("an agent of this name is there already")
        return agent

    async def set_password(self, agent: AgentId, password: Secret) -> None:
        """Raises NotFound; BadInput for a weak one. Open sessions stay: `set_disabled` ends them."""
        found, _ = await self._read(agent)
        problems = list(_weak(password, found.name.reveal()))
        if problems:
            raise BadInput(problems)
        await self._keep(agent, self._seal(found, await self._hash(password)))

    async def set_disabled(self, agent: AgentId, disabled: bool) -> Agent:
        """A disabled agent cannot sign in, and their sessions end with their next request."""
        found, hashed = await self._read(agent)
        changed = replace(found, disabled=disabled)
        await self._keep(agent, self._seal(changed, hashed))
        return changed

    async def set_rights(self, agent: AgentId, rights: Sequence[str]) -> Agent:
        found, hashed = await self._read(agent)
        problems = list(_problems("name", "display", rights))
        if problems:
            raise BadInput(problems)
        changed = replace(found, rights=tuple(rights))
        await self._keep(agent, self._seal(changed, hashed))
        return changed

    async def _keep(self, agent: AgentId, sealed: bytes) -> None:
        """On replicas too: a right that was taken away must not come back. Raises StoreUnavailable."""
        await promised.run(self._redis, keys.AGENTS, ("HSET", keys.AGENTS, agent, sealed))

    async def get(self, agent: AgentId) -> Agent:
        return (await self._read(agent))[0]

    async def all(self) -> list[Agent]:
        """By display name."""
        raw = await self._redis.hgetall(keys.AGENTS)
        found = [self._open(AgentId(bytes(name).decode()), bytes(sealed))[0] for name, sealed in raw.items()]
        return sorted(found, key=lambda agent: agent.display.reveal().casefold())

    async def many(self, agents: Iterable[str]) -> dict[str, Agent]:
        """Those that are known, by id."""
        wanted = sorted(set(agents))
        if not wanted:
            return {}
        raw = await self._redis.hmget(keys.AGENTS, wanted)
        return {
            name: self._open(AgentId(name), bytes(sealed))[0] for name, sealed in zip(wanted, raw, strict=True) if sealed
        }

    # signing in

    async def sign_in(self, name: str, password: Secret, place: str) -> SignedIn | None:
        """A new session, or None when name or password is wrong: which of the two is neither said nor to be measured.

        place:  where the request came from; many failures from one place are throttled like many for one name
        raises: Throttled
        """
        counters = self._counters(name, place)
        await self._check_tries(counters)
        agent_id = self.agent_id(name)
        sealed = await self._redis.hget(keys.AGENTS, agent_id)
        agent, hashed = self._open(agent_id, bytes(sealed)) if sealed else (None, await self._nobodys_hash())
        right = await self._matches(hashed, password)
        if agent is None or agent.disabled or not right:
            for counter, _ in counters:
                await scripts.run(self._redis, "conv_try", [counter], [TRY_WINDOW_MS])
            return None
        await self._redis.delete(counters[0][0])
        if self._hasher.check_needs_rehash(hashed):
            await self._redis.hset(keys.AGENTS, agent.id, self._seal(agent, await self._hash(password)))
        signed = SignedIn(
            Secret(secrets.token_urlsafe(32)), Session(agent.id, secrets.token_urlsafe(24), self._clock.now_ms())
        )
        await self._write_session(signed.token.reveal(), signed.session)
        await self.audit("signed_in", agent.id)
        return signed

    async def session(self, token: str, *, alive: bool = True) -> tuple[Agent, Session] | None:
        """Whose session this is; None for one that ended. alive: somebody is at the keyboard, so it lasts 30 min more."""
        name = _session_key(token)
        raw = await self._redis.get(name)
        if raw is None:
            return None
        value = json.loads(raw)
        session = Session(AgentId(value["agent"]), value["csrf"], value["made"])
        left = session.made_ms + SESSION_MS - self._clock.now_ms()
        try:
            agent = await self.get(session.agent)
        except NotFound:
            return None
        if left <= 0 or agent.disabled:
            await self._redis.delete(name)
            return None
        if alive:
            await self._redis.pexpire(name, min(IDLE_MS, left))
        return agent, session

    async def sign_out(self, token: str) -> None:
        await self._redis.delete(_session_key(token))

    async def audit(self, kind: str, agent: AgentId, conversation: ConversationId | str = "") -> None:
        """One fact about what an agent did that changed nothing else: signed_in, read."""
        partition = partition_of(conversation) if conversation else _AUDIT_PARTITION
        args: list[scripts.Part] = [self._clock.offset_ms, kind, conversation, f"agent={agent}"]
        await scripts.run(self._redis, "conv_audit", [keys.part(partition, "facts")], args)

    # inside

    async def _write_session(self, token: str, session: Session) -> None:
        value = json.dumps({"agent": session.agent, "csrf": session.csrf, "made": session.made_ms})
        await self._redis.set(_session_key(token), value, px=IDLE_MS)

    def _counters(self, name: str, place: str) -> list[tuple[str, int]]:
        return [
            (f"try:{self._vault.blind('try', 'name', _folded(name))}", TRIES_PER_NAME),
            (f"try:{self._vault.blind('try', 'place', place)}", TRIES_PER_PLACE),
        ]

    async def _check_tries(self, counters: Sequence[tuple[str, int]]) -> None:
        for counter, most in counters:
            count = await self._redis.get(counter)
            if count is not None and int(count) >= most:
                raise Throttled(max(await self._redis.pttl(counter), 1000))

    async def _hash(self, password: Secret) -> str:
        async with self._room:
            return await asyncio.to_thread(self._hasher.hash, password.reveal())

    async def _matches(self, hashed: str, password: Secret) -> bool:
        async with self._room:
            try:
                return await asyncio.to_thread(self._hasher.verify, hashed, password.reveal())
            except (VerificationError, InvalidHashError):
                return False

    async def _nobodys_hash(self) -> str:
        """A hash that nothing matches, so that an unknown name takes as long as a known one."""
        if not self._nobody:
            self._nobody = await self._hash(Secret(secrets.token_urlsafe(32)))
        return self._nobody

    async def _read(self, agent: AgentId) -> tuple[Agent, str]:
        sealed = await self._redis.hget(keys.AGENTS, agent)
        if sealed is None:
            raise NotFound("no such agent")
        return self._open(agent, bytes(sealed))

    def _seal(self, agent: Agent, hashed: str) -> bytes:
        return self._vault.seal_about(
            f"agent:{agent.id}",
            {
                "name": agent.name.reveal(),
                "display": agent.display.reveal(),
                "rights": list(agent.rights),
                "disabled": agent.disabled,
                "password": hashed,
            },
        )

    def _open(self, agent: AgentId, sealed: bytes) -> tuple[Agent, str]:
        value = self._vault.open_about(f"agent:{agent}", sealed)
        found = Agent(agent, Personal(value["name"]), Personal(value["display"]), tuple(value["rights"]), value["disabled"])
        return found, value["password"]


def _session_key(token: str) -> str:
    return f"session:{hashlib.sha256(token.encode()).hexdigest()}"


def _folded(name: str) -> str:
    return name.strip().casefold()


def _problems(name: str, display: str, rights: Sequence[str]) -> Iterable[Problem]:
    if not re.fullmatch(r"[\w.@+-]{2,64}", name.strip()):
        yield Problem("name", "should be 2 to 64 letters, digits or . @ + - _, such as an e-mail address")
    if not 1 <= len(" ".join(display.split())) <= 80:
        yield Problem("display", "should be the name that colleagues see, up to 80 characters")
    for right in rights:
        if not _RIGHT.fullmatch(right):
            yield Problem("rights", f"should be {' or '.join(PERMISSIONS)}, for one brand as reply@brand")


def _weak(password: Secret, name: str) -> Iterable[Problem]:
    text = password.reveal()
    if not PASSWORD_MIN <= len(text) <= 256:
        yield Problem("password", f"should be {PASSWORD_MIN} to 256 characters; a sentence does well")
    elif len(set(text)) < 5 or _folded(name) in text.casefold():
        yield Problem("password", "should not be one character many times, nor hold the name")
