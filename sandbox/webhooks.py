"""Webhooks out: kept until somebody answers 200, in the very bytes Meta would sign.

Meta serialises with non-ASCII escaped (lower-case hex) and ``/`` as ``\\/``, signs that text with HMAC-SHA256 of the app
secret, and sends it; anything but 200 is tried again with growing gaps for 7 days, with no promise of order. What is about
a Page (Messenger) goes out in order within a chat as long as nothing fails, and is waited for at most 5 seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp

from sandbox.clock import DAY_MS, HOUR_MS, Clock
from sandbox.config import SandboxConfig
from sandbox.faults import Faults
from sandbox.store import Json, Store, dump

log = logging.getLogger("sandbox")

AT_ONCE = 64
AT_ONCE_A_NUMBER = 16
GIVE_UP_MS = 7 * DAY_MS
FIRST_GAP_MS = 1_000
WHATSAPP, PAGE = "whatsapp_business_account", "page"
# Meta, "Webhooks for the Messenger Platform": an answer within 5 s. Its generic page speaks of retries over 36 h.
PAGE_ANSWER_S, PAGE_GIVE_UP_MS, PAGE_GAP_MOST_MS = 5.0, 36 * HOUR_MS, HOUR_MS // 6
_LONGEST_WAIT_S = 30.0


def wire(body: Json) -> bytes:
    """The payload as it goes over the wire; these bytes are signed."""
    return json.dumps(body, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def signature(secret: str, raw: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def gap_ms(attempts: int) -> int:
    """After the n-th failed attempt: 1 s, 3 s, 9 s ... up to 6 h."""
    return int(min(FIRST_GAP_MS * 3 ** min(attempts - 1, 12), 6 * HOUR_MS))


class Webhooks:
    """``emit`` keeps, ``run`` delivers. Rows are deleted by a 200 or after 7 days of the sandbox's clock."""

    def __init__(self, config: SandboxConfig, store: Store, clock: Clock, faults: Faults, rng: random.Random) -> None:
        self._config, self._store, self._clock, self._faults, self._rng = config, store, clock, faults, rng
        self._wake = asyncio.Event()
        self._in_flight: dict[int, tuple[str, str]] = {}  # row -> its sender, and its chat where order matters
        self._listeners: list[Callable[[str, str, bool], None]] = []
        self._settled: dict[int, asyncio.Event] = {}
        self.session: aiohttp.ClientSession | None = None
        clock.on_turn(self._wake.set)

    def on_answer(self, listener: Callable[[str, str, bool], None]) -> None:
        """Told (object, sender's id, whether it was a 200) after each attempt, inside the transaction that settles it."""
        self._listeners.append(listener)

    def emit(self, url: str, entry: Json, *, phone_number_id: str = "", address: str = "",
             about: str = WHATSAPP) -> list[int]:
        """Keep one entry for ``url`` ("" is the callback that is configured when it goes out).

        ``about``: the body's ``object``; for a Page, ``phone_number_id`` is its id.
        Returns the rows made (two when a fault doubles it, none when it is lost).
        """
        now = self._clock.now_ms()
        if self._faults.take("webhook_off", phone_number_id, address, lost=True) is not None:
            return []
        at, batch = now, 0
        if (fault := self._faults.take("webhook_delay", phone_number_id, address)) is not None:
            at += fault["ms"]
        if (fault := self._faults.take("webhook_shuffle", phone_number_id, address)) is not None:
            at += self._rng.randrange(fault["ms"] + 1)
        if (fault := self._faults.take("webhook_batch", phone_number_id, address)) is not None:
            at, batch = at + fault["wait_ms"], fault["size"]
        double = self._faults.take("webhook_double", phone_number_id, address)
        entries = [entry, entry] if double is not None and double["together"] else [entry]
        rows = [self._store.insert(
            "INSERT INTO webhooks (next_ms, made_ms, attempts, url, phone_number_id, address, batch, entries, object) "
            "VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?)", at, now, url, phone_number_id, address, batch, dump(entries), about)
            for _ in range(2 if double is not None and not double["together"] else 1)]
        self._wake.set()
        return rows

    def forget(self, phone_number_id: str) -> None:
        """What was kept for a sender is gone."""
        self._store.run("DELETE FROM webhooks WHERE phone_number_id = ?", phone_number_id)

    def wake(self) -> None:
        self._wake.set()

    async def settled(self, row_id: int, timeout_s: float) -> None:
        """Wait until the row's next attempt is over, however it ended."""
        event = self._settled.setdefault(row_id, asyncio.Event())
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._settled.pop(row_id, None)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                now = self._clock.now_ms()
                for row in self._due(now):
                    ids = [row["id"], *self._mates(row)]
                    for row_id in ids:
                        self._in_flight[row_id] = (row["phone_number_id"], _chat(row))
                    group.create_task(self._attempt(row["url"], row["phone_number_id"], ids))
                await self._sleep(now)

    def _held(self) -> tuple[str, list[str]]:
        """A condition (and its values) that leaves out what is kept while ``webhook_off`` is on."""
        conditions, values = "", []
        for fault in self._faults.all():
            if fault["name"] != "webhook_off" or fault["lost"]:
                continue
            conditions += " AND NOT (? IN ('', phone_number_id) AND ? IN ('', address))"
            values += [fault.get("phone_number_id", ""), fault.get("address", "")]
        return conditions, values

    def _due(self, now_ms: int) -> list[Any]:
        """One row at a time, so that a number or batch filled by one is seen by the next."""
        free = AT_ONCE - len(self._in_flight)
        if free <= 0:
            return []
        loads = Counter(number for number, _ in self._in_flight.values())
        busy = {chat for _, chat in self._in_flight.values() if chat}
        skip = [number for number, load in loads.items() if load >= AT_ONCE_A_NUMBER]
        held, held_values = self._held()
        marks = ",".join("?" * len(skip))
        flying = ",".join("?" * len(self._in_flight))
        chats = ",".join("?" * len(busy))
        rows = self._store.rows(
            f"SELECT * FROM webhooks WHERE next_ms <= ? AND phone_number_id NOT IN ({marks}) "  # noqa: S608 - marks only
            f"AND id NOT IN ({flying}){held} AND (object <> 'page' OR (phone_number_id || ':' || address NOT IN ({chats}) "
            "AND id = (SELECT first.id FROM webhooks AS first WHERE first.phone_number_id = webhooks.phone_number_id "
            "AND first.address = webhooks.address ORDER BY first.next_ms, first.id LIMIT 1))) ORDER BY next_ms, id LIMIT ?",
            now_ms, *skip, *self._in_flight, *held_values, *busy, free)
        chosen, batched = [], False
        for row in rows:
            if loads[row["phone_number_id"]] >= AT_ONCE_A_NUMBER or (row["batch"] and batched):
                continue
            loads[row["phone_number_id"]] += 1
            batched = batched or bool(row["batch"])
            chosen.append(row)
        return chosen

    def _mates(self, row: Any) -> list[int]:
        """Other rows that go out in one body with a batched one."""
        if not row["batch"]:
            return []
        rows = self._store.rows("SELECT id FROM webhooks WHERE batch > 0 AND url = ? AND object = ? AND id <> ? "
                                "ORDER BY id LIMIT ?", row["url"], row["object"], row["id"], row["batch"] - 1)
        return [mate["id"] for mate in rows if mate["id"] not in self._in_flight]

    async def _sleep(self, looked_ms: int) -> None:
        """Until the next row after the time of the last look (one may have fallen due since), or until woken."""
        wait_s = _LONGEST_WAIT_S
        if len(self._in_flight) < AT_ONCE:
            row = self._store.row("SELECT MIN(next_ms) AS next FROM webhooks WHERE next_ms > ?", looked_ms)
            if row is not None and row["next"] is not None:
                wait_s = min(wait_s, max(0.0, (row["next"] - self._clock.now_ms()) / 1_000))
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _attempt(self, url: str, phone_number_id: str, ids: list[int]) -> None:
        try:
            marks = ",".join("?" * len(ids))
            rows = self._store.rows(f"SELECT * FROM webhooks WHERE id IN ({marks}) ORDER BY next_ms, id", *ids)  # noqa: S608
            if rows:
                await self._post(url, phone_number_id, rows)
        except Exception:
            log.exception("webhook.attempt_failed")
        finally:
            for row_id in ids:
                self._in_flight.pop(row_id, None)
                if row_id in self._settled:
                    self._settled[row_id].set()
            self._wake.set()

    async def _post(self, url: str, phone_number_id: str, rows: list[Any]) -> None:
        about = rows[0]["object"]
        raw = wire({"object": about, "entry": [entry for row in rows for entry in json.loads(row["entries"])]})
        headers = self._headers(raw, phone_number_id, rows[0]["address"])
        answered = 0
        try:
            assert self.session is not None
            target = url or (self._config.page_webhook_url if about == PAGE else self._config.webhook_url)
            if target is None:
                raise OSError("no callback is configured any more")
            wait_s = min(self._config.webhook_timeout_s, PAGE_ANSWER_S) if about == PAGE else self._config.webhook_timeout_s
            timeout = aiohttp.ClientTimeout(total=wait_s)
            async with self.session.post(target, data=raw, headers=headers, timeout=timeout, allow_redirects=False) as reply:
                await reply.read()
                answered = reply.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            answered = 0
        with self._store.tx():
            for row in rows:
                self._settle(row, answered == 200)
            for sender in sorted({row["phone_number_id"] for row in rows}):
                for listener in self._listeners:
                    listener(about, sender, answered == 200)

    def _headers(self, raw: bytes, phone_number_id: str, address: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        if self._faults.take("webhook_no_signature", phone_number_id, address) is not None:
            return headers
        secret = self._config.app_secret
        if self._faults.take("webhook_wrong_signature", phone_number_id, address) is not None:
            secret = "not-" + secret
        headers["X-Hub-Signature-256"] = signature(secret, raw)
        headers["X-Hub-Signature"] = "sha1=" + hmac.new(secret.encode(), raw, hashlib.sha1).hexdigest()
        return headers

    def _settle(self, row: Any, accepted: bool) -> None:
        """Gone, or tried again after a while; a row that is too old is given up."""
        tries, now = row["attempts"] + 1, self._clock.now_ms()
        page = row["object"] == PAGE
        next_ms = now + (min(gap_ms(tries), PAGE_GAP_MOST_MS) if page else gap_ms(tries))
        if accepted or next_ms - row["made_ms"] > (PAGE_GIVE_UP_MS if page else GIVE_UP_MS):
            self._store.run("DELETE FROM webhooks WHERE id = ?", row["id"])
        else:
            self._store.run("UPDATE webhooks SET attempts = ?, next_ms = ?, batch = 0 WHERE id = ?", tries, next_ms, row["id"])


def _chat(row: Any) -> str:
    """What must not overtake itself: a Page's chat; nothing on WhatsApp, which promises no order."""
    return f"{row['phone_number_id']}:{row['address']}" if row["object"] == PAGE else ""
