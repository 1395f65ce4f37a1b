"""Templates at Meta: what to send for one, and the calls to create, list, edit and give an example document.

Source: Meta, "Templates" and "Template components", Nov 2025; "Template categorization", "Time-to-live", 2026.
Parameters are NAMED for good: a name in the wrong place is seen at once while a number is not.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp

from connectors.meta.graph import USER_AGENT
from connectors.whatsapp import facts
from gateway.connector import FilePart, Sender
from gateway.model.message import ButtonKind
from gateway.notifications.model import Notification
from gateway.notifications.parts import ButtonSpec
from gateway.notifications.remote import Created, RemoteTemplate, TemplateRefused
from gateway.notifications.template_rules import TemplateRules
from gateway.notifications.texts import Texts

Json = dict[str, Any]

_LANGUAGES = (
    "af sq ar ar_AE ar_EG ar_LB ar_MA ar_QA ar_SA az bn bg ca zh_CN zh_HK zh_TW hr cs da nl en en_AU en_CA",
    "en_GB en_IN en_US et fil fi fr fr_BE fr_CA ka de el gu ha he hi hu id ga it ja kn kk rw_RW ko ky_KG lo",
    "lv lt mk ms ml mr nb fa pl pt_BR pt_PT pa ro ru sr sk sl es es_AR es_CL es_CO es_ES es_MX es_PE es_VE sw",
    "sv ta te th tr uk ur uz vi zu",
)

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
    languages=frozenset(
        code for line in _LANGUAGES for code in line.split()
    ),
)
"""Meta, "Template components" and "Templates", Nov 2025; languages as listed there."""

_FIELDS = "id,name,status,category,language,components,rejected_reason,quality_score"
_PAGE = 100
_PAGES_MAX = 100
_URL_VARIABLE = "{{1}}"
# "Error codes", 11 Sep 2026: calls per app and account, and templates an hour.
_WAIT_CODES = frozenset({4, 80007, 80008, 1, 2, 131000, 131016})


class Call(Protocol):
    """One call to the Graph API as one sender.

    path: below the version, with its query; body: JSON, or bytes for an upload (sent with `Authorization: OAuth` and
    `file_offset: 0`). Gives the answer's JSON object, an `error` in it included; raises TemplateRefused without one.
    """

    async def __call__(self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None) -> Mapping[str, Any]:
        """See the class."""


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
        call, found, after = self._call_as(sender), [], ""
        for _ in range(_PAGES_MAX):
            path = f"{_home(sender)}?fields={_FIELDS}&limit={_PAGE}" + (f"&after={quote(after)}" if after else "")
            answer = _sound(await call("GET", path))
            found += [_remote(entry) for entry in answer.get("data") or [] if isinstance(entry, Mapping)]
            after = _next_cursor(answer.get("paging"))
            if not after:
                return found
        raise TemplateRefused(f"the list of templates has no end after {_PAGES_MAX} pages")

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


class GraphCall:
    """A `Call` over HTTP, for one sender's token.

    base_url: with the version, e.g. https://graph.facebook.com/v25.0
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str, sender: Sender, *, timeout_s: float = 30.0) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._sender = sender
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def __call__(self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None) -> Mapping[str, Any]:
        upload = isinstance(body, bytes)
        scheme = "OAuth" if upload else "Bearer"
        headers = {"User-Agent": USER_AGENT, "Authorization": f"{scheme} {self._sender.token.reveal()}"}
        if upload:
            headers |= {"file_offset": "0", "Content-Type": "application/octet-stream"}
        elif body is not None:
            headers["Content-Type"] = "application/json"
        data = body if body is None or isinstance(body, bytes) else json.dumps(dict(body)).encode()
        failure = ""
        try:
            async with self._session.request(
                method, self._base_url + path, data=data, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            failure = type(error).__name__
        if failure:  # raised out here: the exception above holds the request with its token
            raise TemplateRefused(f"no answer about templates ({failure})", wait=True)
        if not isinstance(answer, dict):
            raise TemplateRefused("the answer is no JSON object", wait=True)
        return answer


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
    error = answer.get("error")
    if not isinstance(error, Mapping):
        return answer
    code, subcode = error.get("code"), error.get("error_subcode")
    code = code if isinstance(code, int) else 0
    subcode = subcode if isinstance(subcode, int) else 0
    said = error.get("error_user_msg") or error.get("message") or "no words"
    more = error.get("error_data")
    details = more.get("details") if isinstance(more, Mapping) else None
    words = " ".join(str(details or said).split())[:300]
    raise TemplateRefused(f"{code}/{subcode}: {words}", code=code, subcode=subcode, wait=code in _WAIT_CODES)


def _next_cursor(paging: object) -> str:
    """The cursor of the next page; "" on the last. `next` tells that there is one; its own cursor is the surest."""
    if not isinstance(paging, Mapping) or not paging.get("next"):
        return ""
    given = parse_qs(urlsplit(str(paging["next"])).query).get("after")
    if given:
        return given[0]
    cursors = paging.get("cursors")
    return str(cursors.get("after") or "") if isinstance(cursors, Mapping) else ""


def _remote(entry: Mapping[str, Any]) -> RemoteTemplate:
    quality = entry.get("quality_score")
    score = quality.get("score") if isinstance(quality, Mapping) else quality
    components = entry.get("components")
    return RemoteTemplate(
        id=str(entry.get("id", "")),
        name=str(entry.get("name", "")),
        language=str(entry.get("language", "")),
        status=str(entry.get("status", "")).upper(),
        category=str(entry.get("category", "")).lower(),
        components=tuple(part for part in components if isinstance(part, Mapping)) if isinstance(components, list) else (),
        rejected_reason="" if entry.get("rejected_reason") in (None, "NONE") else str(entry["rejected_reason"]),
        quality=str(score or ""),
    )
