"""Channel name -> connector. The only module of gateway/ that names a concrete one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from connectors.meta.graph import Graph
from connectors.whatsapp.connector import WhatsAppConnector
from connectors.whatsapp.templates import GraphCall, WhatsAppTemplates
from gateway.connector import Connector, Sender
from gateway.notifications.remote import TemplateAdmin
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Channels:
    """connectors: by channel name; template_admins: how each channel's templates are managed."""

    connectors: dict[str, Connector]
    template_admins: dict[str, TemplateAdmin]
    close: Callable[[], object]


def open_channels(settings: Settings, session: aiohttp.ClientSession) -> Channels:
    """The connectors of this installation. session: for the management calls; its owner closes it."""
    graph = Graph(
        settings.graph_url,
        connect_timeout_s=settings.connect_timeout_s,
        timeout_s=settings.send_timeout_s,
        auth_header=settings.graph_auth_header,
    )
    whatsapp = WhatsAppConnector(graph, settings.graph_version)

    def call_as(sender: Sender) -> GraphCall:
        return GraphCall(session, f"{settings.graph_url}/{settings.graph_version}", sender)

    connectors: dict[str, Connector] = {"whatsapp": whatsapp}
    admins: dict[str, TemplateAdmin] = {"whatsapp": WhatsAppTemplates(call_as, app_id=settings.app_id)}
    return Channels(connectors, admins, graph.close)
