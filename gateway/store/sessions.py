"""Sessions of the desk: who is signed in, since when, whether their desk is locked.

A session is kept by the hash of its token: who reads the store cannot sign in with what they read. It ends 8 h after it was made.
Where nobody touched a key for 30 min it is *locked*, not ended: nothing is shown and nothing is done until the same person
shows again that it is them; their page keeps what stands on it. A lock is found at the next look at the session, by its
time, and noted once by whoever looks around (`watch`), so it needs no clock of its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import NotFound
from gateway.model.agent import Agent, AgentId
from gateway.model.audit import Audited
from gateway.model.personal import Secret
from gateway.rules.rights import needs_second_factor
from gateway.store import keys, scripts
from gateway.store.reply import words
from gateway.store.second import Halves, SecondFactors
from gateway.store.tries import Tries
from gateway.store.vault import Vault

SESSION_MS = 8 * 3600 * 1000
IDLE_MS = 30 * 60 * 1000
TRIES_PER_NAME = 8
TRIES_PER_PLACE = 60
PASSWORD = "password"  # noqa: S105  a word, no secret
PROVIDER = "oidc"


@dataclass(frozen=True, slots=True)
class Session:
    """csrf: what every command of this session must bring along. made_ms: it ends 8 h after, however busy.

    id:      names it in lists and in the store, never opens it
    how:     PASSWORD or PROVIDER; second: a second factor was shown too
    seen_ms: when somebody last touched a key, 0 not known; locked: by that, or by hand
    place:   from where it was opened, as the audit writes it
    """

    agent: AgentId
    csrf: str
    made_ms: int
    id: str = ""
    how: str = PASSWORD
    second: bool = False
    seen_ms: int = 0
    locked: bool = False
    place: str = ""
    told: bool = False
    """that it is locked was noted"""
    asked: str = ""
    """when its provider was last asked, ms as text"""
    confirmed_ms: int = 0
    """when its provider last said yes"""
    tokens: str = ""
    """what its provider is asked with, sealed"""


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: Secret
    session: Session


@dataclass(frozen=True, slots=True)
class Halfway:
    """The password was right, a second factor is due. secret: what to put into the phone first; None: they did before."""

    token: Secret
    agent: Agent
    secret: Secret | None


class Records(Protocol):
    """What sessions need of agents' records."""

    def agent_id(self, name: str) -> AgentId: ...
    async def get(self, agent: AgentId) -> Agent: ...
    async def verified(self, name: str, password: Secret) -> Agent | None: ...
    async def audit(self, what: Audited, agent: str, about: str = "", *, place: str = "", **more: str) -> None: ...
    def place_of(self, address: str) -> str: ...


