"""The ledger beside the store: what outlives a crash, what is seen to be damaged, and that nobody can be read out of it."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from gateway.errors import StoreRefused, StoreUnavailable
from gateway.store import ledger
from gateway.store.ledger import BACKUP, ERASED, WITHDRAWN, Entry, Ledger, read, since


def blind(kind: str, *parts: str) -> str:
    return hashlib.blake2b("|".join((kind, *parts)).encode(), digest_size=16).hexdigest()


def other_ring(kind: str, *parts: str) -> str:
    return blind("another", kind, *parts)


def stop(contact: str, kept_ms: int = 1) -> Entry:
    return Entry(WITHDRAWN, 1, kept_ms, contact, ("journey.whatsapp.zz",), (("a07x", "h" * 32),))


async def test_what_was_appended_is_read_back_as_it_was(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "deep" / "ledger", blind)
    entries = [stop("c07a"), Entry(ERASED, 2, 2, "c07b"), Entry(BACKUP, 3, 3, note="0123")]
    for entry in entries:
        await book.append(entry)
    found = read(book.path, blind)
    assert found.entries == tuple(entries)
    assert not found.torn
    assert found.knows("0123")
    assert not found.knows("4567")
    assert book.path.stat().st_mode & 0o777 == 0o600


async def test_many_at_once_share_their_writes_and_none_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book, writes = Ledger(tmp_path / "ledger", blind), []
    real = ledger._append

    def counted(path: Path, lines: bytes) -> None:
        writes.append(lines.count(b"\n"))
        real(path, lines)

    monkeypatch.setattr(ledger, "_append", counted)
    await asyncio.gather(*(book.append(stop(f"c{number}")) for number in range(200)))
    assert {entry.contact for entry in read(book.path, blind).entries} == {f"c{number}" for number in range(200)}
    assert sum(writes) == 200
    assert len(writes) < 20


async def test_a_line_that_a_crash_cut_off_is_none_and_the_next_one_is_whole(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger", blind)
    await book.append(stop("c1"))
    with book.path.open("ab") as file:
        file.write(b'{"v":1,"k":"withdr')
    assert read(book.path, blind).torn
    await book.append(stop("c2"))
    found = read(book.path, blind)
    assert [entry.contact for entry in found.entries] == ["c1", "c2"]
    assert not found.torn


async def test_a_damaged_line_and_another_ring_are_seen(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger", blind)
    await book.append(stop("c1"), stop("c2"))
    with pytest.raises(StoreRefused, match="line 1"):
        read(book.path, other_ring)
    book.path.write_bytes(book.path.read_bytes().replace(b"c2", b"c3"))
    with pytest.raises(StoreRefused, match="line 2"):
        read(book.path, blind)


async def test_a_ledger_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(StoreUnavailable, match="GATEWAY_LEDGER_FILE"):
        await Ledger(tmp_path / "file" / "ledger", blind).append(stop("c1"))


async def test_a_failed_write_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Ledger(tmp_path / "ledger", blind)
    await book.append(stop("c1"))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.store.ledger.os.fsync", full)
    with pytest.raises(StoreUnavailable, match="full"):
        await book.append(stop("c2"))
    assert [entry.contact for entry in read(book.path, blind).entries] == ["c1"]


def test_what_is_told_again_is_what_was_written_since_in_that_order(tmp_path: Path) -> None:
    one = ledger.Reading(tmp_path, (stop("old", 5), stop("late", 30), Entry(BACKUP, 20, 20, note="x")), False)
    other = ledger.Reading(tmp_path, (stop("early", 20),), False)
    assert [entry.contact for entry in since([one, other], 20)] == ["early", "late"]
