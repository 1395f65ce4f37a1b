"""`python main.py keys`: the key ring that seals personal data. A key is printed when it is made, and never again."""

from __future__ import annotations

import argparse
import base64
import os
import sys
from typing import Any

from gateway.cli import arguments, asking, opening, printing
from gateway.errors import GatewayError
from gateway.settings import Settings
from gateway.store import audit, rotation
from gateway.store.stamp import at_work
from gateway.store.vault import KeyRing, ring_for

KEEP_APART = "Keep it apart from the backups: with both, a stranger can read everything; without it, nobody can."


def add_parser(commands: Any) -> None:
    group = arguments.group(commands, "keys", help="the key ring that seals personal data (GATEWAY_KEYS)")
    new = arguments.command(
        group, "new", help="print a new value for GATEWAY_KEYS", about=KEEP_APART, example="keys new >> keys.txt"
    )
    new.set_defaults(work=_new)
    show = arguments.command(
        group, "show", help="which keys there are and how many data keys each wraps; never a key", example="keys show"
    )
    show.set_defaults(work=_show)
    rotate = arguments.command(
        group,
        "rotate",
        help="renew the key that wraps",
        about=(
            "In three steps: 1. `keys rotate` prints the ring with one more key. 2. Give that value to every process and start\n"
            "them again, all at once: one with the old ring cannot read what one with the new ring has made. 3. `keys rotate\n"
            "--rewrap` moves all data keys to the newest key while the gateway runs; it may be stopped and begun again.\n"
            "Then `keys show` says which keys nothing needs any more."
        ),
        example="keys rotate",
        yes=True,
    )
    rotate.add_argument("--rewrap", action="store_true", help="move the data keys to the newest key of the ring")
    rotate.set_defaults(work=_rotate)


def _new(args: argparse.Namespace) -> int:
    return _print_ring(args, KeyRing.generate().reveal(), KEEP_APART)


def _print_ring(args: argparse.Namespace, value: str, hint: str) -> int:
    """The value alone on standard output; on a terminal, what to do with it on standard error."""
    if args.json:
        printing.as_json({"GATEWAY_KEYS": value})
    else:
        print(value)
    if sys.stdout.isatty():
        print(hint, file=sys.stderr)
    return 0


def _rotate(args: argparse.Namespace) -> int:
    settings = opening.read_settings()
    if args.rewrap:
        return _rewrap(args, settings)
    ring = ring_for(settings.keys, settings.data_dir)
    entries = {"index": ring.index, **{str(version): key for version, key in sorted(ring.wrapping.items())}}
    entries[str(ring.current + 1)] = os.urandom(32)
    value = ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in entries.items())
    hint = f"Put it in {_place(settings)}, start every process again, then: python main.py keys rotate --rewrap\n{KEEP_APART}"
    return _print_ring(args, value, hint)


def _place(settings: Settings) -> str:
    return "GATEWAY_KEYS" if settings.keys is not None else f"GATEWAY_KEYS, or in the file {settings.data_dir / 'keys'}"


def _show(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        io = asking.terminal()
        async with opening.open_store(settings) as opened:
            ring = opened.ring
            found = await rotation.usage(opened.connection.redis, lambda count: io.progress(f"{count:,} keys looked at"))
            io.progress("")
        versions = sorted({*ring.wrapping, *found.versions})
        missing = [version for version in versions if version not in ring.wrapping]
        idle = [version for version in ring.wrapping if version != ring.current and not found.total(version)]
        if args.json:
            rows = [
                {"version": version, "state": _state(version, ring), **dict(zip(_KINDS, _counts(version, found), strict=True))}
                for version in versions
            ]
            printing.as_json({"current": ring.current, "versions": rows, "missing": missing, "may_be_taken_out": idle})
        else:
            table = [(version, _state(version, ring), *_counts(version, found)) for version in versions]
            print(printing.columns(("key", "state", *_KINDS), table))
            print("\n".join(_sentences(ring, found, missing, idle)))
        return 1 if missing else 0

    return opening.run(work)


_KINDS = ("contacts", "days", "agents", "subjects")


def _counts(version: int, found: rotation.Usage) -> tuple[int, int, int, int]:
    return found.contacts[version], found.days[version], found.agents[version], found.subjects[version]


def _state(version: int, ring: KeyRing) -> str:
    if version not in ring.wrapping:
        return "MISSING"
    return "wraps" if version == ring.current else "opens"


def _sentences(ring: KeyRing, found: rotation.Usage, missing: list[int], idle: list[int]) -> list[str]:
    said = []
    for version in missing:
        said.append(f"Key {version} is missing from GATEWAY_KEYS: what it seals cannot be read. Put it back.")
    for version in idle:
        said.append(f"Nothing needs key {version} any more: it may be taken out of GATEWAY_KEYS.")
    behind = sum(found.movable(version) for version in ring.wrapping if version != ring.current)
    if behind:
        said.append(f"{behind:,} under older keys: python main.py keys rotate --rewrap")
    ending = sum(found.subjects[version] for version in ring.wrapping if version != ring.current)
    if ending:
        said.append(
            f"{printing.counted(ending, 'subject')} under older keys: they end by themselves, 30 days after the journey or order"
        )
    return said or [f"Everything is under key {ring.current}."]


def _rewrap(args: argparse.Namespace, settings: Settings) -> int:
    async def work() -> int:
        io = asking.terminal()
        async with opening.open_store(settings) as opened:
            redis, ring = opened.connection.redis, opened.ring
            busy = await at_work(redis)
            if busy:
                processes = printing.counted(busy, "process works", "processes work")
                question = f"{processes} on this store. Does every one have key {ring.current}? What it lacks it cannot read."
                if not await asking.sure(question, yes=args.yes):
                    print("Nothing was changed.")
                    return 1
            mover = rotation.Rewrap(redis, ring, opened.vault)
            try:
                await mover.run(lambda looked, total: io.progress(f"{looked:,} of {total:,} contacts looked at"))
            finally:
                io.progress("")
                if mover.moved:
                    detail: dict[str, str | int] = {"key": ring.current, "count": mover.moved, "who": arguments.login()}
                    await audit.write_fact(redis, opened.clock, "rewrapped", detail=detail)
            found = await rotation.usage(redis)
        left = sum(found.movable(version) for version in found.versions if version != ring.current)
        idle = [version for version in ring.wrapping if version != ring.current and not found.total(version)]
        if args.json:
            printing.as_json({"moved": mover.moved, "left": left, "current": ring.current, "may_be_taken_out": idle})
        else:
            print(f"{mover.moved:,} moved to key {ring.current}; {left:,} left under older ones.")
            print("\n".join(_sentences(ring, found, [], idle)))
        if left:
            raise GatewayError("some were made meanwhile by a process with the old ring: start it again, then repeat this")
        return 0

    return opening.run(work)
