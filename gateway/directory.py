"""Who speaks for which brand: senders from the settings or senders.yaml, found by brand and channel, or by the channel's own id.

One sender a channel comes from GATEWAY_WHATSAPP_* and GATEWAY_MESSENGER_*; several senders and brands from senders.yaml:

    senders:
      - id: zephyr
        channel: whatsapp
        brand: zz
        account: {phone_number_id: "314159265358979", waba_id: "271828182845904", number: "+12025550123"}
        portfolio: zephyr-group
        token_file: /run/secrets/zephyr
        per_second: 80
      - id: zephyr-page
        channel: messenger
        brand: zz
        account: {page_id: "141421356237309"}
        token_file: /run/secrets/zephyr-page
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.connector import Sender
from gateway.errors import SettingsError
from gateway.model.ids import SenderId
from gateway.model.personal import Secret
from gateway.settings import Settings


class _SenderIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    channel: str = Field(pattern=r"^(whatsapp|messenger)$")
    brand: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    account: dict[str, str]
    portfolio: str = ""
    token: str | None = None
    token_file: str | None = None
    token_env: str | None = None
    per_second: float = Field(default=80.0, gt=0, le=1000)


class Directory:
    """All senders of this installation."""

    def __init__(self, senders: list[Sender]) -> None:
        self._by_id: Mapping[SenderId, Sender] = {sender.id: sender for sender in senders}
        self._by_brand = {(sender.brand, sender.channel): sender for sender in reversed(senders)}
        self._by_account = {
            (sender.channel, account): sender for sender in reversed(senders) for account in sender.account.values()
        }
        # One sender a channel speaks for every brand: a company with one number need not name its brands.
        channels: dict[str, list[Sender]] = {}
        for sender in senders:
            channels.setdefault(sender.channel, []).append(sender)
        self._only = {channel: found[0] for channel, found in channels.items() if len(found) == 1}

    def __iter__(self) -> Iterator[Sender]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def ids(self) -> tuple[SenderId, ...]:
        return tuple(self._by_id)

    def get(self, sender: SenderId | str) -> Sender | None:
        return self._by_id.get(SenderId(sender))

    def for_brand(self, brand: str, channel: str) -> Sender | None:
        """The brand's sender on a channel; where there is only one sender on the channel, that one."""
        return self._by_brand.get((brand, channel)) or self._only.get(channel)

    def for_account(self, channel: str, account_id: str) -> Sender | None:
        """The sender with this phone number id, WABA id or page id."""
        return self._by_account.get((channel, account_id))

    def of_account(self, channel: str, account_id: str) -> list[Sender]:
        """All senders that share an account id (a WABA has several numbers)."""
        return [sender for sender in self if sender.channel == channel and account_id in sender.account.values()]

    def scope_of(self, brand: str, channel: str) -> str:
        sender = self.for_brand(brand, channel)
        return sender.scope if sender else ""


def read(settings: Settings) -> Directory:
    """The senders of the settings. Raises SettingsError with every problem; none at all is allowed (doctor says so)."""
    if settings.senders_file is not None:
        return Directory(_from_file(settings.senders_file))
    senders = []
    if settings.whatsapp_phone_number_id and settings.whatsapp_token:
        account = {"phone_number_id": settings.whatsapp_phone_number_id}
        if settings.whatsapp_waba_id:
            account["waba_id"] = settings.whatsapp_waba_id
        if settings.whatsapp_number:
            account["number"] = settings.whatsapp_number
        senders.append(
            Sender(
                id=SenderId("whatsapp"),
                channel="whatsapp",
                brand=settings.brand,
                account=account,
                scope=settings.whatsapp_portfolio,
                token=settings.whatsapp_token,
                per_second=settings.per_second,
            )
        )
    if settings.messenger_page_id and settings.messenger_token:
        page = settings.messenger_page_id
        senders.append(
            Sender(
                id=SenderId("messenger"),
                channel="messenger",
                brand=settings.brand,
                account={"page_id": page},
                scope=page,
                token=settings.messenger_token,
                per_second=settings.per_second,
            )
        )
    return Directory(senders)


def _from_file(path: Path) -> list[Sender]:
    problems: list[str] = []
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError([f"GATEWAY_SENDERS_FILE: {path} cannot be read: {type(error).__name__}"]) from None
    entries = raw.get("senders") if isinstance(raw, dict) else None
    if not isinstance(entries, list) or not entries:
        raise SettingsError([f"{path}: should hold `senders:` with a list"])
    senders: list[Sender] = []
    for place, entry in enumerate(entries):
        try:
            one = _SenderIn.model_validate(entry)
            token = _token(one)
        except ValidationError as error:
            problems += [
                f"{path}: senders[{place}].{'.'.join(str(step) for step in found['loc'])}: {found['msg']}"
                for found in error.errors(include_url=False, include_input=False)
            ]
            continue
        except (OSError, KeyError) as error:
            problems.append(f"{path}: senders[{place}]: its token cannot be read: {type(error).__name__}")
            continue
        # A person's id is good within one page only: two pages never share a scope, whatever the file says.
        scope = one.account.get("page_id") or one.portfolio
        senders.append(Sender(SenderId(one.id), one.channel, one.brand, one.account, scope, token, one.per_second))
    names = [sender.id for sender in senders]
    problems += [f"{path}: the sender id {name} stands twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if problems:
        raise SettingsError(problems)
    return senders


def _token(one: _SenderIn) -> Secret:
    if one.token_file:
        return Secret(Path(one.token_file).read_text(encoding="utf-8").strip())
    if one.token_env:
        return Secret(os.environ[one.token_env])
    if one.token:
        return Secret(one.token)
    raise KeyError("token")
