"""What a person says in a Page's chat becomes a bubble there and a signed webhook: words, taps, files, edits, reactions.

Facts: Meta, webhook references of messages, messaging_postbacks, message_edits, message_reactions (2026) and the page
"Send a Message" of 5 May 2026 for what opens the window.
"""

from __future__ import annotations

from collections.abc import Callable

from sandbox.clock import MINUTE_MS
from sandbox.control.problem import Problem
from sandbox.messenger import files, kinds, oddities, people, webhooks
from sandbox.messenger import world as pages
from sandbox.messenger.chat import Chat, Said
from sandbox.store import Json
from sandbox.world import World

MOST_EDITS, EDIT_MS = 5, 15 * MINUTE_MS
BESIDE = ("page_id", "channel", "reply_to", "referral", "commands", "nlp", "user_ref")


def say(world: World, handset: Json, body: Json, base: str) -> Json:
    """Say one thing in a Page's chat. ``base``: this server's address, for urls of files.

    returns: the bubble (with its channel and page_id), or None where the phone shows nothing
    raises:  Problem 400 (what is wrong), 409 (no Messenger, or the phone is off)
    """
    said_keys = [key for key in body if key in SAYERS]
    unknown = [key for key in body if key not in SAYERS and key not in BESIDE]
    if len(said_keys) != 1 or unknown:
        raise Problem(400, f"say exactly one of {', '.join(SAYERS)}; beside it: {', '.join(BESIDE)}")
    ready(handset)
    page = page_for(world, handset, body)
    chat = Chat(world, handset, page, body, base)
    said = SAYERS[said_keys[0]](chat)
    return show(chat, said)


def ready(handset: Json) -> None:
    """raises: Problem 409 when this phone cannot say anything on Messenger now"""
    if not handset["messenger"]:
        raise Problem(409, "this person does not use Messenger")
    if not handset["online"]:
        raise Problem(409, "the phone is off")


def show(chat: Chat, said: Said) -> Json:
    """Let it happen: the chat is open (and read), the window too, the bubble stands, the webhook goes."""
    world, page, address = chat.world, chat.page, chat.handset["address"]
    pages.know(world, page["id"], address)
    people.read(world, page["id"], address)
    if said.acts:
        pages.acted(world, page["id"], address)
    shown = None
    if said.bubble is not None:
        bubble = {**said.bubble, "reply_to": said.bubble.get("reply_to") or chat.quoted_id()}
        added = pages.add_bubble(world, page["id"], address, message_id=said.mid, kind="sent", ticks="delivered",
                                 bubble=bubble, private={})
        shown = world.handsets.shown(page["id"], address, added["bubble"])
    elif said.changed is not None:
        row = world.handsets.message(said.changed)
        shown = None if row is None else world.handsets.shown(page["id"], address, row["bubble"])
    webhooks.tell(world, page, said.field, None if said.nobody else address, said.event)
    world.handsets.publish_address(address, [], chats=(page["id"],))
    return {"bubble": shown}


def page_for(world: World, handset: Json, body: Json) -> Json:
    """The Page spoken to: the one named, else that of the bubble spoken about, else of the last chat, else the first."""
    asked = body.get("page_id")
    if asked is None and (about := about_bubble(world, body)) is not None:
        asked = about["phone_number_id"]
    if asked is None:
        row = world.store.row(
            "SELECT phone_number_id FROM messages WHERE address = ? AND kind <> 'unsent' AND phone_number_id IN "
            "(SELECT id FROM pages) ORDER BY at_ms DESC, rowid DESC LIMIT 1", handset["address"])
        known = [page["id"] for page in pages.all_pages(world)]
        asked = row["phone_number_id"] if row is not None else known[0] if known else ""
    page = pages.page_of(world, str(asked))
    if page is None:
        raise Problem(400, "page_id is none of this account's Pages")
    return page


def about_bubble(world: World, body: Json) -> Json | None:
    """The message that a body names in reply_to, button, quick_reply, reaction, edit or response_feedback."""
    for key in ("reply_to", "button", "quick_reply", "reaction", "edit", "response_feedback"):
        named = body.get(key)
        named = named.get("bubble") if isinstance(named, dict) else named
        if isinstance(named, str) and (message := world.handsets.message(named)) is not None:
            return message
    return None


def meant(world: World, body: Json) -> bool:
    """Whether something said without further words about the channel is meant for Messenger."""
    if "page_id" in body or body.get("channel") == "messenger" or any(key in body for key in ONLY_HERE):
        return True
    about = about_bubble(world, body)
    return about is not None and pages.page_of(world, about["phone_number_id"]) is not None


# words and taps

