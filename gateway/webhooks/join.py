"""GET and HEAD /j/{token}: the page that the link of a family opens. It consumes nothing and names nobody.

It says which flight or train it is about (anybody may know that), what comes and at which hours, what the first message agrees to
and how to stop; then one button a channel, whose words are in the language that the page is read in. That language is the one
chosen on the page (?lang=), else the browser's, else the family's. A link that lets nobody in answers as kindly: 404 when we
never made it, 410 when it is over, was replaced, is full or closed. No script, nothing loaded from elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.clock import Clock
from gateway.connector import Connector
from gateway.errors import StoreError
from gateway.families.home import Home
from gateway.families.links import link_id, wording_of
from gateway.families.shown import legs_of
from gateway.http import caller
from gateway.model.contact import OrderLink
from gateway.model.family import Family
from gateway.model.invitation import Invitation, Purpose
from gateway.notifications import formats
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.places import name_of
from gateway.planning.waysin_links import LinkMaker
from gateway.planning.waysin_words import is_token
from gateway.store.invitations import Invitations
from gateway.store.subjects import Subjects
from gateway.store.vault import Vault
from gateway.webhooks import join_page
from gateway.webhooks.invite import HEADERS, Limit
from gateway.webhooks.invite_page import LANGUAGES, language_of

PATH = "/j/{token}"


@dataclass(frozen=True, slots=True)
class Deps:
    home: Home
    subjects: Subjects
    invitations: Invitations
    maker: LinkMaker
    catalogue: Catalogue
    vault: Vault
    clock: Clock
    connectors: Mapping[str, Connector]
    trusted_proxies: Sequence[str]
    default_brand: str


@dataclass(frozen=True, slots=True)
class _Found:
    """What a token leads to. why: "" = come in, else a word of join_page.WHY"""

    why: str
    invitation: Invitation | None = None
    family: Family | None = None
    link: OrderLink | None = None


def add_routes(app: web.Application, deps: Deps, limit: Limit | None = None) -> None:
    ask = limit or Limit()

    async def get_join(request: web.Request) -> web.Response:
        if not ask.allows(caller(request, deps.trusted_proxies), time.monotonic()):
            return web.Response(status=429, text="Too many requests.", headers={**HEADERS, "Retry-After": "60"})
        token = request.match_info["token"]
        try:
            found = await _find(deps, token)
            legs = await legs_of(deps.subjects, found.link) if found.link is not None else []
        except (StoreError, OSError, TimeoutError):
            return web.Response(status=503, text="Please try again.", headers={**HEADERS, "Retry-After": "2"})
        language = _language(request, found)
        brand = deps.catalogue.brands.get(found.invitation.brand if found.invitation else deps.default_brand)
        name, support = (brand.name, brand.support_url) if brand else ("", "")
        here = f"/j/{token}" if found.invitation else "/j/-"
        if found.why or found.invitation is None:
            text = join_page.refused(language, name, support, found.why, here)
            return _answer(text, 404 if found.invitation is None else 410)
        links = deps.maker.links(found.invitation, language)
        wording = deps.catalogue.wordings.get(wording_of(language))
        reader = formats.Reader(language, language, "UTC", deps.clock.now_ms(), deps.catalogue.places)
        text = join_page.invited(
            language,
            name,
            support,
            legs=[
                join_page.leg_in_words(
                    language, one.kind, one.number, name_of(one.origin, language, deps.catalogue.places),
                    name_of(one.destination, language, deps.catalogue.places), formats.date(one.at, reader, one.origin),
                )
                for one in legs
            ],
            agreed=wording.text if wording is not None else "",
            links={deps.connectors[channel].facts.name or channel: url for channel, url in links.channels.items()},
            code=links.code,
            qr=links.best or "",
            here=here,
        )  # fmt: skip
        return _answer(text, 200)

    app.router.add_get(PATH, get_join, allow_head=True)


async def _find(deps: Deps, token: str) -> _Found:
    """What stands behind a token, and whether it lets somebody in."""
    invitation = await deps.invitations.named(token) if is_token(deps.vault.blind, token) else None
    if invitation is None or invitation.purpose is not Purpose.FAMILY:
        return _Found("unknown")
    family = await deps.home.families.get(invitation.subject)
    if family is None or family.ended_ms or deps.home.places < 1:
        return _Found("over", invitation)
    if invitation.id != link_id(deps.vault.blind, family):
        return _Found("old", invitation)
    if not family.open:
        return _Found("closed", invitation)
    if len(family.members) >= family.places:
        return _Found("full", invitation)
    traveller = await deps.home.keeper.traveller(family)
    if traveller is None:
        return _Found("over", invitation)
    return _Found("", invitation, family, traveller[1])


def _language(request: web.Request, found: _Found) -> str:
    chosen = request.query.get("lang", "")
    if chosen in LANGUAGES:
        return chosen
    accepted = request.headers.get("Accept-Language", "")
    spoken = [part.strip().lower()[:2] for part in accepted.split(",")]
    if found.invitation is not None and not any(one in LANGUAGES for one in spoken):
        return language_of(found.invitation.language)
    return language_of(accepted)


def _answer(text: str, status: int) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html", headers=HEADERS)
