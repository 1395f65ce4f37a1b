"""What a channel with shared threads tells: receipts by time, words by other hands, edits, who holds a thread, arrivals."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.connector import ArrivalEvent, MessageEvent, Sender
from gateway.model.contact import Contact
from gateway.model.conversation import AUTOMATION, INBOX, PROGRAM, WANTED, AgentId, ConversationState, EntryKind
from gateway.model.ids import AddressId
from gateway.model.message import DeliveryStatus, MessageState
from gateway.store import keys
from gateway.store.conversations import Command
from gateway.store.outbox import Claimed
from gateway.webhooks import split
from gateway.webhooks.apply import Applier
from gateway.webhooks.waysin import WaysIn
from tests.support.core import HOUR_MS, SANDBOX, facts_of
from tests.support.page import ASSISTANT_APP, INBOX_APP, MESSENGER, PAGE, PSID, PageHouse, opaque_of, open_page_house

DAY_MS = 24 * HOUR_MS
ANN = AgentId("g1")


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[PageHouse]:
    async with open_page_house(redis_url, data_dir) as made:
        yield made


async def claims(house: PageHouse, count: int = 1) -> list[Claimed]:
    """Messages of ours on their way to one person, out of the lane and not settled."""
    found: list[Claimed] = []
    for number in range(count):
        await house.tell(house.order(house.traveller(), number=f"ZX7K{number}P"))
        (claimed,) = await house.claim_all()
        found.append(claimed)
        if number + 1 < count:
            await house.sent(claimed, f"m_ours{number}", at_ms=number)
    return found


# evidence and receipts


async def test_an_echo_that_comes_before_the_answer_settles_the_message_and_nothing_is_sent_again(house: PageHouse) -> None:
    (claimed,) = await claims(house)
    await house.hear(house.echo("confirmed", mid="m_ours", app=SANDBOX.app_id, metadata=opaque_of(claimed)))
    record = await house.record(claimed)
    assert (record.state, record.status) == (MessageState.ACCEPTED, DeliveryStatus.SENT)
    assert await house.claim_all() == []
    assert await house.runtime.conversations.of_contact(record.contact) == [], "our own words are no conversation"


async def test_an_echo_shows_that_an_uncertain_send_arrived(house: PageHouse) -> None:
    (claimed,) = await claims(house)
    house.pass_ms(house.runtime.settings.lease_ms + 1000)
    assert await house.claim_all() == [], "its worker went silent: evidence is waited for"
    await house.hear(house.echo("confirmed", mid="m_ours", app=SANDBOX.app_id, metadata=opaque_of(claimed)))
    house.pass_ms(house.runtime.settings.evidence_ms + 1000)
    assert await house.claim_all() == []
    assert (await house.record(claimed)).state is MessageState.ACCEPTED


async def test_a_receipt_tells_of_everything_until_then_and_of_nothing_later(house: PageHouse) -> None:
    first, second = await claims(house, 2)
    await house.sent(second, "m_later", at_ms=10_000)
    await house.hear(house.delivered(house.clock.now_ms() + 5_000))
    assert [(await house.record(one)).status for one in (first, second)] == [DeliveryStatus.DELIVERED, DeliveryStatus.NONE]
    await house.hear(house.read(house.clock.now_ms() + 10_000))
    assert [(await house.record(one)).status for one in (first, second)] == [DeliveryStatus.READ, DeliveryStatus.READ]


async def test_a_receipt_that_comes_before_the_echo_of_an_unsettled_message_counts_after_it(house: PageHouse) -> None:
    (claimed,) = await claims(house)
    await house.hear(house.read(house.clock.now_ms() + 5_000))
    assert (await house.record(claimed)).status is DeliveryStatus.NONE
    await house.hear(house.echo("confirmed", mid="m_ours", app=SANDBOX.app_id, metadata=opaque_of(claimed)))
    assert (await house.record(claimed)).status is DeliveryStatus.READ


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_the_order_of_echo_and_receipts_no_status_goes_back_and_the_end_is_the_same(
    house: PageHouse, seed: int
) -> None:
    (claimed,) = await claims(house)
    now = house.clock.now_ms()
    items = [
        house.echo("confirmed", mid="m_ours", app=SANDBOX.app_id, metadata=opaque_of(claimed)),
        house.delivered(now + 50, at_ms=1),
        house.read(now + 50, at_ms=2),
    ] * 2
    random.Random(seed).shuffle(items)
    rank = DeliveryStatus.NONE
    for one in items:
        await house.hear(one)
        status = (await house.record(claimed)).status
        assert status >= rank
        rank = status
    assert rank is DeliveryStatus.READ
    kinds = [fact.kind for fact in await facts_of(house.redis) if fact.id_of("m") == claimed.id]
    assert (kinds.count("accepted"), kinds.count("read")) == (1, 1)


async def test_a_receipt_of_somebody_unknown_makes_nobody(house: PageHouse) -> None:
    await house.hear(
        house.read(house.clock.now_ms()), house.echo("who is this?"), house.takes(INBOX_APP), house.wants(INBOX_APP)
    )
    assert await house.known() is None
    assert await house.parked() == []


# words by other hands


async def test_what_a_person_says_in_the_inbox_stands_in_the_thread_and_marks_whoever_waits_as_answered(house: PageHouse) -> None:
    await house.hear(house.said("may I bring a bike?"))
    assert await house.queued() == 1
    answer = house.echo("On platform 7.", mid="m_inbox", at_ms=2000)
    house.pass_ms(3000)
    await house.hear(answer, answer)
    assert await house.lines() == ["in: may I bring a bike?", f"{INBOX}: On platform 7."]
    found = await house.conversation()
    assert (found.answered, found.state, found.inbound) == (True, ConversationState.QUEUED, 1)
    assert await house.queued() == 1
    await house.hear(house.said("and which coach?"))
    assert not (await house.conversation()).answered


async def test_what_a_program_says_answers_nobody(house: PageHouse) -> None:
    await house.hear(house.said("may I bring a bike?"))
    await house.hear(house.echo("I am an assistant.", app=ASSISTANT_APP))
    (_, line) = await house.thread()
    assert (line.author, line.program, line.kind) == (PROGRAM, ASSISTANT_APP, EntryKind.OUT)
    assert await house.queued() == 1


async def test_who_writes_again_after_an_answer_still_waits_whatever_the_order_of_the_webhooks(house: PageHouse) -> None:
    orders = list(itertools.permutations(range(3)))
    ends = set()
    for number, order in enumerate(orders):
        psid = f"61000000000002{number:02d}"
        items = [
            house.said("one", mid=f"m_a{number}", psid=psid, at_ms=-3000),
            house.echo("answer", mid=f"m_b{number}", psid=psid, at_ms=-2000),
            house.said("two", mid=f"m_c{number}", psid=psid, at_ms=-1000),
        ]
        await house.hear(house.said("first of all", psid=psid, at_ms=-9000))
        await house.hear(*(items[place] for place in order))
        found = await house.conversation(psid)
        assert found.waiting_since_ms is not None
        waited, since = found.last_in_ms - found.waiting_since_ms, found.last_in_ms - found.last_out_ms
        ends.add((found.state, found.answered, waited, found.inbound, since))
    assert ends == {(ConversationState.QUEUED, False, 8000, 3, 1000)}


async def test_an_answer_that_came_before_the_question_was_heard_is_an_answer_to_it(house: PageHouse) -> None:
    await house.hear(house.said("hello", at_ms=-9000))
    await house.hear(house.echo("answered at once", at_ms=-1000))
    await house.hear(house.said("question that was held up", at_ms=-2000))
    assert (await house.conversation()).answered


async def test_a_word_from_the_inbox_to_somebody_known_opens_a_conversation_that_needs_nobody(house: PageHouse) -> None:
    await house.tell(house.order(house.traveller()))
    await house.hear(house.echo("We found your suitcase."))
    found = await house.conversation()
    assert (found.state, found.waiting_since_ms, found.inbound) == (ConversationState.AUTOMATED, None, 0)
    assert await house.queued() == 0


async def test_an_agent_keeps_a_conversation_that_was_answered_in_the_inbox(house: PageHouse) -> None:
    await house.hear(house.said("where is my train?"))
    found = await house.conversation()
    await house.runtime.conversations.take(Command(found.id, ANN, found.epoch, "take"))
    await house.hear(house.echo("On platform 7.", at_ms=10))
    found = await house.conversation()
    assert (found.owner, found.state, found.waiting_since_ms) == (ANN, ConversationState.ACTIVE, None)


async def test_who_deletes_what_they_said_opens_nothing_again(house: PageHouse) -> None:
    await house.hear(house.said("where is my train?", mid="m_x"))
    found, store = await house.conversation(), house.runtime.conversations
    await store.take(Command(found.id, ANN, found.epoch, "take"))
    found = await house.conversation()
    await store.finish(Command(found.id, ANN, found.epoch, "finish"), reason="status")
    await house.hear(house.item({"message": {"mid": "m_x", "is_deleted": True}}))
    assert [line.detail for line in await house.thread() if line.kind is EntryKind.IN] == ["withdrawn"]
    assert (await house.conversation()).state is ConversationState.RESOLVED
    assert await house.queued() == 0


async def test_an_echo_without_our_metadata_of_a_message_known_by_its_id_is_no_foreign_word(house: PageHouse) -> None:
    (claimed,) = await claims(house)
    await house.sent(claimed, "m_ours")
    await house.hear(house.echo("confirmed", mid="m_ours", app=""))
    record = await house.record(claimed)
    assert record.status is DeliveryStatus.SENT
    assert await house.runtime.conversations.of_contact(record.contact) == []


# edits


async def test_an_edit_shows_the_new_words_and_keeps_the_old_ones(house: PageHouse) -> None:
    await house.hear(house.said("RE 4711?", mid="m_x", at_ms=-5000))
    edits = [house.edit("m_x", "RE 4713?", 1, at_ms=-4000), house.edit("m_x", "RE 4713 tomorrow?", 2, at_ms=-3000)]
    await house.hear(*edits, *edits)
    (line,) = await house.thread()
    assert (line.text.reveal(), line.edits) == ("RE 4713 tomorrow?", 2)
    assert [one.text.reveal() for one in line.versions] == ["RE 4711?", "RE 4713?"]
    assert await house.queued() == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_edits_in_any_order_end_the_same(house: PageHouse, order: tuple[int, ...]) -> None:
    items = [
        house.said("first", mid="m_x", at_ms=-5000),
        house.edit("m_x", "second", 1, at_ms=-4000),
        house.edit("m_x", "third", 2, at_ms=-3000),
    ]
    for place in order:
        await house.hear(items[place], items[place])
    (line,) = await house.thread()
    assert line.text.reveal() == "third"
    assert line.versions[0].text.reveal() == "first"


async def test_an_edit_of_words_that_nobody_has_is_kept_as_a_message(house: PageHouse) -> None:
    await house.hear(house.edit("m_unknown", "I meant tomorrow", 3))
    assert await house.lines() == ["in: I meant tomorrow"]
    assert await house.queued() == 1


async def test_an_edit_after_an_answer_is_not_answered_yet(house: PageHouse) -> None:
    await house.hear(house.said("RE 4711?", mid="m_x", at_ms=-5000), house.echo("On time.", at_ms=-4000))
    assert (await house.conversation()).answered
    await house.hear(house.edit("m_x", "RE 4713?", 1, at_ms=-3000))
    assert not (await house.conversation()).answered
    assert await house.lines() == ["in: RE 4713?", f"{INBOX}: On time."]


async def a_millisecond_later(house: PageHouse) -> None:
    """Entries of two logs are in order by the server's milliseconds."""

    async def now_ms() -> int:
        seconds, micros = await house.redis.time()
        return int(seconds) * 1000 + int(micros) // 1000

    before = await now_ms()
    while await now_ms() == before:
        pass


