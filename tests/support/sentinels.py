"""A primary, two replicas and a sentinel that promotes one of them within two seconds; the replicas may be made to lag."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import redis

from gateway.store import launch
from tests.support.server import StoreServer, free_port
from tests.support.waiting import wait_until_sync

DOWN_AFTER_MS = 600


class Sentinels:
    """Ready to use when the constructor returns: both replicas have caught up and the sentinel knows them.

    options: of all three servers, as docs/stores.md recommends them or not
    """

    def __init__(self, options: dict[str, str] | None = None) -> None:
        given = {"repl-diskless-sync-delay": "0", **(options or {})}
        self.servers = [StoreServer(given, port=free_port())]
        self.primary = self.servers[0]
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="thuisfront-sentinel-"))
        try:
            for _ in range(2):
                port = free_port()
                self.servers.append(StoreServer({**given, "replicaof": f"127.0.0.1 {self.primary.port}"}, port=port))
            wait_until_sync(self._following, timeout=20)
            self._watch()
        except BaseException:
            self.close()
            raise

    def _watch(self) -> None:
        config = self.directory / "sentinel.conf"
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.directory}\n"
            f"sentinel monitor main 127.0.0.1 {self.primary.port} 1\n"
            f"sentinel down-after-milliseconds main {DOWN_AFTER_MS}\nsentinel failover-timeout main 4000\n"
        )
        self._process = launch.spawn(launch.find_server().path, [str(config), "--sentinel"], log=self.directory / "log")
        wait_until_sync(lambda: self._told("num-slaves") == "2", timeout=20)

    def _told(self, field: str) -> str:
        with redis.Redis(port=self.port, decode_responses=True) as client:
            try:
                return str(client.sentinel_master("main").get(field))
            except redis.RedisError:
                return ""

    def _following(self) -> bool:
        with redis.Redis(port=self.primary.port, decode_responses=True) as client:
            info = client.info("replication")
        return info["connected_slaves"] == 2 and all(info[f"slave{number}"]["state"] == "online" for number in range(2))

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.port}/main"

    @asynccontextmanager
    async def lagging(self, delay_s: float) -> AsyncIterator[None]:
        """Both replicas hear of every write so much later, as over a bad line; what is on the line is lost with the primary.

        For eight seconds: then the sentinel finds that they follow by a way of their own and puts that right.
        """

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                there, back = await asyncio.open_connection("127.0.0.1", self.primary.port)
            except OSError:  # it is dead
                writer.close()
                return
            tasks = [asyncio.create_task(_late(there, writer, delay_s)), asyncio.create_task(_late(reader, back, 0.0))]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            for end in (writer, back):
                end.close()

        line = await asyncio.start_server(carry, "127.0.0.1", 0)
        port = line.sockets[0].getsockname()[1]
        for server in self.servers[1:]:
            await asyncio.to_thread(_follow, server.port, port)
        await asyncio.to_thread(wait_until_sync, self._following, timeout=20)
        try:
            yield
        finally:
            line.close()

    def kill_primary(self) -> None:
        self.primary.kill()

    def close(self) -> None:
        process = getattr(self, "_process", None)
        if process is not None:
            process.kill()
            process.wait(10)
        for server in self.servers:
            server.close()
        shutil.rmtree(self.directory, ignore_errors=True)


async def _late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Hand on each piece so much later; what is not handed on when the other end closes is lost."""
    line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    clock = asyncio.get_running_loop().time

    async def hand_on() -> None:
        while True:
            at, piece = await line.get()
            await asyncio.sleep(max(at - clock(), 0))
            writer.write(piece)
            await writer.drain()

    handing = asyncio.create_task(hand_on())
    try:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                line.put_nowait((clock() + delay_s, piece))
    finally:
        handing.cancel()


def _follow(replica: int, primary: int) -> None:
    with redis.Redis(port=replica) as client:
        client.replicaof("127.0.0.1", primary)
