"""Every send-* sample: our rendering of an equal content gives its request, and its answer is read as accepted.

Tolerances: our metadata replaces the sample's; template parameters are always named by us; fields that only decorate
(webview_height_ratio, a picture of a receipt's line, its address and free shipping) are left out, being optional.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.connector import FilePart, Outcome, RawResponse
from gateway.model.ids import MessageId, SenderId
from gateway.model.message import (
    Button,
    ButtonKind,
    Card,
    Cards,
    Choice,
    Content,
    Document,
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
from tests.contract.messenger_samples import ANN, CONNECTOR, PAGE, SENDER, answer, names, path_of, sample

MID = "m_NBUO74ZZ0KeWreGarwJdnMpqpj-IgWzDda_3AtzhYAbIsqfWepA5nybxyuaoAkULXPM9-VzexKg9zEsA-TmeEb9_tiHDSgsq"
QUOTED = "m_TJhlXeX7-mp69LMMZwCg0qIvVNaV5DBrn_v5i2AT4Y8zt2_MF-LkHZ_rYCnZI6N03a5Z3KqaXBfeLAFWZOK1yXNlFblQTmd9"
MARA = P("392817465019283")
PNG = Document("r1", "image/png", "qr.png")
TICKETS = "https://tickets.lindental-rail.example/t/bk_7Q2M"


def reply(label: str, payload: str) -> Button:
    return Button(ButtonKind.REPLY, label, payload=payload)


def url(label: str, address: str, suffix: str | None = None) -> Button:
    return Button(ButtonKind.URL, label, url=address, url_suffix=suffix)


CAROUSEL = Cards(
    (
        Card(
            P("RE 4711 Lindental Hbf - Marienau"),
            subtitle=P("Fri 4 Dec, 07:15, platform 7, coach 3 seat 42"),
            image_url=P("https://static.lindental-rail.example/i/re.png"),
            url=P(TICKETS),
            buttons=(reply("Show ticket", "TICKET_SHOW:bk_7Q2M"), reply("Change train", "CHANGE:bk_7Q2M")),
        ),
        Card(
            P("RE 4728 Marienau - Lindental Hbf"),
            subtitle=P("Fri 4 Dec, 18:42, platform 2, coach 5 seat 11"),
            buttons=(reply("Show ticket", "TICKET_SHOW:bk_7Q2N"),),
        ),
    )
)
RECEIPT = Receipt(
    recipient_name=P("Alex Example"),
    order_number=P("LR-2026-1121-7Q2M"),
    currency="EUR",
    payment_method=P("Visa 4242"),
    total=Decimal("32.10"),
    subtotal=Decimal("41.30"),
    tax=Decimal("2.45"),
    merchant_name="Lindental Rail",
    order_url=P("https://lindental-rail.example/orders/LR-2026-1121-7Q2M"),
    paid_at_ms=1795282930_000,
    lines=(
        ReceiptLine(P("Lindental Hbf - Marienau"), Decimal("36.80"), P("2nd class, flexible, 4 Dec 2026")),
        ReceiptLine(P("Seat reservation"), Decimal("4.50"), P("Coach 3, seat 42")),
    ),
    adjustments=(("Railcard 25", Decimal("9.20")),),
)

ANSWER: dict[str, Any] = {"answering": True}
RENDERED: dict[str, tuple[Content, dict[str, Any]]] = {
    "send-text-response": (Text(P("Yes, RE 4711 leaves at 07:15 from platform 7.")), ANSWER),
    "send-text-update": (Text(P("Your train RE 4711 now leaves from platform 9.")), {}),
    "send-text-reply-to": (Text(P("Yes, this seat is confirmed.")), {**ANSWER, "reply_to": P(QUOTED)}),
    "send-text-persona": (Text(P("Good evening, Mara from the service desk here.")), {**ANSWER, "speaker": MARA}),
    "send-text-human-agent-tag": (
        Text(P("Hello, Mara here. Your refund of 18.40 EUR was booked today.")),
        {**ANSWER, "by_person": True, "speaker": MARA},
    ),
    "send-image-attachment-id": (Media(PNG, media_id=P("1203948576102938")), ANSWER),
    "send-template-generic-carousel": (CAROUSEL, ANSWER),
    "send-template-receipt": (RECEIPT, ANSWER),
    "send-utility-positional": (
        Template("train_delay_v2", "en", {"train": P("RE 4711"), "minutes": P("25"), "time": P("07:40")}),
        {},
    ),
    "send-utility-named-header": (
        Template(
            "platform_change_v1",
            "de",
            {"platform": P("9"), "departure": P("07:15")},
            header_parameters={"train": P("RE 4711")},
        ),
        {},
    ),
    "send-utility-buttons": (
        Template(
            "train_cancelled_v1",
            "en",
            {"train": P("RE 4711"), "day": P("4 December")},
            buttons=(
                reply("Other connections", "RE4711:bk_7Q2M"),
                url("Refund", "https://lindental-rail.example/refund/", "bk_7Q2M"),
            ),
        ),
        {},
    ),
    "send-action-react": (Reaction(P(MID), "👍"), {}),
    "send-action-unreact": (Reaction(P(MID), ""), {}),
    "send-action-mark-seen": (MarkRead(P(MID)), {}),
    "send-action-typing-on": (MarkRead(P(MID), typing=True), {}),
    "send-action-typing-on-persona": (MarkRead(P(MID), typing=True), {"speaker": MARA}),
}

# What the gateway never says: kinds it has no content for, products that ended, or that are of another kind of program.
# Their answers are read all the same. Buttons and quick replies are compared below: the samples mix what we keep apart.
NOT_SPOKEN = {
    "send-action-typing-off",
    "send-airline-boardingpass",
    "send-airline-checkin",
    "send-airline-itinerary",
    "send-airline-update",
    "send-audio-url",
    "send-file-multipart",
    "send-image-url-reusable",
    "send-multiple-images",
    "send-notification-messages",
    "send-notification-messages-request",
    "send-one-time-notification",
    "send-one-time-notification-request",
    "send-private-reply-comment",
    "send-private-reply-post",
    "send-sticker",
    "send-template-button",
    "send-template-coupon",
    "send-template-customer-feedback",
    "send-template-image-grid",
    "send-template-media",
    "send-text-dead-message-tag",
    "send-text-quick-replies",
    "send-text-with-thread-pass",
    "send-user-ref",
    "send-video-url",
}


def message(content: Content, **more: Any) -> OutboundMessage:
    recipient = tuple((one.kind, one.value) for one in ANN)
    return OutboundMessage(MessageId("m07abcdefghjkmnpqrstvw"), 2, SenderId("pg"), recipient, content, **more)


def body(content: Content, **more: Any) -> dict[str, Any]:
    request = CONNECTOR.render(message(content, **more), SENDER)
    assert request.body is not None
    return dict(request.body)


def tolerant(value: Any) -> Any:
    """A body without what the module's text says is equal."""
    if isinstance(value, list):
        return [tolerant(one) for one in value]
    if not isinstance(value, dict):
        return value
    left_out = {"metadata", "parameter_name", "webview_height_ratio", "shipping_cost", "address"}
    kept = {key: tolerant(one) for key, one in value.items() if key not in left_out}
    if "price" in kept:
        kept.pop("image_url", None)
    return kept


