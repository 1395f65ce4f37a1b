"""A Graph API that does nothing: every POST is read and answered as an accepted message, and its time of arrival noted.

    python -m bench.noop          prints its port, serves until it is terminated

GET /arrivals?after=N waits until more than N requests have come and answers {"count", "times": of those after N, "last": the last
body}. GET /mark?text=T, then /marked?text=T waits for the first body after it that holds T, {"at"}; after a while null.
GET /delay?ms=N: from now on a POST is answered after so long, as a server far away would.
Times are CLOCK_MONOTONIC in nanoseconds, which all processes of a Linux machine share.
"""

from __future__ import annotations

import asyncio
import sys
import time

from aiohttp import web

# Plain bytes and not a JSON of this message: the server must cost as little as it can, it shares the machine's cores.
ANSWER = (
    b'{"messaging_product":"whatsapp","contacts":[{"input":"+447700900123","wa_id":"447700900123"}],'
    b'"messages":[{"id":"wamid.HBgMNDQ3NzAwOTAwMTIzFQIAERgS%018dAA==","message_status":"accepted"}]}'
)
WAIT_S = 20.0


class Noop:
    def __init__(self) -> None:
        self.times: list[int] = []
        self.last = b""
        self._came = asyncio.Event()
        self._delay_s = 0.0
        self._marks: dict[bytes, asyncio.Future[int]] = {}

    async def post_message(self, request: web.Request) -> web.Response:
        self.last = await request.read()
        self.times.append(time.monotonic_ns())
        self._came.set()
        for mark, seen in self._marks.items():
            if not seen.done() and mark in self.last:
                seen.set_result(self.times[-1])
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        return web.Response(body=ANSWER % len(self.times), content_type="application/json")

    async def get_arrivals(self, request: web.Request) -> web.Response:
        after = int(request.query.get("after", "-1"))
        try:
            async with asyncio.timeout(WAIT_S):
                while len(self.times) <= after:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            pass  # the caller sees the count
        return web.json_response(
            {"count": len(self.times), "times": self.times[max(after, 0) :][:100], "last": self.last.decode()}
        )

    async def get_delay(self, request: web.Request) -> web.Response:
        self._delay_s = float(request.query["ms"]) / 1000
        return web.json_response({})

    async def get_mark(self, request: web.Request) -> web.Response:
        self._marks[request.query["text"].encode()] = asyncio.get_running_loop().create_future()
        return web.json_response({})

    async def get_marked(self, request: web.Request) -> web.Response:
        mark = request.query["text"].encode()
        try:
            async with asyncio.timeout(WAIT_S):
                at = await asyncio.shield(self._marks[mark])
        except TimeoutError:
            at = None
        self._marks.pop(mark)
        return web.json_response({"at": at})


async def main() -> None:
    noop = Noop()
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_get("/arrivals", noop.get_arrivals)
    app.router.add_get("/delay", noop.get_delay)
    app.router.add_get("/mark", noop.get_mark)
    app.router.add_get("/marked", noop.get_marked)
    app.router.add_post("/{path:.*}", noop.post_message)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
