"""Each atomic change is one Lua file with a header; what keeps a promise also runs when memory is full."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.store import scripts

FOLDER = Path(scripts.__file__).parent / "lua"
STORE = Path(scripts.__file__).parent
KEEPS_A_PROMISE = ("outbox_settle", "pass_prove", "outbox_evidence", "contact_facts", "inbox_append")


@pytest.mark.parametrize("name", scripts.names())
def test_a_script_says_what_it_does_its_keys_its_arguments_and_its_answer(name: str) -> None:
    text = (FOLDER / f"{name}.lua").read_text(encoding="utf-8")
    header = text.partition("--]]")[0]
    assert f"{name}: " in header, "opens with its name and what it does"
    for word in ("KEYS", "ARGV", "RETURNS"):
        assert re.search(rf"^{word}\b", header, re.MULTILINE), word


@pytest.mark.parametrize("name", scripts.names())
def test_a_script_builds_no_key_of_its_own_and_all_its_includes_are_there(name: str) -> None:
    whole = scripts.source(name)
    assert "-- include " not in whole
    code = re.sub(r"--\[\[.*?--\]\]", "", whole, flags=re.DOTALL)
    calls = re.findall(r"redis\.call\('\w+', *([^,)]+)", code)
    built = [first for first in calls if first.strip().startswith(("'", '"'))]
    assert built == [], "every key comes in KEYS, under one tag"


@pytest.mark.parametrize("name", KEEPS_A_PROMISE)
def test_what_keeps_a_promise_runs_when_memory_is_full(name: str) -> None:
    assert scripts.source(name).startswith("#!lua flags=allow-oom")


def test_every_script_is_called_somewhere_in_the_store() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in STORE.glob("*.py"))
    unused = [name for name in scripts.names() if f'"{name}"' not in code]
    assert unused == []
