"""Keys for wallets: they belong together, and the certificate does not end unseen."""

from __future__ import annotations

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, Level, fail, ok, span, warn
from gateway.documents.wallet_keys import AppleKeys, apple_keys, google_keys
from gateway.errors import SettingsError
from gateway.settings import Settings

SOON_MS = 30 * 86_400_000
_CHECK = "wallets"
_RENEW = "ask Apple for a new certificate of the same pass type, and set GATEWAY_APPLE_PASS_CERT and _KEY"


def concerned(settings: Settings) -> bool:
    """Something is set for a wallet."""
    apple = (settings.apple_pass_cert, settings.apple_pass_key, settings.apple_pass_wwdr, settings.apple_pass_type)
    return any((*apple, settings.apple_team, settings.google_wallet_key, settings.google_wallet_issuer))


async def wallets(case: Case) -> list[Finding]:
    """What a phone would refuse without saying why: keys of somebody else's pass, a certificate that ended."""
    found: list[Finding] = []
    try:
        apple = apple_keys(case.settings)
        if apple is not None:
            found += judge_apple(apple, case.clock.now_ms())
    except SettingsError as error:
        found += [_wrong(problem) for problem in error.problems]
    try:
        google = google_keys(case.settings)
        if google is not None:
            found += ok(_CHECK, f"links for Google Wallet are signed for issuer {google.issuer}")
    except SettingsError as error:
        found += [_wrong(problem) for problem in error.problems]
    return found or ok(_CHECK, "no wallet is set up: tickets come as pictures and pages, with a calendar entry")


def judge_apple(keys: AppleKeys, now_ms: int) -> list[Finding]:
    left = keys.ends_ms - now_ms
    if now_ms < keys.starts_ms:
        return fail(_CHECK, f"the pass certificate begins in {span(keys.starts_ms - now_ms)}: no pass is offered", _RENEW)
    if left <= 0:
        return fail(_CHECK, "the pass certificate has ended: no pass for Apple Wallet is offered any more", _RENEW)
    what = f"the pass certificate ends in {span(left)}"
    return warn(_CHECK, what, f"{_RENEW}; passes on phones stay") if left <= SOON_MS else ok(_CHECK, what)


def _wrong(problem: str) -> Finding:
    return Finding(Level.FAIL, _CHECK, problem, "mend that setting: docs/documents.md; without it the gateway does not start")
