"""The commands, in the order in which `python main.py` lists them, and where each lives.

A list and its words alone, so that `python main.py --help` answers at once: a command's module brings half of the house along
(one to three seconds of imports on a small machine) and is loaded when its word is typed. A test holds the words to the modules.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """module: has `add_parser(commands)`, which adds a parser for each of `words`. words: command -> what `--help` says of it"""

    module: str
    words: Mapping[str, str]


ENTRIES = (
    Entry("gateway.cli.run", {"run": "run the gateway"}),
    Entry("demo.run", {"demo": "days to watch, on this machine"}),
    Entry(
        "gateway.cli.installation",
        {
            "doctor": "name what is wrong, and the mend",
            "connect": "connect a number or a Page, up to a message on your own phone",
        },
    ),
    Entry("gateway.cli.events", {"events": "check, send or replay events"}),
    Entry("gateway.cli.contacts", {"contacts": "show, import, export or erase contacts"}),
    Entry("gateway.cli.invitations", {"invitations": "links that bind a chat to an order"}),
    Entry("gateway.cli.families", {"families": "who at home follows whose journey"}),
    Entry("gateway.cli.trace_command", {"trace": "where something is, and why: every step of it"}),
    Entry("gateway.cli.report", {"report": "what happened, for the review afterwards"}),
    Entry("gateway.cli.brakes", {"stop": "stop sending, within two seconds", "resume": "lift a stop"}),
    Entry("gateway.cli.cost", {"cost": "what messages should cost, what was charged, and how budgets stand"}),
    Entry("gateway.cli.deadletters", {"dead-letters": "messages that were given up, and why"}),
    Entry("gateway.cli.templates", {"templates": "what we say: check, show, bring to the channel, try"}),
    Entry("gateway.cli.agents", {"agents": "who may sign in to the desk"}),
    Entry("gateway.cli.audit", {"audit": "who did what at the desk and at the brakes, newest first"}),
    Entry("gateway.cli.webcare", {"webcare": "the lists that messages are read by"}),
    Entry("gateway.cli.dialogs", {"dialogs": "the questions that are asked before a person comes"}),
    Entry("gateway.cli.hooks", {"webhooks": "what we tell other systems"}),
    Entry("gateway.cli.keys", {"keys": "the key ring that seals personal data (GATEWAY_KEYS)"}),
    Entry(
        "gateway.cli.backup",
        {
            "backup": "copy store and history into one file, while the gateway runs",
            "restore": "bring a backup back, held: nothing is sent until `resume all`",
        },
    ),
    Entry("gateway.cli.migrate", {"migrate": "bring the store to this program's layout"}),
    Entry("gateway.cli.sandbox_command", {"sandbox": "Meta's API in small, with phones to play with"}),
    Entry("gateway.cli.crisis", {"crisis": "nothing automatic about this flight, trip, line, order or outage any more"}),
    Entry("gateway.cli.fuses", {"fuses": "events that are held because they would reach too many"}),
    Entry("gateway.cli.correct", {"correct": "write to exactly those who were handed a wrong message"}),
    Entry("gateway.cli.notice", {"notice": "write to everybody who follows a flight, trip, order, outage or area"}),
    Entry("gateway.cli.rollout", {"rollout": "news that goes to a share of the people first"}),
    Entry("gateway.cli.bench", {"bench": "ours beside the bare limit of this machine"}),
)


def add_parsers(commands: Any, typed: Collection[str] | None = None) -> None:
    """Add all commands to argparse's subparsers; those whose word was not typed without their arguments.

    typed: the words of the command line. One that is an argument of another command and a command too loads a module for
           nothing, no more. None: load every command
    """
    for entry in ENTRIES:
        if typed is None or any(word in typed for word in entry.words):
            import_module(entry.module).add_parser(commands)
            continue
        for word, help_ in entry.words.items():
            unloaded: argparse.ArgumentParser = commands.add_parser(word, help=help_, add_help=False)
            unloaded.set_defaults(work=None)
