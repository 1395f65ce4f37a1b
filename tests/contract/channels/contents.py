"""One content of every kind, and the message that carries it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gateway.model.ids import MessageId
from gateway.model.message import (
    Button,
    ButtonKind,
    Card,
    Cards,
    Choice,
    ChoiceList,
    Content,
    Document,
    Link,
    ListRow,
    Location,
    MarkRead,
    Media,
    OutboundMessage,
    Reaction,
    Receipt,
    ReceiptLine,
    Template,
    Text,
)
from gateway.model.personal import Personal as P
from tests.contract.channels.case import Case

PDF = Document("r1", "application/pdf", "pass.pdf")
OK = Button(ButtonKind.REPLY, "OK", payload="ok")
CONTENTS: dict[str, Content] = {
    "words": Text(P("Hello")),
    "a template": Template("train_delay", "nl", {"minutes": P("25")}, buttons=(OK,)),
    "a template with a file": Template("ticket", "nl", {"name": P("Ann")}, header_document=PDF, media_id=P("4711")),
    "a file": Media(PDF, media_id=P("4711")),
    "a file with words": Media(PDF, caption=P("Your ticket"), media_id=P("4711")),
    "a choice": Choice(P("Which?"), (OK, Button(ButtonKind.REPLY, "No", payload="no"))),
    "a choice with its frame": Choice(P("Which?"), (OK,), header=P("Seat"), footer=P("Lindental Rail")),
    "a choice with a file": Choice(P("Which?"), (OK,), header_document=PDF, media_id=P("4711")),
    "a list": ChoiceList(P("Where?"), "Show", (("", (ListRow("b1", "Station", "until 18:00"), ListRow("b2", "Quay"))),)),
    "a link": Link(P("Track it"), "Open", P("https://a.example/t/1")),
    "a place": Location(51.5, -0.12, "Desk", "1 Sample Street"),
    "cards": Cards((Card(P("RE 4711"), subtitle=P("07:15"), buttons=(OK,)),)),
    "a receipt": Receipt(P("Ann"), P("5512"), "EUR", P("card"), Decimal("4.50"), (ReceiptLine(P("Seat"), Decimal("4.50")),)),
    "a reaction": Reaction(P("id"), "👍"),
    "a read mark": MarkRead(P("id")),
}


def message_to(case: Case, content: Content, **more: Any) -> OutboundMessage:
    return OutboundMessage(
        **{
            "id": MessageId("m07abcdefghjkmnpqrstvw"),
            "attempt": 2,
            "sender": case.sender.id,
            "recipient": case.recipient,
            "content": content,
            **more,
        }
    )


def rendered(case: Case, content: Content, **more: Any) -> dict[str, Any]:
    request = case.connector.render(message_to(case, content, **more), case.sender)
    return dict(request.body or {})
