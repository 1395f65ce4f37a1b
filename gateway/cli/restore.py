"""`python main.py restore FILE`: brings a backup back, held: nobody is written to until `resume all`.

Everything is checked and prepared beside the store first; the store itself changes in the last step. `--in-place` is for a store
that was brought back by other means (a provider's snapshot, a copied directory): it is held and told the same.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.cli import arguments, asking, ending, opening, printing
from gateway.cli import restore_told as told
from gateway.cli.dialogue import Terminal
from gateway.clock import Clock
from gateway.errors import BadInput, Conflict, GatewayError, LayoutMismatch, Problem, StoreError, StoreRefused
from gateway.insight import history_copy
from gateway.model.ids import ContactId
from gateway.settings import Environment, Settings
from gateway.store import archive, audit, layout, ledger, restored, restoring, rotation
from gateway.store.client import Connection
from gateway.store.hold import Hold
from gateway.store.vault import KeyRing, Vault, ring_for
from gateway.store.wakeup import read_offset

SKEW_MS = 600_000
"""Clocks of several machines differ, and what was said twice is heard once."""
def add_parser(commands: Any) -> None:
    parser = arguments.command(
        commands,
        "restore",
        help="bring a backup back, held: nothing is sent until `resume all`",
        about=(
            "Stop the gateway first, everywhere. People who stopped or were erased since the backup are read from the ledger\n"
            "(GATEWAY_LEDGER_FILE). What was queued then may have been sent since: it says how many and what becomes of them.\n"
            "See docs/backup.md."
        ),
        example="restore /backups/thuisfront-monday.tar --dry-run",
        yes=True,
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="what `backup` wrote")
    parser.add_argument("--replace", action="store_true", help="the store is not empty: set it aside (a server's is emptied)")
    parser.add_argument("--dry-run", action="store_true", help="check the file, the keys and the ledger; change nothing")
    parser.add_argument(
        "--in-place", action="store_true", help="no FILE: the store was brought back by other means; hold it and tell it the rest"
    )
    parser.add_argument(
        "--ledger", type=Path, action="append", default=[], metavar="PATH", help="one more ledger, another machine's (repeatable)"
    )
    parser.add_argument(
        "--without-ledger", action="store_true", help="the ledger is lost: whoever stopped or was erased since may be written to"
    )
    arguments.add_who(parser)
    parser.set_defaults(work=_restore)


def _restore(args: argparse.Namespace) -> int:
    if args.in_place == (args.file is not None):
        args.fail("give FILE, or --in-place without one")
    if args.in_place and args.replace:
        args.fail("--replace is for a FILE")
    settings = opening.read_settings()
    return ending.run(lambda: _in_place(args, settings) if args.in_place else _from_file(args, settings))


# from a file


async def _from_file(args: argparse.Namespace, settings: Settings) -> int:
    io = asking.terminal()
    path: Path = args.file.absolute()
    if settings.keys is None and not (settings.data_dir / "keys").exists():
        raise StoreRefused(f"the keys are missing: set GATEWAY_KEYS, or put back {settings.data_dir / 'keys'}; a backup has none")
    ring = ring_for(settings.keys, settings.data_dir)
    manifest = await _checked(path, settings, ring, io)
    readings = _ledgers(args, settings, ring, manifest.id)
    report = told.Report(manifest.taken_ms, ledgers=readings)
    if args.dry_run:
        told.tell_dry(path, manifest, report, as_json=args.json)
        return 0
    target = await restoring.damaged_or_open(settings)
    try:
        if not await _agreed(args, settings, target, manifest):
            print("Nothing was changed.")
            return 1
        if target is not None and target.embedded is not None:
            await target.close()  # its directory is taken from under it
            target = None
        await _bring(args, settings, ring, path, manifest, target, report, io)
    finally:
        if target is not None:
            await target.close()
    told.tell(report, as_json=args.json)
    return 0


async def _checked(path: Path, settings: Settings, ring: KeyRing, io: Terminal) -> archive.Manifest:
    """The manifest of a sound file of this environment and ring. Raises Damaged, StoreRefused, LayoutMismatch, BadInput."""
    manifest, text, seal = archive.read_manifest(path)
    if manifest.environment != settings.env.value:
        raise StoreRefused(
            f"{path} was taken in the environment {manifest.environment!r} and GATEWAY_ENV is {settings.env.value!r}: its people "
            "are other people. Mend GATEWAY_ENV, or take another file. Nothing was changed."
        )
    if manifest.layout > layout.VERSION:
        raise LayoutMismatch(
            f"{path} has layout {manifest.layout}, newer than this program ({layout.VERSION}): use a newer program. "
            "Nothing was changed."
        )
    restoring.check_ring(ring, manifest)
    if not hmac.compare_digest(restoring.blind_of(ring)("backup", text), seal):
        raise archive.Damaged(f"{path}: its manifest was changed after it was written. Nothing was changed; take another backup")
    size = sum(part[0] for part in manifest.parts.values())
    await asyncio.to_thread(
        archive.check_parts, path, manifest, lambda count: io.progress(f"checking: {count / 1e6:,.0f} of {size / 1e6:,.0f} MB")
    )
    io.progress("")
    return manifest


def _ledgers(args: argparse.Namespace, settings: Settings, ring: KeyRing, number: str) -> list[ledger.Reading]:
    """What can be read of the ledgers. Raises StoreRefused where there is none, or none that knows this backup."""
    blind = restoring.blind_of(ring)
    paths = list(dict.fromkeys([settings.ledger_file, *args.ledger]))
    readings = []
    for path in paths:
        try:
            readings.append(ledger.read(path, blind))
        except FileNotFoundError:
            if path in args.ledger:
                raise BadInput([Problem("--ledger", f"{path} is not there")]) from None
        except OSError as error:
            raise StoreRefused(f"the ledger {path} cannot be read ({error.strerror}): mend its rights") from error
    if args.without_ledger:
        return readings
    mend = "Name it with --ledger; or, if it is lost, say --without-ledger: whoever stopped or was erased since may be written to"
    if not readings:
        raise StoreRefused(f"there is no ledger at {settings.ledger_file}: who stopped or was erased since is not known. {mend}")
    if number and not any(reading.knows(number) for reading in readings):
        names = ", ".join(str(reading.path) for reading in readings)
        raise StoreRefused(f"the ledger {names} does not know this backup: it is older, or lay beside another store. {mend}")
    return readings


async def _agreed(
    args: argparse.Namespace, settings: Settings, target: Connection | None, manifest: archive.Manifest
) -> bool:
    """Whether the place is free, or may be made so. Raises Conflict."""
    if target is None:
        found = "a store that does not start"
    else:
        await restoring.refuse_busy(target)
        found = await restoring.occupied(target)
    if not found:
        return True
    where = target.where if target is not None else str(settings.data_dir / "store")
    if not args.replace:
        raise Conflict(f"{where} is not empty ({found}): --replace puts the backup in its place. Nothing was changed.")
    fate = "is set aside" if settings.redis_url is None else "is DELETED"
    when = printing.when(manifest.taken_ms)
    return await asking.sure(f"{where} holds {found}. It {fate}, and the store of {when} comes back. Go on?", yes=args.yes)


async def _bring(
    args: argparse.Namespace,
    settings: Settings,
    ring: KeyRing,
    path: Path,
    manifest: archive.Manifest,
    target: Connection | None,
    report: told.Report,
    io: Terminal,
) -> None:
    def rdb(into: Path) -> None:
        archive.unpack(path, archive.STORE, into, lambda count: io.progress(f"unpacking: {count / 1e6:,.0f} MB"))

    async with restoring.loaded(settings, rdb, io.progress) as beside:
        redis = beside.connection.redis
        await layout.migrate(redis, dry_run=False)
        lacking = [version for version in (await rotation.usage(redis)).versions if version not in ring.wrapping]
        if lacking:
            names = ", ".join(map(str, lacking))
            raise StoreRefused(f"key {names} is missing from GATEWAY_KEYS: what it seals could not be read. Nothing was changed.")
        sent = await _sent(settings, manifest.taken_ms, await _clock(settings, beside.connection), report, io)
        await _make_ready(args, settings, beside.connection, ring, report, sent, io, f"backup {manifest.id}")
        if manifest.history == archive.HISTORY:
            await _history(settings, path, report)
        await _erase_again(settings, report)
        if target is not None:
            await restoring.pour(redis, target.redis, io.progress, replaces=args.replace)
        else:
            if report.heard.erased:
                io.progress("writing the store anew, without those who were erased")
                await restoring.rewritten(redis)
            await beside.connection.close()
            aside = restoring.move_in(beside.directory, settings.data_dir, keep_old=args.replace)
            report.aside += [str(aside)] if aside is not None else []
    io.progress("")


async def _clock(settings: Settings, connection: Connection) -> Clock:
    clock = Clock()
    if settings.env is Environment.DEMO:
        clock.offset_ms = await read_offset(connection.redis)
    return clock


async def _sent(
    settings: Settings, taken_ms: int, clock: Clock, report: told.Report, io: Terminal
) -> Mapping[str, restored.Sent]:
    """What a history that is younger than the backup proves; nothing where there is none."""
    path = history_copy.sqlite_path(settings.history_url)
    if path is not None and await asyncio.to_thread(history_copy.youngest_ms, path) is None:
        return {}
    try:
        from gateway.insight.history import open_history

        history = await open_history(settings.history_url)
        try:
            found = await history_copy.sent_since(history, taken_ms + clock.offset_ms - SKEW_MS)
        finally:
            await history.close()
    except StoreError as error:
        io.show(f"The history cannot be asked what was sent since the backup: {error}")
        return {}
    if found:
        report.history = f"it shows {printing.counted(len(found), 'message')} that the channel took around or after the backup"
    return found


async def _make_ready(
    args: argparse.Namespace,
    settings: Settings,
    connection: Connection,
    ring: KeyRing,
    report: told.Report,
    sent: Mapping[str, restored.Sent],
    io: Terminal,
    what: str,
) -> None:
    """Hold it first, then tell it what has happened since."""
    clock = await _clock(settings, connection)
    redis = connection.redis
    when = printing.when(report.taken_ms)
    note: dict[str, str | int] = {"taken": report.taken_ms, "at": clock.now_ms(), "from": what, "who": args.who}
    await Hold(redis).put(clock, who=args.who, why=f"restored: the store is that of {when}", note=note)
    steps = restored.Restored(redis, clock, Vault(ring, redis))
    await steps.forget_the_past()
    report.heard = await steps.hear(ledger.since(report.ledgers, report.taken_ms - SKEW_MS), report.taken_ms)
    report.uncertain = await steps.doubt(
        sent, evidence_ms=settings.evidence_ms, told=lambda count: io.progress(f"{count:,} queued messages looked at")
    )
    detail: dict[str, str | int] = {
        "taken": report.taken_ms, "who": args.who, "withdrawn": report.heard.withdrawn, "erased": report.heard.erased,
        "uncertain": len(report.uncertain.maybe), "proven": report.uncertain.proven,
    }  # fmt: skip
    await audit.write_fact(redis, clock, "restored", detail=detail)


async def _history(settings: Settings, path: Path, report: told.Report) -> None:
    """The backup's history where there is none that knows more."""
    place = history_copy.sqlite_path(settings.history_url)
    if place is None:
        report.history = "a server of its own has it; the file's copy was left where it is"
        return
    here = await asyncio.to_thread(history_copy.youngest_ms, place)
    ready = place.with_name(f".{place.name}.restored")
    ready.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        await asyncio.to_thread(archive.unpack, path, archive.HISTORY, ready)
        await asyncio.to_thread(history_copy.check, ready)
        copied = await asyncio.to_thread(history_copy.youngest_ms, ready)
        if here is not None and here >= (copied or 0):
            report.history = f"{place} stays: it knows at least as much; {report.history or 'nothing of after the backup'}"
            return
        aside = history_copy.put(ready, place)
        report.history = f"{place} came back"
        report.aside += [str(aside)] if aside is not None else []
    except OSError as error:
        raise archive.no_room(place.parent, error) from error
    finally:
        with contextlib.suppress(OSError):
            ready.unlink(missing_ok=True)


