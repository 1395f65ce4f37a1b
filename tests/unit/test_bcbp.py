"""The code of a boarding pass: the worked vectors both ways, what is forgiven and refused, years, names, passes of our own."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from gateway.documents.bcbp import BoardingPass, PassLeg, Repeated, Unique, decode, encode, pass_name, unsigned_pass
from gateway.documents.bcbp_days import flight_date, issue_date
from gateway.documents.reading import paper_of
from gateway.errors import BadPass
from gateway.model.event import EventType
from gateway.notifications import entries

TODAY = date(2026, 11, 22)
PLAIN = "M1JANSEN/EVA MRS      EZX7K2P AMSLHRZZ 1007 326Y012C0042 100"
FULL = (
    "M1JANSEN/EVA MRS      EZX7K2P AMSLHRZZ 1007 326Y012C0042 13F>60B2MM6325BZZ 2A000241234567801ZZ ZZ 2001234567       1PCNGRP2"
)
TWO_LEGS = (
    "M2JANSEN/EVA MRS      EZX7K2P AMSLHRZZ 1007 326Y012C0042 13F>60B2MM6325BZZ 2A000241234567801ZZ ZZ 2001234567       1PCNGRP2"
    "ZX7K2P LHRDUBZZ 0522 326Y007A0018 12B29000241234567801ZZ                     1PC"
)
PUBLISHED = (
    "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100",
    "M1DESMARAIS/LUC       EAB12C3 YULFRAAC 0834 326J003A0027 167>5321WW1325BAC 001412345600200141234670010"
    "0141234789012A0141234567890"
    " 1AC AC 1234567890123    4PCYLX58Z^108ABCDEFGH",
    "M1GRANDMAIRE/MELANIE  EABC123 GVACDGAF 0123 339C002F0025 130>5002A0571234567890  AF AF 1234567890123456    Y^108ABCDEFGH",
    "M2DESMARAIS/LUC       EABC123 YULFRAAC 0834 226F001A0025 14D>6181WW6225BAC 00141234560032A0141234567890 1AC AC 1234567890123"
    "    20KYLX58ZDEF456 FRAGVALH 3664 227C012C0002 12E2A0140987654321 1AC AC 1234567890123    2PCNWQ^164"
    "GIWVC5EH7JNT684FVNJ91W2QA4DVN5J8K4F0L0GEQ3DF5TGBN8709HKT5D3DW3GBHFCVHMY7J5T6HFR41W2QA4DVN5J8K4F0L0GE",
)
BARE = PassLeg("ZX7K2P", "AMS", "LHR", "ZZ", "1007", "326")


def read(text: str, today: date = TODAY) -> BoardingPass:
    return decode(text, today=today)


@pytest.mark.parametrize("text", [PLAIN, FULL, TWO_LEGS, *PUBLISHED], ids=range(7))
def test_a_code_that_follows_the_rules_is_written_back_as_it_was(text: str) -> None:
    assert encode(read(text)) == text


def test_every_item_of_a_full_leg_is_where_it_should_be() -> None:
    found = read(FULL)
    assert found == BoardingPass(
        name="JANSEN/EVA MRS",
        electronic="E",
        unique=Unique(
            version="6", description="2", checkin_source="M", issue_source="M", issue="6325", document_type="B", issuer="ZZ",
            issued=date(2026, 11, 21),
        ),
        legs=(
            PassLeg(
                "ZX7K2P", "AMS", "LHR", "ZZ", "1007", "326", "Y", "012C", "0042", "1", airline_use="GRP2", date=TODAY,
                repeated=Repeated("000", "2412345678", "0", "1", "ZZ", "ZZ", "2001234567", "", "1PC", "N"),
            ),
        ),
    )  # fmt: skip


def test_a_section_that_was_cut_differs_from_one_that_is_blank() -> None:
    second = read(TWO_LEGS).legs[1].repeated
    assert second is not None
    assert (second.flyer_airline, second.flyer_number, second.baggage, second.fast_track) == ("", "", "1PC", None)


def test_security_and_bag_tags_are_read() -> None:
    found = read(PUBLISHED[3])
    assert found.security is not None
    assert (found.security.kind, len(found.security.data)) == ("1", 100)
    assert found.unique is not None
    assert (found.unique.first_tag, found.unique.second_tag) == ("0014123456003", None)
    assert [leg.airline_use for leg in found.legs] == ["LX58Z", "WQ"]


def test_both_ways_of_saying_nothing_more_are_kept_apart() -> None:
    empty = PLAIN[:-2] + "06>60000"
    assert read(empty).unique == Unique(version="6")
    assert encode(read(empty)) == empty
    assert read(PLAIN).unique is None


# what is forgiven


def test_line_breaks_at_the_end_are_forgiven() -> None:
    assert read(FULL + "\r\n\n") == read(FULL)


def test_small_hexadecimal_letters_are_forgiven() -> None:
    assert read(FULL.replace("13F>60B", "13f>60b").replace("2A000", "2a000")) == read(FULL)


def test_words_of_a_carrier_without_sections_are_kept_as_they_are() -> None:
    found = read(PLAIN[:-2] + "08 0A6 FR ")
    assert (found.unique, found.legs[0].airline_use) == (None, " 0A6 FR ")
    assert encode(found) == PLAIN[:-2] + "08 0A6 FR "


def test_a_missing_ticket_indicator_is_forgiven() -> None:
    found = read(FULL[:22] + FULL[23:])
    assert found == read(FULL[:22] + " " + FULL[23:])
    assert found.legs[0].locator == "ZX7K2P"


@pytest.mark.parametrize("length", range(47, 60))
def test_a_leg_may_end_anywhere_behind_its_day(length: int) -> None:
    (leg,) = read(PLAIN[:length]).legs
    assert (leg.flight, leg.date, leg.repeated) == ("1007", TODAY, None)


def test_a_size_of_unknown_items_keeps_them() -> None:
    text = PLAIN[:-2] + "39" + ">903" + "2MM" + "30" + "0" * 42 + "NEW+++"
    found = read(text)
    assert found.legs[0].repeated is not None
    assert found.legs[0].repeated.more == "NEW+++"
    assert encode(found) == text


# what is refused


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("", "item 1"),
        ("S" + PLAIN[1:], "item 1"),
        ("M0" + PLAIN[2:], "item 5"),
        ("M5" + PLAIN[2:], "item 5"),
        ("M" + "\u0661" + PLAIN[2:], "character"),
        (PLAIN.replace("EVA", "EVÄ"), "character"),
        (PLAIN.replace("EVA", "E\tA"), "character"),
        (PLAIN[:46], "leg 1"),
        ("M2" + PLAIN[2:], "leg 2"),
        (PLAIN[:-2] + "01", "item 6"),
        (PLAIN[:-2] + "0G", "item 6"),
        (PLAIN[:-2] + "-1", "item 6"),
        (PLAIN[:-2] + "05>60B2", "item 10"),
        (PLAIN[:-2] + "02>6", "item 10"),
        (PLAIN[:-2] + "07>6002A0", "item 17"),
        (PLAIN[:-2] + "05>6000", "item 17"),
        (PLAIN + "^1", "item 29"),
        (PLAIN + "^108ABCDEFG", "item 29"),
    ],
)
def test_what_would_be_guessing_is_refused_by_item_and_without_content(text: str, item: str) -> None:
    with pytest.raises(BadPass) as refused:
        read(text)
    assert item in str(refused.value)
    assert not any(word in str(refused.value) for word in ("JANSEN", "ZX7K2P", "AMS"))


@pytest.mark.parametrize(
    "wrong",
    [
        BoardingPass("JANSEN/EVA", ()),
        BoardingPass("JANSEN/EVA", (BARE,) * 5),
        BoardingPass("J" * 21, (BARE,)),
        BoardingPass("JÄNSEN", (BARE,)),
        BoardingPass("JANSEN", (PassLeg("ZX7K2P", "AMS", "LHR", "ZZ", "100712", "326"),)),
        BoardingPass("JANSEN", (PassLeg("ZX7K2P", "AMS", "LHR", "ZZ", "1007", "326", repeated=Repeated()),)),
        BoardingPass("JANSEN", (BARE, PassLeg("ZX7K2P", "AMS", "LHR", "ZZ", "1007", "326", airline_use="X"))),
        BoardingPass("JANSEN", (PassLeg("ZX7K2P", "AMS", "LHR", "ZZ", "1007", "326", airline_use=">X"),)),
        BoardingPass("JANSEN", (PassLeg("ZX7K2P", "AMS", "LHR", "ZZ", "1007", "326", airline_use="X" * 256),)),
        BoardingPass("JANSEN", (BARE,), rest="^100"),
    ],
    ids=range(10),
)
def test_what_would_not_read_back_is_not_written(wrong: BoardingPass) -> None:
    with pytest.raises(BadPass) as refused:
        encode(wrong)
    assert "JANSEN" not in str(refused.value)


# years


@pytest.mark.parametrize(
    ("text", "today", "means"),
    [
        ("6325", TODAY, date(2026, 11, 21)),
        ("0001", date(2029, 12, 30), date(2030, 1, 1)),
        ("9365", date(2030, 1, 2), date(2029, 12, 31)),
        ("2100", TODAY, date(2022, 4, 10)),
        ("1325", date(2026, 11, 20), date(2021, 11, 21)),
        ("8366", TODAY, date(2028, 12, 31)),  # 2028 has one, 2018 has not
        ("7366", TODAY, None),
        ("6000", TODAY, None),
        ("6367", TODAY, None),
        ("632", TODAY, None),
        ("٦٣٢٥", TODAY, None),
    ],
)
def test_a_day_of_issue_is_in_the_decade_nearest_to_today(text: str, today: date, means: date | None) -> None:
    assert issue_date(text, today) == means


@pytest.mark.parametrize(
    ("text", "issued", "today", "means"),
    [
        ("326", date(2026, 11, 21), date(2030, 1, 1), TODAY),
        ("001", date(2026, 12, 31), TODAY, date(2027, 1, 1)),
        ("365", date(2027, 1, 1), TODAY, date(2026, 12, 31)),
        ("317", date(2026, 11, 21), TODAY, date(2027, 11, 13)),
        ("366", date(2028, 12, 30), TODAY, date(2028, 12, 31)),
        ("366", date(2026, 12, 30), TODAY, None),
        ("001", None, date(2026, 12, 31), date(2027, 1, 1)),
        ("365", None, date(2027, 1, 2), date(2026, 12, 31)),
        ("326", None, date(2026, 11, 1), TODAY),
        ("366", None, date(2027, 2, 1), date(2028, 12, 31)),
        ("000", None, TODAY, None),
        ("   ", None, TODAY, None),
    ],
)
def test_a_flight_is_in_the_year_of_its_issue_or_nearest_to_today(
    text: str, issued: date | None, today: date, means: date | None
) -> None:
    assert flight_date(text, issued, today) == means


def test_a_day_that_is_none_is_kept_as_it_stands() -> None:
    text = PLAIN.replace("326Y", "366Y")
    found = decode(text, today=date(2027, 6, 1))
    assert (found.legs[0].day, found.legs[0].date) == ("366", date(2028, 12, 31))
    assert encode(found) == text


# names and passes of our own


@pytest.mark.parametrize(
    ("surname", "given", "title", "written"),
    [
        ("Jansen", "Eva", "Mrs", "JANSEN/EVA MRS"),
        ("Weiß", "Jürgen", "", "WEISS/JURGEN"),
        ("Ørsted", "Æsa", "", "ORSTED/AESA"),
        ("Łukasz", "Þóra", "", "LUKASZ/THORA"),
        ("Iñárritu", "Zoë", "", "INARRITU/ZOE"),
        ("O'Brien-Ní", "Seán", "Mr", "OBRIENNI/SEAN MR"),
        ("van der Berg", "Eva 😀", "", "VAN DER BERG/EVA"),
        ("A/B", "C", "", "A B/C"),
        ("ﬁnch", "Ｅva", "", "FINCH/EVA"),
        ("Weißweißweißweißweiß", "Eva", "", "WEISSWEISSWEISSWEISS"),
        ("Jansen", "", "", "JANSEN"),
        ("ı\u0307şık", "", "", "ISIK"),
    ],
)
def test_names_are_mapped_and_then_cut(surname: str, given: str, title: str, written: str) -> None:
    assert pass_name(surname, given, title) == written


def test_a_name_without_a_latin_letter_makes_no_pass() -> None:
    with pytest.raises(BadPass, match=r"^passenger\.surname: has no letter"):
        pass_name("يانسن", "إيفا")


SAMPLE = json.loads((Path(__file__).parents[1] / "samples/events/ce-flight-boarding-pass.json").read_text())["data"]


def test_an_unsigned_pass_says_what_the_carriers_own_says_but_what_only_a_carrier_may() -> None:
    made = unsigned_pass(SAMPLE["leg"], SAMPLE["passenger"], SAMPLE["checkin"], issued=date(2026, 11, 21))
    (leg,) = made.legs
    (theirs,) = read(SAMPLE["bcbp"]).legs
    assert encode(read(encode(made))) == encode(made)
    for name in ("locator", "origin", "destination", "carrier", "flight", "day", "date", "cabin", "seat", "sequence", "status"):
        assert getattr(leg, name) == getattr(theirs, name)
    assert leg.repeated is not None
    assert (leg.repeated.airline, leg.repeated.serial, leg.repeated.baggage) == ("000", "2412345678", "1PC")
    assert (leg.repeated.selectee, leg.repeated.verification, made.security) == (None, None, None)


def test_an_unsigned_pass_holds_with_no_more_than_flight_name_and_booking() -> None:
    made = unsigned_pass(
        {"carrier": "ZZ", "flightNumber": "7a", "originDate": "2028-12-31", "from": "ams", "to": "LHR"},
        {"surname": "Jansen", "recordLocator": "ZX7K2P"},
        issued=date(2028, 12, 30),
    )
    again = decode(encode(made), today=date(2028, 12, 31))
    assert (again.legs[0].flight, again.legs[0].day, again.legs[0].date) == ("0007A", "366", date(2028, 12, 31))
    assert (again.electronic, again.legs[0].seat, again.legs[0].sequence, again.legs[0].status) == ("", "", "", "0")


def test_a_leg_that_leaves_a_day_after_its_flight_began_has_its_own_day() -> None:
    made = unsigned_pass(SAMPLE["leg"], SAMPLE["passenger"], issued=TODAY, leaves="2026-11-23T00:20:00+01:00")
    assert (made.legs[0].day, made.legs[0].date) == ("327", date(2026, 11, 23))


@pytest.mark.parametrize(("cabin", "letter"), [("Economy", "Y"), ("c", "C"), (None, "Y"), ("premium economy", "W")])
def test_a_cabin_is_written_by_its_letter(cabin: str | None, letter: str) -> None:
    assert unsigned_pass(SAMPLE["leg"], SAMPLE["passenger"], {"cabin": cabin}, issued=TODAY).legs[0].cabin == letter


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("leg", "flightNumber", "10071"),
        ("leg", "from", "Amsterdam"),
        ("leg", "carrier", ""),
        ("leg", "originDate", "22-11-2026"),
        ("passenger", "recordLocator", "ZX7 K2P"),
        ("checkin", "seat", "twelve"),
        ("checkin", "sequence", 12345),
        ("checkin", "cabin", "Comfort"),
    ],
)
def test_a_field_that_fits_no_pass_is_named_and_not_repeated(part: str, name: str, value: object) -> None:
    data = json.loads(json.dumps(SAMPLE))
    data[part][name] = value
    with pytest.raises(BadPass, match=rf"^{part}\.{name}: should be") as refused:
        unsigned_pass(data["leg"], data["passenger"], data["checkin"], issued=TODAY)
    assert not value or str(value) not in str(refused.value)


def test_a_brand_builds_no_passes_unless_it_says_so(tmp_path: Path) -> None:
    brand = "name: Polderwind Air, language: nl, timezone: Europe/Amsterdam, support_url: 'https://support.example.org'"
    (tmp_path / "brands.yaml").write_text(f"zz: {{{brand}, unsigned_passes: true}}\nyy: {{{brand}}}\n")
    brands = entries.brands(tmp_path / "brands.yaml", [])
    assert (brands["zz"].unsigned_passes, brands["yy"].unsigned_passes) == (True, False)


def test_a_paper_shows_the_carriers_code_as_it_came_and_ours_only_where_the_carrier_allows_it() -> None:
    said = {**SAMPLE, "bcbp": SAMPLE["bcbp"].replace("13F>60B", "13f>60b") + "\r\n"}
    silent = {name: value for name, value in SAMPLE.items() if name != "bcbp"}

    def code_of(data: dict[str, object], unsigned: date | None) -> str:
        paper = paper_of(
            EventType.FLIGHT_BOARDINGPASS, data, {}, brand="zz", places={}, language="en", as_of_ms=1, unsigned=unsigned
        )
        assert paper is not None
        return "".join(symbol.payload.decode() for symbol in paper.symbols)

    assert code_of(said, TODAY) == said["bcbp"].rstrip()
    assert code_of(silent, None) == ""
    made = read(code_of(silent, date(2026, 11, 21)))
    assert (made.name, made.legs[0].seat, made.legs[0].date) == ("JANSEN/EVA MRS", "012C", TODAY)
    assert code_of({**silent, "passenger": {**SAMPLE["passenger"], "surname": "يانسن"}}, TODAY) == ""
