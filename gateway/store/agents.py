"""Agents: who they are, what they may, and whether a password is theirs.

An agent's record is sealed under a key derived for it, and found by a keyed hash of the name they sign in with. Passwords are
argon2id. Their sessions are in sessions.py, their second factor in second.py.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import BadInput, Conflict, NotFound, Problem
from gateway.model.agent import LIMIT_FACTOR_MAX, LOCALES, SEND_KEYS, Agent, AgentId, Role, parse_right
from gateway.model.audit import Audited
from gateway.model.personal import Personal, Secret
from gateway.store import keys, promised, scripts
from gateway.store.audit import Audit
from gateway.store.own_canned import OwnCanned
from gateway.store.sessions import Sessions
from gateway.store.vault import Vault

PASSWORD_MIN = 12
WRITES = 8
"""How often a change is begun anew when somebody else wrote first."""
_HASHES_AT_ONCE = 2
"""argon2id takes 64 MB and a core for each."""



class Agents:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault, *, hasher: PasswordHasher | None = None) -> None:
        """hasher: argon2id with the library's parameters (RFC 9106, low memory) unless a test wants it quicker."""
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault
        self._hasher = hasher or PasswordHasher()
        self._audit = Audit(redis, clock, vault)
        self.sessions = Sessions(self, redis, clock, vault)
        self.own_canned = OwnCanned(redis, vault)
        self._nobody = ""
        self._room = asyncio.Semaphore(_HASHES_AT_ONCE)

    # agents

    def agent_id(self, name: str) -> AgentId:
        return AgentId("g" + self._vault.blind("agent", _folded(name))[:13])

    async def add_agent(self, name: str, display: str, password: Secret, rights: Sequence[str] = ("reply",)) -> Agent:
        """Make an agent. Raises BadInput for what is wrong, Conflict when the name is taken."""
        agent = Agent(self.agent_id(name), Personal(name.strip()), Personal(" ".join(display.split())), tuple(rights))
        problems = list(problems_of(agent)) + list(_weak(password, name))
        if problems:
            raise BadInput(problems)
        sealed = self._seal(agent, await self._hash(password))
        if not (await promised.run(self._redis, keys.AGENTS, ("HSETNX", keys.AGENTS, agent.id, sealed)))[0]:
            raise Conflict("an agent of this name is there already")
        return agent

    def provider_id(self, issuer: str, subject: str) -> AgentId:
        return AgentId("g" + self._vault.blind("agent", "provider", issuer, subject)[:13])

    async def by_provider(self, issuer: str, subject: str) -> Agent | None:
        """Whoever a provider means by this subject; None for somebody it never sent before."""
        found = self.provider_id(issuer, subject)
        return (await self.many([found])).get(found)

    async def add_by_provider(self, issuer: str, subject: str, name: str, display: str, rights: Sequence[str]) -> Agent:
        """Their first sign-in makes them. Two at once make one. Raises BadInput."""
        identifier = self.provider_id(issuer, subject)
        agent = Agent(identifier, Personal(name), Personal(display), tuple(rights), provider=issuer)
        problems = list(problems_of(agent))
        if problems:
            raise BadInput(problems)
        sealed = self._seal(agent, "")
        made = await promised.run(self._redis, keys.AGENTS, ("HSETNX", keys.AGENTS, identifier, sealed))
        return agent if made[0] else await self.renew(identifier, name, display, rights)

    async def renew(self, agent: AgentId, name: str, display: str, rights: Sequence[str]) -> Agent:
        """What their provider says of them now."""
        return await self.change(agent, name=Personal(name), display=Personal(display), rights=tuple(rights))

    async def set_password(self, agent: AgentId, password: Secret) -> None:
        """Raises NotFound; BadInput for a weak one. Open sessions stay: `set_disabled` ends them."""
        found, _ = await self._read(agent)
        problems = list(_weak(password, found.name.reveal()))
        if found.provider:
            problems = [Problem("password", "they sign in with their provider, and have none here")]
        if problems:
            raise BadInput(problems)
        hashed = await self._hash(password)
        await self._change(agent, lambda one, old: (one, hashed))

    async def set_disabled(self, agent: AgentId, disabled: bool) -> Agent:
        """A disabled agent cannot sign in, and their sessions end with their next request; what they kept for themselves goes."""
        after = await self.change(agent, disabled=disabled)
        if disabled:
            await self.own_canned.erase(agent)
        return after

    async def set_rights(self, agent: AgentId, rights: Sequence[str]) -> Agent:
        return await self.change(agent, rights=tuple(rights))

    async def change(self, agent: AgentId, **fields: Any) -> Agent:
        """Change fields of an agent's record, whoever else changes it at the same time. Raises NotFound, BadInput."""

        def changed(found: Agent, hashed: str) -> tuple[Agent, str]:
            after = replace(found, **fields)
            problems = list(problems_of(after))
            if problems:
                raise BadInput(problems)
            return after, hashed

        return await self._change(agent, changed)

    async def _change(self, agent: AgentId, what: Callable[[Agent, str], tuple[Agent, str]]) -> Agent:
        """Read, change, and write if nobody wrote in between; on replicas too: a right that was taken away must not come back.

        raises: NotFound; Conflict when others wrote again and again; StoreUnavailable; what `what` raises
        """
        for _ in range(WRITES):
            before = await self._redis.hget(keys.AGENTS, agent)
            if before is None:
                raise NotFound("no such agent")
            after, hashed = what(*self._open(agent, bytes(before)))
            args: list[scripts.Part] = [agent, bytes(before), self._seal(after, hashed)]
            if await scripts.run(self._redis, "key_swap", [keys.AGENTS], args):
                return after
        raise Conflict("this agent is being changed by others at the same time: do it again")

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

    async def verified(self, name: str, password: Secret) -> Agent | None:
        """Whose name and password these are; None takes as long for a name that nobody has."""
        agent_id = self.agent_id(name)
        sealed = await self._redis.hget(keys.AGENTS, agent_id)
        agent, hashed = self._open(agent_id, bytes(sealed)) if sealed else (None, await self._nobodys_hash())
        right = await self._matches(hashed or await self._nobodys_hash(), password)
        if agent is None or agent.disabled or agent.provider or not right:
            return None
        if self._hasher.check_needs_rehash(hashed):
            again = await self._hash(password)
            await self._change(agent.id, lambda one, old: (one, again if old == hashed else old))
        return agent

    def place_of(self, address: str) -> str:
        return self._audit.place_of(address)

    def terms_of(self, brand: str, terms: str) -> str:
        """What was searched for, as the audit keeps it."""
        return self._audit.terms_of(brand, terms)

    def mark_of(self, *parts: str) -> str:
        """What shows that the audit's page itself wrote this, for this person."""
        return self._audit.mark_of(*parts)

    async def audit(
        self, what: Audited, agent: str, about: str = "", *, place: str = "", old: str = "", new: str = "", **more: str
    ) -> None:
        """One entry of the audit (store/audit.py)."""
        await self._audit.write(what, agent, about=(about,) if about else (), place=place, old=old, new=new, **more)

    # inside

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
        return self._vault.seal_about(f"agent:{agent.id}", {**record_of(agent), "password": hashed})

    def _open(self, agent: AgentId, sealed: bytes) -> tuple[Agent, str]:
        value = self._vault.open_about(f"agent:{agent}", sealed)
        return agent_of(agent, value), value["password"]


