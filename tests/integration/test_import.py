"""Contacts from files: each line taken, known or refused with its number; what was cut off goes on."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.api.people import People
from gateway.cli import contacts as command
from gateway.cli.events import run_lint, run_replay, run_send
from gateway.errors import BadInput, GatewayError, StoreUnavailable
from gateway.intake import imports
from gateway.intake.imports import COLUMNS, Refused, Tally
from gateway.model.personal import Secret
from gateway.settings import Settings, read
from gateway.store.positions import ImportPositions
from gateway.store.vault import KeyRing
from tests.integration.api_stage import FIRST, SAMPLES, Stage, sample, send
from tests.support.waiting import wait_until

EVA = "+447700900123"


@pytest.fixture
async def stage(redis: Redis) -> Stage:
    return Stage(redis)


@pytest.fixture
async def people(stage: Stage) -> People:
    return stage.people()


def line(number: int, **more: Any) -> dict[str, Any]:
    """A good line about the person with this number."""
    return {
        "address": f"+4477009{number:05d}", "channel": "whatsapp", "customer": f"C-{number}",
        "name": f"Person {number}", "language": "nl-NL", "timezone": "Europe/Amsterdam", "purpose": "journey", "brand": "zz",
        "granted_at": "2026-10-01T12:00:00+02:00", "how": "account-page", "wording": "journey-nl-3",
        "evidence": f"form {number}",
        **more,
    }  # fmt: skip


def as_csv(*rows: dict[str, Any], delimiter: str = ",", end: str = "\n") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_jsonl(*rows: Any) -> bytes:
    return b"\n".join(json.dumps(row, ensure_ascii=False).encode() for row in rows) + b"\n"


class Run:
    """One import of a file: what was refused, and how far it was at each note."""

    def __init__(self) -> None:
        self.refused: list[Refused] = []
        self.progress: list[int] = []

    async def of(self, path: Path, raw: bytes, people: People, *, dry: bool = False) -> Tally:
        path.write_bytes(raw)
        positions = None if dry else ImportPositions(people.contacts._redis)
        return await imports.run(path, people, positions, refused=self.refused.append, progress=self._note)

    def _note(self, tally: Tally, lines: int) -> None:
        self.progress.append(tally.lines)

    @property
    def reasons(self) -> list[tuple[int, list[str]]]:
        return [(one.number, [problem.field for problem in one.problems]) for one in self.refused]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


# what a line becomes


@pytest.mark.parametrize("form", [as_csv, as_jsonl])
async def test_a_line_becomes_a_contact_with_its_consent(
    path: Path, people: People, form: Callable[..., bytes]
) -> None:
    run = Run()
    tally = await run.of(path, form(line(1)), people)
    assert (tally.lines, tally.taken, tally.refused) == (1, 1, 0)
    contact = await people.by_customer("C-1")
    assert contact is not None
    assert contact == await people.by_address("whatsapp", "+447700900001")
    assert contact.profile.travellers[0].given_name is not None
    assert contact.profile.travellers[0].given_name.reveal() == "Person 1"
    assert (contact.facts.language, contact.facts.timezone) == ("nl-NL", "Europe/Amsterdam")
    assert contact.facts.consents["journey.whatsapp.zz"].granted
    assert contact.facts.proofs == {}
    (entry,) = await people.contacts.ledger(contact.id)
    assert (entry.how, entry.wording, entry.at_ms) == ("account-page", "journey-nl-3", 1790848800000)
    assert entry.evidence is not None
    assert entry.evidence.reveal() == "form 1"


async def test_a_file_taken_in_twice_changes_nothing_the_second_time(path: Path, people: People) -> None:
    raw = as_csv(line(1), line(2, customer=""), line(3))
    assert (await Run().of(path, raw, people)).taken == 3
    tally = await Run().of(path, raw, people)
    assert (tally.taken, tally.known, tally.resumed_at) == (0, 3, 0)
    contact = await people.by_address("whatsapp", "+447700900002")
    assert contact is not None
    assert (len(contact.profile.travellers), len(await people.contacts.ledger(contact.id))) == (1, 1)


async def test_several_lines_of_one_person_make_one_contact(path: Path, people: People) -> None:
    more = line(1, address="+447700900199", purpose="service", wording="service-nl-1")
    await Run().of(path, as_csv(line(1), more, line(1, granted_at="2026-10-02T12:00:00Z")), people)
    contact = await people.by_customer("C-1")
    assert contact is not None
    assert len(contact.profile.addresses) == 2
    assert sorted(contact.facts.consents) == ["journey.whatsapp.zz", "service.whatsapp.zz"]
    assert len(contact.profile.travellers) == 1


async def test_two_customers_at_one_number_share_its_contact(path: Path, people: People) -> None:
    await Run().of(path, as_csv(line(1), line(2, address=line(1)["address"])), people)
    first, second = await people.by_customer("C-1"), await people.by_customer("C-2")
    assert first is not None
    assert second is not None
    assert first.id == second.id
    assert len(first.profile.travellers) == 2


async def test_a_withdrawal_since_the_file_was_made_stands(stage: Stage, path: Path, people: People) -> None:
    async with stage.serve() as client:
        eva = (await stage.take(client, "ce-order-confirmed-flight"))[0]
    row = line(0, address=EVA, customer="C-20817", language="de", granted_at="2026-10-01T12:00:00Z")
    await Run().of(path, as_csv(row), people)
    contact = await people.get(eva)
    assert contact.facts.consents["journey.whatsapp.zz"].at_ms > 1793600000000
    assert contact.facts.language == "nl-NL"


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf" + as_csv(line(1, name="Eva"), end="\r\n"),
        as_csv(line(1, name="Eva"), delimiter=";"),
        as_csv(line(1, name="Eva"), delimiter="\t"),
        b"\xef\xbb\xbf" + as_jsonl(line(1, name="Eva")).replace(b"\n", b"\r\n"),
    ],
    ids=["bom and crlf", "semicolons", "tabs", "jsonl with bom"],
)
async def test_files_come_as_programs_write_them(path: Path, people: People, raw: bytes) -> None:
    run = Run()
    assert (await run.of(path, raw, people)).taken == 1
    assert run.refused == []


NAMES = ["נועה כהן", "محمد علي", "O'Brien, Eva \"Ev\"", "Łukasz Ż.", "李 小龙", "Zoë 🛫"]


@pytest.mark.parametrize("name", NAMES)
async def test_names_stay_as_they_are_written(path: Path, people: People, name: str) -> None:
    await Run().of(path, as_csv(line(1, name=name)), people)
    contact = await people.by_customer("C-1")
    assert contact is not None
    given = contact.profile.travellers[0].given_name
    assert given is not None
    assert given.reveal() == name


# what is refused


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"evidence": ""}, "evidence"),
        ({"evidence": "  "}, "evidence"),
        ({"wording": ""}, "wording"),
        ({"wording": "journey-nl-99"}, "wording"),
        ({"address": "0612345678"}, "address"),
        ({"address": "+44770090"}, "address"),
        ({"address": ""}, "address"),
        ({"channel": "pigeon"}, "channel"),
        ({"channel": "messenger", "address": "psid:1234"}, "channel"),
        ({"purpose": "everything"}, "purpose"),
        ({"granted_at": "2026-10-01"}, "granted_at"),
        ({"granted_at": "2027-10-01T12:00:00Z"}, "granted_at"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"language": "?"}, "language"),
        ({"name": "Eva\u2028Jansen"}, "name"),
    ],
)
async def test_a_line_that_does_not_count_is_named_and_its_neighbours_go_on(
    path: Path, people: People, change: dict[str, Any], field: str
) -> None:
    run = Run()
    tally = await run.of(path, as_csv(line(1), line(2, **change), line(3)), people)
    assert (tally.taken, tally.refused) == (2, 1)
    assert run.reasons == [(3, [field])]
    assert not any("0612345678" in problem.message for one in run.refused for problem in one.problems)


async def test_lines_are_numbered_as_an_editor_does(path: Path, people: People) -> None:
    run = Run()
    wrapped = line(1, evidence="form 1,\nsigned at the\ncounter")
    await run.of(
        path, as_csv(wrapped, line(2, how=""), line(3)) + b"\n\n" + as_csv(line(4, how=""))[len(as_csv()) :], people
    )
    assert run.reasons == [(5, ["how"]), (9, ["how"])]


@pytest.mark.parametrize(
    ("tail", "number"), [(b'+447700900002,"whatsapp\n', 3), (b"+447700900002\n", 3), (b'"+4477009"00002,x\n', 3)]
)
async def test_a_line_that_is_torn_is_refused_alone(path: Path, people: People, tail: bytes, number: int) -> None:
    run = Run()
    tally = await run.of(path, as_csv(line(1)) + tail, people)
    assert (tally.taken, run.reasons) == (1, [(number, ["line"])])


async def test_a_torn_line_of_json_is_refused_alone(path: Path, people: People) -> None:
    run = Run()
    tally = await run.of(path, as_jsonl(line(1)) + b"{oops\n7\n" + as_jsonl({**line(2), "shoe": 43}, line(3)), people)
    assert (tally.taken, run.reasons) == (2, [(2, ["line"]), (3, ["line"]), (4, ["*"])])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"address,channel\n", "evidence is missing"),
        (as_csv().replace(b"name", b"shoe size"), "column 4 is none that is known"),
        (as_csv().replace(b"name", b"customer"), "a column stands twice"),
        (b"", "address is missing"),
        (as_csv(line(1)) + "José".encode("latin-1"), "line 3: should be UTF-8"),
    ],
)
async def test_a_file_that_is_none_is_refused_before_anything_is_written(
    path: Path, people: People, raw: bytes, words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        await Run().of(path, raw, people)
    assert await people.by_customer("C-1") is None


async def test_a_dry_run_checks_everything_and_writes_nothing(stage: Stage, path: Path, people: People) -> None:
    run = Run()
    tally = await run.of(path, as_csv(line(1), line(2, how="")), people, dry=True)
    assert (tally.taken, tally.refused, run.reasons) == (1, 1, [(3, ["how"])])
    assert await stage.redis.dbsize() == 0


async def test_a_contact_that_is_being_erased_is_refused_alone(stage: Stage, path: Path, people: People) -> None:
    raw = as_csv(line(1), line(2))
    await Run().of(path, raw, people)
    contact = await people.by_customer("C-1")
    assert contact is not None
    await stage.redis.hset(f"{{p:{contact.id[1:3]}}}f:{contact.id}", "erasing", "1")
    run = Run()
    tally = await run.of(path, raw, people)
    assert (tally.known, run.reasons) == (1, [(2, ["line"])])


# cut off


async def test_a_run_that_was_cut_off_goes_on_where_it_stopped(
    stage: Stage, path: Path, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHUNK", 10)
    raw = as_csv(*(line(number, how="" if number in (3, 27) else "form") for number in range(1, 41)))
    taken = imports.take

    async def dies(one: imports.Line, people: People) -> bool:
        if one.number > 25:
            raise StoreUnavailable("gone")
        return await taken(one, people)

    monkeypatch.setattr(imports, "take", dies)
    run = Run()
    with pytest.raises(StoreUnavailable):
        await run.of(path, raw, people)
    assert run.progress == [10, 20]
    monkeypatch.setattr(imports, "take", taken)
    tally = await run.of(path, raw, people)
    assert (tally.resumed_at, tally.lines, tally.refused) == (20, 40, 2)
    assert tally.taken + tally.known == 38
    assert run.reasons == [(4, ["how"]), (28, ["how"])]
    for number in range(1, 41):
        assert (await people.by_customer(f"C-{number}") is not None) == (number not in (3, 27))


async def test_a_changed_file_is_another_one_and_begins_at_its_beginning(path: Path, people: People) -> None:
    await ImportPositions(people.contacts._redis).write(
        "0" * 32, {"next": 1, "lines": 2, "taken": 1, "known": 0, "refused": 0}
    )
    assert (await Run().of(path, as_csv(line(1), line(2)), people)).resumed_at == 0


async def test_a_thousand_people_are_taken_in(path: Path, people: People) -> None:
    tally = await Run().of(path, as_csv(*(line(number) for number in range(1000))), people)
    assert (tally.taken, tally.refused) == (1000, 0)


# the commands


class Script:
    """A terminal that answers from a list."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.said: list[str] = []

    async def ask(self, question: str, *, default: str = "") -> str:
        return self.answers.pop(0)

    async def ask_hidden(self, question: str) -> Secret:
        return Secret(self.answers.pop(0))

    async def choose(self, question: str, options: Any, *, default: int = 0) -> int:
        return int(self.answers.pop(0))

    def show(self, text: str) -> None:
        self.said.append(text)

    def progress(self, text: str) -> None:
        assert "+44" not in text

    @property
    def text(self) -> str:
        return "\n".join(self.said)


