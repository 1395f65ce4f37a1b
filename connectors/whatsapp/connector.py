"""The WhatsApp connector: the gateway's contract, each call handed to the module that knows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from connectors.meta.graph import Graph, as_json, origin_of
from connectors.meta.handshake import challenge_of
from connectors.meta.signature import is_signed
from connectors.meta.words import filled
from connectors.whatsapp.classify import classify
from connectors.whatsapp.facts import FACTS, MEDIA_HOSTS
from connectors.whatsapp.people import identify
from connectors.whatsapp.render import account_id, message_body
from connectors.whatsapp.webhook import parse_webhook
from gateway.connector import (
    BadItem,
    ChannelFacts,
    FilePart,
    InboundEvent,
    RawResponse,
    RenderedRequest,
    Sender,
    SendResult,
)
from gateway.errors import CannotRender
from gateway.model.contact import Identifier
from gateway.model.message import OutboundMessage
from gateway.model.personal import Personal, Secret

_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}")
_PRINTABLE = re.compile(r"[!-~]{1,4096}")


class WhatsAppConnector:
    """Speaks Meta's Cloud API through one `Graph` client, which it closes.

    version:      of the Graph API in every path; v25.0 is served until 29 Jul 2028 (Meta's changelog, 4 Oct 2026). The
                  version of webhooks is set at Meta, not here.
    media_hosts:  origins besides the Graph client's own that may be shown the token for a download
    """

    channel = "whatsapp"
    facts: ChannelFacts = FACTS

    def __init__(self, graph: Graph, version: str = "v25.0", *, media_hosts: Iterable[str] = MEDIA_HOSTS) -> None:
        if not _VERSION.fullmatch(version):
            raise ValueError("the version of the Graph API is written like v25.0")
        self._graph = graph
        self._version = version
        self._media_origins = frozenset(media_hosts) | {graph.origin}

    def identify(self, to: str, scope: str) -> Identifier:
        """kind phone (scope "", +E.164), user_id or parent_user_id (a BSUID within `scope`, the portfolio)."""
        return identify(to, scope)

    def render(self, message: OutboundMessage, sender: Sender) -> RenderedRequest:
        path = f"/{self._version}/{account_id(sender.account, 'phone_number_id')}/messages"
        body = message_body(message)
        return RenderedRequest("POST", path, sender.id, sender.token, body=body, raw=as_json(body))

    def render_upload(self, sender: Sender, file: FilePart) -> RenderedRequest:
        """Refuses what Meta would refuse: an unknown MIME type, an empty file, one too large for its type."""
        largest = self.facts.file_mimes.get(file.mime)
        if largest is None:
            raise CannotRender("images are JPEG or PNG, documents PDF, text or an office format, sound AAC, AMR, MP3, MP4, Ogg")
        if not 0 < len(file.data) <= largest:
            raise CannotRender(f"a file of this type has 1 to {largest} bytes")
        filled(file.filename, 240, "the file's name")
        return RenderedRequest(
            "POST",
            f"/{self._version}/{account_id(sender.account, 'phone_number_id')}/media",
            sender.id,
            sender.token,
            form={"messaging_product": "whatsapp", "type": file.mime},
            file=FilePart(name="file", filename=file.filename, mime=file.mime, data=file.data),
        )

    def render_speaker(self, sender: Sender, name: str, picture: str = "") -> RenderedRequest | None:
        """None: a number speaks under its own name alone."""
        return None

    def render_take_over(self, sender: Sender, recipient: Sequence[tuple[str, Personal]]) -> RenderedRequest | None:
        """None: whoever has the token may write."""
        return None

    def link_in(self, sender: Sender, token: str, words: str) -> str | None:
        """wa.me with the words typed in beforehand, which hold the token; None without the sender's own number."""
        number = "".join(char for char in sender.account.get("number", "") if char.isdigit())
        if not number:
            return None
        if token not in words:
            raise CannotRender("the words bring the token: they should hold it")
        return f"https://wa.me/{number}?text={quote(words, safe='')}"

    def render_media_lookup(self, sender: Sender, channel_media_id: Personal) -> RenderedRequest:
        """The answer's url lives 5 minutes (Meta, "Media", 11 Sep 2026)."""
        media = channel_media_id.reveal()
        if not (media.isascii() and media.isdigit()):
            raise CannotRender("a media id is a number")
        number = account_id(sender.account, "phone_number_id")
        path = f"/{self._version}/{media}?phone_number_id={number}"
        return RenderedRequest("GET", path, sender.id, sender.token)

    def render_media_download(self, sender: Sender, lookup: RawResponse) -> RenderedRequest:
        try:
            found = json.loads(lookup.body)
        except (ValueError, RecursionError):
            found = None
        url = found.get("url") if isinstance(found, dict) else None
        if lookup.status != 200 or not isinstance(url, str) or not _PRINTABLE.fullmatch(url):
            raise CannotRender("the channel gave no address for this file")
        if origin_of(url) not in self._media_origins:
            raise CannotRender("the file's address is not on a host of the channel's, so the token stays here")
        return RenderedRequest("GET", url, sender.id, sender.token, wants_bytes=True)

    async def send(self, request: RenderedRequest) -> RawResponse:
        return await self._graph.send(request)

    def classify(self, outcome: RawResponse | BaseException) -> SendResult:
        return classify(outcome)

    def verify_handshake(self, query: Mapping[str, str], verify_token: Secret) -> str | None:
        """Meta asks whenever the callback or its token is set. The answer is the bare challenge, as text/plain."""
        return challenge_of(query, verify_token)

    def verify(self, headers: Mapping[str, str], raw: bytes, secrets: Sequence[Secret]) -> bool:
        return is_signed(headers, raw, secrets)

    def parse_webhook(self, raw: bytes) -> list[InboundEvent | BadItem]:
        """A user id's scope is left "": the webhook does not name the portfolio, the caller fills in its sender's."""
        return parse_webhook(raw)

    async def close(self) -> None:
        await self._graph.close()
