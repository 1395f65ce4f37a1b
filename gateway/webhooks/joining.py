"""Somebody came by the link of a family, or answers what they were asked when they joined.

    came      their first message, by the link or with its code: they are in, or read why not
    answer    a short text after we asked what they may be called

Joining is theirs alone: the message that they send is their consent and its evidence. What they read first says what comes, then
the journey as it stands. Language: that of their words or of the link; where neither says one they are asked, and read the
family's until then. Whoever is kept out reads one kind answer that does not show whether the traveller took them out.

Each step may be taken twice for one message; what is said is named by what it answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.connector import ArrivalEvent, MessageEvent, Sender
from gateway.errors import NotFound
from gateway.families.links import FamilyLinks, link_id, wording_of
from gateway.families.saying import FamilySayer, Said, spoken
from gateway.model.contact import Contact
from gateway.model.family import Family, Joined
from gateway.model.ids import AddressId, SubjectId
from gateway.model.invitation import Invitation
from gateway.model.personal import Personal
from gateway.planning.waysin_bind import Chat
from gateway.planning.waysin_links import LinkMaker
from gateway.planning.waysin_say import Sayer
from gateway.rules.family_words import clean_name, language_of_words, name_in, says_more
from gateway.runtime import Runtime
from gateway.store.dialogues import Dialogue, Dialogues
from gateway.store.invitations import Invitations

NAME = "family_name"
"""What a dialogue asks while we wait for somebody's name."""
_BROUGHT = re.compile(r"[0-9a-z]{24}-(nl|en|de|fr)")
_OUT: dict[Joined, str] = {
    Joined.OLD: "old",
    Joined.FULL: "full",
    Joined.ENDED: "ended",
    Joined.CLOSED: "closed",
    Joined.TOO_MANY: "closed",
    Joined.BARRED: "closed",
}


@dataclass(frozen=True, slots=True)
class Comer:
    """Who came, where, and the event's own key."""

    contact: Contact
    address: AddressId
    sender: Sender
    at_ms: int
    key: str

    @property
    def chat(self) -> Chat:
        return Chat(self.contact.id, self.address, self.sender.channel, self.at_ms)

    def said(self, language: str = "", key: str = "") -> Said:
        return Said(self.contact.id, self.address, key or self.key, self.at_ms, language)


def brought_language(event: MessageEvent | ArrivalEvent) -> str:
    """The language that the link says; "" for none."""
    found = _BROUGHT.fullmatch(event.referral.reveal()) if event.referral is not None else None
    return found.group(1) if found else ""


@dataclass(frozen=True, slots=True)
class Joining:
    sayer: FamilySayer
    dialogues: Dialogues

    async def came(self, comer: Comer, invitation: Invitation, event: MessageEvent | ArrivalEvent, text: str) -> bool:
        """Let them in, or say why not. Whether no person is needed."""
        home = self.sayer.home
        language = brought_language(event) or language_of_words(text)
        handled = not says_more(text)
        family = await home.families.get(invitation.subject)
        known = comer.contact.facts.language or ""
        if family is None or family.ended_ms or home.places < 1:
            await self.sayer.not_in(comer.said(language or invitation.language), "ended", invitation.brand)
            return handled
        # In a crisis people speak, and nobody else: who comes now is let in, and a person answers them.
        silent = await home.keeper.in_crisis(family)
        if own := next((link for link, one in await home.families_of(comer.contact) if one.id == family.id), None):
            if not silent:
                await self.sayer.list(comer.said(), family, own)  # the traveller tries their own link: nobody is told twice
            return handled and not silent
        # A link that was renewed since has the number of none.
        number = family.renewals if invitation.id == link_id(self.sayer.vault.blind, family) else -1
        reads = spoken(known, language, family.language)
        said = comer.contact.profile.display_name
        name = clean_name(said.reveal()) if said is not None else ""
        try:
            answer = await home.join(
                family, comer.chat, number, known or language or reads,
                f"{wording_of(language or reads)}, link {invitation.id}, came at {comer.at_ms}",
                name=Personal(name) if name else None,
                greet=None if silent else lambda: self.sayer.welcome(comer.said(reads, f"{family.id}/{comer.at_ms}"), family),
            )  # fmt: skip
        except NotFound:  # being erased
            return True
        if silent:
            return False
        if answer in (Joined.IN, Joined.AGAIN):
            await self._asked(comer, family, reads, language_known=bool(known or language), named=bool(name))
            await self.sayer.joined(family.id, comer.contact.id)
            return handled
        if answer is Joined.TOO_MANY and (shut := await home.families.get(family.id)) is not None and shut.shut_ms:
            await self.sayer.shut(shut)
        await self.sayer.not_in(comer.said(reads), _OUT[answer], family.brand)
        return handled

    async def _asked(self, comer: Comer, family: Family, reads: str, *, language_known: bool, named: bool) -> None:
        """What their message did not say: asked once, whatever they send later."""
        once = comer.said(reads, family.id)
        if not language_known:
            await self.sayer.ask_language(once, family, reads)
        if named:
            return
        standing = await self.sayer.home.families.get(family.id)
        if standing is None or any(one.contact == comer.contact.id and one.name is not None for one in standing.members):
            return
        await self.sayer.ask_name(once, family)
        dialogue = await self.dialogues.get(comer.address)
        await self.dialogues.put(comer.address, dialogue.step(comer.key, "", True, ask=NAME, order=family.id))

    async def answer(self, comer: Comer, dialogue: Dialogue, text: str) -> bool:
        """What they may be called, if this is it; asked once: whatever they write instead is for people."""
        family = await self.sayer.home.families.get(SubjectId(dialogue.order))
        name = name_in(text)
        if family is None or family.ended_ms or not name:
            await self.dialogues.put(comer.address, dialogue.step(comer.key, "", False, ask=""))
            return False
        if await self.sayer.home.families.rename(family.id, comer.contact.id, Personal(name)):
            await self.sayer.named(comer.said(), family, name)
            await self.sayer.joined(family.id, comer.contact.id, named=True)
        await self.dialogues.put(comer.address, dialogue.step(comer.key, "", True, ask=""))
        return True


def make_family_sayer(runtime: Runtime) -> FamilySayer:
    """Wired on an open runtime."""
    invitations = Invitations(runtime.connection.redis, runtime.clock, runtime.vault)
    maker = LinkMaker(runtime.connectors, runtime.directory, runtime.vault.blind, runtime.settings.public_url)
    return FamilySayer(
        home=runtime.home,
        subjects=runtime.subjects,
        links=FamilyLinks(invitations, runtime.home.families, maker, runtime.vault.blind, runtime.clock),
        sayer=Sayer(runtime.contacts, runtime.outbox, runtime.vault, runtime.worlds, runtime.wake),
        documents=runtime.documents,
        vault=runtime.vault,
        facts={name: one.facts for name, one in runtime.connectors.items()},
    )
