"""`connect`, steps 1 and 2: app, secret and token that fit together; the account and the number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.cli.connect_visit import TRIES, Halted, Visit
from gateway.model.account import Access, NumberReport, Refused, TokenReport
from gateway.model.personal import Secret

SOON_MS = 30 * 24 * 3600 * 1000
_BASIC = "developers.facebook.com > My Apps > your app > App settings > Basic"
_SYSTEM_USER = (
    "business.facebook.com > Settings > Users > System users > Add (admin), assign it the app and the WhatsApp account with "
    "full control, then Generate token: your app, expiration `never`, both whatsapp permissions"
)
_OF_NOTHING_LEFT = "look at it in peace, then start this again"


@dataclass(frozen=True, slots=True)
class Door:
    """How a channel's token is called, made and kept. able: what a good one may do; tick: what a lacking one should get."""

    setting: str
    made: str
    able: str
    tick: str


NUMBERS = Door("GATEWAY_WHATSAPP_TOKEN", _SYSTEM_USER, "send, and manage numbers and templates", "tick both")


async def credentials(visit: Visit, app_id: str | None, door: Door = NUMBERS, known: Secret | None = None) -> None:
    """Ask for what is not in the settings, and check it until it fits. known: the token they hold. raises: Halted"""
    visit.step(1, "App and token", "The app signs webhooks, the token sends. Both are checked before anything is kept.")
    io, settings = visit.io, visit.settings
    app = app_id or settings.app_id or visit.state.app_id
    secret = settings.app_secrets[0] if settings.app_secrets else None
    token = known if door is not NUMBERS else settings.whatsapp_token
    held = token
    for _ in range(TRIES):
        app = app or await io.ask(f"   App id ({_BASIC})")
        secret = secret or await io.ask_hidden("   App secret (same page > Show)")
        if not app.isdigit() or not secret:
            io.show("   The app id is a long number, and the secret is not empty.")
            app, secret = "", None
            continue
        token = token or await _ask_token(visit, door)
        refused = await _check_app(visit, Access(app, secret, token))
        if refused is not None:
            visit.explain(refused)
            app, secret = "", None
            continue
        report = await _check_token(visit, app, door)
        if report is None:
            token = None
            continue
        io.show(token_end(report, visit.clock.now_ms(), door))
        visit.state.app_id = app
        visit.save()
        fresh = _new(visit, app, secret)
        if held != token:
            fresh[door.setting] = token.reveal()
        await visit.keep(fresh)
        return
    raise Halted("app, secret and token do not fit together yet", _OF_NOTHING_LEFT)


async def _ask_token(visit: Visit, door: Door) -> Secret:
    visit.io.show(f"   A token that lasts: {door.made}.\n   The one on the page API Setup ends after a day.")
    return await visit.io.ask_hidden("   Access token")


def _new(visit: Visit, app: str, secret: Secret) -> dict[str, str]:
    """What the settings do not hold yet, wherever they have it from."""
    settings, found = visit.settings, {}
    if settings.app_id != app:
        found["GATEWAY_APP_ID"] = app
    if secret not in settings.app_secrets:
        found["GATEWAY_APP_SECRET"] = secret.reveal()
    return found


async def _check_app(visit: Visit, access: Access) -> Refused | None:
    admin = await visit.open(access)
    answer = await admin.app()
    if not isinstance(answer, Refused):
        visit.io.show("   App id and secret belong together.")
        return None
    if answer.passing:
        raise visit.halt(answer)
    return answer


async def _check_token(visit: Visit, app: str, door: Door) -> TokenReport | None:
    """None when another token is needed; why was said."""
    io, report = visit.io, await visit.app_admin.token()
    if isinstance(report, Refused):
        if report.passing:
            raise visit.halt(report)
        visit.explain(report)
        return None
    if not report.valid:
        io.show(f"   The token is not valid: {report.why or 'no reason given'}\n   -> make a new one: {door.made}")
        return None
    if report.app_id and report.app_id != app:
        io.show(f"   The token was made for another app.\n   -> generate it for app {app}: {door.made}")
        return None
    if report.missing:
        io.show(f"   The token lacks {', '.join(report.missing)}.\n   -> generate it anew and {door.tick}: {door.made}")
        return None
    io.show(f"   The token may {door.able}.")
    return report


def token_end(report: TokenReport, now_ms: int, door: Door = NUMBERS) -> str:
    """When a token ends, for people, and how to get one that does not if that is soon."""
    if report.expires_ms is None:
        return "   It never ends."
    day = datetime.fromtimestamp(report.expires_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    said = f"   It ends on {day}."
    if report.expires_ms - now_ms < SOON_MS:
        said += f"\n   That is soon; nothing is sent after it. A lasting one: {door.made}."
    return said


async def account_and_number(visit: Visit, account_id: str | None, number_id: str | None) -> None:
    """Find the accounts that the token was given, and let one number be chosen. raises: Halted"""
    visit.step(2, "Account and number", "A WhatsApp business account holds numbers and templates; one number sends.")
    settings, state = visit.settings, visit.state
    wanted = number_id or settings.whatsapp_phone_number_id or state.number_id
    report = await visit.admin.token()
    if isinstance(report, Refused):
        raise visit.halt(report)
    accounts = list(report.accounts)
    given = account_id or settings.whatsapp_waba_id or state.account_id
    if given:
        accounts = [given]
    if not accounts:
        visit.io.show("   The token does not say which account it is for.")
        accounts = [await visit.io.ask("   WhatsApp business account id (your app > WhatsApp > API Setup)")]
    found = await _numbers(visit, accounts)
    if not found:
        mend = "your app > WhatsApp > API Setup gives a test number; WhatsApp Manager > Phone numbers > Add takes your own"
        raise Halted("this account has no number", mend)
    place = next((place for place, (_, number) in enumerate(found) if number.id == wanted), None)
    if place is None:
        place = await visit.io.choose("   Which number sends?", [_line(number) for _, number in found]) if found[1:] else 0
    state.account_id, visit.number = found[place]
    state.number_id = visit.number.id
    visit.save()
    visit.io.show(f"   Number: {_line(visit.number)}")
    fresh = {}
    if settings.whatsapp_waba_id != state.account_id:
        fresh["GATEWAY_WHATSAPP_WABA_ID"] = state.account_id
    if settings.whatsapp_phone_number_id != state.number_id:
        fresh["GATEWAY_WHATSAPP_PHONE_NUMBER_ID"] = state.number_id
    await visit.keep(fresh)


async def _numbers(visit: Visit, accounts: list[str]) -> list[tuple[str, NumberReport]]:
    found: list[tuple[str, NumberReport]] = []
    for account in accounts:
        answer = await visit.admin.numbers(account)
        if not isinstance(answer, Refused):
            found += [(account, number) for number in answer]
        elif len(accounts) == 1:
            raise visit.halt(answer)
        else:
            visit.explain(answer)
    return found


def _line(number: NumberReport) -> str:
    marks = ["test number" if number.test else "", "" if number.registered else "not registered yet"]
    more = ", ".join(mark for mark in marks if mark)
    return f"{number.display} {number.name}{f' ({more})' if more else ''}"
