"""Webhooks answered: the real listener and handler (verify, seal, append with fsync, 200) beside one that only reads the body.

Both listen in this process and are asked by the same generator in another. What is kept is neither split nor applied meanwhile:
that is done behind the answer.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import statistics
import time
from asyncio.subprocess import Process

from aiohttp import web

from bench.children import child, first_line
from bench.report import Row, alternated
from bench.sizes import Sizes
from bench.stage import NUMBER, SECRET
from gateway import http
from gateway.runtime import Runtime
from gateway.webhooks import api, role

CONNECTIONS = 64
ROUND_S = 120.0


def delivered_status() -> bytes:
    """A webhook as most of them are: one message was delivered."""
    status = {
        "id": "wamid.HBgMNDQ3NzAwOTAwMTIzFQIAERgSODlBODQ0RThDRDc3NDdDQkFEAA==",
        "status": "delivered",
        "timestamp": "1795165205",
        "recipient_id": "447700900123",
        "recipient_user_id": "GB.73920184650172938465",
        "biz_opaque_callback_data": "m070123456789abcdefghjk.1.whatsapp",
        "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "12025550142", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": "Ann Example"}, "wa_id": "447700900123", "user_id": "GB.73920184650172938465"}],
        "statuses": [status],
    }
    entry = {"id": "271828182845904", "changes": [{"value": value, "field": "messages"}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


async def _listen(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = await http.listen(app, "127.0.0.1", 0, "a free port")
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/whatsapp"


async def _read_only(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=200)


async def _rate(generator: Process, url: str, count: int) -> float:
    assert generator.stdin is not None
    generator.stdin.write(f"{url} {count}\n".encode())
    await generator.stdin.drain()
    return count / float(await first_line(generator, ROUND_S))


async def measure(runtime: Runtime, sizes: Sizes) -> Row:
    body = delivered_status()
    signed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signed, "User-Agent": "facebookexternalua"}
    runtime.wake.serve("webhooks")  # as in a whole gateway: the loop that splits is in the same process, nobody else is told
    ours = http.make_app(largest=api.MAX_BYTES)
    role.add_routes(ours, runtime)
    bare = web.Application(client_max_size=api.MAX_BYTES)
    bare.router.add_post("/webhooks/whatsapp", _read_only)
    ours_runner, ours_url = await _listen(ours)
    bare_runner, bare_url = await _listen(bare)
    try:
        async with child(["-m", "bench.load"]) as generator:
            assert generator.stdin is not None
            given = {"body": body.decode(), "headers": headers, "connections": CONNECTIONS}
            generator.stdin.write(json.dumps(given).encode() + b"\n")
            for url in (bare_url, ours_url):
                await _rate(generator, url, max(sizes.webhooks // 10, 1))
            rounds, burnt = [], []
            for _ in range(sizes.webhook_rounds):
                a = time.process_time()
                plain = await _rate(generator, bare_url, sizes.webhooks)
                b = time.process_time()
                rounds.append((await _rate(generator, ours_url, sizes.webhooks), plain))
                burnt.append((time.process_time() - b, b - a))
    finally:
        await ours_runner.cleanup()
        await bare_runner.cleanup()
    kept, _ = await runtime.webhooks.backlog()
    wanted = sizes.webhook_rounds * sizes.webhooks + max(sizes.webhooks // 10, 1)
    if kept < wanted:
        raise RuntimeError(f"{kept} webhooks are kept where {wanted} were answered")
    ours_us, bare_us = (statistics.median(one) / sizes.webhooks * 1e6 for one in zip(*burnt, strict=True))
    note = f"body {len(body)} B, {CONNECTIONS} connections, {sizes.webhook_rounds} x {sizes.webhooks:,}"
    note += f"; this process's own time {ours_us:.0f} us a webhook, bare {bare_us:.0f}"
    return alternated("webhooks answered", "/s", rounds, 0.5, "bare handler that reads the body", note=note)
