"""Search and the past at the desk: what was said before, found by its words, as far as who asks may read it.

An agent finds lines of the queues that are theirs; whoever may read other queues of a brand finds all of the brand's. Each
search, and each further page of it, is written to the audit before anything is shown: who, from where, a keyed hash of the words,
how many lines came. The words themselves come in a body, never in a URL.

A page ends at a line, by its moment. What is said meanwhile is newer, so the next page repeats nothing and misses nothing that
was there; whether a line may be seen is asked for each one anew.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.errors import BadInput, NotFound, Problem, StoreError
from gateway.insight.past import Past, Price
from gateway.model.agent import Agent, Permission
from gateway.model.audit import Audited
from gateway.model.conversation import Conversation, Entry
from gateway.model.ids import ConversationId, is_id
from gateway.model.touch import BeenThrough, TimelineItem
from gateway.rules.identity import Datum, shows
from gateway.rules.rights import Reading, reading
from gateway.webcare import session, views
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.lines import house_text
from gateway.webcare.problems import body_of
from gateway.webcare.proving import identity
from gateway.webcare.session import SECURITY_HEADERS, Asker

TEXT_MAX = 200
PAGE = 50
_LINE = re.compile(r"\d{1,16}-\d{1,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Results:
    """found: a page at most; after: where the next one begins, None where nothing is left; stopped: before this one was full"""

    found: list[Found]
    after: tuple[int, str, str] | None
    stopped: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A line that has all the words. outside: in a queue that is not theirs; text: its words, covered where it must be"""

    conversation: Conversation
    entry: Entry
    outside: bool
    text: str


async def search(
    deps: WebcareDeps, agent: Agent, text: str, brand: str, *, place: str, after: tuple[int, str, str] | None = None
) -> Results:
    """Lines of closed conversations with all words of `text`, newest first; empty for a brand that they may not read.

    place:  the address that they ask from, for the audit
    raises: NotFound where this process has no history; StoreUnavailable, also where the audit cannot be written
    """
    closed = await _past(deps).closed()
    queues: Collection[str] | None = None
    if not agent.may(Permission.READ_ALL, brand):
        queues = [queue for queue in await closed.queues(brand) if agent.may(Permission.READ, brand, queue)]
    page = await closed.page(
        text, brand, queues=queues, after=after, limit=PAGE, shown=lambda one: reading(agent, one) is not Reading.NO
    )
    contacts = await views.contacts_of(deps, [hit.conversation for hit in page.hits])
    found = [
        Found(
            hit.conversation,
            hit.entry,
            reading(agent, hit.conversation) is Reading.OUTSIDE,
            # A list of hits opens nothing, so it reveals nothing, to whomever.
            house_text(hit.entry, views.codes(contacts.get(hit.conversation.contact))),
        )
        for hit in page.hits
    ]
    more = {"terms": deps.agents.terms_of(brand, text), "brand": brand, "count": str(len(found)), "older": "yes" if after else ""}
    await deps.agents.audit(Audited.SEARCHED, agent.id, place=place, **more)
    return Results(found, page.after, page.stopped)


@dataclass(frozen=True, slots=True)
class CardPast:
    """For the customer card. timeline: newest first, of brands that the agent may read."""

    timeline: tuple[TimelineItem, ...]
    been: BeenThrough


async def card_past(deps: WebcareDeps, agent: Agent, one: Conversation, *, limit: int = PAGE) -> CardPast | None:
    """What passed with the contact of a conversation that the agent reads; None where this process has no history.

    raises: StoreUnavailable: the card then says "unknown"
    """
    if deps.past is None:
        return None
    brands = {brand for brand in {*deps.brands, one.brand} if agent.may(Permission.READ, brand)}
    timeline = await deps.past.timeline(one.contact, brands=brands, limit=limit)
    been = await deps.past.been_through(one.contact, deps.clock.now_ms(), brands=brands)
    return CardPast(tuple(timeline), been)


async def prices(deps: WebcareDeps, one: Conversation) -> dict[str, tuple[str, int]]:
    """Per message of ours in its thread (currency, expected price in millionths), where it is known. Raises StoreUnavailable."""
    if deps.past is None:
        return {}
    said = [str(entry.message) for entry in await deps.conversations.thread(one) if entry.message]
    return await deps.past.prices([*(str(item.message) for item in await deps.conversations.mentions(one)), *said])


