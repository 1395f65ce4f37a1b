"""Contacts with their consents from a file: CSV or one JSON a line, checked line by line, and taken up again where it
stopped.

A line makes or finds a contact by its address, joins the customer to it, and writes one consent into the ledger. A line
without evidence, under an unknown wording or with a number that is none is refused and named in the report; its
neighbours go on. Every line may be taken in twice: the same consent again is older than what is known and changes
nothing.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from gateway.api.fields import Brand, Moment, Word, Zone, names_of, printable, problems_of
from gateway.api.people import CUSTOMERS, People
from gateway.errors import BadInput, Conflict, NotFound, Problem, Sealed
from gateway.model.contact import Address, ConsentEntry, Identifier, Profile, Traveller
from gateway.model.ids import AddressId
from gateway.model.personal import Personal
from gateway.store.contacts import FactChange
from gateway.store.positions import ImportPositions

CHUNK = 200
"""Lines taken in between two notes of the position."""
AT_ONCE = 16
MAX_FILE = 128 * 1024 * 1024

COLUMNS = (
    "address", "channel", "customer", "name", "language", "timezone", "purpose", "brand", "granted_at", "how",
    "wording", "evidence",
)  # fmt: skip
NEEDED = ("address", "channel", "purpose", "granted_at", "how", "wording", "evidence")

_Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]


class Row(BaseModel):
    """One line as it is written: texts, empty where there is nothing."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(min_length=3, max_length=160)]
    channel: Annotated[str, Field(pattern=r"^(whatsapp|messenger)$")]
    customer: _Line | None = None
    name: _Line | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] | None = None
    timezone: Zone | None = None
    purpose: Annotated[str, Field(pattern=r"^(journey|service|family|survey|offers)$")]
    brand: Brand | None = None
    granted_at: Moment
    how: Word
    wording: Word
    evidence: Annotated[str, Field(min_length=1, max_length=2000)]


_NAMES = names_of(Row)


@dataclass(frozen=True, slots=True)
class Line:
    """number: of its first line in the file, from 1"""

    number: int
    identifier: Identifier
    row: Row
    brand: str


@dataclass(frozen=True, slots=True)
class Refused:
    number: int
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Tally:
    """lines: looked at; taken: contacts and consents written, known: nothing new in them; refused: in the report"""

    lines: int = 0
    taken: int = 0
    known: int = 0
    refused: int = 0
    resumed_at: int = 0


# reading


def load(path: Path) -> tuple[bytes, str]:
    """A file's bytes without a byte order mark, and the digest that names it. Raises BadInput."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise BadInput([Problem(str(path), f"should be at most {MAX_FILE // 1024**2} MiB: split it")])
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput([Problem(str(path), f"cannot be read: {error.strerror}")]) from None
    digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
    return raw.removeprefix(b"\xef\xbb\xbf"), digest


def rows(raw: bytes, name: str) -> Iterator[tuple[int, Mapping[str, Any] | Problem]]:
    """(line number, fields) of each line; a Problem for one that is none. Raises BadInput for the whole file."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadInput([Problem(f"{name}, line {line}", "should be UTF-8: save the file in that encoding")]) from None
    yield from _jsonl(text) if text.lstrip()[:1] == "{" else _csv(text, name)


