"""A house whose channel keeps what is uploaded, the passes of a flight, and a gate's eye for what a phone got."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image

from gateway.dispatch.deadletters import DeadLetters
from gateway.dispatch.documents import DocumentDesk
from gateway.documents.drawing import Drawing
from gateway.documents.forms import Form, Made
from gateway.documents.paper import Paper
from gateway.errors import CannotDraw
from gateway.model.event import BusinessEvent
from gateway.store.contacts import FactChange
from gateway.store.deadletters import DeadLetterBox
from tests.support.core import HOUR_MS, NUMBER, ROOT, House, iso, open_house
from tests.support.edge import Edge, edge_running

FLIGHT = "ZZ1007/2026-11-22/AMS"


def bcbp(surname: str, given: str, seat: str = "012C", number: int = 42, locator: str = "ZX7K2P") -> str:
    """A carrier's string: 60 characters, one leg."""
    name = f"{surname.upper()}/{given.upper()}"
    return f"M1{name:<20.20}E{locator:<7}AMSLHRZZ 1007 326Y{seat}{number:04d} 100"


@cache
def drawing() -> Drawing:
    return Drawing(ROOT / "templates")


class Here:
    """Draws in this process what the maker draws in one of its own: starting that takes longer than most of these tests."""

    def __init__(self) -> None:
        self.drawn = 0
        self.papers: list[Paper] = []
        self.fails = ""
        """CannotDraw.why of all that is asked for"""

    async def make(self, paper: Paper, form: Form, language: str) -> Made:
        self.drawn += 1
        self.papers.append(paper)
        if self.fails:
            raise CannotDraw(self.fails, "it does not read")
        return drawing().draw(paper, form, language)


class DocumentHouse(House):
    edge: Edge
    here: Here

    async def booking(self, *recipients: dict[str, Any], **more: Any) -> None:
        """An order with a flight, of which nobody is told; what is told afterwards is a document."""
        await self.tell(self.order(*recipients, status="processing", **more))

    def pass_of(
        self, surname: str, given: str, *, number: int = 42, person: dict[str, Any] | None = None, **more: Any
    ) -> BusinessEvent:
        """A boarding pass that names nobody to get it. person: more of its `passenger`"""
        now = self.began_ms
        data = {
            "leg": {"carrier": "ZZ", "flightNumber": "1007", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"},
            "passenger": {"surname": surname, "givenNames": given, "recordLocator": "ZX7K2P"} | (person or {}),
            "checkin": {"seat": "12C", "sequence": number},
            "times": {
                "scheduledOff": iso(now + 5 * HOUR_MS), "boarding": iso(now + 4 * HOUR_MS), "scheduledOn": iso(now + 6 * HOUR_MS),
            },
            "gate": "D18",
            "bcbp": bcbp(surname, given, number=number),
        } | more  # fmt: skip
        data = {name: value for name, value in data.items() if value is not None}
        return self.event_of("flight.boardingpass", FLIGHT, data, source="/dcs")

    def sent(self) -> list[dict[str, Any]]:
        """What phones got, in order."""
        return self.edge.sent(NUMBER)

    def uploads(self) -> int:
        return len(self.edge.sent(NUMBER, "media"))

    def shown(self, message: dict[str, Any]) -> bytes:
        """The file that a template's or an interactive message's header brings."""
        if message["type"] == "template":
            header = message["template"]["components"][0]["parameters"][0]
        elif message["type"] == "interactive":
            header = message["interactive"]["header"]
        else:
            header = message
        return self.edge.files[header[header["type"]]["id"]]

    def read(self, message: dict[str, Any]) -> str:
        """What a gate reads off the picture of a message."""
        found = zxingcpp.read_barcodes(Image.open(io.BytesIO(self.shown(message))))
        assert len(found) == 1
        return str(found[0].text)

    async def failed(self, code: int) -> None:
        """The channel says of the last message that it failed with this code."""
        status: dict[str, Any] = {
            "id": "wamid.OUT9", "status": "failed", "timestamp": str(self.clock.now_ms() // 1000), "recipient_id": "447700900101",
            "biz_opaque_callback_data": self.sent()[-1]["biz_opaque_callback_data"],
            "errors": [{"code": code, "title": "refused"}],
        }  # fmt: skip
        metadata = {"display_phone_number": "12025550143", "phone_number_id": NUMBER}
        value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]}
        entry = {"id": "271828182845904", "changes": [{"field": "messages", "value": value}]}
        raw = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        await self.runtime.webhooks.append("whatsapp", raw)
        assert await self.take_webhooks() == 1

    def dead_letters(self) -> DeadLetters:
        runtime = self.runtime
        return DeadLetters(DeadLetterBox(self.redis, self.clock), runtime.outbox, runtime.vault, runtime.directory)

    def bytes(self, message: dict[str, Any]) -> bytes:
        """What a reader that reads bytes gets."""
        (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(self.shown(message))))
        return bytes(found.bytes)

    async def wrote(self, number: int) -> None:
        """This person has written to us: the service window is open."""
        contact = await self.contact_of(number)
        change = FactChange(f"w:zz-wa:{contact.profile.addresses[0].id}", str(self.clock.now_ms()), self.clock.now_ms(), "later")
        await self.runtime.contacts.change_facts(contact.id, [change])

    def to(self, message: dict[str, Any]) -> int:
        """The traveller's number: +44 7700 900 …"""
        return int(str(message["to"])[-3:])


@asynccontextmanager
async def document_house(redis_url: str, data_dir: Path, **more: str) -> AsyncIterator[DocumentHouse]:
    async with edge_running() as edge, open_house(redis_url, data_dir, edge.url, **more) as made:
        house = DocumentHouse(made.runtime)
        house.edge, house.here = edge, Here()
        desk = DocumentDesk(made.runtime.documents, ("127.0.0.1",), allow_local=True, maker=house.here)
        house.deliverer = house.make_deliverer(documents=desk)
        yield house
