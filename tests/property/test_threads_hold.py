"""What people, a channel's inbox and programs say in one thread ends the same, in whatever order, however often it is heard."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.conversation import ConversationState, InboundEntry, OutsideEntry
from gateway.model.ids import SenderId, new_address_id, new_contact_id
from gateway.model.personal import Personal
from gateway.store.conversations import Conversations
from gateway.store.vault import KeyRing, Vault
from tests.support.server import StoreServer

SENDER = SenderId("zz-me")


@dataclass(frozen=True)
class Heard:
    """what: said, inbox, program, edit (of the `of`th thing, if that was said). place: the order in which it happened."""

    what: str
    place: int
    of: int = 0
    edits: int = 0


@st.composite
def days(draw: st.DrawFn) -> list[Heard]:
    """What happened, in this order; the first thing is something said."""
    found = [Heard("said", 0)]
    counts: dict[int, int] = {}
    for place in range(1, draw(st.integers(2, 9))):
        what = draw(st.sampled_from(["said", "said", "inbox", "program", "edit"]))
        if what == "edit":
            of = draw(st.sampled_from([one.place for one in found if one.what == "said"]))
            counts[of] = counts.get(of, 0) + 1
            found.append(Heard(what, place, of, counts[of]))
        else:
            found.append(Heard(what, place))
    return found


async def ending(redis: Any, heard: list[Heard]) -> tuple[Any, ...]:
    """How a person's conversation stands after this was heard, in this order."""
    clock = Clock()
    store = Conversations(redis, clock, Vault(KeyRing(KeyRing.generate()), redis))
    contact = new_contact_id()
    address, began = new_address_id(contact), clock.now_ms() - 3_600_000
    conversation = None
    for one in heard:
        at, text = began + one.place * 1000, Personal(f"{one.what} {one.place}")
        if one.what in ("said", "edit"):
            of = f"said{one.of}" if one.what == "edit" else ""
            item = InboundEntry(f"{one.what}{one.place}", "text", text, at, edit_of=of, edits=one.edits)
            conversation = await store.add_inbound(contact, "zz", address, SENDER, item=item)
        else:
            outside = OutsideEntry(f"o{one.place}", "text", text, at, one.what == "inbox")
            conversation = await store.outside.add(contact, "zz", address, SENDER, outside)
    assert conversation is not None
    found = await store.get(conversation)
    assert found.state is ConversationState.QUEUED, "whoever answered: nobody of ours looked at it"
    assert found.waiting_since_ms is not None
    assert await store.of_contact(contact) == [conversation], "one conversation, whatever comes first"
    lines = await store.thread(found)
    return (
        found.answered,
        found.waiting_since_ms - began,
        found.last_in_ms - began,
        max(found.last_out_ms, began) - began,
        max(found.answered_ms, began) - began,
        sorted((line.at_ms - began, line.text.reveal(), [one.text.reveal() for one in line.versions]) for line in lines),
    )


async def _same(url: str, happened: list[Heard], seed: int) -> None:
    redis = Redis.from_url(url)
    try:
        await redis.flushall()
        expected = await ending(redis, happened)
        shuffled = happened * 2
        random.Random(seed).shuffle(shuffled)
        assert await ending(redis, shuffled) == expected, [(one.what, one.place) for one in shuffled]
        answered = max((one.place for one in happened if one.what == "inbox"), default=-1)
        waits = any(one.place > answered for one in happened if one.what in ("said", "edit"))
        assert expected[0] != waits
    finally:
        await redis.aclose()


@given(days(), st.integers(0, 2**16))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_thread_ends_the_same_in_whatever_order_it_is_heard(
    store_server: StoreServer, happened: list[Heard], seed: int
) -> None:
    asyncio.run(_same(store_server.url, happened, seed))
