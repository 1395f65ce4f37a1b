"""Data keys and a store that goes back: what was sealed stays readable, and nothing is sealed under a key that is gone.

A day's key lies with another server of a cluster than what it seals. So it may be gone while all else is there: it is taken away
here, and the server is started again, which a process cannot tell from a failover.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.errors import Sealed
from gateway.model.ids import new_contact_id
from gateway.settings import read
from gateway.store import keys, promised
from gateway.store.client import Connection, connect
from gateway.store.contacts import Contacts
from gateway.store.vault import KeyRing, Vault
from tests.crash.test_failover import Past
from tests.support.waiting import wait_until

DAY = "2026-12-24"


@pytest.fixture
def past() -> Iterator[Past]:
    made = Past()
    yield made
    made.server.close()


@pytest.fixture
async def store(past: Past, data_dir: Path) -> AsyncIterator[Connection]:
    made = await connect(read({"GATEWAY_REDIS_URL": past.server.url, "GATEWAY_DATA_DIR": str(data_dir)}, None))
    yield made
    await made.close()


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing(KeyRing.generate())


async def met_again(store: Connection) -> None:
    """Until a connection leads to the server that was started since."""
    turns = promised.turns_of(store.redis)

    async def met() -> bool:
        await store.redis.ping()
        return promised.turns_of(store.redis) > turns

    await wait_until(met)


async def test_a_days_key_that_a_failover_took_is_put_back_by_whoever_knows_it(
    past: Past, store: Connection, ring: KeyRing
) -> None:
    vault, other = Vault(ring, store.redis), Vault(ring, store.redis)
    sealed = DAY.encode() + (await vault.day_box(DAY)).seal(b"an event", "e")
    assert await other.open_day(sealed, "e") == b"an event"
    left_ms = await store.redis.pttl(keys.day_key(DAY))
    await store.redis.delete(keys.day_key(DAY))
    past.server.kill()
    past.server.restart()
    await met_again(store)
    assert await other.open_day(sealed, "e") == b"an event", "who only reads puts it back as well"
    assert left_ms - 60_000 < await store.redis.pttl(keys.day_key(DAY)) <= left_ms, "and it is destroyed when it should have been"
    newcomer = Vault(ring, store.redis)
    assert await newcomer.open_day(sealed, "e") == b"an event"
    assert await newcomer.open_day(DAY.encode() + (await vault.day_box(DAY)).seal(b"later", "e"), "e") == b"later"


async def test_who_made_another_key_meanwhile_is_believed(past: Past, store: Connection, ring: KeyRing) -> None:
    vault = Vault(ring, store.redis)
    await vault.day_box(DAY)
    await store.redis.delete(keys.day_key(DAY))
    past.server.kill()
    past.server.restart()
    await met_again(store)
    newcomer = Vault(ring, store.redis)
    await newcomer.day_box(DAY)
    sealed = DAY.encode() + (await vault.day_box(DAY)).seal(b"from now on", "e")
    assert await newcomer.open_day(sealed, "e") == b"from now on"


async def test_reading_makes_no_key(store: Connection, ring: KeyRing) -> None:
    vault = Vault(ring, store.redis)
    with pytest.raises(Sealed, match="the key of its day is gone"):
        await vault.open_day(DAY.encode() + b"0" * 40, "e")
    assert await store.redis.exists(keys.day_key(DAY)) == 0


async def test_nothing_is_sealed_under_a_contacts_key_that_went_with_the_contact(
    past: Past, store: Connection, ring: KeyRing
) -> None:
    clock, vault = Clock(), Vault(ring, store.redis)
    contacts, contact = Contacts(store.redis, clock, vault), new_contact_id()
    past.keep()
    await vault.contact_box(contact, create=True)
    past.go_back()
    await met_again(store)
    assert vault.cached([contact]) == {}
    await contacts.change(contact, lambda profile: profile)
    assert await Contacts(store.redis, clock, Vault(ring, store.redis)).get(contact)
