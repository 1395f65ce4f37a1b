"""A helpdesk of somebody else's on a whole house: it lives by webhooks and the API alone, and the customer's phone is real."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.model.ids import ConversationId
from gateway.store import keys
from tests.integration.test_media_path import PDF, sent
from tests.integration.test_outgoing import SECRET, Receiver
from tests.support.house import House, house_running
from tests.support.waiting import wait_until
from tests.unit.test_filetypes import picture

EVA = "+447700900123"
PLAN = "brands: {zz: {queues: [{name: general, desk: external}, {name: ours}]}}"
PRICES = """\
channel: whatsapp
currency: EUR
lists:
  - valid_from: 2025-01-01
    source: tests
    confidence: own
    prices: {GB: {service: 0.01, utility: 0.02, marketing: 0.10}}
"""


@dataclass
class Helpdesk:
    """Another program: what it was told, and its key."""

    house: House
    receiver: Receiver
    key: str

    async def told(self, of_type: str, **known: Any) -> dict[str, Any]:
        """The data of the first webhook of a type with these values, waited for."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            those = [one["data"] for one in self.receiver.verified() if one["type"] == of_type]
            found[:] = [one for one in those if all(one[name] == value for name, value in known.items())]
            return bool(found)

        await wait_until(there, timeout=20)
        return found[0]

    async def ask(self, method: str, path: str, body: Any = None, once: str = "k", **headers: str) -> tuple[int, Any]:
        assert self.house.http is not None
        given = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": once, **headers}
        content: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.house.http.request(
            method, f"{self.house.internal}/v1/conversations{path}", headers=given, **content
        ) as answer:
            whole = await answer.read()
            return answer.status, json.loads(whole) if "json" in answer.content_type else whole

    async def price(self, path: str, **known: str | None) -> None:
        """Wait until what a message cost is known like this."""

        async def there() -> bool:
            price = (await self.ask("GET", path))[1]["price"] or {}
            return all(price.get(name) == value for name, value in known.items())

        await wait_until(there, timeout=20)


@pytest.fixture
async def helpdesk(tmp_path: Path) -> AsyncIterator[Helpdesk]:
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "whatsapp.yaml").write_text(PRICES)
    (tmp_path / "webcare.yaml").write_text(PLAN)
    receiver = Receiver()
    await receiver.start()
    more = {
        "GATEWAY_WEBCARE": str(tmp_path / "webcare.yaml"), "GATEWAY_PRICES_DIR": str(tmp_path / "prices"),
        "GATEWAY_WEBHOOK_TARGETS": receiver.url, "GATEWAY_WEBHOOK_SECRET": SECRET,
    }  # fmt: skip
    try:
        async with house_running(tmp_path / "data", **more) as house:
            asked = {"name": "helpdesk", "scopes": ["desk"], "rights": ["agent@zz/general"]}
            status, made = await house.post("/v1/keys", asked)
            assert status == 201, made
            yield Helpdesk(house, receiver, made["key"])
    finally:
        await receiver.close()


