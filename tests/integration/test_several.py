"""One reviewed answer to several who wait about the same thing: who is shown, what each reads, and that nobody reads it twice."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.errors import BadInput
from gateway.model.contact import Identifier, OrderLink, Traveller
from gateway.model.conversation import ConversationState, EntryKind, InboundEntry
from gateway.model.family import ROLE
from gateway.model.ids import AddressId, ContactId, ConversationId, SubjectId
from gateway.model.message import Priority
from gateway.model.personal import Personal
from gateway.model.webcare import BrandPlan, Figures, Heard, Queue, Reason, Safety
from gateway.rules.reasons import ReasonRules, hides_proposals
from gateway.store.contacts import FactChange
from gateway.store.conversation_commands import Terms
from gateway.store.conversations import Conversations
from gateway.webcare import commands, several
from gateway.webcare.choices import proposed
from gateway.webcare.lists import ListReader
from tests.integration.test_desk import HOUR, SENDER, Desk, Page, desk, signed_in

__all__ = ["desk"]

FLIGHT = SubjectId("s00" + "f" * 26)
OTHER = SubjectId("s00" + "e" * 26)
NOWHERE = ConversationId("")
TEXTS = {"en": "Hello {first_name}, it leaves at 18:40.", "nl": "Hallo {first_name}, hij vertrekt om 18:40."}


@dataclass
class Somebody:
    contact: ContactId
    address: AddressId
    conversation: ConversationId = NOWHERE


@dataclass
class Crowd:
    desk: Desk
    page: Page
    count: int = 0

    async def asks(
        self, name: str, text: str, *, language: str = "en", subjects: tuple[SubjectId, ...] = (FLIGHT,), role: str = "booker",
        heard: Heard | None = None, window_ago_ms: int = 0, queue: str = "general",
    ) -> Somebody:  # fmt: skip
        """Somebody on the flight writes."""
        self.count += 1
        contacts, now = self.desk.deps.contacts, self.desk.clock.now_ms()
        found = Somebody(*await contacts.reserve("whatsapp", Identifier("phone", "", Personal(f"+4477009003{self.count:02d}"))))
        order = OrderLink(
            SubjectId(f"s00{self.count:026d}"), Personal(f"ZX{self.count}K2P"), "flight", "zz", "shop", "t1", role, None,
            subjects, now + 48 * HOUR,
        )  # fmt: skip
        traveller = Traveller("t1", Personal(name), None, (found.address,))
        await contacts.change(found.contact, lambda known: replace(known, travellers=(traveller,), orders=(order,)))
        await contacts.change_facts(found.contact, [FactChange("lang", language, now, "set")])
        await self.says(found, text, heard=heard, window_ago_ms=window_ago_ms, queue=queue)
        return found

    async def says(
        self, who: Somebody, text: str, *, heard: Heard | None = None, window_ago_ms: int = 0, queue: str = "general"
    ) -> None:
        self.count += 1
        now = self.desk.clock.now_ms()
        await self.desk.deps.contacts.open_window(who.contact, SENDER, who.address, now - window_ago_ms)
        item = InboundEntry(f"k{self.count}", "text", Personal(text), now)
        who.conversation = await self.desk.deps.conversations.add_inbound(
            who.contact, "zz", who.address, SENDER, item=item, heard=heard, queue=queue
        )

    async def part(self, opened: str = "") -> str:
        async with self.page.client.get("/desk/several", params={"conversation": opened, "lang": "en"}) as response:
            assert response.status == 200
            return await response.text()

    async def look(self, *who: Somebody, texts: dict[str, str] | None = None) -> list[dict[str, Any]]:
        body = {"conversations": [one.conversation for one in who], "texts": texts or TEXTS, "lang": "en"}
        status, answer = await self.page.post("/desk/several/look", body)
        assert status == 200, answer
        return list(answer["people"])

    async def send(self, rows: list[dict[str, Any]], key: str = "w1", **more: Any) -> list[str]:
        people = [{name: row[name] for name in ("conversation", "epoch", "inbound", "mine", "text")} for row in rows]
        status, answer = await self.page.post("/desk/several", {"people": people, "lang": "en", **more}, key=key)
        assert status == 200, answer
        return [row["code"] for row in answer["people"]]

    async def read(self, who: Somebody) -> list[str]:
        """What an agent's words became for them."""
        found = await self.desk.deps.conversations.get(who.conversation)
        thread = await self.desk.deps.conversations.thread(found)
        return [entry.text.reveal() for entry in thread if entry.kind is EntryKind.OUT]

    async def state(self, who: Somebody) -> str:
        return (await self.desk.deps.conversations.get(who.conversation)).state.value


