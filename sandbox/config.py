"""Where the sandbox listens and what its one app is called; read once from arguments and environment."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

IN_MEMORY = ":memory:"


class ConfigError(Exception):
    """A setting that cannot be used; the text names it."""


@dataclass(frozen=True)
class SandboxConfig:
    """Everything the sandbox is told from outside. Delays are (least, most) in milliseconds of the sandbox's clock."""

    host: str = "127.0.0.1"
    port: int = 8090
    data_dir: str = "var/sandbox"
    app_id: str = "161803398874990"
    app_secret: str = "sandbox-app-secret"  # noqa: S105 - opens nothing but a sandbox
    verify_token: str = "sandbox-verify-token"  # noqa: S105
    webhook_url: str | None = None
    page_webhook_url: str | None = None
    token: str = "sandbox-system-user-token"  # noqa: S105
    beside_url: str | None = None
    account: str = "live"
    seed: int | None = None
    review_ms: int = 1_500
    creations_an_hour: int = 100
    sent_delay_ms: tuple[int, int] = (20, 90)
    delivered_delay_ms: tuple[int, int] = (50, 300)
    failed_delay_ms: tuple[int, int] = (20, 120)
    auto_read_ms: int = 1_500
    webhook_timeout_s: float = 10.0
    fetch_timeout_s: float = 10.0


# (field, environment variable, help)
_TEXTS = (
    ("host", "SANDBOX_HOST", "address to bind; 127.0.0.1 keeps the sandbox to this machine"),
    ("data_dir", "SANDBOX_DATA_DIR", "directory for the state; ':memory:' forgets it"),
    ("app_id", "SANDBOX_APP_ID", "id of the app that owns the tokens"),
    ("app_secret", "SANDBOX_APP_SECRET", "secret that signs the webhooks"),
    ("verify_token", "SANDBOX_VERIFY_TOKEN", "token of the GET handshake with SANDBOX_WEBHOOK_URL"),
    ("webhook_url", "SANDBOX_WEBHOOK_URL", "callback of the app when none was set by API (account 'live' only)"),
    ("page_webhook_url", "SANDBOX_PAGE_WEBHOOK_URL", "the same for Pages, which are Messenger"),
    ("token", "SANDBOX_TOKEN", "the system-user access token"),
    ("beside_url", "SANDBOX_BESIDE_URL", "a page that /side shows beside the phones; it must allow to be framed from here"),
)


def read_config(argv: list[str] | None, env: Mapping[str, str]) -> SandboxConfig:
    """Arguments win over the environment, the environment over the defaults. raises: ConfigError, SystemExit (--help)"""
    defaults = SandboxConfig()
    parser = argparse.ArgumentParser(
        prog="sandbox",
        description="Meta's Graph API for WhatsApp and Messenger in small, with phones. Settings may also be SANDBOX_*."
    )
    parser.add_argument("--port", metavar="N", help=f"SANDBOX_PORT: port to listen on (default {defaults.port})")
    for field, variable, text in _TEXTS:
        parser.add_argument("--" + field.replace("_", "-"), metavar="TEXT", help=f"{variable}: {text}")
    parser.add_argument("--account", metavar="new|live", help="SANDBOX_ACCOUNT: a fresh account, or one all set up")
    parser.add_argument("--seed", metavar="N", help="SANDBOX_SEED: makes the random delays and ids reproducible")
    parser.add_argument("--review-ms", metavar="N", help="SANDBOX_REVIEW_MS: how long a template review takes")
    parser.add_argument("--creations-an-hour", metavar="N",
                        help="SANDBOX_CREATIONS_AN_HOUR: templates that may be created in an hour "
                             f"(default {defaults.creations_an_hour}, as at Meta)")
    args = vars(parser.parse_args(argv))

    def said(field: str, variable: str) -> str | None:
        value = args[field] if args[field] is not None else env.get(variable)
        return value if value else None

    def number(field: str, variable: str, least: int, most: int) -> int | None:
        text = said(field, variable)
        if text is None:
            return None
        if not text.lstrip("-").isdigit() or not least <= int(text) <= most:
            raise ConfigError(f"{variable}={text!r} is not a whole number from {least} to {most}")
        return int(text)

    texts = {field: said(field, variable) for field, variable, _ in _TEXTS}
    account = said("account", "SANDBOX_ACCOUNT") or defaults.account
    if account not in ("new", "live"):
        raise ConfigError(f"SANDBOX_ACCOUNT={account!r} must be 'new' or 'live'")
    for field, variable, _ in (one for one in _TEXTS if one[0].endswith("_url")):
        url = texts[field]
        if url is not None and not url.startswith(("http://", "https://")):
            raise ConfigError(f"{variable}={url!r} must begin with http:// or https://")
    port = number("port", "SANDBOX_PORT", 0, 65_535)
    review = number("review_ms", "SANDBOX_REVIEW_MS", 0, 86_400_000)
    creations = number("creations_an_hour", "SANDBOX_CREATIONS_AN_HOUR", 1, 1_000_000)
    return SandboxConfig(
        host=texts["host"] or defaults.host,
        port=defaults.port if port is None else port,
        data_dir=texts["data_dir"] or defaults.data_dir,
        app_id=texts["app_id"] or defaults.app_id,
        app_secret=texts["app_secret"] or defaults.app_secret,
        verify_token=texts["verify_token"] or defaults.verify_token,
        webhook_url=texts["webhook_url"],
        page_webhook_url=texts["page_webhook_url"],
        beside_url=texts["beside_url"],
        token=texts["token"] or defaults.token,
        account=account,
        seed=number("seed", "SANDBOX_SEED", -(2**31), 2**31),
        review_ms=defaults.review_ms if review is None else review,
        creations_an_hour=creations or defaults.creations_an_hour,
    )
