"""What talks to the channels about templates, for the commands under `templates`. Needs no store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from gateway import directory as directories
from gateway import registry
from gateway.cli.checks.case import account_of
from gateway.connector import Sender
from gateway.directory import Directory
from gateway.errors import NotFound, SettingsError
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.lint import Accounts, Finding, lint
from gateway.notifications.remote import RemoteTemplate, TemplateAdmin, TemplateRefused
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Door:
    """What talks to the channel about templates; needs no store."""

    catalogue: Catalogue
    directory: Directory
    admins: dict[str, TemplateAdmin]

    def accounts(self, channel: str) -> Accounts | None:
        """Of a channel -> the brands of its senders; None where there are none, or they name no account."""
        found: dict[str, frozenset[str]] = {}
        for sender in self.directory:
            if sender.channel == channel and account_of(sender):
                found[account_of(sender)] = found.get(account_of(sender), frozenset()) | {sender.brand}
        return found or None

    def senders(self, wanted: str | None, channel: str | None) -> list[tuple[Sender, TemplateAdmin]]:
        """Those with templates at their channel. Raises NotFound, SettingsError."""
        found = [(one, self.admins[one.channel]) for one in self.directory if one.channel in self.admins]
        if not found:
            raise SettingsError(
                [
                    "there is no sender: set GATEWAY_WHATSAPP_PHONE_NUMBER_ID and GATEWAY_WHATSAPP_TOKEN, "
                    "GATEWAY_MESSENGER_PAGE_ID and GATEWAY_MESSENGER_TOKEN, or senders.yaml"
                ]
            )
        if channel is not None:
            found = [(one, admin) for one, admin in found if one.channel == known_channel(channel, self.admins)]
            if not found:
                raise NotFound(f"no sender on {channel}; there are {', '.join(one.id for one in self.directory)}")
        if wanted is None:
            return found
        chosen = [(one, admin) for one, admin in found if one.id == wanted]
        if not chosen:
            raise NotFound(f"no sender {wanted}; there are {', '.join(one.id for one, _ in found)}")
        return chosen


def known_channel(channel: str, admins: Mapping[str, TemplateAdmin]) -> str:
    """The channel, if there is such a one. Raises NotFound."""
    if channel not in admins:
        raise NotFound(f"no channel {channel}; there are {', '.join(admins)}")
    return channel


@asynccontextmanager
async def door(settings: Settings, catalogue: Catalogue) -> AsyncIterator[Door]:
    async with aiohttp.ClientSession(trust_env=False) as session:
        channels = registry.open_channels(settings, session)
        try:
            yield Door(catalogue, directories.read(settings), channels.template_admins)
        finally:
            for connector in channels.connectors.values():
                await connector.close()


def findings(opened: Door, channel: str | None) -> list[Finding]:
    """By the rules of every channel that there is a connector for, or of one; the same finding once. Raises NotFound."""
    admins = opened.admins if channel is None else {channel: opened.admins[known_channel(channel, opened.admins)]}
    found = [one for name, admin in admins.items() for one in lint(opened.catalogue, admin.rules, accounts=opened.accounts(name))]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.level != "error")


async def remote_of(admin: TemplateAdmin, sender: Sender) -> list[RemoteTemplate]:
    """The channel's list. Raises TemplateRefused with words that name the sender."""
    try:
        return await admin.list_templates(sender)
    except TemplateRefused as error:
        later = " (try again later)" if error.wait else ""
        words = f"the channel gives no list of {sender.id}'s templates: {error}{later}"
        raise TemplateRefused(words, code=error.code, wait=error.wait) from error
