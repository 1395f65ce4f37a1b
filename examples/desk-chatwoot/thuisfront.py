"""The gateway's API, as far as a desk needs it (docs/external-desk.md)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp
from failures import Refused, Wait

TIMEOUT = aiohttp.ClientTimeout(total=20, connect=3)
FILE_TIMEOUT = aiohttp.ClientTimeout(total=120, connect=3)


class Thuisfront:
    def __init__(self, http: aiohttp.ClientSession, url: str, key: str) -> None:
        self._http, self._url = http, url.rstrip("/") + "/v1/conversations"
        self._key = {"Authorization": f"Bearer {key}"}

    async def conversation(self, identifier: str) -> dict[str, Any] | None:
        """With its thread. None where our key does not read it, or the person was erased."""
        return await self._known(f"/{identifier}")

    async def line(self, identifier: str, message: str) -> dict[str, Any] | None:
        """One line of the thread, by its id or by what was done to it."""
        return await self._known(f"/{identifier}/messages/{message}")

    async def mine(self) -> set[str]:
        """The conversations that our key claimed."""
        found = await self._call("GET", "?agent=me")
        return {one["id"] for one in found["conversations"]}

    async def templates(self, identifier: str) -> list[dict[str, Any]]:
        found = await self._known(f"/{identifier}/templates")
        return list(found["templates"]) if found else []

    async def command(self, identifier: str, what: str, once: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST .../take, reply, note, finish, again. Raises Refused with the gateway's code."""
        return await self._call("POST", f"/{identifier}/{what}", json=body, headers={"Idempotency-Key": once})

    async def take_up(self, identifier: str, once: str, data: bytes, name: str, kind: str) -> str:
        """Lay a file ready for a reply; what the reply names it by."""
        headers = {"Idempotency-Key": once, "X-File-Name": quote(name), "Content-Type": kind or "application/octet-stream"}
        found = await self._call("POST", f"/{identifier}/files", data=data, headers=headers, timeout=FILE_TIMEOUT)
        return str(found["file"])

    async def file(self, identifier: str, media: str) -> bytes | None:
        """The bytes of a file of theirs, None where it is not kept (any more)."""
        try:
            url = f"{self._url}/{identifier}/files/{media}"
            async with self._http.get(url, headers=self._key, timeout=FILE_TIMEOUT) as answer:
                if answer.status == 404:
                    return None
                _judge(answer.status, answer.headers.get("Retry-After", ""), {})
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Wait(f"gateway: {type(error).__name__}") from None

    async def _known(self, path: str) -> dict[str, Any] | None:
        try:
            return await self._call("GET", path)
        except Refused as refused:
            if refused.code in ("not_found", "erased"):
                return None
            raise

    async def _call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **content: Any) -> dict[str, Any]:
        given = {"timeout": TIMEOUT, **content, "headers": {**self._key, **(headers or {})}}
        try:
            async with self._http.request(method, self._url + path, **given) as answer:
                text = answer.content_type.endswith("json")
                body: dict[str, Any] = await answer.json(content_type=None) if text else {}
                _judge(answer.status, answer.headers.get("Retry-After", ""), body)
                return body
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Wait(f"gateway: {type(error).__name__}") from None


def _judge(status: int, after: str, body: dict[str, Any]) -> None:
    if status < 300:
        return
    if status == 429 or status >= 500:
        raise Wait(f"gateway: {status}", float(after) if after.isdigit() else None)
    if status in (401, 403):  # a key that ended or may not: made anew, all that waits goes on
        raise Wait(f"gateway: {status}, look at THUISFRONT_API_KEY", 60)
    problems = "; ".join(f"{one['field']} {one['message']}" for one in body.get("problems", ()))
    raise Refused(body.get("code") or f"http_{status}", problems or body.get("detail") or f"The gateway said {status}.", body)
