"""Redis answers come in as bytes (decode_responses is off); redis-py's types allow text as well. Here they are pinned down."""

from __future__ import annotations

from typing import Any


def octets(value: Any) -> bytes:
    assert isinstance(value, bytes), "a reply that is not bytes: decode_responses must be off"
    return value


def words(value: Any) -> str:
    return octets(value).decode()


def fields(value: Any) -> dict[bytes, bytes]:
    """A stream entry's fields, or a hash."""
    assert isinstance(value, dict)
    return value
