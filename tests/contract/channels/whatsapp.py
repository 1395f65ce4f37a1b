"""WhatsApp's case."""

from __future__ import annotations

import json
from typing import Any

from connectors.whatsapp import WhatsAppConnector
from gateway.connector import Connector, RenderedRequest, Sender
from gateway.model.ids import SenderId
from gateway.model.personal import Personal as P
from gateway.model.personal import Secret
from tests.contract.channels.case import MESSAGE_ID, Case, Item, answered, refused

NUMBER, WABA, PHONE = "314159265358979", "271828182845904", "447700900123"
AT = "1795165204"


def webhook(*items: Item) -> bytes:
    def change(item: Item) -> Any:
        key = "statuses" if "status" in item else "messages"
        value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": NUMBER}, key: [item]}
        return {"field": "messages", "value": value}

    entry = {"id": WABA, "changes": [change(item) for item in items]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def said(text: str, message_id: str) -> Item:
    return {"id": message_id, "from": PHONE, "timestamp": AT, "type": "text", "text": {"body": text}}


def status(opaque: str) -> Item:
    return {
        "id": MESSAGE_ID,
        "status": "sent",
        "timestamp": AT,
        "recipient_id": PHONE,
        "biz_opaque_callback_data": opaque,
    }


def fetch(connector: Connector, sender: Sender, url: str) -> RenderedRequest:
    lookup = connector.render_media_lookup(sender, P("4711"))
    assert not lookup.wants_bytes
    return connector.render_media_download(sender, answered(200, {"url": url}))


CASE = Case(
    name="whatsapp",
    make=WhatsAppConnector,
    sender=Sender(
        id=SenderId("zz"),
        channel="whatsapp",
        brand="zz",
        account={"phone_number_id": NUMBER, "waba_id": WABA, "number": "+1 202-555-0123"},
        scope="portfolio-1",
        token=Secret("token-Mark"),
    ),
    account=NUMBER,
    recipient=(("phone", P(f"+{PHONE}")),),
    addresses=(
        ("+44 7700 900123", "portfolio-1", "+447700900123"),
        ("GB.73920184650172938465", "portfolio-1", "GB.73920184650172938465"),
    ),
    bad_addresses=("", "07700 900123", "+999 1", "somebody", "7894561230123456"),
    refuses=frozenset({"cards", "a receipt"}),
    accepted=answered(200, {"messages": [{"id": MESSAGE_ID}], "contacts": [{"wa_id": PHONE}]}),
    uploaded=answered(200, {"id": "4711"}),
    unknown=refused(400, 998877),
    throttled=(
        refused(
            400,
            80007,
            headers={
                "x-business-use-case-usage": '{"1":[{"type":"whatsapp","estimated_time_to_regain_access":3}]}'
            },
        ),
        180_000,
    ),
    token_dead=refused(401, 190, 463),
    unreachable=refused(400, 131026),
    window_closed=refused(400, 131047),
    template_missing=refused(404, 132001),
    media_gone=refused(400, 131053),
    webhook=webhook,
    said=said,
    status=status,
    unreadable={"from": PHONE, "timestamp": AT, "type": "text", "text": {"body": "x"}},
    fetch=fetch,
    media_host="https://lookaside.fbsbx.com",
)
