"""The command line: one parser, one place where errors become one line and an exit code.

Exit codes: 0 done, 1 it could not be done (the message says why and what mends it), 2 wrong arguments, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from gateway import settings
from gateway.cli.commands import add_parsers
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


def make_parser(typed: Collection[str] | None = None) -> argparse.ArgumentParser:
    """typed: the words of the command line; only commands among them are loaded (None: all)"""
    parser = argparse.ArgumentParser(prog="python main.py", formatter_class=argparse.RawDescriptionHelpFormatter)
    add_parsers(parser.add_subparsers(title="commands", metavar="COMMAND"), typed)
    parser.add_argument("--env-file", metavar="PATH", help="read the settings from this file instead of .env")
    parser.set_defaults(work=None)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    parser = make_parser(words)
    args = parser.parse_args(words)
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
