"""`python main.py templates try`: a notification's example on one's own phone, sent past the outbox, at once.

Not by the outbox: that knows contacts and their consents, and whoever tries a text need not be one; and it should work before
the gateway ever ran. What guards people is asked all the same, of the one eligibility engine: GATEWAY_ONLY_TO fails closed, and
a number whose person said "not me", asked us to stop, or is being erased is not written to.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.app import open_runtime
from gateway.cli import arguments, asking, opening, printing
from gateway.connector import ChannelFacts, Connector, FilePart, Outcome, Sender, SendResult
from gateway.dispatch.content import content_of
from gateway.errors import BadInput, CannotRender, GatewayError, NotFound, Problem, SettingsError
from gateway.model.contact import Address, ContactFacts, Identifier
from gateway.model.ids import PARTITIONS, AddressId, ContactId, MessageId, partition_of, random_id
from gateway.model.message import Document, OutboundMessage
from gateway.model.personal import Personal
from gateway.notifications.model import Notification
from gateway.notifications.parts import Rendering
from gateway.notifications.preview import example, show
from gateway.rules.may_send import decide
from gateway.rules.question import Night, Question, TemplateChoice
from gateway.rules.verdict import SENTENCES, AsTemplate, FreeText, Later, Reason, Suppressed
from gateway.runtime import Runtime
from gateway.settings import Settings
from gateway.store import audit
from gateway.store.senders import template_state

ME = "me"
_MIMES = {".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_MENDS = {
    Reason.ONLY_TO: "put it into GATEWAY_ONLY_TO if it is yours",
    Reason.TEMPLATE_MISSING: "python main.py templates push",
    Reason.TEMPLATE_PENDING: "python main.py templates status --wait",
}


class NotSent(GatewayError):
    pass


@dataclass(frozen=True, slots=True)
class _Phone:
    """Whom it goes to. contact: "" and no facts for a number that we do not know."""

    address: Address
    contact: ContactId | str
    facts: ContactFacts


def add_parser(group: Any) -> None:
    parser = arguments.command(
        group,
        "try",
        help="send a notification's example to your own phone",
        about=(
            "It goes out as the channel's approved template; while your phone's service window is open (you wrote to the\n"
            "number within 24 hours) and no template is approved, as free text of the same words."
        ),
        example="templates try gate_changed --lang nl --to me",
        yes=True,
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--lang", metavar="CODE", help="nl, en (default: the first that it is written in)")
    parser.add_argument(
        "--to", default=ME, choices=(ME, "-"),
        help="me: the first of GATEWAY_ONLY_TO that this channel knows; -: asks for it, and does not show it",
    )  # fmt: skip
    parser.add_argument("--sender", metavar="ID", help="which of our senders (default: the brand's, or the only one)")
    parser.add_argument("--channel", metavar="NAME", help="a sender of this channel")
    parser.add_argument("--brand", metavar="ID", help="a brand's own words, where it has any")
    parser.add_argument("--document", type=Path, metavar="FILE", help="the PDF, PNG or JPEG that goes with it, where one does")
    parser.set_defaults(work=_try)


def _try(args: argparse.Namespace) -> int:
    settings = opening.read_settings()

    async def work() -> int:
        async with open_runtime(settings) as runtime:
            sender, connector = _sender(args, runtime)
            notification, rendering = _words(args, runtime, sender)
            file = _file(args.document, notification, connector.facts)
            phone = await _phone(await _number(args.to, settings, sender, connector), runtime, sender, connector)
            verdict = await _verdict(runtime, sender, connector, notification, rendering, phone)
            if not args.json:
                print(show(rendering))
            whose = "the first of GATEWAY_ONLY_TO" if args.to == ME else "the number you typed"
            if not await asking.sure(f"Send this to 1 phone, {whose}, as {_form(verdict)}?", yes=args.yes):
                print("Nothing was sent.")
                return 1
            partition = partition_of(phone.contact) if phone.contact else secrets.randbelow(PARTITIONS)
            message = MessageId(random_id("m", partition))
            result = await _send(message, runtime, sender, connector, notification, rendering, phone, verdict, file)
            detail: dict[str, str | int] = {
                "nt": notification.name, "s": sender.id, "outcome": result.outcome.value,
                "code": result.code or "", "who": arguments.login(),
            }  # fmt: skip
            await audit.write_fact(runtime.connection.redis, runtime.clock, "tried", ids=[message], detail=detail)
        return _tell(args, message, verdict, result)

    return opening.run(work)


def _sender(args: argparse.Namespace, runtime: Runtime) -> tuple[Sender, Connector]:
    known = [one for one in runtime.directory if one.channel in runtime.connectors]
    if not known:
        raise SettingsError(
            ["there is no sender: set GATEWAY_WHATSAPP_PHONE_NUMBER_ID and GATEWAY_WHATSAPP_TOKEN, or senders.yaml"]
        )
    if args.channel is not None:
        on_it = [one for one in known if one.channel == args.channel]
        if not on_it:
            raise NotFound(f"no sender on {args.channel}; there are {', '.join(f'{one.id} ({one.channel})' for one in known)}")
        known = on_it
    found = known
    if args.sender is not None:
        found = [one for one in known if one.id == args.sender]
    elif args.brand is not None:
        found = [one for one in known if one.brand == args.brand] or known
    names = ", ".join(one.id for one in known)
    if not found:
        raise NotFound(f"no sender {args.sender}; there are {names}")
    if len(found) > 1:
        raise BadInput([Problem("--sender", f"is missing: there are {names}")])
    return found[0], runtime.connectors[found[0].channel]


def _words(args: argparse.Namespace, runtime: Runtime, sender: Sender) -> tuple[Notification, Rendering]:
    known = runtime.catalogue.get(args.name)
    language = args.lang or (next(iter(known.languages), "en") if known is not None else "en")
    rendering = example(runtime.catalogue, args.name, language, brand=args.brand or sender.brand)
    assert known is not None, "example refuses an unknown name"
    return known, rendering


def _file(path: Path | None, notification: Notification, facts: ChannelFacts) -> FilePart | None:
    """The document to send along. Raises BadInput."""
    if notification.document is None:
        if path is not None:
            raise BadInput([Problem("--document", f"{notification.name} brings none")])
        return None
    if path is None:
        such = notification.document.filename
        raise BadInput([Problem("--document", f"is missing: {notification.name} brings one, such as {such}")])
    mime = _MIMES.get(path.suffix.lower(), "")
    if (mime == "application/pdf") != (notification.document.header == "document") or mime not in facts.document_mimes:
        kind = "a PDF" if notification.document.header == "document" else "a PNG or JPEG"
        raise BadInput([Problem("--document", f"should be {kind}")])
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput([Problem("--document", f"{path} cannot be read ({error.strerror})")]) from error
    if not 0 < len(data) <= facts.document_mimes[mime]:
        raise BadInput([Problem("--document", f"should have 1 to {facts.document_mimes[mime]:,} bytes")])
    return FilePart("file", path.name, mime, data)


async def _number(to: str, settings: Settings, sender: Sender, connector: Connector) -> Personal:
    """As it was typed; of a list, the first that means something on this channel."""
    if to != ME:
        return Personal((await asking.hidden(f"Your number with + and country code, or your id on {sender.channel}")).reveal())
    for one in settings.only_to:
        try:
            connector.identify(one.reveal(), sender.scope)
        except BadInput:
            continue
        return one
    what = "your own there first (+44...)" if not settings.only_to else f"your own on {sender.channel} there"
    raise SettingsError([f"GATEWAY_ONLY_TO names no number: put {what}, or use --to -"])


async def _phone(number: Personal, runtime: Runtime, sender: Sender, connector: Connector) -> _Phone:
    """Raises BadInput for what is no number."""
    try:
        known: Identifier = connector.identify(number.reveal(), sender.scope)
    except BadInput as error:
        raise BadInput([Problem("--to", one.message) for one in error.problems]) from error
    owner = (await runtime.contacts.find(sender.channel, [known]))[0]
    if owner is None:
        return _Phone(Address(AddressId("a00"), sender.channel, (known,)), "", ContactFacts())
    facts = (await runtime.contacts.facts_of([owner[0]]))[0]
    return _Phone(Address(owner[1], sender.channel, (known,)), owner[0], facts)


async def _verdict(
    runtime: Runtime, sender: Sender, connector: Connector, notification: Notification, rendering: Rendering, phone: _Phone
) -> FreeText | AsTemplate:
    """Whether it may go out, and as what. Raises NotSent with the reason and its mend."""
    facts, world = phone.facts, await runtime.worlds.now()
    consent = facts.consents.get(f"{notification.purpose}.{sender.channel}.{sender.brand}")
    if consent is not None and not consent.granted:
        raise NotSent(f"not sent: {SENTENCES[Reason.WITHDRAWN]}")
    choices: tuple[TemplateChoice, ...] = ()
    admin = runtime.template_admins[sender.channel]
    hindrance = admin.rules.hindrance(notification)
    if rendering.template_name and not hindrance:
        listed = await admin.list_templates(sender)
        remote = next(
            (one for one in listed if (one.name, one.language) == (rendering.template_name, rendering.template_language)), None
        )
        value = {"state": remote.status, "category": remote.category} if remote else None
        state = template_state(value, category=notification.category)
        choices = (TemplateChoice(rendering.template_name, rendering.template_language, state),)

    def question(opened_at_ms: int | None) -> Question:
        # The example's names and codes are nobody's, so no proof is asked for; "service": it was asked for, just now.
        return Question(
            kind="service",
            purpose=notification.purpose,
            channel=sender.channel,
            brand=sender.brand,
            now_ms=world.now_ms,
            deadline_ms=world.now_ms + 60_000,
            night=Night.WAKE,
            erasing=facts.erasing,
            not_me=phone.address.id in facts.proofs and facts.proofs[phone.address.id][0] is None,
            blocked=world.blocked(phone.address.id),
            unreachable=facts.is_unreachable(phone.address.id),
            only_to=world.allowed(phone.address),
            production=world.production,
            window_ms=connector.facts.window_ms,
            window_opened_at_ms=opened_at_ms,
            templates=choices,
        )

    # The template first: whoever tries a text wants to see what people outside their window get.
    verdict = decide(question(None))
    if not isinstance(verdict, AsTemplate):
        in_window = decide(question(facts.window_opened_at(sender.id, phone.address.id)))
        verdict = in_window if isinstance(in_window, FreeText) else verdict
    match verdict:
        case Suppressed():
            mend = hindrance if hindrance and not choices else _MENDS.get(verdict.reason, "")
            raise NotSent(f"not sent: {SENTENCES[verdict.reason]}" + (f"; {mend}" if mend else ""))
        case Later():
            raise NotSent(f"not sent: not before {printing.when(verdict.at_ms)}")
        case _:
            return verdict


def _form(verdict: FreeText | AsTemplate) -> str:
    if isinstance(verdict, AsTemplate):
        return f"the template {verdict.name} ({verdict.language})"
    return "free text: your service window is open, and the template is not approved"


async def _send(
    message: MessageId,
    runtime: Runtime,
    sender: Sender,
    connector: Connector,
    notification: Notification,
    rendering: Rendering,
    phone: _Phone,
    verdict: FreeText | AsTemplate,
    file: FilePart | None,
) -> SendResult:
    """One attempt, never a second. Raises NotSent for what cannot be said on the channel."""
    document = None
    if file is not None:
        uploaded = await _call(runtime, connector, connector.render_upload(sender, file))
        if uploaded.channel_id is None:
            return uploaded
        filename = rendering.document.filename if rendering.document else file.filename
        document = (Document("", file.mime, filename), uploaded.channel_id)
    body = _body(notification, rendering)
    contents = [content_of(body, verdict, connector.facts, document)]
    if document is not None and not connector.facts.captions:  # the words first, then the file, as planning does it
        contents.insert(0, content_of(body, verdict, connector.facts, None))
    recipient = tuple((one.kind, one.value) for one in phone.address.identifiers)
    result: SendResult | None = None
    for content in contents:
        try:
            request = connector.render(OutboundMessage(message, 1, sender.id, recipient, content), sender)
        except CannotRender as error:
            raise NotSent(f"not sent: {SENTENCES[Reason.CANNOT_RENDER]} ({error})") from error
        result = await _call(runtime, connector, request)
        if result.outcome is not Outcome.ACCEPTED:
            break
    assert result is not None, "there is always something to say"
    return result


async def _call(runtime: Runtime, connector: Connector, request: Any) -> SendResult:
    try:
        async with asyncio.timeout(runtime.settings.send_timeout_s):
            return connector.classify(await connector.send(request))
    except (OSError, TimeoutError, GatewayError) as error:
        return connector.classify(error)


def _body(notification: Notification, rendering: Rendering) -> dict[str, Any]:
    """What planning would have sealed, as far as the words go."""
    return {
        "kind": notification.kind,
        "forms": [
            {
                "name": rendering.template_name, "language": rendering.template_language,
                "header": dict(rendering.header_parameters), "body": dict(rendering.body_parameters),
            }
        ],
        "header": rendering.header,
        "text": rendering.body,
        "footer": rendering.footer,
        "buttons": [
            {
                "kind": one.kind.value, "label": one.label, "payload": one.payload, "url": one.url, "suffix": one.url_suffix,
            }
            for one in rendering.buttons
        ],
    }  # fmt: skip


def _tell(args: argparse.Namespace, message: MessageId, verdict: FreeText | AsTemplate, result: SendResult) -> int:
    accepted = result.outcome is Outcome.ACCEPTED
    if args.json:
        form = verdict.name if isinstance(verdict, AsTemplate) else "free_text"
        printing.as_json(
            {"id": message, "outcome": result.outcome.value, "as": form, "code": result.code, "detail": result.detail}
        )
    elif accepted:
        print(f"The channel took it as {_form(verdict)}: look at your phone. Its id here: {message}")
    elif result.outcome is Outcome.UNCERTAIN:
        print("No answer came: it may have arrived. Look at your phone before you try again.")
    else:
        code = f" (its code {result.code}: {result.detail})" if result.code else f" ({result.detail})" if result.detail else ""
        print(f"The channel did not take it: {result.outcome.value.replace('_', ' ')}{code}. `doctor` looks at the channel.")
    return 0 if accepted else 1
