"""A queue is answered in Chatwoot: each word once on both sides, whoever doubles, shuffles or dies; what cannot be is told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.model.conversation import InboundEntry
from gateway.model.ids import ConversationId
from gateway.model.personal import Personal, Secret
from gateway.store.agents import Agents
from tests.integration.chatwoot_stage import Stage, stage_running
from tests.integration.test_external_house import window_shut
from tests.integration.test_media_path import PDF, sent
from tests.support.pretend_chatwoot import sample, signed
from tests.support.waiting import wait_until
from tests.unit.test_filetypes import picture

EVA = "+447700900123"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_running(tmp_path, LATE_S="0.5") as stage:
        yield stage


def shown(stage: Stage, name: str) -> list[str]:
    """What a customer wrote, as their agent sees it; nothing yet is []."""
    if name not in [one["name"] for one in stage.chatwoot.contacts.values()]:
        return []
    try:
        return [one.text or "".join(file[0] for file in one.files) for one in stage.chatwoot.said(stage.chatwoot.of(name))]
    except ValueError:
        return []


def notes(stage: Stage, name: str) -> str:
    return "\n".join(one.text for one in stage.chatwoot.said(stage.chatwoot.of(name), private=True))


async def test_a_question_and_its_answer_are_there_once_each_and_what_is_not_signed_is_nothing(stage: Stage) -> None:
    house, chatwoot, killer = stage.house, stage.chatwoot, stage.killer
    chatwoot.doubled = True
    await house.handset(EVA, "Eva Jansen")
    await house.says(EVA, text="my bag is torn")
    await wait_until(lambda: shown(stage, "Eva") == ["my bag is torn"], timeout=30)
    await house.says(EVA, image=sent(picture("JPEG"), "image/jpeg"))
    await house.says(EVA, text="see?")
    await wait_until(lambda: len(shown(stage, "Eva")) == 3, timeout=30)
    number = chatwoot.of("Eva")
    ((_, kind, data),) = [file for one in chatwoot.said(number) for file in one.files]
    assert (kind, data[:2]) == ("image/jpeg", b"\xff\xd8")
    assert chatwoot.conversations[number]["attributes"]["window_closes_at"]

    # an answer with a file and a note, each told twice; the bridge dies once the gateway has the answer
    killer.armed = ("after", "POST", "/reply")
    answer = chatwoot.says(number, "please fill this in", files=[("claim.pdf", "application/pdf", PDF)])
    chatwoot.says(number, "has an old claim too", private=True)
    await wait_until(lambda: answer.status == "read" or answer.status == "delivered", timeout=30)
    assert killer.kills == 1
    assert [(one["type"], one.get("body")) for one in await house.received(EVA)] == [("document", "please fill this in")]

    async def noted() -> bool:
        return [one["text"] for one in (await stage.thread("Eva"))["thread"] if one["kind"] == "note"] == [
            "Kim de Boer: has an old claim too"
        ]

    await wait_until(noted, timeout=20)

    # what is not signed is nothing
    before = len(chatwoot.messages)
    forged = json.dumps(sample("webhook-message-created") | {"id": 1, "content": "pay here"}).encode()
    assert house.http is not None
    for path, headers in (
        ("/chatwoot", signed(forged, "another-secret")), ("/chatwoot", signed(forged, at_s=time.time() - 400)), ("/chatwoot", {}),
        ("/thuisfront", {"webhook-id": "msg_1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}),
        ("/thuisfront", {}),
    ):  # fmt: skip
        async with house.http.post(stage.url + path, data=forged, headers=headers) as refused:
            assert refused.status == 401
    await asyncio.sleep(1)
    assert len(chatwoot.messages) == before
    assert len(await house.received(EVA)) == 1


@pytest.mark.long
async def test_what_cannot_be_done_is_told_in_chatwoot_and_a_conversation_ends_opens_again_and_leaves(stage: Stage) -> None:
    house, chatwoot = stage.house, stage.chatwoot
    chatwoot.doubled = True
    await house.handset(EVA, "Eva Jansen")
    await house.says(EVA, text="my bag is torn")
    await wait_until(lambda: shown(stage, "Eva") == ["my bag is torn"], timeout=30)
    number = chatwoot.of("Eva")

    # what they change is a note, what they take back goes there too
    await adds(stage, InboundEntry("k1", "text", Personal("gate B4"), 0, channel_message_id=Personal("wamid.B")))
    await wait_until(lambda: shown(stage, "Eva")[1:] == ["gate B4"], timeout=30)
    said = Personal("wamid.B")
    await adds(stage, InboundEntry("k1#1", "text", Personal("gate B7"), 0, channel_message_id=said, edit_of="k1", edits=1))
    await wait_until(lambda: "They changed what they wrote to: gate B7" in notes(stage, "Eva"), timeout=30)
    await adds(stage, InboundEntry("k2", "other", Personal(""), 0, detail="revoke", answers=said))
    await wait_until(lambda: shown(stage, "Eva")[1:] == ["This message was deleted"], timeout=30)

    # an answer that does not arrive is marked with why, and Retry sends it once more
    await house.fault("late_failed", times=1)
    lost = chatwoot.says(number, "did it open?")
    await wait_until(lambda: lost.status == "failed" and "Not delivered" in notes(stage, "Eva"), timeout=30)
    assert lost.error
    chatwoot.retry(lost.id)
    await wait_until(lambda: lost.status in ("delivered", "read"), timeout=30)

    # a gateway that has no time just now: it waits, its agent is told, and it goes once
    stage.busy = True
    chatwoot.says(number, "one moment")
    await wait_until(lambda: "goes by itself" in notes(stage, "Eva"), timeout=30)
    stage.busy = False

    async def arrived() -> bool:
        return sum("one moment" in text for text in await stage.texts(EVA)) == 1

    await wait_until(arrived, timeout=30)
    assert notes(stage, "Eva").count("goes by itself") == 1

    # the window shuts: why, and what may go instead
    one = await stage.thread("Eva")
    await window_shut(house, one["id"])
    late = chatwoot.says(number, "still there?")
    await wait_until(lambda: "The service window is closed" in notes(stage, "Eva"), timeout=30)
    assert late.status == "failed"
    assert "/template desk_follow_up\nwords: ..." in notes(stage, "Eva")
    chatwoot.says(number, "/template desk_follow_up\nwords: your claim is paid.")
    await house.told(EVA, "desk_follow_up_v1")

    # they write while it is being resolved: it stays open; then it is resolved, and opens again when they write
    before = (await stage.thread("Eva"))["inbound"]
    stage.post.held = True
    await house.says(EVA, text="thank you, and my other bag?")

    async def counted() -> bool:
        return bool((await stage.thread("Eva"))["inbound"] == before + 1)

    await wait_until(counted, timeout=20)
    chatwoot.resolves(number, "seat")
    await wait_until(lambda: "They wrote again just before" in notes(stage, "Eva"), timeout=30)
    assert chatwoot.conversations[number]["status"] == "open"
    stage.post.held = False
    await wait_until(lambda: len(shown(stage, "Eva")) == 3, timeout=30)
    chatwoot.retry(late.id)  # the window is open again: what was refused goes
    await wait_until(lambda: late.status in ("delivered", "read"), timeout=30)
    chatwoot.resolves(number, "seat")

    async def resolved() -> bool:
        found = await stage.thread("Eva")
        return (found["state"], found["reason"]) == ("resolved", "seat")

    await wait_until(resolved, timeout=30)
    await house.says(EVA, text="and the wheel is broken")
    await wait_until(lambda: len(shown(stage, "Eva")) == 4, timeout=30)
    await wait_until(lambda: chatwoot.conversations[number]["status"] == "open", timeout=20)

    # a supervisor takes it over, then passes it on to the house's own desk: no answer of Chatwoot's goes any more
    welcome = chatwoot.says(number, "we look at it")
    await wait_until(lambda: welcome.status in ("delivered", "read"), timeout=30)
    petra = await supervisor(stage)
    await does(stage, "take_over", agent=petra, note="mine")
    crossed = chatwoot.says(number, "both at once")
    await wait_until(lambda: crossed.status == "failed" and "Somebody else has" in notes(stage, "Eva"), timeout=30)
    robot = chatwoot.says(number, "beep", by="Robot")
    await wait_until(lambda: robot.status == "failed" and "Only what a person" in notes(stage, "Eva"), timeout=30)
    one = await does(stage, "force", agent=petra, note="one for us", queue="ours")
    gone = chatwoot.says(number, "too late")
    await wait_until(lambda: gone.status == "failed" and "no longer yours" in notes(stage, "Eva"), timeout=30)
    await wait_until(lambda: "moved to another desk" in notes(stage, "Eva"), timeout=30)

    # everything once, in its order
    phone = await stage.texts(EVA)
    assert not [text for text in phone if "too late" in text or "both at once" in text or "beep" in text]
    assert len(phone) == len(set(phone)) + 1  # what the channel lost, and Retry
    theirs = ["my bag is torn", "This message was deleted", "thank you, and my other bag?", "and the wheel is broken"]
    assert shown(stage, "Eva") == theirs
    assert len({one.text for one in chatwoot.said(number, private=True)}) == len(chatwoot.said(number, private=True))
    assert (len(chatwoot.contacts), len(chatwoot.conversations)) == (1, 1)

    # erased at the gateway, gone there
    async with house.http.delete(f"{house.internal}/v1/contacts/{one['contact']}", headers=house.headers) as erased:
        assert erased.status == 200, await erased.text()
    await wait_until(lambda: not chatwoot.contacts and not chatwoot.conversations, timeout=30)


async def adds(stage: Stage, item: InboundEntry) -> None:
    """What the channel told of somebody's message, without a phone that can do it."""
    assert stage.house.runtime is not None
    runtime = stage.house.runtime
    one = await runtime.conversations.get(ConversationId((await stage.thread("Eva"))["id"]))
    told, asks = replace(item, at_ms=runtime.clock.now_ms()), not item.detail
    await runtime.conversations.add_inbound(one.contact, one.brand, one.address, one.sender, item=told, needs_person=asks)


