"""`connect messenger`, step 7: somebody writes to the Page, a trial template goes back, arrives, and is answered.

They write first, because nobody can be written to on Messenger who never did. Where the Page may have no templates, plain words
go out instead: the chat is open, and it is said what that means for later.
"""

from __future__ import annotations

import asyncio
import secrets
import time

from gateway.cli.connect_first import LOOK_S, OURS, REVIEW_S, hear, ours_approved
from gateway.cli.connect_listener import Signal
from gateway.cli.connect_visit import Halted, Visit
from gateway.connector import Outcome, SendResult
from gateway.errors import CannotRender, GatewayError
from gateway.model.contact import Identifier
from gateway.model.ids import MessageId, SenderId
from gateway.model.message import Content, OutboundMessage, Template, Text
from gateway.model.personal import Personal
from gateway.notifications.remote import RemoteTemplate, TemplateRefused

_NO_TEMPLATES = (
    "   So what is due later than 24 hours after somebody's words does not go out here; the gateway finds this out by\n"
    "   itself, and takes another channel where there is one."
)


async def first_message(visit: Visit) -> None:
    """Hear, send, and wait for `delivered` and an answer. raises: Halted"""
    visit.step(7, "A message to your own phone", "It proves the way in, the way out and the templates.")
    if visit.state.answered_ms:
        if visit.yes or await visit.io.choose("   That went well before.", ("leave it at that", "do it again")) == 0:
            return
        visit.state.sent_ms = visit.state.delivered_ms = visit.state.answered_ms = 0
    content = await _content(visit)
    if not visit.hears or visit.ear is None:
        visit.io.show("   Without webhooks nobody tells us who writes: start this again when they come.")
        return
    who = await _heard(visit)
    await _keep_listed(visit, who)
    if not visit.yes and await visit.io.choose(f"   Answer them with {_named(content)}?", ("yes", "not now")) == 1:
        raise Halted("nothing was sent", "start this again: it goes on here")
    await _send(visit, who, content)
    await _delivered(visit)
    await _answered(visit)


async def _content(visit: Visit) -> Content:
    """Our trial template once it is approved; plain words where the Page may have none."""
    try:
        known = await visit.templates.list_templates(visit.sender)
        ours = _ours(visit, known)
        if ours is None:
            visit.io.show(f"   A trial template ({OURS}) goes to review: seconds mostly.")
            await _create(visit, known)
            ours = await _approved(visit)
    except TemplateRefused as error:
        if error.wait:
            raise Halted(f"the templates cannot be looked at now: {error}", "start this again in a while") from None
        visit.io.show(f"   The Page may not use templates: {error}\n{_NO_TEMPLATES}")
        name = visit.page.name if visit.page is not None else visit.settings.brand
        return Text(Personal(f"This is {name}. Your message has arrived; this is the answer."))
    visit.io.show(f"   The template {ours.name} is approved.")
    return ours


def _ours(visit: Visit, known: list[RemoteTemplate]) -> Template | None:
    # The button brings a word of this command's own, so that nobody takes the tap for a proof.
    return ours_approved(visit, known, payload="connect")


async def _create(visit: Visit, known: list[RemoteTemplate]) -> None:
    notification = visit.catalogue.get(OURS)
    if notification is None:
        raise Halted(f"templates/{OURS} is missing", "bring it back")
    there = {(one.name, one.language): one for one in known}
    for texts in notification.languages.values():
        one = there.get((texts.template, texts.language))
        if one is None:
            await visit.templates.create_template(visit.sender, visit.templates.create_body(notification, texts))
        elif one.status == "REJECTED":
            what = f"{texts.template} ({texts.language}) was rejected: {one.rejected_reason}"
            raise Halted(what, "`python main.py templates lint` may say why")


async def _approved(visit: Visit) -> Template:
    deadline = time.monotonic() + REVIEW_S
    while time.monotonic() < deadline:
        ours = _ours(visit, await visit.templates.list_templates(visit.sender))
        if ours is not None:
            return ours
        visit.io.progress("   Meta reviews it ...")
        await visit.clock.sleep(LOOK_S if not visit.settings.sandboxed else 0.1)
    raise Halted("the template is still under review", "start this again later: it goes on here")


