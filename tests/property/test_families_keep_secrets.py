"""Whatever an event holds, whatever a template asks for: nothing of the booking, of another person or of a list of members stands
in what is planned for those at home.

First planning alone, with every notification that we ship and a careless one that asks for all there is, for results in which
everything that is not public is marked. Then the whole way in: orders, passes, documents, flights and trains with marked seats,
codes and names happen to a family, and everything that was sealed for its members is opened and searched.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gateway.model.contact import Address, Consent, Contact, ContactFacts, Identifier, OrderLink, Profile, Proof, Traveller
from gateway.model.event import EventType
from gateway.model.family import ROLE, Joined
from gateway.model.ids import AddressId, ContactId, SubjectId, new_address_id, random_id
from gateway.model.personal import Personal
from gateway.notifications.catalogue import load
from gateway.notifications.model import Notification
from gateway.planning.plan import draft
from gateway.planning.result import EventResult, Reader, World
from gateway.rules.question import TemplateState
from gateway.rules.relatives import CONNECTION, FACTS, STATE
from tests.integration.family_stage import Stage
from tests.support.core import House, open_house

MARK = "Zq7xMark"
ENTITY = "ZZ1007/2026-11-22/AMS"
LONG = bool(os.environ.get("LONG"))
SUBJECT = SubjectId(random_id("j", 3))
FAMILY = SubjectId(random_id("j", 4))
WORDS = st.sampled_from(("AMS", "Amsterdam", "2026-11-22T10:55:00+01:00", "ZZ", "1007", "delayed", "departed", 45, ""))
TYPES = (EventType.FLIGHT_STATUS, EventType.TRIP_STATUS, EventType.FLIGHT_BOARDINGPASS)
MARKED: Mapping[str, Any] = {"seat": MARK, "passengers": [MARK], "order": {"number": MARK}, "rebookings": [{"refs": [MARK]}]}


def parts(fields: Mapping[str, frozenset[str]]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the public fields, each with something that is not public inside, and much beside them that is not."""
    each = {
        name: st.fixed_dictionaries({part: WORDS for part in inner} | {"seat": st.just(MARK), "of": st.just({"whom": MARK})})
        if inner else WORDS
        for name, inner in fields.items()
    }  # fmt: skip
    made: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional=each).map(lambda found: {**found, **MARKED})
    return made


RESULTS = st.builds(
    EventResult,
    event=st.just("e3aaaa"), type=st.sampled_from(TYPES),
    external_id=st.just(MARK), source=st.just("/ops"), subject=st.just(SUBJECT), sequence=st.just(1),
    occurred_at_ms=st.just(1_795_344_000_000), item=st.just(MARK), changes=st.just(("departed",)), state=parts(STATE),
    previous=parts(STATE), data=st.just({**MARKED, "passenger": {"surname": MARK}, "bcbp": MARK}),
    facts=st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(FACTS), WORDS)).map(lambda found: {**found, **MARKED}),
    notifications=st.just(()), refs=st.just((SubjectId(MARK),)), audience=st.just((SUBJECT,)),
    document=st.just({"ref": MARK, "mime": "application/pdf", "filename": MARK, "page": MARK}),
)  # fmt: skip

CARELESS = """
version: 1
about: Asks for everything.
event: flight.status
when: "'departed' in changes"
roles: [family]
purpose: family
personal: false
deadline: {life_hours: 3}
parameters:
"""
ASKED = (
    "person.given_name", "person.family_name", "order.number", "passenger.key", "data.passenger.surname", "data.bcbp",
    "state.seat", "state.from.seat", "previous.seat", "facts.seat", "links.page", "links.document", "event.external_id",
    "event.item", "rebooking.id", "connection.seat", "paper.reference",
)  # fmt: skip


def careless(folder: Path) -> Notification:
    """A notification that says all it can get. No lint would pass it; `load` does."""
    (folder / "greedy").mkdir(parents=True)
    (folder / "brands.yaml").write_text((Path(__file__).parents[2] / "templates" / "brands.yaml").read_text())
    said = "".join(f"  p_{number_of(place)}: {{from: {path}}}\n" for place, path in enumerate(ASKED))
    (folder / "greedy" / "notification.yaml").write_text(CARELESS + said + "news: [p_a]\n")
    body = " and ".join(f"{{{{p_{number_of(place)}}}}}" for place in range(len(ASKED)))
    nothing = "".join(f"  p_{number_of(place)}: nothing\n" for place in range(len(ASKED)))
    (folder / "greedy" / "en.yaml").write_text(f"body: Told {body} here.\notherwise:\n{nothing}")
    found = load(folder).get("greedy")
    assert found is not None
    return found


