"""Hears a message before the desk does, and decides: answer it, ask, or leave it to a person.

Who is left to people, whatever they write: who waits for one or has one, whose words cannot wait or complain, whom a crisis is
about, whose address nobody has proved to be theirs, and everybody of a brand that switched automation off. Of the others:

    "person"                    a person, at any depth
    a plain question            how it stands, if it is theirs and one thing; several: which, by buttons
    an answer to what we asked  yes: done. No, or not understood: a person, who sees what was guessed
    words that begin a dialog   its questions (dialogs.py), and then mostly a person, who has the answers before them
    anything else               a person

Deciding changes nothing but the memory; the words are said when the message lies in its conversation (`speak`), under the epoch
that the conversation had when it was looked at. Both may be done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.assistant import lines, talking
from gateway.assistant.deciding import NO, YES, Decided, button, pressed
from gateway.assistant.dialogs import DONE, NONE, PERSON, Dialogs
from gateway.assistant.open_things import OpenThings, Thing
from gateway.assistant.saying import Said, SystemLines, Words
from gateway.assistant.state_words import unknown as unknown_words
from gateway.assistant.talking import Talked
from gateway.connector import InboundKind, MessageEvent
from gateway.model.contact import Contact
from gateway.model.conversation import AUTOMATION, Conversation, ConversationState
from gateway.model.ids import AddressId, ConversationId
from gateway.rules import own_asking
from gateway.rules.language import language_of
from gateway.store.assistants import AssistantMemories, AssistantMemory
from gateway.store.conversations import Conversations

MOST = 3
"""Of so many things they choose by buttons; of more the nearest."""
HELPED, WHICH = "helped", "which"
ANSWERS = (ConversationState.AUTOMATED, ConversationState.RESOLVED)
"""Where the assistant may speak: nobody waits for a person there."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message, and where. key: a keyed hash of the channel's id of it; brand: whose question it is

    entry: its line's key in the thread, by which it is known that it came before
    """

    contact: Contact
    address: AddressId
    brand: str
    event: MessageEvent
    key: str
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What whoever reads on should know. guess: what they probably mean, "" nothing; answers: what was asked -> what they said"""

    guess: str = ""
    answers: Sequence[tuple[str, str]] = ()


