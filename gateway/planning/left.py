"""Whether somebody has stopped following what an event is about: asked when it is planned, and again before it is sent.

Whoever leaves while a fan-out is under way may be among those it has just read, or wait in a lane already. A contact's plain
facts name what they left (lua/unsubscribe.lua), so only for them anything more is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.errors import NotFound, Sealed
from gateway.model.contact import Contact, Subscription
from gateway.model.ids import ContactId, SubjectId
from gateway.store.contacts import Contacts

FAMILIES = "families"
"""In the sealed body: the families of which whoever is told is a member, and is told for that alone."""


async def has_left(contacts: Contacts, contact: Contact, audience: Sequence[SubjectId], *, since_ms: int = 0) -> bool:
    """Whether they have left one of these subjects, at `since_ms` or later, and follow none of them. Raises StoreUnavailable.

    audience: the subjects whose followers are told; several for an area. Who is told without following is never gone.
    """
    known = contact.facts.left
    if not known or not any(known.get(subject, -1) >= since_ms for subject in audience):
        return False
    followed = {one.subject for one in await contacts.subscriptions(contact.id)}
    return followed.isdisjoint(audience)


def is_out(contact: Contact, body: Mapping[str, Any]) -> bool:
    """Whether they have left every family by which a message is theirs. body: as it was sealed

    Of the leg they may hear all the same, by an order of their own; and the message may have been planned by a process that had
    read who is in before they left. Only a family's news and what its traveller passes on name families.
    """
    families = body.get(FAMILIES) or []
    return bool(families) and all(one in contact.facts.left for one in families)


async def leave_unnamed(contacts: Contacts, contact: ContactId, order: SubjectId, why: str) -> None:
    """Unsubscribe them from what they follow by this order (not by a wish of theirs) and no order of theirs names any more.

    Found by what is subscribed, not by what was just taken out: a run that was killed in between left some behind. Another
    process may be changing their orders meanwhile, which writes what an order names before it subscribes. So what they follow is
    read first and what is named afterwards, and whatever was named again while it was left is followed again.
    """
    followed = await contacts.subscriptions(contact)
    try:
        named = _named(await contacts.get(contact))
        left = [one for one in followed if order in one.refs and one.subject not in named]
        for one in sorted(left, key=lambda one: one.subject == order):  # the order last: by it a killed run finds them again
            await contacts.unsubscribe(contact, one.subject, why)
        named = _named(await contacts.get(contact)) if left else {}
    except (NotFound, Sealed):  # being erased
        return
    for one in left:
        if one.subject in named:
            refs, until_ms = named[one.subject]
            await contacts.subscribe(Subscription(contact, one.subject, tuple(sorted(refs)), until_ms))


def _named(contact: Contact) -> dict[SubjectId, tuple[set[SubjectId], int]]:
    """What their orders name -> (by which of them, until when)."""
    found: dict[SubjectId, tuple[set[SubjectId], int]] = {}
    for link in contact.profile.orders:
        for subject in (link.order, *link.subjects):
            refs, until_ms = found.get(subject, (set(), 0))
            found[subject] = (refs | {link.order}, max(until_ms, link.until_ms))
    return found