async def test_an_answer_that_is_split_before_the_first_words_it_answers_waits_for_them(house: PageHouse) -> None:
    """Kept in this order, in two logs, while nobody split: of the answer's log nothing is older."""
    await house.keep_webhook(house.said("RE 4711?", at_ms=-5000), line=3)
    await a_millisecond_later(house)
    await house.keep_webhook(house.echo("On time.", at_ms=-4000), line=0)
    logs = sorted({one.log for one in await house.runtime.webhooks.kept(range(keys.WEBHOOK_LOGS), limit=9)})
    assert len(logs) == 2
    by_log = {one.log: one for one in await house.runtime.webhooks.kept(logs, limit=9)}
    answered = next(log for log, one in by_log.items() if b"is_echo" in one.raw)
    assert await house.splitter.turn([answered]) == 0
    await house.take_webhooks()
    assert await house.lines() == ["in: RE 4711?", f"{INBOX}: On time."]
    assert (await house.conversation()).answered


async def test_what_concerns_nobody_holds_up_its_log_for_no_longer_than_a_dead_one_would(
    house: PageHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.keep_webhook(house.said("hello", at_ms=-5000), line=3)
    await a_millisecond_later(house)
    await house.keep_webhook(house.echo("who is this?", at_ms=-4000), line=0)
    kept = await house.runtime.webhooks.kept(range(keys.WEBHOOK_LOGS), limit=9)
    answered = next(one.log for one in kept if b"is_echo" in one.raw)
    assert await house.splitter.turn([answered]) == 0
    monkeypatch.setattr(split, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + split.PATIENCE_S + 1))
    assert await house.splitter.turn([answered]) == 1, "of nobody, then"
    assert await house.known() is None


