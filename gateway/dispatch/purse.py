"""What messages cost and whether there is money left for them: the counters are read with the brakes, never per message.

What is spent is counted by the step that accepts a message (store/spending.py), so between two looks, half a second apart, at
most that much is spent beyond a limit.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import structlog

from gateway.clock import Clock
from gateway.dispatch.content import form_of
from gateway.dispatch.task import Task
from gateway.insight.watch_gauges import say_reached
from gateway.metrics import Metrics
from gateway.prices import amount
from gateway.prices.budgets import Level, Standing, holds, standings
from gateway.prices.country import country_of
from gateway.prices.model import DAY_MS, SERVICE, Book, Charge, charge
from gateway.prices.tariffs import Tariffs
from gateway.rules.verdict import AsTemplate, FreeText
from gateway.store.outbox import Settlement
from gateway.store.spending import Spend, Spending

LOOK_MS = 5 * 60_000
"""How often a held message asks whether its budget was raised, spread over a minute. Each look costs a claim and a token."""
SPREAD_MS = 60_000
WHY = "budget"
PRICED_MAX = 2000
"""Kinds of messages whose price is at hand: channels x brands x countries x categories of a day."""

log = structlog.get_logger()


class Purse:
    """spending, metrics: None where there are no budgets (tests, tools)."""

    def __init__(
        self, tariffs: Tariffs, clock: Clock, spending: Spending | None = None, metrics: Metrics | None = None
    ) -> None:
        self._tariffs = tariffs
        self._clock = clock
        self._spending = spending
        self._metrics = metrics
        self._found: Sequence[Standing] = ()
        self._priced: dict[tuple[str, str, str, str, int], tuple[str, Spend | None]] = {}
        self._priced_by: Book | None = None

    @property
    def standings(self) -> Sequence[Standing]:
        """Where each budget stood at the last look."""
        return self._found

    async def refresh(self) -> None:
        """Look at the files and the counters. Raises StoreUnavailable."""
        await self._tariffs.refresh()
        if self._spending is None or not self._tariffs.budgets:
            self._found = ()
            return
        now = self._clock.now_ms()
        counted = await self._spending.read({one.counter(now) for one in self._tariffs.budgets})
        self._found = standings(self._tariffs.budgets, counted, now)
        if self._metrics is not None:
            self._metrics.budget_used.clear()
            for one in self._found:
                self._metrics.budget_used.labels(one.budget.name).set(one.percent / 100)
                say_reached(self._metrics, "budget", one.budget.name, one.percent / 100)
        for one in self._found:
            if one.level is not Level.FINE:
                await self._say(self._spending, one)

    async def _say(self, spending: Spending, one: Standing) -> None:
        """Once a period, level and limit, by whichever process sees it first: a fact, which the fold makes a log line of."""
        budget = one.budget
        month, _ = budget.counter(self._clock.now_ms())
        said = f"{budget.name}:{one.period}:{one.level.value}:{budget.limit}"
        detail = {
            "budget": budget.name,
            "period": one.period,
            "spent": amount.exact(one.spent),
            "limit": amount.exact(budget.limit),
            "cur": budget.currency,
        }
        if await spending.tell_once(self._clock, month, said, f"budget_{one.level.value}", detail):
            log.warning(f"budget.{one.level.value}", role="dispatch", **detail)

    def charge(self, task: Task, verdict: FreeText | AsTemplate) -> Charge:
        """What this message is expected to cost, sent now as this."""
        channel, brand, country, category = self._kind(task, verdict)
        return charge(
            self._tariffs.book, channel=channel, brand=brand, country=country, category=category, at_ms=self._clock.now_ms()
        )

    @staticmethod
    def _kind(task: Task, verdict: FreeText | AsTemplate) -> tuple[str, str, str, str]:
        """What a price follows from besides the time: channel, brand, country, category."""
        category = SERVICE
        if isinstance(verdict, AsTemplate):
            try:
                category = str(form_of(task.body, verdict).get("category", ""))
            except KeyError:  # rendering will say so
                category = ""
        brand = str(task.body.get("brand", task.sender.brand))
        return task.sender.channel, brand, country_of(task.address.identifiers), category

    def priced(self, task: Task, verdict: FreeText | AsTemplate) -> tuple[str, Spend | None]:
        """Words for the fact that it was accepted, and what its counters rise by. Alike for all of one kind on one day."""
        book = self._tariffs.book
        if book is not self._priced_by or len(self._priced) > PRICED_MAX:
            self._priced, self._priced_by = {}, book
        channel, brand, country, category = self._kind(task, verdict)
        at_ms = self._clock.now_ms()
        kind = channel, brand, country, category, at_ms // DAY_MS
        found = self._priced.get(kind)
        if found is None:
            one = charge(book, channel=channel, brand=brand, country=country, category=category, at_ms=at_ms)
            found = self._priced[kind] = one.detail, Spend.of(one)
        return found

    def hold(self, task: Task, verdict: FreeText | AsTemplate) -> Settlement | None:
        """Put off what is not urgent while its budget is used up. Its deadline keeps running; in time it expires as ever."""
        if not any(one.level is Level.FULL for one in self._found):
            return None
        claimed = task.claimed
        full = holds(self._found, self.charge(task, verdict), claimed.priority)
        if full is None:
            return None
        now = self._clock.now_ms()
        wait = min(LOOK_MS + random.randrange(SPREAD_MS), min(full.budget.ends_ms(now), claimed.record.deadline_ms) - now)
        return Settlement(
            claimed, "l", claimed.attempt, wait_ms=max(wait, 0), reason=WHY, detail=f"budget={full.budget.name}"
        )
