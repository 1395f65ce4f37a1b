"""`python main.py events lint|send|replay|schemas`: look at events in files, send them, take one up again."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gateway import directory as directories
from gateway import registry
from gateway.app import open_runtime
from gateway.cli import arguments, events_dryrun, printing, talk
from gateway.cli.dialogue import Dialogue
from gateway.errors import BadInput, GatewayError, Problem
from gateway.intake import asof, schemas
from gateway.intake.checks import Checks
from gateway.intake.cloudevents import MAX_BATCH, Refusal, parse
from gateway.intake.files import read_events
from gateway.model.event import EventType
from gateway.model.ids import EventId, SubjectId, is_id
from gateway.model.personal import Secret
from gateway.notifications import catalogue
from gateway.settings import Settings
from gateway.store import keys
from gateway.store.kept import Kept

BATCH_BYTES = 8 * 1024 * 1024
TRIES = 5
CALL_S = 60.0
NEVER_MS = 7_258_118_400_000
"""The year 2200: a file is looked at for what it is, not for when it would be sent."""


_EXAMPLES = {
    "lint": "events.json",
    "send": "events.json --as-of now",
    "dry-run": "events.json",
    "replay": "e42k3v9p2m4x8qzz",
    "schemas": "docs/schemas",
}


def add_parser(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "events",
        help="check, send or replay events",
        description="Look at events in files, send them, take one up again.",
    )
    parts = parser.add_subparsers(metavar="WHAT", required=True)
    files = "CloudEvents: JSON, a batch, one JSON a line, or a recorded HTTP request"

    lint = parts.add_parser("lint", help="check events in files as the gateway would; sends nothing")
    lint.add_argument("files", nargs="+", type=Path, metavar="FILE", help=files)
    lint.add_argument("--json", action="store_true", help="the findings as JSON")
    lint.set_defaults(work=talk.command(run_lint))

    send = parts.add_parser("send", help="send events to a running gateway: they may reach people")
    send.add_argument("files", nargs="+", type=Path, metavar="FILE", help=files)
    send.add_argument(
        "--as-of",
        metavar="TIME",
        help="`now` or a time: move all times so that the earliest event happens then, with new ids",
    )
    send.add_argument(
        "--anchor", metavar="TIME", help="with --as-of: the moment of the files to move there, not the earliest"
    )
    send.add_argument("--keep-ids", action="store_true", help="with --as-of: leave ids as they are")
    send.add_argument("--url", help="the gateway's internal address (default: this machine, GATEWAY_INTERNAL_PORT)")
    send.add_argument("--key", help="an API key, - asks for it (default: GATEWAY_API_KEY)")
    send.add_argument("--dry-run", action="store_true", help="ask what would become of them; nothing is kept")
    send.add_argument("--json", action="store_true", help="the answers as JSON")
    send.set_defaults(work=talk.command(run_send))

    rehearse = parts.add_parser("dry-run", help="say what the events of a file would do now: to how many, in which words")
    rehearse.add_argument("file", type=Path, metavar="FILE", help=files)
    rehearse.add_argument("--reveal", action="store_true", help="show names and numbers in the examples")
    rehearse.add_argument("--json", action="store_true", help="the answer as JSON")
    rehearse.set_defaults(work=talk.command(events_dryrun.run_dry_run))

    replay = parts.add_parser("replay", help="take an event up again that is open, or was set aside")
    replay.add_argument("id", metavar="EVENT", help="our id of the event, e42...; trace shows it")
    replay.add_argument("--json", action="store_true", help="the answer as JSON")
    replay.set_defaults(work=talk.command(run_replay))

    schema = parts.add_parser("schemas", help="write the JSON Schema of every event type into a directory")
    schema.add_argument("directory", type=Path)
    schema.set_defaults(work=_write)
    arguments.add_examples(parts, "events", _EXAMPLES)


# schemas


def write_schemas(directory: Path) -> list[Path]:
    """One file a type, `flight.status.v1.json`; the files written."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for event_type in EventType:
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schemas.json_schema(event_type)}
        path = directory / f"{event_type.value}.v1.json"
        path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


def _write(args: argparse.Namespace) -> int:
    for path in write_schemas(args.directory):
        print(path)
    return 0


# lint


@dataclass(frozen=True, slots=True)
class Found:
    """One problem of one event. index: its place in its file, from 0."""

    file: str
    index: int
    problem: Problem


