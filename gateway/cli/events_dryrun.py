"""`python main.py events dry-run FILE`: what events would do now. It reads the store itself, so no gateway need run.

Several events of a file are each rehearsed as the next one: none sees what another would have done.
"""

from __future__ import annotations

import argparse
import json

from gateway.api.problems import Refused
from gateway.app import open_runtime
from gateway.cli.dialogue import Dialogue
from gateway.errors import BadInput, Problem
from gateway.intake.dryrun_api import DryRunDoor
from gateway.intake.dryrun_show import as_lines
from gateway.intake.files import read_events
from gateway.intake.role import make_deps
from gateway.settings import Settings
from gateway.store.apikeys import ApiKey, ApiKeys, Scope

MOST = 20
"""Events of one file: each is gone through to the last person."""


async def run_dry_run(args: argparse.Namespace, settings: Settings, out: Dialogue) -> int:
    """0 when every event would be taken, else 1."""
    events = read_events(args.file)
    if not 1 <= len(events) <= MOST:
        raise BadInput([Problem("FILE", f"should hold 1 to {MOST} events; it holds {len(events)}")])
    answers, refused = [], False
    async with open_runtime(settings) as runtime:
        keys = ApiKeys(runtime.connection.redis, runtime.clock, settings.api_key)
        door = DryRunDoor(runtime, make_deps(runtime, keys))
        for place, event in enumerate(events, 1):
            out.progress(f"event {place} of {len(events)}")
            try:
                answers.append(await door.of(event, ApiKey("command line", frozenset(Scope)), reveal=args.reveal))
            except Refused as error:
                refused = True
                answers.append(json.loads(error.response.text or "{}"))
    if args.json:
        out.show(json.dumps(answers if len(answers) > 1 else answers[0], indent=2, ensure_ascii=False))
        return int(refused)
    for place, answer in enumerate(answers, 1):
        if len(answers) > 1:
            out.show(("" if place == 1 else "\n") + f"Event {place}")
        if "people" in answer:
            out.show("\n".join(as_lines(answer)))
        else:
            out.show(answer["detail"])
            for problem in answer.get("problems", []):
                out.show(f"  {problem['field']}: {problem['message']}")
    return int(refused)
