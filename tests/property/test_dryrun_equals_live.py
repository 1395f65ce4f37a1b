"""A dry run says exactly what live planning then does: ten thousand people, each as chance made them, over two channels.

A hundred people are put into another state a hundred times: consents, proofs, "not me", windows, unreachable addresses, zones
(and so nights), languages and wishes; templates are approved, paused or missing; the hour is another. Then something happens to
their flight, is rehearsed, and happens. What is compared is what stands in the store afterwards.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gateway.intake.dryrun import FREE_TEXT, Rehearsal
from gateway.model.contact import Contact
from gateway.model.event import BusinessEvent
from gateway.model.ids import SenderId
from gateway.planning.asked import question_of_body
from gateway.rules.may_send import decide
from gateway.rules.rollout import Match, Rollout
from gateway.rules.verdict import AsTemplate, FreeText, Suppressed
from gateway.store import keys
from gateway.store.rollouts import Rollouts
from tests.support.core import HOUR_MS, NUMBER, House, open_house

PAGE = "141421356237301"
SENDERS = {"whatsapp": "zz-wa", "messenger": "zz-me"}
PEOPLE = 100
ROUNDS = 100 if os.environ.get("LONG") else 9
"""`make test-long` goes through ten thousand cases, `make test` through the first of them."""
MORE, CORNERS = 9, 12
"""So many rounds more at most, until chance has been in so many corners: who is who is new in each run."""
DECIDED = {"not_in_rollout", "held_out"}
ZONES = ("Europe/Amsterdam", "America/Los_Angeles", "Asia/Tokyo", "Pacific/Auckland", "UTC")
STATES = ("APPROVED", "APPROVED", "APPROVED", "PAUSED", "PENDING", "REJECTED", "")

Counts = Counter[tuple[str, str, str, str, str]]
"""(notification, channel, state, reason, form) -> messages"""


async def test_what_a_dry_run_counts_is_what_live_planning_writes(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    dice = random.Random("dry run")
    senders = tmp_path / "two.json"
    entries = [
        {"id": "zz-wa", "channel": "whatsapp", "brand": "zz", "token": "t", "account": {"phone_number_id": NUMBER}},
        {"id": "zz-me", "channel": "messenger", "brand": "zz", "token": "t", "account": {"page_id": PAGE}},
    ]
    senders.write_text(json.dumps({"senders": entries}))
    async with open_house(redis_url, tmp_path, GATEWAY_SENDERS_FILE=str(senders)) as house:
        people = await everybody(house, dice)
        seen: Counter[str] = Counter()
        for number in range(ROUNDS + MORE):
            if number >= ROUNDS and len(seen) > CORNERS and DECIDED & set(seen):
                break
            await shuffle(house, people, dice)
            opens = number == 0  # before chance has told them that they can check in
            await roll(house, dice, few=opens)
            event = happening(house, dice, opens=opens)
            rehearsal = await Rehearsal(house.runtime).of(event)
            expected: Counts = Counter()
            for line in rehearsal.lines:
                if line.answer != "exists":
                    state = "queued" if line.answer in ("queued", "later") else line.answer
                    expected[line.notification, line.channel, state, line.reason, line.form] += 1
                    seen[line.reason or line.form] += 1
            await house.tell(event)
            assert await written(house, event) == expected
            await forget_queues(house, dice)
        assert DECIDED & set(seen), seen
        assert len(seen) > CORNERS, seen  # chance went into every corner, or this shows little


async def everybody(house: House, dice: random.Random) -> list[Contact]:
    made = []
    for begin in range(0, PEOPLE, 20):
        recipients = []
        for number in range(begin, begin + 20):
            ways: list[dict[str, Any]] = [
                {"channel": "whatsapp", "to": f"+447700900{number:03d}", "givenBy": "self"},
                {"channel": "messenger", "to": f"61000000000{number:05d}", "givenBy": "self"},
            ]
            dice.shuffle(ways)
            recipients.append(house.recipient(number, addresses=ways[: dice.choice((1, 2, 2))], consents=[]))
        await house.tell(house.order(*recipients, number=f"ZX{begin:04d}", status="placed"))
    for partition in keys.all_partitions():
        people = await house.runtime.contacts.walk(partition, "", 1000)
        made += [one for one in await house.runtime.contacts.get_many(people) if one is not None]
    assert len(made) == PEOPLE
    return made


async def shuffle(house: House, people: list[Contact], dice: random.Random) -> None:
    """Everybody in another state, the templates too, at another hour: written as their scripts would have left it."""
    house.pass_ms(dice.randrange(HOUR_MS // 2, 3 * HOUR_MS))
    now = house.clock.now_ms()
    pipeline = house.redis.pipeline(transaction=False)
    for one in people:
        name = keys.of(one.id, "f")
        fields: dict[Any, Any] = {}
        gone = ["lang", "tz", "wish"]
        for channel in SENDERS:
            consent = f"k:journey.{channel}.zz"
            if dice.random() < 0.15:
                gone.append(consent)
            else:
                fields[consent] = f"{dice.choice('ggggggw')}|{now - dice.randrange(HOUR_MS)}"
        for address in one.profile.addresses:
            window = f"w:{SENDERS[address.channel]}:{address.id}"
            for field, odds, value in (
                (window, 0.4, str(now - dice.randrange(30 * HOUR_MS))),
                (f"p:{address.id}", 0.8, f"{dice.choice(('otp', 'inbound', '-', 'otp'))}|{now}"),
                (f"un:{address.id}", 0.1, str(now)),
                (f"rl:{address.id}", 0.3, str(now - dice.randrange(HOUR_MS))),
            ):
                if dice.random() < odds:
                    fields[field] = value
                else:
                    gone.append(field)
        if dice.random() < 0.8:
            fields["lang"] = dice.choice(("nl", "en", "en-GB", "de"))
            gone.remove("lang")
        if dice.random() < 0.8:
            fields["tz"] = dice.choice(ZONES)
            gone.remove("tz")
        if dice.random() < 0.3:
            fields["wish"] = dice.choice(("messenger", "whatsapp,messenger"))
            gone.remove("wish")
        if gone:
            pipeline.hdel(name, *gone)
        if fields:  # chance may have left them nothing
            pipeline.hset(name, mapping=fields)
    for sender in SENDERS.values():
        for raw in await house.redis.hkeys(keys.templates(sender)):
            state = dice.choice(STATES)
            value = json.dumps({"state": state, "category": dice.choice(("utility",) * 9 + ("marketing",)), "at": 1})
            pipeline.hset(keys.templates(sender), raw, value)
    pipeline.set("sync:zz-wa", "1")
    pipeline.set("sync:zz-me", "1")
    await pipeline.execute()
    house.runtime.worlds.stale()


async def roll(house: House, dice: random.Random, *, few: bool) -> None:
    """Some of the news goes to a share of them, by another seed each time; a part of them is held out.

    few: to so few that hardly ever all are among them: they have few bookings, and that one can check in is news once
    """
    book = Rollouts(house.redis, house.clock)
    for one in await book.all():
        await book.end(one, who="ann", why="the next round")
    share, out, match = dice.randrange(0, 10_001), dice.choice((3000, 5000)), dice.choice((Match(), Match(senders=("zz-wa",))))
    if few:
        share, out, match = 2000, 5000, Match()
    await book.start(Rollout("some", f"{dice.random()}", match, share, out, who="ann", why="by chance"))
    house.runtime.worlds.stale()


def happening(house: House, dice: random.Random, *, opens: bool) -> BusinessEvent:
    """News about their flight, whose times move along with the clock. opens: that one can check in, which may be rolled out."""
    if opens:
        house.began_ms = house.clock.now_ms() // 60_000 * 60_000
        return house.flight("check_in", gate="D1")
    house.began_ms = house.clock.now_ms() // 60_000 * 60_000 - dice.choice((0, 0, 0, 4 * HOUR_MS, 8 * HOUR_MS))
    kind = dice.choice(("delayed", "check_in", "check_in", "delayed", "scheduled", "cancelled", "departed", "diverted"))
    event = house.flight(kind, late_min=dice.choice((0, 20, 60, 180)), gate=dice.choice(("D1", "D2", "C7")))
    return replace(event, occurred_at_ms=event.occurred_at_ms - dice.choice((0, 0, 0, 7 * HOUR_MS)))


async def written(house: House, event: BusinessEvent) -> Counts:
    """What the event made, and as what each would go when it is due, asked as dispatch asks."""
    found: Counts = Counter()
    world = await house.runtime.worlds.now()
    for record in await house.messages():
        check = record.notification == "address_check" and record.planned_at_ms >= event.received_at_ms
        if record.event != event.id and not check:
            continue
        contact = await house.runtime.contacts.get(record.contact)
        address = next((one for one in contact.profile.addresses if one.id == record.address), None)
        sender = house.runtime.directory.get(SenderId(record.sender))
        form, reason = "", record.reason
        if record.state.value == "q" and address is not None and sender is not None:
            at_ms = max(record.due_at_ms, house.clock.now_ms())
            facts = house.runtime.connectors[sender.channel].facts
            body = await house.body(record)
            verdict = decide(question_of_body(body, record, contact, address, sender, facts, world, at_ms))
            if isinstance(verdict, FreeText | AsTemplate):
                form = verdict.name if isinstance(verdict, AsTemplate) else FREE_TEXT
            else:
                reason = verdict.reason.value if isinstance(verdict, Suppressed) else verdict.why
        state = {"q": "queued", "s": "suppressed", "r": "replaced", "e": "ended"}[record.state.value]
        found[record.notification, address.channel if address else "", state, reason, form] += 1
    return found


async def forget_queues(house: House, dice: random.Random) -> None:
    """Messages of rounds before are gone: what is compared is one event. Sometimes what was told is forgotten as well."""
    pipeline = house.redis.pipeline(transaction=False)
    forget = ("*}m:m*", "*}told:*") if dice.random() < 0.5 else ("*}m:m*",)
    for pattern in (*forget, "*}q:*", "*}later:*", "*}lane:*", "*}ready:*", "*}due:*", "*}ways"):
        async for raw in house.redis.scan_iter(match=pattern, count=5000):
            pipeline.delete(raw)
    await pipeline.execute()


