"""The bytes of a webhook, its signature, its retries, and everything that can be made to go wrong with it."""

from __future__ import annotations

import asyncio
import json
import time
from functools import partial
from typing import Any

import pytest
from sandbox_box import ANN, PHONE, Box, BoxMaker, sample, wait_until

from sandbox.webhooks import gap_ms, signature, wire

DAY_MS = 86_400_000


def test_wire_form_is_ascii_with_lower_case_escapes_and_escaped_slashes() -> None:
    raw = wire({"a": "äöå/Ж", "b": "👋🏽 \"q\"", "c": "line\n<é>"})
    assert raw == (b'{"a":"\\u00e4\\u00f6\\u00e5\\/\\u0416","b":"\\ud83d\\udc4b\\ud83c\\udffd \\"q\\"",'
                   b'"c":"line\\n<\\u00e9>"}')
    assert json.loads(raw) == {"a": "äöå/Ж", "b": "👋🏽 \"q\"", "c": "line\n<é>"}


@pytest.mark.parametrize(("text", "digest"), [
    ("plain", "4830663f1d543f65c5a4c446775b24b65166b983962a20096f37347821f126dd"),
    ("Zoë 🌿 a/b", "e57829c2477e6cab754dd2e591d087bf7df17341bb9eb2ba8e2f8e7db3688b62"),
])
def test_signature_is_hmac_of_exactly_these_bytes(text: str, digest: str) -> None:
    """The digests were made with ``openssl dgst -sha256 -hmac secret`` over the bytes."""
    assert signature("secret", wire({"text": text})) == "sha256=" + digest


def tried(box: Box, tries: int) -> bool:
    return len(box.receiver.times) == tries == box.world.store.count("SELECT attempts FROM webhooks")


def again_or_gone(box: Box, before: int) -> bool:
    return len(box.receiver.times) > before or box.world.store.count("SELECT COUNT(*) FROM webhooks") == 0


async def test_webhook_that_is_not_answered_with_200_comes_again_with_growing_gaps(box: Box) -> None:
    await box.handset()
    box.receiver.answers = [500, 204, 301]
    await box.say(ANN, {"text": "hello"})
    for tries in (1, 2, 3):
        await wait_until(partial(tried, box, tries))
        assert not box.receiver.bodies
        await box.forward(gap_ms(tries))
    await wait_until(lambda: box.receiver.messages())
    await wait_until(lambda: box.world.store.count("SELECT COUNT(*) FROM webhooks") == 0)
    assert [gap_ms(n) for n in (1, 2, 3)] == [1_000, 3_000, 9_000]


async def test_webhook_is_given_up_after_seven_days(box: Box) -> None:
    await box.handset()
    box.receiver.answers = [500] * 100
    await box.say(ANN, {"text": "hello"})
    tries = 0
    while box.world.store.count("SELECT COUNT(*) FROM webhooks"):
        before = len(box.receiver.times)
        await box.forward(6 * 3_600_000 + 1)
        await wait_until(partial(again_or_gone, box, before))
        tries += 1
        assert tries < 60
    assert tries >= 24, "about 7 days of 6 hours each"
    assert not box.receiver.bodies


async def test_a_callback_that_hangs_is_tried_again(box: Box) -> None:
    await box.handset()
    box.receiver.hold = asyncio.Event()
    await box.say(ANN, {"text": "hello"})
    await wait_until(lambda: len(box.receiver.times) == 1)
    await wait_until(lambda: box.world.store.count("SELECT attempts FROM webhooks") == 1, "timed out")
    box.receiver.hold.set()
    box.receiver.bodies.clear()
    await box.forward(1_000)
    await wait_until(lambda: box.receiver.messages())


