"""What happens to conversations without an agent's doing: given, taken back, handed to people, closed, brought back by time."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.conversation import Conversation
from gateway.model.ids import ConversationId
from gateway.model.webcare import BOOST_S, Assignment, Boost, Decision
from gateway.store import conversation_codec as codec
from gateway.store import keys, scripts
from gateway.store.conversation_base import ConversationStore
from gateway.store.conversation_upkeep import KEEP_RESOLVED_MS
from gateway.store.giving import Giving

HOUR_MS = 3600 * 1000


class SystemMoves(ConversationStore):
    _giving: Giving

    async def give(self, wanted: Sequence[Assignment]) -> list[str]:
        """Let conversations be agents', all in a few round trips. Per item "given", or why not:

        full, owned (they have as many as they may), away (not here or not available), gap (given one a moment ago), taken
        (somebody has it), moved (it stands elsewhere, or changed hands, since it was looked at). Repeatable: who has it keeps it.
        raises: StoreUnavailable; what was reserved then is swept
        """
        return await self._giving.give(wanted)

    async def decisions(self, conversation: ConversationId) -> list[Decision]:
        """Why it was given to whom it was: the last ten times, newest first."""
        raw = await self._redis.lrange(keys.of(conversation, "dr"), 0, -1)
        return [codec.parse_decision(bytes(one)) for one in raw]

    async def requeue(
        self, one: Conversation, why: str, *, exclude_ms: int = 0, boost: Boost | None = None, queue: str = ""
    ) -> bool:
        """Take it from an agent, back into its queue with its age. False: it moved since `one` was read; nothing was done.

        why:        not_opened (T6), unreachable (E1: the contact waits), not_back (came back, and its agent had no slot in time)
        exclude_ms: for so long that agent is not given it again
        """
        names = [keys.of(one.id, "cv"), *(keys.beside(one.id, name) for name in ("facts", "vd", "vo"))]
        args: list[scripts.Part] = [self._clock.offset_ms, one.id, one.epoch, why, exclude_ms]
        args += [boost or "", BOOST_S.get(boost, 0) if boost else 0, queue]
        return await self._moved(one, bool(await scripts.run(self._redis, "conv_requeue", names, args)))

    async def rest(self, one: Conversation) -> bool:
        """Its agent is not here and spoke last: it waits for the contact and takes no slot (E2). False: it moved meanwhile."""
        return await self.idle(one, "waiting", "")

    async def ask_person(
        self, one: Conversation, why: str, *, epoch: int | None = None, boost: Boost | None = None, queue: str = ""
    ) -> bool:
        """Automation is done with it: into a queue, the clock starts now. epoch: under which automation decided, None any."""
        return await self._system(one, "ask", why, epoch, boost, queue)

    async def close(self, one: Conversation, by: str, *, epoch: int | None = None) -> bool:
        """Done without a person: they said that this helped, or that they need nobody any more. by: AUTOMATION or "contact"."""
        return await self._system(one, "close", by, epoch, None, "")

    async def undelivered(self, one: Conversation) -> bool:
        """Our last words did not arrive: a resolved one is opened again, before others, for whose it was of late."""
        return await self._system(one, "again", "undelivered", None, Boost.UNDELIVERED, "")

    # inside

    async def _system(
        self, one: Conversation, what: str, why: str, epoch: int | None, boost: Boost | None, queue: str
    ) -> bool:
        names = [*self._bare(one.id), *self._kept(one), keys.of(one.id, "dr")]
        args: list[scripts.Part] = [self._clock.offset_ms, one.id, "" if epoch is None else epoch, what, why, queue]
        args += [boost or "", BOOST_S[boost] if boost else 0, KEEP_RESOLVED_MS]
        args.append(self.terms.figures(one.brand).sticky_h * HOUR_MS)
        return await self._moved(one, bool(await scripts.run(self._redis, "conv_system", names, args)))

    async def idle(self, one: Conversation, step: str, by: str) -> bool:
        """What time alone does, if nothing else did since `one` was read (lua/conv_idle.lua)."""
        names = [*self._bare(one.id), *self._kept(one), keys.of(one.id, "dr")]
        args: list[scripts.Part] = [self._clock.offset_ms, one.id, one.revision, step, by, KEEP_RESOLVED_MS]
        return await self._moved(one, bool(await scripts.run(self._redis, "conv_idle", names, args)))

    async def _moved(self, one: Conversation, moved: bool) -> bool:
        if moved:
            await self._settle(one.id)
        return moved

    def _bare(self, conversation: ConversationId) -> list[str]:
        """cv, ct, facts, vd, vo"""
        return [
            keys.of(conversation, "cv"),
            keys.of(conversation, "ct"),
            *(keys.beside(conversation, name) for name in ("facts", "vd", "vo")),
        ]
