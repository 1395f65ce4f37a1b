"""What becomes of a restored store's messages: uncertain where they may have been sent, settled where that is known, else as
they were; and of people whom the backup does not know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.insight.history_copy import take_in
from gateway.model.contact import ConsentEntry, Identifier
from gateway.model.ids import ContactId, MessageId, new_address_id, new_contact_id
from gateway.model.message import DeliveryStatus, MessageState
from gateway.model.personal import Personal
from gateway.store import keys, ledger
from gateway.store.facts import Fact
from gateway.store.restored import Restored, Sent, youngest_ms
from gateway.store.vault import KeyRing, Vault
from tests.support.core import LEASE_MS, SENDER, House, Lanes, open_house
from tests.support.edge import edge_running

JOURNEY = "journey.whatsapp.zz"


@pytest.fixture
def lanes(redis: Redis) -> Lanes:
    return Lanes(redis)


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with edge_running() as edge, open_house(redis_url, data_dir, edge.url) as made:
        yield made


def steps(redis: Redis, clock: Clock) -> Restored:
    return Restored(redis, clock, Vault(KeyRing(KeyRing.generate()), redis))


# messages


async def test_a_queued_message_is_unsure_and_its_next_send_has_a_number_of_its_own(lanes: Lanes) -> None:
    (message,) = await lanes.queue("delay")
    found = await steps(lanes.redis, lanes.clock).doubt({}, evidence_ms=500)
    assert [one.message for one in found.maybe] == [message]
    assert await lanes.claim() == []  # evidence is waited for first
    lanes.pass_ms(600)
    claimed = await lanes.one()
    assert (claimed.id, claimed.attempt, claimed.resend) == (message, 2, True)
    assert await lanes.kinds(message) == ["enqueued", "uncertain", "claimed"]


async def test_evidence_that_still_comes_settles_it_and_nothing_is_sent_again(lanes: Lanes) -> None:
    (message,) = await lanes.queue("delay")
    await steps(lanes.redis, lanes.clock).doubt({}, evidence_ms=60_000)
    assert await lanes.evidence(message, attempt=1) == "settled"
    lanes.pass_ms(70_000)
    assert await lanes.claim() == []
    assert await lanes.standing() == []


async def test_what_was_leased_or_unsure_keeps_its_count(lanes: Lanes) -> None:
    (leased,) = await lanes.queue("first")
    assert (await lanes.one()).attempt == 1
    found = await steps(lanes.redis, lanes.clock).doubt({}, evidence_ms=500)
    again = await steps(lanes.redis, lanes.clock).doubt({}, evidence_ms=500)
    assert [one.message for one in found.maybe] == [one.message for one in again.maybe] == [leased]
    lanes.pass_ms(LEASE_MS + 600)
    claimed = await lanes.one()
    assert (claimed.attempt, claimed.resend) == (2, True)
    assert (await lanes.kinds(leased)).count("uncertain") == 1


async def test_the_order_of_a_lane_stays_as_it_was(lanes: Lanes) -> None:
    queued = await lanes.queue("first", "second", "third")
    await steps(lanes.redis, lanes.clock).doubt({}, evidence_ms=500)
    lanes.pass_ms(600)
    assert [await lanes.send() for _ in queued] == queued


async def test_what_is_not_due_yet_was_sent_by_nobody_and_what_fell_due_meanwhile_may_have_been(lanes: Lanes) -> None:
    (soon,) = await lanes.queue("soon", due_ms=1000)
    (late,) = await lanes.queue("late", due_ms=500_000, life_ms=900_000)
    lanes.pass_ms(5000)
    found = await steps(lanes.redis, lanes.clock).doubt({}, evidence_ms=500)
    assert [one.message for one in found.maybe] == [soon]
    assert found.waiting == 1
    lanes.pass_ms(600)
    resent = await lanes.one()
    assert resent.resend
    assert await lanes.settle(resent) == "settled"
    lanes.pass_ms(600_000)
    found_late = [one for one in await lanes.claim() if one.id == late]
    assert [(one.attempt, one.resend) for one in found_late] == [(1, False)]


async def test_what_is_past_its_deadline_is_called_stale(lanes: Lanes) -> None:
    await lanes.queue("old", life_ms=1000)
    lanes.pass_ms(2000)
    assert (await steps(lanes.redis, lanes.clock).doubt({}, evidence_ms=500)).counts["stale"] == 1


async def test_what_a_history_proves_is_settled_with_its_status(lanes: Lanes) -> None:
    sent, other = await lanes.queue("sent", "other")
    proof = {str(sent): Sent(1, DeliveryStatus.DELIVERED, lanes.clock.now_ms())}
    found = await steps(lanes.redis, lanes.clock).doubt(proof, evidence_ms=500)
    assert found.proven == 1
    assert [one.message for one in found.maybe] == [other]
    record = await lanes.record(sent)
    assert (record.state, record.status) == (MessageState.ACCEPTED, DeliveryStatus.DELIVERED)


def test_a_history_says_how_far_each_message_came() -> None:
    def fact(kind: str, at_ms: int, **detail: str) -> Fact:
        return Fact(7, f"{at_ms}-0", at_ms, kind, ("m07x", "c07y", "e07z"), detail)

    found: dict[str, Sent] = {}
    take_in(found, [fact("accepted", 5, attempt="2", s="zz-wa", nt="delay"), fact("delivered", 9, at="9"), fact("sent", 12)])
    assert found == {
        "m07x": Sent(2, DeliveryStatus.DELIVERED, 12, sender="zz-wa", notification="delay", contact="c07y", event="e07z")
    }


async def test_the_moment_of_a_store_is_that_of_its_youngest_fact(lanes: Lanes) -> None:
    assert await youngest_ms(lanes.redis) == 0
    await lanes.queue("one")
    assert abs(await youngest_ms(lanes.redis) - ledger.now_ms()) < 60_000


async def test_sessions_and_leases_of_then_are_over(redis: Redis) -> None:
    await redis.set(f"session:{'a' * 64}", "1", px=99_999)
    await redis.set("lease:fold:01", "1", px=99_999)
    await redis.zadd(keys.WORKERS, {"intake:x": 1})
    assert await steps(redis, Clock()).forget_the_past() == 3
    assert await redis.dbsize() == 0


# people


def entry(kind: str, contact: str, at_ms: int, *addresses: tuple[str, str], kept_ms: int = 0) -> ledger.Entry:
    return ledger.Entry(kind, at_ms, kept_ms or at_ms, contact, (JOURNEY,), addresses)


async def test_somebody_who_came_and_stopped_after_the_backup_has_still_stopped(house: House) -> None:
    contacts, vault = house.runtime.contacts, house.runtime.vault
    contact = new_contact_id()
    blind = vault.blind("address", "whatsapp", "phone", "", "+447700900007")
    now = house.clock.now_ms()
    heard = await Restored(house.redis, house.clock, vault).hear(
        [entry(ledger.WITHDRAWN, contact, now, (new_address_id(contact), blind))], now - 1000
    )
    assert heard.withdrawn == 1
    await house.tell(house.order(house.recipient(7)))  # their source sends the order again: agreed a minute ago
    assert await house.find(7) == contact
    assert not (await contacts.get(contact)).facts.consents[JOURNEY].granted
    assert await house.told(7, "q") == []


async def test_somebody_erased_after_the_backup_is_erased_again_and_an_old_order_does_not_bring_them_back(house: House) -> None:
    vault = house.runtime.vault
    await house.tell(house.order(house.recipient(8)))
    contact = await house.find(8)
    assert contact is not None
    blind = vault.blind("address", "whatsapp", "phone", "", "+447700900008")
    now = house.clock.now_ms()
    said = entry(ledger.ERASED, contact, now, ("a00" + "0" * 13, blind))
    heard = await Restored(house.redis, house.clock, vault).hear([said], now - 1000)
    assert heard.erased == 1
    assert await house.redis.exists(keys.of(contact, "c"), keys.of(contact, "k")) == 0
    await house.tell(house.order(house.recipient(8), number="OLD001"))
    stranger = await house.find(8)
    assert stranger not in (None, contact)
    assert await house.told(8, "q") == []
    house.pass_ms(120_000)  # they order again, later, and agree anew
    await house.tell(house.order(house.recipient(8), number="NEW001"))
    assert await house.told(8, "q") == ["order_confirmed"]


async def test_a_stop_follows_an_address_that_another_contact_has_in_the_backup(house: House) -> None:
    await house.tell(house.order(house.recipient(9)))
    contact = await house.find(9)
    assert contact is not None
    blind = house.runtime.vault.blind("address", "whatsapp", "phone", "", "+447700900009")
    joined = ContactId(new_contact_id())  # who they became part of after the backup
    now = house.clock.now_ms()
    said = entry(ledger.WITHDRAWN, joined, now, (new_address_id(joined), blind))
    await Restored(house.redis, house.clock, house.runtime.vault).hear([said], now - 1000)
    assert not (await house.runtime.contacts.get(contact)).facts.consents[JOURNEY].granted


async def test_a_message_that_the_history_remembers_is_not_planned_again(house: House) -> None:
    order = house.order(house.recipient(10))
    await house.tell(order)
    (message,) = await house.messages()
    proof = {str(message.id): Sent(1, DeliveryStatus.SENT, house.clock.now_ms(), SENDER, "order_confirmed", message.contact)}
    # As in a backup that was taken before the order was told.
    await house.redis.delete(keys.of(message.id, "m"), keys.of(message.contact, "told"))
    for name in keys.lane_keys(int(message.id[1:3]), SENDER):
        await house.redis.delete(name)
    found = await Restored(house.redis, house.clock, house.runtime.vault).doubt(proof, evidence_ms=500)
    assert found.remembered == 1
    known = await house.runtime.outbox.record(MessageId(message.id))
    assert known is not None
    assert known[0].state is MessageState.ACCEPTED


# how it gets into the ledger


async def test_a_stop_and_an_erasure_are_in_the_ledger_without_a_word_about_who(house: House, data_dir: Path) -> None:
    await house.tell(house.order(house.recipient(11)))
    contact = await house.find(11)
    assert contact is not None
    contacts = house.runtime.contacts
    await contacts.set_consents(contact, [ConsentEntry("journey", "whatsapp", "zz", False, house.clock.now_ms(), "stop_word")])
    blind = house.runtime.vault.blind
    (line,) = ledger.read(data_dir / "ledger", blind).entries
    assert (line.kind, line.contact, line.scopes) == (ledger.WITHDRAWN, contact, (JOURNEY,))
    identifier = Identifier("phone", "", Personal("+447700900011"))
    (owner,) = await contacts.find("whatsapp", [identifier])
    assert owner is not None
    assert line.addresses == ((owner[1], blind("address", "whatsapp", "phone", "", "+447700900011")),)
    raw = (data_dir / "ledger").read_bytes()
    assert b"7700900011" not in raw
    assert b"Family11" not in raw


async def test_a_ledger_that_cannot_be_written_stops_nobody_from_stopping(house: House, data_dir: Path) -> None:
    await house.tell(house.order(house.recipient(12)))
    contact = await house.find(12)
    assert contact is not None
    (data_dir / "ledger").unlink()
    (data_dir / "ledger").mkdir()
    entry = ConsentEntry("journey", "whatsapp", "zz", False, house.clock.now_ms(), "stop_word")
    assert await house.runtime.contacts.set_consents(contact, [entry]) == [True]
    (data_dir / "ledger").rmdir()