async def test_a_slow_number_does_not_hold_up_another(box: Box) -> None:
    """Sixteen of one number may be under way at once; the other number's goes beside them."""
    box.receiver.hold = asyncio.Event()
    await box.handset()
    for number in range(20):
        await box.say(ANN, {"text": f"{number}", "phone_number_id": PHONE})
    await wait_until(lambda: len(box.receiver.times) == 16)
    await box.say(ANN, {"text": "other", "phone_number_id": "314159265358980"})
    await wait_until(lambda: len(box.receiver.times) == 17)
    box.receiver.hold.set()
    await wait_until(lambda: len({one["id"] for one in box.receiver.messages()}) == 21)


async def test_status_can_come_before_the_answer(box: Box) -> None:
    await box.open_window()
    await wait_until(lambda: box.receiver.messages())
    await box.fault(name="status_before_answer", times=1)
    message_id = await box.text(biz_opaque_callback_data="m1.1.s")
    assert box.receiver.names(message_id)[:1] == ["sent"]
    await wait_until(lambda: box.receiver.names(message_id) == ["sent", "delivered", "read"])


async def test_doubled_shuffled_batched_and_delayed(box: Box) -> None:
    await box.handset()
    await box.fault(name="webhook_double", times=1)
    await box.say(ANN, {"text": "twice"})
    await wait_until(lambda: len(box.receiver.messages()) == 2)
    assert box.receiver.raws[0] == box.receiver.raws[1]
    box.receiver.bodies.clear()
    await box.fault(name="webhook_batch", wait_ms=60_000, times=3)
    for text in ("a", "b", "c"):
        await box.say(ANN, {"text": text})
    assert not box.receiver.bodies
    await box.forward(61_000)
    await wait_until(lambda: box.receiver.bodies)
    assert len(box.receiver.bodies) == 1
    assert [one["text"]["body"] for one in box.receiver.messages()] == ["a", "b", "c"]
    assert set(box.receiver.bodies[0]["entry"][0]) == set(sample("inbound-batched-mixed")["entry"][0])
    box.receiver.bodies.clear()
    await box.fault(name="webhook_delay", ms=3_600_000, times=1)
    await box.say(ANN, {"text": "late"})
    await box.say(ANN, {"text": "soon"})
    await wait_until(lambda: len(box.receiver.messages()) == 1)
    assert box.receiver.messages()[0]["text"]["body"] == "soon"
    await box.forward(3_600_000)
    await wait_until(lambda: len(box.receiver.messages()) == 2)
    box.receiver.bodies.clear()
    await box.fault(name="webhook_shuffle", ms=200)
    for number in range(12):
        await box.say(ANN, {"text": str(number)})
    await wait_until(lambda: len(box.receiver.messages()) == 12)
    order = [int(one["text"]["body"]) for one in box.receiver.messages()]
    assert order != sorted(order)


async def test_wrong_signature_and_silence_until_lifted(box: Box) -> None:
    await box.handset()
    await box.fault(name="webhook_wrong_signature", times=1)
    await box.say(ANN, {"text": "forged"})
    await wait_until(lambda: box.receiver.bodies)
    assert not box.receiver.signed(0)
    await box.fault(name="webhook_off")
    await box.say(ANN, {"text": "held"})
    assert box.world.store.count("SELECT COUNT(*) FROM webhooks") == 1
    await box.control("DELETE", "faults/webhook_off")
    await wait_until(lambda: len(box.receiver.messages()) == 2)
    assert box.receiver.signed(1)
    await box.fault(name="webhook_off", lost=True, times=1)
    await box.say(ANN, {"text": "lost"})
    await box.say(ANN, {"text": "after"})
    await wait_until(lambda: len(box.receiver.messages()) == 3)
    assert box.receiver.messages()[2]["text"]["body"] == "after"


async def test_late_failure_comes_after_sent(box: Box) -> None:
    await box.open_window()
    await box.fault(name="late_failed", code=131026, ms=5)
    message_id = await box.text()
    await wait_until(lambda: box.receiver.names(message_id) == ["sent", "failed"])


