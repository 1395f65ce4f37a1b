"""What one event means for one contact: which notifications, about what, by which way, as what, and when.

Pure but for what it is handed: the contact, the event's result, the catalogue, the senders and what is known of their templates.
Eligibility is asked at planning (so that what may not be sent is stored with its reason) and again just before sending.

A way is one address of the person. All ways are judged; the first that may be used is taken, and those behind it that may be used
too stay in the body as `legs`: each the id, address, sender and templates of the message that takes over should this one fail
(planning/legs.py). Ways that were passed over are named with their reason. Where only a roll-out is in the way, the message is
suppressed for that, and brings along how it would go: whoever was told the older news is told this too (`goes_on`).

A body is JSON, sealed under the contact's key, with everything that dispatch needs: two forms or three (templates with their
formatted parameters, best first) and the free text of the same words. Where a channel cannot put words beside a document,
one draft becomes two messages, the words and then the file (`parts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from gateway.connector import ChannelFacts, Sender
from gateway.errors import CannotRender
from gateway.model.capability import Capability
from gateway.model.contact import Address, Contact
from gateway.model.ids import AddressId, ContactId, MessageId, message_id
from gateway.model.message import OnUncertain
from gateway.notifications.expressions import Scope
from gateway.notifications.model import Notification
from gateway.notifications.parts import Rendering, TemplateRef, header_of
from gateway.planning import asofnow, at_home, connecting, offers, rebooked, rolling, visits
from gateway.planning.moving import has_moved
from gateway.planning.result import Draft, EventResult, Reader, World, brand_of, languages, readers_of, scope_for, zone_for
from gateway.planning.settling import SETTLING, beside, for_body
from gateway.rules.may_send import decide
from gateway.rules.question import Night, Question, TemplateChoice, TemplateState
from gateway.rules.rollout import Standing
from gateway.rules.verdict import AsTemplate, FreeText, Later, Reason, Suppressed, Verdict
from gateway.rules.ways import WAITS, in_order
from gateway.store.outbox import told_field

CHECK = "address_check"
WORDS, FILE = "words", "file"
"""The two parts of a document where the channel puts no words beside it."""
log = structlog.get_logger()

_HOMELESS = (Reason.NO_ADDRESS, Reason.NO_SENDER)


_Judged = tuple[Notification, TemplateRef, TemplateState]


@dataclass(frozen=True, slots=True)
class _Way:
    """One address, judged. forms, text: as dispatch needs them; text None where nothing could be rendered.

    stands: what the roll-outs say that it is part of
    """

    address: Address
    sender: Sender | None
    verdict: Verdict
    forms: Sequence[Mapping[str, Any]] = ()
    text: Rendering | None = None
    stands: Standing | None = None

    @property
    def allowed(self) -> bool:
        """By eligibility, which comes first: what would not be sent anyway keeps its own reason."""
        return not isinstance(self.verdict, Suppressed)

    @property
    def reason(self) -> Reason | None:
        """Why it cannot be used, None = it can."""
        if isinstance(self.verdict, Suppressed):
            return self.verdict.reason
        return self.stands.reason if self.stands is not None else None


def draft(
    notification: Notification,
    contact: Contact,
    result: EventResult,
    readers: Sequence[Reader],
    world: World,
    *,
    links: Mapping[str, str] | None = None,
    document: Mapping[str, Any] | None = None,
    leg: int = 0,
) -> Draft | None:
    """Decide on one message of one notification to one contact about `readers` (several travellers of one address).

    leg: 0 for the first planning; further legs are numbered from it
    returns None when the notification is for none of them (their role, their journey).
    """
    meant = [one for one in readers if _has_role(notification, one) and _is_meant(notification, result, one, world)]
    if not meant:
        return None
    reader = meant[0]
    brand = brand_of(result, reader, world)
    if at_home.is_member(reader):  # from here on there is nothing but what everybody may know
        result, document = at_home.seen(result, world), None
    scope = at_home.scope_of(result, reader, world, brand, links or {}, (document or {}).get("paper"))
    deadline = notification.deadline_ms(scope)
    not_before = notification.not_before_ms(scope)
    item = world.blind("item", result.item)[:16] if notification.item != "none" and result.item else ""
    event, name = str(result.event), notification.name
    if notification.item == rebooked.ITEM:
        event, item = rebooked.item_of(result, reader)
    if notification.item == connecting.ITEM and reader.connection is not None:
        event, name, item = connecting.named(reader.connection)
    message = message_id(event, name, item, contact.id, leg)
    told = told_field(result.subject, notification.name, item) if notification.replaces or notification.item != "none" else ""
    if not told:
        told = told_field(result.subject, notification.name, world.blind("event", result.event)[:16])
    brand_known = world.catalogue.brands.get(brand)
    brand_zone = brand_known.timezone if brand_known else "UTC"
    zone = zone_for(contact, result, brand_zone, world.now_ms)
    if at_home.is_member(reader):
        zone = contact.facts.timezone or brand_zone
        deadline = at_home.deadline_of(result, meant, deadline)
    night = at_home.night_of(notification, meant)

    def judged(address: Address) -> _Way:
        sender = world.directory.for_brand(brand, address.channel)
        if sender is None:
            return _Way(address, None, Suppressed(Reason.NO_SENDER))
        try:
            forms, text = _forms(notification, scope, contact, zone, brand, sender, world, document)
        except CannotRender:
            return _Way(address, sender, Suppressed(Reason.CANNOT_RENDER))
        except Exception as error:  # a notification that breaks must not take the event's others, and everybody else, with it
            log.error("plan.failed", notification=notification.name, event_id=result.event, error=type(error).__name__)
            return _Way(address, sender, Suppressed(Reason.POISONED))
        question = question_for(
            notification, contact, address, sender, world, brand=brand, zone=zone, deadline_ms=deadline,
            not_before_ms=not_before, forms=[TemplateChoice(form["name"], form["language"], form["state"]) for form in forms],
            document=document, night=night,
        )  # fmt: skip
        verdict = decide(question)
        if notification.document is not None and document is None and not isinstance(verdict, Suppressed):
            verdict = Suppressed(Reason.DOCUMENT_MISSING)
        stands = rolling.standing(notification, contact, result, meant, world, brand=brand, sender=sender.id)
        return _Way(address, sender, verdict, forms, text, stands)

    ways = [
        judged(address)
        for address in in_order(
            _addresses(contact, meant),
            wish=contact.facts.wish,
            channels=notification.channels,
            setting=world.channels,
            prefer=notification.prefer,
            read_at=contact.facts.read_at,
        )
    ]
    usable = [way for way in ways if way.reason is None] or [way for way in ways if way.allowed]
    taken = usable[0] if usable else _hindered(ways)
    settling = result.settling.get(notification.name)
    verdict = taken.verdict if taken is not None else Suppressed(Reason.NO_ADDRESS)
    if settling is not None:
        verdict = _settled(verdict, settling.until_ms, deadline, world.now_ms)
    goes_on = None
    if taken is not None and taken.allowed and taken.reason is not None:
        goes_on, verdict = verdict, Suppressed(taken.reason)
    body: dict[str, Any] = {}
    if taken is not None and taken.text is not None:
        assert taken.sender is not None
        body = body_of(notification, result, taken.forms, taken.text, zone, brand, taken.address.channel, document, night)
        body |= for_body(settling) | rebooked.for_body(notification, result, meant, message, body)
        body |= asofnow.for_body(result, meant, body["document"])
        body |= visits.for_body(notification, result, message, body)
        body |= offers.for_body(meant, message, body)
        body |= at_home.for_body(meant)
        body |= connecting.for_body(contact, reader.connection if notification.item == connecting.ITEM else None)
        later = usable[1:]
        body |= _legs(later, message, [
            message_id(event, name, item, contact.id, leg + 1 + place) for place in range(len(later))
        ])  # fmt: skip
    if isinstance(verdict, Suppressed) and verdict.reason in WAITS and (document is not None or verdict.reason in _HOMELESS):
        body["again"] = again(result, meant, document)
    return Draft(
        id=message,
        notification=notification,
        sender=taken.sender if taken is not None else None,
        address=taken.address if taken is not None else None,
        verdict=verdict,
        due_ms=verdict.at_ms if isinstance(verdict, Later) else 0,
        deadline_ms=deadline,
        told=told,
        body=body,
        wants_check=isinstance(verdict, Suppressed) and verdict.reason is Reason.NO_PROOF,
        told_with=beside(notification, result, item, world),
        rollouts=taken.stands.names if taken is not None and taken.stands is not None and taken.allowed else (),
        goes_on=goes_on,
        passed=tuple(
            (way.address.channel, way.reason.value)
            for way in (ways[: ways.index(taken)] if taken is not None else ways)
            if way.reason is not None
        ),
        brand=brand,
    )


def _hindered(ways: Sequence[_Way]) -> _Way | None:
    """Of ways that cannot be gone the one to name: one that only waits for a proof, which we can ask for; else the first."""
    unproven = (way for way in ways if way.verdict == Suppressed(Reason.NO_PROOF))
    return next(unproven, ways[0] if ways else None)


def _settled(verdict: Verdict, until_ms: int, deadline_ms: int, now_ms: int) -> Verdict:
    """A value that goes back and forth waits until it has settled, unless it would be of no use by then."""
    if isinstance(verdict, Suppressed) or not now_ms < until_ms < deadline_ms:
        return verdict
    return verdict if isinstance(verdict, Later) and verdict.at_ms >= until_ms else Later(until_ms, SETTLING)


def _legs(later: Sequence[_Way], first: str, ids: Sequence[str]) -> dict[str, Any]:
    """What takes over, best first, and which messages are the same news by other ways."""
    if not later:
        return {}
    legs = [
        {
            "id": message,
            "address": way.address.id,
            "sender": way.sender.id if way.sender else "",
            "channel": way.address.channel,
            "forms": [{**form, "state": None} for form in way.forms],
        }
        for message, way in zip(ids, later, strict=True)
    ]
    return {"legs": legs, "before": []}


def again(result: EventResult, readers: Sequence[Reader], document: Mapping[str, Any] | None) -> dict[str, Any]:
    """What it takes to plan this once more, when the person can be reached: kept with a message that waits for that."""
    return {
        "result": result.dump(),
        "sequence": result.sequence,
        "travellers": [one.traveller.customer for one in readers if one.traveller is not None],
        "document": dict(document) if document else None,
    }


def parts(found: Draft, facts: ChannelFacts | None) -> list[Draft]:
    """A draft as the messages that its channel needs (see `split_body`)."""
    if "again" in found.body:
        return [found]
    made = split_body(found.id, found.told, found.body, facts)
    return [
        replace(found, id=message, told=told, body=body, passed=found.passed if place == 0 else ())
        for place, (message, told, body) in enumerate(made)
    ]


def split_body(
    message: MessageId | str, told: str, body: Mapping[str, Any], facts: ChannelFacts | None
) -> list[tuple[MessageId, str, Mapping[str, Any]]]:
    """(id, told, body) of each message that a channel needs for one: where no words can stand beside a document, two, the
    words and then the file. Should the way fail, the file takes the whole of it another way: the words name it as `file`, and
    by it alone it is judged whether the person was told.
    """
    first = MessageId(message)
    if not body.get("document") or facts is None or facts.captions:
        return [(first, told, body)]
    later = [way["id"] for way in body.get("legs") or []]
    # An id made of the first one's: it leads to the same partition.
    second = message_id(first, FILE, "", ContactId(first), 0)
    part = {"document": None, "part": WORDS, "later": later, "file": second}
    words = {name: value for name, value in body.items() if name != "legs"} | part
    if asofnow.ANEW in body:  # they name a gate, and have no document of their own to know it by
        words[asofnow.ANEW] = {**body[asofnow.ANEW], **{name: body["document"].get(name) for name in ("paper", "page")}}
    file = {**body, "part": FILE, "buttons": [], "whole_buttons": body.get("buttons")}
    return [(first, told, words), (second, f"{told}.{FILE}" if told else "", file)]


def _has_role(notification: Notification, reader: Reader) -> bool:
    role = reader.link.role if reader.link else "customer"
    if at_home.is_member(reader):  # "any" is who travels, or whose order it is
        return role in notification.roles and at_home.is_wanted(notification, reader)
    return "any" in notification.roles or role in notification.roles


def _is_meant(notification: Notification, result: EventResult, reader: Reader, world: World) -> bool:
    if notification.once_a_journey and reader.link is not None and result.subject in reader.link.onward:
        return False
    if notification.item == connecting.ITEM and reader.connection is None:
        return False
    moved = has_moved(reader.link, (result.subject, *result.audience))
    if notification.among is None and not moved:
        return True
    brand = brand_of(result, reader, world)
    scope = at_home.scope_of(result, reader, world, brand, {})
    return notification.is_for(scope) and (not moved or notification.still_for(scope))


def _addresses(contact: Contact, readers: Sequence[Reader]) -> list[Address]:
    """The addresses of these travellers in their order of preference, then the contact's other own ones."""
    by_id = {address.id: address for address in contact.profile.addresses}
    wanted: list[AddressId] = []
    for reader in readers:
        if reader.traveller is not None:
            wanted += [one for one in reader.traveller.addresses if one not in wanted]
    if not wanted:
        wanted = list(by_id)
    return [by_id[one] for one in wanted if one in by_id]


