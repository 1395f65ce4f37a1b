"""The desk's lists: which conversation stands in which queue, and whose each one is. A view of what the conversations say.

A conversation lies in its contact's partition and the desk in one of its own, so the lists follow: `settle` writes where a
conversation stands, by its revision, and may come late, twice or out of order. What was not told is in `vd` (lua/_conv.lua).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from gateway.clock import Clock
from gateway.model.conversation import AgentId, Conversation, ConversationState
from gateway.model.ids import ConversationId
from gateway.model.webcare import LIVE, Figures
from gateway.store import bulk, keys, scripts
from gateway.store.ahead import Ahead
from gateway.store.looks import next_look_ms

AT = "{desk}at"
ALL = "{desk}all"
QUEUE = "{desk}q:"
DONE = "{desk}done"
FEED = "{desk}feed"
NOTHING_RESERVED: Mapping[ConversationId, tuple[AgentId, str]] = {}


@dataclass(frozen=True, slots=True)
class FeedItem:
    """Something about a conversation changed. id: its place in the feed; place "" = its thread alone changed."""

    id: str
    conversation: ConversationId
    place: str


def place_of(conversation: Conversation) -> str:
    if conversation.resolved:
        return "done"
    if conversation.owner is not None:
        return f"mine:{conversation.owner}"
    return f"q:{conversation.queue}" if conversation.state is ConversationState.QUEUED else "auto"


def _list(place: str) -> str:
    """The list that a place means; the hash itself stands in where there is none, as a script's keys cannot be empty."""
    return f"{{desk}}{place}" if place.startswith(("q:", "mine:")) else AT


def _keys(known: str, place: str) -> list[str]:
    """KEYS of conv_desk: where it stood, and where it stands."""
    was = known.partition("|")[2]
    before, after = was.removeprefix("mine:"), place.removeprefix("mine:")
    slots = [keys.slots(agent) if agent != whole else AT for agent, whole in ((before, was), (after, place))]
    left = keys.presence(before) if before != was else AT
    return [AT, ALL, DONE, FEED, _list(was), _list(place), keys.DESK_DUE, *slots, left]


