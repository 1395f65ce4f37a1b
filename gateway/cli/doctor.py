"""`python main.py doctor`: looks at everything that can be wrong and names the mend.

All checks run, whatever some of them find, side by side and each with a time limit. The exit code is 1 when something fails,
so that a deployment can stop there; warnings and notes do not count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence

from gateway import directory as directories
from gateway.cli.admin_port import AdminFactory, PageAdminFactory
from gateway.cli.checks import CHECKS, Check
from gateway.cli.checks.case import Case, Surroundings
from gateway.cli.checks.finding import Finding, Level, NotSeen
from gateway.cli.dialogue import Dialogue
from gateway.clock import Clock
from gateway.errors import BadInput, GatewayError, Problem, SettingsError
from gateway.notifications.remote import TemplateAdmin
from gateway.settings import Settings
from gateway.store.client import Connection

_MARKS = {Level.OK: "ok  ", Level.NOTE: "note", Level.WARN: "WARN", Level.FAIL: "FAIL"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--json, --only NAME[,NAME], --list."""
    parser.add_argument("--json", action="store_true", help="findings as JSON")
    parser.add_argument("--only", default="", metavar="NAMES", help="some checks only, comma separated (see --list)")
    parser.add_argument("--list", action="store_true", help="name the checks and say what each looks at")


def show_list(io: Dialogue) -> int:
    """What there is to look at, a line each."""
    for check in CHECKS:
        words = (check.look.__doc__ or "").strip().splitlines()
        io.show(f"{check.name:<16}  {words[0] if words else ''}")
    return 0


async def run(
    settings: Settings,
    *,
    io: Dialogue,
    admins: Mapping[str, AdminFactory],
    template_admins: Mapping[str, TemplateAdmin],
    page_admins: Mapping[str, PageAdminFactory] | None = None,
    json_: bool = False,
    only: Sequence[str] = (),
    surroundings: Surroundings | None = None,
) -> int:
    """Examine the installation and say what was found; 0 when nothing fails, else 1.

    admins, page_admins, template_admins: by channel. only: names of checks, () for all
    raises: BadInput for a name that is no check's
    """
    checks = chosen(only)
    try:
        directory = directories.read(settings)
    except SettingsError as error:
        return without_settings(error, io=io, json_=json_)
    case = Case(
        settings,
        directory,
        admins=admins,
        template_admins=template_admins,
        page_admins=page_admins,
        surroundings=surroundings or Surroundings(Clock()),
    )
    checks = tuple(check for check in checks if only or check.concerns(case))
    try:
        findings = await examine(case, checks, io)
        promise = await _promise(case)
    finally:
        await case.close()
    return tell(findings, promise, io=io, json_=json_, checks=checks)


def without_settings(error: SettingsError, *, io: Dialogue, json_: bool) -> int:
    """Settings that cannot be read are findings too; nothing else can be looked at."""
    findings = []
    for problem in error.problems:
        what, _, mend = problem.partition(": ")
        findings.append(Finding(Level.FAIL, "settings", what, mend or "docs/settings.md"))
    return tell(findings, "", io=io, json_=json_)


def chosen(only: Sequence[str]) -> tuple[Check, ...]:
    """The checks of these names, all for none. Raises BadInput."""
    unknown = sorted(set(only) - {check.name for check in CHECKS})
    if unknown:
        names = ", ".join(check.name for check in CHECKS)
        raise BadInput([Problem("--only", f"{', '.join(unknown)}: no check has this name; there are {names}")])
    return tuple(check for check in CHECKS if not only or check.name in only)


async def examine(case: Case, checks: Sequence[Check], io: Dialogue) -> list[Finding]:
    """Run the checks, and give their findings in the checks' order."""
    found: dict[str, list[Finding]] = {}
    named = frozenset(check.name for check in checks)
    left = set(named)

    async def one(check: Check) -> None:
        found[check.name] = await _look(case, check, named)
        left.discard(check.name)
        io.progress(f"{len(found)} of {len(checks)} looked at; still: {', '.join(sorted(left)[:4])}")

    # First by itself: it may have to start a server and read its file back, for which the others' limits are too short.
    await case.store_or_error()
    async with asyncio.TaskGroup() as group:
        for check in checks:
            if not check.alone:
                group.create_task(one(check), name=check.name)
    for check in checks:
        if check.alone:
            await one(check)
    return [finding for check in checks for finding in found[check.name]]


async def _look(case: Case, check: Check, named: frozenset[str]) -> list[Finding]:
    """One check's findings, whatever happens in it. named: the checks of this examination."""
    try:
        async with asyncio.timeout(check.limit_s):
            return await check.look(case)
    except NotSeen as reason:
        # The check that tells why counts; where it does not run (--only), nobody would.
        level = Level.NOTE if reason.see in named else Level.WARN
        return [Finding(level, check.name, f"not looked at: {reason.because}", f"see `{reason.see}`")]
    except TimeoutError:
        return [Finding(Level.WARN, check.name, f"no answer within {check.limit_s:g} s", "try again: --only " + check.name)]
    except GatewayError as error:
        return [Finding(Level.FAIL, check.name, f"could not be looked at: {error}", "mend that first, then try again")]
    except Exception as error:  # the top of a check: a mistake in one must not hide what the others find
        return [Finding(Level.FAIL, check.name, f"the check itself broke ({type(error).__name__})", "report it to its makers")]


async def _promise(case: Case) -> str:
    found = await case.store_or_error()
    return found.durability.sentence if isinstance(found, Connection) else ""


def verdict(findings: Sequence[Finding]) -> str:
    """All of it in one sentence."""
    broken = [finding.check for finding in findings if finding.level is Level.FAIL]
    shaky = [finding.check for finding in findings if finding.level is Level.WARN]
    if not broken and not shaky:
        return f"All is well: {len(findings)} findings, nothing to mend."
    parts = []
    if broken:
        parts.append(f"{len(broken)} to mend ({', '.join(dict.fromkeys(broken))})")
    if shaky:
        parts.append(f"{len(shaky)} to watch ({', '.join(dict.fromkeys(shaky))})")
    return f"{'Not well' if broken else 'Well, for now'}: {', '.join(parts)}."


def tell(
    findings: Sequence[Finding], promise: str, *, io: Dialogue, json_: bool, checks: Sequence[Check] = ()
) -> int:
    """Show the findings; the exit code."""
    well = not any(finding.level is Level.FAIL for finding in findings)
    if json_:
        listed = [{"level": f.level.value, "check": f.check, "what": f.what, "mend": f.mend} for f in findings]
        answer = {"well": well, "sentence": verdict(findings), "promise": promise, "findings": listed}
        io.show(json.dumps(answer, indent=2, ensure_ascii=False))
        return 0 if well else 1
    groups = {check.name: check.group for check in checks}
    last = ""
    for finding in findings:
        group = groups.get(finding.check, finding.check)
        if group != last:
            io.show(f"\n{group.capitalize()}")
            last = group
        io.show(f"  {_MARKS[finding.level]}  {finding.check:<16} {finding.what}")
        if finding.mend and finding.level is not Level.OK:
            io.show(f"        {'':<16} -> {finding.mend}")
    io.show("")
    io.show(verdict(findings))
    if promise:
        io.show(promise)
    return 0 if well else 1
