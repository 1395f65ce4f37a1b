"""Links for Google Wallet: signed so that the public key agrees, short enough, and right in what each kind of ticket needs."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.documents.google_wallet import LONGEST, SAVE, fits, link
from gateway.documents.paper import Paper, Symbol, SymbolKind
from gateway.documents.wallet_keys import GoogleKeys, google_keys
from gateway.errors import CannotWrap
from gateway.settings import read
from tests.support.papers import BRANDS, CODE, FLIGHT, PASS, RAIL, RECEIPT, SHOW, TWO_FLIGHTS, blind
from tests.support.wallet_keys import EMAIL, ISSUER, NOW_MS, google_environment, key

LOGO = "https://www.example.org/logo.png"
TEXT_RAIL = replace(RAIL, travellers=("Eva Jansen",), symbols=(Symbol(SymbolKind.QR, b"TR-55310-1"),))


@pytest.fixture(scope="module")
def keys() -> GoogleKeys:
    found = google_keys(read(google_environment(), None))
    assert found is not None
    return found


def made(paper: Paper, keys: GoogleKeys, language: str = "nl", logo: str = LOGO) -> str:
    brand = replace(BRANDS[paper.brand], logo_url=logo)
    return link(paper, language, brand=brand, keys=keys, blind=blind, now_ms=NOW_MS)


def opened(address: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, once the public key agreed."""
    assert address.startswith(SAVE)
    signed, _, signature = address[len(SAVE) :].rpartition(".")
    key("google").public_key().verify(_raw(signature), signed.encode(), PKCS1v15(), SHA256())
    header, claims = (json.loads(_raw(part)) for part in signed.split("."))
    return header, claims


