"""Settings: described, all problems at once, secrets from files, and what production and demo refuse."""

from __future__ import annotations

import re
from dataclasses import fields
from enum import Enum
from pathlib import Path

import pytest

from gateway import settings as module
from gateway.errors import SettingsError
from gateway.model.personal import Personal
from gateway.settings import Environment, Settings, StorePromise, read

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(set(re.findall(r"\"(GATEWAY_[A-Z_]+[A-Z])\"", Path(module.__file__).read_text())))
PAGE = (ROOT / "docs" / "settings.md").read_text()
ROWS = dict(re.findall(r"^\| `(GATEWAY_\w+)` \| (.*?) \|", PAGE, re.MULTILINE))

PRODUCTION = {"GATEWAY_ENV": "production", "GATEWAY_KEYS": "ring", "GATEWAY_API_KEY": "k" * 32}


def problems(values: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read(values, None)
    return refused.value.problems


def test_every_setting_has_its_row_and_no_row_is_left_over() -> None:
    assert len(NAMES) == len(fields(Settings))
    assert sorted(ROWS) == NAMES


def test_defaults_on_the_page_are_the_real_ones() -> None:
    defaults = read({}, None)

    def shown(value: object) -> str:
        if value is None or value in ((), ""):
            return "-"
        if isinstance(value, float):
            return f"{value:g}"
        return str(value.value if isinstance(value, Enum) else value)

    named = {f"GATEWAY_{field.name.upper()}": getattr(defaults, field.name) for field in fields(Settings)}
    named["GATEWAY_APP_SECRET"] = named.pop("GATEWAY_APP_SECRETS")
    assert {name: shown(value) for name, value in named.items()} == ROWS


def test_secrets_are_marked_on_the_page() -> None:
    secrets = set(re.findall(r"reader\.secret\(\"(GATEWAY_\w+)\"\)", Path(module.__file__).read_text()))
    assert set(re.findall(r"^\| `(GATEWAY_\w+)` \| .*? \| \*secret\*", PAGE, re.MULTILINE)) == secrets


def test_example_file_names_only_settings_that_exist() -> None:
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^#?(GATEWAY_\w+)=", example, re.MULTILINE)) <= set(NAMES)


def test_example_file_is_accepted_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    settings = read(None, ROOT / ".env.example")
    assert settings.env is Environment.STAGING
    assert settings.only_to == (Personal("+447700900123"),)
    assert settings.whatsapp_token is None


def test_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GATEWAY_PUBLIC_PORT=9000\nGATEWAY_INTERNAL_PORT=9001\n")
    monkeypatch.setenv("GATEWAY_PUBLIC_PORT", "9100")
    monkeypatch.delenv("GATEWAY_INTERNAL_PORT", raising=False)
    settings = read(None, tmp_path / ".env")
    assert (settings.public_port, settings.internal_port) == (9100, 9001)


def test_all_problems_are_told_in_one_go() -> None:
    found = problems(
        {
            "GATEWAY_ENV": "prod",
            "GATEWAY_PUBLIC_PORT": "eighty",
            "GATEWAY_DRAIN_S": "-1",
            "GATEWAY_REDIS_URL": "http://127.0.0.1",
            "GATEWAY_API_KEY_FILE": "/nonexistent/key",
            "GATEWAY_STORE_PROMISE": "perhaps",
            "GATEWAY_WEBHOOK_TARGETS": "https://example.com/hook",
        }
    )
    expected = ["API_KEY_FILE", "DRAIN_S", "ENV", "PUBLIC_PORT", "REDIS_URL", "STORE_PROMISE", "WEBHOOK_TARGETS"]
    assert sorted(re.match(r"GATEWAY_(\w+)", line)[1] for line in found) == expected  # type: ignore[index]


def test_no_problem_repeats_a_secret() -> None:
    values = {"GATEWAY_REDIS_URL": "ftp://app:hush-hush@store", "GATEWAY_KEYS": "hush-hush", "GATEWAY_KEYS_FILE": "/x"}
    assert not any("hush" in line for line in problems(values))


def test_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    settings = read({"GATEWAY_WHATSAPP_TOKEN_FILE": str(tmp_path / "token")}, None)
    assert settings.whatsapp_token is not None
    assert settings.whatsapp_token.reveal() == "from-a-file"
    assert "from-a-file" not in repr(settings)


def test_secret_given_twice_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one")
    (line,) = problems({"GATEWAY_WHATSAPP_TOKEN": "two", "GATEWAY_WHATSAPP_TOKEN_FILE": str(tmp_path / "token")})
    assert "both set" in line


def test_old_and_new_app_secret_are_both_kept() -> None:
    revealed = [secret.reveal() for secret in read({"GATEWAY_APP_SECRET": "new, old"}, None).app_secrets]
    assert revealed == ["new", "old"]


def test_production_with_its_keys_is_accepted() -> None:
    assert read(PRODUCTION, None).env is Environment.PRODUCTION


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"GATEWAY_GRAPH_URL": "http://127.0.0.1:8090"}, "points at this machine"),
        ({"GATEWAY_GRAPH_URL": "https://localhost:8090"}, "points at this machine"),
        ({"GATEWAY_GRAPH_URL": "http://[::1]:8090"}, "points at this machine"),
        ({"GATEWAY_GRAPH_URL": "http://graph.facebook.com"}, "https only"),
        ({"GATEWAY_KEYS": ""}, "GATEWAY_KEYS is missing"),
        ({"GATEWAY_API_KEY": ""}, "GATEWAY_API_KEY is missing"),
    ],
)
def test_production_refuses(change: dict[str, str], words: str) -> None:
    assert any(words in line for line in problems(PRODUCTION | change))


def test_demo_never_speaks_to_meta() -> None:
    assert "never writes to Meta" in problems({"GATEWAY_ENV": "demo"})[0]
    assert read({"GATEWAY_ENV": "demo", "GATEWAY_GRAPH_URL": "http://127.0.0.1:8090/"}, None).sandboxed


def test_listeners_must_not_share_a_port() -> None:
    assert "must differ" in problems({"GATEWAY_PUBLIC_PORT": "8081"})[0]


def test_promise_of_a_managed_store_is_one_of_three_words() -> None:
    assert read({"GATEWAY_STORE_PROMISE": "replicated"}, None).store_promise is StorePromise.REPLICATED
    assert read({}, None).store_promise is None