async def does(stage: Stage, what: str, **body: object) -> dict[str, Any]:
    """A command of the house's own people."""
    one = await stage.thread("Eva")
    given = {"epoch": one["epoch"], **body}
    status, answered = await stage.house.post(f"/v1/conversations/{one['id']}/{what}", given, **{"Idempotency-Key": what})
    assert status == 200, answered
    return answered


async def supervisor(stage: Stage) -> str:
    assert stage.house.runtime is not None
    runtime = stage.house.runtime
    agents = Agents(runtime.connection.redis, runtime.clock, runtime.vault)
    return str((await agents.add_agent("petra", "Petra", Secret("a long sentence of words"), ("supervisor",))).id)


@pytest.mark.long
async def test_what_was_said_while_the_bridge_was_away_is_found_or_marked_and_a_lost_claim_is_made_anew(stage: Stage) -> None:
    house, chatwoot = stage.house, stage.chatwoot
    await house.handset(EVA, "Eva Jansen")
    await house.says(EVA, text="my bag is torn")
    await wait_until(lambda: shown(stage, "Eva") == ["my bag is torn"], timeout=30)
    number = chatwoot.of("Eva")
    first = chatwoot.says(number, "we look")
    await wait_until(lambda: first.status in ("delivered", "read"), timeout=30)

    # an answer is lost on its way with the bridge, and the conversation is somebody else's for a moment
    stage.lost = "/reply"
    lost = chatwoot.says(number, "it is found")
    await wait_until(lambda: not stage.lost, timeout=20)
    petra = await supervisor(stage)
    await does(stage, "take_over", agent=petra, note="a moment")
    await does(stage, "release", agent=petra, note="yours again")

    # what is said meanwhile: an answer is marked by Chatwoot, a note is found
    unheard = chatwoot.says(number, "it comes today")
    chatwoot.says(number, "in the van", private=True)
    await wait_until(lambda: unheard.status == "failed", timeout=20)
    await house.says(EVA, text="and?")
    await stage.up()
    await wait_until(lambda: lost.status in ("delivered", "read"), timeout=30)
    await wait_until(lambda: shown(stage, "Eva") == ["my bag is torn", "and?"], timeout=30)

    async def noted() -> bool:
        return any(one["text"] == "Kim de Boer: in the van" for one in (await stage.thread("Eva"))["thread"])

    await wait_until(noted, timeout=30)
    assert not [text for text in await stage.texts(EVA) if "today" in text]
    chatwoot.retry(unheard.id)
    await wait_until(lambda: unheard.status in ("delivered", "read"), timeout=30)

    # resolved while it was away; afterwards somebody deletes it there, and they write again
    stage.down()
    chatwoot.resolves(number, "seat")
    await stage.up()

    async def finished() -> bool:
        one = await stage.thread("Eva")
        return (one["state"], one["reason"]) == ("resolved", "seat")

    await wait_until(finished, timeout=30)
    assert await stage.texts(EVA) == ['"we look"', '"it is found"', '"it comes today"']
    del chatwoot.conversations[number]
    await house.says(EVA, text="one more thing")
    await wait_until(lambda: shown(stage, "Eva") == ["one more thing"], timeout=30)

    # nobody knows whether an answer arrived: said so, not marked, and not sent again
    await house.fault("lost_answer")
    await house.fault("webhook_off", lost=True)
    unsure = chatwoot.says(chatwoot.of("Eva"), "in an hour")
    await wait_until(lambda: "this may have arrived" in notes(stage, "Eva"), timeout=60)
    assert unsure.status == "sent"
    assert [text for text in await stage.texts(EVA) if "hour" in text] == ['"in an hour"']


