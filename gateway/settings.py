"""The one frozen Settings, read once from the environment and `.env`. `os.environ` is read here and nowhere else.

Every problem is reported in one go, each naming the setting and the mend. Secrets may come as NAME_FILE, a path to a file
that holds them. Durations carry their unit in the name. Defaults are safe for a laptop; docs/settings.md describes each one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values

from gateway.errors import SettingsError
from gateway.model.personal import Personal, Secret

META_GRAPH_URL = "https://graph.facebook.com"
ROLES = ("intake", "dispatch", "webhooks", "webcare", "scheduler")

_STREAM = re.compile(r"[A-Za-z0-9][\w.:-]{0,199}", re.ASCII)

T = TypeVar("T")


class ToldOf(StrEnum):
    """Of which conversations outgoing webhooks tell: those of queues that another program answers, or all."""

    EXTERNAL = "external"
    ALL = "all"


class Environment(StrEnum):
    DEMO = "demo"
    STAGING = "staging"
    PRODUCTION = "production"


class AfterKeeping(StrEnum):
    """What becomes of a stream's entry once its event is kept."""

    DELETE = "delete"
    LEAVE = "leave"


class StorePromise(StrEnum):
    """What a managed store that bars CONFIG is said to keep: P1 then means this (docs/stores.md)."""

    DURABLE = "durable"
    REPLICATED = "replicated"
    BEST_EFFORT = "best_effort"


@dataclass(frozen=True, slots=True)
class Settings:
    """See docs/settings.md for each field; the setting's name is GATEWAY_ and the field in capitals."""

    env: Environment
    only_to: tuple[Personal, ...]
    public_url: str | None
    public_port: int
    internal_port: int
    console_port: int
    host: str
    trusted_proxies: tuple[str, ...]
    data_dir: Path
    ledger_file: Path
    templates_dir: Path
    canned_dir: Path
    media_dir: Path
    media_days: int
    media_max_mb: int
    media_scan_url: Secret | None
    prices_dir: Path
    fonts_dir: Path | None
    senders_file: Path | None
    webcare: Path | None
    words_dir: Path | None
    api_key: Secret | None
    keys: Secret | None
    redis_url: Secret | None
    store_promise: StorePromise | None
    store_acks: int
    source_redis_url: Secret | None
    source_stream: str
    source_group: str
    source_key_name: str | None
    source_after: AfterKeeping
    graph_url: str
    graph_version: str
    graph_auth_header: str
    app_id: str | None
    app_secrets: tuple[Secret, ...]
    verify_token: Secret | None
    whatsapp_phone_number_id: str | None
    whatsapp_waba_id: str | None
    whatsapp_token: Secret | None
    whatsapp_portfolio: str
    whatsapp_number: str | None
    messenger_page_id: str | None
    messenger_token: Secret | None
    channels: tuple[str, ...]
    brand: str
    country: str
    per_second: float
    document_hosts: tuple[str, ...]
    apple_pass_cert: Secret | None
    apple_pass_key: Secret | None
    apple_pass_wwdr: Secret | None
    apple_pass_type: str | None
    apple_team: str | None
    google_wallet_key: Secret | None
    google_wallet_issuer: str | None
    history_url: str
    text_days: int
    fact_months: int
    audit_months: int
    console_url: str | None
    oidc_issuer: str | None
    oidc_client_id: str | None
    oidc_client_secret: Secret | None
    oidc_scopes: str
    oidc_groups_claim: str
    oidc_groups_file: Path | None
    customer_oidc_issuer: str | None
    customer_oidc_client_id: str | None
    customer_oidc_client_secret: Secret | None
    customer_oidc_scopes: str
    customer_oidc_claim: str
    identity_code_url: Secret | None
    oidc_grace_s: float
    webhook_targets: tuple[str, ...]
    webhook_secret: Secret | None
    webhook_types: tuple[str, ...]
    webhook_conversations: ToldOf
    alert_url: Secret | None
    drain_s: float
    connect_timeout_s: float
    send_timeout_s: float
    lease_ms: int
    evidence_ms: int
    backlog_max: int
    crash_at: str
    """for tests: the place at which this process dies (gateway/crashpoint.py)"""
    fuse_people: int
    fuse_second_person: int
    family_places: int
    """how many may join one traveller's family; 0 = there are no families"""
    pair_interval_ms: int
    log_format: str

    @property
    def public_base(self) -> str:
        """Where the internet (or a sandbox on this machine) reaches the public listener; "" when nobody said."""
        if self.public_url:
            return self.public_url
        return f"http://127.0.0.1:{self.public_port}" if self.sandboxed else ""

    @property
    def sandboxed(self) -> bool:
        return urlsplit(self.graph_url).hostname in ("127.0.0.1", "localhost", "::1")


