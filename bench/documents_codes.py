"""Codes, wallet passes, links and calendar entries a second, beside the bare calls: `python -m bench.documents_codes`.

Bare and ours take turns, as everywhere in bench. A bare pass is one signature over a manifest that is there already, and one ZIP
of the same files; a bare link is the JSON of the same claims and one RS256 signature; a bare entry is icalendar writing one
event with its zones. Keys are made for the run (RSA, 2048 bits), so nothing is sent and no phone would take the passes.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import statistics
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hmac import digest
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.x509.oid import NameOID
from icalendar import Calendar, Event

from gateway.documents import apple_wallet, calendar, google_wallet
from gateway.documents.bcbp import decode, encode
from gateway.documents.paper import Paper, PaperKind, PaperLeg, Symbol, SymbolKind
from gateway.documents.wallet_images import images
from gateway.documents.wallet_keys import AppleKeys, GoogleKeys
from gateway.notifications import catalogue

ROUNDS = 5
CODE = (
    "M1JANSEN/EVA MRS      EZX7K2P AMSLHRZZ 1007 326Y012C0042 13F>60B2MM6325BZZ 2A000241234567801ZZ ZZ 2001234567       1PCNGRP2"
)
LEG = PaperLeg(
    carrier="ZZ", number="1007", origin="AMS", origin_name="Amsterdam", destination="LHR", destination_name="London Heathrow",
    departs="2026-11-22T10:55:00+01:00", boards="2026-11-22T10:25:00+01:00", arrives="2026-11-22T11:20:00+00:00", gate="D18",
    seat="12C", group="2", sequence="0042",
)  # fmt: skip
PAPER = Paper(
    kind=PaperKind.BOARDING_PASS, brand="zz", travellers=("Eva Jansen",), reference="ZX7K2P", legs=(LEG,),
    symbols=(Symbol(SymbolKind.AZTEC, CODE.encode()),), as_of_ms=1_795_337_144_000, ends_ms=1_795_361_000_000,
)  # fmt: skip


def per_second(work: Callable[[int], object], seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        work(done)
        done += 1
    return done / spent


def compare(name: str, ours: Callable[[int], object], bare: Callable[[int], object] | None, seconds: float) -> None:
    """One line: medians, and the median of the rounds' own ratios."""
    rates = []
    for _ in range(ROUNDS):
        beside = per_second(bare, seconds) if bare is not None else 0.0
        rates.append((per_second(ours, seconds), beside))
    mine = statistics.median(rate for rate, _ in rates)
    line = f"{name:28} {mine:10,.0f}/s"
    if bare is not None:
        ratio = statistics.median(rate / beside for rate, beside in rates)
        line += f"   bare {statistics.median(beside for _, beside in rates):10,.0f}/s   ratio {ratio:.2f}"
    print(line)


def keys() -> tuple[AppleKeys, GoogleKeys]:
    now = datetime.now(UTC)
    theirs, mine = generate_private_key(65537, 2048), generate_private_key(65537, 2048)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bench WWDR")])
    subject = x509.Name([x509.NameAttribute(NameOID.USER_ID, "pass.org.example")])

    def issue(name: x509.Name, key: RSAPrivateKey) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        return builder.not_valid_after(now + timedelta(days=30)).sign(theirs, SHA256())

    apple = AppleKeys(issue(subject, mine), mine, issue(issuer, theirs), "pass.org.example", "TEAM123456")
    return apple, GoogleKeys(mine, "wallet@bench.example.org", "3388000000012345678")


def main() -> None:
    parser = argparse.ArgumentParser(description="codes, wallet passes, links and calendar entries a second")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each turn of each round")
    seconds = parser.parse_args().seconds
    folder = Path("templates")
    known = catalogue.load(folder)
    brand, apple_and_google, secret = known.brands["zz"], keys(), os.urandom(32)
    apple, google = apple_and_google
    pictures = images(brand.look, folder)
    today = date(2026, 11, 22)

    def blind(*parts: str) -> str:
        return digest(secret, "\x1f".join(parts).encode(), "sha256").hex()[:32]

    def paper(number: int) -> Paper:
        return replace(PAPER, travellers=(f"Eva Jansen {number}",))

    read = decode(CODE, today=today)
    compare("code read", lambda _: decode(CODE, today=today), None, seconds)
    compare("code written", lambda _: encode(read), None, seconds)

    example, _ = apple_wallet.passes(PAPER, "nl", brand=brand, keys=apple, blind=blind, images=pictures)
    with zipfile.ZipFile(io.BytesIO(example)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}

    def bare_pass(_: int) -> None:
        builder = PKCS7SignatureBuilder().set_data(files["manifest.json"]).add_signer(apple.certificate, apple.key, SHA256())
        options = [PKCS7Options.DetachedSignature, PKCS7Options.Binary]
        signature = builder.add_certificate(apple.wwdr).sign(Encoding.DER, options)
        with zipfile.ZipFile(io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as made:
            for name, data in {**files, "signature": signature}.items():
                made.writestr(name, data)

    def our_pass(number: int) -> None:
        apple_wallet.passes(paper(number), "nl", brand=brand, keys=apple, blind=blind, images=pictures)

    compare(f"Apple pass ({len(example) / 1024:.0f} KiB)", our_pass, bare_pass, seconds)

    def our_link(number: int) -> str:
        return google_wallet.link(paper(number), "nl", brand=brand, keys=google, blind=blind, now_ms=1_795_337_144_000)

    claims = our_link(0).split("/")[-1].split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))

    def bare_link(_: int) -> None:
        signed = base64.urlsafe_b64encode(json.dumps(said).encode())
        base64.urlsafe_b64encode(google.key.sign(signed, PKCS1v15(), SHA256()))

    compare(f"Google link ({len(our_link(0))} characters)", our_link, bare_link, seconds)

    def our_entry(number: int) -> None:
        calendar.ics(paper(number), "nl", brand=brand, places=known.places, blind=blind, now_ms=1_795_337_144_000)

    def bare_entry(_: int) -> None:
        made, event = Calendar(), Event()
        event.add("summary", "Flight")
        event.add("dtstart", datetime(2026, 11, 22, 10, 55, tzinfo=ZoneInfo("Europe/Amsterdam")))
        event.add("dtend", datetime(2026, 11, 22, 11, 20, tzinfo=ZoneInfo("Europe/London")))
        made.add_component(event)
        made.add_missing_timezones(first_date=date(2025, 1, 1), last_date=date(2027, 12, 31))
        made.to_ical()

    compare("calendar entry", our_entry, bare_entry, seconds)


if __name__ == "__main__":
    main()
