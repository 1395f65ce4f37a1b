"""Somebody wrote, changed what they had written, or came by a link.

A message, in this order: a stop (before anything else, and confirmed) - who it is (identifiers, name) - the window - what a
button decides by itself ("yes, that is me", "I take this flight", "this suits me", "tell my home front"), what those at home ask
("where is it now?"), what a traveller says of who follows them, what a way in answers - the assistant (a plain question of their
own, an answer to what it asked) - the desk. What the assistant decided is said once the message lies in its conversation.

What we only hear, because another program holds the thread, counts all the same; but nothing of ours answers it by itself. Words
that cannot wait (rules/safety) are read by a person whatever handled the message, and no question beside them is answered by
itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.assistant.deciding import Decided
from gateway.assistant.hearing import Turn
from gateway.assistant.lines import CODE_HERE
from gateway.connector import InboundKind, MessageEvent, Sender
from gateway.families.mirror import is_member
from gateway.families.state_said import Journeys
from gateway.model.contact import Contact
from gateway.model.conversation import InboundEntry
from gateway.model.ids import AddressId, ContactId, ConversationId
from gateway.model.personal import Personal
from gateway.model.webcare import Boost, Heard
from gateway.rules.masking import COVER, Hidden, Masked, codes_in, mask
from gateway.rules.queueing import Known, complaints_of, queue_of
from gateway.rules.ranks import departs_soon
from gateway.rules.routing import AHEAD
from gateway.webhooks import items
from gateway.webhooks.buttons import Buttons
from gateway.webhooks.deps import Deps
from gateway.webhooks.family import FamilyDesk
from gateway.webhooks.family_questions import Asked, FamilyQuestions
from gateway.webhooks.media import media_of
from gateway.webhooks.origins import Origins
from gateway.webhooks.people import People
from gateway.webhooks.rebooking import Pressed, RebookingAnswers
from gateway.webhooks.stops import Stops
from gateway.webhooks.threads import Threads
from gateway.webhooks.visits import VisitAnswers
from gateway.webhooks.windows import Windows

TAKEN_BACK = "revoke"
"""The detail of a notice that they deleted what they had said."""
JOURNEYS_MAX = 5
"""So many of somebody's newest journeys are looked at before their words are queued."""


