"""Settings that fit together, and this machine: senders, who may be written to, ports, time, version of the API."""

from __future__ import annotations

import errno
import socket
from datetime import UTC, date, datetime, timedelta

import aiohttp

from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding, fail, names, note, ok, span, warn
from gateway.model.account import Refused
from gateway.settings import Environment

CLOCK_MS = 30_000
VERSION_SOON = timedelta(days=90)
HEALTH_S = 2.0


async def senders(case: Case) -> list[Finding]:
    """Somebody must speak, and know which account they speak for."""
    check = "senders"
    if not len(case.directory):
        mend = (
            "run `python main.py connect whatsapp` or `connect messenger`, or set GATEWAY_WHATSAPP_PHONE_NUMBER_ID and "
            "GATEWAY_WHATSAPP_TOKEN, GATEWAY_MESSENGER_PAGE_ID and GATEWAY_MESSENGER_TOKEN"
        )
        return fail(check, "no sender is set up, so nothing can be sent", mend)
    nowhere = [sender.id for sender in case.pages if not sender.account.get("page_id")]
    if nowhere:
        mend = "set GATEWAY_MESSENGER_PAGE_ID (or `page_id` in senders.yaml)"
        return fail(check, f"no Page for {names(list(nowhere))}", mend)
    lost = [sender.id for sender in case.numbers if not sender.account.get("waba_id")]
    if lost:
        mend = "set GATEWAY_WHATSAPP_WABA_ID (or `waba_id` in senders.yaml): templates and the subscription hang on it"
        return fail(check, f"no account id for {names(list(lost))}", mend)
    found = [f"{sender.id} ({sender.channel}, brand {sender.brand})" for sender in case.directory]
    return ok(check, f"{len(found)} sender{'s' if len(found) > 1 else ''}: {names(found)}")


async def only_to(case: Case) -> list[Finding]:
    """Outside production nobody is written to who is not listed."""
    check, env = "only-to", case.settings.env
    if env is Environment.PRODUCTION:
        return ok(check, "production writes to everybody who agreed")
    if not case.settings.only_to:
        mend = "GATEWAY_ONLY_TO=+44... with your own phone; several are separated by commas"
        return warn(check, f"GATEWAY_ENV is {env.value} and GATEWAY_ONLY_TO is empty: nobody at all is written to", mend)
    count = len(case.settings.only_to)
    return ok(check, f"{env.value} writes to {count} listed {'address' if count == 1 else 'addresses'} and to nobody else")


async def ports(case: Case) -> list[Finding]:
    """The three ports are ours: free, or in the hands of a gateway that runs."""
    check, settings = "ports", case.settings
    if await _running(settings.host, settings.internal_port):
        return ok(check, f"a gateway runs on this machine and answers on {settings.internal_port}")
    found: list[Finding] = []
    wanted = {
        "GATEWAY_PUBLIC_PORT": settings.public_port,
        "GATEWAY_INTERNAL_PORT": settings.internal_port,
        "GATEWAY_CONSOLE_PORT": settings.console_port,
    }
    for name, port in wanted.items():
        why = _busy(settings.host, port)
        if why:
            mend = f"see who has it (`ss -ltnp 'sport = :{port}'`) and end that program, or choose another {name}"
            found += fail(check, f"{name}: port {port} on {settings.host} {why}", mend)
    return found or ok(check, f"{', '.join(str(port) for port in wanted.values())} are free; no gateway runs here now")


async def _running(host: str, port: int) -> bool:
    where = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    try:
        timeout = aiohttp.ClientTimeout(total=HEALTH_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"http://{where}:{port}/healthz") as reply:
            return reply.status == 200 and (await reply.json(content_type=None)) == {"alive": True}
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return False


def _busy(host: str, port: int) -> str:
    """Why a port cannot be had, "" when it can. Nothing listens on it for even a moment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the gateway does: a port just closed is free
        try:
            probe.bind((host, port))
        except OSError as error:
            return "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
    return ""


async def clock(case: Case) -> list[Finding]:
    """Deadlines, windows and signatures of links all go by this machine's clock."""
    check = "clock"
    if case.settings.env is Environment.DEMO:
        return note(check, "a demo turns its own clock")
    if not case.senders:
        return note(check, "no sender, so no channel to compare the time with")
    pulse = await case.pulse(case.senders[0])
    if isinstance(pulse, Refused) or pulse.server_ms is None:
        return note(check, "the channel did not say what time it is")
    # The answer was dated somewhere within the round trip, to a whole second.
    off_ms = case.clock.now_ms() - pulse.server_ms
    slack_ms = 1_000 + pulse.rtt_ms
    if abs(off_ms) - slack_ms <= CLOCK_MS:
        return ok(check, f"this machine and the channel agree on the time within {CLOCK_MS // 1000} s")
    side = "ahead of" if off_ms > 0 else "behind"
    mend = "switch on time synchronisation (`timedatectl set-ntp true`, or chrony)"
    return fail(check, f"this machine's clock is {span(abs(off_ms))} {side} the channel's", mend)


async def graph_version(case: Case) -> list[Finding]:
    """The version of the API is one that is still served."""
    check, today = "graph-version", datetime.fromtimestamp(case.clock.now_ms() / 1000, UTC).date()
    if not case.senders:
        return note(check, "no sender, so no channel is asked")
    sender = case.senders[0]
    version = case.admin(sender).version()
    mend = "unset GATEWAY_GRAPH_VERSION (the default is tried and tested), then `python main.py doctor` again"
    pulse = await case.pulse(sender)
    served = "" if isinstance(pulse, Refused) else pulse.served
    if served and served != version.name:
        return fail(check, f"{version.name} is asked and {served} answers: the version asked for has ended", mend)
    if not version.known:
        if version.older:
            return fail(check, f"{version.name} is older than any version that is served", mend)
        return note(check, f"{version.name} is newer than the versions this program was tried with")
    if version.ends is None:
        return ok(check, f"{version.name}; its end is not announced")
    ends = date.fromisoformat(version.ends)
    if ends <= today:
        return fail(check, f"{version.name} ended on {ends}: the oldest living version answers in its place", mend)
    if ends - today <= VERSION_SOON:
        return warn(check, f"{version.name} ends on {ends}", mend)
    return ok(check, f"{version.name}, served until {ends}")

