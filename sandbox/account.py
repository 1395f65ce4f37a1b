"""The account: one app, one WhatsApp Business Account, its numbers, and the switches an operator at Meta would hold.

``live`` is what a business has after months: three brands' numbers, verified and registered, webhooks on. ``new`` is the
first hour: one test number, unverified and unregistered, five allowed recipients, tier 250, nothing subscribed.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from sandbox.clock import Clock
from sandbox.config import SandboxConfig
from sandbox.messenger import pages
from sandbox.store import Json, Store, dump

PORTFOLIO_ID = "577215664901532"
WABA_ID = "271828182845904"
TIERS: dict[str, int | None] = {"TIER_50": 50, "TIER_250": 250, "TIER_2K": 2_000, "TIER_10K": 10_000,
                                "TIER_100K": 100_000, "TIER_UNLIMITED": None}
PAGE_SCOPES = ["pages_show_list", "pages_messaging", "pages_manage_metadata", "pages_utility_messaging"]
SCOPES = ["whatsapp_business_management", "whatsapp_business_messaging", "business_management", "public_profile",
          *PAGE_SCOPES]
FIELDS = ["messages", "message_template_status_update", "message_template_quality_update", "template_category_update",
          "message_template_components_update", "phone_number_quality_update", "phone_number_name_update",
          "account_update", "account_alerts", "account_review_update", "business_capability_update", "security",
          "user_preferences", "user_id_update", "business_username_updates"]
_LIVE = (("314159265358979", "12025550142", "+1 202-555-0142", "Polderwind Air"),
         ("314159265358980", "12025550143", "+1 202-555-0143", "Laagland Rail"),
         ("314159265358981", "12025550144", "+1 202-555-0144", "Dijknet"))
_NEW = (("314159265358979", "12025550142", "+1 202-555-0142", "Test Number"),)
# Operator's switches: name -> the value when nothing is wrong
SWITCHES: Json = {"token_expired": False, "restricted": False, "locked": False, "payment_problem": False,
                  "maintenance": False, "marketing_disabled": False, "misclassified": False, "barred_countries": [],
                  "recategorise": True, "pair_rule": "debt"}


class Account:
    """Documents of the app, its WABA and its numbers; changed only through here."""

    def __init__(self, config: SandboxConfig, store: Store, clock: Clock) -> None:
        self._config, self._store, self._clock = config, store, clock
        self._doc: Json | None = None
        store.on_rollback(self._read_again)
        if store.get("configured_account") != config.account:  # the first start, or the setting is another one now
            self.make(config.account)
        elif not store.get("pages_made"):  # kept by a sandbox that had no pages yet
            pages.make(store, self.doc()["mode"] == "live")
            self.save({**self.edit(), "scopes": list(dict.fromkeys([*self.doc()["scopes"], *PAGE_SCOPES]))})

    def make(self, mode: str) -> None:
        """Start over as a ``new`` or ``live`` account; handsets, messages and media are left alone."""
        live = mode == "live"
        self._doc = None
        with self._store.tx():
            for table in ("wabas", "numbers", "templates", "reach"):
                self._store.run(f"DELETE FROM {table}")  # noqa: S608 - names from the line above
            self._store.put("configured_account", self._config.account)
            self._store.put("account", {
                "mode": mode, "portfolio_id": PORTFOLIO_ID, "tier": "TIER_100K" if live else "TIER_250",
                "test_recipients": [], "test_mode": not live, "review_ms": None,
                "review": "rules", "scopes": SCOPES, "switches": dict(SWITCHES),
                "callback": None})
            self._store.run("INSERT INTO wabas VALUES (?, ?)", WABA_ID, dump({
                "name": "Thuisfront Sandbox" if live else "Test WhatsApp Business Account", "currency": "EUR",
                "timezone_id": "1", "subscribed": live, "override": None}))
            for number_id, digits, display, name in _LIVE if live else _NEW:
                number = self.add_number(number_id, digits, name)
                number.update(display_phone_number=display, quality_rating="GREEN" if live else "UNKNOWN",
                              registered=live, verified=live, pin="000000" if live else None)
                self.save_number(number)
            self._hello_world()
            pages.make(self._store, live)

    def _hello_world(self) -> None:
        """Every WABA is born with this one template."""
        self._store.run(
            "INSERT INTO templates VALUES (?, ?, ?, ?, ?, ?, ?)", "1189998819990000", WABA_ID, "hello_world", "en_US",
            "APPROVED", self._clock.now_ms(), dump({
                "category": "UTILITY", "parameter_format": "POSITIONAL", "quality": "UNKNOWN", "rejected_reason": "NONE",
                "components": [{"type": "HEADER", "format": "TEXT", "text": "Hello World"},
                               {"type": "BODY", "text": "This is a test message of the WhatsApp Business Platform."},
                               {"type": "FOOTER", "text": "WhatsApp Business Platform sample message"}]}))

    def add_number(self, number_id: str, digits: str, name: str) -> Json:
        """A number that is verified and registered."""
        self._store.run("INSERT INTO numbers VALUES (?, ?, ?, ?)", number_id, WABA_ID, digits, dump({
            "display_phone_number": "+" + digits, "verified_name": name, "quality_rating": "GREEN", "registered": True,
            "verified": True, "throughput": 80, "pin": "000000", "code": None, "override": None, "attempts": [],
            "pin_misses": 0, "profile": {"about": "", "vertical": "OTHER"}}))
        number = self.number(number_id)
        assert number is not None
        return number

    # the app

    def doc(self) -> Json:
        """What is kept about the account, to be read only; ``edit`` gives a copy to change and ``save``."""
        if self._doc is None:
            self._doc = self._store.get("account")
        assert self._doc is not None
        return self._doc

    def _read_again(self) -> None:
        self._doc = None

    def edit(self) -> Json:
        return copy.deepcopy(self.doc())

    def save(self, doc: Json) -> None:
        self._store.put("account", doc)
        self._doc = None

    def switch(self, name: str) -> Any:
        return self.doc()["switches"].get(name, SWITCHES[name])

    # wabas and numbers

    def waba(self, waba_id: str) -> Json | None:
        row = self._store.row("SELECT * FROM wabas WHERE id = ?", waba_id)
        return None if row is None else {**json.loads(row["doc"]), "id": row["id"]}

    def save_waba(self, waba: Json) -> None:
        doc = {key: value for key, value in waba.items() if key != "id"}
        self._store.run("UPDATE wabas SET doc = ? WHERE id = ?", dump(doc), waba["id"])

    def number(self, number_id: str) -> Json | None:
        row = self._store.row("SELECT * FROM numbers WHERE id = ?", number_id)
        return None if row is None else _number(row)

    def numbers(self, waba_id: str | None = None) -> list[Json]:
        rows = self._store.rows("SELECT * FROM numbers WHERE ? IS NULL OR waba_id = ? ORDER BY id", waba_id, waba_id)
        return [_number(row) for row in rows]

    def save_number(self, number: Json) -> None:
        doc = {key: value for key, value in number.items() if key not in ("id", "waba_id", "digits")}
        self._store.run("UPDATE numbers SET doc = ? WHERE id = ?", dump(doc), number["id"])

    def subscription(self) -> Json | None:
        """The app's {url, fields}: set by API, else (account live) the configured one; ``url`` "" stands for the latter."""
        doc = self.doc()
        if doc["callback"] is not None:
            return doc["callback"] or None
        return {"url": "", "fields": FIELDS} if doc["mode"] == "live" and self._config.webhook_url else None

    def callback_url(self) -> str | None:
        subscription = self.subscription()
        return None if subscription is None else subscription["url"] or self._config.webhook_url

    def callback(self, field: str, waba: Json, number: Json | None) -> str | None:
        """Where webhooks of a field go: the number's override, else the WABA's, else the app's; None: to nobody."""
        subscription = self.subscription()
        if not waba["subscribed"] or (subscription is not None and field not in subscription["fields"]):
            return None
        for override in ((number or {}).get("override"), waba["override"]):
            if override:
                return str(override["url"])
        return None if subscription is None else str(subscription["url"])


def _number(row: Any) -> Json:
    return {**json.loads(row["doc"]), "id": row["id"], "waba_id": row["waba_id"], "digits": row["digits"]}
