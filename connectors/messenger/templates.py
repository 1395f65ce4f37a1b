"""A Page's templates at Meta: what to send for one, and the calls to create, list and edit.

Source: Meta, "Send a utility message" and the Page edge "Message Templates" (v26.0), 13 Mar 2026; named parameters since
26 Mar 2026. All of them are utility templates: news that somebody waits for, in words that were approved before.

What a Page's template lacks: a footer, whose words therefore end the body, so that "how to stop" is not lost; and a document
in the header, so that what brings one goes out inside the service window only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from connectors.messenger import facts
from connectors.meta.template_calls import LANGUAGES, Call, list_all, sound
from gateway.connector import Sender
from gateway.model.message import ButtonKind
from gateway.notifications.model import Notification
from gateway.notifications.parts import ButtonSpec
from gateway.notifications.remote import Created, RemoteTemplate, TemplateRefused
from gateway.notifications.template_rules import TemplateRules
from gateway.notifications.texts import Texts

Json = dict[str, Any]

RULES = TemplateRules(
    channel="messenger",
    # Neither name nor header has a length in Meta's pages; these are the other channel's, so that one text serves both.
    name_max=facts.TEMPLATE_NAME_MAX,
    header_max=facts.TEMPLATE_HEADER_MAX,
    footer_max=60,
    body_max=facts.TEMPLATE_BODY_MAX,
    label_max=facts.FACTS.button_label_max,
    buttons_max=facts.TEMPLATE_BUTTONS_MAX,
    url_buttons_max=facts.TEMPLATE_BUTTONS_MAX,
    url_max=facts.URL_MAX,
    free_label_max=facts.FACTS.button_label_max,
    free_buttons_max=facts.FACTS.buttons_max,
    # PARAMS_TO_WORD_RATIO_EXCEED_LIMIT exists; its number does not. Three passed on the other channel.
    words_per_variable=3,
    templates_unverified_max=0,
    templates_max=0,
    languages=LANGUAGES,
    categories=frozenset({"utility"}),
    documents=bool(facts.FACTS.template_document_mimes),
    footer_joins=True,
    # Refused in values with 100 / 1893043 (production tests of 2026); other currency signs pass.
    values_barred="#%$",
    values_without_emoji=True,
)

_FIELDS = "id,name,status,category,language,components,rejected_reason,parameter_format"
_VARIABLE = "{{1}}"
# Calls per app, Page and user, and the two unknown errors that a repeat mends: "Common Error Codes", 25 Jun 2026.
_WAIT_CODES = frozenset({-1, 1, 2, 4, 17, 32, 613, 80006})


def create_body(notification: Notification, texts: Texts) -> Json:
    """The body of POST /{page-id}/message_templates for one language of a notification.

    raises: TemplateRefused for what no template of a Page can say
    """
    if not texts.template:
        raise TemplateRefused(f"{notification.name} has no template in {texts.language}")
    hindrance = RULES.hindrance(notification)
    if hindrance:
        raise TemplateRefused(f"{notification.name}: {hindrance}")
    return {
        "name": texts.template,
        "language": texts.language,
        "category": notification.category.upper(),
        "parameter_format": "NAMED",
        "components": _components(notification, texts),
    }


def body_text(texts: Texts) -> str:
    """The body's words, with the footer's as their last paragraph."""
    body = texts.body.strip()
    return body if texts.footer is None else f"{body}\n\n{texts.footer.strip()}"


def _components(notification: Notification, texts: Texts) -> list[Json]:
    components: list[Json] = []
    if texts.header is not None:
        header: Json = {"type": "HEADER", "format": "TEXT", "text": texts.header}
        if texts.header_variables:
            header["example"] = {"header_text_named_params": _examples(texts, texts.header_variables)}
        components.append(header)
    body: Json = {"type": "BODY", "text": body_text(texts)}
    if texts.body_variables:
        body["example"] = {"body_text_named_params": _examples(texts, texts.body_variables)}
    components.append(body)
    buttons = [_button(spec, texts.buttons[spec.key]) for spec in notification.buttons if spec.key in texts.buttons]
    if buttons:
        components.append({"type": "BUTTONS", "buttons": buttons})
    return components


def _examples(texts: Texts, names: tuple[str, ...]) -> list[Json]:
    return [{"param_name": name, "example": texts.examples[name]} for name in names]


def _button(spec: ButtonSpec, label: str) -> Json:
    """QUICK_REPLY is refused here (2018416), and so is an example on a POSTBACK (2388051)."""
    if spec.kind is ButtonKind.REPLY:
        # The whole payload is the variable: what a send gives comes back with the tap as it is.
        return {"type": "POSTBACK", "text": label, "payload": _VARIABLE}
    if spec.suffix is None:
        return {"type": "URL", "text": label, "url": spec.url}
    return {
        "type": "URL",
        "text": label,
        "url": spec.url + _VARIABLE,
        "example": {"url_suffix_example": spec.url + "example"},
    }


class MessengerTemplates:
    """`TemplateAdmin` for Pages. call_as: gives the `Call` that speaks as a sender; account: needs "page_id"."""

    rules = RULES

    def __init__(self, call_as: Callable[[Sender], Call]) -> None:
        self._call_as = call_as

    def create_body(self, notification: Notification, texts: Texts, header_handle: str = "") -> Mapping[str, Any]:
        return create_body(notification, texts)

    async def list_templates(self, sender: Sender) -> list[RemoteTemplate]:
        return await list_all(self._call_as(sender), _home(sender), _FIELDS, _WAIT_CODES)

    async def create_template(self, sender: Sender, body: Mapping[str, Any]) -> Created:
        """Approved within seconds mostly, and then in the very answer."""
        answer = sound(await self._call_as(sender)("POST", _home(sender), body), _WAIT_CODES)
        return Created(
            id=str(answer.get("id", "")),
            status=str(answer.get("status", "PENDING")).upper(),
            category=str(answer.get("category", "")).lower(),
        )

    async def edit_template(self, sender: Sender, template_id: str, body: Mapping[str, Any]) -> None:
        path = f"/{quote(template_id, safe='')}"
        sound(await self._call_as(sender)("POST", path, {"components": body["components"]}), _WAIT_CODES)

    async def upload_example(self, sender: Sender, header: str) -> str:
        """Never asked for: no template here has a document. raises: TemplateRefused"""
        raise TemplateRefused("a Page's template has no room for a document")


def _home(sender: Sender) -> str:
    page = sender.account.get("page_id")
    if not page:
        raise TemplateRefused(f"sender {sender.id} has no page_id: set GATEWAY_MESSENGER_PAGE_ID")
    return f"/{quote(page, safe='')}/message_templates"
