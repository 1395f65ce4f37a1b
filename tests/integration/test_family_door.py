"""The door of a family: the traveller opens it, relatives of both channels come in, and the traveller decides who stays."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from gateway.model.family import Amount, Family, Left
from gateway.model.ids import SubjectId
from gateway.store.families import Families
from gateway.store.incidents import Crisis, Incidents
from gateway.store.invitations import Invitations
from gateway.webhooks.joining import make_family_sayer
from gateway.webhooks.role import add_routes
from tests.integration.family_door_stage import ENTITY, PUBLIC, TRAVELLER, door_house
from tests.support.core import NUMBER, facts_of
from tests.support.page import PSID

SEAT, BOOKING = "31K", "ZX7K2P"
OMA, OPA, STRANGER = 201, 202, 203


async def test_below_a_pass_a_family_is_made_and_its_link_comes_as_words_and_picture_and_relatives_join_by_both_channels(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with door_house(redis_url, data_dir) as house:
        await house.books()
        brought = await house.gets_pass()
        await house.press(TRAVELLER, "family", brought, times=2)
        assert (await house.names(TRAVELLER)).count("family_link") == 1
        text, page = await house.last(TRAVELLER, "family_link"), await house.page()
        assert page.startswith(f"{PUBLIC}/j/")
        assert page in text
        assert "flight ZZ 1007" in text
        assert house.pictures() == [page], "a real picture, read as a phone reads it"
        assert not any(mark in text for mark in (SEAT, BOOKING, "Family101", "Given101"))
        await house.press(TRAVELLER, "family", brought)
        assert (await house.names(TRAVELLER)).count("family_link") == 2, "pressed again it is the same"
        assert (await house.last(TRAVELLER, "family_link")) == text
        assert await house.waiting() == 0

        # By WhatsApp, with typos, extra words, and every webhook twice.
        code = await house.code()
        mangled = code.replace("-", " ").lower().replace("0", "o").replace("1", "i")
        await house.writes(OMA, f"Hoi! ik wil graag de ries volgen, code {mangled} groetjes", name="Oma Riet", times=2)
        assert await house.names(OMA) == ["family_welcome"]
        welcome = await house.last(OMA, "family_welcome")
        assert welcome.startswith("Je volgt nu vlucht ZZ 1007 van Amsterdam naar Londen Heathrow op ")
        assert "STOP" in welcome
        assert "’s nachts" in welcome
        assert not any(mark in welcome for mark in (SEAT, BOOKING, "Family101", "Given101"))
        oma = await house.contact_of(OMA)
        (entry,) = await house.runtime.contacts.ledger(oma.id)
        assert (entry.purpose, entry.channel, entry.granted) == ("family", "whatsapp", True)
        assert entry.evidence is not None
        assert "family-nl-3" in entry.evidence.reveal()

        # By the Page, in German by the link; the channel tells no name, so it is asked once.
        await house.opens_page(await house.link("messenger", "de"), times=2)
        assert await house.names(0, psid=PSID) == ["family_welcome", "family_ask_name"]
        assert (await house.last(0, "family_welcome", psid=PSID)).startswith("Sie verfolgen jetzt Flug ZZ 1007")
        await house.writes_page("Tante Bep", times=2)
        assert await house.names(0, psid=PSID) == ["family_welcome", "family_ask_name", "family_named"]
        assert await house.waiting() == 0

        invitation = await Invitations(redis, house.clock, house.runtime.vault).named(page.rpartition("/")[2])
        assert invitation is not None
        assert not invitation.claimed_ms, "many come by it: it is nobody's"

        # The traveller hears who, of those who came soon after one another once.
        assert "family_joined" not in await house.names(TRAVELLER)
        await house.minutes(1.1)
        assert (await house.names(TRAVELLER)).count("family_joined") == 1
        told = await house.last(TRAVELLER, "family_joined")
        assert "Oma Riet, Tante Bep" in told
        assert "2 people follow you now" in told
        await house.minutes(5)
        assert (await house.names(TRAVELLER)).count("family_joined") == 1
        assert {fact.kind for fact in await facts_of(redis) if fact.kind.startswith("family")} == {"family_made", "family_joined"}


@pytest.mark.long
async def test_a_relative_chooses_less_and_another_language_and_each_button_counts_once(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with door_house(redis_url, data_dir) as house:
        await house.books()
        await house.press(TRAVELLER, "family", await house.gets_pass())
        family = await house.family()
        await house.writes(OMA, await house.code(), name="Oma")
        assert await house.names(OMA) == ["family_welcome", "family_language"], "a bare code says no language"
        (asked,) = await house.of(OMA, "family_language")
        assert [one["label"] for one in (await house.body(asked))["buttons"]] == ["Nederlands", "Deutsch", "Français"]
        await house.press(OMA, "first", asked, times=2)
        assert (await house.last(OMA, "family_welcome")).startswith("Je volgt nu")
        (english, dutch) = await house.of(OMA, "family_welcome")
        await house.press(OMA, "ends", english)
        await house.press(OMA, "quiet", dutch, times=2)

        async def mine() -> tuple[str, bool]:
            (link,) = house.runtime.home.memberships(await house.contact_of(OMA))
            return link.amount, link.quiet

        assert await mine() == (Amount.ENDS, True)
        assert "alleen vertrek en aankomst" in await house.last(OMA, "family_wishes")
        wishes = (await house.of(OMA, "family_wishes"))[-1]
        for _ in range(2):
            await house.press(OMA, "amount", wishes)
        assert await mine() == (Amount.ALL, True), "a button says what it leads to: pressed twice it does so once"
        assert "al het nieuws" in await house.last(OMA, "family_wishes")
        # By a link in a language that is not theirs, forwarded by who reads it: below the first line they choose their own.
        await house.press(OMA, "language", dutch, times=2)
        asked = (await house.of(OMA, "family_language"))[-1]
        assert [one["label"] for one in (await house.body(asked))["buttons"]] == ["English", "Deutsch", "Français"]
        await house.press(OMA, "third", asked)
        assert (await house.last(OMA, "family_welcome")).startswith("Vous suivez maintenant")
        await house.minutes(2)
        # Somebody else's button changes nothing of theirs, and nothing of the family.
        await house.writes(STRANGER, "hallo", name="X")
        await house.press(STRANGER, "ends", english)
        await house.press(STRANGER, "close", (await house.of(TRAVELLER, "family_joined"))[-1])
        assert (await house.family()).open
        assert [one.contact for one in (await house.family()).members] == [(await house.contact_of(OMA)).id]
        assert (await house.family()).id == family.id


@pytest.mark.long
async def test_the_traveller_sees_who_is_in_takes_a_stranger_out_closes_opens_renews_and_ends(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with door_house(redis_url, data_dir) as house:
        await house.books()
        await house.press(TRAVELLER, "family", await house.gets_pass())
        first = await house.code()
        await house.writes(OMA, f"I want to follow the journey, code {first}", name="Oma")
        await house.writes(STRANGER, f"I want to follow the journey, code {first}", name="Win at https://evil.example")
        await house.writes_page(f"I want to follow the journey, code {first}")
        await house.writes(TRAVELLER, "Who follows me?", times=2)
        assert (await house.names(TRAVELLER)).count("family_list") == 1
        assert "1 Oma, 2 (WhatsApp), 3 (Messenger)" in await house.last(TRAVELLER, "family_list")
        await house.writes(TRAVELLER, "2")
        assert await house.waiting() == 1, "nobody asked for a number"
        await house.writes(TRAVELLER, "take someone out")
        await house.minutes(16)
        await house.writes(TRAVELLER, "2")
        await house.writes(TRAVELLER, "remove 2")
        assert len((await house.family()).members) == 3, "by then it may mean anything"
        await house.writes(TRAVELLER, "Who follows me?")
        # Somebody leaves between the question and the answer: the number means whom it meant when it was shown.
        oma, stranger = (await house.contact_of(OMA)).id, (await house.contact_of(STRANGER)).id
        await house.runtime.home.leave((await house.family()).id, oma, Left.STOPPED)
        await house.writes(TRAVELLER, "remove number 2", times=2)
        family = await house.family()
        assert (family.barred, len(family.members)) == ((stranger,), 1)
        assert (await house.names(STRANGER)).count("family_removed") == 1
        assert "You no longer follow flight ZZ 1007" in await house.last(STRANGER, "family_removed")
        assert "(WhatsApp)" in await house.last(TRAVELLER, "family_taken_out")
        await house.writes(STRANGER, f"code {first}")
        barred = await house.last(STRANGER, "family_not_in")
        waiting = await house.waiting()
        await house.writes(TRAVELLER, "close the link")
        await house.writes(OPA, f"I want to follow the journey, code {first}", name="Opa")
        assert await house.last(OPA, "family_not_in") == barred, "who was taken out reads no more than that it is closed"
        assert await house.waiting() == waiting
        await house.writes(OPA, "but my daughter sent me this, can somebody help me with it please? I would like to know")
        assert await house.waiting() == waiting + 1, "who writes more is read by a person"
        closed = (await house.of(TRAVELLER, "family_closed"))[-1]
        await house.press(TRAVELLER, "open", closed, times=2)
        await house.writes(OPA, f"I want to follow the journey, code {first}", name="Opa")
        assert "family_welcome" in await house.names(OPA)
        await house.writes(TRAVELLER, "new link please", times=2)
        second = await house.code()
        assert second != first
        assert (await house.names(TRAVELLER)).count("family_link") == 2
        assert house.pictures()[-1] == await house.page()
        await house.writes(OMA, f"I want to follow the journey, code {first}")
        assert "replaced by a new one" in await house.last(OMA, "family_not_in")
        await house.writes(OMA, f"I want to follow the journey, code {second}")
        assert [one for one in (await house.family()).members if one.contact == oma]
        await house.writes(TRAVELLER, "end my home front")
        asked = (await house.of(TRAVELLER, "family_end_ask"))[-1]
        await house.press(TRAVELLER, "end_no", asked)
        assert not (await house.family()).ended_ms
        await house.press(TRAVELLER, "end_yes", asked, times=2)
        assert "following has ended" in await house.last(TRAVELLER, "family_noted")
        assert "family_ended" in await house.names(OMA)
        assert await house.runtime.home.families_of(await house.contact_of(TRAVELLER)) == []
        await house.writes(204, f"I want to follow the journey, code {second}", name="Late")
        assert "is over or is not shared" in await house.last(204, "family_not_in")
        assert await house.waiting() == waiting + 1


@pytest.mark.long
async def test_a_traveller_on_the_page_gets_words_and_picture_and_decides_by_buttons_there(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with door_house(redis_url, data_dir) as house:
        await house.books(house.traveller())
        await house.writes_page("home front", times=2)
        traveller = await house.person()
        assert (await house.names(0, psid=PSID)).count("family_link") == 2, "the words, then the picture, each once"
        ((_, family),) = await house.runtime.home.families_of(traveller)
        (picture,) = house.pictures()
        assert picture.startswith(f"{PUBLIC}/j/")
        assert picture in await house.words(PSID)
        code = (await house.links_of(family)).code
        await house.writes(OMA, f"Je veux suivre le voyage, code {code}", name="Mamie")
        welcome = await house.last(OMA, "family_welcome")
        assert welcome.startswith("Vous suivez maintenant le vol ZZ 1007 (Amsterdam – Londres Heathrow) du ")
        await house.minutes(1.1)
        told = (await house.of(0, "family_joined", psid=PSID))[-1]
        await house.press(0, "close", told, psid=PSID, times=2)
        assert not (await house.standing(family)).open
        await house.press(0, "who", told, psid=PSID)
        assert "1 Mamie" in await house.last(0, "family_list_closed", psid=PSID)
        # A relative whom nothing reaches any more is seen as such.
        await house.unreachable(OMA)
        await house.press(0, "who", told, psid=PSID)
        assert "do not reach Mamie" in await house.last(0, "family_list_closed", psid=PSID)
        await house.press(0, "out", told, psid=PSID)
        await house.writes_page("1")
        assert (await house.standing(family)).members == ()
        await house.press(0, "out", told, psid=PSID)
        assert "nobody follows you yet" in await house.last(0, "family_noted", psid=PSID)
        assert await house.waiting() == 0


@pytest.mark.long
async def test_many_in_one_minute_close_the_door_and_the_traveller_is_asked(redis: Redis, redis_url: str, data_dir: Path) -> None:
    async with door_house(redis_url, data_dir) as house:
        await house.books()
        await house.press(TRAVELLER, "family", await house.gets_pass())
        code = await house.code()
        for number in range(301, 314):
            await house.writes(number, f"I want to follow the journey, code {code}")
        family = await house.family()
        assert len(family.members) == 10
        assert (await house.names(TRAVELLER)).count("family_shut") == 1
        assert "lets nobody in at the moment" in await house.last(313, "family_not_in")
        await house.press(TRAVELLER, "open", (await house.of(TRAVELLER, "family_shut"))[-1])
        await house.writes(313, f"I want to follow the journey, code {code}")
        assert len((await house.family()).members) == 11
        assert "family_welcome" in await house.names(313)


async def test_the_page_of_the_link_names_the_flight_and_nobody_and_says_kindly_why_it_lets_nobody_in(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with door_house(redis_url, data_dir, GATEWAY_FAMILY_PLACES="1") as house:
        await house.books()
        await house.press(TRAVELLER, "family", await house.gets_pass())
        app = web.Application()
        add_routes(app, house.runtime)
        async with TestClient(TestServer(app)) as client:

            async def asks(path: str, method: str = "GET", language: str = "nl-NL,nl;q=0.9") -> tuple[int, str]:
                async with client.request(method, path, headers={"Accept-Language": language}) as answer:
                    assert answer.headers["Cache-Control"] == "no-store"
                    assert "noindex" in answer.headers["X-Robots-Tag"]
                    assert "script-src" not in answer.headers["Content-Security-Policy"]
                    return answer.status, await answer.text()

            page = (await house.page()).removeprefix(PUBLIC)
            assert await asks(page, "HEAD") == (200, "")
            status, text = await asks(page)
            assert status == 200
            assert len(text.encode()) < 60_000
            assert "<script" not in text
            assert "Vlucht ZZ 1007, Amsterdam – Londen Heathrow, " in text
            assert not any(mark in text for mark in (SEAT, BOOKING, "Family101", "Given101", "+44"))
            assert (await house.family()).members == (), "opening it consumes nothing"
            for language in ("nl", "en", "de", "fr"):
                status, text = await asks(f"{page}?lang={language}")
                assert f'<html lang="{language}">' in text
                links = await house.link("whatsapp", language), await house.link("messenger", language)
                assert all(escape(link) in text for link in links), "what is sent is in the language that is read"
            assert "<html lang=\"en\">" in (await asks(page, language="pl"))[1], "else the family's"
            assert (await asks(page.replace("/j/", "/i/")))[0] == 404, "it has no other page"
            assert "werkt niet" in (await asks("/j/" + "0" * 24))[1]
            assert (await asks("/j/" + "0" * 24))[0] == 404

            families, family = house.runtime.home.families, await house.family()
            await families.door(family.id, open=False)
            status, text = await asks(page)
            assert (status, "laat nu niemand toe" in text) == (410, True)
            await families.door(family.id, open=True)
            await house.writes(OMA, f"code {await house.code()}", name="Oma")
            status, text = await asks(page)
            assert (status, "Alle plaatsen zijn bezet" in text) == (410, True)
            await house.writes(OPA, f"ik wil de reis volgen, code {await house.code()}", name="Opa")
            assert "geen plaats meer" in await house.last(OPA, "family_not_in")
            await families.renew(family.id)
            status, text = await asks(page)
            assert (status, "is vervangen" in text) == (410, True)
            await house.runtime.home.end(family.id, "traveller")
            status, text = await asks(page)
            assert (status, "niet meer gevolgd" in text) == (410, True)
            assert "Oma" not in text


@pytest.mark.long
async def test_in_a_crisis_nothing_is_answered_by_itself_and_who_joins_is_a_persons(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with door_house(redis_url, data_dir) as house:
        await house.books()
        brought = await house.gets_pass()
        await house.press(TRAVELLER, "family", brought)
        code, family = await house.code(), await house.family()
        await house.writes(OMA, f"ik wil de reis volgen, code {code}", name="Oma")
        subject = family.followed[0]
        crisis = Crisis(subject, (), f"flight:{ENTITY}", "care", "kim", "emergency landing", house.clock.now_ms())
        await Incidents(redis, house.clock).begin(crisis)
        house.pass_ms(1000)
        sent = len(house.edge.sent(NUMBER))
        await house.writes(OPA, f"ik wil de reis volgen, code {code}", name="Opa")
        await house.press(TRAVELLER, "family", brought)
        await house.writes(TRAVELLER, "who follows me?")
        await house.minutes(3)
        assert len(house.edge.sent(NUMBER)) == sent, "not even who joined before it is told"
        assert len(await house.runtime.conversations.desk.queue("care")) == 2
        assert len((await house.family()).members) == 2, "who came is let in"


@pytest.mark.long
async def test_whoever_saw_more_of_them_joining_says_it_last(redis: Redis, redis_url: str, data_dir: Path) -> None:
    """Two relatives join on two processes; the one that saw fewer of them gets to the outbox after the other."""
    async with door_house(redis_url, data_dir) as house:
        await house.books()
        await house.press(TRAVELLER, "family", await house.gets_pass())
        code = await house.code()
        await house.writes(OMA, f"code {code}", name="Oma")
        first = await house.family()
        first = replace(first, members=(replace(first.members[0], joined_ms=first.members[0].joined_ms - 1),))
        await house.writes(OPA, f"code {code}", name="Opa")
        sayer = make_family_sayer(house.runtime)

        class Earlier(Families):
            async def get(self, family: SubjectId) -> Family | None:
                return first if family == first.id else None

        home = replace(sayer.home, families=Earlier(redis, house.clock, house.runtime.vault))
        late = replace(sayer, home=home)
        await late.joined(first.id, first.members[0].contact)
        await sayer.joined(first.id, first.members[0].contact, named=True)  # sees both, as the one of Opa did: one message
        await house.minutes(1.1)
        assert len(await house.of(TRAVELLER, "family_joined")) == 1
        assert "Oma, Opa" in await house.last(TRAVELLER, "family_joined")


@pytest.mark.long
async def test_the_traveller_is_told_by_a_template_once_their_window_has_closed_and_its_buttons_work(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    async with door_house(redis_url, data_dir) as house:
        await house.books()
        await house.press(TRAVELLER, "family", await house.gets_pass())
        await house.minutes(25 * 60)
        await house.writes(OMA, f"ik wil de reis volgen, code {await house.code()}", name="Oma")
        await house.minutes(1.1)
        told = (await house.of(TRAVELLER, "family_joined"))[-1]
        sent = house.edge.sent(NUMBER)[-1]
        assert sent["template"]["name"] == "family_joined_v1"
        family = await house.family()
        payloads = [one["parameters"][0]["payload"] for one in sent["template"]["components"] if one["type"] == "button"]
        assert payloads == [f"family_joined/{key}/{family.id}" for key in ("out", "close", "who")]
        await house.press(TRAVELLER, "close", told)
        assert not (await house.family()).open


async def test_without_families_the_button_is_a_question_for_people(redis: Redis, redis_url: str, data_dir: Path) -> None:
    async with door_house(redis_url, data_dir, GATEWAY_FAMILY_PLACES="0") as house:
        await house.books()
        await house.press(TRAVELLER, "family", await house.gets_pass())
        assert "family_link" not in await house.names(TRAVELLER)
        assert await house.waiting() == 1


async def test_the_link_of_a_group_of_their_own_is_kept_and_shared_only_where_there_is_a_family(
    redis: Redis, redis_url: str, data_dir: Path
) -> None:
    group = "https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv"
    async with door_house(redis_url, data_dir) as house:
        traveller = house.recipient(TRAVELLER)
        del traveller["locale"]
        await house.books(traveller)
        await house.writes(TRAVELLER, group)
        assert await house.waiting() == 1, "of somebody without a family it is for people"
        await house.writes(TRAVELLER, "de link")
        assert "family_link" not in await house.names(TRAVELLER), "of somebody who has none it may be any link"
        await house.writes(TRAVELLER, "thuisfront")
        assert "family_link" in await house.names(TRAVELLER), "by words too, where there is only one journey"
        await house.writes(OMA, f"ik wil de reis volgen, code {await house.code()}", name="Oma")
        await house.writes(TRAVELLER, f"hier is onze groep: {group} .")
        found = (await house.family()).group_link
        assert found is not None
        assert found.reveal() == group
        shared = await house.last(TRAVELLER, "family_group_shared")
        assert "gedeeld met één persoon" in shared, "whose language nobody knows reads the brand's"
        assert await house.waiting() == 1
