"""Every send-* sample: our rendering of an equal content gives its request, and its answer is read as accepted.

Tolerances, each of them documented by Meta as equal: an absent preview_url is false; our callback data replaces the
sample's; positional parameters and header links stand in samples of templates that we write with names and media ids;
of a phone number and a user id together only the phone number counts.
"""

from __future__ import annotations

from typing import Any

import pytest

from gateway.connector import FilePart, Outcome, RawResponse
from gateway.model.ids import MessageId, SenderId
from gateway.model.message import (
    Button,
    ButtonKind,
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
    Template,
    Text,
)
from gateway.model.personal import Personal as P
from tests.contract.whatsapp_samples import CONNECTOR, SENDER, answer, names, sample

PHONE = (("phone", P("+447700900123")),)
USER = (("user_id", P("GB.66120937485561920374")),)
BOTH = (("user_id", P("GB.66120937485561920374")), ("phone", P("+447700900321")))
PNG = Document(ref="r1", mime="image/png", filename="seat-map.png")
WAMID = "wamid.HBgMNDQ3NzAwOTAwMTIzFQIAEhgUM0EwNDQzQjQwQUVENTIyOTVBQkIA"
REPLY_TO = "wamid.HBgMNDQ3NzAwOTAwMTIzFQIAEhgUM0E2MEI5RDA4Q0UxRDVEQUQ4NEIA"


def reply(payload: str, label: str) -> Button:
    return Button(ButtonKind.REPLY, label, payload=payload)


RENDERED: dict[str, Content] = {
    "send-text": Text(P("Your appointment is confirmed for Tuesday at 10:00.")),
    "send-text-preview-url": Text(P("Directions: https://clinic.example.com/find-us"), preview_url=True),
    "send-text-reply-context": Text(P("Yes, the Tuesday one.")),
    "send-text-to-bsuid": Text(P("Hello Dan, thanks for writing.")),
    "send-text-to-phone-and-bsuid": Text(P("The phone number wins.")),
    "send-image-by-id": Media(PNG, caption=P("Your seat map"), media_id=P("1003000000167269")),
    "send-document": Media(
        Document("r2", "application/pdf", "памятка.pdf"), P("Please read before the visit"), P("1003000000180002")
    ),
    "send-interactive-buttons": Choice(
        body=P("Which time suits you?"),
        buttons=(reply("slot-1", "Tue 10:00"), reply("slot-2", "Wed 14:30"), reply("slot-0", "Neither")),
        header=P("Choose a slot"),
        footer=P("Example Clinic"),
    ),
    "send-interactive-buttons-image-header": Choice(
        body=P("Is this your parcel?"),
        buttons=(reply("y", "Yes"), reply("n", "No")),
        header_document=PNG,
        media_id=P("1003000000210137"),
    ),
    "send-interactive-cta-url": Link(
        P("Track your order here."), "Track order", P("https://shop.example.com/t/5512?k=a1b2")
    ),
    "send-interactive-list": ChoiceList(
        body=P("Where shall we see you?"),
        button="Show branches",
        sections=(
            ("Centre", (ListRow("branch-1", "High Street", "Open until 18:00"), ListRow("branch-2", "Station"))),
            ("South", (ListRow("branch-3", "Riverside", "Open until 20:00"),)),
        ),
        header=P("Branches"),
        footer=P("Example Clinic"),
    ),
    "send-location": Location(51.50722, -0.1275, "Sample Clinic", "1 Sample Street, London"),
    "send-reaction": Reaction(P(WAMID), "👍"),
    "send-reaction-remove": Reaction(P(WAMID), ""),
    "send-mark-as-read": MarkRead(P(WAMID)),
    "send-typing-indicator": MarkRead(P(WAMID), typing=True),
    "send-template-no-params": Template("hello_world", "en_US"),
    "send-template-body-named": Template(
        "order_update",
        "en_GB",
        body_parameters={"first_name": P("Ann"), "delivery_day": P("Friday")},
        header_parameters={"order_number": P("5512")},
    ),
    "send-template-body-positional": Template(
        "appointment_reminder", "en_GB", body_parameters={"a": P("Ann"), "b": P("Tuesday 24 November, 10:00")}
    ),
    "send-template-image-header-quick-replies": Template(
        "autumn_course",
        "en_GB",
        body_parameters={"name": P("Ann")},
        header_document=PNG,
        media_id=P("1003000000161682"),
        buttons=(reply("course:yes", "Yes"), reply("course:stop", "Stop")),
    ),
    "send-template-document-header-url-button": Template(
        "invoice_ready",
        "en_GB",
        body_parameters={"a": P("5512"), "b": P("£42.00")},
        header_document=Document("r3", "application/pdf", "invoice-5512.pdf"),
        media_id=P("1003000000180002"),
        buttons=(Button(ButtonKind.URL, "Open", url="https://files.example.com/{{1}}", url_suffix="inv-5512"),),
    ),
}

# What the gateway never says: kinds it has no content for, or that belong to management. Their answers are read all
# the same.
NOT_SPOKEN = {
    "send-audio-file",
    "send-audio-voice-note",
    "send-contacts",
    "send-direct-send-utility-beta",
    "send-group-create",
    "send-group-pin",
    "send-image-by-link",
    "send-interactive-flow",
    "send-interactive-location-request",
    "send-interactive-product",
    "send-interactive-request-contact-info",
    "send-interactive-voice-call",
    "send-media-delete",
    "send-sticker",
    "send-template-authentication-code",
    "send-template-copy-code",
    "send-template-create",
    "send-template-flow-button",
    "send-template-group-invite",
    "send-template-limited-time-offer",
    "send-template-list",
    "send-template-location-header",
    "send-template-video-header",
    "send-text-to-group",
    "send-video",
}
MEDIA_CALLS = {"send-media-upload", "send-media-get-url"}


