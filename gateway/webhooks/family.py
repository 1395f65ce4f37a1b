"""Families, as people speak of them: the traveller who begins one and says who may be in it, a relative who wants less.

    press   a button: below a pass or ticket (a family is made, its link comes), below what we said of a family (its id comes back
            with the button), of the traveller or of a relative
    said    words of the traveller: one of a few sentences, numbers after we asked whom to take out, the link of a group of theirs

Only the traveller of a family decides about it, only a member about their own part. Every step may be taken twice; buttons say
what they lead to and never "the other one", so that pressed twice they do it once. Where families are switched off, the button
below a pass is a question for people, as it was before there were families.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.connector import InboundKind, MessageEvent, Sender
from gateway.errors import Conflict, Sealed
from gateway.families.home import Home
from gateway.families.saying import LANGUAGE, FamilySayer, Said, others_of, spoken
from gateway.model.contact import Contact, OrderLink
from gateway.model.family import ROLE, Amount, Family, Left
from gateway.model.ids import AddressId, ContactId, MessageId, SubjectId, is_id
from gateway.model.message import MessageRecord
from gateway.model.personal import Personal
from gateway.planning.offers import OFFERED
from gateway.rules.family_words import Command, command_of, numbers_in, takes_out
from gateway.store.contacts import FactChange
from gateway.store.dialogues import Dialogue, Dialogues
from gateway.store.outbox import Outbox
from gateway.webhooks.origins import Origins

TRAVELS = frozenset(("flight", "rail"))
"""Kinds of orders whose journey somebody can follow."""
BUTTON = "family"
"""The key of the button below a pass or ticket."""
OUT = "family_out"
"""What a dialogue asks while we wait for the number of who is to be taken out."""
ASKED_MS = 15 * 60_000
"""How long a bare number answers that; later it may be about anything."""
LONG = 12
"""Words around the link of a group: who writes more than that says something to people."""
_COMMANDS = {one.value: one for one in Command if one not in (Command.LINK, Command.BEGIN)}


@dataclass(frozen=True, slots=True)
class Words:
    """Who said something, where and when."""

    contact: Contact
    address: AddressId
    sender: Sender
    said: Said


@dataclass(frozen=True, slots=True)
class FamilyDesk:
    sayer: FamilySayer
    dialogues: Dialogues
    outbox: Outbox
    origins: Origins

    @property
    def home(self) -> Home:
        return self.sayer.home

    async def press(
        self, contact: Contact, address: AddressId, sender: Sender, event: MessageEvent, origin: MessageRecord | None
    ) -> bool | None:
        """Whether no person is needed; None: it is no button of a family's."""
        if event.kind is not InboundKind.BUTTON or not event.payload or event.standby or self.home.places < 1:
            return None
        name, key, *rest = [*event.payload.split("/"), ""]
        words = await self._words(contact, address, sender, event)
        if key != BUTTON and not (name.startswith("family_") and is_id(rest[0], "j")):
            return None
        if await self._in_crisis(contact):
            return False
        if key == BUTTON:
            return await self._begin(words, rest[0], origin)
        family = SubjectId(rest[0])
        if (command := _COMMANDS.get(key)) is not None or key in ("end_yes", "end_no"):
            return await self._managed(words, family, command, key)
        return await self._wished(words, family, name, key, rest[1:])

    async def said(self, contact: Contact, address: AddressId, sender: Sender, event: MessageEvent) -> bool | None:
        """Whether no person is needed; None: these words are not about a family of theirs."""
        if event.kind is not InboundKind.TEXT or event.standby or event.group or self.home.places < 1:
            return None
        text = event.text.reveal()
        command, group, numbers = command_of(text), self._group_link(text), numbers_in(text)
        if command is None and group is None and not numbers:
            return None
        dialogue = await self.dialogues.get(address)
        words = await self._words(contact, address, sender, event)
        if dialogue.last == words.said.key:
            return dialogue.handled
        chosen = bool(numbers) and (dialogue.ask == OUT or takes_out(text))
        if command is None and group is None and not chosen:
            return None
        if await self._in_crisis(contact):
            return False
        mine = await self.home.families_of(contact)
        if not mine:
            if command is Command.BEGIN and (link := _only(_travels(contact))) is not None:
                return await self._give_link(words, link)
            return None
        # Of several it is the one that they were shown last, else the newest.
        shown = [pair for pair in mine if pair[1].id == dialogue.order]
        link, family = shown[0] if shown else max(mine, key=lambda pair: pair[1].made_ms)
        if group is not None:
            return await self._group(words, family, group, handled=len(text.split()) <= LONG and "?" not in text)
        if chosen and (family.id != dialogue.order or not dialogue.number):
            return None  # no numbers were shown, or of a family that is over: in another they would be somebody else's
        if chosen:
            return await self._take_out(words, link, family, dialogue, numbers)
        assert command is not None
        return await self._command(words, link, family, command)

    async def _in_crisis(self, contact: Contact) -> bool:
        """Whether a crisis is about anything of theirs: whatever they press or write is for its queue then."""
        return await self.home.keeper.incidents.queue_of(contact) is not None

    async def _words(self, contact: Contact, address: AddressId, sender: Sender, event: MessageEvent) -> Words:
        key = self.sayer.vault.blind("inbound", event.channel_id.reveal())[:16]
        brand = (await self.sayer.sayer.worlds.now()).catalogue.brands.get(sender.brand)
        language = spoken(contact.facts.language, brand.language if brand is not None else None)
        said = Said(contact.id, address, key, event.at_ms, language)
        return Words(contact, address, sender, said)

    # the traveller begins

    async def _begin(self, words: Words, named: str, origin: MessageRecord | None) -> bool:
        link = await self._link_of(words.contact, named, origin)
        return link is not None and await self._give_link(words, link)

    async def _give_link(self, words: Words, link: OrderLink) -> bool:
        if link.kind not in TRAVELS:
            return False
        try:
            family = await self.home.make(words.contact, link, words.address, words.said.language)
        except (Conflict, Sealed):  # one that has just ended is still telling its members: people explain
            return False
        return await self.sayer.link(words.said, family, words.sender.channel, link)

    async def _link_of(self, contact: Contact, named: str, origin: MessageRecord | None) -> OrderLink | None:
        """The traveller's link that the message was about: as the message says it, else by its flight or train."""
        record = origin
        if is_id(named, "m"):
            record = next(iter(await self.outbox.headers([MessageId(named)])), None) or origin
        links = _travels(contact)
        if record is None or record.contact != contact.id:
            return _only(links)
        offered = (await self.origins.body(record)).get(OFFERED) or {}
        for link in links:
            if (link.order, link.traveller) == (offered.get("order"), offered.get("traveller")):
                return link
        return next((link for link in links if record.subject in (link.order, *link.subjects)), _only(links))

    # the traveller decides

    async def _managed(self, words: Words, family: SubjectId, command: Command | None, key: str) -> bool:
        mine = next((pair for pair in await self.home.families_of(words.contact) if pair[1].id == family), None)
        if mine is None:
            await self._over(words, family)
            return True
        link, found = mine
        if command is not None:
            return await self._command(words, link, found, command)
        if key == "end_yes":
            await self.home.end(family, "traveller")
        await self.sayer.noted(words.said, "ended" if key == "end_yes" else "kept", found.brand)
        return True

    async def _over(self, words: Words, family: SubjectId) -> None:
        """Ended, or not theirs: either way it is shared with nobody by them. An end that was said twice was said once."""
        found = await self.home.families.get(family)
        ended = found is not None and found.ended_why == "traveller" and found.contact == words.contact.id
        await self.sayer.noted(words.said, "ended" if ended else "none", words.sender.brand)

    async def _command(self, words: Words, link: OrderLink, family: Family, command: Command) -> bool:
        said, families = words.said, self.home.families
        match command:
            case Command.LINK | Command.BEGIN:
                return await self._give_link(words, link)
            case Command.WHO:
                await self.sayer.list(said, family, link)
                await self._remember(words, family, "")
            case Command.OUT:
                if family.members:
                    await self.sayer.list(said, family, link, ask=True)
                    await self._remember(words, family, OUT)
                else:
                    await self.sayer.noted(said, "nobody", family.brand)
            case Command.CLOSE | Command.OPEN:
                opens = command is Command.OPEN
                await families.door(family.id, open=opens)
                await self.sayer.door(said, family, open=opens)
            case Command.RENEW:
                number = await families.renew(family.id, said.key)
                if number:
                    await self.sayer.noted(said, "renewed", family.brand)
                    return await self.sayer.link(said, replace(family, renewals=number), words.sender.channel, link)
                await self._over(words, family.id)
            case Command.END:
                await self.sayer.ask_end(said, family)
        return True

    async def _remember(self, words: Words, family: Family, ask: str) -> None:
        """What they were shown, in its order: a number means whoever had it then, whoever has left or come since."""
        dialogue = await self.dialogues.get(words.address)
        shown = ",".join((str(words.said.at_ms), *(one.contact for one in family.members)))
        await self.dialogues.put(
            words.address, dialogue.step(words.said.key, "", True, ask=ask, order=family.id, number=shown)
        )

    async def _take_out(
        self, words: Words, link: OrderLink, family: Family, dialogue: Dialogue, numbers: Sequence[int]
    ) -> bool | None:
        asked, *shown = dialogue.number.split(",")
        if words.said.at_ms - int(asked) > ASKED_MS:
            return None
        if any(number > len(shown) for number in numbers):
            await self.sayer.list(words.said, family, link, ask=True)
            await self._remember(words, family, OUT)
            return True
        meant = {ContactId(shown[number - 1]) for number in numbers}
        members = [one for one in family.members if one.contact in meant]
        for member in members:
            # First they are told, then they are out: who is told by a process that dies here is taken out by the next.
            await self.sayer.removed(family, member, words.said.at_ms)
            await self.home.leave(family.id, member.contact, Left.REMOVED)
        if members:
            await self.sayer.taken_out(words.said, family, members)
        elif not meant <= set(family.barred):  # else this very answer took them out, and was told, before a process died
            await self.sayer.noted(words.said, "gone", family.brand)
        await self.dialogues.put(words.address, dialogue.step(words.said.key, "", True, ask=""))
        return True

    # their own group

    def _group_link(self, text: str) -> Personal | None:
        for facts in self.sayer.facts.values():
            found = re.search(facts.group_link, text) if facts.group_link else None
            if found is not None:
                return Personal(found.group(0))
        return None

    async def _group(self, words: Words, family: Family, link: Personal, *, handled: bool) -> bool:
        await self.sayer.shared(words.said, family, await self.home.group(family.id, link))
        return handled

    # a relative

    async def _wished(self, words: Words, family: SubjectId, name: str, key: str, leads: Sequence[str]) -> bool | None:
        """Less, more, not at night, another language: of their own part alone."""
        contact, said = words.contact, words.said
        found = await self.home.families.get(family)
        if found is None:
            return None
        if name == LANGUAGE:
            language = others_of(leads[0]).get(key, "") if leads else ""
            if language:
                await self.home.contacts.change_facts(contact.id, [FactChange("lang", language, 0, "set")])
                await self.sayer.welcome(replace(said, language=language), found)
            return bool(language)
        if key == "language":
            if not any(link.order == family for link in self.home.memberships(contact)):
                await self.sayer.not_in(said, "ended", found.brand)
            else:
                await self.sayer.ask_language(said, found, said.language)
            return True
        amount: Amount | None = None
        quiet: bool | None = None
        if key == "ends" or (key == "amount" and leads[:1] == ["ends"]):
            amount = Amount.ENDS
        elif key == "amount" and leads[:1] == ["all"]:
            amount = Amount.ALL
        elif key == "quiet" or (key == "night" and leads[1:2] == ["quiet"]):
            quiet = True
        elif key == "night" and leads[1:2] == ["loud"]:
            quiet = False
        else:
            return None
        if not await self.home.wishes(contact.id, family, amount=amount, quiet=quiet):
            await self.sayer.not_in(said, "ended", found.brand)
            return True
        current = await self.home.contacts.get(contact.id)
        mine = next((link for link in self.home.memberships(current) if link.order == family), None)
        if mine is not None:
            await self.sayer.wishes(said, found, mine)
        return True


def _travels(contact: Contact) -> list[OrderLink]:
    return [link for link in contact.profile.orders if link.role != ROLE and link.kind in TRAVELS]


def _only(links: Sequence[OrderLink]) -> OrderLink | None:
    return links[0] if len(links) == 1 else None
