"""/v1/conversations on the internal listener: another system's desk, on the same conversations, by the same rules.

Who may call is the listener's affair (API keys). A key with all rights says in `agent` on whose behalf: an agent's id.
A key of scope `desk` acts as itself (outside.py): it reads and answers what its rights name, and for the rest nothing exists.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from gateway.errors import BadInput, NotFound, Problem
from gateway.insight.past import Price
from gateway.model.contact import Contact
from gateway.model.conversation import Agent, AgentId, Conversation
from gateway.model.ids import ConversationId
from gateway.model.webcare import Decision
from gateway.prices.amount import exact
from gateway.rules.rights import Reading, reading
from gateway.store.apikeys import ApiKey
from gateway.webcare import commands, files, lines, replying, searching, views
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.outside import CALLER, technical
from gateway.webcare.problems import answering, body_of
from gateway.webcare.proving import identity
from gateway.webcare.windows import closing

LIST_MAX = 200


def add_api_routes(app: web.Application, deps: WebcareDeps) -> None:
    """Add GET /v1/conversations[?queue=|agent=|state=resolved], what lies under one of them, and POST .../{id}/{command}."""
    api = Api(deps)
    app.router.add_get("/v1/conversations", answering(deps, api.get_list))
    app.router.add_get("/v1/conversations/{conversation}", answering(deps, api.get_one))
    app.router.add_get("/v1/conversations/{conversation}/messages/{message}", answering(deps, api.get_message))
    app.router.add_get("/v1/conversations/{conversation}/files/{file}", answering(deps, api.get_file))
    app.router.add_get("/v1/conversations/{conversation}/templates", answering(deps, api.get_templates))
    app.router.add_post("/v1/conversations/{conversation}/files", answering(deps, api.post_file))
    app.router.add_get("/v1/conversations/{conversation}/decisions", answering(deps, api.get_decisions))
    app.router.add_post("/v1/conversations/{conversation}/{command}", answering(deps, api.post_command))


class Api:
    def __init__(self, deps: WebcareDeps) -> None:
        self._deps = deps

    async def get_list(self, request: web.Request) -> web.StreamResponse:
        """Without texts and names: a list is read by machines, often; ?queue=general (the default) is oldest first."""
        desk = self._deps.conversations.desk
        query = request.query
        caller = await self._caller(request)
        if caller is not None and query.get("agent") == "me":
            identifiers = await desk.mine(caller.id)
        elif "agent" in query:
            identifiers = await desk.mine(AgentId(query["agent"]))
        elif "asked" in query:
            asked = await self._deps.conversations.consultations(AgentId(query["asked"]))
            identifiers = [one.id for one in asked]
        elif query.get("state") == "resolved":
            identifiers = await desk.resolved(LIST_MAX)
        elif query.get("state") == "unresolved":
            identifiers = await desk.unresolved(LIST_MAX)
        else:
            identifiers = await desk.queue(query.get("queue", "general"), LIST_MAX)
        found = [one for one in await self._deps.conversations.get_many(identifiers) if one is not None]
        if caller is not None:
            found = [one for one in found if reading(caller, one) is not Reading.NO]
        return web.json_response({"conversations": [self._summary(one) for one in found]})

    async def get_file(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file of its thread, as a download."""
        one, _ = await self._readable(request)
        return await files.get_file(self._deps, one, request.match_info["file"], save=True)

    async def get_one(self, request: web.Request) -> web.StreamResponse:
        """One conversation with its thread."""
        one, caller = await self._readable(request)
        contact, drawn = await self._thread(one, caller)
        facts = contact.facts if contact else None
        closes = closing(self._deps, one, facts, await self._deps.person_windows())
        held = facts is not None and facts.held_elsewhere(one.sender, one.address, self._deps.clock.now_ms())
        return web.json_response(
            {
                **self._summary(one),
                "service_window_closes_at": _time(closes.window_ms),
                "a_person_may_answer_until": _time(closes.last_ms),
                "held_elsewhere": held,
                "identity": int(identity(self._deps, one, contact)),
                "thread": drawn,
            }
        )

    async def get_message(self, request: web.Request) -> web.StreamResponse:
        """One line of its thread, by its id or the message of ours that it became; what they changed also by the change."""
        one, caller = await self._readable(request)
        wanted = request.match_info["message"]
        place = await self._deps.conversations.shown_at(one, wanted)
        _, drawn = await self._thread(one, caller)
        found = next((line for line in drawn if wanted == line["message"] or (place and line["id"] == place)), None)
        if found is None:
            raise NotFound("no such message in this conversation")
        return web.json_response({**found, "conversation": one.id})

    async def _thread(self, one: Conversation, caller: Agent | None) -> tuple[Contact | None, list[dict[str, Any]]]:
        """Whose conversation it is, and its lines with what ours cost."""
        contact = (await views.contacts_of(self._deps, [one]))[one.contact]
        found = await lines.thread(self._deps, one, contact, caller)
        charges = await searching.charges(self._deps, [line.message for line in found if line.message])
        return contact, [{**_line(line), "price": _price(charges.get(line.message))} for line in found]

    def _summary(self, one: Conversation) -> dict[str, Any]:
        external = self._deps.plan.external(one.brand, one.queue)
        return {**_summary(one), "desk": "external" if external else "own"}

    async def get_decisions(self, request: web.Request) -> web.StreamResponse:
        """Why it was given to whom it was, newest first: ids and figures, no names."""
        one, _ = await self._readable(request)
        found = await self._deps.conversations.decisions(one.id)
        return web.json_response({"decisions": [_decision(decision) for decision in found]})

    async def post_command(self, request: web.Request) -> web.StreamResponse:
        """Any of commands.COMMANDS; body {"agent" or "as", "epoch", ...}; Idempotency-Key header."""
        body = await body_of(request)
        agent = await self._agent(request, body)
        key = request.headers.get("Idempotency-Key")
        what = request.match_info["command"]
        done, after = await commands.run(self._deps, agent, request.match_info["conversation"], what, key, body)
        return web.json_response({**self._summary(after), "message": done.message or None, "repeated": done.repeated})

    async def get_templates(self, request: web.Request) -> web.StreamResponse:
        """What may be said to them while the service window is shut."""
        one, _ = await self._readable(request)
        return web.json_response({"templates": await replying.offered(self._deps, one)})

    async def post_file(self, request: web.Request) -> web.StreamResponse:
        """Take up a file for a reply, by `?agent=`."""
        return await files.post_file(self._deps, request, await self._agent(request, dict(request.query)), {})

    async def _caller(self, request: web.Request, spoken: object = None) -> Agent | None:
        """The agent of a key of scope desk; None for a key with all rights."""
        key: ApiKey | None = request.get(CALLER)
        return await technical(self._deps.agents, key, spoken) if key is not None else None

    async def _readable(self, request: web.Request) -> tuple[Conversation, Agent | None]:
        """The conversation that is asked for, and who asks. Raises NotFound also for one that a key may not read."""
        caller, identifier = await self._caller(request), request.match_info["conversation"]
        if caller is not None:
            return await commands.readable(self._deps, caller, identifier), caller
        return await self._deps.conversations.get(ConversationId(identifier)), None

    async def _agent(self, request: web.Request, body: dict[str, Any]) -> Agent:
        given = body.get("agent")
        if (caller := await self._caller(request, body.get("as"))) is not None:
            if given not in (None, "me", caller.id):
                raise BadInput([Problem("agent", "should be missing: this key acts for itself; `as` says who speaks")])
            return caller
        try:
            found = await self._deps.agents.get(AgentId(given)) if isinstance(given, str) else None
        except NotFound:
            found = None
        if found is None or found.disabled:
            raise BadInput([Problem("agent", "should be the id of an agent who may sign in")])
        return found


