"""Who may show the desk in a frame: nobody, and in the demo the sandbox alone."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.webcare.session import SECURITY_HEADERS, framed_by


async def policy_of(app: web.Application) -> str:
    async def get(_: web.Request) -> web.Response:
        return web.Response(text="the desk", headers=SECURITY_HEADERS)

    app.router.add_get("/", get)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/")
        return answer.headers["Content-Security-Policy"]


async def test_nobody_frames_the_desk_unless_one_place_is_named_and_nothing_else_of_the_policy_changes() -> None:
    usual = await policy_of(web.Application())
    assert "frame-ancestors 'none'" in usual
    demo = web.Application()
    demo.on_response_prepare.append(framed_by("http://127.0.0.1:8090/v25.0"))
    assert await policy_of(demo) == usual.replace("frame-ancestors 'none'", "frame-ancestors http://127.0.0.1:8090")
