"""Who a customer is, with everything running: asked by an agent, shown in a telephone's browser, seen at the desk."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from demo.accounts import Account, Accounts
from gateway.model.ids import ConversationId
from gateway.store.agents import Agents
from gateway.surface import webcare_deps
from gateway.webcare import views
from tests.support.house import House, house_running
from tests.support.waiting import wait_until

SECRET = "whsec_" + base64.b64encode(b"between-the-gateway-and-mail").decode()
EVA = "+447700900123"


async def command(house: House, conversation: str, what: str, key: str = "", **body: Any) -> dict[str, Any]:
    _, one = await house.get(f"/v1/conversations/{conversation}")
    status, answer = await house.post(
        f"/v1/conversations/{conversation}/{what}", {"epoch": one["epoch"], **body}, **{"Idempotency-Key": f"key-{what}{key}"}
    )
    assert status == 200, answer
    return answer


async def signed_in(house: House, link: str) -> int:
    """At their own account, in a browser of theirs; the address of our pages is another one here."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as browser:
        async with browser.get(f"{house.public}{link}/login", allow_redirects=False) as response:
            there, cookie = response.headers["Location"], response.cookies["who"].value
        async with browser.get(there) as response:
            form = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]+)"', await response.text()))
        at = there.partition("?")[0]
        async with browser.post(at, data={**form, "who": "C-20817"}, allow_redirects=False) as response:
            back = response.headers["Location"].replace("https://zz.example", house.public)
        async with browser.get(back, headers={"Cookie": f"who={cookie}"}) as response:
            return response.status


@pytest.mark.long
async def test_an_agent_asks_and_sees_that_they_showed_it_and_never_the_link_nor_the_code(data_dir: Path) -> None:
    people = (Account("C-20817", "Eva Jansen", "eva@example.org"),)
    accounts = Accounts(people, "gateway", "https://zz.example/k/back", SECRET)
    outside = TestServer(accounts.app())
    await outside.start_server()
    accounts.issuer = str(outside.make_url("")).rstrip("/")
    more: dict[str, Any] = {
        "GATEWAY_PUBLIC_URL": "https://zz.example",
        "GATEWAY_WEBHOOK_SECRET": SECRET,
        "GATEWAY_IDENTITY_CODE_URL": f"{accounts.issuer}/codes",
        "GATEWAY_CUSTOMER_OIDC_ISSUER": accounts.issuer,
        "GATEWAY_CUSTOMER_OIDC_CLIENT_ID": "gateway",
    }
    async with house_running(data_dir, **more) as house:
        assert (await house.event("ce-order-confirmed-flight.json"))[0] == 202
        await house.wait_for(EVA, 1)
        await house.says(EVA, text="Where is my seat? Somebody else must help me.")
        assert house.runtime is not None
        deps = webcare_deps(house.runtime)
        found: list[ConversationId] = []

        async def waits() -> bool:
            found[:] = await deps.conversations.desk.queue("general")
            return bool(found)

        await wait_until(waits, timeout=15)
        agents = Agents(house.runtime.connection.redis, house.runtime.clock, house.runtime.vault)
        (sanne,) = await agents.all()
        await command(house, found[0], "take", agent=sanne.id)

        async def card() -> views.Card:
            one = await deps.conversations.get(found[0])
            return await views.card(deps, one, (await views.contacts_of(deps, [one]))[one.contact], sanne)

        before = await card()
        assert (before.masked, before.identity.can_ask, before.identity.bar) == (True, True, "")
        await command(house, found[0], "identify", agent=sanne.id)
        await command(house, found[0], "identify", agent=sanne.id)  # pressed twice: one link
        links: list[str] = []

        async def linked(count: int = 1) -> bool:
            texts = [str(one["body"]) for one in await house.received(EVA)]
            links[:] = [link for text in texts for link in re.findall(r"https://zz\.example(/k/\w+)", text)]
            return len(links) >= count

        await wait_until(linked, timeout=15)
        assert len(links) == 1
        assert house.http is not None
        async with house.http.post(f"{house.public}{links[0]}/send?lang=en") as response:
            assert response.status == 200
        assert (await card()).identity.asking == "sent"
        first = accounts.mails[0].code
        await house.says(EVA, text=f"pin: {' '.join(first)}")

        async def covered() -> bool:
            _, whole = await house.get(f"/v1/conversations/{found[0]}")
            return any(line.get("hidden") == ["code"] for line in whole["thread"])

        await wait_until(covered, timeout=15)
        async with house.http.post(f"{house.public}{links[0]}/code?lang=en", data={"code": first}) as response:
            assert "does not work any more" in await response.text(), "it stood in the chat, and proves nothing more"
        async with house.http.post(f"{house.public}{links[0]}/send?lang=en") as response:
            assert response.status == 200
        code = accounts.mails[0].code  # newest first
        async with house.http.post(f"{house.public}{links[0]}/code?lang=en", data={"code": code}) as response:
            assert "we know that it is you" in await response.text()
        after = await card()
        assert (after.masked, after.identity.level, after.identity.how) == (False, 2, "code")
        assert [one.number for one in after.orders] == ["ZX7K2P"]
        _, whole = await house.get(f"/v1/conversations/{found[0]}")
        assert links[0].removeprefix("/k/") not in str(whole)
        assert code not in str(whole)
        assert " ".join(first) not in str(whole)

        await command(house, found[0], "identify", "-again", agent=sanne.id, act="cancel")
        await wait_until(lambda: linked(2), timeout=15)
        assert await signed_in(house, links[1]) == 200
        again = await card()
        assert (again.identity.level, again.identity.how, again.identity.granted) == (3, "login", "cancel")
        await command(house, found[0], "act", agent=sanne.id, act="cancel")
        assert (await card()).identity.level == 2

        one = await deps.conversations.get(found[0])
        await deps.contacts.set_proof(one.contact, one.address, None, house.runtime.clock.now_ms())
        stranger = await card()  # "not me": whoever has the number now is not told of Eva, nor is their agent
        assert (again.first_name, stranger.first_name) == ("Eva", "0123"), "by the name that the channel shows"
        assert (stranger.identity.level, stranger.orders) == (0, [])
    await outside.close()
