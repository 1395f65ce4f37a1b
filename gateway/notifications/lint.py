"""Checks notifications against the channel's rules for templates, and against ours. Findings are values.

What `load` refuses (unknown keys, expressions that do not compile, parameters nobody declared) does not come this far.
Here stands what would load and still be rejected by the channel's review, break a limit with a long value, or mislead.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.model.event import EventType
from gateway.model.message import ButtonKind, Priority
from gateway.notifications import asked, for_families
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.graph import family
from gateway.notifications.model import Notification
from gateway.notifications.rolling import why_by_nature
from gateway.notifications.template_rules import TemplateRules
from gateway.notifications.texts import VARIABLE, Texts, clean, fill, variables
from gateway.rules.question import Night

REQUIRED_LANGUAGES = ("nl", "en", "de", "fr")
NEWS_WITHIN = 60

_CANCEL = re.compile(r"\b(cancel|annule(er|ren|er[sz]?)|storn(o|ieren))\b", re.IGNORECASE)
_BRACES = re.compile(r"\{\{|\}\}")
_MARKUP = re.compile(r"[*_~`]")
_MARKS_OF_FORMATS = {"money": "$", "url": "#%"}
"""Signs that a format can bring by itself: of a currency, of an encoded address. Other formats bring words and digits."""
_JOURNEYS = (EventType.FLIGHT_STATUS, EventType.TRIP_STATUS)
_ON_CANCELLED = re.compile(r"""(?<!!\()["']cancelled["']\s+in\s+changes""")
_CANCELLED = {
    "state": {"status": "cancelled", "reason": {}, "departure": {}, "arrival": {}, "rebookings": [{}]},
    "changes": ["status_changed", "cancelled", "rebooked"], "previous": {}, "data": {}, "facts": {}, "now_ms": 0,
}  # fmt: skip
"""A journey that has just been cancelled, as conditions see it."""
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf]")

# What tells who somebody is, what they booked or where they sit. Prefixes of paths.
_PERSONAL = (
    "person", "passenger", "links", "paper", "order.number", "data.orderNumber", "data.passenger", "data.recipients",
    "data.bcbp", "data.checkin.seat", "data.document.holder", "data.document.seat", "data.document.barcode",
    "data.document.id", "state.shipment.tracking_number", "state.shipment.tracking_url", "state.pickup.code",
    "state.window", "state.what", "state.missed_by", "data.names",
)  # fmt: skip


Accounts = Mapping[str, frozenset[str]]
"""Accounts of a channel by their names -> the brands whose own words each is given."""


@dataclass(frozen=True, slots=True)
class Finding:
    """level: "error" (do not push this) or "warning"; where: file and field; rule: a word to search for."""

    level: str
    where: str
    rule: str
    message: str


def lint(
    catalogue: Catalogue,
    rules: TemplateRules,
    languages: Sequence[str] = REQUIRED_LANGUAGES,
    accounts: Accounts | None = None,
) -> list[Finding]:
    """Every finding about every notification, errors first, in the order of names.

    languages: each has to speak them all
    accounts:  the channel's accounts that hold our templates; None = one that holds those of every brand
    """
    found: list[Finding] = []
    for one in catalogue:
        found += _declaration(one, catalogue)
        found += _languages(one, rules, languages)
        found += _values(one, rules)
        for texts in one.texts:
            found += _texts(one, texts, rules)
    for name in asked.untold(catalogue):
        found.append(Finding("warning", f"moments.yaml: {name}", "changes", "no notification asks for it: it is told to nobody"))
    for account, brands in (accounts or {"": frozenset(catalogue.brands)}).items():
        found += _count(catalogue, rules, account, brands)
    return sorted(found, key=lambda finding: finding.level != "error")


def _declaration(one: Notification, catalogue: Catalogue) -> Iterator[Finding]:
    where = f"{one.name}/notification.yaml"
    used = {name for texts in one.texts for name in _spoken(texts)}
    for name in one.parameters:
        if name not in used:
            yield Finding("error", f"{where}: parameters.{name}", "unused", "no text says it")
    for name in one.news:
        if name not in one.parameters:
            yield Finding("error", f"{where}: news", "unknown", f"{name} is no parameter")
    if not one.news:
        yield Finding("error", f"{where}: news", "news", "should name the parameters that hold the news")
    for other in one.ends:
        ended = catalogue.get(other)
        if other == one.name:
            yield Finding("error", f"{where}: ends", "ends", "ends itself: say `replaces` instead")
        elif ended is not None and family(ended.event) != family(one.event):
            yield Finding("error", f"{where}: ends", "ends", f"{other} is about other subjects")
    if any(root in ("person", "order", "passenger", "links") for source in one.watch.sources for root in source.roots):
        yield Finding("error", f"{where}: watch", "watch", "should be of the subject: what is about a reader is the same all day")
    for word in asked.unknown(one, catalogue):
        yield Finding("error", f"{where}: when", "changes", f"{word} is no change, and no moment of such a subject")
    yield from _substitute(one, catalogue, where)
    yield from _personal(one, where)
    yield from _rights(one, where)
    for field, message in for_families.problems(one):
        yield Finding("error", f"{where}: {field}", "family", message)
    if one.rollout == "allowed" and (never := why_by_nature(one)):
        yield Finding("error", f"{where}: rollout", "rollout", f"cannot be allowed: {never}")
    if one.night is Night.WAKE and one.priority is not Priority.URGENT and not one.at_home:
        yield Finding("error", f"{where}: night", "night", "only urgent news wakes people")
    if one.priority is Priority.URGENT and one.night is Night.WAIT:
        yield Finding("error", f"{where}: priority", "night", "urgent news that waits for the morning is not urgent")
    if one.priority is Priority.BULK and one.night is not Night.WAIT:
        yield Finding("error", f"{where}: priority", "night", "bulk news waits for the morning")


def _substitute(one: Notification, catalogue: Catalogue, where: str) -> Iterator[Finding]:
    substitute = catalogue.get(one.substitute) if one.substitute else None
    if substitute is None:
        return
    if substitute is one or substitute.event is not one.event:
        yield Finding("error", f"{where}: substitute", "substitute", "should be another one of the same event")
    elif substitute.personal and not one.personal:
        yield Finding("error", f"{where}: substitute", "personal", "the substitute says more about the person")


def _personal(one: Notification, where: str) -> Iterator[Finding]:
    reasons = sorted(
        path for parameter in one.parameters.values() for source, _ in parameter.sources
        for path in source.paths if _is_personal(path, one.event)
    )  # fmt: skip
    if one.document is not None:
        reasons.append("document")
    if reasons and not one.personal:
        yield Finding("error", f"{where}: personal", "personal", f"should be true: it says {', '.join(reasons)}")
    if one.personal and not reasons:
        yield Finding("error", f"{where}: personal", "personal", "should be false: nothing in it is about a person")


def _rights(one: Notification, where: str) -> Iterator[Finding]:
    """Whoever hears that a journey is cancelled reads in the same message where their rights as a passenger stand."""
    condition = one.condition.source if one.condition is not None else ""
    just = {**_CANCELLED, "event": {"type": one.event, "status": "cancelled"}}
    told = bool(_ON_CANCELLED.search(condition)) or one.applies(just)
    if one.event in _JOURNEYS and told and not one.at_home and one.legal != "passenger_rights":
        message = "tells that a journey is cancelled: declare `legal: passenger_rights`, and say where they are read"
        yield Finding("error", f"{where}: legal", "passenger_rights", message)
    if one.legal != "passenger_rights":
        return
    links = {
        name for name, parameter in one.parameters.items()
        if any(form == "url" and "brand.rights_url" in source.paths for source, form in parameter.sources)
    }  # fmt: skip
    pages = {spec.key for spec in one.buttons if spec.suffix is not None and "brand.rights_url" in spec.suffix.paths}
    for texts in one.texts:
        if not (links & set(texts.body_variables) or pages & set(texts.buttons)):
            message = "says nowhere where passengers read their rights: a parameter or button from brand.rights_url"
            yield Finding("error", texts.file, "passenger_rights", message)


def _is_personal(path: str, event: EventType | None) -> bool:
    if event is EventType.ORDER_STATUS and path == "state.number":
        return True
    return any(path == prefix or path.startswith(prefix + ".") for prefix in _PERSONAL)


def _languages(one: Notification, rules: TemplateRules, languages: Sequence[str]) -> Iterator[Finding]:
    for language in languages:
        if language not in one.languages:
            yield Finding("error", one.name, "language", f"{language}.yaml is missing")
    current = [texts for texts in one.texts if texts.version == one.version]
    first = current[0] if current else None
    for texts in current:
        if texts.language not in rules.languages:
            yield Finding("warning", texts.file, "language", f"{texts.language} is not among the channel's known codes")
        if first is not None and set(_template_variables(texts)) != set(_template_variables(first)):
            differing = sorted(set(_template_variables(texts)) ^ set(_template_variables(first)))
            message = f"not the same parameters as {first.file}: {', '.join(differing)}"
            yield Finding("error", texts.file, "parameters", message)


def _texts(one: Notification, texts: Texts, rules: TemplateRules) -> Iterator[Finding]:
    yield from _body(one, texts, rules)
    if texts.header is not None:
        yield from _header(one, texts, rules)
    if texts.footer is not None:
        if len(texts.footer) > rules.footer_max or "\n" in texts.footer:
            yield Finding("error", f"{texts.file}: footer", "length", f"one line of at most {rules.footer_max}")
        if VARIABLE.search(texts.footer):
            yield Finding("error", f"{texts.file}: footer", "variables", "a footer has none")
        if _CANCEL.search(texts.footer):
            yield Finding("error", f"{texts.file}: footer", "cancel", "cancel is never a stop word")
    yield from _buttons(one, texts, rules)
    yield from _examples(one, texts)
    if texts.template and (len(texts.template) > rules.name_max or not re.fullmatch(r"[a-z0-9_]+", texts.template)):
        yield Finding("error", texts.file, "name", f"{texts.template} is no name for the channel")


def _body(one: Notification, texts: Texts, rules: TemplateRules) -> Iterator[Finding]:
    where, body = f"{texts.file}: body", texts.body
    names = VARIABLE.findall(body)
    longest = len(VARIABLE.sub("", body)) + sum(one.parameters[name].longest for name in names)
    if rules.footer_joins and texts.footer is not None:
        longest += 2 + len(texts.footer)
    if longest > rules.body_max and not rules.hindrance(one):
        message = f"with the longest values {longest} characters, the limit is {rules.body_max}: lower a `max`"
        yield Finding("error", where, "length", message)
    if one.template:  # what is said inside a window alone is reviewed by nobody
        yield from _variables_stand_apart(where, body)
    if len(set(names)) < len(names):
        yield Finding("error", where, "variables", "a parameter stands in a text once")
    words = len(re.findall(r"\w+", VARIABLE.sub(" ", body)))
    if one.template and words < rules.words_per_variable * len(names):
        message = f"{words} words for {len(names)} parameters; the review wants {rules.words_per_variable} each"
        yield Finding("error", where, "words", message)
    if "\t" in body or "    " in body or "\n\n\n" in body:
        yield Finding("error", where, "blanks", "no tabs, no four blanks and no three line ends in a row")
    shown = "\n".join(part for part in (texts.header, body) if part)
    said = fill(shown, {name: texts.examples.get(name, "") for name in variables(shown)})[:NEWS_WITHIN]
    if one.news and not any(texts.examples.get(name) and texts.examples[name] in said for name in one.news):
        message = f"the first {NEWS_WITHIN} characters say none of {', '.join(one.news)}"
        yield Finding("error", where, "news", message)


def _variables_stand_apart(where: str, text: str) -> Iterator[Finding]:
    """The review refuses parameters at either end and side by side; a stop or a comma is not a word between them."""
    pieces = VARIABLE.split(text)[::2]
    if len(pieces) > 1 and not re.search(r"\w", pieces[0]):
        yield Finding("error", where, "edge", "a parameter stands at the start")
    if len(pieces) > 1 and not re.search(r"\w", pieces[-1]):
        yield Finding("error", where, "edge", "a parameter stands at the end")
    if any(not re.search(r"\w", piece) for piece in pieces[1:-1]):
        yield Finding("error", where, "adjacent", "two parameters without a word between them")
    if any(_BRACES.search(piece) for piece in pieces):
        yield Finding("error", where, "braces", "braces that make no parameter; names are small letters and _")


def _header(one: Notification, texts: Texts, rules: TemplateRules) -> Iterator[Finding]:
    where, header = f"{texts.file}: header", texts.header or ""
    names = VARIABLE.findall(header)
    if one.document is not None:
        yield Finding("error", where, "header", "the document is the header; there is room for one")
    if len(names) > 1:
        yield Finding("error", where, "variables", "a header has at most one parameter")
    if len(VARIABLE.sub("", header)) + sum(one.parameters[name].longest for name in names) > rules.header_max:
        yield Finding("error", where, "length", f"with the longest value over {rules.header_max} characters")
    if "\n" in header or _MARKUP.search(VARIABLE.sub("", header)) or _EMOJI.search(header):
        yield Finding("error", where, "header", "one line without markup and emoji")


def _buttons(one: Notification, texts: Texts, rules: TemplateRules) -> Iterator[Finding]:
    shown = [spec for spec in one.buttons if spec.key in texts.buttons]
    kinds = [spec.kind for spec in shown]
    if len(shown) > rules.buttons_max:
        yield Finding("error", f"{texts.file}: buttons", "buttons", f"at most {rules.buttons_max}")
    if kinds.count(ButtonKind.URL) > rules.url_buttons_max:
        yield Finding("error", f"{texts.file}: buttons", "buttons", f"at most {rules.url_buttons_max} with a URL")
    if sum(before is not after for before, after in itertools.pairwise(kinds)) > 1:
        yield Finding("error", f"{texts.file}: buttons", "buttons", "replies and links stand in two groups")
    if len(shown) > rules.free_buttons_max:
        message = f"over {rules.free_buttons_max} fold into a list, and are refused inside the service window"
        yield Finding("error", f"{texts.file}: buttons", "buttons", message)
    labels = list(texts.buttons.values())
    if len(set(labels)) < len(labels):
        yield Finding("error", f"{texts.file}: buttons", "label", "two buttons with one label")
    for key, label in texts.buttons.items():
        where = f"{texts.file}: buttons.{key}"
        if not label.strip() or len(label) > rules.label_max:
            yield Finding("error", where, "label", f"1 to {rules.label_max} characters, this has {len(label)}")
        elif len(label) > rules.free_label_max:
            message = f"inside the service window at most {rules.free_label_max} characters, this has {len(label)}"
            yield Finding("error", where, "label", message)
        if "\n" in label or _EMOJI.search(label) or _BRACES.search(label):
            yield Finding("error", where, "label", "no line end, emoji or parameter")
        if _CANCEL.search(label) or _CANCEL.search(key):
            yield Finding("error", where, "cancel", "cancel is never a stop word: it opens a conversation")
    for spec in shown:
        if len(spec.url) > rules.url_max:
            yield Finding("error", f"{one.name}/notification.yaml: buttons.{spec.key}", "url", "too long")


def _examples(one: Notification, texts: Texts) -> Iterator[Finding]:
    used = set(_template_variables(texts))
    for name in sorted(used - set(texts.examples)):
        yield Finding("error", f"{texts.file}: examples", "example", f"{name} has none; the review wants one each")
    for name in sorted(set(texts.examples) - used):
        yield Finding("error", f"{texts.file}: examples.{name}", "example", "no text says it")
    for name in sorted(set(texts.examples) & used):
        parameter = one.parameters[name]
        if clean(texts.examples[name], longest=parameter.longest, link=parameter.is_link) != texts.examples[name]:
            yield Finding("error", f"{texts.file}: examples.{name}", "example", "is too long or not clean as a value")


def _values(one: Notification, rules: TemplateRules) -> Iterator[Finding]:
    """Where a value can hold what the channel refuses in one: it goes out without, so the sentence should bear that."""
    if not one.template or rules.hindrance(one):
        return
    left_out = f"{rules.channel} says it without"
    for name, parameter in one.parameters.items():
        where = f"{one.name}/notification.yaml: parameters.{name}"
        for form, marks in _MARKS_OF_FORMATS.items():
            barred = [mark for mark in marks if mark in rules.values_barred]
            if barred and any(found == form for _, found in parameter.sources):
                yield Finding("warning", where, "characters", f"as {form} it can hold {' '.join(barred)}: {left_out}")
    for texts in one.texts:
        said = {f"examples.{name}": text for name, text in texts.examples.items()}
        said |= {f"phrases.{name}": text for name, text in texts.phrases.items()}
        said |= {f"otherwise.{name}": text for name, text in texts.otherwise.items()}
        said |= {f"words.{name}.{key}": text for name, row in texts.words.items() for key, text in row.items()}
        for place, text in said.items():
            barred = [mark for mark in rules.values_barred if mark in text]
            if rules.values_without_emoji and _EMOJI.search(text):
                barred.append("emoji")
            if barred:
                yield Finding("warning", f"{texts.file}: {place}", "characters", f"{' '.join(barred)}: {left_out}")


def _count(catalogue: Catalogue, rules: TemplateRules, account: str, brands: frozenset[str]) -> Iterator[Finding]:
    """What one account is given: everybody's words and its brands' own, each language, and older versions beside the new ones."""
    if not rules.templates_max:
        return
    given = [
        (one, texts)
        for one in catalogue
        for texts in one.texts
        if texts.template and not rules.hindrance(one) and (texts.brand is None or texts.brand in brands)
    ]
    count, names = len(given), len({texts.template for _, texts in given})
    older = sum(texts.version < one.version for one, texts in given)
    said = f"{count} templates ({names} names, and each language counts" + (f"; {older} of older versions)" if older else ")")
    said += f" for account {account}" if account else ""
    if count > rules.templates_max:
        yield Finding("error", "templates/", "count", f"{said}, a verified account holds {rules.templates_max}")
    elif count > rules.templates_unverified_max:
        message = f"{said}, an account that is not verified holds {rules.templates_unverified_max}"
        yield Finding("warning", "templates/", "count", message)


def _template_variables(texts: Texts) -> tuple[str, ...]:
    return (*texts.header_variables, *texts.body_variables)


def _spoken(texts: Texts) -> set[str]:
    return {*_template_variables(texts), *(name for phrase in texts.phrases.values() for name in variables(phrase))}
