"""Files that people send: fetched once whoever dies in between, shown only as far as is safe, gone with their contact."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.connector import Connector, RawResponse, RenderedRequest, Sender
from gateway.errors import CannotRender, NotFound, TooLarge
from gateway.model.contact import Identifier
from gateway.model.conversation import InboundEntry
from gateway.model.ids import ContactId, ConversationId, SenderId
from gateway.model.media import PRIVATE_MS, Kept, MediaState
from gateway.model.personal import Personal, Secret
from gateway.store import keys, media
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.media import DUE, Media
from gateway.store.vault import KeyRing, Vault
from gateway.webcare import private
from gateway.webcare.fetch import Fetching, attempt, fetch
from gateway.webcare.files import get_file
from gateway.webcare.scan import NotScanned
from tests.unit.test_filetypes import picture, voice

SENDER = SenderId("zz-wa")
PDF = b"%PDF-1.7\nfive words in a document"


@dataclass
class Channel:
    """A channel with files: an id leads to an address, an address to bytes. It forgets and fails as it is told."""

    files: dict[str, bytes] = field(default_factory=dict)
    answers: list[int | Exception] = field(default_factory=list)
    """what the next requests are answered with instead"""
    asked: int = 0

    def render_media_lookup(self, sender: Sender, media_id: Personal) -> RenderedRequest:
        if not media_id.reveal():
            raise CannotRender("no id")
        return RenderedRequest("GET", f"/{media_id.reveal()}", sender.id, sender.token)

    def render_media_download(self, sender: Sender, lookup: RawResponse) -> RenderedRequest:
        return RenderedRequest("GET", lookup.body.decode(), sender.id, sender.token, wants_bytes=True)

    async def send(self, request: RenderedRequest) -> RawResponse:
        self.asked += 1
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return RawResponse(answer, {}, b"")
        name = request.path.lstrip("/")
        if name not in self.files:
            return RawResponse(404, {}, b"")
        return RawResponse(200, {}, self.files[name] if request.wants_bytes else request.path.encode())


@dataclass
class Scan:
    verdicts: list[bool | None]

    async def clean(self, data: bytes, mime: str) -> bool:
        verdict = self.verdicts.pop(0)
        if verdict is None:
            raise NotScanned("silent")
        return verdict


@dataclass
class Stage:
    redis: Any
    clock: Clock
    vault: Vault
    media: Media
    conversations: Conversations
    channel: Channel
    contact: ContactId
    conversation: ConversationId
    folder: Path
    told: list[ConversationId] = field(default_factory=list)

    def deps(self, scanner: Scan | None = None, largest: int = 1_000_000) -> Fetching:
        sender = Sender(SENDER, "x", "zz", {}, "", Secret("t"))
        connector: Any = self.channel

        async def told(conversation: ConversationId) -> None:
            self.told.append(conversation)

        def ways(sender_id: SenderId) -> tuple[Sender, Connector] | None:
            return (sender, connector) if sender_id == SENDER else None

        return Fetching(self.media, ways, largest, told, scanner)

    async def comes(self, name: str, data: bytes | None, mime: str = "", filename: str = "", voice: bool = False) -> str:
        """Somebody sends a file; its ref. data None: the channel has lost it."""
        if data is not None:
            self.channel.files[name] = data
        told = {"channel_media_id": name, "mime": mime, "filename": filename, **({"voice": "yes"} if voice else {})}
        await self.media.want(self.conversation, self.contact, SENDER, f"entry-{name}", [told])
        return self.media.ref(self.contact, f"entry-{name}", 0)

    async def turn(self, deps: Fetching | None = None) -> list[Kept]:
        """Fetch what is due, once; what was."""
        due = await self.media.claim(10, 1000)
        for one in due:
            await fetch(deps or self.deps(), one)
        return due

    async def found(self, ref: str) -> Kept:
        kept = await self.media.get(self.contact, ref)
        assert kept is not None
        return kept

    async def facts(self) -> list[str]:
        rows = await self.redis.xrange(keys.beside(self.contact, "facts"))
        return [bytes(row[b"f"]).decode() for _, row in rows if b"|media" in row[b"f"]]


@pytest.fixture
async def stage(redis: Redis, tmp_path: Path) -> Stage:
    clock = Clock()
    vault = Vault(KeyRing(KeyRing.generate()), redis)
    contacts, conversations = Contacts(redis, clock, vault), Conversations(redis, clock, vault)
    contact, address = await contacts.reserve("whatsapp", Identifier("phone", "", Personal("+447700900101")))
    item = InboundEntry("k1", "text", Personal("look"), clock.now_ms())
    conversation = await conversations.add_inbound(contact, "zz", address, SENDER, item=item)
    made = Media(redis, clock, vault, tmp_path / "media")
    return Stage(redis, clock, vault, made, conversations, Channel(), contact, conversation, tmp_path / "media")


async def test_files_are_fetched_once_and_kept_sealed(stage: Stage) -> None:
    photo, said, paper = picture("JPEG", size=(800, 400)), voice(7), PDF
    refs = [
        await stage.comes("1", photo, "image/jpeg"),
        await stage.comes("2", said, "audio/ogg", voice=True),
        await stage.comes("3", paper, "application/pdf", "my ticket.pdf"),
    ]
    await stage.comes("3", paper)  # the webhook again
    assert len(await stage.turn()) == 3
    assert await stage.turn() == []
    kept = [await stage.found(ref) for ref in refs]
    assert [one.state for one in kept] == [MediaState.UNSCANNED] * 3
    assert (kept[0].mime, kept[0].width, kept[0].height) == ("image/jpeg", 800, 400)
    assert (kept[1].seconds, kept[1].voice) == (7, True)
    assert await stage.media.read(kept[2]) == paper
    assert kept[2].filename.reveal() == "my ticket.pdf"
    on_disk = b"".join(one.read_bytes() for one in stage.folder.rglob("*") if one.is_file())
    assert b"five words" not in on_disk
    for name in await stage.redis.keys():
        assert b"my ticket" not in await stage.redis.dump(name)
    assert await stage.media.settle(kept[2], paper), "by somebody whose answer was lost"
    assert [fact.split("|")[2] for fact in await stage.facts()] == ["media_kept"] * 3
    await stage.comes("3", paper)  # and much later
    assert await stage.turn() == []


async def test_an_address_that_ran_out_is_asked_for_anew_and_a_file_that_is_lost_is_said_to_be(stage: Stage) -> None:
    ref = await stage.comes("1", PDF)
    lost = await stage.comes("2", None)
    never = await stage.comes("", PDF)
    stage.channel.answers = [200, 404]
    stage.channel.files["0"] = b""
    for _ in range(4):
        await stage.turn()
        stage.clock.offset_ms += 3_700_000
    kept = await stage.found(ref)
    assert await stage.media.read(kept) == PDF
    assert [(await stage.found(one)).state for one in (lost, never)] == [MediaState.LOST] * 2
    assert await stage.redis.zcard(DUE) == 0


async def test_what_nobody_answers_is_tried_for_an_hour_and_then_parked(stage: Stage) -> None:
    ref = await stage.comes("1", PDF)
    stage.channel.answers = [TimeoutError(), 500, 429, 401, OSError(), 503, 500, 500]
    waited: list[float] = []
    for _ in range(8):
        assert len(await stage.turn()) == 1
        assert await stage.turn() == [], "not before its time"
        due = await stage.redis.zscore(DUE, f"{stage.contact}:{ref}")
        if due is None:
            break
        waited.append(round((due - stage.clock.now_ms()) / 1000))
        stage.clock.offset_ms = int(due - Clock().now_ms()) + 1
    assert waited == [1, 3, 10, 60, 300, 1200, 3600]
    assert (await stage.found(ref)).state is MediaState.PARKED


async def test_with_a_scanner_nothing_is_shown_before_its_verdict(stage: Stage) -> None:
    refs = []
    for name in "123":  # a moment apart: the scanner is asked in this order
        refs.append(await stage.comes(name, PDF))
        stage.clock.offset_ms += 1
    clean, bad, silent = refs
    deps = stage.deps(Scan([True, False, None]))
    await stage.turn(deps)
    assert (await stage.found(clean)).state is MediaState.CLEAN
    infected, waiting = await stage.found(bad), await stage.found(silent)
    assert (infected.state, waiting.state) == (MediaState.INFECTED, MediaState.WANTED)
    assert await stage.media.read(infected) is None
    assert await stage.media.read(waiting) is None
    assert len(list(stage.folder.rglob(bad))) == len(list(stage.folder.rglob(silent))) == 0


async def test_what_is_too_large_or_of_no_known_kind_is_refused_without_its_bytes(stage: Stage) -> None:
    refs = [
        await stage.comes("1", b"<svg onload=alert(1)>", "image/svg+xml"),
        await stage.comes("2", PDF * 100, "application/pdf"),
        await stage.comes("3", picture("PNG")[:50], "image/png"),
        await stage.comes("4", b"", "image/png"),
    ]
    await stage.turn(stage.deps(largest=1000))
    assert [(await stage.found(ref)).state for ref in refs] == [MediaState.REFUSED] * 4
    assert not [one for one in stage.folder.rglob("*") if one.is_file()]
    why = [fact.rsplit("why=", 1)[1].split()[0] for fact in await stage.facts()]
    assert sorted(why) == ["kind", "picture", "size", "size"]


async def test_a_file_longer_than_anything_that_is_kept_is_not_asked_for_again(stage: Stage) -> None:
    ref = await stage.comes("1", PDF)
    stage.channel.answers = [200, TooLarge("long")]
    await stage.turn()
    assert (await stage.found(ref)).state is MediaState.REFUSED
    assert await stage.redis.zcard(DUE) == 0


async def test_a_full_directory_costs_tries_and_leaves_no_half_file(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = await stage.comes("1", PDF)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(media.os, "fsync", full)
    deps = stage.deps()
    for tries in range(1, 9):
        (due,) = await stage.media.claim(10, 1000)
        await attempt(deps, due)
        assert [one for one in stage.folder.rglob("*") if one.is_file()] == []
        if tries < 8:
            assert (await stage.found(ref)).tries == tries
            stage.clock.offset_ms += 3600_001
    assert (await stage.found(ref)).state is MediaState.PARKED
    assert await stage.redis.zcard(DUE) == 0


async def test_a_process_that_dies_while_it_fetches_leaves_the_file_to_the_next(stage: Stage) -> None:
    ref = await stage.comes("1", PDF)
    await stage.media.claim(10, 1000)  # and nothing more
    assert await stage.turn() == []
    stage.clock.offset_ms += 1100
    assert len(await stage.turn()) == 1
    assert (await stage.found(ref)).state is MediaState.UNSCANNED
    other = await stage.comes("2", PDF)
    await stage.redis.zrem(DUE, f"{stage.contact}:{other}")  # died between record and list; the webhook is applied again
    await stage.comes("2", PDF)
    assert [one.ref for one in await stage.turn()] == [other]


async def test_erasing_a_person_makes_their_files_unreadable_and_takes_them_away(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await stage.comes("1", PDF)
    await stage.turn()
    kept = await stage.found(ref)
    await stage.comes("2", PDF)
    (waiting,) = await stage.media.claim(10, 1000)
    await stage.redis.hset(keys.of(stage.contact, "f"), "erasing", "1")
    await stage.conversations.erase(stage.contact)
    await fetch(stage.deps(), waiting)  # it was under way
    assert not await stage.redis.exists(keys.of(stage.contact, "md"))
    await stage.redis.delete(keys.of(stage.contact, "k"))
    stage.vault.forget(stage.contact)
    assert await stage.media.read(kept) is None
    monkeypatch.setattr(media, "SETTLING_S", -1)
    await stage.media.sweep(int(stage.contact[1:3]))
    assert not list(stage.folder.rglob("*/*/*"))


async def test_a_file_past_its_days_is_known_no_more_though_its_neighbour_is(stage: Stage) -> None:
    old = await stage.comes("1", PDF)
    await stage.turn()
    stage.clock.offset_ms += 29 * keys.DAY_MS
    young = await stage.comes("2", PDF)
    await stage.turn()
    stage.clock.offset_ms += 2 * keys.DAY_MS
    assert await stage.media.get(stage.contact, old) is None
    assert (await stage.found(young)).state is MediaState.UNSCANNED


async def test_two_who_fetch_the_same_file_leave_one(stage: Stage) -> None:
    ref = await stage.comes("1", PDF)
    (due,) = await stage.media.claim(10, 1000)
    await asyncio.gather(fetch(stage.deps(), due), fetch(stage.deps(), replace(due)))
    assert await stage.media.read(await stage.found(ref)) == PDF
    assert [one.name for one in stage.folder.rglob("*") if one.is_file()] == [ref]


async def test_a_file_is_not_reached_by_the_way_of_another_conversation_of_the_same_person(stage: Stage) -> None:
    ref = await stage.comes("1", PDF)
    await stage.turn()
    one = await stage.conversations.get(stage.conversation)
    other = await stage.conversations.add_inbound(
        one.contact, "exr", one.address, SENDER, item=InboundEntry("k2", "text", Personal("hi"), stage.clock.now_ms())
    )
    deps: Any = SimpleNamespace(media=stage.media)
    assert (await get_file(deps, one, ref, save=True)).body == PDF
    with pytest.raises(NotFound):
        await get_file(deps, await stage.conversations.get(other), ref, save=True)


async def test_what_shows_who_somebody_is_goes_a_day_after_it_came_and_its_neighbour_stays(stage: Stage) -> None:
    passport, other, none = [await stage.comes(name, PDF) for name in "123"]
    one = await stage.conversations.get(stage.conversation)
    desk: Any = SimpleNamespace(media=stage.media, conversations=stage.conversations)
    with pytest.raises(NotFound):
        await private.mark(desk, one, {"file": passport, "on": True})  # it is still being fetched
    await stage.turn()
    for ref in (passport, none):
        await private.mark(desk, one, {"file": ref, "on": True})
    await private.mark(desk, one, {"file": none, "on": False})
    place = stage.folder / stage.contact[1:3] / stage.contact
    assert await stage.media.purge() == 0
    stage.clock.offset_ms += PRIVATE_MS + 1000
    assert await stage.media.many(stage.contact, [passport]) == [None], "served no more, whenever it is deleted"
    assert (place / passport).exists()
    assert await stage.media.purge() == 1
    assert sorted(one.name for one in place.iterdir()) == sorted([other, none])
    assert await stage.media.purge() == 0
    kinds = [fact.split("|")[2] for fact in await stage.facts()]
    sent = {"channel_media_id": "4", "mime": "", "filename": ""}
    stage.channel.files["4"] = PDF
    await stage.media.want(stage.conversation, stage.contact, SENDER, "entry-4", [sent], private=True)
    await stage.turn()
    asked_for = stage.media.ref(stage.contact, "entry-4", 0)
    assert (await stage.found(asked_for)).until_ms, "fetched, it ends all the same"
    stage.clock.offset_ms += PRIVATE_MS + 1000
    assert await stage.media.purge() == 1
    assert not (place / asked_for).exists()
    assert kinds == ["media_kept"] * 3 + ["media_private"] * 3 + ["media_deleted"]
