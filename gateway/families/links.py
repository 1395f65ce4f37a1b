"""The link of a family: an invitation to it, which many may come by.

Its id is made of the family and the number of its link, so that asking twice gives the same link, and a renewed one another. The
invitation only leads to the family: whether somebody may come in is the family's own to say (open, places, number of the link).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.clock import Clock
from gateway.errors import Conflict
from gateway.model.family import PURPOSE, Family
from gateway.model.invitation import ConsentAsked, Identified, Invitation, Origin, Purpose
from gateway.planning.waysin_links import LinkMaker
from gateway.planning.waysin_words import Blind, code_of, invitation_id, token_of
from gateway.store.families import Families
from gateway.store.invitations import Invitations, NameTaken
from gateway.store.keys import DAY_MS

WORDING = 3
"""Which wording of templates/wordings the page shows, and so which one somebody agrees to: family-<language>-3."""
_TRIES = 5


def wording_of(language: str) -> str:
    """The id of what is agreed to in this language, one of nl, en, de, fr."""
    return f"{PURPOSE}-{language}-{WORDING}"


def link_id(blind: Blind, family: Family) -> str:
    """The id of the invitation that is the family's link now."""
    return invitation_id(blind, family.id, PURPOSE, str(family.renewals))


@dataclass(frozen=True, slots=True)
class FamilyLinks:
    invitations: Invitations
    families: Families
    maker: LinkMaker
    blind: Blind
    clock: Clock

    async def of(self, family: Family, channel: str, until_ms: int) -> Invitation:
        """The invitation behind the family's link, made when it is asked for first. Repeatable.

        channel:  by which the traveller asks: shown first; until_ms: when their journey is over, as far as is known
        raises:   Conflict when no code was free, or the family is over
        """
        for _ in range(_TRIES):
            channels = self.maker.channels(family.brand)
            one = Invitation(
                id=link_id(self.blind, family),
                origin=Origin.TRAVELLER,
                purpose=Purpose.FAMILY,
                brand=family.brand,
                language=family.language,
                subject=family.id,
                number="",
                entity="",
                customer="",
                passenger="",
                role="",
                identified=Identified.NONE,
                consents=(ConsentAsked(PURPOSE, wording_of("en")),),
                channels=tuple(sorted(channels, key=lambda name: name != channel)),
                made_ms=self.clock.now_ms(),
                until_ms=max(until_ms, self.clock.now_ms()) + DAY_MS,
                until_given=True,
                by="chat",
                digest="family",
            )
            kept = await self.invitations.get(one.id)
            if kept is not None:
                return kept
            try:
                await self.invitations.put(one, [token_of(self.blind, one.id), code_of(self.blind, one.id)])
            except NameTaken:  # a code of eight characters may be somebody else's: the next link has another one
                number = await self.families.renew(family.id, one.id)
                if not number:
                    break
                family = replace(family, renewals=number)
                continue
            return await self.invitations.get(one.id) or one
        raise Conflict("the family is over, or no code was free")
