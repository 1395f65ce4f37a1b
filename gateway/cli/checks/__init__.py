"""Everything that `doctor` looks at, in the order in which it is shown.

A check takes the case and gives its findings: at least one, `ok` too. It changes nothing, neither in the store nor at the
channel. What another check tells already it does not tell again: it raises `NotSeen`, which becomes a note that names that check.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.cli.checks import (
    basics,
    brakes,
    channel,
    desk,
    flow,
    identity,
    keyring,
    money,
    numbers,
    pace,
    pages,
    sources,
    storage,
    templates,
    wallets,
    web,
)
from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding


@dataclass(frozen=True, slots=True)
class Check:
    """alone: runs after all others, because it would disturb them; limit_s: longer than what it waits for inside.

    concerns: whether it has anything to look at here; asked for by name it is run all the same
    """

    name: str
    group: str
    look: Callable[[Case], Awaitable[list[Finding]]]
    limit_s: float = 20.0
    alone: bool = False
    concerns: Callable[[Case], bool] = lambda case: True


def _numbers(case: Case) -> bool:
    """Not where pages are all there is."""
    return bool(case.numbers) or not case.pages


def _pages(case: Case) -> bool:
    return bool(case.pages)


CHECKS: tuple[Check, ...] = (
    Check("senders", "settings", basics.senders),
    Check("only-to", "settings", basics.only_to),
    Check("ports", "settings", basics.ports, alone=True),
    Check("prices", "settings", money.prices),
    Check("webcare", "settings", desk.webcare),
    Check("identity", "settings", identity.identity),
    Check("sign-in", "settings", identity.sign_in),
    Check("wallets", "settings", wallets.wallets, concerns=lambda case: wallets.concerned(case.settings)),
    Check("store", "store", storage.store, limit_s=40),
    Check("environment", "store", storage.environment),
    Check("store-keeps", "store", storage.store_keeps),
    Check("store-writes", "store", storage.store_writes),
    Check("store-memory", "store", storage.store_memory),
    Check("disk", "store", storage.disk),
    Check("keys", "store", keyring.keyring),
    Check("channel", "channel", channel.channel),
    Check("clock", "channel", basics.clock),
    Check("graph-version", "channel", basics.graph_version),
    Check("app-secret", "channel", channel.app_secret),
    Check("token", "channel", channel.token),
    Check("token-scopes", "channel", channel.token_scopes),
    Check("token-end", "channel", channel.token_end),
    Check("number", "channel", numbers.number, concerns=_numbers),
    Check("number-verified", "channel", numbers.number_verified, concerns=_numbers),
    Check("test-mode", "channel", numbers.test_mode, concerns=_numbers),
    Check("account", "channel", numbers.account_state, concerns=_numbers),
    Check("quality", "channel", numbers.quality, concerns=_numbers),
    Check("tier", "channel", numbers.tier, concerns=_numbers),
    Check("page", "channel", pages.page, concerns=_pages),
    Check("default-app", "channel", pages.default_app, concerns=_pages),
    Check("thread-control", "channel", pages.thread_control, concerns=_pages),
    Check("assistant", "channel", pages.assistant, concerns=_pages),
    Check("utility", "channel", pages.utility, concerns=_pages),
    Check("human-agent", "channel", pages.human_agent, concerns=_pages),
    Check("capabilities", "channel", pages.capabilities),
    Check("templates", "channel", templates.templates, limit_s=60),
    Check("public-url", "way in", web.public_url),
    Check("tls", "way in", web.tls),
    Check("callback", "way in", channel.callback),
    Check("subscription", "way in", channel.subscription),
    Check("get-started", "way in", pages.get_started, concerns=_pages),
    Check("greeting", "way in", pages.greeting, concerns=_pages),
    Check("menu", "way in", pages.menu, concerns=_pages),
    Check("webhooks-silent", "flow", flow.webhooks_silent),
    Check("webhook-backlog", "flow", flow.webhook_backlog),
    Check("history", "flow", flow.history),
    Check("facts", "flow", flow.facts),
    Check("moments", "flow", flow.moments),
    Check("pace", "flow", pace.pace),
    Check("source", "flow", sources.source),
    Check("budgets", "flow", money.budgets),
    Check("brakes", "flow", brakes.brakes),
)
