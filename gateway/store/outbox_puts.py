"""Planning: messages go into their lanes, and older ones that they make pointless come out, one script a partition."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gateway.model.ids import ContactId
from gateway.store import bulk, keys, scripts
from gateway.store.outbox_reads import Reads
from gateway.store.outbox_values import STUB_TTL_MS, Plan, PutResult
from gateway.store.reply import words

MAX_DEADLINE_MS = 9_999_999_999_000


class Puts(Reads):
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
                    **({"go": [on.reason, on.due_ms, on.detail]} if (on := message.goes_on) is not None else {}),
                }
                for message in messages
            ],
            "olds": [message for message, _ in olds],
            "over": {name: list(by) for name, by in plan.over.items()},
        }
        args: list[scripts.Part] = [self._clock.offset_ms, json.dumps(body)]
        args += [message.body for message in messages]
        return "outbox_put", names, args
