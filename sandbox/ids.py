"""Ids in the layouts that have been observed on the real thing; to clients every one of them is opaque."""

from __future__ import annotations

import base64
import hashlib
import random

import phonenumbers

_TRACE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


class Ids:
    """Draws from one random source, so that a seed makes a run's ids repeat."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def _hex(self, digits: int) -> str:
        return f"{self._rng.getrandbits(digits * 4):0{digits}X}"

    def from_business(self, wa_id: str | None) -> str:
        """A wamid of a message sent by API; ``wa_id`` None in a thread known by BSUID only."""
        return wamid(wa_id, outbound=True, inner=self._hex(18))

    def from_user(self, wa_id: str | None) -> str:
        return wamid(wa_id, outbound=False, inner="3A" + self._hex(18))

    def system_event(self, wa_id: str | None) -> str:
        return wamid(wa_id, outbound=False, inner=str(self._rng.randrange(10**9, 10**10)))

    def trace(self) -> str:
        return "A" + "".join(self._rng.choices(_TRACE, k=22))

    def decimal(self, digits: int, first: str = "1") -> str:
        return first + f"{self._rng.randrange(10 ** (digits - len(first))):0{digits - len(first)}d}"

    def hex_lower(self, digits: int) -> str:
        return self._hex(digits).lower()


def wamid(wa_id: str | None, *, outbound: bool, inner: str) -> str:
    """``wamid.`` + base64 of 1C 18 <len><wa_id> 15 02 00 <11 business to user | 12 user to business> 18 <len><inner> 00."""
    who = (wa_id or "0").encode("ascii")
    what = inner.encode("ascii")
    raw = (b"\x1c\x18" + bytes([len(who)]) + who + b"\x15\x02\x00" + (b"\x11" if outbound else b"\x12")
           + b"\x18" + bytes([len(what)]) + what + b"\x00")
    return "wamid." + base64.b64encode(raw).decode("ascii")


def bsuid(portfolio: str, address: str) -> str:
    """Business-scoped user id: country, dot, digits; the same person of the same portfolio always gets the same."""
    digest = hashlib.sha256(f"{portfolio}:{address}".encode()).digest()
    return f"{country_of(address)}.{int.from_bytes(digest[:12], 'big') % 10**20:020d}"


def country_of(address: str) -> str:
    """ISO code by the number's country prefix; ``ZZ`` when there is none like it."""
    try:
        number = phonenumbers.parse("+" + address)
    except phonenumbers.NumberParseException:
        return "ZZ"
    region = (phonenumbers.region_code_for_number(number)
              or phonenumbers.region_code_for_country_code(number.country_code or 0))
    return region if len(region) == 2 else "ZZ"


def digits_of(text: str) -> str:
    return "".join(c for c in text if c.isdigit())