class Sessions:
    def __init__(self, agents: Records, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._agents = agents
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault
        self._tries = Tries(redis, vault)
        self._halves = Halves(redis, vault)
        self.seconds = SecondFactors(redis, clock, vault)

    # signing in

    async def sign_in(self, name: str, password: Secret, place: str) -> SignedIn | Halfway | None:
        """A new session; or what is still due; or None when name or password is wrong: which is neither said nor to be measured.

        place:  where the request came from; many failures from one place are throttled like many for one name
        raises: Throttled
        """
        agent = await self._right(name, password, place)
        if agent is None:
            await self._agents.audit(Audited.SIGN_IN_FAILED, await self._known(name), place=place)
            return None
        enrolled = await self.seconds.enrolled(agent.id)
        if enrolled or needs_second_factor(agent.rights):
            secret = None if enrolled else self.seconds.new_secret()
            return Halfway(await self._halves.begin(agent.id, secret), agent, secret)
        return await self.open(agent, place)

    async def halfway(self, token: str) -> Halfway | None:
        """A sign-in that was begun; None when it was too long ago."""
        found = await self._halves.read(token)
        if found is None:
            return None
        try:
            agent = await self._agents.get(found[0])
        except NotFound:
            return None
        return None if agent.disabled else Halfway(Secret(token), agent, found[1])

    async def finish(self, half: Halfway, code: str, place: str) -> tuple[SignedIn, list[str]] | None:
        """The session, and codes for paper where the factor was set up by this; None: a wrong code, or one used before.

        raises: Throttled; Conflict where another page set it up first
        """
        agent, paper = half.agent, []
        if half.secret is not None:
            made = await self.seconds.enrol(agent.id, half.secret, code)
            right, paper = made is not None, made or []
        else:
            checked = await self.seconds.check(agent.id, code)
            right = checked.right
            if checked.paper:
                await self._agents.audit(Audited.RECOVERY_USED, agent.id, place=place, left=str(checked.left))
        if not right:
            await self._agents.audit(Audited.SECOND_FAILED, agent.id, place=place)
            return None
        if half.secret is not None:
            await self._agents.audit(Audited.SECOND_ENROLLED, agent.id, place=place)
        await self._halves.end(half.token.reveal())
        return await self.open(agent, place, second=True), paper

    async def open(
        self, agent: Agent, place: str, *, how: str = PASSWORD, second: bool = False, tokens: Mapping[str, str] | None = None
    ) -> SignedIn:
        """A new session for somebody who has shown who they are. tokens: what their provider is asked with later."""
        token = secrets.token_urlsafe(32)
        now = self._clock.now_ms()
        seen = self._agents.place_of(place)
        session = Session(agent.id, secrets.token_urlsafe(24), now, _id(token), how, second, now, place=seen)
        value = {
            "agent": agent.id, "csrf": session.csrf, "made": now, "seen": str(now), "how": how,
            "second": "1" if second else "", "place": seen,
        }  # fmt: skip
        if tokens is not None:
            value |= {"asked": str(now), "confirmed": str(now), "tokens": self._sealed(session.id, tokens)}
        await self._redis.set(_name(session.id), json.dumps(value), px=SESSION_MS)
        await self._redis.zadd(keys.SIGNED, {session.id: now + SESSION_MS})
        await self._agents.audit(Audited.SIGNED_IN, agent.id, place=place, how=how)
        return SignedIn(Secret(token), session)

    # using one

    def age_ms(self, session: Session) -> int:
        """How long ago it was opened, by the clock that sessions live by; the desk's own may be turned (the demo)."""
        return self._clock.now_ms() - session.made_ms

    async def get(self, token: str, *, alive: bool = True) -> tuple[Agent, Session] | None:
        """Whose session this is, locked or not; None for one that ended. alive: somebody is at the keyboard.

        A session that a password alone opened ends when its agent gets rights for which that is not enough.
        """
        identifier = _id(token)
        args: list[scripts.Part] = [self._clock.offset_ms, "1" if alive else "0", IDLE_MS, SESSION_MS]
        found = await scripts.run(self._redis, "session_touch", [_name(identifier)], args)
        if found is None:
            return None
        session = _parse(identifier, bytes(found[0]), locked=bytes(found[1]) == b"1")
        try:
            agent = await self._agents.get(session.agent)
        except NotFound:
            return None
        too_weak = session.how == PASSWORD and not session.second and needs_second_factor(agent.rights)
        if agent.disabled or too_weak:
            await self._drop(identifier)
            return None
        return agent, session

    async def lock(self, session: Session) -> None:
        """By hand: they go away."""
        await self._set(session.id, ("locked", "*", "1"))

    async def unlock(self, agent: Agent, session: Session, password: Secret, place: str) -> bool:
        """Open a locked session by the password of its own agent. Raises Throttled."""
        if session.how != PASSWORD or await self._right(agent.name.reveal(), password, place) is None:
            await self._agents.audit(Audited.UNLOCK_FAILED, agent.id, place=place)
            return False
        return await self.unlocked(session.id, agent.id, place)

    async def unlocked(self, identifier: str, agent: AgentId, place: str) -> bool:
        """Open a locked session of somebody who has shown anew that it is them; False when it is not theirs, or ended."""
        done = await self._set(identifier, ("agent", agent, agent), ("locked", "*", ""), ("told", "*", ""), ("seen", "*", "@"))
        if done:
            await self._agents.audit(Audited.UNLOCKED, agent, place=place)
        return done

    async def sign_out(self, token: str) -> Session | None:
        """End it; what it was."""
        identifier = _id(token)
        raw = await self._redis.getdel(_name(identifier))
        await self._redis.zrem(keys.SIGNED, identifier)
        return _parse(identifier, bytes(raw), locked=False) if raw else None

    # all of them

    async def all(self) -> list[Session]:
        """Every session there is; forgets those that ended. locked: only where it was noted, or is so by its time."""
        named = [words(one) for one in await self._redis.zrange(keys.SIGNED, 0, -1)]
        if not named:
            return []
        calls: list[scripts.Call] = [
            ("session_touch", [_name(one)], [self._clock.offset_ms, "0", IDLE_MS, SESSION_MS]) for one in named
        ]
        found = list(zip(named, await scripts.run_many(self._redis, calls), strict=True))
        gone = [one for one, answer in found if answer is None]
        if gone:
            await self._redis.zrem(keys.SIGNED, *gone)
        return [_parse(one, bytes(a[0]), locked=bytes(a[1]) == b"1") for one, a in found if a is not None]

    async def end(self, session: Session, by: str, why: str) -> None:
        """End somebody's session. by: who did; why: a word."""
        if await self._drop(session.id):
            await self._agents.audit(Audited.SESSION_ENDED, by, target=session.agent, why=why)

    async def note_lock(self, session: Session) -> bool:
        """Write down that a session was locked; True for whoever did so first."""
        seen = str(session.seen_ms or "")
        # Compared with what was seen: whoever opened it meanwhile is not locked out again by an old look.
        changes = (("seen", seen, seen), ("told", "", "1"), ("locked", "*", "1"))
        if not session.locked or session.told or not await self._set(session.id, *changes):
            return False
        await self._agents.audit(Audited.LOCKED, session.agent)
        return True

    # what a provider is asked

    async def ask_now(self, session: Session) -> bool:
        """Whether it is this caller who asks the provider about this session now."""
        return await self._set(session.id, ("asked", session.asked, "@"))

    async def confirm(self, identifier: str, tokens: Mapping[str, str]) -> None:
        """The provider said yes. tokens: what to ask it with next time."""
        sealed = self._sealed(identifier, tokens)
        await self._set(identifier, ("asked", "*", "@"), ("confirmed", "*", "@"), ("tokens", "*", sealed))

    def tokens(self, session: Session) -> dict[str, str]:
        if not session.tokens:
            return {}
        found: dict[str, str] = self._vault.open_about(f"tokens:{session.id}", base64.b64decode(session.tokens))
        return found

    # inside

    async def _right(self, name: str, password: Secret, place: str) -> Agent | None:
        """Whose name and password these are. Counted before it is looked at. Raises Throttled."""
        folded = name.strip().casefold()
        await self._tries.check("place", place, TRIES_PER_PLACE)
        await self._tries.count("name", folded, TRIES_PER_NAME)
        agent = await self._agents.verified(name, password)
        if agent is None:
            await self._tries.count("place", place, TRIES_PER_PLACE)
            return None
        await self._tries.forget("name", folded)
        return agent

    async def _known(self, name: str) -> str:
        """The agent that a name belongs to, "" for none."""
        try:
            return (await self._agents.get(self._agents.agent_id(name))).id
        except NotFound:
            return ""

    def _sealed(self, identifier: str, tokens: Mapping[str, str]) -> str:
        return base64.b64encode(self._vault.seal_about(f"tokens:{identifier}", dict(tokens))).decode()

    async def _set(self, identifier: str, *changes: Sequence[str]) -> bool:
        args: list[scripts.Part] = [self._clock.offset_ms]
        for change in changes:
            args += change
        return bool(await scripts.run(self._redis, "session_set", [_name(identifier)], args))

    async def _drop(self, identifier: str) -> bool:
        gone = await self._redis.delete(_name(identifier))
        await self._redis.zrem(keys.SIGNED, identifier)
        return bool(gone)


def _id(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _name(identifier: str) -> str:
    return f"session:{identifier}"


def _parse(identifier: str, raw: bytes, *, locked: bool) -> Session:
    value = json.loads(raw)
    return Session(
        agent=AgentId(value["agent"]),
        csrf=value["csrf"],
        made_ms=int(value["made"]),
        id=identifier,
        how=value.get("how", PASSWORD),
        second=bool(value.get("second")),
        seen_ms=int(value.get("seen") or 0),
        locked=locked,
        place=value.get("place", ""),
        told=bool(value.get("told")),
        asked=value.get("asked", ""),
        confirmed_ms=int(value.get("confirmed") or 0),
        tokens=value.get("tokens", ""),
    )
