"""The door to our account at a channel, for `connect` and `doctor`. connectors/<channel>/admin.py implements it.

Values and refusals are those of gateway/model/account.py, so that a connector need not know who asks. No call raises for what
the channel says, or for silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.model.account import (
    Access,
    AccountReport,
    AppReport,
    Handed,
    NumberReport,
    Pulse,
    Refused,
    Subscribers,
    TokenReport,
    Version,
)
from gateway.model.message import Template
from gateway.model.personal import Personal, Secret


class Admin(Protocol):
    """One app and one token at a channel."""

    scopes: tuple[str, ...]

    async def app(self) -> AppReport | Refused:
        """Whether app id and secret belong together, and where the app's webhooks go."""

    async def set_callback(self, url: str, verify_token: Secret) -> Refused | None:
        """Have the app's webhooks sent to `url`, which must answer the handshake meanwhile."""

    async def token(self) -> TokenReport | Refused:
        """What the token may do."""

    async def account(self, account_id: str) -> AccountReport | Refused: ...

    async def numbers(self, account_id: str) -> tuple[NumberReport, ...] | Refused: ...

    async def number(self, number_id: str) -> NumberReport | Refused: ...

    async def request_code(self, number_id: str, method: str, language: str) -> Refused | None:
        """Have a code sent to the number. method: SMS or VOICE; language: e.g. en_US."""

    async def verify_code(self, number_id: str, code: Secret) -> Refused | None: ...

    async def register(self, number_id: str, pin: Secret, region: str | None) -> Refused | None:
        """Six digits; region: two letters, or None for the channel's own choice."""

    async def subscribers(self, account_id: str) -> Subscribers | Refused: ...

    async def subscribe(self, account_id: str) -> Refused | None: ...

    async def send(self, number_id: str, to: Personal, content: Template, tag: str) -> Handed | Refused:
        """One template to +E.164. Its statuses carry `opaque_of(tag)`."""

    def opaque_of(self, tag: str) -> str: ...

    def meaning(self, code: int) -> str:
        """How a code in a failed status is mended, "" when nobody knows."""

    async def pulse(self) -> Pulse | Refused: ...

    def version(self) -> Version: ...

    async def close(self) -> None: ...


AdminFactory = Callable[[Access], Admin]
