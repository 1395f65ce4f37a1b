"""What both sides of the Messenger sandbox build on: pages, PSIDs, the window's clock, who holds a thread, the chat.

Bubbles and window clocks stand in the handsets' own tables, with the page's id in place of phone_number_id. A person is
known to a page once they opened its chat; the PSID exists before, but Meta answers for nobody it does not know.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sandbox.clock import DAY_MS
from sandbox.messenger import pages as pages
from sandbox.store import Json, dump
from sandbox.world import World

WINDOW_MS, HUMAN_AGENT_MS = DAY_MS, 7 * DAY_MS
CONTROL_MS, EXTENDED_MOST_MS = DAY_MS, 7 * DAY_MS
# Meta, webhook reference of message_echoes, 18 March 2026 (with the final zero that its own page lost in one place)
INBOX_APP_ID = "263902037430900"
ASSISTANT_APP_ID = "1153920768413257"  # Meta does not tell the ids of its assistants; this one is the sandbox's own
_MID = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


# pages

def page_of(world: World, page_id: str) -> Json | None:
    """{id, username, name, subscribed, subscribed_fields, since_ms, profile, and every switch} by id or username."""
    return pages.get(world.store, page_id)


def all_pages(world: World) -> list[Json]:
    return pages.everyone(world.store)


def save_page(world: World, page: Json) -> None:
    pages.save(world.store, page)


def subscription(world: World) -> Json | None:
    """The app's {url, fields} for object=page: set by API, else (live) the configured one, for which url is ""."""
    made: Json | None = world.store.get("page_callback")
    if made is not None:
        return made or None
    return {"url": "", "fields": list(pages.FIELDS)} if configured_url(world) and all_pages(world) else None


def configured_url(world: World) -> str | None:
    return world.config.page_webhook_url


def callback(world: World, field: str, page: Json) -> str | None:
    """Where webhooks of a page's field go ("" is the configured callback); None: app or page is not subscribed to it."""
    found = subscription(world)
    if found is None or field not in found["fields"] or not page["subscribed"] or field not in page["subscribed_fields"]:
        return None
    return str(found["url"])


# people

def psid_of(page_id: str, address: str) -> str:
    """17 digits, always the same for a phone on a page and another one on the next page."""
    digest = hashlib.sha256(f"psid:{page_id}:{address}".encode()).digest()
    return str(10**16 + int.from_bytes(digest[:10], "big") % (9 * 10**16))


def known(world: World, page_id: str, address: str) -> bool:
    return world.store.row("SELECT 1 FROM page_people WHERE page_id = ? AND address = ?", page_id, address) is not None


def know(world: World, page_id: str, address: str) -> str:
    """The person opens the page's chat: from now on their PSID is one. Returns it; nothing else happens.

    It stays theirs when the phone takes another number.
    """
    if (there := psids(world, address).get(page_id)) is not None:
        return there
    psid = psid_of(page_id, address)
    while who(world, psid) is not None:  # somebody had this number before and took their PSID along
        psid = psid_of(page_id, psid)
    world.handsets.ensure(address)
    world.store.run("INSERT INTO page_people VALUES (?, ?, ?, ?, ?)", page_id, address, psid, world.clock.now_ms(), dump({}))
    return psid


def who(world: World, psid: str) -> tuple[str, str] | None:
    """(page id, address) of a known PSID."""
    row = world.store.row("SELECT page_id, address FROM page_people WHERE psid = ?", psid)
    return None if row is None else (row["page_id"], row["address"])


def psids(world: World, address: str) -> dict[str, str]:
    """Page id -> PSID, for the pages that know this phone."""
    rows = world.store.rows("SELECT page_id, psid FROM page_people WHERE address = ? ORDER BY page_id", address)
    return {row["page_id"]: row["psid"] for row in rows}


def person(world: World, page_id: str, address: str) -> Json:
    """What is kept about one thread (holder, until_ms, and whatever either side adds); {} for who is not known."""
    row = world.store.row("SELECT doc FROM page_people WHERE page_id = ? AND address = ?", page_id, address)
    return {} if row is None else dict(json.loads(row["doc"]))


def note(world: World, page_id: str, address: str, **facts: Any) -> None:
    """Keep facts about a thread; the person is known from now on."""
    know(world, page_id, address)
    world.store.run("UPDATE page_people SET doc = ? WHERE page_id = ? AND address = ?",
                    dump({**person(world, page_id, address), **facts}), page_id, address)


# recipients that are no PSID

def keep_token(world: World, page_id: str, kind: str, token: str, address: str, **facts: Any) -> None:
    """The person left a way to be written to. ``kind``: the recipient's key (user_ref, comment_id, post_id,
    one_time_notif_token, notification_messages_token); facts: ``used`` (int), ``stopped`` (bool), ``at_ms``."""
    known_facts = token_of(world, page_id, kind, token) or {"address": address, "at_ms": world.clock.now_ms(), "used": 0}
    world.store.put(f"page_token:{page_id}:{kind}:{token}", {**known_facts, **facts})


