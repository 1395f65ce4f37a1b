"""A traveller with a pass, relatives on both channels, and a channel that keeps what it is sent: a house turned by hand.

Everything comes as a webhook and leaves as a request.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import zxingcpp
from PIL import Image

from gateway.model.family import Family
from gateway.model.message import MessageRecord
from gateway.planning.waysin_links import Links
from gateway.store.contacts import FactChange
from gateway.webhooks.apply import Applier
from gateway.webhooks.joining import make_family_sayer
from tests.support.core import HOUR_MS, NUMBER, SANDBOX, iso, open_house
from tests.support.edge import Edge, edge_running
from tests.support.meta import inbound, inbound_text, webhook
from tests.support.page import MESSENGER, PAGE, PSID, PageHouse

TRAVELLER = 101
ENTITY = "ZZ1007/2026-11-22/AMS"
PDF = b"%PDF-1.4 a boarding pass"
PUBLIC = "https://news.example.org"


class Twice:
    """An applier that does everything twice, as one that died just before the end of an item makes the next one do."""

    def __init__(self, applier: Applier) -> None:
        self._applier = applier

    async def apply(self, value: Mapping[str, Any]) -> None:
        await self._applier.apply(value)
        await self._applier.apply(value)


class Door(PageHouse):
    edge: Edge

    # the traveller

    async def books(self, *recipients: dict[str, Any], **more: Any) -> None:
        """An order with a flight, of which nobody is told yet."""
        people = recipients or (self.recipient(TRAVELLER),)
        await self.tell(self.order(*people, status="processing", **more))

    async def gets_pass(self, number: int = TRAVELLER) -> MessageRecord:
        """The traveller gets their boarding pass; the message that brought it."""
        now = self.began_ms
        data = {
            "leg": {"carrier": "ZZ", "flightNumber": "1007", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"},
            "passenger": {"surname": f"Family{number}", "givenNames": f"Given{number}", "recordLocator": "ZX7K2P"},
            "checkin": {"seat": "31K", "sequence": 42},
            "times": {"scheduledOff": iso(now + 5 * HOUR_MS), "scheduledOn": iso(now + 6 * HOUR_MS)},
            "document": {"mime": "application/pdf", "content": base64.b64encode(PDF).decode()},
            "recipients": [{"customerId": f"C-{number}"}],
        }
        await self.tell(self.event_of("flight.boardingpass", ENTITY, data, source="/dcs"))
        await self.dispatch()
        return (await self.of(number, "boarding_pass_issued", "boarding_pass_file"))[-1]

    async def family(self) -> Family:
        contact = await self.contact_of(TRAVELLER)
        ((_, found),) = await self.runtime.home.families_of(contact)
        return found

    # what people do

    async def press(self, number: int, key: str, record: MessageRecord, *, times: int = 1, psid: str = "") -> None:
        """Press a button of this message; the channel calls so often. psid: they are on the Page"""
        self.pass_ms(1000)
        button = next(one for one in (await self.body(record))["buttons"] if f"/{key}" in (one["payload"] or ""))
        if psid:
            raw = {"postback": {"mid": f"m_press{next(self._mids):06d}", "title": button["label"], "payload": button["payload"]}}
            for _ in range(times):
                await self.keep_webhook(self.item(raw, psid=psid))
        else:
            content = {"type": "button", "button": {"payload": button["payload"], "text": button["label"]}}
            said = inbound(self, f"447700900{number}", content, name=f"Name{number}")
            for _ in range(times):
                await self.runtime.webhooks.append("whatsapp", webhook(said))
        await self._go()

    async def writes(self, number: int, text: str, *, name: str = "", times: int = 1, at_ms: int = 0) -> None:
        self.pass_ms(1000)
        said = inbound_text(self, f"447700900{number}", text, name=name or f"Name{number}", at_ms=at_ms)
        for _ in range(times):
            await self.runtime.webhooks.append("whatsapp", webhook(said))
        await self._go()

    async def writes_page(self, text: str, *, psid: str = PSID, times: int = 1) -> None:
        self.pass_ms(1000)
        item = self.said(text, psid=psid)
        for _ in range(times):
            await self.keep_webhook(item)
        await self._go()

    async def opens_page(self, url: str, *, psid: str = PSID, times: int = 1) -> None:
        """A newcomer to the Page's chat follows an m.me link and presses Get Started."""
        self.pass_ms(1000)
        (ref,) = parse_qs(urlsplit(url).query)["ref"]
        referral = {"ref": ref, "source": "SHORTLINK", "type": "OPEN_THREAD"}
        mid = f"m_start{next(self._mids):06d}"
        postback = {"mid": mid, "title": "Get Started", "payload": "get_started", "referral": referral}
        item = self.item({"postback": postback}, psid=psid)
        for _ in range(times):
            await self.keep_webhook(item)
        await self._go()

    async def _go(self) -> None:
        await self.take_webhooks()
        await self.dispatch()

    async def minutes(self, count: float) -> None:
        """So much later, what was due by then has left."""
        self.pass_ms(round(count * 60_000))
        await self.dispatch()

    # what people read

    async def of(self, number: int, *names: str, psid: str = "") -> list[MessageRecord]:
        """What the channel took for a person, of these notifications (any), in planned order."""
        contact = (await self.person(psid)).id if psid else await self.find(number)
        if contact is None:
            return []
        found = await self.messages(contact)
        return [one for one in found if one.state.value == "a" and (not names or one.notification in names)]

    async def names(self, number: int, *, psid: str = "") -> list[str]:
        return [one.notification for one in await self.of(number, psid=psid)]

    async def last(self, number: int, name: str, *, psid: str = "") -> str:
        """The words of the newest message of this name."""
        record = (await self.of(number, name, psid=psid))[-1]
        return str((await self.body(record))["text"]).replace("\u2068", "").replace("\u2069", "")

    def pictures(self) -> list[str]:
        """What a phone reads of each picture that was uploaded, in order."""
        found = []
        for data in self.edge.files.values():
            if data.startswith(b"\x89PNG"):
                (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(data)))
                found.append(str(code.text))
        return found

    async def code(self) -> str:
        """The join code of the family's link."""
        return (await self._links()).code

    async def link(self, channel: str, language: str = "") -> str:
        return (await self._links(language)).channels[channel]

    async def page(self) -> str:
        found = (await self._links()).short
        assert found is not None
        return found

    async def _links(self, language: str = "") -> Links:
        return await self.links_of(await self.family(), language)

    async def links_of(self, family: Family, language: str = "") -> Links:
        links = make_family_sayer(self.runtime).links
        return links.maker.links(await links.of(family, "whatsapp", family.until_ms), language)

    async def standing(self, family: Family) -> Family:
        found = await self.runtime.home.families.get(family.id)
        assert found is not None
        return found

    async def unreachable(self, number: int) -> None:
        """The channel says that nothing reaches this person."""
        contact = await self.contact_of(number)
        now = self.clock.now_ms()
        change = FactChange(f"un:{contact.profile.addresses[0].id}", str(now), now, "later")
        await self.runtime.contacts.change_facts(contact.id, [change])

    async def words(self, psid: str) -> str:
        """All the words that the Page's chat got."""
        return "\n".join([str((await self.body(one))["text"]) for one in await self.of(0, psid=psid)])

    async def waiting(self) -> int:
        """How many conversations wait for a person."""
        return await self.queued()


@asynccontextmanager
async def door_house(redis_url: str, data_dir: Path, **more: str) -> AsyncIterator[Door]:
    """Everything that is heard is applied twice."""
    data_dir.mkdir(parents=True, exist_ok=True)
    senders = data_dir / "number-and-page.json"
    account = {"phone_number_id": NUMBER, "waba_id": "271828182845904", "number": "+12025550143"}
    entries = [
        {"id": "zz-wa", "channel": "whatsapp", "brand": "zz", "portfolio": "tests", "token": SANDBOX.token, "account": account},
        {"id": MESSENGER, "channel": "messenger", "brand": "zz", "token": SANDBOX.token, "account": {"page_id": PAGE}},
    ]
    senders.write_text(json.dumps({"senders": entries}))
    settings = {"GATEWAY_SENDERS_FILE": str(senders), "GATEWAY_PUBLIC_URL": PUBLIC, **more}
    async with edge_running() as edge, open_house(redis_url, data_dir, edge.url, **settings) as made:
        house = Door(made.runtime)
        house.edge = edge
        house.applier = cast(Applier, Twice(house.applier))
        yield house
