"""Events in files: JSON, a batch, one JSON a line, a recorded HTTP request, a Kafka record as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.errors import BadInput, Problem
from gateway.intake.cloudevents import Malformed, load_json, split_request

MAX_FILE = 64 * 1024 * 1024


def read_events(path: Path) -> list[Any]:
    """Every event of a file as attributes with `data`, unchecked. Raises BadInput naming the file."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise BadInput([Problem(str(path), f"should be at most {MAX_FILE // 1024**2} MiB")])
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput([Problem(str(path), f"cannot be read: {error.strerror}")]) from None
    try:
        return _events(raw.removeprefix(b"\xef\xbb\xbf"))
    except Malformed as error:
        problem = error.refusal.problems[0]
        where = str(path) if problem.field == "body" else f"{path}: {problem.field}"
        raise BadInput([Problem(where, problem.message)]) from None


def _events(raw: bytes) -> list[Any]:
    if raw.lstrip()[:1] not in (b"{", b"["):
        return _http(raw)
    try:
        value = load_json(raw)
    except Malformed:
        lines = [line for line in raw.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [load_json(line) for line in lines]
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and "topic" in value and isinstance(value.get("headers"), list):
        return [_kafka(value)]
    return [value]


def _http(raw: bytes) -> list[Any]:
    """A request as it was recorded: its first line, headers, an empty line, the body."""
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = head.decode("utf-8", "replace").splitlines()
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if not lines or not headers:
        raise Malformed(400, "body", "should be JSON, or an HTTP request with ce- headers")
    return split_request(headers.get("content-type", ""), headers, body.strip())[0]


def _kafka(record: Mapping[str, Any]) -> Any:
    """A Kafka record with its headers as pairs of texts and its value as JSON (Kafka binding 1.0.2, binary mode)."""
    pairs = [pair for pair in record["headers"] if isinstance(pair, list) and len(pair) == 2]
    headers = {str(name).replace("ce_", "ce-", 1): str(value) for name, value in pairs}
    media = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return split_request(media, headers, json.dumps(record.get("value")).encode())[0][0]
