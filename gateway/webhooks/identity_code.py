"""Has the operator's own mail or SMS send a code to a customer: they know an address of theirs that no chat tells.

One signed POST to GATEWAY_IDENTITY_CODE_URL (Standard Webhooks, as insight/hooks.py signs), never repeated: a code that comes
twice is a riddle, and whoever waits for one presses again. What leaves is the customer number, the code, language and brand: no
name, and no address of ours. 2xx: it is on its way; 404, 410 or 422: no second address is known; all else: it could not be sent.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from enum import StrEnum

import aiohttp

from gateway.clock import Clock
from gateway.insight.hooks import Signer
from gateway.model.personal import Personal, Secret

CALL_S = 8.0
TYPE = "identity.code"
_UNKNOWN = frozenset({404, 410, 422})


class Outcome(StrEnum):
    """The last two are why an asking failed, as facts and the desk say it."""

    SENT = "sent"
    NO_ADDRESS = "no_address"
    UNREACHABLE = "unreachable"


class CodeHook:
    def __init__(
        self, http: aiohttp.ClientSession, url: Secret, signer: Signer, clock: Clock, *, timeout_s: float = CALL_S
    ) -> None:
        self._http = http
        self._url = url
        self._signer = signer
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=3)

    async def send(self, customer: Personal, code: Secret, *, language: str, brand: str, until_ms: int) -> Outcome:
        now_ms = self._clock.now_ms()
        body = json.dumps(
            {
                "type": TYPE,
                "timestamp": _time(now_ms),
                "data": {
                    "customer": customer.reveal(),
                    "code": code.reveal(),
                    "language": language,
                    "brand": brand,
                    "expires_at": _time(until_ms),
                },
            },
            separators=(",", ":"),
            ensure_ascii=False,
        ).encode()
        headers = self._signer.headers(f"msg_{secrets.token_hex(16)}", now_ms // 1000, body)
        headers["Content-Type"] = "application/json"
        try:
            async with self._http.post(
                self._url.reveal(), data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Outcome.UNREACHABLE
        if 200 <= status < 300:
            return Outcome.SENT
        return Outcome.NO_ADDRESS if status in _UNKNOWN else Outcome.UNREACHABLE


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
