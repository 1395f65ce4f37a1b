"""What was sent, or may have been, is not forgotten: not when the store goes at a bad moment, nor for one spoilt record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from redis import exceptions
from redis.asyncio import Redis

from gateway.dispatch import settling
from gateway.dispatch.ending import Delivered
from gateway.dispatch.worker import Dispatcher
from gateway.errors import StoreUnavailable
from gateway.model.ids import new_address_id
from gateway.store import keys
from gateway.store.guarded import translated
from gateway.store.lineage import Turned
from gateway.store.outbox import Claimed, ClaimWant, Outbox, Settlement
from tests.support.core import EVIDENCE_MS, LEASE_MS, Lanes


def dispatcher(lanes: Lanes, *, outbox: Any = None, deliverer: Any = None, evidence: Any = None) -> Dispatcher:
    unused: Any = SimpleNamespace()
    metrics: Any = SimpleNamespace(played_again=SimpleNamespace(inc=None))
    return Dispatcher(
        outbox or lanes.outbox, unused, evidence, unused, unused, deliverer, unused, lanes.clock, unused, metrics,
        slots=5, lease_ms=LEASE_MS,
    )  # fmt: skip


class Fails:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def deliver(self, claimed: Claimed, known: object = None) -> None:
        raise self.error


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), RuntimeError("a mistake of ours")])
async def test_an_uncertain_send_stays_one_when_its_next_try_fails_before_a_byte_left(redis: Redis, error: Exception) -> None:
    lanes = Lanes(redis)
    (message,) = await lanes.queue("reply")
    await lanes.settle(await lanes.one(), "u")
    lanes.pass_ms(EVIDENCE_MS + 1)
    second = await lanes.one()
    one = dispatcher(lanes, deliverer=Fails(error))
    await one._sending.deliver(second)
    settled = one._settling.next()
    assert isinstance(settled, Delivered)
    assert await lanes.outbox.settle([settled.settlement]) == ["settled"]
    lanes.pass_ms(6_000)
    third = await lanes.one()
    assert (third.id, third.resend) == (message, True), "whether its agent is asked hangs on this"


class Away(Outbox):
    """Does not answer so many times."""

    times = 12

    async def settle(self, settlements: Sequence[Settlement]) -> list[str]:
        self.times -= 1
        if self.times >= 0:
            raise StoreUnavailable("away")
        return await super().settle(settlements)


async def test_what_the_channel_said_is_kept_until_the_store_takes_it(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "SETTLE_PAUSES_S", (0.001,))
    lanes = Lanes(redis)
    (message,) = await lanes.queue("delay")
    claimed = await lanes.one()
    await dispatcher(lanes, outbox=Away(redis, lanes.clock, {}))._settling.settle([Settlement(claimed, "a", claimed.attempt)])
    assert await lanes.state(message) == "a"


async def test_a_spoilt_record_does_not_take_what_became_of_the_others_with_it(redis: Redis) -> None:
    lanes = Lanes(redis)
    spoilt = lanes.message(told=False)
    fine = lanes.message(told=False, address=new_address_id(lanes.contact))
    await lanes.put(spoilt)
    await lanes.put(fine)
    claimed = sorted(await lanes.claim(), key=lambda one: one.id != spoilt.id)
    assert [one.id for one in claimed] == [spoilt.id, fine.id]
    name = keys.of(spoilt.id, "m")
    await redis.delete(name)
    await redis.lpush(name, "no record")
    await dispatcher(lanes)._settling.settle([Settlement(one, "a", one.attempt) for one in claimed])
    assert await lanes.state(fine.id) == "a", "it would be sent again"
    await redis.delete(name)


class AnswerLost(Outbox):
    """Claims, and the first answer does not arrive."""

    lost = False

    async def claim(self, wants: Sequence[ClaimWant], **more: Any) -> list[Claimed]:
        claimed = await super().claim(wants, **more)
        if not self.lost:
            self.lost = True
            raise StoreUnavailable("torn")
        return claimed


async def test_a_claim_without_an_answer_is_asked_again_though_a_replica_took_over_meanwhile(redis: Redis) -> None:
    lanes = Lanes(redis)
    (message,) = await lanes.queue("delay")
    outbox = AnswerLost(redis, lanes.clock, {})
    one = dispatcher(lanes, outbox=outbox, evidence=SimpleNamespace(wait_ms=EVIDENCE_MS, runs=True))
    with pytest.raises(StoreUnavailable):
        await one._claiming.claim([lanes.want()])
    outbox.lineage.promoted_s = time.monotonic()
    with pytest.raises(Turned):
        await one._claiming.claim_again()
    outbox.lineage.promoted_s -= 60
    assert [claimed.id for claimed in await one._claiming.claim_again()] == [message], "leased with nobody it would count as sent"


async def test_a_record_that_this_version_cannot_read_keeps_no_other_of_its_claim(redis: Redis) -> None:
    lanes = Lanes(redis)
    strange = lanes.message(told=False)
    fine = lanes.message(told=False, address=new_address_id(lanes.contact))
    await lanes.put(strange)
    await lanes.put(fine)
    name = keys.of(strange.id, "m")
    raw = await redis.get(name)
    assert isinstance(raw, bytes)
    await redis.set(name, raw.replace(b"|q|", b"|new|", 1), keepttl=True)
    assert [one.id for one in await lanes.claim()] == [fine.id]
    await redis.set(name, raw, keepttl=True)
    lanes.pass_ms(LEASE_MS + 1)
    assert strange.id not in [one.id for one in await lanes.claim()], "uncertain, for nobody knows"
    lanes.pass_ms(EVIDENCE_MS + 1)
    assert strange.id in [one.id for one in await lanes.claim()], "whoever can read it has it next"


@pytest.mark.parametrize(
    "said",
    [
        "MISCONF Errors writing to the AOF file: No space left on device",
        "NOREPLICAS Not enough good replicas to write.",
        "BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "Command # 1 (EVALSHA 0 1 2) of pipeline caused error: MISCONF Valkey is configured to save RDB snapshots",
    ],
)
def test_a_store_that_may_not_write_now_is_one_that_is_away(said: str) -> None:
    assert isinstance(translated(exceptions.ResponseError(said)), StoreUnavailable)
    assert translated(exceptions.ResponseError("BUSYGROUP Consumer Group name already exists")) is None
