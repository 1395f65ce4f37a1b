"""Where the channel's words differ from ours, line by line.

An approved template can be edited at the channel by somebody else's hands: in its own pages, by another program, by an agency.
Then people read what nobody here wrote, or a parameter is gone and every send fails. So what the channel lists is compared with
what `create_body` would ask for: words, buttons, category, form of the parameters. What reviewers alone see (examples), the
order of components and the case of keywords are no difference.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.notifications.catalogue import Catalogue
from gateway.notifications.model import Notification
from gateway.notifications.remote import RemoteTemplate, TemplateAdmin
from gateway.notifications.texts import Texts

PLACEHOLDER_HANDLE = "planned"


@dataclass(frozen=True, slots=True)
class Difference:
    """One line. what: "body", "header", "footer", "button 2", "category", "parameters". ours, theirs: "" = it has none."""

    notification: str
    template: str
    language: str
    what: str
    ours: str
    theirs: str


def given(catalogue: Catalogue, admin: TemplateAdmin, brand: str) -> Iterator[tuple[Notification, Texts]]:
    """Every version that an account of this brand may hold: the brand's own words and everybody's."""
    for notification in catalogue:
        if not admin.rules.hindrance(notification):
            for texts in notification.texts:
                if texts.template and texts.brand in (brand, None):
                    yield notification, texts


def differences(
    catalogue: Catalogue, remote: Iterable[RemoteTemplate], admin: TemplateAdmin, brand: str
) -> list[Difference]:
    """Of every version of ours that the channel lists. What it does not list is no difference: `push.plan` says that."""
    listed = {(one.name, one.language): one for one in remote}
    found: list[Difference] = []
    for notification, texts in given(catalogue, admin, brand):
        known = listed.get((texts.template, texts.language))
        if known is not None:
            body = admin.create_body(notification, texts, PLACEHOLDER_HANDLE)
            found += [Difference(notification.name, texts.template, texts.language, *one) for one in _compared(body, known)]
    return found


def differing(
    catalogue: Catalogue, remote: Iterable[RemoteTemplate], admin: TemplateAdmin, brand: str
) -> frozenset[tuple[str, str]]:
    """(template, language) of those whose words differ; another category is no matter of words."""
    found = differences(catalogue, remote, admin, brand)
    return frozenset((one.template, one.language) for one in found if one.what != "category")


def _compared(body: Mapping[str, Any], known: RemoteTemplate) -> Iterator[tuple[str, str, str]]:
    category, form = str(body.get("category", "")).lower(), str(body.get("parameter_format", "")).upper()
    if known.category and known.category != category:
        yield "category", category, known.category
    if known.parameter_format and known.parameter_format != form:
        yield "parameters", form.lower(), known.parameter_format.lower()
    ours, theirs = shown(body["components"]), shown(known.components)
    for what in dict.fromkeys((*ours, *theirs)):
        yield from ((what, *pair) for pair in _lines(ours.get(what, ""), theirs.get(what, "")))


def _lines(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    here, there = ours.split("\n"), theirs.split("\n")
    for kind, begin, end, begin_there, end_there in difflib.SequenceMatcher(None, here, there, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from _side_by_side(here[begin:end], there[begin_there:end_there])


def _side_by_side(here: Sequence[str], there: Sequence[str]) -> Iterator[tuple[str, str]]:
    for place in range(max(len(here), len(there))):
        pair = (here[place] if place < len(here) else "", there[place] if place < len(there) else "")
        if pair[0] != pair[1]:
            yield pair


def shown(components: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What of a template's components people see, by its place: "body", "header", "button 1" ..."""
    found: dict[str, str] = {}
    for part in components:
        kind = str(part.get("type", "")).lower()
        if kind == "buttons":
            for number, one in enumerate(part.get("buttons") or [], 1):
                words = (str(one.get("type", "")).lower(), one.get("text"), one.get("url"))
                found[f"button {number}"] = " ".join(str(word) for word in words if word)
        else:
            # Only a header has a format worth naming; some lists give a body one as well.
            form = str(part.get("format", "TEXT")).lower() if kind == "header" else "text"
            found[kind] = str(part.get("text") or "").strip() if form == "text" else f"({form})"
    return found
