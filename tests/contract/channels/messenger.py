"""Messenger's case."""

from __future__ import annotations

import json

from connectors.messenger import MessengerConnector
from gateway.connector import Connector, RenderedRequest, Sender
from gateway.model.ids import SenderId
from gateway.model.personal import Personal as P
from gateway.model.personal import Secret
from tests.contract.channels.case import MESSAGE_ID, Case, Item, answered, refused

PAGE, PERSON, APP = "141421356237309", "7894561230123456", "1729384756012345"
AT = 1795165204000


def webhook(*items: Item) -> bytes:
    return json.dumps({"object": "page", "entry": [{"id": PAGE, "time": AT, "messaging": list(items)}]}).encode()


def said(text: str, message_id: str) -> Item:
    message = {"mid": message_id, "text": text}
    return {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": AT, "message": message}


def status(opaque: str) -> Item:
    message = {"mid": MESSAGE_ID, "is_echo": True, "app_id": int(APP), "metadata": opaque, "text": "x"}
    return {"sender": {"id": PAGE}, "recipient": {"id": PERSON}, "timestamp": AT, "message": message}


def fetch(connector: Connector, sender: Sender, url: str) -> RenderedRequest:
    request = connector.render_media_lookup(sender, P(url))
    assert request.wants_bytes
    return request


CASE = Case(
    name="messenger",
    make=lambda graph: MessengerConnector(graph, app_id=APP),
    sender=Sender(
        id=SenderId("pg"),
        channel="messenger",
        brand="zz",
        account={"page_id": PAGE},
        scope=PAGE,
        token=Secret("token-Mark"),
    ),
    account=PAGE,
    recipient=(("psid", P(PERSON)),),
    addresses=((f" {PERSON}", PAGE, PERSON),),
    bad_addresses=("", "+447700900123", "123456789", "somebody", "GB.73920184650172938465"),
    refuses=frozenset({"a template with a file", "a file with words", "a choice with a file"}),
    accepted=answered(200, {"recipient_id": PERSON, "message_id": MESSAGE_ID}),
    uploaded=answered(200, {"attachment_id": "4711"}),
    unknown=refused(400, 998877),
    throttled=(
        refused(
            400,
            80006,
            headers={
                "x-business-use-case-usage": '{"1":[{"type":"messenger","estimated_time_to_regain_access":3}]}'
            },
        ),
        180_000,
    ),
    token_dead=refused(401, 190, 463),
    unreachable=refused(400, 551, 1545041),
    window_closed=refused(400, 10, 2018278),
    template_missing=refused(400, 100, words="(#100) Template cannot be found."),
    media_gone=refused(400, 100, 2018074),
    webhook=webhook,
    said=said,
    status=status,
    unreadable={"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": AT, "message": {"text": "x"}},
    fetch=fetch,
    media_host="https://scontent.xx.fbcdn.net",
)
