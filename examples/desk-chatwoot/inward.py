"""From the gateway to Chatwoot: what they wrote, what became of an answer, and how the conversation stands.

A webhook says "look": what is shown is read from the thread, in its order, and each line is said once. So it makes no difference
in which order webhooks come or how often, and a lost one is made good by the next. `sequence` says which need no look any more.
A file that is still being fetched holds up its line and those behind it for a few seconds; after that the words go, and the
file comes when it is there.
"""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chatwoot import File
from failures import Missing, Wait
from memory import Conversation, Job, Memory
from mirror import Mirror
from thuisfront import Thuisfront

HOLD_S = 15.0
HELD = ("clean", "unscanned", "ours")
UNSHOWN = {
    "infected": "is not passed on: the scanner found something harmful in it",
    "refused": "is of a kind or size that is not kept",
    "lost": "is no longer there: ask them to send it again",
    "parked": "could not be fetched: ask them to send it again",
    "gone": "is no longer kept",
}
KINDS = {"picture": "image/jpeg", "sound": "audio/ogg", "film": "video/mp4", "document": "application/pdf"}
FORMS = {
    "location": "sent a place", "contacts": "sent a contact card", "reaction": "took back a reaction",
    "unsupported": "sent something that cannot be shown", "other": "sent something that cannot be shown",
}  # fmt: skip
LOST = ("message.failed", "message.expired", "message.suppressed", "conversation.undelivered")
UNSURE = "uncertain_ask"