def token_of(world: World, page_id: str, kind: str, token: str) -> Json | None:
    """{address, at_ms, used, stopped?} or None."""
    found: Json | None = world.store.get(f"page_token:{page_id}:{kind}:{token}")
    return found


# typing

def show_typing(world: World, page_id: str, address: str, for_ms: int, persona: Json | None = None) -> None:
    """The dots in the chat, as the Page or a persona {name, picture}; 0 takes them away."""
    note(world, page_id, address, typing_until_ms=world.clock.now_ms() + for_ms, typing_persona=persona)
    world.handsets.publish_address(address, [], chats=(page_id,))
    if for_ms:
        world.jobs.add(for_ms, "typing_end", address, {"address": address, "chats": [page_id]})


def typing(world: World, page_id: str, address: str) -> Json | None:
    """{persona: {name, picture} | None} while the dots are shown, else None."""
    doc = person(world, page_id, address)
    shown = doc.get("typing_until_ms", 0) > world.clock.now_ms()
    return {"persona": doc.get("typing_persona")} if shown else None


# the window

def acted(world: World, page_id: str, address: str) -> None:
    """The person did what opens or renews the window (wrote, tapped, reacted, came by a link into a known thread)."""
    know(world, page_id, address)
    world.handsets.mark(page_id, address, last_in_ms=world.clock.now_ms())
    touch(world, page_id, address)


def in_window(world: World, page_id: str, address: str, length_ms: int = WINDOW_MS) -> bool:
    """``length_ms``: WINDOW_MS, or HUMAN_AGENT_MS for what a person writes under the tag."""
    last = world.handsets.thread(page_id, address)["last_in_ms"]
    return last is not None and world.clock.now_ms() - last < length_ms


# thread control: a thread is idle or held by "ours", "inbox", "assistant" (or another app's id)

def app_id_of(world: World, holder: str | None) -> str | None:
    known_ids = {"ours": world.config.app_id, "inbox": INBOX_APP_ID, "assistant": ASSISTANT_APP_ID}
    return None if holder is None else known_ids.get(holder, holder)


def holder_of_app(world: World, app_id: str) -> str | None:
    """The holder an app id stands for; None for an app that does not exist here."""
    return next((holder for holder in pages.HOLDERS if app_id_of(world, holder) == app_id), None)


def holder(world: World, page_id: str, address: str) -> str | None:
    """Who holds the thread now; None: idle. Control that ran out is none."""
    doc = person(world, page_id, address)
    return doc.get("holder") if doc.get("until_ms", 0) > world.clock.now_ms() else None


def holds_until_ms(world: World, page_id: str, address: str) -> int:
    return int(person(world, page_id, address).get("until_ms", 0))


def give(world: World, page_id: str, address: str, to: str | None, *, for_ms: int = CONTROL_MS) -> str | None:
    """Make ``to`` the holder (None: idle). Returns the holder before. No app is told: see ``people``."""
    before = holder(world, page_id, address)
    note(world, page_id, address, holder=to, until_ms=world.clock.now_ms() + for_ms if to else 0)
    if before != to:
        world.handsets.publish_address(address, [], chats=(page_id,))
    return before


def touch(world: World, page_id: str, address: str) -> None:
    """Activity: control lapses 24 hours after the last of it."""
    now = world.clock.now_ms()
    if holder(world, page_id, address) is not None and holds_until_ms(world, page_id, address) < now + CONTROL_MS:
        note(world, page_id, address, until_ms=now + CONTROL_MS)


def may_send(world: World, page: Json, address: str, app: str = "ours") -> bool:
    """The holder may; when idle the default app; when the page chose no default app, everybody (Conversation Routing)."""
    now_held = holder(world, page["id"], address)
    if now_held is not None:
        return now_held == app
    return page["default_app"] in (app, None)


def on_standby(world: World, page: Json, address: str) -> bool:
    """Whether our app only listens: what the person does comes under ``standby``, postbacks without payload."""
    return not may_send(world, page, address)


# the chat

def new_mid(world: World) -> str:
    """``m_`` and 98 characters of url-safe base64, as seen in 2026."""
    return "m_" + "".join(world.rng.choices(_MID, k=98))


def add_bubble(world: World, page_id: str, address: str, *, message_id: str, kind: str, ticks: str, bubble: Json,
               private: Json, opaque: str | None = None) -> Json:
    """A bubble on the phone; ``kind``: "received" (the phone received it) or "sent". Returns the message's row.

    Keys of ``bubble``: contract.md. What the app sent has in ``private``: ``echo`` (text, attachments, metadata as the echo
    carries them), ``app_id``, ``persona_id``, and ``silent`` (true for a user_ref: no echo, delivery or read comes).
    """
    world.handsets.add(message_id=message_id, number_id=page_id, address=address, kind=kind, ticks=ticks, bubble=bubble,
                       private=private, opaque=opaque)
    added = world.handsets.message(message_id)
    assert added is not None
    return added
