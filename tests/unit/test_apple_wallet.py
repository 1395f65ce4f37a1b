"""Passes for Apple Wallet: whole by their manifest, right in times, words, symbols. For openssl see test_apple_signature.py."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gateway.documents.apple_wallet import MIME, MIME_SEVERAL, passes, pkpass
from gateway.documents.paper import Paper, PaperLeg, Symbol, SymbolKind
from gateway.documents.wallet_cards import cards
from gateway.documents.wallet_images import images
from gateway.documents.wallet_keys import AppleKeys, apple_keys
from gateway.documents.wallet_words import LANGUAGES, Word, say
from gateway.errors import CannotWrap
from gateway.notifications.brands import Look
from gateway.settings import read
from tests.support.papers import (
    AS_OF_MS,
    BRANDS,
    BYTES,
    CODE,
    ENDS_MS,
    FLIGHT,
    ONWARD,
    PASS,
    RAIL,
    RECEIPT,
    SHOW,
    TWO_FLIGHTS,
    blind,
)
from tests.support.wallet_keys import PASS_TYPE, TEAM, apple_environment

PICTURES = images(Look(), Path("/nowhere"))
LOGOS = Path(__file__).parents[2] / "templates"


@pytest.fixture(scope="module")
def keys() -> AppleKeys:
    found = apple_keys(read(apple_environment(), None))
    assert found is not None
    return found


def made(paper: Paper, keys: AppleKeys, language: str = "nl", about: str = "") -> tuple[bytes, str]:
    return passes(paper, language, brand=BRANDS[paper.brand], keys=keys, blind=blind, images=PICTURES, about=about)


def files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def shown(data: bytes) -> Any:
    return json.loads(files(data)["pass.json"])


def fields(data: bytes) -> dict[str, Any]:
    """All fields by key; none twice."""
    value = shown(data)
    style = value.get("boardingPass") or value["eventTicket"]
    found = [field for name, part in style.items() if name.endswith("Fields") for field in part]
    assert len({field["key"] for field in found}) == len(found)
    return {field["key"]: field for field in found}


@pytest.mark.parametrize("paper", [PASS, SHOW], ids=["pass", "show"])
def test_the_manifest_names_every_file_by_its_digest_and_all_lie_at_the_root(paper: Paper, keys: AppleKeys) -> None:
    inside = files(made(paper, keys)[0])
    manifest = json.loads(inside["manifest.json"])
    assert set(inside) == set(manifest) | {"manifest.json", "signature"}
    assert manifest == {name: hashlib.sha1(inside[name]).hexdigest() for name in manifest}
    assert {"pass.json", "icon.png", "icon@2x.png", "icon@3x.png"} <= set(manifest)
    assert all(re.fullmatch(r"[\w@.]+|\w\w\.lproj/pass\.strings", name) for name in inside)


def test_everything_required_is_there_and_agrees_with_the_certificate(keys: AppleKeys) -> None:
    value = shown(made(PASS, keys)[0])
    assert value["formatVersion"] == 1
    assert (value["passTypeIdentifier"], value["teamIdentifier"]) == (PASS_TYPE, TEAM)
    assert (value["organizationName"], value["description"]) == ("Polderwind Air", "Instapkaart ZZ 1007")
    styles = {"boardingPass", "eventTicket", "coupon", "storeCard", "generic"}
    assert styles & set(value) == {"boardingPass"}
    assert value["boardingPass"]["transitType"] == "PKTransitTypeAir"
    assert [field["key"] for field in value["boardingPass"]["primaryFields"]] == ["origin", "destination"]
    assert len(value["boardingPass"]["headerFields"]) <= 3
    assert len(value["boardingPass"]["auxiliaryFields"]) <= 5
    assert value["barcodes"] == [{"format": "PKBarcodeFormatAztec", "message": CODE, "messageEncoding": "iso-8859-1"}]
    assert not {"webServiceURL", "authenticationToken", "voided"} & set(value)


def test_times_are_those_of_the_place_wherever_the_phone_is(keys: AppleKeys) -> None:
    data, _ = made(PASS, keys)
    found = fields(data)
    assert found["departs"]["value"] == "2026-11-22T10:55:00+01:00"
    assert found["departs"]["ignoresTimeZone"] is True
    assert found["boards"]["value"] == "2026-11-22T10:25:00+01:00"
    assert (found["arrives"]["value"], found["arrives"]["ignoresTimeZone"]) == ("2026-11-22T11:20:00+00:00", True)
    value = shown(data)
    assert value["relevantDate"] == "2026-11-22T10:25:00+01:00"
    assert value["relevantDates"] == [{"startDate": "2026-11-22T07:25:00+01:00", "endDate": "2026-11-22T10:55:00+01:00"}]
    assert datetime.fromisoformat(value["expirationDate"]).timestamp() * 1000 == ENDS_MS
    assert "ignoresTimeZone" not in found["asof"]
    assert datetime.fromisoformat(found["asof"]["value"]).timestamp() == AS_OF_MS // 1000


def test_what_is_not_known_is_not_shown(keys: AppleKeys) -> None:
    bare = replace(
        PASS, reference="", ticket_number="", baggage="", frequent_flyer="", notes=(), as_of_ms=0, ends_ms=0,
        legs=(PaperLeg(origin="AMS", destination="LHR", departs="2026-11-22T10:55:00+01:00"),),
    )  # fmt: skip
    data, _ = made(bare, keys)
    assert set(fields(data)) == {"origin", "destination", "name", "departs", "changes", "help"}
    assert all(field["value"] for field in fields(data).values())
    assert not {"groupingIdentifier", "expirationDate"} & set(shown(data))


def test_a_newer_version_keeps_its_number_and_a_booking_its_group(keys: AppleKeys) -> None:
    late = replace(FLIGHT, gate="D4", seat="3A", departs="2026-11-22T12:40:00+01:00")
    moved = replace(PASS, legs=(late,), as_of_ms=AS_OF_MS + 1)
    other = replace(PASS, travellers=("Tom de Wit",))
    old, new, theirs = (shown(made(paper, keys)[0]) for paper in (PASS, moved, other))
    assert old["serialNumber"] == new["serialNumber"] != theirs["serialNumber"]
    assert old["groupingIdentifier"] == theirs["groupingIdentifier"]
    assert "ZX7K2P" not in old["groupingIdentifier"] + old["serialNumber"]
    midnight = replace(moved, legs=(replace(FLIGHT, departs="2026-11-23T00:20:00+01:00"),))
    assert shown(made(PASS, keys, about="j")[0])["serialNumber"] == shown(made(midnight, keys, about="j")[0])["serialNumber"]


def test_two_flights_are_two_passes_in_one_file(keys: AppleKeys) -> None:
    data, mime = made(TWO_FLIGHTS, keys)
    assert mime == MIME_SEVERAL
    first, second = files(data).values()
    assert [fields(one)["origin"]["value"] for one in (first, second)] == ["AMS", "LHR"]
    assert shown(first)["barcodes"] == shown(second)["barcodes"]
    assert shown(first)["serialNumber"] != shown(second)["serialNumber"]
    assert all("signature" in files(one) for one in (first, second))
    assert made(PASS, keys)[1] == MIME


def test_a_binary_code_goes_through_byte_for_byte(keys: AppleKeys) -> None:
    data, _ = made(RAIL, keys)
    one, other = files(data).values()
    read_back = [shown(each)["barcodes"][0]["message"].encode("iso-8859-1") for each in (one, other)]
    assert read_back == [BYTES, BYTES[::-1]]
    assert [fields(each)["name"]["value"] for each in (one, other)] == ["Eva Jansen", "Tom de Wit"]
    value = shown(one)["boardingPass"]
    assert value["transitType"] == "PKTransitTypeTrain"
    assert [field["value"] for field in value["primaryFields"]] == ["Utrecht", "Brussel"]
    assert [field["value"] for field in value["headerFields"]] == ["5", "61"]


def test_an_event_has_its_own_style(keys: AppleKeys) -> None:
    data, _ = made(SHOW, keys, "en")
    found = fields(data)
    assert found["title"]["value"] == "Winter concert"
    assert found["doors"]["value"] == "2026-12-19T19:00:00+01:00"
    assert shown(data)["relevantDate"] == "2026-12-19T19:00:00+01:00"
    assert shown(data)["barcodes"][0]["format"] == "PKBarcodeFormatQR"
    assert "boardingPass" not in shown(data)


def strings_of(data: bytes) -> dict[str, dict[str, str]]:
    found = {}
    for name, content in files(data).items():
        if name.endswith("pass.strings"):
            lines = re.findall(r'^"((?:[^"\\]|\\.)*)" = "((?:[^"\\]|\\.)*)";$', content.decode(), re.MULTILINE)
            assert len(lines) == len(content.decode().splitlines())
            found[name[:2]] = dict(lines)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("paper", [PASS, RAIL, SHOW], ids=["pass", "rail", "show"])
def test_every_label_has_its_word_in_every_language(paper: Paper, language: str, keys: AppleKeys) -> None:
    data, mime = made(paper, keys, language)
    one = data if mime == MIME else next(iter(files(data).values()))
    strings = strings_of(one)
    assert set(strings) == set(LANGUAGES)
    names = {FLIGHT.origin_name, FLIGHT.destination_name}  # airports stand over their codes by name
    labels = {field["label"] for field in fields(one).values()} - names
    for spoken in LANGUAGES:
        assert labels | {shown(one)["description"]} <= set(strings[spoken])
    assert all(strings[language][word] == word for word in labels)


def test_words_that_are_the_same_in_one_language_are_never_shown_together_with_another_meaning() -> None:
    """Else a phone could translate one of them as the other. Journeys and events are passes of their own."""
    events = {Word.EVENT_TICKET, Word.STARTS, Word.DOORS, Word.VENUE, Word.PLACE}
    journeys = {*Word} - events - {Word.BOARDING_PASS, Word.RAIL_TICKET, Word.EVENT_TICKET}
    both = {Word.NAME, Word.FOR, Word.REFERENCE, Word.TICKET_NUMBER, Word.NOTES, Word.AS_OF, Word.HELP}
    trains, flights = {Word.TRAIN, Word.PLATFORM, Word.COACH, Word.DEPARTS}, {Word.FLIGHT, Word.GATE, Word.TAKES_OFF}
    for together in (journeys - trains, journeys - flights, events | both):
        for one, other in combinations(sorted(together), 2):
            for language in LANGUAGES:
                if say(one, language) == say(other, language):
                    assert [say(one, to) for to in LANGUAGES] == [say(other, to) for to in LANGUAGES], (one, other)


def test_names_in_any_script_and_marks_of_the_formats_come_out_as_themselves(keys: AppleKeys) -> None:
    odd = replace(SHOW, travellers=("إيفا 😀 \"Jansen\"",), title='A\\B "C" #=$*<&;', venue="Θέατρο")
    data, _ = made(odd, keys)
    assert fields(data)["name"]["value"] == odd.travellers[0]
    assert fields(data)["title"]["value"] == odd.title
    assert "إيفا 😀".encode() in files(data)["pass.json"]
    assert strings_of(data)["fr"][shown(data)["description"].replace("\\", "\\\\").replace('"', '\\"')].startswith("Billet")


def test_a_pass_can_be_shown_as_no_longer_valid(keys: AppleKeys) -> None:
    data = pkpass(
        PASS, cards(PASS)[0], "en", brand=BRANDS["zz"], keys=keys, blind=blind, images=PICTURES, voided=True
    )
    assert shown(data)["voided"] is True


@pytest.mark.parametrize(
    "paper",
    [
        RECEIPT,
        replace(PASS, symbols=()),
        replace(PASS, legs=()),
        replace(PASS, legs=(replace(FLIGHT, departs="soon"),)),
        replace(PASS, legs=(FLIGHT, replace(ONWARD, destination="", destination_name=""))),
        replace(SHOW, starts_at=""),
    ],
    ids=range(6),
)
def test_a_paper_without_a_symbol_place_or_time_makes_no_pass(paper: Paper, keys: AppleKeys) -> None:
    with pytest.raises(CannotWrap):
        made(paper, keys)


def test_a_symbol_for_each_flight_goes_with_its_flight(keys: AppleKeys) -> None:
    own = replace(TWO_FLIGHTS, symbols=(Symbol(SymbolKind.AZTEC, b"ONE"), Symbol(SymbolKind.AZTEC, b"TWO", about="Leg 2")))
    first, second = files(made(own, keys)[0]).values()
    assert [shown(one)["barcodes"][0]["message"] for one in (first, second)] == ["ONE", "TWO"]
    assert shown(second)["barcodes"][0]["altText"] == "Leg 2"
    assert fields(second)["destination"]["value"] == "DUB"


def test_a_logo_that_is_a_mark_stands_on_the_accent_beside_the_brands_name(keys: AppleKeys) -> None:
    look = Look(accent="#0B4F8A", logo="logos/polderwind-air.svg")
    found = images(look, LOGOS)
    icon = Image.open(io.BytesIO(found["icon@3x.png"])).convert("RGB")
    assert icon.getpixel((0, 0)) == (0x0B, 0x4F, 0x8A)
    colours = icon.getcolors(icon.width * icon.height)
    assert colours is not None
    white = sum(count for count, colour in colours if min(colour) > 230)
    assert 0.05 < white / (icon.width * icon.height) < 0.6
    brand = replace(BRANDS["zz"], look=look)
    value = shown(passes(PASS, "nl", brand=brand, keys=keys, blind=blind, images=found)[0])
    assert (value["logoText"], value["backgroundColor"]) == ("Polderwind Air", "rgb(11, 79, 138)")


def test_a_logo_that_says_the_name_is_not_written_beside_once_more(keys: AppleKeys, tmp_path: Path) -> None:
    Image.new("RGB", (900, 200)).save(tmp_path / "name.png")
    found = images(Look(logo="name.png"), tmp_path)
    assert "logoText" not in shown(passes(PASS, "nl", brand=BRANDS["zz"], keys=keys, blind=blind, images=found)[0])


@pytest.mark.parametrize("content", [None, b"no picture", b"<svg"], ids=["none", "text", "svg"])
def test_a_logo_that_cannot_be_drawn_leaves_an_icon(content: bytes | None, tmp_path: Path) -> None:
    for name in ("logo.png", "logo.svg"):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        assert set(images(Look(logo=name), tmp_path)) == {"icon.png", "icon@2x.png", "icon@3x.png"}


def test_pictures_have_their_sizes(tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    Image.new("RGBA", (900, 200), (200, 0, 0, 128)).save(logo)
    found = images(Look(logo="logo.png"), tmp_path)
    sizes = {name: Image.open(io.BytesIO(data)).size for name, data in found.items()}
    assert [sizes[f"icon{suffix}.png"] for suffix in ("", "@2x", "@3x")] == [(29, 29), (58, 58), (87, 87)]
    assert [sizes[f"logo{suffix}.png"] for suffix in ("", "@2x", "@3x")] == [(160, 36), (320, 71), (480, 107)]
