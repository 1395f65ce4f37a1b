"""One reader's words: language by the chain, brand and version, values that are missing or strange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.errors import CannotRender, NotFound
from gateway.model.message import Button, ButtonKind
from gateway.notifications.catalogue import Catalogue, load
from gateway.notifications.expressions import Scope
from gateway.notifications.model import Notification
from gateway.notifications.parts import RenderedDocument, TemplateRef
from gateway.notifications.preview import example, preview, show
from gateway.notifications.render import language_order
from tests.support.notifications import catalogue, context, sample

DECLARATION = """
version: 2
about: For tests.
event: flight.status
when: "'delay' in changes"
purpose: journey
personal: true
deadline: {first_of: [state.departure.estimated]}
parameters:
  flight: {from: state.number, max: 20}
  who: {from: person.given_name, max: 20}
news: [flight]
buttons:
  - key: question
  - {key: track, url: "https://example.org/f/", suffix: links.track}
"""
WORDS = """
body: Flight {{flight}} of {{who}} is late today.
buttons: {question: Ask, track: Follow}
examples: {flight: "1", who: Eva}
"""


def made(directory: Path, declaration: str = DECLARATION, **files: str) -> Notification:
    """One notification from files; keyword nl__zz is nl.zz.yaml. nl, en are there unless given."""
    folder = directory / "late"
    folder.mkdir()
    (directory / "brands.yaml").write_text(
        "zz: {name: Polderwind Air, language: nl, timezone: Europe/Amsterdam, support_url: https://example.org}"
    )
    (folder / "notification.yaml").write_text(declaration)
    for name, text in {"nl": WORDS, "en": WORDS, **files}.items():
        (folder / f"{name.replace('__', '.')}.yaml").write_text(text)
    found = load(directory).get("late")
    assert found is not None
    return found


def values(**more: Any) -> dict[str, Any]:
    given = {**context(sample("ce-flight-delayed")), **more}
    return {**given, "links": {"track": "abc", "document": "doc-1"}}


@pytest.mark.parametrize(
    ("chain", "brand_language", "available", "expected"),
    [
        (["nl-NL"], "nl", {"nl", "en"}, ["nl", "en"]),
        (["en-GB", "nl"], "nl", {"nl", "en"}, ["en", "nl"]),
        (["fr-FR"], "nl", {"nl", "en"}, ["nl", "en"]),
        (["fr-FR"], "de", {"nl", "en"}, ["en", "nl"]),
        (["pt-BR"], "en", {"pt_BR", "pt_PT", "en"}, ["pt_BR", "pt_PT", "en"]),
        (["en-AU"], "nl", {"en_GB", "nl"}, ["en_GB", "nl"]),
        (["zh-Hans-CN"], "en", {"zh_CN", "zh_TW", "en"}, ["zh_CN", "zh_TW", "en"]),
        ([], "xx", {"fi"}, ["fi"]),
    ],
)
def test_languages_are_tried_along_the_chain(
    chain: list[str], brand_language: str, available: set[str], expected: list[str]
) -> None:
    assert language_order(chain, brand_language, available) == expected


def test_the_readers_region_decides_how_dates_look() -> None:
    found = catalogue().get("order_confirmed")
    assert found is not None
    event = context(sample("ce-order-confirmed-flight"))
    american = found.render(event, ["en-US"], "America/New_York", brand="zz")
    assert "10:55 on Sunday, November 22" in american.body
    assert american.template_language == "en"


def test_a_rendering_has_all_that_a_template_send_needs() -> None:
    found = catalogue().get("boarding_pass_issued")
    assert found is not None
    said = found.render(context(sample("ce-flight-boarding-pass")), ["nl-NL"], "Europe/Amsterdam", brand="zz")
    assert (said.template_name, said.template_language) == ("boarding_pass_issued_v2", "nl")
    assert said.header_parameters == {}
    assert said.body_parameters == {
        "flight": "ZZ 1007",
        "destination": "Londen Heathrow",
        "traveller": "Eva Jansen",
        "seat": "12C",
        "boarding": "boarden vanaf 10:25 op zondag 22 november",
        "gate": "D18",
        "more": "vanaf Amsterdam, vertrek 10:55, groep 2, klasse Y, nummer 42, ticket 0002412345678",
        "notes": "Wees op tijd bij de gate.",
    }
    assert said.document == RenderedDocument("doc-1", "image", "boarding-pass.png")
    assert said.buttons[0] == Button(
        ButtonKind.REPLY, "Thuisfront inlichten", payload="boarding_pass_issued/family"
    )
    assert said.parameters == said.body_parameters
    assert said.text == said.body


def test_a_document_without_a_source_is_not_sent() -> None:
    found = catalogue().get("boarding_pass_issued")
    assert found is not None
    event = {**context(sample("ce-flight-boarding-pass")), "links": {"page": "07token"}}
    with pytest.raises(CannotRender, match="document"):
        found.render(event, ["nl"], "Europe/Amsterdam", brand="zz")


def test_a_value_that_is_missing_without_words_for_it_is_not_sent(tmp_path: Path) -> None:
    found = made(tmp_path)
    with pytest.raises(CannotRender, match="who") as caught:
        found.render(values(person={}), ["nl"], "Europe/Amsterdam", brand="zz")
    assert "Eva" not in str(caught.value)


def test_a_brand_speaks_its_own_words_and_the_newest_version_comes_first(tmp_path: Path) -> None:
    own = WORDS.replace("is late today", "is late, says Zephyr")
    old = WORDS.replace("is late today", "was late once").replace("track: Follow", "").replace("Ask,", "Ask")
    found = made(tmp_path, nl__zz=own, nl__v1=old)
    assert found.candidates(["nl"], brand="zz", brand_language="nl") == (
        TemplateRef("late_zz_v2", "nl"),
        TemplateRef("late_v2", "nl"),
        TemplateRef("late_v1", "nl"),
        TemplateRef("late_v2", "en"),
    )
    assert found.candidates(["nl"], brand="other")[0] == TemplateRef("late_v2", "nl")
    assert "says Zephyr" in found.render(values(), ["nl"], "UTC", brand="zz").body
    before = found.render(values(), ["nl"], "UTC", brand="zz", template=TemplateRef("late_v1", "nl"))
    assert "was late once" in before.body
    assert [button.label for button in before.buttons] == ["Ask"]
    with pytest.raises(CannotRender):
        found.render(values(), ["nl"], "UTC", brand="zz", template=TemplateRef("late_v9", "nl"))


def test_a_link_button_varies_at_its_end_only(tmp_path: Path) -> None:
    found = made(tmp_path)
    said = found.render(values(), ["en"], "UTC", brand="zz")
    assert said.buttons[1] == Button(ButtonKind.URL, "Follow", url="https://example.org/f/abc", url_suffix="abc")
    with pytest.raises(CannotRender, match="track"):
        found.render({**values(), "links": {}}, ["en"], "UTC", brand="zz")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Eva\nJansen", "Eva Jansen"),
        ("*Eva*", "∗Eva∗"),
        ("נועה", "\u2068נועה\u2069"),
        ("{{flight}}", "{{flight}}"),
        ("👩‍✈️ Eva", "👩‍✈️ Eva"),
        ("E" * 50, "E" * 19 + "…"),
        (7, "7"),
    ],
)
def test_strange_values_are_said_harmlessly(tmp_path: Path, given: Any, expected: str) -> None:
    said = made(tmp_path).render(values(person={"given_name": given}), ["en"], "UTC", brand="zz")
    assert said.body_parameters["who"] == expected
    assert said.body == f"Flight 1007 of {expected} is late today."


def test_header_body_and_footer_make_the_free_text(tmp_path: Path) -> None:
    words = "header: Flight {{flight}} now\nfooter: Reply STOP to stop.\n" + WORDS
    said = made(tmp_path, nl=words, en=words).render(values(), ["en"], "UTC", brand="zz")
    assert said.header_parameters == {"flight": "1007"}
    assert said.text == "Flight 1007 now\n\nFlight 1007 of Eva is late today.\n\nReply STOP to stop."


def test_a_condition_that_cannot_be_evaluated_is_false_and_counted(tmp_path: Path) -> None:
    folder = tmp_path / "late"
    folder.mkdir()
    (folder / "notification.yaml").write_text(DECLARATION.replace("'delay' in changes", "state.nowhere.at_all > 3"))
    (folder / "nl.yaml").write_text(WORDS)
    failures: list[tuple[str, str]] = []
    found = load(tmp_path, failed=lambda name, why: failures.append((name, why))).get("late")
    assert found is not None
    assert found.applies(values()) is False
    assert failures == [("late", "KeyError")]


def test_one_scope_serves_every_notification() -> None:
    scope = Scope(context(sample("ce-flight-delayed")))
    # Whether it concerns a connection is asked of each reader.
    of_everybody = {one.name for one in catalogue() if one.among is None and not one.at_home}
    assert {one.name for one in catalogue() if one.applies(scope)} & of_everybody == {"flight_delayed"}
    found = catalogue().get("flight_delayed")
    assert found is not None
    assert found.render(scope, ["nl"], "UTC", brand="zz").body.startswith("Vlucht ZZ 1007 vertrekt later")


def test_what_is_nobodys_own_is_said_once_for_everybody() -> None:
    delay, boarding_pass = catalogue().get("flight_delayed"), catalogue().get("boarding_pass_issued")
    assert delay is not None
    assert boarding_pass is not None
    event = Scope(context(sample("ce-flight-delayed")))
    eva, tom = event.of(person={"given_name": "Eva"}), event.of(person={"given_name": "Tom"})
    dutch = delay.render(eva, ["nl"], "UTC", brand="zz")
    assert delay.render(tom, ["nl"], "UTC", brand="zz") is dutch
    assert delay.render(tom, ["en"], "UTC", brand="zz").language == "en"
    issued = Scope(context(sample("ce-flight-boarding-pass")))
    first, second = (
        boarding_pass.render(issued.of(links={"document": name, "page": name}), ["nl"], "UTC", brand="zz") for name in ("a", "b")
    )
    assert first.document is not None
    assert second.document is not None
    assert (first.document.source, second.document.source) == ("a", "b")


def test_a_persons_own_values_are_seen_by_expressions(tmp_path: Path) -> None:
    found = made(tmp_path, DECLARATION.replace("from: person.given_name", "from: \"person.given_name + '!'\""))
    event = Scope(values())
    assert found.render(event, ["en"], "UTC", brand="zz").body_parameters["who"] == "Eva!"
    tom = event.of(person={"given_name": "Tom"})
    assert found.render(tom, ["en"], "UTC", brand="zz").body_parameters["who"] == "Tom!"


def test_every_notification_has_a_preview_in_both_languages() -> None:
    for name in catalogue().names:
        for language in ("nl", "en"):
            shown = preview(catalogue(), name, language)
            lines = shown.splitlines()[1:]
            assert "{{" not in shown
            assert {len(line) for line in lines} == {46}


def test_an_example_can_be_sent_to_ones_own_phone() -> None:
    tried = example(catalogue(), "boarding_pass_issued", "en")
    assert tried.template_name == "boarding_pass_issued_v2"
    assert tried.body_parameters["seat"] == "12C"
    payloads = [button.payload for button in tried.buttons]
    assert payloads == ["boarding_pass_issued/family", "boarding_pass_issued/question", ""]
    assert tried.buttons[-1].url.endswith("/d/example")
    with pytest.raises(NotFound, match="no words in xx; it has de, en, fr, nl"):
        example(catalogue(), "boarding_pass_issued", "xx")
    with pytest.raises(NotFound, match="no notification nothing"):
        example(catalogue(), "nothing", "en")


def test_a_rendering_can_be_shown_as_a_bubble() -> None:
    found: Catalogue = catalogue()
    notification = found.get("gate_changed")
    assert notification is not None
    events = (sample("ce-flight-delayed"), sample("ce-flight-gate-changed"))
    shown = show(notification.render(context(*events), ["en"], "UTC", brand="zz"))
    assert shown.splitlines()[0] == "gate_changed_v1 · en"
    assert "│ Flight ZZ 1007 now leaves from gate C07.   │" in shown
