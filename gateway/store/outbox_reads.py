"""What is known of messages: records, what was told in their place, what waits. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import AddressId, ContactId, MessageId, SenderId
from gateway.model.message import DeliveryStatus, MessageRecord
from gateway.store import bulk, keys
from gateway.store.guarded import GuardedRedis
from gateway.store.lineage import Lineage
from gateway.store.outbox_values import Pair, parse_record
from gateway.store.reply import words
from gateway.wake import Ready


class Reads:
    def __init__(self, redis: Redis, clock: Clock, pair: Mapping[str, Pair], *, acks: int = 0) -> None:
        """acks: how many replicas must have a claim before it is handed out"""
        self._redis = redis
        self._clock = clock
        self._pair = pair
        """sender -> its channel's pair rate"""
        self._acks = acks
        self.lineage = redis.lineage if isinstance(redis, GuardedRedis) else Lineage()

    def _tau(self, sender: str) -> int:
        pair = self._pair.get(sender)
        return pair.tolerance_ms if pair else 0

    def _interval(self, sender: str) -> int:
        pair = self._pair.get(sender)
        return pair.interval_ms if pair else 0

    # records

    async def raw_records(self, messages: Sequence[MessageId], ahead: bulk.Ahead | None = None) -> list[bytes | None]:
        return await bulk.values(self._redis, [_record_of(message) for message in messages], ahead=ahead)

    async def headers(self, messages: Sequence[MessageId]) -> list[MessageRecord]:
        """The records of those that are known, in the order asked for."""
        found = zip(messages, await self.raw_records(messages), strict=True)
        return [parse_record(message, raw)[0] for message, raw in found if raw is not None]

    async def record(self, message: MessageId) -> tuple[MessageRecord, bytes] | None:
        """A message's header and sealed body; None when it is unknown or forgotten."""
        raw = (await self.raw_records([message]))[0]
        return parse_record(message, raw) if raw is not None else None

    def ahead(self, ready: Sequence[Ready]) -> list[bulk.Command]:
        """What a claim and `superseded` ask about these messages."""
        return [
            command
            for one in ready
            for command in (_record_of(MessageId(one.message)), _told_of(ContactId(one.contact), one.told))
        ]

    async def by_channel_id(self, partition: int, channel_hash: str) -> MessageId | None:
        raw = await self._redis.get(f"{keys.tag(partition)}w:{channel_hash}")
        return MessageId(words(raw)) if raw else None

    async def awaiting_receipt(
        self, address: AddressId, until_ms: int, status: DeliveryStatus
    ) -> list[tuple[MessageRecord, bytes]]:
        """What the channel took for this address until then and is not known to have this status yet; oldest first."""
        raw = await self._redis.zrangebyscore(keys.of(address, "rc"), "-inf", until_ms)
        messages = [MessageId(words(one)) for one in raw]
        found = []
        for message, record in zip(messages, await self.raw_records(messages), strict=True):
            if record is not None:
                parsed = parse_record(message, record)
                if parsed[0].status < status:
                    found.append(parsed)
        return found

    # what was told

    async def superseded(self, records: Sequence[MessageRecord], ahead: bulk.Ahead | None = None) -> list[str | None]:
        """Per record "replaced" or "ended" when something newer was planned since, else None. ahead: may have been read."""
        commands = [_told_of(record.contact, record.told) for record in records]
        answers: list[str | None] = []
        for record, (last, mark) in zip(records, await bulk.values(self._redis, commands, ahead=ahead), strict=True):
            name = record.told
            if name and last and int(last.split(b"|", 1)[0]) > record.version:
                answers.append("replaced")
            elif name and mark and int(mark.split(b"|", 1)[0]) > record.version:
                answers.append("ended")
            else:
                answers.append(None)
        return answers

    async def handed_before(self, record: MessageRecord) -> MessageId | None:
        """The last message of the value that this one tells which may be on the phone already; "" = none, None = not known."""
        raw = await self._redis.hget(keys.of(record.contact, "told"), record.told or "-")
        part = words(raw).split("|") if raw else []
        return MessageId(part[4]) if len(part) > 4 and part[1] == record.id else None

    async def told_messages(self, contact: ContactId) -> list[MessageId]:
        """The last message planned of each (subject, notification, item) for a contact."""
        raw = await self._redis.hgetall(keys.of(contact, "told"))
        found = (words(value).split("|")[1] for value in raw.values())
        return [MessageId(message) for message in found if message]

    async def depth(self, senders: Sequence[SenderId]) -> int:
        """How many messages wait in all lanes and `later` (not the fan-outs still to plan)."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition in keys.all_partitions():
            for sender in senders:
                pipeline.zcard(keys.part(partition, f"q:{sender}"))
                pipeline.zcard(keys.part(partition, f"later:{sender}"))
        return sum(await pipeline.execute()) if senders else 0


def _record_of(message: MessageId) -> bulk.Command:
    return "GET", keys.of(message, "m")


def _told_of(contact: ContactId, told: str) -> bulk.Command:
    """What was told last in place of this, and whether its kind was ended."""
    return "HMGET", keys.of(contact, "told"), told or "-", f"{told.partition(':')[0]}:#" if told else "-"
