"""The installation under examination: what several checks look at is fetched once and shared."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

from gateway.cli.admin_port import Admin, AdminFactory, AppAdmin, PageAdmin, PageAdminFactory
from gateway.cli.checks.finding import NotSeen
from gateway.cli.probe import Shake, shake
from gateway.clock import Clock
from gateway.connector import Sender
from gateway.directory import Directory
from gateway.errors import GatewayError
from gateway.model.account import (
    Access,
    AppReport,
    NumberReport,
    PageReport,
    Pulse,
    Refused,
    Reviewed,
    Routing,
    Screen,
    Subscribers,
    TokenReport,
    Why,
)
from gateway.model.capability import Findings
from gateway.model.personal import Secret
from gateway.notifications.remote import TemplateAdmin
from gateway.settings import Environment, Settings
from gateway.store.client import Connection, connect
from gateway.store.senders import Senders
from gateway.store.wakeup import read_offset

T = TypeVar("T")

PeopleDue = Callable[[Sequence[Sender]], Awaitable[int]]
"""How many distinct people these senders of one portfolio will write to in the next 24 hours."""

DiskFree = Callable[[Path], tuple[int, int]]
"""(bytes free, bytes in all) of the disk that holds a path. Raises OSError."""


def disk_free(path: Path) -> tuple[int, int]:
    usage = shutil.disk_usage(path)
    return usage.free, usage.total


class Once(Generic[T]):
    """A value made at the first call, whoever calls; one that failed is tried again by the next."""

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._lock = asyncio.Lock()
        self._made: list[T] = []

    async def __call__(self) -> T:
        async with self._lock:
            if not self._made:
                self._made.append(await self._make())
        return self._made[0]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a test puts in the place of the world.

    tls: whom https is trusted by, None = as browsers do
    """

    clock: Clock
    tls: ssl.SSLContext | None = None
    disk: DiskFree = disk_free
    people_due: PeopleDue | None = None


def account_of(sender: Sender) -> str:
    """The account that templates and the subscription hang on: a business account, or a page."""
    return sender.account.get("waba_id") or sender.account.get("page_id", "")


