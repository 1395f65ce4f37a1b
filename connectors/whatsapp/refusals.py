"""What a refused management call means, and how it is mended: where to click at Meta, how long to wait.

Codes: Meta, "Error codes", 11 Sep 2026. 2200 (the callback failed its handshake), 136024 and 136025 (code by SMS or voice) are
not on that page. Places to click are those of autumn 2026; Meta moves them. Nothing here looks at Meta's words.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.meta.management import refusal
from gateway.connector import RawResponse
from gateway.model.account import Refused, Why

_NEW_ACCESS = (
    "make a new one: business.facebook.com > Settings > Users > System users > Generate token, for this app, with "
    "whatsapp_business_messaging and whatsapp_business_management, expiration `never`"
)
_PERMISSION = (
    "business.facebook.com > Settings > Users > System users > Assign assets: give the system user this app and this WhatsApp "
    "account with full control, then generate its token anew"
)
_WAIT_72 = "10 registrations in 72 hours are allowed for a number; every further try counts too. Come back after 72 hours"
_PIN = (
    "the number has a two-step PIN already: type that one. Forgotten: WhatsApp Manager > Phone numbers > the number > "
    "Two-step verification > Turn off, wait for the mail, then choose a new one here"
)
_LISTED = (
    "a test number writes to 5 listed phones only: developers.facebook.com > your app > WhatsApp > API Setup > `To` > Manage "
    "phone number list > Add, and type the code that the phone receives"
)
_PAYMENT = "WhatsApp Manager > Account tools > Payment settings: add or mend the payment method"
_RESTRICTED = "business.facebook.com > Business support home shows why, and takes an appeal"
_CALLBACK = (
    "GATEWAY_PUBLIC_URL must be reachable from the internet over https with a certificate that browsers accept, and lead to "
    "the public port (8080)"
)
_BUSY = "try again in a few minutes"

_CODES: Mapping[int, tuple[Why, str]] = {
    0: (Why.TOKEN, _NEW_ACCESS),
    1: (Why.BUSY, _BUSY),
    2: (Why.BUSY, _BUSY),
    3: (Why.PERMISSION, _PERMISSION),
    4: (Why.BUSY, "the app's hourly calls are used up: wait an hour"),
    10: (Why.PERMISSION, _PERMISSION),
    33: (Why.MISSING, "the number was deleted, or belongs to another account"),
    101: (Why.TOKEN, "app id and app secret do not belong together: developers.facebook.com > your app > App settings > Basic"),
    102: (Why.TOKEN, _NEW_ACCESS),
    104: (Why.TOKEN, _NEW_ACCESS),
    190: (Why.TOKEN, _NEW_ACCESS),
    368: (Why.RESTRICTED, _RESTRICTED),
    2200: (Why.CALLBACK, _CALLBACK),
    80007: (Why.BUSY, "the account's hourly calls are used up: wait an hour"),
    80008: (Why.BUSY, "the account's hourly calls are used up: wait an hour"),
    131000: (Why.BUSY, _BUSY),
    131005: (Why.PERMISSION, _PERMISSION),
    131016: (Why.BUSY, _BUSY),
    131030: (Why.NOT_LISTED, _LISTED),
    131031: (Why.RESTRICTED, _RESTRICTED),
    131037: (Why.RESTRICTED, "the display name is not approved yet: WhatsApp Manager > Phone numbers > the number > Profile"),
    131042: (Why.PAYMENT, _PAYMENT),
    131045: (Why.NOT_REGISTERED, "register the number again: `python main.py connect whatsapp`"),
    131057: (Why.BUSY, "the number is being given more throughput: wait a minute"),
    132000: (Why.TEMPLATE, "the template has other parameters at Meta: `python main.py templates status`"),
    132001: (Why.TEMPLATE, "no approved template of this name and language: `python main.py templates push`"),
    132012: (Why.TEMPLATE, "the template has other parameters at Meta: `python main.py templates status`"),
    132015: (Why.TEMPLATE, "the template is paused for low quality: it comes back by itself after 3 or 6 hours"),
    132016: (Why.TEMPLATE, "the template is disabled for good: push a new version"),
    133000: (Why.BUSY, "an earlier deregistration is not complete: deregister once more at Meta, then come back"),
    133004: (Why.BUSY, _BUSY),
    133005: (Why.PIN_WRONG, _PIN),
    133006: (Why.VERIFY_FIRST, "verify the number first, by SMS or voice"),
    133008: (Why.TOO_OFTEN, "too many wrong PINs: Meta says how long to wait; then type the right one"),
    133009: (Why.TOO_OFTEN, "PINs came too fast: wait a few minutes"),
    133010: (Why.NOT_REGISTERED, "register the number: `python main.py connect whatsapp`"),
    133015: (Why.BUSY, "the number was deleted a moment ago: wait 5 minutes"),
    133016: (Why.TOO_OFTEN, _WAIT_72),
    136024: (Why.VERIFIED_ALREADY, "the number is verified already, or codes were asked for too often: then wait an hour"),
    136025: (Why.CODE_WRONG, "type the newest code; it lives about 10 minutes"),
}


def meaning(code: int, subcode: int = 0) -> tuple[Why, str]:
    """What a code means, in an answer or in a status, and its mend ("" when we know none)."""
    if (code, subcode) == (100, 33):
        return Why.MISSING, "the id is wrong, or the token was not given this object: " + _PERMISSION
    if 200 <= code <= 299:
        return Why.PERMISSION, _PERMISSION
    return _CODES.get(code, (Why.OTHER, ""))


def refused(response: RawResponse) -> Refused | None:
    """What an answer refuses; None when it refuses nothing."""
    return refusal(response, meaning)
