"""Which characters can be shown, and what stands where one cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.documents.typefaces import BOX, REGULAR, Typefaces, characters

FACES = Typefaces()


@pytest.mark.parametrize("name", ["Eva Jansen", "Zoë Ångström", "Ελένη", "Жанна", "محمد", "דוד", "Nguyễn", "#$*_<&\\[x]"])
def test_our_own_font_shows_latin_greek_cyrillic_arabic_and_hebrew(name: str) -> None:
    assert FACES.showable(name) == (name, 0)


def test_a_character_that_no_font_has_is_a_box_and_counted() -> None:
    assert FACES.showable("王小明 Wang") == (BOX * 3 + " Wang", 3)


def test_an_emoji_of_several_parts_leaves_no_joiners_behind() -> None:
    shown, boxes = FACES.showable("Eva \U0001f469\u200d\U0001f469\u200d\U0001f467\ufe0f")
    assert shown == "Eva " + BOX * 3
    assert boxes == 3


def test_only_letters_that_stand_side_by_side_are_set_without_shaping() -> None:
    assert [FACES.simple(text) for text in ("Eva", "Жанна → é", "محمد", "דוד", "e\u0323\u0301", "王")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


def test_a_folder_of_further_fonts_shows_more(tmp_path: Path) -> None:
    """A font of our own whose table says that it has one Chinese character: the table is what we go by."""
    (tmp_path / "one.ttf").write_bytes(font_with(0x738B))
    (tmp_path / "readme.txt").write_text("not a font")
    assert Typefaces(tmp_path).showable("王小") == ("王" + BOX, 1)


def test_what_is_no_font_is_named(tmp_path: Path) -> None:
    for data in (b"", b"not a font at all", REGULAR.read_bytes()[:40]):
        (tmp_path / "broken.otf").write_bytes(data)
        characters.cache_clear()
        with pytest.raises(ValueError, match=r"broken\.otf is no font"):
            Typefaces(tmp_path)


def font_with(code: int) -> bytes:
    """Nothing but a `cmap` table of format 12 for one character."""
    group = code.to_bytes(4, "big") * 2 + (1).to_bytes(4, "big")
    table = bytes.fromhex("000c0000") + (28).to_bytes(4, "big") + bytes(4) + (1).to_bytes(4, "big") + group
    cmap = bytes.fromhex("00000001") + bytes.fromhex("0003000a") + (12).to_bytes(4, "big") + table
    head = b"\x00\x01\x00\x00" + (1).to_bytes(2, "big") + bytes(6)
    return head + b"cmap" + bytes(4) + (28).to_bytes(4, "big") + len(cmap).to_bytes(4, "big") + cmap
