"""A message on its last steps: rendered and ready for its POST, then with what came back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.connector import Connector, RawResponse, RenderedRequest
from gateway.crashpoint import crash_point
from gateway.dispatch.prepare import Prepared
from gateway.dispatch.task import Task
from gateway.errors import GatewayError
from gateway.model.message import OutboundMessage
from gateway.rules.verdict import AsTemplate, FreeText
from gateway.store.outbox import Claimed


# Not frozen, as nearly everything else is: one of each is made per message, and freezing costs more than the rest of making it.
@dataclass(slots=True)
class Outgoing:
    """Decided on and rendered: nothing is missing but the POST. known: what it was decided by, good for half a second."""

    task: Task
    verdict: FreeText | AsTemplate
    message: OutboundMessage
    request: RenderedRequest
    known: Prepared
    media_before: bool = False
    """its file was uploaded for an earlier attempt"""


@dataclass(slots=True)
class Alone:
    """Must be delivered alone, for something else has to be waited for. known: what was read for it, where that will do."""

    claimed: Claimed
    known: Prepared | None


@dataclass(slots=True)
class Posted:
    """What came back, or what broke. posted_ms: when the POST began; answered_ms: when it was over."""

    outgoing: Outgoing
    answer: RawResponse | Exception
    posted_ms: int
    answered_ms: int


async def carry(connector: Connector, request: RenderedRequest, timeout_s: float) -> RawResponse | Exception:
    """What came back, or what broke, for the connector to classify. Raises only what is a mistake of ours, and cancellation."""
    try:
        crash_point("send.before")
        async with asyncio.timeout(timeout_s):
            answer = await connector.send(request)
        crash_point("send.after")
        return answer
    except (OSError, TimeoutError, GatewayError) as error:
        return error
