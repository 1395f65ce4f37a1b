"""The pages that we write from: seen by the token, ours to answer, with the first screen that links need, and what each may do.

What the channel does not tell (its own assistant, the default app) is said to be so, with the way to look by hand.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.cli.checks.case import Case, told
from gateway.cli.checks.finding import Finding, Level, NotSeen, fail, names, note, ok, span, warn
from gateway.connector import Sender
from gateway.model.account import Refused, Screen, Why
from gateway.model.capability import Capability, Findings

TEMPLATE_SCOPE = "pages_utility_messaging"
HUMAN_AGENT = "human_agent"
HOLDER_FIELDS = ("messaging_handovers", "standby")
"""Without them nobody tells who holds a thread, and our answers cross another program's."""
OLD_MS = 3 * 3600 * 1000
"""Asked every hour: older than this, no scheduler runs."""
_CONNECT = "run `python main.py connect messenger`: it goes on where it was"
_PAGE = (
    "compare GATEWAY_MESSENGER_PAGE_ID with the Page's settings > About > Page transparency; and at your app > App settings > "
    "Advanced, `Require app secret` must be off: our calls bring no proof of it"
)
_ROUTING = "facebook.com > the Page > Settings > Messaging > Conversation routing: choose this app as the default app"
_REVIEW = "developers.facebook.com > your app > App Review > Permissions and features"
_ASSISTANT = (
    "look by hand: business.facebook.com > Inbox > Automations, and the Page's settings for Meta's business assistant; switch "
    "off what answers people, else they are answered twice or it holds their chats"
)


def _pages(case: Case) -> list[Sender]:
    """raises: NotSeen where there is none"""
    if not case.pages:
        raise NotSeen("no page is set up", "senders")
    return case.pages


async def page(case: Case) -> list[Finding]:
    """The Page exists, and the token may see it."""
    check, found = "page", []
    for sender in _pages(case):
        report = await case.page(sender)
        if isinstance(report, Refused):
            if report.why not in (Why.MISSING, Why.OTHER, Why.PERMISSION):
                told(report, check)
            mend = report.mend or _PAGE
            found += fail(check, f"the Page of {sender.id} cannot be seen: {report.sentence}", mend)
        elif not report.username:
            what = f"{report.name} has no user name: its links m.me/... hold its number instead"
            found += note(check, what, "facebook.com > the Page > Settings > Name: choose one")
        else:
            found += ok(check, f"{report.name} (m.me/{report.username})")
    return found


async def get_started(case: Case) -> list[Finding]:
    """A link's token comes with a newcomer's tap on Get Started, and with nothing else."""

    def judge(sender: Sender, screen: Screen) -> list[Finding]:
        check = "get-started"
        if screen.get_started is None:
            what = f"{sender.id} has no Get Started: the links that bind a newcomer to their order bring no token"
            return fail(check, what, _CONNECT) if case.strict else warn(check, what, _CONNECT)
        if screen.openers:
            what = f"{sender.id} offers {len(screen.openers)} opening questions in the place of Get Started: tokens get lost"
            return warn(check, what, "take the ice breakers away: DELETE /<Page id>/messenger_profile with fields ice_breakers")
        return ok(check, f"{sender.id} has Get Started")

    return await _screens(case, judge)


async def greeting(case: Case) -> list[Finding]:
    """What people read before they begin: who we are, and that a machine answers first."""

    def judge(sender: Sender, screen: Screen) -> list[Finding]:
        if screen.greeting is None:
            return note("greeting", f"{sender.id} greets nobody before they begin", _CONNECT)
        return ok("greeting", f"{sender.id} has a greeting")

    return await _screens(case, judge)


async def menu(case: Case) -> list[Finding]:
    """The way to a person that is always there."""

    def judge(sender: Sender, screen: Screen) -> list[Finding]:
        if not screen.menu:
            return note("menu", f"{sender.id} has no menu beside the chat", _CONNECT)
        return ok("menu", f"{sender.id} has a menu of {len(screen.menu)}")

    return await _screens(case, judge)