async def test_an_edit_into_a_stop_is_a_stop(house: PageHouse) -> None:
    await house.tell(house.order(house.traveller()))
    await house.hear(house.said("hello", mid="m_x"))
    assert (await house.person()).facts.consents["journey.messenger.zz"].granted
    stop = house.edit("m_x", "STOP", 1)
    await house.hear(stop, stop)
    contact = await house.person()
    assert not contact.facts.consents["journey.messenger.zz"].granted
    assert [one.notification for one in await house.messages(contact.id)].count("stop_confirmed") == 1


# who holds the thread


async def test_the_later_word_says_who_holds_a_thread_in_whatever_order_it_comes(house: PageHouse) -> None:
    await house.hear(house.said("hello", at_ms=-9000))
    contact, address = await house.person(), await house.address()

    async def held() -> str | None:
        return (await house.person()).facts.holder(MESSENGER, address, house.clock.now_ms())

    assert contact.facts.holder(MESSENGER, address, house.clock.now_ms()) is None
    await house.hear(house.takes(INBOX_APP, at_ms=-5000))
    assert await held() == INBOX_APP
    await house.hear(house.takes(SANDBOX.app_id, "pass_thread_control", at_ms=-7000))
    assert await held() == INBOX_APP, "older than what is known"
    await house.hear(house.takes(SANDBOX.app_id, "pass_thread_control", at_ms=-3000))
    assert await held() is None
    await house.hear(house.takes(ASSISTANT_APP, at_ms=-2000))
    assert await held() == ASSISTANT_APP
    house.pass_ms(DAY_MS)
    assert await held() is None, "the channel takes it from them after a day"
    assert (await house.person()).facts.consent_version == contact.facts.consent_version


