"""What a sender is able to do, kept in a real store: two sides, their ages, and which of them counts when."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.connector import Sender
from gateway.directory import Directory
from gateway.model.capability import Capability, Finding, Findings
from gateway.model.ids import SenderId
from gateway.model.personal import Secret
from gateway.scheduler.jobs.sync_capabilities import sync_capabilities
from gateway.store.capabilities import SHOWN_MS, Asked, settle
from gateway.store.senders import Senders

PAGE, NUMBER = SenderId("page"), SenderId("number")
HOUR_MS = 3600 * 1000
T = 1_795_000_000_000
YES, NO, OPEN = Finding(True, T, "approved"), Finding(False, T, "lacks"), Finding(None, T, "not told")


def at(finding: Finding, ms: int) -> Finding:
    return Finding(finding.able, ms, finding.why)


@pytest.mark.parametrize(
    ("asked", "shown", "hours", "able"),
    [
        (None, None, 0, None),
        (Asked(YES, T), None, 0, True),
        (None, NO, 0, False),
        # A send's "no" holds against silence, and against the "yes" that the channel said then already.
        (Asked(at(OPEN, T + HOUR_MS), T), NO, 1, False),
        (Asked(at(YES, T + HOUR_MS), T - HOUR_MS), NO, 1, False),
        # A "yes" that is new since then counts at once: somebody mended it.
        (Asked(at(YES, T + HOUR_MS), T + HOUR_MS), NO, 2, True),
        # After a day one more send may try.
        (Asked(at(OPEN, T + HOUR_MS), T), NO, 24, None),
        (Asked(at(YES, T + HOUR_MS), T - HOUR_MS), NO, 24, True),
        # Any "no" of the channel's counts, and is the younger word.
        (Asked(at(NO, T + HOUR_MS), T), NO, 24, False),
        (Asked(at(NO, T - HOUR_MS), T), YES, 1, True),
        (Asked(at(NO, T + HOUR_MS), T), YES, 1, False),
        (Asked(OPEN, T), at(YES, T + 1), 1, True),
    ],
)
def test_which_word_counts(asked: Asked | None, shown: Finding | None, hours: int, able: bool | None) -> None:
    found = settle(asked, shown, T + hours * HOUR_MS)
    assert (found.able if found else None) is able


async def test_what_a_send_showed_outlives_the_hourly_asking_and_is_tried_again_after_a_day(redis: Redis) -> None:
    clock = Clock()
    senders = Senders(redis, clock)
    now = clock.now_ms()
    asked = {Capability.TEMPLATES: Finding(True, now, "3 approved"), Capability.WAY_IN: Finding(False, now, "not set")}
    await senders.keep_findings(PAGE, Findings(asked, {"username": "polderwindair"}))
    await senders.note_finding(PAGE, Capability.TEMPLATES, Finding(False, now + 1, "the channel refused one"))
    await senders.keep_findings(PAGE, Findings({Capability.TEMPLATES: Finding(True, now + HOUR_MS, "3 approved")}))
    found = (await senders.findings([PAGE, NUMBER]))[PAGE]
    assert (found.able(Capability.TEMPLATES), found.found[Capability.TEMPLATES].why) == (False, "the channel refused one")
    assert found.found[Capability.TEMPLATES].at_ms == now + 1
    assert found.able(Capability.WAY_IN) is False  # the second asking said nothing about it
    clock.offset_ms += SHOWN_MS + 1
    assert (await senders.findings([PAGE]))[PAGE].able(Capability.TEMPLATES) is True


async def test_nothing_is_known_of_a_sender_that_was_never_asked_about(redis: Redis) -> None:
    found = (await Senders(redis, Clock()).findings([NUMBER]))[NUMBER]
    assert (found.found, found.able(Capability.TEMPLATES)) == ({}, None)
    assert await Senders(redis, Clock()).findings([]) == {}


async def test_what_a_newer_program_wrote_is_passed_over(redis: Redis) -> None:
    senders = Senders(redis, Clock())
    await senders.note_finding(PAGE, Capability.WAY_IN, YES)
    await redis.hset("capabilities:page", "shown:telepathy", '{"able": true, "at": 1, "why": "", "since": 1}')
    assert set((await senders.findings([PAGE]))[PAGE].found) == {Capability.WAY_IN}


class Probe:
    """Answers for pages; says nothing at all for one of them."""

    def __init__(self, silent: SenderId | None = None) -> None:
        self.silent = silent

    async def ask(self, sender: Sender) -> Findings:
        if sender.id == self.silent:
            await asyncio.Event().wait()
        return Findings({Capability.TEMPLATES: Finding(True, T, f"asked as {sender.id}")})


def sender(name: str, channel: str) -> Sender:
    return Sender(SenderId(name), channel, "zz", {"page_id": name}, name, Secret("token"))


async def test_every_sender_is_asked_and_a_silent_one_keeps_what_is_known(redis: Redis) -> None:
    senders = Senders(redis, Clock())
    directory = Directory([sender("page", "messenger"), sender("other", "messenger"), sender("number", "elsewhere")])
    assert await sync_capabilities(directory, {"messenger": Probe()}, senders) == 2
    assert await sync_capabilities(directory, {"messenger": Probe(silent=PAGE)}, senders, ask_s=0.05) == 1
    found = await senders.findings(directory.ids)
    assert found[PAGE].found[Capability.TEMPLATES].why == "asked as page"
    assert found[NUMBER].found == {}
