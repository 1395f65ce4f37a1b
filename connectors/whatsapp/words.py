"""What rendered contents share besides connectors/meta/words: uploaded media."""

from __future__ import annotations

from typing import Any

from connectors.meta.words import filled
from connectors.whatsapp import facts
from gateway.errors import CannotRender
from gateway.model.message import Document
from gateway.model.personal import Personal


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
