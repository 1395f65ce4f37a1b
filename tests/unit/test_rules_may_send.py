"""Eligibility as a table: a sentence, what differs from an ordinary notification, the verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from gateway.model.contact import Consent, Proof
from gateway.rules.may_send import decide
from gateway.rules.question import Night, Question, QuietHours, TemplateChoice, TemplateState
from gateway.rules.verdict import SENTENCES, AsTemplate, FreeText, Later, Reason, Suppressed, Verdict
from gateway.rules.window import SERVER_MARGIN_MS

TABLE: dict[str, list[tuple[str, dict[str, Any], str]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "may_send.yaml").read_text("utf-8")
)
ROWS = [
    pytest.param(*row, id=f"{chapter}-{number}")
    for chapter, rows in TABLE.items()
    for number, row in enumerate(rows, start=1)
]

# Every other reason is given elsewhere: by planning, the channel, retries, people.
GIVEN_HERE = {
    Reason.ERASING, Reason.NOT_ME, Reason.ONLY_TO, Reason.STOPPED, Reason.BLOCKED_BY_US, Reason.UNREACHABLE,
    Reason.OPTED_OUT_AT_CHANNEL, Reason.EXPIRED, Reason.NO_CONSENT, Reason.WITHDRAWN, Reason.NO_PROOF, Reason.CAPPED,
    Reason.COMPLAINT_OPEN, Reason.NIGHT_PAST_DEADLINE, Reason.WINDOW_CLOSED, Reason.TEMPLATE_MISSING, Reason.TEMPLATE_PENDING,
    Reason.TEMPLATE_PAUSED, Reason.TEMPLATE_RECATEGORISED, Reason.TEMPLATE_DISABLED, Reason.TEMPLATE_REJECTED,
}  # fmt: skip

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def span_ms(text: str) -> int:
    """ "-24h+60s+1ms" -> ms"""
    terms = re.findall(r"([+-]?)(\d+)(ms|s|m|h)", text)
    assert "".join("".join(term) for term in terms) == text, text
    return sum((-1 if sign == "-" else 1) * int(number) * UNITS[unit] for sign, number, unit in terms)


def instant_ms(local: str, zone: str, fold: int = 0) -> int:
    return round(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def consents(given: str | Mapping[str, str], key: str) -> dict[str, Consent]:
    if isinstance(given, str):
        given = {"none": {}, "other": {"survey.messenger.other": "granted"}}.get(given, {key: given})
    return {name: Consent(granted=said == "granted", at_ms=1) for name, said in given.items()}


def question(overrides: Mapping[str, Any]) -> Question:
    """A question from a row: an ordinary notification, with what differs."""
    given = dict(overrides)
    day, clock, zone, *fold = str(given.pop("now", "2026-11-22 12:00 Europe/Amsterdam")).split(" ")
    now_ms = instant_ms(f"{day} {clock}", zone, fold=1 if fold == ["second"] else 0)
    purpose, channel, brand = (
        given.pop(name, usual) for name, usual in (("purpose", "journey"), ("channel", "whatsapp"), ("brand", "zz"))
    )
    proof = given.pop("proof", "otp")
    times: dict[str, Any] = {
        field: now_ms + span_ms(given.pop(name))
        for name, field in (("not_before", "not_before_ms"), ("opened", "window_opened_at_ms"), ("spoke", "spoke_at_ms"))
        if name in given
    }
    choices = (choice.split(":") for choice in given.pop("templates", "nl:approved").split())
    return Question(
        kind=given.pop("kind", "notification"),
        purpose=purpose,
        channel=channel,
        brand=brand,
        now_ms=now_ms,
        deadline_ms=now_ms + span_ms(given.pop("deadline", "6h")),
        night=Night(given.pop("night", "journey")),
        quiet=QuietHours(*given.pop("quiet", (22, 7))),
        timezone=given.pop("zone", zone),
        consents=consents(given.pop("consent", "granted"), f"{purpose}.{channel}.{brand}"),
        proof=Proof(proof) if proof else None,
        production=given.pop("production", True),
        window_ms=span_ms(given.pop("window", "24h")),
        templates=tuple(TemplateChoice("flight_delayed", language, TemplateState(state)) for language, state in choices),
        **times,
        **given,
    )


def expected(text: str, asked: Question) -> Verdict:
    word, *rest = text.split(" ")
    if word == "free":
        assert asked.window_opened_at_ms is not None
        return FreeText(min(asked.window_opened_at_ms, asked.now_ms) + asked.window_ms)
    if word == "template":
        return AsTemplate("flight_delayed", rest[0])
    if word == "later":
        day, clock, why = rest
        zone = asked.timezone if asked.timezone != "Europe/Nowhere" else "UTC"
        return Later(instant_ms(f"{day} {clock}", zone), why)
    return Suppressed(Reason(word))


@pytest.mark.parametrize(("says", "overrides", "verdict"), ROWS)
def test_the_verdict_is_as_the_row_says(says: str, overrides: dict[str, Any], verdict: str) -> None:
    asked = question(overrides)
    assert decide(asked) == expected(verdict, asked), says


def test_the_table_has_at_least_200_rows_and_every_reason_that_eligibility_gives() -> None:
    assert len(ROWS) >= 200
    said = {row[2].split(" ")[0] for rows in TABLE.values() for row in rows}
    assert said - {"free", "template", "later"} == {reason.value for reason in GIVEN_HERE}


def test_every_reason_has_a_sentence_for_people() -> None:
    assert set(SENTENCES) == set(Reason)


def test_free_text_names_the_time_at_which_the_channel_closes_the_window() -> None:
    asked = question({"opened": "-23h"})
    verdict = decide(asked)
    assert isinstance(verdict, FreeText)
    assert verdict.until_ms == asked.now_ms + timedelta(hours=1) // timedelta(milliseconds=1)
    assert verdict.until_ms - asked.now_ms > SERVER_MARGIN_MS
