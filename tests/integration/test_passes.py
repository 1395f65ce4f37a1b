"""The pages of passes in a real store: one token an issue, the newest counts, five tries, one device, gone with its person."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from redis.asyncio import Redis

from gateway.documents.paper import Paper
from gateway.errors import NotFound
from gateway.insight.kinds import KINDS
from gateway.model.ids import EventId, is_id, partition_of
from gateway.model.pass_page import Answer, Device, PassState
from gateway.store import keys
from gateway.store.conversations import Conversations
from gateway.store.erasure import Erasure
from gateway.store.passes import AFTER_MS, TRIES, Passes
from gateway.store.reply import octets
from gateway.store.vault import Vault
from tests.integration.pass_stage import HOUR_MS, MARK, Holder, boarding_pass
from tests.support.core import facts_of


async def kinds(redis: Redis) -> list[str]:
    return [fact.kind for fact in await facts_of(redis) if fact.kind.startswith("pass_")]


async def test_the_same_issue_has_the_same_token_which_is_nowhere_in_the_store(redis: Redis) -> None:
    holder = Holder(redis)
    contact = (await holder.somebody()).id
    token = await holder.keep(contact)
    assert [await holder.keep(contact), holder.passes.token(contact, "p1", EventId("e1"))] == [token, token]
    assert len({token, await holder.keep(contact, "p2"), await holder.keep(contact, event="e2")}) == 3
    assert (token[:2], len(token)) == (f"{partition_of(contact):02d}", 34)

    found = await holder.page(token)
    assert (found.token, found.contact, found.language, found.digits) == (token, contact, "nl", "0123")
    assert is_id(found.id, "d")
    assert Paper.load(found.paper).legs[0].gate == "D18"
    kept = b"\n".join([await redis.dump(name) or b"" for name in await redis.keys("*")])
    for secret in (token, token[2:-6], MARK, "ZX7K2P", "Berg"):
        assert secret.encode() not in kept, "neither what opens it nor what it says lies in clear"
    assert await kinds(redis) == ["pass_kept", "pass_kept", "pass_kept", "pass_revoked"]


async def test_what_nobody_made_opens_nothing_and_the_store_is_not_asked(redis: Redis) -> None:
    holder = Holder(redis)
    token = await holder.keep((await holder.somebody()).id)
    other = "0" if token[-1] != "0" else "1"
    for wrong in ("", token[:-1], token[:-1] + other, token.upper(), "99" + token[2:], "é" * 34, token + "0", "0" * 34):
        assert not holder.passes.is_token(wrong)
        assert await holder.passes.find(wrong) is None
    assert holder.passes.is_token(token)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (2, 2, 3)])
async def test_only_the_newest_issue_is_valid_in_whatever_order_they_come(redis: Redis, order: tuple[int, ...]) -> None:
    holder = Holder(redis)
    contact = (await holder.somebody()).id
    tokens = {at: await holder.keep(contact, event=f"e{at}", at=at) for at in order}
    now = holder.clock.now_ms()
    pages = {at: await holder.page(token) for at, token in tokens.items()}
    assert {at: page.state(now) for at, page in pages.items()} == {
        at: PassState.VALID if at == 3 else PassState.REPLACED for at in tokens
    }
    newest = await holder.passes.newest(pages[2])
    assert newest is not None
    assert newest.token == tokens[3]
    revoked = [fact.id_of("d") for fact in await facts_of(redis) if fact.kind == "pass_revoked"]
    assert sorted(revoked) == sorted(page.id for at, page in pages.items() if at != 3)


async def test_two_issues_of_one_moment_are_settled_alike_in_both_orders(redis: Redis) -> None:
    holder = Holder(redis)
    newest = []
    for events in (("e1", "e2"), ("e2", "e1")):
        contact = (await holder.somebody()).id
        tokens = [await holder.keep(contact, item=events[0], event=event) for event in events]
        newest.append({(await holder.page(token)).newest for token in tokens})
        await holder.keep(contact, item=events[0], event=events[0])
        assert {(await holder.page(token)).newest for token in tokens} == newest[-1], "kept again, it takes no place back"
    assert all(len(one) == 1 for one in newest)


@pytest.mark.parametrize("at", [(1, 1, 1, 1, 1, 1), (3, 2, 1, 1, 2, 3)])
async def test_what_its_subject_took_later_is_newer_as_it_is_for_messages(redis: Redis, at: tuple[int, ...]) -> None:
    holder = Holder(redis)
    contact = (await holder.somebody()).id
    now, tokens = holder.clock.now_ms(), {}
    for number, hours in enumerate(at, 1):
        tokens[number] = await holder.keep(contact, event=f"e{number}", at=hours, sequence=number)
        assert (await holder.page(tokens[number])).state(now) is PassState.VALID
    for number in (2, 5, 1):  # told again by whoever goes on with them
        await holder.keep(contact, event=f"e{number}", at=at[number - 1], sequence=number)
    await holder.keep(contact, event="late", at=9, sequence=4)
    assert (await holder.page(tokens[6])).state(now) is PassState.VALID
    later = await holder.keep(contact, event="later", at=24 * 40, sequence=1)
    assert (await holder.page(later)).state(now) is PassState.VALID, "the subject was forgotten and began anew"


async def test_an_issue_that_the_version_before_kept_stands_by_its_time(redis: Redis) -> None:
    holder = Holder(redis)
    contact = (await holder.somebody()).id
    before = await holder.keep(contact, event="e5", at=5, sequence=5)
    name = keys.of(contact, "pn")
    for field, value in (await redis.hgetall(name)).items():
        await redis.hset(name, field, octets(value).rpartition(b"|")[0])
    older, newer = [await holder.keep(contact, event=f"e{at}", at=at, sequence=6) for at in (4, 6)]
    states = [(await holder.page(token)).state(holder.clock.now_ms()) for token in (before, older, newer)]
    assert states == [PassState.REPLACED, PassState.REPLACED, PassState.VALID]


async def test_parallel_wrong_answers_are_no_more_tries_than_five_and_the_right_one_comes_too_late(redis: Redis) -> None:
    holder = Holder(redis)
    token = await holder.keep((await holder.somebody()).id)
    answers = await holder.all_at_once(token, [f"guess {number}" for number in range(30)])
    assert Counter(answers) == {Answer.WRONG: TRIES - 1, Answer.SHUT: 30 - TRIES + 1}
    assert await holder.say(token, "mine", "berg", right=True) is Answer.SHUT
    assert holder.passes.stands(await holder.page(token), "mine") is Device.SHUT
    facts = [fact for fact in await facts_of(redis) if fact.kind == "pass_refused"]
    assert sorted(fact.detail["left"] for fact in facts) == ["0", "1", "2", "3", "4"]
    assert "4 more allowed" in KINDS["pass_refused"].say(facts[0], str)

    page = await holder.page(token)
    assert await holder.passes.unbind(page.id, by="agent") is True
    assert await holder.passes.unbind(page.id, by="agent") is False, "nothing was left to undo"
    assert await holder.say(token, "mine", "berg", right=True) is Answer.OPENED


async def test_the_same_wrong_answer_sent_again_is_one_try(redis: Redis) -> None:
    holder = Holder(redis)
    token = await holder.keep((await holder.somebody()).id)
    page = await holder.page(token)
    assert {await holder.passes.prove(page, "mine", "smit", right=False) for _ in range(20)} == {(Answer.WRONG, TRIES - 1)}
    assert (await holder.page(token)).wrong == 1


async def test_of_two_devices_that_answer_rightly_at_once_one_has_it_and_keeps_it(redis: Redis) -> None:
    holder = Holder(redis)
    contact = (await holder.somebody()).id
    token = await holder.keep(contact)
    said = [holder.say(token, secret, "berg", right=True) for secret in ("one", "two")]
    answers = await asyncio.gather(*said)
    assert sorted(answers) == [Answer.OPENED, Answer.OTHER]
    winner, loser = ("one", "two") if answers[0] is Answer.OPENED else ("two", "one")
    page = await holder.page(token)
    assert [holder.passes.stands(page, secret) for secret in (winner, loser, "")] == [Device.MINE, Device.OTHER, Device.OTHER]
    assert (await holder.say(token, winner, "berg", right=True), page.wrong) == (Answer.OPENED, 0), "repeated, it stays open"

    again = await holder.page(await holder.keep(contact, event="e2", at=2))
    assert holder.passes.stands(again, winner) is Device.MINE, "who had the older issue open has the newer one"
    assert await holder.say(token, winner, "berg", right=True) is Answer.REPLACED
    assert await holder.passes.let_go(again, loser) is False
    assert await holder.passes.let_go(again, winner) is True
    assert await holder.say(again.token, loser, "berg", right=True) is Answer.OPENED
    assert await kinds(redis) == ["pass_kept", "pass_opened", "pass_kept", "pass_revoked", "pass_unbound", "pass_opened"]


async def test_what_the_answer_opens_beside_is_open_here_and_still_free_for_its_own_traveller(redis: Redis) -> None:
    holder = Holder(redis)
    contact = (await holder.somebody()).id
    paper = boarding_pass(holder.clock.now_ms() + 5 * HOUR_MS)
    tokens = [await holder.keep(contact, f"p{number}", order=number, paper=paper) for number in (2, 0, 1)]
    elsewhere = await holder.keep(contact, "p9", paper=boarding_pass(holder.clock.now_ms(), reference="ANOTHR"))
    pages = await holder.passes.beside(await holder.page(tokens[0]))
    assert [page.order for page in pages] == [0, 1, 2]
    assert elsewhere not in {page.token for page in pages}

    assert await holder.say(tokens[1], "mother", "berg", right=True, beside=(pages[1],)) is Answer.OPENED
    stands = [holder.passes.stands(page, "mother") for page in await holder.passes.beside(pages[0])]
    assert stands == [Device.MINE, Device.MINE, Device.NONE]
    assert await holder.say(tokens[2], "child", "berg", right=True) is Answer.OPENED
    stands = [holder.passes.stands(await holder.page(tokens[2]), secret) for secret in ("mother", "child", "friend")]
    assert stands == [Device.MINE, Device.MINE, Device.OTHER]


async def test_an_erased_person_takes_every_page_along(redis: Redis) -> None:
    holder = Holder(redis)
    contact = (await holder.somebody()).id
    token = await holder.keep(contact)
    assert await holder.say(token, "mine", "berg", right=True) is Answer.OPENED
    other = Passes(redis, holder.clock, Vault(holder.ring, redis))  # another process, which has their key at hand
    assert await other.find(token)
    conversations = Conversations(redis, holder.clock, holder.vault)
    await Erasure(redis, holder.clock, holder.vault, holder.contacts, conversations, (), {}).erase(contact)
    for passes in (holder.passes, other):
        page = await passes.find(token)
        assert page is not None
        assert (page.state(holder.clock.now_ms()), page.paper, page.token, page.bound) == (PassState.ERASED, {}, "", "")
        assert (await passes.prove(page, "mine", "berg", right=True))[0] is Answer.GONE
    with pytest.raises(NotFound):
        await holder.keep(contact, event="e2")
    assert not await redis.exists(keys.of(contact, "pn"))


async def test_not_me_closes_what_was_sent_before_and_people_open_it_again(redis: Redis) -> None:
    holder = Holder(redis)
    known = await holder.somebody()
    token = await holder.keep(known.id)
    assert await holder.say(token, "stranger", "0123", right=True) is Answer.OPENED
    holder.clock.offset_ms += 1000
    await holder.contacts.set_proof(known.id, known.profile.addresses[0].id, None, holder.clock.now_ms())
    page = await holder.page(token)
    assert (page.state(holder.clock.now_ms()), page.paper) == (PassState.ERASED, {})
    assert [page.erased for page in await holder.passes.of_contact(known.id)] == [True]

    holder.clock.offset_ms += 1000
    same = await holder.page(await holder.keep(known.id, event="e2", at=2))
    again = await holder.page(await holder.keep(known.id, "p2", event="e2", at=2))
    assert again.paper, "what was issued since is another matter"
    assert holder.passes.stands(same, "stranger") is Device.NONE, "and a device of before has no part in it"
    assert await holder.say(same.token, "owner", "berg", right=True) is Answer.OPENED
    assert holder.passes.stands(await holder.page(same.token), "owner") is Device.MINE
    assert again.id in {one.id for one in await holder.passes.beside(again)}
    assert page.id not in {one.id for one in await holder.passes.beside(again)}
    await holder.passes.unbind(page.id, by="agent")
    assert (await holder.page(token)).paper, "webcare may open it again"


async def test_what_is_over_says_so_for_thirty_days_and_is_then_forgotten(redis: Redis) -> None:
    holder = Holder(redis)
    contact = (await holder.somebody()).id
    now = holder.clock.now_ms()
    token = await holder.keep(contact, ends_ms=now + HOUR_MS)
    page = await holder.page(token)
    assert [page.state(now), page.state(now + HOUR_MS)] == [PassState.VALID, PassState.ENDED]
    assert page.state(now + HOUR_MS, now + 2 * HOUR_MS) is PassState.VALID, "what it is for was put off meanwhile"
    for name in (keys.of(page.id, "pg"), keys.of(contact, "pn")):
        left = await redis.pexpiretime(name) - page.ends_ms
        assert left == AFTER_MS
    unknown = await holder.page(await holder.keep(contact, "p2", ends_ms=0))
    assert unknown.ends_ms > now + 29 * keys.DAY_MS

    holder.clock.offset_ms += 40 * keys.DAY_MS
    for number in range(32):
        await holder.keep(contact, f"p{number + 3}", paper=boarding_pass(holder.clock.now_ms()))
    assert await redis.hlen(keys.of(contact, "pn")) == 33, "what is long over is not named any more"
