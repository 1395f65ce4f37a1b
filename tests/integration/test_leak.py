"""Marked numbers, names and words go through the whole house; afterwards nobody can find them anywhere outside what is sealed:
not in a log line, a metric, a key's name, any value in the store, the append-only file, or the history."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from gateway import log
from gateway.store import keys
from gateway.store.agents import Agents
from tests.support.core import facts_of
from tests.support.house import NOON, House, house_running
from tests.support.waiting import wait_until

EVA, TOM, STRANGER = "+447700900571", "+447700900572", "+447700900573"
WORDS = {
    "given name": "Zwartkopje",
    "family name": "Quastenbärg",
    "booking code": "QX7KW9",
    "ticket": "0009917734411",
    "document": "Kolibrie-ticket",
    "code": "KIEVITSEI9F3A61C0",
    "answer": "Is de dwergpapegaai ook welkom?",
    "reply": "Ja, de dwergpapegaai reist gratis mee.",
    "stranger": "Ik ben de sterrenkijker van hiernaast.",
    "agent's note": "Boekte eerder onder de naam Fluitenkruid.",
    "refused": "Valsspelersbericht",
    "user id": "GB.5028461739056281",
}
NUMBERS = {"a number": EVA, "another number": TOM, "a stranger's number": STRANGER}
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")


def needles(marks: dict[str, str]) -> dict[str, list[bytes]]:
    """Every way a mark can be written down without being sealed, in lower case."""
    found: dict[str, list[bytes]] = {}
    for name, mark in marks.items():
        plain = mark.lstrip("+") if mark.startswith("+") else mark
        forms = {plain, json.dumps(plain)[1:-1], quote(plain), quote(plain, safe="")}
        raw = {form.encode() for form in forms} | {plain.encode("utf-16-le"), plain.encode().hex().encode()}
        found[name] = [form.lower() for form in raw]
    return found


def leaks(haystack: bytes, wanted: dict[str, list[bytes]], depth: int = 2) -> set[str]:
    """Which marks stand in it: as they are, or in base64 (standard or URL alphabet), or in base64 of base64."""
    lower = haystack.lower()
    found = {name for name, forms in wanted.items() if any(form in lower for form in forms)}
    if depth:
        for run in _RUN.findall(haystack):
            text = run.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
            for start in range(4):  # a run may begin in the middle of a group
                part = text[start:]
                part = part[: len(part) - (len(part) % 4 == 1)]
                found |= leaks(base64.b64decode(part + b"=" * (-len(part) % 4)), wanted, depth - 1) if len(part) > 8 else set()
    return found


@pytest.mark.parametrize("name", list(WORDS | NUMBERS))
def test_the_search_finds_a_mark_however_it_is_written(name: str) -> None:
    wanted = needles(WORDS | NUMBERS)
    mark = (WORDS | NUMBERS)[name].lstrip("+")
    raw = mark.encode()
    once = base64.b64encode(b"before it, " + raw + b" behind")
    written = [
        b"..." + raw + b"...", raw.upper(), json.dumps({"a": mark}).encode(), quote(mark).encode(), raw.hex().encode(),
        raw.hex().upper().encode(), b'id="' + once + b'"', b"wamid." + base64.urlsafe_b64encode(raw * 2),
        b"q" + base64.b64encode(once), json.dumps([once.decode()]).encode(),
    ]  # fmt: skip
    for one in written:
        assert name in leaks(one, wanted), one
    assert leaks(b"nothing of the kind, " + base64.b64encode(bytes(range(200))), wanted) == set()


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged, at the most talkative level, by us and by libraries."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    log.configure("json", stream=stream, level="debug")
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


async def _everything(house: House) -> dict[str, bytes]:
    """Every key's name and value, every metric, every file."""
    assert house.runtime is not None
    assert house.http is not None
    redis: Any = house.runtime.connection.redis
    found: dict[str, bytes] = {}
    async for name in redis.scan_iter(count=1000):
        kind = (await redis.type(name)).decode()
        match kind:
            case "string":
                value: Any = [await redis.get(name) or b""]
            case "hash":
                value = [part for pair in (await redis.hgetall(name)).items() for part in pair]
            case "list":
                value = await redis.lrange(name, 0, -1)
            case "zset":
                value = await redis.zrange(name, 0, -1)
            case "set":
                value = list(await redis.smembers(name))
            case "stream":
                value = [part for _, entry in await redis.xrange(name) for pair in entry.items() for part in pair]
            case "none":  # gone since the scan named it
                value = []
            case other:
                raise AssertionError(f"{name!r} is a {other}: the search does not know how to read it")
        found[f"key {name.decode()}"] = name + b"\n" + b"\n".join(value)
    async with house.http.get(f"{house.internal}/metrics") as answer:
        found["metrics"] = await answer.read()
    for path in sorted(house.data_dir.rglob("*")):
        if path.is_file():
            found[f"file {path.relative_to(house.data_dir)}"] = path.read_bytes()
    return found