async def test_what_we_only_hear_is_in_the_thread_and_queues_nobody(house: PageHouse) -> None:
    await house.hear(house.takes(INBOX_APP), house.said("where is my train?", mid="m_1"), standby=True)
    (line,) = await house.thread()
    assert line.standby
    found = await house.conversation()
    assert (found.state, found.waiting_since_ms) == (ConversationState.AUTOMATED, None)
    assert found.elsewhere_since_ms is not None
    assert await house.queued() == 0
    facts = (await house.person()).facts
    assert facts.held_elsewhere(MESSENGER, await house.address(), house.clock.now_ms())


async def test_a_stop_that_we_only_hear_counts_and_is_not_answered(house: PageHouse) -> None:
    await house.tell(house.order(house.traveller()))
    await house.hear(house.said("stop"), standby=True)
    contact = await house.person()
    assert not contact.facts.consents["journey.messenger.zz"].granted
    assert "stop_confirmed" not in [one.notification for one in await house.messages(contact.id)]


async def test_a_thread_that_comes_back_while_somebody_waits_opens_in_the_queue(house: PageHouse) -> None:
    await house.hear(house.takes(ASSISTANT_APP, at_ms=-9000))
    await house.hear(house.said("I want a person", at_ms=-8000), standby=True)
    await house.hear(house.echo("One moment.", app=ASSISTANT_APP, at_ms=-7000))
    back = house.takes(SANDBOX.app_id, "pass_thread_control", at_ms=-6000)
    await house.hear(back, back)
    found = await house.conversation()
    assert (found.state, found.elsewhere_since_ms) == (ConversationState.QUEUED, None)
    assert found.waiting_since_ms == found.last_in_ms
    assert await house.queued() == 1


