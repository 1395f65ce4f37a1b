"""Contacts over HTTP: no number in a URL, masked unless revealed, changed by what they said, erased whole."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.errors import NotFound, Sealed
from gateway.insight.audit import is_audited
from gateway.model.contact import Proof, Subscription
from gateway.model.conversation import InboundEntry
from gateway.model.ids import ContactId, new_contact_id, partition_of
from gateway.model.message import MessageState, Priority
from gateway.model.personal import Personal
from gateway.store import keys
from gateway.store.apikeys import Scope
from gateway.store.outbox import ClaimWant, Plan, PlannedContact, Settlement
from gateway.store.reply import words
from tests.integration.api_stage import SENDER, Client, Stage, ask, bearer, sample, send
from tests.support.core import facts_of

EVA = "+447700900123"


@pytest.fixture
async def stage(redis: Redis) -> Stage:
    return Stage(redis)


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    async with stage.serve() as client:
        yield client


@pytest.fixture
async def eva(stage: Stage, client: Client) -> ContactId:
    """The booker of the sample order: a phone with proof, consent for the journey."""
    return (await stage.take(client, "ce-order-confirmed-flight"))[0]


def fields(answer: dict[str, Any]) -> list[str]:
    return [one["field"] for one in answer["problems"]]


# who


async def test_a_contact_is_found_by_address_and_by_customer_number(
    stage: Stage, client: Client, eva: ContactId
) -> None:
    for body in (
        {"address": {"channel": "whatsapp", "to": EVA}},
        {"address": {"channel": "whatsapp", "to": "+44 7700 900-123"}},
        {"customer": "C-20817"},
    ):
        status, answer = await ask(client, "POST", "/v1/contacts/search", body)
        assert (status, [one["id"] for one in answer["contacts"]]) == (200, [eva])
    for body in ({"address": {"channel": "whatsapp", "to": "+447700900199"}}, {"customer": "C-1"}):
        assert await ask(client, "POST", "/v1/contacts/search", body) == (200, {"contacts": []})


async def test_a_number_in_a_url_is_not_taken(client: Client) -> None:
    status, answer = await ask(client, "GET", "/v1/contacts?address=%2B447700900123")
    assert (status, answer["code"]) == (405, "use_search")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["body"]),
        ({"customer": "C-1", "address": {"channel": "whatsapp", "to": EVA}}, ["body"]),
        ({"address": {"channel": "whatsapp", "to": "0612345678"}}, ["address.to"]),
        ({"address": {"channel": "pigeon", "to": EVA}}, ["address.channel"]),
        ({"address": {"channel": "whatsapp"}}, ["address.to"]),
        ({"phone": EVA}, ["*"]),
    ],
)
async def test_a_search_that_means_nothing_is_named_and_not_repeated(
    client: Client, body: Any, wrong: list[str]
) -> None:
    status, answer = await ask(client, "POST", "/v1/contacts/search", body)
    assert (status, fields(answer)) == (422, wrong)
    assert EVA not in json.dumps(answer)


async def test_a_contact_is_masked_unless_it_may_be_revealed_and_is_asked_to_be(
    stage: Stage, client: Client, eva: ContactId
) -> None:
    secrets = (EVA, "Eva", "Jansen", "ZX7K2P")
    status, answer = await ask(client, "GET", f"/v1/contacts/{eva}")
    text = json.dumps(answer, ensure_ascii=False)
    assert status == 200
    assert answer["masked"]
    assert not any(secret in text for secret in secrets)
    assert answer["addresses"][0]["identifiers"] == [{"kind": "phone", "value": "+44•••23"}]
    assert (answer["addresses"][0]["proof"], answer["language"]) == ("otp", "nl-NL")
    reader = (await stage.keys.make("reader", [Scope.CONTACTS_READ])).reveal()
    status, answer = await ask(client, "GET", f"/v1/contacts/{eva}?reveal=true", key=reader)
    assert (status, answer["code"]) == (403, "scope")
    status, answer = await ask(client, "GET", f"/v1/contacts/{eva}?reveal=true")
    assert status == 200
    assert all(secret in json.dumps(answer) for secret in secrets)


@pytest.mark.parametrize("name", ["c07unknown", "m07000000000000000000000", "x", "+447700900123"])
async def test_an_unknown_contact_is_not_found(client: Client, name: str) -> None:
    assert (await ask(client, "GET", f"/v1/contacts/{name}"))[0] == 404
    assert (await ask(client, "GET", f"/v1/contacts/{new_contact_id()}"))[0] == 404
    assert (await ask(client, "DELETE", f"/v1/contacts/{new_contact_id()}"))[0] == 404


async def test_each_scope_opens_its_own_and_nothing_else(stage: Stage, client: Client, eva: ContactId) -> None:
    reader = (await stage.keys.make("reader", [Scope.CONTACTS_READ])).reveal()
    writer = (await stage.keys.make("writer", [Scope.CONTACTS_WRITE])).reveal()
    one = f"/v1/contacts/{eva}"
    for method, path in [("GET", one), ("GET", f"{one}/consents"), ("GET", f"{one}/subscriptions")]:
        assert (await ask(client, method, path, key=reader))[0] == 200
        assert (await ask(client, method, path, key=writer))[0] == 403
    for method, path in [("PATCH", one), ("DELETE", one), ("PUT", f"{one}/consents"), ("PUT", f"{one}/proofs")]:
        assert (await ask(client, method, path, {}, key=reader))[0] == 403
    assert (await ask(client, "GET", f"{one}/export", key=reader))[0] == 403
    assert (await ask(client, "GET", "/v1/keys", key=reader))[0] == 403


# what they are


async def test_language_and_zone_are_changed(client: Client, eva: ContactId) -> None:
    one = f"/v1/contacts/{eva}"
    status, answer = await ask(client, "PATCH", one, {"language": "en_GB", "timezone": "Europe/London"})
    assert (status, answer["language"], answer["timezone"]) == (200, "en-GB", "Europe/London")
    status, answer = await ask(client, "PATCH", one, {"timezone": "Mars/Olympus", "language": "!"})
    assert (status, sorted(fields(answer))) == (422, ["language", "timezone"])


# what they agreed to


def consent(granted: bool = True, **more: Any) -> dict[str, Any]:
    one = {
        "purpose": "offers", "channel": "whatsapp", "brand": "zz", "granted": granted, "at": "2026-11-22T11:00:00Z",
        "how": "call", "wording": "journey-en-3", "evidence": "call 17",
    }  # fmt: skip
    return {**one, **more}


async def test_a_consent_is_written_down_with_its_evidence(stage: Stage, client: Client, eva: ContactId) -> None:
    path = f"/v1/contacts/{eva}/consents"
    status, answer = await ask(client, "PUT", path, {"consents": [consent()]})
    assert (status, answer["answers"]) == (200, ["applied"])
    assert [one["granted"] for one in answer["consents"] if one["purpose"] == "offers"] == [True]
    _, masked = await ask(client, "GET", path)
    _, shown = await ask(client, "GET", path + "?reveal=true")
    assert (shown["ledger"][-1]["evidence"], shown["ledger"][-1]["how"]) == ("call 17", "call")
    assert "call 17" not in json.dumps(masked)


async def test_the_later_word_wins_however_late_the_earlier_comes(client: Client, eva: ContactId) -> None:
    path = f"/v1/contacts/{eva}/consents"
    withdrawn = consent(False, at="2026-11-22T11:30:00Z", wording=None, evidence=None)
    assert (await ask(client, "PUT", path, {"consents": [withdrawn]}))[1]["answers"] == ["applied"]
    status, answer = await ask(client, "PUT", path, {"consents": [consent()]})
    assert (status, answer["answers"]) == (200, ["older"])
    assert [one["granted"] for one in answer["consents"] if one["purpose"] == "offers"] == [False]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"wording": None}, "consents[0].wording"),
        ({"wording": "made-up-1"}, "consents[0].wording"),
        ({"evidence": None}, "consents[0].evidence"),
        ({"evidence": "  "}, "consents[0].evidence"),
        ({"at": "2026-11-22T12:06:00Z"}, "consents[0].at"),
        ({"at": "yesterday"}, "consents[0].at"),
        ({"granted": "yes"}, "consents[0].granted"),
        ({"purpose": "everything"}, "consents[0].purpose"),
        ({"brand": "a|b"}, "consents[0].brand"),
    ],
)
async def test_a_consent_that_would_not_count_is_refused(
    client: Client, eva: ContactId, change: dict[str, Any], field: str
) -> None:
    status, answer = await ask(client, "PUT", f"/v1/contacts/{eva}/consents", {"consents": [consent(**change)]})
    assert (status, fields(answer)) == (422, [field])


async def test_a_key_of_one_brand_writes_no_consent_of_another(stage: Stage, client: Client, eva: ContactId) -> None:
    key = (await stage.keys.make("exr", [Scope.CONTACTS_WRITE], brands=["exr"])).reveal()
    status, answer = await ask(client, "PUT", f"/v1/contacts/{eva}/consents", {"consents": [consent()]}, key=key)
    assert (status, fields(answer)) == (403, ["consents[0].brand"])
    body = {"subscriptions": [{"type": "trip", "entity": "EXR/1/2026-11-22", "reference": "TR-1", "brand": "zz"}]}
    assert (await ask(client, "PUT", f"/v1/contacts/{eva}/subscriptions", body, key=key))[0] == 403


async def test_a_proof_binds_an_address_and_not_me_unbinds_it(stage: Stage, client: Client, eva: ContactId) -> None:
    _, contact = await ask(client, "GET", f"/v1/contacts/{eva}")
    address = contact["addresses"][0]["id"]
    path = f"/v1/contacts/{eva}/proofs"
    status, answer = await ask(client, "PUT", path, {"proofs": [{"address": address, "proof": None}]})
    assert (status, answer["answers"], answer["addresses"][0]["proof"]) == (200, ["applied"], None)
    assert answer["addresses"][0]["not_me_at"]
    late = {"address": address, "proof": "app_login", "at": "2026-11-22T12:01:00Z"}
    status, answer = await ask(client, "PUT", path, {"proofs": [late, {**late, "at": "2026-11-01T00:00:00Z"}]})
    assert (answer["answers"], answer["addresses"][0]["proof"]) == (["applied", "older"], Proof.APP_LOGIN.value)
    status, answer = await ask(client, "PUT", path, {"proofs": [{"address": "a07aaaaaaaaaaaaa", "proof": "otp"}]})
    assert (status, fields(answer)) == (422, ["proofs[0].address"])


# what they hear about


async def test_a_contact_follows_a_flight_and_is_told_what_holds(stage: Stage, client: Client, eva: ContactId) -> None:
    path = f"/v1/contacts/{eva}/subscriptions"
    flight = {"type": "flight", "entity": "ZZ0099/2026-11-23/AMS", "reference": "QQ1PL2"}
    status, answer = await ask(client, "PUT", path, {"subscriptions": [flight]})
    subject = answer["subscriptions"][0]["subject"]
    assert (status, answer["subscriptions"][0]["answer"]) == (200, "added")
    assert stage.newcomers == [(eva, subject)]
    assert (await ask(client, "PUT", path, {"subscriptions": [flight]}))[1]["subscriptions"][0]["answer"] in (
        "same",
        "changed",
    )
    assert stage.newcomers == [(eva, subject)]
    _, found = await ask(client, "GET", "/v1/subscriptions?subject=flight:ZZ0099/2026-11-23/AMS")
    assert found == {"subject": subject, "contacts": [eva], "after": None}
    _, contact = await ask(client, "GET", f"/v1/contacts/{eva}?reveal=1")
    assert "QQ1PL2" in [order["number"] for order in contact["orders"]]
    assert (await ask(client, "DELETE", f"{path}/{subject}"))[0] == 204
    assert (await ask(client, "DELETE", f"{path}/{subject}"))[0] == 404
    _, found = await ask(client, "GET", f"/v1/subscriptions?subject={subject}")
    assert found["contacts"] == []


async def test_an_order_that_is_left_takes_along_what_only_it_brought(client: Client, eva: ContactId) -> None:
    _, contact = await ask(client, "GET", f"/v1/contacts/{eva}")
    order = contact["orders"][0]["subject"]
    path = f"/v1/contacts/{eva}/subscriptions"
    assert len((await ask(client, "GET", path))[1]["subscriptions"]) == 4
    assert (await ask(client, "DELETE", f"{path}/{order}"))[0] == 204
    assert (await ask(client, "GET", path))[1]["subscriptions"] == []


async def test_subscribers_come_page_by_page(stage: Stage, client: Client, eva: ContactId) -> None:
    url = "/v1/subscriptions?subject=flight:ZZ1007/2026-11-22/AMS&limit=1"
    _, first = await ask(client, "GET", url)
    _, second = await ask(client, "GET", f"{url}&after={first['after']}")
    assert eva in (*first["contacts"], *second["contacts"])
    assert (len(first["contacts"]), len(second["contacts"]), second["after"]) == (1, 1, None)
    for wrong in ("subject=", "subject=flight:", "subject=j07", "subject=flight:x&limit=0", "subject=flight:x&after=c"):
        assert (await ask(client, "GET", f"/v1/subscriptions?{wrong}"))[0] == 422
    status, answer = await ask(client, "GET", "/v1/subscriptions?subject=order:ZX7K2P")
    assert (status, fields(answer)) == (422, ["subject"])
    assert "ZX7K2P" not in json.dumps(answer)


# erased


async def _converse(stage: Stage, contact: ContactId) -> None:
    known = await stage.contacts.get(contact)
    item = InboundEntry("wa:1", "text", Personal("When do we board?"), stage.clock.now_ms())
    await stage.conversations.add_inbound(contact, "zz", known.profile.addresses[0].id, SENDER, item=item)


async def test_an_export_holds_everything_of_a_person(stage: Stage, client: Client, eva: ContactId) -> None:
    await stage.plan(eva, "Your flight leaves at 11:40.")
    await _converse(stage, eva)
    status, answer = await ask(client, "GET", f"/v1/contacts/{eva}/export")
    assert status == 200
    assert answer["contact"]["addresses"][0]["identifiers"][0]["value"] == EVA
    assert answer["messages"][0]["text"] == "Your flight leaves at 11:40."
    assert answer["messages"][0]["to"] == [{"kind": "phone", "value": EVA}]
    assert answer["conversations"][0]["entries"][0]["text"] == "When do we board?"
    assert len(answer["consent_ledger"]) == 1
    assert len(answer["subscriptions"]) == 4


async def test_an_export_and_an_erasure_are_in_the_audit_with_the_key_that_asked(
    stage: Stage, client: Client, eva: ContactId
) -> None:
    reader = (await stage.keys.make("reader", [Scope.CONTACTS_READ])).reveal()
    office = (await stage.keys.make("office", [Scope.CONTACTS_READ, Scope.CONTACTS_WRITE, Scope.MESSAGES_REVEAL])).reveal()
    assert (await ask(client, "GET", f"/v1/contacts/{eva}/export", key=reader))[0] == 403
    assert (await ask(client, "GET", f"/v1/contacts/{eva}/export", key=office))[0] == 200
    for status in (200, 404):
        assert (await ask(client, "DELETE", f"/v1/contacts/{eva}", key=office))[0] == status
    found = [one for one in await facts_of(stage.redis) if one.kind in ("exported", "erasing")]
    assert [(one.kind, one.ids, one.detail) for one in found] == [
        ("exported", (eva,), {"agent": "office"}), ("erasing", (eva,), {"who": "office"}),
    ]  # fmt: skip
    assert all(is_audited(one) for one in found)


async def test_erasing_leaves_nothing_of_a_person_but_a_mark(stage: Stage, client: Client, eva: ContactId) -> None:
    queued = await stage.plan(eva, "Your flight leaves at 11:40.")
    later = await stage.plan(eva, "Boarding soon.", due_ms=stage.clock.now_ms() + 600_000)
    await _converse(stage, eva)
    known = await stage.contacts.get(eva)
    status, answer = await ask(client, "DELETE", f"/v1/contacts/{eva}")
    assert status == 200
    assert (answer["messages_withdrawn"], answer["conversations_destroyed"]) == (2, 1)
    left = [words(name) async for name in stage.redis.scan_iter(count=1000)]
    assert [name for name in left if eva in name] == [keys.of(eva, "f")]
    assert await stage.redis.hgetall(keys.of(eva, "f")) == {b"erasing": await _mark(stage, eva)}
    assert not [name for name in left if name.endswith("}q:zz-main") or "later:" in name or "ready:" in name]
    for name in left:
        if (await stage.redis.type(name)) == b"zset" and "}su:" in name:
            assert eva.encode() not in await stage.redis.zrange(name, 0, -1)
    for message in (queued, later):
        found = await stage.outbox.record(message)
        assert found is not None
        assert (found[0].state, found[0].reason, found[1]) == (MessageState.SUPPRESSED, "erasing", b"")
    for identifier in known.profile.addresses[0].identifiers:
        assert await stage.contacts.find("whatsapp", [identifier]) == [None]
    with pytest.raises(Sealed):
        await stage.vault.contact_box(eva)
    assert (await ask(client, "GET", f"/v1/contacts/{eva}"))[0] == 404
    assert (await ask(client, "GET", f"/v1/messages/{queued}?reveal=true"))[0] == 404
    assert (await ask(client, "POST", "/v1/contacts/search", {"customer": "C-20817"}))[1] == {"contacts": []}


async def _mark(stage: Stage, contact: ContactId) -> bytes:
    marked = await stage.redis.hget(keys.of(contact, "f"), "erasing")
    assert isinstance(marked, bytes)
    return marked


async def test_an_erased_contact_is_brought_back_by_nothing_under_way(
    stage: Stage, client: Client, eva: ContactId
) -> None:
    await ask(client, "DELETE", f"/v1/contacts/{eva}")
    with pytest.raises(NotFound):
        await stage.contacts.change(eva, lambda profile: profile)
    subject = stage.vault.subject_id("flight", "ZZ1007/2026-11-22/AMS")
    assert await stage.contacts.subscribe(Subscription(eva, subject, (), stage.clock.now_ms() + 1000)) == "erasing"
    planned = PlannedContact(eva, 0)
    answer = await stage.outbox.put(Plan(partition_of(eva), "e", 1, subject, (planned,)))
    assert (answer.written, answer.contacts) == (False, ("erasing",))


async def test_the_same_number_comes_back_as_somebody_new(stage: Stage, client: Client, eva: ContactId) -> None:
    await ask(client, "DELETE", f"/v1/contacts/{eva}")
    order = sample("ce-order-confirmed-flight") | {"id": "again", "sequence": "2"}
    assert (await send(client, order))[0] == 202
    _, found = await ask(client, "POST", "/v1/contacts/search", {"address": {"channel": "whatsapp", "to": EVA}})
    assert found == {"contacts": []}
    again = (await stage.take(client, "ce-order-shipped"))[0]
    assert again != eva
    assert (await ask(client, "GET", f"/v1/contacts/{again}"))[1]["consents"] == []


async def test_a_message_on_the_wire_ends_by_itself_after_the_erasure(
    stage: Stage, client: Client, eva: ContactId
) -> None:
    message = await stage.plan(eva, "Your flight leaves at 11:40.")
    want = ClaimWant("batch-1", partition_of(eva), SENDER, Priority.NORMAL, 1)
    (claimed,) = await stage.outbox.claim([want], worker="w", lease_ms=10_000, evidence_ms=1000, clock_ok=True)
    assert (await ask(client, "DELETE", f"/v1/contacts/{eva}"))[1]["messages_withdrawn"] == 0
    assert await stage.outbox.settle([Settlement(claimed, "a", 1)]) == ["settled"]
    found = await stage.outbox.record(message)
    assert found is not None
    assert found[0].state is MessageState.ACCEPTED
    assert await stage.outbox.depth([SENDER]) == 0


async def test_a_sweep_finishes_an_erasure_that_was_cut_off_and_drops_old_marks(
    stage: Stage, client: Client, eva: ContactId
) -> None:
    erasure = stage.people().erasure
    marked = stage.clock.now_ms()
    await stage.redis.hset(keys.of(eva, "f"), "erasing", str(marked))
    await stage.redis.zadd(keys.beside(eva, "erase"), {eva: marked})
    assert await erasure.sweep() == 1
    assert await stage.redis.exists(keys.of(eva, "c"), keys.of(eva, "k")) == 0
    assert await stage.redis.exists(keys.of(eva, "f")) == 1
    stage.clock.offset_ms += keys.KEEP_MS + 1000
    assert await erasure.sweep() == 1
    assert await stage.redis.exists(keys.of(eva, "f"), keys.beside(eva, "erase")) == 0
    assert await erasure.sweep() == 0


# the key that opens it


async def test_a_store_that_does_not_answer_is_said_as_such(
    client: Client, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(stage.contacts, "get", gone)
    async with client.get(f"/v1/contacts/{new_contact_id()}", headers=bearer()) as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "2")


async def test_what_nobody_foresaw_is_answered_without_telling_anything(
    client: Client, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("a secret of the inside")

    monkeypatch.setattr(stage.contacts, "get", broken)
    status, answer = await ask(client, "GET", f"/v1/contacts/{new_contact_id()}")
    assert (status, answer["code"]) == (500, "failed")
    assert "inside" not in json.dumps(answer)
