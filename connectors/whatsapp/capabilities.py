"""What a WhatsApp number is able to do. Most of it is the channel's nature and the same for every number; the rest is asked.

Sources: Meta, "Service messages" and "Templates", 11 Sep 2026; links by wa.me need the number itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors.whatsapp.admin import WhatsAppAdmin
from gateway.connector import Sender
from gateway.model.account import NumberReport, Refused, TokenReport
from gateway.model.capability import Capability, Finding, Findings

TEMPLATE_SCOPE = "whatsapp_business_messaging"

Verdict = tuple[bool | None, str]
"""Able or not, and why. None in the place of one: nobody answered, so that what was known before goes on counting."""


class WhatsAppProbe:
    """`CapabilityProbe` for numbers. open_admin: the door that speaks as a sender; it is closed again after each asking."""

    def __init__(
        self,
        open_admin: Callable[[Sender], WhatsAppAdmin],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._open_admin = open_admin
        self._now_ms = now_ms

    async def ask(self, sender: Sender) -> Findings:
        admin = self._open_admin(sender)
        try:
            token = await admin.token()
            number = await admin.number(sender.account.get("phone_number_id", ""))
        finally:
            await admin.close()
        at_ms = self._now_ms()
        verdicts: dict[Capability, Verdict | None] = {
            Capability.TEMPLATES: templates(token, number),
            Capability.PERSON_WINDOW: (False, "nobody may answer freely beyond the service window on this channel"),
            Capability.IN_CONTROL: (True, "a number's chats have one holder: us"),
            Capability.NO_MACHINE_ELSEWHERE: (None, "the channel does not say whether its own assistant answers"),
            Capability.WAY_IN: way_in(sender),
        }
        details = {} if isinstance(number, Refused) else {"name": number.name}
        found = {what: Finding(told[0], at_ms, told[1]) for what, told in verdicts.items() if told is not None}
        return Findings(found, details)


def templates(token: TokenReport | Refused, number: NumberReport | Refused) -> Verdict | None:
    if not isinstance(token, Refused) and token.valid and token.scopes and TEMPLATE_SCOPE not in token.scopes:
        return False, f"the token lacks {TEMPLATE_SCOPE}"
    if isinstance(number, Refused):
        return None if number.passing else (None, f"the channel refuses to say: {number.sentence}")
    # What blocks it (payment, restriction) passes or is mended, and has codes of its own that pause the sender.
    return True, "every number may send approved templates"


def way_in(sender: Sender) -> Verdict:
    if sender.account.get("number"):
        return True, "links lead to the number"
    return False, "the number itself is not known here: set GATEWAY_WHATSAPP_NUMBER, or `number` in senders.yaml"
