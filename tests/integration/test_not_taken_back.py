"""What must not be taken back is answered once a replica has it: a stop, an erasure, a brake, a key. Else the caller hears it.

A primary with one replica. Away, the replica is held up as a whole, so that it keeps its place and takes nothing; a failover is
the primary killed and the replica promoted.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis as blocking
from aiohttp import web
from redis.asyncio import Redis

from gateway.api.problems import answering
from gateway.errors import NotFound, NotReplicated, Sealed
from gateway.model.contact import ConsentEntry, Proof
from gateway.model.ids import new_contact_id
from gateway.store import durability, keys, promised
from gateway.store.apikeys import ApiKeys, Scope
from gateway.store.brakes import BrakeBook
from gateway.store.erasure import Erasure
from gateway.store.facts import Fact
from gateway.store.incidents import Crisis, Incidents
from gateway.store.reply import octets
from gateway.store.rotation import Rewrap
from gateway.store.senders import Stop
from gateway.store.vault import KeyRing, Vault
from tests.conftest import check_keys
from tests.integration.commands_stage import Launcher, launcher
from tests.support.core import House, facts_of, open_house
from tests.support.meta import inbound_text, webhook
from tests.support.server import StoreServer, free_port
from tests.support.waiting import wait_until_sync

__all__ = ["launcher"]

WRITER = "447700900101"


@dataclass
class Pair:
    primary: StoreServer
    replica: StoreServer

    @contextmanager
    def away(self) -> Iterator[None]:
        """The replica takes nothing until the end of this."""
        self.replica.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(durability, "ACKS_TIMEOUT_MS", 150)
                yield
        finally:
            self.replica.process.send_signal(signal.SIGCONT)

    def fail_over(self) -> None:
        self.primary.kill()
        with blocking.Redis(unix_socket_path=str(self.replica.socket)) as client:
            client.replicaof("NO", "ONE")

    def whole(self) -> bool:
        with blocking.Redis(unix_socket_path=str(self.primary.socket)) as client:
            info = client.info("replication")
        return bool(info["connected_slaves"] == 1 and info["slave0"]["state"] == "online")


@pytest.fixture
def pair() -> Iterator[Pair]:
    primary = StoreServer({"repl-diskless-sync-delay": "0"}, port=free_port())
    replica = StoreServer({"replicaof": f"127.0.0.1 {primary.port}"})
    made = Pair(primary, replica)
    try:
        wait_until_sync(made.whole, timeout=20)
        yield made
    finally:
        replica.close()
        primary.close()


@pytest.fixture
async def house(pair: Pair, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(pair.primary.url, data_dir, GATEWAY_STORE_ACKS="1") as made:
        yield made


@asynccontextmanager
async def promoted(pair: Pair, data_dir: Path) -> AsyncIterator[House]:
    """The gateway on the promoted replica, in a process that knows nothing else."""
    pair.fail_over()
    async with open_house(pair.replica.url, data_dir) as made:
        yield made


def entry(house: House, *, granted: bool = False) -> ConsentEntry:
    return ConsentEntry("journey", "whatsapp", "zz", granted, house.clock.now_ms(), "phone")


def erasure(house: House) -> Erasure:
    runtime = house.runtime
    return Erasure(
        house.redis, house.clock, runtime.vault, runtime.contacts, runtime.conversations, runtime.directory.ids, runtime.pairs
    )


async def kinds(house: House) -> list[str]:
    found: list[Fact] = await facts_of(house.redis)
    return [fact.kind for fact in found]


async def refused_then_done(pair: Pair, act: Callable[[], Awaitable[object]]) -> None:
    """Away it answers the error and says so; with the replica back, the same once more is done."""
    with pair.away(), pytest.raises(NotReplicated, match="0 of 1 replicas acknowledged it within 150 ms"):
        await act()
    await act()


# a person's own word


async def test_a_withdrawal_stands_after_a_failover(house: House, pair: Pair, data_dir: Path) -> None:
    await house.tell(house.order(house.recipient(101)))
    contact = await house.contact_of(101)
    said = entry(house)
    await refused_then_done(pair, lambda: house.runtime.contacts.set_consents(contact.id, [said]))
    async with promoted(pair, data_dir) as after:
        assert not (await after.runtime.contacts.get(contact.id)).facts.consents["journey.whatsapp.zz"].granted
        assert [one.granted for one in await after.runtime.contacts.ledger(contact.id)] == [True, False]


async def test_what_changes_with_every_message_waits_for_nobody(house: House, pair: Pair) -> None:
    await house.tell(house.order(house.recipient(101)))
    contact = await house.contact_of(101)
    sender, address = house.runtime.directory.ids[0], contact.profile.addresses[0].id
    with pair.away():
        assert await house.runtime.contacts.open_window(contact.id, sender, address, house.clock.now_ms())
        with pytest.raises(NotReplicated):
            await house.runtime.contacts.set_proof(contact.id, address, None, house.clock.now_ms())
    assert await house.runtime.contacts.set_proof(contact.id, address, Proof.OTP, house.clock.now_ms() + 1)
    await check_keys(house.redis)


async def test_a_stop_by_their_own_words_is_applied_again_until_a_replica_has_it(
    house: House, pair: Pair, data_dir: Path
) -> None:
    await house.tell(house.order(house.recipient(101)))
    await house.runtime.webhooks.append("whatsapp", webhook(inbound_text(house, WRITER, "STOP")))
    await house.splitter.turn(range(keys.WEBHOOK_LOGS))
    with pair.away():
        await house.apply_turn()
        assert len(await house.runtime.webhooks.inbox(keys.all_partitions(), limit=5)) == 1
    assert await house.take_webhooks() == 1
    assert await house.parked() == []
    async with promoted(pair, data_dir) as after:
        assert not (await after.contact_of(101)).facts.consents["journey.whatsapp.zz"].granted


async def test_an_erasure_that_no_replica_heard_of_destroys_nothing_and_may_be_repeated(
    house: House, pair: Pair, data_dir: Path
) -> None:
    await house.tell(house.order(house.recipient(101)))
    contact = await house.contact_of(101)
    with pair.away(), pytest.raises(NotReplicated):
        await erasure(house).erase(contact.id)
    assert await house.redis.exists(keys.of(contact.id, "k"), keys.of(contact.id, "c")) == 2
    assert (await erasure(house).erase(contact.id)).addresses == 1
    async with promoted(pair, data_dir) as after:
        assert await after.find(101) is None
        with pytest.raises(Sealed):
            await after.runtime.vault.contact_box(contact.id)
        with pytest.raises(NotFound):
            await erasure(after).erase(contact.id)


# brakes and crises


async def test_a_brake_is_in_force_at_once_and_answered_when_a_replica_has_it(
    house: House, pair: Pair, data_dir: Path
) -> None:
    book = BrakeBook(house.redis, house.clock)
    stop = Stop("all", 0, "eva", "drill", house.clock.now_ms())
    with pair.away():
        with pytest.raises(NotReplicated):
            await book.stop(stop)
        assert await book.stops() == [stop], "who pulls a brake does not wait for a replica to have it pulled"
    await book.stop(stop)
    async with promoted(pair, data_dir) as after:
        assert await BrakeBook(after.redis, after.clock).stops() == [stop]
        assert "stopped" in await kinds(after)


async def test_nothing_is_lifted_where_no_replica_answers(house: House, pair: Pair, data_dir: Path) -> None:
    book, incidents = BrakeBook(house.redis, house.clock), Incidents(house.redis, house.clock)
    subject = house.runtime.vault.subject_id("flight", "ZZ1007/2026-11-22/AMS")
    await book.stop(Stop("all", 0, "eva", "drill", house.clock.now_ms()))
    crisis = Crisis(subject, (), "flight:ZZ1007", "crisis-1", "eva", "an accident", house.clock.now_ms())
    with pair.away():
        with pytest.raises(NotReplicated):
            await incidents.begin(crisis)
        assert await incidents.all() == [crisis]
        with pytest.raises(NotReplicated):
            await book.resume("all", who="eva")
        with pytest.raises(NotReplicated):
            await incidents.lift(subject, who="eva", why="over")
        assert len(await book.stops()) == 2
        assert (await incidents.all())[0].asked is None
    await incidents.begin(crisis)
    assert await book.resume("all", who="eva")
    assert not (await incidents.lift(subject, who="eva", why="over"))[0]
    assert (await incidents.lift(subject, who="jan", why="over"))[0]
    async with promoted(pair, data_dir) as after:
        assert await BrakeBook(after.redis, after.clock).stops() == []
        assert [one for one in await kinds(after) if one in ("crisis", "crisis_lifted", "resumed")] != []


# keys


@pytest.mark.long
async def test_a_contacts_key_is_on_a_replica_before_anything_is_sealed_under_it(
    house: House, pair: Pair, data_dir: Path
) -> None:
    contact, vault = new_contact_id(), house.runtime.vault
    await refused_then_done(pair, lambda: vault.contact_box(contact, create=True))
    box = await vault.contact_box(contact)
    async with promoted(pair, data_dir) as after:
        assert (await after.runtime.vault.contact_box(contact)).open(box.seal(b"words", "x"), "x") == b"words"


@pytest.mark.long
async def test_old_keys_may_be_thrown_away_only_after_a_run_whose_end_replicas_know(
    house: House, pair: Pair, data_dir: Path
) -> None:
    await house.tell(house.order(house.recipient(101)))
    contact = await house.contact_of(101)
    old = house.runtime.ring
    newer = KeyRing(KeyRing.generate())
    newer.index, newer.wrapping, newer.current = old.index, {1: old.wrapping[1], 2: newer.wrapping[1]}, 2
    moved = Rewrap(house.redis, newer, Vault(newer, house.redis))
    with pair.away(), pytest.raises(NotReplicated):
        await moved.run()
    again = Rewrap(house.redis, newer, Vault(newer, house.redis))
    await again.run()
    with pair.away(), pytest.raises(NotReplicated):  # nothing is left to move, and that is not known to the replica
        await Rewrap(house.redis, newer, Vault(newer, house.redis)).run()
    async with promoted(pair, data_dir) as after:
        assert octets(await after.redis.get(keys.of(contact.id, "k"))).startswith(b"2|")
        assert octets(await after.redis.get(keys.day_key(Vault.day_of(house.clock.now_ms())))).startswith(b"2|")


@pytest.mark.long
async def test_an_ended_api_key_opens_nothing_after_a_failover(house: House, pair: Pair, data_dir: Path) -> None:
    api_keys = ApiKeys(house.redis, house.clock, None)
    with pair.away(), pytest.raises(NotReplicated):
        await api_keys.make("booking", [Scope.EVENTS])
    assert await api_keys.all() == [], "whose secret nobody was told"
    await api_keys.make("booking", [Scope.EVENTS])
    with pair.away():
        for error in (NotReplicated, NotReplicated):  # the second time there is no such key here
            with pytest.raises(error):
                await api_keys.end("booking")
    with pytest.raises(NotFound):
        await api_keys.end("booking")
    async with promoted(pair, data_dir) as after:
        assert await ApiKeys(after.redis, after.clock, None).all() == []


# what the caller hears


async def test_the_api_says_that_it_was_done_and_is_not_safe_yet(house: House, pair: Pair) -> None:
    await house.tell(house.order(house.recipient(101)))
    contact = await house.contact_of(101)

    async def put(request: web.Request) -> web.StreamResponse:
        await house.runtime.contacts.set_consents(contact.id, [entry(house)])
        return web.json_response({})

    request: web.Request = None  # type: ignore[assignment]
    with pair.away():
        answer = await answering(put)(request)
    assert isinstance(answer, web.Response)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert "too few replicas of the store have it" in str(answer.text)
    assert (await answering(put)(request)).status == 200


@pytest.mark.long
async def test_a_command_says_so_and_ends_with_1(pair: Pair, data_dir: Path, launcher: Launcher) -> None:
    more = {"GATEWAY_REDIS_URL": pair.primary.url, "GATEWAY_STORE_ACKS": "1"}
    with pair.away():
        ran = await launcher.run(data_dir, ("stop", "all", "--why", "drill"), "", more)
    assert (ran.code, ran.out) == (1, "")
    assert "0 of 1 replicas acknowledged it within 2000 ms" in ran.err


async def test_a_key_that_was_read_before_a_failover_took_it_is_made_anew(
    redis: Redis, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(redis_url, data_dir) as house:
        contact = new_contact_id()
        name = keys.of(contact, "k")
        await house.runtime.vault.contact_box(contact, create=True)
        run = promised.run

        async def taken_first(client: Redis, *given: Any) -> list[Any]:
            """The server that answers now never had it."""
            monkeypatch.setattr(promised, "run", run)
            await client.delete(name)
            return await run(client, *given)

        monkeypatch.setattr(promised, "run", taken_first)
        vault = Vault(house.runtime.ring, house.redis, acks=1)
        sealed = (await vault.contact_box(contact, create=True)).seal(b"words", contact)
        assert (await Vault(house.runtime.ring, house.redis).contact_box(contact)).open(sealed, contact) == b"words"
