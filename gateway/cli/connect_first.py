"""`connect`, step 7: a first template to one's own phone, `delivered`, and an answer back."""

from __future__ import annotations

import secrets
import time

from gateway.cli.connect_listener import Heard, Signal
from gateway.cli.connect_visit import Halted, Visit
from gateway.errors import BadInput
from gateway.model.account import Refused, Why
from gateway.model.contact import Identifier
from gateway.model.message import Button, ButtonKind, Template
from gateway.model.personal import Personal
from gateway.notifications.remote import RemoteTemplate, TemplateRefused

OURS = "address_check"
SAMPLE = "hello_world"
"""A template without parameters that Meta gives to test accounts."""
LOOK_S = 5.0
REVIEW_S = 60.0
_LIST = "your app > WhatsApp > API Setup > `To` > Manage phone number list > Add, and type the code that the phone receives"


async def first_message(visit: Visit, to: str | None) -> None:
    """Send, and wait for `delivered` and for an answer where webhooks come to us. raises: Halted"""
    visit.step(7, "A message to your own phone", "It proves the way out and, when you answer, the way back.")
    if visit.state.answered_ms:
        if await visit.io.choose("   That went well before.", ("leave it at that", "send another")) == 0:
            return
        visit.state.sent_ms = visit.state.delivered_ms = visit.state.answered_ms = 0
    person = await _whom(visit, to)
    if not visit.state.sent_ms or await _again(visit, person):
        await _send(visit, person)
    if not visit.hears or visit.ear is None:
        visit.io.show("   Whether it arrived your phone shows: without webhooks nobody tells us.")
        return
    await _delivered(visit)
    await _answered(visit)


