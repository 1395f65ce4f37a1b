"""/desk/several: who waits about the same thing, the answer as each of them will read it, and sending it. See several.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from gateway.errors import BadInput, Problem
from gateway.model.agent import Agent
from gateway.model.ids import ConversationId, is_id
from gateway.webcare import fields, session, several
from gateway.webcare.catalogue import Words, locale_of, words_in
from gateway.webcare.choices import reasons
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.looks import Looks
from gateway.webcare.pages import Pages
from gateway.webcare.problems import body_of
from gateway.webcare.session import SECURITY_HEADERS, Asker

TEXTS = several.MOST
"""Languages at once: as many as people."""
BODY_MAX = 768 * 1024
"""So many people with as many of the longest words, in letters of four bytes."""
KEY_MAX = 48
"""Each command's key is made of the whole's."""


class SeveralRoutes:
    def __init__(self, deps: WebcareDeps, pages: Pages, looks: Looks) -> None:
        self._deps = deps
        self._pages = pages
        self._looks = looks

    def add_routes(self, add: Callable[[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]], None]) -> None:
        add("GET", "/desk/several", session.data(self._deps, self.get_several))
        add("POST", "/desk/several/look", session.command(self._deps, self.post_look))
        add("POST", "/desk/several", session.command(self._deps, self.post_several))

    async def get_several(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """?conversation= that is open, ?subject= that was chosen, ?lang=: a part of the page"""
        locale = locale_of(request.query.get("lang", ""), "")
        abouts = await several.abouts(self._deps, who.agent, request.query.get("conversation", ""))
        wanted = request.query.get("subject", "")
        chosen = next((one for one in abouts if one.subject == wanted), abouts[0] if abouts else None)
        people = await several.people(self._deps, who.agent, chosen.subject) if chosen is not None else []
        for found in await self._deps.conversations.get_many([one.id for one in people]):
            if found is not None:  # whose words are shown was looked at
                await self._looks.note(who.agent, found, session.place_of(self._deps, request))
        said, answered = words_in(locale), [one for one in people if not one.why]
        html = self._pages.draw(
            "several.html", locale, abouts=abouts, chosen=chosen, people=answered, now_ms=self._deps.clock.now_ms(),
            left_out=[(one.name, sentence(said, one.why)) for one in people if one.why],
            languages=sorted({one.language for one in answered}), reasons=reasons(self._deps, locale), most=several.MOST,
        )  # fmt: skip
        return web.Response(text=html, content_type="text/html", headers=SECURITY_HEADERS)

    async def post_look(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """{"conversations": [id], "texts": {language: text}, "lang"}: the answer as each of them will read it. Sends nothing."""
        body = await body_of(request, BODY_MAX)
        texts = body.get("texts")
        if not isinstance(texts, dict) or len(texts) > TEXTS or not all(isinstance(one, str) for one in texts.values()):
            raise BadInput([Problem("texts", "should be the answer by language")])
        chosen = _list(body, "conversations")
        if not all(isinstance(one, str) and is_id(one, "v") for one in chosen):
            raise BadInput([Problem("conversations", "should be ids of conversations")])
        said = _words(who.agent, body)
        rows = await several.filled(self._deps, who.agent, chosen, texts)
        answer = [
            {
                "conversation": one.id, "name": said.said(one.name), "language": one.language,
                "language_name": said.language(one.language), "text": one.text, "epoch": one.epoch, "inbound": one.inbound,
                "mine": one.mine, "why": sentence(said, one.why),
            }
            for one in rows
        ]  # fmt: skip
        return web.json_response({"people": answer}, headers=SECURITY_HEADERS)

    async def post_several(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """{"people": [{"conversation", "epoch", "inbound", "mine", "text"}], "reason"?, "lang"}, with an Idempotency-Key."""
        key = fields.key_of(request.headers.get("Idempotency-Key"))
        body = await body_of(request, BODY_MAX)
        if len(key) > KEY_MAX:
            raise BadInput([Problem("Idempotency-Key", f"should have at most {KEY_MAX} characters here")])
        wanted = [_wanted(one) for one in _list(body, "people")]
        if len({one.id for one in wanted}) != len(wanted):
            raise BadInput([Problem("people", "should name each conversation once")])
        reason = body.get("reason") or ""
        if not isinstance(reason, str):
            raise BadInput([Problem("reason", "should be the code of a reason")])
        said = _words(who.agent, body)
        found = await several.send(self._deps, who.agent, key, wanted, reason)
        rows = [
            {"conversation": one, "code": code, "sent": code in (several.SENT, several.SENT_KEPT), "words": sentence(said, code)}
            for one, code in found
        ]
        return web.json_response({"people": rows}, headers=SECURITY_HEADERS)


def sentence(said: Words, code: str) -> str:
    """What became of one of them, or why they are left out; "" for no code."""
    return said.t(f"several.why.{code if code in several.SAID else 'other'}") if code else ""


def _words(agent: Agent, body: Mapping[str, Any]) -> Words:
    return words_in(locale_of(agent.locale, str(body.get("lang", ""))))


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    found = body.get(name)
    if not isinstance(found, list) or not 0 < len(found) <= several.MOST:
        raise BadInput([Problem(name, f"should be a list of 1 to {several.MOST}")])
    return found


def _wanted(row: object) -> several.Wanted:
    if not isinstance(row, dict) or not isinstance(row.get("mine"), bool) or not isinstance(row.get("text"), str):
        raise BadInput([Problem("people", "should each have conversation, epoch, inbound, mine and text")])
    if not isinstance(row.get("conversation"), str) or not is_id(row["conversation"], "v"):
        raise BadInput([Problem("conversation", "should be the id of a conversation")])
    epoch, inbound = fields.whole(row, "epoch"), fields.whole(row, "inbound")
    return several.Wanted(ConversationId(row["conversation"]), epoch, inbound, row["mine"], row["text"])
