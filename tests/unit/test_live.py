"""What an open page is told, and when: its own at once, what happens elsewhere in its turn, and the last change always."""

from __future__ import annotations

import asyncio

import pytest

from gateway.model.ids import ConversationId
from gateway.webcare import live as module
from gateway.webcare.live import Live, News, Watcher

OPEN, OWN, OTHER = ConversationId("v1"), ConversationId("v2"), ConversationId("v3")
ELSEWHERE = News(elsewhere=True)


async def told(watcher: Watcher) -> News:
    """All that it is told until nothing more comes."""
    whole = News()
    while news := await watcher.wait(0.3):
        whole = News(whole.thread or news.thread, whole.own or news.own, whole.elsewhere or news.elsewhere)
    return whole


async def test_a_page_is_told_what_of_it_is_new() -> None:
    live = Live()
    with live.watch("ann", OPEN) as watcher:
        watcher.shows({OWN})
        live.tell({OTHER})
        assert await told(watcher) == ELSEWHERE
        live.tell({OPEN})
        assert await told(watcher) == News(thread=True, elsewhere=True)
        live.tell({OWN, OTHER})
        assert await told(watcher) == News(own=True, elsewhere=True)
        live.tell({OTHER}, {"ann"})  # it came to her
        assert await told(watcher) == News(own=True, elsewhere=True)
        live.tell(frozenset(), {"ben"})
        assert await told(watcher) == ELSEWHERE


async def test_words_are_not_behind_what_happened_elsewhere_a_moment_ago() -> None:
    live = Live()
    with live.watch("ann", OPEN) as watcher:
        live.tell({OTHER})
        await watcher.wait(1)
        began = asyncio.get_running_loop().time()
        live.tell({OPEN})
        assert (await watcher.wait(1)).thread
        assert asyncio.get_running_loop().time() - began < module.PACE_S / 2


async def test_in_a_rush_a_page_looks_now_and_then_and_at_the_last_change_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "A_PAGE_S", 0.1)
    live, looks = Live(), []
    loop = asyncio.get_running_loop()
    with live.watch("ann", OPEN) as watcher:
        await watcher.wait(0)

        async def rush() -> float:
            for _ in range(60):
                live.tell({OTHER})
                await asyncio.sleep(0.01)
            return loop.time()

        rushing = asyncio.create_task(rush())
        while news := await watcher.wait(0.5):
            assert news == ELSEWHERE
            looks.append(loop.time())
        last = await rushing
        assert 3 <= len(looks) <= 6, "one in 0.2 s"
        assert looks[-1] >= last - 0.011, "not before the last change"


async def test_what_changes_while_a_page_draws_its_lists_is_not_missed() -> None:
    live = Live()
    with live.watch("ann", "") as watcher:
        live.tell(frozenset(), {"ann"})
        assert (await watcher.wait(1)).own  # now it reads its lists: OWN still stands in them
        live.tell({OWN})  # and goes
        watcher.shows({OWN})
        assert (await told(watcher)).own
        watcher.shows(frozenset())
        live.tell({OWN})
        assert await told(watcher) == ELSEWHERE


async def test_more_pages_look_elsewhere_less_often() -> None:
    live = Live()
    with live.watch("ann", ""):
        few = live.elsewhere_s
        with live.watch("ben", ""):
            assert live.elsewhere_s > few
    assert live.pages == 0