async def _again(visit: Visit, person: Identifier) -> bool:
    """A message went out in an earlier run: whether to send another."""
    if visit.ear is not None:
        visit.ear.expect(visit.admin.opaque_of(visit.state.tag), person)
    ago_s = max(0, (visit.clock.now_ms() - visit.state.sent_ms) // 1000)
    visit.io.show(f"   A message was sent {ago_s // 60} min ago.")
    return await visit.io.choose("   And now?", ("wait for what becomes of it", "send another")) == 1


async def _whom(visit: Visit, to: str | None) -> Identifier:
    listed = visit.settings.only_to
    if to in (None, "-") and len(listed) == 1:
        visit.io.show("   To the one phone in GATEWAY_ONLY_TO.")
        to = listed[0].reveal()
    while True:
        if to in (None, "-", ""):
            to = (await visit.io.ask_hidden("   Your own phone, with + and country code")).reveal()
        try:
            person = visit.connector.identify(to or "", "")
        except BadInput as error:
            visit.io.show("   " + "; ".join(problem.message for problem in error.problems))
            to = None
            continue
        if person.value not in listed:
            numbers = [one.reveal() for one in (*listed, person.value)]
            visit.io.show("   Outside production nobody is written to who is not in GATEWAY_ONLY_TO.")
            await visit.keep({"GATEWAY_ONLY_TO": ",".join(numbers)})
        return person


async def _send(visit: Visit, person: Identifier) -> None:
    content = await _content(visit)
    if visit.number is not None and visit.number.test:
        visit.io.show(f"   This is a test number: it reaches only phones on its list, five at most.\n   {_LIST}")
        await visit.io.ask("   Press Enter when yours is on the list")
    while True:
        tag = f"connect-{secrets.token_hex(6)}"
        if visit.ear is not None:
            visit.ear.expect(visit.admin.opaque_of(tag), person)
        handed = await visit.admin.send(visit.state.number_id, person.value, content, tag)
        if not isinstance(handed, Refused):
            break
        if handed.why is Why.UNCERTAIN:
            _remember(visit, tag)
            visit.io.show("   No answer came: it may have been sent. Its status will tell, or your phone.")
            return
        if handed.why is not Why.NOT_LISTED:
            raise visit.halt(handed)
        visit.explain(handed)
        if await visit.io.choose("   And now?", ("it is on the list, try again", "later")) == 1:
            raise Halted("the phone is not on the test number's list", handed.mend)
    _remember(visit, tag)
    visit.io.show(f"   Meta took it ({content.name}).")


def _remember(visit: Visit, tag: str) -> None:
    visit.state.tag, visit.state.sent_ms, visit.state.delivered_ms = tag, visit.clock.now_ms(), 0
    visit.save()


async def _content(visit: Visit) -> Template:
    """Our own question with two buttons where it is approved, else Meta's sample; where neither is, ours goes to review."""
    known = await _templates(visit)
    ours = _ours(visit, known, "APPROVED")
    if ours is not None:
        return ours
    sample = next((one for one in known if one.name == SAMPLE and one.status == "APPROVED"), None)
    if sample is not None:
        return Template(sample.name, sample.language)
    if _ours(visit, known, "PENDING") is None:
        visit.io.show("   No template is approved yet. Ours goes to review: minutes mostly, officially up to a day.")
        await _create(visit)
    deadline = time.monotonic() + REVIEW_S
    while time.monotonic() < deadline:
        visit.io.progress("   Meta reviews it ...")
        await visit.clock.sleep(LOOK_S if not visit.settings.sandboxed else 0.1)
        ours = _ours(visit, await _templates(visit), "APPROVED")
        if ours is not None:
            return ours
    raise Halted("the template is still under review", "start this again later: it goes on here")


async def _templates(visit: Visit) -> list[RemoteTemplate]:
    try:
        return await visit.templates.list_templates(visit.sender)
    except TemplateRefused as error:
        raise Halted(f"the templates cannot be listed: {error}", "does the token hold whatsapp_business_management?") from None


async def _create(visit: Visit) -> None:
    notification = visit.catalogue.get(OURS)
    if notification is None:
        raise Halted(f"templates/{OURS} is missing", "bring it back, or make a template at Meta")
    try:
        for texts in notification.languages.values():
            await visit.templates.create_template(visit.sender, visit.templates.create_body(notification, texts))
    except TemplateRefused as error:
        raise Halted(f"the template was refused: {error}", "`python main.py templates lint` may say why") from None


def _ours(visit: Visit, known: list[RemoteTemplate], status: str) -> Template | None:
    # No payload: the label comes back, and nobody takes it for a proof.
    return ours_approved(visit, known, status=status)


def ours_approved(
    visit: Visit, known: list[RemoteTemplate], *, status: str = "APPROVED", payload: str = ""
) -> Template | None:
    """Our question as it can be sent, in the first language in which the channel has it with this status.

    payload: what its buttons bring back
    """
    notification = visit.catalogue.get(OURS)
    if notification is None:
        return None
    states = {(one.name, one.language): one.status for one in known}
    said = visit.number.name if visit.number is not None else visit.page.name if visit.page is not None else ""
    for texts in notification.languages.values():
        if states.get((texts.template, texts.language)) != status:
            continue
        values = {parameter: Personal(said or visit.settings.brand) for parameter in texts.body_variables}
        buttons = tuple(Button(ButtonKind.REPLY, label, payload=payload) for label in texts.buttons.values())
        return Template(texts.template, texts.language, body_parameters=values, buttons=buttons)
    return None


async def hear(visit: Visit, signal: Signal, waiting: str) -> Heard | None:
    """Wait with a sign of life; None when the time is over."""
    assert visit.ear is not None
    begun = time.monotonic()
    while (gone := time.monotonic() - begun) < visit.wait_s:
        visit.io.progress(f"   {waiting} ... {gone:.0f} s")
        heard = await visit.ear.wait_for(signal, min(LOOK_S, visit.wait_s - gone))
        if heard is not None:
            return heard
    return None


async def _delivered(visit: Visit) -> None:
    if visit.state.delivered_ms:
        visit.io.show("   It was delivered before.")
        return
    while (heard := await hear(visit, Signal.DELIVERED, "Waiting for `delivered`")) is None:
        visit.io.show(
            f"   Nothing within {visit.wait_s:.0f} s. Is the phone on and online, and did it not block the number?\n"
            "   Does the callback lead here (developers.facebook.com > your app > WhatsApp > Configuration)?\n"
            "   An app whose mode is Development may miss webhooks: switch it to Live.\n"
            "   `python main.py doctor` names what it sees."
        )
        refused = getattr(visit.ear, "refused", 0)
        if refused:
            visit.io.show(f"   {refused} webhooks came whose signature does not fit: the app secret is another app's.")
        if await visit.io.choose("   And now?", ("wait on", "stop here")) == 1:
            raise Halted("`delivered` has not come yet", "start this again: it goes on waiting here")
    if heard.failed:
        visit.state.sent_ms = 0
        visit.save()
        words = f": {heard.words}" if heard.words else ""
        raise Halted(f"the message failed with code {heard.failed}{words}", visit.admin.meaning(heard.failed))
    visit.state.delivered_ms = visit.clock.now_ms()
    visit.save()
    visit.io.show("   Delivered: it is on your phone.")


async def _answered(visit: Visit) -> None:
    visit.io.show("   Now answer on the phone: press a button, or write anything.")
    while await hear(visit, Signal.ANSWER, "Waiting for your answer") is None:
        visit.io.show(
            f"   Nothing within {visit.wait_s:.0f} s. `delivered` came, so webhooks do come: did you answer in this very chat?"
        )
        if await visit.io.choose("   And now?", ("wait on", "leave it")) == 1:
            return
    visit.state.answered_ms = visit.clock.now_ms()
    visit.save()
    visit.io.show("   Your answer came. Both ways work.")
