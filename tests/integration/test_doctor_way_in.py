"""The public address: set, https, a certificate that is accepted and lasts, and a gateway behind it that knows our word."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.cli.checks.finding import Level
from tests.integration.clinic import CONFIG, Clinic, answer_handshake, clinic
from tests.support.server import free_port

__all__ = ["clinic"]


def certificate(into: Path, lives: dt.timedelta) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(now + lives)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = into / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


@asynccontextmanager
async def over_tls(file: Path) -> AsyncIterator[str]:
    """A gateway's handshake over TLS; its address."""
    app = web.Application()
    app.router.add_get("/webhooks/whatsapp", answer_handshake)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    yield f"https://127.0.0.1:{server.port}"
    await server.close()


async def test_certificate_that_nobody_vouches_for_fails(clinic: Clinic, tmp_path: Path) -> None:
    async with over_tls(certificate(tmp_path, dt.timedelta(days=90))) as url:
        found = await clinic.one("tls", GATEWAY_PUBLIC_URL=url)
        beside = await clinic.one("public-url", GATEWAY_PUBLIC_URL=url)
    assert (found.level, "certificate is not accepted: self" in found.what) == (Level.FAIL, True)
    assert (beside.level, beside.mend) == (Level.NOTE, "see `tls`")


@pytest.mark.parametrize(
    ("lives", "level"),
    [
        (dt.timedelta(days=90), Level.OK),
        (dt.timedelta(days=10), Level.WARN),
        (dt.timedelta(hours=30), Level.FAIL),
        (dt.timedelta(hours=-1), Level.FAIL),
    ],
)
async def test_certificate_that_ends_soon_is_told_in_time(
    clinic: Clinic, tmp_path: Path, lives: dt.timedelta, level: Level
) -> None:
    file = certificate(tmp_path, lives)
    clinic.tls = ssl.create_default_context(cafile=str(file))
    async with over_tls(file) as url:
        found = await clinic.one("tls", GATEWAY_PUBLIC_URL=url)
        assert found.level is level
        if lives > dt.timedelta(0):
            assert (await clinic.one("public-url", GATEWAY_PUBLIC_URL=url)).level is Level.OK


async def test_server_without_tls_behind_https_fails(clinic: Clinic) -> None:
    found = await clinic.one("tls", GATEWAY_PUBLIC_URL=clinic.public_url.replace("http:", "https:"))
    assert (found.level, found.what.startswith("no TLS there")) == (Level.FAIL, True)


async def test_public_address_that_is_missing_or_not_https_is_told(clinic: Clinic) -> None:
    assert (await clinic.one("public-url", GATEWAY_PUBLIC_URL="")).level is Level.WARN
    found = await clinic.one("public-url", GATEWAY_PUBLIC_URL="http://gateway.example.com")
    assert (found.level, "is not https" in found.what) == (Level.FAIL, True)


async def test_public_address_where_nobody_answers_asks_for_gateway_and_proxy(clinic: Clinic) -> None:
    found = await clinic.one("public-url", GATEWAY_PUBLIC_URL=f"http://127.0.0.1:{free_port()}")
    assert (found.level, "main.py run" in found.mend) == (Level.FAIL, True)


async def test_gateway_with_another_verify_token_is_told_apart_from_another_program(clinic: Clinic) -> None:
    found = await clinic.one("public-url", GATEWAY_VERIFY_TOKEN="another-word")
    assert (found.level, "refuses our verify token" in found.what) == (Level.FAIL, True)
    found = await clinic.one("public-url", GATEWAY_PUBLIC_URL=f"{clinic.sandbox_url}/phones")
    assert (found.level, "something else answers" in found.what) == (Level.FAIL, True)
    assert (await clinic.one("public-url", GATEWAY_VERIFY_TOKEN="")).level is Level.FAIL
    assert CONFIG.verify_token not in found.what + found.mend