async def test_phone_off_for_two_hours(box: Box) -> None:
    await box.open_window()
    await box.fault(name="phone_off", address=ANN)
    message_id = await box.text()
    await wait_until(lambda: box.receiver.names(message_id) == ["sent"])
    await box.forward(7_200_000)
    await wait_until(lambda: "delivered" in box.receiver.names(message_id))
    assert (await box.control("GET", "faults"))["faults"] == []


async def test_answer_is_lost_but_the_message_is_not(box: Box) -> None:
    await box.open_window()
    await box.fault(name="lost_answer", times=1)
    with pytest.raises(Exception, match=r"(?i)disconnect|reset"):
        await box.text("Did it go?", biz_opaque_callback_data="m7.1.s")
    found = await wait_until(lambda: [one for one in box.receiver.statuses() if one["status"] == "delivered"])
    assert found[0]["biz_opaque_callback_data"] == "m7.1.s"
    log = await box.control("GET", "requests")
    assert log["requests"][-1]["status"] == 0


@pytest.mark.parametrize(("fault", "status"), [({"name": "http_500"}, 500), ({"name": "html_502"}, 502)])
async def test_broken_answer_may_hide_an_accepted_message(box: Box, fault: Any, status: int) -> None:
    await box.open_window()
    for accepted, messages in ((False, 1), (True, 2)):
        await box.fault(**fault, times=1, accepted=accepted)
        async with await box.raw("POST", f"/v25.0/{PHONE}/messages", json={
                "messaging_product": "whatsapp", "to": ANN, "text": {"body": "x"}}) as reply:
            assert reply.status == status
        assert box.world.store.count("SELECT COUNT(*) FROM messages") == messages
        last = (await box.control("GET", "requests"))["requests"][-1]
        assert (last["status"], last["body"]["to"]) == (status, ANN)  # the log shows what was asked for, done or not


async def test_slow_and_hanging_answers(box: Box) -> None:
    await box.open_window()
    await box.fault(name="slow", ms=150, times=1)
    begun = time.monotonic()
    await box.text()
    assert time.monotonic() - begun >= 0.15
    await box.fault(name="hang", ms=100, times=1)
    with pytest.raises(Exception, match=r"(?i)disconnect|reset"):
        await box.text()
    assert await box.text()


@pytest.mark.parametrize(("fault", "word"), [
    ({"name": "nonsense"}, "http_500"), ({"name": "slow", "msec": 5}, "ms"), ({"name": "slow", "ms": "5"}, "int"),
    ({"name": "code"}, "code"), ({"name": "slow", "share": 2}, "share"), ({}, "lost_answer"),
    ({"name": "slow", "times": 0}, "times"),
])
async def test_wrong_fault_is_refused_and_the_right_ones_are_named(box: Box, fault: Any, word: str) -> None:
    answer = await box.control("PUT", "faults", fault, expect=400)
    assert word in answer["detail"]
    await box.control("DELETE", "faults/nonsense", expect=404)


async def test_fault_strikes_only_its_number_its_address_and_its_share(box: Box) -> None:
    await box.fault(name="code", code=131000, address="447700900456")
    await box.fault(name="code", code=131016, phone_number_id="314159265358980")

    async def outcome(to: str, phone: str = PHONE) -> int:
        status, answer = await box.send({"to": to, "text": {"body": "x"}}, phone=phone)
        return 200 if status == 200 else int(answer["error"]["code"])

    assert await outcome(ANN) == 200
    assert await outcome("447700900456") == 131000
    assert await outcome(ANN, "314159265358980") == 131016
    await box.control("DELETE", "faults")
    await box.fault(name="code", code=131000, share=0.5)
    codes = [await outcome(f"4477009005{n:02}") for n in range(40)]
    assert 8 <= codes.count(131000) <= 32
    assert len((await box.control("GET", "faults"))["faults"]) == 1


async def test_same_seed_makes_the_same_ids_and_delays(make_box: BoxMaker) -> None:
    async def one() -> list[str]:
        box = await make_box(seed=42)
        return [await box.text(to=f"44770090010{n}") for n in range(3)]

    assert await one() == await one()