def question_for(
    notification: Notification,
    contact: Contact,
    address: Address,
    sender: Sender,
    world: World,
    *,
    brand: str,
    zone: str,
    deadline_ms: int,
    not_before_ms: int,
    forms: Sequence[TemplateChoice],
    document: Mapping[str, Any] | None = None,
    night: Night | None = None,
) -> Question:
    """Everything eligibility may look at, for a proactive message. night: None = as the notification declares"""
    facts = contact.facts
    proof, _ = facts.proofs.get(address.id, (None, 0))
    said_not_me = address.id in facts.proofs and proof is None
    channel = world.facts[address.channel]
    return Question(
        kind=notification.kind,
        purpose=notification.purpose,
        channel=address.channel,
        brand=brand,
        now_ms=world.now_ms,
        deadline_ms=deadline_ms,
        not_before_ms=not_before_ms,
        urgent=notification.priority == 1,
        personal=notification.personal,
        night=night or notification.night,
        timezone=zone,
        erasing=facts.erasing,
        consents=facts.consents,
        proof=proof,
        not_me=said_not_me,
        blocked=world.blocked(address.id),
        unreachable=facts.is_unreachable(address.id),
        only_to=world.allowed(address),
        production=world.production,
        window_ms=channel.window_ms,
        window_opened_at_ms=facts.window_opened_at(sender.id, address.id),
        templates=tuple(forms),
        spoke_at_ms=facts.spoke_at(),
        complaint=facts.complains(brand, world.now_ms),
        templates_allowed=world.able(sender.id, Capability.TEMPLATES),
        document_in_template=document is None or document.get("mime") in channel.template_document_mimes,
        held_elsewhere=channel.thread_control and facts.held_elsewhere(sender.id, address.id, world.now_ms),
    )


