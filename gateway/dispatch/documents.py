"""A message's document: from the store, from its issuer's URL or drawn from its paper, to a media id at the sender.

It is made once and uploaded once for each sender. The media id is kept for this person alone, for as long as the channel keeps
the file, so a second attempt uploads nothing. What was drawn and could not be uploaded is kept sealed for an hour, so that the
next attempt draws nothing; once uploaded it is dropped (a picture is a hundred kilobytes, and thousands are made in minutes). A
process that dies between drawing and uploading costs one drawing, between uploading and sending nothing.

While a document is fetched, drawn and uploaded the lease of its message is renewed (claiming.py), and consent, brakes and
window are read again before the POST (deliver.py).

An issuer's host that hangs, or a drawing that does, must not hold up what needs no document: documents on their way take at most
half of dispatch's slots, files being fetched a quarter of that. Who finds no room is put off, at no cost of an attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.connector import Connector, FilePart, Outcome, Sender, SendResult
from gateway.crashpoint import crash_point
from gateway.dispatch.fetching import DocumentProblem, FetchAgain, Fetcher
from gateway.documents.forms import Form, Made
from gateway.documents.paper import Paper
from gateway.errors import CannotDraw, GatewayError
from gateway.model.ids import ContactId
from gateway.model.message import Document
from gateway.model.personal import Personal
from gateway.store.documents import Documents

__all__ = ["Brought", "DocumentDesk", "DocumentProblem", "DocumentsBusy", "UploadProblem"]

AT_ONCE = 100
DRAWN_KEEP_MS = 3600_000
FETCH_RETRIES = 4
DRAW_RETRIES = 4
DRAW_AGAIN = frozenset({"worker", "late", "closed"})
"""Of documents.maker.REASONS: what says something about a process that draws, and nothing about the paper."""
_MAGIC = {"application/pdf": b"%PDF-", "image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


class DocumentsBusy(GatewayError):
    """As many documents are on their way as there is room for: not a byte has left, and nothing is wrong with this one."""


class UploadProblem(GatewayError):
    """The channel did not take the document, or it could not be fetched now; `result` says whether to try again."""

    def __init__(self, result: SendResult) -> None:
        super().__init__(f"upload: {result.outcome.value} {result.code}")
        self.result = result


class Drawing(Protocol):
    """documents.maker.Maker, or nothing that draws."""

    async def make(self, paper: Paper, form: Form, language: str) -> Made: ...


@dataclass(frozen=True, slots=True)
class Brought:
    """A document at its channel.

    before: its media id is of an earlier attempt, and the channel may have dropped it since
    lost:   codes that could not be drawn: their page says so. Known where it was drawn just now
    """

    document: Document
    media: Personal
    before: bool = False
    lost: int = 0


def check(data: bytes, mime: str, sizes: Mapping[str, int]) -> None:
    """Type by its first bytes and size by the channel's facts. Raises DocumentProblem."""
    if mime not in sizes:
        raise DocumentProblem(f"the channel takes no {mime}")
    if len(data) > sizes[mime]:
        raise DocumentProblem(f"the document is larger than {sizes[mime] // 1_000_000} MB")
    if not data.startswith(_MAGIC.get(mime, b"")):
        raise DocumentProblem(f"the document is no {mime}")


