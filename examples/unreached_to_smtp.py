"""Tells by mail whom no channel told: a receiver of outgoing webhooks that hands `message.unreached` to an SMTP server.

    THUISFRONT_URL=http://127.0.0.1:8081 THUISFRONT_API_KEY=... WEBHOOK_SECRET=whsec_... \\
    SMTP_HOST=localhost SMTP_PORT=25 MAIL_FROM=news@example.com MAIL_TO=desk@example.com ADDRESSES=addresses.csv \\
    python examples/unreached_to_smtp.py                       # listens on 127.0.0.1:8095/unreached

The webhook holds ids only. The text is asked of the gateway (GET /v1/messages/{id}), the mail address is looked up here: in
addresses.csv (contact_id,mail) where it is known, else the mail goes to MAIL_TO, a desk of yours. Answered with 204 only when
the SMTP server has taken the mail: until then the gateway tries again, and what came before is known by its webhook-id.
Needs aiohttp and nothing else of the gateway.
"""

from __future__ import annotations

import asyncio
import base64
import csv
import hashlib
import hmac
import json
import os
import smtplib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

TOLERANCE_S = 300
REMEMBERED = 10_000
BODY_MAX = 64 * 1024


@dataclass(frozen=True)
class Config:
    """gateway_url: of the internal listener; secrets: whsec_..., two with a blank between while one is replaced."""

    gateway_url: str
    api_key: str
    secrets: str
    smtp_host: str
    smtp_port: int
    mail_from: str
    mail_to: str
    addresses: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Config:
        path = environ.get("ADDRESSES", "")
        addresses: dict[str, str] = {}
        if path:
            with Path(path).open(newline="", encoding="utf-8") as file:
                addresses = {row["contact_id"]: row["mail"] for row in csv.DictReader(file)}
        return cls(
            gateway_url=environ.get("THUISFRONT_URL", "http://127.0.0.1:8081").rstrip("/"),
            api_key=environ["THUISFRONT_API_KEY"],
            secrets=environ["WEBHOOK_SECRET"],
            smtp_host=environ.get("SMTP_HOST", "localhost"),
            smtp_port=int(environ.get("SMTP_PORT", "25")),
            mail_from=environ["MAIL_FROM"],
            mail_to=environ["MAIL_TO"],
            addresses=addresses,
        )


def verify(secrets: str, headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
    """Whether one of our secrets signed this body under this id, at most five minutes ago."""
    identifier, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identifier or not stamp.isdigit() or abs(now_s - int(stamp)) > TOLERANCE_S:
        return False
    given = [word.removeprefix("v1,") for word in headers.get("webhook-signature", "").split() if word.startswith("v1,")]
    signed = f"{identifier}.{stamp}.".encode() + body
    good = False
    for secret in secrets.replace(",", " ").split():
        key = base64.b64decode(secret.removeprefix("whsec_") + "==")
        expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        for signature in given:
            good = hmac.compare_digest(expected, signature.encode()) or good
    return good


class Receiver:
    def __init__(self, config: Config, http: aiohttp.ClientSession) -> None:
        self._config = config
        self._http = http
        self._done: OrderedDict[str, None] = OrderedDict()

    async def post(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not verify(self._config.secrets, request.headers, body, time.time()):
            return web.Response(status=401)
        identifier = request.headers["webhook-id"]
        event = json.loads(body)
        if event["type"] != "message.unreached" or identifier in self._done:
            return web.Response(status=204)
        try:
            mail = self._mail(event, await self._text(event["data"]["message_id"]), identifier)
            await asyncio.wait_for(asyncio.to_thread(self._hand_over, mail), 20)
        except (aiohttp.ClientError, OSError, smtplib.SMTPException, TimeoutError) as error:
            print(f"not mailed: {type(error).__name__}", flush=True)
            return web.Response(status=503)
        self._done[identifier] = None
        while len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        return web.Response(status=204)

    async def _text(self, message: str) -> str:
        """The words of the message; "" where the gateway keeps them no longer."""
        headers = {"Authorization": f"Bearer {self._config.api_key}"}
        url = f"{self._config.gateway_url}/v1/messages/{message}"
        async with self._http.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=10)) as answer:
            if answer.status in (404, 410):
                return ""
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return str(found.get("text") or "")

    def _mail(self, event: Mapping[str, Any], text: str, identifier: str) -> EmailMessage:
        data = event["data"]
        known = self._config.addresses.get(data["contact_id"] or "")
        mail = EmailMessage()
        mail["From"] = self._config.mail_from
        mail["To"] = known or self._config.mail_to
        mail["Message-ID"] = f"<{identifier}@thuisfront>"  # the same when handed over twice, so that mailboxes show it once
        if known and text:
            mail["Subject"] = text.strip().splitlines()[0][:78]
            mail.set_content(text)
        else:
            mail["Subject"] = f"Not told: {data['notification']}"
            lines = [text, "", f"Message {data['message_id']}, contact {data['contact_id']}", f"Why: {data['sentence']}"]
            mail.set_content("\n".join(lines).strip() + "\n")
        return mail

    def _hand_over(self, mail: EmailMessage) -> None:
        with smtplib.SMTP(self._config.smtp_host, self._config.smtp_port, timeout=15) as server:
            server.send_message(mail)


RECEIVER = web.AppKey("receiver", Receiver)


def make_app(config: Config) -> web.Application:
    """POST /unreached"""

    async def with_client(app: web.Application) -> Any:
        async with aiohttp.ClientSession() as http:
            app[RECEIVER] = Receiver(config, http)
            yield

    async def post(request: web.Request) -> web.StreamResponse:
        return await request.app[RECEIVER].post(request)

    app = web.Application(client_max_size=BODY_MAX)
    app.cleanup_ctx.append(with_client)
    app.router.add_post("/unreached", post)
    return app


if __name__ == "__main__":
    web.run_app(make_app(Config.read(os.environ)), host="127.0.0.1", port=int(os.environ.get("PORT", "8095")))
