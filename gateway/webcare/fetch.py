"""Files that people send, from the channel to the desk: fetched at once, looked at, scanned, kept sealed.

The webhook only says that there is a file; it is fetched here, by whichever process of the webcare role is first, so that no
thread waits for it. Each try begins from the channel's own id: an address that it hands out lives for five minutes, and one that
ran out is asked for anew. What the channel has no more is LOST after three tries, what nobody answers is PARKED after eight (an
hour and a half): the thread says so in words, and that they can send it again.

Without a scanner a picture is shown all the same, as it is drawn anew (pictures.py), sound and film are left to the browser's
own players, and a document is a download with a warning. With one nothing is shown before its verdict, and a picture is drawn
anew too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from gateway.connector import Connector, RawResponse, RenderedRequest, Sender
from gateway.crashpoint import crash_point
from gateway.errors import CannotRender, GatewayError, TooLarge
from gateway.model.ids import ConversationId, SenderId
from gateway.model.media import Kept, Look, MediaState
from gateway.rules.filetypes import look_of, seconds_of, type_of
from gateway.store.media import Media
from gateway.webcare.live import being_cancelled
from gateway.webcare.pictures import NoPicture, draw_anew
from gateway.webcare.scan import NotScanned, Scanner

AT_ONCE = 4
LOOK_S = 0.5
LEASE_MS = 180_000
FETCH_S = 60.0
WAITS_S = (1, 3, 10, 60, 300, 1200, 3600)
LOST_AFTER = 3
SWEEP_S = 10.0
"""A partition each: all of them in ten minutes."""


class _Gone(Exception):
    """The channel says that it has no such file."""


class _TooLong(Exception):
    """Its answer was longer than any file that is kept."""


class _Again(Exception):
    """No answer that tells anything. why: a word."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """What fetching needs. ways: a sender and its connector by the sender's id; largest: bytes; told: a conversation has news"""

    media: Media
    ways: Callable[[SenderId], tuple[Sender, Connector] | None]
    largest: int
    told: Callable[[ConversationId], Awaitable[None]]
    scanner: Scanner | None = None


async def run_fetching(deps: Fetching) -> None:
    """Until cancelled."""
    partition = 0
    swept = asyncio.get_running_loop().time()
    while not being_cancelled():
        try:
            due = await deps.media.claim(AT_ONCE, LEASE_MS)
            async with asyncio.TaskGroup() as group:
                for one in due:
                    group.create_task(attempt(deps, one), name="media")
            if asyncio.get_running_loop().time() - swept > SWEEP_S:
                while await deps.media.purge():
                    pass
                swept, partition = asyncio.get_running_loop().time(), (partition + 1) % 64
                await deps.media.sweep(partition)
            if due:
                continue
        except Exception as error:  # the top of a loop
            structlog.get_logger().warning("media.failed", error=type(error).__name__)
        await asyncio.sleep(LOOK_S)


async def attempt(deps: Fetching, kept: Kept) -> None:
    """One file, once. Never raises but for cancellation: its neighbours are being fetched too.

    What breaks here (a full directory, a file that a decoder stumbles over) counts as a try: nothing is begun for ever.
    """
    try:
        try:
            async with asyncio.timeout(LEASE_MS / 1000 - 10):
                await fetch(deps, kept)
        except Exception as error:
            structlog.get_logger().warning("media.not_fetched", conversation_id=kept.conversation, error=type(error).__name__)
            await _retry(deps, kept, MediaState.PARKED, len(WAITS_S) + 1, "broken")
        await deps.told(kept.conversation)
    except Exception as error:  # the top of a request; the store does not answer: its lease runs out, and it is due again
        structlog.get_logger().warning("media.not_settled", conversation_id=kept.conversation, error=type(error).__name__)


async def fetch(deps: Fetching, kept: Kept) -> None:
    """Fetch, look, scan, keep; or say when again. Raises StoreUnavailable."""
    try:
        data = await _download(deps, kept)
    except _Gone:
        await _retry(deps, kept, MediaState.LOST, LOST_AFTER, "gone")
        return
    except _TooLong:
        await deps.media.settle(replace(kept, state=MediaState.REFUSED), why="size")
        return
    except _Again as error:
        await _retry(deps, kept, MediaState.PARKED, len(WAITS_S) + 1, str(error))
        return
    crash_point("media.fetched")
    mime = type_of(data, kept.told)
    kept = replace(kept, mime=mime, size=len(data))
    look = look_of(mime)
    if len(data) > deps.largest or not data:
        await deps.media.settle(replace(kept, state=MediaState.REFUSED), why="size")
        return
    if deps.scanner is not None:
        try:
            if not await deps.scanner.clean(data, mime):
                await deps.media.settle(replace(kept, state=MediaState.INFECTED), why="infected")
                return
        except NotScanned:
            await _retry(deps, kept, MediaState.PARKED, len(WAITS_S) + 1, "scan")
            return
    if look is Look.UNKNOWN:
        await deps.media.settle(replace(kept, state=MediaState.REFUSED), why="kind")
        return
    state = MediaState.CLEAN if deps.scanner is not None else MediaState.UNSCANNED
    kept = replace(kept, state=state, seconds=seconds_of(data, mime))
    if look is Look.PICTURE:
        try:
            drawn = await asyncio.to_thread(draw_anew, data)
        except NoPicture:
            await deps.media.settle(replace(kept, state=MediaState.REFUSED), why="picture")
            return
        data = drawn.data
        kept = replace(kept, mime=drawn.mime, size=len(data), width=drawn.width, height=drawn.height)
    await deps.media.settle(kept, data)


async def _retry(deps: Fetching, kept: Kept, end: MediaState, most: int, why: str) -> None:
    if kept.tries + 1 >= most:
        await deps.media.settle(replace(kept, state=end), why=why)
    else:
        await deps.media.again(kept, WAITS_S[min(kept.tries, len(WAITS_S) - 1)] * 1000)


async def _download(deps: Fetching, kept: Kept) -> bytes:
    way = deps.ways(kept.sender)
    if way is None:
        raise _Again("sender")
    sender, connector = way
    try:
        request = connector.render_media_lookup(sender, kept.source)
        answer = await _asked(connector, request)
        if not request.wants_bytes:
            answer = await _asked(connector, connector.render_media_download(sender, answer))
    except CannotRender:  # an id that is none, an answer without an address, a host that is not the channel's
        raise _Gone from None
    return answer.body


async def _asked(connector: Connector, request: RenderedRequest) -> RawResponse:
    try:
        async with asyncio.timeout(FETCH_S):
            answer = await connector.send(request)
    except TooLarge:
        raise _TooLong from None
    except (OSError, TimeoutError, GatewayError) as error:
        raise _Again(type(error).__name__) from None
    if answer.status == 200:
        return answer
    # Which of the channel's refusals means "gone" differs; one that is about us (401, 429) or its own trouble (5xx) may pass.
    raise _Gone if answer.status in (400, 403, 404, 410) else _Again(str(answer.status))
