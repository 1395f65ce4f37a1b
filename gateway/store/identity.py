"""Who somebody is in a conversation, kept with it: what was asked, what was shown, and the link by which it is shown.

A link's token is known by its keyed hash alone, and so is a code. The record of a link lies in the conversation's partition, so
one script sees both (lua/conv_identity.lua for people of ours, lua/conv_prove.lua for theirs). A new link ends the one before it.

The token is made from the command's own key: repeated after its answer was lost, the command sends the same link.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import NotFound
from gateway.model.conversation import Conversation
from gateway.model.identity import Act
from gateway.model.ids import AddressId, ContactId, ConversationId
from gateway.model.personal import Personal, Secret
from gateway.rules.identity import ACT_MS, ASK_MS, PAUSE_MS, SENDS, TRIES
from gateway.store import keys, scripts
from gateway.store.conversation_base import ConversationStore
from gateway.store.conversation_commands import Command, Done, digest
from gateway.store.reply import words

_TOKEN = re.compile(r"\d\d[0-9a-z]{32}")


@dataclass(frozen=True, slots=True)
class Proved:
    """What came of what somebody showed. word: as lua/conv_prove.lua says; left: tries; wait_ms: of a pause"""

    word: str
    left: int = 0
    wait_ms: int = 0


class IdentityStore(ConversationStore):
    async def ask_identity(self, command: Command, act: Act | None = None) -> tuple[Done, Secret]:
        """The owner asks; what is done, and the token for the link. Raises CommandRefused, NotFound."""
        made = self._vault.blind("identity", command.conversation, command.agent, command.key)
        token = Secret(command.conversation[1:3] + made)
        done = await self._identity(command, "ask", act or "", about=self._about(token.reveal()))
        return done, token

    async def set_identity(self, command: Command, why: Personal) -> Done:
        """A supervisor says that they are who they say, and why."""
        return await self._identity(command, "set", note=why)

    async def unset_identity(self, command: Command, why: Personal) -> Done:
        """A supervisor says that it is not shown any more, whatever was shown."""
        return await self._identity(command, "unset", note=why)

    async def use_identity(self, command: Command, act: Act) -> Done:
        """The owner does what a fresh proof was given for, once. Raises CommandRefused (not_fresh)."""
        return await self._identity(command, "use", act)

    async def _identity(
        self, command: Command, what: str, act: str = "", *, note: Personal | None = None, about: str = ""
    ) -> Done:
        found = await self.get(command.conversation)
        key, body = await self._sealed_note(found, command.key, note)
        link = keys.in_partition_of(found.id, "kv", about or "0" * 32)
        names = [*self._names(found.id, command), link, keys.of(found.contact, "f")]
        said = digest("identity", command, what, act, note.reveal() if note else "")
        args: list[scripts.Part] = [command.agent, command.epoch, said, keys.KEEP_MS, key, body, what, act, about, ASK_MS]
        return await self._run("conv_identity", command, names, args)

    # their side

    async def behind(self, token: str) -> Conversation | None:
        """The conversation that a link belongs to, used or not; None for one that was never sent or is long over."""
        if not _TOKEN.fullmatch(token):
            return None
        raw = await self._redis.hget(self._link(token), "v")
        if raw is None:
            return None
        try:
            return await self.get(ConversationId(words(raw)))
        except NotFound:
            return None

    async def link_state(self, one: Conversation, token: str) -> str:
        """new, sent (a code is out), done (used) or gone (over, or another link was sent since)."""
        link = self._link(token)
        until, ends, done = await self._redis.hmget(link, "until", "ends", "done")
        current = await self._redis.hget(keys.of(one.id, "cv"), "it")
        if done is not None:
            return "done"
        if until is None or current is None or words(current) != self._about(token):
            return "gone"
        now = self._clock.now_ms()
        if ends is not None and now < int(ends):
            return "sent"
        return "new" if now < int(until) else "gone"

    async def code_sent(self, one: Conversation, token: str, code: Secret) -> Proved:
        """A new code counts from now on, and no older one: before it is sent."""
        return await self._prove(one, token, "send", self._code(token, code))

    async def code_unsent(self, one: Conversation, token: str, code: Secret, why: str) -> None:
        """This one could not be sent after all."""
        await self._ran(one, self._about(token), "unsent", why, self._code(token, code))

    async def prove_code(self, one: Conversation, token: str, code: Secret) -> Proved:
        return await self._prove(one, token, "code", self._code(token, code))

    async def prove_login(self, one: Conversation, token: str, *, theirs: bool) -> Proved:
        """theirs: the login is of the customer whom this conversation is with"""
        return await self._prove(one, token, "login" if theirs else "other", "")

    async def code_in_chat(self, contact: ContactId, brand: str, address: AddressId, said: Sequence[str]) -> str:
        """Which of these is the code that is out for their conversation, "" none: it stood in the chat, and ends."""
        raw = await self._redis.get(self.open_key(contact, brand, address))
        if raw is None:
            return ""
        identifier = ConversationId(words(raw))
        about = await self._redis.hget(keys.of(identifier, "cv"), "it")
        if not about:
            return ""
        link = keys.in_partition_of(identifier, "kv", words(about))
        out = [words(raw) for raw in await self._redis.hmget(link, "code", "typed") if raw is not None]
        for one in said:
            code = self._vault.blind("identity-code", words(about), one)
            if code in out and (found := (await self.get_many([identifier]))[0]) is not None:
                return one if (await self._ran(found, words(about), "typed", code)).word == "ok" else ""
        return ""

    async def drop_identity(self, contact: ContactId, address: AddressId, at_ms: int, why: str) -> int:
        """Whoever holds the address may be somebody else since then: what was shown before in its conversations is over."""
        count = 0
        theirs = await self._redis.zrange(keys.of(contact, "vs"), 0, -1)
        for one in await self.get_many([ConversationId(words(raw)) for raw in theirs]):
            if one is not None and one.address == address:
                count += (await self._ran(one, "", "drop", why, at_ms)).word == "ok"
        return count

    async def _prove(self, one: Conversation, token: str, what: str, value: str) -> Proved:
        return await self._ran(one, self._about(token), what, value)

    async def _ran(self, one: Conversation, about: str, what: str, value: str, more: str | int = "") -> Proved:
        names = [
            keys.of(one.id, "cv"), keys.in_partition_of(one.id, "kv", about or "0" * 32), keys.of(one.contact, "kp"),
            *(keys.beside(one.id, name) for name in ("facts", "vd", "vo")), keys.of(one.contact, "f"),
        ]  # fmt: skip
        args: list[scripts.Part] = [self._clock.offset_ms, one.id, about, what, value]
        args += [ASK_MS, TRIES, SENDS, PAUSE_MS, ACT_MS, more]
        answer = [words(part) for part in await scripts.run(self._redis, "conv_prove", names, args)]
        await self._settle(one.id)
        number = int(answer[1]) if len(answer) > 1 else 0
        return Proved(answer[0], *((number, 0) if answer[0] == "wrong" else (0, number)))

    def _about(self, token: str) -> str:
        return self._vault.blind("identity-link", token)

    def _link(self, token: str) -> str:
        return f"{{p:{token[:2]}}}kv:{self._about(token)}"

    def _code(self, token: str, code: Secret) -> str:
        return self._vault.blind("identity-code", self._about(token), code.reveal())
