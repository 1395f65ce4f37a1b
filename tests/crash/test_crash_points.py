"""A process dies at every named place between two steps that matter, and the next one goes on.

The names are read from the sources: one without a case here fails. In one long story each case starts a process that will die
at its place, does what leads there, and sees it die; the next case's process finds what was left behind. In the end everybody was
told everything that was answered for, in the planned order, and nobody anything twice.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway import settings
from gateway.errors import SettingsError
from gateway.insight.desk_hooks import TYPES, Desks, data_of
from gateway.insight.hooks import leaves
from tests.crash.crash_stage import Victim, victim_running
from tests.support.core import ROOT, facts_of, iso
from tests.support.waiting import wait_until
from tests.unit.test_filetypes import picture, voice

FLIGHT = "ZZ4711/2026-11-22/AMS"
ABOARD = "ZZ4712/2026-11-22/AMS"
CROWD = range(301, 331)
POINT = re.compile(r"""crash_point\(["']([a-z_.]+)["']\)""")


def person(number: int) -> str:
    return f"447700900{number:03d}"


def order(victim: Victim, number: int, code: str, *, status: str = "confirmed", also: str = "") -> dict[str, Any]:
    """An order of one person as its source sends it, word for word the same when it is sent again. also: a second number"""
    if (code, status) in victim.sent:
        return victim.sent[code, status]
    recipient = victim.house.recipient(number)
    if also:
        recipient["addresses"].append({"channel": "whatsapp", "to": f"+{also}", "givenBy": "self", "proof": "otp"})
    victim.sent[code, status] = {
        "specversion": "1.0", "id": f"order-{code}-{status}", "type": "org.example.order.status.v1", "source": "/booking/orders",
        "subject": code, "time": iso(victim.house.clock.now_ms()), "datacontenttype": "application/json",
        "data": {
            "orderNumber": code, "kind": "goods", "brand": "zz", "status": status, "total": "12.00", "currency": "EUR",
            "recipients": [recipient],
        },
    }  # fmt: skip
    return victim.sent[code, status]


Case = Callable[[Victim, int], Awaitable[object]]
"""Does what leads to the place, for the person of this number."""


async def ordered(victim: Victim, number: int) -> None:
    """One order. Whoever got no answer sends it again to the next process, as sources do."""
    await victim.event(order(victim, number, f"FIRST{number}"))


async def left_behind(victim: Victim, number: int) -> None:
    """An event that another process kept and did not live to look at."""
    taken = victim.house.order(victim.house.recipient(number), number=f"FIRST{number}", kind="goods", itinerary=None)
    await victim.house.keep(taken)


async def without_news(victim: Victim, number: int) -> None:
    """Nothing to tell: the event is closed at once."""
    await victim.event(order(victim, number, f"FIRST{number}", status="processing"))


async def boarded(victim: Victim, number: int) -> None:
    """A boarding pass that is drawn, uploaded and sent."""
    name = f"FIRST{number}"
    data = {
        "leg": {"carrier": "ZZ", "flightNumber": "4712", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"},
        "passenger": {"surname": name, "givenNames": "Pat", "recordLocator": f"FLY{number}"},
        "times": {"scheduledOff": iso(victim.house.began_ms + 5 * 3600_000)},
        "bcbp": f"M1{name + '/PAT':<20}EFLY{number} AMSLHRZZ 4712 326Y012C0042 100",
    }
    await victim.house.keep(victim.house.event_of("flight.boardingpass", ABOARD, data, source="/dcs"))


async def checked_in(victim: Victim, number: int) -> None:
    """An order of a flight whose check-in is open: its moment comes at once."""
    flies = victim.house.recipient(number)
    leg = victim.house.leg(f"ZZ4{number}/2026-11-22/AMS")
    await victim.house.keep(victim.house.order(flies, number=f"FIRST{number}", itinerary=[leg]))


async def by_stream(victim: Victim, number: int) -> None:
    value = json.dumps(order(victim, number, f"FIRST{number}"))
    await victim.house.redis.xadd("thuisfront:events", {"event": value})


async def wrote(victim: Victim, number: int) -> None:
    await victim.says(person(number), f"Where is parcel {number}?")


async def stopped(victim: Victim, number: int) -> None:
    await victim.says(person(number), "stop")


async def replied(victim: Victim, number: int) -> int:
    """The agent's words, under the same key whenever they are sent: the answer's status."""
    return (await command(victim, number, "reply", text=f"It is on its way, {number}."))[0]


async def taken(victim: Victim, number: int) -> int:
    """An agent takes what waits, under the same key whenever it is asked: the answer's status."""
    return (await command(victim, number, "take"))[0]


async def pictured(victim: Victim, number: int) -> None:
    """A picture of theirs, fetched from the channel."""
    data = base64.b64encode(picture("JPEG")).decode()
    await victim.says(person(number), image={"data": data, "mime": "image/jpeg"})


async def sounded(victim: Victim, number: int) -> int:
    """The agent's words with a sound, which takes no caption: two messages, under the same key whenever they are sent."""
    found = await conversation(victim, number)
    path = f"/v1/conversations/{found['id']}/files?agent={victim.agent}"
    headers = {"Idempotency-Key": f"sound-{number}", "Content-Type": "audio/ogg"}
    status, taken_up = await victim.post(path, voice(2), **headers)
    assert status == 201, taken_up
    return (await command(victim, number, "reply", text=f"It is on its way, {number}.", file=taken_up["file"]))[0]


async def unreachable(victim: Victim, number: int) -> None:
    """Their first number has no account there any more: the second is tried."""
    await victim.event(order(victim, number, f"FIRST{number}", also=person(number + 500)))


async def crowd(victim: Victim, number: int) -> None:
    """News for more people than are told at once."""
    late = victim.house.flight(late_min=40, entity=FLIGHT)
    await victim.house.keep(late)


CASES: dict[str, Case] = {
    "send.before": ordered,
    "send.after": ordered,
    "claim.made": ordered,
    "document.made": boarded,
    "document.uploaded": boarded,
    "settle.done": ordered,
    "fan.planned": ordered,
    "fan.opened": crowd,
    "event.kept": ordered,
    "event.applied": ordered,
    "order.taken": ordered,
    "event.told": ordered,
    "event.closed": without_news,
    "source.kept": by_stream,
    "way.planned": unreachable,
    "event.begun": left_behind,
    "moment.came": checked_in,
    "webhook.kept": wrote,
    "webhook.split": wrote,
    "item.begun": wrote,
    "item.applied": wrote,
    "stop.withdrawn": stopped,
    "command.done": replied,
    "slot.reserved": taken,
    "slot.bound": taken,
    "slot.settled": taken,
    "media.fetched": pictured,
    "reply.words": sounded,
}
"""What takes longest to be taken up again comes first."""
SOME = (
    "send.before", "send.after", "document.uploaded", "settle.done", "fan.planned", "event.kept", "event.applied",
    "webhook.kept", "item.applied", "command.done",
)  # fmt: skip
"""Those that the quick run dies at; the long one dies at all of them."""
NUMBERS = {name: 101 + place for place, name in enumerate(CASES)}


def points() -> Counter[str]:
    return Counter(name for path in (ROOT / "gateway").rglob("*.py") for name in POINT.findall(path.read_text("utf-8")))


def test_every_place_has_a_case_and_stands_once() -> None:
    assert points() == Counter(list(CASES))


def test_production_refuses_to_die_on_purpose() -> None:
    with pytest.raises(SettingsError) as refused:
        settings.read({"GATEWAY_ENV": "production", "GATEWAY_CRASH_AT": "event.kept"}, None)
    assert any("GATEWAY_CRASH_AT" in problem for problem in refused.value.problems)


async def conversations(victim: Victim, asked: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await victim.get(f"/v1/conversations{asked}"))["conversations"]
    return found


async def conversation(victim: Victim, number: int) -> dict[str, Any]:
    """The only conversation of a person, with its thread."""
    contact = await victim.house.find(number)
    listed = [one for asked in ("", f"?agent={victim.agent}") for one in await conversations(victim, asked)]
    (found,) = [one for one in listed if one["contact"] == contact]
    whole: dict[str, Any] = await victim.get(f"/v1/conversations/{found['id']}")
    return whole


async def command(victim: Victim, number: int, what: str, **body: Any) -> tuple[int, Any]:
    found = await conversation(victim, number)
    agent = victim.agent
    path = f"/v1/conversations/{found['id']}/{what}"
    return await victim.post(path, {"agent": agent, "epoch": found["epoch"], **body}, **{"Idempotency-Key": f"{what}-{number}"})


@pytest.fixture
async def victim(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[Victim]:
    async with victim_running(redis_url, data_dir) as made:
        yield made


@pytest.mark.timeout(300)
@pytest.mark.parametrize("names", [SOME, pytest.param(tuple(CASES), marks=pytest.mark.long)], ids=["some", "all"])
async def test_whichever_place_a_process_dies_at_the_next_one_goes_on(victim: Victim, names: tuple[str, ...]) -> None:
    cases = {name: CASES[name] for name in names}
    await beforehand(victim, cases)
    for name, case in cases.items():
        number = NUMBERS[name]
        await victim.house.take_webhooks()  # an item that is begun when its worker dies three times is parked, and rightly
        await victim.start(name)
        await case(victim, number)
        await until_dead(victim, name)
    await victim.start()
    for name, case in cases.items():
        if case is ordered:  # its source got no answer, or cannot know that it got one
            assert await victim.event(order(victim, NUMBERS[name], f"FIRST{NUMBERS[name]}")) == 202
        if case is replied:  # its agent saw no answer either
            assert await replied(victim, NUMBERS[name]) == 200
        if case is taken:
            assert await taken(victim, NUMBERS[name]) == 200
        if case is sounded:
            assert await sounded(victim, NUMBERS[name]) == 200
    for name, case in cases.items():  # and what comes afterwards
        also = person(NUMBERS[name] + 500) if case is unreachable else ""
        assert await victim.event(order(victim, NUMBERS[name], f"SECOND{NUMBERS[name]}", also=also)) == 202
    for name, case in cases.items():
        await as_it_should_be(victim, NUMBERS[name], case)
    await told_once(victim)
    assert await victim.house.parked() == []


async def told_once(victim: Victim) -> None:
    """Another program that hears of conversations hears of each thing once, in an order that grows."""
    desks = Desks(everything=True)
    facts = [fact for fact in await facts_of(victim.house.redis) if fact.kind in TYPES and leaves(fact, desks)]
    causes: Counter[tuple[object, ...]] = Counter()
    last: dict[str, int] = {}
    for fact in facts:
        if not fact.id_of("v"):
            continue
        data = data_of(fact, desks, "")
        assert data["sequence"] > last.get(data["conversation_id"], 0), fact
        last[data["conversation_id"]] = data["sequence"]
        about = data.get("message_id") or data.get("media_id") or data["epoch"]
        causes[TYPES[fact.kind], data["conversation_id"], about, data.get("change")] += 1
    assert [cause for cause, count in causes.items() if count > 1] == []
    assert {"conversation.opened", "conversation.assigned", "message.received", "message.added"} <= {one[0] for one in causes}


async def beforehand(victim: Victim, cases: Mapping[str, Case]) -> None:
    """Everybody has a phone. Those who write or are answered have ordered and written before; one is being answered."""
    house = victim.house
    for name, case in cases.items():
        await victim.handset(person(NUMBERS[name]), on_whatsapp=case is not unreachable)
    if unreachable in cases.values():
        await victim.handset(person(NUMBERS["way.planned"] + 500))
    if crowd in cases.values():
        for number in CROWD:
            await victim.handset(person(number))
        await house.tell(house.order(*map(house.recipient, CROWD), number="CROWD1", itinerary=[house.leg(FLIGHT)]))
    for name, case in cases.items():
        if case is boarded:
            flies = house.recipient(NUMBERS[name], name={"given": "Pat", "family": f"FIRST{NUMBERS[name]}"})
            leg = house.leg(ABOARD)
            await house.tell(house.order(flies, number=f"FLY{NUMBERS[name]}", status="processing", itinerary=[leg]))
    await victim.start()
    known = [NUMBERS[name] for name, case in cases.items() if case in (wrote, stopped, replied, taken, pictured, sounded)]
    for number in known:
        assert await victim.event(order(victim, number, f"ZERO{number}")) == 202
    for number in known:
        await until_shown(victim, number, "ZERO")
        await victim.says(person(number), "hello")

    async def heard() -> bool:
        return len(await conversations(victim)) == len(known)

    await wait_until(heard, timeout=20)
    for name, case in cases.items():
        if case in (replied, sounded):
            assert (await command(victim, NUMBERS[name], "take"))[0] == 200
    victim.end()


async def until_dead(victim: Victim, name: str) -> None:
    """The process came to its place; drawing a document in a process of its own takes longest."""
    try:
        await wait_until(victim.dead, timeout=30)
    except AssertionError:
        log = (victim.data_dir / "victim.log").read_text()[-1500:]
        raise AssertionError(f"still alive, not at {name}\n{await story(victim, NUMBERS[name])}\n{log}") from None


async def shown(victim: Victim, number: int, words: str) -> int:
    """How many messages with these words a phone shows."""
    return sum(1 for one in await victim.phone(person(number)) if words in str(one))


async def until_shown(victim: Victim, number: int, words: str) -> None:
    try:
        await wait_until(lambda: shown(victim, number, words), timeout=60)
    except AssertionError as error:
        log = (victim.data_dir / "victim.log").read_text()[-1500:]
        raise AssertionError(f"{words} of {number}: {error}\n{await story(victim, number)}\n{log}") from None


async def as_it_should_be(victim: Victim, number: int, case: Case) -> None:
    """Everything once, in planned order; what was not sent says why."""
    second = number + 500 if case is unreachable else number
    if case is crowd:
        for one in CROWD:
            await until_shown(victim, one, "flight_delayed")
            assert [await shown(victim, one, words) for words in ("CROWD1", "flight_delayed")] == [1, 1]
        return
    if case is stopped:
        await until_shown(victim, number, "Stopped")
        await wait_until(lambda: suppressed(victim, number), timeout=40)
        assert (await shown(victim, number, "Stopped"), await shown(victim, number, "SECOND")) == (1, 0)
        return
    await until_shown(victim, second, f"SECOND{number}")
    if case is checked_in:
        await wait_until(lambda: checkins(victim, number), timeout=40)
        assert await checkins(victim, number) == 1
    if case in (ordered, boarded, by_stream, left_behind, unreachable, checked_in):
        await until_shown(victim, second, f"FIRST{number}")
        assert await shown(victim, second, f"FIRST{number}") == 1
    if case is replied and not await asked(victim, number):
        assert await shown(victim, number, "on its way") == 1, await story(victim, number)
    if case is sounded:
        await until_shown(victim, number, "audio")
        # Whose words were on the wire when the process died is asked, as above.
        arrived = [await shown(victim, number, words) for words in ("on its way", "audio")]
        assert arrived == [1, 1] or (await asked(victim, number) and arrived == [0, 1]), await story(victim, number)
    if case is pictured:
        await wait_until(lambda: pictures(victim, number), timeout=40)
        assert await pictures(victim, number) == 1
    if case is taken:
        assert (await conversation(victim, number))["agent"] == victim.agent
        assert await slots_held(victim) == {one["id"] for one in await conversations(victim, f"?agent={victim.agent}")}
    if case is wrote:
        # Their words come by a webhook, the news by an event: neither waits for the other.
        await wait_until(lambda: lines(victim, number, f"parcel {number}"), timeout=40)
        assert await lines(victim, number, f"parcel {number}") == 1
    assert await shown(victim, second, f"SECOND{number}") == 1
    await in_planned_order(victim, number, second)


async def slots_held(victim: Victim) -> set[str]:
    """The conversations that take a slot of the agent's and are not merely reserved."""
    return {name.decode() for name in await victim.house.redis.hgetall(f"{{desk}}slots:{victim.agent}") if name[:2] != b"r:"}


async def lines(victim: Victim, number: int, words: str) -> int:
    """How many lines of their thread hold these words."""
    thread = (await conversation(victim, number))["thread"]
    return sum(words in str(line.get("text")) for line in thread)


async def pictures(victim: Victim, number: int) -> int:
    """How many pictures of theirs the desk can show."""
    thread = (await conversation(victim, number))["thread"]
    return sum(one["state"] == "unscanned" for line in thread for one in line["media"])


async def checkins(victim: Victim, number: int) -> int:
    return (await victim.house.told(number)).count("checkin_open")


async def story(victim: Victim, number: int) -> str:
    """What happened to a person's messages, for whoever reads a failure."""
    contact = await victim.house.find(number)
    ids = {str(contact)} | {str(one.id) for one in await victim.house.messages(contact)}
    facts = [fact for fact in await facts_of(victim.house.redis) if ids & set(fact.ids)]
    return "\n".join(f"{fact.at_ms} {fact.kind} {' '.join(fact.ids)} {fact.detail}" for fact in facts)


async def asked(victim: Victim, number: int) -> bool:
    """Whether the dying process had just begun to send the agent's words: then the agent is asked, and nothing sent alone."""
    contact = await victim.house.find(number)
    return any(one.reason == "uncertain_ask" for one in await victim.house.messages(contact))


async def suppressed(victim: Victim, number: int) -> bool:
    contact = await victim.house.find(number)
    return any(one.reason == "withdrawn" for one in await victim.house.messages(contact))


async def in_planned_order(victim: Victim, number: int, phone: int) -> None:
    """The messages of a phone stand on it as they were planned; urgent ones and agents' may pass."""
    contact = await victim.house.find(number)
    planned = {str(one.id): one for one in await victim.house.messages(contact)}
    arrived = [planned[str(one["opaque"]).partition(".")[0]] for one in await victim.phone(person(phone))]
    for priority in {one.priority for one in arrived}:
        mine = [one.sequence for one in arrived if one.priority == priority]
        assert mine == sorted(mine)
