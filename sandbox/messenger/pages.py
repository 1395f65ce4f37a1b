"""The account's pages: what they are called and the switches that an operator at Meta would hold for each."""

from __future__ import annotations

import copy
import json
import sqlite3

from sandbox.store import Json, Store, dump

LIVE = (("141421356237301", "Polderwind Air", "polderwindair"), ("141421356237302", "Laagland Rail", "laaglandrail"),
        ("141421356237303", "Dijknet", "dijknet"))
# Webhook fields a page or app can subscribe to; Meta's generated SDK v25.0.2 (adobjects/page.py), 24 June 2026.
FIELDS = (
    "messages", "message_echoes", "message_edits", "message_reactions", "message_reads", "message_deliveries",
    "message_context", "messaging_postbacks", "messaging_optins", "messaging_optouts", "messaging_referrals",
    "messaging_account_linking", "messaging_handovers", "standby", "messaging_feedback", "response_feedback",
    "messaging_policy_enforcement", "messaging_integrity", "business_integrity", "message_template_status_update",
    "messaging_customer_information", "messaging_in_thread_lead_form_submit", "calls", "feed", "mention",
    "marketing_message_deliveries", "marketing_message_reads", "marketing_message_clicks", "marketing_message_echoes",
    "marketing_message_delivery_failed")
# what a page of the live account is subscribed to, and its app
USUAL = ("messages", "message_echoes", "message_edits", "message_reactions", "message_reads", "message_deliveries",
         "messaging_postbacks", "messaging_optins", "messaging_referrals", "messaging_account_linking",
         "messaging_handovers", "standby", "messaging_feedback", "response_feedback", "messaging_policy_enforcement",
         "message_template_status_update", "feed")
HOLDERS = ("ours", "inbox", "assistant")
# Operator's switches of a page: name -> the value when nothing is wrong
SWITCHES: Json = {
    "utility": True,             # utility templates may be made and sent in this region
    "human_agent": True,         # the "Human Agent" feature is approved
    "default_app": "ours",       # who answers an idle thread: "ours", "inbox" or None (nobody was chosen)
    "may_take": True,            # "allow this app to take control"
    "assistant": False,          # Meta's own assistant may take threads
    "restricted": False,         # 10/1893063 for every send
    "airline_templates": False,  # the airline_* templates of 2016 are still taken
    "require_proof": False,      # calls need appsecret_proof
    "european": True,            # subject_to_new_eu_privacy_rules
    "engaged": 10_000,           # people the page can message: 200 calls for each in a moving day
    "legacy_stickers": False,    # "legacy" or "transition": the forms before 30 August 2026
    "echo_first": False,         # the echo of a send comes before its HTTP answer
    "delivery_mids": True,       # False: deliveries tell a watermark only
    "ref_lost": False,           # the ref of an m.me link never arrives
    "old_handovers": False,      # handover events in an array of their own
}


def make(store: Store, live: bool) -> None:
    """Start over: the pages of a ``live`` account, none of a new one. Who is known to them stays, as handsets do."""
    for table in ("pages", "personas"):
        store.run(f"DELETE FROM {table}")  # noqa: S608 - names from the line above
    store.put("page_callback", None)
    store.put("pages_made", True)
    for page_id, name, username in LIVE if live else ():
        store.run("INSERT INTO pages VALUES (?, ?, ?)", page_id, username, dump({
            "name": name, "subscribed": True, "subscribed_fields": list(USUAL), "since_ms": 0, "profile": {},
            **copy.deepcopy(SWITCHES)}))


def get(store: Store, page_id: str) -> Json | None:
    """By id or by username (the word in m.me links)."""
    row = store.row("SELECT * FROM pages WHERE id = ? OR username = ? COLLATE NOCASE", page_id, page_id)
    return None if row is None else _page(row)


def everyone(store: Store) -> list[Json]:
    return [_page(row) for row in store.rows("SELECT * FROM pages ORDER BY id")]


def save(store: Store, page: Json) -> None:
    doc = {key: value for key, value in page.items() if key not in ("id", "username")}
    store.run("UPDATE pages SET doc = ? WHERE id = ?", dump(doc), page["id"])


def _page(row: sqlite3.Row) -> Json:
    return {**SWITCHES, **json.loads(row["doc"]), "id": row["id"], "username": row["username"]}
