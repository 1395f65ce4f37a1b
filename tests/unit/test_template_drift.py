"""Where the channel's words differ from ours: what counts as a difference, and on which line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.messenger.templates import MessengerTemplates
from connectors.whatsapp.templates import WhatsAppTemplates
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.drift import differences, differing
from gateway.notifications.remote import RemoteTemplate, TemplateAdmin
from tests.support.notifications import catalogue


def nowhere(sender: object) -> Any:
    raise AssertionError("comparing asks nobody")


WHATSAPP = WhatsAppTemplates(nowhere, app_id="1")
MESSENGER = MessengerTemplates(nowhere)


def listed(admin: TemplateAdmin, name: str, **changes: Any) -> RemoteTemplate:
    """One of ours in Dutch, as the channel would list it after it was created."""
    notification = catalogue().get(name)
    assert notification is not None
    texts = notification.languages["nl"]
    body = admin.create_body(notification, texts, "4::handle")
    parts = tuple({key: value for key, value in part.items() if key != "example"} for part in body["components"])
    found = RemoteTemplate(
        "1", texts.template, "nl", "APPROVED", notification.category, parts, parameter_format=str(body["parameter_format"])
    )
    return replace(found, **changes)


def found(admin: TemplateAdmin, one: RemoteTemplate, known: Catalogue | None = None) -> list[tuple[str, str, str]]:
    return [(each.what, each.ours, each.theirs) for each in differences(known or catalogue(), [one], admin, "zz")]


def with_words(one: RemoteTemplate, kind: str, **changes: Any) -> RemoteTemplate:
    parts = tuple({**part, **changes} if part["type"] == kind else part for part in one.components)
    return replace(one, components=parts)


@pytest.mark.parametrize("admin", [WHATSAPP, MESSENGER])
@pytest.mark.parametrize("name", ["gate_changed", "order_shipped", "boarding_pass_issued", "address_check"])
def test_what_was_created_as_we_wrote_it_is_no_difference(admin: TemplateAdmin, name: str) -> None:
    notification = catalogue().get(name)
    assert notification is not None
    if admin.rules.hindrance(notification):
        return
    one = listed(admin, name)
    assert found(admin, one) == []
    # Nor the order of components, the case of their words, or what the reviewers were shown.
    turned = tuple({**part, "type": part["type"].lower(), "example": {"x": 1}} for part in reversed(one.components))
    assert found(admin, replace(one, components=turned, parameter_format="")) == []


def test_a_changed_line_is_shown_beside_ours() -> None:
    one = listed(WHATSAPP, "gate_changed")
    words = next(str(part["text"]) for part in one.components if part["type"] == "BODY")
    assert found(WHATSAPP, with_words(one, "BODY", text=words + "\nBuy now!")) == [("body", "", "Buy now!")]
    lines = words.split("\n")
    other = "\n".join([lines[0].replace("gate", "pier"), *lines[1:]])
    assert found(WHATSAPP, with_words(one, "BODY", text=other)) == [("body", lines[0], lines[0].replace("gate", "pier"))]


def test_buttons_category_and_the_form_of_parameters_are_compared() -> None:
    one = listed(WHATSAPP, "boarding_pass_issued")
    buttons = next(part["buttons"] for part in one.components if part["type"] == "BUTTONS")
    label = str(buttons[0]["text"])
    renamed = with_words(one, "BUTTONS", buttons=[{**buttons[0], "text": "Koop nu"}, *buttons[1:]])
    assert found(WHATSAPP, renamed) == [("button 1", f"quick_reply {label}", "quick_reply Koop nu")]
    gone = replace(one, components=tuple(part for part in one.components if part["type"] != "BUTTONS"))
    assert ("button 1", f"quick_reply {label}", "") in found(WHATSAPP, gone)
    assert found(WHATSAPP, replace(one, category="marketing")) == [("category", "utility", "marketing")]
    assert found(WHATSAPP, replace(one, parameter_format="POSITIONAL")) == [("parameters", "named", "positional")]
    assert differing(catalogue(), [replace(one, category="marketing")], WHATSAPP, "zz") == frozenset()
    assert differing(catalogue(), [renamed], WHATSAPP, "zz") == {(one.name, "nl")}


def test_what_is_not_listed_or_not_ours_is_no_difference() -> None:
    assert differences(catalogue(), [], WHATSAPP, "zz") == []
    assert found(WHATSAPP, replace(listed(WHATSAPP, "gate_changed"), name="somebody_elses")) == []