async def test_a_thread_that_comes_back_answered_opens_nothing(house: PageHouse) -> None:
    await house.hear(house.said("where is my train?", at_ms=-8000), standby=True)
    await house.hear(house.echo("On platform 7.", at_ms=-7000), house.takes(None, "pass_thread_control", at_ms=-6000))
    assert await house.queued() == 0


async def test_a_thread_that_is_let_go_after_the_assistants_own_answer_opens_nothing(house: PageHouse) -> None:
    await house.hear(house.said("where is my train?", at_ms=-8000), standby=True)
    await house.hear(house.echo("On platform 7.", app=ASSISTANT_APP, at_ms=-7000))
    await house.hear(house.takes(None, "pass_thread_control", at_ms=-6000))
    assert await house.queued() == 0


async def test_who_was_not_answered_for_a_day_by_whoever_held_the_thread_waits_for_us(house: PageHouse) -> None:
    await house.hear(house.said("where is my train?"), standby=True)
    house.pass_ms(DAY_MS + HOUR_MS)
    await house.runtime.conversations.repair(everything=True)
    assert await house.queued() == 1


async def test_words_to_us_after_words_to_them_wait_since_the_first(house: PageHouse) -> None:
    await house.hear(house.takes(ASSISTANT_APP, at_ms=-9000))
    await house.hear(house.said("hello?", at_ms=-8000), standby=True)
    await house.hear(house.said("is anybody there?", at_ms=-1000))
    found = await house.conversation()
    assert found.waiting_since_ms is not None
    assert found.last_in_ms - found.waiting_since_ms == pytest.approx(7000, abs=900)
    assert not (await house.person()).facts.held_elsewhere(MESSENGER, await house.address(), house.clock.now_ms())


async def test_that_somebody_asks_for_the_thread_is_a_note_once(house: PageHouse) -> None:
    await house.hear(house.said("hello"))
    wants = house.wants(INBOX_APP)
    await house.hear(wants, wants)
    notes = [one for one in await house.thread() if one.kind is EntryKind.NOTE]
    assert [(one.author, one.form) for one in notes] == [(AUTOMATION, WANTED)]
    assert not (await house.person()).facts.held_elsewhere(MESSENGER, await house.address(), house.clock.now_ms())


async def test_news_waits_while_another_holds_the_thread_and_goes_when_it_comes_back(house: PageHouse) -> None:
    await house.tell(house.order(house.traveller()))
    await house.hear(house.said("hello", at_ms=-9000), house.takes(ASSISTANT_APP, at_ms=-5000))
    await house.tell(house.flight(late_min=60))
    await house.dispatch()
    contact = await house.person()
    late = [one for one in await house.messages(contact.id) if one.notification == "flight_delayed"]
    assert [(one.state.value, one.reason) for one in late] == [("s", "held_elsewhere")]
    await house.hear(house.takes(SANDBOX.app_id, "pass_thread_control", at_ms=-1000))
    late = [one for one in await house.messages(contact.id) if one.notification == "flight_delayed"]
    assert [one.state.value for one in late] == ["q"]


# arrivals and the window


