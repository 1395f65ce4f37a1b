"""Dead letters: seen, explained, tried again as one more attempt, or let be. And a stop counts what waits behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.model.ids import AddressId, ContactId, MessageId, SenderId, message_id, random_id
from gateway.model.message import DeliveryStatus, MessageState, Priority
from gateway.store import keys
from gateway.store.deadletters import DeadLetterBox
from gateway.store.outbox import (
    Claimed,
    ClaimWant,
    Outbox,
    Pair,
    Plan,
    PlannedContact,
    PlannedMessage,
    Settlement,
    open_message,
    seal_sent,
    told_field,
)
from gateway.store.reply import octets, words
from tests.integration.commands_stage import House, Launcher, house, launcher

__all__ = ["launcher"]

SENDER = SenderId("whatsapp")
SUBJECT = "j11aaaaaaaaaaa"
HOUR_MS = 3_600_000


@dataclass
class Lane:
    """One contact with one address, and messages to it that can be made to die."""

    home: House
    contact: ContactId = field(default_factory=lambda: ContactId(random_id("c", 7)))

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.home.redis, self.home.clock, {SENDER: Pair(0, 1)})

    async def put(
        self, notification: str = "gate_changed", *, version: int = 1, leg: int = 0, kind: str = "notification",
        deadline_ms: int = HOUR_MS, sender: str = SENDER, item: str = "",
    ) -> MessageId:  # fmt: skip
        event = f"e{version:02d}aaaaaaaaaaaaaaaa"
        message = message_id(event, notification, item, self.contact, leg)
        box = await self.home.vault.contact_box(self.contact, create=True)
        now = self.home.clock.now_ms()
        planned = PlannedMessage(
            id=message, contact=self.contact, sender=sender, address=AddressId("a" + self.contact[1:]),
            priority=Priority.NORMAL, due_ms=0, deadline_ms=now + deadline_ms, told=told_field(SUBJECT, notification, item),
            state=MessageState.QUEUED, reason="", notification=notification, body=box.seal_json({"kind": kind}, message),
        )  # fmt: skip
        plan = Plan(7, event, version, SUBJECT, (PlannedContact(self.contact, 0, messages=(planned,)),))
        assert (await self.outbox.put(plan)).written
        return message

    async def claim(self, sender: str = SENDER) -> list[Claimed]:
        want = ClaimWant(random_id("c", 0), 7, SenderId(sender), Priority.NORMAL, 1)
        return await self.outbox.claim([want], worker="w1", lease_ms=10_000, evidence_ms=1000, clock_ok=True)

    async def settle(self, message: MessageId, outcome: str, reason: str = "", sender: str = SENDER) -> None:
        (claimed,) = await self.claim(sender)
        assert claimed.id == message
        assert await self.outbox.settle([Settlement(claimed, outcome, claimed.attempt, reason=reason)]) == ["settled"]

    async def dead(self, notification: str = "gate_changed", reason: str = "rejected", **more: Any) -> MessageId:
        message = await self.put(notification, **more)
        await self.settle(message, "x", reason, more.get("sender", SENDER))
        return message

    async def failed(self) -> MessageId:
        """The channel took it, and said later that it could not deliver it."""
        message = await self.put()
        await self.settle(message, "a")
        record = await self.outbox.record(message)
        assert record is not None
        status = await self.outbox.evidence(record[0], attempt=1, status=DeliveryStatus.NONE, failed=True, at_ms=1, code=131026)
        assert status == "applied"
        return message

    async def state(self, message: MessageId) -> tuple[str, str]:
        found = await self.outbox.record(message)
        assert found is not None
        return found[0].state.value, found[0].reason

    async def listed(self) -> list[str]:
        return [words(name) for name in await self.home.redis.zrange("{p:07}dead", 0, -1)]


@pytest.fixture
async def lane(data_dir: Path, launcher: Launcher) -> AsyncIterator[Lane]:
    async with house(data_dir, launcher) as home:
        yield Lane(home)


async def test_a_dead_letter_is_listed_and_explained_with_every_attempt(lane: Lane) -> None:
    message = await lane.dead()
    await lane.dead("boarding", "unreachable")
    listed = (await lane.home.run("dead-letters", "list", "--json")).data
    assert listed["count"] == 2
    assert {one["reason"] for one in listed["letters"]} == {"rejected", "unreachable"}
    one = (await lane.home.run("dead-letters", "list", "--reason", "rejected")).out
    assert message in one
    assert "1 of 1" in one
    shown = await lane.home.run("dead-letters", "show", message)
    assert shown.code == 0, shown.err
    assert shown.out.startswith("dead: the channel refused the message\n")
    assert "taken up for sending by process w1" in shown.out
    assert f"dead-letters replay {message}" in shown.out
    other = await lane.home.run("dead-letters", "show", random_id("m", 7))
    assert other.code == 1
    assert "is no dead letter" in other.err


async def test_a_replay_is_one_more_attempt_of_the_same_message_at_the_end_of_its_lane(lane: Lane) -> None:
    message = await lane.dead()
    behind = await lane.put("boarding")
    ran = await lane.home.run("dead-letters", "replay", message, "--yes", "--who", "kim")
    assert ran.code == 0, ran.err + ran.out
    assert "1  in its lane again" in ran.out
    assert await lane.listed() == []
    assert await lane.state(message) == ("q", "replayed")
    twice = await lane.home.run("dead-letters", "replay", message, "--yes")
    assert twice.code == 1
    (first,) = await lane.claim()
    assert first.id == behind
    assert await lane.outbox.settle([Settlement(first, "a", first.attempt)]) == ["settled"]
    (again,) = await lane.claim()
    assert (again.id, again.attempt) == (message, 2)
    assert await lane.claim() == []
    said = [fact for fact in await lane.home.facts(7) if message in fact]
    assert any(fact.startswith("replayed|") and fact.endswith("who=kim") for fact in said)
    told = await lane.home.run("trace", message)
    assert told.out.count("enqueued") == 2


async def test_what_the_channel_could_not_deliver_is_tried_again_and_a_status_of_it_counts(lane: Lane) -> None:
    message = await lane.failed()
    assert (await lane.home.run("dead-letters", "replay", "--all", "--yes")).code == 0
    await lane.settle(message, "a")
    record = await lane.outbox.record(message)
    assert record is not None
    assert (record[0].state, record[0].attempt) == (MessageState.ACCEPTED, 2)
    answer = await lane.outbox.evidence(record[0], attempt=2, status=DeliveryStatus.DELIVERED, failed=False, at_ms=2)
    assert answer == "applied"


async def test_what_is_past_its_deadline_needs_a_new_one(lane: Lane) -> None:
    message = await lane.dead()
    parts = octets(await lane.home.redis.get(keys.of(message, "m"))).split(b"|")
    await lane.home.redis.set(keys.of(message, "m"), b"|".join([*parts[:7], b"1000", *parts[8:]]), keepttl=True)
    refused = await lane.home.run("dead-letters", "replay", message, "--yes")
    assert refused.code == 1
    assert "--deadline +2h" in refused.out
    assert await lane.listed() == [message]
    ran = await lane.home.run("dead-letters", "replay", message, "--deadline", "+2h", "--yes")
    assert ran.code == 0
    (again,) = await lane.claim()
    assert 7_000_000 < again.record.deadline_ms - lane.home.clock.now_ms() <= 7_200_000


async def test_newer_news_another_way_an_erasure_and_an_agents_words_are_not_put_back(lane: Lane) -> None:
    others = [Lane(lane.home) for _ in range(4)]
    replaced = await lane.dead()
    other_leg = await others[0].dead()
    reply = await others[1].dead("reply", kind="reply", item="r")
    erased = await others[2].dead()
    await lane.home.redis.delete(keys.of(others[2].contact, "k"))
    orphan = await others[3].dead(sender="left")
    await lane.put(version=2)
    await others[0].put(leg=1)
    ran = await lane.home.run("dead-letters", "replay", "--all", "--yes", "--json")
    assert ran.code == 1
    answers = {one["id"]: one["answer"] for one in ran.data["letters"]}
    assert answers == {
        replaced: "replaced",
        other_leg: "other_way",
        reply: "reply",
        erased: "sealed",
        orphan: "no_sender",
    }
    assert len(await lane.listed()) == 5


async def test_how_many_people_it_reaches_is_said_and_nothing_done_until_somebody_agrees(lane: Lane) -> None:
    await lane.dead(reason="uncertain_dropped")
    await Lane(lane.home).dead()
    ran = await lane.home.run("dead-letters", "replay", "--all")
    assert ran.code == 1
    assert "Try 2 messages to 2 people again? 1 of them may have arrived already" in ran.err
    assert "--yes" in ran.err
    assert len(await lane.listed()) == 2
    nothing_named = await lane.home.run("dead-letters", "replay")
    assert nothing_named.code == 2
    assert "ID is missing" in nothing_named.err


async def test_a_discarded_letter_leaves_the_list_and_its_story_stays(lane: Lane) -> None:
    message = await lane.dead()
    assert (await lane.home.run("dead-letters", "discard", message, "--who", "kim")).code == 0
    assert await lane.listed() == []
    assert await lane.state(message) == ("d", "discarded")
    assert (await lane.home.run("trace", message)).out.count("discarded") >= 1
    await lane.home.redis.zadd("{p:07}dead", {message: 1})
    again = await lane.home.run("dead-letters", "replay", message, "--yes")
    assert "somebody discarded it" in again.out


async def test_a_letter_whose_record_has_ended_is_shown_as_forgotten_and_can_be_swept(lane: Lane) -> None:
    message = await lane.dead()
    kept = await lane.dead("boarding")
    await lane.home.redis.delete(keys.of(message, "m"))
    assert "1 forgotten" in (await lane.home.run("dead-letters", "list")).out
    assert (await lane.home.run("dead-letters", "discard", "--forgotten", "--yes")).code == 0
    assert await lane.listed() == [kept]


async def test_lifting_a_stop_says_how_many_messages_wait_behind_it(lane: Lane) -> None:
    await lane.put()
    await lane.put("boarding")
    await Lane(lane.home).put()
    for scope in ("notification:gate_changed", f"subject:{SUBJECT}", "all", "source:ops"):
        assert (await lane.home.run("stop", scope, "--why", "test")).code == 0
    found = [
        (await lane.home.run("resume", scope, "--yes", "--json")).data["waiting"]
        for scope in ("notification:gate_changed", f"subject:{SUBJECT}", "source:ops", "all")
    ]
    assert [said.partition(" message")[0] for said in found] == ["2", "3", "at most 3", "3"]


async def test_a_replayed_message_forgets_what_the_failed_attempt_was_called(lane: Lane) -> None:
    message = await lane.put()
    box = await lane.home.vault.contact_box(lane.contact)
    (claimed,) = await lane.claim()
    sent = seal_sent(box, message, {"as": "gate_changed_v1", "id": "first"})
    assert await lane.outbox.settle([Settlement(claimed, "a", 1, sent=sent, channel_hash="1" * 32)]) == ["settled"]
    record = (await lane.outbox.headers([message]))[0]
    assert await lane.outbox.evidence(record, attempt=1, status=DeliveryStatus.NONE, failed=True, at_ms=1) == "applied"
    letters = DeadLetterBox(lane.home.redis, lane.home.clock)
    assert await letters.replay(record, who="kim") == "queued"

    async def opened() -> dict[str, Any]:
        found = await lane.outbox.record(message)
        assert found is not None
        return open_message(box, *found)

    assert await opened() == {"kind": "notification"}, "it waits, and was not sent as anything"
    (again,) = await lane.claim()
    known = box.seal_body({"kind": "notification", "id": "second"}, message)  # the channel's word comes before its answer
    answer = await lane.outbox.evidence(
        again.record, attempt=again.attempt, status=DeliveryStatus.SENT, failed=False, at_ms=2, stub=known, channel_hash="2" * 32
    )
    assert (answer, (await opened())["id"]) == ("settled", "second"), "an answer to it quotes the second"
    for name in ("1" * 32, "2" * 32):
        assert await lane.outbox.by_channel_id(7, name) == message, "statuses of both are still its own"


@pytest.mark.parametrize(
    ("status", "state"), [(DeliveryStatus.SENT, "q"), (DeliveryStatus.NONE, "q"), (DeliveryStatus.DELIVERED, "a")]
)
async def test_late_words_of_the_attempt_that_failed_do_not_end_its_replay_unless_it_did_arrive(
    lane: Lane, status: DeliveryStatus, state: str
) -> None:
    message = await lane.failed()
    (record,) = await lane.outbox.headers([message])
    assert await DeadLetterBox(lane.home.redis, lane.home.clock).replay(record, who="kim") == "queued"
    (record,) = await lane.outbox.headers([message])
    await lane.outbox.evidence(record, attempt=1, status=status, failed=status is DeliveryStatus.NONE, at_ms=2)
    assert (await lane.state(message))[0] == state
    assert [one.id for one in await lane.claim()] == ([message] if state == "q" else [])


async def test_a_letter_whose_key_is_missing_keeps_no_other_from_being_replayed(lane: Lane) -> None:
    lacking, other = await lane.failed(), Lane(lane.home)
    behind = await other.failed()
    name = keys.of(lane.contact, "k")
    wrapped = octets(await lane.home.redis.get(name))
    await lane.home.redis.set(name, b"7|" + wrapped.partition(b"|")[2])
    assert (await lane.home.run("dead-letters", "replay", lacking, behind, "--yes")).code == 1, "one of them was not"
    assert [(await lane.state(one))[0] for one in (lacking, behind)] == ["f", "q"]