def _order(*numbers: str, proof: bool = True) -> dict[str, Any]:
    def person(number: str) -> dict[str, Any]:
        address = {"channel": "whatsapp", "to": number, "givenBy": "self"} | ({"proof": "otp"} if proof else {})
        consent = {
            "purpose": "journey", "channel": "whatsapp", "granted": True, "at": "2026-11-01T10:00:00Z", "how": "booking-checkbox",
            "wording": "journey-nl-3",
        }  # fmt: skip
        return {
            "customerId": f"C{number[-3:]}", "name": {"given": WORDS["given name"], "family": WORDS["family name"]},
            "locale": "nl-NL", "timezone": "Europe/Amsterdam", "addresses": [address], "consents": [consent], "role": "booker",
        }  # fmt: skip

    return {
        "specversion": "1.0", "id": f"order-{numbers[0][-3:]}-{proof}", "type": "org.example.order.status.v1",
        "source": "/booking/orders", "subject": WORDS["booking code"], "datacontenttype": "application/json",
        "data": {
            "orderNumber": WORDS["booking code"] if proof else WORDS["booking code"] + "B", "kind": "flight", "brand": "zz",
            "status": "confirmed", "total": "318.40", "currency": "EUR",
            "itinerary": [
                {
                    "entity": "ZZ1007/2026-11-22/AMS", "type": "flight",
                    "from": {"code": "AMS", "name": "Amsterdam", "timezone": "Europe/Amsterdam"},
                    "to": {"code": "LHR", "name": "London Heathrow", "timezone": "Europe/London"},
                    "times": {"departure": {"scheduled": "2026-11-22T10:55:00+01:00"}},
                }
            ],
            "recipients": [person(number) for number in numbers],
        },
    }  # fmt: skip


def _ticket() -> dict[str, Any]:
    content = base64.b64encode(b"%PDF-1.4\n" + WORDS["document"].encode() + b"\n" + EVA.encode()).decode()
    return {
        "specversion": "1.0", "id": "ticket-1", "type": "org.example.order.document.v1", "source": "/ticketing",
        "subject": WORDS["booking code"], "datacontenttype": "application/json",
        "data": {
            "orderNumber": WORDS["booking code"],
            "document": {
                "id": WORDS["ticket"], "kind": "ticket", "title": WORDS["document"], "content": content,
                "mime": "application/pdf",
            },
            "recipients": [{"customerId": "C571", "addresses": [{"channel": "whatsapp", "to": EVA}]}],
        },
    }  # fmt: skip


def _boarding_pass() -> dict[str, Any]:
    """For whoever of the booking it is: drawn here, with a code that opens the booking."""
    name = f"{WORDS['family name']}/{WORDS['given name']}".upper().replace("Ä", "AE")
    code = f"M1{name:<20.20}E{WORDS['booking code']:<7}AMSLHRZZ 1007 326Y012C0042 1{len(WORDS['code']):02X}{WORDS['code']}"
    return {
        "specversion": "1.0", "id": "pass-1", "type": "org.example.flight.boardingpass.v1", "source": "/dcs",
        "subject": "ZZ1007/2026-11-22/AMS", "datacontenttype": "application/json",
        "data": {
            "leg": {"carrier": "ZZ", "flightNumber": "1007", "originDate": "2026-11-22", "from": "AMS", "to": "LHR"},
            "passenger": {
                "surname": WORDS["family name"], "recordLocator": WORDS["booking code"], "ticketNumber": WORDS["ticket"] + "8",
            },
            "times": {"scheduledOff": "2026-11-22T18:55:00+01:00"}, "bcbp": code,
            "recipients": [{"customerId": "C571", "addresses": [{"channel": "whatsapp", "to": EVA}]}],
        },
    }  # fmt: skip


