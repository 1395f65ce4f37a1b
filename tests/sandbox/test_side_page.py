"""/side: the phones and one more page beside each other, and who may frame what."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient, TestServer

from sandbox.app import make_app
from sandbox.config import IN_MEMORY, ConfigError, SandboxConfig, read_config


@pytest.mark.parametrize("beside", ['http://127.0.0.1:8082/desk', 'http://127.0.0.1:8082/desk?"><script>'])
async def test_phones_and_the_other_page_stand_in_two_frames_and_nothing_else_may(beside: str) -> None:
    async with TestClient(TestServer(make_app(SandboxConfig(data_dir=IN_MEMORY, beside_url=beside)))) as client:
        answer = await client.get("/side")
        text, policy = await answer.text(), answer.headers["Content-Security-Policy"]
        assert answer.content_type == "text/html"
        assert text.count("<iframe") == 2
        assert text.count("<script") == 1, "what stands in the address is text"
        assert policy.split("frame-src ")[1].split(";")[0] == "'self' http://127.0.0.1:8082"
        assert "frame-ancestors 'none'" in policy
        phones = await client.get("/phones")
        assert "frame-ancestors 'self'" in phones.headers["Content-Security-Policy"]


async def test_without_another_page_side_is_the_phones() -> None:
    async with TestClient(TestServer(make_app(SandboxConfig(data_dir=IN_MEMORY)))) as client:
        answer = await client.get("/side", allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (302, "/phones")


def test_an_address_of_no_page_is_refused_by_its_setting() -> None:
    assert read_config([], {"SANDBOX_BESIDE_URL": "https://desk.example/"}).beside_url == "https://desk.example/"
    with pytest.raises(ConfigError, match="SANDBOX_BESIDE_URL"):
        read_config([], {"SANDBOX_BESIDE_URL": "desk.example"})