async def _heard(visit: Visit) -> Identifier:
    """Somebody writes to the Page. raises: Halted"""
    assert visit.ear is not None
    assert visit.page is not None
    visit.ear.expect("", None)
    where = visit.page.username or visit.page.id
    visit.io.show(f"   Write anything to the Page now, from your own phone: https://m.me/{where}")
    while (heard := await hear(visit, Signal.ANSWER, "Waiting for your words")) is None or heard.who is None:
        visit.io.show(
            f"   Nothing within {visit.wait_s:.0f} s. Did you write to this very Page, and press Get Started if it was shown?\n"
            "   While the app is not Live, only people with a role in it are heard. `python main.py doctor` names what it sees."
        )
        refused = getattr(visit.ear, "refused", 0)
        if refused:
            visit.io.show(f"   {refused} webhooks came whose signature does not fit: the app secret is another app's.")
        if await visit.io.choose("   And now?", ("wait on", "stop here")) == 1:
            raise Halted("nobody wrote to the Page", "start this again: it goes on here")
    visit.io.show("   Your words came in.")
    # Named in its Page: an id of a person holds for one Page.
    return Identifier(heard.who.kind, visit.page.id, heard.who.value)


async def _keep_listed(visit: Visit, who: Identifier) -> None:
    listed = [one.reveal() for one in visit.settings.only_to]
    if who.value.reveal() not in listed:
        visit.io.show("   Outside production nobody is written to who is not in GATEWAY_ONLY_TO, by their id on this Page.")
        await visit.keep({"GATEWAY_ONLY_TO": ",".join([*listed, who.value.reveal()])}, ours=",".join(listed))


def _named(content: Content) -> str:
    return f"the template {content.name}" if isinstance(content, Template) else "plain words"


async def _send(visit: Visit, who: Identifier, content: Content) -> None:
    assert visit.ear is not None
    message = OutboundMessage(
        MessageId(f"connect-{secrets.token_hex(6)}"), 1, SenderId("connect"), ((who.kind, who.value),), content, answering=True
    )
    visit.ear.expect(message.opaque, who)
    at_ms = visit.clock.now_ms()
    result = await _post(visit, message)
    if result.outcome is Outcome.UNCERTAIN:
        visit.io.show("   No answer came: it may have been sent. Your phone will tell.")
    elif result.outcome is not Outcome.ACCEPTED:
        said = f"{result.detail or result.outcome.value}{f' (code {result.code})' if result.code else ''}"
        raise Halted(f"Meta did not take the message: {said}", visit.app_admin.meaning(result.code))
    else:
        visit.io.show(f"   Meta took {_named(content)}.")
    if result.channel_id is not None:
        # Receipts tell by time, and by Meta's clock: a little earlier than ours may be.
        visit.ear.sent(result.channel_id, at_ms - 5_000)
    visit.state.tag, visit.state.sent_ms, visit.state.delivered_ms = str(message.id), at_ms, 0
    visit.save()


async def _post(visit: Visit, message: OutboundMessage) -> SendResult:
    try:
        request = visit.connector.render(message, visit.sender)
    except CannotRender as error:
        raise Halted(f"the message cannot be written: {error}", "`python main.py templates lint`") from None
    try:
        async with asyncio.timeout(visit.settings.send_timeout_s):
            return visit.connector.classify(await visit.connector.send(request))
    except (OSError, TimeoutError, GatewayError) as error:
        return visit.connector.classify(error)


async def _delivered(visit: Visit) -> None:
    while (heard := await hear(visit, Signal.DELIVERED, "Waiting for `delivered`")) is None:
        visit.io.show(f"   Nothing within {visit.wait_s:.0f} s. Is the phone on and online?")
        if await visit.io.choose("   And now?", ("wait on", "stop here")) == 1:
            raise Halted("`delivered` has not come yet", "start this again: write to the Page once more")
    if heard.failed:
        raise Halted(f"the message failed with code {heard.failed}", visit.app_admin.meaning(heard.failed))
    visit.state.delivered_ms = visit.clock.now_ms()
    visit.save()
    visit.io.show("   Delivered: it is on your phone.")


async def _answered(visit: Visit) -> None:
    visit.io.show("   Now answer on the phone: press a button, or write anything.")
    while await hear(visit, Signal.ANSWER, "Waiting for your answer") is None:
        visit.io.show(f"   Nothing within {visit.wait_s:.0f} s.")
        if await visit.io.choose("   And now?", ("wait on", "leave it")) == 1:
            return
    visit.state.answered_ms = visit.clock.now_ms()
    visit.save()
    visit.io.show("   Your answer came. Both ways work.")
