"""Pushing to the channel: what is planned, what is done, and what Meta is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from connectors.whatsapp.templates import RULES, WhatsAppTemplates, create_body, example_image, example_pdf, upload_example
from gateway.connector import Sender
from gateway.model.ids import SenderId
from gateway.model.personal import Secret
from gateway.notifications.push import Action, Done, Step, plan, push, sendable_version, status
from gateway.notifications.remote import Created, RemoteTemplate, TemplateRefused
from sandbox.template_rules import check_components, check_ttl
from tests.support.notifications import catalogue

SENDER = Sender(SenderId("main"), "whatsapp", "zz", {"waba_id": "102290129340398"}, "portfolio", Secret("token"))


class PretendMeta:
    """Answers calls as the Graph API does: pages of seven, names once, documents by upload."""

    def __init__(self) -> None:
        self.templates: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str, object]] = []
        self.refuse: dict[str, dict[str, Any]] = {}
        self.per_page = 7

    async def __call__(
        self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None
    ) -> Mapping[str, Any]:
        self.calls.append((method, path, body))
        if "/uploads" in path:
            return {"id": "upload:abc"}
        if path == "/upload:abc":
            return {"h": "4::handle"}
        if method == "GET":
            start = int(path.partition("&after=")[2] or 0)
            page: dict[str, Any] = {"data": self.templates[start : start + self.per_page]}
            if start + self.per_page < len(self.templates):
                page["paging"] = {"next": f"https://graph.example.org{path.split('&after')[0]}&after={start + self.per_page}"}
            return page
        assert isinstance(body, Mapping)
        if "/message_templates" not in path:
            return {"success": True}
        if body["name"] in self.refuse:
            return {"error": self.refuse[body["name"]]}
        self.templates.append({**body, "id": str(len(self.templates) + 1), "status": "PENDING"})
        return {"id": str(len(self.templates)), "status": "PENDING", "category": body["category"]}

    def admin(self, app_id: str | None = "1234") -> WhatsAppTemplates:
        return WhatsAppTemplates(lambda sender: self, app_id=app_id)

    def approve(self, **changes: Any) -> None:
        for template in self.templates:
            template.update({"status": "APPROVED", "quality_score": {"score": "GREEN"}}, **changes)


def step(steps: list[Step], template: str, language: str = "nl") -> Step:
    return next(one for one in steps if (one.template, one.language) == (template, language))


async def test_an_empty_account_gets_every_template_once() -> None:
    meta = PretendMeta()
    told: list[Done] = []
    done = await push(catalogue(), meta.admin(), SENDER, told=told.append)
    assert told == done
    assert not [one for one in done if one.error]
    wanted = sum(bool(texts.template) and texts.version == one.version for one in catalogue() for texts in one.texts)
    assert len(meta.templates) == len(done) == wanted
    assert "stop_confirmed_v1" not in {template["name"] for template in meta.templates}
    assert await push(catalogue(), meta.admin(), SENDER) == []


async def test_the_list_is_read_to_its_last_page() -> None:
    meta = PretendMeta()
    await push(catalogue(), meta.admin(), SENDER)
    listed = await meta.admin().list_templates(SENDER)
    assert len(listed) == len(meta.templates)
    assert listed[0].category == "utility"


async def test_the_plan_says_how_each_stands() -> None:
    meta = PretendMeta()
    await push(catalogue(), meta.admin(), SENDER)
    meta.approve()
    admin = meta.admin()
    remote = await admin.list_templates(SENDER)
    assert {one.action for one in plan(catalogue(), remote, admin, "zz")} == {Action.UNCHANGED}

    def changed(**fields: Any) -> Step:
        mended = [
            replace(one, **fields) if (one.name, one.language) == ("boarding_v1", "nl") else one for one in remote
        ]
        return step(plan(catalogue(), mended, admin, "zz"), "boarding_v1")

    other = ({"type": "BODY", "text": "Andere woorden"},)
    assert changed(status="PENDING").action is Action.WAIT
    assert changed(components=other).action is Action.DRIFTED
    assert "raise version" in changed(components=other).why
    assert changed(status="REJECTED", rejected_reason="INVALID_FORMAT").action is Action.REJECTED
    assert changed(status="REJECTED", components=other).action is Action.EDIT
    assert changed(status="PAUSED").action is Action.STOPPED
    assert changed(category="marketing").action is Action.STOPPED
    assert changed(becomes="marketing").notice.startswith("becomes marketing within a day")
    assert changed(quality="RED").notice.startswith("quality red")
    assert (changed(becomes="marketing").action, changed(quality="GREEN").notice) == (Action.UNCHANGED, "")
    assert changed(name="somebody_elses").action is Action.CREATE


async def test_a_rejected_text_is_edited_once_it_is_mended() -> None:
    meta = PretendMeta()
    await push(catalogue(), meta.admin(), SENDER)
    meta.approve()
    meta.templates[0].update(status="REJECTED", components=[{"type": "BODY", "text": "Oude woorden"}])
    done = await push(catalogue(), meta.admin(), SENDER)
    assert [one.step.action for one in done] == [Action.EDIT]
    method, path, body = meta.calls[-1]
    assert (method, path) == ("POST", "/1")
    assert isinstance(body, Mapping)
    assert set(body) <= {"components", "message_send_ttl_seconds"}


async def test_a_refusal_is_told_and_the_next_is_tried() -> None:
    meta = PretendMeta()
    meta.refuse["boarding_v1"] = {"code": 100, "error_subcode": 2388299, "message": "x", "error_user_msg": "At the edge"}
    done = await push(catalogue(), meta.admin(), SENDER)
    assert {one.step.template for one in done if one.error} == {"boarding_v1"}
    assert "100/2388299: At the edge" in next(one.error for one in done if one.error)


async def test_the_hourly_limit_leaves_the_rest_for_later() -> None:
    meta = PretendMeta()
    meta.refuse["boarding_v1"] = {"code": 80007, "message": "slow down"}
    done = await push(catalogue(), meta.admin(), SENDER)
    first = next(place for place, one in enumerate(done) if one.later)
    assert all(one.later for one in done[first:])
    assert len(meta.templates) == first


async def test_a_document_needs_an_app_id_and_says_so() -> None:
    meta = PretendMeta()
    done = await push(catalogue(), meta.admin(app_id=None), SENDER)
    errors = {one.step.template: one.error for one in done if one.error}
    with_document = {
        f"{name}_v2" for name in ("boarding_pass_issued", "boarding_pass_file", "ticket_issued", "ticket_file", "order_receipt")
    } | {"journey_ticket_issued_v1", "journey_ticket_file_v1"}
    assert set(errors) == with_document
    assert all("GATEWAY_APP_ID" in error for error in errors.values())


async def test_an_example_is_uploaded_once_for_a_kind_of_header() -> None:
    meta = PretendMeta()
    await push(catalogue(), meta.admin(), SENDER)
    assert sum("/uploads" in path for _, path, _ in meta.calls) == 2  # a picture, a PDF
    formats = {one["name"]: one["components"][0]["format"] for one in meta.templates if "header_handle" in str(one["components"])}
    assert formats["ticket_issued_v2"] == formats["boarding_pass_issued_v2"] == "IMAGE"
    made = next(one for one in meta.templates if one["name"] == "ticket_file_v2")
    assert made["components"][0] == {
        "type": "HEADER",
        "format": "DOCUMENT",
        "example": {"header_handle": ["4::handle"]},
    }


async def test_an_upload_announces_its_length_and_type() -> None:
    meta = PretendMeta()
    assert await upload_example(meta, "77", example_image()) == "4::handle"
    (_, path, _), (_, second, data) = meta.calls
    assert path == f"/77/uploads?file_name=example.png&file_length={len(example_image().data)}&file_type=image%2Fpng"
    assert (second, data) == ("/upload:abc", example_image().data)
    assert example_pdf().data.startswith(b"%PDF-1.4\n")
    assert b"startxref\n%d\n" % example_pdf().data.index(b"xref\n0 6") in example_pdf().data


async def test_status_waits_until_nothing_is_under_review() -> None:
    meta = PretendMeta()
    await push(catalogue(), meta.admin(), SENDER)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            meta.approve()

    steps = await status(catalogue(), meta.admin(), SENDER, wait_s=60, every_s=10, sleep=sleep)
    assert pauses == [10, 10, 10]
    assert {one.action for one in steps} == {Action.UNCHANGED}
    meta.approve(status="PENDING")
    pauses.clear()
    pending = await status(catalogue(), meta.admin(), SENDER, wait_s=15, every_s=10, sleep=sleep)
    assert pauses == [10, 5]
    assert {one.action for one in pending} == {Action.WAIT}


def test_the_old_version_is_sent_until_the_new_one_is_approved_in_every_language() -> None:
    notification = catalogue().get("boarding")
    assert notification is not None
    spoken = [one for one in notification.texts if one.language in ("nl", "en")]
    older = tuple(replace(one, version=1) for one in spoken)
    newer = tuple(replace(one, version=2, template="boarding_v2") for one in spoken)
    both = replace(notification, version=2, texts=(*older, *newer))

    def approved(*templates: tuple[str, str]) -> list[RemoteTemplate]:
        return [RemoteTemplate("1", name, language, "APPROVED", "utility") for name, language in templates]

    old = [("boarding_v1", "nl"), ("boarding_v1", "en")]
    assert sendable_version(both, approved(*old)) == 1
    assert sendable_version(both, approved(*old, ("boarding_v2", "nl"))) == 1
    assert sendable_version(both, approved(*old, ("boarding_v2", "nl"), ("boarding_v2", "en"))) == 2
    assert sendable_version(both, []) is None


@pytest.mark.parametrize("name", [one.name for one in catalogue() if one.template])
@pytest.mark.parametrize("language", ["nl", "en"])
def test_what_meta_is_sent_passes_the_sandboxs_rules(name: str, language: str) -> None:
    notification = catalogue().get(name)
    assert notification is not None
    body = create_body(notification, language, header_handle="4::handle")
    assert body["parameter_format"] == "NAMED"
    assert body["category"] == "UTILITY"
    checked = check_components(body["components"], "UTILITY", True, lambda handle: handle == "4::handle")
    assert [part["type"] for part in checked][-1] in ("BODY", "FOOTER", "BUTTONS")
    check_ttl("UTILITY", body.get("message_send_ttl_seconds"))


def test_a_template_body_has_named_examples_and_buttons() -> None:
    notification = catalogue().get("gate_changed")
    assert notification is not None
    body = create_body(notification, "nl")
    assert body["name"] == "gate_changed_v1"
    assert body["allow_category_change"] is False
    assert body["message_send_ttl_seconds"] == 240 * 60
    (part,) = body["components"]
    assert part["example"]["body_text_named_params"][0] == {"param_name": "flight", "example": "ZZ 1007"}


def test_a_language_or_account_that_is_missing_is_said() -> None:
    notification, stop = catalogue().get("gate_changed"), catalogue().get("stop_confirmed")
    assert notification is not None
    assert stop is not None
    with pytest.raises(TemplateRefused, match="no template in xx"):
        create_body(notification, "xx")
    with pytest.raises(TemplateRefused, match="no template"):
        create_body(stop, "nl")


async def test_a_sender_without_an_account_is_told_which_setting() -> None:
    with pytest.raises(TemplateRefused, match="GATEWAY_WHATSAPP_WABA_ID"):
        await PretendMeta().admin().list_templates(replace(SENDER, account={}))


async def test_a_category_that_the_channel_chose_is_an_error() -> None:
    class Recategorising(WhatsAppTemplates):
        async def create_template(self, sender: Sender, body: Mapping[str, Any]) -> Created:
            return Created("1", "PENDING", "marketing")

    done = await push(catalogue(), Recategorising(lambda sender: PretendMeta(), app_id="1"), SENDER)
    assert all("marketing" in one.error for one in done)


def test_the_rules_name_the_channel() -> None:
    assert RULES.channel == "whatsapp"
    assert {"nl", "en", "pt_BR", "rw_RW", "zu"} <= RULES.languages
