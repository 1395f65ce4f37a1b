"""Chatwoot's API for accounts, as far as a bridge to an API inbox needs it (4.13 and later; develop of September 2026).

`source_id` of a message is ours: it comes back in lists and webhooks, so a message can be found again when the answer to its POST
was lost, and our own are known when Chatwoot tells us of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
from failures import Missing, Refused, Wait

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=3)
FILE_TIMEOUT = aiohttp.ClientTimeout(total=120, connect=3)
FILE_MAX = 16_000_000
OUTGOING = 1
"""message_type of an agent's message in lists; webhooks say "outgoing"."""


@dataclass(frozen=True, slots=True)
class File:
    name: str
    kind: str
    data: bytes


class Chatwoot:
    """files: origins beside Chatwoot's own from which its attachments may come"""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, account: int, inbox: int, token: str, files: Sequence[str] = ()
    ) -> None:
        self._http, self._inbox = http, inbox
        self._url = f"{url.rstrip('/')}/api/v1/accounts/{account}"
        self._token = {"api_access_token": token}
        self._origins = {_origin(url), *(_origin(one) for one in files)}

    async def make_contact(self, identifier: str, name: str) -> int:
        """Who writes, known there by the gateway's id of them. One that is there already is found."""
        body = {"inbox_id": self._inbox, "identifier": identifier, "source_id": identifier, "name": name}
        try:
            made = await self._call("POST", "/contacts", json=body)
            return int(made["payload"]["contact"]["id"])
        except Refused as refused:
            found = await self._call("GET", "/contacts/search", params={"q": identifier})
            for one in found["payload"]:
                if one["identifier"] == identifier:
                    return int(one["id"])
            raise refused

    async def delete_contact(self, contact: int) -> None:
        await self._call("DELETE", f"/contacts/{contact}")

    async def find_conversation(self, contact: int, mark: str) -> int | None:
        """The conversation of a contact that was made for this one of ours."""
        found = await self._call("GET", f"/contacts/{contact}/conversations")
        for one in found["payload"]:
            if (one.get("custom_attributes") or {}).get("thuisfront_id") == mark:
                return int(one["id"])
        return None

    async def make_conversation(self, contact: int, source: str, attributes: dict[str, Any]) -> int:
        body = {"inbox_id": self._inbox, "contact_id": contact, "source_id": source, "custom_attributes": attributes}
        return int((await self._call("POST", "/conversations", json=body))["id"])

    async def status(self, conversation: int) -> tuple[str, str]:
        """(open, resolved, pending or snoozed; the attribute `reason`, "" none)"""
        found = await self._call("GET", f"/conversations/{conversation}")
        return str(found["status"]), str((found.get("custom_attributes") or {}).get("reason") or "")

    async def set_status(self, conversation: int, status: str) -> None:
        await self._call("POST", f"/conversations/{conversation}/toggle_status", json={"status": status})

    async def set_attributes(self, conversation: int, attributes: dict[str, Any]) -> None:
        body = {"custom_attributes": attributes, "merge": True}  # an older Chatwoot knows no merge and replaces
        await self._call("POST", f"/conversations/{conversation}/custom_attributes", json=body)

    async def messages(self, conversation: int, after: int) -> list[dict[str, Any]]:
        """The first hundred behind a message, oldest first; the last twenty where `after` is 0."""
        params = {"after": str(after)} if after else {}
        found = await self._call("GET", f"/conversations/{conversation}/messages", params=params)
        return sorted(found["payload"], key=lambda one: int(one["id"]))

    async def say(
        self, conversation: int, text: str, source: str, *, note: bool = False, files: Sequence[File] = ()
    ) -> int:
        """What the customer wrote, or a private note. Its id there."""
        values = {"content": text, "message_type": "outgoing" if note else "incoming", "source_id": source}
        content: dict[str, Any] = {"json": {**values, "private": note}}
        if files:
            form = aiohttp.FormData({**values, "private": "true" if note else "false"})
            for file in files:
                form.add_field("attachments[]", file.data, filename=file.name, content_type=file.kind)
            content = {"data": form, "timeout": FILE_TIMEOUT}
        return int((await self._call("POST", f"/conversations/{conversation}/messages", **content))["id"])

    async def set_message(self, conversation: int, message: int, status: str, why: str = "") -> None:
        """sent, delivered, read or failed; an API inbox alone may."""
        body = {"status": status, **({"external_error": why} if why else {})}
        await self._call("PATCH", f"/conversations/{conversation}/messages/{message}", json=body)

    async def delete_message(self, conversation: int, message: int) -> None:
        await self._call("DELETE", f"/conversations/{conversation}/messages/{message}")

    async def download(self, url: str) -> File:
        """An attachment of an agent's, from Chatwoot or where it says it stores files, from nowhere else."""
        if _origin(url) not in self._origins:
            raise Refused("file", "The file lies at an address that the bridge may not read (CHATWOOT_FILES).")
        data = bytearray()
        try:
            async with self._http.get(url, timeout=FILE_TIMEOUT) as answer:
                _judge(answer.status, answer.headers.get("Retry-After", ""), "")
                async for piece in answer.content.iter_chunked(65536):
                    data += piece
                    if len(data) > FILE_MAX:
                        raise Refused("file", f"The file is larger than {FILE_MAX // 1_000_000} MB.")
                name = unquote(urlsplit(url).path.rsplit("/", 1)[-1]) or "file"
                return File(name, answer.content_type, bytes(data))
        except Missing:
            raise Refused("file", "The file is no longer there.") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Wait(f"chatwoot: {type(error).__name__}") from None

    async def _call(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        given = {"timeout": TIMEOUT, **content, "headers": self._token, "allow_redirects": False}
        try:
            async with self._http.request(method, self._url + path, **given) as answer:
                text = await answer.text()
                _judge(answer.status, answer.headers.get("Retry-After", ""), text)
                body: dict[str, Any] = await answer.json(content_type=None) if text.strip() else {}
                return body
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Wait(f"chatwoot: {type(error).__name__}") from None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _judge(status: int, after: str, text: str) -> None:
    if status < 300:
        return
    if status == 404:
        raise Missing
    if status == 429 or status >= 500:
        raise Wait(f"chatwoot: {status}", float(after) if after.isdigit() else None)
    if status < 400 or status in (401, 403):
        raise Wait(f"chatwoot: {status}, look at CHATWOOT_URL and CHATWOOT_TOKEN", 60)
    raise Refused(f"http_{status}", text[:500])