def message(name: str, content: Content) -> OutboundMessage:
    recipient = {"send-text-to-bsuid": USER, "send-text-to-phone-and-bsuid": BOTH}.get(name, PHONE)
    return OutboundMessage(
        id=MessageId("m07abcdefghjkmnpqrstvw"),
        attempt=2,
        sender=SenderId("zz"),
        recipient=recipient,
        content=content,
        reply_to=P(REPLY_TO) if name == "send-text-reply-context" else None,
    )


def tolerant(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what the module's text says is equal."""
    kept = {key: value for key, value in body.items() if key != "biz_opaque_callback_data"}
    if "to" in kept:
        kept.pop("recipient", None)
    if kept.get("text", {}).get("preview_url") is False:
        kept["text"] = {"body": kept["text"]["body"]}
    for component in kept.get("template", {}).get("components", []):
        if component["type"] == "body":
            for parameter in component["parameters"]:
                parameter.pop("parameter_name", None)
        for parameter in component["parameters"]:
            if "document" in parameter:
                parameter["document"].pop("id", None)
                parameter["document"].pop("link", None)
    return kept


def test_every_send_sample_is_in_one_of_the_tables() -> None:
    assert set(names("send")) == set(RENDERED) | NOT_SPOKEN | MEDIA_CALLS


@pytest.mark.parametrize("name", RENDERED)
def test_our_rendering_gives_the_recorded_request(name: str) -> None:
    request = CONNECTOR.render(message(name, RENDERED[name]), SENDER)
    recorded = sample(name)["request"]
    assert (request.method, request.path) == (recorded["method"], recorded["path"])
    assert request.body is not None
    assert tolerant(dict(request.body)) == tolerant(recorded["body"])


@pytest.mark.parametrize("name", RENDERED)
def test_callback_data_goes_with_every_message_but_not_with_a_read_receipt(name: str) -> None:
    content = RENDERED[name]
    body = CONNECTOR.render(message(name, content), SENDER).body
    assert body is not None
    expected = None if isinstance(content, MarkRead) else "m07abcdefghjkmnpqrstvw.2.zz"
    assert body.get("biz_opaque_callback_data") == expected


def test_a_named_template_keeps_its_parameter_names() -> None:
    name = "send-template-body-named"
    body = CONNECTOR.render(message(name, RENDERED[name]), SENDER).body
    assert body is not None
    assert body["template"] == sample(name)["request"]["body"]["template"]


@pytest.mark.parametrize("name", names("send"))
def test_the_recorded_answer_is_accepted_with_its_id(name: str) -> None:
    response = sample(name)["response"]
    body = response["body"]
    result = CONNECTOR.classify(answer(response))
    messages = body.get("messages")
    expected = messages[0]["id"] if messages else body.get("id")
    if expected is None and body.get("success") is not True:
        # Answers of management calls that are no sends: a list, a request id.
        assert name in {"send-template-list", "send-group-create"}
        assert result.outcome is Outcome.UNCERTAIN
        return
    assert result.outcome is Outcome.ACCEPTED
    assert (result.channel_id.reveal() if result.channel_id else None) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("send-text", [("phone", "+447700900123")]),
        ("send-text-to-bsuid", [("user_id", "GB.66120937485561920374")]),
        ("send-text-to-phone-and-bsuid", [("phone", "+447700900321")]),
        ("send-text-to-group", []),
        ("send-mark-as-read", []),
    ],
)
def test_the_answer_names_the_person(name: str, expected: list[tuple[str, str]]) -> None:
    result = CONNECTOR.classify(answer(sample(name)["response"]))
    assert [(known.kind, known.value.reveal()) for known in result.recipient] == expected


def test_a_message_held_for_quality_is_accepted_but_held() -> None:
    held = CONNECTOR.classify(answer(sample("send-template-image-header-quick-replies")["response"]))
    sent = CONNECTOR.classify(answer(sample("send-template-body-named")["response"]))
    assert (held.outcome, held.held) == (Outcome.ACCEPTED, True)
    assert (sent.outcome, sent.held) == (Outcome.ACCEPTED, False)


def test_a_file_is_uploaded_as_recorded() -> None:
    file = FilePart(name="file", filename="seat-map.png", mime="image/png", data=b"x" * 48211)
    request = CONNECTOR.render_upload(SENDER, file)
    recorded = sample("send-media-upload")["request"]
    assert (request.method, request.path) == (recorded["method"], recorded["path"])
    assert request.file is not None
    parts: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in request.form.items()]
    parts.append(
        {
            "name": request.file.name,
            "filename": request.file.filename,
            "content_type": request.file.mime,
            "size": len(request.file.data),
        }
    )
    assert parts == recorded["multipart"]


def test_a_file_is_looked_up_and_fetched_as_recorded() -> None:
    recorded = sample("send-media-get-url")
    request = CONNECTOR.render_media_lookup(SENDER, P("1003000000243721"))
    assert (request.method, request.path) == (recorded["request"]["method"], recorded["request"]["path"])
    download = CONNECTOR.render_media_download(SENDER, answer(recorded["response"]))
    assert (download.method, download.path) == ("GET", recorded["response"]["body"]["url"])
    assert download.wants_bytes


def test_an_answer_that_cannot_be_read_is_uncertain() -> None:
    for body in (b"", b"<html>fine</html>", b"[]", b'{"messages":[]}', b'{"messages":[{}]}'):
        assert CONNECTOR.classify(RawResponse(200, {}, body)).outcome is Outcome.UNCERTAIN