@pytest.fixture
async def crowd(desk: Desk) -> Crowd:
    await desk.agent()
    return Crowd(desk, await signed_in(desk))


async def test_each_reads_it_in_their_language_once_whatever_is_repeated(crowd: Crowd) -> None:
    mila = await crowd.asks("Mila", "Gaat hij nog?", language="nl-NL")
    jo = await crowd.asks("Jo", "Is ZZ 1007 on time?")
    await crowd.asks("Alone", "Where is my parcel?", subjects=(OTHER,))
    theirs = f"/desk/{jo.conversation}"
    assert (await crowd.page.post(f"{theirs}/take", {"epoch": 1}, key="t"))[0] == 200

    part = await crowd.part(jo.conversation)
    assert re.search(r"Flight booking \(2\)", part)
    assert "Gaat hij nog?" in part
    assert "Is ZZ 1007 on time?" in part
    assert "parcel" not in part, "one alone is no group"
    assert "K2P" not in part

    rows = await crowd.look(mila, jo)
    assert [row["text"] for row in rows] == ["Hallo Mila, hij vertrekt om 18:40.", "Hello Jo, it leaves at 18:40."]
    assert [row["mine"] for row in rows] == [False, True]
    assert crowd.desk.woken == [], "looking sends nothing"
    assert await crowd.send(rows) == ["sent", "sent"]
    assert await crowd.state(mila) == "resolved", "nobody's: finished, it holds no place"
    assert await crowd.state(jo) == "active", "what was one's own stays so"
    assert await crowd.send(rows) == ["sent", "sent"]
    assert len(crowd.desk.woken) == 2
    assert {ready.priority for ready in crowd.desk.woken} == {Priority.AGENT}
    assert [await crowd.read(one) for one in (mila, jo)] == [[rows[0]["text"]], [rows[1]["text"]]]
    assert await crowd.send(rows, key="w2") == ["resolved", "answered"], "another intention finds nobody who waits"
    other = [{**row, "text": "Something else"} for row in rows]
    assert await crowd.send(other) == ["key_reused", "key_reused"]
    assert len(crowd.desk.woken) == 2


async def test_whoever_said_that_they_are_somebody_else_is_not_told_of_that_ones_flight(crowd: Crowd) -> None:
    mila, jo, stranger = [await crowd.asks(name, "Is it on time?") for name in ("Mila", "Jo", "Eva")]
    rows = await crowd.look(mila, jo, stranger)
    assert [row["why"] for row in rows] == ["", "", ""]
    contacts = crowd.desk.deps.contacts
    await contacts.set_proof(stranger.contact, stranger.address, None, crowd.desk.clock.now_ms())
    assert "Eva" not in await crowd.part(mila.conversation)
    assert await crowd.send(rows) == ["sent", "sent", "gone"], "also where it was looked at before"
    assert await crowd.read(stranger) == []


async def test_who_moved_on_or_needs_an_answer_of_their_own_is_left_out_and_named(crowd: Crowd) -> None:
    await crowd.desk.agent("tom", "Tom Vale")
    jo = await crowd.asks("Jo", "Is it on time?")
    again = await crowd.asks("Again", "Well?")
    taken = await crowd.asks("Taken", "Hello?")
    danger = await crowd.asks("Danger", "I cannot breathe", heard=Heard(safety=Safety.MEDICAL))
    unhappy = await crowd.asks("Unhappy", "I want to complain", heard=Heard(complaint=True))
    shut = await crowd.asks("Shut", "Still there?", window_ago_ms=25 * HOUR)
    aunt = await crowd.asks("Aunt", "Has she left?", role=ROLE)
    part = await crowd.part()
    for name, why in (("Danger", "cannot wait"), ("Unhappy", "complaint"), ("Shut", "window is closed"), ("Aunt", "family")):
        assert re.search(rf"<li><bdi>{name}</bdi>: [^<]*{why}", part), name

    rows = await crowd.look(jo, again, taken, danger, unhappy, shut)
    assert [bool(row["why"]) for row in rows] == [False, False, False, True, True, True]
    tom = await signed_in(crowd.desk, "tom")
    assert (await tom.post(f"/desk/{taken.conversation}/take", {"epoch": 1}, key="tom"))[0] == 200
    await crowd.says(again, "And my bag?")
    forced = [{**row, "text": row["text"] or "x"} for row in rows]
    said = await crowd.send(forced)
    assert said == ["sent", "they_wrote", "owner_changed", "safety", "complaint", "window_closed"]
    assert len(crowd.desk.woken) == 1
    assert await crowd.state(again) == "queued", "it is nobody's still"
    assert await crowd.read(aunt) == []
    assert (await crowd.look(again, texts={"nl": "Hallo"}))[0]["why"], "no words in their language"


