"""`python main.py backup [FILE]`: store and history in one file, while the gateway runs. Never the keys."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.cli import arguments, asking, ending, opening, printing, restore
from gateway.cli.dialogue import Terminal
from gateway.errors import BadInput, GatewayError, Problem
from gateway.insight import history_copy
from gateway.settings import Settings
from gateway.store import archive, audit, layout, ledger, restoring, rotation, snapshot

_HISTORY_ELSEWHERE = "the history lies in a server of its own: copy it with that server's tools (pg_dump)"


def add_parser(commands: Any) -> None:
    parser = arguments.command(
        commands,
        "backup",
        help="copy store and history into one file, while the gateway runs",
        about=(
            "The copy is of one moment; nobody waits for it. The file holds personal data, sealed: it is readable by you alone,\n"
            "and without GATEWAY_KEYS by nobody. The keys are never in it: keep them elsewhere. See docs/backup.md."
        ),
        example="backup /backups/thuisfront-monday.tar",
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: thuisfront-ENV-TIME.tar, here")
    parser.add_argument("--without-history", action="store_true", help="the store alone")
    arguments.add_who(parser)
    parser.set_defaults(work=_backup)
    restore.add_parser(commands)


def _backup(args: argparse.Namespace) -> int:
    settings = opening.read_settings()
    target: Path = args.file or Path(f"thuisfront-{settings.env.value}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar")
    if not target.absolute().parent.is_dir():
        raise BadInput([Problem("FILE", f"{target.absolute().parent} is no directory")])
    return ending.run(lambda: _take(args, settings, target.absolute()))


async def _take(args: argparse.Namespace, settings: Settings, target: Path) -> int:
    io = asking.terminal()
    began = time.monotonic()
    async with opening.open_store(settings) as opened:
        redis = opened.connection.redis
        if not await restoring.occupied(opened.connection):
            # A copy of nothing would one day push the last good one out.
            raise GatewayError(f"the store at {opened.connection.where} is empty: is this the right GATEWAY_DATA_DIR or server?")
        used = await rotation.usage(redis, lambda count: io.progress(f"{count:,} keys looked at"))
        missing = [version for version in used.versions if version not in opened.ring.wrapping]
        if missing:
            names = ", ".join(map(str, missing))
            io.show(f"Careful: key {names} is missing from GATEWAY_KEYS, and the copy cannot be restored without it.")
        beside = ledger.Ledger(settings.ledger_file, opened.vault.blind)
        number = secrets.token_hex(8)
        source = history_copy.sqlite_path(settings.history_url)
        elsewhere = source is None
        with archive.writing(target) as writer:
            history = None
            if source is not None and source.exists() and not args.without_history:
                # The history first: what is folded meanwhile still lies in the store's streams for an hour, so that the fold goes
                # on from this copy without a gap. The other way round the history would know more than the store.
                await _history(source, writer, io)
                history = archive.HISTORY
            taken_ms = ledger.now_ms()
            await beside.append(ledger.Entry(ledger.BACKUP, taken_ms, taken_ms, note=number))
            writer.begin(archive.STORE)
            taken = await snapshot.take(
                opened.connection, writer.add, lambda count: io.progress(f"store: {count / 1e6:,.1f} MB")
            )
            writer.end()
            manifest = archive.Manifest(
                id=number,
                taken_ms=taken_ms,
                environment=settings.env.value,
                layout=layout.VERSION,
                server=opened.connection.durability.server,
                keys=restoring.fingerprints(opened.ring),
                needed=tuple(used.versions),
                count=taken.keys,
                history="elsewhere" if elsewhere else history,
                parts=writer.parts,
            )
            writer.finish(manifest, opened.vault.blind)
            io.progress("writing it to disk")
        io.progress("")
        detail: dict[str, str | int] = {"id": number, "who": args.who}
        await audit.write_fact(redis, opened.clock, "backed_up", detail=detail)
    _tell(args, settings, target, manifest, time.monotonic() - began)
    return 0


async def _history(source: Path, writer: archive.Writer, io: Terminal) -> None:
    """A copy beside the file to be, then a part of it."""
    copy = writer.path.with_suffix(".history")
    stop = threading.Event()
    try:
        await asyncio.to_thread(history_copy.copy, source, copy, stop)
        io.progress("history")
        await asyncio.to_thread(writer.add_file, archive.HISTORY, copy)
    finally:
        stop.set()
        for tail in ("", "-journal"):
            copy.with_name(copy.name + tail).unlink(missing_ok=True)


def _tell(args: argparse.Namespace, settings: Settings, target: Path, manifest: archive.Manifest, seconds: float) -> None:
    size = target.stat().st_size
    if args.json:
        printing.as_json(
            {
                "file": str(target),
                "bytes": size,
                "id": manifest.id,
                "taken": printing.iso(manifest.taken_ms),
                "seconds": round(seconds, 3),
                "environment": manifest.environment,
                "layout": manifest.layout,
                "server": manifest.server,
                "keys_in_store": manifest.count,
                "needs_keys": ["index", *manifest.needed],
                "history": manifest.history or "left out",
                "parts": {name: {"bytes": part[0], "sha256": part[1]} for name, part in manifest.parts.items()},
                "ledger": str(settings.ledger_file),
            }
        )
        return
    print(f"{target}: {size / 1e6:,.1f} MB, {manifest.count:,} keys as of {printing.when(manifest.taken_ms)}, {seconds:.1f} s.")
    if manifest.history == "elsewhere":
        print(f"Without history: {_HISTORY_ELSEWHERE}.")
    elif manifest.history is None:
        print("Without history: there is none yet, or it was left out.")
    versions = ", ".join(["index", *map(str, manifest.needed)])
    print(f"To restore it takes key {versions} of GATEWAY_KEYS, which is not in it. Keep both, and not in one place.")
    print(f"Keep the ledger {settings.ledger_file} where it outlives the store: who stops or is erased from now on stands there.")
