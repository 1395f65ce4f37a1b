"""People and their phones: who they are, what their chats hold, and what has been said about it from outside."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from sandbox.account import Account
from sandbox.clock import DAY_MS, Clock
from sandbox.config import SandboxConfig
from sandbox.ids import bsuid, digits_of
from sandbox.store import Json, Store, dump
from sandbox.stream import Hub

WINDOW_MS = DAY_MS
HIDDEN_AFTER_MS = 30 * DAY_MS
PUBLIC = ("name", "label", "address", "user_id", "username", "language", "timezone", "online", "messenger")
TYPING_MS = 25_000


class Handsets:
    """Every change of a bubble or phone goes through here, so that the stream never misses one."""

    def __init__(self, config: SandboxConfig, store: Store, clock: Clock, hub: Hub, account: Account) -> None:
        self._config, self._store, self._clock, self._hub, self._account = config, store, clock, hub, account
        # Messenger's side: how a sender that is no number is shown, and the chats of a phone that may have no bubble yet
        self.names_of: Callable[[str, str], Json | None] = lambda sender_id, address: None
        self.chats_of: Callable[[str], list[str]] = lambda address: []

    # people

    def make(self, spec: Json) -> Json:
        """A new handset from checked fields, or the known one with these fields changed."""
        address = digits_of(str(spec["address"]))
        handset = self.get(address) or {
            "address": address, "name": address[-4:], "label": "", "username": None, "language": "en",
            "timezone": "Europe/London", "online": True, "on_whatsapp": True, "messenger": True, "read_receipts": True,
            "blocked": False,
            "auto_read_ms": self._config.auto_read_ms, "marketing_stopped": [], "typing_until_ms": 0,
            "user_id": bsuid(self._account.doc()["portfolio_id"], address), "made_ms": self._clock.now_ms()}
        handset.update({key: value for key, value in spec.items() if key != "address"})
        self.save(handset)
        return handset

    def save(self, handset: Json) -> None:
        doc = {key: value for key, value in handset.items() if key not in ("address", "made_ms")}
        self._store.run(
            "INSERT INTO handsets VALUES (?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET name = excluded.name, "
            "user_id = excluded.user_id, doc = excluded.doc",
            handset["address"], handset["name"], handset["user_id"], handset["made_ms"], dump(doc))
        self.publish_address(handset["address"], [])

    def get(self, address: str) -> Json | None:
        return _handset(self._store.row("SELECT * FROM handsets WHERE address = ?", address))

    def ensure(self, address: str) -> Json:
        """Whoever is written to has a phone: its name is the number's last four digits."""
        return self.get(address) or self.make({"address": address})

    def by_user_id(self, user_id: str) -> Json | None:
        return _handset(self._store.row("SELECT * FROM handsets WHERE user_id = ?", user_id))

    def find(self, who: str) -> Json | None:
        """By address (any spelling of the number), BSUID, name, or PSID on any Page."""
        row = self._store.row("SELECT * FROM handsets WHERE address = ? OR user_id = ? OR name = ? COLLATE NOCASE "
                              "ORDER BY address <> ? LIMIT 1", digits_of(who) or who, who, who, digits_of(who))
        if row is None:
            row = self._store.row("SELECT handsets.* FROM handsets JOIN page_people USING (address) WHERE psid = ?", who)
        return _handset(row)

    def all(self) -> list[Json]:
        rows = self._store.rows("SELECT * FROM handsets ORDER BY made_ms, address")
        return [found for row in rows if (found := _handset(row)) is not None]

    # threads

    def thread(self, number_id: str, address: str) -> Json:
        row = self._store.row("SELECT * FROM threads WHERE phone_number_id = ? AND address = ?", number_id, address)
        if row is None:
            return {"last_in_ms": None, "last_exchange_ms": None, "entry_ms": None, "entry_until_ms": None}
        return dict(row)

    def mark(self, number_id: str, address: str, **fields: int | None) -> None:
        self._store.run("INSERT OR IGNORE INTO threads (phone_number_id, address) VALUES (?, ?)", number_id, address)
        for name, value in fields.items():
            self._store.run(f"UPDATE threads SET {name} = ? WHERE phone_number_id = ? AND address = ?",  # noqa: S608
                            value, number_id, address)

    def window_open(self, number_id: str, address: str) -> bool:
        """24 hours from the person's last message to this number."""
        last = self.thread(number_id, address)["last_in_ms"]
        return last is not None and self._clock.now_ms() - last < WINDOW_MS

    def phone_visible(self, number_id: str, handset: Json) -> bool:
        """Who has a username hides the phone from numbers that did not exchange a message with it for 30 days."""
        if not handset["username"]:
            return True
        last = self.thread(number_id, handset["address"])["last_exchange_ms"]
        return last is not None and self._clock.now_ms() - last < HIDDEN_AFTER_MS

    # messages

    def add(self, *, message_id: str, number_id: str, address: str, kind: str, ticks: str, bubble: Json, private: Json,
            opaque: str | None = None, at_ms: int | None = None) -> None:
        at = self._clock.now_ms() if at_ms is None else at_ms
        opaque_id = opaque.split(".", 1)[0] if opaque else None
        why = None if opaque_id is None else self._store.row("SELECT why FROM whys WHERE opaque_id = ?", opaque_id)
        whole: Json = {
            "id": message_id, "kind": kind, "at_ms": at, "type": "text", "template": None, "header": None, "body": "",
            "footer": None, "buttons": [], "list": None, "reply_to": None, "reaction": None, "ticks": ticks, "error": None,
            "opaque": opaque, "why": None if why is None else json.loads(why["why"]), **bubble}
        if kind == "unsent":
            whole.pop("ticks")
        self._store.run(
            "INSERT INTO messages (id, phone_number_id, address, kind, at_ms, ticks, opaque_id, bubble, private) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET at_ms = excluded.at_ms, "
            "bubble = excluded.bubble, private = excluded.private",
            message_id, number_id, address, kind, at, ticks, opaque_id, dump(whole), dump(private))
        self.publish_address(address, [message_id])

    def message(self, message_id: str) -> Json | None:
        """{id, phone_number_id, address, kind, at_ms, ticks, bubble, private} or None."""
        row = self._store.row("SELECT * FROM messages WHERE id = ?", message_id)
        return None if row is None else _message(row)

    def waiting(self, address: str) -> list[Json]:
        """What left Meta and has not reached the phone."""
        return [_message(row) for row in self._store.rows(
            "SELECT * FROM messages WHERE address = ? AND ticks = 'sent' AND kind = 'received' ORDER BY at_ms", address)]

    def unread(self, address: str, number_id: str | None = None) -> list[Json]:
        return [_message(row) for row in self._store.rows(
            "SELECT * FROM messages WHERE address = ? AND ticks = 'delivered' AND kind = 'received' "
            "AND (? IS NULL OR phone_number_id = ?) ORDER BY at_ms", address, number_id, number_id)]

    def change(self, message: Json, **bubble: Any) -> None:
        """Store a message's changed bubble fields (``ticks`` among them) and its private part."""
        message["bubble"].update(bubble)
        message["ticks"] = message["bubble"].get("ticks", message["ticks"])
        self._store.run("UPDATE messages SET ticks = ?, bubble = ?, private = ? WHERE id = ?",
                        message["ticks"], dump(message["bubble"]), dump(message["private"]), message["id"])
        self.publish_address(message["address"], [message["id"]])

    def remove(self, message_id: str) -> bool:
        return bool(self._store.run("DELETE FROM messages WHERE id = ? AND kind = 'unsent'", message_id))

    def explain(self, opaque_id: str, why: Json) -> int:
        """Attach why a message was sent to the bubbles of that opaque id, now or when they come."""
        self._store.run("INSERT INTO whys VALUES (?, ?) ON CONFLICT (opaque_id) DO UPDATE SET why = excluded.why",
                        opaque_id, dump(why))
        rows = self._store.rows("SELECT * FROM messages WHERE opaque_id = ?", opaque_id)
        for row in rows:
            self.change(_message(row), why=why)
        return len(rows)

    # what the page sees

    def fields(self, handset: Json) -> Json:
        shown = {key: handset[key] for key in PUBLIC}
        shown["typing"] = handset["typing_until_ms"] > self._clock.now_ms()
        return shown

    def view(self, handset: Json) -> Json:
        address = handset["address"]
        threads: dict[str, list[Json]] = {}
        for row in self._store.rows("SELECT phone_number_id, bubble FROM messages WHERE address = ? ORDER BY at_ms, rowid",
                                    address):
            threads.setdefault(row["phone_number_id"], []).append(json.loads(row["bubble"]))
        for sender_id in self.chats_of(address):
            threads.setdefault(sender_id, [])
        shown = self.fields(handset)
        shown["psids"] = {row["page_id"]: row["psid"] for row in self._store.rows(
            "SELECT page_id, psid FROM page_people WHERE address = ? ORDER BY page_id", address)}
        shown["threads"] = [{**self.thread_names(sender_id, address), "bubbles": bubbles}
                            for sender_id, bubbles in threads.items()]
        return shown

    def thread_names(self, sender_id: str, address: str) -> Json:
        """Who the chat is with, on which channel."""
        other = self.names_of(sender_id, address)
        if other is not None:
            return other
        number = self._account.number(sender_id) or {"display_phone_number": sender_id, "verified_name": sender_id}
        return {"channel": "whatsapp", "sender_id": sender_id, "sender_name": number["verified_name"],
                "phone_number_id": sender_id, "display_phone_number": number["display_phone_number"],
                "verified_name": number["verified_name"]}

    def shown(self, sender_id: str, address: str, bubble: Json) -> Json:
        """A bubble outside its thread: it says which one it stands in."""
        if self.names_of(sender_id, address) is not None:
            return {**bubble, "channel": "messenger", "sender_id": sender_id, "page_id": sender_id}
        return {**bubble, "channel": "whatsapp", "sender_id": sender_id, "phone_number_id": sender_id}

    def publish_address(self, address: str, message_ids: list[str], *, chats: tuple[str, ...] = ()) -> None:
        """Tell the page of these bubbles and of the phone. ``chats``: Pages whose chat changed without a bubble."""
        def told() -> Json:
            handset = self.get(address)
            bubbles = []
            for message_id in message_ids:
                row = self._store.row("SELECT phone_number_id, bubble FROM messages WHERE id = ?", message_id)
                if row is not None:
                    bubbles.append(self.shown(row["phone_number_id"], address, json.loads(row["bubble"])))
            senders = dict.fromkeys([*(bubble["sender_id"] for bubble in bubbles), *chats])
            threads = [thread for sender in senders if (thread := self.names_of(sender, address)) is not None]
            return {"address": address, "bubbles": bubbles, **({"threads": threads} if threads else {}),
                    "handset": None if handset is None else self.fields(handset)}

        self._hub.publish("handset", told)


def _handset(row: sqlite3.Row | None) -> Json | None:
    if row is None:
        return None
    return {"messenger": True, **json.loads(row["doc"]), "address": row["address"], "made_ms": row["made_ms"]}


def _message(row: sqlite3.Row) -> Json:
    return {**dict(row), "bubble": json.loads(row["bubble"]), "private": json.loads(row["private"])}
