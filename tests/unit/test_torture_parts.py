"""What torture is made of: a cast that its seed alone decides, what a webhook is evidence of, a picture that shows every kill."""

from __future__ import annotations

import xml.etree.ElementTree as Tree
from collections import defaultdict

from torture import cast, picture
from torture.balancer import arrived, parse_opaque, spoken
from torture.seen import Brake, Kill, Pause
from torture.sizes import SHORT_S, Sizes, for_seconds
from torture.witness import opaque_of

PSIDS: dict[str, str] = defaultdict(lambda: "1000200030004000")


def made(sizes: Sizes, seed: int) -> cast.Cast:
    return cast.cast(sizes, seed, PSIDS)


def test_the_same_seed_brings_the_same_events_at_the_same_moments() -> None:
    sizes = for_seconds(30)
    assert made(sizes, 7) == made(sizes, 7)
    assert made(sizes, 7) != made(sizes, 8)


def test_every_subject_ends_in_a_version_that_its_followers_must_be_told() -> None:
    newest: dict[str, cast.Event] = {}
    for event in made(for_seconds(60), 7).all:
        if event.subject not in newest or newest[event.subject].version < event.version:
            newest[event.subject] = event
    assert newest
    assert all(event.sure for event in newest.values())


def test_the_words_of_a_version_are_those_of_no_other() -> None:
    flights: dict[str, list[cast.Event]] = defaultdict(list)
    for event in made(for_seconds(60), 7).rest:
        if event.subject.startswith("ZZ"):
            flights[event.subject].append(event)
    for events in flights.values():
        reasons = [event.marks["flight_delayed"] for event in events]
        assert len(set(reasons)) == len(reasons)
        told_by_gate = [event.marks["gate_changed"] for event in events if event.sure]
        assert len(set(told_by_gate)) == len(told_by_gate)


def test_some_events_come_twice_and_some_behind_their_successors() -> None:
    rest = made(for_seconds(60), 7).rest
    assert any(event.again_s for event in rest)
    last: dict[str, int] = {}
    overtaken = 0
    for event in rest:
        overtaken += event.version < last.get(event.subject, 0)
        last[event.subject] = max(last.get(event.subject, 0), event.version)
    assert overtaken > 3


def test_a_long_run_has_thousands_of_followers_and_no_number_twice_on_one_channel() -> None:
    sizes = for_seconds(SHORT_S * 4)
    people = cast.people(sizes)
    assert sizes.crowd > 25 * 64  # every partition holds enough of them for a fan-out in turns
    assert len({(one.channel, one.address) for one in people}) == len(people)


def test_only_our_own_opaque_data_names_a_message() -> None:
    assert parse_opaque("m07abc.2.air") == ("m07abc", 2)
    assert parse_opaque("somebody else's") == ("", 0)
    assert parse_opaque("") == ("", 0)


def test_a_status_and_an_echo_are_evidence_and_a_failure_is_none() -> None:
    status = {"id": "wamid.1", "status": "delivered", "biz_opaque_callback_data": "m01a.1.air"}
    failed = {**status, "status": "failed", "biz_opaque_callback_data": "m02b.1.air"}
    echo = {"message": {"is_echo": True, "metadata": "m03c.2.page", "text": "hello"}}
    body = {"entry": [{"changes": [{"value": {"statuses": [status, failed]}}]}, {"messaging": [echo]}]}
    assert list(arrived(body)) == ["m01a.1.air", "m03c.2.page"]


def test_what_people_said_is_known_by_its_id_and_what_we_said_is_not() -> None:
    whatsapp = {"messages": [{"id": "wamid.said", "type": "text"}], "statuses": [{"id": "wamid.ours", "status": "sent"}]}
    messenger = [{"message": {"mid": "m_said", "text": "STOP"}}, {"message": {"mid": "m_ours", "is_echo": True}}]
    body = {"entry": [{"changes": [{"value": whatsapp}]}, {"messaging": messenger}]}
    assert list(spoken(body)) == ["wamid.said", "m_said"]


def test_the_world_is_a_witness_of_what_was_given_along() -> None:
    assert opaque_of({"biz_opaque_callback_data": "m01a.1.air"}) == "m01a.1.air"
    assert opaque_of({"message": {"text": "hello", "metadata": "m03c.2.page"}}) == "m03c.2.page"
    assert opaque_of({"status": "read"}) == ""
    assert opaque_of(None) == ""


def test_talkers_do_not_say_stop_and_stoppers_are_there_in_every_run() -> None:
    for seconds in (5, 16, 60, 600):
        whole = made(for_seconds(seconds), 7)
        assert whole.stoppers
        assert not set(whole.talkers) & set(whole.stoppers)


def test_a_process_stands_still_for_longer_than_its_leases() -> None:
    for seconds in (5, 600):
        sizes = for_seconds(seconds)
        assert sizes.frozen_s * 1000 > sizes.lease_ms + 1_000


def test_the_picture_shows_every_pause_and_every_stop() -> None:
    began = 1_000_000
    pauses = [Pause("all", began + 2_000, began + 9_000)]
    drawn = picture.draw(
        [began + 500], [], ["all", "store"], began, began + 12_000, pauses=pauses, brakes=[Brake(began, began + 4_000)]
    )
    classes = [one.get("class") for one in Tree.fromstring(drawn).iter()]
    assert classes.count("pause") == 1
    assert classes.count("brake") == 1


def test_the_picture_shows_every_kill_and_every_second_that_brought_messages() -> None:
    began = 1_000_000
    arrivals = [began + 1_500, began + 1_700, began + 4_200]
    kills = [Kill(began + 2_000, "store"), Kill(began + 4_000, "all"), Kill(began + 6_000, "store")]
    root = Tree.fromstring(picture.draw(arrivals, kills, ["all", "store"], began, began + 7_000))
    drawn = [one.get("class") for one in root.iter() if one.get("class")]
    assert drawn.count("kill") == 3
    assert drawn.count("area") == 2
    words = " ".join("".join(one.itertext()) for one in root.iter())
    assert "store (2)" in words
    assert "all (1)" in words