@pytest.mark.long
async def test_a_day_of_a_conversation_that_another_program_answers(helpdesk: Helpdesk) -> None:
    house, ask, told = helpdesk.house, helpdesk.ask, helpdesk.told
    await house.handset(EVA, "Eva Jansen")
    await house.says(EVA, text="my bag is torn")
    opened = await told("conversation.opened")
    assert (opened["queue"], opened["desk"], opened["state"], opened["epoch"]) == ("zz/general", "external", "queued", 1)
    at = f"/{opened['conversation_id']}"
    words = await told("message.received", kind="text")
    assert (await ask("GET", f"{at}/messages/{words['message_id']}"))[1]["text"] == "my bag is torn"
    await house.says(EVA, image=sent(picture("JPEG"), "image/jpeg"))
    shown = await told("message.received", kind="image")
    assert (await told("conversation.media"))["media_id"] == shown["media_id"]
    status, file = await ask("GET", f"{at}/files/{shown['media_id']}")
    assert (status, file[:2]) == (200, b"\xff\xd8")

    # a claim, and an answer with a file, twice under one key
    status, taken = await ask("POST", f"{at}/take", {"epoch": 1}, "take")
    assert (status, taken["epoch"], taken["desk"]) == (200, 2, "external")
    assert (await told("conversation.assigned"))["agent"] == taken["agent"]
    kind = {"Content-Type": "application/pdf", "X-File-Name": "claim.pdf"}
    status, kept = await ask("POST", f"{at}/files", PDF, "f1", **kind)
    assert status == 201
    reply = {"epoch": 2, "text": "please fill this in", "file": kept["file"], "as": "Kim de Boer"}
    first = (await ask("POST", f"{at}/reply", reply, "r1"))[1]
    assert (await ask("POST", f"{at}/reply", reply, "r1"))[1]["message"] == first["message"]
    assert (await told("message.delivered", message_id=first["message"]))["conversation_id"] == opened["conversation_id"]
    assert [(one["type"], one.get("body")) for one in await house.received(EVA)] == [("document", "please fill this in")]
    # free by the channel's own word, where the list says otherwise
    await helpdesk.price(f"{at}/messages/{first['message']}", currency="EUR", expected="0.01", charged="0.00")
    status, stale = await ask("POST", f"{at}/reply", {"epoch": 1, "text": "too late"}, "r2")
    assert (status, stale["code"], stale["epoch"]) == (409, "owner_changed", 2)
    assert (await ask("POST", f"{at}/reply", {**reply, "text": "other words"}, "r1"))[1]["code"] == "key_reused"
    assert (await ask("POST", f"{at}/note", {"text": "has an old claim too"}, "n1"))[0] == 200
    note = await told("message.added", kind="note")
    assert (await ask("GET", f"{at}/messages/{note['message_id']}"))[1]["text"] == "has an old claim too"

    # an answer that does not arrive
    await house.fault("late_failed", times=1)
    lost = (await ask("POST", f"{at}/reply", {"epoch": 2, "text": "did it open?"}, "r3"))[1]["message"]
    undelivered = await told("conversation.undelivered", message_id=lost)
    assert (undelivered["reason"], undelivered["epoch"], bool(undelivered["sentence"])) == ("failed_at_channel", 2, True)
    assert (await told("message.failed", message_id=lost))["reason"] == "failed_at_channel"
    line = (await ask("GET", f"{at}/messages/{lost}"))[1]
    assert (line["status"], bool(line["status_detail"])) == ("failed", True)
    assert (await ask("POST", f"{at}/leave", {"epoch": 2, "message": lost}, "l1"))[0] == 200

    # with the window shut only a template goes
    await window_shut(house, opened["conversation_id"])
    assert (await ask("POST", f"{at}/reply", {"epoch": 2, "text": "still there?"}, "r4"))[1]["code"] == "window_closed"
    offered = [one["name"] for one in (await ask("GET", f"{at}/templates"))[1]["templates"]]
    assert "desk_follow_up" in offered
    template = {"name": "desk_follow_up", "values": {"words": "your claim is paid."}}
    paid = (await ask("POST", f"{at}/reply", {"epoch": 2, "template": template}, "r5"))[1]["message"]
    assert "your claim is paid." in json.dumps(await house.told(EVA, "desk_follow_up_v1"))
    await helpdesk.price(f"{at}/messages/{paid}", currency="EUR", expected="0.02", charged="0.02")

    assert (await ask("POST", f"{at}/finish", {"epoch": 2, "reason": "seat", "inbound": 2}, "end"))[0] == 200
    assert (await told("conversation.resolved"))["reason"] == "seat"
    phone = json.dumps(await house.phone(EVA))
    assert not [text for text in ("too late", "other words", "still there?") if text in phone], "refused, and not sent"
    numbers = [one["data"]["sequence"] for one in helpdesk.receiver.verified() if "sequence" in one["data"]]
    assert len(set(numbers)) == len(numbers)
    everything = b"".join(body for _, body in helpdesk.receiver.got).decode()
    assert not [word for word in ("torn", "Jansen", EVA[1:], "claim", "Kim") if word in everything]


async def window_shut(house: House, conversation: str) -> None:
    """As if they had last written yesterday."""
    assert house.runtime is not None
    one = await house.runtime.conversations.get(ConversationId(conversation))
    redis: Any = house.runtime.connection.redis
    long_ago = house.runtime.clock.now_ms() - 25 * 3600_000
    await redis.hset(keys.of(one.contact, "f"), f"w:{one.sender}:{one.address}", long_ago)