async def charges(deps: WebcareDeps, messages: Sequence[str]) -> dict[str, Price]:
    """What these messages of ours cost, as far as it is known; of none while the history does not answer."""
    if deps.past is None or deps.tariffs is None:
        return {}
    await deps.tariffs.refresh()
    try:
        return await deps.past.charges(messages, deps.tariffs.book)
    except (StoreError, TimeoutError):
        return {}


async def closed_thread(
    deps: WebcareDeps, agent: Agent, identifier: str, *, place: str
) -> tuple[Conversation, list[tuple[Entry, str]]]:
    """A conversation that only the history still has, with its lines and their words, covered where they must be.

    A look outside one's queues, or at what is covered for others, is audited first.

    raises: NotFound for one that is unknown or not theirs to read; StoreUnavailable
    """
    if not is_id(identifier, "v"):
        raise NotFound("no such conversation")
    closed = await _past(deps).closed()
    one = await closed.get(ConversationId(identifier))
    ground = reading(agent, one)
    if ground is Reading.NO:
        raise NotFound("no such conversation")
    if ground is Reading.OUTSIDE:
        await deps.agents.audit(Audited.READ_OUTSIDE, agent.id, one.id, place=place, brand=one.brand)
    if agent.may(Permission.REVEAL, one.brand, one.queue):
        await deps.agents.audit(Audited.REVEALED, agent.id, one.id, place=place, brand=one.brand)
    contact = (await views.contacts_of(deps, [one]))[one.contact]
    seen = shows(views.shown_to(agent, one, identity(deps, one, contact)), Datum.CODE)
    covered = () if seen else views.codes(contact)
    return one, [(line, house_text(line, covered)) for line in await closed.thread(one.id)]


def _past(deps: WebcareDeps) -> Past:
    if deps.past is None:
        raise NotFound("no history here")
    return deps.past


class Searching:
    """POST /desk/search, GET /desk/past/{conversation}."""

    def __init__(self, deps: WebcareDeps) -> None:
        self._deps = deps

    async def post_search(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """Body {"text", "brand", "after"?}: lines newest first, `after` for the next page, null where nothing is left; `stopped`
        where it gave up looking before the page was full."""
        body = await body_of(request)
        text, brand, after = body.get("text"), body.get("brand"), body.get("after")
        problems = []
        if not isinstance(text, str) or not text.strip() or len(text) > TEXT_MAX:
            problems.append(Problem("text", f"should be some words, at most {TEXT_MAX} characters"))
        if not isinstance(brand, str) or brand not in self._deps.brands:
            problems.append(Problem("brand", "should be one of our brands"))
        if after is not None and not _is_after(after):
            problems.append(Problem("after", "should be what the page before said"))
        if problems:
            raise BadInput(problems)
        assert isinstance(text, str)
        assert isinstance(brand, str)
        done = await search(
            self._deps, who.agent, text, brand, place=session.place_of(self._deps, request), after=tuple(after) if after else None
        )
        return web.json_response(
            {
                "hits": [_hit(one) for one in done.found],
                "after": list(done.after) if done.after else None,
                "stopped": done.stopped,
            },
            headers=SECURITY_HEADERS,
        )

    async def get_past(self, request: web.Request, who: Asker) -> web.StreamResponse:
        place = session.place_of(self._deps, request)
        one, lines = await closed_thread(self._deps, who.agent, request.match_info["conversation"], place=place)
        answer = {
            "id": one.id,
            "brand": one.brand,
            "queue": one.queue,
            "opened_ms": one.opened_ms,
            "resolved_ms": one.resolved_ms,
            "reason": one.reason,
            "thread": [_line(line, text) for line, text in lines],
        }
        return web.json_response(answer, headers=SECURITY_HEADERS)


def _hit(one: Found) -> dict[str, Any]:
    conversation = {"conversation": one.conversation.id, "queue": one.conversation.queue, "outside": one.outside}
    return {**conversation, **_line(one.entry, one.text)}


def _line(entry: Entry, text: str) -> dict[str, Any]:
    return {"at_ms": entry.at_ms, "kind": entry.kind.value, "author": entry.author, "text": text}


def _is_after(value: object) -> bool:
    """[milliseconds, conversation, place of a line], as a page of hits ends with."""
    match value:
        case [int() as at_ms, str() as conversation, str() as place]:
            whole = not isinstance(at_ms, bool) and 0 <= at_ms < 1 << 60
            return whole and is_id(conversation, "v") and bool(_LINE.fullmatch(place))
    return False
