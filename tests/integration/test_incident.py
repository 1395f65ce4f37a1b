"""The report of an incident: who was told how late, who was not, why, and what people did about it."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.cli.printing import columns
from gateway.errors import BadInput, NotFound, StoreUnavailable
from gateway.insight.history import History, open_history
from gateway.insight.incident import Incident, Row, gather
from gateway.insight.incident_page import page_of
from gateway.insight.incident_words import as_csv, as_dict, as_text, span
from gateway.store.facts import Fact
from tests.integration.commands_stage import House, Launcher, house, launcher
from tests.integration.facts_stage import Stage
from tests.support.incident_story import BEGIN, MINUTE, OTHER, SUBJECT, Story, outage

__all__ = ["launcher"]
CHANNELS = {"air": "whatsapp", "air-page": "messenger"}


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[History]:
    one = await open_history(f"sqlite:///{tmp_path / 'history.db'}")
    yield one
    await one.close()


async def report_of(history: History, story: Story, begin: int = 0, end: int = 40 * MINUTE, **more: Any) -> Incident:
    if story.facts:
        await story.keep(history)
    return await gather(history, since_ms=BEGIN + begin, until_ms=BEGIN + end, channels=CHANNELS, **more)


def row(report: Incident, notification: str, channel: str) -> Row:
    return next(one for one in report.rows if (one.notification, one.channel) == (notification, channel))


async def test_an_outage_is_told_in_counts_and_times(history: History) -> None:
    report = await report_of(history, outage())
    assert report.people == {"concerned": 165, "told": 140, "waiting": 0, "unreached": 5, "doubled": 3}
    delayed = row(report, "flight_delayed", "whatsapp")
    assert (delayed.planned, delayed.told, delayed.held, delayed.expired, delayed.unreached) == (78, 75, 78, 3, 3)
    assert delayed.late is not None
    assert delayed.late.worst == 12 * MINUTE + 99 * 3000
    assert delayed.late.p50 == pytest.approx(12 * MINUTE + 50 * 3000, abs=6000)
    assert delayed.late.p90 == pytest.approx(12 * MINUTE + 90 * 3000, abs=6000)
    assert row(report, "flight_delayed", "messenger").told == 25
    departed = row(report, "flight_departed", "whatsapp")
    assert (departed.told, departed.delivered) == (40, 0)
    assert departed.late is not None
    assert departed.late.worst == 900
    assert (row(report, "gate_changed", "none").suppressed, row(report, "gate_changed", "whatsapp").outdated) == (10, 10)
    assert row(report, "gate_changed", "whatsapp").stopped == 10
    assert (report.total.doubled, report.total.uncertain, report.total.dead) == (3, 3, 0)
    assert report.reasons == (("suppressed", "no_consent", 10), ("replaced", "replaced", 10), ("expired", "expired", 5))
    assert [case.late_ms for case in report.worst][:2] == [12 * MINUTE + 99 * 3000, 12 * MINUTE + 98 * 3000]


async def test_the_brakes_are_those_in_force_at_the_beginning_and_those_pulled_and_lifted(history: History) -> None:
    report = await report_of(history, outage())
    assert [(one.verb, one.scope, one.who, one.before) for one in report.brakes] == [
        ("stopped", "notification:survey", "ada", True),
        ("stopped", "notification:gate_changed", "ben", False),
        ("resumed", "notification:gate_changed", "ben", False),
    ]


async def test_one_subject_alone(history: History) -> None:
    report = await report_of(history, outage(), subject=OTHER)
    assert report.people["concerned"] == report.people["told"] == 40
    assert [one.notification for one in report.rows] == ["flight_departed"]
    whole = await gather(history, since_ms=BEGIN, until_ms=BEGIN + 40 * MINUTE, subject=SUBJECT, channels=CHANNELS)
    assert whole.total.uncertain == 3


async def test_a_subject_too_large_for_one_answer_is_read_in_pages(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    await outage().keep(history)
    whole = await gather(history, since_ms=BEGIN, until_ms=BEGIN + 40 * MINUTE, subject=SUBJECT, channels=CHANNELS)
    of_ids = History.of_ids

    async def slow(self: History, ids: Iterable[str], *, limit: int = 5000) -> list[Fact]:
        if limit > 100_000 and SUBJECT in ids:
            raise StoreUnavailable("the history database did not answer within 10 s")
        return await of_ids(self, ids, limit=limit)

    monkeypatch.setattr(History, "of_ids", slow)
    paged = await gather(history, since_ms=BEGIN, until_ms=BEGIN + 40 * MINUTE, subject=SUBJECT, channels=CHANNELS)
    assert paged == whole


async def test_lateness_counts_from_when_we_knew_and_not_from_what_was_waited_for_on_purpose(history: History) -> None:
    story, t = Story(), BEGIN
    story.tell(t - 60 * MINUTE, "event", "e11aaaaaaaaaaaaaaaa", SUBJECT, type="flight.status")
    newcomer, night, scheduled, slow = (story.message(number) for number in range(4))
    story.tell(t + MINUTE, "subscribed", newcomer[1], SUBJECT)
    story.planned(t + MINUTE, newcomer, "flight_delayed")
    story.told(t + MINUTE + 700, newcomer, "flight_delayed")
    story.planned(t - 60 * MINUTE, night, "checkin_open")
    story.tell(t - 59 * MINUTE, "later", *night, attempt=0, at=t + 2 * MINUTE, why="night")
    story.told(t + 2 * MINUTE + 400, night, "checkin_open")
    story.planned(t - 60 * MINUTE, scheduled, "boarding", due=t + 3 * MINUTE, why="schedule")
    story.told(t + 3 * MINUTE + 300, scheduled, "boarding")
    story.planned(t - 60 * MINUTE, slow, "gate_changed")
    story.told(t + 4 * MINUTE, slow, "gate_changed")
    report = await report_of(history, story)
    assert {case.notification: case.late_ms for case in report.cases} == {
        "flight_delayed": 700, "checkin_open": 400, "boarding": 300, "gate_changed": 64 * MINUTE,
    }  # fmt: skip
    assert report.total.held == 0


async def test_a_message_that_was_planned_days_before_is_known_by_its_beginning(history: History) -> None:
    story, t = Story(), BEGIN
    ids = story.message(1)
    story.tell(t - 3000 * MINUTE, "event", ids[3], SUBJECT, type="flight.status")
    story.planned(t - 3000 * MINUTE, ids, "checkin_open", due=t + MINUTE, why="schedule")
    story.told(t + MINUTE + 200, ids, "checkin_open")
    report = await report_of(history, story)
    assert [(one.notification, one.channel, one.told) for one in report.rows] == [("checkin_open", "whatsapp", 1)]
    assert report.cases[0].late_ms == 200


async def test_what_became_of_it_after_the_range_still_counts_and_other_times_do_not(history: History) -> None:
    report = await report_of(history, outage(), 0, 5 * MINUTE)
    assert report.people == {"concerned": 105, "told": 100, "waiting": 0, "unreached": 5, "doubled": 3}
    with pytest.raises(NotFound, match="no message"):
        await gather(history, since_ms=BEGIN + 600 * MINUTE, until_ms=BEGIN + 700 * MINUTE)


async def test_a_dead_letter_that_was_replayed_is_no_loss_and_one_taken_and_failed_is(history: History) -> None:
    story, t = Story(), BEGIN
    replayed, failed, waiting = (story.message(number) for number in range(3))
    story.planned(t, replayed, "boarding")
    story.tell(t + 1000, "dead", *replayed, nt="boarding", reason="retries_exhausted")
    story.planned(t + 2000, replayed, "boarding")
    story.told(t + 3000, replayed, "boarding")
    story.planned(t, failed, "boarding")
    story.told(t + 400, failed, "boarding", delivered=0)
    story.tell(t + 900, "failed", *failed, nt="boarding", code=131026)
    story.planned(t, waiting, "boarding")
    report = await report_of(history, story)
    assert (report.total.told, report.total.dead, report.total.waiting) == (1, 1, 1)
    assert report.reasons == (("failed", "failed_at_channel", 1),)


async def test_a_range_the_wrong_way_round_and_a_store_that_went_back_are_said(history: History) -> None:
    with pytest.raises(BadInput, match=r"--to.*later than --from"):
        await gather(history, since_ms=BEGIN, until_ms=BEGIN)
    story = outage()
    story.tell(BEGIN + MINUTE, "gap", after="1-1", on="2-1")
    report = await report_of(history, story)
    assert report.gaps == 1
    assert "facts may be missing" in as_text(report, None, columns)


async def test_more_than_a_page_of_facts_is_read_whole(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.insight.incident.PAGE", 37)
    seen: list[int] = []
    report = await report_of(history, outage(), progress=seen.append)
    assert report.people["told"] == 140
    assert len(seen) > 10


async def test_what_scripts_and_fold_really_write_makes_a_report(redis: Redis, tmp_path: Path) -> None:
    stage = await Stage.make(redis, tmp_path)
    await stage.keep_event()
    await stage.plan()
    await stage.settle(detail="as=free_text s=wa-main nt=flight_delayed")
    await stage.plan("gate_changed", reason="no_consent")
    fold = stage.fold()
    await fold.hold(range(64))
    while await fold.turn():
        pass
    now = stage.clock.now_ms()
    report = await gather(stage.history, since_ms=now - MINUTE, until_ms=now + MINUTE, channels={"wa-main": "whatsapp"})
    await stage.history.close()
    assert [(one.notification, one.channel, one.told, one.suppressed) for one in report.rows] == [
        ("flight_delayed", "whatsapp", 1, 0),
        ("gate_changed", "none", 0, 1),
    ]
    assert report.people["concerned"] == 1
    assert (report.cases[0].late_ms or 0) < 20_000


# How it is shown


async def test_the_table_of_messages_has_a_line_each_and_nothing_of_a_person(history: History) -> None:
    report = await report_of(history, outage())
    rows = list(csv.DictReader(as_csv(report)))
    assert len(rows) == 165
    first = next(one for one in rows if one["message"].endswith("0099"))
    assert (first["late_s"], first["outcome"], first["channel"]) == ("1017.000", "told", "whatsapp")
    assert first["told_at"] == "2025-11-22T08:16:57.000Z"
    assert {one["outcome"] for one in rows} == {"told", "expired", "suppressed", "replaced"}
    assert json.loads(json.dumps(as_dict(report)))["people"]["unreached"] == 5


def test_times_are_said_as_people_say_them() -> None:
    assert [span(one) for one in (None, 400, 38_000, 119_000, 12 * MINUTE, 185 * MINUTE)] == [
        "-", "0.4 s", "38 s", "119 s", "12 min", "3 h 05",
    ]  # fmt: skip


async def test_the_page_needs_nothing_from_outside_and_escapes_what_people_wrote(history: History) -> None:
    page = page_of(await report_of(history, outage()), None)
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    assert "channel is down &lt;script&gt;" in page
    assert "nobody has agreed to news of this kind" in page


# The command


@pytest.fixture
async def home(data_dir: Path, launcher: Launcher) -> AsyncIterator[House]:
    async with house(data_dir, launcher) as made:
        yield made


RANGE = ("--from", "2025-11-22T08:00+00:00", "--to", "2025-11-22T08:40+00:00")


async def kept_outage(home: House) -> None:
    history = await open_history(f"sqlite:///{home.data_dir / 'history.db'}")
    story = outage()
    flight = home.vault.subject_id("flight", "ZZ1007/2026-11-22/AMS")
    order = home.vault.subject_id("order", "ZX7K2P")
    names = {SUBJECT: str(flight), OTHER: str(order)}
    story.facts = [
        replace(fact, ids=tuple(names.get(one, one) for one in fact.ids)) for fact in story.facts
    ]
    await story.keep(history)
    await history.close()


@pytest.mark.long
async def test_the_command_says_it_in_words_in_data_in_a_page_and_in_a_table(home: House) -> None:
    await kept_outage(home)
    ran = await home.run("report", "incident", *RANGE, "--zone", "Europe/Amsterdam")
    assert ran.code == 0, ran.err
    assert "140 of 165 people were told." in ran.out
    assert "Sat 22 Nov 2025 09:00:00 CET" in ran.out
    assert "ben stopped notification:gate_changed: channel is down" in ran.out
    assert "next: python main.py trace m07" in ran.out
    ran = await home.run("report", "incident", *RANGE, "--json", "--html", "a.html", "--csv", "a.csv")
    assert ran.data["people"]["told"] == 140
    assert (home.data_dir / "a.html").read_text().startswith("<!doctype html>")
    assert (home.data_dir / "a.csv").read_text().count("\n") == 166
    ran = await home.run("report", "incident", *RANGE, "--csv", "-")
    assert ran.out.startswith("message,contact,")


@pytest.mark.long
async def test_a_flight_is_called_by_its_name_and_an_order_only_by_our_id(home: House) -> None:
    await kept_outage(home)
    ran = await home.run("report", "incident", *RANGE, "--subject", "flight:ZZ1007/2026-11-22/AMS")
    assert ran.code == 0, ran.err
    assert "100 of 125 people were told." in ran.out
    assert "flight:ZZ1007/2026-11-22/AMS" in ran.out
    ran = await home.run("report", "incident", *RANGE, "--subject", "zx7k2p", "--json")
    assert ran.data["subject"] == str(home.vault.subject_id("order", "ZX7K2P"))
    assert ran.data["people"]["concerned"] == 40


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", "yesterday"), 2, "should be 30m, 2h, 1d or a time"),
        (("--to", "1h"), 2, "--from"),
        (("--from", "1h", "--to", "2h"), 1, "--to: should be later than --from"),
        (("--from", "2999-01-01T00:00"), 1, "--from: should be in the past"),
        (("--from", "1h"), 1, "in that range the history has no message"),
        ((*RANGE, "--subject", "flight:ZZ9999/2026-11-22/AMS"), 1, "the history knows no such subject"),
        ((*RANGE, "--subject", "+447700900123"), 2, "looks like a phone number"),
        ((*RANGE, "--html", "nowhere/a.html"), 1, "--html: there is no directory nowhere"),
        ((*RANGE, "--zone", "Mars/Olympus"), 1, "--zone: should be a time zone"),
    ],
)
async def test_bad_input_is_said_in_a_clear_sentence(home: House, words: tuple[str, ...], code: int, said: str) -> None:
    ran = await home.run("report", "incident", *words)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert "+447700900123" not in ran.err
