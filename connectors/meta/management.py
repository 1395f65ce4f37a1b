"""What the doors to an account share on both channels: one app and one token, its webhooks, Meta's clock and version.

No call raises for what Meta says or for silence: that is a `Refused`. Sources: Meta, "Webhooks", 11 Sep 2026; the end of versions
from Meta's changelog, 4 Oct 2026; debug_token from Meta's "Access tokens".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.meta.faults import read_fault, scrub
from connectors.meta.graph import Graph, NotSent, TransportError
from connectors.meta.reading import maybe_int, maybe_listed, maybe_obj, maybe_text
from gateway.connector import RawResponse, RenderedRequest
from gateway.model.account import AppReport, Pulse, Refused, TokenReport, Version, Why
from gateway.model.ids import SenderId
from gateway.model.personal import Secret

VERSIONS: Mapping[str, str | None] = {
    "v21.0": "2027-01-21",
    "v22.0": "2027-05-20",
    "v23.0": "2027-10-08",
    "v24.0": "2028-02-18",
    "v25.0": "2028-07-29",
    "v26.0": None,
}
"""Version of the Graph API -> the day it is served until; after it the oldest living one answers."""

_SENDER = SenderId("admin")
_NO_ANSWER = "is this machine online, and may it reach GATEWAY_GRAPH_URL (a proxy, a firewall)?"
_BUSY = "try again in a few minutes"

Json = Mapping[str, Any]
Meaning = Callable[[int, int], tuple[Why, str]]
"""(code, subcode) -> what it means, and how it is mended ("" when we know nothing)."""


class Management:
    """One app and one token at Meta. Closes the `graph` that it was given.

    version: of the Graph API, e.g. v25.0. app_secret None: what needs the app's own token is refused as Why.TOKEN.
    """

    scopes: tuple[str, ...] = ()
    """what a token must hold"""
    webhook_object: ClassVar[str]
    webhook_fields: ClassVar[tuple[str, ...]]
    codes: ClassVar[Meaning]

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

    async def app(self) -> AppReport | Refused:
        """Whether app id and secret belong together, and where the app's webhooks go."""
        answer = await self._as_app("GET", f"{path_of(self._app_id)}/subscriptions")
        return answer if isinstance(answer, Refused) else app_report(answer, self.webhook_object, self.webhook_fields)

    async def set_callback(self, url: str, verify_token: Secret) -> Refused | None:
        """Have every webhook of the app sent to `url`. Meta asks it for the handshake before this returns."""
        body = {
            "object": self.webhook_object,
            "callback_url": url,
            "verify_token": verify_token.reveal(),
            "fields": ",".join(self.webhook_fields),
        }
        return only_refusal(await self._as_app("POST", f"{path_of(self._app_id)}/subscriptions", body))

    async def token(self) -> TokenReport | Refused:
        """What the token may do. Asked as the app where its secret is right, else by the token about itself."""
        # The token stands in the query because Meta takes it nowhere else; our client writes no address anywhere.
        path = f"/debug_token?input_token={quote(self._token.reveal(), safe='')}"
        answer = await self._as_app("GET", path)
        if isinstance(answer, Refused) and not answer.silent:
            answer = await self._call("GET", path)
        return answer if isinstance(answer, Refused) else token_report(answer, self.scopes)

    async def pulse(self) -> Pulse | Refused:
        """The channel's clock and version, from the head of any answer, a refusing one too."""
        begun = self._now_ms()
        response = await self._raw("GET", path_of(self._app_id or "app"), None, self._token)
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

    def meaning(self, code: int) -> str:
        """How a code in a failed status is mended, "" when we know nothing about it."""
        return type(self).codes(code, 0)[1]

    async def close(self) -> None:
        await self._graph.close()

    # calls

    async def _as_app(self, method: str, path: str, body: Json | None = None) -> Json | Refused:
        if self._app_token is None:
            return Refused(Why.TOKEN, words="app id or app secret is not set", mend="set GATEWAY_APP_ID and GATEWAY_APP_SECRET")
        return await self._call(method, path, body, self._app_token)

    async def _call(self, method: str, path: str, body: Json | None = None, token: Secret | None = None) -> Json | Refused:
        response = await self._raw(method, path, body, token or self._token)
        if isinstance(response, Refused):
            return response
        return refusal(response, type(self).codes) or body_of(response)

    async def _raw(self, method: str, path: str, body: Json | None, token: Secret) -> RawResponse | Refused:
        try:
            return await self._graph.send(RenderedRequest(method, f"/{self._version}{path}", _SENDER, token, body=body))
        except NotSent as error:
            return Refused(Why.NO_ANSWER, words=str(error), mend=_NO_ANSWER)
        except TransportError as error:
            mend = "try again: Meta took the call and did not answer in time"
            return Refused(Why.UNCERTAIN, words=str(error), mend=mend)