@pytest.fixture
def settings(redis: Redis, redis_url: str) -> Settings:
    return read(
        {
            "GATEWAY_REDIS_URL": redis_url,
            "GATEWAY_KEYS": KeyRing.generate().reveal(),
            "GATEWAY_BRAND": "zz",
            "GATEWAY_WHATSAPP_PHONE_NUMBER_ID": "1",
            "GATEWAY_WHATSAPP_TOKEN": "t",
            "GATEWAY_API_KEY": FIRST,
        },
        None,
    )


def arguments(**given: Any) -> argparse.Namespace:
    defaults = {"json": False, "reveal": False, "yes": False, "dry_run": False, "report": None, "out": None}
    return argparse.Namespace(**{**defaults, **given})


async def test_the_commands_take_in_show_export_and_erase(path: Path, tmp_path: Path, settings: Settings) -> None:
    path.write_bytes(as_csv(line(1), line(2, evidence="")))
    out = Script()
    assert await command.run_import(arguments(file=path), settings, out) == 1
    report = (tmp_path / "people.csv.report.csv").read_text().splitlines()
    assert report == ["line,field,reason", "3,evidence,is missing"]
    assert "2 lines: 1 taken, 0 known, 1 refused" in out.text

    out = Script("+44 7700 900001")
    assert await command.run_show(arguments(who="-"), settings, out) == 0
    assert "agreed to journey of zz on whatsapp" in out.text
    assert not any(secret in out.text for secret in ("900001", "Person"))
    contact = out.said[0].split()[1]

    target = tmp_path / "export.json"
    assert await command.run_export(arguments(who=contact, out=target), settings, out) == 0
    assert target.stat().st_mode & 0o777 == 0o600
    assert json.loads(target.read_text())["consent_ledger"][0]["evidence"] == "form 1"
    with pytest.raises(BadInput, match="cannot be written"):
        await command.run_export(arguments(who=contact, out=target), settings, out)

    assert await command.run_erase(arguments(who="-"), settings, Script("C-1", "no")) == 1
    assert await command.run_erase(arguments(who=contact, yes=True), settings, Script()) == 0
    with pytest.raises(GatewayError, match="nobody is known"):
        await command.run_show(arguments(who="-"), settings, Script("C-1"))