async def _erase_again(settings: Settings, report: told.Report) -> None:
    """A history that came back too may know people who were erased since: they go from it, before anything starts."""
    entries = ledger.since(report.ledgers, report.taken_ms - SKEW_MS)
    erased = [ContactId(entry.contact) for entry in entries if entry.kind == ledger.ERASED]
    path = history_copy.sqlite_path(settings.history_url)
    if not erased or (path is not None and not await asyncio.to_thread(path.is_file)):
        return
    from gateway.insight.closed import erase
    from gateway.insight.database import open_database

    database = await open_database(settings.history_url)
    try:
        for contact in dict.fromkeys(erased):
            await database.call(lambda connection, contact=contact: erase(connection, contact))  # type: ignore[misc]
    finally:
        await database.close()


# in place


async def _in_place(args: argparse.Namespace, settings: Settings) -> int:
    io = asking.terminal()
    async with opening.open_store(settings) as opened:
        await restoring.refuse_busy(opened.connection)
        taken_ms = await restored.youngest_ms(opened.connection.redis)
        if not taken_ms:
            raise GatewayError("this store is empty: bring it back first, then hold it with --in-place")
        report = told.Report(taken_ms, ledgers=_ledgers(args, settings, opened.ring, ""))
        if args.dry_run:
            found = f"The store's youngest fact is of {printing.when(taken_ms)}."
            print(f"{found} {told.ledger_words(report)}") if not args.json else printing.as_json(told.data(report))
            return 0
        question = f"The store is that of {printing.when(taken_ms)}. Hold it, and make what is queued uncertain?"
        if not await asking.sure(question, yes=args.yes):
            print("Nothing was changed.")
            return 1
        sent = await _sent(settings, taken_ms, opened.clock, report, io)
        await _make_ready(args, settings, opened.connection, opened.ring, report, sent, io, "in place")
        await _erase_again(settings, report)
    io.progress("")
    told.tell(report, as_json=args.json)
    return 0
