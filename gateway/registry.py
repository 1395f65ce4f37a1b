"""Channel name -> connector. The only module of gateway/ that names a concrete one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from connectors.meta.graph import Graph
from connectors.whatsapp.admin import WhatsAppAdmin
from connectors.whatsapp.connector import WhatsAppConnector
from connectors.whatsapp.templates import GraphCall, WhatsAppTemplates
from gateway.connector import Connector, Sender
from gateway.model.account import Access, NumberReport, Refused
from gateway.notifications.remote import TemplateAdmin
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Channels:
    """connectors: by channel name; template_admins: how each channel's templates are managed."""

    connectors: dict[str, Connector]
    template_admins: dict[str, TemplateAdmin]
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


def open_graph(settings: Settings) -> Graph:
    return Graph(
        settings.graph_url,
        connect_timeout_s=settings.connect_timeout_s,
        timeout_s=settings.send_timeout_s,
        auth_header=settings.graph_auth_header,
    )


def number_of(settings: Settings) -> NumberOf:
    async def ask(sender: Sender) -> NumberReport | Refused:
        secret = settings.app_secrets[0] if settings.app_secrets else None
        admin = whatsapp_admin(settings, Access(settings.app_id or "", secret, sender.token))
        try:
            return await admin.number(sender.account["phone_number_id"])
        finally:
            await admin.close()

    return ask


def open_channels(settings: Settings, session: aiohttp.ClientSession) -> Channels:
    """The connectors of this installation. session: for the management calls; its owner closes it."""
    graph = open_graph(settings)
    whatsapp = WhatsAppConnector(graph, settings.graph_version)

    def call_as(sender: Sender) -> GraphCall:
        return GraphCall(session, f"{settings.graph_url}/{settings.graph_version}", sender)

    connectors: dict[str, Connector] = {"whatsapp": whatsapp}
    admins: dict[str, TemplateAdmin] = {"whatsapp": WhatsAppTemplates(call_as, app_id=settings.app_id)}
    return Channels(connectors, admins, graph.close)
