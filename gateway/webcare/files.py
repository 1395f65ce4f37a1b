"""Files of a conversation, as the desk shows and serves them.

What is shown was looked at first (fetch.py). A file is served as its own type only where a browser draws it with its own eyes (a
picture that we drew, a sound, a film); everything else is a download, and all of it stands in a sandbox of its own, so that
nothing in it could act as the desk. Who may read the conversation may have its files, nobody else, and no cache keeps one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from aiohttp import web

from gateway.errors import BadInput, NotFound, Problem
from gateway.model.conversation import Agent, Conversation, Entry, EntryKind
from gateway.model.media import HELD, Kept, Look
from gateway.rules.filetypes import look_of, safe_name
from gateway.rules.rights import may_answer
from gateway.webcare import commands, fields, replying
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.problems import problem

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}
SHOWN_WIDTH = 360
SHOWN_HEIGHT = 420
"""The most room that a picture takes in the thread."""


@dataclass(frozen=True, slots=True)
class Shown:
    """state: of model.media, or "gone" where nothing is known any more. name: to save it by; width, height: as it is drawn"""

    ref: str
    state: str
    look: str
    name: str
    size: int = 0
    seconds: int = 0
    width: int = 0
    height: int = 0
    voice: bool = False
    until_ms: int = 0
    """when it is deleted, where it shows who somebody is"""

    @property
    def held(self) -> bool:
        return self.state in {one.value for one in HELD}

    @property
    def length(self) -> str:
        """0:07, or "" where it is not known."""
        return f"{self.seconds // 60}:{self.seconds % 60:02d}" if self.seconds else ""

    @property
    def weight(self) -> str:
        """How large, in the unit that people think in."""
        return f"{self.size / 1_000_000:.1f} MB" if self.size >= 1_000_000 else f"{max(self.size // 1000, 1)} kB"


def refs_of(deps: WebcareDeps, one: Conversation, entry: Entry) -> list[str]:
    """What names the files of a line, in their order: an agent's line says it, for theirs it is made of the line's key."""
    if deps.media is None:
        return []
    files = [found for found in (entry.media, *entry.more_media) if found]
    if entry.kind is EntryKind.IN:
        return [deps.media.ref(one.contact, entry.key, number) for number in range(len(files))]
    return [found["ref"] for found in files if found.get("ref")]


async def shown(deps: WebcareDeps, one: Conversation, entries: Sequence[Entry]) -> dict[str, tuple[Shown, ...]]:
    """Line -> its files. One read for the whole thread."""
    wanted = {entry.id: refs_of(deps, one, entry) for entry in entries}
    flat = [ref for refs in wanted.values() for ref in refs]
    if deps.media is None or not flat:
        return {}
    found = dict(zip(flat, await deps.media.many(one.contact, flat), strict=True))
    files = {entry.id: [media for media in (entry.media, *entry.more_media) if media] for entry in entries}
    return {
        line: tuple(_shown(ref, found[ref], told) for ref, told in zip(refs, files[line], strict=False))
        for line, refs in wanted.items()
        if refs
    }


def _shown(ref: str, kept: Kept | None, told: Mapping[str, str]) -> Shown:
    claimed = told.get("filename", "")
    if kept is None:
        return Shown(ref, "gone", Look.UNKNOWN.value, safe_name(claimed, ""))
    look, width, height = look_of(kept.mime), kept.width, kept.height
    if width and height:
        scale = min(1.0, SHOWN_WIDTH / width, SHOWN_HEIGHT / height)
        width, height = max(round(width * scale), 1), max(round(height * scale), 1)
    name = safe_name(kept.filename.reveal(), kept.mime, "voice message" if kept.voice else look.value)
    return Shown(
        ref, kept.state.value, look.value, name, kept.size, kept.seconds, width, height, kept.voice, kept.until_ms
    )  # fmt: skip


async def get_file(deps: WebcareDeps, one: Conversation, ref: str, *, save: bool) -> web.Response:
    """The bytes. save: as a download, also where it could be shown. Raises NotFound for a file of another conversation too."""
    kept = await deps.media.get(one.contact, ref) if deps.media is not None else None
    if kept is None or kept.conversation != one.id or kept.state not in HELD:
        raise NotFound("no such file")
    assert deps.media is not None
    data = await deps.media.read(kept)
    if data is None:
        raise NotFound("no such file any more")
    look = look_of(kept.mime)
    inline = not save and look in (Look.PICTURE, Look.SOUND, Look.FILM)
    name = safe_name(kept.filename.reveal(), kept.mime, look.value)
    kind = kept.mime if inline or look is Look.PICTURE else "application/octet-stream"
    headers = {
        **HEADERS,
        "Content-Type": kind,
        "Content-Disposition": f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}",
    }
    return web.Response(body=data, headers=headers)


async def post_file(deps: WebcareDeps, request: web.Request, agent: Agent, headers: Mapping[str, str]) -> web.Response:
    """Take up a file for a reply: the body is the file, X-File-Name its name (percent-encoded), Idempotency-Key its own.

    201 with what a reply names it by (`file`) and how it will look; 413 for one that is larger than anything that may be sent.
    """
    found = await commands.readable(deps, agent, request.match_info["conversation"])
    if not may_answer(agent, found):
        raise BadInput([Problem("rights", "you may read this conversation, not answer it")])
    key = fields.key_of(request.headers.get("Idempotency-Key"))
    data = bytearray()
    async for piece in request.content.iter_chunked(65536):
        data += piece
        if len(data) > deps.file_max:
            most = deps.file_max // 1_000_000
            return problem(413, "too_large", f"A file may have {most} MB. Your words are kept.")
    name = unquote(request.headers.get("X-File-Name", ""))[:300]
    told = request.headers.get("Content-Type", "")
    kept = await replying.take_up(deps, agent, found, key, bytes(data), told, name)
    one = _shown(kept.ref, kept, {})
    answer = {
        "file": kept.ref, "name": one.name, "kind": one.look, "size": kept.size, "weight": one.weight, "seconds": kept.seconds,
        "url": f"/desk/{found.id}/files/{kept.ref}",
    }  # fmt: skip
    return web.json_response(answer, status=201, headers=headers)
