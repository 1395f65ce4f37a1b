"""What a program that is the desk of a queue is told of conversations. Pure: a fact goes in, the data of a webhook comes out.

A fact of a conversation says how that stood when it was written (`stands` in lua/_conv.lua): queue, state, epoch, whose it is. So
a webhook is made of its fact alone, the same to a byte whenever it is made again, by whichever process. No word of anybody's is
in it: the receiver reads a message under the conversation, by its key, which ends the day the person is erased.

sequence: facts of a conversation lie in one stream, whose places only grow. Of a place, milliseconds and a number within them,
one whole number is made that every JSON reader holds exactly (below 2^53 until the year 2248).

Who is told: what stands in a queue with `desk: external`, or came from one, unless all was asked for. A house whose desk is ours
hears of no conversation, and another program never of those that are not its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.insight.kinds import sentence_of
from gateway.model.webcare import DeskPlan
from gateway.settings import ToldOf
from gateway.store.facts import Fact, place

TYPES: Mapping[str, str] = {
    "opened": "conversation.opened",
    "queued": "conversation.queued",
    "requeued": "conversation.queued",
    "released": "conversation.queued",
    "assigned": "conversation.assigned",
    "transferred": "conversation.transferred",
    "resolved": "conversation.resolved",
    "reopened": "conversation.reopened",
    "taken_up": "conversation.changed",
    "returned": "conversation.changed",
    "parked": "conversation.changed",
    "woken": "conversation.changed",
    "idled": "conversation.changed",
    "wrapup": "conversation.changed",
    "handed_back": "conversation.changed",
    "offered": "conversation.changed",
    "declined": "conversation.changed",
    "tagged": "conversation.changed",
    "complaint": "conversation.changed",
    "marked": "conversation.changed",
    "identity_verified": "conversation.changed",
    "identity_failed": "conversation.changed",
    "identity_dropped": "conversation.changed",
    "undelivered": "conversation.undelivered",
    "media_kept": "conversation.media",
    "media_refused": "conversation.media",
    "media_lost": "conversation.media",
    "inbound": "message.received",
    "replied": "message.added",
    "said": "message.added",
    "outside": "message.added",
    "noted": "message.added",
    "erased": "contact.erased",
}
"""Kind of fact -> type of webhook."""

ERASED = "erased"
_PLACES = 1024
"""Facts of one stream within one millisecond: more than a store writes."""
_CHANGES = {
    "taken_up": "opened", "idled": "waiting", "tagged": "reason", "complaint": "marked",
    "identity_verified": "identity", "identity_failed": "identity", "identity_dropped": "identity",
}  # fmt: skip
_ADDED = {"replied": "answer", "said": "automatic", "outside": "outside", "noted": "note"}
_MEDIA = {"media_kept": "kept", "media_refused": "refused", "media_lost": "lost"}


def _nowhere(brand: str, queue: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Desks:
    """Which queues another program answers. exist: there is such a queue; everything: those of our own desk are told of too"""

    external: Callable[[str, str], bool] = _nowhere
    exist: bool = False
    everything: bool = False

    def hear(self, fact: Fact) -> bool:
        """Whether this fact of a conversation, or of an erasure, is told."""
        if fact.kind == ERASED:
            return self.exist or self.everything
        detail = fact.detail
        if not fact.id_of("v") or "o" not in detail:  # written by a version that did not say how it stood
            return False
        if fact.kind in _MEDIA and detail.get("state") == "ours":  # taken up for an answer, by whoever answers
            return False
        queues = (detail.get("q", ""), detail.get("fq", ""))
        return self.everything or any(self.external(detail.get("brand", ""), queue) for queue in queues if queue)


def desks_of(plan: DeskPlan, told: ToldOf) -> Desks:
    """Who is told, by webcare.yaml and GATEWAY_WEBHOOK_CONVERSATIONS."""
    return Desks(plan.external, plan.has_external, told is ToldOf.ALL)


def sequence_of(fact: Fact) -> int:
    """Where a fact stands among those of its conversation."""
    milliseconds, number = place(fact.stream_id)
    return milliseconds * _PLACES + number


def data_of(fact: Fact, desks: Desks, at: str) -> dict[str, Any]:
    """The `data` of the webhook about a fact that `desks` hears. at: its time as the webhook writes it"""
    if fact.kind == ERASED:
        return {"contact_id": fact.id_of("c"), "at": at}
    detail = fact.detail
    brand, queue, before = detail.get("brand", ""), detail.get("q", ""), detail.get("fq", "")
    return {
        "conversation_id": fact.id_of("v"),
        "contact_id": fact.id_of("c") or None,
        "sequence": sequence_of(fact),
        "queue": f"{brand}/{queue}",
        "from_queue": f"{brand}/{before}" if before else None,
        "desk": "external" if desks.external(brand, queue) else "own",
        "state": detail.get("st", ""),
        "epoch": _whole(detail.get("epoch", "")),
        "agent": detail.get("o") or None,
        "at": at,
        **_more(fact),
    }


def _more(fact: Fact) -> dict[str, Any]:
    """What one type says besides."""
    detail, message = fact.detail, fact.id_of("m") or None
    match TYPES[fact.kind]:
        case "conversation.queued":
            return {"reason": _why_queued(fact)}
        case "conversation.transferred":
            return {"from_agent": detail.get("agent") or None}
        case "conversation.resolved":
            return {"by": detail.get("by") or None, "reason": detail.get("reason") or None}
        case "conversation.changed":
            return {"change": _CHANGES.get(fact.kind, fact.kind)}
        case "conversation.undelivered":
            reason = detail.get("reason", "")
            return {"message_id": message, "reason": reason or None, "sentence": sentence_of(reason)}
        case "conversation.media":
            return {"media_id": detail.get("file") or None, "result": _MEDIA[fact.kind], "why": detail.get("why") or None}
        case "message.received":
            file = detail.get("file") or None
            return {"message_id": detail.get("entry") or None, "kind": detail.get("what", ""), "media_id": file}
        case "message.added":
            author = detail.get("agent") or detail.get("by") or "automation"
            said = {"message_id": message or detail.get("entry") or None, "kind": _ADDED[fact.kind], "author": author}
            return said | {"replaces": detail.get("instead") or None}
        case _:
            return {}


def _why_queued(fact: Fact) -> str:
    if fact.kind != "queued":
        return fact.kind
    return "moved" if fact.detail.get("fq") and not fact.detail.get("why") else "asked"


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
