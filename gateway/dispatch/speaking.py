"""Under whose name an agent's words stand, where the channel shows it. What a machine says stands under the sender's own name.

A speaker is made at the channel the first time an agent answers, and used again. It is an ornament of the message: whatever
is wrong with it, the words go out without.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from gateway.connector import Connector, Outcome, Sender
from gateway.errors import CannotRender, GatewayError
from gateway.model.personal import Personal
from gateway.store.speakers import Speakers

MAKE_S = 5.0

log = structlog.get_logger()


class Speaking:
    """picture: where the channel can fetch a picture for a speaker; "" = nowhere"""

    def __init__(self, speakers: Speakers, picture: str = "") -> None:
        self._speakers = speakers
        self._picture = picture

    async def speaker(self, body: Mapping[str, Any], connector: Connector, sender: Sender) -> Personal | None:
        """The channel's id of the person who wrote this; None for what nobody wrote, and where the channel shows no names."""
        if body.get("kind") != "reply" or not body.get("author") or not connector.facts.shows_speaker:
            return None
        name = Personal(str(body["author"]))
        try:
            known = await self._speakers.get(sender.id, name)
            return known if known is not None else await self._make(name, connector, sender)
        except (OSError, TimeoutError, GatewayError, CannotRender) as error:
            log.warning("speaker.not_made", sender=sender.id, error=type(error).__name__)
            return None

    async def forget(self, body: Mapping[str, Any], sender: Sender) -> None:
        """The channel does not know this speaker any more."""
        await self._speakers.forget(sender.id, Personal(str(body.get("author", ""))))

    async def _make(self, name: Personal, connector: Connector, sender: Sender) -> Personal | None:
        request = connector.render_speaker(sender, name.reveal(), self._picture)
        if request is None:
            return None
        async with asyncio.timeout(MAKE_S):
            result = connector.classify(await connector.send(request))
        if result.outcome is not Outcome.ACCEPTED or result.channel_id is None:
            log.warning("speaker.not_made", sender=sender.id, code=result.code)
            return None
        await self._speakers.keep(sender.id, name, result.channel_id)
        return result.channel_id
