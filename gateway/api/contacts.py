"""/v1/contacts: find, show, change, export, erase. Numbers and customer numbers come in bodies, never in a URL."""

from __future__ import annotations

from typing import Annotated

import structlog
from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator

from gateway.api import views
from gateway.api.auth import guarded, reveals
from gateway.api.fields import Brand, Moment, Word, Zone, body_of
from gateway.api.people import People
from gateway.api.problems import Refused, answering, problem
from gateway.errors import BadInput, Problem
from gateway.model.contact import ConsentEntry, Proof
from gateway.model.ids import AddressId, is_id
from gateway.model.personal import Personal
from gateway.store.apikeys import ApiKey, ApiKeys, Scope

PATH = "/v1/contacts"

log = structlog.get_logger()


def _address_id(value: str) -> str:
    if not is_id(value, "a"):
        raise ValueError("should be an id of ours such as a07..., as the contact shows it")
    return value


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AddressBody(Body):
    channel: Annotated[str, Field(min_length=1, max_length=20)]
    to: Annotated[str, Field(min_length=3, max_length=160)]


class SearchBody(Body):
    """Exactly one of the two."""

    address: AddressBody | None = None
    customer: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _one(self) -> SearchBody:
        if (self.address is None) == (self.customer is None):
            raise ValueError("should hold either address or customer")
        return self


class ChangeBody(Body):
    """channels: the order in which they want to be reached; [] takes it back."""

    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] | None = None
    timezone: Zone | None = None
    channels: Annotated[list[Annotated[str, Field(pattern=r"^[a-z]{2,20}$")]], Field(max_length=10)] | None = None


class ConsentBody(Body):
    """at: when the person said it (default: now). A grant needs a wording that is known and what shows it."""

    purpose: Annotated[str, Field(pattern=r"^(journey|service|family|survey|offers)$")]
    channel: Annotated[str, Field(pattern=r"^(whatsapp|messenger)$")]
    brand: Brand | None = None
    granted: StrictBool
    at: Moment | None = None
    how: Word
    wording: Word | None = None
    evidence: Annotated[str, Field(max_length=2000)] | None = None


class ConsentsBody(Body):
    consents: Annotated[list[ConsentBody], Field(min_length=1, max_length=40)]


class ProofBody(Body):
    """proof null: whoever has this address said that they are not this person."""

    address: Annotated[str, AfterValidator(_address_id)]
    proof: Proof | None
    at: Moment | None = None


class ProofsBody(Body):
    proofs: Annotated[list[ProofBody], Field(min_length=1, max_length=10)]


def add_routes(app: web.Application, people: People, keys: ApiKeys) -> None:
    routes = Routes(people)
    read, write = Scope.CONTACTS_READ, Scope.CONTACTS_WRITE
    one = PATH + "/{contact}"
    app.router.add_get(PATH, answering(get_contacts))
    app.router.add_post(f"{PATH}/search", guarded(keys, read, routes.post_search))
    app.router.add_get(one, guarded(keys, read, routes.get_contact))
    app.router.add_patch(one, guarded(keys, write, routes.patch_contact))
    app.router.add_delete(one, guarded(keys, write, routes.delete_contact))
    app.router.add_get(f"{one}/export", guarded(keys, read, routes.get_export))
    app.router.add_get(f"{one}/consents", guarded(keys, read, routes.get_consents))
    app.router.add_put(f"{one}/consents", guarded(keys, write, routes.put_consents))
    app.router.add_put(f"{one}/proofs", guarded(keys, write, routes.put_proofs))


async def get_contacts(request: web.Request) -> web.Response:
    detail = (
        f"Numbers do not stand in URLs, which end in logs: POST {PATH}/search with the address or customer in its body."
    )
    return problem(405, "use_search", detail, headers={"Allow": "POST"})


