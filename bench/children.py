"""Processes of the benchmark's own: started, asked for the port they chose, and ended by their id."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_S = 30.0
END_S = 30.0


@asynccontextmanager
async def child(
    arguments: Sequence[str],
    env: Mapping[str, str] | None = None,
    *,
    log: Path | None = None,
    program: str = sys.executable,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process in the project's root, its output readable; terminated and waited for at the end.

    log: where its errors and log lines go; None = beside ours; program: another interpreter than ours
    """
    errors = log.open("wb") if log is not None else None
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(END_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if errors is not None:
            errors.close()


async def first_line(process: asyncio.subprocess.Process, within_s: float = START_S) -> str:
    """The next line that a child prints. Raises TimeoutError, or RuntimeError when it ended instead."""
    assert process.stdout is not None
    async with asyncio.timeout(within_s):
        raw = await process.stdout.readline()
    if not raw:
        raise RuntimeError(f"a process of the benchmark ended early with {await process.wait()}")
    return raw.decode().strip()
