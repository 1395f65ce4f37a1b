"""/openapi.json (OpenAPI 3.1) and /docs: made of the program's own schemas, and a plain page drawn from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.api.answers import ANSWERS, ref
from gateway.api.operations import EVENTS, OPERATIONS, Operation
from gateway.api.page import page

ATTRIBUTES: dict[str, Any] = {
    "specversion": {"const": "1.0"},
    "id": {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "description": "with source it names the event for ever",
    },
    "source": {"type": "string", "minLength": 1, "maxLength": 300},
    "subject": {"type": "string", "minLength": 1, "maxLength": 200, "description": "the thing: ZZ1007/2026-11-22/AMS"},
    "time": {"type": "string", "format": "date-time", "description": "when it happened; at most 5 minutes ahead of us"},
    "sequence": {"type": "string", "description": "digits: orders state events of one source and subject"},
    "traceparent": {"type": "string"},
    "datacontenttype": {"type": "string"},
}


def document(event_names: Mapping[str, str], event_schemas: Mapping[str, Any]) -> dict[str, Any]:
    """event_names: event type -> name of its data's schema; event_schemas: all of those, by name."""
    schemas: dict[str, Any] = {**ANSWERS, **event_schemas, **_bodies()}
    for event_type, name in event_names.items():
        schemas[f"{event_type}.v1"] = {
            "type": "object",
            "description": f"A CloudEvent whose type ends in {event_type}.v1.",
            "properties": {
                **ATTRIBUTES,
                "type": {"type": "string", "pattern": rf"(^|\.){re.escape(event_type)}(\.v\d+)?$"},
                "data": ref(name),
            },
            "required": ["specversion", "id", "source", "type", "subject", "data"],
        }
    events = {"anyOf": [ref(f"{event_type}.v1") for event_type in event_names]}
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, events)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Thuisfront",
            "version": "1",
            "summary": "The internal API: events in, contacts and messages out.",
            "description": "Every request carries an API key. Times are RFC 3339; ids such as c07..., m07... are ours.",
        },
        "security": [{"bearer": []}, {"header": []}],
        "tags": [{"name": group} for group in dict.fromkeys(one.group for one in OPERATIONS)],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
            "schemas": schemas,
        },
    }


def _bodies() -> dict[str, Any]:
    models = [one.body for one in OPERATIONS if isinstance(one.body, type)]
    _, found = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], ref_template="#/components/schemas/{model}"
    )
    return dict(found["$defs"])


def _operation(one: Operation, events: dict[str, Any]) -> dict[str, Any]:
    answers = dict(one.answers)
    if one.scope is not None:
        answers.setdefault(401, ("no key, or none of ours", "Problem"))
        answers.setdefault(403, (f"this key lacks the scope {one.scope}", "Problem"))
        answers.setdefault(503, ("the store does not answer: send it again, it counts once", "Problem"))
    found: dict[str, Any] = {
        "tags": [one.group],
        "summary": one.summary,
        "operationId": one.method + "".join(part.strip("{}").title() for part in one.path.split("/")[2:]),
        "responses": {str(status): _answer(status, *said) for status, said in sorted(answers.items())},
    }
    if one.about:
        found["description"] = one.about
    if one.scope is None:
        found["security"] = []
    else:
        found["x-scope"] = one.scope.value
    if one.parameters:
        found["parameters"] = [
            {
                "name": parameter.name,
                "in": parameter.where,
                "required": parameter.required,
                "description": parameter.about,
                "schema": {"type": "string"},
            }
            for parameter in one.parameters
        ]
    if one.body == EVENTS:
        content = {
            "application/cloudevents+json": {"schema": events},
            "application/cloudevents-batch+json": {"schema": {"type": "array", "maxItems": 500, "items": events}},
            "application/json": {
                "schema": {"type": "object", "description": "The data alone, attributes in ce- headers."}
            },
        }
        found["requestBody"] = {"required": True, "content": content}
    elif isinstance(one.body, type) and issubclass(one.body, BaseModel):
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(one.body.__name__)}}}
    return found


def _answer(status: int, about: str, schema: str) -> dict[str, Any]:
    found: dict[str, Any] = {"description": about}
    if schema:
        media = "application/problem+json" if status >= 400 else "application/json"
        found["content"] = {media: {"schema": ref(schema)}}
    return found


def add_routes(app: web.Application, events: Callable[[], tuple[Mapping[str, str], Mapping[str, Any]]]) -> None:
    """Both are open to whoever reaches the internal listener: they describe, and show nothing of anybody.

    events: the names and schemas of `document`. They are made when somebody first asks, as they take a tenth of a second and a
    start should not wait for them
    """

    @cache
    def whole() -> dict[str, Any]:
        return document(*events())

    @cache
    def drawn() -> str:
        return page(whole())

    async def get_openapi(request: web.Request) -> web.Response:
        return web.json_response(whole())

    async def get_docs(request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}
        return web.Response(text=drawn(), content_type="text/html", headers=headers)

    app.router.add_get("/openapi.json", get_openapi)
    app.router.add_get("/docs", get_docs)
