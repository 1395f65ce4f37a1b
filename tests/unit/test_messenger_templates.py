"""A Page's templates: what Meta is sent, what is skipped, what lint says of values, and how the plan stands after a push."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.messenger.templates import RULES, MessengerTemplates, create_body
from connectors.whatsapp.templates import RULES as OTHER
from gateway.connector import Sender
from gateway.model.ids import SenderId
from gateway.model.personal import Secret
from gateway.notifications.catalogue import load
from gateway.notifications.lint import lint
from gateway.notifications.push import FINE, Action, Done, plan, push, status
from gateway.notifications.remote import TemplateRefused
from tests.support.notifications import catalogue

PAGE = "108234561237890"
SENDER = Sender(SenderId("page"), "messenger", "zz", {"page_id": PAGE}, PAGE, Secret("token"))
SAMPLES = Path(__file__).parents[1] / "samples" / "messenger"
WITH_DOCUMENT = {one.name for one in catalogue() if one.document is not None and one.template}


class PretendPage:
    """Answers as a Page's edge does: approved in the very answer, pages of three."""

    def __init__(self, answer: Mapping[str, Any] | None = None, status: str = "APPROVED") -> None:
        self.templates: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str, Any]] = []
        self.answer = answer
        self.status = status

    async def __call__(
        self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None
    ) -> Mapping[str, Any]:
        self.calls.append((method, path, body))
        if self.answer is not None:
            return self.answer
        if method == "GET":
            start = int(path.partition("&after=")[2] or 0)
            page: dict[str, Any] = {"data": self.templates[start : start + 7]}
            if start + 7 < len(self.templates):
                page["paging"] = {"cursors": {"after": str(start + 7)}, "next": "https://graph.example.org/next"}
            return page
        assert isinstance(body, Mapping)
        if not path.endswith("/message_templates"):
            return {"success": True}
        self.templates.append({**body, "id": str(len(self.templates) + 1), "status": self.status})
        return {"id": str(len(self.templates)), "status": self.status, "category": "UTILITY"}

    def admin(self) -> MessengerTemplates:
        return MessengerTemplates(lambda sender: self)


def recorded(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def test_a_template_has_the_shape_of_the_recorded_one() -> None:
    sample = recorded("api-template-create-named-buttons")["request"]["body"]
    notification = catalogue().get("address_check")
    assert notification is not None
    body = create_body(notification, notification.languages["en"])
    assert set(body) == set(sample)
    ours, theirs = body["components"][-1], sample["components"][-1]
    assert ours["type"] == theirs["type"] == "BUTTONS"
    assert [set(button) for button in ours["buttons"]] == [set(theirs["buttons"][0])] * 2
    text = next(part for part in body["components"] if part["type"] == "BODY")
    assert text["example"] == {"body_text_named_params": [{"param_name": "brand", "example": "Polderwind Air"}]}


def test_a_link_has_one_variable_at_its_end_and_a_whole_example(tmp_path: Path) -> None:
    folder = tmp_path / "late"
    folder.mkdir()
    links = "{key: track, url: 'https://www.example.org/t/', suffix: state.number}, {key: home, url: 'https://www.example.org'}"
    (folder / "notification.yaml").write_text(f"{DECLARATION}buttons: [{links}]\n")
    (folder / "nl.yaml").write_text(WORDS + "\nexamples: {train: IC 40}\nbuttons: {track: Volgen, home: Website}")
    notification = load(tmp_path).get("late")
    assert notification is not None
    follow, home = create_body(notification, notification.languages["nl"])["components"][-1]["buttons"]
    sample = recorded("api-template-create-named-buttons")["request"]["body"]["components"][-1]["buttons"][1]
    assert set(follow) == set(sample)
    assert (follow["url"], follow["type"]) == ("https://www.example.org/t/{{1}}", "URL")
    assert follow["example"] == {"url_suffix_example": "https://www.example.org/t/example"}
    assert home == {"type": "URL", "text": "Website", "url": "https://www.example.org"}


@pytest.mark.parametrize("name", [one.name for one in catalogue() if one.template and one.document is None])
@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_template_holds_what_a_page_refuses(name: str, language: str) -> None:
    notification = catalogue().get(name)
    assert notification is not None
    texts = notification.languages[language]
    body = create_body(notification, texts)
    kinds = [part["type"] for part in body["components"]]
    assert set(kinds) <= {"HEADER", "BODY", "BUTTONS"}
    assert kinds.count("BODY") == 1
    if texts.footer is not None:  # how to stop stays said
        assert body["components"][-1 if kinds[-1] == "BODY" else -2]["text"].endswith(texts.footer)
    for button in (body["components"][-1]["buttons"] if kinds[-1] == "BUTTONS" else ()):
        assert button["type"] in ("POSTBACK", "URL")
        assert not (button["type"] == "POSTBACK" and "example" in button)
        assert len(button["text"]) <= 20


async def test_what_brings_a_document_is_skipped_and_says_so() -> None:
    page, told = PretendPage(), list[Done]()
    done = await push(catalogue(), page.admin(), SENDER, told=told.append)
    assert [one.error for one in done if one.error] == []
    assert not WITH_DOCUMENT & {one.step.notification for one in told}
    steps = await status(catalogue(), page.admin(), SENDER)
    skipped = {step.notification for step in steps if step.action is Action.SKIPPED}
    assert skipped == WITH_DOCUMENT
    assert all("document" in step.why for step in steps if step.action is Action.SKIPPED)
    assert {step.action for step in steps} == FINE
    assert await push(catalogue(), page.admin(), SENDER) == []
    document = next(one for one in catalogue() if one.document is not None)
    with pytest.raises(TemplateRefused, match="document"):
        create_body(document, document.languages["nl"])


async def test_the_list_is_read_to_its_last_page_and_only_of_our_page() -> None:
    page = PretendPage()
    await push(catalogue(), page.admin(), SENDER)
    assert len(await page.admin().list_templates(SENDER)) == len(page.templates) > 3
    assert all(path.startswith(f"/{PAGE}/message_templates") for _, path, _ in page.calls)


async def test_a_recorded_list_is_read() -> None:
    answer = recorded("api-template-list")["response"]["body"]
    (found,) = await PretendPage(answer).admin().list_templates(SENDER)
    assert (found.name, found.language, found.status, found.category) == ("train_delay_v2", "en", "APPROVED", "utility")


async def test_other_words_there_drift_and_refused_ones_are_sent_again() -> None:
    page = PretendPage(status="REJECTED")
    await push(catalogue(), page.admin(), SENDER)
    page.templates[0]["components"] = [{"type": "BODY", "text": "Other words than ours"}]
    (done,) = await push(catalogue(), page.admin(), SENDER)
    method, path, body = page.calls[-1]
    assert (done.step.action, method, path, set(body)) == (Action.EDIT, "POST", "/1", {"components"})
    page.templates[0]["status"] = "APPROVED"
    steps = plan(catalogue(), await page.admin().list_templates(SENDER), page.admin(), "zz")
    assert [step.template for step in steps if step.action is Action.DRIFTED] == [page.templates[0]["name"]]


async def test_a_lacking_permission_is_told_in_metas_words_and_a_throttle_waits() -> None:
    refusal = recorded("error-permission-10")["response"]["body"]
    with pytest.raises(TemplateRefused, match="pages_utility_messaging") as caught:
        await PretendPage(refusal).admin().list_templates(SENDER)
    assert (caught.value.code, caught.value.wait) == (10, False)
    throttled = {"error": {"code": 80006, "message": "too many calls"}}
    with pytest.raises(TemplateRefused) as caught:
        await PretendPage(throttled).admin().list_templates(SENDER)
    assert caught.value.wait


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"success": True}])
async def test_an_answer_without_a_list_does_not_say_that_all_templates_are_gone(answer: dict[str, object]) -> None:
    with pytest.raises(TemplateRefused, match="no list") as caught:
        await PretendPage(answer).admin().list_templates(SENDER)
    assert caught.value.wait