def _time(ms: int | None) -> str | None:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds") if ms else None


def _summary(one: Conversation) -> dict[str, Any]:
    return {
        "id": one.id,
        "contact": one.contact,
        "brand": one.brand,
        "sender": one.sender,
        "state": one.state,
        "queue": one.queue,
        "agent": one.owner,
        "epoch": one.epoch,
        "inbound": one.inbound,
        "revision": one.revision,
        "opened_at": _time(one.opened_ms),
        "waiting_since": _time(one.waiting_since_ms),
        "resolved_at": _time(one.resolved_ms),
        "reopened": one.reopened,
        "previous": one.previous,
        "returning_since": _time(one.returning_ms),
        "parked_until": _time(one.parked_until_ms),
        "wrapup_until": _time(one.wrapup_until_ms),
        "offered_to": one.offered_to,
        "consulted": {agent: _time(until) for agent, until in one.consulted.items()},
        "transfers": one.transfers,
        "boost": one.boost or None,
        "complaint_due": _time(one.complaint_due_ms),
        "reason": one.reason or None,
        "language": one.language or None,
        "safety": one.safety or None,
    }


def _price(one: Price | None) -> dict[str, Any] | None:
    """In the currency's own unit, as text: no place is lost."""
    if one is None or (one.expected is None and one.charged is None):
        return None
    amounts = {"expected": one.expected, "charged": one.charged}
    return {"currency": one.currency} | {name: None if value is None else exact(value) for name, value in amounts.items()}


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "agent": one.agent,
        "at": _time(one.at_ms),
        "how": one.how,
        "queue": one.queue,
        "ring": one.ring,
        "waited_s": one.waited_ms / 1000,
        "boost": one.boost,
        "candidates": list(one.candidates),
        "left_out": [{"agent": left.agent, "why": left.why} for left in one.left_out],
        "next_best": one.next_best,
        "plan": one.version,
    }


def _line(line: lines.Line) -> dict[str, Any]:
    return {
        "id": line.id.removeprefix("e-").removeprefix("n-").removeprefix("w-"),
        "kind": line.kind,
        "at": _time(line.at_ms),
        "who": line.who,
        "text": line.text,
        "form": line.form,
        "notification": line.title or None,
        "message": line.message or None,
        "status": line.fate.word if line.fate else None,
        "status_detail": (line.fate.detail or None) if line.fate else None,
        "answers": line.quote.title if line.quote else None,
        "files": [*(one.name for one in line.files), *line.sent_files],
        "media": [
            {"id": one.ref, "name": one.name, "state": one.state, "kind": one.look, "size": one.size, "seconds": one.seconds}
            for one in line.files
        ],
        "heard_only": line.standby,
        "hidden": list(line.hidden),
        "said_before": [{"text": one.text, "at": _time(one.at_ms)} for one in line.versions],
    }


