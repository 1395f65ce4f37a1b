"""The history on both databases that it is for, each a real one: the same cases, one server for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sql
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gateway.errors import Conflict, StoreUnavailable
from gateway.insight import schema, tables
from gateway.insight.audit import AuditBook, Within
from gateway.insight.database import insert, open_database
from gateway.insight.history import Batch, History, Position, open_history
from gateway.insight.unreached import Pending
from gateway.store.facts import Fact

MESSAGE, CONTACT = "m07a", "c07a"


@pytest.fixture
async def history(history_url: str) -> AsyncIterator[History]:
    opened = await open_history(history_url)
    yield opened
    await opened.close()


def fact(number: int, kind: str, ids: str = f"{MESSAGE} {CONTACT}", partition: int = 7, **detail: str) -> Fact:
    return Fact(partition, f"{number}-0", number, kind, tuple(ids.split()), detail)


def batch(*facts: Fact, before: Position | None = None, **more: Any) -> Batch:
    last = facts[-1].stream_id
    return Batch(facts[0].partition, before or Position(), Position(last, last), facts, **more)


class TestHistory:
    async def test_what_is_folded_is_read_back_by_id_by_kind_and_page_by_page(self, history: History) -> None:
        facts = [fact(number, "enqueued", nt="delay", ro="a,b") for number in range(1, 6)]
        await history.commit([batch(*facts), batch(fact(3, "enqueued", "m08a c08a", partition=8))])
        assert await history.of_ids([CONTACT]) == facts
        assert [one.at_ms for one in await history.of_ids([MESSAGE], limit=2)] == [4, 5]
        first = await history.of_kinds(["enqueued"], since_ms=0, until_ms=9, limit=4)
        last = first[-1]
        rest = await history.of_kinds(
            ["enqueued"], since_ms=0, until_ms=9, after=(last.at_ms, last.partition, last.stream_id)
        )
        assert [(one.at_ms, one.partition) for one in (*first, *rest)] == [(1, 7), (2, 7), (3, 7), (3, 8), (4, 7), (5, 7)]
        assert await history.counts(since_ms=2, until_ms=4) == {"enqueued": 3}
        assert await history.known(7, ["2-0", "9-0"]) == {"2-0"}

    async def test_of_two_with_one_position_the_second_writes_nothing(self, history: History) -> None:
        await history.commit([batch(fact(1, "inbound"))])
        for before in (Position(), Position("0-1", "0-1")):
            with pytest.raises(Conflict):
                await history.commit(
                    [batch(fact(1, "inbound", partition=8)), batch(fact(2, "inbound"), before=before)]
                )
        assert await history.counts(since_ms=0, until_ms=9) == {"inbound": 1}
        assert await history.positions([7, 8]) == {7: Position("1-0", "1-0"), 8: Position()}
        await history.commit([batch(fact(2, "inbound"), before=Position("1-0", "1-0"))])

    async def test_pending_messages_are_kept_until_they_are_dropped(self, history: History) -> None:
        waits = Pending(MESSAGE, 7, "1-0", 1, 9, "dead", "expired", "delay", (MESSAGE, CONTACT))
        await history.commit([batch(fact(1, "dead"), added=(waits,))])
        assert await history.pending([7, 8]) == {7: [waits], 8: []}
        await history.commit([batch(fact(2, "sent"), before=Position("1-0", "1-0"), dropped=(MESSAGE,))])
        assert await history.pending([7]) == {7: []}

    async def test_the_audit_is_only_ever_added_to(self, history: History) -> None:
        now_ms = int(time.time() * 1000)
        facts = [
            fact(1, "agent_rights", "", agent="operator", target="g1", old="agent", new="supervisor@nl"),
            fact(2, "read", "v07a", agent="g1", place="p1"),
            fact(3, "read", f"{MESSAGE} {CONTACT}"),
            fact(4, "stopped", "", who="Kim", scope="all"),
            fact(5, "delivered"),
        ]
        young = Fact(7, "9-0", now_ms, "signed_in", (), {"agent": "g1"})
        await history.commit([batch(*facts, young)])
        book = AuditBook(history.database)
        found = await book.read()
        assert [one.what for one in found] == ["signed_in", "stopped", "read", "agent_rights"]
        assert [one.agent for one in found] == ["g1", "Kim", "g1", "operator"]
        assert [one.what for one in await book.read(before=found[1].place)] == ["read", "agent_rights"]
        assert [one.what for one in await book.read(agent="g1", until_ms=9)] == ["read", "agent_rights"]
        assert [one.about for one in await book.read(about="v07a")] == [("v07a",)]
        assert await book.read(about="v07") == []
        for statement in ("UPDATE audit SET agent = 'nobody'", "DELETE FROM audit"):
            with pytest.raises((Conflict, StoreUnavailable)):
                await history.database.call(lambda connection, text=statement: connection.execute(sql.text(text)))
        assert [one.agent for one in await book.read()] == ["g1", "Kim", "g1", "operator"]
        assert await book.forget(now_ms - 700 * 24 * 3600_000, limit=2) == 2
        assert [one.what for one in await book.read()] == ["signed_in", "stopped"]

    async def test_who_audits_a_brand_finds_its_entries_and_those_about_its_people(self, history: History) -> None:
        facts = [
            fact(1, "searched", "", agent="g2", brand="zz"),
            fact(2, "read", "v07a", agent="g1", brand="yy"),
            fact(3, "read", "v07b", agent="g1"),
            fact(4, "signed_in", "", agent="g1"),
            fact(5, "signed_in", "", agent="g2"),
            fact(6, "agent_rights", "", agent="operator", target="g1", old="agent@yy", new="agent@zz"),
            fact(7, "agent_changed", "", agent="g1", target="g2"),
            fact(8, "stopped", "", who="g1", scope="all"),
            fact(9, "signed_in", "", agent="g1"),
            Fact(7, "9-1", 9, "locked", (), {"agent": "g2"}),
        ]
        await history.commit([batch(*facts)])
        book = AuditBook(history.database)
        within = Within(frozenset({"zz"}), frozenset({"g1"}))
        first = await book.read(within=within, limit=2)
        rest = await book.read(within=within, limit=2, before=first[-1].place)
        assert [one.at_ms for one in (*first, *rest)] == [9, 6, 4, 1]
        asked: Any = {"since_ms": 0, "until_ms": 10, "agent": "", "what": "signed_in", "about": ""}
        assert [await book.count(**asked, within=one, most=9) for one in (within, None)] == [2, 3]
        assert await book.count(**asked, within=None, most=2) == 2
        assert (await book.has("operator"), await book.has("nobody")) == (True, False)
        assert [await book.forget(10, limit=9) for _ in range(3)] == [9, 1, 0], "not one more, though it is as old"

    async def test_reports_count_alike(self, history: History) -> None:
        charge = {"nt": "pass", "s": "wa", "ch": "whatsapp", "b": "x", "mk": "NL", "cat": "utility", "cur": "EUR", "ex": "40"}
        await history.commit(
            [
                batch(
                    fact(1, "enqueued", nt="pass", ro="a,b"),
                    fact(2, "suppressed", "m07b c07b", nt="pass", ro="a", reason="held_out"),
                    fact(3, "accepted", **charge),
                    fact(4, "delivered", type="regular", category="utility"),
                    fact(5, "opened", f"v07a {CONTACT}"),
                    fact(6, "family_joined", "j07a", members="2"),
                )
            ]
        )
        (group,) = await history.cost_groups(since_ms=0, until_ms=9)
        assert (group.messages, group.expected, group.said, group.failed) == (1, 40, "regular", False)
        rolled = await history.rolled("a", since_ms=0, until_ms=9)
        assert (rolled.told, rolled.held_out, rolled.told_asked) == (1, 1, 1)
        assert await history.rolled_people("b", since_ms=0, until_ms=9) == 1
        assert await history.people_of(["pass"], since_ms=0, until_ms=9) == 2
        families = await history.families(["pass"], since_ms=0, until_ms=9)
        assert (families.passes, families.joined, families.largest) == (1, 1, 2)

    async def test_what_is_old_goes_with_what_found_it(self, history: History) -> None:
        await history.commit([batch(*(fact(number, "accepted", f"m07{number} c07a") for number in range(1, 8)))])
        assert [await history.forget_before(6, limit=3) for _ in range(3)] == [3, 2, 0]
        assert [one.at_ms for one in await history.of_ids(["c07a"])] == [6, 7]
        assert sum(group.messages for group in await history.cost_groups(since_ms=0, until_ms=9)) == 2

    async def test_count_that_takes_too_long_is_given_up_and_ends(self, history_url: str) -> None:
        database = await open_database(history_url, call_s=0.3)
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await database.count(lambda connection: connection.execute(sql.text(endless)).scalar())
        assert await database.count(lambda connection: connection.execute(sql.text("SELECT 7")).scalar()) == 7
        assert time.monotonic() - began < 5
        await database.close()


class TestShape:
    async def test_tables_are_what_the_code_says(self, history: History) -> None:
        def differences(connection: sql.Connection) -> Any:
            return compare_metadata(MigrationContext.configure(connection), tables.metadata)

        assert await history.database.call(differences) == []
        assert schema.known()[-1] == schema.HEAD

    async def test_history_from_before_shapes_had_numbers_is_taken_over_whole(self, empty_url: str) -> None:
        database = await open_database(empty_url, prepare=False)
        old = [tables.metadata.tables[name] for name in ("facts", "fact_ids", "positions", "pending")]  # and no costs yet
        await database.call(lambda connection: tables.metadata.create_all(connection, tables=old))
        await database.call(lambda connection: insert(connection, tables.facts_table, [tables.fact_row(fact(1, "sent"))]))
        assert await database.version() == ""
        await database.close()
        history = await open_history(empty_url)
        assert await history.database.version() == schema.HEAD
        assert await history.counts(since_ms=0, until_ms=9) == {"sent": 1}
        assert await history.cost_groups(since_ms=0, until_ms=9) == []
        await history.close()

    async def test_several_that_start_at_once_make_one_shape(self, empty_url: str) -> None:
        opened = await asyncio.gather(*(open_history(empty_url) for _ in range(4)))
        assert {await one.database.version() for one in opened} == {schema.HEAD}
        for one in opened:
            await one.close()

    async def test_shape_of_a_younger_version_is_refused_with_a_sentence(self, empty_url: str) -> None:
        first = await open_history(empty_url)
        younger = sql.text("UPDATE alembic_version SET version_num = '9999'")
        await first.database.call(lambda connection: connection.execute(younger))
        with pytest.raises(schema.SchemaNewer, match="9999"):
            await open_history(empty_url)
        assert await first.counts(since_ms=0, until_ms=9) == {}  # who had it open goes on
        await first.close()