async def test_a_sender_without_a_page_is_told_which_setting() -> None:
    with pytest.raises(TemplateRefused, match="GATEWAY_MESSENGER_PAGE_ID"):
        await PretendPage().admin().list_templates(replace(SENDER, account={}))


# lint


def test_our_own_notifications_have_warnings_only_where_a_value_is_said_without_a_sign() -> None:
    found = lint(catalogue(), RULES)
    assert {(one.level, one.rule) for one in found} == {("warning", "characters")}
    assert "order_confirmed/notification.yaml: parameters.total" in {one.where for one in found}


DECLARATION = """
version: 1
about: For tests.
event: trip.status
when: "'delay' in changes"
purpose: journey
personal: false
parameters:
  train: {from: state.number, max: 12}
news: [train]
"""
WORDS = "body: Your train {{train}} is late today, please look at the boards."


@pytest.mark.parametrize(
    ("more", "where", "marks"),
    [
        ("\nexamples: {train: 'IC #40'}", "late/nl.yaml: examples.train", "#"),
        ("\nexamples: {train: IC 40}\notherwise: {train: 'a train 🚆'}", "late/nl.yaml: otherwise.train", "emoji"),
        ("\nexamples: {train: 'IC 5%'}", "late/nl.yaml: examples.train", "%"),
    ],
)
def test_a_value_with_what_the_channel_refuses_is_a_warning(tmp_path: Path, more: str, where: str, marks: str) -> None:
    folder = tmp_path / "late"
    folder.mkdir()
    (folder / "notification.yaml").write_text(DECLARATION)
    for language in ("nl", "en"):
        (folder / f"{language}.yaml").write_text(WORDS + more)
    found = [one for one in lint(load(tmp_path), RULES, ("nl", "en")) if one.rule == "characters"]
    assert {one.level for one in found} == {"warning"}
    assert {one.where for one in found} == {where, where.replace("nl", "en")}
    assert found[0].message.startswith(f"{marks}:")
    assert lint(load(tmp_path), OTHER, ("nl", "en")) == []


def test_a_footer_counts_into_the_body_it_joins(tmp_path: Path) -> None:
    folder = tmp_path / "late"
    folder.mkdir()
    (folder / "notification.yaml").write_text(DECLARATION)
    long = WORDS + " Later again." * 73 + "\nfooter: No more messages? Reply with STOP.\nexamples: {train: IC 40}"
    for language in ("nl", "en"):
        (folder / f"{language}.yaml").write_text(long)
    assert {one.rule for one in lint(load(tmp_path), RULES, ("nl", "en"))} == {"length"}
    assert lint(load(tmp_path), OTHER, ("nl", "en")) == []
