"""What messages cost, from the first price in a fact to the report; and what a used-up budget holds, on a real store."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.app import open_runtime
from gateway.cli.checks.finding import Level
from gateway.connector import Outcome, RawResponse, RenderedRequest, SendResult
from gateway.dispatch.purse import LOOK_MS, SPREAD_MS, Purse
from gateway.errors import SettingsError
from gateway.insight.cost_report import rows
from gateway.insight.fold import Fold
from gateway.insight.history import open_history
from gateway.metrics import Metrics
from gateway.model.message import MessageRecord
from gateway.model.personal import Personal
from gateway.prices.budgets import Budget, Per
from gateway.prices.budgets import Level as Used
from gateway.prices.tariffs import Tariffs
from gateway.store import keys
from gateway.store.facts import Fact, Facts
from gateway.store.outbox import Claimed
from gateway.store.spending import Spending
from tests.integration.clinic import Clinic, clinic
from tests.integration.commands_stage import Launcher, launcher, run
from tests.support.core import House, facts_of, open_house, settings_for
from tests.support.meta import status_of, webhook
from tests.support.waiting import wait_until

__all__ = ["clinic", "launcher"]

DAY_MS = 24 * 3600_000
PHONE = "447700900101"
PRICES = """\
channel: whatsapp
currency: EUR
lists:
  - valid_from: 2025-01-01
    source: tests
    confidence: own
    prices:
      GB: {service: 0.01, utility: 0.02, marketing: 0.10}
      NL: {service: 0.01, utility: 0.05, marketing: 0.10}
"""


def write(folder: Path, budgets: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "whatsapp.yaml").write_text(PRICES)
    (folder / "budgets.yaml").write_text(f"budgets: [{budgets}]\n")
    return folder


def budget(limit: str, per: str = "month", more: str = "") -> str:
    return f"{{name: all, per: {per}, limit: {limit}, currency: EUR{more}}}"


def with_purse(house: House) -> Purse:
    """The house's dispatcher with prices and budgets, as the role wires them."""
    runtime = house.runtime
    purse = Purse(Tariffs.open(runtime.settings.prices_dir), runtime.clock, Spending(house.redis), runtime.metrics)
    house.brakes.purse = purse
    house.brakes.stale()
    return purse


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """The channel takes everything."""
    folder = write(data_dir / "prices")
    async with open_house(redis_url, data_dir, GATEWAY_PRICES_DIR=str(folder)) as made:
        connector = made.runtime.connectors["whatsapp"]
        sent: list[str] = []

        async def send(request: RenderedRequest) -> RawResponse:
            sent.append(request.path)
            return RawResponse(200, {}, b"{}")

        def classify(answer: Any) -> SendResult:
            return SendResult(Outcome.ACCEPTED, channel_id=Personal(f"wamid.{len(sent)}"))

        monkeypatch.setattr(connector, "send", send)
        monkeypatch.setattr(connector, "classify", classify)
        with_purse(made)
        yield made


async def facts(house: House, kind: str) -> list[Fact]:
    return [fact for fact in await facts_of(house.redis) if fact.kind == kind]


async def spent(house: House) -> int:
    """Millionths of everybody's counter of this month, over all partitions."""
    found = 0
    async for name in house.redis.scan_iter(match="*spent:*"):
        found += int(await house.redis.hget(name, "EUR::") or 0)
    return found


async def record(house: House, notification: str) -> MessageRecord:
    return next(one for one in await house.messages() if one.notification == notification)


async def send_one(house: House, number: int = 101, order: str = "ZX7K2P") -> None:
    """One template outside the service window: 0.02 to a British number."""
    await house.tell(house.order(house.recipient(number), number=order))
    house.brakes.stale()
    assert await house.dispatch() == ["a"]


async def status(house: House, claimed: Claimed, word: str, wamid: str, **more: Any) -> None:
    await house.runtime.webhooks.append("whatsapp", webhook(status_of(house, claimed, word, wamid, phone=PHONE, **more)))
    await house.take_webhooks()


def pricing(kind: str = "regular", category: str = "utility") -> dict[str, Any]:
    return {"pricing": {"billable": kind == "regular", "pricing_model": "PMP", "type": kind, "category": category}}


# The expected price


