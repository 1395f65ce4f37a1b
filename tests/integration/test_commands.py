"""The commands of every day, as processes: what they print, change and refuse, and how they end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.insight.history import Batch, Position, open_history
from gateway.model.ids import ContactId, random_id
from gateway.model.personal import Secret
from gateway.store import keys, rotation, scripts
from gateway.store.agents import Agents
from gateway.store.facts import Fact
from gateway.store.outgoing import Job, Outgoing, Webhook
from gateway.store.reply import octets
from gateway.store.senders import Senders
from gateway.store.sessions import SignedIn
from gateway.store.vault import KeyRing, Vault
from tests.integration.commands_stage import (
    MAIN,
    PASSWORD,
    ROOT,
    House,
    Launcher,
    environment,
    house,
    launcher,
    run,
    started,
)
from tests.support.embedded import alive
from tests.support.waiting import wait_until_sync

__all__ = ["launcher"]


@pytest.fixture
async def home(data_dir: Path, launcher: Launcher) -> AsyncIterator[House]:
    async with house(data_dir, launcher) as made:
        yield made


HELP = """
import contextlib, io, json, sys
from gateway.cli.main import main
said = {}
for words in json.load(sys.stdin):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            main([*words, "--help"])
        except SystemExit as end:
            code = end.code
    said[" ".join(words)] = [code, out.getvalue()]
