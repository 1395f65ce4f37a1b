"""Seals personal data at rest, and finds it again without reading it.

- Each contact has a data key of its own (AES-256-GCM), wrapped by the key ring; destroying it erases everything sealed for them.
- Events, raw webhooks and inboxes are sealed under a key of the day, which the store forgets after 8 days.
- Subjects (what a flight is doing) are sealed under keys derived from the ring, for they outlive a day and belong to nobody.
- Addresses, channel ids and customer numbers are found by keyed hashes (`blind`): the same text gives the same hash, and
  nobody without the key can try numbers against it.

The ring is GATEWAY_KEYS: `index:<base64>,1:<base64>,2:<base64>`, 32 bytes each. The highest number wraps anew, all of them
unwrap. `index` never changes: with another one nothing would be found again.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import re
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from redis.asyncio import Redis

from gateway.errors import Sealed, SettingsError, StoreUnavailable
from gateway.model.ids import PARTITIONS, ContactId, EventId, SubjectId, encode32, from_digest, partition_of
from gateway.model.personal import Secret
from gateway.store import keys, packing, promised
from gateway.store.durability import judge_acks, queue_acks

_CACHE = 20_000
_DAYS = 12
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


class KeyMissing(StoreUnavailable):
    """Sealed under a wrapping key that GATEWAY_KEYS of this process lacks.

    An operator's mistake, which is mended: for this process the store does not answer until then. Nothing is lost, nothing may be
    thrown away, nobody is taken for erased.
    """


class KeyRing:
    """The wrapping keys and the index key. Raises SettingsError naming what is wrong, never showing a key."""

    def __init__(self, text: Secret) -> None:
        self.index = b""
        self.wrapping: dict[int, bytes] = {}
        for entry in filter(None, (part.strip() for part in text.reveal().split(","))):
            name, _, encoded = entry.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if len(key) != 32 or not (name == "index" or name.isdigit()):
                raise SettingsError([f"GATEWAY_KEYS: entry {name[:8]!r} should be index or a number, and 32 bytes in base64"])
            if name == "index":
                self.index = key
            else:
                self.wrapping[int(name)] = key
        if not self.index or not self.wrapping:
            raise SettingsError(["GATEWAY_KEYS: needs index:<base64> and at least 1:<base64> (`python main.py keys new`)"])
        self.current = max(self.wrapping)

    @staticmethod
    def generate() -> Secret:
        def key() -> str:
            return base64.b64encode(os.urandom(32)).decode()

        return Secret(f"index:{key()},1:{key()}")


def ring_for(setting: Secret | None, data_dir: Path) -> KeyRing:
    """The ring of the settings, or one made and kept (0600) in the data directory, where no production may rely on it."""
    if setting is not None:
        return KeyRing(setting)
    path = data_dir / "keys"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(KeyRing.generate().reveal())
        try:
            os.link(made, path)  # the first process wins; the others read what it wrote
        except FileExistsError:
            pass
        made.unlink()
    return KeyRing(Secret(path.read_text().strip()))


class Form:
    """In which form bodies are written, by the whole store's word. packed: everybody who reads it knows the packed form."""

    __slots__ = ("packed",)

    def __init__(self) -> None:
        self.packed = False


class Box:
    """One AES-256-GCM key. Sealed form: 12 bytes of nonce, ciphertext, tag. `about` binds it to its place."""

    __slots__ = ("_cipher", "_form")

    def __init__(self, key: bytes, form: Form | None = None) -> None:
        self._cipher = AESGCM(key)
        self._form = form

    def seal(self, data: bytes, about: str) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, data, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], about.encode())
        except (InvalidTag, ValueError) as error:
            raise Sealed(f"cannot open what is sealed about {about.split(':')[0]}") from error

    def seal_json(self, value: Any, about: str) -> bytes:
        return self.seal(_ENCODER.encode(value).encode(), about)

    def seal_body(self, value: Mapping[str, Any], about: str) -> bytes:
        """A message's body: packed where everybody who may read it knows that form (see store/packing.py)."""
        text = _ENCODER.encode(dict(value)).encode()
        packed = self._form is not None and self._form.packed
        return self.seal(packing.pack(text) if packed else text, about)

    def open_json(self, sealed: bytes, about: str) -> Any:
        """What `seal_json` or `seal_body` sealed. Raises Sealed; ValueError for what is sealed well and is no JSON."""
        return json.loads(packing.unpack(self.open(sealed, about)).decode())


@dataclass(frozen=True, slots=True)
class _Day:
    """A day's key as it was read.

    turns: how often the store had failed over by then; until_s: when the store forgets it (monotonic)
    """

    key: bytes
    box: Box
    turns: int
    until_s: float


