"""Layouts as data: what `templates lint` finds in them, and what a brand or an operator may change."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from gateway.documents import symbols
from gateway.documents.drawing import Drawing
from gateway.documents.forms import Form
from gateway.documents.layouts_lint import lint_layouts
from gateway.notifications.brands import Look, contrast
from tests.support.drawn import PASS, TEMPLATES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Our own layout of a boarding pass alone, to be changed."""
    for name in ("brands.yaml", "places.yaml"):
        shutil.copy(TEMPLATES / name, tmp_path / name)
    shutil.copytree(TEMPLATES / "logos", tmp_path / "logos")
    shutil.copytree(TEMPLATES / "layouts" / "boarding_pass", tmp_path / "layouts" / "boarding_pass")
    shutil.copy(TEMPLATES / "layouts" / "common.typ", tmp_path / "layouts" / "common.typ")
    return tmp_path


def changed(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def rules(folder: Path) -> set[tuple[str, str]]:
    return {(one.rule, one.message) for one in lint_layouts(folder)}


@pytest.mark.long  # `templates lint` over them is a test of its own
def test_our_own_layouts_are_clean_in_every_language_form_and_kind() -> None:
    assert lint_layouts(TEMPLATES) == []


def test_a_word_that_a_language_lacks_is_named(folder: Path) -> None:
    changed(folder, "layouts/boarding_pass/fr.yaml", "seat: Siège\n", "")
    (one,) = lint_layouts(folder)
    assert (one.level, one.where, one.message) == ("error", "layouts/boarding_pass/fr.yaml", "seat is missing")
    (folder / "layouts" / "boarding_pass" / "nl.yaml").unlink()
    assert ("language", "nl.yaml is missing") in rules(folder)


def test_a_name_that_nobody_knows_is_named(folder: Path) -> None:
    changed(folder, "layouts/boarding_pass/picture.yaml", 'text: "{gate}"', 'text: "{gaet}"')
    changed(folder, "layouts/boarding_pass/page.typ", 'word(card, "title")', 'word(card, "titel")')
    changed(folder, "layouts/boarding_pass/en.yaml", "{as_of}", "{asof}")
    found = {(one.where.rpartition("/")[2], one.message) for one in lint_layouts(folder)}
    assert found == {
        ("picture.yaml", "there is no value gaet"), ("page.typ", "no language has a word titel"),
        ("en.yaml", "there is no value asof"),
    }  # fmt: skip


def test_what_cannot_be_drawn_is_found_before_anybody_waits_for_it(folder: Path) -> None:
    changed(folder, "layouts/boarding_pass/page.typ", "#show: paged", "#show: paged\n#let")
    assert any(rule == "draw" and "page.typ cannot be set" in message for rule, message in rules(folder))
    changed(folder, "layouts/boarding_pass/picture.yaml", "- {symbol: true, at: [120, 560, 480, 430]}", "")
    assert ("draw", "the paper has a symbol and its layout no box for one") in rules(folder)


def test_words_that_do_not_fit_are_found(folder: Path) -> None:
    words = "Einsteigereihenfolgenummer der Fluggesellschaft"
    changed(folder, "layouts/boarding_pass/de.yaml", "sequence: Nummer", f"sequence: {words}")
    assert rules(folder) == {("room", f'"{words}" does not fit into its box')}


def test_a_box_outside_the_canvas_or_too_low_for_its_text_is_refused(folder: Path) -> None:
    changed(folder, "layouts/boarding_pass/picture.yaml", "[460, 40, 220, 34]", "[560, 40, 220, 34]")
    assert ("load", "boxes.3 should lie on the canvas of 720 x 1090") in rules(folder)
    changed(folder, "layouts/boarding_pass/picture.yaml", "[560, 40, 220, 34]", "[460, 40, 220, 20]")
    assert ("load", "boxes.3: text of size 24, lines 1, should fit into [460, 40, 220, 20]") in rules(folder)


def test_a_text_of_a_row_stays_in_its_row(folder: Path) -> None:
    rows = '  - {rows: legs, at: [40, 10, 640, 90], each: 40, texts: [{text: "{seat}", at: [0, 16, 90, 27], size: 20}]}'
    changed(folder, "layouts/boarding_pass/picture.yaml", "\nboxes:\n", f"\nboxes:\n{rows}\n")
    assert ("load", "boxes.0: a text should fit into its row of 40, and the row into the box") in rules(folder)


def test_a_field_is_no_wider_than_its_box_and_no_higher_than_its_row(folder: Path) -> None:
    changed(folder, "layouts/boarding_pass/picture.yaml", 'text: "{date}", wide: 2', 'text: "{date}", wide: 5')
    assert ("load", "boxes.12: a field should be at most 4 columns wide") in rules(folder)
    changed(folder, "layouts/boarding_pass/picture.yaml", 'text: "{date}", wide: 5', 'text: "{date}", size: 60')
    assert ("load", "boxes.12: label and value should fit into `each`, 62") in rules(folder)


def test_colours_that_are_hard_to_read_and_logos_that_are_not_there_are_errors(folder: Path) -> None:
    changed(folder, "brands.yaml", "#0B4F8A", "#7FB6E6")
    changed(folder, "brands.yaml", "logos/dijknet.svg", "logos/nothing.svg")
    assert rules(folder) == {
        ("contrast", "ground on accent has a contrast of 2.2; texts need 4.5"), ("logo", "no such file beside brands.yaml"),
    }  # fmt: skip


def test_contrast_is_reckoned_as_wcag_does() -> None:
    assert contrast("#000000", "#FFFFFF") == 21
    assert round(contrast("#777777", "#FFFFFF"), 2) == 4.48
    assert Look(ink="#777777").faint()[0][:2] == ("ink", "ground")


def test_a_look_is_custom_properties_for_a_page() -> None:
    assert Look(ink="#000000", accent="#0B4F8A").css() == {
        "--brand-ink": "#000000", "--brand-ground": "#FFFFFF", "--brand-accent": "#0B4F8A", "--brand-muted": "#404040",
        "--brand-line": "#D9D9D9",
    }  # fmt: skip


def test_a_brand_may_have_its_own_words_and_its_own_picture(folder: Path) -> None:
    own = folder / "layouts" / "boarding_pass"
    before = Drawing(folder).draw(PASS, Form.PICTURE, "nl").data
    (own / "nl.zz.yaml").write_text("gate: Uitgang\n")
    worded = Drawing(folder).draw(PASS, Form.PICTURE, "nl").data
    assert worded != before
    assert Drawing(folder).draw(replace(PASS, brand="exr"), Form.PICTURE, "nl").data != worded
    (own / "picture.zz.yaml").write_text((own / "picture.yaml").read_text().replace("size: [720, 1090]", "size: [720, 1100]"))
    assert Image.open(io.BytesIO(Drawing(folder).draw(PASS, Form.PICTURE, "nl").data)).size == (720, 1100)
    assert lint_layouts(folder) == []


def test_a_code_stays_black_on_white_with_its_margin_whatever_a_brands_colours_are(folder: Path) -> None:
    changed(folder, "brands.yaml", '{ink: "#10243A", ground: "#FFFFFF", accent: "#0B4F8A"}',
            '{ink: "#FFFFFF", ground: "#10243A", accent: "#C9E4FF"}')  # fmt: skip
    assert lint_layouts(folder) == []
    data = Drawing(folder).draw(PASS, Form.PICTURE, "nl").data
    lower = Image.open(io.BytesIO(data)).convert("L").crop((0, 566, 720, 1004))
    white = lower.point(lambda value: 255 if value == 255 else 0).getbbox()
    black = lower.point(lambda value: 255 if value == 0 else 0).getbbox()
    assert white is not None
    assert black is not None
    module = (black[2] - black[0]) // symbols.modules(PASS.symbols[0]).width
    assert [abs(one - other) for one, other in zip(white, black, strict=True)] == [2 * module] * 4


def test_a_language_without_words_falls_back_to_the_brands_and_a_brand_without_colours_is_drawn(folder: Path) -> None:
    drawing = Drawing(folder)
    assert drawing.draw(PASS, Form.PICTURE, "pt_BR").data == drawing.draw(PASS, Form.PICTURE, "nl").data, "the brand's is nl"
    assert drawing.draw(PASS, Form.PICTURE, "de_AT").data == drawing.draw(PASS, Form.PICTURE, "de").data
    assert drawing.draw(replace(PASS, brand="unknown"), Form.PICTURE, "en").data


def test_a_logo_that_is_gone_keeps_no_ticket(folder: Path) -> None:
    (folder / "logos" / "polderwind-air.svg").unlink()
    assert Drawing(folder).draw(PASS, Form.PICTURE, "nl").data