class Desk:
    def __init__(self, redis: Redis, clock: Clock, figures: Callable[[str], Figures] = lambda brand: Figures()) -> None:
        """figures: a brand's numbers, which say when to look again"""
        self._redis: Any = redis
        self._clock = clock
        self._figures = figures

    async def settle(self, conversation: Conversation) -> None:
        """Let the lists say where a conversation stands; older news than they know changes nothing."""
        await self.settle_many([conversation])

    async def settle_many(
        self,
        conversations: Sequence[Conversation],
        ahead: Ahead | None = None,
        reserved: Mapping[ConversationId, tuple[AgentId, str]] = NOTHING_RESERVED,
    ) -> set[ConversationId]:
        """The same for many; those that the lists know now, at this revision or a newer one.

        ahead:    may hold what the lists know of them (`known_by`), read a moment ago
        reserved: reservations (agent, token) that are not needed any more once the lists know it
        """
        known: set[ConversationId] = set()
        left = list(conversations)
        for _ in range(20):
            if not left:
                break
            held = await bulk.values(self._redis, [self.known_by(one.id) for one in left], ahead=ahead)
            calls = [
                self._call(one, bytes(at).decode() if at else "", reserved.get(one.id))
                for one, at in zip(left, held, strict=True)
            ]
            answers = await bulk.run_scripts(self._redis, calls)
            known.update(one.id for one, answer in zip(left, answers, strict=True) if answer != b"again")
            left = [one for one in left if one.id not in known]
        # Who lost twenty races stays in `vd`, and the next sweep tells the desk.
        heard = [one for one in conversations if one.id in known]
        await self._asked(heard)
        await bulk.run_scripts(
            self._redis, [("conv_heard", [keys.beside(one.id, "vd")], [one.id, one.revision]) for one in heard]
        )
        return known

    @staticmethod
    def known_by(conversation: ConversationId) -> bulk.Command:
        """Asks what the lists know of it."""
        return ("HGET", AT, conversation)

    def _call(self, one: Conversation, known: str, reserved: tuple[AgentId, str] | None) -> scripts.Call:
        place = place_of(one)
        score = one.owner_since_ms if one.owner else one.rank_ms
        args: list[scripts.Part] = [one.id, one.revision, known, place, score, one.resolved_ms or one.opened_ms]
        args += ["1" if one.state in LIVE else "0", next_look_ms(one, self._figures(one.brand)), self._clock.offset_ms]
        agent, token = reserved or ("", "")
        names = [*_keys(known, place), keys.slots(agent) if agent else AT, keys.RESERVATIONS]
        return "conv_desk", names, [*args, agent, token]

    async def _asked(self, conversations: Sequence[Conversation]) -> None:
        """Whoever was asked by a note finds it in a list of their own; whoever reads the list takes out what is answered."""
        asked: list[bulk.Command] = [
            ("ZADD", keys.asked(agent), until, one.id) for one in conversations for agent, until in one.consulted.items()
        ]
        if asked:
            await bulk.values(self._redis, asked)

    async def asked(self, agent: AgentId) -> list[ConversationId]:
        """What a colleague may be asked about, soonest due first; the conversation itself says whether they still are."""
        return _ids(await self._redis.zrange(keys.asked(agent), 0, 99))

    async def asked_of(self, agents: Sequence[AgentId]) -> list[list[ConversationId]]:
        """The same per agent, in one round trip."""
        commands: list[bulk.Command] = [("ZRANGE", keys.asked(one), 0, 99) for one in agents]
        return [_ids(answer) for answer in await bulk.values(self._redis, commands)]

    async def answered(self, agent: AgentId, conversations: Sequence[ConversationId]) -> None:
        """They are not asked about these any more."""
        if conversations:
            await self._redis.zrem(keys.asked(agent), *conversations)

    async def heard(self, conversation: Conversation) -> None:
        """The desk knows this revision, or a newer one."""
        await scripts.run(
            self._redis, "conv_heard", [keys.beside(conversation.id, "vd")], [conversation.id, conversation.revision]
        )

    async def touched(self, conversation: ConversationId) -> None:
        """Tell open pages that a thread has something new though no list changed."""
        await self._redis.xadd(FEED, {"v": conversation, "r": 0, "p": ""}, maxlen=2000, approximate=True)

    async def queue(self, name: str, limit: int = 200) -> list[ConversationId]:
        """Who is answered first comes first (`Conversation.rank_ms`)."""
        return _ids(await self._redis.zrange(QUEUE + name, 0, limit - 1))

    async def mine(self, agent: AgentId) -> list[ConversationId]:
        return _ids(await self._redis.zrange(f"{{desk}}mine:{agent}", 0, -1))

    async def mine_of(self, agents: Sequence[AgentId]) -> list[list[ConversationId]]:
        """Per agent, in one round trip."""
        commands: list[bulk.Command] = [("ZRANGE", keys.mine(one), 0, -1) for one in agents]
        return [_ids(answer) for answer in await bulk.values(self._redis, commands)]

    async def due(self, now_ms: int, limit: int = 500) -> list[ConversationId]:
        """At which somebody must look because of the time, longest due first."""
        return _ids(await self._redis.zrange(keys.DESK_DUE, "-inf", now_ms, byscore=True, offset=0, num=limit))

    async def look_again(self, seen: Sequence[Conversation], soon_ms: int) -> None:
        """Nothing was to be done about these, or nothing could be: looked at when it is their time, soon_ms at the earliest.

        So what stands first and does not move keeps nobody from being looked at.
        """
        calls: list[scripts.Call] = []
        for one in seen:
            due = next_look_ms(one, self._figures(one.brand))
            calls.append(("desk_due", [keys.DESK_DUE, AT], [one.id, one.revision, max(due, soon_ms) if due else 0]))
        await bulk.run_scripts(self._redis, calls)

    async def unresolved(self, limit: int = 1000) -> list[ConversationId]:
        return _ids(await self._redis.zrange(ALL, 0, limit - 1))

    async def resolved(self, limit: int = 50) -> list[ConversationId]:
        """Newest first."""
        return _ids(await self._redis.zrange(DONE, 0, limit - 1, desc=True))

    async def known(self, conversations: Sequence[ConversationId]) -> list[int]:
        """Per conversation the revision that the lists know, 0 for none."""
        if not conversations:
            return []
        held = await self._redis.hmget(AT, list(conversations))
        return [int(bytes(one).split(b"|", 1)[0]) if one else 0 for one in held]

    async def forget(self, conversations: Sequence[ConversationId]) -> None:
        """Take conversations that are gone out of every list."""
        for conversation in conversations:
            held = await self._redis.hget(AT, conversation)
            place = bytes(held).decode().partition("|")[2] if held else ""
            pipeline = self._redis.pipeline(transaction=False)
            if _list(place) != AT:
                pipeline.zrem(_list(place), conversation)
            pipeline.zrem(ALL, conversation)
            pipeline.zrem(DONE, conversation)
            pipeline.zrem(keys.DESK_DUE, conversation)
            if place.startswith("mine:"):
                pipeline.hdel(keys.slots(place.removeprefix("mine:")), conversation)
            pipeline.hdel(AT, conversation)
            await pipeline.execute()

    async def trim(self, before_ms: int) -> int:
        """Forget what was resolved before a time. It cannot come back: after so long new words open a new conversation."""
        old = _ids(await self._redis.zrange(DONE, "-inf", before_ms, byscore=True, offset=0, num=500))
        await self.forget(old)
        return len(old)

    async def newest(self) -> str:
        """The end of the feed: where a page that was just drawn starts to listen."""
        last = await self._redis.xrevrange(FEED, count=1)
        return bytes(last[0][0]).decode() if last else "0-0"

    async def oldest(self) -> str:
        first = await self._redis.xrange(FEED, count=1)
        return bytes(first[0][0]).decode() if first else "0-0"

    async def listen(self, since: str, wait_ms: int) -> list[FeedItem]:
        """What came after `since`; waits up to `wait_ms` (under the client's own time limit) for the first one."""
        try:
            answer = await self._redis.xread({FEED: since}, count=500, block=wait_ms)
        except ResponseError as error:
            raise ValueError("not a place in the feed") from error
        rows = answer[0][1] if isinstance(answer, list) and answer else []
        if isinstance(answer, dict):
            rows = [row for lists in answer.values() for part in lists for row in part]
        return [
            FeedItem(bytes(place).decode(), ConversationId(bytes(f[b"v"]).decode()), bytes(f[b"p"]).decode())
            for place, f in rows
        ]


def _ids(raw: Sequence[bytes]) -> list[ConversationId]:
    return [ConversationId(bytes(one).decode()) for one in raw]