async def _live(house: House) -> dict[str, str]:
    """A day in the house with everything marked. Returns what the channel called its people and messages: marks as well."""
    assert house.runtime is not None
    assert house.http is not None
    await house.handset(EVA, WORDS["given name"], user_id=WORDS["user id"])
    await house.handset(STRANGER, WORDS["family name"])
    assert (await house.event(_order(EVA, TOM)))[0] == 202
    for traveller in (EVA, TOM):  # the confirmation, and that check-in is open: none is left to meet the refusal of the ticket
        await house.wait_for(traveller, 2)
    # a send that fails, in the channel's own words, which repeat what was said
    repeated = f"Parameter value is not valid: {EVA} {WORDS['document']} ({WORDS['booking code']})"
    await house.fault("code", code=131009, details=repeated)
    assert (await house.event(_ticket()))[0] == 202

    async def refused() -> bool:
        assert house.runtime is not None
        found = await facts_of(house.runtime.connection.redis)
        return any(fact.kind == "dead" and fact.detail.get("code") == "131009" for fact in found)

    await wait_until(refused, timeout=15)
    async with house.http.delete(f"{house.sandbox}/sandbox/faults/code") as answer:
        assert answer.status == 200
    again = _ticket()
    again["data"]["document"]["id"] += "7"
    assert (await house.event(again, id="ticket-2"))[0] == 202
    await house.wait_for(EVA, 3)
    await house.fault("lost_answer", on="media", times=1)  # what was drawn is kept until the next attempt
    assert (await house.event(_boarding_pass()))[0] == 202
    await house.wait_for(EVA, 4)
    # refused at the door, with the marks in what is refused
    bad = _order(EVA)
    bad["data"]["recipients"][0]["addresses"][0]["to"] = WORDS["refused"]
    assert (await house.event(bad, id="bad-1"))[0] == 422
    assert (await house.event(_order(EVA, TOM) | {"id": "order-571-True"}, type=WORDS["refused"]))[0] == 422
    headers = {"X-Hub-Signature-256": "sha256=" + "0" * 64}
    body = json.dumps({"text": WORDS["refused"], "from": EVA})
    async with house.http.post(f"{house.public}/webhooks/whatsapp", data=body, headers=headers) as answer:
        assert answer.status == 401
    # one that fails later, told by a webhook
    await house.fault("late_failed", code=131026, times=1)
    assert (await house.event("ce-flight-delayed.json", audience={"kind": "recipients"}))[0] == 202
    # without proof: the address is asked
    assert (await house.event(_order(STRANGER, proof=False)))[0] == 202
    await house.wait_for(STRANGER, 1)
    await house.says(STRANGER, text=WORDS["stranger"], phone_number_id="314159265358979")
    # an answer, an agent's words, a note, a stop
    await house.says(EVA, text=WORDS["answer"], phone_number_id="314159265358979")
    conversation = await _theirs(house)
    agent = Agents(house.runtime.connection.redis, house.runtime.clock, house.runtime.vault).agent_id("sanne")
    for command, said in (("take", {}), ("note", {"text": WORDS["agent's note"]}), ("reply", {"text": WORDS["reply"]})):
        status, conversation = await house.post(
            f"/v1/conversations/{conversation['id']}/{command}",
            {"agent": agent, "epoch": conversation["epoch"], **said},
            **{"Idempotency-Key": f"leak-{command}"},
        )
        assert status == 200, conversation

    async def replied() -> bool:
        return any(one["body"] == WORDS["reply"] for one in await house.received(EVA))

    await wait_until(replied, timeout=15)
    await house.says(EVA, text="stop")

    async def stopped() -> bool:
        return any("Gestopt" in str(one["body"]) for one in await house.received(EVA))

    await wait_until(stopped, timeout=15)
    marks: dict[str, str] = {}
    for number in (EVA, TOM, STRANGER):
        for bubble in await house.phone(number):
            marks[f"message {bubble['id'][-6:]}"] = bubble["id"]
            for button in bubble["buttons"]:
                if "/d/" in (button.get("url") or ""):
                    marks["page"] = button["url"].rpartition("/")[2]
    assert "page" in marks
    return marks


async def _theirs(house: House) -> Any:
    found: list[Any] = []

    async def there() -> bool:
        _, value = await house.get("/v1/conversations?queue=general")
        found[:] = [one for one in value["conversations"] if WORDS["answer"] in str(one)] or (
            value["conversations"] if len(value["conversations"]) > 1 else []
        )
        return bool(found)

    await wait_until(there, timeout=15)
    for one in found:
        _, thread = await house.get(f"/v1/conversations/{one['id']}")
        if WORDS["answer"] in str(thread):
            return one
    raise AssertionError("their conversation is not there")


@pytest.mark.timeout(120)
async def test_nothing_personal_is_found_outside_what_is_sealed(data_dir: Path, lines: io.StringIO) -> None:
    async with house_running(data_dir, at=NOON) as house:
        assert house.runtime is not None
        redis = house.runtime.connection.redis
        marks = await _live(house)
        wanted = needles(WORDS | NUMBERS | marks)
        assert len(marks) > 8

        # The fold writes lines and history a second behind: until it has told of the stop, the refusal and the late failure.
        told = ("message.dead", "message.delivered", "contact.consent", "conversation")
        await wait_until(lambda: all(word in lines.getvalue() for word in told), timeout=20)
        found = await _everything(house)
        assert len([name for name in found if name.startswith("key ")]) > 100
        assert any("appendonly" in name for name in found)
        assert any("history" in name for name in found)
        bad = {name: leaked for name, value in found.items() if (leaked := leaks(value, wanted))}
        assert bad == {}

        await redis.set(keys.lease("planted"), base64.b64encode(base64.b64encode(WORDS["answer"].encode())), px=60_000)
        planted = {name: leaked for name, value in (await _everything(house)).items() if (leaked := leaks(value, wanted))}
        assert "key lease:planted" in planted, "the search itself"
        assert any("appendonly" in name for name in planted), "the append-only file too"
    said = lines.getvalue().encode()
    assert b"gateway.ready" in said
    assert leaks(said, wanted) == set()
