"""What expanding touches in the store."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.store.contacts import Contacts
from gateway.store.documents import Documents
from gateway.store.events import Events
from gateway.store.fanout import FanOuts
from gateway.store.outbox import Outbox
from gateway.store.passes import Passes
from gateway.store.subjects import Subjects
from gateway.store.untold import Untold
from gateway.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Stores:
    events: Events
    subjects: Subjects
    contacts: Contacts
    outbox: Outbox
    fans: FanOuts
    documents: Documents
    vault: Vault
    untold: Untold
    passes: Passes
