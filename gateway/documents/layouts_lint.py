"""What `templates lint` finds in layouts: words that a language lacks, names that nobody knows, colours too faint to read.

A sample of each kind is drawn too: in every language as picture and page, once for print, and again for each brand that has files
of its own. So whatever cannot be set, does not fit or does not read is found before anybody waits for a ticket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from gateway.documents import layouts, said
from gateway.documents.drawing import Drawing
from gateway.documents.forms import Form
from gateway.documents.layouts import NAMED, Layouts
from gateway.documents.paper import PaperKind
from gateway.documents.samples import SAMPLES
from gateway.errors import BadInput, CannotDraw
from gateway.notifications.brands import LEAST_CONTRAST, Brand
from gateway.notifications.entries import read_brands
from gateway.notifications.lint import REQUIRED_LANGUAGES, Finding

_PAGE_WORD = re.compile(r'\bword\(card, "([a-z_]+)"\)')
_ROW_VALUES = frozenset({"more"})


def lint_layouts(templates: Path, fonts: Path | None = None) -> list[Finding]:
    """Every finding, in the order of kinds. Takes a second or two."""
    try:
        brands = read_brands(templates)
        found = layouts.load(templates / "layouts")
        drawing = Drawing(templates, fonts)
    except BadInput as error:
        return [Finding("error", one.field, "load", one.message) for one in error.problems]
    except (ValueError, OSError) as error:
        return [Finding("error", "GATEWAY_FONTS_DIR", "font", str(error))]
    findings = [*_brands(brands, templates)]
    for kind in PaperKind:
        mine = [*_languages(kind, found), *_names(kind, found, brands)]
        findings += mine
        if not any(one.level == "error" for one in mine):  # what lacks a word would only be drawn without it
            findings += _drawn(kind, found, brands, drawing)
    return findings


def _brands(brands: Mapping[str, Brand], templates: Path) -> Iterator[Finding]:
    for brand in brands.values():
        for one, other, contrast in brand.look.faint():
            message = f"{one} on {other} has a contrast of {contrast:.1f}; texts need {LEAST_CONTRAST}"
            yield Finding("error", f"brands.yaml: {brand.id}.colours", "contrast", message)
        if brand.look.logo and not (templates / brand.look.logo).is_file():
            yield Finding("error", f"brands.yaml: {brand.id}.logo", "logo", "no such file beside brands.yaml")


def _languages(kind: PaperKind, found: Layouts) -> Iterator[Finding]:
    """Every word in every language; a brand's own words only in place of ones that there are."""
    own = {language: words for (name, language, brand), words in found.all_words.items() if name == kind.value and not brand}
    if not own and found.picture(kind, "") is None and found.page(kind, "") is None:
        return
    for language in REQUIRED_LANGUAGES:
        if language not in own:
            yield Finding("error", f"layouts/{kind.value}", "language", f"{language}.yaml is missing")
    known = {word for words in own.values() for word in words}
    for language, words in own.items():
        for word in sorted(known - set(words)):
            yield Finding("error", f"layouts/{kind.value}/{language}.yaml", "word", f"{word} is missing")
    for (name, language, brand), words in found.all_words.items():
        if name == kind.value and brand:
            for word in sorted(set(words) - known):
                yield Finding("error", f"layouts/{kind.value}/{language}.{brand}.yaml", "word", f"no language has a word {word}")


def _names(kind: PaperKind, found: Layouts, brands: Mapping[str, Brand]) -> Iterator[Finding]:
    """Words and values that a layout or a word names and that there are none of; brands that there are none of."""
    words = {word for (name, _, _), own in found.all_words.items() if name == kind.value for word in own}
    values = said.VALUES | _ROW_VALUES
    named = [
        (f"layouts/{kind.value}/{_file('picture', brand, 'yaml')}", layout.named())
        for (name, brand), layout in found.pictures.items() if name == kind.value
    ] + [
        (f"layouts/{kind.value}/{path.name}", {f"word.{one}" for one in _PAGE_WORD.findall(path.read_text(encoding="utf-8"))})
        for (name, _), path in found.pages.items() if name == kind.value
    ] + [
        (f"layouts/{kind.value}/{_file(language, brand, 'yaml')}", {one for text in own.values() for one in NAMED.findall(text)})
        for (name, language, brand), own in found.all_words.items() if name == kind.value
    ]  # fmt: skip
    for where, names in named:
        for one in sorted(names):
            if one.startswith("word.") and one[5:] not in words:
                yield Finding("error", where, "word", f"no language has a word {one[5:]}")
            elif not one.startswith("word.") and one not in values:
                yield Finding("error", where, "value", f"there is no value {one}")
    for name, brand in {*found.pictures, *found.pages, *((name, brand) for name, _, brand in found.all_words)}:
        if name == kind.value and brand and brand not in brands:
            yield Finding("error", f"layouts/{kind.value}", "brand", f"a file is of {brand}, which is no brand in brands.yaml")


def _file(name: str, brand: str, suffix: str) -> str:
    return f"{name}.{brand}.{suffix}" if brand else f"{name}.{suffix}"


def _drawn(kind: PaperKind, found: Layouts, brands: Mapping[str, Brand], drawing: Drawing) -> Iterator[Finding]:
    languages = sorted({language for name, language, _ in found.all_words if name == kind.value})
    own = {brand for name, brand in {*found.pictures, *found.pages} if name == kind.value}
    own |= {brand for name, _, brand in found.all_words if name == kind.value}
    for brand in [one for number, one in enumerate(brands) if number == 0 or one in own]:
        paper = replace(SAMPLES[kind], brand=brand)
        for form in Form:
            there = found.picture(kind, brand) if form is Form.PICTURE else found.page(kind, brand)
            for language in (languages[:1] if form is Form.PRINT else languages) if there is not None else ():
                where = f"layouts/{kind.value} as {form.value} in {language} for {brand}"
                try:
                    drawing.draw(paper, form, language)
                except CannotDraw as error:
                    yield Finding("error", where, "draw", f"{error}{f': {error.__cause__}' if error.__cause__ else ''}")
                    continue
                if form is Form.PICTURE:
                    for text in drawing.cut_words(paper, language):
                        yield Finding("error", where, "room", f'"{text}" does not fit into its box')
