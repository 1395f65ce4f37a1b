"""Everything that `doctor` looks at, in the order in which it is shown.

A check takes the case and gives its findings: at least one, `ok` too. It changes nothing, neither in the store nor at the
channel. What another check tells already it does not tell again: it raises `NotSeen`, which becomes a note that names that check.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.cli.checks import basics, channel, flow, keyring, numbers, sources, storage, templates, web
from gateway.cli.checks.case import Case
from gateway.cli.checks.finding import Finding


@dataclass(frozen=True, slots=True)
class Check:
    """alone: runs after all others, because it would disturb them; limit_s: longer than what it waits for inside."""

    name: str
    group: str
    look: Callable[[Case], Awaitable[list[Finding]]]
    limit_s: float = 20.0
    alone: bool = False


CHECKS: tuple[Check, ...] = (
    Check("senders", "settings", basics.senders),
    Check("only-to", "settings", basics.only_to),
    Check("ports", "settings", basics.ports, alone=True),
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
    Check("number", "channel", numbers.number),
    Check("number-verified", "channel", numbers.number_verified),
    Check("test-mode", "channel", numbers.test_mode),
    Check("account", "channel", numbers.account_state),
    Check("quality", "channel", numbers.quality),
    Check("tier", "channel", numbers.tier),
    Check("templates", "channel", templates.templates, limit_s=60),
    Check("public-url", "way in", web.public_url),
    Check("tls", "way in", web.tls),
    Check("callback", "way in", channel.callback),
    Check("subscription", "way in", channel.subscription),
    Check("webhooks-silent", "flow", flow.webhooks_silent),
    Check("webhook-backlog", "flow", flow.webhook_backlog),
    Check("facts", "flow", flow.facts),
    Check("source", "flow", sources.source),
)