def record_of(agent: Agent) -> dict[str, Any]:
    """An agent as they are kept, sealed; without what has its first value, so that an older version's record is the same."""
    record: dict[str, Any] = {
        "name": agent.name.reveal(),
        "display": agent.display.reveal(),
        "rights": list(agent.rights),
        "disabled": agent.disabled,
    }
    later = {
        "languages": list(agent.languages),
        "skills": list(agent.skills),
        "send_key": agent.send_key,
        "limit_factor": agent.limit_factor if agent.limit_factor != 1 else 0,
        "locale": agent.locale,
        "keys": dict(agent.keys),
        "provider": agent.provider,
    }
    return record | {name: value for name, value in later.items() if value}


def agent_of(agent: AgentId, value: Mapping[str, Any]) -> Agent:
    """What `record_of` wrote, by this version or an older one."""
    return Agent(
        id=agent,
        name=Personal(value["name"]),
        display=Personal(value["display"]),
        rights=tuple(value["rights"]),
        disabled=value["disabled"],
        languages=tuple(value.get("languages", ())),
        skills=tuple(value.get("skills", ())),
        send_key=value.get("send_key", ""),
        limit_factor=value.get("limit_factor", 1),
        locale=value.get("locale", ""),
        keys=tuple(value.get("keys", {}).items()),
        provider=value.get("provider", ""),
    )


def _folded(name: str) -> str:
    return name.strip().casefold()


def problems_of(agent: Agent) -> Iterable[Problem]:
    """What is wrong with an agent's record, field by field."""
    if not agent.provider and not re.fullmatch(r"[\w.@+-]{2,64}", agent.name.reveal()):
        yield Problem("name", "should be 2 to 64 letters, digits or . @ + - _, such as an e-mail address")
    if not 1 <= len(agent.display.reveal()) <= 80:
        yield Problem("display", "should be the name that colleagues see, up to 80 characters")
    for right in agent.rights:
        if parse_right(right) is None:
            roles = ", ".join(role.value for role in Role)
            yield Problem("rights", f"should be one of {roles}; for one brand agent@brand, for one queue of it agent@brand/queue")
    for language in agent.languages:
        if not re.fullmatch(r"[a-z]{2,3}", language):
            yield Problem("languages", "should be codes of two letters such as nl, en")
    for skill in agent.skills:
        if not re.fullmatch(r"[\w.-]{1,40}", skill):
            yield Problem("skills", "should be words of up to 40 letters, digits or . - _")
    if agent.send_key not in ("", *SEND_KEYS):
        yield Problem("send_key", f"should be {' or '.join(SEND_KEYS)}")
    if agent.locale not in ("", *LOCALES):
        yield Problem("locale", f"should be {' or '.join(LOCALES)}")
    if not 1 <= agent.limit_factor <= LIMIT_FACTOR_MAX:
        yield Problem("limit_factor", f"should be a whole number from 1 to {LIMIT_FACTOR_MAX}")
    letters = [letter for _, letter in agent.keys]
    if len(set(letters)) != len(letters) or not all(re.fullmatch(r"[a-z0-9]?", letter) for letter in letters):
        yield Problem("keys", "should give each command one letter or digit of its own, or none")


def _weak(password: Secret, name: str) -> Iterable[Problem]:
    text = password.reveal()
    if not PASSWORD_MIN <= len(text) <= 256:
        yield Problem("password", f"should be {PASSWORD_MIN} to 256 characters; a sentence does well")
    elif len(set(text)) < 5 or _folded(name) in text.casefold():
        yield Problem("password", "should not be one character many times, nor hold the name")
