"""Every kind of fact that the scripts write: its name in the log, the role that made it, and what it means in words.

Nothing else knows the kinds; one that is missing here is shown by its own word and counted as "other".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.prices import amount
from gateway.rules.rollout import percent
from gateway.rules.verdict import SENTENCES, Reason
from gateway.store.facts import Fact

When = Callable[[int], str]
"""Shows a time in ms as people read it."""

Say = Callable[[Fact, When], str]

PRIORITY_WORDS = ("agent", "urgent", "normal", "bulk")


@dataclass(frozen=True, slots=True)
class Kind:
    """line: the log line's event; role: who made it ("" = the fold itself); say: one sentence for people."""

    line: str
    role: str
    say: Say


def sentence_of(reason: str) -> str:
    """The sentence of a reason; the word itself where it is none of ours (a channel's code)."""
    if reason == "budget":
        return "the budget that would pay for it is used up, and it is not urgent"
    if reason == "settling":
        return "what it tells was another thing a moment ago, and may be again: it is told when it has settled"
    if reason == "documents_busy":
        return "as many documents are being fetched or made as there is room for: it waits its turn"
    if reason == "clocks_differ":
        return "by this process's clock or by the store's it is too late, by the other not: it waits until they agree"
    try:
        return SENTENCES[Reason(reason)]
    except ValueError:
        return reason.replace("_", " ")


def _helped(fact: Fact, when: When) -> str:
    return f"they said that the automatic answer {'helped' if fact.detail.get('answer') == 'yes' else 'did not help'}"


def _fixed(text: str) -> Say:
    return lambda fact, when: text


_MEDIA_WHY = {
    "clean": "the scanner saw nothing in it",
    "unscanned": "nothing scanned it",
    "ours": "an agent's own",
    "infected": "the scanner says that it is harmful",
    "size": "it is too large",
    "kind": "it is of a kind that we do not keep",
    "picture": "it cannot be read as a picture",
    "gone": "the channel has it no longer",
    "scan": "the scanner gave no verdict",
}


def _media(what: str) -> Say:
    def say(fact: Fact, when: When) -> str:
        why = _MEDIA_WHY.get(fact.detail.get("why", ""), "nobody answered")
        return f"{what}: {why}"

    return say


def _private(fact: Fact, when: When) -> str:
    on = fact.detail.get("why") == "on"
    return f"a file {'shows who somebody is: it is deleted a day after it came' if on else 'is kept as others are after all'}"


def _undelivered(fact: Fact, when: When) -> str:
    return f"the answer did not reach them: {sentence_of(fact.detail.get('reason', ''))}"


def _event(fact: Fact, when: When) -> str:
    return f"the event was kept: {fact.detail.get('type', 'unknown type')}"


def _applied(fact: Fact, when: When) -> str:
    changes = fact.detail.get("changes", "")
    if not changes:
        return "applied; nothing in it is news to anybody"
    return f"applied; what changed: {changes.replace(',', ', ').replace('_', ' ')}"


def _closed(fact: Fact, when: When) -> str:
    why = fact.detail.get("why", "")
    if fact.detail.get("note", "").startswith("parked") or why:
        return f"set aside: it could not be handled ({why or 'no reason kept'})"
    if fact.detail.get("note") == "nobody":
        return "nobody of its order whom we know is to get this document; the event is closed"
    return "everybody who should hear of it has been looked at; the event is closed"


def _unsubscribed(fact: Fact, when: When) -> str:
    return f"does not hear about the subject any more ({fact.detail.get('why', 'no reason given')})"


def _consent(fact: Fact, when: When) -> str:
    said = []
    for name, value in fact.detail.items():
        if name.startswith("k:"):
            purpose, _, rest = name[2:].partition(".")
            channel, _, brand = rest.partition(".")
            verb = "agreed to" if value == "g" else "asked us to stop"
            said.append(f"{verb} {purpose} messages of {brand} on {channel}")
    return "; ".join(said) or "a consent changed"


def _proof(fact: Fact, when: When) -> str:
    for name, value in fact.detail.items():
        if name.startswith("p:"):
            if value in ("-", "not_me"):
                return "whoever has this address said that they are not this person"
            return f"the address is proven to be theirs, by {value}"
    return "a proof changed"