class _Reader:
    """Reads one value after another and gathers what is wrong."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.problems: list[str] = []

    def text(self, name: str, default: str | None = None) -> str | None:
        value = self.values.get(name, "").strip()
        return value or default

    def secret(self, name: str) -> Secret | None:
        direct, path = self.text(name), self.text(f"{name}_FILE")
        if direct and path:
            self.problems.append(f"{name} and {name}_FILE are both set: keep one of them")
        if path and not direct:
            try:
                direct = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                self.problems.append(f"{name}_FILE: {path} cannot be read ({error.strerror}): mend the path or its rights")
            except UnicodeDecodeError:
                self.problems.append(f"{name}_FILE: {path} holds no text: hand over the text form (a certificate or key as PEM)")
        return Secret(direct) if direct else None

    def number(self, name: str, default: T, kind: Callable[[str], T], least: float, most: float) -> T:
        text = self.text(name)
        if text is None:
            return default
        try:
            value = kind(text)
            if not least <= float(value) <= most:  # type: ignore[arg-type]
                raise ValueError
        except ValueError:
            self.problems.append(f"{name}: should be a number from {least:g} to {most:g}")
            return default
        return value

    def choice(self, name: str, kind: type[T], default: T) -> T:
        text = self.text(name)
        if text is None:
            return default
        try:
            return kind(text)  # type: ignore[call-arg]
        except ValueError:
            words = ", ".join(str(word) for word in kind)  # type: ignore[attr-defined]
            self.problems.append(f"{name}: should be one of {words}")
            return default

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in (self.text(name) or "").split(",") if word.strip())


_files: list[Path] = []


def use_file(path: Path) -> None:
    """Read settings from this file instead of `.env`, in this process. Raises SettingsError when it is not there."""
    if not path.is_file():
        raise SettingsError([f"--env-file: {path} is not there"])
    _files[:] = [path]


def file_given() -> Path | None:
    """What `use_file` was told in this process."""
    return _files[0] if _files else None


def read(environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Settings:
    """Read settings from the environment over `.env`. Raises SettingsError with every problem at once."""
    values: dict[str, str] = {}
    if environ is None:
        dotenv = _files[0] if _files else dotenv
        if dotenv is not None and dotenv.is_file():
            values.update({name: value or "" for name, value in dotenv_values(dotenv).items()})
        values.update(os.environ)
    else:
        values.update(environ)
    reader = _Reader(values)
    env = reader.choice("GATEWAY_ENV", Environment, Environment.STAGING)
    graph_url = (reader.text("GATEWAY_GRAPH_URL", META_GRAPH_URL) or "").rstrip("/")
    public_url = reader.text("GATEWAY_PUBLIC_URL")
    secrets = reader.secret("GATEWAY_APP_SECRET")
    fonts_dir = reader.text("GATEWAY_FONTS_DIR")
    if fonts_dir and not Path(fonts_dir).is_dir():
        reader.problems.append(f"GATEWAY_FONTS_DIR: {fonts_dir} is no directory: name one that holds font files, or leave it out")
    senders_file = reader.text("GATEWAY_SENDERS_FILE")
    groups_file = reader.text("GATEWAY_OIDC_GROUPS_FILE")
    webcare = reader.text("GATEWAY_WEBCARE")
    words_dir = reader.text("GATEWAY_WORDS_DIR")
    if words_dir and not Path(words_dir).is_dir():
        reader.problems.append(f"GATEWAY_WORDS_DIR: {words_dir} is no directory: name one with your lists, or leave it out")
    data_dir = Path(reader.text("GATEWAY_DATA_DIR", "var") or "var")
    if senders_file is None and Path("senders.yaml").is_file() and environ is None:
        senders_file = "senders.yaml"
    if webcare is None and Path("webcare.yaml").is_file() and environ is None:
        webcare = "webcare.yaml"
    settings = Settings(
        env=env,
        only_to=tuple(Personal(word) for word in reader.words("GATEWAY_ONLY_TO")),
        public_url=public_url.rstrip("/") if public_url else None,
        public_port=reader.number("GATEWAY_PUBLIC_PORT", 8080, int, 1, 65535),
        internal_port=reader.number("GATEWAY_INTERNAL_PORT", 8081, int, 1, 65535),
        console_port=reader.number("GATEWAY_CONSOLE_PORT", 8082, int, 1, 65535),
        host=reader.text("GATEWAY_HOST", "127.0.0.1") or "127.0.0.1",
        trusted_proxies=reader.words("GATEWAY_TRUSTED_PROXIES"),
        data_dir=data_dir,
        ledger_file=Path(reader.text("GATEWAY_LEDGER_FILE") or data_dir / "ledger"),
        templates_dir=Path(reader.text("GATEWAY_TEMPLATES_DIR", "templates") or "templates"),
        canned_dir=Path(reader.text("GATEWAY_CANNED_DIR", "canned") or "canned"),
        media_dir=Path(reader.text("GATEWAY_MEDIA_DIR") or data_dir / "media"),
        media_days=reader.number("GATEWAY_MEDIA_DAYS", 30, int, 1, 365),
        media_max_mb=reader.number("GATEWAY_MEDIA_MAX_MB", 25, int, 1, 100),
        media_scan_url=reader.secret("GATEWAY_MEDIA_SCAN_URL"),
        prices_dir=Path(reader.text("GATEWAY_PRICES_DIR", "prices") or "prices"),
        fonts_dir=Path(fonts_dir) if fonts_dir else None,
        senders_file=Path(senders_file) if senders_file else None,
        webcare=Path(webcare) if webcare else None,
        words_dir=Path(words_dir) if words_dir else None,
        api_key=reader.secret("GATEWAY_API_KEY"),
        keys=reader.secret("GATEWAY_KEYS"),
        redis_url=reader.secret("GATEWAY_REDIS_URL"),
        store_promise=reader.choice("GATEWAY_STORE_PROMISE", StorePromise, None),
        store_acks=reader.number("GATEWAY_STORE_ACKS", 0, int, 0, 5),
        source_redis_url=reader.secret("GATEWAY_SOURCE_REDIS_URL"),
        source_stream=reader.text("GATEWAY_SOURCE_STREAM", "thuisfront:events") or "",
        source_group=reader.text("GATEWAY_SOURCE_GROUP", "thuisfront") or "",
        source_key_name=reader.text("GATEWAY_SOURCE_KEY_NAME"),
        source_after=reader.choice("GATEWAY_SOURCE_AFTER", AfterKeeping, AfterKeeping.DELETE),
        graph_url=graph_url,
        graph_version=reader.text("GATEWAY_GRAPH_VERSION", "v25.0") or "v25.0",
        graph_auth_header=reader.text("GATEWAY_GRAPH_AUTH_HEADER", "Authorization") or "Authorization",
        app_id=reader.text("GATEWAY_APP_ID"),
        app_secrets=tuple(Secret(word.strip()) for word in secrets.reveal().split(",")) if secrets else (),
        verify_token=reader.secret("GATEWAY_VERIFY_TOKEN"),
        whatsapp_phone_number_id=reader.text("GATEWAY_WHATSAPP_PHONE_NUMBER_ID"),
        whatsapp_waba_id=reader.text("GATEWAY_WHATSAPP_WABA_ID"),
        whatsapp_token=reader.secret("GATEWAY_WHATSAPP_TOKEN"),
        whatsapp_portfolio=reader.text("GATEWAY_WHATSAPP_PORTFOLIO", "") or "",
        whatsapp_number=reader.text("GATEWAY_WHATSAPP_NUMBER"),
        messenger_page_id=reader.text("GATEWAY_MESSENGER_PAGE_ID"),
        messenger_token=reader.secret("GATEWAY_MESSENGER_TOKEN"),
        channels=reader.words("GATEWAY_CHANNELS"),
        brand=reader.text("GATEWAY_BRAND", "default") or "default",
        country=(reader.text("GATEWAY_COUNTRY", "NL") or "NL").upper(),
        per_second=reader.number("GATEWAY_PER_SECOND", 80.0, float, 0.1, 1000),
        document_hosts=reader.words("GATEWAY_DOCUMENT_HOSTS"),
        apple_pass_cert=reader.secret("GATEWAY_APPLE_PASS_CERT"),
        apple_pass_key=reader.secret("GATEWAY_APPLE_PASS_KEY"),
        apple_pass_wwdr=reader.secret("GATEWAY_APPLE_PASS_WWDR"),
        apple_pass_type=reader.text("GATEWAY_APPLE_PASS_TYPE"),
        apple_team=reader.text("GATEWAY_APPLE_TEAM"),
        google_wallet_key=reader.secret("GATEWAY_GOOGLE_WALLET_KEY"),
        google_wallet_issuer=reader.text("GATEWAY_GOOGLE_WALLET_ISSUER"),
        history_url=reader.text("GATEWAY_HISTORY_URL") or f"sqlite:///{data_dir / 'history.db'}",
        text_days=reader.number("GATEWAY_TEXT_DAYS", 90, int, 10, 3650),
        fact_months=reader.number("GATEWAY_FACT_MONTHS", 13, int, 1, 120),
        audit_months=reader.number("GATEWAY_AUDIT_MONTHS", 24, int, 13, 120),
        console_url=reader.text("GATEWAY_CONSOLE_URL"),
        oidc_issuer=reader.text("GATEWAY_OIDC_ISSUER"),
        oidc_client_id=reader.text("GATEWAY_OIDC_CLIENT_ID"),
        oidc_client_secret=reader.secret("GATEWAY_OIDC_CLIENT_SECRET"),
        oidc_scopes=reader.text("GATEWAY_OIDC_SCOPES", "openid profile email") or "openid",
        oidc_groups_claim=reader.text("GATEWAY_OIDC_GROUPS_CLAIM", "groups") or "groups",
        oidc_groups_file=Path(groups_file) if groups_file else None,
        customer_oidc_issuer=reader.text("GATEWAY_CUSTOMER_OIDC_ISSUER"),
        customer_oidc_client_id=reader.text("GATEWAY_CUSTOMER_OIDC_CLIENT_ID"),
        customer_oidc_client_secret=reader.secret("GATEWAY_CUSTOMER_OIDC_CLIENT_SECRET"),
        customer_oidc_scopes=reader.text("GATEWAY_CUSTOMER_OIDC_SCOPES", "openid") or "openid",
        customer_oidc_claim=reader.text("GATEWAY_CUSTOMER_OIDC_CLAIM", "sub") or "sub",
        identity_code_url=reader.secret("GATEWAY_IDENTITY_CODE_URL"),
        oidc_grace_s=reader.number("GATEWAY_OIDC_GRACE_S", 3600.0, float, 300, 8 * 3600),
        webhook_targets=reader.words("GATEWAY_WEBHOOK_TARGETS"),
        webhook_secret=reader.secret("GATEWAY_WEBHOOK_SECRET"),
        webhook_types=reader.words("GATEWAY_WEBHOOK_TYPES"),
        webhook_conversations=reader.choice("GATEWAY_WEBHOOK_CONVERSATIONS", ToldOf, ToldOf.EXTERNAL),
        alert_url=reader.secret("GATEWAY_ALERT_URL"),
        drain_s=reader.number("GATEWAY_DRAIN_S", 20.0, float, 0, 600),
        connect_timeout_s=reader.number("GATEWAY_CONNECT_TIMEOUT_S", 3.0, float, 0.1, 30),
        send_timeout_s=reader.number("GATEWAY_SEND_TIMEOUT_S", 15.0, float, 0.1, 120),
        lease_ms=reader.number("GATEWAY_LEASE_MS", 10_000, int, 1000, 120_000),
        evidence_ms=reader.number("GATEWAY_EVIDENCE_MS", 30_000, int, 100, 900_000),
        backlog_max=reader.number("GATEWAY_BACKLOG_MAX", 50_000, int, 1, 10_000_000),
        crash_at=reader.text("GATEWAY_CRASH_AT") or "",
        fuse_people=reader.number("GATEWAY_FUSE_PEOPLE", 10_000, int, 0, 100_000_000),
        fuse_second_person=reader.number("GATEWAY_FUSE_SECOND_PERSON", 50_000, int, 0, 100_000_000),
        family_places=reader.number("GATEWAY_FAMILY_PLACES", 20, int, 0, 200),
        pair_interval_ms=reader.number("GATEWAY_PAIR_INTERVAL_MS", 6000, int, 0, 60_000),
        log_format=reader.text("GATEWAY_LOG_FORMAT", "auto") or "auto",
    )
    _check(reader, settings)
    if reader.problems:
        raise SettingsError(reader.problems)
    return settings


def _check(reader: _Reader, settings: Settings) -> None:
    """What two settings say together. Production refuses the sandbox, demo refuses Meta."""
    problems = reader.problems
    parts = urlsplit(settings.graph_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        problems.append("GATEWAY_GRAPH_URL: should be a URL such as https://graph.facebook.com")
    if settings.env is Environment.PRODUCTION and settings.sandboxed:
        problems.append("GATEWAY_GRAPH_URL points at this machine and GATEWAY_ENV is production: unset one of them")
    if settings.env is Environment.PRODUCTION and parts.scheme == "http":
        problems.append("GATEWAY_GRAPH_URL: production speaks https only")
    if settings.env is Environment.DEMO and not settings.sandboxed:
        problems.append("GATEWAY_ENV=demo never writes to Meta: point GATEWAY_GRAPH_URL at the sandbox, or use staging")
    if settings.env is Environment.PRODUCTION and settings.crash_at:
        problems.append("GATEWAY_CRASH_AT is for tests, and GATEWAY_ENV is production: unset it")
    if settings.env is Environment.PRODUCTION and settings.keys is None:
        problems.append("GATEWAY_KEYS is missing: `python main.py keys new` prints one; keep it outside the backups")
    if settings.env is Environment.PRODUCTION and settings.api_key is None:
        problems.append("GATEWAY_API_KEY is missing: without it nobody may send events; any 32 random characters")
    if settings.connect_timeout_s >= settings.send_timeout_s:
        # Running out of the shorter one proves that nothing was sent.
        problems.append("GATEWAY_CONNECT_TIMEOUT_S: should be shorter than GATEWAY_SEND_TIMEOUT_S")
    if settings.webhook_targets and settings.webhook_secret is None:
        problems.append("GATEWAY_WEBHOOK_TARGETS needs GATEWAY_WEBHOOK_SECRET (whsec_...) to sign with")
    if settings.alert_url is not None:
        address = urlsplit(settings.alert_url.reveal())
        if address.scheme not in ("http", "https") or not address.hostname:
            problems.append("GATEWAY_ALERT_URL: should be one address that takes a POST, https://...")
    _check_provider(problems, settings)
    _check_customers(problems, settings)
    ports = [settings.public_port, settings.internal_port, settings.console_port]
    if len(set(ports)) != len(ports):
        problems.append("GATEWAY_PUBLIC_PORT, GATEWAY_INTERNAL_PORT and GATEWAY_CONSOLE_PORT must differ")
    for proxy in settings.trusted_proxies:
        try:
            ip_network(proxy, strict=False)
        except ValueError:
            problems.append(f"GATEWAY_TRUSTED_PROXIES: {proxy} is neither an address nor a network such as 10.0.0.0/8")
    if settings.public_url is not None and urlsplit(settings.public_url).scheme not in ("http", "https"):
        problems.append("GATEWAY_PUBLIC_URL: should start with https://")
    if settings.redis_url is not None:
        scheme = urlsplit(settings.redis_url.reveal()).scheme
        if scheme not in ("redis", "rediss", "unix", "valkey", "valkeys", "redis+sentinel", "redis+cluster"):
            problems.append("GATEWAY_REDIS_URL: should start with redis://, rediss:// or unix://")
    if settings.source_redis_url is not None and settings.source_redis_url.reveal() != "store":
        scheme = urlsplit(settings.source_redis_url.reveal()).scheme
        if scheme not in ("redis", "rediss", "unix", "valkey", "valkeys", "redis+sentinel"):
            problems.append("GATEWAY_SOURCE_REDIS_URL: should be `store`, or start with redis://, rediss:// or unix://")
    if not _STREAM.fullmatch(settings.source_stream):
        # No braces: a name with a tag could be one of the store's own keys.
        problems.append("GATEWAY_SOURCE_STREAM: should be 1 to 200 letters, digits and . : _ - such as thuisfront:events")


def _check_customers(problems: list[str], settings: Settings) -> None:
    """How customers show who they are: each way needs what it leans on."""
    ways = []
    if settings.customer_oidc_issuer is not None:
        ways.append("GATEWAY_CUSTOMER_OIDC_ISSUER")
        parts = urlsplit(settings.customer_oidc_issuer)
        here = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not (parts.scheme == "https" or (parts.scheme == "http" and here)):
            problems.append("GATEWAY_CUSTOMER_OIDC_ISSUER: should start with https://")
        if not settings.customer_oidc_client_id:
            problems.append("GATEWAY_CUSTOMER_OIDC_CLIENT_ID is missing: GATEWAY_CUSTOMER_OIDC_ISSUER needs it")
        if "openid" not in settings.customer_oidc_scopes.split():
            problems.append("GATEWAY_CUSTOMER_OIDC_SCOPES: should have openid among them")
    elif settings.customer_oidc_client_id or settings.customer_oidc_client_secret:
        problems.append("GATEWAY_CUSTOMER_OIDC_ISSUER is missing: its sisters are of no use without it")
    if settings.identity_code_url is not None:
        ways.append("GATEWAY_IDENTITY_CODE_URL")
        address = urlsplit(settings.identity_code_url.reveal())
        here = address.hostname in ("127.0.0.1", "localhost", "::1")
        if not (address.scheme == "https" or (address.scheme == "http" and here)):
            problems.append("GATEWAY_IDENTITY_CODE_URL: should be one address that takes a POST, https://...: codes go there")
        if settings.webhook_secret is None:
            problems.append("GATEWAY_IDENTITY_CODE_URL needs GATEWAY_WEBHOOK_SECRET (whsec_...) to sign with")
    if ways and settings.public_url is None:
        problems.append(f"GATEWAY_PUBLIC_URL is missing: {ways[0]} needs it for the link that customers open")


def _check_provider(problems: list[str], settings: Settings) -> None:
    """Signing in by a provider needs all of its settings, and encryption but for a provider on this machine."""
    if settings.oidc_issuer is None:
        if settings.oidc_client_id or settings.oidc_client_secret or settings.oidc_groups_file:
            problems.append("GATEWAY_OIDC_ISSUER is missing: the other GATEWAY_OIDC_ settings are of no use without it")
        return
    needed = {
        "GATEWAY_OIDC_CLIENT_ID": settings.oidc_client_id,
        "GATEWAY_OIDC_GROUPS_FILE": settings.oidc_groups_file,
        "GATEWAY_CONSOLE_URL": settings.console_url,
    }
    problems += [f"{name} is missing: GATEWAY_OIDC_ISSUER needs it" for name, value in needed.items() if not value]
    for name, address in (("GATEWAY_OIDC_ISSUER", settings.oidc_issuer), ("GATEWAY_CONSOLE_URL", settings.console_url or "")):
        parts = urlsplit(address)
        here = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if address and not (parts.scheme == "https" or (parts.scheme == "http" and here)):
            problems.append(f"{name}: should start with https://")
    if "openid" not in settings.oidc_scopes.split():
        problems.append("GATEWAY_OIDC_SCOPES: should have openid among them")
