"""A pass or ticket that waited in its lane says what its flight or train is doing when it goes, not when it was planned.

It may have waited for the morning, a brake, its sender or a retry; news of another gate overtakes it, being urgent, and a pass
that came behind it with the gate of before would be the last word on the phone. So just before it is sent each leg is looked at
again. Where something differs, words and picture are made anew from the same event and the state of now, under the same
templates; the file has another name in the store then, for one that was uploaded before may show the old gate.

    anew = {result, travellers, legs, paper}     in the sealed body of what is drawn; without it, nothing is looked at

The message is the same one, with its id, deadline and place in the lane. Of a leg that is cancelled nothing is made anew: what
ends a pass ends this one, and a ticket for money back goes as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.documents.paper import Paper, PaperKind
from gateway.documents.wallet_now import paper_now
from gateway.errors import CannotRender
from gateway.model.contact import Contact
from gateway.model.event import EventType
from gateway.model.ids import SubjectId
from gateway.notifications.parts import Rendering, TemplateRef
from gateway.planning.result import EventResult, Reader, World, languages, readers_about, scope_for
from gateway.rules.changes import facts, state_of
from gateway.store.subjects import Subjects

ANEW = "anew"
RENEWED = "renewed"
"""In a body that was made anew: what was kept of it says something else than the phone."""
_LIVE = {PaperKind.BOARDING_PASS.value: EventType.FLIGHT_STATUS, PaperKind.RAIL_TICKET.value: EventType.TRIP_STATUS}
_CODES = frozenset({"bcbp", "recipients"})
_CODES_OF_DOCUMENT = frozenset({"content", "url", "barcode", "barcodes"})
_STAMP_MS = 60_000
"""How old "as of" may be without being set to now."""

Body = Mapping[str, Any]


def for_body(result: EventResult, readers: Sequence[Reader], document: Mapping[str, Any] | None) -> dict[str, Any]:
    """What stands in the sealed body of a document that is drawn and has legs that move; nothing for any other."""
    paper = (document or {}).get("paper") or {}
    if document is None or paper.get("kind") not in _LIVE:
        return {}
    legs = document.get("legs") or ([result.subject] if result.type is EventType.FLIGHT_BOARDINGPASS else [])
    if not legs:
        return {}
    data = {name: value for name, value in result.data.items() if name not in _CODES}
    if isinstance(data.get("document"), Mapping):
        data["document"] = {name: value for name, value in data["document"].items() if name not in _CODES_OF_DOCUMENT}
    slim = {**result.dump(), "data": data, "previous": {}, "cells": {}, "settling": {}}
    about = [one.traveller.customer for one in readers if one.traveller is not None]
    return {ANEW: {"result": slim, "travellers": about, "legs": list(legs)}}


async def shown_now(body: Body, subjects: Subjects, world: World, now_ms: int) -> tuple[Paper, Mapping[str, Any]] | None:
    """(its paper as it is now, what is remembered of its first leg); None: it has none that moves, or there is no saying.

    Raises StoreUnavailable.
    """
    anew = body.get(ANEW)
    dumped = ((body.get("document") or {}).get("paper") or (anew or {}).get("paper")) if anew else None
    if not anew or not dumped:
        return None
    paper = Paper.load(dumped)
    name = _LIVE[paper.kind.value].value
    memories = [(await subjects.read(SubjectId(leg), name)).memory for leg in anew["legs"]]
    states = [state_of(memory) for memory in memories]
    now = paper_now(paper, states, places=world.catalogue.places, now_ms=now_ms)
    return None if now is None else (now, memories[0])


def is_as_planned(body: Body, paper: Paper) -> bool:
    """Whether nothing that it shows has changed, but for the time of day on its stamp."""
    return Paper.load((body.get("document") or {}).get("paper") or body[ANEW]["paper"]).legs == paper.legs


def stamped(body: Body, paper: Paper) -> Body:
    """The same with a stamp of now, where the old one is older than a minute."""
    document = body.get("document")
    if not document or paper.as_of_ms - int(document["paper"].get("as_of_ms", 0)) < _STAMP_MS:
        return body
    return {**body, "document": {**document, "paper": paper.dump()}}


def made_anew(body: Body, paper: Paper, memory: Mapping[str, Any], contact: Contact, world: World) -> Body:
    """The body with words and document of now, in the forms that it was planned in. contact: with travellers and orders

    raises: CannotRender
    """
    anew = body[ANEW]
    result = EventResult.load(anew["result"], 0)
    if result.type is EventType.FLIGHT_BOARDINGPASS:
        result = replace(result, state=state_of(memory), facts=facts(result.type, memory))
    readers = readers_about(contact, result, anew["travellers"], world.now_ms) or [Reader(None, None)]
    links = {"document": "document", "page": str((body.get("document") or anew).get("page") or "")}
    world = replace(world, scopes={})  # what was worked out of this event for others is of before
    scope = scope_for(result, readers[0], world, str(body["brand"]), links, paper.dump())
    chain = languages(contact) or (str(body["language"]),)
    forms, text = [], None
    for form in body["forms"]:
        rendering = _said(body, form, scope, chain, world)
        text = text or rendering
        forms.append({**form, "header": dict(rendering.header_parameters), "body": dict(rendering.body_parameters)})
    if text is None:
        notification = world.catalogue.get(str(body["notification"]))
        if notification is None:
            raise CannotRender("its notification is gone")
        text = notification.render(scope, chain, str(body["zone"]), brand=str(body["brand"]))
    made = {**body, "forms": forms, "text": text.body, "language": text.language, RENEWED: True}
    if body.get("document"):
        shows = json.dumps(paper.dump().get("legs", []), sort_keys=True)
        ref = world.blind("document anew", str(body["document"]["ref"]), shows)
        made["document"] = {**body["document"], "ref": ref, "paper": paper.dump()}
    return made


def _said(body: Body, form: Mapping[str, Any], scope: Any, chain: Sequence[str], world: World) -> Rendering:
    """One of its templates filled anew: its notification's own, or of one that goes in its place."""
    ref = TemplateRef(str(form["name"]), str(form["language"]))
    notification = world.catalogue.get(str(body["notification"]))
    for one in world.catalogue.in_its_place(notification) if notification is not None else ():
        if any((text.template, text.language) == (ref.name, ref.language) for text in one.texts):
            return one.render(scope, chain, str(body["zone"]), brand=str(body["brand"]), template=ref)
    raise CannotRender("its template is gone")