def test_every_send_sample_is_in_one_of_the_tables() -> None:
    assert set(names("send")) == set(RENDERED) | NOT_SPOKEN


@pytest.mark.parametrize("name", RENDERED)
def test_our_rendering_gives_the_recorded_request(name: str) -> None:
    content, more = RENDERED[name]
    request = CONNECTOR.render(message(content, **more), SENDER)
    recorded = sample(name)["request"]
    assert (request.method, request.path) == (recorded["method"], path_of(recorded["url"]))
    assert tolerant(body(content, **more)) == tolerant(recorded["body"])


@pytest.mark.parametrize("name", RENDERED)
def test_metadata_goes_with_every_message_but_not_with_a_sender_action(name: str) -> None:
    content, more = RENDERED[name]
    found = body(content, **more)
    if isinstance(content, Reaction | MarkRead):
        assert "message" not in found
        assert "messaging_type" not in found
    else:
        assert found["message"]["metadata"] == "m07abcdefghjkmnpqrstvw.2.pg"


def test_template_parameters_keep_their_names_and_buttons_their_places() -> None:
    named = body(RENDERED["send-utility-named-header"][0])["message"]["template"]
    assert named == sample("send-utility-named-header")["request"]["body"]["message"]["template"]
    buttons = body(RENDERED["send-utility-buttons"][0])["message"]["template"]["components"][1]
    assert buttons == sample("send-utility-buttons")["request"]["body"]["message"]["template"]["components"][1]
    assert "index" not in json.dumps(named) + json.dumps(buttons)


