"""Who holds a thread, what each call changes, and when control lapses."""

from __future__ import annotations

from typing import Any

import pytest
from messenger_graph import AIR, DAY_MS, INBOX_APP, RAIL, chat, code_of, refused, send, sent, switch
from sandbox_box import ANN, Box

from sandbox.messenger import world as pages

HOUR_MS = 3_600_000


async def call(box: Box, name: str, psid: str, **more: Any) -> Any:
    """The answer of one thread-control call; a refusal's code."""
    status, answer = await box.graph("POST", f"{AIR}/{name}_thread_control", {"recipient": {"id": psid}, **more})
    return answer if status == 200 else code_of(answer)


async def holder(box: Box, psid: str) -> Any:
    _, answer = await box.graph("GET", f"{AIR}/thread_owner?recipient={psid}")
    return code_of(answer) if "error" in answer else answer["data"] and answer["data"][0]["thread_owner"]["app_id"]


async def test_default_app_that_answers_holds_the_thread_for_a_day_after_the_last_act(box: Box) -> None:
    psid = await chat(box)
    assert await holder(box, psid) == []
    await sent(box, psid)
    assert await holder(box, psid) == box.world.config.app_id
    await box.forward(20 * HOUR_MS)
    await box.say(ANN, {"text": "and now?", "page_id": AIR})
    await box.forward(23 * HOUR_MS)
    assert await holder(box, psid) == box.world.config.app_id
    await box.forward(2 * HOUR_MS)
    assert await holder(box, psid) == []


async def test_inbox_that_holds_it_keeps_us_out_until_taken_back_or_lapsed(box: Box) -> None:
    psid = await chat(box)
    assert await call(box, "pass", psid, target_app_id=INBOX_APP, metadata="case 1") == {"success": True}
    assert await holder(box, psid) == INBOX_APP
    assert await refused(box, psid) == (10, 2018300)
    _status, answer = await box.graph("POST", f"{AIR}/messages", {"recipient": {"id": psid}, "sender_action": "typing_on"})
    assert code_of(answer) == (10, 2018300)
    assert await call(box, "pass", psid, target_app_id=INBOX_APP) == (100, 2534037)
    assert await call(box, "release", psid) == (100, 2534037)
    assert await call(box, "extend", psid, duration=60) == (100, 2534037)
    assert await call(box, "request", psid, metadata="may we?") == {"success": True}
    assert await holder(box, psid) == INBOX_APP, "asking changes nothing"
    assert await call(box, "take", psid) == {"success": True}
    assert (await send(box, psid))[0] == 200
    await call(box, "pass", psid, target_app_id=INBOX_APP)
    await box.forward(DAY_MS - HOUR_MS)
    await box.say(ANN, {"text": "hello?", "page_id": AIR})
    assert await refused(box, psid) == (10, 2018300)
    await box.forward(DAY_MS + 1)
    await box.say(ANN, {"text": "hello?", "page_id": AIR})
    assert (await send(box, psid))[0] == 200


async def test_release_leaves_it_idle_and_extend_keeps_it_for_days(box: Box) -> None:
    psid = await chat(box)
    await sent(box, psid)
    assert await call(box, "extend", psid, duration=5 * 86_400) == {"success": True}
    await box.forward(4 * DAY_MS)
    assert await holder(box, psid) == box.world.config.app_id
    for duration in (0, 7 * 86_400 + 1, "long", -5):
        assert await call(box, "extend", psid, duration=duration) == (100, None)
    assert await call(box, "release", psid) == {"success": True}
    assert await holder(box, psid) == []


async def test_idle_thread_belongs_to_the_default_app(box: Box) -> None:
    psid = await chat(box)
    await switch(box, default_app="inbox")
    assert await refused(box, psid) == (10, 2018300)
    assert await call(box, "take", psid) == {"success": True}
    assert (await send(box, psid))[0] == 200
    await call(box, "release", psid)
    await switch(box, default_app="ours", may_take=False)
    assert (await send(box, psid))[0] == 200
    await call(box, "pass", psid, target_app_id=INBOX_APP)
    assert await call(box, "take", psid) == (10, None), "the app may not take control on this Page"


async def test_without_a_default_app_everybody_answers_nobody_takes_and_passing_works(box: Box) -> None:
    psid = await chat(box)
    await switch(box, default_app=None)
    assert (await send(box, psid))[0] == 200
    assert pages.holder(box.world, AIR, ANN) is None
    assert await call(box, "take", psid) == (10, None)
    assert await call(box, "pass", psid, target_app_id=INBOX_APP) == {"success": True}
    assert await refused(box, psid) == (10, 2018300)


async def test_only_owner_and_default_app_may_ask_who_holds_it(box: Box) -> None:
    psid = await chat(box)
    await call(box, "pass", psid, target_app_id=INBOX_APP)
    assert await holder(box, psid) == INBOX_APP
    assert (await box.graph("GET", f"{AIR}/secondary_receivers"))[0] == 200
    await switch(box, default_app="inbox")
    assert await holder(box, psid) == (100, 2534037)
    assert code_of((await box.graph("GET", f"{AIR}/secondary_receivers"))[1]) == (100, 2534037)


async def test_phones_page_sees_at_once_who_holds_the_thread(box: Box) -> None:
    psid = await chat(box)
    start = box.world.hub.cursor
    await call(box, "pass", psid, target_app_id=INBOX_APP)
    told = [event.told().data for event in box.world.hub.after(start) if event.name == "handset"]
    assert [thread["holder"] for one in told for thread in one.get("threads", [])][-1:] == ["inbox"]


async def test_passing_needs_an_app_that_is_there(box: Box) -> None:
    psid = await chat(box)
    assert await call(box, "pass", psid, target_app_id="12345") == (100, 2018164)
    assert await call(box, "pass", psid, target_app_id=pages.ASSISTANT_APP_ID) == (100, 2018164)
    await switch(box, assistant=True)
    assert await call(box, "pass", psid, target_app_id=pages.ASSISTANT_APP_ID) == {"success": True}
    _, answer = await box.graph("GET", f"{AIR}/secondary_receivers?fields=id,name")
    assert [one["id"] for one in answer["data"]] == [INBOX_APP, pages.ASSISTANT_APP_ID]


@pytest.mark.parametrize("name", ["pass", "take", "request", "release", "extend"])
async def test_thread_of_another_page_or_of_nobody_is_not_found(box: Box, name: str) -> None:
    rail = await chat(box, page=RAIL)
    assert await call(box, name, rail, target_app_id=INBOX_APP, duration=60) == (100, 2018001)
    assert await call(box, name, rail, metadata="x" * 1_001, target_app_id=INBOX_APP, duration=60) == (100, None)
