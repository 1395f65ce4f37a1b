"""The command line: one parser, one place where errors become one line and an exit code.

Exit codes: 0 done, 1 it could not be done (the message says why and what mends it), 2 wrong arguments, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from gateway import settings
from gateway.cli import bench, contacts, correct, crisis, events, everyday, fuses, installation, invitations, notice, run
from gateway.errors import BadInput, GatewayError, SettingsError

WELCOME = """Thuisfront: proactive messages over WhatsApp and Messenger, and their answers.

  to watch          python main.py demo             some days of six phones, on this machine
  to your own phone python main.py connect whatsapp  asks what it needs, ends with a message on your phone
                    python main.py connect messenger the same for a Facebook Page
  to run            python main.py run              the gateway; settings in .env (see .env.example)
  when in doubt     python main.py doctor           names what is wrong, and the mend
  where is it?      python main.py trace ID         a message, booking or flight: every step, and why

python main.py COMMAND --help explains each command. All of them:
"""


class Command(Protocol):
    """A module with a command: main.py brings those from outside gateway/."""

    def add_parser(self, commands: Any) -> None: ...


def make_parser(others: Sequence[Command] = ()) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python main.py", formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    ours = (installation, events, contacts, invitations, *everyday.MODULES, crisis, fuses, correct, notice, bench)
    for module in (run, *others, *ours):
        module.add_parser(commands)
    parser.add_argument("--env-file", metavar="PATH", help="read the settings from this file instead of .env")
    parser.set_defaults(work=None)
    return parser


def main(argv: Sequence[str] | None = None, *, others: Sequence[Command] = ()) -> int:
    parser = make_parser(others)
    args = parser.parse_args(argv)
    if args.work is None:
        print(WELCOME)
        parser.print_help()
        return 0
    try:
        if args.env_file:
            settings.use_file(Path(args.env_file))
        return int(args.work(args))
    except SettingsError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
    except BadInput as error:
        for found in error.problems:
            print(f"{found.field}: {found.message}", file=sys.stderr)
    except GatewayError as error:
        print(str(error), file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    return 1
