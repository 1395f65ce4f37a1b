"""Those at home ask where it is, on both channels: the state with its source and its age at once, anything else a person's.

One house and one day: no news yet, a delay, half an hour without news, landed, a crisis.
"""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.model.contact import Contact
from gateway.model.conversation import Conversation, ConversationState, Entry
from gateway.model.family import Joined
from gateway.model.ids import AddressId
from gateway.planning.waysin_bind import Chat
from tests.support.house import NOON, SAMPLES, House, house_running
from tests.support.waiting import wait_until

EVA, MUM, GRAN = "+447700900123", "+447700900201", "+447700900202"
PAGE = "141421356237301"
ENTITY = "ZZ1007/2026-11-22/AMS"
TO_NUMBER, TO_PAGE = {"phone_number_id": "314159265358979"}, {"channel": "messenger"}
STATES = ("Bron:", "Source:", "planned times", "geplande tijden")
"""What only an answer to such a question says."""
SECRETS = ("ZX7K2P", "Eva", "Jansen", "Tom", "Gran")
ANSWERED, QUEUED = ConversationState.AUTOMATED, ConversationState.QUEUED


class Stage:
    def __init__(self, house: House) -> None:
        assert house.runtime is not None
        self.house, self.runtime = house, house.runtime

    async def who(self, channel: str, number: str) -> tuple[Contact, AddressId]:
        """Who somebody is by now, and their chat on a channel."""
        sender = next(one for one in self.runtime.directory if one.channel == channel and one.brand == "zz")
        to = await self.house.psid(number, PAGE) if channel == "messenger" else number
        (found,) = await self.runtime.contacts.find(channel, [self.runtime.connectors[channel].identify(to, sender.scope)])
        assert found is not None
        return await self.runtime.contacts.get(found[0]), found[1]

    async def conversation(self, contact: Contact) -> tuple[Conversation, list[Entry]]:
        conversations = await self.runtime.conversations.of_contact(contact.id)
        found = await self.runtime.conversations.get(conversations[-1])
        return found, [one for one in await self.runtime.conversations.thread(found) if one.kind == "in"]

    async def says(self, channel: str, number: str, text: str, **to: str) -> tuple[Conversation, Entry]:
        """Somebody says what nobody said before: their conversation once it holds these words, and the line."""
        await self.house.says(number, text=text, **(to or (TO_PAGE if channel == "messenger" else TO_NUMBER)))
        kept: list[tuple[Conversation, Entry]] = []

        async def there() -> bool:
            with contextlib.suppress(AssertionError, IndexError):  # nobody knows them yet, or they said nothing yet
                found, lines = await self.conversation((await self.who(channel, number))[0])
                kept[:] = [(found, line) for line in lines if line.text.reveal() == text]
            return bool(kept)

        await wait_until(there)
        return kept[0]

    async def answers(self, number: str, count: int) -> list[str]:
        """The states that somebody was told so far, once there are so many."""
        found: list[str] = []

        async def there() -> bool:
            texts = [str(one["body"]) for one in await self.house.received(number)]
            found[:] = [one for one in texts if any(word in one for word in STATES)]
            return len(found) >= count

        await wait_until(there)
        assert len(found) == count, found
        for text in found:
            assert not any(secret in text for secret in SECRETS), text
        return found

    async def joins(self, channel: str, number: str, language: str) -> None:
        traveller, chat = await self.who("whatsapp", EVA)
        family = await self.runtime.home.make(traveller, traveller.profile.orders[0], chat, "nl")
        contact, address = await self.who(channel, number)
        by = Chat(contact.id, address, channel, self.runtime.clock.now_ms())
        assert await self.runtime.home.join(family, by, family.renewals, language, "first message") is Joined.IN

    async def flight(self, status: str, version: int, departure: dict[str, str], arrival: dict[str, str]) -> None:
        value = json.loads((SAMPLES / "ce-flight-delayed.json").read_text())
        value |= {"id": f"s-{version}", "sequence": f"{version:010d}"}
        leg = value["data"]["leg"]
        value["data"] = {"leg": leg, "status": status, "times": {"departure": departure, "arrival": arrival}}
        assert (await self.house.event(value))[0] == 202
        subject = self.runtime.vault.subject_id("flight", ENTITY)

        async def known() -> bool:
            return (await self.runtime.subjects.read(subject, "flight.status")).memory.get("status") == status

        await wait_until(known)