class Inward:
    """speaker: the name that our key was made with, under which our own lines stand in the thread"""

    def __init__(self, gateway: Thuisfront, mirror: Mirror, memory: Memory, speaker: str) -> None:
        self._gateway, self._mirror, self._memory, self._speaker = gateway, mirror, memory, speaker

    async def look(self, job: Job) -> None:
        """Bring Chatwoot up to how a conversation stands now."""
        identifier = job.body["conversation"]
        row = self._memory.conversation(identifier)
        if row is not None and row.there is not None and job.body["sequence"] <= row.sequence:
            return
        youngest = self._memory.youngest_look(job.lane)
        one = await self._gateway.conversation(identifier)
        if row is None and (one is None or one["desk"] != "external" or one["state"] == "automated"):
            return
        if one is None:
            await self._left(row, job.body["queue"])
            return
        row = await self._mirror.open(one)
        try:
            await self._show(row, one)
        except Missing:
            self._mirror.lost(row)
            raise Wait("chatwoot: the conversation is gone") from None
        self._memory.set_conversation(identifier, sequence=youngest)

    async def _show(self, row: Conversation, one: Mapping[str, Any]) -> None:
        if row.closed and one["state"] not in ("resolved", "wrapup"):
            await self._mirror.status(row, "open")
        await self._lines(row, one)
        await self._mirror.attributes(row, one)
        self._memory.set_conversation(row.id, inbound=one["inbound"])
        if one["desk"] != "external":
            await self._left(row, f"{one['brand']}/{one['queue']}")
        elif one["state"] == "resolved" and not row.closed:
            await self._mirror.status(row, "resolved")

    async def fate(self, job: Job) -> None:
        """What became of an answer of ours. Told of it twice, or by two webhooks, one note stands there."""
        message = job.body["message"]
        answer = self._memory.answer_of(message)
        row = self._memory.conversation(answer.conversation) if answer is not None else None
        if answer is None or row is None or row.there is None:  # another desk's answer, or deleted there
            return
        kind, reason, sentence = job.body["type"], job.body["reason"], job.body["sentence"] or "it was not delivered"
        if kind not in LOST:
            self._memory.set_fate(message, "")
            if not any(one.fate for one in self._memory.answers(answer.there)):  # no other part of it is amiss
                await self._mirror.message(row, answer.there, kind.removeprefix("message."))
        elif reason == UNSURE:
            words = "No answer came from the channel: this may have arrived. Look before you write it again."
            await self._mirror.note(row, f"{message}.unsure", words)
        else:
            self._memory.set_fate(message, "failed")
            await self._mirror.message(row, answer.there, "failed", sentence)
            words = f"Not delivered: {sentence}. Press Retry to send it again, or write something else."
            await self._mirror.note(row, f"{message}.lost", words)

    async def withdrawn(self, job: Job) -> None:
        """They took back what they wrote: it goes there too."""
        row = self._memory.conversation(job.body["conversation"])
        line = await self._gateway.line(job.body["conversation"], job.body["message"])
        if row is None or row.there is None or line is None:
            return
        _, there = self._memory.said(row.id, line["id"])
        try:
            if there:
                await self._mirror.chatwoot.delete_message(row.there, there)
        except Missing:
            pass
        await self._mirror.note(row, f"{line['id']}.withdrawn", "They took this message back.")

    async def erase(self, job: Job) -> None:
        """The person was erased: everything of theirs goes there too, and what is remembered here."""
        contact = job.body["contact"]
        there = self._memory.contact(contact)
        try:
            if there is not None:
                await self._mirror.chatwoot.delete_contact(there)
        except Missing:
            pass
        self._memory.forget_contact(contact)

    async def _left(self, row: Conversation | None, queue: str) -> None:
        """It is no longer ours to answer."""
        if row is None or row.there is None or row.closed:
            return
        where = f" ({queue})" if queue else ""
        words = f"This conversation has moved to another desk{where}: it is answered there."
        await self._mirror.note(row, f"left.{row.sequence}", words)
        await self._mirror.status(row, "resolved")

    async def _lines(self, row: Conversation, one: Mapping[str, Any]) -> None:
        done = self._memory.marks(row.id)
        for line in one["thread"]:
            if line["kind"] != "in":
                if line["id"] not in done and line["who"] != self._speaker:
                    await self._mirror.note(row, line["id"], _of_others(line))
                continue
            if line["id"] not in done:
                await self._theirs(row, line)
            await self._late_files(row, line, done)
            if (changed := len(line["said_before"])) and line["id"] in done:
                await self._mirror.note(row, f"{line['id']}.{changed}", f"They changed what they wrote to: {line['text']}")

    async def _theirs(self, row: Conversation, line: Mapping[str, Any]) -> None:
        waits = any(file["state"] == "wanted" for file in line["media"])
        if waits and time.time() - datetime.fromisoformat(line["at"]).timestamp() < HOLD_S:
            raise Wait("a file is being fetched", 1.0)
        files: list[File] = []
        words = [f"[reacted {line['text']}]" if line["form"] == "reaction" else line["text"]] if line["text"] else []
        for media in line["media"]:
            if media["state"] in HELD and (file := await self._file(row.id, media)) is not None:
                files.append(file)
                self._memory.keep_said(row.id, media["id"], 0)  # goes with its line
            elif media["state"] == "wanted":
                words.append(f"[{media['kind']}, follows]")
            else:
                words.append(f"[{media['name'] or media['kind']} {UNSHOWN.get(media['state'], UNSHOWN['gone'])}]")
                self._memory.keep_said(row.id, media["id"], 0)
        if not words and not files:
            words.append(f"[{FORMS.get(line['form'], 'took this message back')}]")
        if line["answers"]:
            words.insert(0, f"> {line['answers']}\n")
        await self._mirror.put(row, line["id"], "\n".join(words), files=files)

    async def _late_files(self, row: Conversation, line: Mapping[str, Any], done: set[str]) -> None:
        for media in line["media"]:
            if line["id"] in done and media["id"] not in done and media["state"] != "wanted":
                file = await self._file(row.id, media) if media["state"] in HELD else None
                words = "" if file else f"[{media['kind']} {UNSHOWN.get(media['state'], UNSHOWN['gone'])}]"
                await self._mirror.put(row, media["id"], words, files=[file] if file else ())

    async def _file(self, identifier: str, media: Mapping[str, Any]) -> File | None:
        data = await self._gateway.file(identifier, media["id"])
        kind = mimetypes.guess_type(media["name"])[0] or KINDS.get(media["kind"], "application/octet-stream")
        return File(media["name"] or media["id"], kind, data) if data else None


def _of_others(line: Mapping[str, Any]) -> str:
    """What was said to them by other hands: our automatic messages, a colleague at another desk, the channel's own inbox."""
    about = f", {line['notification']}" if line["notification"] else ""
    word = "noted" if line["kind"] == "note" else "wrote"
    files = "".join(f"\n[{name}]" for name in line["files"])
    return f"{line['who']}{about} {word}:\n{line['text']}{files}"