json.dump(said, sys.stdout)
"""
COMMANDS = (
    "trace", "stop", "resume", "migrate", "dead-letters list", "dead-letters show", "dead-letters replay",
    "dead-letters discard", "templates lint", "templates preview", "templates push", "templates status", "templates try",
    "agents add", "agents list", "agents password", "agents disable", "agents enable", "webhooks replay", "keys new",
    "keys show", "keys rotate",
)  # fmt: skip


def test_every_command_explains_itself_with_one_example(data_dir: Path) -> None:
    asked = json.dumps([one.split() for one in COMMANDS])
    done = subprocess.run(
        [sys.executable, "-c", HELP], input=asked, capture_output=True, text=True, cwd=ROOT, env=environment(data_dir)
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, list[Any]] = json.loads(done.stdout)
    for words in COMMANDS:
        code, text = said[words]
        assert code == 0
        assert f"usage: python main.py {words}" in " ".join(text.split()) or "usage:" in text
        assert f"example:\n  python main.py {words}" in text
        assert text.count("example:") == 1


async def test_a_wrong_argument_ends_with_2_and_names_it(data_dir: Path, launcher: Launcher) -> None:
    ran = await run(data_dir, "stop", "everywhere", "--why", "x", launcher=launcher)
    assert ran.code == 2
    assert "all, sender:ID, notification:NAME" in ran.err


async def test_a_phone_number_is_refused_as_an_argument_and_not_repeated(data_dir: Path, launcher: Launcher) -> None:
    ran = await run(data_dir, "trace", "+447700900123", launcher=launcher)
    assert ran.code == 2
    assert "`-` asks hidden" in ran.err
    assert "900123" not in ran.err + ran.out


async def test_ctrl_c_at_a_question_ends_with_130_without_a_trace_and_takes_the_store_down(data_dir: Path) -> None:
    async with started(data_dir, "agents", "add", "kim@example.org") as process:
        assert process.stderr is not None
        while b"Password" not in (said := await process.stderr.read(100)):
            assert said, "it ended before it asked"
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in err + out
    wait_until_sync(lambda: not alive(data_dir))


# agents


async def test_an_agent_is_added_through_a_pipe_and_can_sign_in(home: House) -> None:
    wanted = ("agents", "add", "kim@example.org", "--display", "Kim", "--rights", "read,reply@zz")
    ran = await home.run(*wanted, stdin=PASSWORD + "\n")
    assert ran.code == 0, ran.err
    assert "Kim may sign in as kim@example.org" in ran.out
    assert PASSWORD not in ran.out + ran.err
    agents = Agents(home.redis, home.clock, home.vault)
    assert await agents.sessions.sign_in("kim@example.org", Secret(PASSWORD), "here") is not None
    listed = (await home.run("agents", "list", "--json")).data
    assert [(one["name"], one["rights"], one["disabled"]) for one in listed] == [("kim@example.org", ["read", "reply@zz"], False)]
    assert f"agent_added||agent=operator target={listed[0]['id']} new=read,reply@zz" in await home.facts()
    again = await home.run("agents", "add", "kim@example.org", stdin=PASSWORD + "\n")
    assert again.code == 1
    assert "agents password" in again.err


@pytest.mark.long
async def test_a_team_is_imported_changed_and_shown(home: House, tmp_path: Path) -> None:
    table = tmp_path / "team.csv"
    table.write_text(
        'name,display,rights,languages,skills\nann@example.org,Ann,"agent@zz,auditor","nl,en",refunds\ntom@example.org,,supervisor,,\n'
    )
    assert (await home.run("agents", "import", str(table), "--dry-run")).code == 0
    assert (await home.run("agents", "list", "--json")).data == []
    made = {one["name"]: one for one in (await home.run("agents", "import", str(table), "--json")).data}
    agents = Agents(home.redis, home.clock, home.vault)
    signed = await agents.sessions.sign_in("ann@example.org", Secret(made["ann@example.org"]["password"]), "here")
    assert isinstance(signed, SignedIn)
    again = (await home.run("agents", "import", str(table), "--json")).data
    assert [(one["done"], one["password"]) for one in again] == [("as it was", None)] * 2
    shown = (await home.run("agents", "show", "ANN@example.org", "--json")).data
    assert (shown["rights"], shown["languages"], shown["skills"]) == (["agent@zz", "auditor"], ["nl", "en"], ["refunds"])
    assert "due at the next sign-in" in (await home.run("agents", "show", "tom@example.org")).out
    listed = (await home.run("agents", "sessions", "list", "--json")).data
    assert [(one["name"], one["how"], one["locked"]) for one in listed] == [("ann@example.org", "password", False)]
    assert (await home.run("agents", "sessions", "end")).code == 2
    assert (await home.run("agents", "sessions", "end", "ann@example.org", "--json")).data["sessions_ended"] == 1
    assert await agents.sessions.get(signed.token.reveal()) is None
    assert (await home.run("agents", "rights", "ann@example.org", "fly@zz")).code == 1
    assert (await home.run("agents", "rights", "ann@example.org", "senior@zz/service")).code == 0
    assert (await home.run("agents", "set", "ann@example.org")).code == 2
    wanted = ("--skills", "", "--limit-factor", "3", "--locale", "nl")
    changed = await home.run("agents", "set", "ann@example.org", *wanted, "--json")
    assert (changed.data["skills"], changed.data["limit_factor"], changed.data["locale"]) == ([], 3, "nl")
    assert changed.data["rights"] == ["senior@zz/service"]
    assert (await home.run("agents", "second-factor", "reset", "tom@example.org", "--json")).data["had"] is False
    written = [fact for fact in await home.facts() if fact.startswith("agent_rights")]
    assert written == [f"agent_rights||agent=operator target={shown['id']} old=agent@zz,auditor new=senior@zz/service"]


async def test_an_agent_is_kept_out_let_in_and_given_a_new_password(home: House) -> None:
    agents = Agents(home.redis, home.clock, home.vault)
    await agents.add_agent("kim@example.org", "Kim", Secret(PASSWORD))
    assert (await home.run("agents", "disable", "kim@example.org")).code == 0
    assert await agents.sessions.sign_in("kim@example.org", Secret(PASSWORD), "here") is None
    assert "kept out" in (await home.run("agents", "list")).out
    assert (await home.run("agents", "enable", "kim@example.org")).code == 0
    assert (await home.run("agents", "password", "kim@example.org", stdin="another sentence, as good\n")).code == 0
    assert await agents.sessions.sign_in("kim@example.org", Secret("another sentence, as good"), "here") is not None
    weak = await home.run("agents", "password", "kim@example.org", stdin="short\n")
    assert weak.code == 1
    assert "password: should be 12 to 256 characters" in weak.err
    unknown = await home.run("agents", "disable", "sam@example.org")
    assert unknown.code == 1
    assert "there are kim@example.org" in unknown.err


def _on_a_terminal(data_dir: Path, answers: list[tuple[str, str]], *words: str) -> tuple[int, str]:
    """A command on a terminal of its own: (words to wait for, what to type then). Its exit code and all that it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(MAIN), *words], cwd=data_dir, env=environment(data_dir), stdin=theirs, stdout=theirs,
        stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    os.set_blocking(ours, False)
    shown = ""

    wanted = ""

    def looked() -> bool:
        nonlocal shown
        with contextlib.suppress(BlockingIOError, OSError):
            shown += os.read(ours, 4096).decode()
        return (bool(wanted) and wanted in shown) or process.poll() is not None

    try:
        for want, typed in answers:
            wanted = want
            wait_until_sync(looked, 30)
            os.write(ours, typed.encode() + b"\n")
        wanted = ""
        wait_until_sync(looked, 30)
        looked()
        return process.wait(10), shown
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        os.close(ours)


