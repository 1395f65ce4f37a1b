"""Templates at Meta: what to send for one, and the calls to create, list, edit and give an example document.

Source: Meta, "Templates" and "Template components", Nov 2025; "Template categorization", "Time-to-live", 2026.
Parameters are NAMED for good: a name in the wrong place is seen at once while a number is not.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from connectors.meta.template_calls import LANGUAGES, Call, GraphCall, list_all, sound
from connectors.whatsapp import facts
from gateway.connector import FilePart, Sender
from gateway.model.message import ButtonKind
from gateway.notifications.model import Notification
from gateway.notifications.parts import ButtonSpec
from gateway.notifications.remote import Created, RemoteTemplate, TemplateRefused
from gateway.notifications.template_rules import TemplateRules
from gateway.notifications.texts import Texts

__all__ = ["RULES", "Call", "GraphCall", "WhatsAppTemplates", "create_body", "example_image", "example_pdf", "upload_example"]

Json = dict[str, Any]

RULES = TemplateRules(
    channel="whatsapp",
    name_max=facts.TEMPLATE_NAME_MAX,
    body_max=facts.TEMPLATE_BODY_MAX,
    header_max=facts.HEADER_MAX,
    footer_max=facts.FOOTER_MAX,
    label_max=25,
    buttons_max=facts.TEMPLATE_BUTTONS_MAX,
    url_buttons_max=2,
    url_max=facts.URL_MAX,
    free_label_max=facts.FACTS.button_label_max,
    free_buttons_max=facts.FACTS.buttons_max,
    # Meta says "too many variables for its length" (subcode 2388293) and no number; three passed wherever we looked.
    words_per_variable=3,
    templates_unverified_max=250,
    templates_max=6_000,
    languages=LANGUAGES,
    creates_an_hour=100,
)
"""Meta, "Template components" and "Templates", Nov 2025; languages as listed there."""

_FIELDS = "id,name,status,category,language,components,rejected_reason,quality_score,parameter_format,correct_category"
_URL_VARIABLE = "{{1}}"
# "Error codes", 11 Sep 2026: calls per app and account, and templates an hour.
_WAIT_CODES = frozenset({4, 80007, 80008, 1, 2, 131000, 131016})


def create_body(
    notification: Notification, language: str, *, texts: Texts | None = None, header_handle: str = ""
) -> Json:
    """The body of POST /{waba-id}/message_templates for one language of a notification.

    texts:         a brand's variant or an older version; None = the current words for every brand
    header_handle: from `upload_example`, needed where the notification brings a document
    raises:        TemplateRefused when the language or the handle is missing
    """
    words = texts or notification.languages.get(language)
    if words is None or not words.template:
        raise TemplateRefused(f"{notification.name} has no template in {language}")
    body: Json = {
        "name": words.template,
        "language": words.language,
        "category": notification.category.upper(),
        "parameter_format": "NAMED",
        # Without this Meta files what it deems promotional as marketing, at another price and under other consent.
        "allow_category_change": False,
        "components": list(_components(notification, words, header_handle)),
    }
    if notification.channel_ttl_ms is not None:
        body["message_send_ttl_seconds"] = notification.channel_ttl_ms // 1000
    return body


def _components(notification: Notification, words: Texts, header_handle: str) -> list[Json]:
    components: list[Json] = []
    if notification.document is not None:
        if not header_handle:
            raise TemplateRefused(f"{notification.name} brings a document; its review needs an example of one")
        kind = notification.document.header.upper()
        components.append({"type": "HEADER", "format": kind, "example": {"header_handle": [header_handle]}})
    elif words.header is not None:
        header: Json = {"type": "HEADER", "format": "TEXT", "text": words.header}
        if words.header_variables:
            header["example"] = {"header_text_named_params": _examples(words, words.header_variables)}
        components.append(header)
    body: Json = {"type": "BODY", "text": words.body}
    if words.body_variables:
        body["example"] = {"body_text_named_params": _examples(words, words.body_variables)}
    components.append(body)
    if words.footer is not None:
        components.append({"type": "FOOTER", "text": words.footer})
    buttons = [_button(spec, words.buttons[spec.key]) for spec in notification.buttons if spec.key in words.buttons]
    if buttons:
        components.append({"type": "BUTTONS", "buttons": buttons})
    return components


def _examples(words: Texts, names: tuple[str, ...]) -> list[Json]:
    return [{"param_name": name, "example": words.examples[name]} for name in names]


def _button(spec: ButtonSpec, label: str) -> Json:
    if spec.kind is ButtonKind.REPLY:
        return {"type": "QUICK_REPLY", "text": label}
    if spec.suffix is None:
        return {"type": "URL", "text": label, "url": spec.url}
    return {"type": "URL", "text": label, "url": spec.url + _URL_VARIABLE, "example": [spec.url + "example"]}


async def upload_example(call: Call, app_id: str | None, file: FilePart) -> str:
    """Bring a file through the Resumable Upload API; its handle goes into `header_handle`, and is not a media id.

    raises: TemplateRefused, also when there is no app id (GATEWAY_APP_ID)
    """
    if not app_id:
        raise TemplateRefused("templates with a document need an example of it, and that needs GATEWAY_APP_ID")
    session = _sound(
        await call(
            "POST",
            f"/{app_id}/uploads?file_name={quote(file.filename)}&file_length={len(file.data)}"
            f"&file_type={quote(file.mime, safe='')}",
        )
    )
    answer = _sound(await call("POST", f"/{session.get('id', '')}", file.data))
    handle = answer.get("h")
    if not isinstance(handle, str) or not handle:
        raise TemplateRefused("the upload brought no handle")
    return handle


class WhatsAppTemplates:
    """`TemplateAdmin` for WhatsApp. call_as: gives the `Call` that speaks as a sender; account: needs "waba_id"."""

    rules = RULES

    def __init__(self, call_as: Callable[[Sender], Call], *, app_id: str | None) -> None:
        self._call_as = call_as
        self._app_id = app_id

    def create_body(self, notification: Notification, texts: Texts, header_handle: str = "") -> Mapping[str, Any]:
        return create_body(notification, texts.language, texts=texts, header_handle=header_handle)

    async def list_templates(self, sender: Sender) -> list[RemoteTemplate]:
        return await list_all(self._call_as(sender), _home(sender), _FIELDS, _WAIT_CODES)

    async def create_template(self, sender: Sender, body: Mapping[str, Any]) -> Created:
        answer = _sound(await self._call_as(sender)("POST", _home(sender), body))
        return Created(
            id=str(answer.get("id", "")),
            status=str(answer.get("status", "PENDING")).upper(),
            category=str(answer.get("category", "")).lower(),
        )

    async def edit_template(self, sender: Sender, template_id: str, body: Mapping[str, Any]) -> None:
        kept = ("components", "message_send_ttl_seconds")
        changed = {name: value for name, value in body.items() if name in kept}
        _sound(await self._call_as(sender)("POST", f"/{quote(template_id)}", changed))

    async def upload_example(self, sender: Sender, header: str) -> str:
        file = example_image() if header == "image" else example_pdf()
        return await upload_example(self._call_as(sender), self._app_id, file)


def example_pdf() -> FilePart:
    """A page of one line: what the channel's reviewers see in place of somebody's document."""
    stream = b"BT /F1 24 Tf 72 760 Td (Example document) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    data, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj%s endobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    data += b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, len(data),
    )  # fmt: skip
    return FilePart("file", "example.pdf", "application/pdf", data)


def example_image() -> FilePart:
    """A plain grey PNG of 400 x 400."""
    rows = (b"\x00" + b"\xcc" * 400) * 400

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + check

    size = (400).to_bytes(4, "big")
    header = chunk(b"IHDR", size + size + b"\x08\x00\x00\x00\x00")
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return FilePart("file", "example.png", "image/png", data)


def _home(sender: Sender) -> str:
    account = sender.account.get("waba_id")
    if not account:
        raise TemplateRefused(f"sender {sender.id} has no waba_id: set GATEWAY_WHATSAPP_WABA_ID")
    return f"/{account}/message_templates"


def _sound(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    return sound(answer, _WAIT_CODES)