async def test_who_is_left_out_takes_nobodys_place(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(several, "MOST", 2)
    for count in range(3):
        await crowd.asks(f"Shut{count}", "Still there?", window_ago_ms=25 * HOUR)
    for count in range(3):
        await crowd.asks(f"Open{count}", "When?")
    part = await crowd.part()
    assert re.findall(r"<bdi>(\w+)</bdi></b>", part) == ["Open0", "Open1"]
    assert re.findall(r"<li><bdi>(\w+)</bdi>", part) == ["Shut0", "Shut1"]


async def test_a_full_desk_answers_what_it_has_and_the_rest_when_there_is_room(crowd: Crowd) -> None:
    store = crowd.desk.deps.conversations
    store.terms = Terms(lambda brand: Figures(capacity=1), lambda: True)
    mine, nobodys = await crowd.asks("Mine", "When?"), await crowd.asks("Nobodys", "When?")
    await crowd.page.post(f"/desk/{mine.conversation}/take", {"epoch": 1}, key="t")
    rows = await crowd.look(nobodys, mine)
    assert await crowd.send(rows) == ["full", "sent"]
    found = await store.get(mine.conversation)
    finish = {"epoch": found.epoch, "inbound": 1, "reason": "delay"}
    assert (await crowd.page.post(f"/desk/{mine.conversation}/finish", finish, key="f"))[0] == 200
    assert await crowd.send(rows) == ["sent", "sent"]
    assert [len(await crowd.read(one)) for one in (mine, nobodys)] == [1, 1]
    assert await crowd.state(nobodys) == "resolved"


async def test_killed_between_any_two_steps_a_repeat_does_what_is_missing_and_no_more(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = [await crowd.asks(f"P{count}", "When?") for count in range(3)]
    rows = await crowd.look(*who)
    real, steps = commands.run, 0

    class Killed(BaseException):
        pass

    async def dying(*args: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == dies_at:
            raise Killed
        return await real(*args)

    monkeypatch.setattr(commands, "run", dying)
    (ann,) = [one for one in await crowd.desk.deps.agents.all()]
    seen = [(ConversationId(row["conversation"]), row["epoch"], row["inbound"]) for row in rows]
    wanted = [several.Wanted(*one, False, row["text"]) for one, row in zip(seen, rows, strict=True)]
    for dies_at in (2, 4, 8, 0):
        steps = 0
        try:
            said = await several.send(crowd.desk.deps, ann, "w1", wanted, "")
        except Killed:
            assert dies_at
    assert [code for _, code in said] == ["sent"] * 3
    assert [len(await crowd.read(one)) for one in who] == [1, 1, 1]
    assert {await crowd.state(one) for one in who} == {"resolved"}
    assert len(crowd.desk.woken) == 3


async def test_whoever_is_erased_meanwhile_is_left_out_and_keeps_nobody_from_their_answer(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, gone, last = [await crowd.asks(name, "When?") for name in ("First", "Gone", "Last")]
    rows, deps, real = await crowd.look(first, gone, last), crowd.desk.deps, commands.run

    async def erasing(*args: Any) -> Any:
        """They are erased when they have had their answer."""
        if args[2] == gone.conversation and args[3] == "finish":
            await deps.conversations.erase(gone.contact)
        return await real(*args)

    monkeypatch.setattr(commands, "run", erasing)
    assert await crowd.send(rows) == ["sent", "sent", "sent"]
    assert await crowd.state(last) == "resolved"
    assert await crowd.send(rows) == ["sent", "gone", "sent"]
    again = await crowd.look(first, gone, last)
    assert [bool(row["why"]) for row in again] == [True, True, True]
    assert again[1]["name"] == "Somebody new"


async def test_only_ones_own_queues_and_only_well_formed_wishes(crowd: Crowd) -> None:
    deps = crowd.desk.deps
    who = [await crowd.asks(f"P{count}", "When?") for count in range(2)]
    await crowd.desk.agent("eve", "Eve Noor", ("agent@zz/crisis",))
    eve = await signed_in(crowd.desk, "eve")
    async with eve.client.get("/desk/several") as response:
        assert "When?" not in await response.text()
    body = {"conversations": [who[0].conversation], "texts": TEXTS}
    status, answer = await eve.post("/desk/several/look", body)
    assert (status, answer["people"][0]["text"]) == (200, "")
    assert answer["people"][0]["why"]
    await crowd.desk.agent("sue", "Sue Dale", ("senior@zz/crisis",))
    sue = await signed_in(crowd.desk, "sue")
    status, answer = await sue.post("/desk/several/look", body)
    assert status == 200
    assert "P0" not in str(answer), "read by who may not answer, and written down nowhere"
    row = {"conversation": who[0].conversation, "epoch": 1, "inbound": 1, "mine": False, "text": "x"}
    status, answer = await eve.post("/desk/several", {"people": [row]})
    assert (status, answer["people"][0]["code"]) == (200, "gone")
    wrongs: list[Any] = [None, [], [row] * 2, [row] * 31, [{**row, "epoch": -1}]]
    for wrong in wrongs:
        assert (await crowd.page.post("/desk/several", {"people": wrong}))[0] == 422
    assert (await crowd.page.post("/desk/several", {"people": [row]}, key="k" * 60))[0] == 422
    long = {**row, "text": "x" * 70_000}
    assert (await crowd.page.post("/desk/several", {"people": [long]}))[1]["people"][0]["code"] == "long"
    assert isinstance(deps.conversations, Conversations)
    asked = replace(deps, plan=replace(deps.plan, reasons=(Reason("delay", "travel", {"en": "Delay"}, "del"),)))
    (ann,) = [one for one in await deps.agents.all() if one.name.reveal() == "ann"]
    with pytest.raises(BadInput):
        await several.send(asked, ann, "w1", [several.Wanted(who[0].conversation, 1, 1, False, "x")], "")
    assert await several.send(asked, ann, "w1", [several.Wanted(who[0].conversation, 1, 1, False, "x")], "delay")
    found = await deps.conversations.get(who[0].conversation)
    assert (found.state, found.reason) == (ConversationState.RESOLVED, "delay")


async def test_who_waits_in_a_queue_of_the_plan_stands_on_the_list_and_among_several(crowd: Crowd) -> None:
    deps = crowd.desk.deps
    who = [await crowd.asks(f"P{count}", "When?", queue="bags") for count in range(2)]
    (ann,) = await deps.agents.all()
    planned = replace(deps, plan=replace(deps.plan, brands={"zz": BrandPlan("zz", (Queue("bags"), Queue("general")))}))
    listed = await ListReader(planned).waiting(ann)
    assert {row.id for row in listed.rows} == {one.conversation for one in who}
    assert [one.count for one in await several.abouts(planned, ann)] == [2]


async def test_a_reason_is_proposed_by_their_words_and_to_one_in_twenty_never(crowd: Crowd) -> None:
    reasons = (
        Reason("delay", "travel", {"en": "Delay"}, "del", {"en": ("running late",)}),
        Reason("refund", "money", {"en": "Refund"}, "ref", {"en": ("money back",)}),
    )
    deps = replace(crowd.desk.deps, plan=replace(crowd.desk.deps.plan, reasons=reasons))
    who = await crowd.asks("Jo", "Hello there")
    await crowd.says(who, "I want my money back")
    one, rules = await deps.conversations.get(who.conversation), ReasonRules(reasons)
    found = await proposed(deps, rules, one, "en")
    assert [choice.value for choice in found] == ([] if hides_proposals(one.id) else ["refund"])
    assert await proposed(deps, ReasonRules(()), one, "en") == ()
