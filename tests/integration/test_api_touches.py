"""Calls, mail and visits over HTTP: told once, shown in one timeline with all else, gone with their person."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.insight.history import Batch, History, Position
from gateway.insight.past import PAGE, Past
from gateway.model.conversation import InboundEntry
from gateway.model.ids import ContactId
from gateway.model.personal import Personal
from gateway.model.touch import Touch, TouchChannel
from gateway.store.apikeys import Scope
from gateway.store.facts import Fact
from tests.integration.api_stage import NOW_MS, SENDER, Client, Stage, ask

CALL = {
    "external_id": "pbx-1", "channel": "call", "direction": "in", "at": "2026-11-20T10:00:00Z", "subject": "lost bag",
    "summary": "asked where the bag is", "reason": "baggage", "agent": "Joris",
}  # fmt: skip


@pytest.fixture
async def stage(redis: Redis, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(redis)
    stage.past = Past(f"sqlite:///{tmp_path / 'history.db'}", stage.vault, stage.conversations)
    yield stage
    await stage.past.close()


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    async with stage.serve() as client:
        yield client


@pytest.fixture
async def eva(stage: Stage, client: Client) -> ContactId:
    return (await stage.take(client, "ce-order-confirmed-flight"))[0]


async def history_of(stage: Stage) -> History:
    assert stage.past is not None
    return History(await stage.past.database())


async def test_touches_are_kept_once_and_shown_with_all_else(stage: Stage, client: Client, eva: ContactId) -> None:
    path = f"/v1/contacts/{eva}"
    other = {**CALL, "external_id": "desk-7", "channel": "counter", "direction": "out", "at": "2026-11-19T09:00:00Z"}
    status, answer = await ask(client, "POST", f"{path}/touches", {"touches": [CALL, other, CALL]})
    assert (status, answer) == (200, {"answers": ["added", "added", "known"]})
    changed = {**CALL, "summary": "something else"}
    status, answer = await ask(client, "POST", f"{path}/touches", {"touches": [CALL, changed]})
    assert (status, answer) == (200, {"answers": ["known", "differs"]})

    contact = await stage.people().get(eva)
    item = InboundEntry("k1", "text", Personal("Where is it?"), NOW_MS)
    one = await stage.conversations.add_inbound(eva, "zz", contact.profile.addresses[0].id, SENDER, item=item)
    facts = (
        Fact(7, "1-0", NOW_MS - 5000, "enqueued", ("m07a", eva, "j07a"), {"nt": "flight_delayed", "s": SENDER}),
        Fact(7, "2-0", NOW_MS - 4000, "delivered", ("m07a", eva), {}),
        Fact(7, "3-0", NOW_MS - 3000, "reopened", (one, eva), {}),
    )
    await (await history_of(stage)).commit([Batch(7, Position(), Position("3-0", "3-0"), facts)])

    status, answer = await ask(client, "GET", f"{path}/timeline?reveal=true")
    assert status == 200, answer
    assert [(item["kind"], item["direction"], item["state"]) for item in answer["items"]] == [
        ("conversation", "in", "queued"),
        ("message", "out", "delivered"),
        ("call", "in", None),
        ("counter", "out", None),
    ]
    call = answer["items"][2]
    assert (call["subject"], call["summary"], call["by"], call["reason"]) == (
        "lost bag", "asked where the bag is", "Joris", "baggage",
    )  # fmt: skip
    been = answer["been_through"]
    assert (been["delays"]["count"], been["reopened"]["count"], been["complaints"]) == (1, 1, {"count": 0, "last": None})
    status, answer = await ask(client, "GET", f"{path}/timeline")
    assert {item["summary"] for item in answer["items"]} == {None, "…"}
    status, answer = await ask(client, "GET", f"{path}/timeline?before={answer['next']}")
    assert (status, answer) == (200, {"items": [], "next": None})


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"channel": "pigeon"}, "touches[0].channel"),
    ({"direction": "up"}, "touches[0].direction"),
    ({"at": "yesterday"}, "touches[0].at"),
    ({"at": "2027-11-20T10:00:00Z"}, "touches[0].at"),
    ({"external_id": ""}, "touches[0].external_id"),
    ({"summary": "x" * 4001}, "touches[0].summary"),
    ({"reason": "two words"}, "touches[0].reason"),
    ({"colour": "red"}, "touches[0].*"),
)


async def test_a_wrong_field_is_named_and_nothing_is_kept(stage: Stage, client: Client, eva: ContactId) -> None:
    path = f"/v1/contacts/{eva}"
    for change, field in WRONG:
        status, answer = await ask(client, "POST", f"{path}/touches", {"touches": [{**CALL, **change}]})
        assert (status, [one["field"] for one in answer["problems"]]) == (422, [field]), change
    assert (await ask(client, "GET", f"{path}/timeline"))[1]["items"] == []


async def test_a_key_tells_only_of_its_brands_and_sees_only_these(stage: Stage, client: Client, eva: ContactId) -> None:
    path = f"/v1/contacts/{eva}"
    scopes = [Scope.CONTACTS_READ, Scope.CONTACTS_WRITE]
    mine = (await stage.keys.make("theirs", scopes, brands=["yy"])).reveal()
    status, answer = await ask(client, "POST", f"{path}/touches", {"touches": [CALL]}, key=mine)
    assert (status, answer["problems"][0]["field"]) == (403, "touches[0].brand")
    await ask(client, "POST", f"{path}/touches", {"touches": [CALL, {**CALL, "external_id": "pbx-2", "brand": "yy"}]})
    status, answer = await ask(client, "GET", f"{path}/timeline", key=mine)
    assert [one["brand"] for one in answer["items"]] == ["yy"]
    assert len((await ask(client, "GET", f"{path}/timeline"))[1]["items"]) == 2


async def test_an_export_holds_touches_and_an_erasure_takes_them(stage: Stage, client: Client, eva: ContactId) -> None:
    path = f"/v1/contacts/{eva}"
    await ask(client, "POST", f"{path}/touches", {"touches": [CALL]})
    status, answer = await ask(client, "GET", f"{path}/export")
    assert (status, [one["summary"] for one in answer["touches"]]) == (200, ["asked where the bag is"])
    assert (await ask(client, "DELETE", path))[0] == 200
    assert stage.past is not None
    assert await stage.past.touches_of(eva) == []
    assert (await ask(client, "POST", f"{path}/touches", {"touches": [CALL]}))[0] in (404, 410)


async def test_what_is_told_while_its_person_is_erased_does_not_stay(
    stage: Stage, client: Client, eva: ContactId, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, past = f"/v1/contacts/{eva}", stage.past
    assert past is not None
    box = await stage.vault.contact_box(eva)

    async def erased_meanwhile(contact: ContactId) -> Any:
        await ask(client, "DELETE", path)
        return box

    with monkeypatch.context() as patched:
        patched.setattr(stage.vault, "contact_box", erased_meanwhile)
        assert (await ask(client, "POST", f"{path}/touches", {"touches": [CALL]}))[0] in (404, 410)
        assert await past.touches_of(eva) == []
        # Whoever wrote them may have died before looking again.
        touch = Touch(eva, "zz", TouchChannel.CALL, True, NOW_MS, *(Personal(word) for word in ("pbx-2", "", "", "")))
        await past.add_touches(eva, [touch])
    assert len(await past.touches_of(eva)) == 1
    await stage.people().erasure.sweep()
    assert await past.touches_of(eva) == []


async def test_a_page_ends_with_all_of_a_moment(stage: Stage, client: Client, eva: ContactId) -> None:
    path = f"/v1/contacts/{eva}"
    told = [{**CALL, "external_id": f"day-{number}"} for number in range(PAGE + 3)]
    older = {**CALL, "external_id": "before", "at": "2026-11-19T10:00:00Z"}
    assert (await ask(client, "POST", f"{path}/touches", {"touches": [*told, older]}))[0] == 200
    _, answer = await ask(client, "GET", f"{path}/timeline")
    assert len(answer["items"]) == PAGE + 3
    _, answer = await ask(client, "GET", f"{path}/timeline?before={answer['next']}")
    assert len(answer["items"]) == 1


async def test_measures_are_given_per_queue_and_half_hour(stage: Stage, client: Client) -> None:
    here = {"q": "general", "brand": "zz", "st": "queued"}
    facts = (
        Fact(7, "1-0", NOW_MS - 600_000, "opened", ("v07a", "c07a"), here),
        Fact(7, "2-0", NOW_MS - 540_000, "replied", ("m07a", "c07a", "v07a"), {"wait": "60000"}),
        Fact(7, "3-0", NOW_MS - 500_000, "opened", ("v07b", "c07b"), {**here, "q": "baggage"}),
    )
    await (await history_of(stage)).commit([Batch(7, Position(), Position("3-0", "3-0"), facts)])
    status, answer = await ask(client, "GET", "/v1/webcare/measures")
    assert status == 200, answer
    assert {row["queue"]: (row["service_level"], row["asa_s"], row["waiting"]) for row in answer["rows"]} == {
        "general": (1.0, 60.0, 0),
        "baggage": (None, None, 1),
    }
    assert (answer["definition"], answer["all"]["longest_s"] >= 500) == (2, True)
    status, answer = await ask(client, "GET", "/v1/webcare/measures?by=half_hour&queue=general&to=2026-11-22T12:00:00Z")
    assert [row["from"] for row in answer["rows"]] == ["2026-11-22T11:30:00.000Z"]
    wrong = "/v1/webcare/measures?from=2026-11-22T12:00:00Z&to=2026-11-22T11:00:00Z&by=year"
    status, answer = await ask(client, "GET", wrong)
    assert (status, [one["field"] for one in answer["problems"]]) == (422, ["from", "by"])


async def test_what_somebody_has_been_through_is_counted_in_50_ms(stage: Stage, client: Client, eva: ContactId) -> None:
    kinds = ("enqueued", "accepted", "delivered", "read")
    facts = tuple(
        Fact(7, f"{n}-0", NOW_MS - n, kinds[n % 4], (f"m07{n // 4}", eva, f"j{n // 8}"), {"nt": "trip_delayed"})
        for n in range(1, 1001)
    )
    await (await history_of(stage)).commit([Batch(7, Position(), Position("1000-0", "1000-0"), facts)])
    assert stage.past is not None
    took = []
    for _ in range(5):
        began = time.perf_counter()
        been = await stage.past.been_through(eva, NOW_MS)
        took.append(time.perf_counter() - began)
    assert been.delays.count == 126
    assert min(took) < 0.05, took


async def test_the_audit_is_read_by_whoever_administers(stage: Stage, client: Client) -> None:
    facts = [
        Fact(7, f"{number}-0", NOW_MS + number, "signed_in", (), {"agent": f"g{number}", "place": "p"}) for number in range(1, 4)
    ]
    await (await history_of(stage)).commit([Batch(7, Position(), Position("3-0", "3-0"), tuple(facts))])
    status, answer = await ask(client, "GET", "/v1/audit")
    assert status == 200
    assert [one["agent"] for one in answer["entries"]] == ["g3", "g2", "g1"]
    status, answer = await ask(client, "GET", "/v1/audit?agent=g2")
    assert [(one["what"], one["detail"]["place"]) for one in answer["entries"]] == [("signed_in", "p")]
    status, answer = await ask(client, "GET", f"/v1/audit?before={answer['next']}")
    assert [one["agent"] for one in answer["entries"]] == ["g1"]
    status, answer = await ask(client, "GET", "/v1/audit?before=x%27")
    assert status == 422
