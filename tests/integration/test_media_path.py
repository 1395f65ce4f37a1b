"""Files through a whole house: from two kinds of phones to the desk, and from the desk to the phones."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from gateway.model.ids import ConversationId
from gateway.store import keys
from gateway.store.media import DUE
from tests.support.house import BRANDS, PASSWORD, House, house_running
from tests.support.waiting import wait_until
from tests.unit.test_filetypes import picture, voice

EVA = "+447700900123"
BRAND_PAGE = "141421356237301"
PDF = b"%PDF-1.7\na timetable"


class Desk:
    """An agent's browser."""

    def __init__(self, house: House, http: aiohttp.ClientSession) -> None:
        self.house, self.http, self.token = house, http, ""

    async def sign_in(self) -> None:
        async with self.http.get(self.house.console + "/login") as answer:
            token = re.search(r'name="token" value="([^"]+)"', await answer.text())
        assert token
        form = {"name": "sanne", "password": PASSWORD, "token": token[1], "next": "/desk"}
        async with self.http.post(self.house.console + "/login", data=form) as answer:
            found = re.search(r'name="desk-token" content="([^"]+)"', await answer.text())
        assert found
        self.token = found[1]

    async def get(self, path: str) -> tuple[aiohttp.ClientResponse, bytes]:
        async with self.http.get(self.house.console + path) as answer:
            return answer, await answer.read()

    async def thread(self, conversation: str) -> str:
        return (await self.get(f"/desk/{conversation}"))[1].decode()

    async def post(self, path: str, body: dict[str, Any] | bytes, key: str, **headers: str) -> tuple[int, dict[str, Any]]:
        sent = {"X-Desk-Token": self.token, "Idempotency-Key": key, **headers}
        kind: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.http.post(self.house.console + path, headers=sent, **kind) as answer:
            return answer.status, await answer.json(content_type=None)


def sent(data: bytes, mime: str, filename: str = "", **more: Any) -> dict[str, Any]:
    return {"data": base64.b64encode(data).decode(), "mime": mime, **({"filename": filename} if filename else {}), **more}


async def conversations(house: House) -> list[str]:
    assert house.runtime is not None
    return [str(one) for one in await house.runtime.conversations.desk.unresolved()]


async def read_on(house: House, number: str) -> bool:
    """Whether the sandbox was told that what they wrote to this number was read."""
    return any('"status": "read"' in json.dumps(one) for one in await house.graph_requests(f"{number}/messages"))


async def fetched(house: House, files: int) -> None:
    assert house.runtime is not None
    runtime = house.runtime
    redis: Any = runtime.connection.redis

    async def all_there() -> bool:
        found = [one for one in await runtime.conversations.get_many(await runtime.conversations.desk.unresolved()) if one]
        known = sum([await redis.hlen(keys.of(contact, "md")) for contact in {one.contact for one in found}])
        return bool(known == files and await redis.zcard(DUE) == 0)

    await wait_until(all_there, timeout=15)


