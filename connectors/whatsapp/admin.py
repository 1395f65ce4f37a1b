"""The account by API, for `connect` and `doctor`: what a token may do, our numbers, the callback, a first message.

`WhatsAppAdmin` implements `gateway.cli.admin_port.Admin`. No call raises for what Meta says or for silence: that is a `Refused`.
Sources: Meta, "Error codes" and "Webhooks", 11 Sep 2026; facebook/openapi business-messaging-api_v23.0, Nov 2025.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.meta.management import VERSIONS, Management, only_refusal, path_of
from connectors.whatsapp import admin_reading as reading
from connectors.whatsapp.people import PHONE
from connectors.whatsapp.refusals import meaning
from connectors.whatsapp.render import message_body
from gateway.errors import CannotRender
from gateway.model.account import AccountReport, Handed, NumberReport, Refused, Subscribers, Why
from gateway.model.ids import MessageId, SenderId
from gateway.model.message import OutboundMessage, Template
from gateway.model.personal import Personal, Secret

__all__ = ["SCOPES", "VERSIONS", "WEBHOOK_FIELDS", "WhatsAppAdmin"]

SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")
"""Sending and the `messages` webhooks need the first; templates, numbers and every other webhook field the second."""

WEBHOOK_FIELDS = (
    "messages",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "phone_number_quality_update",
    "phone_number_name_update",
    "business_capability_update",
    "account_update",
    "account_review_update",
    "account_alerts",
    "security",
    "user_preferences",
    "user_id_update",
)
"""What our parser acts on or counts."""

_NUMBER_FIELDS = (
    "display_phone_number,verified_name,quality_rating,status,name_status,platform_type,code_verification_status,"
    "whatsapp_business_manager_messaging_limit,health_status,webhook_configuration,account_mode"
)
# Asked when Meta knows one of the others not any more (100): what every version has had.
_NUMBER_FIELDS_LEAST = "display_phone_number,verified_name,quality_rating,code_verification_status,platform_type,status"

Json = Mapping[str, Any]


class WhatsAppAdmin(Management):
    """`Admin` for WhatsApp; see `Management` for what it is made of."""

    scopes: tuple[str, ...] = SCOPES
    webhook_object = "whatsapp_business_account"
    webhook_fields = WEBHOOK_FIELDS
    codes = staticmethod(meaning)

    # accounts and numbers

    async def account(self, account_id: str) -> AccountReport | Refused:
        answer = await self._call("GET", f"{path_of(account_id)}?fields=name,business_verification_status")
        if isinstance(answer, Refused) and answer.code == 100 and answer.why is Why.OTHER:
            answer = await self._call("GET", f"{path_of(account_id)}?fields=name")
        return answer if isinstance(answer, Refused) else reading.account(account_id, answer)

    async def numbers(self, account_id: str) -> tuple[NumberReport, ...] | Refused:
        """Every number of an account (the first 100)."""
        answer = await self._fields(f"{path_of(account_id)}/phone_numbers", "&limit=100")
        return answer if isinstance(answer, Refused) else reading.numbers(answer)

    async def number(self, number_id: str) -> NumberReport | Refused:
        answer = await self._fields(path_of(number_id), "")
        return answer if isinstance(answer, Refused) else reading.number(answer)

    async def request_code(self, number_id: str, method: str, language: str) -> Refused | None:
        """Have a code sent to the number. method: SMS or VOICE; language: of the words around it, e.g. en_US."""
        body = {"code_method": method, "language": language}
        return only_refusal(await self._call("POST", f"{path_of(number_id)}/request_code", body))

    async def verify_code(self, number_id: str, code: Secret) -> Refused | None:
        return only_refusal(await self._call("POST", f"{path_of(number_id)}/verify_code", {"code": code.reveal()}))

    async def register(self, number_id: str, pin: Secret, region: str | None) -> Refused | None:
        """Register with a PIN of six digits. region: two letters of the country where Meta keeps message contents at rest."""
        body: dict[str, Any] = {"messaging_product": "whatsapp", "pin": pin.reveal()}
        if region is not None:
            body["data_localization_region"] = region
        return only_refusal(await self._call("POST", f"{path_of(number_id)}/register", body))

    # who is told

    async def subscribers(self, account_id: str) -> Subscribers | Refused:
        answer = await self._call("GET", f"{path_of(account_id)}/subscribed_apps")
        return answer if isinstance(answer, Refused) else reading.subscribers(answer)

    async def subscribe(self, account_id: str) -> Refused | None:
        """Have the account tell this app. Without it no webhook ever comes."""
        return only_refusal(await self._call("POST", f"{path_of(account_id)}/subscribed_apps", {}))

    # a first message

    async def send(self, number_id: str, to: Personal, content: Template, tag: str) -> Handed | Refused:
        """Send one template. to: +E.164. tag: comes back in each status as "tag.1.connect" (`opaque_of`)."""
        message = OutboundMessage(MessageId(tag), 1, SenderId("connect"), ((PHONE, to),), content)
        try:
            body = message_body(message)
        except CannotRender as error:
            return Refused(Why.OTHER, words=str(error))
        answer = await self._call("POST", f"{path_of(number_id)}/messages", body)
        return answer if isinstance(answer, Refused) else reading.handed(answer)

    @staticmethod
    def opaque_of(tag: str) -> str:
        """What the statuses of a message sent with this tag carry."""
        return f"{tag}.1.connect"

    # calls

    async def _fields(self, path: str, more: str) -> Json | Refused:
        answer = await self._call("GET", f"{path}?fields={_NUMBER_FIELDS}{more}")
        if isinstance(answer, Refused) and answer.code == 100 and answer.why is Why.OTHER:
            answer = await self._call("GET", f"{path}?fields={_NUMBER_FIELDS_LEAST}{more}")
        return answer
