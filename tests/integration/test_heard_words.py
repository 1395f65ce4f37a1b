"""What a message says of itself reaches its conversation: words that cannot wait, complaints, its language."""

from __future__ import annotations

from typing import Any

from gateway.clock import Clock
from gateway.insight.hooks import OF_CONVERSATIONS, TYPES, webhook_of
from gateway.insight.kinds import say
from gateway.listening import WordLists
from gateway.model.conversation import AgentId, ConversationState, InboundEntry
from gateway.model.ids import ConversationId, SenderId, new_address_id, new_contact_id
from gateway.model.personal import Personal
from gateway.model.webcare import BOOST_S, Boost
from gateway.rules.ranks import order
from gateway.store import keys
from gateway.store.contacts import Contacts
from gateway.store.conversations import Command, Conversations
from gateway.store.facts import Fact
from gateway.store.vault import KeyRing, Vault

LISTENER = WordLists.load().listener()
SENDER = SenderId("zz-wa")


class Stage:
    def __init__(self, redis: Any) -> None:
        self.redis, self.clock = redis, Clock()
        self.vault = Vault(KeyRing(KeyRing.generate()), redis)
        self.store = Conversations(redis, self.clock, self.vault)
        self.contact = new_contact_id()
        self.address = new_address_id(self.contact)
        self.said = 0

    async def says(
        self, text: str, *, needs: bool = True, elsewhere: bool = False, usual: str = "", **more: Any
    ) -> ConversationId:
        self.said += 1
        item = InboundEntry(f"wamid.{self.said}", "text", Personal(text), self.clock.now_ms(), standby=elsewhere)
        return await self.store.add_inbound(
            self.contact, "zz", self.address, SENDER, item=item, needs_person=needs, elsewhere=elsewhere,
            heard=LISTENER.hear("text", item.text, usual), **more,
        )  # fmt: skip


async def test_words_that_cannot_wait_need_a_person_and_go_first(redis: Any) -> None:
    stage = Stage(redis)
    one = await stage.says("status? my father has chest pain", needs=False)
    found = await stage.store.get(one)
    assert (found.state, found.safety) == (ConversationState.QUEUED, "medical"), "although something had answered it"
    assert (found.boost, found.boost_s) == (Boost.SAFETY.value, BOOST_S[Boost.SAFETY])
    await stage.says("where is my parcel")
    again = await stage.store.get(one)
    assert (again.safety, again.boost_s) == ("medical", 3600), "a harmless line after it takes nothing back"
    other = Stage(redis)
    earlier = await other.store.get(await other.says("where is my parcel"))
    assert order([earlier, again])[0] is again


async def test_the_alert_names_the_kind_and_no_word(redis: Any) -> None:
    stage = Stage(redis)
    conversation = await stage.says("there is a fire in coach ZEBRAFINCH", elsewhere=True)
    found = await stage.store.get(conversation)
    assert found.state is ConversationState.AUTOMATED, "another program holds the thread and answers it"
    rows = await redis.xrange(keys.beside(stage.contact, "facts"))
    assert b"zebrafinch" not in repr(rows).lower().encode()
    (row,) = [bytes(row[b"f"]).decode() for _, row in rows if b"|safety|" in row[b"f"]]
    assert "kind=danger" in row
    fact = Fact(7, "1-0", stage.clock.now_ms(), "safety", (conversation, stage.contact), {"kind": "danger", "brand": "zz"})
    assert say(fact, str) == "words that cannot wait: danger; it goes before everybody else"
    sent = webhook_of(fact, "")
    assert sent is not None
    assert b'"type":"conversation.safety"' in sent.body
    assert b'"kind":"danger"' in sent.body
    assert b'"message_id":null' in sent.body
    assert set(TYPES) >= OF_CONVERSATIONS


async def test_a_complaint_without_doubt_gets_its_mark_and_date_once(redis: Any) -> None:
    stage = Stage(redis)
    began = stage.clock.now_ms()
    one = await stage.says("this is unacceptable")
    assert (await stage.store.get(one)).complaint_due_ms == 0, "only proposed"
    await stage.says("I want to file a complaint")
    due = (await stage.store.get(one)).complaint_due_ms
    assert 0 <= due - began - 14 * 86_400_000 < 60_000
    stage.clock.offset_ms += 3_600_000
    await stage.says("did you get my complaint? I want to file a complaint")
    assert (await stage.store.get(one)).complaint_due_ms == due


