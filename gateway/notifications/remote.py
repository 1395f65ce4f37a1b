"""Templates as they stand at the channel, and the door to them. connectors/<channel>/templates.py implements it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.connector import Sender
from gateway.errors import GatewayError
from gateway.notifications.model import Notification
from gateway.notifications.template_rules import TemplateRules
from gateway.notifications.texts import Texts


class TemplateRefused(GatewayError):
    """The channel refused a call about templates. code, subcode: its own; wait: it may work in an hour."""

    def __init__(self, message: str, *, code: int = 0, subcode: int = 0, wait: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.subcode = subcode
        self.wait = wait


@dataclass(frozen=True, slots=True)
class RemoteTemplate:
    """One language of one template at the channel.

    status:     the channel's word in capitals: APPROVED, PENDING, REJECTED, PAUSED, DISABLED ...
    category:   in small letters; components: as the channel lists them
    becomes:    the category that it is about to have; "" = no such notice
    parameter_format: NAMED, POSITIONAL; "" where the channel does not say
    """

    id: str
    name: str
    language: str
    status: str
    category: str
    components: tuple[Mapping[str, Any], ...] = ()
    rejected_reason: str = ""
    quality: str = ""
    becomes: str = ""
    parameter_format: str = ""


@dataclass(frozen=True, slots=True)
class Created:
    """What the channel made of a template: its id, first status, and the category it chose (small letters)."""

    id: str
    status: str
    category: str


class TemplateAdmin(Protocol):
    """A channel's templates. Every call with I/O raises TemplateRefused with the channel's words."""

    rules: TemplateRules

    def create_body(self, notification: Notification, texts: Texts, header_handle: str = "") -> Mapping[str, Any]:
        """Pure: what to send for one language of one version. header_handle: see `upload_example`."""

    async def list_templates(self, sender: Sender) -> list[RemoteTemplate]:
        """All of the sender's account, every page."""

    async def create_template(self, sender: Sender, body: Mapping[str, Any]) -> Created:
        """Ask for a new one. It goes to review."""

    async def edit_template(self, sender: Sender, template_id: str, body: Mapping[str, Any]) -> None:
        """Replace the components of one that was rejected. It goes to review again."""

    async def upload_example(self, sender: Sender, header: str) -> str:
        """Bring an example "document" or "image" to the channel, for templates with such a header; gives its handle."""
