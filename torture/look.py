"""What everybody who saw something says, put together for the count: sources, world, balancer, desk, fire, and the facts."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.app import open_runtime
from gateway.model.message import OnUncertain
from torture import cast as casts
from torture import handsets, ledger, stage
from torture.balancer import Balancer
from torture.cast import Cast
from torture.desk import Desk
from torture.fire import Fire
from torture.house import House
from torture.producers import Producers
from torture.seen import Seen, Step, Told
from torture.stops import Stops
from torture.witness import Witness


@dataclass(frozen=True, slots=True)
class Witnesses:
    producers: Producers
    balancer: Balancer
    desk: Desk
    fire: Fire
    stops: Stops
    witness: Witness


async def look(house: House, whole: Cast, all_of: Witnesses, *, rested: bool) -> Seen:
    """rested: whether nothing was left to do in the time that a house may take for it. Raises StoreUnavailable."""
    await all_of.witness.look()
    async with open_runtime(ledger.settings_of(house.environment)) as runtime:
        steps = await ledger.Reader(runtime).more()
        parked = await ledger.set_aside(runtime)
        waiting = (await ledger.waiting(runtime)).messages
        ends = {one.name: frozenset(one.ends) for one in runtime.catalogue}
        drops = frozenset(one.name for one in runtime.catalogue if one.on_uncertain is OnUncertain.DROP)
    producers, balancer, desk, fire = all_of.producers, all_of.balancer, all_of.desk, all_of.fire
    odd = [*desk.odd, *balancer.odd]
    if all_of.witness.missed:
        odd.append(f"{all_of.witness.missed} requests of the world were forgotten before anybody looked")
    return Seen(
        told=[_told(one, producers, whole) for one in whole.all],
        steps=steps,
        bubbles=handsets.read(house.directory / "world", stage.PAGE),
        evidence=dict(balancer.evidence),
        homes=_homes(whole, producers, steps),
        ends=ends,
        waiting=waiting,
        replies=list(desk.replies),
        odd=odd,
        rested=rested,
        parked=parked,
        evidence_ms=int(house.environment["GATEWAY_EVIDENCE_MS"]),
        answers=dict(all_of.witness.answers),
        drops=drops,
        kills=fire.kills,
        pauses=fire.pauses,
        silences=all_of.stops.silences(balancer),
        brakes=all_of.stops.brakes,
        tried=_tried(all_of),
    )


def _tried(all_of: Witnesses) -> dict[str, int]:
    """All that a fire is made of, and how often it burnt. The shortest runs have no time for an operator."""
    tried = {
        "kills": len(all_of.fire.kills),
        "processes stood still": len(all_of.fire.pauses),
        "answers lost or refused": all_of.witness.refused,
        "webhooks doubled": all_of.balancer.doubled,
        "people who said STOP": len(all_of.stops.said),
    }
    if all_of.fire.sizes.brakes:
        tried["stops by an operator"] = len(all_of.stops.brakes)
    return tried


def _told(event: casts.Event, producers: Producers, whole: Cast) -> Told:
    sent = producers.sent.get(event.name)
    home = next((f"{one.channel}:{one.address}" for one in whole.people if one.customer == event.person), "")
    return Told(
        name=event.name,
        subject_name=event.subject,
        version=event.version,
        event=sent.event if sent else "",
        subject=sent.subject if sent else "",
        answered_ms=sent.answered_ms if sent else 0,
        person=home,
        marks=event.marks,
        sure=event.sure,
        odd=tuple(sent.odd) if sent else (),
        follows=event.follows,
    )


def _homes(whole: Cast, producers: Producers, steps: list[Step]) -> dict[str, str]:
    """Contact -> the handset of its person, by the booking that brought them: facts say who follows which order."""
    of_order: dict[str, str] = {}
    people = {one.customer: one for one in whole.people}
    for event in whole.all:
        sent = producers.sent.get(event.name)
        if sent and sent.subject and event.person and event.subject == people[event.person].order:
            of_order[sent.subject] = f"{people[event.person].channel}:{people[event.person].address}"
    return {one.contact: of_order[one.subject] for one in steps if one.kind == "subscribed" and one.subject in of_order}
