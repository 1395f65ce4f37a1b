"""No line holds what is personal or secret, whoever wrote it; and lines stay useful."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog

from gateway.errors import SettingsError
from gateway.log import MASKED, configure, mask
from gateway.model.ids import ContactId, message_id
from gateway.model.personal import Personal, Secret


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def out() -> Any:
    stream = io.StringIO()
    configure("json", stream=stream)
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()
    logging.captureWarnings(False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "value",
    [
        "+447700900123",
        "+1 202-555-0143",
        "to +44 7700 900123 at once",
        "447700900123",
        "wamid.HBgMNDQ3NzAwOTAwMTIzFQIAERgSQjA=",
        "GB.1234567890123456",
        "EAA0madeUpForThisTest0123456789",
        "whsec_bm90IGEgc2VjcmV0LCBvbmx5IGEgdGVzdA==",
        "Bearer abcdef",
        "c2VjcmV0IGtleSBvZiAzMiBieXRlcyBpbiBiYXNlNjQ=",
        "Zm9vYmFyYmF6/cXV1eHF1dXV4+cXV1",
        "redis://user:hunter2@10.0.0.1",
    ],
)
def test_what_looks_personal_or_secret_is_masked_in_every_field(value: str, out: io.StringIO) -> None:
    structlog.get_logger().info("message.settled", unexpected=value, nested={"deep": [value]})
    (line,) = lines(out)
    secret = value.removeprefix("to ").removesuffix(" at once").removeprefix("redis://").removesuffix("10.0.0.1")
    assert secret not in out.getvalue()
    assert MASKED in line["unexpected"]
    assert MASKED in line["nested"]["deep"][0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message_id", message_id("e42x", "flight_delayed", "", ContactId("c07k3v9p2m4x8qz0"), 0)),
        ("contact_id", "c07k3v9p2m4x8qz0"),
        ("at_ms", 1_763_786_295_000),
        ("partition", 7),
        ("stream_id", "1763786295000-0"),
        ("where", "/var/lib/Thuisfront2/store/appendonlydir"),
        ("digest", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        ("error", "BlockingConnectionPoolTimeout"),
        ("notification", "flight_delayed_by_more_than_three_hours"),
        ("url", "https://hooks.example.com/thuisfront"),
        ("version", "2026.11.22"),
    ],
)
def test_ids_times_and_words_of_ours_stay(field: str, value: object, out: io.StringIO) -> None:
    structlog.get_logger().info("anything", **{field: value})
    assert lines(out)[0][field] == value


def test_masked_types_show_their_mask_and_bytes_their_length(out: io.StringIO) -> None:
    structlog.get_logger().info("anything", who=Personal("Test Person"), key=Secret("s3cret"), raw=b"abc", many=[Secret("x")])
    line = lines(out)[0]
    assert (line["who"], line["key"], line["raw"], line["many"]) == ("<personal>", "<secret>", "<3 bytes>", ["<secret>"])


def test_number_as_an_integer_in_an_unexpected_field_is_masked() -> None:
    assert mask(447700900123, "to") == MASKED
    assert mask(447700900123, "at_ms") == 447700900123
    assert mask(42, "to") == 42


def test_exception_is_shown_without_what_it_quotes(out: io.StringIO) -> None:
    try:
        raise ValueError("cannot write to +447700900123 with EAA0madeUpForThisTest0123456789")
    except ValueError:
        structlog.get_logger().exception("role.failed", role="dispatch")
    line = lines(out)[0]
    assert "ValueError" in line["exception"]
    assert "test_log.py" in line["exception"]
    assert "447700900123" not in out.getvalue()
    assert "EAA0made" not in out.getvalue()


def test_libraries_take_the_same_way_and_the_access_log_none(out: io.StringIO) -> None:
    logging.getLogger("apscheduler.executors").warning("job for %s missed", "+447700900123")
    logging.getLogger("redis").info("connected")
    logging.getLogger("aiohttp.access").error("GET /webhooks/whatsapp 200")
    (line,) = lines(out)
    assert line["logger"] == "apscheduler.executors"
    assert line["level"] == "warning"
    assert line["event"] == f"job for {MASKED} missed"


def test_bound_context_is_on_every_line(out: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(role="dispatch", partition=7):
        structlog.get_logger().info("message.claimed", message_id="m07x")
    line = lines(out)[0]
    assert (line["event"], line["role"], line["partition"], line["level"]) == ("message.claimed", "dispatch", 7, "info")
    assert line["timestamp"].endswith("Z")


def test_terminal_gets_words_and_a_pipe_gets_json() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        configure("auto", stream=stream)
        structlog.get_logger().info("message.accepted", role="dispatch", why="two words")
    structlog.reset_defaults()
    assert terminal.getvalue().rstrip().endswith('info    message.accepted role=dispatch why="two words"')
    assert json.loads(pipe.getvalue())["event"] == "message.accepted"


def test_unknown_format_is_refused_by_the_name_of_its_setting() -> None:
    with pytest.raises(SettingsError, match="GATEWAY_LOG_FORMAT"):
        configure("xml")
