"""What the channel says of app, token, subscription and callback. Each sender's answers are fetched once and shared."""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway.cli.checks.case import Case, account_of, told
from gateway.cli.checks.finding import Finding, NotSeen, fail, names, note, ok, span, warn
from gateway.connector import Sender
from gateway.model.account import Refused, TokenReport

SOON_MS = 30 * 24 * 3600 * 1000
URGENT_MS = 3 * 24 * 3600 * 1000
_RENEW = "make one that never ends: business.facebook.com > Settings > Users > System users > Generate token, expiration `never`"
_WEBHOOK_PAGE = "developers.facebook.com > your app > Webhooks, or the channel's own page > Configuration"
NEEDED_FIELD = "messages"


def _need_senders(case: Case) -> list[Sender]:
    if not case.senders:
        raise NotSeen("no sender is set up", "senders")
    return case.senders


async def channel(case: Case) -> list[Finding]:
    """The channel answers at all."""
    check = "channel"
    pulse = await case.pulse(_need_senders(case)[0])
    where = urlsplit(case.settings.graph_url).netloc
    if isinstance(pulse, Refused):
        return fail(check, f"{where} does not answer: {pulse.words}", pulse.mend)
    return ok(check, f"{where} answers within {span(pulse.rtt_ms) if pulse.rtt_ms > 2000 else f'{pulse.rtt_ms} ms'}")


async def app_secret(case: Case) -> list[Finding]:
    """App id and secret belong together: with a wrong secret every webhook would be refused as forged."""
    check, settings = "app-secret", case.settings
    sender = _need_senders(case)[0]
    where = "developers.facebook.com > your app > App settings > Basic"
    if not settings.app_secrets:
        return fail(check, "GATEWAY_APP_SECRET is not set, so no webhook can be verified", f"copy it from {where}")
    if not settings.app_id:
        what = "GATEWAY_APP_ID is not set: secret, callback and subscription cannot be checked"
        return warn(check, what, f"copy it from {where}")
    refusals = []
    for place, secret in enumerate(settings.app_secrets):
        answer = await (case.app_or_refusal(sender) if place == 0 else case.admin(sender, secret).app())
        if isinstance(answer, Refused):
            refusals.append((place, answer))
    if not refusals:
        return ok(check, "app id and secret belong together")
    place, refusal = refusals[0]
    if refusal.passing:
        told(refusal, check)
        raise NotSeen(f"the channel is busy ({refusal.sentence})", "channel")
    if len(refusals) < len(settings.app_secrets):
        what = f"of {len(settings.app_secrets)} app secrets, number {place + 1} is not accepted"
        return warn(check, what, "while a secret is being changed this is expected; afterwards keep the new one only")
    what = f"GATEWAY_APP_SECRET is not the secret of the app GATEWAY_APP_ID: {refusal.sentence}"
    return fail(check, what, f"copy both anew from {where}")


async def token(case: Case) -> list[Finding]:
    """Each sender's token is accepted, is of our app, and may see its account."""
    found: list[Finding] = []
    for sender in _need_senders(case):
        found += _token(case, sender, await case.token(sender))
    return found


def _token(case: Case, sender: Sender, report: TokenReport | Refused) -> list[Finding]:
    check, whose = "token", f"the token of {sender.id}"
    if isinstance(report, Refused):
        if report.passing:
            told(report, check)
            raise NotSeen(f"the channel is busy ({report.sentence})", "channel")
        return fail(check, f"{whose} is not accepted: {report.sentence}", report.mend)
    now = case.clock.now_ms()
    if not report.valid:
        ended = report.expires_ms is not None and report.expires_ms <= now
        words = f"ended {span(now - report.expires_ms)} ago" if ended and report.expires_ms else report.why or "is not valid"
        return fail(check, f"{whose} {words}", _RENEW)
    if case.settings.app_id and report.app_id and report.app_id != case.settings.app_id:
        mend = "take a token of the app GATEWAY_APP_ID, or set the id of the app that the token was made for"
        return fail(check, f"{whose} was made for another app: webhooks would be signed with that app's secret", mend)
    account = account_of(sender)
    if account and report.accounts and not report.sees_all and account not in report.accounts:
        page = "page_id" in sender.account
        what = "the Page GATEWAY_MESSENGER_PAGE_ID" if page else "the account GATEWAY_WHATSAPP_WABA_ID"
        asset = "this Page" if page else "this WhatsApp account"
        mend = f"System users > Assign assets: give the system user {asset}, then generate its token anew"
        return fail(check, f"{whose} was not given {what}", mend)
    return ok(check, f"{whose} is accepted")


