"""Histories with their tables made: the first is brought to its shape by the house, every other one is a copy of it."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from gateway.insight.database import open_database
from tests.support import postgres


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="history-")


_databases: dict[Path, str] = {}


async def copy_of_file(into: Path) -> str:
    """Its URL."""
    first = Path(_directory().name) / "history.db"
    if not first.exists():
        await (await open_database(f"sqlite:///{first}")).close()
    shutil.copyfile(first, into)
    return f"sqlite:///{into}"


async def copy_of_database(server: Path) -> str:
    """Its URL."""
    if server not in _databases:
        url = await postgres.new_database(server)
        await (await open_database(url)).close()
        _databases[server] = postgres.name_of(url)
    return await postgres.new_database(server, _databases[server])
