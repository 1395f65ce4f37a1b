"""What became of messages: by the answer to their POST, by the channel's webhooks, and the other ways that follow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gateway.model.ids import MessageId, SenderId, partition_of
from gateway.model.message import DeliveryStatus, MessageRecord
from gateway.store import bulk, keys, scripts
from gateway.store.outbox_reads import Reads
from gateway.store.outbox_values import STUB_TTL_MS, Settlement
from gateway.store.reply import words
from gateway.store.spending import KEEP_MS as SPENT_MS
from gateway.store.spending import Spend


class Settles(Reads):
    async def settle(self, settlements: Sequence[Settlement]) -> list[str]:
        """Say what became of claimed messages; one script per (partition, sender), all in one round trip.

        returns: per settlement settled, evidence, double, old, gone, replaced or ended (lua/outbox_settle.lua)
        """
        now = self._clock.now_ms()
        groups: dict[tuple[int, SenderId], list[int]] = {}
        for place, one in enumerate(settlements):
            groups.setdefault((one.claimed.partition, one.claimed.sender), []).append(place)
        calls: list[scripts.Call] = []
        for (partition, sender), places in groups.items():
            names = [keys.part(partition, "facts"), keys.part(partition, "dead"), *keys.lane_keys(partition, sender)]
            names.append(keys.part(partition, "ways"))
            batch: list[dict[str, Any]] = []
            stubs: list[scripts.Part] = []
            for place in places:
                one = settlements[place]
                record_key = keys.of(one.claimed.id, "m")
                channel_key = keys.in_partition_of(one.claimed.id, "w", one.channel_hash) if one.channel_hash else record_key
                receipts = keys.of(one.claimed.address, "rc") if one.sent_at_ms else record_key
                spent = keys.spent(partition, one.spend.month) if one.spend else record_key
                names += [record_key, channel_key, keys.of(one.claimed.record.contact, "told"), receipts, spent]
                stubs.append(one.stub)
                batch.append(
                    {
                        "a": one.claimed.address,
                        "m": one.claimed.member,
                        "f": one.claimed.fence,
                        "o": one.outcome,
                        "at": one.at_ms if one.wait_ms is None else now + one.wait_ms,
                        "w": -1 if one.wait_ms is None else one.wait_ms,
                        "hold": one.hold_ms,
                        "r": one.reason,
                        "st": one.state.value,
                        "n": one.attempt,
                        "ttl": one.ttl_ms,
                        "T": self._interval(sender),
                        "ev": one.at_ms if one.outcome == "u" else 0,
                        "d": one.detail,
                        "sent": one.sent,
                        "pair": one.pair,
                        "ow": one.another_way,
                        "rc": one.sent_at_ms,
                        **_spend(one.spend),
                    }
                )
            calls.append(("outbox_settle", names, [self._clock.offset_ms, self._tau(sender), json.dumps(batch), *stubs]))
        answers: list[str] = [""] * len(settlements)
        for places, result in zip(groups.values(), await bulk.run_scripts(self._redis, calls), strict=True):
            for place, answer in zip(places, result, strict=True):
                answers[place] = answer.decode()
        return answers

    async def evidence(
        self,
        record: MessageRecord,
        *,
        attempt: int,
        status: DeliveryStatus,
        failed: bool,
        at_ms: int,
        code: int = 0,
        channel_hash: str = "",
        stub: bytes = b"",
        detail: str = "",
        ttl_ms: int = STUB_TTL_MS,
        another_way: bool = False,
        receipts_by_time: bool = False,
        price: str = "",
        spend: Spend | None = None,
    ) -> str:
        """What a status webhook says about a message: settled, applied, old, double, unknown (lua/outbox_evidence.lua).

        another_way: where it says failed, another way to the person is tried
        price, spend: what it should cost, where this is the first word of its being accepted
        """
        partition = partition_of(record.id)
        record_key = keys.of(record.id, "m")
        names = [
            keys.part(partition, "facts"),
            keys.part(partition, "dead"),
            *keys.lane_keys(partition, record.sender),
            record_key,
            keys.in_partition_of(record.id, "w", channel_hash) if channel_hash else record_key,
            keys.of(record.contact, "told"),
            keys.part(partition, "ways"),
            keys.of(record.address, "rc") if record.address else record_key,
            keys.of(record.contact, "f"),
            keys.spent(partition, spend.month) if spend else record_key,
        ]
        args: list[scripts.Part] = [
            self._clock.offset_ms,
            self._tau(record.sender),
            record.id,
            attempt,
            int(status),
            "1" if failed else "0",
            at_ms,
            code,
            ttl_ms,
            stub,
            detail,
            "1" if another_way else "0",
            "1" if receipts_by_time else "0",
            price,
            spend.amount if spend else 0,
            SPENT_MS,
            *(spend.fields if spend else ()),
        ]
        answer = await scripts.run(self._redis, "outbox_evidence", names, args)
        return words(answer)

    # other ways

    async def ways_due(self, partitions: Sequence[int], *, limit: int = 50) -> list[MessageId]:
        """Messages for which another way to their person is due."""
        now = self._clock.now_ms()
        commands: list[bulk.Command] = [
            ("ZRANGEBYSCORE", keys.part(partition, "ways"), "-inf", now, "LIMIT", 0, limit) for partition in partitions
        ]
        return [MessageId(words(one)) for answer in await bulk.values(self._redis, commands) for one in answer]

    async def way_done(self, message: MessageId, detail: str = "") -> bool:
        """Another way was taken (detail: next=<message> why=<reason>), or is not needed any more (""). False: done before."""
        names = [keys.beside(message, "facts"), keys.beside(message, "ways"), keys.of(message, "m")]
        return bool(await scripts.run(self._redis, "way_done", names, [self._clock.offset_ms, message, detail]))

    async def way_later(self, message: MessageId, at_ms: int) -> None:
        """Look for another way again then, if one is still looked for."""
        await self._redis.zadd(keys.beside(message, "ways"), {message: at_ms}, xx=True)


def _spend(spend: Spend | None) -> dict[str, Any]:
    return {"sp": list(spend.fields), "cost": spend.amount, "spt": SPENT_MS} if spend else {}