def _text(chat: Chat) -> Said:
    text = chat.body["text"]
    if not isinstance(text, str) or not text or len(text) > 20_000:
        raise Problem(400, "text must be 1 to 20000 characters")
    return chat.message({"text": text}, {"type": "text", "body": text})


def _quick_reply(chat: Chat) -> Said:
    """A tap on the rail, which is there only until the next message."""
    source, asked = chat.bubble_of("quick_reply", "received")
    last = chat.world.store.row("SELECT id FROM messages WHERE address = ? AND phone_number_id = ? AND kind <> 'unsent' "
                                "ORDER BY at_ms DESC, rowid DESC LIMIT 1", chat.handset["address"], chat.page["id"])
    if last is not None and last["id"] != source["id"]:
        raise Problem(400, "the quick replies are gone: another message came after them")
    choice = _pick(source["bubble"].get("quick_replies") or [], asked)
    kind = choice.get("content_type", "text")
    own = {"user_email": "traveller@example.com", "user_phone_number": "+" + chat.handset["address"]}
    text = choice.get("title") or "" if kind == "text" else str(asked.get("text") or own[kind])
    payload = choice.get("payload", "") if kind == "text" else text
    return chat.message({"text": text, "quick_reply": {"payload": payload}}, {"type": "quick_reply", "body": text})


def _button(chat: Chat) -> Said:
    source, asked = chat.bubble_of("button", "received")
    bubble = source["bubble"]
    choices = [*bubble["buttons"], *(one for card in bubble.get("elements") or [] for one in card.get("buttons") or [])]
    button = _pick(choices, asked)
    if str(button["type"]).lower() != "postback":
        raise Problem(400, "a tap on this button says nothing to the Page")
    return chat.postback(button["text"], button.get("payload"))


def _pick(choices: list[Json], asked: Json) -> Json:
    for choice in choices:
        if choice["index"] == asked.get("index"):
            return choice
    raise Problem(400, f"this bubble has no choice {asked.get('index')!r}; there are {len(choices)}")


def _get_started(chat: Chat) -> Said:
    start = chat.page["profile"].get("get_started")
    if not start:
        raise Problem(400, "this Page's profile has no Get Started")
    return chat.postback("Get Started", start["payload"])


def _menu(chat: Chat) -> Said:
    item = _pick(kinds.menu(chat.page["profile"]), chat.object_of("menu"))
    if item["type"] != "postback":
        raise Problem(400, "a tap on this item says nothing to the Page")
    return chat.postback(item["text"], item["payload"])


def _ice_breaker(chat: Chat) -> Said:
    asked = chat.object_of("ice_breaker")
    offered = [{**one, "index": index} for index, one in enumerate(kinds.ice_breakers(chat.page["profile"]))]
    chosen = _pick(offered, asked)
    return chat.postback(chosen["question"], chosen["payload"])


# about what stands there already

def _edit(chat: Chat) -> Said:
    source, asked = chat.bubble_of("edit", "sent")
    text, bubble = asked.get("text"), source["bubble"]
    if not isinstance(text, str) or not text or bubble["type"] != "text":
        raise Problem(400, 'edit must be {"bubble": id, "text": words}, of words of this person')
    edits = int(bubble.get("edited", 0)) + 1
    if edits > MOST_EDITS or chat.world.clock.now_ms() - source["at_ms"] > EDIT_MS:
        raise Problem(400, f"a message can be edited {MOST_EDITS} times, within {EDIT_MS // MINUTE_MS} minutes")
    history = [*bubble.get("history", []), bubble["body"]]
    chat.world.handsets.change(source, body=text, edited=edits, history=history)
    event = {"message_edit": {"mid": source["id"], "text": text, "num_edit": edits}}
    return Said("message_edits", event, changed=source["id"], acts=False)


def _reaction(chat: Chat) -> Said:
    target, asked = chat.bubble_of("reaction", None)
    emoji = asked.get("emoji") or None
    if target["bubble"]["reaction"] is None and emoji is None:
        raise Problem(400, "there is no reaction to take back")
    chat.world.handsets.change(target, reaction=emoji)
    told: Json = {"mid": target["id"], "action": "unreact" if emoji is None else "react"}
    if emoji is not None:
        told.update(reaction=kinds.reaction_name(str(emoji)), emoji=emoji)
    return Said("message_reactions", {"reaction": told}, changed=target["id"], acts=emoji is not None)


SAYERS: dict[str, Callable[[Chat], Said]] = {
    "text": _text, "quick_reply": _quick_reply, "button": _button, **files.SAYERS, "reaction": _reaction, "edit": _edit,
    "get_started": _get_started, "menu": _menu, "ice_breaker": _ice_breaker, **oddities.SAYERS}
ONLY_HERE = ("quick_reply", "edit", "get_started", "menu", "ice_breaker", "images", "file", "like", "share", *oddities.SAYERS)
