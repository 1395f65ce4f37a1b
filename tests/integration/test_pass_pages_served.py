"""The travel page over the listener: nothing before the proof, one device, five tries, nothing after an erasure."""

from __future__ import annotations

import asyncio
import io
import threading
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.documents.paper import PaperKind, Symbol, SymbolKind
from gateway.documents.wallets import Handed, Wallets
from gateway.errors import CannotDraw, StoreUnavailable
from gateway.model.ids import SubjectId, random_id
from gateway.model.pass_page import Answer
from gateway.store import keys, scripts
from gateway.store.conversations import Conversations
from gateway.store.erasure import Erasure
from gateway.store.subjects import Subjects
from gateway.webhooks import pass_page
from gateway.webhooks.invite import Limit
from tests.integration.pass_stage import HOUR_MS, MARK, Holder, boarding_pass, iso, site
from tests.support.core import facts_of
from tests.support.papers import PASS
from tests.support.wallet_keys import NOW_MS, apple_environment, google_environment

HEADERS = ("Cache-Control", "Content-Security-Policy", "X-Robots-Tag", "Referrer-Policy", "X-Content-Type-Options")
PERSONAL = (MARK, "Berg", "Mila", "ZX7K2P", "ZZ1007", "12C", "D18", "Amsterdam", "Lisbon", "042", "0123")
SUPPORT = "https://support.example.org/polderwind-air"


async def everything(redis: Redis) -> dict[bytes, bytes | None]:
    return {name: await redis.dump(name) for name in await redis.keys("*")}


async def test_getting_shows_nothing_of_anybody_and_changes_nothing(redis: Redis) -> None:
    async with site(redis) as one:
        token = await one.holder.keep((await one.holder.somebody()).id)
        before = await everything(redis)
        visitor = one.browser(**{"User-Agent": "preview"})
        for method in ("GET", "HEAD", "GET", "HEAD"):
            shown = await visitor.get(f"/d/{token}", method)
            assert shown.status == 200
            assert (len(shown.text) > 0) is (method == "GET")
            assert not [word for word in PERSONAL if word in shown.text]
            assert shown.headers["Cache-Control"] == "no-store"
            assert "noindex" in shown.headers["X-Robots-Tag"]
            assert "'unsafe" not in shown.headers["Content-Security-Policy"]
            assert ("Set-Cookie" in shown.headers) is False or method == "GET"
        assert "<title>Je reisdocument van Polderwind Air</title>" in (await visitor.get(f"/d/{token}")).text
        for path in ("live", "apple", "google", "calendar"):
            shown = await visitor.get(f"/d/{token}/{path}")
            assert not [word for word in PERSONAL if word in shown.text]
        assert await everything(redis) == before
        await visitor.session.close()


async def test_the_right_answer_opens_it_here_and_nowhere_else(redis: Redis) -> None:
    async with site(redis) as one:
        token = await one.holder.keep((await one.holder.somebody()).id)
        mine, other = one.browser(), one.browser()
        shown = await mine.say(token, "Van den Berg")
        assert shown.status == 200, "another particle is no other name"
        assert shown.url.endswith(f"/d/{token}?lang=nl")
        for word in (MARK, "Mila", "ZX7K2P", "ZZ1007", "12C", "D18", "<svg", "/calendar"):
            assert word in shown.text
        again = await mine.get(f"/d/{token}")
        assert (again.status, "12C" in again.text) == (200, True)

        foreign = await other.say(token, "Berg", key=shown.key)
        for look in (await other.get(f"/d/{token}"), foreign, await other.get(f"/d/{token}/live")):
            assert look.status in (403, 404)
            assert not [word for word in PERSONAL if word in look.text]
        assert SUPPORT in (await other.get(f"/d/{token}")).text

        closed = await mine.get(f"/d/{token}/close", "POST", data={"key": again.key})
        assert "hier gesloten" in closed.text
        assert (await mine.get(f"/d/{token}")).key, "it asks again"
        assert "12C" in (await other.say(token, "0123")).text
        kinds = [fact.kind for fact in await facts_of(redis) if fact.kind.startswith("pass_")]
        assert kinds == ["pass_kept", "pass_opened", "pass_unbound", "pass_opened"]
        for browser in (mine, other):
            await browser.session.close()


