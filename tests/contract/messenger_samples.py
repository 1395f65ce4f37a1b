"""The Messenger samples, and the Page and people they speak of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors.messenger import MessengerConnector
from connectors.meta.graph import Graph
from gateway.connector import RawResponse, Sender
from gateway.model.contact import Identifier
from gateway.model.ids import SenderId
from gateway.model.personal import Personal, Secret

SAMPLES = Path(__file__).parents[1] / "samples" / "messenger"
PAGE = "108234561237890"
SECOND_PAGE = "109876543210987"
OUR_APP = "1729384756012345"
DESK_APP = "2468013579246801"
PAGE_INBOX = "263902037430900"
SENDER = Sender(
    id=SenderId("pg"),
    channel="messenger",
    brand="zz",
    account={"page_id": PAGE},
    scope=PAGE,
    token=Secret("token-for-tests"),
)
# Nothing is sent in these tests: port 9 would refuse.
CONNECTOR = MessengerConnector(Graph("http://127.0.0.1:9"), app_id=OUR_APP)
WITHOUT_APP = MessengerConnector(Graph("http://127.0.0.1:9"))


def names(prefix: str) -> list[str]:
    return sorted(path.stem for path in SAMPLES.glob(f"{prefix}-*.json"))


def raw(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def sample(name: str) -> Any:
    return json.loads(raw(name))


def answer(given: dict[str, Any]) -> RawResponse:
    """{status, headers, body} as it would have come over the wire."""
    headers = {name.lower(): value for name, value in given["headers"].items()}
    return RawResponse(status=given["status"], headers=headers, body=json.dumps(given["body"]).encode())


def path_of(url: str) -> str:
    return url.removeprefix("https://graph.facebook.com")


def psid(value: str, page: str = PAGE) -> Identifier:
    return Identifier("psid", page, Personal(value))


ANN = (psid("7894561230123456"),)
BEN = (psid("6543210987654321"),)
ZOE = (psid("8123456701234567"),)
"""Zoë as the first Page knows her; the second would know her by another id."""
ZOE_AT_SECOND = (psid("8123456701234567", SECOND_PAGE),)
