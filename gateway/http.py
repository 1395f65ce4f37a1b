"""The listeners: public (webhooks), internal (the API, health, metrics) and console. Each role brings its routes.

A busy port is answered with the setting to change.
"""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache

from aiohttp import web

from gateway.errors import GatewayError, SettingsError, StoreError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The last net: an error becomes problem+json that tells nothing of the inside."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except StoreError:
        body = {"type": "about:blank", "title": "the store does not answer; try again", "status": 503}
        return web.json_response(body, status=503, headers={"Retry-After": "2"}, content_type="application/problem+json")
    except GatewayError as error:
        body = {"type": "about:blank", "title": str(error), "status": 400}
        return web.json_response(body, status=400, content_type="application/problem+json")


def make_app(*, largest: int) -> web.Application:
    return web.Application(client_max_size=largest, middlewares=[plain_errors])


def is_proxied(request: web.Request, trusted: Sequence[str]) -> bool:
    """Whether it comes from a proxy of ours. trusted: addresses and networks, as GATEWAY_TRUSTED_PROXIES has them"""
    return _is_of(request.remote or "", tuple(trusted))


def caller(request: web.Request, trusted: Sequence[str]) -> str:
    """Whose address asks: the peer, or what proxies of ours say of it: the last hop that is none of them."""
    peer, ours = request.remote or "", tuple(trusted)
    if not _is_of(peer, ours):
        return peer
    hops = [_address(one) for one in request.headers.get("X-Forwarded-For", "").split(",") if one.strip()]
    return next((hop for hop in reversed(hops) if not _is_of(hop, ours)), hops[0] if hops else peer)


def _address(hop: str) -> str:
    """An address as proxies write it: some add the port, and brackets around IPv6."""
    hop = hop.strip().strip('"')
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _is_of(address: str, ours: tuple[str, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address in ours
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in _networks(ours))


@lru_cache(maxsize=8)
def _networks(ours: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(one, strict=False) for one in ours)


async def listen(app: web.Application, host: str, port: int, setting: str) -> web.AppRunner:
    """Serve until the runner is cleaned up. Raises SettingsError naming the setting when the port is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, reuse_address=True).start()
    except OSError as error:
        await runner.cleanup()
        if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            why = "is taken by another program" if error.errno == errno.EADDRINUSE else "cannot be used"
            raise SettingsError([f"port {port} {why}: set {setting} to another one"]) from None
        raise
    return runner
