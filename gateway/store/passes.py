"""The pages behind the links of travel documents: kept in their contact's partition, opened by a token that is stored nowhere.

The token is a keyed hash of contact, item and event, so that whoever keeps the same issue twice, or asks for its link again, has
the same one. It begins with its partition and ends with a sign of ours: what nobody made is refused without asking the store. The
page's id is a keyed hash of the token; it may stand in facts and logs, and leads to no page.

    {p:07}pg:D   one issue: the paper and who may open it, sealed under the contact's key; wrong answers as keyed hashes
    {p:07}pn:C   per item which issue is the newest, and the device that it is open on, which stays when it is issued again

Erasing the contact makes every page of theirs unreadable, for nobody has the key any more; the hash is left to say 410 by.
A "this is not me" from any address of theirs closes what was kept before it, and no device of before counts: nobody knows which
address the link went to, and who has it may have opened it by the digits of that very number. The next issue opens again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict, NotFound, Sealed
from gateway.model.ids import ContactId, EventId, SubjectId, from_digest, is_id
from gateway.model.pass_page import Answer, Device, PassPage
from gateway.store import bulk, keys, scripts
from gateway.store.contacts import parse_facts
from gateway.store.reply import octets, words
from gateway.store.vault import Vault

AFTER_MS = 30 * keys.DAY_MS
"""How long a page that is over still says so."""
UNKNOWN_MS = 30 * keys.DAY_MS
"""How long it is of use where nobody knows until when."""
LONGEST_MS = 400 * keys.DAY_MS
TRIES = 5
BESIDE = 40
"""How many pages of one booking are shown together at most."""
SHOWN = 200
"""How many of one contact people are shown."""

_BODY, _SIGN = 26, 6
_LENGTH = 2 + _BODY + _SIGN


class Passes:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault) -> None:
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault

    # tokens

    def token(self, contact: ContactId, item: str, event: EventId) -> str:
        """What opens the page of this issue, 34 characters, whether it was kept yet or not. A secret, fit for a URL."""
        body = contact[1:3] + self._vault.blind("pass token", contact, item, event)[:_BODY]
        return body + self._sign(body)

    def is_token(self, text: str) -> bool:
        """Whether we made this token (it may be long over). Takes as long for a wrong one as for a right one."""
        if len(text) != _LENGTH or not text.isascii():
            return False
        return hmac.compare_digest(text[-_SIGN:], self._sign(text[:-_SIGN])) and is_id(_id_like(text), "d")

    def _sign(self, body: str) -> str:
        return self._vault.blind("pass sign", body)[:_SIGN]

    def _id(self, token: str) -> str:
        digest = hashlib.sha256(self._vault.blind("pass id", token).encode()).digest()
        return from_digest("d", int(token[:2]), digest)

    def device(self, page: PassPage, secret: str) -> str:
        """The keyed hash of a device's secret as one item knows it: two items cannot tell that theirs are the same."""
        return self._device_of(page.contact, page.field, secret)

    def _device_of(self, contact: ContactId, field: str, secret: str) -> str:
        return self._vault.blind("pass device", contact, field, secret)

    # made

    async def keep(
        self,
        contact: ContactId,
        subject: SubjectId,
        item: str,
        paper: Mapping[str, Any],
        *,
        event: EventId,
        occurred_at_ms: int,
        sequence: int = 0,
        order: int = 0,
        name_proofs: Sequence[str] = (),
        digits: str = "",
        language: str = "",
        ends_ms: int = 0,
        legs: Sequence[SubjectId] = (),
    ) -> str:
        """Keep the page of one issue and return its token. Repeatable; an older issue of the item is replaced in the same step.

        subject, item:  what it is of; with the contact they name it through all its issues, the newest by sequence
        sequence:       the number under which its subject took the event; 0: not known, then occurred_at_ms decides
        paper:          as documents.paper.Paper dumps it
        order:          of several of one booking on one flight, from 0
        name_proofs:    surnames of which one opens it, as they came; digits: the last four of the number it is sent to, or ""
        language:       the contact's, "" for not known
        ends_ms:        when it is used up; 0: nobody knows, then 30 days from now
        legs:           per leg of the paper the subject whose news moves it; () = the first leg is moved by `subject`
        raises: NotFound when the contact is erased or being erased; Conflict when it moved to another; StoreUnavailable
        """
        token = self.token(contact, item, event)
        page = self._id(token)
        now = self._clock.now_ms()
        ends = min(ends_ms or now + UNKNOWN_MS, now + LONGEST_MS)
        brand, reference = str(paper.get("brand", "")), str(paper.get("reference", ""))
        body = {
            "subject": subject, "item": item, "event": event, "paper": dict(paper), "brand": brand, "language": language,
            "legs": list(legs) or [subject], "names": list(name_proofs), "digits": digits, "order": order,
        }  # fmt: skip
        try:
            box = await self._vault.contact_box(contact)
        except Sealed as error:
            raise NotFound("this contact was erased") from error
        group = self._vault.blind("pass group", contact, brand, reference or subject)[:16]
        args: list[scripts.Part] = [
            self._clock.offset_ms, page, contact, self._field(subject, item), occurred_at_ms, f"{_starts_ms(paper)}-{order}",
            ends, ends + AFTER_MS, group, box.seal_json(body, page), sequence,
        ]  # fmt: skip
        names = [keys.of(page, "pg"), keys.of(contact, "pn"), keys.of(contact, "f"), keys.beside(contact, "facts")]
        answer = words((await bulk.run_scripts(self._redis, [("pass_keep", names, args)]))[0])
        if answer == "erasing":
            raise NotFound("this contact is being erased")
        if answer == "moved":
            raise Conflict("this contact moved to another")
        return token

    async def withdraw(self, token: str, contact: ContactId, subject: SubjectId, item: str, others: Sequence[str]) -> list[str]:
        """Let the page of this token take the place of items that its issue has no more; which of them there were. Repeatable."""
        fields = [self._field(subject, one) for one in others]
        args: list[scripts.Part] = [self._clock.offset_ms, self._id(token), contact, self._field(subject, item), *fields]
        names = [keys.of(contact, "pn"), keys.beside(contact, "facts")]
        answers = await scripts.run(self._redis, "pass_withdraw", names, args)
        return [one for one, gone in zip(others, answers, strict=True) if gone]

    def _field(self, subject: SubjectId, item: str) -> str:
        return self._vault.blind("pass item", subject, item)[:16]

    # found

    async def find(self, token: str) -> PassPage | None:
        """The page that a token opens. None: never made, or over for 30 days. Raises StoreUnavailable."""
        if not self.is_token(token):
            return None
        return (await self._read([self._id(token)]))[0]

    async def beside(self, one: PassPage) -> list[PassPage]:
        """The newest pages of its booking that the same contact holds, this one among them, by time and then by traveller."""
        return [page for page in await self._newest(one.contact, BESIDE, one.group) if page.newest == page.id and not page.erased]

    async def of_contact(self, contact: ContactId) -> list[PassPage]:
        """The newest page of each item of a contact, the last 200 by time, in order."""
        return await self._newest(contact, SHOWN)

    async def _newest(self, contact: ContactId, most: int, group: str = "") -> list[PassPage]:
        raw = await self._redis.hgetall(keys.of(contact, "pn"))
        records = [words(value).split("|") for name, value in raw.items() if b":" not in octets(name)]
        wanted = [record for record in records if record[0] == "1" and group in ("", record[5])]
        placed = sorted({(_place(record[3]), record[2]) for record in wanted})[-most:]  # one may stand for several items
        return [page for page in await self._read([page for _, page in placed]) if page is not None]

    async def _read(self, pages: Sequence[str]) -> list[PassPage | None]:
        """Pages by id, of one or several contacts; None for one that is not there."""
        if not pages:
            return []
        pipeline = self._redis.pipeline(transaction=False)
        for page in pages:
            pipeline.hgetall(keys.of(page, "pg"))
        records = [{words(name): octets(value) for name, value in raw.items()} for raw in await pipeline.execute()]
        pipeline = self._redis.pipeline(transaction=False)
        for record in records:
            if record:
                contact, field = words(record["c"]), words(record["h"])
                pipeline.hmget(keys.of(contact, "pn"), field, f"d:{field}", f"a:{field}")
                pipeline.hgetall(keys.of(contact, "f"))
        answers = iter(await pipeline.execute() if any(records) else [])
        found: list[PassPage | None] = []
        for page, record in zip(pages, records, strict=True):
            found.append(await self._page(page, record, next(answers), next(answers)) if record else None)
        return found

    async def _page(self, page: str, record: dict[str, bytes], stands: list[Any], plain: dict[bytes, bytes]) -> PassPage:
        contact = ContactId(words(record["c"]))
        facts = parse_facts(plain)
        not_me_ms = max((at_ms for proof, at_ms in facts.proofs.values() if proof is None), default=-1)
        body: Mapping[str, Any] = {}
        if not facts.erasing and not_me_ms < int(record.get("k", b"0")):
            try:
                body = (await self._vault.contact_box(contact)).open_json(record["b"], page)
            except Sealed:
                body = {}
        newest, *devices = (words(value) if value else "" for value in stands)
        known = [one.partition("|") for one in devices]
        bound, also = (device if int(since or 0) > not_me_ms else "" for device, _, since in known)
        item, event = body.get("item", ""), EventId(body.get("event", ""))
        return PassPage(
            id=page,
            token=self.token(contact, item, event) if body else "",
            contact=contact,
            field=words(record["h"]),
            subject=SubjectId(body.get("subject", "")),
            item=item,
            event=event,
            occurred_at_ms=int(record["at"]),
            order=int(body.get("order", 0)),
            ends_ms=int(record["ends"]),
            group=words(record["g"]),
            erased=not body,
            newest=newest.split("|")[2] if newest else "",
            paper=body.get("paper", {}),
            brand=body.get("brand", ""),
            language=body.get("language", ""),
            legs=tuple(SubjectId(leg) for leg in body.get("legs", ())),
            name_proofs=tuple(body.get("names", ())),
            digits=body.get("digits", ""),
            not_me_ms=not_me_ms,
            wrong=words(record["w"]).strip("|").count("|") + 1 if record.get("w") else 0,
            bound=bound,
            also=also,
        )

    async def newest(self, one: PassPage) -> PassPage | None:
        """The issue that took its place."""
        return (await self._read([one.newest]))[0] if is_id(one.newest, "d") else None

    # opened

    def stands(self, page: PassPage, secret: str) -> Device:
        """How the device with this secret ("" = it has none) stands to a page."""
        known = [one for one in (page.bound, page.also) if one]
        if secret and any([hmac.compare_digest(one, self.device(page, secret)) for one in known]):
            return Device.MINE
        if page.bound:
            return Device.OTHER
        return Device.SHUT if page.wrong >= TRIES else Device.NONE

    async def prove(
        self, page: PassPage, secret: str, answer: str, *, right: bool, beside: Sequence[PassPage] = ()
    ) -> tuple[Answer, int]:
        """Hand in one answer; what it led to, and how many wrong ones are still allowed. Repeatable.

        secret: the device's; answer: what was said, brought into one form; right: whether it opens this page
        beside: pages of its booking that the same answer opens as well
        """
        others = [one.field for one in beside if one.contact == page.contact and one.field != page.field]
        hashes = [part for one in others for part in (one, self._device_of(page.contact, one, secret))]
        said = self._vault.blind("pass answer", page.id, answer)[:16]
        args: list[scripts.Part] = [
            self._clock.offset_ms, page.id, page.contact, page.field, self.device(page, secret), said, "1" if right else "0",
            TRIES, page.not_me_ms, *hashes,
        ]  # fmt: skip
        names = [
            keys.of(page.id, "pg"), keys.of(page.contact, "pn"), keys.of(page.contact, "f"), keys.beside(page.contact, "facts"),
        ]  # fmt: skip
        word, _, left = words(await scripts.run(self._redis, "pass_prove", names, args)).partition(":")
        return Answer(word), int(left or 0)

    async def unbind(self, page: str, *, by: str) -> bool:
        """Let a page be opened by whoever proves themselves next, its wrong answers forgotten. by: agent, api, cli

        Returns whether there was anything to undo. Raises NotFound where there is no such page.
        """
        found = (await self._read([page]))[0] if is_id(page, "d") else None
        if found is None:
            raise NotFound("no such page, or it has been over for long")
        return await self._unbind(found, "", by)

    async def let_go(self, page: PassPage, secret: str) -> bool:
        """The device lets go of a page that is open on it."""
        return await self._unbind(page, self.device(page, secret), "holder")

    async def _unbind(self, page: PassPage, device: str, by: str) -> bool:
        names = [keys.of(page.id, "pg"), keys.of(page.contact, "pn"), keys.beside(page.contact, "facts")]
        args: list[scripts.Part] = [self._clock.offset_ms, page.id, page.contact, page.field, device, by]
        return bool(await scripts.run(self._redis, "pass_unbind", names, args))


def _id_like(token: str) -> str:
    """A token's partition and letters in the form of an id, to be looked at as one."""
    return f"d{token[:2]}{token[2:15]}"


def _place(text: str) -> tuple[int, int]:
    starts, _, order = text.rpartition("-")
    return int(starts), int(order)


def _starts_ms(paper: Mapping[str, Any]) -> int:
    """When what it is for begins (UTC ms), 0 where that is not known: pages of one booking stand in this order."""
    legs = paper.get("legs") or [{}]
    try:
        moment = datetime.fromisoformat(str(legs[0].get("departs") or paper.get("starts_at") or ""))
    except ValueError:
        return 0
    return max(0, int(moment.timestamp() * 1000))
