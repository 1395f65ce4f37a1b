"""The card says what somebody has open: how it stands, who said so and when; what is unknown is not nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from redis.asyncio import Redis

from gateway.assistant.open_things import OpenThings
from gateway.assistant.sources import Sources
from gateway.errors import StoreUnavailable
from gateway.model.conversation import Agent, AgentId
from gateway.model.ids import ConversationId
from gateway.model.personal import Personal
from gateway.surface import webcare_deps
from gateway.webcare.deps import WebcareDeps
from gateway.webcare.pages import Pages
from tests.support.core import House, open_house
from tests.support.meta import inbound_text, webhook

ANN = Agent(AgentId("a1"), Personal("ann"), Personal("Ann"))
NUMBER, GOODS = "ZX7K2P", "ZX8GOODS"


async def writes(house: House, number: int) -> ConversationId:
    said = inbound_text(house, f"447700900{number:03d}", "Hello, I have a question")
    await house.runtime.webhooks.append("whatsapp", webhook(said))
    await house.take_webhooks()
    return (await house.runtime.conversations.of_contact((await house.contact_of(number)).id))[-1]


async def card(house: House, deps: WebcareDeps, conversation: ConversationId, locale: str = "en") -> str:
    one = await house.runtime.conversations.get(conversation)
    html = (await Pages(deps).opened(ANN, one, locale)).card.html
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


async def test_the_card_says_how_what_is_open_stands_who_said_so_and_when(redis: Redis, redis_url: str, data_dir: Path) -> None:
    async with open_house(redis_url, data_dir) as house:
        await house.tell(house.order(house.recipient(101), number=NUMBER))
        goods = {"kind": "goods", "number": GOODS, "itinerary": None, "status": "shipped"}
        await house.tell(house.order(house.recipient(101), **goods))
        await house.tell(house.flight("scheduled", late_min=40, source="/feeds/elsewhere"))
        house.pass_ms(5 * 60_000)
        conversation = await writes(house, 101)
        deps = webcare_deps(house.runtime)
        text = await card(house, deps, conversation)
        now = text.partition("Open now")[2].partition("Orders")[0]
        assert "ZZ 1007 from Amsterdam to London Heathrow" in now
        assert "Source: Polderwind Air, 5 minutes ago." in now
        assert "Your order ••••: sent." in now
        assert GOODS not in text, "nobody has shown who they are: numbers are covered"
        assert "Loopt nu" in await card(house, deps, conversation, "nl")
        assert "geleden" in (await card(house, deps, conversation, "nl")).partition("Loopt nu")[2].partition("Bestellingen")[0]

        nothing = await writes(house, 199)
        assert "Open now Nothing under way" in await card(house, deps, nothing)


async def test_what_a_source_does_not_tell_in_time_is_unknown_and_not_nothing(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    class Broken(OpenThings):
        async def _their_journeys(self, *args: object) -> list[object]:  # type: ignore[override]
            raise StoreUnavailable("away")

    async with open_house(redis_url, data_dir) as house:
        await house.tell(house.order(house.recipient(101), number=NUMBER))
        conversation = await writes(house, 101)
        runtime = house.runtime
        deps = replace(webcare_deps(runtime), things=Broken(runtime.subjects, runtime.contacts, runtime.worlds, Sources()))
        text = await card(house, deps, conversation)
        assert "Journeys: not known at this moment" in text
        assert "Nothing under way" not in text
