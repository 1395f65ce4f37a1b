"""The operator's scanner: the bytes go to it, one word comes back.

POST of the bytes to GATEWAY_MEDIA_SCAN_URL, Content-Type as found by the first bytes, X-File-Name never. The answer is JSON with
`verdict`: "clean" or "infected". Anything else, and no answer in time, is not a verdict: it is asked again, and until then the
file is shown to nobody.
"""

from __future__ import annotations

import json
from typing import Protocol

import aiohttp

SCAN_S = 30.0
ANSWER_MAX = 4096


class NotScanned(Exception):
    """No verdict came. The text holds neither the URL nor anything of the file."""


class Scanner(Protocol):
    async def clean(self, data: bytes, mime: str) -> bool:
        """Whether nothing was found. Raises NotScanned."""


class HookScanner:
    def __init__(self, http: aiohttp.ClientSession, url: str, *, timeout_s: float = SCAN_S) -> None:
        self._http = http
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=5)

    async def clean(self, data: bytes, mime: str) -> bool:
        headers = {"Content-Type": mime or "application/octet-stream"}
        try:
            async with self._http.post(
                self._url, data=data, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    raise NotScanned(f"the scanner answered {answer.status}")
                said = b""
                async for piece in answer.content.iter_chunked(ANSWER_MAX):
                    said += piece
                    if len(said) > ANSWER_MAX:
                        raise NotScanned("the scanner's answer is too long")
                verdict = json.loads(said).get("verdict")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError, RecursionError) as error:
            raise NotScanned(type(error).__name__) from None
        if verdict not in ("clean", "infected"):
            raise NotScanned("the scanner gave no verdict")
        return str(verdict) == "clean"
