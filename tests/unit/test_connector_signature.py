"""Webhook signatures and the handshake."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from connectors.meta.graph import Graph
from connectors.meta.signature import is_signed, signature
from connectors.whatsapp import WhatsAppConnector
from gateway.model.personal import Secret

CONNECTOR = WhatsAppConnector(Graph("http://127.0.0.1:9"))
OLD, NEW = Secret("app-secret-old"), Secret("app-secret-new")

# A body as Meta writes it: non-ASCII escaped in lower case, an emoji as a pair, slashes escaped.
WIRE = (
    rb'{"object":"whatsapp_business_account","entry":[{"changes":[{"value":{"messages":[{"text":'
    rb'{"body":"Zo\u00eb \ud83c\udf3f https:\/\/example.com\/a"}}]}}]}]}'
)
# The digest of exactly these bytes under "app-secret-old", worked out by openssl.
WIRE_DIGEST = "sha256=ba14b975834a92b8c35fbc6006db2031f67718dc23927b0babe885231298aad0"


def test_the_digest_of_known_bytes_is_the_known_one() -> None:
    assert signature(WIRE, OLD) == WIRE_DIGEST


def test_the_received_bytes_count_and_not_what_they_mean() -> None:
    same_meaning = WIRE.replace(rb"\/", b"/")
    headers = {"X-Hub-Signature-256": WIRE_DIGEST}
    assert CONNECTOR.verify(headers, WIRE, [OLD])
    assert not CONNECTOR.verify(headers, same_meaning, [OLD])
    assert not CONNECTOR.verify(headers, json.dumps(json.loads(WIRE), ensure_ascii=False).encode(), [OLD])
    assert not CONNECTOR.verify(headers, WIRE.replace(b"00eb", b"00EB"), [OLD])
    assert not CONNECTOR.verify(headers, WIRE + b"\n", [OLD])


def test_one_of_several_secrets_is_enough() -> None:
    headers = {"x-hub-signature-256": signature(WIRE, NEW)}
    assert CONNECTOR.verify(headers, WIRE, [OLD, NEW])
    assert CONNECTOR.verify(headers, WIRE, [NEW, OLD])
    assert not CONNECTOR.verify(headers, WIRE, [OLD])
    assert not CONNECTOR.verify(headers, WIRE, [])


def test_case_of_header_name_and_digest_does_not_matter() -> None:
    for name in ("X-Hub-Signature-256", "x-hub-signature-256", "X-HUB-SIGNATURE-256"):
        assert is_signed({name: WIRE_DIGEST.upper()}, WIRE, [OLD])
        assert is_signed({name: f" {WIRE_DIGEST} "}, WIRE, [OLD])


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "sha256=",
        "sha256",
        WIRE_DIGEST.removeprefix("sha256="),
        "sha1=" + WIRE_DIGEST.removeprefix("sha256="),
        "sha512=" + WIRE_DIGEST.removeprefix("sha256="),
        WIRE_DIGEST[:-1],
        WIRE_DIGEST + "0",
        WIRE_DIGEST + "," + WIRE_DIGEST,
        "sha256=" + "z" * 64,
        "sha256=" + "é" * 64,
        "sha256=\ud800",
        "\x00" * 71,
    ],
)
def test_garbage_is_no_signature(garbage: str) -> None:
    assert not is_signed({"x-hub-signature-256": garbage}, WIRE, [OLD])


def test_a_missing_header_or_only_the_old_one_is_no_signature() -> None:
    sha1 = "sha1=" + hmac.new(b"app-secret-old", WIRE, hashlib.sha1).hexdigest()
    assert not is_signed({}, WIRE, [OLD])
    assert not is_signed({"x-hub-signature": sha1}, WIRE, [OLD])


def test_an_empty_secret_signs_nothing() -> None:
    headers = {"x-hub-signature-256": signature(WIRE, Secret(""))}
    assert not is_signed(headers, WIRE, [Secret("")])
    assert is_signed({"x-hub-signature-256": signature(b"", OLD)}, b"", [Secret(""), OLD])


def handshake(token: str = "open-sesame", mode: str = "subscribe", challenge: str = "1158201444") -> str | None:
    query = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": challenge}
    return CONNECTOR.verify_handshake(query, Secret("open-sesame"))


def test_the_handshake_answers_with_the_bare_challenge() -> None:
    assert handshake() == "1158201444"


def test_the_handshake_refuses_everything_else() -> None:
    assert handshake(token="open-sesam") is None
    assert handshake(token="öffne dich") is None
    assert handshake(mode="unsubscribe") is None
    assert handshake(challenge="") is None
    assert handshake(challenge="<script>alert(1)</script>") is None
    assert handshake(challenge="1" * 201) is None
    assert CONNECTOR.verify_handshake({}, Secret("open-sesame")) is None
    empty = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
    assert CONNECTOR.verify_handshake(empty, Secret("")) is None
