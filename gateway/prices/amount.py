"""Amounts of money: whole millionths of a currency unit, and how they are read and shown. Nothing here is a float."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

UNIT = 1_000_000
"""Millionths in one unit: prices of messages have up to six places behind the point."""
MOST = 1_000_000_000 * UNIT


def parse(text: str) -> int:
    """ "0.0248" -> 24800. Raises ValueError, saying what is wrong, for anything but an amount of 0 or more."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError("should be an amount such as 0.0248 (a point, no currency sign)") from None
    if not value.is_finite():
        raise ValueError("should be an amount such as 0.0248 (a point, no currency sign)")
    if value < 0:
        raise ValueError("is negative: a price or limit is 0 or more")
    millionths = value * UNIT
    if millionths != millionths.to_integral_value():
        raise ValueError("has more than six places behind the point: round it")
    if millionths > MOST:
        raise ValueError("is more than a thousand million: mind the unit")
    return int(millionths)


def exact(millionths: int) -> str:
    """For programs: every place that counts, at least two. 24800 -> "0.0248"."""
    return _placed(millionths, 2)


def shown(millionths: int, places: int = 4) -> str:
    """For people, in columns: rounded half to even to so many places, with commas. 1234567800 -> "1,234.5678"."""
    return f"{Decimal(millionths).scaleb(-6):,.{places}f}"


def _placed(millionths: int, least: int) -> str:
    whole, _, rest = f"{Decimal(millionths).scaleb(-6):.6f}".partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(least, '0')}"
