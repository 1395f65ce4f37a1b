"""People who came by a link, a plugin or an advertisement into a chat that they already had, and what they opted into.

Source: Meta, m.me links (23 Mar 2026), messaging_referrals, messaging_optins (20 Jun 2023). Somebody new arrives by a pressed
Get Started instead, which carries the same referral: see `inbound.postback`. That `ref` arrives is not guaranteed by Meta.
"""

from __future__ import annotations

from connectors.messenger.item import Item
from connectors.meta.reading import maybe_text, obj, word
from gateway.connector import ArrivalEvent, PreferenceEvent, UnknownEvent
from gateway.model.personal import Personal

_STATES = {"STOP_NOTIFICATIONS": False, "RESUME_NOTIFICATIONS": True}


def referral(item: Item) -> ArrivalEvent:
    given = obj(item.body.get("referral"), ".referral")
    ref = maybe_text(given.get("ref"))
    source = maybe_text(given.get("source"))
    return ArrivalEvent(
        account_id=item.page,
        identifiers=item.person(),
        at_ms=item.at_ms,
        referral=Personal(ref),
        key=item.key("referral", ref, str(item.at_ms)),
        source=word(source) if source else "",
    )


def optin(item: Item) -> ArrivalEvent | PreferenceEvent | UnknownEvent:
    """A plugin's `ref` is an arrival. Stopping the channel's own notifications is an opt-out, resuming them takes it back;
    the first opt-in to one topic of them is neither: it grants nothing beyond that topic, and we have none.
    """
    given = obj(item.body.get("optin"), ".optin")
    kind = maybe_text(given.get("type"))
    if kind == "notification_messages":
        state = maybe_text(given.get("notification_messages_status"))
        if state in _STATES:
            key = item.key("notification_messages", state, str(item.at_ms))
            return PreferenceEvent(item.page, item.person(), item.at_ms, _STATES[state], ("offers",), key)
    if kind:
        return UnknownEvent(item.page, f"optin.{word(kind)}", item.at_ms)
    if maybe_text(given.get("user_ref")):
        # A checkbox was ticked; who did it, we learn when they answer.
        return UnknownEvent(item.page, "optin.user_ref", item.at_ms)
    ref = maybe_text(given.get("ref"))
    key = item.key("optin", ref, str(item.at_ms))
    return ArrivalEvent(item.page, item.person(), item.at_ms, Personal(ref), key, source="PLUGIN")
