"""What leaves with an agent's words: a picture without its metadata; and what is said where words and file went apart."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from gateway.errors import BadInput
from gateway.webcare import lines, replying, words
from gateway.webcare.lines import Line
from gateway.webcare.replying import words_key

GPS, CAMERA = 0x8825, 0x0110


class Kept:
    """Where a file is laid."""

    def __init__(self) -> None:
        self.data = b""

    def ref(self, *parts: object) -> str:
        return "ref"

    async def settle(self, kept: object, data: bytes) -> bool:
        self.data = data
        return True


def photo(kind: str) -> bytes:
    out, exif = io.BytesIO(), Image.Exif()
    exif[CAMERA] = "a camera"
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 22.0, 0.0), 3: "E", 4: (4.0, 53.0, 0.0)})
    exif[0x0112] = 6  # lies on its side
    Image.new("RGB", (40, 20), "red").save(out, kind, exif=exif)
    return out.getvalue()


async def taken(data: bytes, most: int = 1_000_000) -> tuple[Any, bytes]:
    kept = Kept()
    facts = SimpleNamespace(name="it", file_mimes={"image/jpeg": 5_000_000, "image/png": 5_000_000})
    clock = SimpleNamespace(now_ms=lambda: 1)
    deps: Any = SimpleNamespace(
        media=kept, documents=object(), channels={"s": facts}, fetching=None, file_max=most, clock=clock
    )
    found: Any = SimpleNamespace(id="v1", contact="c1", sender="s")
    agent: Any = SimpleNamespace(id="g1")
    return await replying.take_up(deps, agent, found, "k", data, "image/jpeg", "me at home.jpg"), kept.data


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
async def test_a_picture_leaves_without_where_and_with_what_it_was_taken(kind: str) -> None:
    data = photo(kind)
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(GPS), "there is something to lose"
    one, left = await taken(data)
    with Image.open(io.BytesIO(left)) as drawn:
        drawn.load()
        assert (dict(drawn.getexif()), drawn.size) == ({}, (20, 40))
        assert not {"exif", "xmp", "comment", "photoshop"} & set(drawn.info)
    assert b"a camera" not in left
    assert one.size == len(left)


async def test_a_picture_that_grew_too_large_by_being_drawn_is_refused_before_it_is_kept() -> None:
    with pytest.raises(BadInput):
        await taken(photo("PNG"), most=10)


def test_of_a_reply_in_two_messages_the_one_that_failed_says_what_became_of_the_other() -> None:
    def line(name: str, key: str, fate: words.Fate) -> Line:
        return Line(name, "out", 1, "Ann", name, key=key, fate=fate)

    def told(said: words.Fate, file: words.Fate) -> dict[str, str]:
        found = lines._halved([line("w", words_key("k"), said), line("f", "k", file), line("x", "other", failed)])
        return {one.id: one.half for one in found if one.half}

    failed, unsure = words.Fate("failed", "bad", ask=True), words.Fate("uncertain", "warn", ask=True)
    arrived, went = words.Fate("read", "good"), words.Fate("handed over", "plain")
    waits = words.Fate("waiting to be sent", "plain")
    assert told(arrived, failed) == {"f": "words.arrived"}
    assert told(went, unsure) == {"f": "words.went"}
    assert told(failed, waits) == {"w": "file.waits"}
    assert told(failed, failed) == {"w": "file.failed", "f": "words.failed"}
    assert told(unsure, arrived) == {"w": "file.arrived"}
    assert told(unsure, failed) == {"w": "file.failed", "f": "words.unsure"}
    assert told(went, arrived) == {}
