"""The outbox: plan, claim, settle, evidence. What may be sent, in what order, and what became of it.

A lane is one sender's order to one address; at most one of its messages is out at a time. `put` plans, `peek` looks, `claim`
leases heads, `settle` says what became of them, `evidence` takes in what the channel's webhooks say. Each is one script a
partition; a claim or settle over all partitions is one round trip. Records: lua/_message.lua, lanes: lua/_lane.lua.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.model.ids import AddressId, ContactId, MessageId, SenderId, partition_of
from gateway.model.message import DeliveryStatus, MessageRecord, MessageState, Priority
from gateway.store import bulk, keys, scripts
from gateway.store.guarded import GuardedRedis
from gateway.store.lineage import Lineage
from gateway.store.relived import relive
from gateway.store.reply import words
from gateway.store.spending import KEEP_MS as SPENT_MS
from gateway.store.spending import Spend
from gateway.store.vault import Box
from gateway.wake import Ready

log = structlog.get_logger()

STUB_TTL_MS = keys.KEEP_MS
EVIDENCE_STANDS_STILL_MS = 15 * 60 * 1000
MAX_DEADLINE_MS = 9_999_999_999_000


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """One message to put. state QUEUED or SUPPRESSED; body: sealed. told: field of told:C ("" = nothing to replace)."""

    id: MessageId
    contact: ContactId
    sender: SenderId | str
    address: AddressId | str
    priority: Priority
    due_ms: int
    deadline_ms: int
    told: str
    state: MessageState
    reason: str
    notification: str
    body: bytes
    revive: bool = False
    conversation: str = ""
    another_way_ms: int = 0
    """not delivered so long after it fell due, another way is tried; 0 = not by time"""
    detail: str = ""
    """for its first fact, e.g. which way this is and why"""
    told_with: tuple[str, ...] = ()
    """fields of told:C of other notifications that speak of the same value"""


@dataclass(frozen=True, slots=True)
class PlannedContact:
    """ends: prefixes of told fields (subject + notification) that this event makes pointless."""

    id: ContactId
    consent_version: int
    ends: tuple[str, ...] = ()
    messages: tuple[PlannedMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What one event means for up to 25 contacts of one partition. fan "" = no fan-out stands behind it.

    start: the cursor where this began, which moves to `cursor` if it stands there still; None = no fan-out was opened here, the
    whole audience of the partition is told at once
    """

    partition: int
    event: str
    version: int
    subject: str
    contacts: tuple[PlannedContact, ...]
    fan: str = ""
    cursor: str = ""
    done: bool = False
    start: str | None = None


@dataclass(frozen=True, slots=True)
class PutResult:
    """written False: nothing was written; `contacts` says why per contact: ok, moved:<C>, erasing, replan.

    moved:  the fan-out's cursor stands where the plan says; False: another process moved it meanwhile
    behind: an older event of the subject is being told here, which this one must not overtake
    """

    written: bool
    messages: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    moved: bool = True
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """One leased message. attempt: counted from 1; resend: its last attempt was uncertain and no evidence came."""

    partition: int
    sender: SenderId
    address: AddressId
    member: str
    fence: int
    attempt: int
    resend: bool
    leased_at_ms: int
    priority: Priority
    record: MessageRecord
    body: bytes
    raw: bytes = b""
    """the whole record, as it was handed out"""
    store_ms: int = 0
    """the store's clock when it was leased"""

    @property
    def id(self) -> MessageId:
        return self.record.id


@dataclass(frozen=True, slots=True)
class Settlement:
    """outcome: a accepted, r retry at, h hold lane until at, l later at, u uncertain, x finished as `state`.

    at_ms:   of r, h and l: a time that somebody planned, as the end of a night; of u: how long to wait for evidence
    wait_ms: of r, h and l, instead of at_ms: so long from when it is settled, by the store's clock, whatever ours says
    """

    claimed: Claimed
    outcome: str
    attempt: int
    at_ms: int = 0
    wait_ms: int | None = None
    hold_ms: int = 0
    reason: str = ""
    state: MessageState = MessageState.DEAD
    stub: bytes = b""
    sent: str = ""
    """what the channel's answer told, see `seal_sent`"""
    channel_hash: str = ""
    detail: str = ""
    ttl_ms: int = STUB_TTL_MS
    pair: bool = False
    """refused for the pair rate: the lane waits until its whole debt is repaid"""
    another_way: bool = False
    """where it ends here, another way to the person is tried"""
    sent_at_ms: int = 0
    """when it left, for a channel whose receipts say "everything until then"; 0 = receipts name their message"""
    spend: Spend | None = None
    """what it costs where it is accepted"""