def _enqueued(fact: Fact, when: When) -> str:
    detail = fact.detail
    text = f"planned: {detail.get('nt', 'a message')}"
    if detail.get("p", "").isdigit() and int(detail["p"]) < len(PRIORITY_WORDS):
        text += f", {PRIORITY_WORDS[int(detail['p'])]}"
    if detail.get("s"):
        text += f", by sender {detail['s']}"
    if detail.get("dl", "").isdigit():
        text += f", of use until {when(int(detail['dl']))}"
    if detail.get("after"):
        text += f"; another way, after {detail['after']}"
    if detail.get("pu"):
        text += f", for somebody at home (purpose {detail['pu']})"
    if detail.get("past"):
        text += "; passed over: " + ", ".join(_passed(one) for one in detail["past"].split(","))
    if detail.get("ro"):
        text += f"; in the roll-out {detail['ro'].replace(',', ', ')}"
    if detail.get("on"):
        text += f"; outside the roll-out {detail['on']}, and told all the same: they were told what it takes the place of"
    if detail.get("due", "").isdigit():
        text += f"; waits until {when(int(detail['due']))} ({sentence_of(detail.get('why', '')) or 'not due yet'})"
    return text


def _passed(one: str) -> str:
    channel, _, reason = one.partition(":")
    return f"{channel} ({sentence_of(reason)})"


def _other_way(fact: Fact, when: When) -> str:
    why = fact.detail.get("why", "")
    reason = "not delivered in time" if why == "not_delivered" else sentence_of(why)
    return f"another way to the same person is tried, as {fact.detail.get('next', '?')}: {reason}"


def _suppressed(fact: Fact, when: When) -> str:
    by = f" (roll-out {fact.detail['ro']})" if fact.detail.get("ro") else ""
    home = f" (for somebody at home, purpose {fact.detail['pu']})" if fact.detail.get("pu") else ""
    return f"{_named(fact)}not sent: {sentence_of(fact.detail.get('reason', '')) or 'no reason kept'}{by}{home}"


def _outdated(fact: Fact, when: When) -> str:
    by = f" (by event {fact.detail['by']})" if fact.detail.get("by") else ""
    return f"{_named(fact)}not sent: {sentence_of(fact.kind)}{by}"


def _named(fact: Fact) -> str:
    return f"{fact.detail['nt']} " if fact.detail.get("nt") else ""


def _claimed(fact: Fact, when: When) -> str:
    return f"taken up for sending by process {fact.detail.get('by', '?')}"


def _accepted(fact: Fact, when: When) -> str:
    attempt = fact.detail.get("attempt", "?")
    if fact.detail.get("by") == "evidence":
        return f"the channel's own status shows that it has the message (attempt {attempt}){_price(fact)}"
    return f"the channel took it (attempt {attempt}){_price(fact)}"


def _price(fact: Fact) -> str:
    """What it should cost; nothing where nobody knows."""
    detail = fact.detail
    if not detail.get("ex", "").isdigit() or not detail.get("cur"):
        return ""
    place = " ".join(word for word in (detail.get("cat", ""), detail.get("mk", "")) if word)
    return f"; expected price {amount.exact(int(detail['ex']))} {detail['cur']} ({place})"


def _uncertain(fact: Fact, when: When) -> str:
    words = {
        "lease": "the process that sent it went silent",
        "restore": "the store was brought back from a backup",
        "failover": "the store had failed over and forgotten that it was handed out",
    }
    why = words.get(fact.detail.get("why", ""), fact.detail.get("why", "no answer"))
    return f"it may have been sent, no answer came ({why}); evidence is waited for"


def _again(verb: str) -> Say:
    def say(fact: Fact, when: When) -> str:
        at = fact.detail.get("at", "")
        until = f" until {when(int(at))}" if at.isdigit() and at != "0" else ""
        return f"{verb}{until}: {sentence_of(fact.detail.get('why', '')) or 'no reason kept'}"

    return say


def _status(text: str) -> Say:
    def say(fact: Fact, when: When) -> str:
        at = fact.detail.get("at", "")
        said = f"{text} at {when(int(at))}" if at.isdigit() and int(at) > 0 else text
        return said + _billed(fact)

    return say


def _billed(fact: Fact) -> str:
    kind, category = fact.detail.get("type", ""), fact.detail.get("category", "").replace("_", " ")
    if kind.startswith("free"):
        return f"; free of charge ({category or kind.replace('_', ' ')})"
    return f"; billed as {category or kind}" if kind else ""


