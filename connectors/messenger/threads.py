"""Who may write in a person's thread.

Source: Meta, "Conversation Routing" and the reference of messaging_handovers, 24 Sep 2025. One program owns a thread, or none
does; ownership ends after 24 h without activity, and nobody tells us then. The Page's inbox and Meta's own assistant are
programs like any other.
"""

from __future__ import annotations

from connectors.messenger import facts
from connectors.messenger.item import Item
from connectors.meta.reading import maybe_text, obj
from gateway.connector import Holder, ThreadEvent, UnknownEvent

MOVES = ("pass_thread_control", "take_thread_control")


def moved(item: Item, kind: str, app_id: str) -> ThreadEvent | UnknownEvent:
    """The thread has another owner. Without our own app id only the inbox is known to be somebody else: then a wrong guess
    would silence us for a day, while a send into a foreign thread is refused and says so.
    """
    given = obj(item.body.get(kind), f".{kind}")
    owner = maybe_text(given.get("new_owner_app_id"))
    if not owner:
        holder = Holder.NOBODY
    elif owner == app_id:
        holder = Holder.US
    elif app_id or owner in facts.PAGE_INBOX_APPS:
        holder = Holder.OTHER
    else:
        return UnknownEvent(item.page, f"{kind}.no_app_id", item.at_ms)
    return ThreadEvent(
        account_id=item.page,
        identifiers=item.person(),
        holder=holder,
        at_ms=item.at_ms,
        key=item.key(kind, owner, str(item.at_ms)),
        program=owner,
    )


def wanted(item: Item) -> ThreadEvent:
    """Somebody asks us for the thread: only its owner is asked."""
    given = obj(item.body.get("request_thread_control"), ".request_thread_control")
    program = maybe_text(given.get("requested_owner_app_id"))
    key = item.key("request_thread_control", program, str(item.at_ms))
    return ThreadEvent(item.page, item.person(), Holder.US, item.at_ms, key, program=program, wanted=True)
