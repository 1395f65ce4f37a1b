"""A family's members among the readers of an event: who of them is told, what planning sees of the event then, and when.

A member is a reader by a link of role "family" (model/family.py). Notifications of role "any" are not for them, those of role
"family" for nobody else. Everything that becomes a message of theirs is made of `seen`: the event's result without whatever is
not public (rules/relatives.py), so that not even a careless template, or what a message keeps to be planned anew, says more.

    no doubles  who travels on that leg themselves, and may be told so, hears what travellers hear; as a member only what the
                event tells no traveller (that a train has left), and connections that are not their own
    amount      "only that it left and landed" leaves out whatever is not declared `amount: ends`
    quiet       "not at night" lets everything wait for the morning, that it left or landed too; a cancellation as long as it
                takes
    the night   is that of where they are, not of where the journey is

What a member's link says about rebooking is followed and not discussed: they hear that a journey is cancelled, and from then on
news of the other one. No offer is theirs to answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.model.contact import Contact
from gateway.model.family import ROLE, Amount
from gateway.notifications.expressions import Scope
from gateway.notifications.model import Notification
from gateway.planning import connecting
from gateway.planning.left import FAMILIES
from gateway.planning.result import NO_CONNECTION, EventResult, Reader, World, scope_for, shared_scope
from gateway.rules.question import Night
from gateway.rules.relatives import CONNECTION, public, public_facts
from gateway.rules.states import UNDER_WAY
from gateway.rules.stretches import seen_from

_JOURNEY = "journey"
KEEPS_MS = 14 * 3600_000
"""Longer than a night."""


def is_member(reader: Reader) -> bool:
    return reader.link is not None and reader.link.role == ROLE


def told_apart(readers: Sequence[Reader], world: World) -> tuple[list[Reader], list[Reader]]:
    """(those who travel, or whose order it is; the members, where anybody is told at home)."""
    travelling = [one for one in readers if not is_member(one)]
    return travelling, [one for one in readers if is_member(one)] if world.families else []


def on_board(contact: Contact, result: EventResult, travelling: Sequence[Reader], members: Sequence[Reader]) -> list[Reader]:
    """By whom somebody who is also a member hears of this leg as a traveller. Whoever is no member pays nothing for it."""
    return [one for one in travelling if _goes_along(contact, result, one)] if members else []


def told_to(
    notification: Notification, result: EventResult, members: Sequence[Reader], along: Sequence[Reader], world: World
) -> list[Reader]:
    """The members whom this is told at home. along: as whom the same person hears of this leg as a traveller

    What the event tells travellers is not told them twice; a connection of theirs neither, while another's is.
    """
    if not along:
        return list(members)
    roles = {"any", *(one.link.role for one in along if one.link is not None)}
    known = [world.catalogue.get(name) for name in result.notifications]
    theirs = [one for one in known if one is not None and not one.at_home and roles.intersection(one.roles)]
    if notification.item != connecting.ITEM:
        return [] if any(one.item != connecting.ITEM for one in theirs) else list(members)
    if all(one.item != connecting.ITEM for one in theirs):
        return list(members)
    own = {f"{first}:{second}" for one in along for first, second in connecting.pairs(one.link, result.subject)}
    return [
        replace(one, connections=tuple(about for about in one.connections if str(about["id"]).rpartition(":")[0] not in own))
        for one in members
    ]


def _goes_along(contact: Contact, result: EventResult, reader: Reader) -> bool:
    """Whether they hear of this leg as a traveller: it is theirs still, and they agreed to news of their journey."""
    link = reader.link
    if link is None or any(one.away in (result.subject, *result.audience) for one in link.moves):
        return False
    return any(
        consent.granted and name.startswith(f"{_JOURNEY}.") and name.endswith(f".{link.brand}")
        for name, consent in contact.facts.consents.items()
    )


def seen(result: EventResult, world: World) -> EventResult:
    """The result as members may see it; made once an event."""
    found = world.public.get(result.event)
    if found is None:
        found = world.public[result.event] = replace(
            result, external_id="", item="", data={}, refs=(), cells={}, document=None,
            state=public(result.state), previous=public(result.previous), facts=public_facts(result.facts),
        )  # fmt: skip
    return found


def scope_of(
    result: EventResult,
    reader: Reader,
    world: World,
    brand: str,
    links: Mapping[str, str],
    paper: Mapping[str, Any] | None = None,
) -> Scope:
    """The context of conditions and parameters for one reader, whoever it is. See `scope_for`."""
    if not is_member(reader):
        return scope_for(result, reader, world, brand, links, paper)
    shared = world.scopes.get((result.event, f"{ROLE} {brand}"))
    if shared is None:
        shared = shared_scope(seen(result, world), world, brand)
        world.scopes[(result.event, f"{ROLE} {brand}")] = shared
    own = _from_where_they_board(result, reader, world)
    return shared.of(connection=public(reader.connection or NO_CONNECTION, CONNECTION), **own)


def _from_where_they_board(result: EventResult, reader: Reader, world: World) -> dict[str, Any]:
    """Before a train leaves its times are those of where the traveller boards; that it left or arrived is said of the train."""
    stretch = reader.link.stretches.get(result.subject) if reader.link is not None else None
    if not stretch or result.state.get("status") in UNDER_WAY | {"arrived"}:
        return {}
    state = seen_from(seen(result, world).state, public(stretch))
    return {} if state is None else {"state": state}


def is_wanted(notification: Notification, reader: Reader) -> bool:
    """Whether they asked for so much."""
    return reader.link is None or reader.link.amount != Amount.ENDS or notification.amount == Amount.ENDS


def for_body(readers: Sequence[Reader]) -> dict[str, list[str]]:
    """What stands in the sealed body of a member's message: by which families it is theirs; nothing for any other."""
    families = list(dict.fromkeys(one.link.order for one in readers if one.link is not None and is_member(one)))
    return {FAMILIES: [str(one) for one in families]} if families else {}


def night_of(notification: Notification, readers: Sequence[Reader]) -> Night:
    """When it may come. Whoever follows one leg for two travellers, and asked for quiet nights once, has them."""
    return Night.WAIT if _is_quiet(readers) else notification.night


def deadline_of(result: EventResult, readers: Sequence[Reader], deadline_ms: int) -> int:
    """Until when it may come (ms): for who asked for quiet nights a cancellation keeps until the morning, whenever it was to
    leave. It holds still, nothing follows that would tell them, and without it they would go to the airport."""
    if result.state.get("status") != "cancelled" or not _is_quiet(readers):
        return deadline_ms
    return max(deadline_ms, result.occurred_at_ms + KEEPS_MS)


def _is_quiet(readers: Sequence[Reader]) -> bool:
    return any(one.link is not None and one.link.quiet for one in readers)
