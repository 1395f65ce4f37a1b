"""What the commands are handed: times, reasons and names as people type them; and how they show data."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from datetime import datetime
from importlib import import_module

import pytest

from gateway.cli import arguments, commands, printing
from gateway.cli.arguments import Moment
from gateway.cli.main import make_parser
from gateway.dispatch.deadletters import _ANSWERS, Filter, Replayed, sentence, standing
from gateway.model.ids import AddressId, ContactId, MessageId, SenderId
from gateway.model.message import DeliveryStatus, MessageRecord, MessageState, Priority
from gateway.rules.verdict import SENTENCES, Reason
from gateway.store.audit import plain
from gateway.store.deadletters import DeadLetter
from gateway.store.rotation import Usage, subject_versions

NOW = 1_795_348_800_000


@pytest.mark.parametrize(
    ("typed", "ahead", "back"),
    [
        ("2h", NOW + 7_200_000, NOW - 7_200_000),
        ("+30m", NOW + 1_800_000, NOW - 1_800_000),
        ("90s", NOW + 90_000, NOW - 90_000),
        ("3d", NOW + 259_200_000, NOW - 259_200_000),
        ("2026-11-22T12:30:00+00:00", NOW + 1_800_000, NOW + 1_800_000),
        ("2026-11-22T13:30:00+01:00", NOW + 1_800_000, NOW + 1_800_000),
    ],
)
def test_a_time_is_a_span_from_now_or_a_point(typed: str, ahead: int, back: int) -> None:
    moment = arguments.moment(typed)
    assert (moment.after(NOW), moment.before(NOW)) == (ahead, back)


def test_a_time_without_an_offset_is_this_machines() -> None:
    local = datetime(2026, 11, 22, 18, 0).astimezone()
    assert arguments.moment("2026-11-22T18:00") == Moment(at_ms=round(local.timestamp() * 1000))


@pytest.mark.parametrize("typed", ["", "tomorrow", "2 weeks", "-2h", "2026-13-01", "1e9h", "９h"])
def test_what_is_no_time_is_refused_with_examples(typed: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="30m, 2h, 1d"):
        arguments.moment(typed)


@pytest.mark.parametrize("typed", ["+447700900123", "+44 7700 900-123", "00447700900123", "wamid.HBgL", "GB.1234567890"])
def test_what_names_a_person_at_the_channel_is_no_argument(typed: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="asks hidden"):
        arguments.not_a_number(typed)


@pytest.mark.parametrize("typed", ["ZX7K2P", "ZZ1007/2026-11-22/AMS", "4711123456", "m07k8p0gt2r562c8bb5521q", "-"])
def test_what_sources_call_things_is_an_argument(typed: str) -> None:
    assert arguments.not_a_number(typed) == typed


@pytest.mark.parametrize("typed", ["", "   ", "x" * 201, "call +44 7700 900123", "ask 447700900123", "write to kim@example.org"])
def test_a_reason_is_one_line_without_a_person_in_it(typed: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        arguments.line(typed)


def test_a_reason_may_name_a_flight_and_a_date_and_becomes_one_line() -> None:
    typed = " wrong gate\nfor ZZ1007, 2026-01-22 18:00 "
    assert arguments.line(typed) == "wrong gate for ZZ1007, 2026-01-22 18:00"


def test_a_facts_words_keep_their_fields_apart() -> None:
    assert plain("a=b | c\nd") == "a b c d"


def test_columns_stand_under_one_another_and_numbers_to_the_right() -> None:
    assert printing.columns(("key", "name"), [(1, "a"), (12, "long")]) == "key  name\n  1  a\n 12  long"
    assert printing.columns(("key", "name"), []) == "key  name"


def test_times_are_shown_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert printing.iso(NOW) == "2026-11-22T12:00:00.000Z"
    assert printing.iso(0) is None
    assert printing.when(0) == "-"
    assert (printing.counted(1, "person", "people"), printing.counted(2000, "person", "people")) == ("1 person", "2,000 people")
    printing.as_json({"naïve": 1})
    assert json.loads(capsys.readouterr().out) == {"naïve": 1}


def test_the_list_of_commands_says_what_the_commands_say() -> None:
    assert make_parser(()).format_help() == make_parser().format_help()
    for entry in commands.ENTRIES:
        parsers = argparse.ArgumentParser().add_subparsers()
        import_module(entry.module).add_parser(parsers)
        assert set(parsers.choices) == set(entry.words), entry.module


@pytest.mark.parametrize("words", [(), ("--help",), ("no-such-command",)])
def test_what_there_is_is_told_without_loading_any_of_it(words: tuple[str, ...]) -> None:
    """Half a second on two slow cores; a second and a half with the house behind it."""
    asked = (
        "import sys; from gateway.cli.main import make_parser; make_parser(sys.argv[1:]); "
        "print([name for name in ('aiohttp', 'redis', 'pydantic', 'structlog', 'cel', 'yaml', 'demo') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", asked, *words], capture_output=True, text=True, timeout=30, check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize("words", [["--port", "0", "--help"], ["-h"], ["--seed", "7", "x"], []])
def test_the_sandboxs_arguments_are_its_own(words: list[str]) -> None:
    assert make_parser().parse_args(["sandbox", *words]).arguments == words


@pytest.mark.parametrize(
    "words",
    [
        ["stop", "everything"], ["stop", "sender:"], ["dead-letters", "show", "c07k3v9p2m4x8qzz"],
        ["dead-letters", "list", "--limit", "0"], ["templates", "status", "--wait", "soon"], ["agents"],
        ["templates", "try", "x", "--to", "+447700900123"], ["webhooks", "replay"], ["stop", "all", "--who", "two words"],
    ],
)  # fmt: skip
def test_arguments_of_the_wrong_form_end_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(words)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def _letter(reason: str = "rejected", state: MessageState = MessageState.DEAD, at_ms: int = NOW) -> DeadLetter:
    message = MessageId("m07k8p0gt2r562c8bb5521q")
    record = MessageRecord(
        id=message, state=state, attempt=1, sender=SenderId("wa"), address=AddressId("a07"), priority=Priority.NORMAL,
        sequence=1, deadline_ms=NOW, version=1, event="e07", subject="j11", contact=ContactId("c07"),
        notification="gate_changed", status=DeliveryStatus.NONE, status_at_ms=0, reason=reason, planned_at_ms=0, due_at_ms=0,
    )  # fmt: skip
    return DeadLetter(message, at_ms, record)


def test_a_filter_takes_what_is_like_it() -> None:
    letter = _letter()
    assert Filter().takes(letter)
    assert Filter(notification="gate_changed", reason="rejected", sender="wa", since_ms=NOW).takes(letter)
    for other in (Filter(notification="x"), Filter(reason="x"), Filter(sender="x"), Filter(since_ms=NOW + 1)):
        assert not other.takes(letter)
    forgotten = DeadLetter(letter.message, NOW, None)
    assert Filter().takes(forgotten)
    assert not Filter(reason="rejected").takes(forgotten)


def test_a_dead_letter_says_how_it_stands_and_why() -> None:
    assert standing(_letter()) == "dead"
    assert standing(_letter("failed_at_channel", MessageState.FAILED)) == "failed"
    assert standing(DeadLetter(MessageId("m07"), NOW, None)) == "forgotten"
    assert sentence(_letter("poisoned")) == SENTENCES[Reason.POISONED]
    assert sentence(_letter("some_code")) == "some code"
    assert sentence(_letter("")) == "no reason kept"


def test_every_answer_of_the_replay_has_a_sentence() -> None:
    from gateway.store import scripts

    text = scripts.source("dead_replay")
    returns = text.split("RETURNS", 1)[1].split("--]]", 1)[0]
    for word in ("unknown", "alive", "discarded", "expired", "replaced", "ended", "other_way", "moved", "erasing"):
        assert word in returns
        assert Replayed(MessageId("m07"), word).words == _ANSWERS[word]
    assert Replayed(MessageId("m07"), "queued").queued


def test_use_of_the_ring_is_counted_by_version() -> None:
    used = Usage(Counter({1: 3}), Counter({2: 1}), Counter({1: 1}), Counter({1: 2}))
    assert used.versions == [1, 2]
    assert (used.total(1), used.movable(1), used.total(2)) == (6, 4, 1)
    memory = {b"n": b"5", b"bits": b"01", b"s:flight.status": b"1|\x00|x", b"base": b"2|.."}
    memory |= {b"r:e07": b"5|3|..", b"nt:a": b"4|1|.."}
    assert subject_versions(memory) == {1, 2, 3}