class Routes:
    def __init__(self, people: People) -> None:
        self._people = people

    async def post_search(self, request: web.Request, key: ApiKey) -> web.Response:
        body = await body_of(request, SearchBody)
        reveal = reveals(request, key)
        if body.address is not None:
            try:
                found = await self._people.by_address(body.address.channel, body.address.to)
            except BadInput as error:
                raise BadInput([Problem(f"address.{one.field}", one.message) for one in error.problems]) from None
        else:
            found = await self._people.by_customer(body.customer or "")
        if found is not None and reveal:
            self._revealed(key, found.id)
        return web.json_response({"contacts": [views.contact_json(found, reveal=reveal)] if found else []})

    async def get_contact(self, request: web.Request, key: ApiKey) -> web.Response:
        reveal = reveals(request, key)
        contact = await self._people.get(request.match_info["contact"])
        if reveal:
            self._revealed(key, contact.id)
        return web.json_response(views.contact_json(contact, reveal=reveal))

    async def patch_contact(self, request: web.Request, key: ApiKey) -> web.Response:
        body = await body_of(request, ChangeBody)
        contact = await self._people.get(request.match_info["contact"])
        await self._people.set_language(contact.id, body.language, body.timezone)
        if body.channels is not None:
            await self._people.set_wish(contact.id, body.channels)
        return web.json_response(views.contact_json(await self._people.get(contact.id), reveal=False))

    async def delete_contact(self, request: web.Request, key: ApiKey) -> web.Response:
        """Erase. Said once more about somebody who is gone: 404."""
        contact = await self._people.get_even_erasing(request.match_info["contact"])
        erased = await self._people.erase(contact, by=key.name)
        log.info("contact.erased", contact_id=erased.contact, key_name=key.name)
        return web.json_response(
            {
                "contact": erased.contact,
                "messages_withdrawn": erased.messages,
                "conversations_destroyed": erased.conversations,
                "addresses_forgotten": erased.addresses,
            }
        )

    async def get_export(self, request: web.Request, key: ApiKey) -> web.Response:
        if not key.may(Scope.MESSAGES_REVEAL):
            raise Refused(
                problem(403, "scope", f"An export shows everything: it needs the scope {Scope.MESSAGES_REVEAL}.")
            )
        contact = await self._people.get(request.match_info["contact"])
        self._revealed(key, contact.id)
        return web.json_response(await self._people.export(contact, by=key.name))

    # what they agreed to

    async def get_consents(self, request: web.Request, key: ApiKey) -> web.Response:
        """The present state, and every line of the ledger that led there."""
        reveal = reveals(request, key)
        contact = await self._people.get(request.match_info["contact"])
        ledger = await self._people.contacts.ledger(contact.id)
        return web.json_response(
            {
                "consents": views.consents_json(contact),
                "ledger": [views.entry_json(entry, reveal=reveal) for entry in ledger],
            }
        )

    async def put_consents(self, request: web.Request, key: ApiKey) -> web.Response:
        """What the person said: per consent whether it is newer than what was known. The later word wins."""
        body = await body_of(request, ConsentsBody)
        people = self._people
        contact = await people.get(request.match_info["contact"])
        entries, problems, barred = [], [], []
        for place, one in enumerate(body.consents):
            brand = one.brand or people.default_brand
            entry = ConsentEntry(
                purpose=one.purpose,
                channel=one.channel,
                brand=brand,
                granted=one.granted,
                at_ms=one.at if one.at is not None else people.clock.now_ms(),
                how=one.how,
                wording=one.wording,
                evidence=Personal(one.evidence) if one.evidence else None,
            )
            entries.append(entry)
            problems += people.consent_problems(entry, f"consents[{place}]")
            if not key.speaks_for_brand(brand):
                barred.append({"field": f"consents[{place}].brand", "message": "is none that this key speaks for"})
        if barred:
            raise Refused(problem(403, "forbidden", "This key does not speak for these brands.", problems=barred))
        if problems:
            raise BadInput(problems)
        applied = await people.set_consents(contact, entries)
        answers = ["applied" if one else "older" for one in applied]
        current = await people.get(contact.id)
        return web.json_response({"answers": answers, "consents": views.consents_json(current)})

    async def put_proofs(self, request: web.Request, key: ApiKey) -> web.Response:
        """What binds an address to its person, or that it is not theirs. The later word wins."""
        body = await body_of(request, ProofsBody)
        people = self._people
        contact = await people.get(request.match_info["contact"])
        theirs = {address.id for address in contact.profile.addresses}
        wrong = [
            Problem(f"proofs[{place}].address", "is no address of this contact")
            for place, one in enumerate(body.proofs)
            if one.address not in theirs
        ]
        late = people.clock.now_ms() + 300_000
        wrong += [
            Problem(f"proofs[{place}].at", "lies more than 5 minutes ahead of this server's clock")
            for place, one in enumerate(body.proofs)
            if one.at is not None and one.at > late
        ]
        if wrong:
            raise BadInput(wrong)
        answers = []
        for one in body.proofs:
            at_ms = one.at if one.at is not None else people.clock.now_ms()
            done = await people.set_proof(contact, AddressId(one.address), one.proof, at_ms)
            answers.append("applied" if done else "older")
        current = views.contact_json(await people.get(contact.id), reveal=False)
        return web.json_response({"answers": answers, "addresses": current["addresses"]})

    def _revealed(self, key: ApiKey, contact: str) -> None:
        """Reading what is personal leaves a trace too."""
        log.info("contact.revealed", contact_id=contact, key_name=key.name)