class DocumentDesk:
    """Gives deliver a media id. hosts: GATEWAY_DOCUMENT_HOSTS; allow_local: towards a sandbox only; maker: None draws nothing.

    at_once: how many documents may be on their way
    """

    def __init__(
        self,
        documents: Documents,
        hosts: tuple[str, ...],
        *,
        allow_local: bool,
        maker: Drawing | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        self._documents = documents
        self._fetcher = Fetcher(hosts, allow_local=allow_local)
        self._maker = maker
        self._room = {"": at_once, "url": max(at_once // 4, 1)}

    async def media(
        self, spec: Mapping[str, Any], contact: ContactId, connector: Connector, sender: Sender, language: str
    ) -> Brought:
        """The document and its media id for this contact at this sender. Raises DocumentProblem, UploadProblem, DocumentsBusy.

        spec: `document` of a message's body; language: of its words
        """
        document = Document(spec["ref"], spec["mime"], spec["filename"])
        drawn, kept = bool(spec.get("paper")), None
        if drawn:  # small, and few: an issuer's own file is not read before there is room for it
            known, kept = await self._documents.found(contact, document.ref, sender.id)
        else:
            known = await self._documents.media_id(contact, document.ref, sender.id)
        if known is not None:
            return Brought(document, known, before=True)
        kinds = ("", "url") if spec.get("url") else ("",)
        if not all(self._room[kind] for kind in kinds):
            raise DocumentsBusy("as many documents are on their way as there is room for")
        for kind in kinds:
            self._room[kind] -= 1
        try:
            if not drawn:
                kept = await self._documents.get(contact, document.ref)
            return await self._brought(document, spec, contact, connector, sender, language, kept)
        finally:
            for kind in kinds:
                self._room[kind] += 1

    async def _brought(
        self,
        document: Document,
        spec: Mapping[str, Any],
        contact: ContactId,
        connector: Connector,
        sender: Sender,
        language: str,
        kept: bytes | None,
    ) -> Brought:
        sizes = connector.facts.file_mimes
        data, lost = (kept, 0) if kept is not None else await self._made(spec, sizes.get(document.mime, 0), language)
        check(data, document.mime, sizes)
        drawn = bool(spec.get("paper"))
        crash_point("document.made")
        try:
            media = await self._upload(document, data, connector, sender)
        except UploadProblem:
            if drawn and kept is None:
                await self._documents.put(contact, document.ref, data, ttl_ms=DRAWN_KEEP_MS)
            raise
        # A day less than the channel keeps it, so that none ends on the way.
        ttl = max(connector.facts.media_ttl_ms - 24 * 3600_000, 3600_000)
        await self._documents.set_media_id(contact, document.ref, sender.id, media, ttl_ms=ttl)
        if drawn and kept is not None:
            await self._documents.forget(contact, document.ref)
        crash_point("document.uploaded")
        return Brought(document, media, lost=lost)

    async def forget(self, spec: Mapping[str, Any], contact: ContactId, sender: Sender) -> None:
        """The channel lost the file: the next attempt uploads again."""
        await self._documents.forget_media_id(contact, spec["ref"], sender.id)

    async def _made(self, spec: Mapping[str, Any], largest: int, language: str) -> tuple[bytes, int]:
        """(the file, how many of its codes could not be drawn)"""
        if spec.get("url"):
            try:
                return await self._fetcher.fetch(str(spec["url"]), largest), 0
            except FetchAgain as error:
                raise UploadProblem(SendResult(Outcome.RETRY, retries=FETCH_RETRIES, detail=str(error))) from None
        if not spec.get("paper"):
            raise DocumentProblem("the document's bytes are gone")
        if self._maker is None:
            raise DocumentProblem("nothing here draws documents")
        try:
            made = await self._maker.make(Paper.load(spec["paper"]), Form(spec["draw"]), language)
        except CannotDraw as error:
            if error.why in DRAW_AGAIN:
                raise UploadProblem(SendResult(Outcome.RETRY, retries=DRAW_RETRIES, detail=f"not drawn: {error.why}")) from None
            raise DocumentProblem(f"it cannot be drawn: {error.why}") from None
        except (KeyError, ValueError, TypeError):
            raise DocumentProblem("its paper cannot be read") from None
        return made.data, made.lost

    async def _upload(self, document: Document, data: bytes, connector: Connector, sender: Sender) -> Personal:
        request = connector.render_upload(sender, FilePart("file", document.filename, document.mime, data))
        try:
            result = connector.classify(await connector.send(request))
        except (OSError, TimeoutError, GatewayError) as error:
            result = connector.classify(error)
        if result.outcome is not Outcome.ACCEPTED or result.channel_id is None:
            # An upload that got no answer may be repeated: a file nobody refers to harms nobody.
            raise UploadProblem(result)
        return result.channel_id
