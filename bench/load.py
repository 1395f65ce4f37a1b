"""A generator of POSTs that costs less than what it measures: raw connections, requests written as bytes, answers only counted.

    python -m bench.load          reads lines "URL COUNT", answers each with the seconds it took; the body comes in the first line

First line: JSON {"body": text, "headers": {...}, "connections": n}. One process for all rounds, so that ours and the bare handler
are asked by the same one. A status other than 200 ends it with an error.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, cast
from urllib.parse import urlsplit


class Asker(asyncio.Protocol):
    """One connection that asks again as soon as it is answered, while `left` lasts."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is none by class

    def ask(self) -> None:
        self._transport.write(self._load.request)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        if len(rest) < length:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"answered {head[:40]!r}")
        self._buffer = b""
        self._load.answered(self)


class Load:
    def __init__(self, body: bytes, headers: dict[str, str], connections: int) -> None:
        self._body = body
        self._headers = headers
        self._connections = connections
        self.request = b""
        self._to_ask = 0
        self._to_come = 0
        self._done = asyncio.Event()

    async def run(self, url: str, count: int) -> float:
        """Seconds for so many requests over all connections, these made before the clock starts."""
        parts = urlsplit(url)
        lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(self._body)}"]
        lines += [f"{name}: {value}" for name, value in self._headers.items()]
        self.request = "\r\n".join(lines).encode() + b"\r\n\r\n" + self._body
        self._to_ask = 0
        loop = asyncio.get_running_loop()
        askers = []
        for _ in range(min(self._connections, count)):
            _, asker = await loop.create_connection(lambda: Asker(self), str(parts.hostname), int(parts.port or 80))
            askers.append(asker)
        self._done.clear()
        self._to_ask, self._to_come = count, count
        started = time.perf_counter()
        for asker in askers:
            self.asked(asker)
        await self._done.wait()
        took = time.perf_counter() - started
        for asker in askers:
            asker.close()
        return took

    def asked(self, asker: Asker) -> None:
        if self._to_ask > 0:
            self._to_ask -= 1
            asker.ask()

    def answered(self, asker: Asker) -> None:
        self._to_come -= 1
        if self._to_come == 0:
            self._done.set()
        self.asked(asker)


async def main() -> None:
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    given: dict[str, Any] = json.loads(await reader.readline())
    load = Load(given["body"].encode(), given["headers"], given["connections"])
    while line := (await reader.readline()).decode().split():
        took = await load.run(line[0], int(line[1]))
        sys.stdout.write(f"{took:.6f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
