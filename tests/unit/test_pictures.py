"""Pictures for a phone screen: what they are as files, and what stands on them."""

from __future__ import annotations

import io
from functools import lru_cache

import pytest
from PIL import Image

from gateway.documents import symbols
from gateway.documents.drawing import Drawing
from gateway.documents.forms import Form
from gateway.documents.paper import Paper, SymbolKind
from tests.support.drawn import BCBP, PASS, TEMPLATES


@lru_cache(maxsize=1)
def drawing() -> Drawing:
    return Drawing(TEMPLATES)


def picture(paper: Paper, language: str = "nl") -> Image.Image:
    return Image.open(io.BytesIO(drawing().draw(paper, Form.PICTURE, language).data))


@pytest.mark.parametrize("language", ["nl", "en", "de", "fr"])
def test_a_boarding_pass_is_a_picture_that_a_chat_takes_and_a_gate_reads(language: str) -> None:
    made = drawing().draw(PASS, Form.PICTURE, language)
    assert (made.mime, made.pages, made.rest, made.boxes) == ("image/png", 1, (), 0)
    assert 20 * 1024 < len(made.data) < 150 * 1024
    assert made.data[24:26] == b"\x08\x02", "8 bits, RGB: no palette, no alpha"
    shown = Image.open(io.BytesIO(made.data))
    shown.verify()
    assert 638 <= shown.width <= 1080
    assert 0.66 < shown.width / shown.height < 0.72
    assert symbols.read(picture(PASS, language), SymbolKind.AZTEC, patient=True) == [BCBP.encode()]