def test_on_a_terminal_a_password_is_asked_twice_and_never_shown(data_dir: Path) -> None:
    answers = [("Password", PASSWORD), ("The same again", "something else, also long")]
    code, shown = _on_a_terminal(data_dir, answers, "agents", "add", "kim@example.org")
    assert code == 1
    assert "the two were not the same" in shown
    assert PASSWORD not in shown


# keys


@pytest.fixture
def ring() -> str:
    return KeyRing.generate().reveal()


async def test_a_new_ring_is_printed_and_nothing_else(data_dir: Path, launcher: Launcher) -> None:
    ran = await run(data_dir, "keys", "new", launcher=launcher)
    assert ran.code == 0
    assert sorted(KeyRing(Secret(ran.out.strip())).wrapping) == [1]
    assert ran.out.count("\n") == 1


async def test_a_ring_is_renewed_without_losing_anything_and_the_old_key_is_free_afterwards(
    data_dir: Path, ring: str, launcher: Launcher
) -> None:
    async with house(data_dir, launcher, GATEWAY_KEYS=ring) as home:
        before = Vault(KeyRing(Secret(ring)), home.redis)
        people = [random_id("c", partition) for partition in (3, 3, 40)]
        sealed = {}
        for place, contact in enumerate(people):
            sealed[contact] = (await before.contact_box(contact, create=True)).seal(b"their words", "x")  # type: ignore[arg-type]
            if place:  # one that no list names any more
                await home.redis.zadd(keys.beside(contact, "all"), {contact: 1000 + place})
        day = await before.seal_day(home.clock.now_ms(), b"an event", "e")
        await Agents(home.redis, home.clock, before).add_agent("kim@example.org", "Kim", Secret(PASSWORD))
        printed = await home.run("keys", "rotate")
        value = printed.out.strip()
        fresh = KeyRing(Secret(value))
        assert sorted(fresh.wrapping) == [1, 2]
        assert value.startswith(ring)
        more = {"GATEWAY_KEYS": value}
        shown = (await home.run("keys", "show", "--json", **more)).data
        assert [(row["version"], row["contacts"], row["days"], row["agents"]) for row in shown["versions"]] == [
            (1, 3, 1, 1),
            (2, 0, 0, 0),
        ]
        assert shown["may_be_taken_out"] == []
        moved = (await home.run("keys", "rotate", "--rewrap", "--json", **more)).data
        assert (moved["moved"], moved["left"], moved["may_be_taken_out"]) == (5, 0, [1])
        again = (await home.run("keys", "rotate", "--rewrap", "--json", **more)).data
        assert again["moved"] == 0
        alone = Vault(KeyRing(Secret(",".join(part for part in value.split(",") if not part.startswith("1:")))), home.redis)
        for contact, words in sealed.items():
            assert (await alone.contact_box(contact)).open(words, "x") == b"their words"  # type: ignore[arg-type]
        assert await alone.open_day(day, "e") == b"an event"
        sessions = Agents(home.redis, home.clock, alone).sessions
        assert await sessions.sign_in("kim@example.org", Secret(PASSWORD), "here") is not None
        for text in (printed.err, str(shown), str(moved)):
            assert not any(part.partition(":")[2] in text for part in value.split(","))


