"""From Chatwoot to the gateway: an agent's answer, a private note, a conversation that was resolved.

The first answer claims the conversation (`take`). Under which epoch an answer was begun is kept before it is sent: after a lost
answer or a kill the same request is made again under the same key, and the gateway answers as it did the first time. Only when it
says that nothing was taken under that epoch (`owner_changed`) is the conversation claimed anew, and the answer sent under a new
key. So an answer is on the phone once, or somebody is told why it is not.

What is refused becomes a private note in plain words, and the message there is marked as failed: Chatwoot's Retry sends it anew.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

from chatwoot import OUTGOING
from failures import Missing, Refused, Wait
from memory import Answer, Conversation, Job, Memory
from mirror import OWN, Mirror
from thuisfront import Thuisfront

REMEMBERED_S = 7 * 86_400
"""How long the gateway surely knows an Idempotency-Key (eight days)."""
CLAIMS = 4
TEMPLATE = re.compile(r"/template\s+([\w.-]+)\s*(.*)", re.DOTALL)
REASON = re.compile(r"[\w.-]{1,64}", re.ASCII)
PLAIN = {
    "owner_changed": "Somebody else has this conversation now.",
    "resolved": "This conversation is finished. It opens again when they write.",
    "not_found": "This conversation is no longer yours to answer.",
    "erased": "This person's data was erased.",
    "erasing": "This person's data is being erased.",
    "window_closed": "The service window is closed: no free text may go until they write again.",
    "they_wrote": "They wrote again just before: read it first. The conversation stays open.",
    "nobody": "Only what a person of the team writes is sent: a bot does not know what has changed meanwhile.",
    "unknown": "It was begun long ago and may have arrived. Look before you write it again.",
}


class Outward:
    """reason: for conversations that are resolved without one"""

    def __init__(self, gateway: Thuisfront, mirror: Mirror, memory: Memory, *, reason: str) -> None:
        self._gateway, self._mirror, self._memory, self._reason = gateway, mirror, memory, reason

    async def answer(self, job: Job) -> None:
        """{"conversation", "message", "text", "files": [url], "as", "attempt"}: an agent's message, each part of it once."""
        if (row := await self._row(job)) is None:
            return
        there, attempt = int(job.body["message"]), int(job.body["attempt"])
        if not job.body["as"]:
            await self._refused(row, there, attempt, Refused("nobody", ""))
            return
        if told := self._memory.fact(f"refused:{there}.{attempt}"):  # decided before a kill, and not told yet
            await self._tell(row, there, attempt, told)
            return
        try:
            await self._parts(row, there, attempt, job)
        except Refused as refused:
            await self._refused(row, there, attempt, refused)

    async def late(self, job: Job) -> None:
        """Tell an agent whose answer still waits, whatever holds it up: a gateway that has no time, or what stands before it."""
        row = self._memory.conversation_there(job.body["conversation"])
        if row is not None and row.there is not None:
            words = "This could not be sent yet. It waits here and goes by itself: no need to write it again."
            await self._mirror.note(row, f"{job.body['message']}.{job.body['attempt']}.late", words)

    async def _parts(self, row: Conversation, there: int, attempt: int, job: Job) -> None:
        """Words with the first file, each other file by itself. After Retry what arrived stays, what did not goes anew."""
        kept = {one.part: one for one in self._memory.answers(there)}
        for part, url in enumerate(job.body["files"] or [None]):
            one = kept.get(part, Answer(there, part, row.id, attempt, None, None))
            if one.attempt < attempt and (one.message is None or one.fate):
                one = Answer(there, part, row.id, attempt, None, None, instead=one.message or "")
            if one.message is None:
                await self._send(row, one, job, job.body["text"] if part == 0 else "", url)

    async def note(self, job: Job) -> None:
        """{"conversation", "message", "text", "as"}: a private note stands in the gateway's thread too."""
        if (row := await self._row(job)) is None or not job.body["as"]:
            return
        try:
            text = {"text": f"{job.body['as']}: {job.body['text']}"[:4000], "as": job.body["as"]}
            await self._gateway.command(row.id, "note", f"cw-note-{job.body['message']}", text)
        except Refused as refused:  # a note is for colleagues: it stands where it was written
            print(f"note not kept: {refused.code}", flush=True)

    async def closed(self, job: Job) -> None:
        """{"conversation"}: resolved there, for which reason. Asked of Chatwoot again, as the word may be old by now."""
        if (row := await self._row(job)) is None:
            return
        try:
            status, reason = await self._mirror.chatwoot.status(row.there) if row.there is not None else ("", "")
            if row.closed or status != "resolved":
                return
        except Missing:
            self._mirror.lost(row)
            return
        try:
            epoch = await self._claimed(row)
            body = {"epoch": epoch, "inbound": row.inbound, "reason": reason or self._reason}
            await self._finish(row, body)
            self._memory.set_conversation(row.id, closed=1)
        except Refused as refused:
            if refused.code in ("resolved", "not_found", "erased"):
                self._memory.set_conversation(row.id, closed=1)
                return
            await self._mirror.status(row, "open")
            await self._mirror.note(row, f"open.{job.id}", f"Not finished. {plain(refused)}")

    async def again(self, job: Job) -> None:
        """A message changed there: it may be Retry, or a message that we never heard of. The job is as that of `answer`."""
        if (row := await self._row(job)) is None or row.there is None:
            return
        there = int(job.body["message"])
        kept = self._memory.answers(there)
        if kept and not any(one.fate for one in kept):
            return
        try:
            found = [one for one in await self._mirror.chatwoot.messages(row.there, there - 1) if one["id"] == there]
        except Missing:
            return
        if found and found[0]["status"] != "failed":
            attempt = max((one.attempt for one in kept), default=-1) + 1
            self._memory.hear(f"cw:m{there}.{attempt}", row.id, "answer", {**job.body, "attempt": attempt})

    async def catch_up(self, row: Conversation) -> None:
        """Keep as jobs what Chatwoot told us while we were not there: it tells once.

        An answer that it marked as failed itself stays so: its agent sees that, and may have said it again.
        """
        if row.there is None:
            return
        for one in await self._mirror.chatwoot.messages(row.there, row.seen):
            sender = one.get("sender") or {}
            own = str(one.get("source_id") or "").startswith(OWN)
            if one["message_type"] == OUTGOING and not own and (one["private"] or one["status"] != "failed"):
                kind = "note" if one["private"] else "answer"
                self._memory.hear(f"cw:m{one['id']}.0", row.id, kind, job_of(row.there, one, sender))
            self._memory.set_conversation(row.id, seen=int(one["id"]))
        if (await self._mirror.chatwoot.status(row.there))[0] == "resolved":
            self._memory.add(row.id, "closed", {"conversation": row.there})

    async def _row(self, job: Job) -> Conversation | None:
        """Which of the gateway's conversations a job of Chatwoot's is of; None where that is done with."""
        row = self._memory.conversation_there(job.body["conversation"])
        if row is not None and job.lane != row.id:  # it was not known yet when this came
            self._memory.add(row.id, job.kind, job.body)
            return None
        if row is None and self._memory.unmapped():
            raise Wait("a conversation is being made", 1.0)
        if row is None and job.kind == "answer":
            number, there = int(job.body["conversation"]), int(job.body["message"])
            words = "Not sent: this conversation is not one of the gateway's. Answer where they wrote."
            try:
                await self._mirror.chatwoot.set_message(number, there, "failed", words)
                await self._mirror.chatwoot.say(number, words, f"{OWN}{there}", note=True)
            except Missing:
                pass
        return row

    async def _send(self, row: Conversation, one: Answer, job: Job, text: str, url: str | None) -> None:
        begun = one.epoch is not None
        if begun and time.time() - job.at > REMEMBERED_S:
            raise Refused("unknown", "")
        for _ in range(CLAIMS):
            epoch = one.epoch
            if epoch is None:
                epoch = await self._claimed(row)
                one = replace(one, epoch=epoch)
                self._memory.keep_answer(one)
            once = f"cw-{one.there}-{one.part}-{one.attempt}"
            try:
                body = await self._words(row, once, text, url) | {"epoch": epoch, "as": job.body["as"]}
                if one.instead:
                    body["instead"] = one.instead
                done = await self._gateway.command(row.id, "reply", f"{once}-e{epoch}", body)
            except Refused as refused:
                if refused.code != "owner_changed":
                    raise
                one = replace(one, epoch=None)  # nothing was taken under that epoch
                continue
            self._memory.keep_answer(replace(one, message=done["message"], fate=""))
            return
        raise Wait("gateway: it changes hands", 2.0)

    async def _words(self, row: Conversation, once: str, text: str, url: str | None) -> dict[str, Any]:
        if found := TEMPLATE.fullmatch(text.strip()):
            pairs = [line.split(":", 1) for line in found[2].splitlines() if ":" in line]
            return {"template": {"name": found[1], "values": {name.strip(): value.strip() for name, value in pairs}}}
        if url is None:
            return {"text": text}
        file = await self._mirror.chatwoot.download(url)
        return {"text": text, "file": await self._gateway.take_up(row.id, f"{once}-f", file.data, file.name, file.kind)}

    async def _claimed(self, row: Conversation) -> int:
        """The epoch under which the conversation is ours, taken where nobody has it. Raises Refused."""
        for _ in range(CLAIMS):
            one = await self._gateway.conversation(row.id)
            if one is None or one["state"] == "resolved":
                raise Refused("not_found" if one is None else "resolved", "")
            owner, epoch = one["agent"], int(one["epoch"])
            if owner and not self._memory.fact("me") and row.id in await self._gateway.mine():
                self._memory.keep_fact("me", owner)
            if owner and owner == self._memory.fact("me"):
                return epoch
            if owner and owner != "automation":
                raise Refused("owner_changed", "")
            try:
                taken = await self._gateway.command(row.id, "take", f"cw-take-{row.id}-{epoch}", {"epoch": epoch})
            except Refused as refused:
                if refused.code not in ("owner_changed", "moved"):
                    raise
                continue
            self._memory.keep_fact("me", taken["agent"])
            return int(taken["epoch"])
        raise Wait("gateway: it changes hands", 2.0)

    async def _finish(self, row: Conversation, body: dict[str, Any]) -> None:
        once = f"cw-finish-{row.id}-{body['epoch']}-{body['inbound']}"
        sent = body if body["reason"] and REASON.fullmatch(body["reason"]) else {**body, "reason": None}
        try:
            await self._gateway.command(row.id, "finish", once, sent)
        except Refused as refused:
            if refused.code != "bad_input" or not sent["reason"]:
                raise
            await self._gateway.command(row.id, "finish", f"{once}-n", {**body, "reason": None})  # no reason of theirs

    async def _refused(self, row: Conversation, there: int, attempt: int, refused: Refused) -> None:
        words = plain(refused)
        if refused.code == "window_closed":
            words += await self._offered(row)
        kept = self._memory.answers(there) or [Answer(there, 0, row.id, attempt, None, None)]
        with self._memory.together():
            for one in kept:
                if one.message is None or one.fate:
                    self._memory.keep_answer(replace(one, attempt=attempt, fate="refused", epoch=None))
            self._memory.keep_fact(f"refused:{there}.{attempt}", words)
        await self._tell(row, there, attempt, words)

    async def _tell(self, row: Conversation, there: int, attempt: int, words: str) -> None:
        await self._mirror.message(row, there, "failed", words.split("\n")[0])
        await self._mirror.note(row, f"{there}.{attempt}.refused", f"Not sent. {words}")

    async def _offered(self, row: Conversation) -> str:
        lines = [
            "\n".join([f"/template {one['name']}", *(f"{blank['name']}: ..." for blank in one["blanks"]), f"({one['text']})"])
            for one in await self._gateway.templates(row.id)
        ]
        return "\n\n".join(["\nA template may go. Answer with one of these, filled in:", *lines]) if lines else ""


def plain(refused: Refused) -> str:
    """A refusal for whoever wrote it."""
    owner = refused.body.get("owner")
    words = PLAIN.get(refused.code) or refused.detail or refused.code
    return f"{words} It is {owner}'s." if owner and refused.code == "owner_changed" else words


def job_of(conversation: int, message: dict[str, Any], sender: dict[str, Any]) -> dict[str, Any]:
    """The body of a job `answer` or `note` of a message, as lists and webhooks both show it. as: "" for a bot or a rule"""
    name = " ".join(str(sender.get("available_name") or sender.get("name") or "").split())
    a_person = sender.get("type") == "user"
    return {
        "conversation": conversation,
        "message": int(message["id"]),
        "text": message.get("content") or "",
        "files": [one["data_url"] for one in message.get("attachments") or () if one.get("data_url")],
        "as": ("".join(letter for letter in name if letter.isprintable())[:80] or "A colleague") if a_person else "",
        "attempt": 0,
    }
