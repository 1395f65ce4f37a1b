"""A family's list against a model: whoever comes, leaves, is taken out, by whatever link and however often it is repeated, it
holds no more than its places, nobody whom the traveller took out, nobody by an old link or through a closed door.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.errors import Conflict
from gateway.model.family import Family, Joined, Left, Member
from gateway.model.ids import AddressId, ContactId, SubjectId
from gateway.model.personal import Personal
from gateway.store.families import A_MINUTE, Families
from gateway.store.vault import KeyRing, Vault
from tests.support.server import StoreServer

PLACES = 4
PEOPLE = [ContactId(f"c{number:02d}{'0' * 12}{number % 10}") for number in range(14)]
TRAVELLER = ContactId("c60" + "0" * 13)
ORDER = SubjectId("j05" + "0" * 11)
people = st.sampled_from(PEOPLE)


class FamilyMachine(RuleBasedStateMachine):
    server: StoreServer

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.members: dict[ContactId, str] = {}
        self.barred: set[ContactId] = set()
        self.links: list[int] = []
        """numbers of all links there were, the one that counts last; none while there is no family"""
        self.came: list[int] = []
        self.door = "open"
        self.stands = self.erased = False

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        async def start() -> None:
            self.redis = Redis.from_url(self.server.url)
            await self.redis.flushall()
            self.clock = Clock()
            self.families = Families(self.redis, self.clock, Vault(KeyRing(KeyRing.generate()), self.redis))

        self.do(start())
        self.id = self.families.id_of(ORDER, "c")
        self.erased = True

    def teardown(self) -> None:
        if hasattr(self, "redis"):
            self.do(self.redis.aclose())
        self.loop.close()

    @rule()
    def made(self) -> None:
        one = Family(self.id, ORDER, "c", TRAVELLER, AddressId("a60"), "zz", "en", 0, 0, places=PLACES)
        try:
            found = self.do(self.families.make(one))
        except Conflict:
            assert (self.stands, self.erased) == (False, False), "only until its members were told"
            return
        assert self.stands or self.erased
        if not self.stands:
            assert found.renewals not in self.links, "a link that was given out is never given again"
            self.links.append(found.renewals)
            self.members, self.barred, self.came, self.door = {}, set(), [], "open"
            self.stands, self.erased = True, False

    @rule(who=people, old=st.booleans(), name=st.sampled_from(["", "Opa|Jan", "Mia"]), times=st.integers(1, 2))
    def joins(self, who: ContactId, old: bool, name: str, times: int) -> None:
        links = self.links or [1]
        number = links[0] if old else links[-1]
        for _ in range(times):
            wanted = self._wanted(who, number)
            member = Member(who, AddressId("a00"), "whatsapp", Personal(name) if name else None, 0)
            assert self.do(self.families.join(self.id, member, number)) is wanted
            if wanted is Joined.IN:
                self.members[who] = name
                self.came.append(self.clock.now_ms())
            elif wanted is Joined.AGAIN:
                self.members[who] = name or self.members[who]
            elif wanted is Joined.TOO_MANY:
                self.door = "too_many"

    def _wanted(self, who: ContactId, number: int) -> Joined:
        if not self.stands:
            return Joined.ENDED
        if who in self.barred:
            return Joined.BARRED
        if who in self.members:
            return Joined.AGAIN
        if number != self.links[-1]:
            return Joined.OLD
        if self.door != "open":
            return Joined.CLOSED if self.door == "closed" else Joined.TOO_MANY
        if len(self.members) >= PLACES:
            return Joined.FULL
        lately = [at for at in self.came if at > self.clock.now_ms() - 60_000]
        return Joined.TOO_MANY if len(lately) >= A_MINUTE else Joined.IN

    @rule(who=people, why=st.sampled_from([Left.STOPPED, Left.REMOVED]))
    def leaves(self, who: ContactId, why: Left) -> None:
        there = (self.stands or not self.erased) and who in self.members
        assert self.do(self.families.leave(self.id, who, why)) is there
        self.members.pop(who, None)
        if why is Left.REMOVED and self.stands:
            self.barred.add(who)

    @rule(open=st.booleans())
    def at_the_door(self, open: bool) -> None:
        assert self.do(self.families.door(self.id, open=open)) is self.stands
        if self.stands:
            if (self.door == "open") is not open or self.door == "too_many":
                self.came = []
            self.door = "open" if open else "closed"

    @rule(key=st.sampled_from(["", "k1", "k2"]))
    def renewed(self, key: str) -> None:
        first = self.do(self.families.renew(self.id, key))
        assert (first > 0) is self.stands
        if self.stands and first != self.links[-1]:
            assert first > max(self.links)
            self.links.append(first)
        if key:
            assert self.do(self.families.renew(self.id, key)) == first, "asked again by the same, it is the same link"

    @rule(who=people)
    def renamed(self, who: ContactId) -> None:
        there = self.stands and who in self.members
        assert self.do(self.families.rename(self.id, who, Personal("Tante Bep"))) is there
        if there:
            self.members[who] = "Tante Bep"

    @rule()
    def ended(self) -> None:
        assert self.do(self.families.end(self.id, "traveller")) is self.stands
        self.stands = False

    @rule()
    def told_and_erased(self) -> None:
        gone = self.do(self.families.erase(self.id))
        assert gone is not self.stands
        if gone:
            self.members, self.barred, self.erased = {}, set(), True

    @rule(ms=st.sampled_from([1, 20_000, 61_000]))
    def time_goes_by(self, ms: int) -> None:
        self.clock.offset_ms += ms

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        if not hasattr(self, "redis"):
            return
        found = self.do(self.families.get(self.id))
        listed = {one.contact: one.name.reveal() if one.name else "" for one in found.members} if found else {}
        assert listed == self.members
        assert len(listed) <= PLACES
        assert self.barred.isdisjoint(listed)
        if self.stands:
            assert (found.renewals, found.open, bool(found.shut_ms)) == (
                self.links[-1], self.door == "open", self.door == "too_many",
            )  # fmt: skip


def run(server: StoreServer, examples: int, steps: int) -> None:
    FamilyMachine.server = server
    run_state_machine_as_test(
        FamilyMachine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, phases=[Phase.explicit, Phase.generate], database=None,
            deadline=None, suppress_health_check=list(HealthCheck), print_blob=True,
        ),
    )  # fmt: skip


@pytest.mark.single_server("the machine opens a client of its own")
def test_a_list_is_what_its_traveller_and_its_members_said(store_server: StoreServer) -> None:
    run(store_server, 5, 18)


@pytest.mark.long
@pytest.mark.single_server("the machine opens a client of its own")
def test_a_list_is_what_they_said_at_length(store_server: StoreServer) -> None:
    run(store_server, 300, 60)
