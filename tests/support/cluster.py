"""A Valkey cluster of six for tests: three primaries, each with a replica, on loopback, every write on disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from gateway.store import launch
from tests.support.server import free_port
from tests.support.waiting import wait_until_sync

PRIMARIES = 3
SLOTS = 16384
NODE_TIMEOUT_MS = 1500


class ClusterNode:
    """One server of it. Ends with `close`, or with the process that started it."""

    def __init__(self, directory: Path, port: int, bus: int) -> None:
        self.directory = directory
        self.port = port
        directory.mkdir()
        self._arguments = [
            *launch.flags(directory, directory / "valkey.sock"),
            *("--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--cluster-port", str(bus)),
            *("--cluster-node-timeout", str(NODE_TIMEOUT_MS), "--cluster-config-file", str(directory / "nodes.conf")),
            *("--repl-diskless-sync-delay", "0", "--cluster-allow-replica-migration", "no"),
        ]
        self.client = redis.Redis(port=port, decode_responses=True)
        self.start()

    def start(self) -> None:
        self.process = launch.spawn(launch.find_server().path, self._arguments, log=self.directory / "valkey.log")

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"a node ended: {(self.directory / 'valkey.log').read_text()[-600:]}")
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """As a power cut to the process: no farewell."""
        self.process.kill()
        self.process.wait(10)

    def say(self, *words: str | int) -> Any:
        return self.client.execute_command(*words)  # type: ignore[no-untyped-call]

    @property
    def id(self) -> str:
        return str(self.say("CLUSTER MYID"))

    @property
    def is_primary(self) -> bool:
        return bool(self.client.role()[0] == "master")

    def close(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


class Cluster:
    """Ready to use when the constructor returns. nodes: the primaries at first, then their replicas in the same order."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="thuisfront-cluster-"))
        self.nodes: list[ClusterNode] = []
        try:
            for number in range(2 * PRIMARIES):
                self.nodes.append(ClusterNode(self.directory / str(number), free_port(), free_port()))
            wait_until_sync(lambda: all(node.answers() for node in self.nodes))
            self._join()
        except BaseException:
            self.close()
            raise

    def _join(self) -> None:
        primaries, replicas = self.nodes[:PRIMARIES], self.nodes[PRIMARIES:]
        for number, node in enumerate(self.nodes):
            node.say("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for number, node in enumerate(primaries):
            first, last = number * SLOTS // PRIMARIES, (number + 1) * SLOTS // PRIMARIES - 1
            node.say("CLUSTER ADDSLOTSRANGE", first, last)
        for node in self.nodes[1:]:
            self.nodes[0].say("CLUSTER MEET", "127.0.0.1", node.port, int(node.say("CONFIG GET", "cluster-port")["cluster-port"]))
        wait_until_sync(lambda: all(len(_lines(node)) == len(self.nodes) for node in self.nodes))
        for primary, replica in zip(primaries, replicas, strict=True):
            replica.say("CLUSTER REPLICATE", primary.id)
        self.wait_until_whole()

    def wait_until_whole(self) -> None:
        """Every slot is held, every living node knows it, and every replica follows its primary."""
        wait_until_sync(lambda: all(self._content(node) for node in self.living), timeout=20)

    @staticmethod
    def _content(node: ClusterNode) -> bool:
        try:
            state = node.say("CLUSTER INFO")["cluster_state"]
            link = node.client.info("replication").get("master_link_status", "up")
        except redis.RedisError:
            return False
        return bool(state == "ok" and link == "up")

    @property
    def living(self) -> Sequence[ClusterNode]:
        return [node for node in self.nodes if node.process.poll() is None]

    @property
    def primaries(self) -> Sequence[ClusterNode]:
        return [node for node in self.living if node.is_primary]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def primary_of(self, key: str) -> ClusterNode:
        """Whoever holds this key now."""
        slot = self.living[0].say("CLUSTER KEYSLOT", key)
        for node in self.primaries:
            for line in _lines(node):
                words = line.split()
                if "myself" in words[2] and any(_within(slot, span) for span in words[8:]):
                    return node
        raise AssertionError(f"nobody holds {key}")

    def close(self) -> None:
        for node in self.nodes:
            node.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def _lines(node: ClusterNode) -> list[str]:
    told = node.client.connection_pool  # the parsed form of redis-py loses the order of the words
    connection: Any = told.get_connection()
    try:
        connection.send_command("CLUSTER", "NODES")
        return [line for line in str(connection.read_response()).splitlines() if line and "handshake" not in line]
    finally:
        told.release(connection)


def _within(slot: int, span: str) -> bool:
    if span.startswith("["):  # a slot on its way
        return False
    first, _, last = span.partition("-")
    return int(first) <= slot <= int(last or first)
