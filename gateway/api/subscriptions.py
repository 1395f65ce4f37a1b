"""/v1/subscriptions and /v1/contacts/{id}/subscriptions: who hears about what. Orders subscribe by themselves."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateway.api import views
from gateway.api.auth import guarded
from gateway.api.fields import Brand, Moment, Short, body_of
from gateway.api.people import People
from gateway.api.problems import Refused, problem
from gateway.errors import BadInput, NotFound, Problem
from gateway.model.ids import PARTITIONS, ContactId, SubjectId, is_id, partition_of
from gateway.store.apikeys import ApiKey, ApiKeys, Scope

PATH = "/v1/subscriptions"
OF_CONTACT = "/v1/contacts/{contact}/subscriptions"
PAGE = 100
PAGE_MAX = 1000
DAY_MS = 24 * 3600_000
DEFAULT_DAYS = 60
KINDS = {"flight": "flight", "trip": "rail", "order": "goods"}


class SubscriptionBody(BaseModel):
    """entity: as its events write it, ZZ1007/2026-11-22/AMS. reference: its order, which texts may name."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["flight", "trip", "order"]
    entity: Short
    reference: Short
    brand: Brand | None = None
    until: Moment | None = None


class SubscriptionsBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    subscriptions: Annotated[list[SubscriptionBody], Field(min_length=1, max_length=20)]


def add_routes(app: web.Application, people: People, keys: ApiKeys) -> None:
    routes = Routes(people)
    read, write = Scope.CONTACTS_READ, Scope.CONTACTS_WRITE
    app.router.add_get(PATH, guarded(keys, read, routes.get_subscribers))
    app.router.add_get(OF_CONTACT, guarded(keys, read, routes.get_subscriptions))
    app.router.add_put(OF_CONTACT, guarded(keys, write, routes.put_subscriptions))
    app.router.add_delete(OF_CONTACT + "/{subject}", guarded(keys, write, routes.delete_subscription))


class Routes:
    def __init__(self, people: People) -> None:
        self._people = people

    async def get_subscriptions(self, request: web.Request, key: ApiKey) -> web.Response:
        contact = await self._people.get(request.match_info["contact"])
        found = await self._people.contacts.subscriptions(contact.id)
        return web.json_response({"subscriptions": [views.subscription_json(one) for one in found]})

    async def put_subscriptions(self, request: web.Request, key: ApiKey) -> web.Response:
        body = await body_of(request, SubscriptionsBody)
        people = self._people
        contact = await people.get(request.match_info["contact"])
        barred = [
            {"field": f"subscriptions[{place}].brand", "message": "is none that this key speaks for"}
            for place, one in enumerate(body.subscriptions)
            if not key.speaks_for_brand(one.brand or people.default_brand)
        ]
        if barred:
            raise Refused(problem(403, "forbidden", "This key does not speak for these brands.", problems=barred))
        answers = []
        for one in body.subscriptions:
            subject = people.vault.subject_id(one.type, one.entity)
            answer = await people.follow(
                contact,
                subject,
                reference=one.reference,
                kind=KINDS[one.type],
                brand=one.brand or people.default_brand,
                until_ms=one.until if one.until is not None else people.clock.now_ms() + DEFAULT_DAYS * DAY_MS,
            )
            answers.append({"subject": subject, "answer": answer})
        return web.json_response({"subscriptions": answers})

    async def delete_subscription(self, request: web.Request, key: ApiKey) -> web.Response:
        contact = await self._people.get(request.match_info["contact"])
        subject = request.match_info["subject"]
        if not is_id(subject, "j") or not await self._people.unfollow(contact, SubjectId(subject)):
            raise NotFound("this contact does not hear about that subject")
        return web.Response(status=204)

    async def get_subscribers(self, request: web.Request, key: ApiKey) -> web.Response:
        """Contacts by id, page after page: `after` is the last id of the page before."""
        subject = self._subject(request.query.get("subject", ""))
        limit = _number(request.query.get("limit", str(PAGE)), "limit", PAGE_MAX)
        after = request.query.get("after", "")
        if after and not is_id(after, "c"):
            raise BadInput([Problem("after", "should be the last contact of the page before")])
        found: list[ContactId] = []
        first = partition_of(after) if after else 0
        for partition in range(first, PARTITIONS):
            start = after if partition == first else ""
            found += await self._people.contacts.subscribers(partition, subject, start, limit + 1 - len(found))
            if len(found) > limit:
                break
        more = len(found) > limit
        page = found[:limit]
        return web.json_response({"subject": subject, "contacts": page, "after": page[-1] if more else None})

    def _subject(self, given: str) -> SubjectId:
        """Our id of a subject, or a public one by name: flight:ZZ1007/2026-11-22/AMS. An order goes by id alone."""
        if is_id(given, "j"):
            return SubjectId(given)
        family, _, entity = given.partition(":")
        if family in ("flight", "trip", "outage", "appointment") and entity:
            return self._people.vault.subject_id(family, entity)
        message = "should be an id such as j11..., or flight:, trip:, outage: or appointment: and its name; orders go by id"
        raise BadInput([Problem("subject", message)])


def _number(text: str, name: str, most: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= most:
        raise BadInput([Problem(name, f"should be a number from 1 to {most}")])
    return value
