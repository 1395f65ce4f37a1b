"""Documents: what is drawn, encoded and read back, beside the bare calls of the libraries for the same canvas.

`python -m bench.documents` runs this part alone, without a store. Rates are of computed time, this process's own: other programs
on the machine then change little. The bare calls draw the same layer, texts and symbol with fonts and places that they already
have. For a picture they read nothing back, where ours does; a page they show and read with the same libraries.
"""

from __future__ import annotations

import asyncio
import io
import json
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pypdfium2
import uvloop
import zxingcpp
from PIL import Image, ImageDraw, ImageFont

from bench.children import ROOT
from bench.report import Row, alternated, line, machine
from bench.sizes import QUICK, Sizes
from gateway.documents import page, picture, symbols
from gateway.documents.drawing import Drawing
from gateway.documents.forms import Form
from gateway.documents.lettering import Text
from gateway.documents.maker import Maker
from gateway.documents.paper import Paper, PaperKind, SymbolKind
from gateway.documents.pngfile import Encoder
from gateway.documents.samples import SAMPLES
from gateway.documents.typefaces import BOLD, REGULAR

TEMPLATES = ROOT / "templates"
LANGUAGE = "nl"


def passes(count: int) -> list[Paper]:
    """Boarding passes of one flight, each with another name, seat and code."""
    first = replace(SAMPLES[PaperKind.BOARDING_PASS], brand="zz", notes=())
    first = replace(first, legs=first.legs[:1])
    made = []
    for number in range(count):
        seat, code = f"{number % 40 + 1}{'ABCDEF'[number % 6]}", f"X{number:05d}"
        payload = first.symbols[0].payload.replace(b"ZX7K2P", code.encode()).replace(b"012C", f"{seat:0>4}".encode())
        made.append(replace(
            first, travellers=(f"Eva Jansen {number}",), reference=code, legs=(replace(first.legs[0], seat=seat),),
            symbols=(replace(first.symbols[0], payload=payload),),
        ))  # fmt: skip
    return made


class Bare:
    """The library calls for one such picture, with everything that can be known before already known."""

    def __init__(self, drawing: Drawing, paper: Paper) -> None:
        speaker = drawing.speaker(paper, LANGUAGE)
        layout = drawing.layouts.picture(paper.kind, paper.brand)
        assert layout is not None, "our own"
        same, own, place = picture.arranged(layout, speaker.cards(paper)[0], speaker.brand.look)
        assert place is not None, "our own"
        self.layer = drawing.painter.layer(layout.size, "#FFFFFF", tuple(same))
        self.texts = [one for one in own if isinstance(one, Text)]
        self.fonts = [
            ImageFont.truetype(str(BOLD if one.bold else REGULAR), one.size, layout_engine=ImageFont.Layout.BASIC)
            for one in self.texts
        ]  # fmt: skip
        self.place = place[:2]
        self.encoder = Encoder()

    def drawn(self, paper: Paper) -> Image.Image:
        canvas = self.layer.copy()
        pen = ImageDraw.Draw(canvas)
        for one, font in zip(self.texts, self.fonts, strict=True):
            pen.text((one.at[0], one.at[1] + one.size), one.text, font=font, fill=one.colour, anchor="ls")
        code = zxingcpp.create_barcode(paper.symbols[0].payload.decode(), zxingcpp.BarcodeFormat.Aztec, ec_level="23%")
        squares = code.to_image(scale=9, add_quiet_zones=False)
        canvas.paste(Image.frombytes("L", squares.shape[::-1], bytes(memoryview(squares))), self.place)  # type: ignore[arg-type]
        return canvas

    def pillow(self, paper: Paper) -> bytes:
        file = io.BytesIO()
        self.drawn(paper).save(file, "PNG", compress_level=1)
        return file.getvalue()

    def ours(self, paper: Paper) -> bytes:
        return self.encoder.encode(self.drawn(paper))


def _rate(work: Callable[[Paper], object], papers: list[Paper]) -> float:
    """Documents for each second that this process computed."""
    began = time.process_time()
    for paper in papers:
        work(paper)
    return len(papers) / (time.process_time() - began)


