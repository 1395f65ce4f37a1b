"""What we say, from a folder to the channel to one's own phone; and a dead letter that reaches its phone after all."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.whatsapp.templates import example_image
from gateway.model.contact import Address, Consent, Identifier, Profile, Proof
from gateway.model.ids import MessageId, SenderId, message_id
from gateway.model.message import MessageState, Priority
from gateway.model.personal import Personal
from gateway.notifications import catalogue as catalogues
from gateway.notifications.preview import example
from gateway.store.contacts import Contacts, FactChange
from gateway.store.outbox import ClaimWant, Outbox, Pair, Plan, PlannedContact, PlannedMessage, Settlement, told_field
from gateway.store.senders import Senders
from tests.integration.commands_stage import (
    CONFIG,
    MINE,
    Channel,
    House,
    Launcher,
    channel,
    house,
    launcher,
    run,
    small_templates,
    started,
)
from tests.support.server import free_port
from tests.support.waiting import wait_until

__all__ = ["launcher"]

SENDER = SenderId("whatsapp")


@pytest.fixture
async def phones() -> AsyncIterator[Channel]:
    async with channel() as made:
        yield made


@pytest.fixture
async def home(data_dir: Path, launcher: Launcher, phones: Channel) -> AsyncIterator[House]:
    folder = small_templates(data_dir / "templates")
    more = {"GATEWAY_TEMPLATES_DIR": str(folder), "GATEWAY_GRAPH_URL": phones.url}
    async with house(data_dir, launcher, **more) as made:
        yield made


async def approved(home: House) -> None:
    assert (await home.run("templates", "push")).code == 0
    assert (await home.run("templates", "status", "--wait", "20")).code == 0


async def test_our_own_templates_are_sound_and_the_graph_is_drawn(data_dir: Path, launcher: Launcher) -> None:
    ran = await run(data_dir, "templates", "lint", "--graph", launcher=launcher)
    assert ran.code == 0, ran.out
    assert "flight_delayed: replaces older ones; ends" in ran.out
    assert ", 0 errors," in ran.out
    drawn = (await run(data_dir, "templates", "lint", "--graph", "mermaid", "--json", launcher=launcher)).data
    assert drawn["graph"].startswith("flowchart LR")
    assert drawn["errors"] == 0


async def test_what_the_channel_would_refuse_and_what_does_not_load_end_with_1(home: House) -> None:
    words = home.data_dir / "templates" / "gate_changed" / "nl.yaml"
    words.write_text(words.read_text().replace("Vlucht {{", "{{", 1))
    ran = await home.run("templates", "lint")
    assert ran.code == 1
    assert "error    gate_changed/nl.yaml: body: a parameter stands at the start (edge)" in ran.out
    pushed = await home.run("templates", "push")
    assert pushed.code == 1
    assert "nothing was pushed" in pushed.err
    (home.data_dir / "templates" / "gate_changed" / "notification.yaml").write_text("colour: blue\n")
    ran = await home.run("templates", "lint", "--json")
    assert ran.code == 1
    assert any("colour" in finding["where"] for finding in ran.data["findings"])


async def test_a_preview_shows_the_words_and_unknown_names_are_answered_with_the_known(home: House) -> None:
    ran = await home.run("templates", "preview", "gate_changed", "--lang", "en")
    assert ran.code == 0
    assert "gate_changed_v1 · en" in ran.out
    both = (await home.run("templates", "preview", "gate_changed", "--json")).data
    assert {one["language"] for one in both} >= {"nl", "en"}
    for words in (("gate_change",), ("gate_changed", "--lang", "xx"), ("gate_changed", "--brand", "qq")):
        ran = await home.run("templates", "preview", *words)
        assert ran.code == 1
        assert "; " in ran.err


async def test_templates_are_planned_pushed_once_and_followed_until_they_are_approved(home: House, phones: Channel) -> None:
    dry = (await home.run("templates", "push", "--dry-run", "--json")).data
    missing = [step["template"] for step in dry["senders"][0]["steps"] if step["action"] == "create"]
    assert "gate_changed_v1" in missing
    assert (await home.run("templates", "status")).code == 1
    pushed = await home.run("templates", "push")
    assert pushed.code == 0, pushed.out + pushed.err
    assert "create   gate_changed_v1 nl: pending" in pushed.out
    followed = await home.run("templates", "status", "--wait", "20", "--json")
    assert followed.code == 0
    assert followed.data["approved"] is True
    again = (await home.run("templates", "push", "--json")).data
    assert again["senders"][0]["done"] == []
    unknown = await home.run("templates", "push", "--sender", "other")
    assert (unknown.code, unknown.err) == (1, "no sender other; there are whatsapp\n")
    nobody = await home.run("templates", "status", GATEWAY_WHATSAPP_TOKEN="")
    assert nobody.code == 1
    assert "GATEWAY_WHATSAPP_TOKEN" in nobody.err


async def test_a_notification_is_tried_on_ones_own_phone(home: House, phones: Channel) -> None:
    early = await home.run("templates", "try", "gate_changed", "--yes")
    assert early.code == 1
    assert "templates push" in early.err
    await approved(home)
    asked = await home.run("templates", "try", "gate_changed", "--lang", "nl")
    assert asked.code == 1
    assert "Send this to 1 phone, the first of GATEWAY_ONLY_TO" in asked.err
    assert phones.bubbles() == []
    ran = await home.run("templates", "try", "gate_changed", "--lang", "nl", "--to", "me", "--yes", "--json")
    assert ran.code == 0, ran.err
    assert (ran.data["outcome"], ran.data["as"]) == ("accepted", "gate_changed_v1")
    (bubble,) = phones.bubbles()
    assert "vertrekt vanaf gate" in str(bubble)
    assert MINE[1:] not in ran.out + ran.err
    facts = await home.facts(int(ran.data["id"][1:3]))
    assert any(fact.startswith(f"tried|{ran.data['id']}|nt=gate_changed s=whatsapp outcome=accepted") for fact in facts)
    assert "tried" in (await home.run("trace", ran.data["id"])).out


async def test_nobody_is_written_to_who_is_not_listed_or_asked_us_to_stop(home: House, phones: Channel) -> None:
    await approved(home)
    stranger = await home.run("templates", "try", "gate_changed", "--to", "-", "--yes", stdin="+447700900999\n")
    assert stranger.code == 1
    assert "GATEWAY_ONLY_TO" in stranger.err
    assert "900999" not in stranger.err + stranger.out
    nobody = await home.run("templates", "try", "gate_changed", "--yes", GATEWAY_ONLY_TO="")
    assert nobody.code == 1
    assert "GATEWAY_ONLY_TO names no number" in nobody.err
    wrong = await home.run("templates", "try", "gate_changed", "--to", "-", "--yes", stdin="12\n")
    assert wrong.code == 1
    assert "--to: should be a phone number" in wrong.err
    contacts = Contacts(home.redis, home.clock, home.vault)
    contact, address = await contacts.reserve("whatsapp", Identifier("phone", "", Personal(MINE)))
    assert await contacts.set_proof(contact, address, None, home.clock.now_ms() - 1000)
    assert "are not this person" in (await home.run("templates", "try", "address_check", "--yes")).err
    assert await contacts.set_proof(contact, address, Proof.INBOUND, home.clock.now_ms())
    await contacts.change_facts(contact, [FactChange("k:journey.whatsapp.default", "w", home.clock.now_ms(), "consent")])
    stopped = await home.run("templates", "try", "gate_changed", "--yes")
    assert stopped.code == 1
    assert "asked us to stop" in stopped.err
    assert phones.bubbles() == []
    assert phones.bubbles("+447700900999") == []


async def test_a_document_is_brought_along_where_a_notification_has_one(home: House, phones: Channel, tmp_path: Path) -> None:
    await approved(home)
    without = await home.run("templates", "try", "boarding_pass_issued", "--yes")
    assert without.code == 1
    assert "--document: is missing" in without.err
    (tmp_path / "pass.txt").write_text("no document")
    wrong = await home.run("templates", "try", "boarding_pass_issued", "--document", str(tmp_path / "pass.txt"), "--yes")
    assert "--document: should be a PNG or JPEG" in wrong.err
    (tmp_path / "pass.png").write_bytes(example_image().data)
    ran = await home.run("templates", "try", "boarding_pass_issued", "--document", str(tmp_path / "pass.png"), "--yes")
    assert ran.code == 0, ran.out + ran.err
    (bubble,) = phones.bubbles()
    assert bubble["header"]["mime"] == "image/png"


async def _seed(home: House) -> MessageId:
    """A person with consent and proof, and a message to them that died because its template was paused."""
    contacts = Contacts(home.redis, home.clock, home.vault)
    known = Identifier("phone", "", Personal(MINE))
    contact, address = await contacts.reserve("whatsapp", known)
    await contacts.change(contact, lambda profile: Profile(addresses=(Address(address, "whatsapp", (known,)),)))
    now = home.clock.now_ms()
    changes = [FactChange("k:journey.whatsapp.default", "g", now, "consent")]
    await contacts.change_facts(contact, changes)
    found = await contacts.get(contact)
    assert found.facts.consents["journey.whatsapp.default"] == Consent(True, now)
    words = example(catalogues.load(home.data_dir / "templates"), "gate_changed", "nl")
    form = {
        "name": words.template_name, "language": "nl", "category": "utility", "header": {},
        "body": dict(words.body_parameters),
    }  # fmt: skip
    body = {
        "kind": "notification", "notification": "gate_changed", "purpose": "journey", "brand": "default",
        "channel": "whatsapp", "zone": "UTC", "personal": False, "night": "wake", "on_uncertain": "resend",
        "order": "accepted", "forms": [form], "header": None, "text": words.body, "footer": None, "buttons": [],
        "document": None, "event": {},
    }  # fmt: skip
    event, subject = "e07aaaaaaaaaaaaaaaa", "j11aaaaaaaaaaa"
    message = message_id(event, "gate_changed", "", contact, 0)
    box = await home.vault.contact_box(contact)
    planned = PlannedMessage(
        id=message, contact=contact, sender=SENDER, address=address, priority=Priority.URGENT, due_ms=0,
        deadline_ms=now + 3_600_000, told=told_field(subject, "gate_changed", ""), state=MessageState.QUEUED, reason="",
        notification="gate_changed", body=box.seal_json(body, message),
    )  # fmt: skip
    outbox = Outbox(home.redis, home.clock, {SENDER: Pair(0, 1)})
    partition = int(contact[1:3])
    version = found.facts.consent_version
    plan = Plan(partition, event, 1, subject, (PlannedContact(contact, version, messages=(planned,)),))
    assert (await outbox.put(plan)).written
    want = ClaimWant("first", partition, SENDER, Priority.URGENT, 1)
    (claimed,) = await outbox.claim([want], worker="w1", lease_ms=10_000, evidence_ms=1000, clock_ok=True)
    assert await outbox.settle([Settlement(claimed, "x", 1, reason="template_paused")]) == ["settled"]
    return message


@pytest.mark.long
async def test_a_replayed_dead_letter_is_decided_on_again_and_reaches_its_phone(home: House, phones: Channel) -> None:
    await approved(home)
    message = await _seed(home)
    known = {"state": "APPROVED", "category": "utility"}
    await Senders(home.redis, home.clock).replace_templates(SENDER, {("gate_changed_v1", "nl"): known})
    ran = await home.run("dead-letters", "replay", "--reason", "template_paused", "--yes")
    assert ran.code == 0, ran.out + ran.err
    ports = {name: str(free_port()) for name in ("GATEWAY_PUBLIC_PORT", "GATEWAY_INTERNAL_PORT", "GATEWAY_CONSOLE_PORT")}
    more = {**home.more, **ports, "GATEWAY_APP_SECRET": CONFIG.app_secret}
    async with started(home.data_dir, "run", "--roles", "dispatch", **more) as gateway:
        (bubble,) = await wait_until(phones.bubbles, 30)
        assert "vertrekt vanaf gate" in str(bubble)
        traced = await home.run("trace", message)
        assert "the channel took it (attempt 2)" in traced.out
        os.kill(gateway.pid, signal.SIGTERM)
        await gateway.communicate()
    assert gateway.returncode == 0
