"""One message on its way, and what eligibility is asked about it just before it is sent. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.connector import Connector, Sender
from gateway.model.contact import Address, Contact
from gateway.planning.asked import question_of_body
from gateway.planning.result import World
from gateway.rules.question import Question
from gateway.store.outbox import Claimed
from gateway.store.vault import Box

LOST = "codes_lost"
"""In a body on its way: how many codes of its document could not be drawn."""


@dataclass(frozen=True, slots=True)
class Task:
    """One message on its way: what was claimed, to whom, by whom, and what it says. body: as it was sealed."""

    claimed: Claimed
    contact: Contact
    box: Box
    address: Address
    sender: Sender
    connector: Connector
    body: dict[str, Any]


def question_of(task: Task, world: World, now_ms: int, *, told_elsewhere: bool = False) -> Question:
    """Everything eligibility may look at, now that it is about to be sent."""
    return question_of_body(
        task.body, task.claimed.record, task.contact, task.address, task.sender, task.connector.facts, world, now_ms,
        told_elsewhere=told_elsewhere,
    )  # fmt: skip
