"""A family through the whole house: signed webhooks of both channels, a sandbox's phones, the page, and the news at home."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from tests.integration.invitations_stage import Trip, gets_ticket, hears, invited, is_bound, link, rail_house, saying, tell
from tests.support.house import House

MILA, OMA, BEP, LATE = "+447700900401", "+447700900402", "+447700900403", "+447700900404"
PUBLIC = "https://news.example.org"


async def press(house: House, phone: str, words: str, label: str) -> None:
    """Press the button of the newest message that says this."""
    bubble = saying(await house.received(phone), words)[-1]
    place = [one["text"] for one in bubble["buttons"]].index(label)
    await house.says(phone, button={"bubble": bubble["id"], "index": place})


async def read_page(house: House, words: str, language: str) -> list[str]:
    """Follow the link in a message to its page; where its buttons lead."""
    found = re.search(rf"{PUBLIC}(/j/\w+)", words)
    assert found is not None
    assert house.http is not None
    async with house.http.get(f"{house.public}{found.group(1)}", headers={"Accept-Language": language}) as answer:
        assert answer.status == 200
        return [unescape(one) for one in re.findall(r'class="go"[^>]*href="([^"]+)"', await answer.text())]


@pytest.mark.long
@pytest.mark.timeout(150)
async def test_a_train_is_followed_from_home_on_both_channels_though_every_webhook_comes_twice(data_dir: Path) -> None:
    trip = Trip()
    async with rail_house(data_dir) as house:
        await house.fault("webhook_double")
        for phone, name in ((MILA, "Mila"), (OMA, "Oma"), (BEP, "Bep"), (LATE, "Laatkomer")):
            await house.handset(phone, name)
        await tell(house, trip.order())
        invitation = await invited(house, trip)
        await house.says(MILA, link=link(invitation, "whatsapp"))
        await is_bound(house, invitation)
        await tell(house, trip.ticket())
        await gets_ticket(house, MILA)
        await press(house, MILA, "Je ticket voor", "Thuisfront inlichten")
        (made,) = await hears(house, MILA, "in je eigen app")
        assert "trein 3542" in made["body"]
        assert trip.number not in made["body"]

        by_number, _ = await read_page(house, made["body"], "nl")
        _, by_page = await read_page(house, made["body"], "de")
        await house.says(OMA, link=by_number)
        await house.says(BEP, link=by_page)
        (welcome,) = await hears(house, OMA, "Je volgt nu trein 3542")
        assert not any(mark in welcome["body"] for mark in (trip.number, "Mila", "Berg"))
        await hears(house, BEP, "Sie verfolgen jetzt Zug 3542")
        await press(house, OMA, "Je volgt nu", "Niet ’s nachts")
        await hears(house, OMA, "stil")
        await tell(house, trip.delay())
        for phone, words in ((MILA, "vertrekt later"), (OMA, "later"), (BEP, "später")):
            assert len(await hears(house, phone, words)) == 1

        await house.says(MILA, text="Wie volgt mij?")
        (listed,) = await hears(house, MILA, "Wie volgt trein 3542")
        assert " Oma" in listed["body"], "by number, whoever of the two came first"
        await press(house, MILA, "Wie volgt trein", "Link sluiten")
        await hears(house, MILA, "Gesloten")
        await house.says(LATE, link=by_number)
        await hears(house, LATE, "laat op dit moment niemand toe")
        for phone in (MILA, OMA, BEP, LATE):
            bodies = [str(one["body"]) for one in await house.received(phone)]
            assert len(bodies) == len(set(bodies)), "nothing is said twice"
