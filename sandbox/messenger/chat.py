"""One thing on its way from a person to a Page: in which chat, and what it will be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.control.problem import Problem
from sandbox.messenger import world as pages
from sandbox.store import Json
from sandbox.world import World


@dataclass(frozen=True)
class Said:
    """``field``: the webhook's; ``event``: what is told; ``bubble``: what the phone shows under ``mid``, or None.

    ``changed``: the older bubble it is about; ``acts``: it opens the window; ``nobody``: the event names no sender.
    """

    field: str
    event: Json
    mid: str = ""
    bubble: Json | None = None
    changed: str | None = None
    acts: bool = True
    nobody: bool = False


@dataclass(frozen=True)
class Chat:
    """``body``: what was asked of the control API; ``base``: this server's address as the caller wrote it."""

    world: World
    handset: Json
    page: Json
    body: Json
    base: str

    def object_of(self, key: str) -> Json:
        """raises: Problem 400 when what stands under the key is no object"""
        asked = self.body[key]
        if not isinstance(asked, dict):
            raise Problem(400, f"{key} must be an object")
        return asked

    def bubble_of(self, key: str, kind: str | None) -> tuple[Json, Json]:
        """The message a key's object names, of this chat and (unless None) this kind; and the object.

        raises: Problem 400
        """
        asked = self.object_of(key)
        message = self._of_this_chat(asked.get("bubble"))
        if message is None or kind not in (None, message["kind"]):
            raise Problem(400, f'{key} must be {{"bubble": id, ...}} of a message in this chat')
        return message, asked

    def _of_this_chat(self, mid: Any) -> Json | None:
        message = self.world.handsets.message(mid) if isinstance(mid, str) else None
        here = message is not None and (message["address"], message["phone_number_id"]) == (
            self.handset["address"], self.page["id"])
        return message if here and message is not None and message["kind"] != "unsent" else None

    def quoted_id(self) -> str | None:
        """raises: Problem 400 when reply_to names nothing in this chat"""
        if self.body.get("reply_to") is None:
            return None
        if self._of_this_chat(self.body["reply_to"]) is None:
            raise Problem(400, "reply_to names no message of this chat")
        return str(self.body["reply_to"])

    def message(self, content: Json, bubble: Json) -> Said:
        """An ordinary message of this content, with what the body has beside it."""
        mid = pages.new_mid(self.world)
        message: Json = {"mid": mid, **content}
        quoted = self._of_this_chat(self.quoted_id())
        if quoted is not None:
            message["reply_to"] = {"mid": quoted["id"], "is_self_reply": quoted["kind"] == "sent"}
        if isinstance(self.body.get("referral"), dict):
            message["referral"] = self.body["referral"]
        if isinstance(self.body.get("commands"), list):
            message["commands"] = [{"name": str(name)} for name in self.body["commands"]]
        if isinstance(self.body.get("nlp"), dict):
            message["nlp"] = self.body["nlp"]
        event: Json = {"message": message}
        if self.body.get("user_ref"):
            event["prior_message"] = {"source": "checkbox_plugin", "identifier": str(self.body["user_ref"])}
        return Said("messages", event, mid, bubble)

    def postback(self, title: str, payload: Any, referral: Json | None = None) -> Said:
        """A tap that is no message."""
        mid = pages.new_mid(self.world)
        postback: Json = {"mid": mid, "title": title, "payload": payload}
        if referral is not None:
            postback["referral"] = referral
        return Said("messaging_postbacks", {"postback": postback}, mid, {"type": "postback", "body": title})