def _forms(
    notification: Notification,
    scope: Scope,
    contact: Contact,
    zone: str,
    brand: str,
    sender: Sender,
    world: World,
    document: Mapping[str, Any] | None,
) -> tuple[list[dict[str, Any]], Rendering]:
    """Up to two template forms, best first (approved ones before others), with newer words that are still awaited, and the words
    as free text.

    A template's header is an image or a document, as it was approved: only those that can bring this document are forms of it.
    """
    chain = languages(contact)
    candidates: list[tuple[Notification, TemplateRef]] = []
    brand_known = world.catalogue.brands.get(brand)
    default = brand_known.language if brand_known else "en"
    for one in world.catalogue.in_its_place(notification):
        candidates += [(one, ref) for ref in one.candidates(chain, brand=brand, brand_language=default)]
    if document is not None:
        mime = str(document.get("mime") or "")
        candidates = [(one, ref) for one, ref in candidates if one.document is None or one.document.carries(mime)]
    states = [
        (one, ref, world.template_state(sender.id, ref.name, ref.language, one.category)) for one, ref in candidates
    ]
    best = sorted(states, key=lambda entry: entry[2] is not TemplateState.APPROVED)[:2]
    awaited = _awaited(states, best)
    forms = []
    text: Rendering | None = None
    for one, ref, state in [*best[:1], *awaited, *best[1:]]:
        try:
            rendering = one.render(scope, chain, zone, brand=brand, template=ref)
        except CannotRender:
            if (one, ref, state) not in awaited:
                raise
            continue  # words to come may ask for more than is known
        text = text or rendering
        forms.append(
            {
                "name": ref.name,
                "language": ref.language,
                "state": state,
                "category": one.category,
                "header": dict(rendering.header_parameters),
                "body": dict(rendering.body_parameters),
            }
        )
    if text is None:
        text = notification.render(scope, chain, zone, brand=brand)
    return forms, text


