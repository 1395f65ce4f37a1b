"""A pass that waited is looked at again: where words and file are two messages, each for itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from gateway.model.event import EventType
from gateway.model.ids import MessageId, SubjectId
from gateway.planning.asofnow import ANEW, for_body, is_as_planned, shown_now, stamped
from gateway.planning.plan import FILE, WORDS, split_body
from gateway.planning.result import EventResult, World
from gateway.rules import changes
from gateway.store.subjects import Subjects
from tests.support.notifications import catalogue, ms, sample
from tests.support.papers import AS_OF_MS, PASS

NOW_MS = AS_OF_MS + 3600_000
WORLD = cast("World", SimpleNamespace(catalogue=catalogue()))
MESSAGE = MessageId("m07" + "0" * 26)


def subjects(**data: Any) -> Subjects:
    """Of which the flight says this now; without anything, nobody has spoken of it."""
    event = sample("ce-flight-delayed")["data"]
    memory = changes.step(EventType.FLIGHT_STATUS, {}, {**event, **data})[0] if data else {}

    async def read(subject: SubjectId, name: str) -> Any:
        assert (subject, name) == ("j07flight", "flight.status")
        return SimpleNamespace(memory=memory)

    return cast("Subjects", SimpleNamespace(read=read))


def parts() -> tuple[dict[str, Any], dict[str, Any]]:
    """The two bodies of a pass at a channel without captions."""
    data = {**sample("ce-flight-boarding-pass")["data"], "bcbp": "M1SECRET"}
    result = EventResult(
        "e1", EventType.FLIGHT_BOARDINGPASS, "x", "/dcs", SubjectId("j07flight"), 1, ms("2026-11-22T08:00:00Z"), "", (), {}, {},
        data, {}, ("boarding_pass_issued",),
    )  # fmt: skip
    document = {"ref": "0" * 32, "mime": "image/png", "filename": "p.png", "draw": "picture", "paper": PASS.dump(), "page": "07t"}
    body = {"document": document, "buttons": [], **for_body(result, [], document)}
    assert "SECRET" not in str(body[ANEW]), "a code is kept once, in its paper"
    words, file = split_body(MESSAGE, "told", body, cast("Any", SimpleNamespace(captions=False)))
    return dict(words[2]), dict(file[2])


async def test_words_and_file_that_go_apart_both_know_the_gate_of_now() -> None:
    words, file = parts()
    assert (words["part"], words["document"], file["part"]) == (WORDS, None, FILE)
    for body in (words, file):
        found = await shown_now(body, subjects(gate="E4"), WORLD, NOW_MS)
        assert found is not None
        assert found[0].legs[0].gate == "E4"
        assert not is_as_planned(body, found[0])


async def test_where_nothing_moved_only_the_stamp_is_of_now() -> None:
    words, file = parts()
    for body in (words, file):
        found = await shown_now(body, subjects(), WORLD, NOW_MS)
        assert found is not None
        assert is_as_planned(body, found[0])
    assert stamped(words, found[0]) == words
    assert stamped(file, found[0]) == file, "nobody has said anything of the flight: the stamp stays"
    planned = {"departure": {"scheduled": PASS.legs[0].departs}, "arrival": {"scheduled": PASS.legs[0].arrives}}
    flight = subjects(status="scheduled", gate="D18", terminal="1", delayMinutes=None, times=planned)
    said = await shown_now(file, flight, WORLD, NOW_MS)
    assert said is not None
    assert is_as_planned(file, said[0])
    assert stamped(file, said[0])["document"]["paper"]["as_of_ms"] == NOW_MS


async def test_of_a_cancelled_flight_and_of_what_an_older_version_kept_nothing_is_made_anew() -> None:
    _, file = parts()
    assert await shown_now(file, subjects(status="cancelled"), WORLD, NOW_MS) is None
    older = {name: value for name, value in file.items() if name != ANEW}
    assert await shown_now(older, subjects(gate="E4"), WORLD, NOW_MS) is None
    assert for_body(cast("EventResult", None), [], {"ref": "0", "url": "https://docs.example.org/t.pdf"}) == {}