async def test_a_number_is_no_argument(settings: Settings) -> None:
    with pytest.raises(BadInput, match="or - to be asked"):
        await command.run_show(arguments(who=EVA), settings, Script())


async def test_events_are_linted_without_a_gateway(tmp_path: Path, settings: Settings) -> None:
    out = Script()
    files = sorted(SAMPLES.glob("ce-*"))
    assert await run_lint(arguments(files=files), settings, out) == 0
    assert out.text == "19 events, all as they should be"
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({**sample("ce-order-shipped"), "time": "soon"}))
    assert await run_lint(arguments(files=[bad], json=True), settings, out) == 1
    assert json.loads(out.said[-1])["problems"][0]["field"] == "time"


async def test_sample_events_are_sent_as_of_now(stage: Stage, settings: Settings) -> None:
    stage.clock.offset_ms = 0
    async with stage.serve() as client:
        url = str(client.make_url("/"))
        files = [
            SAMPLES / "ce-order-confirmed-flight.json",
            SAMPLES / "ce-flight-delayed.json",
            SAMPLES / "ce-batch.json",
        ]
        given = arguments(files=files, as_of="now", anchor=None, keep_ids=False, url=url, key=None)
        out = Script()
        assert await run_send(given, settings, out) == 0
        assert out.text.count("taken") == 5
        assert await stage.events.depth() == 5
        out = Script(FIRST)
        old = arguments(
            files=[SAMPLES / "ce-outage-started.json"], as_of=None, anchor=None, keep_ids=False, url=url, key="-"
        )
        old.dry_run = old.json = True
        assert await run_send(old, settings, out) == 0
        assert json.loads(out.text)["events"][0]["answer"] == "new"
        assert await stage.events.depth() == 5
        old.key = "a wrong one"
        with pytest.raises(GatewayError, match="answered 401"):
            await run_send(old, settings, Script())
    with pytest.raises(GatewayError, match="is the gateway running"):
        await run_send(
            arguments(files=files, as_of="now", anchor=None, keep_ids=False, url=url, key=None), settings, Script()
        )


async def test_an_event_that_was_set_aside_is_taken_up_again_once(stage: Stage, settings: Settings) -> None:
    async with stage.serve() as client:
        _, answer = await send(client, sample("ce-flight-delayed"))
        (opened,) = await stage.events.due(range(64), limit=10)
        await stage.events.park(opened, "tried five times")
        assert await stage.events.depth() == 0
        out = Script()
        assert await run_replay(arguments(id=answer["event"]), settings, out) == 0
        stage.clock.offset_ms = 0  # the command has put it back by the real time
        (again,) = await wait_until(lambda: stage.events.due(range(64), limit=10))
        found = await stage.events.read(again.id, again.place)
        assert found is not None
        assert found.data == sample("ce-flight-delayed")["data"]
        assert (await send(client, sample("ce-flight-delayed")))[1]["answer"] == "same"
        await stage.events.close(again)
        assert await run_replay(arguments(id=answer["event"]), settings, out) == 1
    with pytest.raises(BadInput, match="should be an id of ours"):
        await run_replay(arguments(id="ZX7K2P"), settings, out)
