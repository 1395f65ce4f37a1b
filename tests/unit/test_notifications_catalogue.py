"""Reading templates/: all of it loads, and what is broken is refused with every problem at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import BadInput
from gateway.model.event import EventType
from gateway.notifications.catalogue import load
from gateway.notifications.expressions import compile_expression
from gateway.notifications.graph import mermaid, text
from gateway.notifications.yamlfile import read
from tests.support.notifications import ROOT, catalogue

EXPECTED = """
address_check boarding boarding_pass_issued checkin_open flight_cancelled flight_delayed flight_departed flight_diverted
flight_landed flight_on_time_again flight_reinstated gate_changed order_cancelled order_changed order_confirmed
order_delivered order_out_for_delivery order_shipped order_ready_for_pickup order_delivery_failed flight_rescheduled
outage_cancelled outage_fixed outage_planned outage_started outage_updated
platform_changed stop_all_confirmed stop_confirmed ticket_issued trip_cancelled trip_delayed trip_on_time_again
"""


def test_every_notification_loads() -> None:
    assert set(EXPECTED.split()) <= set(catalogue().names)
    assert {one.event for one in catalogue()} == {*EventType, None}
    assert all(one.event is EventType.TRIP_STATUS for one in catalogue().for_event(EventType.TRIP_STATUS))
    assert set(catalogue().brands) == {"zz", "exr", "netx"}
    assert catalogue().get("nothing") is None
    assert catalogue().ended_by("nothing") == ()


ENDS = [
    ("flight_cancelled", {"checkin_open", "boarding", "gate_changed", "flight_delayed", "flight_on_time_again",
                          "boarding_pass_issued"}),
    ("flight_departed", {"checkin_open", "boarding", "gate_changed", "flight_delayed", "flight_on_time_again",
                         "boarding_pass_issued", "flight_cancelled", "flight_reinstated"}),
    ("flight_landed", {"flight_departed", "flight_diverted"}),
    ("flight_reinstated", {"flight_cancelled"}),
    ("flight_on_time_again", {"flight_delayed"}),
    ("trip_cancelled", {"trip_delayed", "platform_changed", "trip_on_time_again"}),
    ("outage_fixed", {"outage_started", "outage_updated", "outage_planned"}),
    ("order_cancelled", {"order_shipped", "order_out_for_delivery", "order_confirmed"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "ended"), ENDS, ids=[row[0] for row in ENDS])
def test_news_ends_what_it_makes_pointless(name: str, ended: set[str]) -> None:
    assert ended <= set(catalogue().ended_by(name))


def test_a_newer_state_replaces_an_older_one() -> None:
    states = (EventType.FLIGHT_STATUS, EventType.TRIP_STATUS, EventType.OUTAGE_STATUS)
    assert all(one.replaces for event in states for one in catalogue().for_event(event))


def test_the_graph_draws_every_edge() -> None:
    drawn, lines = mermaid(catalogue()), text(catalogue())
    assert "  flight_reinstated -- ends --> flight_cancelled" in drawn
    assert "  flight_delayed -- replaces --> flight_delayed" in drawn
    assert "  order_out_for_delivery -. else .-> order_shipped" in drawn
    assert drawn.count("-- ends -->") == sum(len(one.ends) for one in catalogue())
    assert "  flight_reinstated: replaces older ones; ends flight_cancelled" in lines


def test_the_page_about_notifications_shows_the_graph_of_today() -> None:
    page = (ROOT / "docs" / "notifications.md").read_text()
    assert mermaid(catalogue(), loops=False) in page


def test_wordings_are_known_by_id_with_their_text() -> None:
    wordings = catalogue().wordings
    for known in ("journey-nl-3", "journey-en-3", "service-nl-1", "service-en-1"):
        assert wordings.known(known)
        found = wordings.get(known)
        assert found is not None
        assert "STOP" in found.text
        assert known == f"{found.purpose}-{found.language}-{known.rsplit('-', 1)[1]}"
    assert not wordings.known("journey-nl-99")


def test_broken_files_are_all_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "brands.yaml").write_text("zz: {name: Z, language: nl, timezone: Mars/Base, support_url: ftp://x}")
    (tmp_path / "wordings").mkdir()
    (tmp_path / "wordings" / "journey-nl-1.yaml").write_text("purpose: gossip\nlanguage: nl\nsince: '2026'\ntext: no")
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for folder in (one, two, three):
        folder.mkdir()
    (one / "notification.yaml").write_text(
        "version: 1\nabout: x\nevent: flight.status\nwhen: 'state.status =='\npurpose: journey\npersonal: false\n"
        "colour: red\nends: [nowhere]\nparameters: {gate: {from: foo.bar}, time: {from: state.gate, as: sundial}}\n"
    )
    (two / "notification.yaml").write_text(
        "version: 1\nabout: x\nevent: flight.status\nwhen: 'state.statu == nope(1) || colour'\npurpose: journey\n"
        "personal: false\nends: [nowhere]\nparameters: {gate: {from: state.gate}}\n"
    )
    (two / "nl.yaml").write_text("body: Gate {{gate}} and {{seat}} here\nbuttons: {ask: Vraag}\n")
    (two / "dutch.yaml").write_text("body: x")
    (two / "en.exr.yaml").write_text("body: x\nbody: y\n")
    (three / "notification.yaml").write_text("version: [\n")
    with pytest.raises(BadInput) as caught:
        load(tmp_path)
    said = [f"{problem.field} -> {problem.message}" for problem in caught.value.problems]
    for part in (
        "brands.yaml: zz: support_url", "wordings/journey-nl-1.yaml: purpose", "one/notification.yaml: colour",
        "one/notification.yaml: parameters.time", "two/notification.yaml: when", "two/nl.yaml: body -> {{seat}}",
        "two/nl.yaml: buttons.ask", "two/dutch.yaml", "two/en.exr.yaml -> no brand exr",
        "two/en.exr.yaml -> line 2: key given twice: body", "three/notification.yaml -> line",
    ):  # fmt: skip
        assert any(part in line for line in said), (part, said)


def test_an_end_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "notification.yaml").write_text(
        "version: 1\nabout: x\nevent: flight.status\nwhen: 'true'\npurpose: journey\npersonal: false\nends: [nowhere]\n"
    )
    (folder / "nl.yaml").write_text("body: Hallo daar")
    with pytest.raises(BadInput, match="no notification nowhere"):
        load(tmp_path)


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="one folder a notification"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("state.status ==", "parse"),
        ("colour == 'red'", "unknown name colour"),
        ("shout(state.status)", "unknown function shout"),
        ("", "(?i)empty|parse"),
    ],
)
def test_a_bad_expression_is_refused_at_load(source: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        compile_expression(source)


def test_names_in_macros_and_strings_are_no_paths() -> None:
    found = compile_expression("changes.exists(c, c == 'person.given_name') && facts.delay_minutes > 3")
    assert found.paths == ("changes.exists", "facts.delay_minutes")


def test_yes_and_no_are_words(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("yes: no\non: off\nreal: true\nday: 2026-11-22\n")
    assert read(path) == {"yes": "no", "on": "off", "real": True, "day": "2026-11-22"}


@pytest.mark.parametrize(
    ("kind", "legs", "told"),
    [
        ("rail_ticket", 0, "journey_ticket_issued"), ("flight_ticket", 0, "journey_ticket_issued"),
        ("ticket", 1, "journey_ticket_issued"), ("ticket", 0, "ticket_issued"), ("event_ticket", 0, "ticket_issued"),
        ("receipt", 0, "order_receipt"), ("invoice", 0, "order_receipt"), ("label", 0, ""),
    ],
)  # fmt: skip
def test_only_the_ticket_of_a_journey_offers_to_tell_who_is_at_home(kind: str, legs: int, told: str) -> None:
    document = {"kind": kind, "id": "1", **({"legs": [{}]} if legs else {})}
    context = {"event": {"type": "order.document"}, "data": {"document": document}}
    found = [one for one in catalogue().for_event(EventType.ORDER_DOCUMENT) if one.applies(context)]
    assert [one.name for one in found] == ([told] if told else [])
    offered = {"family" in [button.key for button in one.buttons] for one in found}
    assert offered <= {told.startswith("journey")}


def test_until_its_own_templates_may_be_sent_a_journeys_ticket_goes_as_any_ticket() -> None:
    ticket = catalogue().get("journey_ticket_issued")
    assert ticket is not None
    found = catalogue().in_its_place(ticket)
    assert [one.name for one in found] == ["journey_ticket_issued", "journey_ticket_file", "ticket_issued", "ticket_file"]
