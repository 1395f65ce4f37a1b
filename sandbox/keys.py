"""The aiohttp keys under which an application holds its parts."""

from __future__ import annotations

from aiohttp import web

from sandbox.world import World

WORLD = web.AppKey("world", World)
