"""What is said about a family by itself: to the traveller who is in, to a relative what they follow. Never both ways: no relative
reads a name of the traveller or of another relative, and the traveller reads of a relative the name that they chose.

Several who join within one minute are one message to the traveller, which goes out when that minute is over. It is planned anew
at each of them and takes the place of the one before; somebody who has no name yet is waited for a little longer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.connector import ChannelFacts
from gateway.errors import Conflict
from gateway.families.home import Home
from gateway.families.links import FamilyLinks
from gateway.families.shown import as_data, legs_of
from gateway.model.contact import OrderLink
from gateway.model.family import Amount, Family, Member
from gateway.model.ids import AddressId, ContactId, SubjectId
from gateway.planning.waysin_links import qr_png
from gateway.planning.waysin_say import NOTHING_ELSE, Beside, Sayer
from gateway.rules.family_words import NAME_MAX
from gateway.store.documents import Documents
from gateway.store.families import A_MINUTE
from gateway.store.keys import KEEP_MS
from gateway.store.subjects import Subjects
from gateway.store.vault import Vault

LINK, WELCOME, LANGUAGE, ASK_NAME, NAMED = "family_link", "family_welcome", "family_language", "family_ask_name", "family_named"
WISHES, NOT_IN, JOINED, SHUT, REMOVED = "family_wishes", "family_not_in", "family_joined", "family_shut", "family_removed"
LIST, LIST_CLOSED, ASK_OUT, TAKEN_OUT = "family_list", "family_list_closed", "family_ask_out", "family_taken_out"
CLOSED, OPENED, NOTED, END_ASK, SHARED = (
    "family_closed", "family_opened", "family_noted", "family_end_ask", "family_group_shared",
)  # fmt: skip

MINUTE_MS = 60_000
NAME_MS = 2 * MINUTE_MS
"""How long the traveller is told later, so that somebody without a name may say one."""
LANGUAGES = ("nl", "en", "de", "fr")
PLACES = ("first", "second", "third")
LISTED = 490
"""Characters that a list of members may have; the templates take 500."""
CUTS = (NAME_MAX, 30, 20, 12, 6)
"""Characters of each name in a list: the most of these with which all have room."""
_LEFT_TO_RIGHT = "\u200e"


@dataclass(frozen=True, slots=True)
class Said:
    """To whom and on what: contact and address, the key of what it answers (a keyed hash) and when that was said (ms)."""

    contact: ContactId
    address: AddressId
    key: str
    at_ms: int
    language: str = ""


def others_of(language: str) -> Mapping[str, str]:
    """Which language each button of `family_language` means, below a message in this one."""
    return dict(zip(PLACES, (one for one in LANGUAGES if one != language), strict=True))


def spoken(*languages: str | None) -> str:
    """The first of these that we speak, else English."""
    bases = (one.replace("_", "-").split("-")[0].lower() for one in languages if one)
    return next((one for one in bases if one in LANGUAGES), "en")


@dataclass(frozen=True, slots=True)
class FamilySayer:
    home: Home
    subjects: Subjects
    links: FamilyLinks
    sayer: Sayer
    documents: Documents
    vault: Vault
    facts: Mapping[str, ChannelFacts]

    async def _say(
        self, said: Said, name: str, family: Family, data: Mapping[str, Any] | None = None, beside: Beside = NOTHING_ELSE
    ) -> None:
        await self.sayer.say(
            said.contact, said.address, name, said.key, said.at_ms, family.brand,
            language=said.language or family.language, data=data, about=family.id, beside=beside,
            # What it is about: in a crisis what waits does not go, nor to somebody who follows it no more.
            subject=family.followed[-1] if family.followed else family.id,
        )  # fmt: skip

    async def _journey(self, family: Family, link: OrderLink | None = None) -> dict[str, Any]:
        if link is None:
            found = await self.home.keeper.traveller(family)
            link = found[1] if found is not None else None
        return as_data(await legs_of(self.subjects, link)) if link is not None else {}

    # to the traveller

    async def link(self, said: Said, family: Family, channel: str, link: OrderLink) -> bool:
        """The family's link, as words and as a picture. False: there is none, because no sender has a link or it is over."""
        try:
            made = await self.links.of(family, channel, link.until_ms)
        except Conflict:
            return False
        best = self.links.maker.links(made).best
        if best is None:
            return False
        ref = self.vault.blind("document", "family", made.id, said.contact)
        await self.documents.put(said.contact, ref, qr_png(best), ttl_ms=KEEP_MS)
        document = {"ref": ref, "mime": "image/png", "filename": "follow-the-journey.png"}
        data = {**await self._journey(family, link), "link": best}
        await self._say(said, LINK, family, data, Beside(document=document))
        return True

    async def joined(self, family: SubjectId, contact: ContactId, *, named: bool = False) -> None:
        """Tell the traveller who is in since this minute. named: somebody said their name only now."""
        found = await self.home.families.get(family)
        member = next((one for one in found.members if one.contact == contact), None) if found is not None else None
        if found is None or member is None or found.ended_ms:
            return
        minute = member.joined_ms // MINUTE_MS
        new = [one for one in found.members if one.joined_ms // MINUTE_MS == minute]
        due_ms = (minute + 1) * MINUTE_MS + (NAME_MS if any(one.name is None for one in new) else 0)
        # Until then their name was waited for; from then on the others were told, and they without it.
        late = named and (minute + 1) * MINUTE_MS + NAME_MS <= self.home.clock.now_ms()
        if late:
            new = [member]
        data = {
            "names": {"who": ", ".join(self.called(one) for one in new)},
            "count": str(len(found.members)),
            "not_before": due_ms,
        }
        # Who saw more of them says it last, in whatever order two processes get here; who saw the same says the same message.
        version = max(one.joined_ms for one in new) + sum(one.name is not None for one in new)
        key = self.vault.blind("family joined", found.id, str(minute), str(version), contact if late else "")[:16]
        said = Said(found.contact, found.address, key, max(one.joined_ms for one in new))
        item = f"{found.id}.{contact}" if late else f"{found.id}.{minute}"
        await self._say(said, JOINED, found, data, Beside(back=found.id, told=(item, version)))

    async def shut(self, family: Family) -> None:
        """So many came in one minute that the door closed: is that right? Once for each time that it did."""
        said = Said(family.contact, family.address, f"{family.id}/{family.shut_ms}", family.shut_ms)
        await self._say(said, SHUT, family, {"count": str(A_MINUTE)}, Beside(back=family.id))

    async def list(self, said: Said, family: Family, link: OrderLink, *, ask: bool = False) -> None:
        """Who is in, by number. ask: whom to take out"""
        listed = self.numbered(family.members)
        if ask:
            await self._say(said, ASK_OUT, family, {"names": {"list": listed}})
            return
        reached = await self.home.reached(family)
        away = ", ".join(self.called(one) for one in family.members if not reached.get(one.contact))
        members = {name: words for name, words in (("list", listed), ("away", away)) if words}
        data = {**await self._journey(family, link), **({"names": members} if members else {})}
        await self._say(said, LIST if family.open else LIST_CLOSED, family, data, Beside(back=family.id))

    async def taken_out(self, said: Said, family: Family, members: Sequence[Member]) -> None:
        data = {"names": {"who": ", ".join(self.called(one) for one in members)}}
        await self._say(said, TAKEN_OUT, family, data, Beside(back=family.id))

    async def door(self, said: Said, family: Family, *, open: bool) -> None:
        data = {"count": str(len(family.members))}
        await self._say(said, OPENED if open else CLOSED, family, data, Beside(back=family.id))

    async def ask_end(self, said: Said, family: Family) -> None:
        await self._say(said, END_ASK, family, {"count": str(len(family.members))}, Beside(back=family.id))

    async def shared(self, said: Said, family: Family, count: int) -> None:
        await self._say(said, SHARED, family, {"count": str(count)})

    async def noted(self, said: Said, what: str, brand: str) -> None:
        """what: a word of `family_noted`. One for each that is answered: done again, nothing is said beside it."""
        await self.sayer.say(
            said.contact, said.address, NOTED, said.key, said.at_ms, brand, language=said.language,
            data={"what": what},
        )  # fmt: skip

    def called(self, member: Member) -> str:
        """What the traveller reads for somebody: their name, else by what they came."""
        if member.name is not None:
            return member.name.reveal()
        facts = self.facts.get(member.channel)
        return f"({facts.name if facts is not None and facts.name else '?'})"

    def numbered(self, members: Sequence[Member]) -> str:
        """Each with a number; where all would not fit, every name is cut alike, so that none is left out.

        A name that runs from right to left keeps its own number beside it: a mark ends it, and one before all says how to read.
        """
        called = [self.called(one) for one in members]
        shorter = next((most for most in CUTS if sum(min(len(one), most) + 6 for one in called) <= LISTED), CUTS[-1])
        against = [bool({unicodedata.bidirectional(char) for char in one} & {"R", "AL"}) for one in called]
        names = [one if len(one) <= shorter else f"{one[: shorter - 1].rstrip()}…" for one in called]
        said = ", ".join(
            f"{place} {name}{_LEFT_TO_RIGHT if turned else ''}"
            for place, (name, turned) in enumerate(zip(names, against, strict=True), 1)
        )
        return f"{_LEFT_TO_RIGHT}{said}" if any(against) else said

    # to a relative

    async def welcome(self, said: Said, family: Family) -> None:
        await self._say(said, WELCOME, family, await self._journey(family), Beside(back=family.id))

    async def ask_language(self, said: Said, family: Family, language: str) -> None:
        await self._say(said, LANGUAGE, family, None, Beside(back=f"{family.id}/{language}"))

    async def ask_name(self, said: Said, family: Family) -> None:
        await self._say(said, ASK_NAME, family)

    async def named(self, said: Said, family: Family, name: str) -> None:
        await self._say(said, NAMED, family, {"names": {"name": name}})

    async def wishes(self, said: Said, family: Family, link: OrderLink) -> None:
        """What they hear from now on. Each button brings back what it leads to, so that pressed twice it does so once."""
        ends = link.amount == Amount.ENDS.value
        now = {"amount": "ends" if ends else "all", "night": "quiet" if link.quiet else "loud"}
        leads = f"{family.id}/{'all' if ends else 'ends'}/{'loud' if link.quiet else 'quiet'}"
        await self._say(said, WISHES, family, now, Beside(back=leads))

    async def removed(self, family: Family, member: Member, at_ms: int) -> None:
        """Once for each time that they were in. About nothing that they follow: what they left is told to them no more."""
        await self.sayer.say(
            member.contact, member.address, REMOVED, f"{family.id}/{member.joined_ms}", at_ms, family.brand,
            language=family.language, data=await self._journey(family),
        )  # fmt: skip

    async def not_in(self, said: Said, why: str, brand: str) -> None:
        """why: a word of `family_not_in`"""
        await self.sayer.say(
            said.contact, said.address, NOT_IN, said.key, said.at_ms, brand, language=said.language, data={"why": why}
        )
