"""/v1/families: who at home follows whose journey, seen (contacts:read) and steered (admin). Who steers by a key is the key.

Numbers of orders lead to people, so they come in bodies; a flight or train is public, and may stand in a URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict

from gateway.api.auth import guarded, reveals
from gateway.api.brakes import WhyBody
from gateway.api.fields import Short, body_of
from gateway.api.problems import Refused, problem
from gateway.api.views import initial, iso
from gateway.errors import BadInput, NotFound, Problem
from gateway.families.overview import MOST, Move, Overview, Seen
from gateway.insight.naming import find_subject
from gateway.model.family import Member
from gateway.model.ids import AddressId, SubjectId, is_id
from gateway.store.apikeys import ApiKey, ApiKeys, Scope
from gateway.store.brakes import BrakeBook
from gateway.store.vault import Vault

PATH = "/v1/families"
PUBLIC = ("flight", "trip")
"""Kinds of subjects whose names may stand in a URL."""

log = structlog.get_logger()


class FamiliesBody(BaseModel):
    """subject: order:NUMBER, flight:..., trip:..., our id of one, or a name that only one thing has."""

    model_config = ConfigDict(extra="forbid")

    subject: Short


@dataclass(frozen=True, slots=True)
class FamilyDeps:
    overview: Overview
    book: BrakeBook
    vault: Vault


def add_routes(app: web.Application, deps: FamilyDeps | None, keys: ApiKeys) -> None:
    """deps: None where this process knows nothing of contacts; every request is then told so."""
    routes = Routes(deps)
    app.router.add_get(PATH, guarded(keys, Scope.CONTACTS_READ, routes.get_all))
    app.router.add_post(f"{PATH}/search", guarded(keys, Scope.CONTACTS_READ, routes.post_search))
    app.router.add_get(PATH + "/{family}", guarded(keys, Scope.CONTACTS_READ, routes.get_one))
    app.router.add_post(PATH + "/{family}/{move}", guarded(keys, Scope.ADMIN, routes.post_move))


class Routes:
    def __init__(self, deps: FamilyDeps | None) -> None:
        self._deps = deps

    @property
    def _d(self) -> FamilyDeps:
        if self._deps is None:
            raise Refused(problem(503, "not_here", "This process does not do that: ask one with the role intake."))
        return self._deps

    async def get_all(self, request: web.Request, key: ApiKey) -> web.Response:
        """?flight=ZZ1007/2026-11-22/AMS, ?trip=..., or ?subject=j11..., our id."""
        asked = [(kind, name.strip()) for kind, name in request.query.items() if kind != "reveal"]
        if len(asked) != 1 or asked[0][0] not in (*PUBLIC, "subject"):
            raise BadInput([Problem("query", "should be flight=..., trip=... or subject=j11...: one of them")])
        kind, name = asked[0]
        if kind == "subject" and not is_id(name, "j"):
            raise BadInput([Problem("subject", f"should be our id of it; by an order's number: POST {PATH}/search")])
        subject = SubjectId(name) if kind == "subject" else self._d.vault.subject_id(kind, name)
        return await self._about(request, key, subject)

    async def post_search(self, request: web.Request, key: ApiKey) -> web.Response:
        body = await body_of(request, FamiliesBody)
        return await self._about(request, key, await find_subject(body.subject.strip(), self._d.vault, self._d.book))

    async def _about(self, request: web.Request, key: ApiKey, subject: SubjectId) -> web.Response:
        reveal = reveals(request, key)
        found, more = await self._d.overview.of(subject)
        if reveal:
            log.info("families.revealed", subject=subject, key_name=key.name)
        rows = [await shown(self._d.overview, one, reveal=reveal) for one in found]
        return web.json_response({"subject": subject, "families": rows, "more": more, "most": MOST})

    async def get_one(self, request: web.Request, key: ApiKey) -> web.Response:
        reveal, family = reveals(request, key), _family(request)
        found = await self._d.overview.one(family)
        if reveal:
            log.info("families.revealed", subject=family, key_name=key.name)
        return web.json_response(await shown(self._d.overview, found, reveal=reveal))

    async def post_move(self, request: web.Request, key: ApiKey) -> web.Response:
        family, word = _family(request), request.match_info["move"]
        if word not in list(Move):
            raise NotFound("a family's door is closed or opened, or the family ended")
        body = await body_of(request, WhyBody)
        after = await self._d.overview.steer(family, Move(word), who=key.name, why=body.why)
        return web.json_response(await shown(self._d.overview, after, reveal=False))


def _family(request: web.Request) -> SubjectId:
    family = request.match_info["family"]
    if not is_id(family, "j"):
        raise NotFound("there is no such family")
    return SubjectId(family)


async def shown(overview: Overview, seen: Seen, *, reveal: bool) -> dict[str, Any]:
    """As data. reveal: with what members are called and where they are reached, without it neither."""
    family = seen.family
    addresses = await overview.addresses(family) if reveal else {}
    return {
        "id": family.id,
        "state": seen.state,
        "ended": iso(family.ended_ms),
        "why": family.ended_why or None,
        "door": seen.door,
        "order": family.order or None,
        "traveller": family.contact or None,
        "brand": family.brand or None,
        "language": family.language or None,
        "made": iso(family.made_ms),
        "until": iso(seen.until_ms),
        "next_look": iso(family.until_ms if family.contact else 0),
        "link": family.renewals,
        "places": family.places,
        "count": len(family.members),
        "taken_out": len(family.barred),
        "group": family.group_link is not None,
        "follows": list(family.followed),
        "members": [_member(one, seen, addresses, reveal) for one in family.members],
        "masked": not reveal,
    }


def _member(one: Member, seen: Seen, addresses: Mapping[AddressId, tuple[str, ...]], reveal: bool) -> dict[str, Any]:
    return {
        "contact": one.contact,
        "channel": one.channel,
        "joined": iso(one.joined_ms),
        "reached": seen.reached.get(one.contact, False),
        "name": initial(one.name, reveal) if reveal else None,
        "to": list(addresses.get(one.address, ())),
    }