def number_of(place: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[place]


def relative(address: AddressId, contact: ContactId, *, reached: bool) -> tuple[Contact, Reader]:
    """A member who travels with another booking besides, and in whose contact another one is known."""
    name = Personal(MARK)
    me = Traveller("me", None, None, (address,))
    known = OrderLink(
        order=SubjectId(random_id("j", 5)), number=name, kind="flight", brand="zz", source="/b", traveller="other", role="booker",
        passenger=MARK, subjects=(), until_ms=2**50, ticket=name,
    )  # fmt: skip
    mine = OrderLink(
        order=FAMILY, number=Personal(""), kind="flight", brand="zz", source="family", traveller="me", role=ROLE, passenger=None,
        subjects=(SUBJECT,), until_ms=2**50,
    )  # fmt: skip
    addresses = (Address(address, "whatsapp", (Identifier("phone", "", Personal("+447700900007")),)),) if reached else ()
    profile = Profile(addresses, (me, Traveller("other", name, name)), (known, mine), name)
    facts = ContactFacts(
        language="en", consents={"family.whatsapp.zz": Consent(True, 1), "journey.whatsapp.zz": Consent(True, 1)},
        proofs={address: (Proof.OTP, 1)},
    )  # fmt: skip
    return Contact(contact, 1, profile, facts), Reader(me, mine)


async def test_no_draft_for_those_at_home_holds_anything_that_is_not_public(
    redis: Redis, redis_url: str, data_dir: Path, tmp_path: Path
) -> None:
    async with open_house(redis_url, data_dir) as house:
        world = replace(await house.runtime.worlds.now(), now_ms=1_795_344_000_000)
    greedy = careless(tmp_path / "greedy")
    assert len(ASKED) == len(greedy.parameters)
    said: set[str] = set()

    @given(
        result=RESULTS, reached=st.booleans(), state=st.sampled_from(TemplateState),
        connection=parts(CONNECTION).map(lambda found: {**found, "id": "j3a:j3b:0", "name": "connection_at_home"}),
    )  # fmt: skip
    @settings(max_examples=400 if LONG else 10, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(result: EventResult, reached: bool, state: TemplateState, connection: Mapping[str, Any]) -> None:
        fresh: World = replace(world, scopes={}, public={}, template_state=lambda *asked: state)
        contact = ContactId(random_id("c", 3))
        who, reader = relative(new_address_id(contact), contact, reached=reached)
        readers = [replace(reader, connection=connection)]
        for notification in (*world.catalogue, greedy):
            made = draft(
                notification, who, result, readers, fresh, links={"page": MARK, "document": MARK}, document=result.document
            )
            if not notification.at_home:
                assert made is None, f"{notification.name} is not for those at home"
            if made is not None:
                assert MARK not in json.dumps(made.body, default=str), notification.name
                assert MARK not in repr(made.planned(contact, b"sealed"))
                said.add(made.notification.name + (" again" if "again" in made.body else ""))

    holds()
    assert {"greedy", "greedy again", "family_departed", "family_train_cancelled again"} <= said


async def test_whatever_happens_to_their_traveller_no_message_of_a_member_holds_a_mark(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    dice = random.Random("families")
    async with open_house(redis_url, data_dir) as house:
        await house.approve()
        stage = Stage(house)
        named = [house.recipient(one, name={"given": MARK, "family": MARK}, passenger=f"{MARK}{one}") for one in (1, 2)]
        await house.tell(house.order(*named, number=MARK))
        family = await stage.family(1)
        members = (7, 8, 9)
        for number in members:
            assert await stage.joins(family, number, name=f"{MARK} {number}") is Joined.IN
        for turn in range(120 if LONG else 12):
            house.pass_ms(dice.randrange(1000, 1_200_000))
            await house.tell(happening(house, dice, turn, named))
        found = [one for number in members for one in await house.messages(await house.find(number))]
        kinds = {one.notification for one in found}
        assert len(kinds & {"family_delayed", "family_departed", "family_cancelled", "family_landed", "family_reinstated"}) >= 3
        for record in found:
            assert record.notification.startswith("family_"), record.notification
            if record.notification != "family_group":  # the traveller's own group, with the name that they gave it
                assert MARK not in json.dumps(await house.body(record)) + repr(record), record.notification


def happening(house: House, dice: random.Random, turn: int, named: list[dict[str, Any]]) -> Any:
    """Something that happens to the flight, the order or its documents; seats, codes and names are marked."""
    leg = {"carrier": "ZZ", "flightNumber": "1007", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"}
    passenger = {"surname": MARK, "givenNames": MARK, "recordLocator": MARK, "key": f"{MARK}1", "ticketNumber": MARK}
    kind = turn % 4
    if kind == 0:
        passed = {"leg": leg, "passenger": passenger, "checkin": {"seat": MARK, "sequence": MARK}, "gate": "D7"}
        return house.event_of("flight.boardingpass", ENTITY, passed, id=f"{MARK}{turn}")
    if kind == 1 and dice.random() < 0.5:
        return house.order(*named, number=MARK, version=turn + 2, total=f"{turn}.00")
    if kind == 2 and dice.random() < 0.5:
        document = {"kind": "receipt", "id": f"{MARK}{turn}", "holder": MARK}
        return house.event_of("order.document", MARK, {"orderNumber": MARK, "brand": "zz", "document": document})
    status = dice.choice(("delayed", "scheduled", "cancelled", "scheduled", "departed", "arrived", "diverted"))
    rebooking = {"carrier": "ZZ", "flightNumber": "1009", "originDate": "2026-11-22", "refs": [MARK], "offer": "proposed"}
    more: dict[str, Any] = {"rebooking": rebooking} if status == "cancelled" else {}
    return replace(
        house.flight(status, late_min=dice.choice((0, 45, 90)), seat=MARK, passengers=[{"surname": MARK}], **more),
        external_id=f"{MARK}{turn}",
    )
