"""Webhooks from the door to what they change: kept before the answer, applied once, whatever comes doubled or broken."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from gateway import http
from gateway.connector import Connector
from gateway.errors import StoreUnavailable
from gateway.model.contact import Identifier
from gateway.model.conversation import AgentId, EntryKind
from gateway.model.message import DeliveryStatus
from gateway.model.personal import Personal, Secret
from gateway.store import keys
from gateway.store.conversations import Command
from gateway.store.events import Events
from gateway.store.outbox import Claimed, Settlement
from gateway.store.vault import KeyMissing, KeyRing, Vault
from gateway.store.webhooks import Webhooks
from gateway.webhooks import api as door_api
from tests.support.core import House, facts_of, iso, open_house
from tests.support.meta import inbound, inbound_text, signed, status_of, webhook

Client = TestClient[web.Request, web.Application]
WRITER = "447700900101"
BSUID = "GB.66120937485561920374"


@pytest.fixture
async def house(redis: Redis, redis_url: str, data_dir: Path) -> AsyncIterator[House]:
    async with open_house(redis_url, data_dir) as made:
        yield made


@pytest.fixture
async def counted() -> list[str]:
    return []


@pytest.fixture
async def door(house: House, counted: list[str]) -> AsyncIterator[Client]:
    runtime = house.runtime
    app = http.make_app(largest=door_api.MAX_BYTES)
    deps = door_api.Deps(
        webhooks=runtime.webhooks, connectors=runtime.connectors, secrets=runtime.settings.app_secrets,
        verify_token=runtime.settings.verify_token, wake=runtime.wake, count=lambda channel, answer: counted.append(answer),
    )  # fmt: skip
    door_api.add_routes(app, deps)
    async with TestClient(TestServer(app)) as client:
        yield client


async def post(door: Client, raw: bytes, headers: dict[str, str] | None = None) -> int:
    async with door.post("/webhooks/whatsapp", data=raw, headers=headers or signed(raw)) as answer:
        return answer.status


async def take(house: House, *values: dict[str, Any]) -> int:
    await house.runtime.webhooks.append("whatsapp", webhook(*values))
    return await house.take_webhooks()


async def entries(house: House, number: int = 101) -> list[str]:
    """What people said in a person's conversations, in order."""
    conversations = house.runtime.conversations
    found: list[str] = []
    for one in await conversations.of_contact((await house.contact_of(number)).id):
        thread = await conversations.thread(await conversations.get(one))
        found += [entry.text.reveal() for entry in thread if entry.kind is EntryKind.IN]
    return found


async def accept(house: House, claimed: Claimed, wamid: str) -> None:
    channel_hash = house.runtime.vault.blind("channel_id", "whatsapp", wamid)
    await house.runtime.outbox.settle([Settlement(claimed, "a", claimed.attempt, channel_hash=channel_hash)])


async def one_claim(house: House) -> Claimed:
    (claimed,) = await house.claim_all()
    return claimed


# the door


async def test_a_signed_webhook_is_kept_before_it_is_answered(door: Client, house: House, counted: list[str]) -> None:
    raw = webhook(inbound_text(house, WRITER, "hello"))
    assert await post(door, raw) == 200
    kept = await house.runtime.webhooks.kept(range(keys.WEBHOOK_LOGS), limit=10)
    assert [one.raw for one in kept] == [raw]
    assert counted == ["kept"]


