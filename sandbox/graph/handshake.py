"""The GET by which Meta makes sure that a callback is whose it is said to be."""

from __future__ import annotations

import aiohttp

from sandbox.errors import GraphError
from sandbox.world import World


async def shake_hands(world: World, url: str, verify_token: str) -> None:
    """Ask the callback to give the challenge back. raises: 2200 when it does not, 100 for no url"""
    if not url.startswith(("http://", "https://")):
        raise GraphError(100, message="(#100) The callback URL is not valid.")
    challenge = world.ids.decimal(10)
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    assert world.webhooks.session is not None
    timeout = aiohttp.ClientTimeout(total=world.config.webhook_timeout_s)
    try:
        async with world.webhooks.session.get(url, params=query, timeout=timeout, allow_redirects=False) as reply:
            status, said = reply.status, await reply.content.read(4_096)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise _failed(f"the callback did not answer ({type(error).__name__})") from error
    if status != 200:
        raise _failed(f"HTTP Status Code = {status}")
    if said.decode("utf-8", "replace") != challenge:
        raise _failed("the answer is not the challenge")


def _failed(why: str) -> GraphError:
    return GraphError(2200, message=f"(#2200) Callback verification failed with the following errors: {why}", data=False)