async def measure(sizes: Sizes) -> list[Row]:
    """Pictures and pages; then pictures from a process of its own, as the gateway has them."""
    drawing = Drawing(TEMPLATES)
    papers = passes(sizes.documents)
    bare = Bare(drawing, papers[0])
    rows = []

    def pictured(paper: Paper) -> object:
        return drawing.draw(paper, Form.PICTURE, LANGUAGE)

    def paged(paper: Paper) -> object:
        return drawing.draw(paper, Form.PAGE, LANGUAGE)

    layout, given = page_given(drawing, papers[0])

    def typeset(_: Paper) -> bytes:
        done = drawing.shaper.compiler.compile(
            input=str(layout), format="pdf", sys_inputs={"data": given()}, pdf_standards=["ua-1"], timestamp=page.WHEN
        )
        assert isinstance(done, bytes), "a PDF is one file"
        return done

    def shown(paper: Paper) -> object:
        document = pypdfium2.PdfDocument(typeset(paper))
        try:
            return symbols.read(document[0].render(scale=1.5, grayscale=True).to_pil(), SymbolKind.AZTEC)
        finally:
            document.close()

    for name, ours, other, words, target in (
        ("boarding pass as a picture", pictured, bare.pillow, "the bare calls, Pillow's encoder at level 1", 0.7),
        ("boarding pass as a picture", pictured, bare.ours, "the bare calls, our encoder", None),
        ("boarding pass as a page", paged, shown, "typst, pdfium and zxing-cpp, same layout and data", 0.7),
        ("boarding pass as a page", paged, typeset, "typst alone, nothing read back", None),
    ):
        rounds = []
        for one in (ours, other):
            _rate(one, papers[:5])
        for _ in range(sizes.document_rounds):
            against = _rate(other, papers)
            rounds.append((_rate(ours, papers), against))
        milliseconds = sorted(1000 / one for one, _ in rounds)[len(rounds) // 2]
        note = f"{sizes.document_rounds} x {len(papers)}, each another; {milliseconds:.1f} ms computed each, read back"
        rows.append(alternated(name, "/s computed", rounds, target, words, note=note))
    rows.append(await _made(papers, sizes, drawing))
    return rows


def page_given(drawing: Drawing, paper: Paper) -> tuple[Path, Callable[[], str]]:
    """The typst file of a paper, and its data as JSON: another traveller each time, for typst remembers what it has set."""
    speaker = drawing.speaker(paper, LANGUAGE)
    layout = drawing.layouts.page(paper.kind, paper.brand)
    assert layout is not None, "our own"
    data = page.given(drawing.shaper, Form.PAGE, paper, speaker.cards(paper), LANGUAGE, speaker.brand)
    count = 0

    def give() -> str:
        nonlocal count
        count += 1
        data["cards"][0]["values"]["traveller"] = f"Tom de Wit {count}"
        return json.dumps(data)

    return layout.resolve(), give


async def _made(papers: list[Paper], sizes: Sizes, drawing: Drawing) -> Row:
    """By the clock: what a maker's process gives out, beside the same drawing without one."""
    rounds, own = [], 0.0
    async with Maker(TEMPLATES, processes=1) as maker:
        await maker.warm()
        await maker.make(papers[0], Form.PICTURE, LANGUAGE)
        for _ in range(sizes.document_rounds):
            began = time.perf_counter()
            for paper in papers:
                drawing.draw(paper, Form.PICTURE, LANGUAGE)
            plain = len(papers) / (time.perf_counter() - began)
            began, computed = time.perf_counter(), time.process_time()
            await asyncio.gather(*(maker.make(paper, Form.PICTURE, LANGUAGE) for paper in papers))
            rounds.append((len(papers) / (time.perf_counter() - began), plain))
            own += time.process_time() - computed
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    note = f"one process, {used.ru_maxrss / 1024:.0f} MiB; the gateway itself computes "
    note += f"{own * 1000 / (len(papers) * sizes.document_rounds):.2f} ms a picture"
    return alternated("pictures made beside the gateway", "/s", rounds, 0.7, "the same drawing in this process", note=note)


def main() -> None:
    print(machine())
    for row in uvloop.run(measure(QUICK)):
        print(line(row))


if __name__ == "__main__":
    main()
