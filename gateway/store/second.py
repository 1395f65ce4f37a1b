"""The second factor: a code that changes every 30 s (TOTP, RFC 6238), and codes on paper for the day the phone is lost.

The secret is sealed, codes on paper are kept as keyed hashes. A code of either kind counts once. Kept apart from the agent's
record, so that a version that does not know of it cannot lose it.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

import pyotp
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict
from gateway.model.agent import AgentId
from gateway.model.personal import Secret
from gateway.store import keys, promised, scripts
from gateway.store.tries import Tries
from gateway.store.vault import Vault

STEP_S = 30
SKEW_STEPS = 1
"""How far the phone's clock may be off, either way."""
USED_MS = 5 * 60 * 1000
"""So long a used code is remembered; it is valid for 90 s."""
TRIES = 5
PAPER_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""No letters that look like another on paper."""
_WRITES = 8


@dataclass(frozen=True, slots=True)
class Checked:
    """right: the code counts; paper: it was one of those on paper, of which `left` are left"""

    right: bool
    paper: bool = False
    left: int = 0


class SecondFactors:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault
        self._tries = Tries(redis, vault)

    @staticmethod
    def new_secret() -> Secret:
        return Secret(pyotp.random_base32())

    @staticmethod
    def address(secret: Secret, name: str) -> str:
        """otpauth://..., what an app reads from the picture."""
        return pyotp.TOTP(secret.reveal()).provisioning_uri(name=name, issuer_name="Thuisfront")

    async def enrolled(self, agent: AgentId) -> bool:
        return bool(await self._redis.hexists(keys.SECONDS, agent))

    async def enrol(self, agent: AgentId, secret: Secret, code: str) -> list[str] | None:
        """Keep the secret, once a code shows that the phone has it. The codes for paper, shown this once; None: a wrong code.

        raises: Throttled; Conflict when another page was first
        """
        await self._tries.count("second", agent, TRIES)
        if not await self._fits(agent, secret, code):
            return None
        paper = ["-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(2)) for _ in range(PAPER_CODES)]
        sealed = self._seal(agent, secret, [self._hash(agent, one) for one in paper])
        if not (await promised.run(self._redis, keys.SECONDS, ("HSETNX", keys.SECONDS, agent, sealed)))[0]:
            raise Conflict("a second factor was set up meanwhile: sign in with it")
        await self._tries.forget("second", agent)
        return paper

    async def check(self, agent: AgentId, code: str) -> Checked:
        """Whether a code counts, now and for the first time. Raises Throttled."""
        await self._tries.count("second", agent, TRIES)
        found = await self._redis.hget(keys.SECONDS, agent)
        if found is None:
            return Checked(False)
        secret, paper = self._open(agent, bytes(found))
        if re.fullmatch(r"\s*(\d\s*){6}", code, re.ASCII):
            checked = Checked(await self._fits(agent, secret, code), left=len(paper))
        else:
            checked = await self._use_paper(agent, code)
        if checked.right:
            await self._tries.forget("second", agent)
        return checked

    async def reset(self, agent: AgentId) -> bool:
        """Forget it: they set it up anew when they next sign in. Whether there was one."""
        gone = (await promised.run(self._redis, keys.SECONDS, ("HDEL", keys.SECONDS, agent)))[0]
        await self._tries.forget("second", agent)
        return bool(gone)

    async def _fits(self, agent: AgentId, secret: Secret, code: str) -> bool:
        given = "".join(code.split())
        totp = pyotp.TOTP(secret.reveal(), interval=STEP_S)
        now_step = self._clock.now_ms() // 1000 // STEP_S
        right = [
            step for step in range(now_step - SKEW_STEPS, now_step + SKEW_STEPS + 1)
            if hmac.compare_digest(totp.generate_otp(step).encode(), given.encode())
        ]  # fmt: skip
        return bool(right) and await self._first_time(agent, right[0])

    async def _first_time(self, agent: AgentId, step: int) -> bool:
        name = f"otp:{self._vault.blind('otp', agent, str(step))}"
        return bool((await promised.run(self._redis, name, ("SET", name, "1", "PX", USED_MS, "NX")))[0])

    async def _use_paper(self, agent: AgentId, code: str) -> Checked:
        """Whoever takes the code out of the record has used it."""
        given = self._hash(agent, "-".join(re.findall(r"[a-z0-9]{5}", code.casefold())))
        for _ in range(_WRITES):
            before = await self._redis.hget(keys.SECONDS, agent)
            if before is None:
                return Checked(False)
            secret, paper = self._open(agent, bytes(before))
            if given not in paper:
                return Checked(False)
            after = [one for one in paper if one != given]
            args: list[scripts.Part] = [agent, bytes(before), self._seal(agent, secret, after)]
            if await scripts.run(self._redis, "key_swap", [keys.SECONDS], args):
                return Checked(True, paper=True, left=len(after))
        return Checked(False)

    def _hash(self, agent: AgentId, code: str) -> str:
        return self._vault.blind("paper", agent, code)

    def _seal(self, agent: AgentId, secret: Secret, paper: list[str]) -> bytes:
        return self._vault.seal_about(f"second:{agent}", {"v": 1, "secret": secret.reveal(), "paper": paper})

    def _open(self, agent: AgentId, sealed: bytes) -> tuple[Secret, list[str]]:
        value = self._vault.open_about(f"second:{agent}", sealed)
        return Secret(value["secret"]), list(value["paper"])


class Halves:
    """Sign-ins of which the password was right and the second factor is due: ten minutes, kept by the hash of their token."""

    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis: Any = redis
        self._vault = vault

    async def begin(self, agent: AgentId, secret: Secret | None) -> Secret:
        """secret: what they are to put into their phone; None where they did before."""
        token = secrets.token_urlsafe(32)
        about = keys.half(token)
        value = json.dumps({"agent": agent, "secret": secret.reveal() if secret else ""})
        await self._redis.set(about, self._vault.seal_about(about, value), px=HALF_MS)
        return Secret(token)

    async def read(self, token: str) -> tuple[AgentId, Secret | None] | None:
        about = keys.half(token)
        sealed = await self._redis.get(about) if token else None
        if sealed is None:
            return None
        value = json.loads(self._vault.open_about(about, bytes(sealed)))
        return AgentId(value["agent"]), Secret(value["secret"]) if value["secret"] else None

    async def end(self, token: str) -> None:
        await self._redis.delete(keys.half(token))


HALF_MS = 10 * 60 * 1000
