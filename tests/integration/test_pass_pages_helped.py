"""Webcare helps: a contact's pages are seen and let go of, by the API and by command, without the link and what it says."""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator
from typing import Any

import jsonschema
import pytest
from redis.asyncio import Redis

from gateway.cli import contact_pages
from gateway.cli.dialogue import Dialogue
from gateway.errors import NotFound
from gateway.model.ids import ContactId, EventId, SubjectId, random_id
from gateway.model.pass_page import Answer, Device
from tests.integration.api_stage import Client, Stage, ask
from tests.integration.pass_stage import HOUR_MS, MARK, boarding_pass


class Heard(Dialogue):
    """What a command shows."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def show(self, text: str = "", *more: Any) -> None:
        self.lines.append(text)


@pytest.fixture
async def stage(redis: Redis) -> Stage:
    return Stage(redis)


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    async with stage.serve() as client:
        yield client


async def shut_page(stage: Stage, client: Client) -> tuple[ContactId, str]:
    """(a contact, the token of their page, for which somebody answered wrongly five times)"""
    eva = (await stage.take(client, "ce-order-shipped"))[0]
    paper, passes = boarding_pass(stage.clock.now_ms() + HOUR_MS), stage.people().passes
    token = await passes.keep(
        eva, SubjectId(random_id("j", 3)), "p1", paper.dump(), event=EventId("e1"), occurred_at_ms=1, name_proofs=("Berg",)
    )
    page = await passes.find(token)
    assert page is not None
    for number in range(5):
        await passes.prove(page, "device", f"guess {number}", right=False)
    return eva, token


async def test_the_api_shows_pages_without_their_content_and_lets_one_be_opened_again(stage: Stage, client: Client) -> None:
    eva, token = await shut_page(stage, client)
    passes = stage.people().passes
    status, answer = await ask(client, "GET", f"/v1/contacts/{eva}/pages")
    (one,) = answer["pages"]
    assert (status, one["state"], one["wrong_answers"], one["open_on_a_device"]) == (200, "valid", 5, False)
    assert not [word for word in (MARK, token, "Berg") if word in json.dumps(answer)]
    async with client.get("/openapi.json") as response:
        said = (await response.json())["components"]["schemas"]["Pages"]
    jsonschema.validate(answer, said)

    wrong = [f"/v1/contacts/{eva}/pages/{page}/device" for page in ("d07", random_id("d", 7), "x")]
    assert [(await ask(client, "DELETE", path))[0] for path in wrong] == [404, 404, 404]
    answers = [await ask(client, "DELETE", f"/v1/contacts/{eva}/pages/{one['id']}/device") for _ in range(2)]
    assert [answer["answer"] for _, answer in answers] == ["unbound", "same"]
    page = await passes.find(token)
    assert page is not None
    assert (await passes.prove(page, "device", "berg", right=True))[0] is Answer.OPENED
    _, export = await ask(client, "GET", f"/v1/contacts/{eva}/export")
    assert MARK in json.dumps(export["documents"]), "an export holds what they were sent"


async def test_the_command_shows_pages_and_lets_one_be_opened_again(stage: Stage, client: Client) -> None:
    eva, token = await shut_page(stage, client)
    people, out = stage.people(), Heard()
    contact = await people.get(eva)
    assert await contact_pages.run_pages(argparse.Namespace(json=False), people, contact, out) == 0
    shown = "\n".join(out.lines)
    assert "open on no device, 5 wrong answers" in shown
    assert not [word for word in (MARK, token) if word in shown]
    page = await people.passes.find(token)
    assert page is not None
    for answer in ("open on no device now", "nobody had answered wrongly"):
        assert await contact_pages.run_unbind(argparse.Namespace(json=False, page=page.id), people, contact, out) == 0
        assert answer in out.lines[-1]
    again = await people.passes.find(token)
    assert again is not None
    assert people.passes.stands(again, "device") is Device.NONE
    with pytest.raises(NotFound):
        await contact_pages.run_unbind(argparse.Namespace(json=True, page=random_id("d", 7)), people, contact, out)
