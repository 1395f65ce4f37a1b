"""The program itself: what survives kill -9, how it stops, what it says when it cannot start."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sandbox_box import ANN, PHONE, QUICK, Receiver, wait_until

from sandbox.config import ConfigError, read_config
from sandbox.world import World

ROOT = Path(__file__).parents[2]


async def start(data_dir: Path, hook: str, *arguments: str) -> tuple[asyncio.subprocess.Process, str]:
    """The sandbox as a process of its own, and its address."""
    env = {**os.environ, "SANDBOX_DATA_DIR": str(data_dir), "SANDBOX_WEBHOOK_URL": hook, "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "sandbox", "--port", "0", *arguments, cwd=ROOT, env=env,
                                                   stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
    assert "http://" in line, line
    return process, "http://" + line.split("http://")[1].split("/")[0]


@asynccontextmanager
async def hook() -> AsyncIterator[Receiver]:
    receiver = Receiver(QUICK)
    app = web.Application()
    app.router.add_post("/hook", receiver.post)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def test_everything_goes_on_after_kill_minus_nine(tmp_path: Path) -> None:
    async with hook() as receiver, aiohttp.ClientSession() as session:
        process, base = await start(tmp_path, receiver.url)
        headers = {"Authorization": f"Bearer {QUICK.token}"}

        async def call(method: str, path: str, body: Any = None) -> Any:
            async with session.request(method, base + path, json=body, headers=headers) as reply:
                return await reply.json()

        receiver.answers = [503] * 1_000
        await call("PUT", "/sandbox/clock", {"offset_ms": 86_400_000})
        await call("POST", "/sandbox/handsets", {"address": ANN, "name": "Ann Example", "auto_read_ms": 3_600_000})
        await call("POST", f"/sandbox/handsets/{ANN}/say", {"text": "before", "phone_number_id": PHONE})
        await call("PUT", "/sandbox/faults", {"name": "code", "code": 131000, "address": "447700900456"})
        answer = await call("POST", f"/v25.0/{PHONE}/messages", {"messaging_product": "whatsapp", "to": ANN,
                                                                "text": {"body": "still here"}})
        message_id = answer["messages"][0]["id"]
        await wait_until(lambda: len(receiver.times) >= 2, "tried in vain")
        process.send_signal(signal.SIGKILL)
        await process.wait()
        receiver.answers = []
        process, base = await start(tmp_path, receiver.url)
        try:
            await call("PUT", "/sandbox/clock", {"offset_ms": 86_400_000 + 3_600_000})
            await wait_until(lambda: receiver.messages(), "the inbound message comes after all", 10)
            await wait_until(lambda: set(receiver.names(message_id)) == {"sent", "delivered", "read"}, "and the statuses", 10)
            phone = await call("GET", f"/sandbox/handsets/{ANN}")
            assert [bubble["body"] for bubble in phone["threads"][0]["bubbles"]] == ["before", "still here"]
            assert phone["name"] == "Ann Example"
            assert [fault["name"] for fault in (await call("GET", "/sandbox/faults"))["faults"]] == ["code"]
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 10) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_pending_webhooks_follow_the_callback_that_is_configured_now(tmp_path: Path) -> None:
    async with hook() as before, hook() as after, aiohttp.ClientSession() as session:
        before.answers = [503] * 1_000
        process, base = await start(tmp_path, before.url)
        await session.post(f"{base}/sandbox/handsets", json={"address": ANN})
        await session.post(f"{base}/sandbox/handsets/{ANN}/say", json={"text": "hello", "phone_number_id": PHONE})
        await wait_until(lambda: before.times)
        process.kill()
        await process.wait()
        process, _ = await start(tmp_path, after.url)
        await wait_until(lambda: after.messages(), "delivered to the new callback", 10)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_busy_port_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox", "--port", str(port), "--data-dir", str(tmp_path), cwd=ROOT,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert said.decode().count("\n") == 1
    assert f"SANDBOX_PORT {port}" in said.decode()


@pytest.mark.parametrize(("arguments", "setting"), [
    (["--data-dir", "/dev/null/x"], "SANDBOX_DATA_DIR"), (["--host", "203.0.113.7"], "SANDBOX_PORT")])
async def test_what_cannot_be_had_is_named_in_one_line(arguments: list[str], setting: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--port", "0", "--data-dir", ":memory:", *arguments, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    _, said = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, said.decode().count("\n")) == (1, 1)
    assert setting in said.decode()


def test_account_is_made_anew_when_the_setting_changes_and_kept_when_not(tmp_path: Path) -> None:
    config = replace(QUICK, data_dir=str(tmp_path))
    first = World(config)
    first.account.save({**first.account.doc(), "tier": "TIER_2K"})
    first.store.close()
    again = World(config)
    assert again.account.doc()["tier"] == "TIER_2K"
    again.store.close()
    fresh = World(replace(config, account="new"))
    assert (fresh.account.doc()["mode"], len(fresh.account.numbers())) == ("new", 1)
    fresh.store.close()


@pytest.mark.parametrize(("env", "name"), [
    ({"SANDBOX_PORT": "http"}, "SANDBOX_PORT"), ({"SANDBOX_PORT": "70000"}, "SANDBOX_PORT"),
    ({"SANDBOX_ACCOUNT": "old"}, "SANDBOX_ACCOUNT"), ({"SANDBOX_WEBHOOK_URL": "localhost"}, "SANDBOX_WEBHOOK_URL"),
    ({"SANDBOX_SEED": "x"}, "SANDBOX_SEED"),
])
def test_wrong_setting_is_named(env: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        read_config([], env)


def test_arguments_win_over_the_environment() -> None:
    config = read_config(["--port", "0", "--account", "new"], {"SANDBOX_PORT": "8099", "SANDBOX_TOKEN": "t"})
    assert (config.port, config.account, config.token, config.host) == (0, "new", "t", "127.0.0.1")
