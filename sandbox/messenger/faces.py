"""What a Page may know of a person: names, language, time zone, a picture behind a link that ends.

Meta, User Profile API; a field that is not known is absent. Only for people who wrote to the Page.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import html
import zoneinfo

from aiohttp import web

from sandbox.clock import DAY_MS
from sandbox.keys import WORLD
from sandbox.messenger import world as pages
from sandbox.messenger.errors import PageError, invalid
from sandbox.store import Json
from sandbox.world import World

DEFAULT = ("id", "name", "first_name", "last_name", "profile_pic")
KNOWN = (*DEFAULT, "locale", "timezone", "gender")
_REGIONS = {"en": "en_GB", "nl": "nl_NL", "de": "de_DE", "fr": "fr_FR", "da": "da_DK", "sv": "sv_SE", "uk": "uk_UA"}
_PICTURE_MS = 3 * DAY_MS


def view(world: World, psid: str, address: str, names: list[str], base: str) -> Json:
    """The asked fields. raises: 100 for a field there is not"""
    handset = world.handsets.ensure(address)
    first, _, last = str(handset["name"]).partition(" ")
    language = str(handset["language"])
    whole: Json = {"id": psid, "name": handset["name"], "first_name": first, "last_name": last,
                   "profile_pic": picture_url(world, psid, base),
                   "locale": language if "_" in language else _REGIONS.get(language, f"{language}_{language.upper()}"),
                   "timezone": hours(world, str(handset["timezone"]))}
    for name in names:
        if name not in KNOWN:
            raise invalid(f"Tried accessing nonexisting field ({name}) on node type (User)")
    return {name: whole[name] for name in dict.fromkeys((*names, "id")) if whole.get(name) not in (None, "")}


def hours(world: World, zone: str) -> float | int | None:
    """Hours from UTC now, a fraction where it is one."""
    try:
        offset = dt.datetime.fromtimestamp(world.clock.now_s(), zoneinfo.ZoneInfo(zone)).utcoffset()
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
    found = offset.total_seconds() / 3_600 if offset is not None else 0.0
    return int(found) if found.is_integer() else found


def visible(world: World, page_id: str, psid: str, address: str) -> None:
    """raises: 100/2018218 and 2018247 (by a fault of these codes), 100/33 for who never wrote to the Page"""
    for subcode in (2018218, 2018247):
        if world.faults.take("code", page_id, address, subcode=subcode) is not None:
            raise PageError(100, subcode)
    if world.handsets.thread(page_id, address)["last_in_ms"] is None:
        raise no_object(psid)


def no_object(node_id: str, method: str = "get") -> PageError:
    return PageError(100, 33, f"Unsupported {method} request. Object with ID '{node_id}' does not exist, cannot be loaded due "
                              "to missing permissions, or does not support this operation.", kind="GraphMethodException",
                     bare=True)


def picture_url(world: World, psid: str, base: str) -> str:
    until = f"{(world.clock.now_ms() + _PICTURE_MS) // 1_000:X}"
    return f"{base}/messenger/faces/{psid}.svg?oh={_sign(world, psid, until)}&oe={until}"


def _sign(world: World, psid: str, until: str) -> str:
    return "03_" + hmac.new(world.config.app_secret.encode(), f"face:{psid}:{until}".encode(), hashlib.sha256).hexdigest()[:26]


async def get_picture(request: web.Request) -> web.Response:
    """A disc with initials; 403 for a link that ended or was changed."""
    world, psid = request.app[WORLD], request.match_info["psid"]
    until, given = request.query.get("oe", ""), request.query.get("oh", "")
    if not hmac.compare_digest(given.encode(), _sign(world, psid, until).encode()):
        return web.Response(status=403, text="Bad URL hash")
    if int(until, 16) * 1_000 <= world.clock.now_ms():
        return web.Response(status=403, text="URL signature expired")
    found = pages.who(world, psid)
    handset = None if found is None else world.handsets.get(found[1])
    if handset is None:
        return web.Response(status=404)
    initials = "".join(word[0] for word in str(handset["name"]).split()[:2]).upper()
    svg = ('<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"><circle cx="100" cy="100" r="100" fill="#5b6f86"/>'
           '<text x="100" y="128" font-family="sans-serif" font-size="80" text-anchor="middle" fill="#fff">'
           f"{html.escape(initials)}</text></svg>")
    return web.Response(text=svg, content_type="image/svg+xml",
                        headers={"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"})


ROUTES = [web.get("/messenger/faces/{psid:\\d+}.svg", get_picture)]
