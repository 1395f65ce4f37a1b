"""How an address is read, and what its refusal says."""

from __future__ import annotations

import pytest

from connectors.meta.graph import Graph
from connectors.whatsapp import WhatsAppConnector
from connectors.whatsapp.people import named
from gateway.errors import BadInput

CONNECTOR = WhatsAppConnector(Graph("http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("+447700900123", "+447700900123"),
        ("+44 7700 900123", "+447700900123"),
        ("+44 (0)7700-900.123", "+447700900123"),
        (" +12025550142 ", "+12025550142"),
        ("+1 (202) 555-0142", "+12025550142"),
    ],
)
def test_a_phone_number_becomes_e164_also_when_it_is_fictional(given: str, value: str) -> None:
    found = CONNECTOR.identify(given, "portfolio-1")
    assert (found.kind, found.scope, found.value.reveal()) == ("phone", "", value)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("GB.66120937485561920374", "user_id"),
        ("NL.a1B2c3", "user_id"),
        ("GB.ENT.40182736455019283746", "parent_user_id"),
    ],
)
def test_a_user_id_belongs_to_the_portfolio(given: str, kind: str) -> None:
    found = CONNECTOR.identify(given, "portfolio-1")
    assert (found.kind, found.scope, found.value.reveal()) == (kind, "portfolio-1", given)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "+",
        "447700900123",
        "07700 900123",
        "0044 7700 900123",
        "+447700",
        "+4477009001234567",
        "+999 1234567",
        "+1 555 0142",
        "+447700900123 ext 5",
        "+1 800 FLOWERS",
        "+44 7700 900123; rm",
        "gb.66120937485561920374",
        "GBR.66120937485561920374",
        "GB.",
        "GB." + "1" * 129,
        "GB.12 34",
        "mail@host.example",
        "+" + "1" * 100,
    ],
)
def test_anything_else_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(BadInput) as caught:
        CONNECTOR.identify(given, "portfolio-1")
    assert caught.value.problems[0].field == "to"
    if len(given) > 4:
        assert given not in str(caught.value)
        assert "7700" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_webhooks_names_are_each_kept_once_with_the_user_id_first() -> None:
    found = named("447700900123", "GB.1", None, "GB.ENT.2", "447700900123", "GB.1", 447700900123)
    assert [(known.kind, known.value.reveal(), known.scope) for known in found] == [
        ("user_id", "GB.1", ""),
        ("phone", "+447700900123", ""),
        ("parent_user_id", "GB.ENT.2", ""),
    ]


def test_a_user_id_in_the_place_of_a_phone_number_is_told_by_its_dot() -> None:
    (found,) = named("GB.66120937485561920374")
    assert found.kind == "user_id"


@pytest.mark.parametrize("value", [None, "", "Ann", {}, [], True, 1.5, "Y2FwaV9ncm91cDoxMjAyNTU1MDE0MjZD", "12"])
def test_what_names_nobody_is_left_out(value: object) -> None:
    assert named(value) == ()