async def test_a_key_that_was_destroyed_meanwhile_does_not_come_back(home: House) -> None:
    await home.redis.set("{p:03}k:c03aaaaaaaaaaaaa", b"1|old")
    await home.redis.delete("{p:03}k:c03aaaaaaaaaaaaa")
    answer = await scripts.run(home.redis, "key_swap", ["{p:03}k:c03aaaaaaaaaaaaa"], ["", b"1|old", b"2|new"])
    assert answer == 0
    assert not await home.redis.exists("{p:03}k:c03aaaaaaaaaaaaa")


async def test_no_contact_is_left_out_where_many_were_seen_in_one_moment_or_are_seen_meanwhile(
    home: House, ring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = KeyRing(Secret(f"{ring},2:{base64.b64encode(b'n' * 32).decode()}"))
    people = [ContactId(random_id("c", 9)) for _ in range(40)]
    await Vault(KeyRing(Secret(ring)), home.redis).contact_boxes(people, create=True)
    await home.redis.zadd("{p:09}all", {contact: 1000 + place // 12 for place, contact in enumerate(people)})
    monkeypatch.setattr(rotation, "PAGE", 5)
    mover = rotation.Rewrap(home.redis, fresh, Vault(fresh, home.redis))
    met: list[str] = []
    async for page in mover.pages(9):
        met += page
        await home.redis.zadd("{p:09}all", {people[len(met) % 40]: 9000 + len(met)}, gt=True)
        if len(met) > 200:
            break
    assert set(met) == set(people)
    assert await mover.run() == 40
    wrapped = [octets(await home.redis.get(keys.of(contact, "k"))) for contact in people]
    assert {rotation.version_of(raw) for raw in wrapped} == {2}


async def test_a_version_that_the_ring_lacks_is_named(data_dir: Path, ring: str, launcher: Launcher) -> None:
    async with house(data_dir, launcher, GATEWAY_KEYS=ring) as home:
        await home.redis.set("{p:03}k:c03aaaaaaaaaaaaa", b"7|whatever")
        ran = await home.run("keys", "show")
        assert ran.code == 1
        assert "Key 7 is missing from GATEWAY_KEYS" in ran.out


# migrate


MIGRATION = """
import sys
sys.path.insert(0, {root!r})
from gateway.cli import migrate
from gateway.cli.main import main
from gateway.store import layout

async def step(redis, dry_run):
    names = [name async for name in redis.scan_iter(match="old:*")]
    if not dry_run:
        for name in names:
            await redis.rename(name, name.replace(b"old:", b"new:"))
    return len(names)

layout.VERSION = 2
layout.MIGRATIONS[2] = ("old names are new ones", step)
sys.exit(main())
"""


async def _migrate(home: House, *words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MIGRATION.format(root=str(ROOT)), "migrate", *words, cwd=home.data_dir,
        env=environment(home.data_dir), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_an_old_layout_is_brought_up_to_date_once_and_not_by_a_dry_run(home: House) -> None:
    await home.redis.hset(keys.LAYOUT, mapping={"version": "1", "env": "staging", "made": "1", "bodies": "packed"})
    await home.redis.set("old:thing", "1")
    code, said = await _migrate(home, "--dry-run")
    assert (code, said) == (0, "would be done: layout 2: old names are new ones: 1 keys\n")
    assert await home.redis.get("old:thing") == b"1"
    await home.redis.zadd(keys.WORKERS, {"expand:somebody": home.clock.now_ms()})
    code, said = await _migrate(home)
    assert code == 1
    assert "1 process works on this store: stop the gateway first" in said
    await home.redis.delete(keys.WORKERS)
    code, said = await _migrate(home)
    assert (code, said) == (0, "layout 2: old names are new ones: 1 keys\n")
    assert await home.redis.getdel("new:thing") == b"1"
    assert await home.redis.hget(keys.LAYOUT, "version") == b"2"
    code, said = await _migrate(home)
    assert (code, said) == (0, "layout 2 is current: nothing to do\n")
    newer = await home.run("migrate")
    assert newer.code == 1
    assert "newer than this program" in newer.err


async def test_another_environments_store_is_not_migrated(home: House) -> None:
    await home.redis.hset(keys.LAYOUT, mapping={"version": "0", "env": "production", "made": "1"})
    ran = await home.run("migrate")
    assert ran.code == 1
    assert "belongs to the environment 'production'" in ran.err


# trace


async def test_a_code_is_traced_while_the_store_runs_and_when_it_does_not(data_dir: Path, launcher: Launcher) -> None:
    async with house(data_dir, launcher) as home:
        subject = home.vault.subject_id("flight", "ZZ1007/2026-11-22/AMS")
        fact = f"1|1795348800000|applied|e42aaaaaaaaaaaaaaaa {subject}|n=1 changes=gate"
        await home.redis.xadd(keys.beside(subject, "facts"), {"f": fact})
        ran = await home.run("trace", "zz1007/2026-11-22/ams", "--zone", "Europe/Amsterdam")
        assert ran.code == 0, ran.err
        assert f"subject {subject}" in ran.out
        assert "13:00:00.000  applied" in ran.out
    ran = await run(data_dir, "trace", "-", "--json", stdin="ZZ1007/2026-11-22/AMS\n", launcher=launcher)
    assert ran.data["id"] == subject
    unknown = await run(data_dir, "trace", "ZX7K2P", launcher=launcher)
    assert unknown.code == 1
    assert "nothing is known of that" in unknown.err


# outgoing webhooks


async def test_dead_webhooks_are_queued_again_and_all_of_them_made_anew_from_the_history(home: House) -> None:
    queue, now = Outgoing(home.redis), home.clock.now_ms()
    await queue.dead(Job(Webhook("17a", b"{}"), "0a1b2c3d", 13, now - 5000), now_ms=now - 1000)
    ran = await home.run("webhooks", "replay", "--since", "2h", "--json")
    assert ran.data["queued"] == 1
    (job,) = await queue.take(8, now_ms=now + 60_000)
    assert (job.name, job.attempt) == ("17at0a1b2c3d", 0)
    none = await home.run("webhooks", "replay", "--since", "2h", "--all")
    assert none.code == 1
    assert "GATEWAY_WEBHOOK_TARGETS is empty" in none.err
    history = await open_history(f"sqlite:///{home.data_dir / 'history.db'}")
    await history.close()
    target = {"GATEWAY_WEBHOOK_TARGETS": "http://127.0.0.1:9/hooks", "GATEWAY_WEBHOOK_SECRET": "whsec_" + "aGVsbG8g" * 5}
    everything = await home.run("webhooks", "replay", "--since", "2026-01-01", "--all", "--json", **target)
    assert everything.data["queued"] == 0
    await _folded(home, "delivered", "suppressed")
    chosen = {**target, "GATEWAY_WEBHOOK_TYPES": "message.suppressed"}
    some = await home.run("webhooks", "replay", "--since", "2026-01-01", "--all", "--json", **chosen)
    assert some.data["queued"] == 1
    everything = await home.run("webhooks", "replay", "--since", "2026-01-01", "--all", "--json", **target)
    assert everything.data["queued"] == 1, "the other one"
    wrong = await home.run("webhooks", "replay", "--since", "yesterday")
    assert wrong.code == 2


async def _folded(home: House, *kinds: str) -> None:
    """Facts of one message, as the history has them."""
    history = await open_history(f"sqlite:///{home.data_dir / 'history.db'}")
    ids = (random_id("m", 7), random_id("c", 7))
    at_ms = home.clock.now_ms() - 1000
    facts = tuple(Fact(7, f"{at_ms + number}-0", at_ms, kind, ids, {"nt": "x"}) for number, kind in enumerate(kinds))
    before = (await history.positions([7]))[7]
    await history.commit([Batch(7, before, Position(facts[-1].stream_id, facts[-1].stream_id), facts, (), ())])
    await history.close()


# the sandbox


async def test_the_sandbox_keeps_its_own_arguments_and_ends_well_on_ctrl_c(data_dir: Path) -> None:
    ran = await run(data_dir, "sandbox", "--help")
    assert ran.code == 0
    assert "SANDBOX_PORT" in ran.out
    wrong = await run(data_dir, "sandbox", "--port", "many")
    assert wrong.code == 1
    assert "SANDBOX_PORT" in wrong.err
    async with started(data_dir, "sandbox", "--port", "0", "--data-dir", ":memory:") as process:
        assert process.stdout is not None
        assert b"phones at http://127.0.0.1:" in await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


# brakes


async def test_a_stop_is_in_force_shown_written_down_and_lifted(home: House) -> None:
    ran = await home.run(
        "stop", "notification:gate_changed", "--until", "2h", "--why", "wrong gates = bad", "--who", "kim"
    )
    assert ran.code == 0, ran.err
    (stop,) = await Senders(home.redis, home.clock).stops()
    assert (stop.scope, stop.who, stop.why) == ("notification:gate_changed", "kim", "wrong gates = bad")
    assert 7_100_000 < stop.until_ms - home.clock.now_ms() <= 7_200_000
    assert await home.facts() == [f"stopped||scope=notification:gate_changed until={stop.until_ms} who=kim why=wrong gates bad"]
    assert "wrong gates = bad" in (await home.run("stop", "--list")).out
    assert (await home.run("resume", "--list", "--json")).data[0]["scope"] == "notification:gate_changed"
    asked = await home.run("resume", "notification:gate_changed")
    assert asked.code == 1
    assert "add --yes" in asked.err
    assert len(await Senders(home.redis, home.clock).stops()) == 1
    lifted = await home.run("resume", "notification:gate_changed", "--yes", "--who", "kim")
    assert lifted.code == 0
    assert "0 messages wait" in lifted.out
    assert await Senders(home.redis, home.clock).stops() == []
    assert (await home.facts())[-1] == "resumed||scope=notification:gate_changed who=kim"
    nothing = await home.run("resume", "notification:gate_changed", "--yes")
    assert nothing.code == 1
    assert "is not stopped" in nothing.err


async def test_what_nobody_knows_is_not_stopped_and_what_there_is_is_named(home: House) -> None:
    sender = await home.run("stop", "sender:wa", "--why", "test")
    assert (sender.code, sender.err) == (1, "no sender wa; there are whatsapp\n")
    notification = await home.run("stop", "notification:gate_change", "--why", "test")
    assert notification.code == 1
    assert "gate_changed" in notification.err
    subject = await home.run("stop", "subject:ZZ9999", "--why", "test")
    assert subject.code == 1
    assert "subject:flight:" in subject.err
    past = await home.run("stop", "all", "--why", "test", "--until", "2020-01-01")
    assert (past.code, past.err) == (1, "--until: should be in the future\n")
    reasonless = await home.run("stop", "all")
    assert reasonless.code == 2
    assert "--why is missing" in reasonless.err
    personal = await home.run("stop", "all", "--why", "call me on +44 7700 900123")
    assert personal.code == 2
    assert "900123" not in personal.err
    assert await Senders(home.redis, home.clock).stops() == []


async def test_a_flight_and_a_source_are_stopped_as_dispatch_looks_for_them(home: House) -> None:
    subject = home.vault.subject_id("flight", "ZZ1007/2026-11-22/AMS")
    await home.redis.hset(keys.of(subject, "j"), "n", "1")
    await home.redis.expire(keys.of(subject, "j"), 60)
    assert (await home.run("stop", "subject:zz1007/2026-11-22/ams", "--why", "test")).code == 0
    assert (await home.run("stop", "source://ops.example.org/flights", "--why", "test")).code == 0
    source = home.vault.blind("source", "//ops.example.org/flights")[:12]
    assert {stop.scope for stop in await Senders(home.redis, home.clock).stops()} == {f"subject:{subject}", f"source:{source}"}
    assert f"subject {subject}" in (await home.run("trace", subject)).out
    assert (await home.run("resume", f"source:{source}", "--yes")).code == 0
    assert (await home.run("resume", "subject:ZZ1007/2026-11-22/AMS", "--yes")).code == 0


async def test_a_brake_works_while_a_template_is_broken(home: House, tmp_path: Path) -> None:
    broken = tmp_path / "templates" / "gate_changed"
    broken.mkdir(parents=True)
    (broken / "notification.yaml").write_text("this: [is no notification")
    ran = await home.run("stop", "notification:gate_changed", "--why", "test", GATEWAY_TEMPLATES_DIR=str(broken.parent))
    assert ran.code == 0, ran.err


