"""GET and HEAD /i/{token}: the page that a short link or QR code opens. It consumes nothing and shows nothing of anybody.

It says who invites, what comes, what opening the chat agrees to, and how to stop; then one button a channel. A token that was
never made, or whose link has ended, answers with the same kind page and 404 or 410. No script, nothing loaded from elsewhere.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.clock import Clock
from gateway.connector import Connector
from gateway.errors import StoreError
from gateway.http import caller
from gateway.model.invitation import Invitation, InvitationState, Purpose
from gateway.notifications.catalogue import Catalogue
from gateway.planning.waysin_links import LinkMaker
from gateway.planning.waysin_words import is_token
from gateway.store.invitations import Invitations
from gateway.store.vault import Vault
from gateway.webhooks import invite_page

PATH = "/i/{token}"
PER_MINUTE = 60
"""How often addresses of one prefix (IPv4 /24, IPv6 /48) may ask in a minute, in one process: a household, not a guesser."""
_PREFIXES = 10_000

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}

@dataclass(frozen=True, slots=True)
class Deps:
    invitations: Invitations
    maker: LinkMaker
    catalogue: Catalogue
    vault: Vault
    clock: Clock
    connectors: Mapping[str, Connector]
    trusted_proxies: Sequence[str]
    default_brand: str


class Limit:
    """Asks a minute by prefix; the oldest prefixes are forgotten."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self._per_minute = per_minute
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def allows(self, address: str, now_s: float, what: str = "") -> bool:
        """what: counted apart from whatever else they ask"""
        prefix, minute = _prefix(address) + what, int(now_s // 60)
        last, count = self._seen.pop(prefix, (minute, 0))
        count = count + 1 if last == minute else 1
        self._seen[prefix] = (minute, count)
        while len(self._seen) > _PREFIXES:
            self._seen.popitem(last=False)
        return count <= self._per_minute


def _prefix(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped  # or all of IPv4 were one network
    return str(ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))


def add_routes(app: web.Application, deps: Deps, limit: Limit | None = None) -> None:
    ask = limit or Limit()

    async def get_invite(request: web.Request) -> web.Response:
        if not ask.allows(caller(request, deps.trusted_proxies), time.monotonic()):
            return web.Response(status=429, text="Too many requests.", headers={**HEADERS, "Retry-After": "60"})
        token = request.match_info["token"]
        try:
            found = await deps.invitations.named(token) if is_token(deps.vault.blind, token) else None
        except (StoreError, OSError, TimeoutError):
            return web.Response(status=503, text="Please try again.", headers={**HEADERS, "Retry-After": "2"})
        if found is not None and found.purpose is Purpose.FAMILY:
            found = None  # it has a page of its own (join.py), and none here
        return _page(deps, found, request.headers.get("Accept-Language", ""))

    app.router.add_get(PATH, get_invite, allow_head=True)


def _named(connector: Connector) -> str:
    return connector.facts.name or connector.channel.capitalize()


def _page(deps: Deps, found: Invitation | None, accepted: str) -> web.Response:
    language = invite_page.language_of(found.language if found else accepted)
    state = found.state(deps.clock.now_ms()) if found else None
    brand = deps.catalogue.brands.get(found.brand if found else deps.default_brand)
    name = brand.name if brand else ""
    support = brand.support_url if brand else ""
    if found is None or state in (InvitationState.EXPIRED, InvitationState.REVOKED):
        text = invite_page.ended(language, name, support)
        return web.Response(status=404 if found is None else 410, text=text, content_type="text/html", headers=HEADERS)
    links = deps.maker.links(found)
    agreed = [wording.text for one in found.consents if (wording := deps.catalogue.wordings.get(one.wording)) is not None]
    text = invite_page.invitation(
        language,
        name,
        support,
        purpose=found.purpose,
        agreed=agreed,
        links={_named(deps.connectors[channel]): url for channel, url in links.channels.items()},
        code=links.code,
        qr=links.best or "",
        used=state in (InvitationState.CLAIMED, InvitationState.BOUND),
    )
    return web.Response(text=text, content_type="text/html", headers=HEADERS)
