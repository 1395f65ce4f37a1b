"""Who may read and answer what: an agent's rights held against a conversation, as pure functions.

What an agent holds is theirs to read and to answer wherever it lies: it was handed to them. Who was asked about it reads it until
they have answered by a note. Everything else goes by brand and queue; other queues of the brand are open to whoever has READ_ALL,
and that look is written down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum

from gateway.model.agent import GRANTS, Agent, Permission, Role, parse_right
from gateway.model.conversation import Conversation

PROVED = 2
"""The level of identity from which whoever may answer sees a contact's personal data."""
STRONG = frozenset({Role.SUPERVISOR, Role.ADMIN})
"""Roles that a password alone does not open."""


class Reading(StrEnum):
    """OWN: by their queues or because it is theirs. OUTSIDE: another queue of their brand, which the audit keeps."""

    OWN = "own"
    OUTSIDE = "outside"
    NO = "no"


def reading(agent: Agent, one: Conversation) -> Reading:
    """On what ground somebody may read a conversation, if at all."""
    if agent.may(Permission.READ, one.brand, one.queue):
        return Reading.OWN
    theirs = agent.id in (one.owner, one.offered_to) or agent.id in one.consulted
    if theirs and agent.may(Permission.READ, one.brand):
        return Reading.OWN
    return Reading.OUTSIDE if agent.may(Permission.READ_ALL, one.brand, one.queue) else Reading.NO


def may_answer(agent: Agent, one: Conversation) -> bool:
    """Whether they may reply to, take, park or finish it. Whose it is at the moment, the commands ask."""
    if agent.may(Permission.REPLY, one.brand, one.queue):
        return True
    return agent.id in (one.owner, one.offered_to) and agent.may(Permission.REPLY, one.brand)


def may_reveal(agent: Agent, one: Conversation, level: int) -> bool:
    """Whether they see what is masked. level: the contact's identity, 0 to 3."""
    return agent.may(Permission.REVEAL, one.brand, one.queue) or (level >= PROVED and may_answer(agent, one))


def needs_second_factor(rights: Iterable[str]) -> bool:
    """Whether a password alone does not do for somebody with these rights."""
    return any(right is not None and right.role in STRONG for right in map(parse_right, rights))


def audited_brands(agent: Agent) -> frozenset[str] | None:
    """The brands whose audit somebody may read, None for the whole house's. A right for one queue gives its brand's."""
    rights = [right for right in map(parse_right, agent.rights) if right is not None]
    found = {right.brand for right in rights if Permission.AUDIT in GRANTS[right.role]}
    return None if "" in found else frozenset(found)


def works_for(agent: Agent, brands: Collection[str]) -> bool:
    """Whether somebody has any right for one of these brands, or for every brand there is."""
    return any(right is not None and (not right.brand or right.brand in brands) for right in map(parse_right, agent.rights))


def rights_of(groups: Iterable[str], table: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The rights that a provider's groups give, each once, in the table's order; groups that the table lacks give none."""
    held = set(groups)
    return tuple(dict.fromkeys(right for group, rights in table.items() if group in held for right in rights))
