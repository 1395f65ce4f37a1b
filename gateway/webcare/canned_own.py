"""An agent's own canned answers at the desk: asked for, added, changed, deleted, and laid beside the house's.

They are written in the desk and by their agent alone; the same places are filled in as in the house's ({first_name}, {agent}),
and a place that there is not is refused while somebody can still mend it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.errors import BadInput, Problem
from gateway.model.agent import AgentId
from gateway.model.personal import Personal
from gateway.store.own_canned import MOST, OwnAnswer
from gateway.webcare import fields
from gateway.webcare.canned import PLACES, fill, places_of
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.problems import body_of
from gateway.webcare.session import SECURITY_HEADERS, Asker

TITLE_MAX = 60
TEXT_MAX = 2000
LANGUAGES_MAX = 8
OWN = "own-"
"""What their names begin with, where they stand among the house's."""
_ID = re.compile(r"[\w-]{8,64}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2}")


class OwnCannedRoutes:
    """GET and POST /desk/own/canned."""

    def __init__(self, deps: WebcareDeps) -> None:
        self._deps = deps

    async def get_own(self, request: web.Request, who: Asker) -> web.StreamResponse:
        return _all(await self._deps.agents.own_canned.of(who.agent.id))

    async def post_own(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """{"id", "version": as seen, 0 for a new one, "title", "texts": language -> words} or {"id", "version", "drop": true}"""
        own, body = self._deps.agents.own_canned, await body_of(request)
        identifier, version = body.get("id"), fields.whole(body, "version")
        if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
            raise BadInput([Problem("id", "should be 8 to 64 letters, digits or - _, new for each answer")])
        if body.get("drop") is True:
            return _all(await own.drop(who.agent.id, identifier, version))
        title = Personal(" ".join(fields.words(body, TITLE_MAX, "title").reveal().split()))
        return _all(await own.put(who.agent.id, OwnAnswer(identifier, title, _texts(body), version)))


async def for_page(deps: WebcareDeps, agent: AgentId, *, language: str, first_name: str, name: str) -> list[dict[str, Any]]:
    """Filled in for one customer, as rows of the house's are (canned.py), with `own`."""
    rows = []
    for one in await deps.agents.own_canned.of(agent):
        known = next((each for each in (language[:2], "en") if each in one.texts), next(iter(one.texts)))
        text = fill(one.texts[known].reveal(), first_name, name)
        rows.append(
            {
                "name": OWN + one.id, "title": one.title.reveal(), "text": text, "language": known, "words": "", "follows": None,
                "own": True,
            }
        )  # fmt: skip
    return rows


def _texts(body: Mapping[str, Any]) -> dict[str, Personal]:
    given = body.get("texts")
    if not isinstance(given, dict) or not all(isinstance(one, str) for one in given.values()):
        raise BadInput([Problem("texts", "should be words by language")])
    found = {
        language: fields.words(given, TEXT_MAX, language) for language, text in given.items() if fields.sayable(text).strip()
    }
    if not found:
        raise BadInput([Problem("texts", "it needs words, in one language at least")])
    if len(found) > LANGUAGES_MAX or not all(_LANGUAGE.fullmatch(one) for one in found):
        raise BadInput([Problem("texts", f"should be in at most {LANGUAGES_MAX} languages, each two letters")])
    unknown = sorted({place for text in found.values() for place in places_of(text.reveal())} - PLACES)
    if unknown:
        raise BadInput([Problem("texts", f"{unknown[0]} cannot be filled in: first_name and agent can")])
    return found


def _all(answers: Sequence[OwnAnswer]) -> web.Response:
    rows = [
        {
            "id": one.id, "version": one.version, "title": one.title.reveal(),
            "texts": {language: text.reveal() for language, text in one.texts.items()},
        }
        for one in answers
    ]  # fmt: skip
    return web.json_response({"answers": rows, "most": MOST}, headers=SECURITY_HEADERS)
