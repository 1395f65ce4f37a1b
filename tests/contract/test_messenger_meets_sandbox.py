"""The connector and the sandbox were written apart from the same facts: here they speak with each other over HTTP.

What every content looks like to the sandbox, what the connector makes of its refusals, and what it reads in its webhooks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest_asyncio
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from connectors.messenger import MessengerConnector
from connectors.meta.graph import Graph
from gateway.connector import (
    ArrivalEvent,
    BadItem,
    EchoEvent,
    EditEvent,
    FilePart,
    Holder,
    InboundKind,
    MessageEvent,
    Outcome,
    ReceiptEvent,
    Sender,
    SendResult,
    StatusEvent,
    ThreadEvent,
    UnknownEvent,
)
from gateway.model.ids import MessageId, SenderId
from gateway.model.message import (
    Button,
    ButtonKind,
    Content,
    DeliveryStatus,
    MarkRead,
    Media,
    OutboundMessage,
    Reaction,
    Template,
    Text,
)
from gateway.model.personal import Personal as P
from gateway.model.personal import Secret
from sandbox.app import make_app
from sandbox.config import SandboxConfig
from tests.contract.channels import MESSENGER
from tests.contract.channels.contents import CONTENTS
from tests.support.waiting import wait_until

PAGE, ANN, DAY_MS = "141421356237301", "447700900123", 86_400_000
CONFIG = SandboxConfig(
    port=0,
    data_dir=":memory:",
    seed=7,
    review_ms=20,
    sent_delay_ms=(1, 5),
    delivered_delay_ms=(1, 5),
    failed_delay_ms=(1, 5),
    auto_read_ms=20,
    webhook_timeout_s=2.0,
)
DELAY = {
    "name": "train_delay",
    "language": "nl",
    "category": "UTILITY",
    "parameter_format": "NAMED",
    "components": [
        {
            "type": "BODY",
            "text": "Uw trein rijdt ongeveer {{minutes}} minuten later dan gepland, vanaf hetzelfde spoor.",
            "example": {"body_text_named_params": [{"param_name": "minutes", "example": "25"}]},
        },
        {"type": "BUTTONS", "buttons": [{"type": "POSTBACK", "text": "OK", "payload": "{{1}}"}]},
    ],
}


@dataclass
class Stage:
    """A Page, somebody who wrote to it, and all that its webhooks told, read by the connector."""

    connector: MessengerConnector
    sender: Sender
    http: ClientSession
    base: str
    psid: str = ""
    raws: list[bytes] = field(default_factory=list)
    sent: int = 0

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, f"{self.base}/sandbox/{path}", json=body) as reply:
            assert reply.status < 300, await reply.text()
            return await reply.json()

    async def say(self, body: dict[str, Any]) -> Any:
        return await self.control("POST", f"handsets/{ANN}/say", {"page_id": PAGE, **body})

    async def forward(self, ms: int) -> None:
        now = await self.control("GET", "clock")
        await self.control("PUT", "clock", {"offset_ms": now["offset_ms"] + ms})

    async def send(self, content: Content, **more: Any) -> SendResult:
        self.sent += 1
        recipient = more.pop("recipient", (("psid", P(self.psid)),))
        message = OutboundMessage(MessageId(f"m07{self.sent:019d}"), 1, self.sender.id, recipient, content, **more)
        return self.connector.classify(await self.connector.send(self.connector.render(message, self.sender)))

    def heard(self) -> list[Any]:
        return [event for raw in self.raws for event in self.connector.parse_webhook(raw)]

    async def hear(self, true: Callable[[Any], bool]) -> Any:
        found = await wait_until(lambda: [event for event in self.heard() if true(event)])
        return found[-1]


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    raws: list[bytes] = []
    signed: list[bool] = []

    async def hook(request: web.Request) -> web.Response:
        raw = await request.read()
        signed.append(probe.verify(dict(request.headers), raw, [Secret(CONFIG.app_secret)]))
        raws.append(raw)
        return web.Response()

    async def handshake(request: web.Request) -> web.Response:
        challenge = probe.verify_handshake(dict(request.query), Secret(CONFIG.verify_token))
        return web.Response(status=403) if challenge is None else web.Response(text=challenge)

    probe = MessengerConnector(Graph("http://127.0.0.1:9"))
    receiver = web.Application()
    receiver.router.add_post("/hook", hook)
    receiver.router.add_get("/hook", handshake)
    ear = TestServer(receiver)
    await ear.start_server()
    sandbox = TestServer(make_app(replace(CONFIG, page_webhook_url=str(ear.make_url("/hook")))))
    await sandbox.start_server()
    base = str(sandbox.make_url("")).rstrip("/")
    sender = Sender(SenderId("pg"), "messenger", "polderwind", {"page_id": PAGE}, PAGE, Secret(CONFIG.token))
    connector = MessengerConnector(Graph(base), app_id=CONFIG.app_id)
    async with ClientSession() as http:
        made = Stage(connector, sender, http, base, raws=raws)
        await made.control("POST", "handsets", {"address": ANN, "name": "Ann Example"})
        await made.say({"text": "hi"})
        made.psid = (await made.control("GET", f"handsets/{ANN}"))["psids"][PAGE]
        await made.hear(lambda event: isinstance(event, MessageEvent))
        yield made
    await connector.close()
    await sandbox.close()
    await ear.close()
    assert all(signed)
    assert not [event for raw in raws for event in connector.parse_webhook(raw) if isinstance(event, BadItem | UnknownEvent)]


async def test_every_content_that_is_rendered_is_taken(stage: Stage) -> None:
    async with stage.http.post(
        f"{stage.base}/v25.0/{PAGE}/message_templates", json=DELAY, headers={"Authorization": f"Bearer {CONFIG.token}"}
    ) as reply:
        assert reply.status == 200, await reply.text()
    uploaded = await stage.connector.send(
        stage.connector.render_upload(stage.sender, FilePart("f", "pass.pdf", "application/pdf", b"%PDF-1.7 x"))
    )
    media_id = stage.connector.classify(uploaded).channel_id
    assert media_id is not None
    theirs = (await stage.hear(lambda event: isinstance(event, MessageEvent))).channel_id
    speakers = stage.connector.render_speaker(stage.sender, "Mara")
    assert speakers is not None
    speaker = stage.connector.classify(await stage.connector.send(speakers)).channel_id
    for name, content in CONTENTS.items():
        if name in MESSENGER.refuses:
            continue
        if name == "a template":
            result = await approved(stage, content)
        elif isinstance(content, Media):
            result = await stage.send(replace(content, media_id=media_id), answering=True)
        elif isinstance(content, Reaction | MarkRead):
            result = await stage.send(replace(content, channel_message_id=theirs))
        else:
            result = await stage.send(content, answering=True, speaker=speaker, reply_to=theirs)
        assert (name, result.outcome, result.detail) == (name, Outcome.ACCEPTED, "")
        assert [one.value for one in result.recipient] == [P(stage.psid)]


async def approved(stage: Stage, content: Content) -> SendResult:
    """The template is reviewed in a moment."""

    async def decided() -> SendResult | None:
        result = await stage.send(content)
        return None if result.template_problem else result

    result = await wait_until(decided)
    assert isinstance(result, SendResult)
    return result


async def test_a_message_is_echoed_delivered_and_read(stage: Stage) -> None:
    result = await stage.send(Text(P("Zoë 🚆")), answering=True)
    echo = await stage.hear(lambda event: isinstance(event, StatusEvent) and event.status is DeliveryStatus.SENT)
    assert (echo.channel_id, echo.opaque) == (result.channel_id, f"m07{1:019d}.1.pg")
    delivered = await stage.hear(lambda event: isinstance(event, ReceiptEvent) and event.status is DeliveryStatus.DELIVERED)
    await stage.control("POST", f"handsets/{ANN}/open", {"page_id": PAGE})
    read = await stage.hear(lambda event: isinstance(event, ReceiptEvent) and event.status is DeliveryStatus.READ)
    for receipt in (delivered, read):
        assert receipt.until_ms >= echo.at_ms
        assert receipt.identifiers[0].value == P(stage.psid)


async def test_what_a_person_does_is_read_as_they_did_it(stage: Stage) -> None:
    ours = (await stage.send(Text(P("Hello")), answering=True)).channel_id
    assert ours is not None
    said = await stage.say({"text": "Is it late?", "reply_to": ours.reveal()})
    event = await stage.hear(lambda one: isinstance(one, MessageEvent) and one.text == P("Is it late?"))
    assert event.answers == ours
    await stage.say({"reaction": {"bubble": ours.reveal(), "emoji": "👍"}})
    liked = await stage.hear(lambda one: isinstance(one, MessageEvent) and one.kind is InboundKind.REACTION)
    assert (liked.text, liked.answers) == (P("👍"), ours)
    await stage.say({"edit": {"bubble": said["bubble"]["id"], "text": "Is it very late?"}})
    edit = await stage.hear(lambda one: isinstance(one, EditEvent))
    assert (edit.channel_id, edit.text, edit.edits) == (P(said["bubble"]["id"]), P("Is it very late?"), 1)


async def test_a_button_comes_back_with_its_payload(stage: Stage) -> None:
    asked = await stage.send(CONTENTS["a choice"], answering=True)
    assert asked.channel_id is not None
    await stage.say({"button": {"bubble": asked.channel_id.reveal(), "index": 1}})
    pressed = await stage.hear(lambda one: isinstance(one, MessageEvent) and one.kind is InboundKind.BUTTON)
    assert (pressed.text, pressed.payload) == (P("No"), "no")
    listed = await stage.send(CONTENTS["a list"], answering=True)
    assert listed.channel_id is not None
    await stage.say({"quick_reply": {"bubble": listed.channel_id.reveal(), "index": 0}})
    chosen = await stage.hear(lambda one: isinstance(one, MessageEvent) and one.payload == "b1")
    assert (chosen.kind, chosen.text) == (InboundKind.BUTTON, P("Station"))


async def test_a_link_in_brings_its_token(stage: Stage) -> None:
    link = stage.connector.link_in(stage.sender, "bkt_Xt5-pQ8_2Lw=", "")
    assert link is not None
    await stage.control("POST", f"handsets/{ANN}/say", {"link": link})
    arrived = await stage.hear(lambda one: isinstance(one, ArrivalEvent))
    assert (arrived.referral, arrived.source) == (P("bkt_Xt5-pQ8_2Lw="), "SHORTLINK")


async def test_a_file_they_send_is_fetched_without_the_token(stage: Stage) -> None:
    await stage.say({"image": {"data": "cGljdHVyZQ==", "mime": "image/jpeg"}})
    event = await stage.hear(lambda one: isinstance(one, MessageEvent) and one.kind is InboundKind.MEDIA)
    request = stage.connector.render_media_lookup(stage.sender, event.media.channel_media_id)
    assert not request.token
    answer = await stage.connector.send(request)
    assert (answer.status, answer.body) == (200, b"picture")


async def test_after_a_day_only_a_person_or_a_template_may_write(stage: Stage) -> None:
    await stage.forward(DAY_MS + 1000)
    late = await stage.send(Text(P("x")))
    assert (late.outcome, late.window_closed) == (Outcome.REJECTED, True)
    assert (await stage.send(Text(P("x")), by_person=True)).outcome is Outcome.ACCEPTED
    await stage.control("PUT", f"pages/{PAGE}", {"human_agent": False})
    unable = await stage.send(Text(P("x")), by_person=True)
    assert (unable.outcome, unable.lacks) == (Outcome.REJECTED, "person_window")
    missing = await stage.send(Template("never_approved", "nl"))
    assert (missing.outcome, missing.template_problem) == (Outcome.REJECTED, True)
    await stage.control("PUT", f"pages/{PAGE}", {"utility": False})
    region = await stage.send(Template("never_approved", "nl"))
    assert (region.outcome, region.lacks) == (Outcome.REJECTED, "templates")


async def test_a_thread_that_another_program_holds_is_told_and_taken_back(stage: Stage) -> None:
    await stage.control("PUT", f"pages/{PAGE}", {"default_app": "ours"})
    await stage.control("POST", f"pages/{PAGE}/inbox", {"address": ANN, "text": "Mara here"})
    echo = await stage.hear(lambda one: isinstance(one, EchoEvent))
    assert (echo.text, echo.person) == (P("Mara here"), True)
    taken = await stage.hear(lambda one: isinstance(one, ThreadEvent))
    assert taken.holder is Holder.OTHER
    held = await stage.send(Text(P("x")), answering=True)
    assert (held.outcome, held.held_elsewhere) == (Outcome.REJECTED, True)
    await stage.say({"text": "anybody?"})
    heard = await stage.hear(lambda one: isinstance(one, MessageEvent) and one.text == P("anybody?"))
    assert heard.standby
    request = stage.connector.render_take_over(stage.sender, (("psid", P(stage.psid)),))
    assert request is not None
    assert stage.connector.classify(await stage.connector.send(request)).outcome is Outcome.ACCEPTED
    assert (await stage.send(Text(P("x")), answering=True)).outcome is Outcome.ACCEPTED


async def test_people_who_are_not_there_and_tokens_that_are_dead_are_told_apart(stage: Stage) -> None:
    stranger = await stage.send(Text(P("x")), recipient=(("psid", P("99999999999999999")),))
    assert stranger.outcome is Outcome.UNREACHABLE
    await stage.control("POST", "handsets", {"address": ANN, "blocked_business": True})
    assert (await stage.send(Text(P("x")))).outcome is Outcome.UNREACHABLE
    stage.sender = replace(stage.sender, token=Secret("somebody-elses-token"))
    assert (await stage.send(Text(P("x")))).outcome is Outcome.SENDER_PAUSED


def test_the_template_of_these_tests_has_the_button_that_is_sent() -> None:
    content = CONTENTS["a template"]
    assert isinstance(content, Template)
    assert content.buttons == (Button(ButtonKind.REPLY, "OK", payload="ok"),)
