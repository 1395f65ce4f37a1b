"""The recorded WhatsApp samples, and the sender and people they speak of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors.meta.graph import Graph
from connectors.whatsapp import WhatsAppConnector
from gateway.connector import RawResponse, Sender
from gateway.model.contact import Identifier
from gateway.model.ids import SenderId
from gateway.model.personal import Personal, Secret

SAMPLES = Path(__file__).parents[1] / "samples" / "whatsapp"
NUMBER = "314159265358979"
WABA = "271828182845904"
SENDER = Sender(
    id=SenderId("zz"),
    channel="whatsapp",
    brand="zz",
    account={"phone_number_id": NUMBER, "waba_id": WABA},
    scope="portfolio-1",
    token=Secret("token-for-tests"),
)
# Nothing is sent in these tests: port 9 would refuse.
CONNECTOR = WhatsAppConnector(Graph("http://127.0.0.1:9"))


def names(prefix: str) -> list[str]:
    return sorted(path.stem for path in SAMPLES.glob(f"{prefix}-*.json"))


def raw(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def sample(name: str) -> Any:
    return json.loads(raw(name))


def answer(given: dict[str, Any]) -> RawResponse:
    """{http_status, body} as it would have come over the wire."""
    body = given["body"]
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return RawResponse(status=given["http_status"], headers={"content-type": "application/json"}, body=data)


def phone(value: str) -> Identifier:
    return Identifier("phone", "", Personal(value))


def user(value: str) -> Identifier:
    return Identifier("user_id", "", Personal(value))


def parent(value: str) -> Identifier:
    return Identifier("parent_user_id", "", Personal(value))


ANN = (user("GB.73920184650172938465"), phone("+447700900123"))
BEN = (user("GB.50284617390562817394"), phone("+447700900456"))
ZOE = (user("GB.91827364554637281900"), phone("+447700900789"))
DAN = (user("GB.66120937485561920374"),)
