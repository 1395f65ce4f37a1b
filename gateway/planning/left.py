"""Whether somebody has stopped following what an event is about: asked when it is planned, and again before it is sent.

Whoever leaves while a fan-out is under way may be among those it has just read, or wait in a lane already. A contact's plain
facts name what they left (lua/unsubscribe.lua), so only for them anything more is read.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.contact import Contact
from gateway.model.ids import SubjectId
from gateway.store.contacts import Contacts


async def has_left(contacts: Contacts, contact: Contact, audience: Sequence[SubjectId], *, since_ms: int = 0) -> bool:
    """Whether they have left one of these subjects, at `since_ms` or later, and follow none of them. Raises StoreUnavailable.

    audience: the subjects whose followers are told; several for an area. Who is told without following is never gone.
    """
    known = contact.facts.left
    if not known or not any(known.get(subject, -1) >= since_ms for subject in audience):
        return False
    followed = {one.subject for one in await contacts.subscriptions(contact.id)}
    return followed.isdisjoint(audience)