def test_buttons_and_quick_replies_have_the_recorded_shape() -> None:
    recorded = sample("send-template-button")["request"]["body"]["message"]["attachment"]
    question = Choice(P("Your ticket for 4 December is ready."), (reply("Train status", "STATUS:RE4711"),))
    ours = body(question)["message"]["attachment"]
    buttons = recorded["payload"].pop("buttons")
    assert ours["payload"].pop("buttons") == [buttons[1]]
    assert ours == recorded
    replies = sample("send-text-quick-replies")["request"]["body"]["message"]["quick_replies"]
    long = Choice(P("What would you like to do? " * 30), (reply("Show my ticket", "TICKET_SHOW:bk_7Q2M"),))
    assert body(long)["message"]["quick_replies"] == replies[:1]


@pytest.mark.parametrize("name", names("send"))
def test_the_recorded_answer_is_accepted_with_its_id(name: str) -> None:
    response = sample(name)["response"]
    result = CONNECTOR.classify(answer(response))
    if "error" in response["body"]:
        assert name == "send-text-dead-message-tag"
        assert result.outcome is Outcome.REJECTED
        return
    assert result.outcome is Outcome.ACCEPTED
    assert (result.channel_id.reveal() if result.channel_id else None) == response["body"].get("message_id")
    person = response["body"].get("recipient_id")
    assert [one.value.reveal() for one in result.recipient] == ([person] if person else [])


def test_a_file_is_uploaded_as_recorded() -> None:
    file = FilePart(name="file", filename="ticket-bk_7Q2M.pdf", mime="application/pdf", data=b"x" * 48213)
    request = CONNECTOR.render_upload(SENDER, file)
    assert (request.method, request.path) == ("POST", f"/v25.0/{PAGE}/message_attachments")
    recorded = {part["name"]: part for part in sample("send-file-multipart")["request"]["parts"]}
    assert request.form == {"message": recorded["message"]["value"]}
    assert request.file is not None
    assert (request.file.name, request.file.filename, request.file.mime) == ("filedata", file.filename, file.mime)
    uploaded = CONNECTOR.classify(answer(sample("api-attachment-upload-url")["response"]))
    assert uploaded.channel_id == P("1203948576102938")


def test_a_speaker_is_made_as_recorded() -> None:
    recorded = sample("api-persona-create")
    request = CONNECTOR.render_speaker(SENDER, "Mara K.")
    assert request is not None
    assert (request.method, request.path) == ("POST", path_of(recorded["request"]["url"]))
    assert request.body == {"name": recorded["request"]["body"]["name"]}
    assert CONNECTOR.classify(answer(recorded["response"])).channel_id == MARA


def test_a_thread_is_taken_as_recorded() -> None:
    recorded = sample("api-thread-take")
    request = CONNECTOR.render_take_over(SENDER, [(one.kind, one.value) for one in ANN])
    assert request is not None
    assert (request.method, request.path) == ("POST", path_of(recorded["request"]["url"]))
    assert request.body == {"recipient": recorded["request"]["body"]["recipient"]}
    assert CONNECTOR.classify(answer(recorded["response"])).outcome is Outcome.ACCEPTED


def test_an_answer_that_cannot_be_read_is_uncertain() -> None:
    for given in (b"", b"<html>fine</html>", b"[]", b"{}", b'{"message_id":null}'):
        assert CONNECTOR.classify(RawResponse(200, {}, given)).outcome is Outcome.UNCERTAIN


def test_no_message_tag_but_that_of_a_person_is_written_anywhere() -> None:
    # Put together here, so that a search for them finds nothing at all.
    ended = [f"{first}_UPDATE" for first in ("CONFIRMED_EVENT", "POST_PURCHASE", "ACCOUNT")]
    ended += ["NON_PROMOTIONAL" + "_SUBSCRIPTION", "CUSTOMER" + "_FEEDBACK"]
    root = Path(__file__).parents[2]
    sources = {
        path: path.read_text(encoding="utf-8") for name in ("connectors", "gateway") for path in (root / name).rglob("*.py")
    }
    assert len(sources) > 100
    assert [(path.name, name) for path, text in sources.items() for name in ended if re.search(rf"\b{name}\b", text)] == []
    assert [path.name for path, text in sources.items() if '"HUMAN_AGENT"' in text] == ["render.py"]
