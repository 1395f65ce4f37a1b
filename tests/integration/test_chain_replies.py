"""From an agent's words to the POST that says them, and from a channel's word to what waited for it: nobody looks everywhere.

A look at all partitions costs more than all the rest of the way, and comes back by one wake that names nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.model.conversation import Agent, AgentId, InboundEntry
from gateway.model.ids import AddressId, ConversationId
from gateway.model.personal import Personal
from gateway.surface import webcare_deps
from gateway.wake import Ready
from gateway.webcare import commands
from tests.integration.chain_stage import AT_ONCE, World, world_running
from tests.support.core import SENDER, House, open_house
from tests.support.meta import inbound, inbound_text, status_of, webhook
from tests.support.trips import Trip, Trips, in_a_row, recorded
from tests.support.waiting import wait_until

WRITER = "447700900101"
REPLIES = 6


@dataclass
class Desk:
    house: House
    world: World
    agent: Agent
    conversation: ConversationId

    async def reply(self, number: int) -> tuple[float, float]:
        """(when the agent pressed the key, when it was on the wire)"""
        deps, already, began = webcare_deps(self.house.runtime), len(self.world.came), time.monotonic()
        body = {"epoch": 2, "text": f"answer {number}"}
        done, _ = await commands.run(deps, self.agent, self.conversation, "reply", f"r{number}", body)
        assert done.message
        await wait_until(partial(_more, self.world, already))
        return began, self.world.came[already]


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path, world: tuple[World, str]) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir, world[1]) as made:
        yield made


@pytest.fixture
async def world() -> AsyncIterator[tuple[World, str]]:
    async with world_running() as running:
        yield running


@asynccontextmanager
async def answering(house: House, world: World) -> AsyncIterator[Desk]:
    """Somebody wrote and an agent has taken it; dispatch runs as it does in a process."""
    runtime = house.runtime
    await house.tell(house.order(house.recipient(101), status="processing"))
    contact = await house.contact_of(101)
    address = contact.profile.addresses[0].id
    agent = Agent(AgentId("g0000000000000001"), Personal("ann"), Personal("Ann Berg"))
    conversation = await wrote(house, address)
    await commands.run(webcare_deps(runtime), agent, conversation, "take", "t1", {"epoch": 1})
    stopping = asyncio.Event()
    dispatch = asyncio.create_task(house.make_dispatcher().run(stopping, 5.0))
    try:
        yield Desk(house, world, agent, conversation)
    finally:
        stopping.set()
        runtime.wake.here("dispatch")
        async with asyncio.timeout(10):
            await dispatch


async def wrote(house: House, address: AddressId) -> ConversationId:
    runtime, now = house.runtime, house.clock.now_ms()
    contact = await house.contact_of(101)
    await runtime.contacts.open_window(contact.id, SENDER, address, now)
    said = InboundEntry("k1", "text", Personal("where is my bag?"), now)
    return await runtime.conversations.add_inbound(contact.id, "zz", address, SENDER, item=said)


def _more(world: World, than: int) -> bool:
    return len(world.came) > than


def _quiet(trips: Trips) -> bool:
    last = max((one.ended for one in trips.made), default=0.0)
    return time.monotonic() - last > 0.05


def wide(chain: list[Trip]) -> list[Trip]:
    return [one for one in chain if len({key[:6] for key in one.keys}) > AT_ONCE]


async def test_from_an_agents_words_to_their_post_nobody_looks_at_all_partitions(
    house: House, world: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chains = []
    with recorded(monkeypatch) as trips:
        async with answering(house, world[0]) as desk:
            await wait_until(lambda: bool(trips.made) and _quiet(trips))
            for number in range(REPLIES):
                chains.append(trips.between(*await desk.reply(number)))
                await wait_until(lambda: _quiet(trips))
    assert min(len(wide(chain)) for chain in chains) == 0, "each looked everywhere"
    best = min((in_a_row([one for one in chain if one.writes]) for chain in chains), key=len)
    # The desk is told beside the claim: which of the two counts as in a row is chance, that it is one is not.
    first, second = [name for one in best for name in one.writes]
    assert (first, second in ("outbox_claim", "conv_desk")) == ("conv_reply", True)


@pytest.fixture
def woken(house: House, monkeypatch: pytest.MonkeyPatch) -> list[list[Ready]]:
    """What dispatch was woken with, time by time."""
    found: list[list[Ready]] = []
    now = house.runtime.wake.now

    def noted(topic: str, hints: Sequence[Ready] = ()) -> None:
        if topic == "dispatch":
            found.append(list(hints))
        now(topic, hints)

    monkeypatch.setattr(house.runtime.wake, "now", noted)
    return found


async def take(house: House, *values: dict[str, Any]) -> None:
    await house.runtime.webhooks.append("whatsapp", webhook(*values))
    await house.take_webhooks()


async def test_a_status_names_the_partition_whose_lane_it_frees(house: House, woken: list[list[Ready]]) -> None:
    await house.tell(house.order(house.recipient(101)))
    (claimed,) = await house.claim_all()
    woken.clear()
    await take(house, status_of(house, claimed, "delivered", "wamid.EARLY", phone=WRITER))
    assert woken == [[Ready.look(claimed.partition, claimed.sender)]]
    await take(house, status_of(house, claimed, "delivered", "wamid.EARLY", phone=WRITER))
    assert len(woken) == 1, "said twice it frees nothing"


async def test_what_is_said_to_a_stop_word_is_named_and_words_alone_wake_nobody(
    house: House, woken: list[list[Ready]]
) -> None:
    await house.tell(house.order(house.recipient(101), status="processing"))
    await house.dispatch()
    woken.clear()
    await take(house, inbound_text(house, WRITER, "where is my bag?"))
    assert woken == [], "it is for a person: nothing to send yet"
    await take(house, inbound_text(house, WRITER, "stop"))
    ((ready,),) = woken
    (said,) = [one for one in await house.messages() if one.id == ready.message]
    assert (said.notification, said.state.value, said.sender) == ("stop_confirmed", "q", ready.sender)


async def test_what_waited_for_their_yes_is_named_when_it_may_go(house: House, woken: list[list[Ready]]) -> None:
    await house.tell(house.order(house.recipient(101, proof=None)))
    (waiting,) = [one for one in await house.messages() if one.state.value == "s"]
    woken.clear()
    await take(house, inbound(house, WRITER, {"type": "button", "button": {"payload": "address_check/yes", "text": "Yes"}}))
    assert [[ready.message for ready in hints] for hints in woken] == [[waiting.id]]