async def run_lint(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
    """Check files; 0 when every event would be taken, else 1."""
    count, found = 0, []
    async with aiohttp.ClientSession() as session:
        channels = registry.open_channels(settings, session)
        try:
            wordings = catalogue.load(settings.templates_dir).wordings
            checks = Checks(channels.connectors, directories.read(settings), wordings, settings.brand)
            for path in args.files:
                events = read_events(path)
                count += len(events)
                found += list(_lint(str(path), events, checks))
        finally:
            for connector in channels.connectors.values():
                await connector.close()
    if args.json:
        rows = [
            {"file": one.file, "index": one.index, "field": one.problem.field, "message": one.problem.message}
            for one in found
        ]
        out.show(json.dumps({"events": count, "problems": rows}, indent=2, ensure_ascii=False))
    else:
        for one in found:
            out.show(f"{one.file}, event {one.index + 1}: {one.problem.field}: {one.problem.message}")
        bad = len({(one.file, one.index) for one in found})
        out.show(f"{count} events, {bad} of them would be refused" if bad else f"{count} events, all as they should be")
    return 1 if found else 0


def _lint(file: str, events: Sequence[Any], checks: Checks) -> Iterable[Found]:
    ids = (lambda source, name: EventId(""), lambda family, entity: SubjectId(""))
    for index, value in enumerate(events):
        event = parse(value, ids=ids, now_ms=NEVER_MS)
        for problem in event.problems if isinstance(event, Refusal) else checks.problems(event):
            yield Found(file, index, problem)


# send


async def run_send(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
    """Send the events of files, in their order; 0 when every one was taken, else 1."""
    events = [event for path in args.files for event in read_events(path)]
    if args.as_of:
        anchor = asof.moment_of(args.anchor) if args.anchor else None
        events = asof.shift(events, asof.moment_of(args.as_of), anchor=anchor, keep_ids=args.keep_ids)
    elif args.anchor or args.keep_ids:
        raise BadInput([Problem("--anchor, --keep-ids", "belong to --as-of")])
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    url = (args.url or f"http://{host}:{settings.internal_port}").rstrip("/")
    key = await out.ask_hidden("API key") if args.key == "-" else Secret(args.key) if args.key else settings.api_key
    if not key:
        raise BadInput([Problem("--key", "is missing: set GATEWAY_API_KEY, or give --key -")])
    path = "/v1/events/validate" if args.dry_run else "/v1/events"
    taken, refused = [], []
    timeout = aiohttp.ClientTimeout(total=CALL_S)
    async with aiohttp.ClientSession(timeout=timeout, headers={"Authorization": f"Bearer {key.reveal()}"}) as session:
        place = 0
        for batch in _batches(events):
            answer = await _post(session, f"{url}{path}", batch, out)
            taken += [{**one, "index": place + one["index"]} for one in answer.get("events", [])]
            refused += [{**one, "index": place + one["index"]} for one in answer.get("refused", [])]
            place += len(batch)
            out.progress(f"{place} of {len(events)} events")
    if args.json:
        out.show(json.dumps({"events": taken, "refused": refused}, indent=2, ensure_ascii=False))
    else:
        _tell(events, taken, refused, out)
    return 1 if refused else 0


def _tell(events: Sequence[Any], taken: Sequence[Any], refused: Sequence[Any], out: Dialogue) -> None:
    words = {"new": "taken", "same": "known, counts once"}
    for one in taken:
        event = events[one["index"]]
        out.show(
            f"{words.get(one['answer'], one['answer']):<20} {one['event']}  {event['type']}  {event.get('time', '')}"
        )
    for one in refused:
        for problem in one["problems"]:
            out.show(f"event {one['index'] + 1} refused ({one['status']}): {problem['field']}: {problem['message']}")
    if taken:
        out.show(f"next: {printing.typed('trace ' + taken[-1]['event'])}")


def _batches(events: Sequence[Any]) -> Iterable[list[Any]]:
    batch: list[Any] = []
    size = 0
    for event in events:
        length = len(json.dumps(event))
        if batch and (len(batch) >= MAX_BATCH or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch


async def _post(session: aiohttp.ClientSession, url: str, batch: Sequence[Any], out: Dialogue) -> dict[str, Any]:
    """One batch, sent again while the gateway asks for patience. Raises GatewayError."""
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    for attempt in range(TRIES):
        try:
            async with session.post(url, data=json.dumps(batch).encode(), headers=headers) as response:
                answer = await response.json(content_type=None)
                if response.status in (429, 503) and attempt + 1 < TRIES:
                    wait_s = min(int(response.headers.get("Retry-After", "2")), 30)
                    out.progress(f"the gateway asks to wait {wait_s} s")
                    await asyncio.sleep(wait_s)
                    continue
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise GatewayError(
                f"no answer from {url} ({type(error).__name__}): is the gateway running there?"
            ) from None
        if not isinstance(answer, dict) or (response.status not in (200, 202, 207) and "refused" not in answer):
            detail = answer.get("detail", "") if isinstance(answer, dict) else ""
            raise GatewayError(f"{url} answered {response.status}: {detail}")
        return answer
    raise GatewayError(f"{url} was busy {TRIES} times: send the same file again later, each event counts once")


# replay


async def run_replay(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
    """Take an event up again; 0 when it is being looked at, 1 when it is not there to take up."""
    if not is_id(args.id, "e"):
        raise BadInput([Problem("EVENT", "should be an id of ours such as e42...; `trace` shows it")])
    event = EventId(args.id)
    async with open_runtime(settings) as runtime:
        from gateway.intake.role import make_expander  # what expands is much to load for every other command

        await runtime.fans.forget(event, keys.all_partitions())  # what it told is known by its messages: nobody hears it twice
        people, still = await make_expander(runtime).tell_again(event)
        found = await runtime.events.reopen(event)
        if not found:
            found = await Kept(runtime.connection.redis, runtime.clock).take_up_again(event)
    if args.json:
        out.show(json.dumps({"event": event, "replayed": found, "people": people, "still_set_aside": still}))
        return 0 if found or people else 1
    if still:
        out.show(f"{event} cannot be told to {still:,} who stay set aside: {printing.typed('dead-letters parked')} says why")
    if people:
        out.show(f"{event} was planned for {people:,} who had been set aside\nnext: {printing.typed('trace ' + event)}")
    elif found:
        out.show(f"{event} is looked at again; what was said is not said twice\nnext: {printing.typed('trace ' + event)}")
    elif not still:
        out.show(f"{event} is closed or forgotten: its source can send it again, with a new id")
    return 0 if found or people else 1