class Vault:
    """Keys and hashes. Data keys are read from the store once and kept in a bounded cache, until the store fails over."""

    def __init__(self, ring: KeyRing, redis: Redis, *, acks: int | None = None) -> None:
        """acks: how many replicas must have a day's key before anything is sealed under it; None = as many as the client says"""
        self._ring = ring
        self._redis = redis
        self._acks = promised.replicas_of(redis) if acks is None else acks
        self._turns = promised.turns_of(redis)
        self.form = Form()
        # Keys and not boxes: a box is 2.6 kB of its library's, and made in 2 us; twenty thousand of them were 52 MB.
        self._contacts: OrderedDict[str, bytes] = OrderedDict()
        self._days: dict[str, _Day] = {}
        self._acked: set[str] = set()
        """days whose keys replicas have"""
        self._derived: OrderedDict[str, Box] = OrderedDict()

    # finding without reading

    def _digest(self, *parts: str) -> bytes:
        # The name and not hashlib's function: only then is it computed in one call of OpenSSL's, at a third of the time.
        return hmac.digest(self._ring.index, "\x1f".join(parts).encode(), "sha256")

    def blind(self, kind: str, *parts: str) -> str:
        """A keyed hash, 32 characters, of something that must be found again."""
        return encode32(int.from_bytes(self._digest(kind, *parts)[:20], "big"), 32)

    def subject_id(self, type_family: str, entity: str) -> SubjectId:
        digest = self._digest("subject", type_family, entity)
        return SubjectId(from_digest("j", digest[31] % PARTITIONS, digest))

    def event_id(self, source: str, external_id: str) -> EventId:
        digest = self._digest("event", source, external_id)
        return EventId(from_digest("e", digest[31] % PARTITIONS, digest))

    def moment_id(self, subject: SubjectId, moment: str, number: str) -> EventId:
        """The id of the event that a moment becomes: in its subject's partition, so that one script can make it.

        number: as how many-eth of the subject's moments it was set
        """
        digest = self._digest("moment", subject, moment, number)
        return EventId(from_digest("e", partition_of(subject), digest))

    # sealing

    def _wrap(self, key: bytes, about: str) -> bytes:
        return str(self._ring.current).encode() + b"|" + Box(self._ring.wrapping[self._ring.current]).seal(key, about)

    def _unwrap(self, wrapped: bytes, about: str) -> bytes:
        version, _, sealed = wrapped.partition(b"|")
        ring_key = self._ring.wrapping.get(int(version))
        if ring_key is None:
            raise KeyMissing(f"key {int(version)} is missing from GATEWAY_KEYS")
        return Box(ring_key).open(sealed, about)

    async def contact_box(self, contact: ContactId, *, create: bool = False) -> Box:
        """A contact's box. Raises Sealed when it has none (erased, or never made and `create` is False)."""
        return (await self.contact_boxes([contact], create=create))[contact]

    async def contact_boxes(self, contacts: list[ContactId], *, create: bool = False) -> dict[ContactId, Box]:
        """Many boxes in one round trip; those without a key are missing from the answer unless `create` or one was asked."""
        found = self.cached(contacts)
        missing = [contact for contact in contacts if contact not in found]
        if missing:
            pipeline = self._redis.pipeline(transaction=False)
            for contact in missing:
                pipeline.get(keys.of(contact, "k"))
            for contact, wrapped in zip(missing, await pipeline.execute(), strict=True):
                if wrapped is not None and create and self._acks:  # its maker may have waited in vain: gone by now?
                    name = keys.of(contact, "k")
                    (wrapped,) = await promised.run(self._redis, name, ("GET", name))
                if wrapped is None and create:
                    wrapped = await self._make_contact_key(contact)
                if wrapped is not None:
                    found[contact] = self.keep(contact, wrapped)
        if len(contacts) == 1 and contacts[0] not in found:
            raise Sealed("this contact has no key: erased, or unknown")
        return found

    def cached(self, contacts: Sequence[ContactId]) -> dict[ContactId, Box]:
        """The boxes that are at hand. Take them before waiting for the others: the cache forgets.

        After a failover all of it: a key that the promoted server lacks went together with everything that it had sealed, and
        whoever sealed more under it would write what nobody can read.
        """
        turns = promised.turns_of(self._redis)
        if turns != self._turns:
            self._turns = turns
            self._contacts.clear()
        found: dict[ContactId, Box] = {}
        for contact in contacts:
            key = self._contacts.get(contact)
            if key is not None:
                self._contacts.move_to_end(contact)
                found[contact] = Box(key, self.form)
        return found

    def keep(self, contact: ContactId, wrapped: bytes) -> Box:
        """The box of a key that was read together with something else. Raises KeyMissing, Sealed."""
        key = self._contacts[contact] = self._unwrap(wrapped, contact)
        while len(self._contacts) > _CACHE:
            self._contacts.popitem(last=False)
        return Box(key, self.form)

    async def _make_contact_key(self, contact: ContactId) -> bytes:
        name = keys.of(contact, "k")
        made = self._wrap(os.urandom(32), contact)
        _, wrapped = await promised.run(self._redis, name, ("SET", name, made, "NX"), ("GET", name))
        assert isinstance(wrapped, bytes)
        return wrapped

    def forget(self, contact: ContactId) -> None:
        self._contacts.pop(contact, None)

    @staticmethod
    def day_of(at_ms: int) -> str:
        return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")

    async def day_box(self, day: str) -> Box:
        """The box of a day (YYYY-MM-DD, UTC) to seal under: made at first use, forgotten by the store after 9 days.

        raises: StoreUnavailable where replicas should have its key and do not
        """
        box = await self._day(day, make=True)
        assert box is not None
        if self._acks and day not in self._acked:
            await self._acknowledged(keys.day_key(day))
            self._acked = {*(known for known in self._acked if known in self._days), day}
        return box

    async def _day(self, day: str, *, make: bool) -> Box | None:
        """A day's box; None where the store has no such key and none is made. Raises KeyMissing, Sealed for a damaged one.

        After a failover it is looked for again, and put back where the promoted server lacks it: on a cluster it lies with
        another server than what it sealed, which is still there. Every process that knows it puts the same one back.
        """
        turns = promised.turns_of(self._redis)
        known = self._days.get(day)
        if known is not None and known.turns == turns:
            return known.box
        name = keys.day_key(day)
        wrapped, left_ms = await self._read_day(name)
        if wrapped is None:
            left_ms = int((known.until_s - time.monotonic()) * 1000) if known is not None else 0
            if known is not None and left_ms > 0:
                offered = known.key
            elif make:
                offered, left_ms = os.urandom(32), keys.KEEP_MS + keys.DAY_MS
            else:
                return None
            await self._redis.set(name, self._wrap(offered, day), nx=True, px=left_ms)
            wrapped, left_ms = await self._read_day(name)
            if wrapped is None:
                raise StoreUnavailable("the key of the day is gone again: the store failed over")
        key = self._unwrap(wrapped, day)
        read = _Day(key, Box(key), turns, time.monotonic() + max(left_ms, 0) / 1000)
        self._acked.discard(day)
        self._days.pop(day, None)
        self._days[day] = read
        while len(self._days) > _DAYS:
            self._days.pop(next(iter(self._days)))
        return read.box

    async def _read_day(self, name: str) -> tuple[bytes | None, int]:
        """(the wrapped key of a day or None, how long the store still keeps it in ms)"""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.get(name)
        pipeline.pttl(name)
        wrapped, left_ms = await pipeline.execute()
        return wrapped, int(left_ms)

    async def _acknowledged(self, name: str) -> None:
        """A day's key lies beside what it seals, on a cluster with another server: a failover must not take it alone.

        Each process waits once a day and once after each failover, whoever made the key: its maker may have waited in vain.
        The key is touched, its time to live as it is, for WAIT counts from a write.
        """
        left_ms = int(await self._redis.pttl(name))
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.pexpire(name, max(left_ms, 1))
        queue_acks(pipeline, self._acks)
        touched, acknowledged = await pipeline.execute(raise_on_error=False)
        judge_acks(acknowledged, self._acks)
        if touched != 1:
            self._days.clear()
            raise StoreUnavailable("the key of the day is gone again: the store failed over")

    async def seal_day(self, at_ms: int, data: bytes, about: str) -> bytes:
        """Seal under the key of the day of `at_ms`; the day stands in front, so that it can be opened."""
        day = self.day_of(at_ms)
        return day.encode() + (await self.day_box(day)).seal(data, about)

    async def open_day(self, sealed: bytes, about: str) -> bytes:
        day = sealed[:10].decode("ascii", "replace")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
            raise Sealed("not sealed under a day")
        return (await self.past_day_box(day)).open(sealed[10:], about)

    async def past_day_box(self, day: str) -> Box:
        """The box of a day to open with: none is made. Raises Sealed where the store has its key no more."""
        box = await self._day(day, make=False)
        if box is None:
            raise Sealed("the key of its day is gone")
        return box

    def _derive(self, version: int, about: str) -> Box:
        name = f"{version}:{about}"
        box = self._derived.get(name)
        if box is None:
            key = HKDFExpand(SHA256(), 32, about.encode()).derive(self._ring.wrapping[version])
            box = self._derived[name] = Box(key)
            while len(self._derived) > _CACHE:
                self._derived.popitem(last=False)
        return box

    def seal_about(self, about: str, value: Mapping[str, Any] | list[Any] | str | None) -> bytes:
        """Seal JSON that belongs to no person's key (a subject's state, an agent's record) under a key derived for it."""
        version = self._ring.current
        return str(version).encode() + b"|" + self._derive(version, about).seal_json(value, about)

    def open_about(self, about: str, sealed: bytes) -> Any:
        version, _, rest = sealed.partition(b"|")
        if int(version) not in self._ring.wrapping:
            raise KeyMissing(f"key {int(version)} is missing from GATEWAY_KEYS")
        return self._derive(int(version), about).open_json(rest, about)