async def test_thirty_wrong_answers_at_once_are_five_and_then_people_help(redis: Redis) -> None:
    async with site(redis) as one:
        token = await one.holder.keep((await one.holder.somebody()).id)
        browser = one.browser()
        assert "nog 4 keer" in (await browser.say(token, "smit")).text
        assert "nog 4 keer" in (await browser.say(token, "SMIT ")).text, "the same answer again is no other try"
        assert "Vul eerst iets in" in (await browser.say(token, " -. ")).text
        key = (await browser.get(f"/d/{token}")).key
        answers = await asyncio.gather(*(browser.say(token, f"guess {chr(97 + n)}", key=key) for n in range(26)))
        assert {answer.status for answer in answers} == {403}
        assert sum("name=\"key\"" in answer.text for answer in answers) == 3, "four wrong ones were still told, one before"
        right = await browser.say(token, "Berg", key=key)
        assert (right.status, SUPPORT in right.text, "12C" in right.text) == (403, True, False)
        refused = [fact for fact in await facts_of(redis) if fact.kind == "pass_refused"]
        assert len(refused) == 5
        page = await one.holder.page(token)
        await one.holder.passes.unbind(page.id, by="agent")
        assert "12C" in (await browser.say(token, "Berg")).text
        await browser.session.close()


@pytest.mark.parametrize("how", ["no key", "another page's key", "another site", "no cookie", "too large", "not a form"])
async def test_a_form_that_is_not_ours_opens_nothing_and_costs_no_try(redis: Redis, how: str) -> None:
    async with site(redis) as one:
        contact = (await one.holder.somebody()).id
        token, elsewhere = await one.holder.keep(contact), await one.holder.keep(contact, "p2")
        browser = one.browser()
        key = (await browser.get(f"/d/{elsewhere if how == 'another page' + chr(39) + 's key' else token}")).key
        data: object = {"said": "Berg", "key": "" if how == "no key" else key}
        more = {"headers": {"Sec-Fetch-Site": "cross-site"}} if how == "another site" else {}
        if how == "no cookie":
            browser.session.cookie_jar.clear()
        if how == "too large":
            data = {"said": "Berg", "key": key, "more": "x" * 9000}
        if how == "not a form":
            more, data = {"headers": {"Content-Type": "text/plain"}}, f"said=Berg&key={key}".encode()
        shown = await browser.get(f"/d/{token}", "POST", data=data, **more)
        assert shown.status in (400, 403)
        assert not [word for word in PERSONAL if word in shown.text]
        page = await one.holder.page(token)
        assert (page.bound, page.wrong) == ("", 0)
        await browser.session.close()


async def test_a_newer_issue_says_use_the_new_one_and_leads_only_who_has_it_open_there(redis: Redis) -> None:
    async with site(redis) as one:
        contact = (await one.holder.somebody()).id
        token = await one.holder.keep(contact)
        mine, stranger = one.browser(), one.browser()
        await mine.say(token, "Berg")
        newer = await one.holder.keep(contact, event="e2", at=2)
        shown, told = await mine.get(f"/d/{token}"), await stranger.get(f"/d/{token}")
        assert (shown.status, told.status) == (200, 410)
        assert f"/d/{newer}?lang=nl" in shown.text
        assert "<svg" not in shown.text
        assert newer not in told.text
        assert "nieuwste link in je chat" in told.text
        live = await mine.get(f"/d/{token}/live")
        assert f"/d/{newer}?lang=nl" in live.text
        assert (await mine.get(f"/d/{token}/calendar")).headers["Content-Type"].startswith("text/html"), "nothing of the old one"
        assert "12C" in (await mine.get(f"/d/{newer}")).text, "the same person's device"
        assert (await stranger.say(newer, "Berg")).status == 403
        for browser in (mine, stranger):
            await browser.session.close()


async def test_what_is_over_erased_or_was_never_made_says_nothing_of_whose_it_was(redis: Redis) -> None:
    async with site(redis) as one:
        holder: Holder = one.holder
        contact, other = (await holder.somebody()).id, (await holder.somebody("+447700900124")).id
        token, theirs = await holder.keep(contact), await holder.keep(other)
        browser = one.browser()
        await browser.say(token, "Berg")
        await browser.say(theirs, "Berg")
        holder.clock.offset_ms += 13 * HOUR_MS
        over = await browser.get(f"/d/{theirs}")
        conversations = Conversations(redis, holder.clock, holder.vault)
        await Erasure(redis, holder.clock, holder.vault, holder.contacts, conversations, (), {}).erase(contact)
        erased, never = await browser.get(f"/d/{token}"), await browser.get("/d/" + "0" * 34)
        assert [shown.status for shown in (over, erased, never)] == [410, 410, 404]
        assert over.text.replace(theirs, "T") == erased.text.replace(token, "T"), "nobody can tell one from the other"
        for shown in (over, erased, never):
            assert not [word for word in PERSONAL if word in shown.text]
        assert [(await browser.get(f"/d/{one_of}/live")).status for one_of in (token, theirs)] == [404, 410]
        await redis.delete(keys.of((await holder.page(theirs)).id, "pg"))
        assert (await browser.get(f"/d/{theirs}")).status == 404
        await browser.session.close()


