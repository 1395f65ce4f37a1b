"""An agent's own canned answers: who has them, what is refused, two tabs at once, and what becomes of them with the agent."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Conflict
from gateway.model.personal import Personal
from gateway.store import keys
from gateway.store.own_canned import MOST, OwnAnswer
from gateway.store.rotation import usage
from tests.integration.test_desk import Desk, Page, desk, signed_in

__all__ = ["desk"]

PATH = "/desk/own/canned"


def wanted(number: int = 1, version: int = 0, **more: Any) -> dict[str, Any]:
    texts = {"en": "Hello {first_name}, ask for Mrs Verbruggen. {agent}", "nl": "Dag, vraag naar mevrouw Verbruggen."}
    return {"id": f"answer-{number:04d}", "version": version, "title": "At the counter", "texts": texts, **more}


async def beside(page: Page, conversation: str) -> list[dict[str, Any]]:
    async with page.client.get(f"/desk/{conversation}/canned") as response:
        return [one for one in (await response.json())["canned"] if one.get("own")]


async def test_an_agents_own_answers_are_theirs_alone_filled_in_sealed_and_gone_with_the_agent(desk: Desk) -> None:
    ann = await desk.agent()
    await desk.agent("tom", "Tom Vale")
    conversation = await desk.says("where do I go?")
    page, colleague = await signed_in(desk), await signed_in(desk, "tom")
    status, answer = await page.post(PATH, wanted())
    assert (status, answer["answers"][0]["version"], answer["most"]) == (200, 1, MOST)
    found = await beside(page, conversation)
    assert [(one["title"], one["text"], one["language"]) for one in found] == [
        ("At the counter", "Hello, ask for Mrs Verbruggen. Ann", "en")
    ]
    assert await beside(colleague, conversation) == []
    async with colleague.client.get(PATH) as response:
        assert (await response.json())["answers"] == []
    assert b"Verbruggen" not in await desk.redis.hget(keys.CANNED, ann.id), "a name may stand in it"
    assert sum((await usage(desk.redis)).agents.values()) == 3, "moved with the agents' records when the keys change"
    async with page.client.post(PATH, json=wanted(2)) as foreign:
        assert foreign.status == 403, "a command needs the page's own token"

    await desk.deps.agents.set_disabled(ann.id, True)
    assert not await desk.redis.hexists(keys.CANNED, ann.id)


async def test_what_cannot_be_kept_is_refused_and_says_why(desk: Desk) -> None:
    await desk.agent()
    page = await signed_in(desk)
    for body, field in (
        (wanted(title=" "), "title"),
        (wanted(title="x" * 61), "title"),
        (wanted(texts={"en": " "}), "texts"),
        (wanted(texts={"en": "x" * 2001}), "en"),
        (wanted(texts={"en": "Your {booking}"}), "texts"),
        (wanted(texts={"english": "Hello"}), "texts"),
        (wanted(id="x"), "id"),
    ):
        status, refused = await page.post(PATH, body)
        assert (status, refused["problems"][0]["field"]) == (422, field), body
    status, refused = await page.post(PATH, wanted(texts={"en": "Your {booking}"}), **{"X-Desk-Language": "nl"})
    assert refused["detail"] == "Booking kan niet worden ingevuld: first_name en agent wel."
    for number in range(MOST):
        assert (await page.post(PATH, wanted(number)))[0] == 200
    status, refused = await page.post(PATH, wanted(MOST))
    assert (status, "delete one first" in refused["detail"]) == (409, True)


async def test_of_two_tabs_that_change_the_same_answer_the_second_is_told_and_loses_nobodys(desk: Desk) -> None:
    ann = await desk.agent()
    one, other = await signed_in(desk), await signed_in(desk)
    await one.post(PATH, wanted(1))
    assert (await other.post(PATH, wanted(1)))[1]["answers"][0]["version"] == 1, "the same again, its answer was lost: once"
    await one.post(PATH, wanted(1, 1, title="At the desk"))
    status, refused = await other.post(PATH, wanted(1, 1, title="Elsewhere"))
    assert (status, "meanwhile" in refused["detail"]) == (409, True)
    assert (await other.post(PATH, {"id": "answer-0001", "version": 1, "drop": True}))[0] == 409, "nor is it deleted unseen"
    assert (await other.post(PATH, wanted(2)))[0] == 200, "another answer is no matter of that one"
    assert [row["title"] for row in (await one.post(PATH, wanted(3)))[1]["answers"]] == [
        "At the desk", "At the counter", "At the counter"
    ]  # fmt: skip
    for _ in range(2):
        assert (await one.post(PATH, {"id": "answer-0001", "version": 2, "drop": True}))[0] == 200
    with pytest.raises(Conflict):  # deleted meanwhile: it does not come back by itself
        await desk.deps.agents.own_canned.put(ann.id, OwnAnswer("answer-0001", Personal("x"), {"en": Personal("y")}, 2))
