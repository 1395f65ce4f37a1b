"""A real Valkey for tests: on a private unix socket, every write on disk, with whatever configuration a test asks for."""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
from collections import deque
from pathlib import Path
from socket import create_server

import redis

from gateway.store import launch
from tests.support.waiting import wait_until_sync

_given: deque[int] = deque(maxlen=50)
PORTS = range(11_000, 21_000)
"""below those that the system gives to whoever connects or asks for any: none of them may take one in the middle of a test"""


def free_port() -> int:
    """A port of loopback that nobody uses now, and that was not given out just before. Replicas and sentinels find one
    another by port, not by socket."""
    while True:
        port = random.SystemRandom().choice(PORTS)  # not the order that a seeded test, or its neighbour's, goes by
        if port in _given:
            continue
        try:
            create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        _given.append(port)
        return port


class StoreServer:
    """Starts at once and answers when the constructor returns; ends with `close`, or with the process that started it.

    options:  configuration in the server's own words, over those of the embedded server: {"appendfsync": "everysec"}
    port:     listen there too, on loopback, without a password
    """

    def __init__(self, options: dict[str, str] | None = None, *, port: int = 0) -> None:
        # Not pytest's tmp_path: under it a socket's path is easily longer than the 107 bytes that a socket may have.
        self.directory = Path(tempfile.mkdtemp(prefix="thuisfront-test-"))
        self.socket = self.directory / "valkey.sock"
        self.log = self.directory / "valkey.log"
        self.url = f"unix://{self.socket}"
        self.port = port
        self._arguments = [*launch.flags(self.directory, self.socket), "--port", str(port), "--bind", "127.0.0.1"]
        for name, value in (options or {}).items():
            self._arguments += [f"--{name}", value]
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        process = launch.spawn(launch.find_server().path, self._arguments, log=self.log)

        def answers() -> bool:
            if process.poll() is not None:
                raise AssertionError(f"the server ended: {self.log.read_text()[-600:]}")
            with redis.Redis(unix_socket_path=str(self.socket)) as client:
                try:
                    return bool(client.ping())
                except redis.ConnectionError:
                    return False

        wait_until_sync(answers)
        return process

    def kill(self) -> None:
        """As a power cut to the process: no farewell."""
        self.process.kill()
        self.process.wait(10)

    def restart(self) -> None:
        """Start again on the same data, on the same socket. After `kill`, or instead of a stop in peace."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        self.socket.unlink(missing_ok=True)
        self.process = self._start()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)
