"""The templates at the channel against the words in templates/: missing, under review, refused, other words, other category."""

from __future__ import annotations

from gateway.cli.checks.case import Case, account_of
from gateway.cli.checks.finding import Finding, Level, NotSeen, names, note, ok, warn
from gateway.connector import Sender
from gateway.errors import BadInput
from gateway.notifications.catalogue import Catalogue, load
from gateway.notifications.push import Action, Step, plan, sendable_version
from gateway.notifications.remote import RemoteTemplate, TemplateRefused

_SAYS: dict[Action, tuple[str, str]] = {
    Action.CREATE: ("the channel does not have", "`python main.py templates push` creates them; review takes minutes to a day"),
    Action.WAIT: ("under review", "`python main.py templates status --wait` follows it; minutes to a day"),
    Action.EDIT: ("refused, and changed here since", "`python main.py templates push` sends the new words to review"),
    Action.REJECTED: ("refused with the words we have", "change the words (`templates lint` helps), then `templates push`"),
    Action.DRIFTED: ("other words at the channel than here", "raise `version` in notification.yaml, then `templates push`"),
    Action.STOPPED: (
        "paused, disabled or moved to another category",
        "paused: comes back by itself; disabled: push a new version; category: change it here or appeal within 60 days",
    ),
}


async def templates(case: Case) -> list[Finding]:
    """One finding for each kind of trouble. What has an approved older version is still sent: a note."""
    if not case.senders:
        raise NotSeen("no sender is set up", "senders")
    try:
        catalogue = load(case.settings.templates_dir)
    except BadInput as error:
        mend = "`python main.py templates lint` lists all of them"
        return [Finding(Level.FAIL, "templates", f"{len(error.problems)} mistakes in {case.settings.templates_dir}", mend)]
    found: list[Finding] = []
    for sender in case.one_an_account():
        admin = case.template_admins.get(sender.channel)
        if admin is None or not account_of(sender):
            continue
        try:
            remote = await admin.list_templates(sender)
        except TemplateRefused as error:
            found += _not_listed(sender, error)
            continue
        found += judge(case, sender, catalogue, remote, plan(catalogue, remote, admin, sender.brand))
    return found or ok("templates", "no channel with templates")


def _not_listed(sender: Sender, error: TemplateRefused) -> list[Finding]:
    if not error.code:
        raise NotSeen("the channel does not answer", "channel")
    if not error.wait:
        raise NotSeen(f"the channel does not list them ({error})", "utility" if "page_id" in sender.account else "token")
    return warn("templates", f"{sender.id}: the channel does not list them now ({error})", "try again in an hour")


def judge(
    case: Case, sender: Sender, catalogue: Catalogue, remote: list[RemoteTemplate], steps: list[Step]
) -> list[Finding]:
    found: list[Finding] = []
    for action, (words, mend) in _SAYS.items():
        these = [step for step in steps if step.action is action]
        lost = [step for step in these if not _older_sent(catalogue, remote, step)]
        for some, level in ((lost, _level(case, action)), ([one for one in these if one not in lost], Level.NOTE)):
            if some:
                more = "" if level is not Level.NOTE or action is Action.WAIT else "; an older version is sent meanwhile"
                listed = names([_named(step) for step in some])
                found.append(Finding(level, "templates", f"{sender.id}: {words}: {listed}{more}", mend))
    fit = sum(step.action is Action.UNCHANGED for step in steps)
    if not found:
        found += ok("templates", f"{sender.id}: {fit} templates approved, with our words")
    without = [step.notification for step in steps if step.action is Action.SKIPPED]
    if without:
        listed = names(list(dict.fromkeys(without)))
        found += note("templates", f"{sender.id}: no template of this channel can hold {listed}: inside the service window only")
    return found


def _level(case: Case, action: Action) -> Level:
    if action is Action.WAIT:
        return Level.WARN if case.strict else Level.NOTE
    return Level.FAIL if case.strict else Level.WARN


def _older_sent(catalogue: Catalogue, remote: list[RemoteTemplate], step: Step) -> bool:
    notification = catalogue.get(step.notification)
    version = sendable_version(notification, remote) if notification is not None else None
    return version is not None and notification is not None and version < notification.version


def _named(step: Step) -> str:
    return f"{step.template} ({step.language}{f': {step.why}' if step.why else ''})"
