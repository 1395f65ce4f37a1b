"""Refusals as problem JSON (RFC 9457): a word for programs, a sentence for people, each field named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from gateway.errors import BadInput, Conflict, NotFound, NotReplicated, Problem, Sealed, StoreError
from gateway.store.vault import KeyMissing

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

RETRY_S = 2
"""After how long a store that did not answer may be asked again."""

log = structlog.get_logger()


def fields(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"field": one.field, "message": one.message} for one in problems]


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> web.Response:
    """code: a word for programs; detail: a sentence for people, without personal data."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    return web.json_response(body, status=status, headers=headers, content_type="application/problem+json")


NOT_REPLICATED = (
    "It was done, and too few replicas of the store have it yet: a failover could take it back. "
    "Send the same request again; it counts once."
)


def unavailable(detail: str) -> web.Response:
    return problem(503, "store_unavailable", detail, headers={"Retry-After": str(RETRY_S)})


class Refused(Exception):
    """Ends a request with this answer."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


def answering(handler: Handler) -> Handler:
    """The top of a request: what a handler raises becomes a problem; the unexpected leaves a log line."""

    async def run(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as error:
            return error.response
        except BadInput as error:
            return problem(422, "bad_input", "Some fields are not as they should be.", problems=fields(error.problems))
        except NotFound as error:
            return problem(404, "not_found", str(error))
        except Sealed:
            return problem(410, "erased", "this person's data was erased")
        except Conflict as error:
            return problem(409, "conflict", str(error))
        except NotReplicated:
            return unavailable(NOT_REPLICATED)
        except KeyMissing as error:
            return unavailable(f"This process cannot read it now: {error}.")
        except (StoreError, TimeoutError):
            return unavailable("The store does not answer. Send the same request again; it counts once.")
        except web.HTTPRequestEntityTooLarge:
            return problem(413, "too_large", "The body is larger than is taken here.")
        except web.HTTPException:
            raise
        except Exception as error:
            resource = request.match_info.route.resource
            where = resource.canonical if resource else ""
            log.exception("api.failed", path=where, method=request.method, error=type(error).__name__)
            return problem(500, "failed", "This could not be done; the log of the gateway says more.")

    return run