@dataclass(frozen=True, slots=True)
class Peek:
    """What one sender could send in one partition.

    due_in_ms: after how long, by the store's clock, something falls due (0 or less: it has); None = nothing waits
    ready:     per priority the deadlines (s) of the first lanes that may send
    """

    partition: int
    sender: SenderId
    due_in_ms: int | None
    ready: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """The pair rate of a channel: one per interval, bursts as debt."""

    interval_ms: int
    burst: int

    @property
    def tolerance_ms(self) -> int:
        return self.interval_ms * max(self.burst - 1, 0)


def told_prefix(subject: str, notification: str) -> str:
    return f"{subject[3:]}.{notification}"


def told_field(subject: str, notification: str, item: str) -> str:
    return f"{told_prefix(subject, notification)}:{item}"


def parse_record(message: MessageId, raw: bytes) -> tuple[MessageRecord, bytes]:
    """Header and sealed body of a message record."""
    head, _, body = raw.partition(b"\n")
    part = head.decode().split("|")
    record = MessageRecord(
        id=message,
        state=MessageState(part[1]),
        attempt=int(part[2]),
        sender=SenderId(part[3]),
        address=AddressId(part[4]),
        priority=Priority(int(part[5])),
        sequence=int(part[6]),
        deadline_ms=int(part[7]),
        version=int(part[8]),
        event=part[9],
        subject=part[10],
        contact=ContactId(part[12]),
        notification=part[16],
        status=DeliveryStatus(int(part[13])),
        status_at_ms=int(part[14]),
        reason=part[15],
        planned_at_ms=int(part[17]),
        due_at_ms=int(part[18]),
        conversation=part[19] if len(part) > 19 else "",
        told=part[11],
        sent=part[20] if len(part) > 20 else "",
    )
    return record, body


def seal_sent(box: Box, message: MessageId, sent: Mapping[str, str]) -> str:
    """What only the channel's answer told, beside the body: the body stays as it was sealed when it was planned."""
    return b64encode(box.seal_json(sent, f"sent:{message}")).decode()


def open_message(box: Box, record: MessageRecord, sealed: bytes) -> dict[str, Any]:
    """Its body with `as` (a template's name, or "free") and `id` (the channel's) where it was accepted.

    raises: Sealed; ValueError for a body that is no JSON
    """
    body: dict[str, Any] = box.open_json(sealed, record.id)
    return {**body, **box.open_json(b64decode(record.sent), f"sent:{record.id}")} if record.sent else body


