"""The way in from the internet: an address that answers the channel's handshake, over TLS that the channel accepts."""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway.cli.checks.case import Case
from gateway.cli.checks.channel import expected_callback
from gateway.cli.checks.finding import Finding, NotSeen, fail, ok, span, warn
from gateway.cli.probe import Answer, Shake

CERTIFICATE_WARN_MS = 14 * 24 * 3600 * 1000
CERTIFICATE_FAIL_MS = 2 * 24 * 3600 * 1000


async def _shaken(case: Case) -> Shake:
    """raises: NotSeen where there is no address or no verify token"""
    url = expected_callback(case, case.senders[0].channel if case.senders else "whatsapp")
    if url is None or case.settings.verify_token is None:
        raise NotSeen("address or verify token is not set", "public-url")
    return await case.handshake(url, case.settings.verify_token)


async def public_url(case: Case) -> list[Finding]:
    """It is set, is https, and leads to a gateway that knows the verify token."""
    check, url = "public-url", case.settings.public_url
    if url is None:
        mend = "GATEWAY_PUBLIC_URL=https://... of your proxy or tunnel, leading to the public port (8080)"
        what = "GATEWAY_PUBLIC_URL is not set: no webhook, link or document can reach or be reached"
        return fail(check, what, mend) if case.strict else warn(check, what, mend)
    if urlsplit(url).scheme != "https" and not (case.settings.sandboxed and _here(url)):
        mend = "put a proxy or tunnel with TLS in front of the public port (8080)"
        return fail(check, "GATEWAY_PUBLIC_URL is not https: the channel calls no other", mend)
    if case.settings.verify_token is None:
        mend = "any word of your own, the same as at the channel; `python main.py connect whatsapp` makes one"
        return fail(check, "GATEWAY_VERIFY_TOKEN is not set: the handshake with the channel is always refused", mend)
    return judge_shake(await _shaken(case))


def judge_shake(found: Shake) -> list[Finding]:
    check = "public-url"
    match found.answer:
        case Answer.GOOD:
            return ok(check, "the public address answers the handshake")
        case Answer.CERTIFICATE:
            raise NotSeen("its certificate is not accepted", "tls")
        case Answer.REFUSED:
            mend = "is it the same GATEWAY_VERIFY_TOKEN there? Restart the gateway after a change of .env"
            return fail(check, f"the public address refuses our verify token ({found.words})", mend)
        case Answer.ELSE:
            mend = "let the proxy or tunnel lead /webhooks/ to the public port (8080), without redirect or sign-in"
            return fail(check, f"something else answers at the public address ({found.words})", mend)
        case Answer.SILENT:
            mend = (
                "is the gateway running (`python main.py run`), and the proxy or tunnel? If only this machine cannot "
                "reach its own address, ask from another network"
            )
            return fail(check, f"the public address: {found.words}", mend)


async def tls(case: Case) -> list[Finding]:
    """The certificate is one that the channel accepts, and for a while yet."""
    check, url = "tls", case.settings.public_url
    if url is None or urlsplit(url).scheme != "https":
        raise NotSeen("the public address is not https", "public-url")
    found = await _shaken(case)
    if found.answer is Answer.CERTIFICATE:
        mend = "use one of a public authority (Let's Encrypt, or your proxy's) with its whole chain"
        return fail(check, found.words, mend)
    if found.certificate_ends_ms is None:
        raise NotSeen("the public address does not answer", "public-url")
    left = found.certificate_ends_ms - case.clock.now_ms()
    what = f"the certificate of the public address ends in {span(max(left, 0))}"
    mend = "renew it now, and see why it does not renew itself: the channel refuses an ended one and webhooks wait"
    if left <= CERTIFICATE_FAIL_MS:
        return fail(check, what, mend)
    return warn(check, what, mend) if left <= CERTIFICATE_WARN_MS else ok(check, what)


def _here(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