def _jsonl(text: str) -> Iterator[tuple[int, Mapping[str, Any] | Problem]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        yield number, value if isinstance(value, dict) else Problem("line", "should be one JSON object")


def _csv(text: str, name: str) -> Iterator[tuple[int, Mapping[str, Any] | Problem]]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [column.strip().lower() for column in next(reader, [])]
    except csv.Error:
        header = []
    missing = [column for column in NEEDED if column not in header]
    unknown = [str(place + 1) for place, column in enumerate(header) if column not in COLUMNS]
    problems = [Problem(f"{name}, line 1", f"the column {column} is missing") for column in missing]
    if unknown:
        known = ", ".join(COLUMNS)
        problems.append(Problem(f"{name}, line 1", f"column {', '.join(unknown)} is none that is known: {known}"))
    if len(set(header)) != len(header):
        problems.append(Problem(f"{name}, line 1", "a column stands twice"))
    if problems:
        raise BadInput(problems)
    while True:
        number = reader.line_num + 1
        try:
            values = next(reader, None)
        except csv.Error:  # a quote that is never closed swallows the rest of the file: it is one line then
            yield number, Problem("line", "a quoted field does not end as it should")
            continue
        if values is None:
            return
        if not any(value.strip() for value in values):
            continue
        if len(values) != len(header):
            yield number, Problem("line", f"should have {len(header)} fields as the first line has")
            continue
        yield number, dict(zip(header, values, strict=True))


def check(number: int, fields: Mapping[str, Any] | Problem, people: People) -> Line | Refused:
    """One line against its schema, its channel and the wordings. Pure."""
    if isinstance(fields, Problem):
        return Refused(number, (fields,))
    filled = {
        name: value.strip() if isinstance(value, str) else value
        for name, value in fields.items()
        if not (value is None or (isinstance(value, str) and not value.strip()))
    }
    try:
        row = Row.model_validate(filled)
    except ValidationError as error:
        return Refused(number, tuple(problems_of(error, _NAMES)))
    brand = row.brand or people.default_brand
    problems = [
        replace(one, field="granted_at") if one.field == "at" else one
        for one in people.consent_problems(_entry(row, brand), "")
    ]
    try:
        connector = people.connectors.get(row.channel)
        if connector is None:
            raise BadInput([Problem("channel", f"should be one of {', '.join(sorted(people.connectors))}")])
        identifier = connector.identify(row.address, people.directory.scope_of(brand, row.channel))
    except BadInput as error:
        problems += [Problem("address" if one.field == "to" else one.field, one.message) for one in error.problems]
    if problems:
        return Refused(number, tuple(problems))
    return Line(number, identifier, row, brand)


def _entry(row: Row, brand: str) -> ConsentEntry:
    return ConsentEntry(
        row.purpose, row.channel, brand, True, row.granted_at, row.how, row.wording, Personal(row.evidence)
    )


# taking in


async def take(line: Line, people: People) -> bool:
    """Bring one line's contact and consent up to date. False: nothing in it was new."""
    row, contacts = line.row, people.contacts
    customer = contacts.customer_hash(CUSTOMERS, row.customer) if row.customer else None
    owner = (await contacts.find(row.channel, [line.identifier]))[0]
    known = await contacts.by_customer(customer) if customer and owner is None else None
    contact, address = owner or await contacts.reserve(row.channel, line.identifier, known)
    # Without a customer number the address itself stands for the person, so that the line again finds the same
    # traveller.
    traveller = customer or people.vault.blind("traveller", address)
    before = (await contacts.get_many([contact]))[0]
    current = await contacts.change(contact, lambda profile: _joined(profile, line, traveller, address))
    if customer is not None:
        await contacts.set_customer(customer, current.id)
    changes = await contacts.consent_changes(current.id, [_entry(row, line.brand)])
    # What the person told us since stands: a file is older than a conversation.
    if row.language and not current.facts.language:
        changes.append(FactChange("lang", row.language.replace("_", "-"), 0, "set"))
    if row.timezone and not current.facts.timezone:
        changes.append(FactChange("tz", row.timezone, 0, "set"))
    applied = await contacts.change_facts(current.id, changes)
    return any(applied) or before is None or before.version != current.version


def _joined(profile: Profile, line: Line, customer: str, address: AddressId) -> Profile:
    addresses = profile.addresses
    if all(one.id != address for one in addresses):
        addresses = (*addresses, Address(address, line.row.channel, (line.identifier,)))
    old = next((one for one in profile.travellers if one.customer == customer), None)
    name = Personal(line.row.name) if line.row.name else None
    if old is None:
        number = Personal(line.row.customer) if line.row.customer else None
        person = Traveller(customer, name, None, (address,), number)
        return replace(profile, addresses=addresses, travellers=(*profile.travellers, person))
    theirs = old.addresses if address in old.addresses else (*old.addresses, address)
    named = old.given_name or old.family_name
    person = replace(old, addresses=theirs, given_name=old.given_name if named else name)
    travellers = tuple(person if one is old else one for one in profile.travellers)
    return replace(profile, addresses=addresses, travellers=travellers)


Progress = Callable[[Tally, int], None]
"""(what was done so far, lines in all)"""


async def resumes(path: Path, positions: ImportPositions) -> bool:
    """Whether a run of this very file was cut off: the next one goes on there. Raises BadInput."""
    kept = await positions.read(load(path)[1])
    return 0 < kept.get("next", 0) < kept.get("lines", 0)


async def run(
    path: Path,
    people: People,
    positions: ImportPositions | None,
    *,
    refused: Callable[[Refused], None],
    progress: Progress,
) -> Tally:
    """Take a file in, from where its last run stopped; refused: told each line that is not taken.

    positions: None for a dry run: everything is checked, nothing is written
    raises:    BadInput for a file that is none; StoreUnavailable: run it again, it goes on where it stopped
    """
    raw, digest = load(path)
    everything = list(rows(raw, path.name))
    tally = Tally()
    if positions is not None:
        kept = await positions.read(digest)
        if 0 < kept.get("next", 0) < len(everything):
            tally = Tally(kept["next"], kept["taken"], kept["known"], kept["refused"], kept["next"])
    while tally.lines < len(everything):
        chunk = everything[tally.lines : tally.lines + CHUNK]
        checked = [check(number, fields, people) for number, fields in chunk]
        lines = [one for one in checked if isinstance(one, Line)]
        answers: list[bool | Refused] = [True] * len(lines)
        if positions is not None:
            answers = await _take_all(lines, people)
        # Told only now: a chunk that was cut off is done again, and its refusals with it.
        for one in sorted(
            [one for one in (*checked, *answers) if isinstance(one, Refused)], key=lambda refusal: refusal.number
        ):
            tally.refused += 1
            refused(one)
        tally.taken += answers.count(True)
        tally.known += answers.count(False)
        tally.lines += len(chunk)
        if positions is not None:
            note = {"next": tally.lines, "lines": len(everything)}
            note |= {"taken": tally.taken, "known": tally.known, "refused": tally.refused}
            await positions.write(digest, note)
        progress(tally, len(everything))
    return tally


async def _take_all(lines: Sequence[Line], people: People) -> list[bool | Refused]:
    """Several people at once, each person's lines in their order."""
    groups: dict[tuple[str, str], list[int]] = {}
    for place, line in enumerate(lines):
        key = (
            ("customer", line.row.customer) if line.row.customer else (line.row.channel, line.identifier.value.reveal())
        )
        groups.setdefault(key, []).append(place)
    answers: list[bool | Refused] = [False] * len(lines)
    room = asyncio.Semaphore(AT_ONCE)

    async def one_person(places: Iterable[int]) -> None:
        async with room:
            for place in places:
                try:
                    answers[place] = await take(lines[place], people)
                except (NotFound, Conflict, Sealed) as error:
                    answers[place] = Refused(lines[place].number, (Problem("line", str(error)),))

    try:
        async with asyncio.TaskGroup() as group:
            for places in groups.values():
                group.create_task(one_person(places))
    except ExceptionGroup as several:  # one store, one loss: told as that
        raise several.exceptions[0] from several
    return answers
