"""The account by API, for `connect` and `doctor`: what a token may do, our numbers, the callback, a first message.

`WhatsAppAdmin` implements `gateway.cli.admin_port.Admin`. No call raises for what Meta says or for silence: that is a `Refused`.
Sources: Meta, "Error codes" and "Webhooks", 11 Sep 2026; facebook/openapi business-messaging-api_v23.0, Nov 2025; the end of
versions from Meta's changelog, 4 Oct 2026.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from connectors.meta.graph import Graph, NotSent, TransportError
from connectors.meta.reading import maybe_obj
from connectors.whatsapp import admin_reading as reading
from connectors.whatsapp.people import PHONE
from connectors.whatsapp.refusals import meaning, refused
from connectors.whatsapp.render import message_body
from gateway.connector import RawResponse, RenderedRequest
from gateway.errors import CannotRender
from gateway.model.account import (
    AccountReport,
    AppReport,
    Handed,
    NumberReport,
    Pulse,
    Refused,
    Subscribers,
    TokenReport,
    Version,
    Why,
)
from gateway.model.ids import MessageId, SenderId
from gateway.model.message import OutboundMessage, Template
from gateway.model.personal import Personal, Secret

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

VERSIONS: Mapping[str, str | None] = {
    "v21.0": "2027-01-21",
    "v22.0": "2027-05-20",
    "v23.0": "2027-10-08",
    "v24.0": "2028-02-18",
    "v25.0": "2028-07-29",
    "v26.0": None,
}
"""Version of the Graph API -> the day it is served until; after it the oldest living one answers."""

_OBJECT = "whatsapp_business_account"
_NUMBER_FIELDS = (
    "display_phone_number,verified_name,quality_rating,status,name_status,platform_type,code_verification_status,"
    "whatsapp_business_manager_messaging_limit,health_status,webhook_configuration,account_mode"
)
# Asked when Meta knows one of the others not any more (100): what every version has had.
_NUMBER_FIELDS_LEAST = "display_phone_number,verified_name,quality_rating,code_verification_status,platform_type,status"
_SENDER = SenderId("admin")
_NO_ANSWER = "is this machine online, and may it reach GATEWAY_GRAPH_URL (a proxy, a firewall)?"

Json = Mapping[str, Any]


class WhatsAppAdmin:
    """One app and one token at Meta. Closes the `graph` that it was given.

    version: of the Graph API, e.g. v25.0. app_secret None: what needs the app's own token is refused as Why.TOKEN.
    """

    scopes: tuple[str, ...] = SCOPES

    def __init__(
        self,
        graph: Graph,
        version: str,
        *,
        app_id: str,
        app_secret: Secret | None,
        token: Secret,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._graph = graph
        self._version = version
        self._app_id = app_id
        self._app_token = Secret(f"{app_id}|{app_secret.reveal()}") if app_secret and app_id else None
        self._token = token
        self._now_ms = now_ms

    # the app

    async def app(self) -> AppReport | Refused:
        """Whether app id and secret belong together, and where the app's webhooks go."""
        answer = await self._as_app("GET", f"/{quote(self._app_id, safe='')}/subscriptions")
        return answer if isinstance(answer, Refused) else reading.app(answer, _OBJECT, WEBHOOK_FIELDS)

    async def set_callback(self, url: str, verify_token: Secret) -> Refused | None:
        """Have every webhook of the app sent to `url`. Meta asks it for the handshake before this returns."""
        body = {
            "object": _OBJECT,
            "callback_url": url,
            "verify_token": verify_token.reveal(),
            "fields": ",".join(WEBHOOK_FIELDS),
        }
        return _only_refusal(await self._as_app("POST", f"/{quote(self._app_id, safe='')}/subscriptions", body))

    # the token

    async def token(self) -> TokenReport | Refused:
        """What the token may do. Asked as the app where its secret is right, else by the token about itself."""
        # The token stands in the query because Meta takes it nowhere else; our client writes no address anywhere.
        path = f"/debug_token?input_token={quote(self._token.reveal(), safe='')}"
        answer = await self._as_app("GET", path)
        if isinstance(answer, Refused) and not answer.silent:
            answer = await self._call("GET", path)
        return answer if isinstance(answer, Refused) else reading.token(answer, SCOPES)

    # accounts and numbers

    async def account(self, account_id: str) -> AccountReport | Refused:
        answer = await self._call("GET", f"{_id(account_id)}?fields=name,business_verification_status")
        if isinstance(answer, Refused) and answer.code == 100 and answer.why is Why.OTHER:
            answer = await self._call("GET", f"{_id(account_id)}?fields=name")
        return answer if isinstance(answer, Refused) else reading.account(account_id, answer)

    async def numbers(self, account_id: str) -> tuple[NumberReport, ...] | Refused:
        """Every number of an account (the first 100)."""
        answer = await self._fields(f"{_id(account_id)}/phone_numbers", "&limit=100")
        return answer if isinstance(answer, Refused) else reading.numbers(answer)

    async def number(self, number_id: str) -> NumberReport | Refused:
        answer = await self._fields(_id(number_id), "")
        return answer if isinstance(answer, Refused) else reading.number(answer)

    async def request_code(self, number_id: str, method: str, language: str) -> Refused | None:
        """Have a code sent to the number. method: SMS or VOICE; language: of the words around it, e.g. en_US."""
        body = {"code_method": method, "language": language}
        return _only_refusal(await self._call("POST", f"{_id(number_id)}/request_code", body))

    async def verify_code(self, number_id: str, code: Secret) -> Refused | None:
        return _only_refusal(await self._call("POST", f"{_id(number_id)}/verify_code", {"code": code.reveal()}))

    async def register(self, number_id: str, pin: Secret, region: str | None) -> Refused | None:
        """Register with a PIN of six digits. region: two letters of the country where Meta keeps message contents at rest."""
        body: dict[str, Any] = {"messaging_product": "whatsapp", "pin": pin.reveal()}
        if region is not None:
            body["data_localization_region"] = region
        return _only_refusal(await self._call("POST", f"{_id(number_id)}/register", body))

    # who is told

    async def subscribers(self, account_id: str) -> Subscribers | Refused:
        answer = await self._call("GET", f"{_id(account_id)}/subscribed_apps")
        return answer if isinstance(answer, Refused) else reading.subscribers(answer)

    async def subscribe(self, account_id: str) -> Refused | None:
        """Have the account tell this app. Without it no webhook ever comes."""
        return _only_refusal(await self._call("POST", f"{_id(account_id)}/subscribed_apps", {}))

    # a first message, and the channel's clock

    async def send(self, number_id: str, to: Personal, content: Template, tag: str) -> Handed | Refused:
        """Send one template. to: +E.164. tag: comes back in each status as "tag.1.connect" (`opaque_of`)."""
        message = OutboundMessage(MessageId(tag), 1, SenderId("connect"), ((PHONE, to),), content)
        try:
            body = message_body(message)
        except CannotRender as error:
            return Refused(Why.OTHER, words=str(error))
        answer = await self._call("POST", f"{_id(number_id)}/messages", body)
        return answer if isinstance(answer, Refused) else reading.handed(answer)

    @staticmethod
    def opaque_of(tag: str) -> str:
        """What the statuses of a message sent with this tag carry."""
        return f"{tag}.1.connect"

    @staticmethod
    def meaning(code: int) -> str:
        """How a code in a failed status is mended, "" when we know nothing about it."""
        return meaning(code)[1]

    async def pulse(self) -> Pulse | Refused:
        """The channel's clock and version, from the head of any answer, a refusing one too."""
        begun = self._now_ms()
        response = await self._raw("GET", f"/{quote(self._app_id or 'app', safe='')}", None, self._token)
        if isinstance(response, Refused):
            return response
        return Pulse(
            server_ms=_date_ms(response.headers.get("date", "")),
            rtt_ms=self._now_ms() - begun,
            served=response.headers.get("facebook-api-version", ""),
        )

    def version(self) -> Version:
        known = self._version in VERSIONS
        older = not known and _number(self._version) < min(map(_number, VERSIONS))
        return Version(self._version, known, VERSIONS.get(self._version), older)

    async def close(self) -> None:
        await self._graph.close()

    # calls

    async def _fields(self, path: str, more: str) -> Json | Refused:
        answer = await self._call("GET", f"{path}?fields={_NUMBER_FIELDS}{more}")
        if isinstance(answer, Refused) and answer.code == 100 and answer.why is Why.OTHER:
            answer = await self._call("GET", f"{path}?fields={_NUMBER_FIELDS_LEAST}{more}")
        return answer

    async def _as_app(self, method: str, path: str, body: Json | None = None) -> Json | Refused:
        if self._app_token is None:
            return Refused(Why.TOKEN, words="app id or app secret is not set", mend="set GATEWAY_APP_ID and GATEWAY_APP_SECRET")
        return await self._call(method, path, body, self._app_token)

    async def _call(self, method: str, path: str, body: Json | None = None, token: Secret | None = None) -> Json | Refused:
        response = await self._raw(method, path, body, token or self._token)
        if isinstance(response, Refused):
            return response
        return refused(response) or reading.body_of(response)

    async def _raw(self, method: str, path: str, body: Json | None, token: Secret) -> RawResponse | Refused:
        try:
            return await self._graph.send(RenderedRequest(method, f"/{self._version}{path}", _SENDER, token, body=body))
        except NotSent as error:
            return Refused(Why.NO_ANSWER, words=str(error), mend=_NO_ANSWER)
        except TransportError as error:
            mend = "try again: Meta took the call and did not answer in time"
            return Refused(Why.UNCERTAIN, words=str(error), mend=mend)


def _id(text: str) -> str:
    return f"/{quote(text, safe='')}"


def _number(version: str) -> int:
    digits = version.removeprefix("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def _only_refusal(answer: Json | Refused) -> Refused | None:
    if isinstance(answer, Refused):
        return answer
    if maybe_obj(answer).get("success") is False:
        return Refused(Why.OTHER, words="Meta answered that it did not succeed")
    return None


def _date_ms(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp() * 1000)
    except (TypeError, ValueError):
        return None
