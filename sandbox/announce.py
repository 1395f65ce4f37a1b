"""Account-level webhooks: what Meta tells when a switch of the account is turned or a limit moves."""

from __future__ import annotations

import datetime as dt

from sandbox.account import TIERS, WABA_ID
from sandbox.clock import DAY_MS
from sandbox.store import Json
from sandbox.world import World

NUMBERS_A_WABA = 25
_RESTRICTED_FOR_MS = 7 * DAY_MS


def account_changed(world: World, old: Json, new: Json) -> None:
    """A webhook for each difference that Meta would tell."""
    before, after = old["switches"], new["switches"]
    if after["restricted"] and not before["restricted"]:
        _account_update(world, {"event": "ACCOUNT_RESTRICTION", "restriction_info": [
            {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING",
             "expiration": (world.clock.now_ms() + _RESTRICTED_FOR_MS) // 1_000}]})
    if after["locked"] != before["locked"]:
        day = dt.datetime.fromtimestamp(world.clock.now_s(), dt.UTC)
        _account_update(world, {"event": "DISABLED_UPDATE", "ban_info": {
            "waba_ban_state": "DISABLE" if after["locked"] else "REINSTATE",
            "waba_ban_date": f"{day:%B} {day.day}, {day.year}"}})
    if new["tier"] != old["tier"]:
        most = new["tier"] if isinstance(new["tier"], int) else TIERS[new["tier"]]
        world.emit("business_capability_update", WABA_ID, {
            "max_daily_conversations_per_business": -1 if most is None else most,
            "max_phone_numbers_per_waba": NUMBERS_A_WABA}, timed=True)


def _account_update(world: World, value: Json) -> None:
    world.emit("account_update", WABA_ID, value, timed=True)


def throughput_raised(world: World, number: Json) -> None:
    tier = world.account.doc()["tier"]
    world.emit("phone_number_quality_update", number["waba_id"], {
        "display_phone_number": number["digits"], "event": "THROUGHPUT_UPGRADE",
        "max_daily_conversations_per_business": tier}, number=number, timed=True)