async def _screens(case: Case, judge: Callable[[Sender, Screen], list[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    for sender in _pages(case):
        found += judge(sender, await case.screen(sender))
    return found


async def default_app(case: Case) -> list[Finding]:
    """New and idle chats are ours to answer."""
    check, found = "default-app", []
    for sender in _pages(case):
        routing = await case.routing(sender)
        if routing.routed is False:
            apps = await case.subscribers(sender)
            others = () if isinstance(apps, Refused) else apps.others
            what = f"no default app is chosen for {sender.id}"
            if others:
                found += warn(check, f"{what}: {names(list(others))} may answer beside us", _ROUTING)
            else:
                found += note(check, f"{what}; no other app is subscribed. Threads cannot be taken over", _ROUTING)
        elif routing.default:
            found += ok(check, f"new chats of {sender.id} are ours")
        elif routing.default is False:
            what = f"another app is the default of {sender.id}: we may not answer new chats, and hear them only on standby"
            found += fail(check, what, _ROUTING) if case.strict else warn(check, what, _ROUTING)
        else:
            found += note(check, f"the channel does not say who answers new chats of {sender.id}", "look by hand: " + _ROUTING)
    return found


async def thread_control(case: Case) -> list[Finding]:
    """We are told who holds a chat: another program may, and then only it can write."""
    check, found = "thread-control", []
    for sender in _pages(case):
        app, apps = await case.app(sender), told(await case.subscribers(sender), "subscription")
        lacking = [name for name in HOLDER_FIELDS if name in app.missing or name in apps.missing]
        if lacking:
            what = f"{sender.id} does not tell who holds a chat: {', '.join(lacking)} not subscribed"
            found += warn(check, what, _CONNECT)
        else:
            found += ok(check, f"{sender.id} tells who holds a chat")
    return found


async def utility(case: Case) -> list[Finding]:
    """Outside the service window only templates go out, and they need a permission and a region."""
    check, found = "utility", []
    for sender in _pages(case):
        report = told(await case.token(sender), "token")
        known = await _known(case, sender, Capability.TEMPLATES)
        if report.valid and TEMPLATE_SCOPE not in report.scopes:
            mend = f"ask for {TEMPLATE_SCOPE} ({_REVIEW}), then generate the token anew and tick it"
            what = f"the token of {sender.id} lacks {TEMPLATE_SCOPE}: nothing goes out later than 24 h after somebody wrote"
            found += fail(check, what, mend) if case.strict else warn(check, what, mend)
        elif known is not None and known[0] is False:
            mend = "is the Page, or are its people, in a region without them? Until then another channel takes that news over"
            found += warn(check, f"{sender.id} may not use templates: {known[1]}", mend)
        elif known is not None and known[0]:
            found += ok(check, f"{sender.id} may use templates: {known[1]}")
        else:
            what = f"whether {sender.id} may use templates is not known yet{f': {known[1]}' if known else ''}"
            found += note(check, what, "`python main.py templates push --channel messenger`, then `templates try`")
    return found


async def human_agent(case: Case) -> list[Finding]:
    """A person may answer up to seven days after somebody wrote, where the channel reviewed that."""
    check, found = "human-agent", []
    mend = f"ask for the feature Human Agent: {_REVIEW}"
    for sender in _pages(case):
        status = (await case.reviewed(sender)).features.get(HUMAN_AGENT)
        known = await _known(case, sender, Capability.PERSON_WINDOW)
        if known is not None and known[0] is False:
            found += warn(check, f"people at {sender.id} may answer for 24 h only: {known[1]}", mend)
        elif status is None:
            found += note(check, f"{sender.id}: the channel does not list the feature; a late answer shows", mend)
        elif status == "APPROVED":
            found += ok(check, f"people at {sender.id} may answer for seven days")
        else:
            found += warn(check, f"people at {sender.id} may answer for 24 h only: Human Agent is {status.lower()}", mend)
    return found


async def assistant(case: Case) -> list[Finding]:
    """Nobody else's machine answers our people. The channel tells only by what happens."""
    check, found = "assistant", []
    for sender in _pages(case):
        known = await _known(case, sender, Capability.NO_MACHINE_ELSEWHERE)
        machines = (await case.routing(sender)).machines(told(await case.subscribers(sender), "subscription"))
        if machines:
            what = f"{names(list(machines))} may take the chats of {sender.id}, and then only it can write"
            found += warn(check, what, _ASSISTANT)
        elif known is not None and known[0] is False:
            found += warn(check, f"another machine answers people of {sender.id}: {known[1]}", _ASSISTANT)
        else:
            what = f"whether Meta's own assistant answers people of {sender.id} the channel does not say"
            found += note(check, what, _ASSISTANT)
    return found


async def capabilities(case: Case) -> list[Finding]:
    """What the gateway believes each sender to be able to do, and how old that is."""
    check, found, now = "capabilities", [], case.clock.now_ms()
    if not case.senders:
        raise NotSeen("no sender is set up", "senders")
    for sender in case.senders:
        findings = await case.findings(sender)
        if not findings.found:
            found += ok(check, f"{sender.id}: not looked at yet; a gateway asks when it starts, and every hour")
            continue
        level, line = _line(sender, findings, now)
        mend = "does a process with the role `scheduler` run? It asks at its start and every hour" if level is Level.WARN else ""
        found.append(Finding(level, check, line, mend))
    return found


def _line(sender: Sender, findings: Findings, now_ms: int) -> tuple[Level, str]:
    words = {True: "yes", False: "no", None: "not known"}
    said = [
        f"{what.value.replace('_', ' ')} {words[one.able]} ({span(max(now_ms - one.at_ms, 0))} ago)"
        for what, one in sorted(findings.found.items())
    ]
    youngest = max(one.at_ms for one in findings.found.values())
    return Level.WARN if now_ms - youngest > OLD_MS else Level.OK, f"{sender.id}: {', '.join(said)}"


async def _known(case: Case, sender: Sender, what: Capability) -> tuple[bool | None, str] | None:
    """What the gateway found out, in words with its age; None where it never asked, or its store is not reached."""
    try:
        one = (await case.findings(sender)).found.get(what)
    except NotSeen:
        return None
    if one is None:
        return None
    return one.able, f"{one.why or 'no reason kept'}, found {span(max(case.clock.now_ms() - one.at_ms, 0))} ago"
