"""What both channels' template management shares: one call at a time, errors as `TemplateRefused`, lists page after page.

Source: Meta, "Templates" (WhatsApp), Nov 2025, and "Message Templates" (Page edge), 13 Mar 2026: the two speak one dialect.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp

from connectors.meta.graph import USER_AGENT
from gateway.connector import Sender
from gateway.notifications.remote import RemoteTemplate, TemplateRefused

_LANGUAGES = (
    "af sq ar ar_AE ar_EG ar_LB ar_MA ar_QA ar_SA az bn bg ca zh_CN zh_HK zh_TW hr cs da nl en en_AU en_CA",
    "en_GB en_IN en_US et fil fi fr fr_BE fr_CA ka de el gu ha he hi hu id ga it ja kn kk rw_RW ko ky_KG lo",
    "lv lt mk ms ml mr nb fa pl pt_BR pt_PT pa ro ru sr sk sl es es_AR es_CL es_CO es_ES es_MX es_PE es_VE sw",
    "sv ta te th tr uk ur uz vi zu",
)
LANGUAGES: frozenset[str] = frozenset(code for line in _LANGUAGES for code in line.split())
"""Language codes of templates as Meta lists them for WhatsApp; for Pages it lists none and uses the same ones."""

_PAGE = 100
_PAGES_MAX = 100


class Call(Protocol):
    """One call to the Graph API as one sender.

    path: below the version, with its query; body: JSON, or bytes for an upload (sent with `Authorization: OAuth` and
    `file_offset: 0`). Gives the answer's JSON object, an `error` in it included; raises TemplateRefused without one.
    """

    async def __call__(self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None) -> Mapping[str, Any]:
        """See the class."""


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


def sound(answer: Mapping[str, Any], wait_codes: frozenset[int]) -> Mapping[str, Any]:
    """The answer, or TemplateRefused with the channel's words. wait_codes: those that an hour mends."""
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
    raise TemplateRefused(f"{code}/{subcode}: {words}", code=code, subcode=subcode, wait=code in wait_codes)


async def list_all(call: Call, home: str, fields: str, wait_codes: frozenset[int]) -> list[RemoteTemplate]:
    """Every page of an account's templates. home: the path that lists them. raises: TemplateRefused"""
    found: list[RemoteTemplate] = []
    after = ""
    for _ in range(_PAGES_MAX):
        path = f"{home}?fields={fields}&limit={_PAGE}" + (f"&after={quote(after)}" if after else "")
        answer = sound(await call("GET", path), wait_codes)
        listed = answer.get("data")
        if not isinstance(listed, list):  # taken for an empty list it would say that every template is gone
            raise TemplateRefused("the answer is no list of templates", wait=True)
        found += [remote(entry) for entry in listed if isinstance(entry, Mapping)]
        after = next_cursor(answer.get("paging"))
        if not after:
            return found
    raise TemplateRefused(f"the list of templates has no end after {_PAGES_MAX} pages")


def next_cursor(paging: object) -> str:
    """The cursor of the next page; "" on the last. `next` tells that there is one; its own cursor is the surest."""
    if not isinstance(paging, Mapping) or not paging.get("next"):
        return ""
    given = parse_qs(urlsplit(str(paging["next"])).query).get("after")
    if given:
        return given[0]
    cursors = paging.get("cursors")
    return str(cursors.get("after") or "") if isinstance(cursors, Mapping) else ""


def remote(entry: Mapping[str, Any]) -> RemoteTemplate:
    """One language of one template as it is listed."""
    quality = entry.get("quality_score")
    score = quality.get("score") if isinstance(quality, Mapping) else quality
    components = entry.get("components")
    category, correct = str(entry.get("category", "")).lower(), str(entry.get("correct_category") or "").lower()
    return RemoteTemplate(
        id=str(entry.get("id", "")),
        name=str(entry.get("name", "")),
        language=str(entry.get("language", "")),
        status=str(entry.get("status", "")).upper(),
        category=category,
        components=tuple(part for part in components if isinstance(part, Mapping)) if isinstance(components, list) else (),
        rejected_reason="" if entry.get("rejected_reason") in (None, "NONE") else str(entry["rejected_reason"]),
        quality=str(score or ""),
        becomes=correct if correct != category else "",
        parameter_format=str(entry.get("parameter_format") or "").upper(),
    )
