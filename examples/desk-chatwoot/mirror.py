"""What stands at Chatwoot, each thing once.

Chatwoot takes the same POST twice and makes two of it. So each thing has a mark of ours, is noted as begun before it is said, and
is looked for by that mark where it was begun and no answer is known: a contact by its identifier, a conversation by a custom
attribute, a message by its source_id. Two that say the same at once there cannot be: a conversation's jobs run one by one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chatwoot import Chatwoot, File
from failures import Missing, Refused, Wait
from memory import Conversation, Memory

OWN = "thuisfront:"
"""Every message that the bridge makes has a source_id that begins so."""


class Mirror:
    def __init__(self, chatwoot: Chatwoot, memory: Memory) -> None:
        self.chatwoot, self.memory = chatwoot, memory

    async def open(self, one: Mapping[str, Any]) -> Conversation:
        """The conversation there for one of the gateway's, made where there is none."""
        identifier, contact = one["id"], one["contact"]
        self.memory.begin_conversation(identifier, contact)
        row = self.row(identifier)
        if row.there is not None:
            return row
        names = [line["who"] for line in one["thread"] if line["kind"] == "in" and line["who"]]
        known = self.memory.contact(contact)
        if known is None:
            known = await self.chatwoot.make_contact(contact, names[-1] if names else f"Contact {contact}")
            self.memory.keep_contact(contact, known)
        try:
            there = await self.chatwoot.find_conversation(known, identifier)
            if there is None:
                there = await self.chatwoot.make_conversation(known, contact, attributes(one))
        except Missing:  # deleted there: made anew
            self.memory.forget_contact(contact)
            raise Wait("chatwoot: the contact is gone") from None
        self.memory.set_conversation(identifier, there=there)
        return self.row(identifier)

    def row(self, identifier: str) -> Conversation:
        found = self.memory.conversation(identifier)
        if found is None:
            raise Wait("chatwoot: the conversation is being made")
        return found

    async def put(self, row: Conversation, mark: str, text: str, *, note: bool = False, files: Sequence[File] = ()) -> int:
        """Say something there once: what the customer wrote, or a private note. Its id there."""
        begun, there = self.memory.said(row.id, mark)
        if there is not None:
            return there
        source, number = f"{OWN}{row.id}:{mark}", self._there(row)
        try:
            if begun:
                there = await self._found(row, number, source)
            if there is None:
                self.memory.keep_said(row.id, mark, None)
                there = await self._say(number, text, source, note, files)
        except Missing:
            self.lost(row)
            raise Wait("chatwoot: the conversation is gone") from None
        self.memory.keep_said(row.id, mark, there)
        return there

    async def note(self, row: Conversation, mark: str, text: str) -> None:
        await self.put(row, mark, text, note=True)

    async def status(self, row: Conversation, status: str) -> None:
        """open or resolved"""
        self.memory.set_conversation(row.id, closed=int(status == "resolved"))
        try:
            await self.chatwoot.set_status(self._there(row), status)
        except Missing:
            self.lost(row)

    async def attributes(self, row: Conversation, one: Mapping[str, Any]) -> None:
        values = attributes(one)
        shown = json.dumps(values, sort_keys=True)
        if shown != row.shown:
            await self.chatwoot.set_attributes(self._there(row), values)
            self.memory.set_conversation(row.id, shown=shown)

    async def message(self, row: Conversation, there: int, status: str, why: str = "") -> None:
        """What became of an agent's message. One that somebody deleted there has no status."""
        try:
            await self.chatwoot.set_message(self._there(row), there, status, why)
        except Missing:
            return

    def lost(self, row: Conversation) -> None:
        """Somebody deleted the conversation there: what comes next is said in a new one."""
        self.memory.set_conversation(row.id, there=None, shown="")

    def _there(self, row: Conversation) -> int:
        there = self.row(row.id).there
        if there is None:
            raise Wait("chatwoot: the conversation is being made")
        return there

    async def _found(self, row: Conversation, number: int, source: str) -> int | None:
        after = self.memory.youngest_said(row.id)
        for one in await self.chatwoot.messages(number, after):
            if one.get("source_id") == source:
                return int(one["id"])
        return None

    async def _say(self, number: int, text: str, source: str, note: bool, files: Sequence[File]) -> int:
        try:
            return await self.chatwoot.say(number, text, source, note=note, files=files)
        except Refused as refused:  # too long for them, or a file that they do not take: never hold up the others
            print(f"not shown: {refused.code}", flush=True)
            words = f"A message could not be shown here: {refused.detail[:200]}. Read it at the gateway's own desk."
            return await self.chatwoot.say(number, words, source, note=True)


def attributes(one: Mapping[str, Any]) -> dict[str, Any]:
    """What an agent sees beside the conversation. README.md says how to name them in Chatwoot."""
    return {
        "thuisfront_id": one["id"],
        "thuisfront_queue": f"{one['brand']}/{one['queue']}",
        "thuisfront_state": one["state"],
        "window_closes_at": one["service_window_closes_at"] or "",
        "a_person_may_answer_until": one["a_person_may_answer_until"] or "",
        "identity": one["identity"],
    }
