"""`agents import`: a team from a table. Every line is checked before the first agent is made."""

from __future__ import annotations

import argparse
import csv
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.cli import arguments, printing
from gateway.cli.agents_store import known, listed, run
from gateway.errors import BadInput, Problem
from gateway.model.agent import Agent, AgentId
from gateway.model.audit import OPERATOR, Audited
from gateway.model.personal import Personal, Secret
from gateway.store.agents import Agents, problems_of

COLUMNS = ("name", "display", "rights", "languages", "skills")


def add_parsers(group: Any) -> None:
    parser = arguments.command(
        group,
        "import",
        help="make or change agents from a CSV file",
        about=(
            "Columns, with a head line: name, display, rights, languages, skills; several by commas within quotes.\n"
            "Who is new gets a first password, shown once. Who is there keeps theirs, and gets the rest of the line."
        ),
        example="agents import team.csv --dry-run",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV in UTF-8")
    parser.add_argument("--dry-run", action="store_true", help="check it, and say what would be done")
    parser.set_defaults(work=_import)


def _import(args: argparse.Namespace) -> int:
    lines = read_table(args.file)

    async def work(agents: Agents) -> int:
        told = []
        for line in lines:
            before = await known(agents, line["name"])
            done = "made" if before is None else "changed" if _differs(before, line) else "as it was"
            password = ""
            if not args.dry_run and done != "as it was":
                password = await _apply(agents, before, line)
            told.append({"name": line["name"], "done": done, "password": password or None})
        if args.json:
            printing.as_json(told)
        else:
            rows = [(one["name"], one["done"], one["password"] or "-") for one in told]
            print(printing.columns(("name", "would be" if args.dry_run else "was", "first password"), rows))
        return 0

    return run(work)


def read_table(path: Path) -> list[dict[str, str]]:
    """The lines. Raises BadInput with every problem, by line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            head = [one.strip() for one in reader.fieldnames or ()]
            lines = [{name: (line.get(name) or "").strip() for name in COLUMNS} for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput([Problem("file", f"cannot be read as CSV in UTF-8 ({type(error).__name__})")]) from None
    missing = [name for name in ("name", "rights") if name not in head]
    if missing or not lines:
        raise BadInput([Problem("file", f"should have a head line with {', '.join(COLUMNS)}, and a line for each agent")])
    problems: list[Problem] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, start=2):
        line["display"] = line["display"] or line["name"].partition("@")[0]
        found = [*problems_of(_agent(line)), *([] if listed(line["rights"]) else [Problem("rights", "should not be empty")])]
        if line["name"].casefold() in seen:
            found.append(Problem("name", "stands in the file twice"))
        seen.add(line["name"].casefold())
        problems += [Problem(f"line {number}: {one.field}", one.message) for one in found]
    if problems:
        raise BadInput(problems)
    return lines


def _agent(line: Mapping[str, str]) -> Agent:
    """The agent that a line describes, as far as it can be checked alone."""
    return Agent(AgentId(""), Personal(line["name"]), Personal(line["display"]), **_fields(line))


def _fields(line: Mapping[str, str]) -> dict[str, Any]:
    return {name: listed(line[name]) for name in ("rights", "languages", "skills")}


def _differs(agent: Agent, line: Mapping[str, str]) -> bool:
    return agent.display.reveal() != line["display"] or any(getattr(agent, name) != now for name, now in _fields(line).items())


async def _apply(agents: Agents, before: Agent | None, line: Mapping[str, str]) -> str:
    """Make or change one; the first password of whoever is new."""
    fields: dict[str, Sequence[str]] = _fields(line)
    new = ",".join(fields["rights"])
    if before is not None:
        if before.provider:
            fields.pop("rights")  # their groups say them
        after = await agents.change(before.id, display=Personal(line["display"]), **fields)
        if before.rights != after.rights:
            old = ",".join(before.rights) or "none"
            await agents.audit(Audited.AGENT_RIGHTS, OPERATOR, target=after.id, old=old, new=",".join(after.rights))
        await agents.audit(Audited.AGENT_CHANGED, OPERATOR, target=after.id, new="import")
        return ""
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    made = await agents.add_agent(line["name"], line["display"], Secret(password), fields["rights"])
    await agents.change(made.id, languages=fields["languages"], skills=fields["skills"])
    await agents.audit(Audited.AGENT_ADDED, OPERATOR, target=made.id, new=new)
    return password
