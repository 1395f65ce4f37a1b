"""The demo as a newcomer runs it: a process, Ctrl-C in the middle, started again, to its end. Held against its own story."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from demo import story
from tests.support.server import free_port
from tests.support.waiting import wait_until_sync

ROOT = Path(__file__).resolve().parents[2]


class Demo:
    def __init__(self, data_dir: Path) -> None:
        names = ("GATEWAY_PUBLIC_PORT", "GATEWAY_INTERNAL_PORT", "GATEWAY_CONSOLE_PORT", "SANDBOX_PORT", "DEMO_ACCOUNTS_PORT")
        self.ports = {name: str(free_port()) for name in names}
        self.data_dir = data_dir
        self.process: subprocess.Popen[bytes] | None = None
        self.output = data_dir / "out.txt"

    def start(self, *words: str) -> None:
        environment = {**os.environ, **self.ports, "GATEWAY_DATA_DIR": str(self.data_dir)}
        with self.output.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "main.py"), "demo", "--speed", "20", *words],
                env=environment, cwd=ROOT, stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip

    def stop(self) -> int:
        """Ctrl-C, as a terminal sends it: to the whole foreground group."""
        assert self.process is not None
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)

    def phones(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.ports['SANDBOX_PORT']}/sandbox/handsets"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                value: dict[str, Any] = json.load(answer)
                return value
        except OSError:
            return {"story": None, "handsets": []}

    def position(self) -> tuple[int, str]:
        found = self.phones()["story"] or {}
        return int(found.get("position", -1)), str(found.get("state", ""))


@pytest.fixture
def demo(data_dir: Path) -> Iterator[Demo]:
    data_dir.mkdir(parents=True, exist_ok=True)
    one = Demo(data_dir)
    yield one
    one.stop()


AT_HOME = ("Corrie", "Henk/messenger", "Rose", "Uwe", "Lena/messenger")
CHATS = ("eva", "tom", "mila", "mila/messenger", "finn/messenger", "noor", "daan", *AT_HOME)


def _in_turn(names: list[str]) -> list[str]:
    """Those that keep their place: a question of ours is urgent, and may pass the news that goes out with it."""
    return [one for one in names if one != "family_ask_name"]


def people_of(chats: tuple[str, ...], *, but: str) -> list[str]:
    return [one.partition("/")[0] for one in chats if one != but]


def _bubbles(phones: dict[str, Any], chat: str, kind: str) -> list[dict[str, Any]]:
    """What is in a chat as the story names it."""
    one = next(handset for handset in phones["handsets"] if handset["name"] == chat.partition("/")[0])
    threads = [thread for thread in one["threads"] if story.chat_of(one["name"], thread["channel"]) == chat]
    found = [bubble for thread in threads for bubble in thread["bubbles"] if bubble["kind"] == kind]
    return sorted(found, key=lambda bubble: bubble["at_ms"])


def _said(bubble: dict[str, Any]) -> str:
    """Which notification a bubble is, by what the phones are told about it. Inside a service window it is free text."""
    why = bubble["why"] or {"details": [], "text": ""}
    named = [detail.removeprefix("notification: ") for detail in why["details"] if detail.startswith("notification: ")]
    if bubble["template"] and named:  # an agent may answer by a template, too
        assert bubble["template"]["name"].startswith(named[0] + "_v")
    return named[0] if named else "reply"


def _all_explained(demo: Demo) -> bool:
    phones = demo.phones()
    received = [bubble for chat in CHATS for bubble in _bubbles(phones, chat, "received")]
    return bool(received) and all(bubble["why"] for bubble in received)


@pytest.mark.timeout(240)
def test_demo_stopped_and_resumed_puts_every_promised_message_on_its_phone_once_and_in_order(demo: Demo) -> None:
    demo.start()
    wait_until_sync(lambda: demo.position()[0] >= 10, timeout=100)
    assert demo.stop() == 0, demo.output.read_text()
    demo.start()
    wait_until_sync(lambda: demo.position()[1] == "ended", timeout=120)
    wait_until_sync(lambda: _all_explained(demo), timeout=20)
    phones = demo.phones()

    first = json.loads((demo.data_dir / "demo" / "story.json").read_text())["first"]
    steps = story.make(date.fromisoformat(first))
    used = {story.chat_of(one["name"], thread["channel"]) for one in phones["handsets"] for thread in one["threads"]}
    assert used == set(CHATS), "nobody was written to anywhere else"
    for name in CHATS:
        promised = [notification for step in steps for chat, notification in step.expect if chat == name]
        arrived = [bubble for bubble in _bubbles(phones, name, "received") if bubble["ticks"] != "failed"]
        got = [_said(bubble) for bubble in arrived]
        assert _in_turn(got) == _in_turn(promised), name
        assert sorted(got) == sorted(promised), name
        assert {bubble["ticks"] for bubble in arrived} <= {"sent", "delivered", "read"}
    every = [(name, bubble) for name in CHATS for bubble in _bubbles(phones, name, "received")]
    failed = [(name, bubble["body"]) for name, bubble in every if bubble["ticks"] == "failed"]
    assert failed == [("tom", story.BOARDS)], "what the story lets fail, and that alone"
    reasons = {"replaced": "newer news", "ended": "pointless", "not_allowed": "does not let this sender write by templates"}
    for step in steps:
        for name, _, word in step.unsent:
            pale = [bubble["reason"] for bubble in _bubbles(phones, name, "unsent")]
            assert any(reasons[word] in reason for reason in pale), (name, word, pale)
    for chat in ("mila/messenger", "finn/messenger"):
        _, words, file = _bubbles(phones, chat, "received")[:3]
        assert "attachment" not in words, "the words, then the file"
        assert file["attachment"]["mime"] == "application/pdf"
        assert file["at_ms"] - words["at_ms"] < 5_000
        late = [bubble for bubble in _bubbles(phones, chat, "received") if _said(bubble) == "trip_delayed"]
        assert [bubble["type"] for bubble in late] == ["utility"], "days after the chat was last used"
    (sheet, follow_up) = [one for one in _bubbles(phones, "noor", "received") if _said(one) == "reply"]
    assert sheet["header"]["mime"] == "application/pdf"
    assert follow_up["template"]["name"].startswith("desk_follow_up_v"), "her window is shut by then"
    for chat in AT_HOME:
        said = " ".join(bubble["body"] or "" for bubble in _bubbles(phones, chat, "received"))
        assert not any(word in said for word in ("ZX7K2P", "12C", "Eva", "Tom", "Wit", *people_of(AT_HOME, but=chat))), chat
    with urllib.request.urlopen(f"http://127.0.0.1:{demo.ports['GATEWAY_CONSOLE_PORT']}/login", timeout=5) as answer:
        assert f"frame-ancestors http://127.0.0.1:{demo.ports['SANDBOX_PORT']}" in answer.headers["Content-Security-Policy"]
    why = _bubbles(phones, "eva", "received")[0]["why"]
    assert why is not None
    assert "order" in why["text"]

    assert demo.stop() == 0
    demo.start()
    wait_until_sync(lambda: demo.position()[1] == "ended", timeout=60)
    again = demo.phones()
    for name in CHATS:
        assert len(_bubbles(again, name, "received")) == len(_bubbles(phones, name, "received")), "nothing is sent twice"


def test_a_busy_port_is_answered_with_the_setting_to_change(demo: Demo, data_dir: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(demo.ports["SANDBOX_PORT"])))
        taken.listen()
        demo.start()
        assert demo.process is not None
        assert demo.process.wait(30) == 1
    said = demo.output.read_text()
    assert "SANDBOX_PORT" in said
    assert "Traceback" not in said


@pytest.mark.long
@pytest.mark.timeout(120)
def test_restart_on_the_story_bar_begins_anew_with_empty_phones(demo: Demo) -> None:
    demo.start()
    wait_until_sync(lambda: demo.position()[0] >= 4, timeout=60)
    url = f"http://127.0.0.1:{demo.ports['SANDBOX_PORT']}/sandbox/story/control"
    body = json.dumps({"action": "restart"}).encode()
    urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=5).read()

    def begun_anew() -> bool:
        return demo.position()[0] in (0, 1) and len(_bubbles(demo.phones(), "eva", "received")) <= 1

    wait_until_sync(begun_anew, timeout=60)
