"""Sends as jobs of arq, by its documentation: enqueued in Redis, worked on by a worker with an aiohttp session of its own.

Reads one JSON line {"url": of the messages, "socket": of the store, "body": what our dispatch sent}, then lines "COUNT": so many
jobs are enqueued, then worked on; the answer is the seconds from the worker's start to its end. As many at once as dispatch has.
"""

import asyncio
import json
import sys
import time

import aiohttp
import uvloop
from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker

AT_ONCE = 100


async def send(ctx, body):
    async with ctx["session"].post(ctx["url"], json=body) as response:
        response.raise_for_status()
        answer = await response.json()
        return answer["messages"][0]["id"]


async def startup(ctx):
    ctx["session"] = aiohttp.ClientSession(headers={"Authorization": "Bearer bench-token"})


async def shutdown(ctx):
    await ctx["session"].close()


async def one_round(given, count):
    settings = RedisSettings(unix_socket_path=given["socket"])
    pool = await create_pool(settings)
    for start in range(0, count, 100):
        await asyncio.gather(*(pool.enqueue_job("send", given["body"]) for _ in range(start, min(start + 100, count))))
    worker = Worker(
        functions=[send],
        redis_settings=settings,
        on_startup=startup,
        on_shutdown=shutdown,
        max_jobs=AT_ONCE,
        burst=True,  # ends when the queue is empty
        poll_delay=0.01,  # half a second by default, which would be most of a short round
        handle_signals=False,
        ctx={"url": given["url"]},
    )
    started = time.perf_counter()
    await worker.main()
    took = time.perf_counter() - started
    done = worker.jobs_complete
    await worker.close()
    await pool.aclose()
    if done != count:
        raise SystemExit(f"{done} jobs of {count} were done")
    return took


async def main():
    given = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        print(f"{await one_round(given, int(line)):.6f}", flush=True)


if __name__ == "__main__":
    uvloop.run(main())
