"""The listeners: public (webhooks), internal (the API, health, metrics) and console. Each role brings its routes.

A busy port is answered with the setting to change.
"""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable

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
