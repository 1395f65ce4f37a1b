"""Closed conversations in both databases: they read as in the store, are found by their words, and go when their person does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from gateway.cli import restore
from gateway.cli.restore_told import Report
from gateway.clock import Clock
from gateway.errors import GatewayError, NotFound, StoreUnavailable
from gateway.insight import audit
from gateway.insight import closed as closed_module
from gateway.insight.closed import STEP, Closed
from gateway.insight.closed_tables import audit_table, entries_table, touches_table, words_table
from gateway.insight.closing import keep_closed
from gateway.insight.database import Database, open_database
from gateway.insight.fold import Fold
from gateway.insight.history import History
from gateway.insight.retention import STORE_DAYS, forget_old
from gateway.insight.webcare_report import read
from gateway.metrics import Metrics
from gateway.model.conversation import AgentId, InboundEntry
from gateway.model.ids import ContactId, ConversationId, SenderId, new_address_id, new_contact_id
from gateway.model.personal import Personal
from gateway.rules.measures import by_queue
from gateway.settings import read as read_settings
from gateway.store import keys, ledger
from gateway.store.conversation_records import Records
from gateway.store.conversation_upkeep import KEEP_RESOLVED_MS
from gateway.store.conversations import Command, Conversations
from gateway.store.facts import Fact, Facts
from gateway.store.vault import KeyRing, Vault

ANN = AgentId("g1")
DAY = 24 * 3_600_000
ON_A_FILE = pytest.mark.parametrize("history_url", ["sqlite"], indirect=True)
"""What asks nothing of a database that it is not asked elsewhere here."""


@dataclass
class House:
    redis: Any
    clock: Clock
    vault: Vault
    conversations: Conversations
    database: Database
    closed: Closed
    said: int = 0

    async def says(self, contact: ContactId, *texts: str, brand: str = "zz", queue: str = "general") -> ConversationId:
        address = new_address_id(contact)
        for text in texts:
            self.said += 1
            item = InboundEntry(f"wamid.{self.said}", "text", Personal(text), self.clock.now_ms())
            found = await self.conversations.add_inbound(
                contact, brand, address, SenderId("zz-wa"), item=item, queue=queue
            )
        return found

    async def finish(self, conversation: ConversationId) -> None:
        found = await self.conversations.get(conversation)
        taken = await self.conversations.take(Command(conversation, ANN, found.epoch, f"take-{found.revision}"))
        note = Personal("called the hotel")
        await self.conversations.note(Command(conversation, ANN, taken.epoch, f"note-{found.revision}"), note)
        await self.conversations.finish(Command(conversation, ANN, taken.epoch, f"finish-{found.revision}"))
        assert (await self.conversations.get(conversation)).resolved

    async def closes(self, contact: ContactId, *texts: str, brand: str = "zz", queue: str = "general") -> ConversationId:
        conversation = await self.says(contact, *texts, brand=brand, queue=queue)
        await self.finish(conversation)
        return conversation

    async def copy(self) -> int:
        return await keep_closed(Records(self.redis), self.closed, self.clock)

    async def rows(self, table: sql.Table) -> int:
        query = sql.select(sql.func.count()).select_from(table)
        return int(await self.database.call(lambda connection: connection.execute(query).scalar_one()))

    async def found(self, text: str, **options: Any) -> list[str]:
        hits = await self.closed.search(text, "zz", **options)
        return [hit.entry.text.reveal() for hit in hits]


@pytest.fixture
async def house(redis: Any, history_url: str) -> AsyncIterator[House]:
    clock, vault = Clock(), Vault(KeyRing(KeyRing.generate()), redis)
    database = await open_database(history_url)
    yield House(redis, clock, vault, Conversations(redis, clock, vault), database, Closed(database, vault))
    await database.close()


async def test_a_thread_reads_the_same_from_the_history_as_from_the_store(house: House) -> None:
    one = await house.closes(new_contact_id(), "Mijn trein is vertraagd", "Wat nu?")
    assert await house.copy() == 1
    state = await house.conversations.get(one)
    assert await house.closed.get(one) == state
    thread = await house.closed.thread(one)
    assert thread == await house.conversations.thread(state)
    assert [entry.text.reveal() for entry in thread] == ["Mijn trein is vertraagd", "Wat nu?", "called the hotel"]
    assert await house.closed.of_contact(state.contact) == [state]
    assert await house.copy() == 0, "what has not changed is not copied again"
    with pytest.raises(NotFound):
        await house.closed.get(ConversationId("v07none"))


@ON_A_FILE
async def test_what_is_open_is_not_copied_and_what_was_reopened_is_brought_up_to_date(house: House) -> None:
    contact = new_contact_id()
    one = await house.closes(contact, "Where is my bag?")
    await house.copy()
    address = (await house.conversations.get(one)).address
    item = InboundEntry("again", "text", Personal("Still no bag, three days now"), house.clock.now_ms())
    assert await house.conversations.add_inbound(contact, "zz", address, SenderId("zz-wa"), item=item) == one
    assert await house.copy() == 0
    await house.finish(one)
    assert await house.copy() == 1
    assert (await house.closed.get(one)).reopened == 1
    assert len(await house.closed.thread(one)) == 4
    assert await house.found("bag days") == ["Still no bag, three days now"]


async def test_words_are_found_without_case_and_accents_all_in_one_line_newest_first(house: House) -> None:
    await house.closes(new_contact_id(), "José zoekt zijn KOFFER", "koffer kwijt")
    house.clock.offset_ms += 5000
    await house.closes(new_contact_id(), "Koffer van jose is terug")
    await house.copy()
    assert await house.found("koffer") == ["Koffer van jose is terug", "koffer kwijt", "José zoekt zijn KOFFER"]
    assert await house.found("koffer JOSE") == ["Koffer van jose is terug", "José zoekt zijn KOFFER"]
    assert await house.found("jose kwijt") == [], "two lines have one word each"
    assert await house.found("koff") == []
    assert await house.found("!?") == []
    first = await house.closed.search("koffer", "zz", limit=2)
    rest = await house.closed.search("koffer", "zz", after=first[-1].after)
    assert [hit.entry.text.reveal() for hit in rest] == ["José zoekt zijn KOFFER"]


@ON_A_FILE
async def test_search_shows_only_the_brand_and_the_queues_that_one_may_read(house: House) -> None:
    await house.closes(new_contact_id(), "visa of another brand", brand="yy")
    await house.closes(new_contact_id(), "visa in baggage", queue="baggage")
    await house.closes(new_contact_id(), "visa in general")
    await house.copy()
    assert sorted(await house.found("visa")) == ["visa in baggage", "visa in general"]
    assert await house.found("visa", queues={"baggage", "other"}) == ["visa in baggage"]
    assert await house.found("visa", queues=set()) == []


@ON_A_FILE
async def test_nothing_that_was_said_can_be_read_in_the_rows(house: House) -> None:
    await house.closes(new_contact_id(), "Zilvervis")
    await house.copy()

    def everything(connection: sql.Connection) -> str:
        tables = sql.inspect(connection).get_table_names()
        rows = [str(row) for name in tables for row in connection.execute(sql.text(f'SELECT * FROM "{name}"'))]
        return " ".join(rows).casefold()

    text = await house.database.call(everything)
    assert "general" in text
    assert "zilvervis" not in text
    assert "hotel" not in text


@ON_A_FILE
async def test_an_erased_person_is_gone_even_if_the_copy_was_under_way(house: House) -> None:
    gone = new_contact_id()
    one = await house.closes(gone, "forget me please")
    await house.closes(new_contact_id(), "please keep me")
    await house.copy()
    await house.closed.erase(gone)
    await house.closed.erase(gone)
    assert await house.found("please") == ["please keep me"]
    with pytest.raises(NotFound):
        await house.closed.get(one)
    real = house.closed.keep

    async def keep(records: Any) -> int:  # the mark of an erasure comes between what the copy read and what it wrote
        kept = await real(records)
        await house.redis.hset(keys.of(gone, "f"), "erasing", "1")
        return kept

    house.closed.keep = keep  # type: ignore[method-assign]
    assert await house.copy() == 1
    assert await house.closed.of_contact(gone) == []
    assert await house.found("please") == ["please keep me"]


@ON_A_FILE
async def test_without_their_key_the_rows_say_nothing(house: House) -> None:
    contact = new_contact_id()
    one = await house.closes(contact, "secret words")
    await house.copy()
    await house.redis.delete(keys.of(contact, "k"))
    house.vault.forget(contact)
    assert await house.closed.thread(one) == []
    assert await house.found("secret") == []


async def test_characters_that_a_database_refuses_keep_nothing_from_being_kept(house: House) -> None:
    odd = "lost\x00\ud83dbag"
    one = await house.closes(new_contact_id(), "nul\x00character")
    (record,) = await Records(house.redis).read([one])
    assert record is not None
    await house.closed.keep({one: replace(record, header={**record.header, "x": "a\x00b"})})
    first, *_ = await house.closed.thread(one)
    assert first.text.reveal() == "nul\x00character", "sealed as it came"
    assert (await house.closed.get(one)).id == one
    told = [Fact(0, "1-0", house.clock.now_ms(), "read_outside", (odd,), {"agent": odd, "of": odd})]
    await house.database.call(lambda connection: audit.write(connection, told))
    (entry,) = await audit.AuditBook(house.database).read()
    assert (entry.agent, entry.detail["of"]) == ("lost\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}bag",) * 2


@ON_A_FILE
async def test_retention_goes_in_small_steps_and_on_after_a_death(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    many, at, box = 2 * STEP + 300, house.clock.now_ms() - 100 * DAY, b"sealed"
    line = {"conversation": "v07none", "head": "", "body": box}
    touch = {"contact": "c1", "brand": "zz", "channel": "call", "direction": "in", "reason": "", "digest": "", "body": box}
    lines = [{**line, "place": f"{number}-0", "at_ms": at + number} for number in range(many)]
    touches = [{**touch, "id": f"t{number}", "at_ms": at + number} for number in range(many)]

    def fill(connection: sql.Connection) -> None:
        connection.execute(sql.insert(entries_table), lines)
        connection.execute(sql.insert(touches_table), touches)

    await house.database.call(fill)
    real, left, steps = house.database.call, 2, []

    async def call(work: Any) -> Any:
        nonlocal left
        if left == 0:
            raise StoreUnavailable("it died here")
        left -= 1
        steps.append(done := await real(work))
        return done

    monkeypatch.setattr(house.database, "call", call)
    records = Records(house.redis)
    with pytest.raises(StoreUnavailable):
        await forget_old(records, house.closed, house.clock, text_days=90, fact_months=13)
    left = -1
    assert await forget_old(records, house.closed, house.clock, text_days=90, fact_months=13) == 2 * 300
    assert steps == [2 * STEP, 2 * STEP, 2 * 300, 0], "no transaction has more than its share of each"
    assert (await house.rows(entries_table), await house.rows(touches_table)) == (0, many)
    house.clock.offset_ms += 400 * DAY
    assert await forget_old(records, house.closed, house.clock, text_days=90, fact_months=13) == many


async def test_a_page_of_hits_that_may_not_be_seen_does_not_end_the_search(house: House) -> None:
    mine = await house.closes(new_contact_id(), "koffer one")
    house.clock.offset_ms += 5000
    gone = new_contact_id()
    await house.closes(gone, *(f"koffer {number}" for number in range(4)))
    for number in range(4):
        house.clock.offset_ms += 5000
        await house.closes(new_contact_id(), f"koffer of others {number}", queue="theirs")
    await house.copy()
    await house.redis.delete(keys.of(gone, "k"))
    house.vault.forget(gone)
    page = await house.closed.page("koffer", "zz", limit=2, shown=lambda one: one.queue == "general")
    assert ([hit.conversation.id for hit in page.hits], page.after, page.stopped) == ([mine], None, False)


@ON_A_FILE
async def test_a_search_that_gives_up_says_so_and_can_be_gone_on_with(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = await house.closes(new_contact_id(), "koffer one")
    house.clock.offset_ms += 5000
    await house.closes(new_contact_id(), *(f"koffer {number}" for number in range(3)), queue="theirs")
    await house.copy()
    monkeypatch.setattr(closed_module, "MOST_LOOKED", 3)
    first = await house.closed.page("koffer", "zz", limit=1, shown=lambda one: one.queue == "general")
    assert (first.hits, first.stopped) == ([], True)
    rest = await house.closed.page("koffer", "zz", limit=1, after=first.after, shown=lambda one: one.queue == "general")
    assert [hit.conversation.id for hit in rest.hits] == [mine]


@ON_A_FILE
async def test_texts_go_before_the_plain_rows_do(house: House) -> None:
    one = await house.closes(new_contact_id(), "old words")
    await house.copy()
    later = house.clock.now_ms() + 1
    assert await house.closed.forget(texts_before_ms=later, headers_before_ms=0, limit=1) == 1
    assert await house.closed.forget(texts_before_ms=later, headers_before_ms=0) == 1
    assert (await house.rows(entries_table), await house.rows(words_table)) == (0, 0)
    assert await house.closed.thread(one) == []
    assert (await house.closed.get(one)).id == one
    await house.closed.forget(texts_before_ms=later, headers_before_ms=later)
    with pytest.raises(NotFound):
        await house.closed.get(one)


@ON_A_FILE
async def test_lines_that_are_to_stay_longer_than_their_header_go_with_it_and_all_of_a_person_is_found(house: House) -> None:
    contact = new_contact_id()
    one = await house.closes(contact, "old words")
    records = Records(house.redis)
    (record,) = await records.read([one])
    assert record is not None
    many = {ConversationId(f"{one[:-4]}{number:04}"): record for number in range(120)}
    await house.closed.keep(many)
    assert len(await house.closed.of_contact(contact)) == 120
    house.clock.offset_ms += 60 * DAY
    assert await forget_old(records, house.closed, house.clock, text_days=90, fact_months=1) == 120
    assert (await house.rows(entries_table), await house.rows(words_table)) == (0, 0)


@ON_A_FILE
async def test_a_history_that_came_back_forgets_who_was_erased_since(house: House, history_url: str) -> None:
    gone = new_contact_id()
    await house.closes(gone, "words of before")
    await house.closes(new_contact_id(), "words of another")
    await house.copy()
    entry = ledger.Entry(ledger.ERASED, house.clock.now_ms(), house.clock.now_ms(), gone)
    report = Report(house.clock.now_ms() - DAY, ledgers=[ledger.Reading(Path("ledger"), (entry,), False)])
    here = {"GATEWAY_HISTORY_URL": history_url, "GATEWAY_GRAPH_URL": "http://127.0.0.1:9", "GATEWAY_ENV": "demo"}
    settings = read_settings(here, None)
    await restore._erase_again(settings, report)
    assert await house.found("words") == ["words of another"]


async def test_texts_that_are_to_go_early_go_from_the_store_too(house: House) -> None:
    old = await house.closes(new_contact_id(), "old words")
    house.clock.offset_ms += 15 * DAY
    young = await house.closes(new_contact_id(), "young words")
    await house.copy()
    records = Records(house.redis)
    assert await forget_old(records, house.closed, house.clock, text_days=10, fact_months=13) == 2
    assert await house.found("words") == ["young words"]
    assert STORE_DAYS * DAY == KEEP_RESOLVED_MS
    for one, lines in ((old, 0), (young, 2)):
        state = await house.conversations.get(one)
        assert (len(await house.conversations.thread(state)), len(await house.closed.thread(one))) == (lines, lines)
    assert await forget_old(records, house.closed, house.clock, text_days=10, fact_months=13) == 0
    house.clock.offset_ms += 400 * DAY
    await forget_old(records, house.closed, house.clock, text_days=90, fact_months=13)
    with pytest.raises(NotFound):
        await house.closed.get(young)


async def test_several_copies_at_once_leave_each_conversation_once(house: House) -> None:
    for number in range(5):
        await house.closes(new_contact_id(), f"question {number}")
    done = await asyncio.gather(*(house.copy() for _ in range(3)), return_exceptions=True)
    assert any(isinstance(one, int) for one in done)
    await house.copy()
    assert len(await house.found("question")) == 5


async def test_what_the_scripts_write_down_is_measured(house: House) -> None:
    one = await house.says(new_contact_id(), "Where is my bag?")
    begin = (await house.conversations.get(one)).opened_ms
    house.clock.offset_ms += 90_000
    taken = await house.conversations.take(Command(one, ANN, (await house.conversations.get(one)).epoch, "take"))
    deadline = house.clock.now_ms() + DAY
    await house.conversations.reply(
        Command(one, ANN, taken.epoch, "reply"), Personal("In Oslo"), author=Personal("Ann"), deadline_ms=deadline
    )
    await house.conversations.finish(Command(one, ANN, taken.epoch, "finish"))
    assert (await house.conversations.get(one)).resolved
    await house.says(new_contact_id(), "And mine?", queue="baggage")
    history = History(house.database)
    fold = Fold(facts=Facts(house.redis, settle_ms=0), history=history, metrics=Metrics(), clock=house.clock)
    await fold.hold(range(64))
    while await fold.turn():
        pass
    now = house.clock.now_ms() + 1
    found = by_queue(
        await house.database.count(lambda connection: read(connection, since_ms=begin, until_ms=now, now_ms=now + 5000))
    )
    general, baggage = found["zz", "general"], found["zz", "baggage"]
    assert (general.answered, general.service_level, general.resolved, general.hand_over_rate) == (1, 1.0, 1, 0.0)
    assert 90_000 <= general.wait_ms < 95_000
    assert (baggage.waiting, baggage.service_level) == (1, None)
    assert baggage.longest_ms >= 5000


async def test_an_audit_entry_can_be_neither_changed_nor_dropped(house: House) -> None:
    now = house.clock.now_ms()
    row = {"partition": 0, "stream_id": "1-0", "at_ms": now, "what": "read_outside", "agent": "g1", "about": "", "detail": {}}
    old = {**row, "stream_id": "2-0", "at_ms": now - 400 * DAY}
    await house.database.call(lambda connection: connection.execute(sql.insert(audit_table), [row, old]))
    changes: list[Any] = [sql.update(audit_table).values(agent="g2"), sql.delete(audit_table)]
    for change in changes:
        with pytest.raises(GatewayError):
            await house.database.call(lambda connection, change=change: connection.execute(change))  # type: ignore[misc]
    assert await house.rows(audit_table) == 2
    aged = sql.delete(audit_table).where(audit_table.c.at_ms < now - DAY)
    await house.database.call(lambda connection: connection.execute(aged))
    assert await house.rows(audit_table) == 1