def _awaited(states: Sequence[_Judged], best: Sequence[_Judged]) -> list[_Judged]:
    """The newer version of what is best now, in its language: should it be switched to while the message waits, and the older one
    be stopped, its words stand before another language."""
    for one in states[: states.index(best[0])] if best else ():
        if one not in best and _said(one) == _said(best[0]):
            return [one]
    return []


def _said(one: _Judged) -> tuple[str, str]:
    return one[0].name, one[1].language


def body_of(
    notification: Notification,
    result: EventResult,
    forms: Sequence[Mapping[str, Any]],
    text: Rendering,
    zone: str,
    brand: str,
    channel: str,
    document: Mapping[str, Any] | None,
    night: Night,
) -> dict[str, Any]:
    """The JSON that is sealed: what dispatch needs, and nothing it must look up elsewhere."""
    return {
        "kind": notification.kind,
        "notification": notification.name,
        "purpose": notification.purpose,
        "brand": brand,
        "channel": channel,
        "zone": zone,
        "personal": notification.personal,
        "night": night.value,
        "on_uncertain": notification.on_uncertain.value,
        "order": notification.order,
        "language": text.language,
        "forms": [{**form, "state": None} for form in forms],
        "header": text.header,
        "text": text.body,
        "footer": text.footer,
        "buttons": [
            {
                "kind": button.kind.value,
                "label": button.label,
                "payload": button.payload,
                "url": button.url,
                "suffix": button.url_suffix,
            }
            for button in text.buttons
        ],
        "document": _with_header(document, notification) if document and text.document else None,
        "event": {
            "type": result.type.value,
            "xid": result.external_id,
            "source": result.source,
            "changes": list(result.changes),
            **({"line": line} if (line := line_of(result.state)) else {}),
        },
    }


def _with_header(document: Mapping[str, Any], notification: Notification) -> dict[str, Any]:
    words = notification.document is not None and notification.document.otherwise == "words"
    return {**document, "header": header_of(str(document.get("mime") or "")), **({"otherwise": "words"} if words else {})}


def line_of(state: Mapping[str, Any]) -> str:
    """The line that a trip runs on, as brakes name it: OPERATOR/LINE; "" for whatever has none."""
    operator, line = state.get("operator"), state.get("line")
    return f"{operator}/{line}" if operator and line else ""


UNCERTAIN_DEFAULT = OnUncertain.RESEND

__all__ = [
    "AsTemplate", "Draft", "EventResult", "FreeText", "Reader", "World", "body_of", "draft", "parts", "question_for",
    "readers_of", "scope_for", "split_body",
]  # fmt: skip
