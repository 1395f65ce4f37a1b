"""Keys for wallets: read from settings; what a phone would refuse without a word is refused at start by the setting's name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.documents.wallet_keys import apple_keys, google_keys
from gateway.documents.wallets import both_keys
from gateway.errors import SettingsError
from gateway.settings import read
from tests.support.wallet_keys import (
    EMAIL,
    ISSUER,
    NOW_MS,
    apple_environment,
    authority,
    cert_pem,
    google_environment,
    key,
    pem_of,
)

DAY_MS = 86_400_000


def problems(values: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        both_keys(read(values, None))
    return refused.value.problems


def test_nothing_set_is_no_wallet() -> None:
    assert both_keys(read({}, None)) == (None, None)


def test_keys_that_belong_together_are_taken() -> None:
    apple, google = both_keys(read(apple_environment() | google_environment(), None))
    assert apple is not None
    assert apple.hold(NOW_MS)
    assert not apple.hold(NOW_MS + 201 * DAY_MS)
    assert not apple.hold(NOW_MS - 400 * DAY_MS)
    assert google is not None
    assert (google.email, google.issuer) == (EMAIL, ISSUER)


def test_keys_may_come_as_files(tmp_path: Path) -> None:
    values = {}
    for name, value in (apple_environment() | google_environment()).items():
        if name.endswith(("_TYPE", "_TEAM", "_ISSUER")):
            values[name] = value
        else:
            (tmp_path / name).write_text(value)
            values[f"{name}_FILE"] = str(tmp_path / name)
    assert all(both_keys(read(values, None)))


def test_a_key_may_stand_on_one_line_as_some_environments_want_it() -> None:
    values = {name: value.strip().replace("\n", "\\n") for name, value in apple_environment().items()}
    assert apple_keys(read(values, None)) is not None


@pytest.mark.parametrize("missing", sorted(apple_environment()))
def test_a_missing_part_is_named(missing: str) -> None:
    (line,) = problems(apple_environment(**{missing: ""}))
    assert line.startswith(f"{missing} is missing")


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("GATEWAY_APPLE_PASS_CERT", "no certificate", "should be a certificate as PEM"),
        ("GATEWAY_APPLE_PASS_WWDR", "no certificate", "should be a certificate as PEM"),
        ("GATEWAY_APPLE_PASS_KEY", "no key", "should be a private key as PEM"),
        ("GATEWAY_APPLE_PASS_KEY", pem_of(key("leaf"), b"hush"), "is locked by a password"),
        ("GATEWAY_APPLE_PASS_KEY", pem_of(key("google")), "does not belong to the certificate of GATEWAY_APPLE_PASS_CERT"),
        ("GATEWAY_APPLE_PASS_WWDR", cert_pem(authority().root), "did not issue the certificate of GATEWAY_APPLE_PASS_CERT"),
        ("GATEWAY_APPLE_PASS_TYPE", "pass.org.example.other", "is not the user id"),
        ("GATEWAY_APPLE_TEAM", "OTHERTEAM1", "is not the organisational unit"),
    ],
)
def test_what_a_phone_would_refuse_is_refused_by_its_setting(setting: str, value: str, says: str) -> None:
    (line,) = problems(apple_environment(**{setting: value}))
    assert line.startswith(f"{setting}: ")
    assert says in line
    assert "PRIVATE KEY-----\n" not in line


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        json.dumps({"client_email": EMAIL}),
        json.dumps({"client_email": EMAIL, "private_key": "no key"}),
        json.dumps({"client_email": "nobody", "private_key": pem_of(key("google"))}),
    ],
)
def test_a_key_file_that_is_none_is_refused(text: str) -> None:
    (line,) = problems(google_environment(GATEWAY_GOOGLE_WALLET_KEY=text))
    assert line.startswith("GATEWAY_GOOGLE_WALLET_KEY: ")


def test_an_issuer_that_is_no_number_and_half_a_setting_are_refused() -> None:
    assert problems(google_environment(GATEWAY_GOOGLE_WALLET_ISSUER="my-issuer"))[0].startswith("GATEWAY_GOOGLE_WALLET_ISSUER: ")
    assert problems(google_environment(GATEWAY_GOOGLE_WALLET_ISSUER=""))[0].startswith("GATEWAY_GOOGLE_WALLET_ISSUER is missing")
    assert problems(google_environment(GATEWAY_GOOGLE_WALLET_KEY=""))[0].startswith("GATEWAY_GOOGLE_WALLET_KEY is missing")


def test_the_problems_of_both_wallets_are_told_together() -> None:
    lines = problems(apple_environment(GATEWAY_APPLE_TEAM="") | google_environment(GATEWAY_GOOGLE_WALLET_ISSUER="x"))
    assert [line.split("_")[1] for line in lines] == ["APPLE", "GOOGLE"]


def test_a_certificate_handed_over_in_its_binary_form_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "AppleWWDRCAG4.cer").write_bytes(b"\x30\x82\x04\xff")
    with pytest.raises(SettingsError, match=r"GATEWAY_APPLE_PASS_WWDR_FILE: .* holds no text"):
        read({"GATEWAY_APPLE_PASS_WWDR_FILE": str(tmp_path / "AppleWWDRCAG4.cer")}, None)


def test_nothing_of_a_key_is_shown() -> None:
    settings = read(apple_environment() | google_environment(), None)
    apple, google = apple_keys(settings), google_keys(settings)
    assert "PRIVATE" not in repr((settings, apple, google))