AT = [
    ("after", "POST", "/contacts"), ("before", "POST", "/conversations"), ("after", "POST", "/conversations"),
    ("before", "POST", "/messages"), ("after", "POST", "/messages"), ("after", "POST", "/custom_attributes"),
    ("before", "POST", "/take"), ("after", "POST", "/take"), ("before", "POST", "/reply"), ("after", "POST", "/reply"),
    ("before", "POST", "/note"), ("after", "POST", "/note"), ("before", "POST", "/finish"), ("after", "POST", "/finish"),
]  # fmt: skip


@pytest.mark.long
async def test_killed_between_any_two_steps_nothing_is_lost_or_doubled(stage: Stage) -> None:
    house, chatwoot, killer = stage.house, stage.chatwoot, stage.killer
    for place, at in enumerate(AT):
        phone, name = f"+4477009002{place:02d}", f"Guest{place:02d}"
        await house.handset(phone, name)
        killer.armed = at
        await house.says(phone, text=f"question {place}")
        await wait_until(lambda name=name: bool(shown(stage, name)), timeout=30)
        await stage.alive()  # Chatwoot tells once: a bridge that is away then is made known by a mark at the message
        number = chatwoot.of(name)
        await wait_until(lambda number=number: "window_closes_at" in chatwoot.conversations[number]["attributes"], timeout=20)
        await stage.alive()
        chatwoot.says(number, f"answer {place}")
        chatwoot.says(number, f"remark {place}", private=True)

        async def done(phone: str = phone, name: str = name) -> bool:
            thread = (await stage.thread(name))["thread"]
            return bool(await stage.texts(phone)) and any(one["kind"] == "note" for one in thread)

        await wait_until(done, timeout=30)
        await stage.alive()
        chatwoot.resolves(number, "seat")

        async def finished(name: str = name) -> bool:
            return bool((await stage.thread(name))["state"] == "resolved")

        await wait_until(finished, timeout=30)
        assert killer.kills == place + 1, at
        assert killer.armed is None
    await asyncio.sleep(2)
    for place, at in enumerate(AT):
        name = f"Guest{place:02d}"
        assert shown(stage, name) == [f"question {place}"], at
        assert [text for text in await stage.texts(f"+4477009002{place:02d}")] == [f'"answer {place}"'], at
        lines = [one["text"] for one in (await stage.thread(name))["thread"] if one["kind"] == "note"]
        assert lines == [f"Kim de Boer: remark {place}"], at
    assert len(chatwoot.contacts) == len(chatwoot.conversations) == len(AT)
