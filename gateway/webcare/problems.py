"""Refusals as problem JSON (RFC 9457): what is wrong, in a sentence, and what would be right."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from gateway.errors import BadInput, Conflict, NotFound, NotReplicated, Problem, Sealed, StoreError
from gateway.store.conversations import CommandRefused
from gateway.webcare import words
from gateway.webcare.catalogue import locale_of, words_in
from gateway.webcare.deps import WebcareDeps

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY_MAX = 64 * 1024


def problem(status: int, code: str, detail: str, **more: Any) -> web.Response:
    """code: a word for programs; detail: a sentence for people, without personal data."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail, **more}
    return web.json_response(body, status=status, content_type="application/problem+json")


async def refusal(deps: WebcareDeps, error: CommandRefused) -> web.Response:
    """409 with who has the conversation now, and since when."""
    owner = (await deps.agents.many([error.owner])).get(error.owner) if error.owner else None
    name = owner.display.reveal() if owner else ""
    detail = words.REFUSALS.get(error.code, "It has changed since you looked")
    if error.code == "owner_changed":
        detail += f": {name} has it" if name else ": it is in the queue"
    since = datetime.fromtimestamp(error.since_ms / 1000, UTC).isoformat(timespec="seconds")
    return problem(
        409,
        error.code,
        f"{detail}. Your words are kept.",
        owner=name or None,
        owner_id=error.owner,
        since=since,
        since_ms=error.since_ms,
        state=error.state,
        epoch=error.epoch,
    )


def answering(deps: WebcareDeps, handler: Handler) -> Handler:
    """Run a handler; what it raises becomes a problem. The top of a request: nothing unexpected leaves without a log line."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except CommandRefused as error:
            return await refusal(deps, error)
        except BadInput as error:
            fields = [{"field": one.field, "message": one.message} for one in error.problems]
            return problem(422, "bad_input", str(error), problems=fields)
        except NotFound as error:
            return problem(404, "not_found", f"There is {error}." if str(error).startswith("no ") else str(error))
        except Sealed:
            return problem(410, "erased", "This person's data was erased; there is nothing left to show or to answer.")
        except Conflict as error:
            return problem(409, "conflict", str(error))
        except NotReplicated:
            what = "It was done, and too few replicas of the store have it yet. Do it again; it counts once."
            return problem(503, "store_unavailable", what)
        except (StoreError, TimeoutError):
            return problem(503, "store_unavailable", "The store does not answer. Nothing was done; try again.")
        except web.HTTPException:
            raise
        except Exception as error:
            structlog.get_logger().error("desk.request_failed", path=_route(request), error=type(error).__name__, exc_info=True)
            return problem(500, "failed", "This could not be done. Nothing is known to have been sent; look before you repeat.")

    async def run(request: web.Request) -> web.StreamResponse:
        return in_their_language(request, await answered(request))

    return run


def in_their_language(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """A refusal as the desk's page says it (it names its language); programs read it in English, as it was."""
    language = request.headers.get("X-Desk-Language")
    if language is None or not isinstance(response, web.Response) or response.content_type != "application/problem+json":
        return response
    said, body = words_in(locale_of(language, "")), json.loads(response.text or "{}")
    if body.get("problems"):  # of fields an agent knows nothing
        told = "; ".join(said.said(one["message"]) for one in body["problems"])
        body["detail"] = f"{told[:1].upper()}{told[1:]}."
    else:
        body["detail"] = said.said(body["detail"])
    response.text = json.dumps(body)
    return response


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


async def body_of(request: web.Request, most: int = BODY_MAX) -> dict[str, Any]:
    """The JSON object of a request. most: bytes. Raises BadInput when it is none."""
    if (request.content_length or 0) > most:
        raise BadInput([Problem("body", f"should be at most {most // 1024} kB")])
    try:
        body = json.loads(await request.text() or "{}")
    except (ValueError, UnicodeDecodeError):
        raise BadInput([Problem("body", "should be a JSON object")]) from None
    if not isinstance(body, dict):
        raise BadInput([Problem("body", "should be a JSON object")])
    return body
