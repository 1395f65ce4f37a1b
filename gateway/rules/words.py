"""The closed list of changes: what an event did to its subject, in words that a notification's condition asks for.

A status says how a thing stands, a change what is new for somebody who was told the last one. Only what passes its
threshold against what was last *told* is a change, so that a forecast creeping by a minute an hour is one all the same.
"""

from __future__ import annotations

from enum import StrEnum


class Change(StrEnum):
    # Any subject
    FIRST = "first"
    """nothing was known of it before"""
    STATUS_CHANGED = "status_changed"
    CANCELLED = "cancelled"
    REINSTATED = "reinstated"
    """it was told as cancelled, and runs (or is valid) after all"""

    # Flights and trips
    DELAY = "delay"
    """later than scheduled by 5 minutes or more, and by 5 minutes or more other than was last told"""
    ON_TIME_AGAIN = "on_time_again"
    EARLY = "early"
    """before its scheduled time by 5 minutes or more"""
    RESCHEDULED = "rescheduled"
    """the timetable itself moved by 5 minutes or more"""
    REBOOKED = "rebooked"
    """cancelled already, and somebody is offered another one than was last said"""
    PARTLY_CANCELLED = "partly_cancelled"
    GATE = "gate"
    """another gate than was known; the first gate known is none"""
    TERMINAL = "terminal"
    PLATFORM = "platform"
    """another platform than was known or planned"""
    BELT = "belt"
    """after landing: the belt is known, or another one"""
    CHECK_IN = "check_in"
    BOARDING = "boarding"
    GATE_CLOSED = "gate_closed"
    DEPARTED = "departed"
    LANDED = "landed"
    """arrived, for trips too"""
    DIVERTED = "diverted"
    ARRIVAL_MOVED = "arrival_moved"
    """under way: expected to arrive 15 minutes or more from what was last told"""

    # Orders
    CREATED = "created"
    PAYMENT_DUE = "payment_due"
    CONFIRMED = "confirmed"
    CHANGED = "changed"
    """what was ordered (itinerary, items, total) differs from what was known when it was confirmed"""
    PROCESSING = "processing"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    READY_FOR_PICKUP = "ready_for_pickup"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    DELIVERY_MOVED = "delivery_moved"
    """the expected delivery moved by 30 minutes or more"""
    PROBLEM = "problem"
    RETURNED = "returned"
    REFUNDED = "refunded"

    # Documents
    DOCUMENT_READY = "document_ready"
    DOCUMENT_REISSUED = "document_reissued"
    """ready again, with other content; comes beside document_ready"""

    # Outages
    OUTAGE_PLANNED = "outage_planned"
    OUTAGE_STARTED = "outage_started"
    OUTAGE_UPDATED = "outage_updated"
    """the start of planned work, or the end, is now expected 30 minutes or more from what was last told"""
    OUTAGE_FIXED = "outage_fixed"
    OUTAGE_CANCELLED = "outage_cancelled"

    # Appointments
    APPOINTMENT_BOOKED = "appointment_booked"
    """made, or made anew after it was missed, done or called off"""
    APPOINTMENT_MOVED = "appointment_moved"
    """its window begins or ends by 15 minutes or more outside of the one that was told"""
    WINDOW_NARROWED = "window_narrowed"
    """its window is narrower than was told by a quarter of it and by 15 minutes or more, or known only now"""
    ON_THE_WAY = "on_the_way"
    APPOINTMENT_DONE = "appointment_done"
    APPOINTMENT_MISSED = "appointment_missed"
