"""Faults by name: what goes wrong, for whom, how often.

A fault is a JSON object: ``name``, its parameters, and the common ``share`` (0..1 of the cases), ``times`` (then it is
gone), ``phone_number_id`` or ``page_id``, ``address`` (only these). Parameters may stand beside the name or under ``params``.
"""

from __future__ import annotations

import json
import random
from typing import Any

from sandbox.store import Json, Store, dump

# name -> parameter -> (type, default); None as default: required
NAMES: dict[str, dict[str, tuple[type, Any]]] = {
    "slow": {"ms": (int, 1_000), "on": (str, "messages")},
    "lost_answer": {"on": (str, "messages")},
    "status_before_answer": {},
    "http_500": {"accepted": (bool, False), "on": (str, "messages")},
    "html_502": {"accepted": (bool, False), "on": (str, "messages")},
    "hang": {"ms": (int, 60_000), "accepted": (bool, False), "on": (str, "messages")},
    "code": {"code": (int, None), "async": (bool, None), "details": (str, ""), "subcode": (int, 0)},
    "token_expired": {},
    "scope_missing": {"scope": (str, "whatsapp_business_messaging")},
    "webhook_double": {"together": (bool, False)},
    "webhook_shuffle": {"ms": (int, 1_500)},
    "webhook_batch": {"wait_ms": (int, 500), "size": (int, 50)},
    "webhook_delay": {"ms": (int, 5_000)},
    "webhook_wrong_signature": {},
    "webhook_no_signature": {},
    "webhook_seconds": {},
    "webhook_changes_form": {},
    "webhook_unknown": {},
    "webhook_off": {"lost": (bool, False)},
    "phone_off": {"ms": (int, 7_200_000)},
    "no_delivered": {},
    "late_failed": {"code": (int, 131000), "ms": (int, 300)},
    "media_gone": {},
    "media_refused": {"code": (int, 131053)},
}
_OPTIONAL_NONE = {("code", "async")}
_COMMON: dict[str, tuple[type, ...]] = {"share": (int, float), "times": (int,), "phone_number_id": (str,), "address": (str,)}


class BadFault(Exception):
    """Not a fault we know; the text lists what is."""


class Faults:
    """Asked at each place where something can go wrong; ``take`` also counts down ``times``."""

    def __init__(self, store: Store, rng: random.Random) -> None:
        self._store, self._rng = store, rng
        self._active: list[Json] = []
        store.on_rollback(self.reload)
        self.reload()

    def reload(self) -> None:
        self._active = [{**json.loads(row["doc"]), "id": row["id"]} for row in self._store.rows("SELECT * FROM faults")]

    def all(self) -> list[Json]:
        return list(self._active)

    def put(self, asked: Any) -> Json:
        """Adds it, or replaces the one of the same name, number and address. raises: BadFault"""
        fault = parse(asked)
        for old in self._active:
            if all(old.get(key) == fault.get(key) for key in ("name", "phone_number_id", "address")):
                self._store.run("DELETE FROM faults WHERE id = ?", old["id"])
        self._store.insert("INSERT INTO faults (doc) VALUES (?)", dump(fault))
        self.reload()
        return self._active[-1]

    def delete(self, name: str | None = None) -> int:
        """All of a name, or all; returns how many went."""
        if name is not None and name not in NAMES:
            raise BadFault(f"no fault is named {name!r}; there are: {', '.join(NAMES)}")
        gone = 0
        for fault in self._active:
            if name is None or fault["name"] == name:
                gone += self._store.run("DELETE FROM faults WHERE id = ?", fault["id"])
        self.reload()
        return gone

    def drop(self, fault_id: int) -> None:
        self._store.run("DELETE FROM faults WHERE id = ?", fault_id)
        self.reload()

    def take(self, name: str, phone_number_id: str | None = None, address: str | None = None, **match: Any) -> Json | None:
        """The first matching fault that strikes now. ``match``: parameters that must be equal or 'all'."""
        if not self._active:
            return None
        for fault in self._active:
            if fault["name"] != name:
                continue
            if fault.get("phone_number_id") not in (None, phone_number_id) or fault.get("address") not in (None, address):
                continue
            if any(fault.get(key) not in (value, "all") for key, value in match.items()):
                continue
            if self._rng.random() >= fault.get("share", 1.0):
                continue
            self._count_down(fault)
            return fault
        return None

    def _count_down(self, fault: Json) -> None:
        if fault.get("times") is None:
            return
        fault["times"] -= 1
        if fault["times"] <= 0:
            self._store.run("DELETE FROM faults WHERE id = ?", fault["id"])
            self._active = [other for other in self._active if other is not fault]
        else:
            doc = {key: value for key, value in fault.items() if key != "id"}
            self._store.run("UPDATE faults SET doc = ? WHERE id = ?", dump(doc), fault["id"])


def parse(asked: Any) -> Json:
    """A checked fault with its defaults filled in. raises: BadFault"""
    if not isinstance(asked, dict):
        raise BadFault('a fault is an object such as {"name": "slow", "ms": 500}')
    fault: Json = {**asked, **(asked["params"] if isinstance(asked.get("params"), dict) else {})}
    fault.pop("params", None)
    name = fault.get("name")
    if name not in NAMES:
        raise BadFault(f"no fault is named {name!r}; there are: {', '.join(NAMES)}")
    params = NAMES[name]
    if "page_id" in fault:  # a Page stands where a number would: both are the sender
        fault["phone_number_id"] = fault.pop("page_id")
    for key, value in fault.items():
        if key == "name" or value is None:
            continue
        kinds = (params[key][0],) if key in params else _COMMON.get(key)
        if kinds is None:
            known = ", ".join([*params, *_COMMON])
            raise BadFault(f"fault {name!r} has no parameter {key!r}; it has: {known}")
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise BadFault(f"parameter {key!r} of fault {name!r} must be {' or '.join(k.__name__ for k in kinds)}")
    share = fault.get("share")
    if share is not None and not 0 <= share <= 1:
        raise BadFault("parameter 'share' must be from 0 to 1")
    if fault.get("times") is not None and fault["times"] < 1:
        raise BadFault("parameter 'times' must be at least 1")
    for key, (_, default) in params.items():
        if fault.get(key) is None and default is None and (name, key) not in _OPTIONAL_NONE:
            raise BadFault(f"fault {name!r} needs the parameter {key!r}")
        if fault.get(key) is None and default is not None:
            fault[key] = default
    return {key: value for key, value in fault.items() if value is not None}
