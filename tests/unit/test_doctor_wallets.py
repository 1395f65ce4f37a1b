"""What the doctor says of keys for wallets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.cli.checks import CHECKS
from gateway.cli.checks.finding import Finding, Level
from gateway.clock import Clock
from gateway.settings import read
from tests.support.wallet_keys import ISSUER, NOW_MS, apple_environment, authority, cert_pem, google_environment

(CHECK,) = (check for check in CHECKS if check.name == "wallets")


class Story(Clock):
    def now_ms(self) -> int:
        return NOW_MS


async def said(values: dict[str, str]) -> list[Finding]:
    case: Any = SimpleNamespace(settings=read(values, None), clock=Story())
    assert CHECK.concerns(case) == bool(values)
    return await CHECK.look(cast(Any, case))


@pytest.mark.parametrize(
    ("days", "level", "words"),
    [
        (31, Level.OK, "ends in 31 days"),
        (29.5, Level.WARN, "ends in 29 days"),
        (0.5, Level.WARN, "ends in 12 h"),
        (-0.001, Level.FAIL, "has ended"),
    ],
)
async def test_a_certificate_is_told_thirty_days_before_it_ends(days: float, level: Level, words: str) -> None:
    (found,) = await said(apple_environment(GATEWAY_APPLE_PASS_CERT=cert_pem(authority().leaf(days=days))))
    assert found.level is level
    assert words in found.what


async def test_keys_of_somebody_elses_pass_fail_by_their_setting() -> None:
    found = await said(apple_environment(GATEWAY_APPLE_TEAM="OTHERTEAM1") | google_environment(GATEWAY_GOOGLE_WALLET_KEY="{}"))
    assert [finding.level for finding in found] == [Level.FAIL, Level.FAIL]
    assert [finding.what.split(":")[0] for finding in found] == ["GATEWAY_APPLE_TEAM", "GATEWAY_GOOGLE_WALLET_KEY"]


async def test_both_wallets_and_none_are_well() -> None:
    both = await said(apple_environment() | google_environment())
    assert [finding.level for finding in both] == [Level.OK, Level.OK]
    assert ISSUER in both[1].what
    (none,) = await said({})
    assert none.level is Level.OK
