"""Who else speaks for a Page: staff in Meta's own inbox, and Meta's assistant; and what our app hears of thread control.

Facts: Meta, "Conversation Routing" and the messaging_handovers reference: an answer in the inbox takes the thread
implicitly; the app that lost it sees ``take_thread_control`` and from then on ``standby``.
"""

from __future__ import annotations

from sandbox.control.problem import Problem
from sandbox.messenger import people, webhooks
from sandbox.messenger import world as pages
from sandbox.store import Json
from sandbox.world import World

SPEAKERS = ("inbox", "assistant")


def answer(world: World, page: Json, address: str, text: str, by: str = "inbox") -> Json:
    """Somebody else answers: a bubble, its echo with their app's id, and the thread is theirs. Returns the bubble.

    raises: Problem 400 (nobody there to answer), 409 (the assistant is off on this Page)
    """
    if not pages.known(world, page["id"], address):
        raise Problem(400, "this person never opened a chat with the Page")
    _may_hold(page, by)
    mid = pages.new_mid(world)
    row = pages.add_bubble(world, page["id"], address, message_id=mid, kind="received", ticks="sent",
                           bubble={"type": "text", "body": text, "by": by}, private={"message": {"text": text}})
    people.run_echo(world, mid)
    hold(world, page, address, by)
    people.plan_delivered(world, page["id"], address)
    return world.handsets.shown(page["id"], address, row["bubble"])


def hold(world: World, page: Json, address: str, to: str, metadata: str = "") -> list[int]:
    """Make ``to`` ("ours", "inbox", "assistant", "idle") the holder, without us having asked; our app is told.

    raises: Problem 409 (the assistant is off on this Page)
    """
    _may_hold(page, to)
    after = None if to == "idle" else to
    before = pages.give(world, page["id"], address, after)
    world.handsets.publish_address(address, [], chats=(page["id"],))
    if after is None or after == before:
        return []  # nobody is told that a thread lapsed
    told = {"previous_owner_app_id": pages.app_id_of(world, before), "new_owner_app_id": pages.app_id_of(world, after),
            "metadata": metadata}
    word = "pass_thread_control" if after == "ours" else "take_thread_control"
    return webhooks.tell(world, page, "messaging_handovers", address, {word: told})


def request(world: World, page: Json, address: str, by: str, metadata: str = "") -> list[int]:
    """Another app asks us for the thread. raises: Problem 400 when we are that app"""
    if by not in SPEAKERS:
        raise Problem(400, f"request needs one of these as holder: {', '.join(SPEAKERS)}")
    asked = {"requested_owner_app_id": pages.app_id_of(world, by), "metadata": metadata}
    return webhooks.tell(world, page, "messaging_handovers", address, {"request_thread_control": asked})


def _may_hold(page: Json, who: str) -> None:
    if who not in ("ours", "idle", *SPEAKERS):
        raise Problem(400, "holder must be ours, inbox, assistant or idle")
    if who == "assistant" and not page["assistant"]:
        raise Problem(409, "Meta's assistant is off on this Page; turn its switch 'assistant' on")
