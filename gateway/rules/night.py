"""A person's night: local hours in which nothing proactive makes their phone light up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.rules.question import QuietHours

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def night_end(now_ms: int, zone: str, quiet: QuietHours) -> int | None:
    """When the night that `now_ms` lies in is over (UTC ms); None by day, or where there is no night.

    zone: IANA name; an unknown one counts as UTC (the edge refuses it, but a record may outlive a renamed zone)
    Hours are those on the clock of the place. On the day of a clock change the night is an hour longer or shorter; an
    end that the clock jumps over is the jump itself.
    """
    local = local_time(now_ms, zone)
    if not _is_quiet(local.hour, quiet):
        return None
    before_midnight = quiet.start_hour > quiet.end_hour and local.hour >= quiet.start_hour
    day = local.date() + timedelta(days=1 if before_midnight else 0)
    for fold in (0, 1):
        # An hour that comes twice ends the night the first time, unless the clock went back behind it since then.
        end = datetime(day.year, day.month, day.day, quiet.end_hour, tzinfo=local.tzinfo, fold=fold)
        end_ms = (end - _EPOCH) // timedelta(milliseconds=1)
        if end_ms > now_ms:
            return end_ms
    return None


def local_time(at_ms: int, zone: str) -> datetime:
    """An instant on the clock of a place; exact to the millisecond."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(_zone(zone))


def _is_quiet(hour: int, quiet: QuietHours) -> bool:
    if quiet.start_hour <= quiet.end_hour:
        return quiet.start_hour <= hour < quiet.end_hour
    return hour >= quiet.start_hour or hour < quiet.end_hour


@lru_cache(maxsize=1024)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