@pytest.mark.parametrize("header", ["", "sha256=", "sha256=00", "sha256=zz", "sha1=0000", "ÿ"])
async def test_a_forged_webhook_is_refused_and_nothing_is_kept(door: Client, house: House, header: str) -> None:
    raw = webhook(inbound_text(house, WRITER, "hello"))
    headers = {"Content-Type": "application/json"} | ({"X-Hub-Signature-256": header} if header else {})
    async with door.post("/webhooks/whatsapp", data=raw, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (401, b"")
    assert await house.runtime.webhooks.backlog() == (0, 0)


async def test_a_signature_of_other_bytes_is_refused(door: Client, house: House) -> None:
    raw = webhook(inbound_text(house, WRITER, "hello"))
    assert await post(door, raw + b" ", signed(raw)) == 401
    assert await house.runtime.webhooks.backlog() == (0, 0)


async def test_a_huge_webhook_is_refused_by_its_size_and_one_that_lies_about_it_too(door: Client, house: House) -> None:
    raw = b" " * (door_api.MAX_BYTES + 1)
    assert await post(door, raw) == 413

    async def dribble() -> AsyncIterator[bytes]:
        for _ in range(door_api.MAX_BYTES // 65536 + 2):
            yield b" " * 65536

    async with door.post("/webhooks/whatsapp", data=dribble(), headers={"X-Hub-Signature-256": "sha256=00"}) as answer:
        assert answer.status == 413
    assert await house.runtime.webhooks.backlog() == (0, 0)


async def test_the_largest_webhook_that_the_channel_sends_is_kept_and_split(door: Client, house: House) -> None:
    values = [inbound_text(house, WRITER, "x" * 4000) for _ in range(600)]
    raw = webhook(*values)
    assert 2_000_000 < len(raw) <= door_api.MAX_BYTES
    assert await post(door, raw) == 200
    while await house.splitter.turn(range(keys.WEBHOOK_LOGS)):
        pass
    contact = await house.find(101)
    assert contact is not None
    assert await house.redis.xlen(keys.part(int(contact[1:3]), "in")) == 600


async def test_a_store_that_does_not_answer_makes_the_channel_send_it_again(door: Client, house: House, monkeypatch: Any) -> None:
    async def gone(channel: str, raw: bytes, *, line: int) -> str:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(house.runtime.webhooks, "append", gone)
    assert await post(door, webhook(inbound_text(house, WRITER, "hello"))) == 503


async def test_the_handshake_answers_the_challenge_to_who_knows_the_token(door: Client) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "sandbox-verify-token"}
    async with door.get("/webhooks/whatsapp", params=query) as answer:
        assert (answer.status, await answer.text()) == (200, "1158201444")
    async with door.get("/webhooks/whatsapp", params=query | {"hub.verify_token": "guess"}) as answer:
        assert answer.status == 403


# once


async def test_a_message_that_comes_twice_counts_once(house: House) -> None:
    value = inbound_text(house, WRITER, "hello", wamid="wamid.SAME")
    await take(house, value, value)
    await take(house, value)
    assert await entries(house) == ["hello"]


async def test_statuses_in_any_order_and_any_number_end_the_same(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    claimed = await one_claim(house)
    await accept(house, claimed, "wamid.OUT")
    values = [status_of(house, claimed, word, "wamid.OUT", phone=WRITER) for word in ("sent", "delivered", "read")] * 3
    random.Random(5).shuffle(values)
    for value in values:
        await house.runtime.webhooks.append("whatsapp", webhook(value))
    await house.take_webhooks()
    found = await house.runtime.outbox.record(claimed.id)
    assert found is not None
    assert (found[0].status, found[0].state.value) == (DeliveryStatus.READ, "a")
    kinds = [fact.kind for fact in await facts_of(house.redis) if fact.id_of("m") == claimed.id]
    assert kinds.count("read") == 1
    assert kinds.count("accepted") == 1


async def test_a_status_before_the_answer_settles_the_message_and_it_is_not_sent_again(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    claimed = await one_claim(house)
    await take(house, status_of(house, claimed, "delivered", "wamid.EARLY", phone=WRITER))
    found = await house.runtime.outbox.record(claimed.id)
    assert found is not None
    assert (found[0].state.value, found[0].status) == ("a", DeliveryStatus.DELIVERED)
    await accept(house, claimed, "wamid.EARLY")
    assert await house.claim_all() == []
    await take(house, inbound_text(house, WRITER, "which one is this?", answers="wamid.EARLY"))
    conversations = house.runtime.conversations
    (conversation,) = await conversations.of_contact((await house.contact_of(101)).id)
    thread = await conversations.thread(await conversations.get(conversation))
    assert [entry.origin for entry in thread if entry.kind is EntryKind.IN] == [claimed.id]


async def test_a_status_of_a_message_that_nobody_knows_changes_nothing(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    claimed = await one_claim(house)
    await house.redis.delete(keys.of(claimed.id, "m"))
    before = len(await house.messages())
    await take(house, status_of(house, claimed, "sent", "wamid.X", phone=WRITER))
    value = status_of(house, claimed, "sent", "wamid.Y", phone="447700900777")
    value["statuses"][0]["biz_opaque_callback_data"] = "somebody else's"
    await take(house, value)
    assert len(await house.messages()) == before
    assert await house.find(777) is None, "only messages make contacts"
    assert await house.parked() == []


async def test_a_status_without_our_opaque_data_is_found_by_its_id(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    claimed = await one_claim(house)
    await accept(house, claimed, "wamid.OUT")
    value = status_of(house, claimed, "delivered", "wamid.OUT", phone=WRITER)
    del value["statuses"][0]["biz_opaque_callback_data"]
    await take(house, value)
    found = await house.runtime.outbox.record(claimed.id)
    assert found is not None
    assert found[0].status is DeliveryStatus.DELIVERED


# broken ones beside good ones


async def test_malformed_parts_are_set_aside_and_their_neighbours_applied(house: House) -> None:
    good = inbound_text(house, WRITER, "good")
    bad = inbound_text(house, WRITER, "bad")
    del bad["messages"][0]["id"]
    nobody = inbound_text(house, None, "who am I?")
    raw = json.loads(webhook(bad, good, nobody))
    raw["entry"].insert(0, "nonsense")
    raw["entry"][1]["changes"].insert(1, {"field": "messages", "value": 17})
    await house.runtime.webhooks.append("whatsapp", json.dumps(raw).encode())
    assert await house.take_webhooks() == 1
    assert len(await entries(house)) == 1
    assert len(await house.parked()) == 4


@pytest.mark.parametrize("raw", [b"", b"null", b"{", b"[" * 100_000, b'{"object":"page","entry":[]}', b"\xff\xfe", b"1e999999"])
async def test_what_is_no_webhook_at_all_is_set_aside(house: House, raw: bytes) -> None:
    await house.runtime.webhooks.append("whatsapp", raw)
    await take(house, inbound_text(house, WRITER, "good"))
    assert len(await entries(house)) == 1
    assert len(await house.parked()) == 1
    assert (await house.runtime.webhooks.backlog())[0] == 0


async def test_unknown_kinds_are_passed_over(house: House) -> None:
    unknown = {"_field": "something_of_next_year", "value": 1}
    odd = inbound(house, WRITER, {"type": "hologram", "hologram": {"id": "1"}})
    await take(house, unknown, odd)
    assert await house.parked() == []
    assert len(await entries(house)) == 1


async def test_a_message_to_a_number_that_is_not_ours_is_left_alone(house: House) -> None:
    value = inbound_text(house, WRITER, "hello")
    value["metadata"]["phone_number_id"] = "999999999999999"
    await take(house, value)
    assert await house.find(101) is None
    assert (await house.runtime.webhooks.backlog())[0] == 0


async def test_a_connector_that_breaks_on_one_webhook_does_not_keep_back_the_others(house: House, monkeypatch: Any) -> None:
    connector: Connector = house.runtime.connectors["whatsapp"]
    whole = connector.parse_webhook

    def parse(raw: bytes) -> Any:
        if b"poison" in raw:
            raise AttributeError("a mistake of ours")
        return whole(raw)

    monkeypatch.setattr(connector, "parse_webhook", parse)
    await house.runtime.webhooks.append("whatsapp", webhook(inbound_text(house, WRITER, "poison")))
    await take(house, inbound_text(house, WRITER, "good"))
    assert len(await entries(house)) == 1
    assert await house.parked() == ["webhook:whatsapp"]


async def test_a_poisoned_item_is_parked_alone_after_five_tries(house: House, monkeypatch: Any) -> None:
    tries = 0
    whole = house.applier.apply

    async def apply(value: Any) -> None:
        nonlocal tries
        if value.get("text") == "poison":
            tries += 1
            raise KeyError("a mistake of ours")
        await whole(value)

    monkeypatch.setattr(house.applier, "apply", apply)
    await take(house, *(inbound_text(house, WRITER, word) for word in ("first", "poison", "last")))
    assert tries == 5
    assert await house.parked() == ["item"]
    assert len(await entries(house)) == 2


async def test_an_item_that_kills_its_worker_is_parked_by_the_next_ones(house: House, monkeypatch: Any) -> None:
    class Died(BaseException):
        pass

    whole = house.applier.apply

    async def apply(value: Any) -> None:
        if value.get("text") == "poison":
            raise Died
        await whole(value)

    monkeypatch.setattr(house.applier, "apply", apply)
    await house.runtime.webhooks.append("whatsapp", webhook(*(inbound_text(house, WRITER, word) for word in ("poison", "last"))))
    deaths = 0
    for _ in range(8):
        try:
            await house.take_webhooks()
            break
        except Died:
            deaths += 1
    assert deaths <= 5
    assert await house.parked() == ["item"]
    assert len(await entries(house)) == 1


async def test_a_process_without_the_right_keys_destroys_nothing(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    await house.keep(house.flight(late_min=40))
    await house.runtime.webhooks.append("whatsapp", webhook(inbound_text(house, WRITER, "hello")))
    index = house.runtime.ring.index
    wrong = KeyRing(Secret(f"index:{base64.b64encode(index).decode()},9:{base64.b64encode(b'9' * 32).decode()}"))
    vault = Vault(wrong, house.redis)
    webhooks, events = Webhooks(house.redis, house.clock, vault), Events(house.redis, house.clock, vault)
    for look in (
        lambda: webhooks.kept(range(keys.WEBHOOK_LOGS), limit=10),
        lambda: webhooks.inbox(keys.all_partitions(), limit=10),
    ):
        try:
            assert await look() == []
        except KeyMissing:
            pass
    (due,) = await events.due(keys.all_partitions(), limit=10)
    with pytest.raises(KeyMissing):
        await events.read(due.id, due.place)
    assert await house.take_webhooks() == 1, "with the right keys it is all still there"
    await house.expand()
    assert "flight_delayed" in await house.told(101)


# who it is


async def test_a_message_from_an_unknown_number_makes_a_contact_and_a_conversation(house: House) -> None:
    await take(house, inbound_text(house, "447700900333", "hello", user=BSUID))
    contact = await house.contact_of(333)
    assert {one.kind for one in contact.profile.addresses[0].identifiers} == {"phone", "user_id"}
    assert contact.facts.consents == {}, "writing to us is no consent to news"
    assert len(await house.runtime.conversations.of_contact(contact.id)) == 1
    assert contact.facts.windows


async def test_a_card_number_is_covered_before_the_thread_keeps_it(house: House) -> None:
    await take(house, inbound_text(house, "447700900333", "Refund to 4111 1111 1111 1111 please, order 5512"))
    contact = await house.contact_of(333)
    (identifier,) = await house.runtime.conversations.of_contact(contact.id)
    (entry,) = await house.runtime.conversations.thread(await house.runtime.conversations.get(identifier))
    assert (entry.text.reveal(), entry.hidden) == ("Refund to •••• please, order 5512", ("card",))


async def test_a_code_to_show_who_they_are_is_covered_in_the_chat_and_they_are_told_so(house: House) -> None:
    await take(house, inbound_text(house, "447700900333", "order 204816 please"))
    store, contact = house.runtime.conversations, await house.contact_of(333)
    (identifier,) = await store.of_contact(contact.id)
    await store.take(Command(identifier, AgentId("ann"), (await store.get(identifier)).epoch, "take"))
    _, token = await store.ask_identity(Command(identifier, AgentId("ann"), (await store.get(identifier)).epoch, "ask"))
    await store.code_sent(await store.get(identifier), token.reveal(), Secret("204816"))
    await take(house, inbound_text(house, "447700900333", "551200? no: 204 816!"))
    thread = await store.thread(await store.get(identifier))
    said = [(line.text.reveal(), line.hidden) for line in thread if line.kind is EntryKind.IN]
    assert said == [("order 204816 please", ()), ("551200? no: ••••!", ("code",))], "as an order's number it stays"
    assert "We have covered the code in your message" in thread[-1].text.reveal()
    assert (await store.prove_code(await store.get(identifier), token.reveal(), Secret("204816"))).word == "no_code"


async def test_a_user_id_learned_from_a_webhook_leads_to_the_same_contact_without_the_number(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    known = await house.contact_of(101)
    await take(house, inbound_text(house, WRITER, "with number", user=BSUID))
    await take(house, inbound_text(house, None, "without number", user=BSUID))
    assert len(await entries(house)) == 2
    contact = await house.contact_of(101)
    assert contact.id == known.id
    assert len(contact.profile.addresses) == 1


async def test_a_user_id_learned_from_a_status_does_so_too(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    claimed = await one_claim(house)
    await accept(house, claimed, "wamid.OUT")
    value = status_of(house, claimed, "delivered", "wamid.OUT", phone=WRITER)
    value["statuses"][0]["recipient_user_id"] = BSUID
    value["contacts"] = [{"profile": {"name": "Eva"}, "wa_id": WRITER, "user_id": BSUID}]
    await take(house, value)
    await take(house, inbound_text(house, None, "it is me", user=BSUID))
    assert len(await entries(house)) == 1


async def test_a_person_who_hides_their_number_is_a_contact_and_can_be_answered(house: House) -> None:
    await take(house, inbound_text(house, None, "hello", user=BSUID))
    connector = house.runtime.connectors["whatsapp"]
    (found,) = await house.runtime.contacts.find("whatsapp", [connector.identify(BSUID, "tests")])
    assert found is not None
    contact = await house.runtime.contacts.get(found[0])
    assert [one.kind for one in contact.profile.addresses[0].identifiers] == ["user_id"]


async def test_a_person_keeps_a_user_id_for_each_portfolio_that_knows_them(house: House) -> None:
    await take(house, inbound_text(house, WRITER, "hello", user=BSUID))
    contact = await house.contact_of(101)
    address = contact.profile.addresses[0].id
    other = Identifier("user_id", "another portfolio", Personal("GB.11112222"))
    await house.runtime.contacts.add_identifiers(contact.id, address, "whatsapp", [other])
    contact = await house.contact_of(101)
    assert {one.scope for one in contact.profile.addresses[0].identifiers if one.kind == "user_id"} == {
        "tests", "another portfolio",
    }  # fmt: skip


def system(house: House, phone: str, what: dict[str, Any], **more: Any) -> dict[str, Any]:
    return inbound(house, phone, {"type": "system", "system": what, **more})


async def test_who_changes_their_number_stays_who_they_are(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    before = await house.contact_of(101)
    await take(house, system(house, WRITER, {"type": "user_changed_number", "wa_id": "447700900202"}))
    after = await house.contact_of(202)
    assert after.id == before.id
    phones = [one.value.reveal() for one in after.profile.addresses[0].identifiers if one.kind == "phone"]
    assert phones == ["+447700900202"]


async def test_a_number_that_was_given_up_belongs_to_whoever_has_it_next(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    before = await house.contact_of(101)
    await take(house, system(house, WRITER, {"type": "user_changed_number", "wa_id": "447700900202"}))
    await house.tell(house.order(house.recipient(101, customerId="C-NEW", name={"given": "Somebody"}), number="ZX8M4Q"))
    somebody = await house.contact_of(101)
    assert somebody.id != before.id, "their news would go to the number of whoever had theirs before"
    await take(house, system(house, WRITER, {"type": "user_changed_number", "wa_id": "447700900202"}))
    assert (await house.contact_of(101)).id == somebody.id


async def test_a_new_device_takes_the_proofs_of_its_address_and_what_was_shown_in_the_chat(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    await take(house, inbound_text(house, WRITER, "hello"))
    store = house.runtime.conversations
    (talk,) = await store.of_contact((await house.contact_of(101)).id)
    await store.set_identity(Command(talk, AgentId("sue"), (await store.get(talk)).epoch, "set"), Personal("I know her"))
    assert (await store.get(talk)).identity.verified_ms
    await take(house, system(house, WRITER, {"type": "customer_identity_changed", "body": "User identity changed"}))
    contact = await house.contact_of(101)
    assert contact.facts.proofs == {}
    assert (await store.get(talk)).identity.verified_ms == 0
    await house.tell(house.order(house.recipient(101, addresses=[{"channel": "whatsapp", "to": f"+{WRITER}"}]), number="ZX8M4Q"))
    told = [(one.notification, one.state.value, one.reason) for one in await house.messages(contact.id)][1:]
    assert sorted(told) == [("address_check", "q", ""), ("order_confirmed", "s", "no_proof")]


async def test_a_new_device_does_not_take_back_a_not_me(house: House) -> None:
    await house.tell(house.order(house.recipient(101, proof=None)))
    await take(house, button(house, "address_check/not_me", "No"))
    house.pass_ms(2000)
    await take(house, system(house, WRITER, {"type": "customer_identity_changed", "body": "User identity changed"}))
    contact = await house.contact_of(101)
    assert contact.facts.proofs[contact.profile.addresses[0].id][0] is None


# stop, start, proof


async def test_a_stop_withdraws_is_confirmed_once_and_holds_what_is_queued(house: House) -> None:
    await house.tell(house.order(house.recipient(101)), house.flight(late_min=40))
    stop = inbound_text(house, WRITER, "STOP!", wamid="wamid.STOP")
    await take(house, stop, stop)
    contact = await house.contact_of(101)
    assert not contact.facts.consents["journey.whatsapp.zz"].granted
    assert (await house.told(101)).count("stop_confirmed") == 1
    await house.tell(house.flight("cancelled"))
    assert await house.told(101, "s") == ["flight_cancelled"]
    outcomes = {}
    await house.brakes.refresh()
    while claimed := await house.claim_all():
        for one in claimed:
            if one.record.notification == "stop_confirmed":
                outcomes[one.record.notification] = "would be sent"
                await accept(house, one, "wamid.CONFIRM")
                continue
            settlement = (await house.deliverer.deliver(one)).settlement
            outcomes[one.record.notification] = settlement.reason
            await house.runtime.outbox.settle([settlement])
    assert outcomes == {"order_confirmed": "withdrawn", "stop_confirmed": "would be sent"}
    assert await house.told(101, "e") == ["flight_delayed"]


async def test_a_stop_in_the_very_second_of_a_consent_counts(house: House) -> None:
    now = house.clock.now_ms()
    house.clock.offset_ms += 1000 - now % 1000 + 600  # 0.6 s into a second
    person = house.recipient(101)
    person["consents"][0]["at"] = iso(house.clock.now_ms() - 100)
    await house.tell(house.order(person))
    await take(house, inbound_text(house, WRITER, "stop"))
    contact = await house.contact_of(101)
    assert not contact.facts.consents["journey.whatsapp.zz"].granted


async def test_a_stop_counts_although_somebody_wrote_before_it_in_the_same_webhook(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    await take(house, inbound_text(house, WRITER, "hello"), inbound_text(house, WRITER, "stop"))
    assert not (await house.contact_of(101)).facts.consents["journey.whatsapp.zz"].granted


async def test_cancel_is_no_stop_and_reaches_a_person(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    await take(house, inbound_text(house, WRITER, "cancel"))
    assert (await house.contact_of(101)).facts.consents["journey.whatsapp.zz"].granted
    assert await entries(house) == ["cancel"]
    assert "stop_confirmed" not in await house.told(101)


async def test_start_grants_again_what_they_once_agreed_to_and_nothing_else(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    await take(house, inbound_text(house, WRITER, "stop all"))
    house.pass_ms(5000)
    await take(house, inbound_text(house, WRITER, "start"))
    consents = (await house.contact_of(101)).facts.consents
    assert [name for name, one in consents.items() if one.granted] == ["journey.whatsapp.zz"]


async def test_the_button_that_keeps_the_news_after_all_does(house: House) -> None:
    await house.tell(house.order(house.recipient(101)))
    await take(house, inbound_text(house, WRITER, "stop"))
    assert not (await house.contact_of(101)).facts.consents["journey.whatsapp.zz"].granted
    house.pass_ms(5000)
    await take(house, button(house, "stop_confirmed/resume", "Keep them after all"))
    assert (await house.contact_of(101)).facts.consents["journey.whatsapp.zz"].granted


def button(house: House, payload: str, label: str, **more: Any) -> dict[str, Any]:
    return inbound(house, WRITER, {"type": "button", "button": {"payload": payload, "text": label}}, **more)


async def test_yes_lets_what_waited_go_once_and_proves_the_address(house: House) -> None:
    await house.tell(house.order(house.recipient(101, proof=None)))
    assert await house.told(101, "s") == ["order_confirmed"]
    yes = button(house, "address_check/yes", "Yes")
    await take(house, yes, yes)
    assert await house.told(101, "s") == []
    assert sorted(await house.told(101, "q")) == ["address_check", "order_confirmed"]
    house.pass_ms(2000)
    await take(house, button(house, "address_check/yes", "Yes"))
    kinds = [fact.kind for fact in await facts_of(house.redis) if fact.kind == "enqueued"]
    assert len(kinds) == 2
    await house.tell(house.order(house.recipient(101, proof=None), number="ZX8M4Q"))
    assert sorted(await house.told(101, "q")) == ["address_check", "order_confirmed", "order_confirmed"]


async def test_not_me_means_never(house: House) -> None:
    await house.tell(house.order(house.recipient(101, proof=None)))
    await accept(house, await one_claim(house), "wamid.CHECK")
    await house.tell(house.flight(late_min=40))
    await take(house, button(house, "address_check/not_me", "No", answers="wamid.CHECK"))
    (queued,) = await house.claim_all()
    assert (await house.deliverer.deliver(queued)).settlement.reason == "not_me"
    house.pass_ms(2000)
    await house.tell(house.flight(late_min=90), house.order(house.recipient(101, proof=None), number="ZX8M4Q"))
    contact = await house.contact_of(101)
    fresh = [one for one in await house.messages(contact.id) if one.planned_at_ms > house.clock.now_ms() - 1500]
    assert {(one.state.value, one.reason) for one in fresh} == {("s", "not_me")}
    assert await house.claim_all() == []


async def test_a_split_that_was_killed_before_it_let_go_of_the_webhook_delivers_nothing_twice(
    house: House, monkeypatch: Any
) -> None:
    class Died(BaseException):
        pass

    async def die(log: int, place: str) -> None:
        raise Died

    await house.runtime.webhooks.append("whatsapp", webhook(*(inbound_text(house, WRITER, str(n)) for n in range(5))))
    with monkeypatch.context() as patch:
        patch.setattr(house.runtime.webhooks, "done", die)
        with pytest.raises(Died):
            await house.splitter.turn(range(keys.WEBHOOK_LOGS))
    assert await house.take_webhooks() == 5
    assert len(await entries(house)) == 5


async def test_an_applier_that_was_killed_after_its_work_applies_nothing_twice(house: House, monkeypatch: Any) -> None:
    class Died(BaseException):
        pass

    async def die(partition: int, place: str) -> None:
        raise Died

    await house.tell(house.order(house.recipient(101)))
    await house.runtime.webhooks.append("whatsapp", webhook(inbound_text(house, WRITER, "stop")))
    with monkeypatch.context() as patch:
        patch.setattr(house.runtime.webhooks, "applied", die)
        with pytest.raises(Died):
            await house.take_webhooks()
    await house.take_webhooks()
    assert len(await entries(house)) == 1
    assert (await house.told(101)).count("stop_confirmed") == 1
    ledger = await house.runtime.contacts.ledger((await house.contact_of(101)).id)
    assert [one.granted for one in ledger if one.purpose == "journey"] == [True, False]


async def test_two_appliers_of_one_inbox_apply_nothing_twice(house: House) -> None:
    values = [inbound_text(house, WRITER, str(number)) for number in range(10)]
    await house.runtime.webhooks.append("whatsapp", webhook(*values))
    await asyncio.gather(house.take_webhooks(), house.take_webhooks())
    assert sorted(await entries(house)) == [str(number) for number in range(10)]