async def test_a_message_that_is_taken_says_what_it_should_cost_and_whose_number_stays_out(house: House) -> None:
    await send_one(house)
    (fact,) = await facts(house, "accepted")
    said = {name: fact.detail[name] for name in ("ch", "b", "mk", "cat", "cur", "ex")}
    assert said == {"ch": "whatsapp", "b": "zz", "mk": "GB", "cat": "utility", "cur": "EUR", "ex": "20000"}
    assert "7700" not in str(fact)
    assert await spent(house) == 20_000


async def test_free_words_inside_the_window_have_the_price_of_the_service(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    contact = await house.contact_of(101)
    address = contact.profile.addresses[0].id
    await house.runtime.contacts.open_window(contact.id, house.runtime.directory.ids[0], address, house.clock.now_ms())
    house.brakes.stale()
    assert await house.dispatch() == ["a"]
    (fact,) = await facts(house, "accepted")
    assert (fact.detail["as"], fact.detail["cat"], fact.detail["ex"]) == ("free_text", "service", "10000")


async def test_a_settle_that_runs_twice_is_counted_once(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    (claimed,) = await house.claim_all()
    await house.brakes.refresh()
    settlement = (await house.deliverer.deliver(claimed)).settlement
    for _ in range(3):
        assert await house.runtime.outbox.settle([settlement]) == ["settled"]
    assert await spent(house) == 20_000


async def test_a_status_that_is_faster_than_the_answer_counts_the_price_once(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    (claimed,) = await house.claim_all()
    await house.brakes.refresh()
    settlement = (await house.deliverer.deliver(claimed)).settlement
    await status(house, claimed, "sent", "wamid.1", **pricing())
    await house.runtime.outbox.settle([settlement])
    (fact,) = await facts(house, "accepted")
    assert (fact.detail["by"], fact.detail["nt"], fact.detail["b"]) == ("evidence", "order_confirmed", "zz")
    assert (fact.detail["mk"], fact.detail["cat"], fact.detail["ex"]) == ("GB", "utility", "20000")
    assert await spent(house) == 20_000


async def test_what_nobody_knows_the_price_of_is_unknown_and_counts_nothing(house: House) -> None:
    folder = house.runtime.settings.prices_dir
    (folder / "whatsapp.yaml").write_text(PRICES.replace("      GB: {service: 0.01, utility: 0.02, marketing: 0.10}\n", ""))
    with_purse(house)
    await send_one(house)
    (fact,) = await facts(house, "accepted")
    assert "ex" not in fact.detail
    assert await spent(house) == 0


async def test_the_counters_are_the_sum_of_what_was_accepted_however_many_send_at_once(house: House) -> None:
    people = [house.recipient(number) for number in range(101, 141)]
    await house.tell(house.order(*people))
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(house.make_dispatcher().run(stopping, 5.0)) for _ in range(3)]

    async def all_taken() -> bool:
        return {one.state.value for one in await house.messages()} == {"a"}

    try:
        await wait_until(all_taken)
    finally:
        stopping.set()
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks)
    prices = [int(fact.detail["ex"]) for fact in await facts(house, "accepted")]
    assert prices == [20_000] * 40
    assert await spent(house) == sum(prices)
    kinds: tuple[tuple[str | None, Per], ...] = ((None, Per.MONTH), ("zz", Per.DAY), ("exr", Per.DAY))
    wanted = [Budget("b", brand, per, 1, "EUR").counter(house.clock.now_ms()) for brand, per in kinds]
    found = await Spending(house.redis).read(wanted)
    assert [found[one] for one in wanted] == [800_000, 800_000, 0]


async def test_what_did_not_go_out_is_not_counted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = house.runtime.connectors["whatsapp"]
    monkeypatch.setattr(connector, "classify", lambda answer: SendResult(Outcome.UNREACHABLE, code=131026))
    await house.tell(house.order(house.recipient(101)))
    assert await house.dispatch() == ["x"]
    assert await spent(house) == 0


# Budgets


async def test_a_used_up_budget_holds_what_is_not_urgent_and_lets_go_when_it_is_raised(house: House) -> None:
    folder = write(house.runtime.settings.prices_dir, budget("0.02"))
    with_purse(house)
    await send_one(house)
    await house.tell(house.order(house.recipient(102), number="ZX7K2Q"))
    await house.tell(house.flight(late_min=40))
    house.brakes.stale()
    assert sorted(await house.dispatch()) == ["a", "a", "l"]
    (held,) = await facts(house, "later")
    assert (held.detail["why"], held.detail["budget"]) == ("budget", "all")
    assert {fact.detail["nt"] for fact in await facts(house, "accepted")} == {"order_confirmed", "flight_delayed"}

    write(folder, budget("5"))
    with_purse(house)
    house.pass_ms(LOOK_MS + SPREAD_MS)
    assert await house.dispatch() == ["a"]


async def test_what_is_known_to_be_free_passes_a_used_up_budget(house: House) -> None:
    folder = write(house.runtime.settings.prices_dir, budget("0.02"))
    await send_one(house)
    (folder / "whatsapp.yaml").write_text(PRICES.replace("utility: 0.02", "utility: 0"))
    with_purse(house)
    await send_one(house, 102, "ZX7K2Q")
    assert await spent(house) == 20_000


async def test_a_held_message_goes_when_the_next_day_begins(house: House) -> None:
    write(house.runtime.settings.prices_dir, budget("0.02", "day"))
    with_purse(house)
    await send_one(house)
    await house.tell(house.order(house.recipient(102), number="ZX7K2Q"))
    house.brakes.stale()
    assert await house.dispatch() == ["l"]
    house.pass_ms(DAY_MS)
    assert await house.dispatch() == ["a"]


async def test_a_held_message_whose_deadline_passes_expires(house: House) -> None:
    write(house.runtime.settings.prices_dir, budget("0.02"))
    with_purse(house)
    await send_one(house)
    await house.tell(house.order(house.recipient(102), number="ZX7K2Q"))
    house.brakes.stale()
    assert await house.dispatch() == ["l"]
    waiting = [one for one in await house.messages() if one.state.value == "q"]
    house.pass_ms(waiting[0].deadline_ms - house.clock.now_ms() + 1)
    assert await house.dispatch() == ["x"]
    found = await house.runtime.outbox.record(waiting[0].id)
    assert found is not None
    assert (found[0].state.value, found[0].reason) == ("x", "expired")


async def test_another_brands_budget_holds_nothing(house: House) -> None:
    write(house.runtime.settings.prices_dir, budget("0.000001", more=", brand: exr"))
    with_purse(house)
    await send_one(house)
    await send_one(house, 102, "ZX7K2Q")


async def test_a_budget_warns_once_whoever_sees_it_and_again_when_it_is_full(house: House) -> None:
    write(house.runtime.settings.prices_dir, budget("0.05"))
    purses = [with_purse(house) for _ in range(3)]
    await send_one(house)
    await send_one(house, 102, "ZX7K2Q")
    for purse in purses:
        await purse.refresh()
        await purse.refresh()
    assert [fact.detail["limit"] for fact in await facts(house, "budget_warned")] == ["0.05"]
    assert await facts(house, "budget_full") == []
    value = house.runtime.metrics.registry.get_sample_value
    assert value("thuisfront_budget_used_ratio", {"budget": "all"}) == 0.8
    await send_one(house, 103, "ZX7K2R")
    for purse in purses:
        await purse.refresh()
    (full,) = await facts(house, "budget_full")
    assert (full.detail["budget"], full.detail["spent"], full.detail["cur"]) == ("all", "0.06", "EUR")
    assert purses[0].standings[0].level is Used.FULL


async def test_counters_of_a_month_are_forgotten(house: House) -> None:
    await send_one(house)
    names = [name async for name in house.redis.scan_iter(match="*spent:*")]
    assert len(names) == 1
    assert 31 * DAY_MS < await house.redis.pttl(names[0]) <= 63 * DAY_MS
    assert keys.kind_of(names[0].decode()) is not None


# The history


async def fold(house: House, url: str) -> None:
    history = await open_history(url)
    try:
        one = Fold(facts=Facts(house.redis, settle_ms=0), history=history, metrics=Metrics(), clock=house.clock, limit=500)
        await one.hold(keys.all_partitions())
        await one.turn()
    finally:
        await history.close()


async def test_the_report_puts_the_real_price_beside_the_expected_one(house: House) -> None:
    url = house.runtime.settings.history_url
    await house.tell(house.order(*(house.recipient(number) for number in (101, 102, 103, 104))))
    await house.brakes.refresh()
    claims = await house.claim_all()
    for claimed in claims:
        await house.runtime.outbox.settle([(await house.deliverer.deliver(claimed)).settlement])
    await fold(house, url)
    words = (pricing(), pricing("regular", "marketing"), pricing("free_entry_point", "referral_conversion"))
    for place, (claimed, said) in enumerate(zip(claims, words, strict=False)):
        await status(house, claimed, "sent", f"wamid.S{place}", **said)
        await status(house, claimed, "delivered", f"wamid.S{place}")
        await fold(house, url)
    history = await open_history(url)
    try:
        groups = await history.cost_groups(since_ms=0, until_ms=house.clock.now_ms() + DAY_MS)
        before = await history.cost_groups(since_ms=0, until_ms=1)
    finally:
        await history.close()
    assert before == []
    (row,) = rows(groups, house.runtime.tariffs.book, "country")
    assert (row.key, row.currency, row.messages, row.expected, row.expected_unknown) == ("GB", "EUR", 4, 80_000, 0)
    assert (row.real, row.real_unknown, row.compared, row.difference) == (120_000, 1, 3, 60_000)


async def test_a_message_that_failed_at_the_channel_costs_nothing_and_one_that_came_after_all_does(house: House) -> None:
    url = house.runtime.settings.history_url
    await house.tell(house.order(house.recipient(101)))
    await house.brakes.refresh()
    (claimed,) = await house.claim_all()
    await house.runtime.outbox.settle([(await house.deliverer.deliver(claimed)).settlement])
    error = {"code": 131026, "title": "x", "message": "x", "error_data": {"details": "x"}}
    await status(house, claimed, "failed", "wamid.1", errors=[error])
    await fold(house, url)

    async def groups() -> list[tuple[bool, str]]:
        history = await open_history(url)
        try:
            found = await history.cost_groups(since_ms=0, until_ms=house.clock.now_ms() + DAY_MS)
        finally:
            await history.close()
        return [(one.failed, one.said) for one in found]

    assert await groups() == [(True, "")]
    await status(house, claimed, "delivered", "wamid.1", **pricing())
    await fold(house, url)
    assert await groups() == [(False, "regular")]


async def test_retention_forgets_costs_with_the_facts(house: House) -> None:
    url = house.runtime.settings.history_url
    await send_one(house)
    await fold(house, url)
    history = await open_history(url)
    try:
        later = house.clock.now_ms() + DAY_MS
        assert len(await history.cost_groups(since_ms=0, until_ms=later)) == 1
        await history.forget_before(later)
        assert await history.cost_groups(since_ms=0, until_ms=later) == []
    finally:
        await history.close()


# The command


@pytest.mark.long
async def test_the_command_prints_the_report_for_people_and_for_programs(house: House, launcher: Launcher) -> None:
    await send_one(house)
    url = house.runtime.settings.history_url
    await fold(house, url)
    here, folder = house.runtime.settings.data_dir, str(house.runtime.settings.prices_dir)

    async def cost(*words: str) -> Any:
        return await run(here, "cost", *words, launcher=launcher, GATEWAY_HISTORY_URL=url, GATEWAY_PRICES_DIR=folder)

    told = await cost("--by", "brand", "--from", "2020-01-01")
    assert told.code == 0
    assert told.out.splitlines()[1].split() == ["zz", "1", "EUR", "0.0200", "?", "(1)", "?", "(1)"]
    data = (await cost("--by", "notification", "--from", "2020-01-01", "--json")).data
    (row,) = data["rows"]
    assert (row["key"], row["messages"], row["expected"], row["real_unknown"]) == ("order_confirmed", 1, "0.02", 1)
    assert data["totals"][0]["currency"] == "EUR"
    (line,) = csv.DictReader(io.StringIO((await cost("--by", "country", "--from", "2020-01-01", "--csv")).out))
    assert (line["country"], line["expected"], line["messages"]) == ("GB", "0.02", "1")
    none = await cost("--from", "2020-01-01", "--to", "2020-01-02")
    assert none.out.startswith("No message was taken")
    assert (await cost("--from", "2020-01-02", "--to", "2020-01-01")).code == 2
    assert (await cost("--csv", "--json")).code == 2
    assert (await cost("--by", "person")).code == 2


async def test_cost_check_names_file_line_and_mend_and_says_what_holds(data_dir: Path, launcher: Launcher) -> None:
    folder = write(data_dir / "prices", budget("10"))

    async def check(*words: str) -> Any:
        return await run(data_dir, "cost", "check", *words, launcher=launcher, GATEWAY_PRICES_DIR=str(folder))

    good = await check()
    assert good.code == 0
    assert "1 budget; no mistake found" in good.out
    assert (await check("--json")).data["budgets"][0]["limit"] == "10.00"
    (folder / "whatsapp.yaml").write_text(PRICES.replace("utility: 0.05", "utility: -0.05"))
    (folder / "budgets.yaml").write_text("budgets: [{name: all, per: year, limit: 1, currency: EUR}]\n")
    bad = await check()
    assert bad.code == 1
    assert "whatsapp.yaml, line 9: utility is negative" in bad.err
    assert "budgets.yaml, line 1: per should be one of day, month" in bad.err


async def test_cost_budgets_shows_what_is_spent(house: House, launcher: Launcher) -> None:
    write(house.runtime.settings.prices_dir, budget("0.10"))
    await send_one(house)
    settings = house.runtime.settings
    assert settings.redis_url is not None
    ran = await run(
        settings.data_dir, "cost", "budgets", "--json", launcher=launcher, GATEWAY_ENV="demo",
        GATEWAY_REDIS_URL=settings.redis_url.reveal(), GATEWAY_PRICES_DIR=str(settings.prices_dir),
        GATEWAY_GRAPH_URL=settings.graph_url,
    )  # fmt: skip
    (one,) = ran.data
    assert (one["name"], one["limit"], one["level"]) == ("all", "0.10", "fine")
    assert (one["spent"], one["percent"]) == ("0.02", 20)


async def test_a_gateway_does_not_start_with_a_bad_price_list(redis_url: str, redis: Redis, data_dir: Path) -> None:
    folder = write(data_dir / "prices")
    (folder / "whatsapp.yaml").write_text(PRICES.replace("EUR", "EURO"))
    with pytest.raises(SettingsError, match=r"whatsapp.yaml, line 2: currency is no currency"):
        async with open_runtime(settings_for(redis_url, data_dir, "http://127.0.0.1:9", GATEWAY_PRICES_DIR=str(folder))):
            raise AssertionError("it started")


# Doctor


async def test_doctor_tells_of_prices_that_cannot_be_used(clinic: Clinic, tmp_path: Path) -> None:
    folder = write(tmp_path / "prices")
    there = {"GATEWAY_PRICES_DIR": str(folder)}
    assert (await clinic.one("prices", **there)).level is Level.OK
    (folder / "whatsapp.yaml").write_text(PRICES.replace("confidence: own", "confidence: example"))
    found = await clinic.one("prices", **there)
    assert (found.level, found.what) == (Level.OK, "the prices of whatsapp are examples; production needs your own")
    clinic.production = True
    assert (await clinic.one("prices", **there)).level is Level.WARN
    (folder / "whatsapp.yaml").write_text(PRICES.replace("2025-01-01", "2025-01-01\n    valid_until: 2025-02-01"))
    assert "holds today" in (await clinic.one("prices", **there)).what
    (folder / "whatsapp.yaml").write_text(PRICES.replace("0.02", "-0.02"))
    found = await clinic.one("prices", **there)
    assert (found.level, "line 8" in found.what) == (Level.FAIL, True)
    (folder / "whatsapp.yaml").unlink()
    found = await clinic.one("prices", **there)
    assert (found.level, "unknown" in found.what) == (Level.NOTE, True)


async def test_doctor_tells_of_a_budget_that_is_nearly_or_wholly_used_up(clinic: Clinic, redis: Redis, tmp_path: Path) -> None:
    folder = write(tmp_path / "prices", budget("1"))
    there = {"GATEWAY_PRICES_DIR": str(folder)}
    tariffs = Tariffs.open(folder)
    month, field = tariffs.budgets[0].counter(clinic.clock.now_ms())
    for cents, level in ((50, Level.OK), (80, Level.WARN), (100, Level.FAIL)):
        await redis.hset(keys.spent(3, month), field, str(cents * 10_000))
        await redis.pexpire(keys.spent(3, month), DAY_MS)
        found = await clinic.one("budgets", **there)
        assert found.level is level, found
