"""What delivering works with: handed to whatever decides, sends or draws the consequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.connector import Connector
from gateway.directory import Directory
from gateway.dispatch.brakes import Brakes
from gateway.dispatch.documents import DocumentDesk
from gateway.dispatch.evidence import EvidenceClock
from gateway.dispatch.prepare import Preparer
from gateway.dispatch.speaking import Speaking
from gateway.metrics import Metrics
from gateway.store.contacts import Contacts
from gateway.store.outbox import Outbox
from gateway.store.senders import Senders
from gateway.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Deps:
    outbox: Outbox
    contacts: Contacts
    senders: Senders
    vault: Vault
    preparer: Preparer
    templates_stale: Callable[[], None]
    brakes: Brakes
    documents: DocumentDesk
    speaking: Speaking
    directory: Directory
    connectors: Mapping[str, Connector]
    clock: Clock
    metrics: Metrics
    send_timeout_s: float
    evidence: EvidenceClock
    lease_ms: int
