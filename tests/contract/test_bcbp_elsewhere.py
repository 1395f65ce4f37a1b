"""Our boarding pass codes, read and written by somebody else's library: the npm package bcbp 6.0.2, in a node of its own.

What it does otherwise on purpose is left out of what it is given: it always writes `>60000` where there is nothing optional,
trims blanks on both sides, and makes security data 100 characters long, whether they were more or fewer.
"""

from __future__ import annotations

import json
import random
import shutil
import string
import subprocess
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.documents.bcbp import BoardingPass, PassLeg, Repeated, Security, Unique, decode, encode
from gateway.documents.bcbp_days import day_text, issue_text
from gateway.documents.bcbp_model import REPEATED, UNIQUE
from tests.unit.test_bcbp import FULL, PLAIN, PUBLISHED, TWO_LEGS

pytestmark = pytest.mark.long

TODAY = date(2026, 11, 22)
SCRIPT = """
const { decode, encode } = require("bcbp");
const codes = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(codes.map((code) => {
  const read = decode(code, 2026);
  const meta = { ...read.meta, versionNumberIndicator: ">", versionNumber: read.meta.versionNumber ?? 6 };
  return { read, again: encode({ data: read.data, meta }) };
})));
"""
LEG = {
    "locator": "operatingCarrierPNR", "origin": "departureAirport", "destination": "arrivalAirport",
    "carrier": "operatingCarrierDesignator", "flight": "flightNumber", "cabin": "compartmentCode", "seat": "seatNumber",
    "sequence": "checkInSequenceNumber", "status": "passengerStatus", "airline_use": "airlineInfo",
}  # fmt: skip
BEHIND = {
    "airline": "airlineNumericCode", "serial": "serialNumber", "selectee": "selecteeIndicator",
    "verification": "internationalDocumentationVerification", "marketing": "marketingCarrierDesignator",
    "flyer_airline": "frequentFlyerAirlineDesignator", "flyer_number": "frequentFlyerNumber", "staff": "idIndicator",
    "baggage": "freeBaggageAllowance",
}  # fmt: skip
ONCE = {
    "description": "passengerDescription", "checkin_source": "checkInSource", "issue_source": "boardingPassIssuanceSource",
    "document_type": "documentType", "issuer": "boardingPassIssuerDesignator", "first_tag": "baggageTagNumber",
    "second_tag": "firstBaggageTagNumber", "third_tag": "secondBaggageTagNumber",
}  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not installed: this test compares with the npm package bcbp and needs it")
    folder = tmp_path_factory.mktemp("bcbp")
    command = ["npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", "bcbp@6.0.2"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        pytest.fail(f"npm cannot install bcbp 6.0.2: {done.stderr[-500:]}")
    (folder / "read.js").write_text(SCRIPT)
    return folder


def theirs(library: Path, codes: list[str]) -> list[dict[str, Any]]:
    done = subprocess.run(
        ["node", "read.js"], cwd=library, input=json.dumps(codes), capture_output=True, text=True, timeout=60, check=True
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def drawn(chance: random.Random) -> BoardingPass:
    """A pass as carriers write them: items without blanks at either end, days that both take for 2026."""

    def text(longest: int) -> str:
        return "".join(chance.choices(string.ascii_uppercase + string.digits, k=chance.randint(1, longest)))

    def first(layout: tuple[tuple[str, int], ...]) -> dict[str, Any]:
        used = layout[: chance.randint(0, len(layout))]
        return {name: text(width) if chance.random() < 0.8 else "" for name, width in used}

    issued = date(2026, 7, 1) + timedelta(days=chance.randrange(90))
    once = first(UNIQUE)
    if "issue" in once:
        once["issue"] = issue_text(issued)
    unique = Unique(**once, issued=issued if "issue" in once else None)
    legs = []
    for _ in range(chance.randint(1, 4)):
        behind = first(REPEATED)
        if "fast_track" in behind:
            behind["fast_track"] = chance.choice("YN")
        day = issued + timedelta(days=chance.randrange(60))
        places = ("".join(chance.choices(string.ascii_uppercase, k=3)) for _ in range(2))
        words = text(20) if chance.random() < 0.5 else ""
        legs.append(
            PassLeg(
                text(7), *places, text(2), text(4), day_text(day), text(1), text(4), text(4), text(1),
                Repeated(**behind), words, day,
            )
        )
    security = Security("1", text(100)) if chance.random() < 0.4 else None
    return BoardingPass(text(20), tuple(legs), "E", unique, security)


def same(ours: BoardingPass, read: dict[str, Any]) -> None:
    """Item by item; blank and absent are the same to a reader."""
    data, meta = read["data"], read["meta"]
    assert (data["passengerName"], len(data["legs"])) == (ours.name, len(ours.legs))
    assert meta.get("electronicTicketIndicator", "") == ours.electronic
    for leg, other in zip(ours.legs, data["legs"], strict=True):
        for name, called in LEG.items():
            assert other.get(called, "") == getattr(leg, name), name
        assert leg.date is not None
        assert other["flightDate"][:10] == leg.date.isoformat()
        behind = leg.repeated or Repeated()
        for name, called in BEHIND.items():
            assert other.get(called, "") == (getattr(behind, name) or ""), name
        assert other.get("fastTrack") is {"Y": True, "N": False}.get(behind.fast_track or "")
    once = ours.unique or Unique()
    for name, called in ONCE.items():
        assert data.get(called, "") == (getattr(once, name) or ""), name
    if once.issued is not None and once.issued.year == 2026:
        assert data["issuanceDate"][:10] == once.issued.isoformat()
    if ours.security is not None:
        assert (data["securityDataType"], data["securityData"]) == (ours.security.kind, ours.security.data.rstrip(" "))


def test_the_worked_vectors_read_the_same_elsewhere(library: Path) -> None:
    codes = [PLAIN, FULL, TWO_LEGS]
    found = theirs(library, codes)
    for code, other in zip(codes, found, strict=True):
        same(decode(code, today=TODAY), other["read"])
    assert [other["again"] for other in found[1:]] == [FULL, TWO_LEGS]
    assert found[0]["again"] == PLAIN[:-2] + "06>60000"


def test_the_published_examples_read_the_same_elsewhere(library: Path) -> None:
    for code, other in zip(PUBLISHED, theirs(library, list(PUBLISHED)), strict=True):
        ours = decode(code, today=TODAY)
        assert [leg.locator for leg in ours.legs] == [leg["operatingCarrierPNR"] for leg in other["read"]["data"]["legs"]]
        assert [leg.airline_use for leg in ours.legs] == [leg.get("airlineInfo", "") for leg in other["read"]["data"]["legs"]]
        assert (ours.security.data if ours.security else "") == other["read"]["data"].get("securityData", "")


def test_whatever_we_write_is_read_the_same_elsewhere(library: Path) -> None:
    chance = random.Random(792)
    passes = [drawn(chance) for _ in range(400)]
    codes = [encode(one) for one in passes]
    assert [decode(code, today=TODAY) for code in codes] == passes
    for one, other in zip(passes, theirs(library, codes), strict=True):
        same(one, other["read"])


def test_whatever_is_written_elsewhere_we_read_the_same(library: Path) -> None:
    chance = random.Random(6)
    for other in theirs(library, [encode(drawn(chance)) for _ in range(400)]):
        same(decode(other["again"], today=TODAY), other["read"])