class Messages:
    def __init__(self, deps: Deps, people: People, origins: Origins, threads: Threads) -> None:
        self._d = deps
        self._people = people
        self._origins = origins
        self._threads = threads
        self._stops = Stops(deps, origins)
        self._buttons = Buttons(deps)
        self._windows = Windows(deps)
        self._rebooking = RebookingAnswers(deps, origins, *deps.rebookings) if deps.rebookings is not None else None
        self._questions: FamilyQuestions | None = None
        if deps.home is not None and deps.rebookings is not None:
            self._questions = FamilyQuestions(deps, origins, deps.home, deps.rebookings[0])
        self._visits = VisitAnswers(deps, origins, deps.rebookings[0]) if deps.rebookings is not None else None
        self._families = FamilyDesk(*deps.family, deps.outbox, origins) if deps.family is not None else None

    async def message(self, value: Mapping[str, Any]) -> None:
        event = items.load_message(value)
        sender, address, channel = self._sender(value), AddressId(value["address"]), value["channel"]
        contact = await self._people.find(ContactId(value["contact"]))
        if contact is None:
            return
        origin = await self._origins.of(contact.id, channel, event.answers)
        brand = await self._origins.brand(contact, origin, sender.brand)
        # Before anything is written that a full store might refuse: a stop asks for no room.
        stopped = await self._stops.stop(contact, address, channel, brand, event, origin)
        known = await self._people.wrote(
            ContactId(value["contact"]), address, channel, event.identifiers, event.profile_name
        )
        if known is None:
            return
        await self._threads.heard(known, sender, address, event.at_ms, standby=event.standby)
        if event.opens_window:
            await self._windows.open(known, address, sender, event.at_ms)
        pressed: Pressed | None = None
        asked: Asked | None = None
        done: bool | None = None
        heard = self._hear(known, event.kind.value, event.text)
        if stopped is not None:
            if not event.standby:
                await self._stops.confirm(known.id, address, stopped, event, brand)
            handled = True
        else:
            if self._rebooking is not None:
                pressed = await self._rebooking.press(known, address, event, origin)
            if pressed is None and self._visits is not None:
                pressed = await self._visits.press(known, address, event, origin)
            done = await self._families.press(known, address, sender, event, origin) if self._families and not pressed else None
            if pressed is None and not done and self._questions is not None and heard.safety is None:
                asked = await self._questions.hear(known, address, sender, event, origin)
            handled = pressed.handled if pressed is not None else bool(done) or (asked is not None and asked.answered)
            if pressed is None and done is None and (asked is None or not asked.asks):
                handled = await self._by_itself(known, address, sender, event)
        entry = InboundEntry(
            key=_key(channel, event.channel_id),
            kind=event.kind.value,
            text=event.text,
            at_ms=event.at_ms,
            payload=event.payload,
            media=media_of(event.media),
            channel_message_id=event.channel_id,
            origin=pressed.message if pressed else origin.id if origin else None,
            detail=event.detail,
            more_media=tuple(kept for one in event.more_media if (kept := media_of(one))),
            answers=event.answers,
            standby=event.standby,
            family=asked.about if asked is not None else "",
            asked="" if asked is None or not asked.asks else "answered" if asked.answered else "person",
        )
        handled = handled or event.detail == TAKEN_BACK  # nobody is asked anything by that
        decided = None
        heard_as = self._d.vault.blind("inbound", event.channel_id.reveal())[:16]
        turn = Turn(known, address, brand, event, heard_as, entry.key)
        if stopped is None and pressed is None and done is None and asked is None and not handled:
            decided = await self._ask_assistant(await self._without_code(turn), sender, heard)
            handled = decided is not None and decided.handled
        first = AHEAD if pressed is not None and not pressed.handled and pressed.ahead else None
        answered = origin.notification if origin is not None else None
        conversation = await self._keep(
            known, brand, address, sender, entry, handled, heard, outside=event.standby, first=first, notification=answered,
            private=decided is not None and decided.private, epoch=decided.epoch if decided is not None else None,
        )  # fmt: skip
        if decided is not None and self._d.assistant is not None:
            await self._d.assistant.speak(conversation, turn, decided)

    async def _without_code(self, turn: Turn) -> Turn:
        """As it may be kept: whoever types the code that shows who they are as an answer to a dialog has it covered there too."""
        covered = await self._code_typed(turn.contact, turn.brand, turn.address, turn.event.text.reveal())
        return turn if covered is None else replace(turn, event=replace(turn.event, text=Personal(covered)))

    async def _ask_assistant(self, turn: Turn, sender: Sender, heard: Heard) -> Decided | None:
        """What the assistant makes of it; None: nothing. Where another program holds the thread it is not ours to answer."""
        if self._d.assistant is None or turn.contact.facts.held_elsewhere(sender.id, turn.address, self._d.clock.now_ms()):
            return None
        crisis = self._d.incidents is not None and await self._d.incidents.queue_of(turn.contact) is not None
        to_people = crisis or heard.safety is not None or heard.complaint
        return await self._d.assistant.hear(turn, to_people=to_people)

    def _hear(self, contact: Contact, kind: str, text: Personal) -> Heard:
        return self._d.listener.hear(kind, text, (contact.facts.language or "")[:2])

    async def _by_itself(self, contact: Contact, address: AddressId, sender: Sender, event: MessageEvent) -> bool:
        """What needs no person: answers to our own questions, a start, a way in."""
        if await self._buttons.press(contact, address, event) or await self._stops.start(contact, sender.channel, event):
            return True
        if self._families is not None and (answered := await self._families.said(contact, address, sender, event)) is not None:
            return answered
        # Who came by a link is bound by it also where we only hear: its answer waits until the thread is ours.
        if self._d.ways is not None and (not event.standby or event.referral is not None):
            return await self._d.ways.message(contact, address, sender, event)
        return False

    async def edit(self, value: Mapping[str, Any]) -> None:
        """They changed what they had written: new words in the same line, which may be a stop. An older edit changes no line."""
        event = items.load_edit(value)
        sender, address, channel = self._sender(value), AddressId(value["address"]), value["channel"]
        contact = await self._people.find(ContactId(value["contact"]))
        if contact is None:
            return
        changed = _key(channel, event.channel_id)
        holding = await self._d.conversations.holding(contact.id, changed)
        brand = holding.brand if holding else await self._origins.brand(contact, None, sender.brand)
        this = Personal(f"{event.channel_id.reveal()}#{event.edits}")
        said = MessageEvent(event.account_id, this, event.identifiers, event.at_ms, InboundKind.TEXT, event.text)
        stopped = await self._stops.stop(contact, address, channel, brand, said, None)
        known = await self._people.wrote(ContactId(value["contact"]), address, channel, event.identifiers, None)
        if known is None:
            return
        if stopped is not None and not await self._elsewhere(known, sender, address):
            await self._stops.confirm(known.id, address, stopped, said, brand)
        entry = InboundEntry(
            key=_key(channel, this),
            kind=InboundKind.TEXT.value,
            text=event.text,
            at_ms=event.at_ms,
            channel_message_id=event.channel_id,
            edit_of=changed,
            edits=max(event.edits, 1),
        )
        heard = self._hear(known, entry.kind, event.text)
        await self._keep(known, brand, address, sender, entry, stopped is not None, heard, outside=True)

    async def arrival(self, value: Mapping[str, Any]) -> None:
        """They came by a link into a chat that they already had, and said nothing yet."""
        event = items.load_arrival(value)
        sender, address = self._sender(value), AddressId(value["address"])
        known = await self._people.wrote(
            ContactId(value["contact"]), address, value["channel"], event.identifiers, None
        )
        if known is None:
            return
        if event.opens_window:
            await self._windows.open(known, address, sender, event.at_ms)
        if self._d.ways is not None:
            await self._d.ways.arrival(known, address, sender, event)
        self._d.wake.now("desk")

    def _sender(self, value: Mapping[str, Any]) -> Sender:
        sender = self._d.directory.get(value["sender"])
        if sender is None:
            raise ValueError("unknown sender")
        return sender

    async def _keep(
        self,
        contact: Contact,
        brand: str,
        address: AddressId,
        sender: Sender,
        entry: InboundEntry,
        handled: bool,
        heard: Heard,
        *,
        outside: bool,
        first: str | None = None,
        notification: str | None = None,
        private: bool = False,
        epoch: int | None = None,
    ) -> ConversationId:
        """outside: it may not be for us to answer; whoever holds the thread by now is. first: the queue, but for a crisis's

        heard: what it says of itself; notification: the one that they answer; private: its files show who they are
        epoch: under which automation answers it, None: it does not
        """
        elsewhere = outside and await self._elsewhere(contact, sender, address)
        # The code first: behind "pin:" it would be covered as a password, and go on being good.
        typed = await self._code_typed(contact, brand, address, entry.text.reveal())
        covered = mask(entry.text.reveal() if typed is None else typed)
        if typed is not None:
            covered = Masked(covered.text, (*covered.hidden, Hidden.CODE))
        entry = replace(entry, text=Personal(covered.text), hidden=tuple(covered.hidden))
        crisis = None
        if self._d.incidents is not None and await self._d.incidents.fresh():
            # As they are now: this very message may have made them somebody's family, whom the crisis is about.
            crisis = await self._d.incidents.queue_of(await self._people.find(contact.id) or contact)
        seen = Known(notification, heard.language or heard.usual, heard.complaint, heard.reasons)
        queue = queue_of(self._d.plan.of(brand), seen, self._d.plan.reasons, first=crisis or first)
        complaints = complaints_of(self._d.plan.of(brand), seen, self._d.plan.reasons)
        ahead = [AHEAD]
        if complaints and self._d.incidents is not None:
            ahead += await self._d.incidents.first_queues()
        conversation = await self._d.conversations.add_inbound(
            contact.id, brand, address, sender.id, item=entry, needs_person=not handled, elsewhere=elsewhere, queue=queue,
            heard=heard, boost=None if handled else await self._soon(contact), complaints=complaints, ahead=ahead,
            epoch=epoch,
        )  # fmt: skip
        if typed is not None and self._d.lines is not None:
            key = self._d.vault.blind("code-here", entry.key)[:16]
            await self._d.lines.say(conversation, CODE_HERE, key=key, at_once=True)
        files = [one for one in (entry.media, *entry.more_media) if one]
        if files and self._d.media is not None:  # after the line: done again with it, where a process dies in between
            key = self._d.media.entry_key(contact.id, entry.key)
            await self._d.media.want(conversation, contact.id, sender.id, key, files, private=private)
        self._d.wake.now("desk")
        return conversation

    async def _code_typed(self, contact: Contact, brand: str, address: AddressId, text: str) -> str | None:
        """The text with the code covered that was sent to show who they are; None: it stands not there."""
        found = codes_in(text)
        code = await self._d.conversations.code_in_chat(contact.id, brand, address, list(found)) if found else ""
        return text.replace(found[code], COVER) if code else None

    async def _soon(self, contact: Contact) -> Boost | None:
        """Whether one of their journeys leaves within two hours: of what is still open, as its sources say it."""
        if self._d.rebookings is None:
            return None
        now = self._d.clock.now_ms()
        journeys = Journeys(self._d.rebookings[0])
        own = [one for one in contact.profile.orders if one.subjects and one.until_ms > now and not is_member(one)]
        for link in own[-JOURNEYS_MAX:]:
            legs = [leg for leg in await journeys.legs(link) if not leg.is_over]
            if departs_soon((at for leg in legs if (at := leg.at_ms("departure")) is not None), now):
                return Boost.DEPARTS_SOON
        return None

    async def _elsewhere(self, contact: Contact, sender: Sender, address: AddressId) -> bool:
        facts = (await self._d.contacts.facts_of([contact.id]))[0]
        return facts.held_elsewhere(sender.id, address, self._d.clock.now_ms())


def _key(channel: str, channel_id: Personal) -> str:
    return f"{channel}:{channel_id.reveal()}"
