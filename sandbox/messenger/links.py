"""A person opens an address: m.me leads into a Page's chat, wa.me into a number's.

Facts: Meta, "m.me links", 23 March 2026: a person new to the Page taps Get Started and the ref comes with that postback;
somebody known brings a referral, which opens the window; no ref is promised to arrive.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from sandbox import say as whatsapp
from sandbox.control.problem import Problem
from sandbox.ids import digits_of
from sandbox.messenger import saying
from sandbox.messenger import world as pages
from sandbox.messenger.chat import Chat, Said
from sandbox.store import Json
from sandbox.world import World

LONGEST_REF = 2_083


def follow(world: World, handset: Json, link: object, base: str) -> Json:
    """Open a link on a phone: {"bubble", "composer"}. raises: Problem 400 (no such place), 409 (no such app)"""
    parts = urlsplit(link if isinstance(link, str) else "")
    if parts.scheme not in ("http", "https"):
        raise Problem(400, "link must be an address: https://m.me/... or https://wa.me/...")
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    host, where = (parts.hostname or "").removeprefix("www."), parts.path.strip("/")
    if host == "m.me":
        return _messenger(world, handset, where, query, base)
    if host in ("wa.me", "api.whatsapp.com"):
        return _whatsapp(world, handset, where if host == "wa.me" else query.get("phone", ""), query.get("text"), base)
    raise Problem(400, "this phone follows links of m.me and wa.me only")


def _whatsapp(world: World, handset: Json, where: str, text: str | None, base: str) -> Json:
    if not handset["on_whatsapp"]:
        raise Problem(409, "this person does not use WhatsApp")
    number = next((one for one in world.account.numbers() if one["digits"] == digits_of(where)), None)
    if number is None:
        raise Problem(400, "this link names none of the account's numbers")
    if not text:
        return {"bubble": None, "composer": None}
    return {"bubble": whatsapp.say(world, handset, {"text": text, "phone_number_id": number["id"]}, base), "composer": None}


def _messenger(world: World, handset: Json, where: str, query: dict[str, str], base: str) -> Json:
    saying.ready(handset)
    page = pages.page_of(world, where)
    if page is None:
        raise Problem(400, "this link names none of the account's Pages")
    ref = query.get("ref")
    if ref is not None and len(ref) > LONGEST_REF:
        raise Problem(400, f"a ref has at most {LONGEST_REF} characters")
    chat = Chat(world, handset, page, {}, base)
    referral = None if ref is None or page["ref_lost"] else {"ref": ref, "source": "SHORTLINK", "type": "OPEN_THREAD"}
    if world.handsets.thread(page["id"], handset["address"])["last_in_ms"] is None:
        answer = _first_time(chat, referral)
    elif referral is not None:
        answer = saying.show(chat, Said("messaging_referrals", {"referral": referral}))
    else:  # the window opens all the same, only nobody is told
        pages.acted(world, page["id"], handset["address"])
        world.handsets.publish_address(handset["address"], [], chats=(page["id"],))
        answer = {"bubble": None}
    return {**answer, "composer": query.get("text")}


def _first_time(chat: Chat, referral: Json | None) -> Json:
    """Get Started is tapped when there is one; else the chat stands open, and nobody hears of it or of the ref."""
    start = chat.page["profile"].get("get_started")
    if start:
        return saying.show(chat, chat.postback("Get Started", start["payload"], referral))
    pages.know(chat.world, chat.page["id"], chat.handset["address"])
    chat.world.handsets.publish_address(chat.handset["address"], [], chats=(chat.page["id"],))
    return {"bubble": None}