class Outbox:
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

    async def put(self, plan: Plan, *, max_tries: int = 3) -> PutResult:
        """Plan messages and move the cursor, in one step. See lua/outbox_put.lua for what each answer means.

        The older messages that the plan may take out are looked up first; where a faster planner changed them in
        between, the script writes nothing and this looks again.
        """
        return (await self.put_many([plan], max_tries=max_tries))[0]

    async def put_many(
        self, plans: Sequence[Plan], *, max_tries: int = 3, ahead: bulk.Ahead | None = None
    ) -> list[PutResult]:
        """`put` for several partitions in two round trips; each plan is a step of its own. ahead: may hold what `told` wants."""
        results: dict[int, PutResult] = {}
        waiting = list(range(len(plans)))
        for _ in range(max_tries):
            chosen = [plans[place] for place in waiting]
            results |= dict(zip(waiting, await self._put_once(chosen, await self._outdated(chosen, ahead)), strict=True))
            waiting = [
                place
                for place in waiting
                if "replan" in results[place].contacts and all(one in ("ok", "replan") for one in results[place].contacts)
            ]
            if not waiting:
                break
        return [results[place] for place in range(len(plans))]

    def told(self, contacts: Sequence[ContactId]) -> list[bulk.Command]:
        """What `put` asks about these."""
        return [("HGETALL", keys.of(contact, "told")) for contact in contacts]

    async def _outdated(self, plans: Sequence[Plan], ahead: bulk.Ahead | None = None) -> list[list[tuple[str, str]]]:
        """Per plan (message, sender) of what it may take out, by what the contacts were told."""
        commands = self.told([contact.id for plan in plans for contact in plan.contacts])
        answers = iter(await bulk.values(self._redis, commands, ahead=ahead))
        found = []
        for plan in plans:
            mine: list[tuple[str, str]] = []
            for contact in plan.contacts:
                fields = {message.told for message in contact.messages}
                for raw_field, raw_value in bulk.mapping(next(answers)).items():
                    name = raw_field.decode()
                    if name not in fields and name.partition(":")[0] not in contact.ends:
                        continue
                    version, message, sender, state = raw_value.decode().split("|")[:4]
                    if state == "q" and int(version) < plan.version:
                        mine.append((message, sender))
            found.append(mine)
        return found

    async def _put_once(self, plans: Sequence[Plan], olds: Sequence[list[tuple[str, str]]]) -> list[PutResult]:
        calls = [self._put_call(plan, old) for plan, old in zip(plans, olds, strict=True)]
        results = []
        for written, answers, how in await bulk.run_scripts(self._redis, calls):
            texts = tuple(answer.decode() for answer in answers)
            if written:
                results.append(PutResult(True, messages=texts, moved=bool(how)))
            else:
                results.append(PutResult(False, contacts=texts, behind=words(how) == "behind"))
        return results

    def _put_call(self, plan: Plan, olds: list[tuple[str, str]]) -> scripts.Call:
        messages = [message for contact in plan.contacts for message in contact.messages]
        senders = sorted({str(message.sender) for message in messages if message.sender} | {sender for _, sender in olds})
        number = {sender: place + 1 for place, sender in enumerate(senders)}
        prefix = keys.tag(plan.partition)
        names = [f"{prefix}fan", f"{prefix}fanc", f"{prefix}facts", f"{prefix}ways"]
        for sender in senders:
            names += keys.lane_keys(plan.partition, sender)
        for contact in plan.contacts:
            names += [keys.of(contact.id, "f"), keys.of(contact.id, "told")]
        names += [keys.of(message.id, "m") for message in messages]
        names += [keys.of(message, "m") for message, _ in olds]
        place_of = {contact.id: place + 1 for place, contact in enumerate(plan.contacts)}
        body = {
            "e": plan.event,
            "n": plan.version,
            "j": plan.subject,
            "fan": plan.fan,
            "cursor": plan.cursor,
            **({"from": plan.start} if plan.start is not None else {}),
            "done": plan.done,
            "tau": max([self._tau(sender) for sender in senders], default=0),
            "ttl": STUB_TTL_MS,
            "senders": senders,
            "contacts": [
                {"c": contact.id, "v": contact.consent_version, "ends": list(contact.ends)} for contact in plan.contacts
            ],
            "messages": [
                {
                    "c": place_of[message.contact],
                    "s": number.get(str(message.sender), 0),
                    "a": message.address,
                    "p": int(message.priority),
                    "due": message.due_ms,
                    "dl": min(message.deadline_ms, MAX_DEADLINE_MS),
                    "t": message.told,
                    "st": message.state.value,
                    "r": message.reason,
                    "nt": message.notification,
                    "m": message.id,
                    "rev": message.revive,
                    "vv": message.conversation,
                    "w": message.another_way_ms,
                    "d": message.detail,
                    **({"tf": message.told_with} if message.told_with else {}),
                }
                for message in messages
            ],
            "olds": [message for message, _ in olds],
        }
        args: list[scripts.Part] = [self._clock.offset_ms, json.dumps(body)]
        args += [message.body for message in messages]
        return "outbox_put", names, args

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

    async def relive(self, claimed: Sequence[Claimed], *, lease_ms: int, evidence_ms: int) -> list[str]:
        """Lease again, after a failover, what this process leased before it: see `relived.relive` and lua/outbox_relive.lua."""
        return await relive(
            self._redis, claimed, offset_ms=self._clock.offset_ms, lease_ms=lease_ms, evidence_ms=evidence_ms,
            pace=lambda sender: (self._interval(sender), self._tau(sender)),
        )

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

    async def raw_records(self, messages: Sequence[MessageId], ahead: bulk.Ahead | None = None) -> list[bytes | None]:
        return await bulk.values(self._redis, [_record_of(message) for message in messages], ahead=ahead)

    def ahead(self, ready: Sequence[Ready]) -> list[bulk.Command]:
        """What a claim and `superseded` ask about these messages."""
        return [
            command
            for one in ready
            for command in (_record_of(MessageId(one.message)), _told_of(ContactId(one.contact), one.told))
        ]

    async def headers(self, messages: Sequence[MessageId]) -> list[MessageRecord]:
        """The records of those that are known, in the order asked for."""
        found = zip(messages, await self.raw_records(messages), strict=True)
        return [parse_record(message, raw)[0] for message, raw in found if raw is not None]

    async def record(self, message: MessageId) -> tuple[MessageRecord, bytes] | None:
        """A message's header and sealed body; None when it is unknown or forgotten."""
        raw = (await self.raw_records([message]))[0]
        return parse_record(message, raw) if raw is not None else None

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

    async def by_channel_id(self, partition: int, channel_hash: str) -> MessageId | None:
        raw = await self._redis.get(f"{keys.tag(partition)}w:{channel_hash}")
        return MessageId(words(raw)) if raw else None

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


def _spend(spend: Spend | None) -> dict[str, Any]:
    return {"sp": list(spend.fields), "cost": spend.amount, "spt": SPENT_MS} if spend else {}


@dataclass(frozen=True, slots=True)
class ClaimWant:
    """What to claim: up to `limit` heads with a deadline of at most `deadline_s`. id: names the batch, repeatable."""

    id: str
    partition: int
    sender: SenderId
    priority: Priority
    limit: int
    deadline_s: int = 9_999_999_999



