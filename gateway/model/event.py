"""What happened in the world: one internal event, whatever door it came through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.model.ids import EventId, SubjectId


class EventType(StrEnum):
    """The last parts of the CloudEvents type, without its prefix and version."""

    ORDER_STATUS = "order.status"
    ORDER_DOCUMENT = "order.document"
    FLIGHT_STATUS = "flight.status"
    FLIGHT_BOARDINGPASS = "flight.boardingpass"
    TRIP_STATUS = "trip.status"
    OUTAGE_STATUS = "outage.status"
    APPOINTMENT_STATUS = "appointment.status"


@dataclass(frozen=True, slots=True)
class BusinessEvent:
    """An event as it was kept.

    subject:       the entity's name as the source writes it, e.g. "ZZ1007/2026-11-22/AMS"
    item:          what of the subject it is about, for documents: document id or passenger; "" for state
    version:       the source's own number: orders only events of one (source, type, subject, item); None if none
    occurred_at_ms: CloudEvents time; between sources this decides
    data:          validated JSON of the type's schema
    """

    id: EventId
    source: str
    external_id: str
    type: EventType
    subject: str
    subject_id: SubjectId
    item: str
    version: int | None
    occurred_at_ms: int
    received_at_ms: int
    data: Mapping[str, Any]
    traceparent: str | None = None
    key: str = ""
    """the name of the API key it came with"""
    moment: str = ""
    """of an event of our own: the moment of its subject that has come (notifications/moments.py); no door gives one"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an event did to its subject's memory.

    sequence: the subject's own count of accepted events: orders everything planned about one subject
    changes:  words of the closed list in rules/changes.py, e.g. "delay", "gate"
    state:    the subject's state after it, merged over what was known before
    previous: the state before it ({} for the first)
    partitions: which partitions have subscribers
    """

    older: bool
    sequence: int
    changes: tuple[str, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    previous: Mapping[str, Any] = field(default_factory=dict)
    partitions: tuple[int, ...] = ()
