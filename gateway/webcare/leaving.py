"""/desk/leaving: what an agent who signs out still has, and what may become of each.

Nobody should wait for someone who has left, and nothing an agent promised should be forgotten. So whoever signs out with live
work is asked, for each conversation, whether it is parked, passed on or finished; the page does it by the usual commands, one by
one, and signs out when all are done. What is parked already has its time and is not asked about.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.model.agent import Permission
from gateway.model.conversation import Agent, Conversation, ConversationState
from gateway.model.ids import ConversationId
from gateway.rules.routing import QUEUES
from gateway.webcare import session, views
from gateway.webcare.catalogue import locale_of, words_in
from gateway.webcare.choices import Choice, reasons
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.lists import ListReader
from gateway.webcare.pages import Pages
from gateway.webcare.queue_titles import queue_title
from gateway.webcare.session import SECURITY_HEADERS, Asker


@dataclass(frozen=True, slots=True)
class Live:
    """A conversation that its agent must decide about. waits: its contact spoke last

    ways: of "park", "pass" and "finish", those that its state and their rights allow; the likeliest first
    queues: other queues it may be passed on to
    """

    id: ConversationId
    name: str
    waits: bool
    state: str
    epoch: int
    inbound: int
    reason: str
    ways: tuple[str, ...]
    queue: Choice
    queues: tuple[Choice, ...]


class LeavingRoutes:
    def __init__(self, deps: WebcareDeps, pages: Pages) -> None:
        self._deps = deps
        self._pages = pages
        self._reader = ListReader(deps)

    def add_routes(self, add: Callable[[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]], None]) -> None:
        add("GET", "/desk/leaving", session.data(self._deps, self.get_leaving))

    async def get_leaving(self, request: web.Request, who: Asker) -> web.StreamResponse:
        """?lang=: {"html": a part of the page}"""
        owned = (await self._reader.own(who.agent)).conversations
        locale = locale_of(request.query.get("lang", ""), "")
        html = self._pages.draw(
            "leaving.html",
            locale,
            owned=[one.id for one in owned],
            live=await live(self._deps, who.agent, owned, locale),
            parked=sum(1 for one in owned if one.state is ConversationState.PARKED),
            reasons=reasons(self._deps, locale),
        )
        return web.json_response({"html": html}, headers=SECURITY_HEADERS)


async def live(deps: WebcareDeps, agent: Agent, owned: Sequence[Conversation], locale: str) -> list[Live]:
    """Of an agent's own conversations those that are live, who waits first. A reason is due only where the house has some."""
    settled = {ConversationState.PARKED, *(() if deps.plan.reasons else (ConversationState.WRAPUP,))}
    wanted = [one for one in owned if one.state not in settled]
    contacts = await views.contacts_of(deps, wanted)
    return [
        Live(
            one.id,
            views.first_name(contacts.get(one.contact), one.address),
            one.waiting_since_ms is not None,
            one.state.value,
            one.epoch,
            one.inbound,
            one.reason,
            ways(one),
            _queue(deps, one.brand, one.queue, locale),
            _others(deps, agent, one, locale),
        )
        for one in wanted
    ]


def ways(one: Conversation) -> tuple[str, ...]:
    """What may become of it. What was not even opened goes back; of what is finished already, the reason alone is due."""
    if one.state is ConversationState.ASSIGNED:
        return ("pass",)
    if one.state is ConversationState.WRAPUP:
        return ("finish",)
    return ("pass", "park", "finish") if one.waiting_since_ms is not None else ("park", "finish", "pass")


def _queue(deps: WebcareDeps, brand: str, name: str, locale: str) -> Choice:
    return Choice(name, queue_title(deps.plan, brand, name, words_in(locale)))


def _others(deps: WebcareDeps, agent: Agent, one: Conversation, locale: str) -> tuple[Choice, ...]:
    if one.state is ConversationState.ASSIGNED or not agent.may(Permission.TRANSFER, one.brand):
        return ()
    names = dict.fromkeys([*(queue.name for queue in deps.plan.of(one.brand).queues), *QUEUES])
    return tuple(_queue(deps, one.brand, name, locale) for name in names if name != one.queue)