def path_of(text: str) -> str:
    """An id as a step of a path."""
    return f"/{quote(text, safe='')}"


def only_refusal(answer: Json | Refused) -> Refused | None:
    """Of a call whose answer holds nothing but that it succeeded."""
    if isinstance(answer, Refused):
        return answer
    if maybe_obj(answer).get("success") is False:
        return Refused(Why.OTHER, words="Meta answered that it did not succeed")
    return None


def refusal(response: RawResponse, codes: Meaning) -> Refused | None:
    """What an answer refuses; None when it refuses nothing."""
    body = body_of(response)
    fault = read_fault(body.get("error"))
    if fault is None:
        if response.status < 400 and body:
            return None
        # HTML and empty bodies with 5xx happen (Meta, "Error codes"): the same as code 2.
        return Refused(Why.BUSY, words=f"HTTP {response.status} without an answer of Meta's", mend=_BUSY)
    error = maybe_obj(body.get("error"))
    words = scrub(maybe_text(error.get("error_user_msg"))) or fault.detail
    why, mend = codes(fault.code, fault.subcode)
    return Refused(why, fault.code, fault.subcode, words, mend)


def body_of(response: RawResponse) -> Json:
    """The answer's object; {} for what is none."""
    try:
        return maybe_obj(json.loads(response.body))
    except (ValueError, RecursionError):
        return {}


def app_report(answer: Json, object_name: str, wanted: tuple[str, ...]) -> AppReport:
    """From /{app-id}/subscriptions: the entry of our kind of object; an inactive one is none."""
    for entry in map(maybe_obj, maybe_listed(answer.get("data"))):
        if entry.get("object") == object_name and entry.get("active") is not False:
            # Listed as objects with a version, or as bare names in older answers.
            names = (maybe_text(maybe_obj(one).get("name")) or maybe_text(one) for one in maybe_listed(entry.get("fields")))
            fields = frozenset(filter(None, names))
            missing = tuple(name for name in wanted if name not in fields)
            return AppReport(maybe_text(entry.get("callback_url")) or None, fields, missing)
    return AppReport(None, frozenset(), wanted)


def token_report(answer: Json, needed: tuple[str, ...]) -> TokenReport:
    """From debug_token. `expires_at` 0 is never; `data_access_expires_at` is about people's data and does not count."""
    data = maybe_obj(answer.get("data"))
    scopes = frozenset(maybe_text(one) for one in maybe_listed(data.get("scopes")))
    accounts: list[str] = [maybe_text(data.get("profile_id"))]  # the Page of a Page's token
    sees_all = False
    for grant in map(maybe_obj, maybe_listed(data.get("granular_scopes"))):
        scope, targets = maybe_text(grant.get("scope")), grant.get("target_ids")
        scopes |= {scope}
        if scope not in needed:
            continue
        # Without target_ids the scope holds for every account of the owner.
        sees_all |= targets is None
        accounts += [maybe_text(one) for one in maybe_listed(targets)]
    expires_s = maybe_int(data.get("expires_at")) or 0
    error = maybe_obj(data.get("error"))
    return TokenReport(
        valid=data.get("is_valid") is True,
        app_id=maybe_text(data.get("app_id")),
        expires_ms=expires_s * 1000 if expires_s > 0 else None,
        scopes=scopes,
        missing=tuple(name for name in needed if name not in scopes),
        accounts=tuple(dict.fromkeys(filter(None, accounts))),
        sees_all=sees_all,
        why=scrub(maybe_text(error.get("message"))),
    )


def _number(version: str) -> int:
    digits = version.removeprefix("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def _date_ms(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp() * 1000)
    except (TypeError, ValueError):
        return None
