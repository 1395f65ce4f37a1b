"""A certificate authority of our own: a root, an intermediate, pass certificates; and a service account's key file.

Passes that it signs open on no phone; `openssl` judges them all the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

PASS_TYPE, TEAM = "pass.org.example.polderwind", "TEAM123456"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
ISSUER, EMAIL = "3388000000012345678", "wallet@thuisfront-demo.iam.example.org"


@cache
def key(name: str) -> RSAPrivateKey:
    """One for each name in a run: making one takes a tenth of a second."""
    return generate_private_key(65537, 2048)


def pem_of(one: RSAPrivateKey, password: bytes | None = None) -> str:
    locked = BestAvailableEncryption(password) if password else NoEncryption()
    return one.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked).decode()


def cert_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _name(common: str, *more: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common), *(x509.NameAttribute(oid, text) for oid, text in more)])


def _issue(
    subject: x509.Name, public: str, issuer: x509.Name, signer: str, ends: datetime, *, authority: bool
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key(public).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=365))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(key(signer), SHA256())
    )


@dataclass(frozen=True, slots=True)
class Authority:
    root: x509.Certificate
    wwdr: x509.Certificate

    def leaf(self, *, pass_type: str = PASS_TYPE, team: str = TEAM, days: float = 200) -> x509.Certificate:
        subject = _name("Pass", (NameOID.USER_ID, pass_type), (NameOID.ORGANIZATIONAL_UNIT_NAME, team))
        return _issue(subject, "leaf", self.wwdr.subject, "wwdr", NOW + timedelta(days=days), authority=False)


@cache
def authority(name: str = "Test") -> Authority:
    root, wwdr = _name(f"{name} Root"), _name(f"{name} WWDR")
    long = NOW + timedelta(days=3650)
    return Authority(
        _issue(root, "root", root, "root", long, authority=True), _issue(wwdr, "wwdr", root, "root", long, authority=True)
    )


def apple_environment(**changed: str) -> dict[str, str]:
    values = {
        "GATEWAY_APPLE_PASS_CERT": cert_pem(authority().leaf()),
        "GATEWAY_APPLE_PASS_KEY": pem_of(key("leaf")),
        "GATEWAY_APPLE_PASS_WWDR": cert_pem(authority().wwdr),
        "GATEWAY_APPLE_PASS_TYPE": PASS_TYPE,
        "GATEWAY_APPLE_TEAM": TEAM,
    }
    return {name: value for name, value in {**values, **changed}.items() if value}


def google_environment(**changed: str) -> dict[str, str]:
    file = {"type": "service_account", "client_email": EMAIL, "private_key": pem_of(key("google"))}
    values = {"GATEWAY_GOOGLE_WALLET_KEY": json.dumps(file), "GATEWAY_GOOGLE_WALLET_ISSUER": ISSUER}
    return {name: value for name, value in {**values, **changed}.items() if value}
