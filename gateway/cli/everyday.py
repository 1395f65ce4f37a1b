"""The commands of every day, in the order in which `python main.py` lists them."""

from __future__ import annotations

from gateway.cli import (
    agents,
    backup,
    brakes,
    cost,
    deadletters,
    hooks,
    keys,
    migrate,
    report,
    sandbox_command,
    templates,
    trace_command,
)

MODULES = (trace_command, report, brakes, cost, deadletters, templates, agents, hooks, keys, backup, migrate, sandbox_command)
