"""Files of conversations: what is known of each in the store, the bytes sealed in files beside it.

Why not the bytes too: 200 people a day who send a photo each are 2.4 GB in a month, all of it memory that must be replicated and
saved with every copy; a directory costs nothing. What names a file (`md:C`, one hash a contact) lives in the contact's partition
and ends with it; the bytes are sealed with the contact's key, so that erasing the contact makes them unreadable in that
moment, on every host and in every backup, and the sweep takes the files away.

Order: bytes first, then the record that says they are there. A process that dies in between leaves a file that the next try
writes again. Two who fetch one file at once write the same. Nothing here is ever looked for by walking the store.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import NotFound, Sealed
from gateway.model.ids import ContactId, ConversationId, SenderId, is_id
from gateway.model.media import HELD, PRIVATE_MS, Kept, MediaState
from gateway.model.personal import Personal
from gateway.store import keys, scripts
from gateway.store.audit import write_fact
from gateway.store.vault import Vault

DUE = "{desk}media"
PRIVATE = "{desk}private"
PURGED_AT_ONCE = 50
KEEP_DAYS = 30
SETTLING_S = 600
"""A folder that changed since may hold a file whose record is on its way."""
_FORMAT = "1"
_FACTS = {
    MediaState.WANTED: "",
    MediaState.CLEAN: "media_kept",
    MediaState.UNSCANNED: "media_kept",
    MediaState.OURS: "media_kept",
    MediaState.INFECTED: "media_refused",
    MediaState.REFUSED: "media_refused",
    MediaState.LOST: "media_lost",
    MediaState.PARKED: "media_lost",
}


class Media:
    def __init__(self, redis: Redis, clock: Clock, vault: Vault, folder: Path, *, keep_days: int = KEEP_DAYS) -> None:
        """folder: one directory for all processes of the installation that show or fetch files"""
        self._redis: Any = redis
        self._clock = clock
        self._vault = vault
        self._folder = folder
        self._keep_ms = keep_days * keys.DAY_MS

    def entry_key(self, contact: ContactId, key: str) -> str:
        """The key that a line of theirs has in the thread. key: of the InboundEntry"""
        return self._vault.blind("entry", contact, key)

    def ref(self, contact: ContactId, entry: str, number: int) -> str:
        """What names a line's file. entry: the line's key; number: 0 the first file"""
        return self._vault.blind("file", contact, entry, str(number))

    async def want(
        self, conversation: ConversationId, contact: ContactId, sender: SenderId, entry: str,
        files: Sequence[Mapping[str, str]], *, private: bool = False,
    ) -> None:  # fmt: skip
        """Have files of a line of theirs fetched. Repeatable; wanted again after it was fetched, nothing happens.

        files:   as the line keeps them: channel_media_id, mime, filename, voice
        private: they show who somebody is, and are deleted in a day
        """
        now = self._clock.now_ms()
        for number, one in enumerate(files):
            kept = Kept(
                ref=self.ref(contact, entry, number),
                contact=contact,
                conversation=conversation,
                sender=sender,
                state=MediaState.WANTED,
                at_ms=now,
                voice=one.get("voice") == "yes",
                source=Personal(one.get("channel_media_id", "")),
                filename=Personal(one.get("filename", "")),
                told=one.get("mime", ""),
                until_ms=now + PRIVATE_MS if private else 0,
            )
            if private:  # before its record, as in `mark`
                await self._redis.zadd(PRIVATE, {f"{contact}:{kept.ref}": kept.until_ms}, nx=True)
            written = await self._write(kept, new=True)
            # Known already, but perhaps by a process that died before this: it is due for as long as it stands as wanted.
            if written or (written == 0 and (found := await self.get(contact, kept.ref)) and found.state is MediaState.WANTED):
                await self._redis.zadd(DUE, {f"{contact}:{kept.ref}": now}, nx=True)

    async def claim(self, limit: int, lease_ms: int) -> list[Kept]:
        """Files that are due, theirs who asks for `lease_ms`. What is no longer known is dropped."""
        raw = await scripts.run(self._redis, "media_claim", [DUE], [self._clock.now_ms(), limit, lease_ms])
        found: list[Kept] = []
        for member in raw:
            contact, _, ref = bytes(member).decode().partition(":")
            kept = await self.get(ContactId(contact), ref) if is_id(contact, "c") else None
            if kept is None or kept.state is not MediaState.WANTED:
                await self._redis.zrem(DUE, member)
            else:
                found.append(kept)
        return found

    async def again(self, kept: Kept, wait_ms: int) -> None:
        """It did not work this time."""
        await self._write(replace(kept, tries=kept.tries + 1))
        await self._redis.zadd(DUE, {f"{kept.contact}:{kept.ref}": self._clock.now_ms() + wait_ms})

    async def settle(self, kept: Kept, data: bytes | None = None, why: str = "") -> bool:
        """How it ended, with its bytes where the state holds any; False where its contact is being erased.

        why: a word for the fact, no personal data
        """
        if kept.state in HELD:
            assert data is not None
            try:
                box = await self._vault.contact_box(kept.contact)
            except (Sealed, NotFound):
                return False
            await asyncio.to_thread(self._put, kept, lambda: box.seal(data, f"file:{kept.ref}"))
        written = await self._write(kept, why=why or kept.state.value)
        await self._redis.zrem(DUE, f"{kept.contact}:{kept.ref}")
        if written < 0:
            await asyncio.to_thread(shutil.rmtree, self._place(kept.contact), True)
        return written > 0

    async def get(self, contact: ContactId, ref: str) -> Kept | None:
        return (await self.many(contact, [ref]))[0]

    async def many(self, contact: ContactId, refs: Sequence[str]) -> list[Kept | None]:
        """In the order asked for; None for one that is unknown, forgotten or erased."""
        if not refs:
            return []
        raws = await self._redis.hmget(keys.of(contact, "md"), list(refs))
        if not any(raws):
            return [None] * len(refs)
        try:
            box = await self._vault.contact_box(contact)
        except (Sealed, NotFound):
            return [None] * len(refs)
        found: list[Kept | None] = []
        for ref, raw in zip(refs, raws, strict=True):
            kept = None
            if raw is not None:
                head, _, sealed = bytes(raw).partition(b"\n")
                try:
                    kept = _parse(contact, ref, head.decode(), box.open_json(sealed, f"md:{ref}"))
                except Sealed:
                    kept = None
            # Each file has its own end; the hash as a whole ends with its youngest.
            now = self._clock.now_ms()
            over = kept is None or now - kept.at_ms >= self._keep_ms or (kept.until_ms and now >= kept.until_ms)
            found.append(None if over else kept)
        return found

    async def read(self, kept: Kept) -> bytes | None:
        """The bytes; None where they are gone, or were sealed for somebody who was erased."""
        if kept.state not in HELD:
            return None
        try:
            box = await self._vault.contact_box(kept.contact)
            return await asyncio.to_thread(lambda: box.open(self._file(kept).read_bytes(), f"file:{kept.ref}"))
        except (OSError, Sealed, NotFound):
            return None

    async def forget(self, contact: ContactId, ref: str) -> None:
        """Take one file away before its time: bytes, then what is known of it."""
        kept = await self.get(contact, ref)
        if kept is not None:
            await asyncio.to_thread(self._file(kept).unlink, True)
        await self._redis.hdel(keys.of(contact, "md"), ref)
        await self._redis.zrem(DUE, f"{contact}:{ref}")

    async def mark(self, kept: Kept, *, private: bool) -> Kept:
        """Let a file be deleted a day after it came, as identity documents are, or with all others after all. Repeatable.

        First where whoever deletes looks, then in its record: a process that dies in between deletes one too many, never one
        too few.
        """
        member, until_ms = f"{kept.contact}:{kept.ref}", kept.at_ms + PRIVATE_MS if private else 0
        if private:
            await self._redis.zadd(PRIVATE, {member: until_ms})
        marked = replace(kept, until_ms=until_ms)
        await self._write(marked, why="on" if private else "off", kind="media_private")
        if not private:
            await self._redis.zrem(PRIVATE, member)
        return marked

    async def purge(self) -> int:
        """Delete what was marked and whose time has come; how many. Two who do so at once delete the same."""
        now = self._clock.now_ms()
        due = await self._redis.zrangebyscore(PRIVATE, "-inf", now, start=0, num=PURGED_AT_ONCE)
        for member in due:
            contact, _, ref = bytes(member).decode().partition(":")
            if is_id(contact, "c") and ref.isalnum():
                raw = await self._redis.hget(keys.of(contact, "md"), ref)
                await asyncio.to_thread((self._place(ContactId(contact)) / ref).unlink, True)
                if raw is not None and await self._redis.hdel(keys.of(contact, "md"), ref):
                    conversation = bytes(raw).partition(b"\n")[0].decode().split("|")[3]
                    await write_fact(self._redis, self._clock, "media_deleted", ids=[conversation, contact], detail={})
            await self._redis.zrem(PRIVATE, member)
        return len(due)

    async def sweep(self, partition: int) -> int:
        """Take away the files of one partition that are past their time or whose contact is gone; how many."""
        folder = self._folder / f"{partition:02d}"
        names = await asyncio.to_thread(lambda: sorted(os.listdir(folder)) if folder.is_dir() else [])
        gone = 0
        for name in names:
            contact = ContactId(name)
            if not is_id(name, "c") or not await self._redis.exists(keys.of(contact, "md")):
                gone += await asyncio.to_thread(_drop, folder / name)  # nobody can read what is there
            else:
                gone += await asyncio.to_thread(self._drop_old, folder / name)
        return gone

    def _drop_old(self, place: Path) -> int:
        """By the server's own clock: a file's time is this host's."""
        old = [one for one in place.iterdir() if time.time() - one.stat().st_mtime > self._keep_ms / 1000]
        for one in old:
            one.unlink(missing_ok=True)
        return len(old)

    async def _write(self, kept: Kept, *, new: bool = False, why: str = "", kind: str = "") -> int:
        try:
            box = await self._vault.contact_box(kept.contact)
        except (Sealed, NotFound):
            return -1
        head = "|".join(
            str(part)
            for part in (
                _FORMAT, kept.state.value, kept.at_ms, kept.conversation, kept.sender, kept.tries, kept.mime, kept.size,
                kept.seconds, kept.width, kept.height, int(kept.voice),
            )
        )  # fmt: skip
        hidden: dict[str, str | int] = {"source": kept.source.reveal(), "name": kept.filename.reveal(), "told": kept.told}
        if kept.until_ms:
            hidden["until"] = kept.until_ms
        packed = head.encode() + b"\n" + box.seal_json(hidden, f"md:{kept.ref}")
        names = [keys.of(kept.contact, "md"), keys.of(kept.contact, "f"), keys.beside(kept.contact, "facts")]
        names.append(keys.of(kept.conversation, "cv"))
        how = "1" if new else "" if kind else "2"
        kind = kind or _FACTS[kept.state]
        detail = f"state={kept.state.value} why={why} size={kept.size} file={kept.ref}" if kind else ""
        args: list[scripts.Part] = [self._clock.offset_ms, kept.contact, kept.ref, packed, self._keep_ms, kind]
        return int(await scripts.run(self._redis, "media_settle", names, [*args, kept.conversation, detail, how]))

    def _place(self, contact: ContactId) -> Path:
        return self._folder / contact[1:3] / contact

    def _file(self, kept: Kept) -> Path:
        return self._place(kept.contact) / kept.ref

    def _put(self, kept: Kept, sealed: Any) -> None:
        """Whole or not at all, and on disk before the record says so."""
        place = self._place(kept.contact)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = place / f"{kept.ref}.{secrets.token_hex(6)}.part"  # two may write the same file at once
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(sealed())
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, place / kept.ref)
        except OSError:
            beside.unlink(missing_ok=True)  # no room: half a file would take what is left of it
            raise


def _drop(place: Path) -> int:
    if time.time() - place.stat().st_mtime < SETTLING_S:
        return 0
    count = len(list(place.iterdir())) if place.is_dir() else 0
    shutil.rmtree(place, ignore_errors=True)
    return count


def _parse(contact: ContactId, ref: str, head: str, hidden: Mapping[str, Any]) -> Kept:
    _, state, at, conversation, sender, tries, mime, size, seconds, width, height, voice = head.split("|")
    return Kept(
        ref, contact, ConversationId(conversation), SenderId(sender), MediaState(state), int(at), int(tries), mime, int(size),
        int(seconds), int(width), int(height), voice == "1", Personal(hidden["source"]), Personal(hidden["name"]), hidden["told"],
        int(hidden.get("until", 0)),
    )  # fmt: skip


__all__ = ["DUE", "Media"]