def _budget(text: str) -> Say:
    def say(fact: Fact, when: When) -> str:
        said = {name: fact.detail.get(name, "?") for name in ("budget", "period", "spent", "limit", "cur")}
        return f"the budget {said['budget']} {text} in {said['period']}: {said['spent']} of {said['limit']} {said['cur']}"

    return say


def _failed(fact: Fact, when: When) -> str:
    code = fact.detail.get("code", "0")
    text = sentence_of(fact.detail.get("reason", Reason.FAILED_AT_CHANNEL.value))
    return text + (f" (its code {code})" if code not in ("", "0") else "")


def _dead(fact: Fact, when: When) -> str:
    return f"given up, in the dead letters: {sentence_of(fact.detail.get('reason', '')) or 'no reason kept'}"


def _unreached(fact: Fact, when: When) -> str:
    return f"nobody was told by any channel in time: {sentence_of(fact.detail.get('reason', ''))}"


def _gap(fact: Fact, when: When) -> str:
    after = fact.detail.get("after", "?")
    return f"the store went back behind what was read (a failover, a restore): facts after {after} may be missing"


def _safety(fact: Fact, when: When) -> str:
    return f"words that cannot wait: {fact.detail.get('kind', 'unknown').replace('_', ' ')}; it goes before everybody else"


def _flood(fact: Fact, when: When) -> str:
    return "more than twenty messages within a minute: folded at the desk, and still one conversation"


def _complaint(fact: Fact, when: When) -> str:
    due = fact.detail.get("due", "")
    until = f", to be answered until {when(int(due))}" if due.isdigit() and due != "0" else ""
    by = "by their own words" if fact.detail.get("by") == "words" else "by an agent"
    return f"marked as a complaint {by}{until}"


def _identity_verified(fact: Fact, when: When) -> str:
    ways = {
        "code": "by a code that was sent to another address of theirs", "login": "by signing in to their own account",
        "supervisor": "as a supervisor says, with a reason",
    }  # fmt: skip
    act = f", for {fact.detail['act']} once" if fact.detail.get("act") else ""
    return f"they showed who they are {ways.get(fact.detail.get('how', ''), 'by a way that is not known here')}{act}"


def _identity_failed(fact: Fact, when: When) -> str:
    whys = {
        "wrong_code": "five wrong codes", "other_person": "the account is somebody else's",
        "no_address": "no second address is known of them", "unreachable": "the code could not be sent",
    }  # fmt: skip
    return f"they could not show who they are: {whys.get(fact.detail.get('why', ''), 'for a reason not known here')}"


def _identity_dropped(fact: Fact, when: When) -> str:
    whys = {"device": "a new device or number", "not_me": "somebody said: not me", "supervisor": "a supervisor took it back"}
    return f"who they are must be shown anew: {whys.get(fact.detail.get('why', ''), 'for a reason not known here')}"


def _inbound(fact: Fact, when: When) -> str:
    return "they changed what they had written" if fact.detail.get("form") == "edit" else "they wrote"


def _outside(fact: Fact, when: When) -> str:
    if fact.detail.get("by") == "inbox":
        return "somebody answered them in the channel's own inbox"
    return "another program wrote to them"


def _thread(fact: Fact, when: When) -> str:
    for name, value in fact.detail.items():
        if name.startswith("held:"):
            until, _, program = value.partition(":")
            if until == "0":
                return "no other program holds their thread any more"
            by = f"program {program}" if program else "another program"
            return f"{by} holds their thread, until {when(int(until))}" if until.isdigit() else f"{by} holds their thread"
    return "their thread changed hands"


def _queued(fact: Fact, when: When) -> str:
    return f"waits for an agent in the queue {fact.detail.get('q', '?')}"


def _by_agent(text: str) -> Say:
    def say(fact: Fact, when: When) -> str:
        agent = fact.detail.get("agent") or fact.detail.get("by", "")
        return f"{text} by agent {agent}" if agent else text

    return say


def _about_agent(text: str) -> Say:
    def say(fact: Fact, when: When) -> str:
        detail = fact.detail
        was = f" (before: {detail['old']})" if detail.get("old") else ""
        now = f": {detail['new']}" if detail.get("new") else ""
        return f"agent {detail.get('target', '?')} {text}{now}{was}, by {detail.get('agent') or 'nobody known'}"

    return say


