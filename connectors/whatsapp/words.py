"""Small checks that every rendered content shares: lengths, sound Unicode, uploaded media."""

from __future__ import annotations

from typing import Any

from connectors.whatsapp import facts
from gateway.errors import CannotRender
from gateway.model.message import Document
from gateway.model.personal import Personal


def sound(text: str, what: str) -> str:
    """A text that can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CannotRender(f"{what} holds half a character") from None
    return text


def filled(text: str, limit: int, what: str) -> str:
    """1..limit characters, not only spaces."""
    if not text.strip():
        raise CannotRender(f"{what} is empty")
    if len(text) > limit:
        raise CannotRender(f"{what} has {len(text)} characters, at most {limit} are possible")
    return sound(text, what)


def required(value: Personal, what: str) -> str:
    if not value:
        raise CannotRender(f"the id of {what} is missing")
    return sound(value.reveal(), what)


def header_media(document: Document, media_id: Personal | None) -> dict[str, Any]:
    """{"type": "image", "image": {"id"}} or {"type": "document", "document": {"id", "filename"}}."""
    if not media_id:
        raise CannotRender("the document has not been uploaded")
    if document.mime in facts.IMAGE_MIMES:
        return {"type": "image", "image": {"id": media_id.reveal()}}
    if document.mime not in facts.DOCUMENT_MIMES:
        raise CannotRender("images are JPEG or PNG, documents PDF, plain text or an office format")
    # Without a file name the person sees a nameless file.
    filename = filled(document.filename, 240, "the file's name")
    return {"type": "document", "document": {"id": media_id.reveal(), "filename": filename}}
