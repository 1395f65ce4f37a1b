"""Structured lines: an event's name and fields. JSON, or key=value where a terminal looks on; never anything personal.

The guard is the last look at every line, a library's too: what is Personal or Secret shows its mask, and a text that looks like a
phone number, a channel's id or a token becomes "<masked>" wherever it stands. It is a net under the rule that such things are
never logged, not a licence to log them.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from gateway.errors import SettingsError
from gateway.model.personal import Personal, Secret

FORMATS = ("auto", "json", "text")
MASKED = "<masked>"

# Wherever it stands. +digits: a phone number; wamid: it holds the number in base64; XX.digits: a business-scoped user id;
# EAA...: a token of Meta's.
_ANYWHERE = re.compile(
    r"\+\d(?:[ ().-]?\d){7,14}(?!\d)"
    r"|wamid\.[\w+/=-]+"
    r"|\bEAA[A-Za-z0-9]{12,}"
    r"|\bwhsec_[\w+/=-]+"
    r"|\b[Bb]earer\s+\S+"
    r"|\b[A-Z]{2}\.\d{8,}"
    r"|(?<=//)[^/\s@]+@"  # user and password in a URL
)
# A phone number without its plus, a page-scoped id: nothing but digits, in a field that is not a number of ours.
_DIGITS = re.compile(r"(?<![\w.:-])\d{8,17}(?![\w.:-])")
# 24 characters of base64 or more. Words, paths, our ids and hexadecimal digests lack one of the three kinds of characters.
_LONG = re.compile(r"(?<![\w+/=-])(?=[\w+/=-]*[a-z])(?=[\w+/=-]*[A-Z])(?=[\w+/=-]*[0-9+=])[\w+/-]{24,}={0,2}(?![\w+/=-])")

_NUMBERS = ("_ms", "_s", "_bytes", "_id", "at", "pid", "count", "port", "place", "stream_id", "timestamp", "line", "lineno")
"""Endings of fields whose long numbers are ours."""
_PATHS = frozenset({"path", "file", "where", "exception", "stack"})
"""Fields in which long words of letters, digits and slashes are expected."""

_CHEAP = 8
"""Nothing shorter is masked."""


def mask_text(text: str, field: str = "") -> str:
    """A text without what looks personal or secret. Ids of ours, times and paths stay."""
    if len(text) < _CHEAP:
        return text
    if any(sign in text for sign in "+.@_") or "EAA" in text or "earer" in text:
        text = _ANYWHERE.sub(MASKED, text)
    if not field.endswith(_NUMBERS):
        text = _DIGITS.sub(MASKED, text)
    if len(text) >= 24 and field not in _PATHS:
        text = _LONG.sub(MASKED, text)
    return text


def mask(value: Any, field: str = "") -> Any:
    """A value of a line, made safe. Bytes show their length, an exception its kind and its masked words."""
    if isinstance(value, str):
        return mask_text(value, field)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return MASKED if abs(value) >= 10**9 and not field.endswith(_NUMBERS) else value
    if isinstance(value, Personal | Secret):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {mask_text(str(value))}"
    if isinstance(value, Mapping):
        return {mask_text(str(name)): mask(one, str(name)) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(one, field) for one in value]
    return mask_text(str(value), field)


def guard(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor before the renderer."""
    return {name: value if name in ("level", "timestamp") else mask(value, name) for name, value in line.items()}


class TextRenderer:
    """05:38:15.123 info  message.accepted role=dispatch message_id=..."""

    def __call__(self, logger: Any, method: str, line: MutableMapping[str, Any]) -> str:
        time = str(line.pop("timestamp", ""))[11:23]
        level = str(line.pop("level", method))
        words = [time, f"{level:<7}", str(line.pop("event", ""))]
        tail = [str(line.pop(name)) for name in ("exception", "stack") if line.get(name)]
        words += [f"{name}={_quoted(value)}" for name, value in line.items() if not name.startswith("_")]
        return "\n".join([" ".join(words), *tail])


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value) if isinstance(value, dict | list) else str(value)
    return f'"{text}"' if text == "" or any(char in text for char in ' "=\n\t') else text


def _stamp(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    line.setdefault("timestamp", datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    return line


def configure(log_format: str = "auto", *, stream: TextIO | None = None, level: str = "info") -> None:
    """Set up our own lines and the libraries', all to one stream. May be called again.

    log_format: auto (text on a terminal, else json), json or text; raises SettingsError for another word
    stream:     where to, standard error by default: standard output belongs to the commands
    """
    if log_format not in FORMATS:
        raise SettingsError([f"GATEWAY_LOG_FORMAT: should be one of {', '.join(FORMATS)}"])
    out = stream if stream is not None else sys.stderr
    text = log_format == "text" or (log_format == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamp,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = TextRenderer() if text else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    structlog.configure(
        processors=[*shared, guard, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _bridge(shared, renderer, out)


def _bridge(shared: list[Processor], renderer: Processor, out: TextIO) -> None:
    """Lines of libraries take the same way: warnings and worse; the access log, which holds paths and addresses, never."""
    handler = logging.StreamHandler(out)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared], processors=[remove_meta, guard, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    access = logging.getLogger("aiohttp.access")
    access.disabled = True
    access.propagate = False
    for name in ("apscheduler", "redis", "aiohttp", "asyncio", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
