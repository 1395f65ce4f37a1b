"""A port that another program has: one sentence that names the setting, and nothing of the roles is left running."""

from __future__ import annotations

import asyncio
from pathlib import Path
from socket import create_server

import pytest

from gateway import roles
from gateway.errors import SettingsError
from tests.support.core import open_house


async def test_a_port_that_is_taken_is_said_in_one_sentence(redis_url: str, data_dir: Path) -> None:
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with open_house(redis_url, data_dir, GATEWAY_INTERNAL_PORT=str(port)) as house:
            with pytest.raises(SettingsError) as refused:
                async with asyncio.timeout(20):
                    await roles.run(house.runtime, ("intake",))
    assert list(refused.value.problems) == [f"port {port} is taken by another program: set GATEWAY_INTERNAL_PORT to another one"]
