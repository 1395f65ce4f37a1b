"""What the steps of `connect` share: whom they talk with, what they know so far, and where it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from gateway.cli import connect_state, envfile
from gateway.cli.admin_port import Admin, AppAdmin, PageAdmin
from gateway.cli.connect_listener import Ear
from gateway.cli.connect_state import State
from gateway.cli.dialogue import Dialogue, agreed
from gateway.clock import Clock
from gateway.connector import Connector, Sender
from gateway.model.account import Access, NumberReport, PageReport, Refused
from gateway.model.ids import SenderId
from gateway.model.personal import Secret
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.remote import TemplateAdmin
from gateway.settings import Settings

TRIES = 3


class Halted(Exception):
    """It cannot go on now. what: for people; mend: what to do before starting again."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


@dataclass(slots=True)
class Visit:
    """One run of `connect`. Steps fill in what the next ones need: access and admin, account, number or page, ear.

    yes: what would be shown and asked before it is changed is agreed to beforehand
    """

    io: Dialogue
    settings: Settings
    state: State
    env_file: Path
    admins: Callable[[Access], AppAdmin]
    connector: Connector
    templates: TemplateAdmin
    catalogue: Catalogue
    clock: Clock
    wait_s: float
    yes: bool = False
    access: Access | None = None
    _admin: AppAdmin | None = None
    number: NumberReport | None = None
    page: PageReport | None = None
    public_url: str | None = None
    verify_token: Secret | None = None
    ear: Ear | None = None
    hears: bool = False
    """webhooks come to `ear`"""
    unwritten: dict[str, str] = field(default_factory=dict)
    """settings that `.env` was not allowed to take"""

    @property
    def app_admin(self) -> AppAdmin:
        assert self._admin is not None, "the first step opens it"
        return self._admin

    @property
    def admin(self) -> Admin:
        """The door to an account with numbers, as the visit of such a channel was given."""
        return cast(Admin, self.app_admin)

    @property
    def page_admin(self) -> PageAdmin:
        """The door to pages, as the visit of such a channel was given."""
        return cast(PageAdmin, self.app_admin)

    async def open(self, access: Access) -> AppAdmin:
        """Speak with these credentials from now on."""
        await self.close()
        self.access, self._admin = access, self.admins(access)
        return self._admin

    async def close(self) -> None:
        if self._admin is not None:
            await self._admin.close()
            self._admin = None

    @property
    def sender(self) -> Sender:
        """Us, for calls about templates."""
        assert self.access is not None
        token, brand = self.access.token, self.settings.brand
        if self.page is not None:
            account, scope = {"page_id": self.page.id}, self.page.id
        else:
            account, scope = {"phone_number_id": self.state.number_id, "waba_id": self.state.account_id}, ""
        return Sender(SenderId("connect"), self.connector.channel, brand, account, scope, token)

    def save(self) -> None:
        connect_state.save(self.settings.data_dir, self.state)

    def step(self, number: int, title: str, why: str) -> None:
        self.io.show(f"\n{number}  {title}\n   {why}")

    def explain(self, refused: Refused) -> None:
        self.io.show(f"   Refused: {refused.sentence}")
        if refused.mend:
            self.io.show(f"   -> {refused.mend}")

    def halt(self, refused: Refused) -> Halted:
        """For `raise visit.halt(refused)`: a refusal that this run cannot mend."""
        return Halted(f"the channel refuses: {refused.sentence}", refused.mend)

    async def keep(self, values: dict[str, str], *, ours: str = "") -> None:
        """Write settings into `.env`, if that is allowed; asked once, and again before a value there is replaced.

        ours: a value that this run put there itself, which may be replaced unasked
        """
        there = envfile.read(self.env_file)
        fresh = {name: value for name, value in values.items() if there.get(name, "") != value}
        if not fresh:
            return
        if self.state.env_agreed is None:
            question = f"   May I write what we find into {self.env_file}? All else in it stays, and only you can read it."
            self.state.env_agreed = self.yes or await agreed(self.io, question)
            self.save()
        replaced = [name for name in fresh if there.get(name) and there[name] != ours]
        allowed = self.state.env_agreed
        if allowed and replaced:
            allowed = await agreed(self.io, f"   {self.env_file} holds another {', '.join(replaced)}. Replace?")
        if not allowed:
            self.unwritten |= fresh
            return
        envfile.write(self.env_file, fresh)
        self.io.show(f"   Written to {self.env_file}: {', '.join(fresh)}")


def tell_unwritten(visit: Visit) -> None:
    """The lines that `.env` was not allowed to take."""
    if visit.unwritten:
        visit.io.show(f"\nNot written to {visit.env_file}, as you wished. The gateway needs these lines:")
        for name, value in visit.unwritten.items():
            visit.io.show("  " + envfile.shown(name, value))
