"""What a plan put into lanes that may be sent at once: what dispatch is woken with."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.store.outbox import Plan, PutResult
from gateway.wake import Ready, Wake


def ready_of(written: Iterable[tuple[Plan, PutResult]]) -> list[Ready]:
    """The messages that were queued now, and where some were put off. Nothing of what was suppressed or known before."""
    found: dict[Ready, None] = {}
    for plan, result in written:
        messages = [message for contact in plan.contacts for message in contact.messages]
        for message, answer in zip(messages, result.messages, strict=False):  # nothing was written: no answers
            sender = str(message.sender)
            if answer == "queued":
                found[Ready(plan.partition, sender, int(message.priority), message.id, message.contact, message.told)] = None
            elif answer == "later":
                found[Ready.look(plan.partition, sender)] = None
    return list(found)


def wake_for(wake: Wake, *written: tuple[Plan, PutResult]) -> None:
    """Wake dispatch with what may be sent now; not at all where that is nothing."""
    ready = ready_of(written)
    if ready:
        wake.now("dispatch", ready)
