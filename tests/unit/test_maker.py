"""The processes that draw: off the event loop, in turn, and gone when their parent is."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.documents.forms import Form
from gateway.documents.maker import Maker
from gateway.documents.paper import Symbol, SymbolKind
from gateway.errors import CannotDraw
from tests.support.drawn import PASS, TEMPLATES, issued


async def test_documents_are_made_in_a_process_of_their_own_until_it_is_closed() -> None:
    async with Maker(TEMPLATES) as maker:
        await maker.warm()
        first, second = await asyncio.gather(
            maker.make(PASS, Form.PICTURE, "nl"), maker.make(replace(PASS, travellers=("Tom",)), Form.PICTURE, "en")
        )
        assert first.mime == second.mime == "image/png"
        assert first.data != second.data
        with pytest.raises(CannotDraw, match="do not fit"):
            await maker.make(replace(PASS, symbols=(Symbol(SymbolKind.AZTEC, issued(5000), binary=True),)), Form.PICTURE, "nl")
        assert (await maker.make(PASS, Form.PICTURE, "nl")).data == first.data, "a refused one takes nothing with it"
    with pytest.raises(CannotDraw) as found:
        await maker.make(PASS, Form.PICTURE, "nl")
    assert found.value.why == "closed"