def _requeued(fact: Fact, when: When) -> str:
    why = {
        "not_opened": "was not opened in time",
        "unreachable": "was with somebody who is not here any more",
        "not_back": "came back, and their agent had no room for it in time",
    }.get(fact.detail.get("why", ""), "was taken back")
    return f"{why} (agent {fact.detail.get('agent', '?')}): back in the queue {fact.detail.get('q', '?')}, with its age"


def _parked(fact: Fact, when: When) -> str:
    until = fact.detail.get("until", "")
    return f"parked by agent {fact.detail.get('agent', '?')}" + (f" until {when(int(until))}" if until.isdigit() else "")


def _transferred(fact: Fact, when: When) -> str:
    detail = fact.detail
    verb = "offered to" if fact.kind == "offered" else "passed on to"
    by = f", by {detail['by']}" if detail.get("by") else ""
    return f"{verb} {detail.get('to', '?')} from agent {detail.get('agent', '?')}{by}"


def _marked(fact: Fact, when: When) -> str:
    detail = fact.detail
    what = {"complaint": "a complaint", "boost": "to be answered before others"}.get(detail.get("what", ""), "something")
    return f"marked as {what} by agent {detail.get('agent', '?')}" if detail.get("to") else f"no more marked as {what}"


def _slots_differ(fact: Fact, when: When) -> str:
    return f"the slots of agent {fact.detail.get('agent', '?')} were not what is live: {fact.detail.get('by', '?')} off; mended"


_LEFT = {
    "stopped": "a relative wants to hear no more",
    "removed": "the traveller took a relative out",
    "erased": "a relative was erased",
}
_DOOR = {
    "opened": "people are let in again",
    "closed": "nobody is let in any more",
    "renewed": "the link was made anew: the one before lets nobody in",
    "too_many": "so many came in one minute that nobody is let in until the traveller says so",
}
_FAMILY_ENDED = {
    "over": "the journey is over",
    "traveller": "the traveller ended it",
    "operator": "somebody of ours ended it",
    "erased": "the traveller was erased",
    "left_out": "the traveller is on the order no more",
    "cancelled": "the order was cancelled",
}


def _family_left(fact: Fact, when: When) -> str:
    return _LEFT.get(fact.detail.get("why", ""), "a relative is in the family no more")


def _family_door(fact: Fact, when: When) -> str:
    return _DOOR.get(fact.detail.get("door", ""), "who may join the family was changed")


def _family_asked(fact: Fact, when: When) -> str:
    if fact.detail.get("by") == "answered":
        return "a relative asked how the journey stands, and was told at once"
    return "a relative asked how the journey stands, and a person looks at it"


def _family_ended(fact: Fact, when: When) -> str:
    why = _FAMILY_ENDED.get(fact.detail.get("why", ""), "it ended")
    return f"the family is over ({why}), with {fact.detail.get('members', '0')} in it"


_STEERED = {"close": "closed the door of", "open": "opened the door of", "end": "ended"}


def _family_steered(fact: Fact, when: When) -> str:
    who, what, why = (fact.detail.get(name, "") for name in ("who", "what", "why"))
    return f"{who or 'somebody'} {_STEERED.get(what, 'changed')} the family" + (f": {why}" if why else "")


def _pass_refused(fact: Fact, when: When) -> str:
    left = fact.detail.get("left", "?")
    return "a wrong answer on the page; no more is allowed" if left == "0" else f"a wrong answer on the page; {left} more allowed"


def _pass_revoked(fact: Fact, when: When) -> str:
    return f"the page was replaced by that of a newer issue, {fact.detail.get('by', '?')}"


def _pass_unbound(fact: Fact, when: When) -> str:
    by = fact.detail.get("by", "somebody")
    who = "the device that had it open" if by == "holder" else f"{by}"
    return f"the page is open on no device any more, asked by {who}: whoever proves themselves next has it"


def _brake(verb: str) -> Say:
    def say(fact: Fact, when: When) -> str:
        who, scope, why = (fact.detail.get(name, "") for name in ("who", "scope", "why"))
        return f"{who or 'somebody'} {verb} {scope or '?'}" + (f": {why}" if why else "")

    return say


def _percent(places: str) -> str:
    return percent(int(places)) if places.isdigit() else "?"


def _rollout(verb: str) -> Say:
    def say(fact: Fact, when: When) -> str:
        detail = fact.detail
        who, name, share, before = (detail.get(key, "") for key in ("who", "ro", "share", "before"))
        told = f" from {_percent(before)} to {_percent(share)}" if before and before != share else f" at {_percent(share)}"
        return f"{who or 'somebody'} {verb} the roll-out {name or '?'}{told if share else ''}" + (
            f": {detail['why']}" if detail.get("why") else ""
        )

    return say