class Assistant:
    def __init__(
        self,
        conversations: Conversations,
        memories: AssistantMemories,
        things: OpenThings,
        says: SystemLines,
        dialogs: Dialogs = NONE,
    ) -> None:
        self._conversations = conversations
        self._memories = memories
        self._things = things
        self._says = says
        self._dialogs = dialogs

    async def hear(self, turn: Turn, *, to_people: bool) -> Decided | None:
        """What becomes of a message; None: it is nothing of the assistant's. Repeatable by `turn.key`.

        to_people: its words cannot wait, or complain, or a crisis is about them
        """
        memory = await self._memories.get(turn.address, turn.brand)
        before = memory.decided_for(turn.key)
        if before is not None:
            return Decided.load(before) if before else None
        if turn.entry and await self._conversations.holding(turn.contact.id, turn.entry) is not None:
            return None  # it came again, long after: whatever is asked by now, this is no answer to it
        decided, after = await self._decide(turn, memory, to_people)
        if decided is not None or after != memory:
            known = after.took(turn.key, decided.dump() if decided else {}, before=memory)
            await self._memories.put(turn.address, turn.brand, known)
        return decided

    async def speak(self, conversation: ConversationId, turn: Turn, decided: Decided) -> None:
        """Say what was decided, where its message lies by now, and close the conversation if they said so. Repeatable."""
        found = await self._conversations.get(conversation)
        epoch = decided.epoch
        if decided.handled and epoch is None:
            # It was opened by this message. Somebody who took it since has another epoch than it began with.
            epoch = found.epoch if found.state in ANSWERS else found.epoch - 1
        if decided.lines:
            said = await self._says.say_many(
                conversation, decided.lines, key=turn.key, epoch=epoch if decided.handled else None, at_once=decided.at_once,
                language=decided.language,
            )  # fmt: skip
            if decided.handled and not decided.closes and said in (Said.LATE, Said.SHUT):
                await self._to_somebody(found)
            if said is Said.LATE:
                return
        memory = await self._memories.get(turn.address, turn.brand)
        if memory.last == turn.key and (memory.conversation, memory.epoch) != (found.id, found.epoch):
            await self._memories.put(turn.address, turn.brand, replace(memory, conversation=found.id, epoch=found.epoch))
        if decided.helped:
            await self._conversations.lines.helped(found, turn.key, decided.helped)
        if decided.closes and found.state is ConversationState.AUTOMATED:
            await self._conversations.close(found, AUTOMATION, epoch=epoch)

    async def _to_somebody(self, found: Conversation) -> None:
        """Nobody answered them, and nobody would look: theirs is a person's. Who has it by now has it."""
        if not await self._conversations.ask_person(found, "unanswered", epoch=found.epoch):
            await self._conversations.undelivered(found)

    async def card(self, conversation: Conversation) -> Card:
        """What the assistant learnt in this chat."""
        memory = await self._memories.get(conversation.address, conversation.brand)
        return Card(memory.guess, memory.answers)

    # deciding

    async def _decide(
        self, turn: Turn, memory: AssistantMemory, to_people: bool
    ) -> tuple[Decided | None, AssistantMemory]:
        latest = await self._latest(turn)
        held = latest is not None and latest.state not in ANSWERS
        marked = latest is not None and not latest.resolved and bool(latest.safety or latest.complaint_due_ms)
        if to_people or held or marked or not self._may(turn):
            return None, _over(memory)
        same = latest is not None and latest.id == memory.conversation and (
            latest.epoch == memory.epoch or (latest.resolved and _answers_it(turn, memory))
        )  # fmt: skip
        decided, after = await self._answered(turn, memory if same else AssistantMemory())
        if decided is not None and latest is not None and not latest.resolved:
            decided = replace(decided, epoch=latest.epoch, closes=bool(decided.helped) and decided.closes)
        return decided, after

    async def _latest(self, turn: Turn) -> Conversation | None:
        """The last conversation of this chat, resolved or not."""
        found = await self._conversations.get_many(await self._conversations.of_contact(turn.contact.id))
        mine = [one for one in found if one and one.address == turn.address and one.brand == turn.brand]
        return max(mine, key=lambda one: one.opened_ms, default=None)

    def _may(self, turn: Turn) -> bool:
        return self._says.plan.of(turn.brand).automation and not turn.event.standby and not turn.event.group

    async def _answered(self, turn: Turn, memory: AssistantMemory) -> tuple[Decided | None, AssistantMemory]:
        event, text = turn.event, turn.event.text.reveal()
        answer = pressed(event.payload) if event.kind is InboundKind.BUTTON else None
        said = event.kind is InboundKind.TEXT
        if said and own_asking.wants_person(text):
            return self._to_person(turn, memory)
        here = talking.place_of(self._dialogs, memory)
        if here is not None:
            language = self._language(turn, memory)
            chosen = answer[1] if answer is not None and answer[0] == memory.token else ""
            file = bool(event.media)
            talked = talking.answer(
                *here, memory, turn.key[:8], language, text=text if said or file else "", choice=chosen, file=file
            )
            decided, after = self._talked(turn, talked, language)
            return replace(decided, private=file and here[1].document), after
        if answer is not None:
            return await self._pressed(turn, memory, *answer)
        if not said:
            return self._miss(turn, memory) if memory.asked else (None, memory)
        if memory.asked == HELPED and (own_asking.says_yes(text) or own_asking.says_no(text)):
            return self._helped(turn, memory, YES if own_asking.says_yes(text) else NO)
        asked = await self._asked(turn, text)
        if asked is not None:
            return await self._status(turn, memory, asked)
        dialog = self._dialogs.begun(text, turn.brand)
        if dialog is not None:
            language = lines.spoken(language_of(text), memory.language, turn.contact.facts.language)
            return self._talked(turn, talking.begin(dialog, memory, turn.key[:8], language), language)
        return self._miss(turn, memory) if memory.asked else (None, memory)

    async def _pressed(
        self, turn: Turn, memory: AssistantMemory, token: str, choice: str
    ) -> tuple[Decided | None, AssistantMemory]:
        if _answers_it(turn, memory):
            return self._helped(turn, memory, choice)
        if choice == YES:
            # An older answer helped: nobody need look, and what is asked or talked about by now goes on as it was.
            return Decided(True, closes=True), memory
        if token != memory.token or memory.asked != WHICH or choice not in memory.choices or _is_nobodys(turn):
            return self._miss(turn, memory)  # of an older question: what they meant by it nobody can say
        language = self._language(turn, memory)
        found, _ = await self._things.of(turn.contact, turn.brand, language)
        thing = next((one for one in found if one.subject == memory.choices[choice]), None)
        return self._tell(turn, memory, thing, [], language) if thing is not None else self._miss(turn, memory)

    async def _asked(self, turn: Turn, text: str) -> own_asking.OwnQuestion | None:
        # In a thread of its own: the first text of a process makes the patterns, which takes a good part of a second.
        asked = await asyncio.to_thread(own_asking.asked, text)
        if asked is None and any(one.brand == turn.brand for one in turn.contact.profile.orders):
            names = await self._things.names(turn.contact, turn.brand)
            asked = await asyncio.to_thread(own_asking.asked, text, names) if names.vehicles or names.places else None
        return asked

    async def _status(
        self, turn: Turn, memory: AssistantMemory, asked: own_asking.OwnQuestion
    ) -> tuple[Decided | None, AssistantMemory]:
        if _is_nobodys(turn):
            return self._miss(turn, memory)
        language = self._language(turn, memory, asked.language)
        found, unknown = await self._things.of(turn.contact, turn.brand, language, asked.kind)
        if not found:
            return self._miss(turn, memory, self._about(asked.kind))
        if len(found) == 1:
            return self._tell(turn, memory, found[0], unknown, language)
        token = turn.key[:8]
        listed = found[:MOST]
        choices = {str(place): one.subject for place, one in enumerate(listed)}
        buttons = [button(token, str(place), one.name) for place, one in enumerate(listed)]
        said = [*self._first(memory), *_unknown(unknown, language), Words(lines.WHICH, {}, buttons)]
        after = replace(
            memory, token=token, asked=WHICH, choices=choices, introduced=True, misses=0, language=language, kind=asked.kind,
            guess=self._about(asked.kind, listed),
        )  # fmt: skip
        return Decided(True, said, language=language), after

    def _tell(
        self, turn: Turn, memory: AssistantMemory, thing: Thing, unknown: Sequence[str], language: str
    ) -> tuple[Decided, AssistantMemory]:
        """How one thing stands. Where that is old a person looks as well, and nobody is asked whether it helped."""
        told = [*self._first(memory), Words(lines.ANSWER, {"text": thing.words}), *_unknown(unknown, language)]
        guess = self._about(thing.kind, [thing])
        if not thing.fresh:
            return Decided(False, told, language=language), replace(_over(memory), guess=guess, kind=thing.kind)
        token = turn.key[:8]
        buttons = [button(token, choice, lines.LABELS[choice][language]) for choice in (YES, NO)]
        after = replace(
            memory, token=token, asked=HELPED, choices={}, introduced=True, misses=0, language=language, kind=thing.kind,
            guess=guess,
        )  # fmt: skip
        return Decided(True, [*told, Words(lines.HELPED, {}, buttons)], language=language), after

    def _talked(self, turn: Turn, talked: Talked, language: str) -> tuple[Decided, AssistantMemory]:
        """What a dialog says next; at its end a person, or whether it helped."""
        memory = replace(talked.memory, introduced=True, language=language)
        said = [*self._first(talked.memory), *talked.lines]
        if talked.end == PERSON:
            return Decided(False, [*talked.lines, Words(lines.TO_PERSON)], at_once=False, language=language), _over(memory)
        if talked.end == DONE:
            token = turn.key[:8]
            buttons = [button(token, choice, lines.LABELS[choice][language]) for choice in (YES, NO)]
            after = replace(memory, asked=HELPED, token=token)
            return Decided(True, [*said, Words(lines.HELPED, {}, buttons)], language=language), after
        return Decided(True, said, language=language), memory

    def _helped(self, turn: Turn, memory: AssistantMemory, answer: str) -> tuple[Decided, AssistantMemory]:
        language = self._language(turn, memory)
        if answer == YES:
            said = [Words(lines.GLAD)]
            return Decided(True, said, closes=True, helped=YES, language=language), replace(_over(memory), guess="")
        decided, after = self._to_person(turn, memory)
        return replace(decided, helped=NO), after

    def _to_person(self, turn: Turn, memory: AssistantMemory) -> tuple[Decided, AssistantMemory]:
        """A person, and the last line of the assistant's says so; "closed" or "full" may join it."""
        said = [Words(lines.TO_PERSON)]
        return Decided(False, said, at_once=False, language=self._language(turn, memory)), _over(memory)

    def _miss(self, turn: Turn, memory: AssistantMemory, guess: str = "") -> tuple[Decided, AssistantMemory]:
        return self._to_person(turn, replace(memory, guess=guess or memory.guess))

    def _first(self, memory: AssistantMemory) -> list[Words]:
        return [] if memory.introduced else [Words(lines.ASSISTANT)]

    def _language(self, turn: Turn, memory: AssistantMemory, asked: str = "") -> str:
        """What they asked in, else what was spoken in this stretch, else what is known of them."""
        return lines.spoken(asked, memory.language, turn.contact.facts.language)

    def _about(self, kind: str, found: Sequence[Thing] = ()) -> str:
        """What they probably mean, for the desk: "journey: ZZ 1007 AMS–LHR"."""
        names = ", ".join(one.name for one in found)
        return f"{kind or 'status'}: {names}" if names else kind or "status"


def _is_nobodys(turn: Turn) -> bool:
    """Whose number it is nobody knows, or they said "not me": what an order says is not told to it."""
    return turn.contact.facts.proofs.get(turn.address, (None, 0))[0] is None


def _answers_it(turn: Turn, memory: AssistantMemory) -> bool:
    """Whether they pressed a button of the last "did this help?"."""
    answer = pressed(turn.event.payload) if turn.event.kind is InboundKind.BUTTON else None
    return answer is not None and memory.asked == HELPED and answer[0] == memory.token and answer[1] in (YES, NO)


def _over(memory: AssistantMemory) -> AssistantMemory:
    """The stretch is over; what was learnt stays for whoever reads on."""
    return replace(memory, token="", asked="", introduced=False, choices={}, misses=0)


def _unknown(kinds: Sequence[str], language: str) -> list[Words]:
    return [Words(lines.ANSWER, {"text": unknown_words(kind, language)}) for kind in kinds]
