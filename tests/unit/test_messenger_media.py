"""What people send to a Page is fetched from its signed address: by nobody's token, and from the channel's hosts alone."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from connectors.messenger import MessengerConnector
from connectors.meta.graph import Graph, NotSent
from gateway.connector import RawResponse, RenderedRequest, Sender
from gateway.errors import CannotRender
from gateway.model.ids import SenderId
from gateway.model.personal import Personal as P
from gateway.model.personal import Secret

PAGE = "141421356237309"
SENDER = Sender(SenderId("pg"), "messenger", "zz", {"page_id": PAGE}, PAGE, Secret("token-that-stays"))
CONNECTOR = MessengerConnector(Graph("https://graph.facebook.com"))
SIGNED = "https://scontent.xx.fbcdn.net/v/t1/482019384_n.jpg?_nc_cat=104&oh=03_Q7&oe=6A4F2C11"


@pytest.mark.parametrize(
    "url", [SIGNED, "https://cdn.fbsbx.com/v/a.mp4?dl=1", "https://lookaside.fbsbx.com/x", "https://www.facebook.com/d/1"]
)
def test_a_file_is_fetched_in_one_step_without_the_token(url: str) -> None:
    request = CONNECTOR.render_media_lookup(SENDER, P(url))
    assert (request.method, request.path, request.wants_bytes) == ("GET", url, True)
    assert not request.token
    with pytest.raises(CannotRender, match="second half"):
        CONNECTOR.render_media_download(SENDER, RawResponse(200, {}, b""))


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x",
        "https://fbcdn.net.a.example/x",
        "https://evilfbcdn.net/x",
        "http://scontent.xx.fbcdn.net/x",
        "https://user@scontent.xx.fbcdn.net/x",
        "https://a.example/?https://scontent.xx.fbcdn.net/x",
        "http://127.0.0.1/x",
        "file:///etc/passwd",
        "1003000000243721",
        "",
        SIGNED + "\n",
        SIGNED + " x",
    ],
)
def test_nothing_is_fetched_from_elsewhere(url: str) -> None:
    with pytest.raises(CannotRender, match="host"):
        CONNECTOR.render_media_lookup(SENDER, P(url))


async def test_the_token_is_not_on_the_wire_of_a_download() -> None:
    seen: dict[str, Any] = {}

    async def handler(got: web.Request) -> web.Response:
        seen.update(path=got.raw_path, headers={name.lower(): value for name, value in got.headers.items()})
        return web.Response(body=b"%PDF", content_type="application/pdf")

    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    connector = MessengerConnector(Graph(base))
    try:
        # A pretended channel serves its files itself: its own origin is as good as Meta's hosts.
        answer = await connector.send(connector.render_media_lookup(SENDER, P(f"{base}/cdn/a%20b.pdf?oh=1%2F2")))
        assert (answer.status, answer.body) == (200, b"%PDF")
        assert seen["path"] == "/cdn/a%20b.pdf?oh=1%2F2"
        assert "authorization" not in seen["headers"]
        assert "token-that-stays" not in str(seen)
        # An ordinary call without a token is a mistake, and does not leave.
        with pytest.raises(NotSent, match="token"):
            await connector.send(RenderedRequest("GET", "/v25.0/me", SENDER.id, Secret(""), wants_bytes=True))
    finally:
        await connector.close()
        await runner.cleanup()
