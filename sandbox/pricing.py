"""The ``pricing`` object of status webhooks: per message, by category, window and date (Meta's rules of 2025 and 2026)."""

from __future__ import annotations

import datetime as dt

from sandbox.store import Json, Store

# Service messages, and utility templates inside the window, are charged since this day; each number keeps 1,000 free
# service messages a month.
CHARGED_SINCE = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
FREE_A_MONTH = 1_000


def free_left(store: Store, number_id: str, now_ms: int) -> bool:
    """Is a service message of this number still free this month?"""
    now = dt.datetime.fromtimestamp(now_ms / 1_000, dt.UTC)
    return now < CHARGED_SINCE or bool(store.get(f"free:{number_id}:{now:%Y-%m}", 0) < FREE_A_MONTH)


def price(store: Store, *, number_id: str, now_ms: int, category: str, in_window: bool, entry_point: bool) -> Json:
    """``category`` is the template's in lower case, or service. Counts a service message against the free ones."""
    now = dt.datetime.fromtimestamp(now_ms / 1_000, dt.UTC)
    kind = "regular"
    if entry_point:
        kind, category = "free_entry_point", "referral_conversion"
    elif category == "service":
        if free_left(store, number_id, now_ms):
            kind = "free_customer_service"
        key = f"free:{number_id}:{now:%Y-%m}"
        store.put(key, store.get(key, 0) + 1)
    elif category == "utility" and in_window and now < CHARGED_SINCE:
        kind = "free_customer_service"
    return {"billable": kind == "regular", "pricing_model": "PMP", "type": kind, "category": category}
