"""What a refused management call about a Page means, and how it is mended: where to click at Meta, how long to wait.

Codes: Meta, "Common Error Codes", 25 Jun 2026; 2200 (the callback failed its handshake) is not on that page. Places to click
are those of autumn 2026; Meta moves them. Nothing here looks at Meta's words.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model.account import Why

_NEW_ACCESS = (
    "make a new one: business.facebook.com > Settings > Users > System users > Generate token, for this app, with "
    "pages_messaging, pages_manage_metadata, pages_show_list and pages_utility_messaging, expiration `never`"
)
_PERMISSION = (
    "business.facebook.com > Settings > Users > System users > Assign assets: give the system user this app and this Page with "
    "full control, then generate its token anew with every permission that starts with `pages_`"
)
_REVIEW = "developers.facebook.com > your app > App Review: ask for advanced access to pages_messaging; the app must be Live"
_RESTRICTED = "business.facebook.com > Business support home shows why, and takes an appeal"
_CALLBACK = (
    "GATEWAY_PUBLIC_URL must be reachable from the internet over https with a certificate that browsers accept, and lead to "
    "the public port (8080)"
)
_BUSY = "try again in a few minutes"
_HOUR = "the calls of this hour are used up: wait an hour"

_CODES: Mapping[int, tuple[Why, str]] = {
    -1: (Why.BUSY, _BUSY),
    0: (Why.TOKEN, _NEW_ACCESS),
    1: (Why.BUSY, _BUSY),
    2: (Why.BUSY, _BUSY),
    3: (Why.PERMISSION, _PERMISSION),
    4: (Why.BUSY, _HOUR),
    10: (Why.PERMISSION, _PERMISSION),
    17: (Why.BUSY, _HOUR),
    32: (Why.BUSY, _HOUR),
    33: (Why.MISSING, "the Page was deleted, or the token was not given it: " + _PERMISSION),
    101: (Why.TOKEN, "app id and app secret do not belong together: developers.facebook.com > your app > App settings > Basic"),
    102: (Why.TOKEN, _NEW_ACCESS),
    104: (Why.TOKEN, _NEW_ACCESS),
    190: (Why.TOKEN, _NEW_ACCESS),
    368: (Why.RESTRICTED, _RESTRICTED),
    551: (Why.OTHER, "the person cannot be reached: did they block the Page, or has the chat gone to message requests?"),
    613: (Why.BUSY, _HOUR),
    2200: (Why.CALLBACK, _CALLBACK),
    80006: (Why.BUSY, _HOUR),
}
_PAIRS: Mapping[tuple[int, int], tuple[Why, str]] = {
    (2, 2018344): (Why.PERMISSION, "the Page must accept Meta's terms for contacts: open its inbox at business.facebook.com"),
    (10, 2018278): (Why.OTHER, "more than 24 hours since they wrote: write to the Page once more from that phone"),
    (10, 2018300): (Why.OTHER, "another program holds this chat: business.facebook.com > Inbox > Move to Done, or wait 24 hours"),
    (10, 1893063): (Why.RESTRICTED, _RESTRICTED),
    (100, 33): (Why.MISSING, "the id is wrong, or the token was not given this Page: " + _PERMISSION),
    (100, 2018001): (Why.MISSING, "this person never wrote to this Page: ids of people hold for one Page"),
    (100, 1893029): (Why.TEMPLATE, "the template has other buttons at Meta: `python main.py templates status`"),
    (100, 1893043): (Why.TEMPLATE, "a value holds #, %, $ or an emoji"),
    (200, 2018028): (Why.PERMISSION, _REVIEW),
    (200, 2018027): (Why.PERMISSION, _REVIEW),
}


def meaning(code: int, subcode: int = 0) -> tuple[Why, str]:
    """What a code means, in an answer or in a status, and its mend ("" when we know none)."""
    exact = _PAIRS.get((code, subcode)) or _CODES.get(code)
    if exact is not None:
        return exact
    return (Why.PERMISSION, _PERMISSION) if 200 <= code <= 299 else (Why.OTHER, "")