def _version(fact: Fact, when: When) -> str:
    detail = fact.detail
    name, sender, version = (detail.get(key, "?") for key in ("nt", "s", "v"))
    said = f"from now on {sender} sends version {version} of {name}"
    said += f" in place of {detail['before']}" if detail.get("before", "0") != "0" else ", its first"
    said += f" (approved in {detail.get('in', '?').replace(',', ', ')})"
    return said + (f", as {detail['who']} wanted" if detail.get("who") else "")


def _fanning(fact: Fact, when: When) -> str:
    return f"{fact.detail.get('people', '?')} people are being told, the most urgent news first"


def _fanned(fact: Fact, when: When) -> str:
    people, seconds, rate = (fact.detail.get(name, "?") for name in ("people", "seconds", "rate"))
    return f"all {people} people have been looked at, within {seconds} s ({rate} a second)"


def _untold(fact: Fact, when: When) -> str:
    return f"could not be told to this person, and was set aside for them alone ({fact.detail.get('why', 'no reason kept')})"


def _fuse(fact: Fact, when: When) -> str:
    people, limit = fact.detail.get("people", "?"), fact.detail.get("limit", "?")
    unusual = " of what is usual for it" if fact.detail.get("why") == "unusual" else ""
    return f"held by the fuse: it would reach {people} people, the limit is {limit}{unusual}"


def _moment(text: str) -> Say:
    def say(fact: Fact, when: When) -> str:
        times = {name: when(int(value)) for name in ("at", "was") if (value := fact.detail.get(name, "")).isdigit()}
        return f"{fact.detail.get('moment', '?').replace('_', ' ')} {text.format_map({'at': '?', 'was': '?', **times})}"

    return say


