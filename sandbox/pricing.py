"""The ``pricing`` object of status webhooks: per message, by category, window and date (Meta's rules of 2025 and 2026)."""

from __future__ import annotations

import datetime as dt

from sandbox.store import Json, Store

# Service messages, and utility templates inside the window, are charged since this day; each number keeps 1,000 free
# service messages a month.
CHARGED_SINCE = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
FREE_A_MONTH = 1_000


def price(store: Store, *, number_id: str, now_ms: int, category: str, in_window: bool, entry_point: bool) -> Json:
    """``category`` is the template's in lower case, or service. Counts a service message against the free ones."""
    now = dt.datetime.fromtimestamp(now_ms / 1_000, dt.UTC)
    kind = "regular"
    if entry_point:
        kind, category = "free_entry_point", "referral_conversion"
    elif category == "service":
        key = f"free:{number_id}:{now:%Y-%m}"
        used = store.get(key, 0)
        if now < CHARGED_SINCE or used < FREE_A_MONTH:
            kind = "free_customer_service"
        store.put(key, used + 1)
    elif category == "utility" and in_window and now < CHARGED_SINCE:
        kind = "free_customer_service"
    return {"billable": kind == "regular", "pricing_model": "PMP", "type": kind, "category": category}
