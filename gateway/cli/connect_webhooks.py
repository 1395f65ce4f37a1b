"""`connect`, steps 5 and 6: webhooks come to our address, and the account tells our app."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from gateway.cli.connect_listener import Ear, Listener
from gateway.cli.connect_visit import Halted, Visit
from gateway.cli.dialogue import agreed
from gateway.cli.probe import Answer, shake
from gateway.model.account import AppReport, Refused
from gateway.model.personal import Secret

_BY_HAND = {
    "whatsapp": (
        "developers.facebook.com > your app > WhatsApp > Configuration > Webhook > Edit",
        "message, template, phone, account,\n   business, security and user",
    ),
    "messenger": (
        "developers.facebook.com > your app > Messenger > Messenger API settings > Configure webhooks",
        "message, messaging and standby",
    ),
}
"""Channel -> (where the callback is typed in, how the fields begin that are needed)."""
_TUNNEL = (
    "   Meta must reach this machine's port {port} over https. On a server: a proxy with TLS in front of it. On a laptop: any\n"
    "   tunnel that gives you an https address for http://127.0.0.1:{port}."
)


async def callback(visit: Visit, ear: Ear | None, stack: AsyncExitStack, *, step: int = 5) -> None:
    """Have webhooks sent to us where we can be reached, else say what to paste where.

    ear: a running gateway's; without one a listener is opened on the public port until `stack` closes. raises: Halted
    """
    visit.step(step, "Webhooks come to you", "What becomes of messages, and every answer, comes as a call to your address.")
    visit.verify_token = visit.settings.verify_token or Secret(secrets.token_urlsafe(24))
    fresh = {}
    if visit.settings.verify_token is None:
        fresh["GATEWAY_VERIFY_TOKEN"] = visit.verify_token.reveal()
    url = await _public_url(visit)
    if url is not None and url != visit.settings.public_url:
        fresh["GATEWAY_PUBLIC_URL"] = url
    await visit.keep(fresh)
    visit.public_url = url
    if url is None:
        visit.io.show("   Without an address no answer comes in. Start this again when you have one; sending works.")
        return
    visit.ear = ear or await _listen(visit, stack)
    if visit.ear is None:
        return
    await _point(visit, f"{url}/webhooks/{visit.connector.channel}")


async def _public_url(visit: Visit) -> str | None:
    if visit.settings.public_url is not None:
        return visit.settings.public_url
    visit.io.show(_TUNNEL.format(port=visit.settings.public_port))
    while True:
        url = (await visit.io.ask("   Your public address, https://... (empty: later)")).rstrip("/")
        if not url:
            return None
        parts = urlsplit(url)
        local = visit.settings.sandboxed and parts.hostname in ("127.0.0.1", "localhost")
        if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and local)):
            return url
        visit.io.show("   It begins with https:// and Meta calls no other.")


async def _listen(visit: Visit, stack: AsyncExitStack) -> Listener | None:
    """A listener on the public port; None when somebody else has it and shall keep it."""
    assert visit.access is not None
    assert visit.verify_token is not None
    known = tuple(dict.fromkeys((visit.access.app_secret or Secret(""), *visit.settings.app_secrets)))
    listener = Listener(visit.connector, secrets=known, verify_token=visit.verify_token)
    host, port = visit.settings.host, visit.settings.public_port
    while True:
        try:
            await listener.start(host, port)
        except OSError as error:
            visit.io.show(
                f"   Port {port} on {host} cannot be had ({error.strerror}). Does a gateway run there? It was started\n"
                "   before these settings were known: stop it for now, and start it again afterwards."
            )
            options = ("it is stopped, try again", "go on without hearing webhooks", "stop here")
            choice = await visit.io.choose("   What now?", options)
            if choice == 2:
                raise Halted(f"port {port} is taken", "stop what runs there, or choose another GATEWAY_PUBLIC_PORT") from None
            if choice == 1:
                return None
            continue
        stack.push_async_callback(listener.close)
        return listener


async def _point(visit: Visit, url: str) -> None:
    """Set the callback, or have it set by hand; `visit.hears` afterwards says whether webhooks come."""
    assert visit.verify_token is not None
    app = await visit.app_admin.app()
    if isinstance(app, Refused):
        raise visit.halt(app)
    if app.callback == url and not app.missing:
        visit.io.show("   The callback is set already.")
        visit.hears = True
    else:
        visit.hears = await _set(visit, url, app)
    theirs = visit.number.callback if visit.number is not None else None
    if theirs is not None and theirs not in (url, app.callback):
        visit.io.show(
            "   But this number or its account has a callback of its own, which wins over the app's. Take it away at Meta\n"
            "   (WhatsApp Manager, or POST /<number id> with an empty override_callback_uri); `doctor` shows where it leads."
        )
        visit.hears = False


async def _set(visit: Visit, url: str, app: AppReport) -> bool:
    assert visit.verify_token is not None
    found = await shake(url, visit.verify_token)
    if found.answer is not Answer.GOOD:
        visit.io.show(f"   {url} does not lead here: {found.words}.")
        return await _by_hand(visit, url)
    visit.io.show("   Your address leads here and answers the handshake.")
    if app.callback not in (None, url):
        shown = urlsplit(app.callback or "").netloc
        if not await agreed(visit.io, f"   Webhooks of this app go to {shown} now. Have them come here instead?", default=False):
            return False
    refused = await visit.app_admin.set_callback(url, visit.verify_token)
    if refused is None:
        visit.io.show("   Set, with every field that is needed.")
        return True
    visit.explain(refused)
    if refused.passing:
        raise visit.halt(refused)
    return await _by_hand(visit, url)


async def _by_hand(visit: Visit, url: str) -> bool:
    """Say exactly what to paste where, and look whether it was done."""
    assert visit.verify_token is not None
    page, beginnings = _BY_HAND[visit.connector.channel]
    visit.io.show(
        f"   Make the address lead to port {visit.settings.public_port}, then, at\n"
        f"   {page}\n"
        f"     Callback URL   {url}\n"
        f"     Verify token   {visit.verify_token.reveal()}\n"
        f"   press Verify and save, and below it subscribe to every field that begins with {beginnings}."
    )
    while await visit.io.choose("   And now?", ("done, look again", "later")) == 0:
        app = await visit.app_admin.app()
        if not isinstance(app, Refused) and app.callback == url and "messages" not in app.missing:
            visit.io.show("   The callback is set.")
            return True
        visit.io.show("   Meta does not know it yet, or not the field `messages`.")
    return False


async def subscribe(visit: Visit, *, step: int = 6, what: str = "account") -> None:
    """Without it the account (or page) tells no app anything. raises: Halted"""
    visit.step(step, f"The {what} tells your app", f"A{'n' if what[0] in 'aeiou' else ''} {what} tells only the subscribed apps.")
    known = await visit.app_admin.subscribers(visit.state.account_id)
    if isinstance(known, Refused):
        raise visit.halt(known)
    if visit.state.app_id in known.apps and not known.missing:
        visit.io.show("   Subscribed before.")
        return
    refused = await visit.app_admin.subscribe(visit.state.account_id)
    if refused is not None:
        raise visit.halt(refused)
    visit.io.show("   Subscribed.")
