"""The one file of a backup: whole or not there, and no byte of it may change unseen."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import BadInput, GatewayError
from gateway.store import archive
from gateway.store.archive import Damaged, Manifest


def blind(kind: str, *parts: str) -> str:
    return hashlib.blake2b("|".join((kind, *parts)).encode(), digest_size=16).hexdigest()


def make(target: Path, *, store: bytes = b"REDIS0011" + os.urandom(3000)) -> Manifest:
    with archive.writing(target) as writer:
        writer.begin(archive.STORE)
        for begin in range(0, len(store), 1000):
            writer.add(store[begin : begin + 1000])
        writer.end()
        manifest = Manifest(
            "00ff", 5, "staging", 1, "Valkey 9.1.2", {"index": "aa", "1": "bb"}, (1,), 7, None, dict(writer.parts)
        )
        writer.finish(manifest, blind)
    return manifest


def broken(target: Path, half_way: Callable[[], object]) -> None:
    with archive.writing(target) as writer:
        writer.begin(archive.STORE)
        writer.add(b"half")
        half_way()
        writer.end()


def test_what_was_written_is_read_back_and_any_tar_can_open_it(tmp_path: Path) -> None:
    target, store = tmp_path / "one.tar", b"REDIS0011" + os.urandom(5000)
    made = make(target, store=store)
    manifest, text, seal = archive.read_manifest(target)
    assert manifest == made
    assert seal == blind("backup", text)
    archive.check_parts(target, manifest)
    archive.unpack(target, archive.STORE, tmp_path / "out.rdb")
    assert (tmp_path / "out.rdb").read_bytes() == store
    with tarfile.open(target) as tar:
        assert tar.getnames() == [archive.STORE, archive.MANIFEST]
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "one.tar"
    target.write_text("somebody's")
    with pytest.raises(BadInput, match="is there already"):
        make(target)
    assert target.read_text() == "somebody's"
    assert os.listdir(tmp_path) == ["one.tar"]


def test_a_file_that_came_meanwhile_is_not_replaced_either(tmp_path: Path) -> None:
    target = tmp_path / "one.tar"
    with pytest.raises(BadInput, match="is there already"):
        broken(target, lambda: target.write_text("somebody's"))
    assert os.listdir(tmp_path) == ["one.tar"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a mistake")])
def test_what_is_interrupted_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def half() -> None:
        assert len(os.listdir(tmp_path)) == 1
        raise error

    with pytest.raises(type(error)):
        broken(tmp_path / "one.tar", half)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_said_in_words_and_leaves_nothing(tmp_path: Path) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(GatewayError, match="is full: nothing was left behind"):
        broken(tmp_path / "one.tar", full)
    assert os.listdir(tmp_path) == []


def test_no_byte_changes_unseen(tmp_path: Path) -> None:
    target = tmp_path / "one.tar"
    make(target)
    sound = target.read_bytes()
    for place in (600, 2000, 3400):
        target.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        manifest, _, _ = archive.read_manifest(target)
        with pytest.raises(Damaged, match=archive.STORE):
            archive.check_parts(target, manifest)


def test_a_file_that_was_cut_off_or_is_something_else_is_no_backup(tmp_path: Path) -> None:
    target = tmp_path / "one.tar"
    make(target)
    sound = target.read_bytes()
    for wrong in (b"", b"hello", sound[:1000], sound[:3600]):
        target.write_bytes(wrong)
        with pytest.raises(Damaged, match="no whole backup"):
            archive.read_manifest(target)
    with pytest.raises(BadInput, match="cannot be read"):
        archive.read_manifest(tmp_path / "nowhere.tar")


def test_a_part_over_eight_gigabytes_has_a_size_that_tar_understands() -> None:
    head = archive._head(archive.STORE, 9 << 30)
    assert len(head) == tarfile.BLOCKSIZE
    with tarfile.open(fileobj=io.BytesIO(head + bytes(1024)), mode="r:") as tar:
        member = tar.next()
        assert member is not None
        assert member.size == 9 << 30