async def token_scopes(case: Case) -> list[Finding]:
    """Sending needs one permission, templates and numbers another."""
    check, found = "token-scopes", []
    for sender in _need_senders(case):
        report = told(await case.token(sender), "token")
        if not report.valid:
            raise NotSeen("the token is not valid", "token")
        if report.missing:
            mend = "generate the system user's token anew and tick all: " + ", ".join(case.admin(sender).scopes)
            found += fail(check, f"the token of {sender.id} lacks {', '.join(report.missing)}", mend)
    return found or ok(check, "the token may send, and manage templates and numbers")


async def token_end(case: Case) -> list[Finding]:
    """A token that ends takes everything with it."""
    check, found, now = "token-end", [], case.clock.now_ms()
    for sender in _need_senders(case):
        report = told(await case.token(sender), "token")
        if not report.valid:
            raise NotSeen("the token is not valid", "token")
        if report.expires_ms is None:
            found += ok(check, f"the token of {sender.id} never ends")
            continue
        left = report.expires_ms - now
        what = f"the token of {sender.id} ends in {span(max(left, 0))}"
        if left <= SOON_MS:
            found += fail(check, what, _RENEW) if left <= URGENT_MS and case.strict else warn(check, what, _RENEW)
        else:
            found += note(check, what, _RENEW)
    return found


def expected_callback(case: Case, channel: str) -> str | None:
    return f"{case.settings.public_url}/webhooks/{channel}" if case.settings.public_url else None


async def callback(case: Case) -> list[Finding]:
    """Webhooks go to us, with every field that we need."""
    found: list[Finding] = []
    for sender in case.one_an_account() or _need_senders(case):
        report = await case.app(sender)
        number = await case.number_or_refusal(sender) if sender in case.numbers else None
        there = (number.callback if number is not None and not isinstance(number, Refused) else None) or report.callback
        found += _callback(case, sender, there, report.missing)
    return found


def _callback(case: Case, sender: Sender, there: str | None, missing: tuple[str, ...]) -> list[Finding]:
    check, here = "callback", expected_callback(case, sender.channel)
    connect = f"`python main.py connect {sender.channel}` sets it, or: {_WEBHOOK_PAGE}"
    if there is None:
        return fail(check, f"no callback is set for {sender.id}: no status and no answer ever comes", connect)
    if here is None:
        return note(check, f"webhooks of {sender.id} go to {_shown(there)}", "set GATEWAY_PUBLIC_URL, so that it can be compared")
    if there.rstrip("/") != here:
        return fail(check, f"webhooks of {sender.id} go to {_shown(there)} instead of {_shown(here)}", connect)
    if NEEDED_FIELD in missing:
        return fail(check, f"the field `{NEEDED_FIELD}` is not subscribed: no status and no answer ever comes", connect)
    if missing:
        return warn(check, f"not subscribed: {', '.join(missing)}: what they tell comes late or never", connect)
    return ok(check, f"webhooks of {sender.id} come to {_shown(here)} with every field")


async def subscription(case: Case) -> list[Finding]:
    """An account tells only the apps that are subscribed to it."""
    check, found = "subscription", []
    for sender in [one for one in case.one_an_account() or _need_senders(case) if account_of(one)]:
        report = told(await case.subscribers(sender), "token")
        if not case.settings.app_id:
            raise NotSeen("GATEWAY_APP_ID is not set", "app-secret")
        connect = f"run `python main.py connect {sender.channel}` (it subscribes)"
        if case.settings.app_id not in report.apps:
            mend = f"{connect}, or POST /<account or Page id>/subscribed_apps with the token"
            found += fail(check, f"the app is not subscribed to the account of {sender.id}: no webhook ever comes", mend)
        elif NEEDED_FIELD in report.missing:
            found += fail(check, f"{sender.id} does not tell the app of `{NEEDED_FIELD}`: no answer ever comes", connect)
        elif report.missing:
            found += warn(check, f"{sender.id} does not tell the app of {', '.join(report.missing)}", connect)
        if len(report.apps) > 1:
            others = names(list(report.others)) if report.others else f"{len(report.apps) - 1} other app(s)"
            found += note(check, f"besides ours, {others} hear what {sender.id} hears")
    return found or ok(check, "the app is subscribed")


def _shown(url: str) -> str:
    """A callback without its query: what stands there may be a secret of somebody's."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
