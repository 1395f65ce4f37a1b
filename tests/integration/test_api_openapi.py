"""The document says what the program does: every route, every schema, and real answers held against both."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import jsonschema
import pytest
from aiohttp import web
from redis.asyncio import Redis
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from gateway.model.ids import ContactId
from gateway.store.apikeys import Scope
from tests.integration.api_stage import Client, Stage, ask, sample, send


@pytest.fixture
async def stage(redis: Redis) -> Stage:
    return Stage(redis)


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    async with stage.serve() as client:
        yield client


@pytest.fixture
async def whole(client: Client) -> dict[str, Any]:
    async with client.get("/openapi.json") as response:
        assert response.status == 200
        found: dict[str, Any] = await response.json()
        return found


def _held(whole: dict[str, Any], method: str, path: str, status: int, value: Any) -> None:
    """Hold an answer against what the document says of it."""
    answer = whole["paths"][path][method]["responses"][str(status)]
    if "content" not in answer:
        assert value is None
        return
    (schema,) = [part["schema"] for part in answer["content"].values()]
    resource = Resource.from_contents(whole, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:api", resource)
    rooted = {"$ref": f"urn:api{schema['$ref']}"}
    jsonschema.Draft202012Validator(rooted, registry=registry, format_checker=jsonschema.FormatChecker()).validate(
        value
    )


def _refs(node: Any) -> list[str]:
    if isinstance(node, dict):
        here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return here + [one for part in node.values() for one in _refs(part)]
    return [one for part in node for one in _refs(part)] if isinstance(node, list) else []


async def test_every_route_is_in_the_document_and_nothing_else(client: Client, whole: dict[str, Any]) -> None:
    app = client.server.app  # type: ignore[attr-defined]
    assert isinstance(app, web.Application)
    routes = {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD" and route.resource.canonical.startswith("/v1")
    }
    assert routes == {(method, path) for path, methods in whole["paths"].items() for method in methods}


async def test_every_reference_leads_somewhere_and_every_schema_is_one(whole: dict[str, Any]) -> None:
    schemas = whole["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in _refs(whole)} <= set(schemas)
    assert "$defs" not in json.dumps(whole)
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    names = [operation["operationId"] for methods in whole["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


async def test_every_scope_that_is_asked_for_is_told(client: Client, stage: Stage, whole: dict[str, Any]) -> None:
    """A key without any right but one that does not matter is refused everywhere the document names a scope."""
    nobody = (await stage.keys.make("nobody", [Scope.MESSAGES_REVEAL])).reveal()
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            if "x-scope" not in operation:
                continue
            url = (
                path.replace("{contact}", "c07")
                .replace("{message}", "m07")
                .replace("{subject}", "j1")
                .replace("{invitation}", "i07")
                .replace("{name}", "n")
                .replace("{event}", "e42")
                .replace("{page}", "d07")
                .replace("{family}", "j1")
                .replace("{move}", "hold")
            )
            status, answer = await ask(client, method, url, {}, key=nobody)
            assert (status, operation["x-scope"] in answer["detail"]) == (403, True), (method, path)
            _held(whole, method, path, 403, answer)


async def test_sample_events_are_of_the_documents_schema(whole: dict[str, Any]) -> None:
    resource = Resource.from_contents(whole, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:api", resource)
    schema = {"$ref": "urn:api#/paths/~1v1~1events/post/requestBody/content/application~1cloudevents-batch+json/schema"}
    validator = jsonschema.Draft202012Validator(schema, registry=registry)
    validator.validate(sample("ce-batch"))
    assert not validator.is_valid([{**sample("ce-flight-delayed"), "type": "org.example.weather.v1"}])


async def test_answers_are_as_the_document_says(stage: Stage, client: Client, whole: dict[str, Any]) -> None:
    order, bad = sample("ce-order-confirmed-flight"), {"id": "1"}
    for body, batch in (
        (order, False),
        ([order, bad], True),
        ([bad], True),
        (bad, False),
        (order | {"subject": "other"}, False),
    ):
        for path in ("/v1/events/validate", "/v1/events"):
            status, answer = await send(client, body, batch=batch, path=path)
            _held(whole, "post", path, status, answer)
    eva: ContactId = (await stage.take(client, "ce-order-shipped"))[0]
    message = await stage.plan(eva, "Hello.", reason="no_consent")
    _, contact = await ask(client, "GET", f"/v1/contacts/{eva}")
    proof = {"proofs": [{"address": contact["addresses"][0]["id"], "proof": "otp"}]}
    said = {"purpose": "journey", "channel": "whatsapp", "granted": True, "how": "form", "wording": "journey-nl-3"}
    said["evidence"] = "form 12"
    follow = {"subscriptions": [{"type": "flight", "entity": "ZZ9/2026-11-23/AMS", "reference": "QQ1PL2"}]}
    key = {"name": "shop", "scopes": ["events"]}
    asked: list[tuple[str, str, Any]] = [
        ("get", "/v1/contacts", None),
        ("post", "/v1/contacts/search", {"customer": "C-20817"}),
        ("post", "/v1/contacts/search", {}),
        ("get", "/v1/contacts/{contact}", None),
        ("patch", "/v1/contacts/{contact}", {"language": "nl"}),
        ("put", "/v1/contacts/{contact}/consents", {"consents": [said]}),
        ("put", "/v1/contacts/{contact}/consents", {"consents": []}),
        ("get", "/v1/contacts/{contact}/consents", None),
        ("put", "/v1/contacts/{contact}/proofs", proof),
        ("put", "/v1/contacts/{contact}/subscriptions", follow),
        ("get", "/v1/contacts/{contact}/subscriptions", None),
        ("get", "/v1/subscriptions?subject=flight:ZZ9/2026-11-23/AMS", None),
        ("get", "/v1/subscriptions", None),
        ("get", f"/v1/messages?contact={eva}", None),
        ("get", "/v1/messages/{message}", None),
        ("get", "/v1/messages/{message}?reveal=true", None),
        ("get", "/v1/contacts/{contact}/export", None),
        ("post", "/v1/keys", key),
        ("post", "/v1/keys", key),
        ("post", "/v1/keys", {"name": "?", "scopes": []}),
        ("get", "/v1/keys", None),
        ("delete", "/v1/keys/{name}", None),
        ("delete", "/v1/keys/{name}", None),
        ("delete", "/v1/contacts/{contact}", None),
        ("delete", "/v1/contacts/{contact}", None),
    ]
    statuses = []
    for method, path, body in asked:
        url = path.replace("{contact}", eva).replace("{message}", message).replace("{name}", "shop")
        status, answer = await ask(client, method, url, body)
        _held(whole, method, path.partition("?")[0], status, answer)
        statuses.append(status)
    assert statuses[:13] == [405, 200, 422, 200, 200, 200, 422, 200, 200, 200, 200, 200, 422]
    assert statuses[13:] == [200, 200, 200, 200, 201, 409, 422, 200, 204, 404, 200, 404]


async def test_a_key_is_shown_once(client: Client) -> None:
    _, made = await ask(client, "POST", "/v1/keys", {"name": "shop", "scopes": ["admin"], "sources": ["/shops/*"]})
    _, known = await ask(client, "GET", "/v1/keys", key=made["key"])
    assert [(one["name"], one["scopes"], one["sources"]) for one in known["keys"]] == [
        ("shop", ["admin"], ["/shops/*"])
    ]
    assert made["key"] not in json.dumps(known)


async def test_the_page_shows_every_operation_and_loads_nothing_from_elsewhere(
    client: Client, whole: dict[str, Any]
) -> None:
    async with client.get("/docs") as response:
        assert response.status == 200
        html = await response.text()
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    for path, methods in whole["paths"].items():
        for operation in methods.values():
            assert f"<code>{path}</code> {operation['summary']}" in html
    assert "<script" not in html
    assert "http://" not in html
    assert "https://" not in html.replace("https?://", "")