@pytest.mark.long
async def test_a_family_asks_and_is_told_what_the_sources_said_and_when(tmp_path: Path) -> None:
    async with house_running(tmp_path, pages=True, GATEWAY_IDLE_SLEEP_MS="50") as house:
        stage = Stage(house)
        await house.event("ce-order-confirmed-flight.json")
        await house.wait_for(EVA, 1)
        for number, name in ((MUM, "Mum"), (GRAN, "Gran")):
            await house.handset(number, name)
        await house.says(GRAN, link=f"https://m.me/{PAGE}")
        await stage.says("whatsapp", MUM, "hello")
        await stage.says("messenger", GRAN, "hallo daar")
        await stage.joins("whatsapp", MUM, "en")
        await stage.joins("messenger", GRAN, "nl")

        # Nobody has said anything of it yet: the planned times, and a person.
        conversation, line = await stage.says("whatsapp", MUM, "when do they land??")
        assert conversation.state is QUEUED
        assert line.family == "ZZ 1007 AMS–LHR 2026-11-22"
        (said,) = await stage.answers(MUM, 1)
        assert "Flight ZZ 1007 from Amsterdam to London Heathrow: no news yet." in said
        assert "Planned to leave Amsterdam at 10:55 local time. Planned to arrive in London Heathrow at 11:20 local time." in said
        assert "A colleague looks at your question" in said

        # A source says when it leaves, and (ten minutes ago) when it arrives.
        left = {"scheduled": "2026-11-22T10:55:00+01:00", "estimated": "2026-11-22T11:40:00+01:00"}
        lands = {"scheduled": "2026-11-22T11:20:00+00:00", "estimated": "2026-11-22T12:02:00+00:00"}
        await stage.flight("delayed", 1, left, lands)
        await house.turn_clock(NOON + timedelta(minutes=4, seconds=30))
        conversation, _ = await stage.says("messenger", GRAN, "waar is t vliegtuig nu")
        (said,) = await stage.answers(GRAN, 1)
        assert "Vlucht ZZ 1007 van Amsterdam naar Londen Heathrow: vertraagd, nog niet vertrokken." in said
        assert "11:40 plaatselijke tijd; gepland was 10:55. Verwachte aankomst in Londen Heathrow: 12:02 plaatselijke" in said
        assert "Bron: de luchthaven, 4 minuten geleden." in said

        # Half an hour on nothing newer has come: what is known, its age, and a person.
        await house.turn_clock(NOON + timedelta(minutes=34, seconds=30))
        conversation, _ = await stage.says("whatsapp", MUM, "is ZZ 1007 late?")
        said = (await stage.answers(MUM, 2))[-1]
        assert "delayed, had not left when we last heard." in said
        assert "Source: the airport, 34 minutes ago. We have nothing newer. A colleague" in said
        assert conversation.state is QUEUED

        # At another brand's number it is none of that brand's business.
        _, line = await stage.says("whatsapp", MUM, "where are they", phone_number_id="314159265358980")
        assert (line.family, len(await stage.answers(MUM, 2))) == ("", 2)

        # Landed is landed, however long ago that was said. Other words are a person's.
        left, lands = {**left, "actual": "2026-11-22T11:42:00+01:00"}, {**lands, "actual": "2026-11-22T12:01:00+00:00"}
        await stage.flight("arrived", 2, left, lands)
        await house.turn_clock(NOON + timedelta(hours=5))
        await stage.says("messenger", GRAN, "zijn ze al geland in Londen")
        said = (await stage.answers(GRAN, 2))[-1]
        assert "Vlucht ZZ 1007 is geland in Londen Heathrow. Daarna volgt vlucht ZZ 0522 naar Dublin" in said
