"""The brakes and the senders' state as this process knows them, read twice a second: a stop works in two seconds everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.clock import Clock
from gateway.directory import Directory
from gateway.dispatch.purse import Purse
from gateway.model.contact import Contact
from gateway.model.ids import SenderId
from gateway.model.message import MessageRecord
from gateway.planning.waysin_say import JOURNEY
from gateway.prices.tariffs import Tariffs
from gateway.store.incidents import PREFIX as CRISIS
from gateway.store.incidents import Crisis
from gateway.store.senders import Senders, SenderState, Stop
from gateway.store.vault import Vault

FRESH_MS = 500
SPARED = ("survey", "offers")
"""Purposes that people are spared while a crisis is about them."""


class Brakes:
    """purse: what messages cost and what budgets are left; without one, nothing is known to cost anything."""

    def __init__(
        self, senders: Senders, directory: Directory, clock: Clock, vault: Vault, purse: Purse | None = None
    ) -> None:
        self.purse = purse or Purse(Tariffs(), clock)
        self._senders = senders
        self._directory = directory
        self._clock = clock
        self._vault = vault
        self._stops: dict[str, Stop] = {}
        self._crises: Sequence[Crisis] = ()
        self._states: dict[SenderId, SenderState] = {}
        self._read_ms = 0

    def stale(self) -> None:
        self._read_ms = 0

    async def refresh(self, fresh_ms: int = FRESH_MS) -> None:
        """Read them, unless they are younger than that. Raises StoreUnavailable."""
        now = self._clock.now_ms()
        if abs(now - self._read_ms) < fresh_ms:
            return
        self._stops = {stop.scope: stop for stop in await self._senders.stops()}
        self._crises = await self._senders.crises() if any(scope.startswith(CRISIS) for scope in self._stops) else ()
        self._states = await self._senders.states(self._directory.ids)
        await self.purse.refresh()
        self._read_ms = now

    def state(self, sender: SenderId) -> SenderState:
        return self._states.get(sender, SenderState())

    def may_claim(self, sender: SenderId) -> bool:
        """Whether anything of this sender may go now. Stopped: only what people write to people goes (see worker)."""
        return self.state(sender).paused_until_ms <= self._clock.now_ms()

    def stopped(self, sender: SenderId) -> bool:
        return "all" in self._stops or f"sender:{sender}" in self._stops

    def spares(self, body: Mapping[str, Any]) -> bool:
        """Whether a crisis may spare people this, whatever it is about: that asks for the orders of the person."""
        return bool(self._crises) and body.get("purpose") in SPARED

    def stops(self, record: MessageRecord, body: Mapping[str, Any], contact: Contact | None = None) -> Stop | None:
        """The brake that holds this message, if any. Agents' replies are not automatic: no brake holds them.

        A crisis holds whatever is about its subject, or about a journey by it, and what its people can do without, whatever that
        is about.
        """
        if not self._stops or (body.get("kind") == "reply" and not body.get("automatic")):
            return None
        event = body.get("event") or {}
        source, line = event.get("source", ""), event.get("line", "")
        whole_line = self._vault.subject_id("line", line) if line else ""
        scopes = [
            "all",
            f"sender:{record.sender}",
            f"notification:{record.notification}",
            f"subject:{record.subject}",
            f"{CRISIS}{record.subject}",
            f"subject:{whole_line}",
            f"{CRISIS}{whole_line}",
            f"source:{self._vault.blind('source', source)[:12]}" if source else "",
        ]
        held = next((self._stops[scope] for scope in scopes if scope in self._stops), None)
        if held is None and contact is not None and body.get("purpose") in SPARED:
            crisis = next((one for one in self._crises if one.is_about(contact)), None)
            held = self._stops.get(f"{CRISIS}{crisis.subject}") if crisis is not None else None
        if held is None and (journey := body.get(JOURNEY)):
            crisis = next((one for one in self._crises if not {one.subject, *one.people}.isdisjoint(journey)), None)
            held = self._stops.get(f"{CRISIS}{crisis.subject}") if crisis is not None else None
        return held
