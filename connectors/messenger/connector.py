"""The Messenger connector: the gateway's contract, each call handed to the module that knows it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from connectors.messenger import facts, people
from connectors.messenger.classify import classify
from connectors.messenger.render import attachment_type, message_body
from connectors.messenger.webhook import parse_webhook
from connectors.meta.graph import Graph, as_json, origin_of
from connectors.meta.handshake import challenge_of
from connectors.meta.signature import is_signed
from connectors.meta.words import filled
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
from gateway.model.message import Document, OutboundMessage
from gateway.model.personal import Personal, Secret

_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}")
_REF = re.compile(rf"[A-Za-z0-9_=-]{{1,{facts.REF_MAX}}}")
_PAGE_NAME = re.compile(r"[A-Za-z0-9.]{1,80}")
_PRINTABLE = re.compile(r"[!-~]{1,4096}")
_NO_TOKEN = Secret("")


class MessengerConnector:
    """Speaks Meta's Graph API for Pages through one `Graph` client, which it closes.

    version: of the Graph API in every path; v25.0 is served until 29 Jul 2028 (Graph API changelog, after 29 Jul 2026)
    app_id:  of our own app: tells our threads and echoes from those of other programs
    """

    channel = "messenger"
    facts: ChannelFacts = facts.FACTS

    def __init__(self, graph: Graph, version: str = "v25.0", *, app_id: str | None = None) -> None:
        if not _VERSION.fullmatch(version):
            raise ValueError("the version of the Graph API is written like v25.0")
        self._graph = graph
        self._version = version
        self._app_id = app_id or ""

    def identify(self, to: str, scope: str) -> Identifier:
        """kind psid, within `scope`, the Page."""
        return people.identify(to, scope)

    def render(self, message: OutboundMessage, sender: Sender) -> RenderedRequest:
        """The Page by its id, never /me: a token mixed up then fails instead of speaking as another Page."""
        return self._post(sender, "messages", message_body(message))

    def render_upload(self, sender: Sender, file: FilePart) -> RenderedRequest:
        """Refuses what Meta would refuse: an unknown MIME type, an empty file, one too large."""
        kind = attachment_type(Document("", file.mime, file.filename))
        largest = self.facts.file_mimes[file.mime]
        if not 0 < len(file.data) <= largest:
            raise CannotRender(f"a file of this type has 1 to {largest} bytes")
        filled(file.filename, 240, "the file's name")
        message = {"attachment": {"type": kind, "payload": {"is_reusable": True}}}
        return RenderedRequest(
            "POST",
            self._path(sender, "message_attachments"),
            sender.id,
            sender.token,
            form={"message": json.dumps(message, separators=(",", ":"))},
            file=FilePart(name="filedata", filename=file.filename, mime=file.mime, data=file.data),
        )

    def render_speaker(self, sender: Sender, name: str, picture: str = "") -> RenderedRequest | None:
        """A persona. It has no call to change it: a new name is a new persona."""
        body = {"name": filled(name.strip(), facts.SPEAKER_NAME_MAX, "a speaker's name")}
        picture = sender.account.get("speaker_picture") or picture
        if picture:
            body["profile_picture_url"] = picture
        return self._post(sender, "personas", body)

    def render_take_over(self, sender: Sender, recipient: Sequence[tuple[str, Personal]]) -> RenderedRequest | None:
        """Refused by Meta where the Page has no default app, or this app may not take."""
        return self._post(sender, "take_thread_control", {"recipient": people.recipient(recipient)})

    def link_in(self, sender: Sender, token: str, words: str) -> str | None:
        """m.me with the token as `ref`, which needs no words."""
        if not _REF.fullmatch(token):
            raise CannotRender(f"a link's token has 1 to {facts.REF_MAX} of A-Z, a-z, 0-9, _, = and -")
        page = sender.account.get("username") or sender.account.get("page_id", "")
        return f"https://m.me/{page}?ref={token}" if _PAGE_NAME.fullmatch(page) else None

    def render_media_lookup(self, sender: Sender, channel_media_id: Personal) -> RenderedRequest:
        """The file itself: what people send lies at a signed address, which is the id. Nobody there is shown the token."""
        url = channel_media_id.reveal()
        if not _PRINTABLE.fullmatch(url) or not self._is_media_host(url):
            raise CannotRender("the file's address is not on a host of the channel's")
        return RenderedRequest("GET", url, sender.id, _NO_TOKEN, wants_bytes=True)

    def render_media_download(self, sender: Sender, lookup: RawResponse) -> RenderedRequest:
        raise CannotRender("the first answer was the file: there is no second half")

    async def send(self, request: RenderedRequest) -> RawResponse:
        return await self._graph.send(request)

    def classify(self, outcome: RawResponse | BaseException) -> SendResult:
        """Also told: an uploaded file's id, a persona's. A recipient's scope is left "": the caller knows its Page."""
        return classify(outcome)

    def verify_handshake(self, query: Mapping[str, str], verify_token: Secret) -> str | None:
        return challenge_of(query, verify_token)

    def verify(self, headers: Mapping[str, str], raw: bytes, secrets: Sequence[Secret]) -> bool:
        return is_signed(headers, raw, secrets)

    def parse_webhook(self, raw: bytes) -> list[InboundEvent | BadItem]:
        return parse_webhook(raw, self._app_id)

    async def close(self) -> None:
        await self._graph.close()

    def _post(self, sender: Sender, edge: str, body: Mapping[str, object]) -> RenderedRequest:
        return RenderedRequest("POST", self._path(sender, edge), sender.id, sender.token, body=body, raw=as_json(body))

    def _path(self, sender: Sender, edge: str) -> str:
        page = sender.account.get("page_id", "")
        if not (page.isascii() and page.isdigit()):
            raise CannotRender("the sender's page_id is missing or not a number")
        return f"/{self._version}/{page}/{edge}"

    def _is_media_host(self, url: str) -> bool:
        origin = origin_of(url)
        if origin is None:
            return False
        if origin == self._graph.origin:
            return True
        host = urlsplit(url).hostname or ""
        return origin.startswith("https://") and any(host == name or host.endswith(f".{name}") for name in facts.MEDIA_DOMAINS)
