"""A whole house over the sandbox: a booking, a pass, and what stands on the phone, also where the channel loses files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from tests.integration.documents_stage import bcbp
from tests.support.house import NOON, House, house_running

EVA = "+447700900123"
FLIGHT = "ZZ1007/2026-11-22/AMS"


def event(kind: str, subject: str, number: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0", "type": f"org.example.{kind}.v1", "source": "/tests", "subject": subject, "id": number,
        "datacontenttype": "application/json", "data": data,
    }  # fmt: skip


def boarding_pass(number: int) -> dict[str, Any]:
    data = {
        "leg": {"carrier": "ZZ", "flightNumber": "1007", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"},
        "passenger": {"surname": "Jansen", "givenNames": "Eva", "recordLocator": "ZX7K2P"},
        "checkin": {"seat": "12C", "sequence": number, "group": "2"},
        "times": {
            "scheduledOff": "2026-11-22T18:55:00+01:00", "boarding": "2026-11-22T18:25:00+01:00",
            "scheduledOn": "2026-11-22T19:20:00+00:00",
        },
        "gate": "D18",
        "bcbp": bcbp("Jansen", "Eva", number=number),
    }  # fmt: skip
    return event("flight.boardingpass", FLIGHT, f"pass-{number}", data)


async def read(house: House, bubble: dict[str, Any]) -> str:
    """What a gate reads off the phone."""
    assert house.http is not None
    async with house.http.get(house.sandbox + bubble["header"]["url"]) as answer:
        assert answer.content_type == "image/png"
        (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(await answer.read())))
    return str(found.text)


@pytest.mark.long
async def test_a_pass_stands_on_the_phone_and_is_read_there_whatever_the_channel_loses(data_dir: Path) -> None:
    async with house_running(data_dir, at=NOON) as house:
        order = {
            "orderNumber": "ZX7K2P", "kind": "flight", "brand": "zz", "status": "processing",
            "itinerary": [{"entity": FLIGHT, "type": "flight"}],
            "recipients": [{
                "customerId": "C-1", "name": {"given": "Eva", "family": "Jansen"}, "role": "booker", "locale": "nl-NL",
                "addresses": [{"channel": "whatsapp", "to": EVA, "proof": "otp", "givenBy": "self"}],
                "consents": [{
                    "purpose": "journey", "channel": "whatsapp", "granted": True, "at": "2026-11-22T09:00:00+01:00", "how": "box",
                }],
            }],
        }  # fmt: skip
        assert (await house.event(event("order.status", "ZX7K2P", "order-1", order)))[0] == 202
        await house.fault("media_gone", times=1)
        await house.fault("lost_answer", on="media", times=1)
        assert (await house.event(boarding_pass(1)))[0] == 202
        (first,) = await house.wait_for(EVA, 1, timeout=30)
        assert first["template"]["name"] == "boarding_pass_issued_v2"
        assert "12C" in str(first)
        assert await read(house, first) == bcbp("Jansen", "Eva", number=1)
        assert (await house.event(boarding_pass(2)))[0] == 202
        second = (await house.wait_for(EVA, 2, timeout=30))[-1]
        assert await read(house, second) == bcbp("Jansen", "Eva", number=2)
        assert len(await house.received(EVA)) == 2
