"""That an agent types is told to the channel: rarely, for replies alone, and only to whom we owe words."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

from gateway.connector import Connector, Outcome, Sender, SendResult
from gateway.model.contact import Address, Identifier
from gateway.model.message import MarkRead, OutboundMessage
from gateway.model.personal import Personal
from gateway.webcare import receipts
from gateway.webcare.here import heard
from gateway.webcare.receipts import Receipts
from tests.integration.test_desk import Desk, desk, signed_in
from tests.support.waiting import wait_until

__all__ = ["desk"]


class Recorder:
    """A channel that takes everything."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def render(self, message: OutboundMessage, sender: Sender) -> Any:
        assert isinstance(message.content, MarkRead)
        self.told.append(message.content.typing)
        return message

    async def send(self, request: Any) -> Any:
        return request

    def classify(self, raw: Any) -> SendResult:
        return SendResult(Outcome.ACCEPTED)


async def test_who_waits_sees_that_their_agent_types_a_reply_and_never_a_note(desk: Desk) -> None:
    ann, tom = await desk.agent(), await desk.agent("tom", "Tom Vale")
    conversation = await desk.says("hello?")
    assert desk.contact is not None
    assert desk.address is not None
    known = Address(desk.address, "whatsapp", (Identifier("phone", "", Personal("+447700900101")),))
    await desk.deps.contacts.change(desk.contact, lambda profile: replace(profile, addresses=(known,)))
    channel = Recorder()

    async def allowed(address: Address) -> bool:
        return True

    sender = cast(Any, type("S", (), {"id": "zz-wa", "scope": ""})())
    told = Receipts(desk.deps.conversations, desk.deps.contacts, lambda one: (sender, cast(Connector, channel)), allowed)
    deps = replace(desk.deps, receipts=told)
    running = asyncio.create_task(told.run())
    typing = {"t": "typing", "box": "reply"}
    try:
        page = await signed_in(desk)
        await page.post(f"/desk/{conversation}/take", {"epoch": 1}, key="t")
        await heard(deps, tom, conversation, typing)
        await heard(deps, ann, conversation, {"t": "typing", "box": "note"})
        await heard(deps, ann, conversation, {"t": "typing"})
        assert told._queue.empty(), "neither somebody else's words nor a note"
        await heard(deps, ann, conversation, typing)
        await wait_until(lambda: channel.told == [True])
        await heard(deps, ann, conversation, typing)
        assert told._queue.empty(), "told once in a while"
        told._typed[conversation, ann.id] -= receipts.TYPING_S
        await heard(deps, ann, conversation, typing)
        await wait_until(lambda: channel.told == [True, True])
        await page.post(f"/desk/{conversation}/reply", {"epoch": 2, "text": "hi"}, key="r")
        told._typed.clear()
        await heard(deps, ann, conversation, typing)
        assert told._queue.empty(), "nobody waits for our words"
        late = Receipts(desk.deps.conversations, desk.deps.contacts, told._ways, allowed)
        await desk.says("and my bag?")
        await late.typed(conversation, ann.id)
        await page.post(f"/desk/{conversation}/reply", {"epoch": 2, "text": "in Oslo"}, key="bag")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await late.opened(await desk.deps.conversations.get(conversation))
        running = asyncio.create_task(late.run())
        await wait_until(lambda: len(channel.told) > 2)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert channel.told == [True, True, False], "who was answered before it was their turn is not told that somebody types"
