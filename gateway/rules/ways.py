"""Which way to a person first, and whether another is tried when one fails. Pure.

A way is one of their addresses. The order comes from what is said most closely about this message: the person's own wish, then
the notification's channels, then what they read last (where the notification asks for that), then the installation's setting,
then the order in which their source gave the addresses. A notification's channels also shut out the others.

Another way is tried for what is wrong with a way, never for what is wrong with the message, and never for what the person
chose: who stopped us on one channel does not get the same words by another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from gateway.model.contact import Address
from gateway.model.ids import AddressId
from gateway.model.message import DeliveryStatus, MessageState
from gateway.rules.verdict import Reason


class Prefer(StrEnum):
    """GIVEN: the order that was said. READ_LAST: the channel where they last read something of ours comes first."""

    GIVEN = "given"
    READ_LAST = "read_last"


ANOTHER_WAY = frozenset(
    {
        Reason.UNREACHABLE,
        Reason.REJECTED,
        Reason.RETRIES_EXHAUSTED,
        Reason.FAILED_AT_CHANNEL,
        Reason.CANNOT_RENDER,
        Reason.NO_SENDER,
        Reason.NO_ADDRESS,
        Reason.TIER,
        Reason.BLOCKED_BY_US,
        Reason.WINDOW_CLOSED,
        Reason.TEMPLATE_MISSING,
        Reason.TEMPLATE_PENDING,
        Reason.TEMPLATE_REJECTED,
        Reason.TEMPLATE_PAUSED,
        Reason.TEMPLATE_DISABLED,
        Reason.TEMPLATE_RECATEGORISED,
        Reason.TEMPLATE_NO_DOCUMENT,
        Reason.TEMPLATES_NOT_ALLOWED,
        Reason.HELD_ELSEWHERE,
        Reason.UNCERTAIN_DROPPED,
    }
)
"""Why a way ended that leaves room for another one."""

WAITS = ANOTHER_WAY - {Reason.REJECTED, Reason.RETRIES_EXHAUSTED, Reason.CANNOT_RENDER, Reason.UNCERTAIN_DROPPED} | {
    Reason.NO_PROOF,
    Reason.ADDRESS_CHECK_SENT,
    Reason.NO_CONSENT,
}
"""Why a message was not sent that a new address, proof, consent or window may mend while its time is not past."""


def in_order(
    addresses: Sequence[Address],
    *,
    wish: Sequence[str],
    channels: Sequence[str],
    setting: Sequence[str],
    prefer: Prefer,
    read_at: Mapping[AddressId, int],
) -> list[Address]:
    """The addresses to try, the first one first. Addresses of one channel keep the order they came in.

    wish: channels as the person asked for them; channels: the notification's, none = all; setting: the installation's
    read_at: when something was last read at an address (ms)
    """
    allowed = [one for one in addresses if not channels or one.channel in channels]
    said: Sequence[str] = wish or channels
    if said:
        return sorted(allowed, key=lambda one: _place(one.channel, said))
    if prefer is Prefer.READ_LAST and any(one.id in read_at for one in allowed):
        return sorted(allowed, key=lambda one: -read_at.get(one.id, 0))
    return sorted(allowed, key=lambda one: _place(one.channel, setting))


def _place(channel: str, said: Sequence[str]) -> int:
    return said.index(channel) if channel in said else len(said)


def told_elsewhere(earlier: Sequence[tuple[MessageState, DeliveryStatus]], later: Sequence[MessageState]) -> bool:
    """Whether a message is not needed any more, because the same news went another way.

    earlier: (state, status) of the ways that were tried before this one: one that turned out to be delivered is enough
    later:   states of the ways that took over from this one: one that the channel accepted is enough
    """
    return any(status >= DeliveryStatus.DELIVERED for _, status in earlier) or any(
        state is MessageState.ACCEPTED for state in later
    )
