"""What can be done with invitations, whoever asks: the API or the command line."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from gateway.api import views
from gateway.api.fields import Brand, Moment, Short, Word
from gateway.clock import Clock
from gateway.errors import BadInput, Conflict, NotFound, Problem
from gateway.model.ids import SubjectId
from gateway.model.invitation import ConsentAsked, Identified, Invitation, Origin, Purpose
from gateway.notifications.catalogue import Catalogue
from gateway.planning.waysin_links import LinkMaker, Links, qr_data_url, qr_svg
from gateway.planning.waysin_people import Members
from gateway.planning.waysin_words import code_of, invitation_id, token_of
from gateway.runtime import Runtime
from gateway.store.apikeys import ApiKey
from gateway.store.contacts import Contacts
from gateway.store.invitations import Invitations, NameTaken
from gateway.store.keys import DAY_MS
from gateway.store.vault import Vault

CUSTOMERS = ""
"""The namespace of customer numbers: one for all sources of an installation."""

VALID_MS = 30 * DAY_MS
LONGEST_MS = 400 * DAY_MS
_TRIES = 5


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class InvitationSubject(_Body):
    """order: its number. entity: a flight or trip as its events write it, with its type. At least one of the two."""

    order: Short | None = None
    entity: Short | None = None
    type: Literal["flight", "trip"] | None = None

    @model_validator(mode="after")
    def _one(self) -> InvitationSubject:
        if self.order is None and self.entity is None:
            raise ValueError("should hold order, or entity with its type")
        if (self.entity is None) != (self.type is None):
            raise ValueError("entity and type belong together")
        return self


class InvitationConsent(_Body):
    purpose: Literal["journey", "service", "family", "survey", "offers"]
    wording: Word


class InvitationBody(_Body):
    """proof: how the holder was identified where the link is made. validUntil: default the end of the order, or 30 days."""

    origin: Literal["booking_page", "app", "web_form", "ivr", "printed_ticket", "agency"]
    reason: Literal["ticket", "updates"]
    subject: InvitationSubject
    customer_id: Short | None = None
    passenger: Short | None = None
    role: Literal["booker", "passenger", "customer"] | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")]
    brand: Brand | None = None
    channels: Annotated[list[Word], Field(min_length=1, max_length=10)] | None = None
    proof: Literal["app_login", "otp", "none"]
    consents: Annotated[list[InvitationConsent], Field(default_factory=list, max_length=5)]
    valid_until: Moment | None = None


@dataclass(frozen=True, slots=True)
class Inviting:
    contacts: Contacts
    invitations: Invitations
    members: Members
    maker: LinkMaker
    vault: Vault
    clock: Clock
    catalogue: Catalogue
    default_brand: str

    async def make(self, body: InvitationBody, by: str, *, request: str = "") -> tuple[Invitation, Links, bool]:
        """An invitation with its links, and whether it is new. by, request: asked for again with both, it is the same.

        raises: BadInput, Conflict: the request was made before with another body
        """
        brand = body.brand or self.default_brand
        channels = self._channels(body, brand)
        self._check(body)
        subject, entity = self._subject(body.subject)
        now = self.clock.now_ms()
        until = body.valid_until or await self._until(subject, body.subject.order, now)
        invitation = Invitation(
            id="",
            origin=Origin(body.origin),
            purpose=Purpose(body.reason),
            brand=brand,
            language=body.language.replace("_", "-"),
            subject=subject,
            number=body.subject.order or "",
            entity=entity,
            customer=self.contacts.customer_hash(CUSTOMERS, body.customer_id) if body.customer_id else "",
            passenger=body.passenger or "",
            role=body.role or "",
            identified=Identified(body.proof),
            consents=tuple(ConsentAsked(one.purpose, one.wording) for one in body.consents),
            channels=tuple(channels),
            made_ms=now,
            until_ms=until,
            until_given=body.valid_until is not None,
            by=by,
            digest=self._digest(body),
        )
        kept, new = await self._keep(invitation, by, request or secrets.token_hex(16))
        return kept, self.maker.links(kept), new

    async def _keep(self, invitation: Invitation, by: str, request: str) -> tuple[Invitation, bool]:
        blind = self.vault.blind
        for attempt in range(_TRIES):
            one = replace(invitation, id=invitation_id(blind, invitation.subject, by, request, str(attempt)))
            asked = hashlib.sha256(blind("invitation request", by, request, str(attempt)).encode()).hexdigest()[:32]
            if await self.invitations.once(asked, one.id) != one.id:
                raise Conflict("this Idempotency-Key was used before, for another subject")
            try:
                answer = await self.invitations.put(one, [token_of(blind, one.id), code_of(blind, one.id)])
            except NameTaken:  # a code of eight characters may be somebody else's
                continue
            return await self.invitations.get(one.id) or one, answer == "new"
        raise Conflict("no code was free: try again")

    async def get(self, invitation: str, key: ApiKey | None = None) -> Invitation:
        """Raises NotFound: unknown, long over, or of a brand that this key does not speak for."""
        found = await self.invitations.get(invitation)
        if found is None or (key is not None and not key.speaks_for_brand(found.brand)):
            raise NotFound("no such invitation, or it is long over")
        return found

    async def revoke(self, invitation: str, key: ApiKey | None = None) -> None:
        """Raises NotFound, Conflict: somebody came by it already."""
        found = await self.get(invitation, key)
        if await self.invitations.revoke(found.id) == "claimed":
            raise Conflict("somebody came by this invitation already; to part them, see their contact")

    # parts

    def _channels(self, body: InvitationBody, brand: str) -> list[str]:
        able = self.maker.channels(brand)
        if not able:
            raise BadInput([Problem("brand", "has no sender to which a link leads: give its number or page in the settings")])
        if body.channels is None:
            return able
        wrong = [
            Problem(f"channels[{place}]", f"should be one of {', '.join(able)}")
            for place, one in enumerate(body.channels)
            if one not in able
        ]
        if wrong:
            raise BadInput(wrong)
        return list(dict.fromkeys(body.channels))

    def _check(self, body: InvitationBody) -> None:
        wrong = []
        for place, one in enumerate(body.consents):
            wording = self.catalogue.wordings.get(one.wording)
            if wording is None or wording.purpose != one.purpose:
                wrong.append(
                    Problem(f"consents[{place}].wording", "should be the id of a wording of this purpose in templates/wordings")
                )
        now = self.clock.now_ms()
        if body.valid_until is not None and not now < body.valid_until <= now + LONGEST_MS:
            wrong.append(Problem("validUntil", "should lie ahead, by at most 400 days"))
        if wrong:
            raise BadInput(wrong)

    def _subject(self, subject: InvitationSubject) -> tuple[SubjectId, str]:
        entity = f"{subject.type}:{subject.entity}" if subject.entity else ""
        if subject.order:
            return self.vault.subject_id("order", subject.order), entity
        return self.vault.subject_id(str(subject.type), str(subject.entity)), entity

    async def _until(self, subject: SubjectId, order: str | None, now: int) -> int:
        """The end of the order where it is known, else 30 days; the order moves it when it comes."""
        members = await self.members.of(subject) if order else []
        return max((one.link.until_ms for one in members if one.link.until_ms > now), default=now + VALID_MS)

    def _digest(self, body: InvitationBody) -> str:
        text = json.dumps(body.model_dump(mode="json"), sort_keys=True)
        return self.vault.blind("invitation body", text)


def inviting_of(runtime: Runtime) -> Inviting:
    """Wired on an open runtime."""
    return Inviting(
        contacts=runtime.contacts,
        invitations=Invitations(runtime.connection.redis, runtime.clock, runtime.vault),
        members=Members(runtime.contacts, runtime.subjects),
        maker=LinkMaker(runtime.connectors, runtime.directory, runtime.vault.blind, runtime.settings.public_url),
        vault=runtime.vault,
        clock=runtime.clock,
        catalogue=runtime.catalogue,
        default_brand=runtime.settings.brand,
    )


def shown(one: Invitation, now_ms: int) -> dict[str, Any]:
    """An invitation for people and programs: never its token, code, number or customer."""
    return {
        "id": one.id,
        "state": one.state(now_ms).value,
        "origin": one.origin.value,
        "reason": one.purpose.value,
        "brand": one.brand,
        "language": one.language,
        "channels": list(one.channels),
        "proof": one.identified.value,
        "consents": [{"purpose": asked.purpose, "wording": asked.wording} for asked in one.consents],
        "made_at": views.iso(one.made_ms),
        "valid_until": views.iso(one.until_ms),
        "claimed_at": views.iso(one.claimed_ms),
        "bound_at": views.iso(one.bound_ms),
        "revoked_at": views.iso(one.revoked_ms),
        "contact": one.contact,
        "address": one.address,
    }


def with_links(one: Invitation, links: Links, now_ms: int) -> dict[str, Any]:
    """The same with what brings people in: told to whoever made it, and to nobody else."""
    best = links.best or ""
    return {
        **shown(one, now_ms),
        "link": links.short,
        "links": [{"channel": channel, "url": url} for channel, url in links.channels.items()],
        "code": links.code,
        "qr": {"of": best, "svg": qr_svg(best), "png": qr_data_url(best)},
    }

