"""The keys that sign what wallets take: read from the settings, checked once at start, and never shown.

A pass that is signed with a wrong certificate opens on no phone and says nothing about why. So what Apple would refuse is
refused at start, naming the setting: a certificate of another pass type or team, a key or an intermediate that is not the
certificate's.

Two things do not stop a start, because news must go out all the same: a wallet for which nothing at all is set, and a certificate
that has ended. An ended one signs nothing: passes for that wallet are not offered, the log says so at start, and `doctor` says it
from thirty days before.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from gateway.errors import SettingsError
from gateway.model.personal import Secret
from gateway.settings import Settings

T = TypeVar("T")

_CERT, _KEY, _WWDR = "GATEWAY_APPLE_PASS_CERT", "GATEWAY_APPLE_PASS_KEY", "GATEWAY_APPLE_PASS_WWDR"
_GOOGLE = "GATEWAY_GOOGLE_WALLET_KEY"
_LEAST_BITS = 2048


@dataclass(frozen=True, slots=True)
class AppleKeys:
    """certificate: of the pass type; wwdr: Apple's intermediate that issued it."""

    certificate: x509.Certificate
    key: RSAPrivateKey | EllipticCurvePrivateKey
    wwdr: x509.Certificate
    pass_type: str
    team: str

    @property
    def starts_ms(self) -> int:
        return max(_ms(self.certificate.not_valid_before_utc), _ms(self.wwdr.not_valid_before_utc))

    @property
    def ends_ms(self) -> int:
        """When the first of both certificates ends: from then on no phone takes a new pass."""
        return min(_ms(self.certificate.not_valid_after_utc), _ms(self.wwdr.not_valid_after_utc))

    def hold(self, now_ms: int) -> bool:
        return self.starts_ms <= now_ms < self.ends_ms


@dataclass(frozen=True, slots=True)
class GoogleKeys:
    """A service account's; issuer: the number of the issuer account in Google's console."""

    key: RSAPrivateKey
    email: str
    issuer: str


def apple_keys(settings: Settings) -> AppleKeys | None:
    """None where none of the five settings is set. Raises SettingsError with every problem, naming settings and mends."""
    given = {
        _CERT: settings.apple_pass_cert,
        _KEY: settings.apple_pass_key,
        _WWDR: settings.apple_pass_wwdr,
        "GATEWAY_APPLE_PASS_TYPE": settings.apple_pass_type,
        "GATEWAY_APPLE_TEAM": settings.apple_team,
    }
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return None
    problems = []
    if missing:
        mend = "Apple Wallet needs all five of its settings, or none (docs/documents.md)"
        problems.append(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing: {mend}")
    certificate = _tried(_CERT, settings.apple_pass_cert, _certificate, problems)
    wwdr = _tried(_WWDR, settings.apple_pass_wwdr, _certificate, problems)
    key = _tried(_KEY, settings.apple_pass_key, _apple_key, problems)
    pass_type, team = settings.apple_pass_type or "", settings.apple_team or ""
    if certificate is not None:
        problems += _named(certificate, NameOID.USER_ID, "user id", "GATEWAY_APPLE_PASS_TYPE", pass_type)
        problems += _named(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME, "organisational unit", "GATEWAY_APPLE_TEAM", team)
        if key is not None and key.public_key() != certificate.public_key():
            problems.append(f"{_KEY}: does not belong to the certificate of {_CERT}: take the key it was asked for with")
        if wwdr is not None and not _issued(certificate, wwdr):
            problems.append(
                f"{_WWDR}: did not issue the certificate of {_CERT}: take the intermediate that its issuer names "
                "(Apple's page of certificate authorities)"
            )
    if problems or certificate is None or key is None or wwdr is None:
        raise SettingsError(problems)
    return AppleKeys(certificate, key, wwdr, pass_type, team)


def google_keys(settings: Settings) -> GoogleKeys | None:
    """None where neither setting is set. Raises SettingsError."""
    text, issuer = settings.google_wallet_key, settings.google_wallet_issuer
    if text is None and issuer is None:
        return None
    if text is None or issuer is None:
        missing, there = (_GOOGLE, "GATEWAY_GOOGLE_WALLET_ISSUER") if text is None else ("GATEWAY_GOOGLE_WALLET_ISSUER", _GOOGLE)
        raise SettingsError([f"{missing} is missing: {there} is set, and Google Wallet needs both"])
    problems: list[str] = []
    if not (issuer.isascii() and issuer.isdigit() and len(issuer) <= 25):
        problems.append("GATEWAY_GOOGLE_WALLET_ISSUER: should be the number of your issuer account, digits only")
    account = _tried(_GOOGLE, text, _account, problems)
    if problems or account is None:
        raise SettingsError(problems)
    return GoogleKeys(*account, issuer)


def _tried(name: str, text: Secret | None, read: Callable[[str], T], problems: list[str]) -> T | None:
    """The value, or a problem under the setting's name; never anything of its content."""
    if text is None:
        return None
    try:
        return read(text.reveal())
    except _Wrong as wrong:
        problems.append(f"{name}: {wrong}")
        return None


class _Wrong(Exception):
    """Says what a text should be."""


def _lines(text: str) -> bytes:
    """As PEM has them, also where an environment could hold one line only and its ends are written as two characters."""
    return text.replace("\\n", "\n").encode()


def _certificate(text: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_lines(text))
    except ValueError:
        mend = "`openssl x509 -inform DER -in FILE -out FILE.pem` makes one of a .cer"
        raise _Wrong(f"should be a certificate as PEM ({mend})") from None


def _private_key(text: str) -> object:
    try:
        return load_pem_private_key(_lines(text), password=None)
    except TypeError:
        raise _Wrong("is locked by a password: `openssl pkey -in FILE -out OPEN.pem` opens it; keep that file 0600") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _Wrong("should be a private key as PEM (-----BEGIN PRIVATE KEY-----)") from None


def _apple_key(text: str) -> RSAPrivateKey | EllipticCurvePrivateKey:
    key = _private_key(text)
    if isinstance(key, EllipticCurvePrivateKey) or (isinstance(key, RSAPrivateKey) and key.key_size >= _LEAST_BITS):
        return key
    raise _Wrong(f"should be an RSA key of at least {_LEAST_BITS} bits")


def _account(text: str) -> tuple[RSAPrivateKey, str]:
    """Key and e-mail of a service account's key file."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("private_key"), str) or "@" not in str(found.get("client_email")):
        raise _Wrong("should be a service account's key file: JSON with private_key and client_email")
    key = _private_key(found["private_key"])
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
        raise _Wrong(f"its private_key should be an RSA key of at least {_LEAST_BITS} bits")
    return key, str(found["client_email"])


def _named(certificate: x509.Certificate, oid: x509.ObjectIdentifier, what: str, setting: str, wanted: str) -> list[str]:
    """Certificates are public: what stands in one may be shown."""
    said = [str(one.value) for one in certificate.subject.get_attributes_for_oid(oid)]
    if not wanted or wanted in said:
        return []
    return [f"{setting}: {wanted} is not the {what} in the certificate of {_CERT}, which is {', '.join(said) or 'none'}"]


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _ms(when: datetime) -> int:
    return int(when.astimezone(UTC).timestamp() * 1000)
