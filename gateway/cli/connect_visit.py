"""What the steps of `connect` share: whom they talk with, what they know so far, and where it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.cli import connect_state, envfile
from gateway.cli.admin_port import Admin, AdminFactory
from gateway.cli.connect_listener import Ear
from gateway.cli.connect_state import State
from gateway.cli.dialogue import Dialogue, agreed
from gateway.clock import Clock
from gateway.connector import Connector, Sender
from gateway.model.account import Access, NumberReport, Refused
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
    """One run of `connect`. Steps fill in what the next ones need: access and admin, account, number, ear."""

    io: Dialogue
    settings: Settings
    state: State
    env_file: Path
    admins: AdminFactory
    connector: Connector
    templates: TemplateAdmin
    catalogue: Catalogue
    clock: Clock
    wait_s: float
    access: Access | None = None
    _admin: Admin | None = None
    number: NumberReport | None = None
    public_url: str | None = None
    verify_token: Secret | None = None
    ear: Ear | None = None
    hears: bool = False
    """webhooks come to `ear`"""
    unwritten: dict[str, str] = field(default_factory=dict)
    """settings that `.env` was not allowed to take"""

    @property
    def admin(self) -> Admin:
        assert self._admin is not None, "the first step opens it"
        return self._admin

    async def open(self, access: Access) -> Admin:
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
        account = {"phone_number_id": self.state.number_id, "waba_id": self.state.account_id}
        token, brand = self.access.token, self.settings.brand
        return Sender(SenderId("connect"), self.connector.channel, brand, account, "", token)

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

    async def keep(self, values: dict[str, str]) -> None:
        """Write settings into `.env`, if that is allowed; asked once, and again before a value there is replaced."""
        there = envfile.read(self.env_file)
        fresh = {name: value for name, value in values.items() if there.get(name, "") != value}
        if not fresh:
            return
        if self.state.env_agreed is None:
            question = f"   May I write what we find into {self.env_file}? All else in it stays, and only you can read it."
            self.state.env_agreed = await agreed(self.io, question)
            self.save()
        replaced = [name for name in fresh if there.get(name)]
        allowed = self.state.env_agreed
        if allowed and replaced:
            allowed = await agreed(self.io, f"   {self.env_file} holds another {', '.join(replaced)}. Replace?")
        if not allowed:
            self.unwritten |= fresh
            return
        envfile.write(self.env_file, fresh)
        self.io.show(f"   Written to {self.env_file}: {', '.join(fresh)}")