class Case:
    """settings and what hangs on them. `close` closes what was opened.

    admins, page_admins: by channel, the doors to accounts that hold numbers, and to those that hold pages
    """

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        *,
        admins: Mapping[str, AdminFactory],
        template_admins: Mapping[str, TemplateAdmin],
        surroundings: Surroundings,
        page_admins: Mapping[str, PageAdminFactory] | None = None,
    ) -> None:
        self.settings = settings
        self.directory = directory
        self.template_admins = template_admins
        self.world = surroundings
        self.clock = surroundings.clock
        self._of_numbers = admins
        self._of_pages = page_admins or {}
        self._admins: dict[str, AppAdmin] = {}
        self._store: Once[Connection | GatewayError] = Once(self._open_store)
        self._asked: dict[tuple[str, str], Once[object]] = {}

    @property
    def strict(self) -> bool:
        """In production a lack is a fault; elsewhere it may be on purpose."""
        return self.settings.env is Environment.PRODUCTION

    # the store

    async def _open_store(self) -> Connection | GatewayError:
        try:
            connection = await connect(self.settings)
            if self.settings.env is Environment.DEMO:  # what it keeps stands under the time of its story
                self.clock.offset_ms = await read_offset(connection.redis)
        except GatewayError as error:
            return error
        return connection

    async def store_or_error(self) -> Connection | GatewayError:
        return await self._store()

    async def store(self) -> Connection:
        """raises: NotSeen where it cannot be opened"""
        found = await self._store()
        if isinstance(found, GatewayError):
            raise NotSeen("the store is not reached", "store")
        return found

    # the channel

    @property
    def senders(self) -> list[Sender]:
        """Those whose channel can be asked."""
        return [sender for sender in self.directory if sender.channel in {**self._of_numbers, **self._of_pages}]

    @property
    def numbers(self) -> list[Sender]:
        return [sender for sender in self.directory if sender.channel in self._of_numbers]

    @property
    def pages(self) -> list[Sender]:
        return [sender for sender in self.directory if sender.channel in self._of_pages]

    def one_an_account(self) -> list[Sender]:
        """One sender for each business account, and each page."""
        found: dict[str, Sender] = {}
        for sender in self.senders:
            found.setdefault(account_of(sender) or f"?{sender.id}", sender)
        return list(found.values())

    def admin(self, sender: Sender, secret: Secret | None = None) -> AppAdmin:
        """The door to a sender's account. secret: another app secret than the first."""
        name = sender.id if secret is None else f"{sender.id} {self.settings.app_secrets.index(secret)}"
        if name not in self._admins:
            first = self.settings.app_secrets[0] if self.settings.app_secrets else None
            access = Access(self.settings.app_id or "", secret or first, sender.token)
            factory = {**self._of_numbers, **self._of_pages}[sender.channel]
            self._admins[name] = factory(access)
        return self._admins[name]

    def _number_admin(self, sender: Sender) -> Admin:
        return cast(Admin, self.admin(sender))  # its channel's factory makes no other

    def _page_admin(self, sender: Sender) -> PageAdmin:
        return cast(PageAdmin, self.admin(sender))

    async def _ask(self, kind: str, sender: Sender, make: Callable[[], Awaitable[T | Refused]]) -> T | Refused:
        once = self._asked.setdefault((kind, sender.id), Once(make))
        return await once()  # type: ignore[return-value]

    async def token(self, sender: Sender) -> TokenReport | Refused:
        return await self._ask("token", sender, self.admin(sender).token)

    async def pulse(self, sender: Sender) -> Pulse | Refused:
        return await self._ask("pulse", sender, self.admin(sender).pulse)

    async def app(self, sender: Sender) -> AppReport:
        """raises: NotSeen"""
        return told(await self._ask("app", sender, self.admin(sender).app), "app-secret")

    async def app_or_refusal(self, sender: Sender) -> AppReport | Refused:
        return await self._ask("app", sender, self.admin(sender).app)

    async def number(self, sender: Sender) -> NumberReport:
        """raises: NotSeen"""
        number_id = sender.account.get("phone_number_id", "")
        return told(await self._ask("number", sender, lambda: self._number_admin(sender).number(number_id)), "number")

    async def number_or_refusal(self, sender: Sender) -> NumberReport | Refused:
        number_id = sender.account.get("phone_number_id", "")
        return await self._ask("number", sender, lambda: self._number_admin(sender).number(number_id))

    async def subscribers(self, sender: Sender) -> Subscribers | Refused:
        return await self._ask("subscribers", sender, lambda: self.admin(sender).subscribers(account_of(sender)))

    async def page(self, sender: Sender) -> PageReport | Refused:
        return await self._ask("page", sender, lambda: self._page_admin(sender).page(account_of(sender)))

    async def screen(self, sender: Sender) -> Screen:
        """raises: NotSeen"""
        return told(await self._ask("screen", sender, lambda: self._page_admin(sender).screen(account_of(sender))), "page")

    async def routing(self, sender: Sender) -> Routing:
        """raises: NotSeen"""
        return told(await self._ask("routing", sender, lambda: self._page_admin(sender).routing(account_of(sender))), "page")

    async def reviewed(self, sender: Sender) -> Reviewed:
        """raises: NotSeen"""
        return told(await self._ask("reviewed", sender, lambda: self._page_admin(sender).reviewed(account_of(sender))), "page")

    async def findings(self, sender: Sender) -> Findings:
        """What the gateway knows its sender to be able to do. raises: NotSeen"""
        redis = (await self.store()).redis
        return (await Senders(redis, self.clock).findings([sender.id]))[sender.id]

    # the way in

    async def handshake(self, url: str, verify_token: Secret) -> Shake:
        """What a public address of ours answers; asked once."""
        once = self._asked.setdefault(("handshake", url), Once(lambda: shake(url, verify_token, tls=self.world.tls)))
        return await once()  # type: ignore[return-value]

    async def close(self) -> None:
        for admin in self._admins.values():
            await admin.close()
        found = await self._store()
        if isinstance(found, Connection):
            await found.close()


def told(answer: T | Refused, see: str) -> T:
    """The answer, or NotSeen: the check `see` tells why the channel refuses."""
    if isinstance(answer, Refused):
        if answer.silent:
            raise NotSeen("the channel does not answer", "channel")
        raise NotSeen("the channel refuses to say", see if answer.why is not Why.TOKEN or see == "app-secret" else "token")
    return answer
