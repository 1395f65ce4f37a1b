"""All routes of the internal API but the door for events, which intake brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from gateway.api import (
    audit,
    contacts,
    families,
    invitations,
    keys,
    measures,
    messages,
    openapi,
    pages,
    rollouts,
    subscriptions,
    touches,
)
from gateway.api import brakes as braking
from gateway.api.inviting import Inviting
from gateway.api.people import People
from gateway.store.apikeys import ApiKeys


def add_routes(
    app: web.Application,
    people: People,
    inviting: Inviting,
    api_keys: ApiKeys,
    event_schemas: Callable[[], tuple[Mapping[str, str], Mapping[str, Any]]],
    brakes: braking.BrakeDeps | None = None,
    rolling: rollouts.RolloutDeps | None = None,
    at_home: families.FamilyDeps | None = None,
) -> None:
    """event_schemas: gateway.intake.schemas.components. brakes: None where nothing is expanded."""
    contacts.add_routes(app, people, api_keys)
    subscriptions.add_routes(app, people, api_keys)
    measures.add_routes(app, people, api_keys)
    touches.add_routes(app, people, people.past, api_keys)
    audit.add_routes(app, people.past, api_keys)
    pages.add_routes(app, people, api_keys)
    messages.add_routes(app, people, api_keys)
    invitations.add_routes(app, inviting, api_keys)
    keys.add_routes(app, api_keys)
    braking.add_routes(app, brakes, api_keys)
    rollouts.add_routes(app, rolling, api_keys)
    families.add_routes(app, at_home, api_keys)
    openapi.add_routes(app, event_schemas)
