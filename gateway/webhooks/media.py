"""A file that came, as a thread keeps it."""

from __future__ import annotations

from gateway.connector import MediaRef


def media_of(media: MediaRef | None) -> dict[str, str] | None:
    if media is None:
        return None
    kept = {"channel_media_id": media.channel_media_id.reveal(), "mime": media.mime}
    if media.filename is not None:
        kept["filename"] = media.filename.reveal()
    if media.voice:
        kept["voice"] = "yes"
    return kept
