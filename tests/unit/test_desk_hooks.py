"""What another program is told of conversations, made of facts alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.desk_plan import plan_of
from gateway.insight.desk_hooks import TYPES, Desks, desks_of, sequence_of
from gateway.insight.hooks import DEFAULT_TYPES, kinds_of, leaves, webhook_of
from gateway.insight.kinds import KINDS
from gateway.settings import ToldOf
from gateway.store.facts import Fact, parse

PLAN = plan_of({"brands": {"zz": {"queues": [{"name": "theirs", "desk": "external"}]}}}, "test")
THEIRS = desks_of(PLAN, ToldOf.EXTERNAL)
IDS = "v07p0s3tfv9749tc c07p0s3tfv9749tc"
STANDS = "q=theirs brand=zz st=active epoch=2 o=g0000000000000001"


def fact(kind: str, detail: str, ids: str = IDS, place: str = "1795323757962-3") -> Fact:
    return parse(7, place, f"1|1795323757962|{kind}|{ids}|{detail}".encode())


def told(one: Fact, desks: Desks = THEIRS) -> dict[str, Any]:
    made = webhook_of(one, "", desks)
    assert made is not None
    assert made == webhook_of(one, "", desks)
    found: dict[str, Any] = json.loads(made.body)
    return found


def test_a_fact_says_how_its_conversation_stood_and_nothing_else_is_asked() -> None:
    found = told(fact("assigned", f"agent=g0000000000000001 how=take wait=120 {STANDS}"))
    assert found == {
        "type": "conversation.assigned",
        "timestamp": "2026-11-22T05:02:37.962Z",
        "data": {
            "conversation_id": "v07p0s3tfv9749tc", "contact_id": "c07p0s3tfv9749tc", "sequence": 1795323757962 * 1024 + 3,
            "queue": "zz/theirs", "from_queue": None, "desk": "external", "state": "active", "epoch": 2,
            "agent": "g0000000000000001", "at": "2026-11-22T05:02:37.962Z",
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "detail", "more"),
    [
        ("queued", "q=theirs brand=zz st=queued epoch=1 o= fq=general", {"reason": "moved", "from_queue": "zz/general"}),
        ("queued", "q=theirs brand=zz st=queued epoch=1 o= fq=general why=asked", {"reason": "asked"}),
        ("requeued", "why=not_back q=theirs brand=zz st=queued epoch=3 o=", {"reason": "requeued", "agent": None}),
        ("transferred", f"agent=g0000000000000002 {STANDS}", {"from_agent": "g0000000000000002"}),
        ("transferred", "agent=g0000000000000002 q=general brand=zz st=queued epoch=3 o= fq=theirs", {"desk": "own"}),
        ("resolved", f"by=silence reason= {STANDS}", {"by": "silence", "reason": None}),
        ("idled", STANDS, {"change": "waiting"}),
        ("identity_verified", f"how=code {STANDS}", {"change": "identity"}),
        ("marked", f"agent=g1 what=complaint to=1 {STANDS}", {"change": "marked"}),
        ("media_kept", f"state=clean why=clean size=9 file=f1 {STANDS}", {"media_id": "f1", "result": "kept", "why": "clean"}),
        ("inbound", f"{STANDS} entry=17-0 what=image file=f1", {"message_id": "17-0", "kind": "image", "media_id": "f1"}),
        ("inbound", f"{STANDS} entry=17-0 what=text file=", {"kind": "text", "media_id": None}),
        ("noted", f"agent=g0000000000000001 {STANDS} entry=17-1", {"message_id": "17-1", "kind": "note"}),
        ("outside", f"by=inbox {STANDS} entry=17-2", {"author": "inbox", "kind": "outside"}),
    ],
)  # fmt: skip
def test_each_type_says_what_it_is_about(kind: str, detail: str, more: dict[str, Any]) -> None:
    data = told(fact(kind, detail))["data"]
    assert {name: data[name] for name in more} == more


def test_an_answer_that_did_not_arrive_says_why_in_words() -> None:
    found = told(fact("undelivered", f"reason=unreachable {STANDS}", f"m07k8p0gt2r562c8bb5521q {IDS}"))
    assert (found["type"], found["data"]["message_id"]) == ("conversation.undelivered", "m07k8p0gt2r562c8bb5521q")
    assert found["data"]["reason"] == "unreachable"
    assert found["data"]["sentence"]


def test_only_what_stands_in_a_queue_of_theirs_or_leaves_one_is_told() -> None:
    own = fact("inbound", "q=general brand=zz st=queued epoch=1 o= entry=17-0 what=text file=")
    left = fact("transferred", "agent=g1 q=general brand=zz st=queued epoch=3 o= fq=theirs")
    other = fact("inbound", "q=theirs brand=exr st=queued epoch=1 o= entry=17-0 what=text file=")
    before = fact("inbound", "form=text st=queued")
    erased = fact("erased", "", "c07p0s3tfv9749tc")
    assert not leaves(fact("media_kept", f"state=ours why=ours size=9 file=f1 {STANDS}"), THEIRS)
    assert [leaves(one, THEIRS) for one in (own, left, other, before, erased)] == [False, True, False, False, True]
    everything = desks_of(PLAN, ToldOf.ALL)
    assert [leaves(one, everything) for one in (own, left, other, before, erased)] == [True, True, True, False, True]
    nobody = desks_of(plan_of({}, "test"), ToldOf.EXTERNAL)
    assert [leaves(one, nobody) for one in (own, left, other, before, erased)] == [False] * 5
    assert leaves(fact("safety", "kind=danger"), nobody)


def test_a_later_place_in_the_stream_is_a_larger_number_that_json_holds() -> None:
    places = ["1795323757962-0", "1795323757962-1", "1795323757962-1023", "1795323757963-0", "8000000000000-0"]
    numbers = [sequence_of(fact("opened", STANDS, place=one)) for one in places]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] < 2**53


def test_types_can_be_chosen_one_by_one() -> None:
    assert kinds_of(["message.received"]) == {"inbound"}
    assert set(TYPES.values()) <= DEFAULT_TYPES
    assert set(TYPES) <= set(KINDS)
