"""Handing out: look what may be sent, lease it, keep the lease, have it again after a failover."""

from __future__ import annotations

import json
from collections.abc import Sequence

import structlog

from gateway.errors import StoreUnavailable
from gateway.model.ids import AddressId, MessageId, SenderId
from gateway.store import bulk, keys, scripts
from gateway.store.outbox_reads import Reads
from gateway.store.outbox_values import Claimed, ClaimWant, Pair, Peek, parse_record
from gateway.store.relived import relive

EVIDENCE_STANDS_STILL_MS = 15 * 60 * 1000

log = structlog.get_logger()


class Claims(Reads):
    async def peek(self, senders: Sequence[SenderId], partitions: Sequence[int], *, heads: int) -> list[Peek]:
        """What could be sent now, over many partitions and senders in one round trip."""
        return await self.peek_at([(partition, sender) for partition in partitions for sender in senders], heads=heads)

    async def peek_at(self, places: Sequence[tuple[int, SenderId]], *, heads: int) -> list[Peek]:
        """The same for these (partition, sender) alone."""
        calls: list[scripts.Call] = []
        for partition, sender in places:
            names = keys.lane_keys(partition, sender)
            calls.append(("outbox_peek", [names[1], *names[3:]], [heads, self._clock.offset_ms]))
        answers = await bulk.run_scripts(self._redis, calls)
        return [
            Peek(
                partition,
                sender,
                int(due_in) if due_in else None,
                tuple(tuple(int(float(deadline)) for deadline in one) for one in ready),
            )
            for (partition, sender), (due_in, ready) in zip(places, answers, strict=True)
        ]

    async def claim(
        self,
        wants: Sequence[ClaimWant],
        *,
        worker: str,
        lease_ms: int,
        evidence_ms: int,
        clock_ok: bool,
        turn: int | None = None,
        ahead: bulk.Ahead | None = None,
        unanswered: list[ClaimWant] | None = None,
    ) -> list[Claimed]:
        """Lease heads of ready lanes, earliest deadline first, over many partitions in one round trip.

        At most one message of a lane is out at a time: this is what keeps an address's messages in order. A want with
        limit 0 only moves what fell due (later -> lane, lost lease -> unsure, waited -> ready).

        turn:    the last of the store's turns that the caller knows of (lineage.py)
        ahead:   what is read behind the claim in the same round trip
        unanswered: takes the wants whose part of the store is lost while others answer, to be asked again; None = that is raised
        returns: the leased messages with their records; a record that is gone is settled as such at once
        raises:  Turned when another server answers than at that turn; StoreUnavailable; repeating with the same ids gives
                 the same batches
        atomic:  lua/outbox_claim.lua, one per (partition, sender, priority)
        """
        calls: list[scripts.Call] = []
        for want in wants:
            pair = self._pair.get(want.sender, Pair(0, 1))
            names = [
                f"{keys.tag(want.partition)}claim:{want.id}",
                keys.part(want.partition, "facts"),
                *keys.lane_keys(want.partition, want.sender),
            ]
            args: list[scripts.Part] = [
                self._clock.offset_ms,
                int(want.priority) if want.limit else -1,
                want.limit,
                want.deadline_s,
                lease_ms,
                evidence_ms,
                pair.interval_ms,
                pair.tolerance_ms,
                worker,
                "1" if clock_ok else "0",
                EVIDENCE_STANDS_STILL_MS,
            ]
            calls.append(("outbox_claim", names, args))
        now = self._clock.now_ms()
        rows = []
        answers = await bulk.each_script(self._redis, calls, turn=turn, acks=self._acks, ahead=ahead)
        lost = [answer for answer in answers if isinstance(answer, Exception)]
        if lost and (unanswered is None or len(lost) == len(wants) or any(not isinstance(one, StoreUnavailable) for one in lost)):
            raise lost[0]
        for want, answer in zip(wants, answers, strict=True):
            if isinstance(answer, Exception):
                assert unanswered is not None
                unanswered.append(want)
                continue
            rows += [(want, *row) for row in json.loads(answer)] if answer != b"[]" else []
        if not rows:
            return []
        raws = await self.raw_records([MessageId(row[2][39:]) for row in rows], ahead)
        claimed = []
        for (want, address, member, fence, attempt, resend, store_ms), raw in zip(rows, raws, strict=True):
            message = MessageId(member[39:])
            if raw is None:  # its time to live ran out in the lane: settle says "gone" and frees the lane
                await self.settle_gone(want, address, member, int(fence))
                continue
            try:
                record, body = parse_record(message, raw)
            except (ValueError, IndexError):
                # Damaged, or of a later version that can read it: its lease runs out. Others of this claim do not wait for it.
                log.error("claim.record_unreadable", message_id=message)
                continue
            claimed.append(
                Claimed(
                    partition=want.partition,
                    sender=want.sender,
                    address=AddressId(address),
                    member=member,
                    fence=int(fence),
                    attempt=record.attempt + int(attempt),
                    resend=bool(resend),
                    leased_at_ms=now,
                    priority=want.priority,
                    record=record,
                    body=body,
                    raw=raw,
                    store_ms=int(store_ms),
                )
            )
        return claimed

    async def settle_gone(self, want: ClaimWant, address: str, member: str, fence: int) -> None:
        names = [
            keys.part(want.partition, "facts"),
            keys.part(want.partition, "dead"),
            *keys.lane_keys(want.partition, want.sender),
        ]
        message = keys.of(member[39:], "m")
        await self._redis.zrem(names[2], member)
        gone = {"a": address, "m": member, "f": fence, "o": "x", "at": 0, "w": -1, "hold": 0, "r": "poisoned", "st": "d", "n": 0}
        names.append(keys.part(want.partition, "ways"))
        await scripts.run(
            self._redis,
            "outbox_settle",
            [*names, message, message, message, message, message],
            [self._clock.offset_ms, self._tau(want.sender), json.dumps([gone]), b""],
        )

    async def renew(self, claimed: Sequence[Claimed], *, lease_ms: int) -> list[bool]:
        """Keep the leases of slow sends. False: it is lost, and what comes of the send will be evidence only."""
        groups: dict[tuple[int, SenderId], list[int]] = {}
        for place, one in enumerate(claimed):
            groups.setdefault((one.partition, one.sender), []).append(place)
        calls: list[scripts.Call] = []
        for (partition, sender), places in groups.items():
            args: list[scripts.Part] = [self._clock.offset_ms, lease_ms]
            for place in places:
                args += [claimed[place].address, claimed[place].fence]
            calls.append(("outbox_renew", [keys.part(partition, "facts"), *keys.lane_keys(partition, sender)], args))
        answers = [False] * len(claimed)
        for places, result in zip(groups.values(), await bulk.run_scripts(self._redis, calls), strict=True):
            for place, answer in zip(places, result, strict=True):
                answers[place] = bool(answer)
        return answers

    async def relive(self, claimed: Sequence[Claimed], *, lease_ms: int, evidence_ms: int) -> list[str]:
        """Lease again, after a failover, what this process leased before it: see `relived.relive` and lua/outbox_relive.lua."""
        return await relive(
            self._redis, claimed, offset_ms=self._clock.offset_ms, lease_ms=lease_ms, evidence_ms=evidence_ms,
            pace=lambda sender: (self._interval(sender), self._tau(sender)),
        )
