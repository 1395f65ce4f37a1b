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
    PageReport,
    Pulse,
    Refused,
    Reviewed,
    Routing,
    Screen,
    Subscribers,
    TokenReport,
    Version,
)
from gateway.model.message import Template
from gateway.model.personal import Personal, Secret


class AppAdmin(Protocol):
    """One app and one token at a channel: what is asked alike, whatever the account holds."""

    scopes: tuple[str, ...]

    async def app(self) -> AppReport | Refused:
        """Whether app id and secret belong together, and where the app's webhooks go."""

    async def set_callback(self, url: str, verify_token: Secret) -> Refused | None:
        """Have the app's webhooks sent to `url`, which must answer the handshake meanwhile."""

    async def token(self) -> TokenReport | Refused:
        """What the token may do."""

    async def subscribers(self, account_id: str) -> Subscribers | Refused: ...

    async def subscribe(self, account_id: str) -> Refused | None: ...

    def meaning(self, code: int) -> str:
        """How a code in a failed status is mended, "" when nobody knows."""

    async def pulse(self) -> Pulse | Refused: ...

    def version(self) -> Version: ...

    async def close(self) -> None: ...


class Admin(AppAdmin, Protocol):
    """An account that holds numbers."""

    async def account(self, account_id: str) -> AccountReport | Refused: ...

    async def numbers(self, account_id: str) -> tuple[NumberReport, ...] | Refused: ...

    async def number(self, number_id: str) -> NumberReport | Refused: ...

    async def request_code(self, number_id: str, method: str, language: str) -> Refused | None:
        """Have a code sent to the number. method: SMS or VOICE; language: e.g. en_US."""

    async def verify_code(self, number_id: str, code: Secret) -> Refused | None: ...

    async def register(self, number_id: str, pin: Secret, region: str | None) -> Refused | None:
        """Six digits; region: two letters, or None for the channel's own choice."""

    async def send(self, number_id: str, to: Personal, content: Template, tag: str) -> Handed | Refused:
        """One template to +E.164. Its statuses carry `opaque_of(tag)`."""

    def opaque_of(self, tag: str) -> str: ...


class PageAdmin(AppAdmin, Protocol):
    """An account that holds pages; `account_id` of the calls above is a page's id."""

    async def pages(self) -> tuple[PageReport, ...] | Refused:
        """Those that the token was given."""

    async def page(self, page_id: str) -> PageReport | Refused: ...

    async def screen(self, page_id: str) -> Screen | Refused:
        """What people see before they say anything."""

    async def set_screen(self, page_id: str, wish: Screen) -> Refused | None:
        """Set what the wish names; what is None or () in it stays as it is."""

    async def routing(self, page_id: str) -> Routing | Refused: ...

    async def reviewed(self, page_id: str) -> Reviewed | Refused:
        """What the channel reviewed and allows this page."""


AdminFactory = Callable[[Access], Admin]
PageAdminFactory = Callable[[Access], PageAdmin]
