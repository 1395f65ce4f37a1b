"""A message's body in two forms: both are read, the new one is written only where the whole store knows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import Sealed
from gateway.model.ids import MessageId
from gateway.store import packing
from gateway.store.outbox import parse_record
from gateway.store.vault import Box, Form

RECORDS = Path(__file__).resolve().parents[1] / "data" / "records"
MESSAGE = MessageId("m07k3v9p2m4x8qzk3v9p2m4")
KEY = bytes(range(32))


def known_body() -> Any:
    return json.loads((RECORDS / "body.json").read_text(encoding="utf-8"))


def as_the_version_before_opens_it(sealed: bytes) -> Any:
    """What programs did that know no packed form: open, decode, parse."""
    return json.loads(AESGCM(KEY).decrypt(sealed[:12], sealed[12:], MESSAGE.encode()).decode())


def box(*, packed: bool) -> Box:
    form = Form()
    form.packed = packed
    return Box(KEY, form)


@pytest.mark.parametrize("written_by", ["plain", "packed"])
def test_a_record_kept_as_bytes_is_read_whichever_version_wrote_it(written_by: str) -> None:
    record, sealed = parse_record(MESSAGE, (RECORDS / f"{written_by}.bin").read_bytes())
    assert record.notification == "flight_delayed"
    for packed in (False, True):
        assert box(packed=packed).open_json(sealed, MESSAGE) == known_body()


def test_the_version_before_reads_what_is_written_until_the_store_says_otherwise() -> None:
    assert as_the_version_before_opens_it(Box(KEY).seal_body(known_body(), MESSAGE)) == known_body()
    assert as_the_version_before_opens_it(box(packed=False).seal_body(known_body(), MESSAGE)) == known_body()


def test_the_version_before_sets_a_packed_message_aside_and_does_not_take_it_for_something_else() -> None:
    with pytest.raises(ValueError, match="decode"):
        as_the_version_before_opens_it(box(packed=True).seal_body(known_body(), MESSAGE))


def test_a_packed_body_takes_less_than_a_third() -> None:
    plain, packed = box(packed=False).seal_body(known_body(), MESSAGE), box(packed=True).seal_body(known_body(), MESSAGE)
    assert len(packed) * 3 < len(plain)


@pytest.mark.parametrize("words", ["", "é" * 4000, "".join(chr(40 + number * 7 % 80) for number in range(70_000))])
def test_words_of_any_length_come_back_whole(words: str) -> None:
    body = {"kind": "reply", "text": words}
    assert box(packed=True).open_json(box(packed=True).seal_body(body, MESSAGE), MESSAGE) == body


def test_a_broken_packed_body_is_a_value_error_and_another_key_is_sealed() -> None:
    whole = packing.pack(b'{"kind":"notification"}')
    for broken in (whole[:-3], whole[:1] + b"\xff" + whole[2:]):
        with pytest.raises(ValueError, match="a packed body"):
            packing.unpack(broken)
    with pytest.raises(Sealed):
        Box(bytes(32)).open_json(box(packed=True).seal_body(known_body(), MESSAGE), MESSAGE)
