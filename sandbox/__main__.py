"""``python -m sandbox``: run the sandbox until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sqlite3
import sys

from aiohttp import web

from sandbox.app import make_app
from sandbox.config import ConfigError, SandboxConfig, read_config


async def run(config: SandboxConfig) -> None:
    """Serve until a signal says stop. raises: OSError when the port cannot be had"""
    runner = web.AppRunner(make_app(config), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.host, config.port, reuse_address=True)
        await site.start()
        host, port = runner.addresses[0][:2]
        print(f"sandbox: Graph API at http://{host}:{port}/v25.0, phones at http://{host}:{port}/phones", flush=True)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, stop.set)
        await stop.wait()
    finally:
        await runner.cleanup()


def main(argv: list[str] | None = None) -> int:
    """Exit code 0 after a clean stop, 1 when it cannot run (one line on stderr names the setting), 2 for bad arguments."""
    try:
        config = read_config(argv, os.environ)
    except ConfigError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    try:
        asyncio.run(run(config))
    except KeyboardInterrupt:
        return 0
    except sqlite3.Error as error:
        print(f"sandbox: SANDBOX_DATA_DIR {config.data_dir!r}: {error}", file=sys.stderr)
        return 1
    except socket.gaierror:
        print(f"sandbox: SANDBOX_HOST {config.host!r} is no address of this machine", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            why = "is taken" if error.errno == errno.EADDRINUSE else "cannot be used"
            print(f"sandbox: SANDBOX_PORT {config.port} on {config.host} {why}; choose another", file=sys.stderr)
        else:
            print(f"sandbox: SANDBOX_DATA_DIR {config.data_dir!r}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
