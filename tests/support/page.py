"""A house with a Page, and webhooks about it as Meta writes them (object "page")."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.model.contact import Contact
from gateway.model.conversation import Conversation, Entry
from gateway.model.ids import AddressId, SenderId
from gateway.model.message import MessageRecord
from gateway.store.outbox import Claimed, Settlement
from tests.support.core import NUMBER, SANDBOX, House, iso, open_house

PAGE = "141421356237301"
PSID = "6100000000000101"
MESSENGER = SenderId("zz-me")
INBOX_APP = "263902037430900"
ASSISTANT_APP = "515151515151515"
Json = dict[str, Any]


class PageHouse(House):
    """A house with a number and a Page of one brand."""

    _mids = itertools.count(1)

    # items of webhooks

    def item(self, what: Json, *, psid: str = PSID, at_ms: int = 0, from_page: bool = False) -> Json:
        """at_ms: from now"""
        sides = ({"id": psid}, {"id": PAGE})
        sender, recipient = sides[::-1] if from_page else sides
        return {"sender": sender, "recipient": recipient, "timestamp": self.clock.now_ms() + at_ms, **what}

    def said(self, text: str, *, mid: str = "", **more: Any) -> Json:
        return self.item({"message": {"mid": mid or f"m_in{next(self._mids):06d}", "text": text}}, **more)

    def echo(self, text: str, *, mid: str = "", app: str = INBOX_APP, metadata: str = "", **more: Any) -> Json:
        message: Json = {"mid": mid or f"m_out{next(self._mids):06d}", "is_echo": True, "text": text}
        if app:
            message["app_id"] = int(app)
        if metadata:
            message["metadata"] = metadata
        return self.item({"message": message}, from_page=True, **more)

    def edit(self, mid: str, text: str, number: int, **more: Any) -> Json:
        return self.item({"message_edit": {"mid": mid, "text": text, "num_edit": number}}, **more)

    def delivered(self, until_ms: int, **more: Any) -> Json:
        return self.item({"delivery": {"watermark": until_ms}}, **more)

    def read(self, until_ms: int, **more: Any) -> Json:
        return self.item({"read": {"watermark": until_ms}}, **more)

    def takes(self, owner: str | None, kind: str = "take_thread_control", **more: Any) -> Json:
        return self.item({kind: {"previous_owner_app_id": None, "new_owner_app_id": owner, "metadata": ""}}, **more)

    def wants(self, program: str, **more: Any) -> Json:
        return self.item({"request_thread_control": {"requested_owner_app_id": program, "metadata": ""}}, **more)

    def referral(self, ref: str, **more: Any) -> Json:
        return self.item({"referral": {"ref": ref, "source": "SHORTLINK", "type": "OPEN_THREAD"}}, **more)

    # taking them

    async def hear(self, *items: Json, standby: bool = False) -> int:
        """Each as a webhook of its own, one heard after the other; how many items were applied."""
        count = 0
        for one in items:
            await self.keep_webhook(one, standby=standby)
            count += await self.take_webhooks()  # kept together they may come out of several logs in any order
        return count

    async def keep_webhook(self, item: Json, *, standby: bool = False, line: int | None = None) -> None:
        """line: of which connection it came"""
        entry: Json = {"id": PAGE, "time": self.clock.now_ms(), "standby" if standby else "messaging": [item]}
        raw = json.dumps({"object": "page", "entry": [entry]}).encode()
        await self.runtime.webhooks.append("messenger", raw, line=line)

    # who and what there is

    async def person(self, psid: str = PSID) -> Contact:
        found = await self.known(psid)
        assert found is not None
        return found

    async def known(self, psid: str = PSID) -> Contact | None:
        (found,) = await self.runtime.contacts.find(
            "messenger", [self.runtime.connectors["messenger"].identify(psid, PAGE)]
        )
        return await self.runtime.contacts.get(found[0]) if found else None

    async def address(self, psid: str = PSID) -> AddressId:
        return next(one.id for one in (await self.person(psid)).profile.addresses if one.channel == "messenger")

    async def conversation(self, psid: str = PSID) -> Conversation:
        (identifier,) = await self.runtime.conversations.of_contact((await self.person(psid)).id)
        return await self.runtime.conversations.get(identifier)

    async def thread(self, psid: str = PSID) -> list[Entry]:
        return await self.runtime.conversations.thread(await self.conversation(psid))

    async def lines(self, psid: str = PSID) -> list[str]:
        """Who said what, in the order of the thread: "in: hello", "inbox: good day"."""
        return [f"{one.author or one.kind.value}: {one.text.reveal()}" for one in await self.thread(psid)]

    async def queued(self) -> int:
        return len(await self.runtime.conversations.desk.queue("general"))

    def traveller(self, **more: Any) -> Json:
        """A recipient who is reached on the Page."""
        address = {"channel": "messenger", "to": PSID, "proof": "otp", "givenBy": "self"}
        at = iso(self.clock.now_ms() - 60_000)
        consent = {"purpose": "journey", "channel": "messenger", "granted": True, "at": at, "how": "booking-checkbox"}
        return self.recipient(101, addresses=[address], consents=[consent], **more)

    async def sent(self, claimed: Claimed, mid: str, at_ms: int = 0) -> None:
        """The channel took it and gave it this id. at_ms: when it left, from now"""
        channel_hash = self.runtime.vault.blind("channel_id", "messenger", mid)
        one = Settlement(
            claimed, "a", claimed.attempt, channel_hash=channel_hash, sent_at_ms=self.clock.now_ms() + at_ms
        )
        assert await self.runtime.outbox.settle([one]) == ["settled"]

    async def record(self, claimed: Claimed) -> MessageRecord:
        found = await self.runtime.outbox.record(claimed.id)
        assert found is not None
        return found[0]


def opaque_of(claimed: Claimed) -> str:
    return f"{claimed.id}.{claimed.attempt}.{claimed.sender}"


@asynccontextmanager
async def open_page_house(redis_url: str, data_dir: Path, graph_url: str = "http://127.0.0.1:9") -> AsyncIterator[PageHouse]:
    """`open_house` with a number and a Page of one brand."""
    data_dir.mkdir(parents=True, exist_ok=True)
    senders = data_dir / "number-and-page.json"
    account = {"phone_number_id": NUMBER, "waba_id": "271828182845904"}
    entries = [
        {"id": "zz-wa", "channel": "whatsapp", "brand": "zz", "portfolio": "tests", "token": SANDBOX.token, "account": account},
        {"id": MESSENGER, "channel": "messenger", "brand": "zz", "token": SANDBOX.token, "account": {"page_id": PAGE}},
    ]
    senders.write_text(json.dumps({"senders": entries}))
    async with open_house(redis_url, data_dir, graph_url, GATEWAY_SENDERS_FILE=str(senders)) as house:
        yield PageHouse(house.runtime)