async def test_what_is_taken_along_is_made_beside_the_event_loop(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    makers: list[threading.Thread] = []
    real = Wallets.make

    def watched(*given: Any, **named: Any) -> Handed:
        makers.append(threading.current_thread())
        return real(*given, **named)

    monkeypatch.setattr(Wallets, "make", watched)
    async with site(redis) as one:
        departs = one.holder.clock.now_ms() + 5 * HOUR_MS
        token = await one.holder.keep((await one.holder.somebody()).id, paper=boarding_pass(departs))
        browser = one.browser()
        await browser.say(token, "Berg")
        assert "BEGIN:VEVENT" in (await browser.get(f"/d/{token}/calendar")).text
    assert len(makers) == 1
    assert makers[0] is not threading.main_thread()


async def test_gate_and_time_are_those_of_the_flight_now(redis: Redis) -> None:
    async with site(redis) as one:
        holder: Holder = one.holder
        departs = holder.clock.now_ms() // 60_000 * 60_000 + 5 * HOUR_MS
        token = await holder.keep((await holder.somebody()).id, paper=boarding_pass(departs))
        browser = one.browser()
        assert "<s>" not in (await browser.say(token, "Berg")).text
        later = {"scheduled": iso(departs), "estimated": iso(departs + HOUR_MS)}
        await holder.news(holder.flight, status="delayed", gate="E4", departure=later)
        for path in ("", "/live"):
            text = (await browser.get(f"/d/{token}{path}?lang=en")).text
            assert '<s><span class="out">was </span>D18</s><span class="out">now </span>E4' in text
            assert "New gate: E4." in text
            assert text.index("New departure time") < text.index("D18"), "the news first"
            assert "see the screens" in text
        taken = (await browser.get(f"/d/{token}/calendar?lang=en")).text.replace("\r\n ", "")
        assert "Gate E4" in taken
        assert "D18" not in taken, "nothing strikes it out in a calendar"
        await holder.news(holder.flight, status="cancelled", departure={"scheduled": iso(departs)})
        text = (await browser.get(f"/d/{token}?lang=de")).text
        assert "Dieser Flug fällt aus." in text
        assert '<html lang="de">' in text
        assert "/calendar" not in text, "nothing of it is taken along"
        assert "BEGIN:VEVENT" not in (await browser.get(f"/d/{token}/calendar")).text
        await holder.news(holder.flight, status="departed", arrival={"estimated": iso(departs + 30 * HOUR_MS)})
        holder.clock.offset_ms += 20 * HOUR_MS
        assert "This flight has left" in (await browser.get(f"/d/{token}?lang=en")).text, "late, it is of use for longer"
        await browser.session.close()


async def test_passes_of_one_booking_follow_each_other_for_whom_the_answer_fits(redis: Redis) -> None:
    async with site(redis) as one:
        holder: Holder = one.holder
        contact = (await holder.somebody()).id
        paper = boarding_pass(holder.clock.now_ms() + 5 * HOUR_MS)
        names = (("van der Berg",), ("Berg",), ("Jansen",))
        tokens = [
            await holder.keep(contact, f"p{n}", order=n, name_proofs=name, paper=paper, digits="") for n, name in enumerate(names)
        ]
        browser = one.browser()
        first = (await browser.say(tokens[0], "Berg")).text
        second = (await browser.get(f"/d/{tokens[1]}")).text
        assert "<span>1 van 2</span>" in first
        assert f'href="/d/{tokens[1]}?lang=nl" rel="next"' in first
        assert f'href="/d/{tokens[0]}?lang=nl" rel="prev"' in second
        assert tokens[2] not in first + second
        assert (await browser.get(f"/d/{tokens[2]}")).key, "somebody else's asks"
        assert "3 van 3" in (await browser.say(tokens[2], "Jansen")).text
        await browser.session.close()


async def test_what_can_be_taken_along_is_handed_out_behind_the_proof_without_a_name_in_its_file_name(redis: Redis) -> None:
    async with site(redis) as one:
        token = await one.holder.keep((await one.holder.somebody()).id)
        browser = one.browser()
        assert (await browser.get(f"/d/{token}/calendar")).text.count("BEGIN:VEVENT") == 0
        await browser.say(token, "Berg")
        shown = await browser.get(f"/d/{token}/calendar")
        assert "BEGIN:VEVENT" in shown.text
        assert shown.headers["Cache-Control"] == "no-store"
        assert not [word for word in (MARK, "Berg", "ZX7K2P") if word in shown.headers["Content-Disposition"]]
        assert (await browser.get(f"/d/{token}/apple")).status == 404
        await browser.session.close()


async def test_a_wallet_gets_its_pass_with_its_type_and_its_link_as_a_redirect_that_stands_on_no_page(redis: Redis) -> None:
    async with site(redis, apple_environment() | google_environment()) as one:
        holder: Holder = one.holder
        holder.clock.offset_ms += NOW_MS - holder.clock.now_ms()  # the certificates' time
        token = await holder.keep((await holder.somebody()).id, paper=PASS, ends_ms=PASS.ends_ms + 10 * HOUR_MS)
        browser = one.browser()
        before = await browser.get(f"/d/{token}/google", allow_redirects=False)
        assert "Location" not in before.headers, "nothing before the proof"
        page = await browser.say(token, "Berg")
        assert f'href="/d/{token}/apple' in page.text
        assert "pay.google.com" not in page.text
        taken = await browser.get(f"/d/{token}/google", allow_redirects=False)
        assert (taken.status, taken.text, taken.headers["Cache-Control"]) == (303, "", "no-store")
        assert taken.headers["Location"].startswith("https://pay.google.com/gp/v/save/")
        assert taken.headers["Referrer-Policy"] == "no-referrer", "the token of the page is told to nobody"
        async with browser.session.get(f"{one.url}/d/{token}/apple") as answer:
            assert answer.headers["Content-Type"] == "application/vnd.apple.pkpass"
            assert answer.headers["Content-Disposition"] == 'attachment; filename="boarding-pass-ZZ1007-22NOV.pkpass"'
            assert "pass.json" in zipfile.ZipFile(io.BytesIO(await answer.read())).namelist()
        await browser.session.close()


async def test_who_guesses_waits_and_who_stands_at_the_gate_does_not(redis: Redis) -> None:
    async with site(redis, guesses=Limit(3), asks=Limit(2)) as one:
        contact = (await one.holder.somebody()).id
        tokens = [await one.holder.keep(contact, f"p{number}") for number in range(4)]
        browser = one.browser()
        assert [(await browser.get(f"/d/{n:034d}")).status for n in range(5)] == [404, 404, 404, 429, 429]
        assert [(await browser.get(f"/d/{token}")).status for token in tokens] == [200] * 4, "each by their own"
        assert [(await browser.get(f"/d/{tokens[0]}")).status for _ in range(2)] == [200, 429], "and one page no more than that"
        await browser.session.close()


async def test_a_large_ticket_of_many_codes_stays_small_and_shows_them_all(redis: Redis) -> None:
    async with site(redis) as one:
        holder: Holder = one.holder
        codes = tuple(Symbol(SymbolKind.AZTEC, bytes([n]) * 10 + bytes(range(256)) * 2, True, f"traveller {n}") for n in range(9))
        paper = replace(
            boarding_pass(holder.clock.now_ms() + 5 * HOUR_MS), kind=PaperKind.RAIL_TICKET, symbols=codes,
            travellers=tuple("W" * 60 for _ in range(9)), notes=tuple("x" * 300 for _ in range(10)), brand="exr",
        )  # fmt: skip
        token = await holder.keep((await holder.somebody()).id, paper=paper, legs=(SubjectId(random_id("j", 5)),))
        browser = one.browser()
        text, seen, number = (await browser.say(token, "Berg")).text, [], 1
        while True:
            assert len(text.encode()) < 60_000
            seen += [n for n in range(1, 10) if f'id="code-{n}"' in text]
            number = max(seen) + 1
            if f"code={number}" not in text:
                break
            text = (await browser.get(f"/d/{token}?code={number}")).text
        assert seen == list(range(1, 10))
        broken = replace(paper, symbols=(*codes[:8], Symbol(SymbolKind.QR, b"x" * 4000, about="Bicycle")))
        token = await holder.keep((await holder.somebody("+447700900106")).id, paper=broken, legs=(SubjectId(random_id("j", 5)),))
        pages = [(await browser.say(token, "Berg")).text]
        pages += [(await browser.get(f"/d/{token}?code={number}")).text for number in (2, 8)]
        assert ["<svg" in text for text in pages] == [True, True, True], "eight are shown"
        assert pages[-1].count("Deze code is hier niet te zien.") == 1
        assert "Bicycle" in pages[-1]
        await browser.session.close()


@pytest.mark.parametrize(("plain", "forwarded", "secure"), [(True, "http", False), (True, "https", True), (False, "http", True)])
async def test_the_cookie_asks_for_tls_but_where_there_is_none(redis: Redis, plain: bool, forwarded: str, secure: bool) -> None:
    async with site(redis, plain=plain) as one:
        token = await one.holder.keep((await one.holder.somebody()).id)
        browser = one.browser()
        cookie = (await browser.get(f"/d/{token}", headers={"X-Forwarded-Proto": forwarded})).headers["Set-Cookie"]
        assert cookie.startswith("__Host-travel=" if secure else "travel=")
        for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
            assert word in cookie
        assert ("Secure" in cookie) is secure
        assert "Domain" not in cookie
        assert "Max-Age" not in cookie, "kept only once something was opened"
        await browser.session.close()


async def test_while_the_store_is_away_the_page_says_try_again_in_words(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(redis) as one:
        token = await one.holder.keep((await one.holder.somebody()).id)
        browser = one.browser()
        await browser.say(token, "Berg")

        async def away(*_: object) -> None:
            raise StoreUnavailable("away")

        with monkeypatch.context() as gone:
            gone.setattr(one.holder.passes, "_read", away)
            for path in ("", "/live", "/calendar"):
                shown = await browser.get(f"/d/{token}{path}")
                assert (shown.status, shown.headers["Retry-After"]) == (503, "5")
                assert "Probeer het over een minuut opnieuw" in shown.text
        with monkeypatch.context() as gone:
            gone.setattr(Subjects, "read", away)
            assert "12C" in (await browser.get(f"/d/{token}")).text, "without the news the page is still a pass"
        await browser.session.close()


async def test_a_code_that_cannot_be_drawn_is_said_so(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(redis) as one:
        nobody = await one.holder.keep((await one.holder.somebody("+447700900107")).id, name_proofs=(), digits="")
        led = await one.browser().get(f"/d/{nobody}")
        assert (led.status, "<form" in led.text) == (403, False)
        assert "Het staat in de chat waarin je deze link kreeg" in led.text
        assert 'href="https://support.example.org' in led.text
        token = await one.holder.keep((await one.holder.somebody()).id)
        browser = one.browser()
        assert "nu niet te zien" not in (await browser.say(token, "Berg")).text

        def unread(*_: object) -> str:
            raise CannotDraw("unread", "it does not read")

        monkeypatch.setattr(pass_page, "symbol_svg", unread)
        shown = (await browser.get(f"/d/{token}")).text
        assert ("De code is nu niet te zien." in shown, "12C" in shown, "<svg" in shown) == (True, True, False)
        await browser.session.close()


async def test_every_script_may_run_twice(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an answer that was lost: the client repeats the call without a word."""
    once = scripts.run

    async def twice(*call: Any) -> Any:
        await once(*call)
        return await once(*call)

    monkeypatch.setattr(scripts, "run", twice)
    holder = Holder(redis)
    contact = (await holder.somebody()).id
    token = await holder.keep(contact)
    assert await holder.say(token, "mine", "smit", right=False) is Answer.WRONG
    assert (await holder.page(token)).wrong == 1
    assert await holder.say(token, "mine", "berg", right=True) is Answer.OPENED
    newer = await holder.keep(contact, event="e2", at=2)
    await holder.passes.let_go(await holder.page(newer), "mine")
    kinds = [fact.kind for fact in await facts_of(redis) if fact.kind.startswith("pass_")]
    assert kinds == ["pass_kept", "pass_refused", "pass_opened", "pass_kept", "pass_revoked", "pass_unbound"]