async def test_an_arrival_makes_a_contact_opens_the_window_and_says_nothing(house: PageHouse) -> None:
    came = house.referral("abc")
    await house.hear(came, came)
    contact = await house.person()
    assert contact.facts.window_opened_at(MESSENGER, await house.address()) is not None
    assert await house.runtime.conversations.of_contact(contact.id) == []


async def test_the_ways_in_are_asked_whose_a_writer_is_and_what_their_words_mean(house: PageHouse) -> None:
    await house.tell(house.order(house.recipient(101)))
    known = await house.contact_of(101)
    asked: list[str] = []

    class Ways(WaysIn):
        def __init__(self) -> None:
            """Without what the real ones need."""

        async def owner(self, channel: str, sender: Sender, found: Any, event: Any) -> Any:
            asked.append(f"owner {event.referral.reveal() if event.referral else '-'} {found[0].scope}")
            return await house.runtime.contacts.reserve(channel, found[0], known.id)

        async def message(self, contact: Contact, address: AddressId, sender: Sender, event: MessageEvent) -> bool:
            asked.append(f"message {event.text.reveal()}")
            return event.text.reveal() == "ticket"

        async def arrival(self, contact: Contact, address: AddressId, sender: Sender, event: ArrivalEvent) -> None:
            asked.append(f"arrival {event.referral.reveal()}")

    house.splitter._ways = Ways()
    house.applier = Applier(replace(house.applier.deps, ways=Ways()))
    await house.hear(house.referral("abc"))
    await house.hear(house.said("ticket"))
    assert (await house.person()).id == known.id
    assert await house.queued() == 0
    await house.hear(house.said("where is it?"), house.said("stop"))
    assert await house.queued() == 1
    assert asked == [f"owner abc {PAGE}", "arrival abc", "message ticket", "message where is it?"]


async def test_what_waited_for_the_window_goes_out_when_they_write(house: PageHouse) -> None:
    await house.tell(house.order(house.traveller()))
    await house.redis.delete(f"templates:{MESSENGER}")
    house.runtime.worlds.stale()
    await house.tell(house.flight(late_min=60))
    contact = await house.person()
    late = [one for one in await house.messages(contact.id) if one.notification == "flight_delayed"]
    assert [one.state.value for one in late] == ["s"]
    await house.hear(house.said("any news?"))
    late = [one for one in await house.messages(contact.id) if one.notification == "flight_delayed"]
    assert [one.state.value for one in late] == ["q"]


async def test_several_files_of_one_message_are_all_in_its_line(house: PageHouse) -> None:
    files = [{"type": "image", "payload": {"url": f"https://cdn.fbsbx.com/{number}.jpg"}} for number in range(3)]
    await house.hear(house.item({"message": {"mid": "m_album", "attachments": files}}))
    (line,) = await house.thread()
    assert line.media is not None
    assert len(line.more_media) == 2


async def test_applied_again_from_the_start_nothing_is_added(house: PageHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each item's applier dies after its work, and the next one does it again."""
    whole = house.applier.apply

    async def twice(value: Any) -> None:
        await whole(value)
        await whole(value)

    monkeypatch.setattr(house.applier, "apply", twice)
    await house.hear(house.said("RE 4711?", mid="m_x", at_ms=-9000))
    await house.hear(house.edit("m_x", "RE 4713?", 1, at_ms=-8000), house.echo("On time.", at_ms=-7000))
    await house.hear(house.takes(ASSISTANT_APP, at_ms=-6000), house.wants(INBOX_APP, at_ms=-5500))
    await house.hear(house.said("a person, please", at_ms=-5000), standby=True)
    await house.hear(house.takes(SANDBOX.app_id, at_ms=-4000), house.referral("abc", at_ms=-3000))
    assert await house.lines() == [
        "in: RE 4713?", f"{INBOX}: On time.", f"{AUTOMATION}: ", "in: a person, please",
    ]  # fmt: skip
    found = await house.conversation()
    assert (found.inbound, found.state) == (3, ConversationState.QUEUED)
    assert (await house.person()).facts.held[f"{MESSENGER}:{await house.address()}"][0] == 0
    assert PSID in {one.value.reveal() for one in (await house.person()).profile.addresses[0].identifiers}
