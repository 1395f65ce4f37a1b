"""What agents do with conversations beside answering: take, open, park, finish, pass on, ask a colleague, mark.

Each carries the epoch its agent saw and a key of its own; what makes a conversation live goes through a slot (giving.py). Whether
somebody may is asked before (webcare/commands.py, rules/moves.py); here is what must hold in the same step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from gateway.model.conversation import AgentId, Conversation
from gateway.model.ids import MessageId
from gateway.model.personal import Personal
from gateway.store import keys, scripts, whispers
from gateway.store.conversation_base import ConversationStore, done_of
from gateway.store.conversation_commands import Command, CommandRefused, Done, digest
from gateway.store.conversation_upkeep import KEEP_RESOLVED_MS
from gateway.store.giving import COMES_BACK, Bind, Giving
from gateway.store.parking import Parking
from gateway.store.slots import GOOD_MS, Want

HOPS_MAX = 2
"""How often a conversation changes hands by being passed on; after that whoever has it keeps it."""
BLOCK_MS = 24 * 3600 * 1000
_INTENTIONS = {"taken": "take", "returning": "take", "finishing": "resolved"}
"""What an agent meant, where the way to it depends on the state: repeated it may come by another way, with the same key."""


class AgentCommands(ConversationStore):
    _giving: Giving
    _parking: Parking

    async def take(self, command: Command) -> Done:
        """Make a conversation that is nobody's one's own, opened. Taking what one has is no change; what waits or is parked is
        brought back. Raises CommandRefused (full, owned where limits hold), NotFound."""
        found = await self.get(command.conversation)
        if found.owner == command.agent and found.state in COMES_BACK:
            return await self._become("returning", command, found, over=True)
        return await self._become("taken", command, found)

    async def accept(self, command: Command) -> Done:
        """Take over what a colleague asked one to. Raises CommandRefused (not_offered, full, owned)."""
        return await self._become("accepted", command, await self.get(command.conversation))

    async def take_over(self, command: Command, note: Personal) -> Done:
        """A supervisor takes whatever it is, and says why. Their own limits hold for them too."""
        return await self._become("over", command, await self.get(command.conversation), note=note)

    async def open(self, command: Command) -> Done:
        """The owner opens what they were given."""
        args: list[scripts.Part] = [command.agent, command.epoch, digest("open", command), keys.KEEP_MS]
        return await self._run("conv_open", command, self._names(command.conversation, command), args)

    async def park(self, command: Command, until_ms: int, *, inbound_seen: int | None = None) -> Done:
        """Wait for somebody else until a time. Raises CommandRefused (parked_full: as many as one may have are parked)."""
        found = await self.get(command.conversation)
        theirs = await self.get_many(await self.desk.mine(command.agent))
        most = self.terms.figures(found.brand).parked_max if self.terms.push() and not command.program else 0
        place = await self._parking.ask(command.agent, found.id, most, [one for one in theirs if one is not None])
        args: list[scripts.Part] = [command.agent, command.epoch, digest("park", command, str(until_ms)), keys.KEEP_MS]
        args += [until_ms, _seen(inbound_seen), place, GOOD_MS]
        try:  # asked also where there is no place: it may have been done before
            return await self._run("conv_park", command, self._names(command.conversation, command), args)
        except CommandRefused:
            if place:
                await self._parking.leave(command.agent, found.id, place)
            raise

    async def finish(self, command: Command, *, inbound_seen: int | None = None, reason: str = "") -> Done:
        """Done for the contact. With a reason, now or before, resolved at once; else in wrap-up until the reason is given or due.

        inbound_seen: `Conversation.inbound` as the agent saw it; refused as they_wrote when there is more
        """
        found = await self.get(command.conversation)
        if self._wrapup_ms(found) and found.state in COMES_BACK and not (reason or found.reason):
            try:  # its slot for the wrap-up: where there is none free, it is resolved without a reason
                return await self._become("finishing", command, found, inbound=_seen(inbound_seen), over=True)
            except CommandRefused as refusal:
                if refusal.code not in ("full", "owned"):
                    raise
        return await self._end("finish", command, found, seen=_seen(inbound_seen), reason=reason)

    async def tag(self, command: Command, reason: str) -> Done:
        """Say why they wrote. In wrap-up that ends it; before, finishing will need no wrap-up."""
        return await self._end("reason", command, await self.get(command.conversation), reason=reason)

    async def release(self, command: Command) -> Done:
        """Back into its queue, with its age."""
        return await self._end("release", command, await self.get(command.conversation))

    async def pass_on(self, command: Command, queue: str, note: Personal, *, force: bool = False) -> Done:
        """Into a queue, with its age and words for whoever has it next. force: a supervisor, of somebody else's."""
        return await self._pass("force" if force else "queue", command, queue, note)

    async def offer(self, command: Command, colleague: AgentId, note: Personal) -> Done:
        """Ask a colleague to take it over; it stays one's own until they accept."""
        return await self._pass("offer", command, colleague, note)

    async def decline(self, command: Command, note: Personal | None = None) -> Done:
        """Not to take over what one was asked to; or, by the owner, not to ask any more."""
        return await self._pass("decline", command, "", note)

    async def hand_back(self, command: Command, *, inbound_seen: int | None = None) -> Done:
        """To automation, which goes on with it, and answers nothing that was said before: refused as they_wrote like `finish`."""
        return await self._pass("back", command, "", None, seen=_seen(inbound_seen))

    async def note(self, command: Command, text: Personal, *, asked: AgentId | str = "", until_ms: int = 0) -> Done:
        """Write a note for colleagues; no epoch is asked. Raises CommandRefused (key_reused), NotFound.

        asked: a colleague who is to answer by a note of theirs, until_ms; whose the conversation is does not change
        """
        found = await self.get(command.conversation)
        key, body = await self._sealed_note(found, command.key, text)
        said = digest("note", command, text.reveal(), asked) if asked else digest("note", command, text.reveal())
        args: list[scripts.Part] = [command.agent, said, keys.KEEP_MS, key, body, asked, until_ms or ""]
        return await self._run("conv_note", command, self._names(command.conversation, command), args)

    async def whisper(self, command: Command, text: Personal) -> Done:
        """Say something to whoever has it, beside the thread. Raises CommandRefused, also where it is nobody's or one's own."""
        found = await self.get(command.conversation)
        sealed = whispers.seal(await self._vault.contact_box(found.contact), found, command.key, text)
        owner = found.owner or ""
        args: list[scripts.Part] = [command.agent, command.epoch, digest("whisper", command, text.reveal()), keys.KEEP_MS]
        names = [*self._names(command.conversation, command), keys.of(command.conversation, "wsp")]
        args += [owner, command.key, sealed, whispers.KEEP_MS, whispers.MOST]
        return await self._run("conv_whisper", command, names, args)

    async def consultations(self, agent: AgentId) -> list[Conversation]:
        """What somebody is asked about and has not answered, soonest due first; what is over is taken out of their list."""
        listed = await self.desk.asked(agent)
        found = await self.get_many(listed)
        open_ones = [one for one in found if one is not None and agent in one.consulted and not one.resolved]
        kept = {one.id for one in open_ones}
        await self.desk.answered(agent, [one for one in listed if one not in kept])
        return open_ones

    async def complain(self, command: Command, due_ms: int, *, queue: str = "", ahead: Sequence[str] = ()) -> Done:
        """Mark as a complaint that is to be answered until a time; 0 takes the mark away.

        queue: where it waits from then on, if it waits in a queue that is none of `ahead` and can wait; "" where it is
        """
        return await self._mark(command, "complaint", due_ms, queue, " ".join(ahead))

    async def boost(self, command: Command, seconds: int) -> Done:
        """Let it go before others who waited so much longer; 0 takes that away."""
        return await self._mark(command, "boost", seconds)

    async def block(self, command: Command, for_ms: int = BLOCK_MS) -> Done:
        """What its address writes is kept and queued no more, for so long; 0 lifts it. The mark first: it is refused by epoch."""
        done = await self._mark(command, "block", for_ms)
        found = await self.get(command.conversation)
        names = [keys.of(found.address, "bk"), keys.beside(found.address, "facts")]
        args: list[scripts.Part] = [self._clock.offset_ms, found.address, command.agent, for_ms, found.id]
        await scripts.run(self._redis, "conv_block", names, args)
        return done

    async def leave(self, command: Command, message: MessageId) -> Done:
        """Decide that a message that failed, or may have arrived, is not sent again."""
        args: list[scripts.Part] = [command.agent, command.epoch, digest("leave", command, message), keys.KEEP_MS, message]
        return await self._run("conv_leave", command, self._names(command.conversation, command), args)

    # inside

    async def _become(
        self,
        how: str,
        command: Command,
        found: Conversation,
        *,
        note: Personal | None = None,
        inbound: str = "",
        over: bool = False,
    ) -> Done:
        """Through a slot of the agent's. over: it is their own already, and may be one more than new work may."""
        figures = self.terms.figures(found.brand)
        limits = self.terms.push() and not command.program
        want = Want(
            command.agent,
            command.conversation,
            live_max=figures.capacity + (figures.over_cap if over else 0) if limits else 0,
            owned_max=figures.owned_max if limits else 0,
        )
        bind = Bind(
            how,
            command.epoch,
            want,
            tuple(self._names(command.conversation, command)),
            digest=digest(_INTENTIONS.get(how, how), command),
            answer_ms=keys.KEEP_MS,
            note=await self._sealed_note(found, command.key, note),
            wrapup_ms=self._wrapup_ms(found),
            inbound=inbound,
            hops=HOPS_MAX,
        )
        (answer,) = await self._giving.bind([bind], acks=self._acks)
        return done_of(answer)

    async def _end(self, what: str, command: Command, found: Conversation, *, seen: str = "", reason: str = "") -> Done:
        names = [*self._names(command.conversation, command), *self._kept(found), keys.of(found.id, "dr")]
        kind = {"finish": "resolved", "release": "queued"}.get(what, what)
        said = digest(kind, command, reason) if reason else digest(kind, command)
        args: list[scripts.Part] = [command.agent, command.epoch, said, keys.KEEP_MS, what, seen, KEEP_RESOLVED_MS, reason]
        return await self._run("conv_finish", command, names, [*args, self._wrapup_ms(found)])

    async def _pass(self, what: str, command: Command, target: str, note: Personal | None, *, seen: str = "") -> Done:
        found = await self.get(command.conversation)
        key, body = await self._sealed_note(found, command.key, note)
        said = digest(what, command, target, note.reveal() if note else "")
        args: list[scripts.Part] = [command.agent, command.epoch, said, keys.KEEP_MS, what, target, key, body, HOPS_MAX]
        args += [self.terms.figures(found.brand).exclude_s * 1000, seen]
        return await self._run("conv_pass", command, self._names(command.conversation, command), args)

    async def _mark(self, command: Command, what: str, value: int, *place: str) -> Done:
        said = digest("mark", command, json.dumps([what, value]))
        args: list[scripts.Part] = [command.agent, command.epoch, said, keys.KEEP_MS, what, value or "", *place]
        found = await self.get(command.conversation)
        names = [*self._names(command.conversation, command), keys.of(found.contact, "f")]
        return await self._run("conv_mark", command, names, args)

    def _wrapup_ms(self, found: Conversation) -> int:
        return self.terms.figures(found.brand).wrapup_s * 1000 if self.terms.push() else 0


def _seen(inbound: int | None) -> str:
    return str(inbound) if inbound is not None else ""
