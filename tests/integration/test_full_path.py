"""The whole path over real HTTP on both sides, with a real Valkey: event in, message on the handset, statuses back, answer in,
agent's reply out, and `trace` tells the whole story."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.trace import trace
from gateway.insight.history import open_history
from gateway.model.conversation import AgentId
from gateway.model.ids import ConversationId
from gateway.model.webcare import AgentStatus
from gateway.store.agents import Agents
from gateway.store.facts import START, Facts
from gateway.store.presence import PresenceBook
from tests.support.house import NOON, House, house_running
from tests.support.waiting import wait_until

EVA, TOM, NOOR = "+447700900123", "+447700900124", "+447700900125"


@pytest.mark.timeout(120)
async def test_an_event_reaches_a_phone_and_an_answer_reaches_a_person(data_dir: Path) -> None:
    async with house_running(data_dir) as house:
        status, answer = await house.event("ce-order-confirmed-flight.json")
        assert status == 202, answer
        assert (await house.told(EVA, "order_confirmed_v1"))["template"]["language"] == "nl"

        status, answer = await house.event("ce-flight-delayed.json")
        assert status == 202, answer
        delayed = await house.told(EVA, "flight_delayed_v1")
        assert "11:40" in delayed["body"]
        assert "10:55" in delayed["body"]
        assert (await house.told(TOM, "flight_delayed_v1"))["template"]["language"] == "en"

        async def read() -> bool:
            return (await house.told(EVA, "flight_delayed_v1"))["ticks"] == "read"

        await wait_until(read, timeout=15)
        message = delayed["opaque"].partition(".")[0]
        assert house.runtime is not None

        async def known_as_read() -> bool:
            assert house.runtime is not None
            found = await house.runtime.outbox.record(message)
            return found is not None and int(found[0].status) == 3

        await wait_until(known_as_read, timeout=15)

        await house.says(EVA, text="Haal ik mijn aansluiting nog?", reply_to=delayed["id"])
        conversation = await _waiting(house)
        agent = Agents(house.runtime.connection.redis, house.runtime.clock, house.runtime.vault).agent_id("sanne")
        for command, body in (("take", {}), ("reply", {"text": "Ja, u haalt het ruim."}), ("finish", {})):
            status, conversation = await house.post(
                f"/v1/conversations/{conversation['id']}/{command}",
                {"agent": agent, "epoch": conversation["epoch"], **body},
                **{"Idempotency-Key": f"key-{command}-1"},
            )
            assert status == 200, conversation
        replied: list[dict[str, object]] = []

        async def answered() -> bool:  # beside the news of the day, such as that she can check in
            replied[:] = [one for one in await house.received(EVA) if one["body"] == "Ja, u haalt het ruim."]
            return bool(replied)

        await wait_until(answered, timeout=15)
        assert [one["template"] for one in replied] == [None]
        status, thread = await house.get(f"/v1/conversations/{conversation['id']}")
        theirs = next(line for line in thread["thread"] if line["kind"] == "in")
        assert theirs["answers"], "the desk sees which message is answered"
        await _given_to_who_is_here(house, agent)

        await _trace_tells(house, message, ["planned", "accepted", "delivered", "read"])
        await _trace_tells(house, "ZX7K2P", ["order"])
        await _trace_tells(house, "ZZ1007/2026-11-22/AMS", ["flight"])


async def _given_to_who_is_here(house: House, agent: AgentId) -> None:
    """Somebody whose flight leaves in 100 minutes writes: an agent who is here has them within a second, and why can be read."""
    assert house.runtime is not None
    await house.turn_clock(NOON + timedelta(hours=1))
    presence = PresenceBook(house.runtime.connection.redis, house.runtime.clock)
    await presence.choose(agent, AgentStatus.AVAILABLE)
    await house.says(TOM, text="Which gate do we leave from?")
    found: dict[str, Any] = {}

    async def given() -> bool:
        _, value = await house.get(f"/v1/conversations?agent={agent}")
        found.update(next((one for one in value["conversations"] if one["state"] == "assigned"), {}))
        return bool(found)

    await wait_until(given, timeout=10)
    one = await house.runtime.conversations.get(ConversationId(found["id"]))
    assert one.owner_since_ms - one.queued_ms <= 1500, "looked at on the feed, at the latest each second"
    status, why = await house.get(f"/v1/conversations/{one.id}/decisions")
    assert status == 200
    (decision,) = why["decisions"]
    assert (decision["agent"], decision["how"], decision["boost"]) == (agent, "idle", "departs_soon")
    assert (decision["candidates"], decision["left_out"], decision["plan"]) == ([agent], [], "plain")


async def _waiting(house: House) -> dict[str, object]:
    found: list[dict[str, object]] = []

    async def there() -> bool:
        _, value = await house.get("/v1/conversations?queue=general")
        found[:] = value["conversations"]
        return bool(found)

    await wait_until(there, timeout=15)
    return found[0]


async def _trace_tells(house: House, identifier: str, expected: list[str]) -> None:
    runtime = house.runtime
    assert runtime is not None
    history = await open_history(runtime.settings.history_url)
    try:
        facts = Facts(runtime.connection.redis)
        text = str(await trace(identifier, vault=runtime.vault, facts=facts, history=history)).lower()
    finally:
        await history.close()
    for word in expected:
        assert word in text, (word, text)
    assert "python main.py" in text, "the next useful command"
    for personal in ("447700900", "jansen", "haalt het"):
        assert personal not in text


@pytest.mark.timeout(120)
async def test_a_stop_takes_effect_before_anything_else_and_is_confirmed(data_dir: Path) -> None:
    async with house_running(data_dir) as house:
        await house.event("ce-order-confirmed-flight.json")
        await house.told(EVA, "order_confirmed_v1")
        await house.says(EVA, text="Stop")

        async def confirmed() -> bool:
            return any(one["template"] is None for one in await house.received(EVA))

        await wait_until(confirmed, timeout=15)
        await house.event("ce-flight-delayed.json")
        await house.told(TOM, "flight_delayed_v1")
        assert (await house.received(EVA))[-1]["template"] is None, "nothing after a stop"
        _, value = await house.get("/v1/conversations?queue=general")
        assert value["conversations"] == [], "a stop is no question"


@pytest.mark.timeout(120)
async def test_an_area_outage_reaches_those_in_it_and_its_end_those_who_were_told(data_dir: Path) -> None:
    async with house_running(data_dir, at=NOON - timedelta(hours=1, minutes=30)) as house:
        await house.event("ce-order-confirmed-service.json")
        await house.event("ce-outage-started.json")
        started = (await house.wait_for(NOOR, 1))[0]
        assert started["template"]["name"] == "outage_started_v1"
        await house.event("ce-outage-resolved.json")
        fixed = (await house.wait_for(NOOR, 2))[1]
        assert fixed["template"]["name"] == "outage_fixed_v1"


@pytest.mark.timeout(120)
async def test_nobody_outside_the_list_is_written_to_replies_too(data_dir: Path) -> None:
    async with house_running(data_dir, GATEWAY_ONLY_TO=TOM) as house:
        await house.handset(EVA, "eva")
        await house.event("ce-order-confirmed-flight.json")
        await house.event("ce-flight-delayed.json")
        await house.wait_for(TOM, 1)
        await house.says(EVA, text="Mijn koffer is kapot, wie betaalt dat?")
        conversation = await _waiting(house)
        assert house.runtime is not None
        agent = Agents(house.runtime.connection.redis, house.runtime.clock, house.runtime.vault).agent_id("sanne")
        for command, body in (("take", {}), ("reply", {"text": "Nee."})):
            status, conversation = await house.post(
                f"/v1/conversations/{conversation['id']}/{command}",
                {"agent": agent, "epoch": conversation["epoch"], **body},
                **{"Idempotency-Key": f"key-{command}-2"},
            )
            assert status == 200, conversation

        async def ended() -> bool:
            assert house.runtime is not None
            raw = await house.runtime.outbox.record(conversation["message"] or replied)
            return raw is not None and raw[0].reason == "only_to"

        replied = str(conversation.get("message"))
        _, thread = await house.get(f"/v1/conversations/{conversation['id']}")
        replied = next(line["message"] for line in thread["thread"] if line["kind"] == "out")
        conversation = {**conversation, "message": replied}
        await wait_until(ended, timeout=15)
        sent_to = {request["body"].get("to") for request in await house.graph_requests()}
        assert sent_to <= {TOM}, "the channel never heard of anybody else"


@pytest.mark.timeout(120)
async def test_what_falls_into_the_night_waits_for_the_morning_of_the_place(data_dir: Path) -> None:
    async with house_running(data_dir, at=NOON - timedelta(hours=5)) as house:
        await house.event("ce-flight-delayed.json")
        await house.event("ce-order-confirmed-flight.json")
        await house.event("ce-flight-gate-changed.json")
        assert house.runtime is not None

        async def waits() -> bool:
            assert house.runtime is not None
            return await house.runtime.outbox.depth(house.runtime.directory.ids) >= 3

        await wait_until(waits, timeout=15)
        assert await house.received(EVA) == []
        await house.turn_clock(NOON)
        morning = await house.wait_for(TOM, 2)
        names = [bubble["template"]["name"] for bubble in morning]
        assert sorted(names) == ["flight_delayed_v1", "gate_changed_v1"], "a newcomer is told what still holds"


@pytest.mark.timeout(120)
@pytest.mark.long
async def test_a_message_waits_for_the_first_reading_of_the_templates(data_dir: Path) -> None:
    names = ("intake", "dispatch")
    async with house_running(data_dir, names=names, read_templates=False) as house:
        assert house.runtime is not None
        runtime = house.runtime
        await runtime.connection.redis.delete(*(f"templates:{sender}" for sender in runtime.directory.ids))
        await house.event("ce-order-confirmed-flight.json")

        async def waits() -> bool:
            told = await Facts(runtime.connection.redis).unfolded(dict.fromkeys(range(64), START))
            return any(fact.kind == "later" for fact in told)

        await wait_until(waits, timeout=15)
        assert await house.received(EVA) == []
        await house.read_templates()
        await house.told(EVA, "order_confirmed_v1")