async def test_what_is_known_as_a_complaint_later_waits_in_its_queue_from_then_on_with_its_age(redis: Any) -> None:
    plain: dict[str, Any] = {"complaints": "complaints", "ahead": ("rebooking", "crisis")}
    stage = Stage(redis)
    one = await stage.says("where is my parcel", **plain)
    before = await stage.store.get(one)
    await stage.says("I want to file a complaint", **plain)
    after = await stage.store.get(one)
    assert (before.queue, after.queue) == ("general", "complaints")
    assert (after.waiting_since_ms, after.queued_ms, after.epoch) == (before.waiting_since_ms, before.queued_ms, before.epoch)
    assert await stage.store.desk.queue("complaints") == [one]
    assert await stage.store.desk.queue("general") == []
    rows = [bytes(row[b"f"]).decode() for _, row in await redis.xrange(keys.beside(stage.contact, "facts"))]
    assert [row for row in rows if "|queued|" in row and "q=complaints" in row], "seen by measures and traces"

    for queue in ("rebooking", "crisis"):
        other = Stage(redis)
        ahead = await other.says("where is my parcel", queue=queue, **plain)
        await other.says("I want to file a complaint", **plain)
        assert (await other.store.get(ahead)).queue == queue, "that goes before"
    urgent = Stage(redis)
    danger = await urgent.says("there is a fire in the coach", **plain)
    await urgent.says("I want to file a complaint", **plain)
    assert (await urgent.store.get(danger)).queue == "general", "nobody who cannot wait is looked for elsewhere"
    assert (await urgent.store.get(danger)).complaint_due_ms > 0

    marked = Stage(redis)
    by_hand = await marked.says("where is my parcel")
    found = await marked.store.get(by_hand)
    until = marked.clock.now_ms() + 86_400_000
    await marked.store.complain(Command(by_hand, AgentId("g1"), found.epoch, "k1"), until, queue="complaints", ahead=("crisis",))
    assert (await marked.store.get(by_hand)).queue == "complaints"
    await marked.store.complain(Command(by_hand, AgentId("g1"), found.epoch, "k2"), 0, queue="complaints", ahead=("crisis",))
    assert (await marked.store.get(by_hand)).queue == "complaints", "somebody has looked at it; they pass it on if they like"
    await marked.store.take(Command(by_hand, AgentId("g1"), found.epoch, "k3"))
    taken = await marked.store.get(by_hand)
    await marked.store.complain(Command(by_hand, AgentId("g1"), taken.epoch, "k4"), until, queue="other")
    assert (await marked.store.get(by_hand)).queue == "complaints", "who has it keeps it where it is"


async def test_who_complains_is_offered_nothing_until_the_day_after_or_the_mark_is_taken_away(redis: Any) -> None:
    stage = Stage(redis)
    contacts = Contacts(redis, stage.clock, stage.vault)
    one = await stage.says("this is a formal complaint")
    (facts,) = await contacts.facts_of([stage.contact])
    found = await stage.store.get(one)
    now, day = stage.clock.now_ms(), 86_400_000
    assert facts.complains("zz", now)
    assert not facts.complains("yy", now), "another brand's news are another matter"
    assert facts.complains("zz", found.complaint_due_ms + day - 1)
    assert not facts.complains("zz", found.complaint_due_ms + day)
    await stage.store.complain(Command(one, AgentId("g1"), found.epoch, "no-complaint"), 0)
    (facts,) = await contacts.facts_of([stage.contact])
    assert not facts.complains("zz", now)
    await stage.store.complain(Command(one, AgentId("g1"), found.epoch, "a-complaint"), now + day)
    (facts,) = await contacts.facts_of([stage.contact])
    assert facts.complains("zz", now)


async def test_the_language_changes_with_the_second_message_in_a_row(redis: Any) -> None:
    stage = Stage(redis)
    one = await stage.says("ok", usual="nl")
    seen = [(await stage.store.get(one)).language]
    for text in ("where is my parcel", "waar blijft mijn pakje", "where is it now please", "5512", "I want my money back"):
        await stage.says(text)
        seen.append((await stage.store.get(one)).language)
    assert seen == ["nl", "nl", "nl", "nl", "nl", "en"], "what says nothing counts neither way"
