"""One message, once: decide again, render, send, classify. What comes out is Delivered; the worker settles it.

Consent, window, brakes and what was told since are read at most a second before the POST. No POST begins with under three seconds
of lease left. An expected refusal is a value; whatever breaks after bytes may have left is uncertain, never a retry.

Most messages of a claim need nothing but their POST, so they are decided on and rendered together (`make`), posted each by itself
(`post`) and concluded together again (`accepted`): code and data that are still in the processor's caches cost a third
(docs/performance.md). Whatever must wait for something else (a file, another way, a speaker) goes through `deliver` alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from gateway.connector import Connector, Outcome, Sender, SendResult
from gateway.dispatch.afterwards import Afterwards
from gateway.dispatch.content import content_of
from gateway.dispatch.deps import Deps
from gateway.dispatch.documents import DocumentProblem, UploadProblem
from gateway.dispatch.ending import Delivered, finished
from gateway.dispatch.outgoing import Outgoing, Posted, carry
from gateway.dispatch.prepare import Prepared
from gateway.dispatch.settled import already_known
from gateway.dispatch.task import Task, question_of
from gateway.errors import CannotRender, Sealed, StoreError
from gateway.model.ids import MessageId
from gateway.model.message import Document, OnUncertain, OutboundMessage
from gateway.model.personal import Personal
from gateway.planning.settling import SETTLING
from gateway.rules import retry
from gateway.rules.may_send import decide
from gateway.rules.verdict import AsTemplate, FreeText, Later, Reason, Suppressed
from gateway.rules.ways import told_elsewhere
from gateway.store.outbox import Claimed, Settlement

LEAST_LEASE_MS = 3000
RESENDS = 2
UNREAD_LOOK_MS = 3_000
"""A gateway that just started reads its templates first; messages wait for that rather than end for it."""
STOPPED_LOOK_MS = 5_000
SPEAKS_UNTIL = 2
"""The attempt after which an agent's words go out under the sender's own name: it is the words that matter."""
WAITS_FOR = ("document", "legs", "before", "later", SETTLING)
"""Fields of a body for which something must be read or fetched before it can be decided on."""

log = structlog.get_logger()

Decided = tuple[Task, FreeText | AsTemplate]


class Deliverer:
    def __init__(self, deps: Deps) -> None:
        self._d = deps
        self._afterwards = Afterwards(deps)

    async def make(self, batch: Sequence[Claimed], prepared: Sequence[Prepared | None]) -> list[Outgoing | Delivered | None]:
        """Per message of a claim: ready for its POST, ended already, or None where it must be delivered alone.

        raises: StoreUnavailable, only before anything was decided
        """
        made = [self._considered(one, known) for one, known in zip(batch, prepared, strict=True)]
        await self._count_people(made)
        return [
            self._rendered(one[0], one[1], None, None, known) if isinstance(one, tuple) and known is not None else one
            for one, known in zip(made, prepared, strict=True)
        ]
