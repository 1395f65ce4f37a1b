"""Who somebody is, in the store: links and codes held against forged, late, doubled and repeated use, on a real server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.contact import Proof
from gateway.model.identity import Act, Asking
from gateway.model.personal import Personal, Secret
from gateway.rules.identity import ACT_MS, ASK_MS, IDLE_MS, PAUSE_MS, SENDS, TRIES, Level, asking
from gateway.store.conversations import CommandRefused
from gateway.store.identity import Proved
from gateway.store.vault import KeyRing, Vault
from tests.integration.identity_stage import CODE, LEA, WRONG, chat_of, kinds


async def test_a_code_shows_it_once_and_the_silence_of_half_an_hour_ends_it_for_good(redis: Redis) -> None:
    chat = await chat_of(redis, "+447700900101")
    token = await chat.asked()
    assert await chat.asked() == token, "the same command again is the same link"
    assert (await chat.tries(token, CODE)).word == "no_code"
    assert await chat.sent(token) == "sent"
    assert (await chat.tries(token, WRONG)) == Proved("wrong", left=TRIES - 1)
    assert await chat.level() is Level.RECOGNISED
    assert (await chat.tries(token, CODE)).word == "verified"
    assert await chat.level() is Level.VERIFIED
    assert (await chat.tries(token, CODE)).word == "done"
    assert (await chat.store.prove_login(await chat.now(), token, theirs=True)).word == "done"

    chat.clock.offset_ms += IDLE_MS - 1000
    await chat.writes()
    chat.clock.offset_ms += IDLE_MS - 1000
    assert await chat.level() is Level.VERIFIED, "who writes on is not silent"
    chat.clock.offset_ms += 2000
    assert await chat.level() is Level.RECOGNISED
    await chat.writes()
    assert await chat.level() is Level.RECOGNISED, "what a silence ended, words do not bring back"
    assert await kinds(redis) == ["identity_asked", "identity_verified"]


async def test_five_wrong_codes_over_processes_and_links_are_a_pause_of_half_an_hour(redis: Redis) -> None:
    chat = await chat_of(redis, "+447700900102")
    token = await chat.asked()
    await chat.sent(token)
    many = await asyncio.gather(*(chat.tries(token, Secret(f"{n:06}")) for n in range(40)))
    assert sorted(one.left for one in many if one.word == "wrong") == [1, 2, 3, 4]
    assert {one.word for one in many} == {"wrong", "paused"}
    assert (await chat.tries(token, CODE)).word == "paused", "the right one comes too late"
    assert (await chat.now()).identity.why == "wrong_code"

    again = await chat.asked("again")
    assert await chat.sent(again) == "paused", "a new link forgives nothing"
    assert (await chat.store.prove_login(await chat.now(), again, theirs=True)).word == "paused"
    chat.clock.offset_ms += PAUSE_MS + 1000
    later = await chat.asked("later")
    assert await chat.sent(later) == "sent"
    assert (await chat.tries(later, CODE)).word == "verified"
    assert await kinds(redis) == ["identity_asked", "identity_failed", "identity_asked", "identity_asked", "identity_verified"]


async def test_no_more_than_three_codes_are_sent_in_the_time_of_a_pause(redis: Redis) -> None:
    chat = await chat_of(redis, "+447700900103")
    token = await chat.asked()
    assert [await chat.sent(token, Secret(f"{n:06}")) for n in range(SENDS + 1)] == ["sent"] * SENDS + ["paused"]
    assert (await chat.tries(token, Secret("000000"))).word == "wrong", "an older code counts no more"
    await chat.store.code_unsent(await chat.now(), token, Secret("000001"), "unreachable")
    assert (await chat.now()).identity.asking is Asking.SENT, "that an older one failed takes nothing from the newest"
    assert (await chat.tries(token, Secret("000002"))).word == "verified"


async def test_links_end_by_time_by_a_newer_one_and_open_no_other_conversation(redis: Redis) -> None:
    vault, clock = Vault(KeyRing(KeyRing.generate()), redis), Clock()
    chat, other = [await chat_of(redis, f"+44770090010{n}", vault=vault, clock=clock) for n in (4, 5)]
    token, theirs = await chat.asked(), await other.asked()
    await chat.sent(token)
    assert (await other.tries(token, CODE)).word == "gone", "the link of another conversation"
    found = [await chat.store.behind(one) for one in (token, theirs)]
    assert [one.id for one in found if one is not None] == [chat.id, other.id]
    assert await chat.store.behind("07" + "0" * 32) is None
    assert await chat.store.behind("../" + token) is None

    newer = await chat.asked("newer")
    assert (await chat.tries(token, CODE)).word == "gone"
    assert await chat.store.link_state(await chat.now(), token) == "gone"
    assert (await chat.tries(newer, CODE)).word == "no_code"
    clock.offset_ms += ASK_MS - 1000
    assert await chat.sent(newer) == "sent", "asked for in its last second, the code has its own ten minutes"
    clock.offset_ms += ASK_MS - 1000
    assert await chat.store.link_state(await chat.now(), newer) == "sent"
    clock.offset_ms += 2000
    assert (await chat.tries(newer, CODE)).word == "gone"
    assert asking((await chat.now()).identity, clock.now_ms()) is Asking.EXPIRED
    assert await other.sent(theirs) == "gone"
    raw: Any = redis
    await raw.delete(*[name async for name in raw.scan_iter(match="*kv:*")])  # as time does
    assert (await chat.tries(newer, CODE)).word == "gone"


async def test_another_persons_login_shows_nothing_and_counts_as_a_wrong_answer(redis: Redis) -> None:
    chat = await chat_of(redis, "+447700900106")
    token = await chat.asked()
    assert (await chat.store.prove_login(await chat.now(), token, theirs=False)) == Proved("wrong", left=TRIES - 1)
    shown = (await chat.now()).identity
    assert (shown.asking, shown.why, await chat.level()) == (Asking.FAILED, "other_person", Level.RECOGNISED)
    assert (await chat.store.prove_login(await chat.now(), token, theirs=True)).word == "verified"
    assert (await chat.now()).identity.how == "login"


async def test_an_act_asks_for_a_proof_of_its_own_and_is_done_once(redis: Redis) -> None:
    chat = await chat_of(redis, "+447700900107")
    with pytest.raises(CommandRefused, match="not_fresh"):
        await chat.store.use_identity(await chat.command("use0"), Act.BANK)
    token = await chat.asked(act=Act.BANK)
    await chat.store.prove_login(await chat.now(), token, theirs=True)
    assert await chat.level() is Level.FRESH
    with pytest.raises(CommandRefused, match="not_fresh"):
        await chat.store.use_identity(await chat.command("use1"), Act.CANCEL)
    used = await chat.command("use2")
    assert not (await chat.store.use_identity(used, Act.BANK)).repeated
    assert (await chat.store.use_identity(used, Act.BANK)).repeated, "the answer was lost: it is the same doing"
    assert await chat.level() is Level.VERIFIED
    with pytest.raises(CommandRefused, match="not_fresh"):
        await chat.store.use_identity(await chat.command("use3"), Act.BANK)
    token = await chat.asked("later", Act.BANK)
    await chat.store.prove_login(await chat.now(), token, theirs=True)
    chat.clock.offset_ms += ACT_MS + 1000
    with pytest.raises(CommandRefused, match="not_fresh"):
        await chat.store.use_identity(await chat.command("use4"), Act.BANK)


async def test_a_supervisor_says_it_with_a_reason_and_whoever_is_not_the_owner_asks_for_nothing(redis: Redis) -> None:
    chat = await chat_of(redis, "+447700900108")
    with pytest.raises(CommandRefused, match="owner_changed"):
        await chat.store.ask_identity(await chat.command("ask", LEA))
    done = await chat.store.set_identity(await chat.command("set", LEA), Personal("seen at the counter"))
    assert await chat.level() is Level.VERIFIED
    lines = await chat.store.thread(await chat.now())
    assert [(line.author, line.text.reveal()) for line in lines if line.id == done.entry] == [(LEA, "seen at the counter")]
    await chat.store.unset_identity(await chat.command("unset", LEA), Personal("it was somebody else"))
    assert await chat.level() is Level.RECOGNISED
    assert await kinds(redis) == ["identity_verified", "identity_set", "identity_dropped", "identity_set"]


async def test_what_the_app_showed_ends_by_a_supervisor_too_until_the_app_says_it_anew(redis: Redis) -> None:
    chat = await chat_of(redis, "+447700900128")
    await chat.contacts.set_proof(chat.contact, chat.address, Proof.APP_LOGIN, chat.clock.now_ms())
    assert await chat.level() is Level.VERIFIED
    chat.clock.offset_ms += 1000
    await chat.store.unset_identity(await chat.command("unset", LEA), Personal("a voice from behind answers for them"))
    assert await chat.level() is Level.RECOGNISED
    await chat.writes("and my seat?")
    assert await chat.level() is Level.RECOGNISED
    await chat.store.set_identity(await chat.command("set", LEA), Personal("seen at the counter"))
    assert await chat.level() is Level.VERIFIED
    await chat.store.unset_identity(await chat.command("unset2", LEA), Personal("no"))
    chat.clock.offset_ms += 1000
    await chat.contacts.set_proof(chat.contact, chat.address, Proof.APP_LOGIN, chat.clock.now_ms())
    assert await chat.level() is Level.VERIFIED


async def test_a_new_device_takes_what_was_shown_and_what_was_asked_before_it_and_nothing_later(redis: Redis) -> None:
    chat = await chat_of(redis, "+447700900109")
    before = chat.clock.now_ms()
    token = await chat.asked()
    await chat.store.prove_login(await chat.now(), token, theirs=True)
    assert await chat.store.drop_identity(chat.contact, chat.address, before - 1000, "device") == 0
    assert await chat.level() is Level.VERIFIED
    waiting = await chat.asked("again")
    chat.clock.offset_ms += 1000
    assert await chat.store.drop_identity(chat.contact, chat.address, chat.clock.now_ms(), "device") == 1
    assert await chat.level() is Level.RECOGNISED, "its own proof is the address's affair"
    assert (await chat.store.prove_login(await chat.now(), waiting, theirs=True)).word == "gone"
    await chat.contacts.drop_proof(chat.contact, chat.address, chat.clock.now_ms())
    assert await chat.level() is Level.UNKNOWN
    assert (await kinds(redis))[-1] == "identity_dropped"


async def test_a_code_that_stood_in_the_chat_is_found_and_good_for_nothing_more(redis: Redis) -> None:
    chat = await chat_of(redis, "+447700900110")
    where = (chat.contact, "zz", chat.address)
    assert await chat.store.code_in_chat(*where, ["204816"]) == ""
    token = await chat.asked()
    await chat.sent(token)
    assert await chat.store.code_in_chat(*where, ["551200", "204816"]) == "204816"
    assert await chat.store.code_in_chat(*where, ["204816"]) == "204816", "the message is applied again after a death"
    assert (await chat.tries(token, CODE)).word == "no_code"
    assert await chat.sent(token, WRONG) == "sent"
    assert (await chat.tries(token, WRONG)).word == "verified"


async def test_who_is_being_erased_shows_nothing_more_and_is_asked_for_nothing(redis: Redis) -> None:
    chat = await chat_of(redis, "+447700900111")
    token = await chat.asked()
    await chat.sent(token)
    raw: Any = redis
    await raw.hset(f"{{p:{chat.contact[1:3]}}}f:{chat.contact}", "erasing", "1")
    one = await chat.now()
    assert (await chat.store.prove_code(one, token, CODE)).word == "gone"
    with pytest.raises(CommandRefused, match="erasing"):
        await chat.asked("again")
    await chat.store.erase(chat.contact)
    assert await chat.store.behind(token) is None
    assert (await chat.store.prove_code(one, token, CODE)).word == "gone"
    assert await raw.exists(f"{{p:{chat.contact[1:3]}}}kp:{chat.contact}") == 0