KINDS: dict[str, Kind] = {
    # intake
    "event": Kind("event.kept", "intake", _event),
    "applied": Kind("event.applied", "intake", _applied),
    "older": Kind("event.older", "intake", _fixed("older than what was known: it tells nobody")),
    "moment_set": Kind("moment.set", "intake", _moment("is set for {at}")),
    "moment_moved": Kind("moment.moved", "intake", _moment("was set for {was}, and is for {at} now")),
    "moment_dropped": Kind("moment.dropped", "intake", _moment("was set for {was}, and does not come any more")),
    "moment_came": Kind("moment.came", "intake", _moment("has come: it was set for {at}")),
    "closed": Kind("event.closed", "intake", _closed),
    "fanning": Kind("event.fanning", "intake", _fanning),
    "fanned": Kind("event.fanned", "intake", _fanned),
    "untold": Kind("event.untold", "intake", _untold),
    "contact": Kind("contact.made", "intake", _fixed("the contact was made")),
    "subscribed": Kind("contact.subscribed", "intake", _fixed("hears about the subject from now on")),
    "unsubscribed": Kind("contact.unsubscribed", "intake", _unsubscribed),
    "consent": Kind("contact.consent", "webhooks", _consent),
    "proof": Kind("contact.proof", "webhooks", _proof),
    "erasing": Kind("contact.erasing", "intake", _fixed("the person's data is being erased: nothing more is planned")),
    "erased": Kind("contact.erased", "intake", _fixed("the person's data was erased")),
    "proof_dropped": Kind("contact.proof_dropped", "webhooks", _fixed("a new device: who they are must be shown anew")),
    "enqueued": Kind("message.enqueued", "intake", _enqueued),
    "suppressed": Kind("message.suppressed", "intake", _suppressed),
    "replaced": Kind("message.replaced", "intake", _outdated),
    "ended": Kind("message.ended", "intake", _outdated),
    # dispatch
    "claimed": Kind("message.claimed", "dispatch", _claimed),
    "accepted": Kind("message.accepted", "dispatch", _accepted),
    "uncertain": Kind("message.uncertain", "dispatch", _uncertain),
    "reclaimed": Kind(
        "message.reclaimed", "dispatch",
        _fixed("the store had failed over and forgotten that it was handed out; who has it leased it again"),
    ),
    "retry": Kind("message.retry", "dispatch", _again("did not go through, waits")),
    "held": Kind("message.held", "dispatch", _again("held back")),
    "later": Kind("message.later", "dispatch", _again("put off")),
    "expired": Kind("message.expired", "dispatch", _suppressed),
    "dead": Kind("message.dead", "dispatch", _dead),
    "double": Kind(
        "message.double", "dispatch", _fixed("the channel has it twice: an uncertain attempt had arrived after all")
    ),
    "other_way": Kind("message.other_way", "dispatch", _other_way),
    # webhooks
    "sent": Kind("message.sent", "webhooks", _status("left the channel")),
    "delivered": Kind("message.delivered", "webhooks", _status("on their phone")),
    "read": Kind("message.read", "webhooks", _status("read")),
    "played": Kind("message.played", "webhooks", _status("played")),
    "failed": Kind("message.failed", "webhooks", _failed),
    "inbound": Kind("conversation.inbound", "webhooks", _inbound),
    "outside": Kind("conversation.outside", "webhooks", _outside),
    "thread": Kind("contact.thread", "webhooks", _thread),
    # cancelled journeys
    "rebooking_accept": Kind("rebooking.accepted", "webhooks", _fixed("they take the other journey that was offered")),
    "rebooking_other": Kind("rebooking.other", "webhooks", _fixed("they want another journey than the one that was cancelled")),
    "appointment_confirm": Kind("appointment.confirmed", "webhooks", _fixed("the time of the appointment suits them")),
    "appointment_move": Kind("appointment.move", "webhooks", _fixed("they want another time for the appointment")),
    "appointment_call_me": Kind("appointment.call", "webhooks", _fixed("they want to be called about the appointment")),
    "rebooking_refund": Kind("rebooking.refund", "webhooks", _fixed("they want their money back for the cancelled journey")),
    # invitations
    "way_made": Kind("invitation.made", "", _fixed("an invitation was made")),
    "way_claimed": Kind("invitation.claimed", "webhooks", _fixed("somebody came by the invitation, the first")),
    "way_bound": Kind("invitation.bound", "webhooks", _fixed("their address is bound to the order")),
    "way_revoked": Kind("invitation.revoked", "", _fixed("the invitation was revoked: nobody comes in by it any more")),
    # families
    "family_made": Kind("family.made", "webhooks", _fixed("a traveller keeps their family informed: it begins")),
    "family_joined": Kind("family.joined", "webhooks", _fixed("a relative joined by the traveller's link")),
    "family_left": Kind("family.left", "", _family_left),
    "family_door": Kind("family.door", "", _family_door),
    "family_steered": Kind("family.steered", "", _family_steered),
    "family_asked": Kind("family.asked", "webhooks", _family_asked),
    "family_ended": Kind("family.ended", "", _family_ended),
    # pages of passes and tickets
    "pass_kept": Kind("pass.kept", "", _fixed("a page for their pass or ticket was kept")),
    "pass_opened": Kind("pass.opened", "webhooks", _fixed("the page was opened on a device: they proved who they are")),
    "pass_refused": Kind("pass.refused", "webhooks", _pass_refused),
    "pass_revoked": Kind("pass.revoked", "", _pass_revoked),
    "pass_unbound": Kind("pass.unbound", "", _pass_unbound),
    # webcare
    "safety": Kind("conversation.safety", "webhooks", _safety),
    "flood": Kind("conversation.flood", "webhooks", _flood),
    "complaint": Kind("conversation.complaint", "webcare", _complaint),
    "opened": Kind("conversation.opened", "webcare", _fixed("a conversation was opened")),
    "reopened": Kind("conversation.reopened", "webcare", _fixed("they wrote again; the conversation was opened again")),
    "queued": Kind("conversation.queued", "webcare", _queued),
    "assigned": Kind("conversation.assigned", "webcare", _by_agent("taken")),
    "returned": Kind("conversation.returned", "webcare", _by_agent("came back to their own agent")),
    "taken_up": Kind("conversation.taken_up", "webcare", _by_agent("opened")),
    "requeued": Kind("conversation.requeued", "webcare", _requeued),
    "parked": Kind("conversation.parked", "webcare", _parked),
    "woken": Kind("conversation.woken", "webcare", _fixed("the time until which it was parked has come")),
    "idled": Kind("conversation.idled", "webcare", _fixed("answered, and silent since: it waits for the contact")),
    "wrapup": Kind("conversation.wrapup", "webcare", _by_agent("finished for the contact; the reason is due")),
    "tagged": Kind("conversation.tagged", "webcare", _by_agent("the reason why they wrote was given")),
    "transferred": Kind("conversation.transferred", "webcare", _transferred),
    "offered": Kind("conversation.offered", "webcare", _transferred),
    "declined": Kind("conversation.declined", "webcare", _by_agent("was not passed on: not accepted")),
    "handed_back": Kind("conversation.handed_back", "webcare", _by_agent("given to automation")),
    "marked": Kind("conversation.marked", "webcare", _marked),
    "blocked": Kind("conversation.blocked", "webcare", _by_agent("the address was blocked: kept, and not queued")),
    "unblocked": Kind("conversation.unblocked", "webcare", _by_agent("the address is blocked no more")),
    "slots_differ": Kind("desk.slots_differ", "webcare", _slots_differ),
    "released": Kind("conversation.released", "webcare", _by_agent("given back to the queue")),
    "replied": Kind("conversation.replied", "webcare", _by_agent("answered")),
    "undelivered": Kind("conversation.undelivered", "webcare", _undelivered),
    "media_kept": Kind("conversation.media_kept", "webcare", _media("a file was kept")),
    "media_refused": Kind("conversation.media_refused", "webcare", _media("a file is not shown")),
    "media_lost": Kind("conversation.media_lost", "webcare", _media("a file could not be had")),
    "media_private": Kind("conversation.media_private", "webcare", _private),
    "media_deleted": Kind("conversation.media_deleted", "webcare", _fixed("a file that shows who somebody is was deleted")),
    "said": Kind("conversation.said", "webcare", _fixed("the house said a line of its own")),
    "helped": Kind("conversation.helped", "webcare", _helped),
    "automation_late": Kind(
        "automation.late", "webcare", _fixed("the assistant's answer was dropped: somebody else had the conversation by then")
    ),
    "identity_asked": Kind("conversation.identity_asked", "webcare", _by_agent("asked to show who they are")),
    "identity_verified": Kind("conversation.identity_verified", "webcare", _identity_verified),
    "identity_failed": Kind("conversation.identity_failed", "webhooks", _identity_failed),
    "identity_dropped": Kind("conversation.identity_dropped", "webcare", _identity_dropped),
    "identity_used": Kind("conversation.identity_used", "webcare", _by_agent("what needed a fresh proof was done")),
    "identity_set": Kind("conversation.identity_set", "webcare", _by_agent("who they are was said or taken back by hand")),
    "noted": Kind("conversation.noted", "webcare", _by_agent("a note for colleagues was written")),
    "whispered": Kind("conversation.whispered", "webcare", _by_agent("a supervisor whispered to whoever has it")),
    "watched": Kind("conversation.watched", "webcare", _by_agent("looked at without being shown")),
    "left": Kind("conversation.left", "webcare", _by_agent("an answer that may have arrived was left as it is")),
    "handed_off": Kind("conversation.handed_off", "webcare", _by_agent("handed on")),
    "resolved": Kind("conversation.resolved", "webcare", _by_agent("finished")),
    "seen": Kind("conversation.seen", "webcare", _by_agent("looked at")),
    "read_outside": Kind("conversation.read_outside", "webcare", _by_agent("looked at from another queue")),
    # people at the desk, for the audit
    "signed_in": Kind("agent.signed_in", "webcare", _by_agent("signed in")),
    "signed_out": Kind("agent.signed_out", "webcare", _by_agent("signed out")),
    "sign_in_failed": Kind("agent.sign_in_failed", "webcare", _by_agent("a sign-in failed")),
    "second_failed": Kind("agent.second_failed", "webcare", _by_agent("a wrong code of the second factor was given")),
    "recovery_used": Kind("agent.recovery_used", "webcare", _by_agent("a recovery code was used")),
    "locked": Kind("agent.locked", "webcare", _by_agent("the desk was locked")),
    "unlocked": Kind("agent.unlocked", "webcare", _by_agent("the desk was unlocked")),
    "unlock_failed": Kind("agent.unlock_failed", "webcare", _by_agent("unlocking failed")),
    "session_ended": Kind("agent.session_ended", "webcare", _by_agent("a session was ended by somebody else")),
    "agent_added": Kind("agent.added", "", _about_agent("was added")),
    "agent_changed": Kind("agent.changed", "", _about_agent("was changed")),
    "agent_rights": Kind("agent.rights", "", _about_agent("has other rights")),
    "agent_password": Kind("agent.password", "", _about_agent("was given a new password")),
    "agent_disabled": Kind("agent.disabled", "", _about_agent("is kept out")),
    "agent_enabled": Kind("agent.enabled", "", _about_agent("may sign in again")),
    "second_enrolled": Kind("agent.second_enrolled", "webcare", _by_agent("a second factor was set up")),
    "second_reset": Kind("agent.second_reset", "", _about_agent("has to set up a second factor anew")),
    "revealed": Kind("contact.revealed", "webcare", _by_agent("masked data were shown")),
    "exported": Kind("contact.exported", "", _by_agent("data were exported")),
    "searched": Kind("desk.searched", "webcare", _by_agent("the desk was searched")),
    "audit_read": Kind("audit.was_read", "webcare", _by_agent("the audit was read")),
    "audit_exported": Kind("audit.was_exported", "webcare", _by_agent("the audit was taken out as a table")),
    # people at the brakes and the dead letters
    "replayed": Kind("message.replayed", "dispatch", _fixed("somebody had it tried again, through eligibility as ever")),
    "discarded": Kind("message.discarded", "dispatch", _fixed("somebody discarded it")),
    "copy_failed": Kind(
        "message.copy_failed", "webhooks", _fixed("another attempt of it failed at the channel; the first one stands")
    ),
    "stopped": Kind("brake.stopped", "", _brake("stopped")),
    "resumed": Kind("brake.resumed", "", _brake("lifted the stop of")),
    "fuse": Kind("fuse.blown", "intake", _fuse),
    "fuse_asked": Kind("fuse.asked", "", _brake("asked to let through what the fuse holds:")),
    "fuse_released": Kind("fuse.released", "", _brake("let through what the fuse held:")),
    "fuse_discarded": Kind("fuse.discarded", "", _brake("discarded what the fuse held:")),
    "corrected": Kind("event.corrected", "", _brake("had a correction written to those who were handed")),
    "noticed": Kind("notice.said", "", _fixed("somebody wrote a notice to those who follow this")),
    "crisis": Kind("crisis.begun", "", _brake("declared a crisis about")),
    "crisis_lift_asked": Kind("crisis.lift_asked", "", _brake("asked to lift the crisis about")),
    "crisis_lifted": Kind("crisis.lifted", "", _brake("confirmed that the crisis is over about")),
    "rollout_started": Kind("rollout.started", "", _rollout("started")),
    "rollout_raised": Kind("rollout.raised", "", _rollout("raised")),
    "rollout_lowered": Kind("rollout.lowered", "", _rollout("lowered")),
    "rollout_held": Kind("rollout.held", "", _rollout("held")),
    "rollout_resumed": Kind("rollout.resumed", "", _rollout("resumed")),
    "rollout_stopped": Kind("rollout.stopped", "", _rollout("stopped")),
    "rollout_ended": Kind("rollout.ended", "", _rollout("ended")),
    "version": Kind("template.version", "", _version),
    "backed_up": Kind("store.backed_up", "", _fixed("a backup was taken")),
    "restored": Kind(
        "store.restored", "", _fixed("the store was brought back from a backup; nothing is sent until somebody resumes")
    ),
    "budget_warned": Kind("budget.warned", "dispatch", _budget("is nearly used up")),
    "budget_full": Kind("budget.full", "dispatch", _budget("is used up, and what is not urgent waits")),
    "rewrapped": Kind("keys.rewrapped", "", _fixed("data keys were wrapped anew under the newest key of the ring")),
    # the fold itself
    "unreached": Kind("message.unreached", "", _unreached),
    "gap": Kind("facts.gap", "", _gap),
    "unreadable": Kind("facts.unreadable", "", _fixed("a fact in a form that this program does not know")),
}


def name_of(fact: Fact) -> str:
    """The row of KINDS that a fact belongs to, "" for none. A `read` without a message is an agent's look at a conversation."""
    name = "seen" if fact.kind == "read" and not fact.id_of("m") else fact.kind
    return name if name in KINDS else ""


def line_of(fact: Fact) -> tuple[str, str]:
    """(log event, role) of a fact."""
    known = KINDS.get(name_of(fact))
    return (known.line, known.role) if known else (f"fact.{fact.kind}", "")


def say(fact: Fact, when: When) -> str:
    """What a fact means, in one sentence without personal data."""
    known = KINDS.get(name_of(fact))
    return known.say(fact, when) if known else fact.kind.replace("_", " ")
