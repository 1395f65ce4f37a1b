"""Channel name -> connector. The only module of gateway/ that names a concrete one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from connectors.messenger.admin import MessengerAdmin
from connectors.messenger.capabilities import MessengerProbe
from connectors.messenger.connector import MessengerConnector
from connectors.messenger.templates import MessengerTemplates
from connectors.meta.graph import Graph
from connectors.whatsapp.admin import WhatsAppAdmin
from connectors.whatsapp.capabilities import WhatsAppProbe
from connectors.whatsapp.connector import WhatsAppConnector
from connectors.whatsapp.templates import GraphCall, WhatsAppTemplates
from gateway.clock import Clock
from gateway.connector import CapabilityProbe, Connector, Sender
from gateway.model.account import Access, NumberReport, Refused
from gateway.notifications.remote import TemplateAdmin
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Channels:
    """connectors: by channel name; template_admins: how each channel's templates are managed; probes: what it allows us."""

    connectors: dict[str, Connector]
    template_admins: dict[str, TemplateAdmin]
    probes: dict[str, CapabilityProbe]
    close: Callable[[], object]


NumberOf = Callable[[Sender], Awaitable[NumberReport | Refused]]
"""What the channel says of one of our numbers: its quality, its tier."""


def whatsapp_admin(settings: Settings, access: Access) -> WhatsAppAdmin:
    """The door to an account at WhatsApp, with a client of its own, which it closes."""
    return WhatsAppAdmin(
        open_graph(settings),
        settings.graph_version,
        app_id=access.app_id,
        app_secret=access.app_secret,
        token=access.token,
    )


def messenger_admin(settings: Settings, access: Access) -> MessengerAdmin:
    """The door to Pages at Messenger, with a client of its own, which it closes."""
    return MessengerAdmin(
        open_graph(settings),
        settings.graph_version,
        app_id=access.app_id,
        app_secret=access.app_secret,
        token=access.token,
    )


def access_of(settings: Settings, sender: Sender) -> Access:
    """What a sender's management calls speak with."""
    secret = settings.app_secrets[0] if settings.app_secrets else None
    return Access(settings.app_id or "", secret, sender.token)


def open_graph(settings: Settings) -> Graph:
    return Graph(
        settings.graph_url,
        connect_timeout_s=settings.connect_timeout_s,
        timeout_s=settings.send_timeout_s,
        auth_header=settings.graph_auth_header,
    )


def number_of(settings: Settings) -> NumberOf:
    async def ask(sender: Sender) -> NumberReport | Refused:
        admin = whatsapp_admin(settings, access_of(settings, sender))
        try:
            return await admin.number(sender.account["phone_number_id"])
        finally:
            await admin.close()

    return ask


def open_channels(settings: Settings, session: aiohttp.ClientSession, clock: Clock | None = None) -> Channels:
    """The connectors of this installation. session: for the management calls; its owner closes it.

    clock: by which findings are dated; what sends show is dated by the gateway's, and the later of both counts
    """
    clock = clock or Clock()
    graph = open_graph(settings)
    whatsapp = WhatsAppConnector(graph, settings.graph_version)
    messenger = MessengerConnector(graph, settings.graph_version, app_id=settings.app_id)

    def call_as(sender: Sender) -> GraphCall:
        return GraphCall(session, f"{settings.graph_url}/{settings.graph_version}", sender)

    connectors: dict[str, Connector] = {"whatsapp": whatsapp, "messenger": messenger}
    admins: dict[str, TemplateAdmin] = {
        "whatsapp": WhatsAppTemplates(call_as, app_id=settings.app_id),
        "messenger": MessengerTemplates(call_as),
    }
    probes: dict[str, CapabilityProbe] = {
        "whatsapp": WhatsAppProbe(lambda sender: whatsapp_admin(settings, access_of(settings, sender)), clock.now_ms),
        "messenger": MessengerProbe(lambda sender: messenger_admin(settings, access_of(settings, sender)), clock.now_ms),
    }
    return Channels(connectors, admins, probes, graph.close)