def _raw(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_link_is_signed_for_google_by_the_service_account(keys: GoogleKeys) -> None:
    header, claims = opened(made(PASS, keys))
    assert header == {"alg": "RS256", "typ": "JWT"}
    assert {name: value for name, value in claims.items() if name != "payload"} == {
        "iss": EMAIL, "aud": "google", "typ": "savetowallet", "iat": NOW_MS // 1000, "origins": [],
    }  # fmt: skip


def test_one_changed_character_is_no_longer_signed(keys: GoogleKeys) -> None:
    address = made(PASS, keys)
    middle = len(address) // 2
    with pytest.raises(InvalidSignature):
        opened(address[:middle] + ("A" if address[middle] != "A" else "B") + address[middle + 1 :])


def test_a_flight_has_its_class_its_local_times_and_its_code(keys: GoogleKeys) -> None:
    payload = opened(made(PASS, keys))[1]["payload"]
    (flight,), (ticket,) = payload["flightClasses"], payload["flightObjects"]
    assert flight["reviewStatus"] == "UNDER_REVIEW"
    assert flight["issuerName"] == "Polderwind Air"
    assert flight["localScheduledDepartureDateTime"] == "2026-11-22T10:55:00"
    assert flight["localScheduledArrivalDateTime"] == "2026-11-22T11:20:00"
    assert flight["flightHeader"] == {"carrier": {"carrierIataCode": "ZZ"}, "flightNumber": "1007"}
    assert flight["origin"] == {"airportIataCode": "AMS", "terminal": "1"}
    assert flight["destination"] == {"airportIataCode": "LHR"}
    assert (ticket["classId"], ticket["state"], ticket["passengerName"]) == (flight["id"], "ACTIVE", "Eva Jansen")
    assert ticket["reservationInfo"] == {"confirmationCode": "ZX7K2P"}
    assert ticket["boardingAndSeatingInfo"] == {"seatNumber": "12C", "boardingGroup": "2", "sequenceNumber": "0042"}
    assert ticket["barcode"] == {"type": "AZTEC", "value": CODE}


def test_a_train_has_its_operators_logo_and_its_leg(keys: GoogleKeys) -> None:
    payload = opened(made(TEXT_RAIL, keys))[1]["payload"]
    (operator,), (ticket,) = payload["transitClasses"], payload["transitObjects"]
    assert (operator["transitType"], operator["logo"]) == ("RAIL", {"sourceUri": {"uri": LOGO}})
    assert (ticket["tripType"], ticket["passengerNames"]) == ("ONE_WAY", "Eva Jansen")
    leg = ticket["ticketLeg"]
    assert leg["originName"] == {"defaultValue": {"language": "nl", "value": "Utrecht"}}
    assert (leg["departureDateTime"], leg["arrivalDateTime"]) == ("2026-11-22T09:30:00", "2026-11-22T11:38:00")
    assert leg["ticketSeat"] == {"coach": "4", "seat": "61"}


@pytest.mark.parametrize("paper", [PASS, TEXT_RAIL], ids=["pass", "rail"])
def test_what_changes_and_could_not_be_changed_there_is_not_told(paper: Paper, keys: GoogleKeys) -> None:
    one = replace(paper, legs=(replace(paper.legs[0], gate="GATE99", boards="2026-11-22T10:24:00+01:00"),))
    told = json.dumps(opened(made(one, keys)))
    assert "GATE99" not in told
    assert "10:24" not in told


def test_a_long_name_costs_the_arrival_and_not_the_ticket(keys: GoogleKeys) -> None:
    address = made(replace(PASS, travellers=("Eva Maria " + "van der Polderwind " * 6,)), keys)
    payload = opened(address)[1]["payload"]
    assert len(address) <= LONGEST
    assert "localScheduledArrivalDateTime" not in payload["flightClasses"][0]
    assert payload["flightObjects"][0]["boardingAndSeatingInfo"] == {"seatNumber": "12C", "sequenceNumber": "0042"}


def test_an_event_has_its_name_place_and_doors(keys: GoogleKeys) -> None:
    payload = opened(made(SHOW, keys, "fr-FR"))[1]["payload"]
    (event,), (ticket,) = payload["eventTicketClasses"], payload["eventTicketObjects"]
    assert event["eventName"] == {"defaultValue": {"language": "fr", "value": "Winter concert"}}
    assert event["dateTime"] == {"doorsOpen": "2026-12-19T19:00:00", "start": "2026-12-19T20:00:00"}
    assert (ticket["classId"], ticket["ticketHolderName"]) == (event["id"], "Eva Jansen")
    assert ticket["barcode"] == {"type": "QR_CODE", "value": "EV-20817-0001"}


def test_ids_are_of_the_issuer_of_all_that_is_shown_and_tell_nobody(keys: GoogleKeys) -> None:
    """What Google knows under an id stays as it was: another code, seat or time must not be taken for the old ticket."""
    other = replace(PASS, travellers=("Tom de Wit",), legs=(replace(FLIGHT, gate="D4", seat="3A"),))
    mine, theirs = (opened(made(paper, keys))[1]["payload"] for paper in (PASS, other))
    assert mine["flightClasses"][0]["id"] == theirs["flightClasses"][0]["id"]
    assert mine["flightObjects"][0]["id"] != theirs["flightObjects"][0]["id"]
    again = opened(made(replace(PASS, legs=(replace(FLIGHT, gate="D4"),)), keys))[1]["payload"]
    assert again == mine
    later = replace(FLIGHT, departs="2026-11-22T12:40:00+01:00")
    reissued = Symbol(SymbolKind.AZTEC, CODE.replace("012C", "003A").encode())
    for newer in (replace(PASS, legs=(later,)), replace(PASS, symbols=(reissued,))):
        other_ticket = opened(made(newer, keys))[1]["payload"]
        assert other_ticket["flightObjects"][0]["id"] != mine["flightObjects"][0]["id"]
        moved = other_ticket["flightClasses"][0]["id"] != mine["flightClasses"][0]["id"]
        assert moved is (newer.legs != PASS.legs)
    ids = [one["id"] for one in (*mine["flightClasses"], *mine["flightObjects"])]
    assert all(one.startswith(f"{ISSUER}.") and one[len(ISSUER) + 1 :].isalnum() for one in ids)
    assert not any("ZX7K2P" in one for one in ids)


def test_two_people_of_one_name_on_one_flight_never_share_a_ticket(keys: GoogleKeys) -> None:
    """Google hands out an object that is there under its id, whoever's it is."""
    brand = BRANDS["zz"]
    papers = (PASS, replace(PASS, reference="QQ11AA"), replace(PASS, ticket_number="0002499999999"))
    ids = set()
    for paper in papers:
        address = link(paper, "nl", brand=brand, keys=keys, blind=blind, now_ms=NOW_MS, about="the same words of a caller")
        ids.add(opened(address)[1]["payload"]["flightObjects"][0]["id"])
    assert len(ids) == len(papers)


def test_a_name_in_any_script_stands_in_it_as_it_is(keys: GoogleKeys) -> None:
    payload = opened(made(replace(PASS, travellers=("إيفا 😀",)), keys))[1]["payload"]
    assert payload["flightObjects"][0]["passengerName"] == "إيفا 😀"


@pytest.mark.parametrize(
    "paper",
    [
        RECEIPT,
        RAIL,  # bytes
        TWO_FLIGHTS,  # too long
        replace(PASS, travellers=("Eva " * 60,)),
        replace(PASS, symbols=(Symbol(SymbolKind.AZTEC, b"\xff\xfe"),)),
        replace(PASS, symbols=(Symbol(SymbolKind.AZTEC, b"A\x00B"),)),
        replace(PASS, symbols=()),
        replace(PASS, legs=()),
        replace(SHOW, starts_at="tonight"),
    ],
    ids=range(9),
)
def test_what_google_cannot_take_is_refused_without_its_content(paper: Paper, keys: GoogleKeys) -> None:
    with pytest.raises(CannotWrap) as refused:
        made(paper, keys)
    assert not any(word in str(refused.value) for word in ("Eva", "ZX7K2P", "TR-55310"))
    assert not fits(paper, brand=replace(BRANDS[paper.brand], logo_url=LOGO), keys=keys, blind=blind)


def test_a_train_without_a_logo_to_fetch_is_refused(keys: GoogleKeys) -> None:
    with pytest.raises(CannotWrap, match="logo"):
        made(TEXT_RAIL, keys, logo="")


def test_the_longest_link_that_is_made_has_1800_characters(keys: GoogleKeys) -> None:
    lengths = []
    for size in range(400):
        paper = replace(SHOW, title="x" * size + "y")
        try:
            lengths.append(len(made(paper, keys)))
        except CannotWrap:
            assert not fits(paper, brand=replace(BRANDS["zz"], logo_url=LOGO), keys=keys, blind=blind)
            break
        assert fits(paper, brand=replace(BRANDS["zz"], logo_url=LOGO), keys=keys, blind=blind)
    assert LONGEST - 2 <= max(lengths) <= LONGEST