@pytest.mark.long
async def test_files_of_both_kinds_of_phones_are_shown_as_far_as_they_are_safe_and_ours_reach_them(
    tmp_path: Path,
) -> None:
    async with house_running(tmp_path, pages=True) as house, aiohttp.ClientSession(
        cookie_jar=aiohttp.CookieJar(unsafe=True)
    ) as http:
        await house.handset(EVA, "Eva Jansen")
        await house.says(EVA, image=sent(picture("JPEG", size=(900, 300)), "image/jpeg", caption="this seat"))
        await house.says(EVA, audio=sent(voice(9), "audio/ogg; codecs=opus", voice=True))
        await house.says(EVA, document=sent(PDF, "application/pdf", "timetable.pdf"))
        await house.says(EVA, document=sent(b"<script>alert(1)</script>", "text/plain", "x.txt"))
        await house.says(EVA, page_id=BRAND_PAGE, images=[sent(picture("PNG"), "image/png")] * 2)

        await fetched(house, 6)
        desk = Desk(house, http)
        await desk.sign_in()
        pages = {one: await desk.thread(one) for one in await conversations(house)}
        first = next(one for one, html in pages.items() if "timetable" in html)
        second = next(one for one in pages if one != first)
        html = pages[first]
        assert re.search(r'<img src="/desk/v\w+/files/\w+" width="360" height="120"', html)
        assert "Voice message, 0:09" in html
        assert "is of a kind or size that we cannot show" in html
        assert html.count("Not scanned") == 3
        assert pages[second].count("<img src=") == 2 + pages[second].count('<img src="/desk/static')
        links = re.findall(rf'(?:src|href)="(/desk/{first}/files/\w+(?:\?save)?)"', html)
        answers = {link: await desk.get(link) for link in links}
        assert {answer.status for answer, _ in answers.values()} == {200}
        for answer, _ in answers.values():
            assert "sandbox" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "private, no-store"
        document = next(one for one in answers.values() if one[1] == PDF)[0]
        assert document.headers["Content-Type"] == "application/octet-stream"
        assert document.headers["Content-Disposition"] == "attachment; filename*=UTF-8''timetable.pdf"
        shown = next(one for one in answers.values() if one[0].headers["Content-Type"] == "image/jpeg")[1]
        assert Image.open(io.BytesIO(shown)).size == (900, 300)
        # a file of one conversation is not reached by the way of another, nor by who is nobody here
        assert (await desk.get(links[0].replace(first, second)))[0].status == 404
        async with aiohttp.ClientSession() as stranger, stranger.get(house.console + links[0]) as answer:
            assert answer.status == 401

        # the other way
        at = {one: f"/desk/{one}" for one in (first, second)}
        for path in at.values():
            assert (await desk.post(f"{path}/take", {"epoch": 1}, "take"))[0] == 200
        await wait_until(lambda: read_on(house, BRANDS["air"][1]), timeout=10)
        for number, (told, data, why) in enumerate(
            (("image/png", b"<svg>", "none of"), ("application/pdf", b"", "is empty"), ("image/webp", picture("WEBP"), "none of"))
        ):
            status, refused = await desk.post(f"{at[first]}/files", data, f"bad-{number}", **{"Content-Type": told})
            assert status == 422, refused
            assert why in refused["problems"][0]["message"]
        name = {"Content-Type": "application/pdf", "X-File-Name": "plan%20caf%C3%A9.pdf"}
        status, taken = await desk.post(f"{at[first]}/files", PDF, "f1", **name)
        assert (status, taken["name"]) == (201, "plan café.pdf")
        assert (await desk.post(f"{at[first]}/files", PDF, "f1", **name))[1]["file"] == taken["file"]
        words = {"epoch": 2, "text": "here is the plan", "file": taken["file"]}
        assert (await desk.post(f"{at[second]}/reply", words, "r0"))[0] == 422, "taken up for another conversation"
        for _ in range(2):
            assert (await desk.post(f"{at[first]}/reply", words, "r1"))[0] == 200
        status, sound = await desk.post(f"{at[first]}/files", voice(3), "f2", **{"Content-Type": "audio/ogg"})
        assert (await desk.post(f"{at[first]}/reply", {"epoch": 2, "text": "and said", "file": sound["file"]}, "r2"))[0] == 200
        status, drawn = await desk.post(f"{at[second]}/files", picture("PNG"), "f3", **{"Content-Type": "image/png"})
        for _ in range(2):
            assert (await desk.post(f"{at[second]}/reply", {**words, "file": drawn["file"]}, "r3"))[0] == 200
        got = [(one["type"], one.get("body") or "") for one in await house.wait_for(EVA, 5)]
        assert sorted(got) == sorted([
            ("document", "here is the plan"), ("text", "and said"), ("audio", ""), ("text", "here is the plan"), ("image", ""),
        ])  # fmt: skip
        assert "plan café.pdf" in await desk.thread(first)

        # with the window shut only a template may go, once, and it is the words that were shown
        assert house.runtime is not None
        one = await house.runtime.conversations.get(ConversationId(first))
        long_ago = house.runtime.clock.now_ms() - 25 * 3600_000
        redis: Any = house.runtime.connection.redis
        await redis.hset(keys.of(one.contact, "f"), f"w:{one.sender}:{one.address}", long_ago)
        status, refused = await desk.post(f"{at[first]}/reply", {"epoch": 2, "text": "still there?"}, "r5")
        assert (status, refused["code"]) == (409, "window_closed")
        offers = {one["name"]: one for one in json.loads((await desk.get(f"{at[first]}/templates"))[1])["templates"]}
        assert set(offers) == {"desk_answer_ready", "desk_follow_up"}
        assert offers["desk_follow_up"]["text"].startswith("About your question: …")
        assert [part.get("blank") for part in offers["desk_follow_up"]["parts"]] == [None, "words", None]
        assert offers["desk_follow_up"]["price"]
        wanted = {"name": "desk_follow_up", "values": {"words": "your bag\nis found."}}
        status, refused = await desk.post(f"{at[first]}/reply", {"epoch": 2, "template": {"name": "flight_delayed"}}, "r6")
        assert status == 422
        for _ in range(2):
            assert (await desk.post(f"{at[first]}/reply", {"epoch": 2, "template": wanted}, "r7"))[0] == 200
        bubble = await house.told(EVA, "desk_follow_up_v1")
        assert "About your question: your bag is found." in json.dumps(bubble)
        assert "About your question: your bag is found." in await desk.thread(first)
