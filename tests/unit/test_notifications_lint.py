"""Lint: ours are clean, and each rule catches what it is for."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.whatsapp.templates import RULES
from gateway.notifications.catalogue import load
from gateway.notifications.lint import Finding, lint
from tests.support.notifications import ROOT, catalogue
from tests.support.versions import write_versions

DECLARATION = """
version: 1
about: For tests.
event: flight.status
when: "'delay' in changes"
purpose: journey
personal: false
parameters:
  flight: {from: state.number, max: 12}
  gate: {from: state.gate, max: 12}
news: [flight]
buttons: [{key: question}]
"""
WORDS = """
body: Your flight {{flight}} now leaves from gate {{gate}} and not from another one.
buttons: {question: Ask}
examples: {flight: ZZ 1, gate: D1}
"""
BODY = "body: Your flight {{flight}} now leaves from gate {{gate}} and not from another one."


def findings(directory: Path, declaration: str = DECLARATION, words: str = WORDS, **files: str | None) -> list[Finding]:
    folder = directory / "late"
    folder.mkdir()
    (folder / "notification.yaml").write_text(declaration)
    for name, text in {"nl": words, "en": words, **files}.items():
        if text is not None:
            (folder / f"{name}.yaml").write_text(text)
    return lint(load(directory), RULES, ("nl", "en"))


def test_our_own_notifications_are_clean() -> None:
    # More than an account holds that is not verified: who has one leaves out a language (docs/notifications.md).
    assert [(one.level, one.rule) for one in lint(catalogue(), RULES)] == [("warning", "count")]


def test_the_notification_of_these_tests_is_clean(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


CANCELLED = (
    DECLARATION.replace("'delay' in changes", "'cancelled' in changes")
    .replace("  gate:", "  rights: {from: brand.rights_url, as: url, max: 100}\n  gate:")
    .replace("personal: false", "personal: false\nlegal: passenger_rights")
)
RIGHTS = WORDS.replace("another one.", "another one. Your rights stand at {{rights}} for everybody to read there.").replace(
    "gate: D1}", "gate: D1, rights: https://example.org/rights}"
)


def test_who_tells_a_cancelled_journey_says_in_every_language_where_passengers_read_their_rights(tmp_path: Path) -> None:
    def rights(name: str, *args: str, **files: str) -> list[str]:
        (tmp_path / name).mkdir()
        return [one.where for one in findings(tmp_path / name, *args, **files) if one.rule == "passenger_rights"]

    assert rights("with", CANCELLED, RIGHTS) == []
    undeclared = CANCELLED.replace("legal: passenger_rights", "legal: none")
    assert rights("undeclared", undeclared, RIGHTS) == ["late/notification.yaml: legal"]
    assert rights("one language without", CANCELLED, RIGHTS, en=WORDS) == ["late/en.yaml"]
    assert rights("another page", CANCELLED.replace("brand.rights_url", "brand.support_url"), RIGHTS) == [
        "late/en.yaml", "late/nl.yaml",
    ]  # fmt: skip
    assert rights("not cancelled", CANCELLED.replace("'cancelled' in", "!('cancelled' in").replace("changes\"", "changes)\"")
                  .replace("legal: passenger_rights", "legal: none"), RIGHTS) == []  # fmt: skip
    by_state = undeclared.replace("'cancelled' in changes", "'status_changed' in changes && state.status == 'cancelled'")
    assert rights("by its state", by_state, RIGHTS) == ["late/notification.yaml: legal"]
    other_state = by_state.replace("state.status ==", "state.status !=")
    assert rights("of another state", other_state, RIGHTS) == []
    ordered = undeclared.replace("flight.status", "order.status")
    assert rights("an order's", ordered, RIGHTS) == []


LABEL = "buttons: {question: Ask}"
BAD_WORDS = [
    ("edge", BODY, "body: '{{flight}} now leaves from a new gate, and this is it, namely gate {{gate}} today'"),
    ("edge", BODY, "body: Your flight {{flight}} now leaves from a new gate, and this is it, namely gate {{gate}}."),
    ("adjacent", BODY, "body: Your flight {{flight}}, {{gate}} leaves from another gate than before, look at the board"),
    ("words", BODY, "body: Flight {{flight}} gate {{gate}} now"),
    ("variables", BODY, BODY + " So {{gate}} it is today."),
    ("braces", BODY, BODY + " And {{Seat}} too."),
    ("length", BODY, BODY + " x" * 600),
    ("blanks", BODY, f'body: "{BODY.removeprefix("body: ")}\\tand more"'),
    ("news", BODY, f"body: Hello, this is a long way of saying hello to somebody who waits. {BODY.removeprefix('body: ')}"),
    ("label", LABEL, "buttons: {question: This label is far too long}"),
    ("label", LABEL, "buttons: {question: Twenty-two characters}"),
    ("label", LABEL, "buttons: {question: Ask 👍}"),
    ("cancel", LABEL, "buttons: {question: Annuleer dit}"),
    ("cancel", LABEL, LABEL + "\nfooter: Reply CANCEL to stop."),
    ("length", LABEL, LABEL + "\nfooter: " + "x" * 61),
    ("variables", LABEL, LABEL + "\nfooter: Flight {{flight}} here"),
    ("header", LABEL, LABEL + "\nheader: News *now*"),
    ("length", LABEL, LABEL + "\nheader: " + "x" * 61),
    ("variables", LABEL, LABEL + "\nheader: Of {{flight}} at {{gate}} now"),
    ("example", "gate: D1", "gate: a gate that is too long"),
    ("example", ", gate: D1", ""),
    ("example", "gate: D1", "gate: D1, seat: 1A"),
]


@pytest.mark.parametrize(("rule", "old", "new"), BAD_WORDS, ids=[f"{i}-{row[0]}" for i, row in enumerate(BAD_WORDS)])
def test_words_that_the_review_would_refuse_are_found(tmp_path: Path, rule: str, old: str, new: str) -> None:
    assert old in WORDS
    found = findings(tmp_path, words=WORDS.replace(old, new))
    assert rule in {finding.rule for finding in found if finding.level == "error"}


def test_a_change_that_nothing_ever_says_is_found_and_a_moment_is_known_by_its_name(tmp_path: Path) -> None:
    def asking(name: str, word: str) -> list[str]:
        (tmp_path / name).mkdir()
        shutil.copy(ROOT / "templates" / "moments.yaml", tmp_path / name)
        declared = DECLARATION.replace("'delay' in changes", f"'{word}' in changes")
        return [one.where for one in findings(tmp_path / name, declared) if one.rule == "changes"]

    def untold(but: str = "") -> list[str]:
        return [f"moments.yaml: {name}" for name in catalogue().moments.names if name != but]

    assert asking("typo", "gaet") == ["late/notification.yaml: when", *untold()]
    assert asking("a train's", "train_leaves_soon") == ["late/notification.yaml: when", *untold("train_leaves_soon")]
    assert asking("moment", "check_in_opens") == untold("check_in_opens")


BAD_DECLARATIONS = [
    ("unused", "news: [flight]", "  seat: {from: state.seat}\nnews: [flight]"),
    ("unknown", "news: [flight]", "news: [flight, seat]"),
    ("news", "news: [flight]", "news: []"),
    ("personal", "from: state.gate", "from: data.checkin.seat"),
    ("personal", "from: state.gate", "from: person.given_name"),
    ("personal", "from: state.gate", "from: \"'x' + order.number\""),
    ("personal", "personal: false", "personal: true"),
    ("personal", "news:", "document: {from: links.document, filename: a.pdf}\nnews:"),
    ("night", "personal: false", "personal: false\nnight: wake"),
    ("night", "personal: false", "personal: false\npriority: urgent\nnight: wait"),
    ("night", "personal: false", "personal: false\npriority: bulk\nnight: journey"),
    ("ends", "personal: false", "personal: false\nends: [late]"),
    ("substitute", "personal: false", "personal: false\nsubstitute: late"),
]


@pytest.mark.parametrize(
    ("rule", "old", "new"), BAD_DECLARATIONS, ids=[f"{i}-{row[0]}" for i, row in enumerate(BAD_DECLARATIONS)]
)
def test_declarations_that_mislead_are_found(tmp_path: Path, rule: str, old: str, new: str) -> None:
    assert old in DECLARATION
    found = findings(tmp_path, declaration=DECLARATION.replace(old, new))
    assert rule in {finding.rule for finding in found if finding.level == "error"}


def test_a_missing_language_and_differing_parameters_are_found(tmp_path: Path) -> None:
    other = "body: Your flight {{flight}} now leaves from another gate, look at the board.\n" + LABEL
    found = findings(tmp_path, en=None, de=other + "\nexamples: {flight: ZZ 1}")
    assert {(finding.rule, finding.where) for finding in found} == {("language", "late"), ("parameters", "late/nl.yaml")}


def test_an_order_number_is_personal_only_in_an_order(tmp_path: Path) -> None:
    order = DECLARATION.replace("flight.status", "order.status")
    assert [finding.rule for finding in findings(tmp_path, declaration=order)] == ["personal"]


def test_too_many_templates_are_counted_by_language(tmp_path: Path) -> None:
    folder = tmp_path / "late"
    folder.mkdir()
    (folder / "notification.yaml").write_text(DECLARATION)
    for language in ("nl", "en", "de"):
        (folder / f"{language}.yaml").write_text(WORDS)
    few = lint(load(tmp_path), replace(RULES, templates_unverified_max=2), ("nl", "en"))
    none = lint(load(tmp_path), replace(RULES, templates_unverified_max=1, templates_max=2), ("nl", "en"))
    assert [(finding.level, finding.rule) for finding in few] == [("warning", "count")]
    assert [(finding.level, finding.rule) for finding in none] == [("error", "count")]


def test_each_account_is_counted_with_its_brands_and_with_older_versions_beside(tmp_path: Path) -> None:
    write_versions(tmp_path, "nl", "en", "nl.zz", "nl.v1", "en.v1", version=2)
    tight = replace(RULES, templates_unverified_max=1)
    accounts = {"one": frozenset({"zz"}), "two": frozenset({"qq"})}
    said = [one.message for one in lint(load(tmp_path), tight, ("nl", "en"), accounts) if one.rule == "count"]
    limit = "an account that is not verified holds 1"
    assert said == [
        f"5 templates (3 names, and each language counts; 2 of older versions) for account one, {limit}",
        f"4 templates (2 names, and each language counts; 2 of older versions) for account two, {limit}",
    ]
