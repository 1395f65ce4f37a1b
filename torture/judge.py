"""The count. Pure: what the producers were answered, what the gateway's facts say, and what lies on the handsets go in; what is
wrong comes out, each with what it takes to look it up.

What counts as what:
    told       a message that a contact was planned, by its facts; `fate` is the last thing that became of it
    due        every notification that a version brought (by the changes that its fact names, and by what the producers are sure
               of) to everybody who followed the subject when it was applied; the newest version to everybody at all
    excused    not on the handset, but visible with a reason that a fire gives, of which there is a witness beside the house
               (excuses.py); never planned because a newer version that replaces or ends it was planned first; said STOP
    known      the moment from which something newer is known for a person: when its message was planned for them
"""

from __future__ import annotations

from collections import Counter

from torture.case import Case, Message
from torture.excuses import NEVER_AGAIN, TOO_OFTEN, given_up, thawed, too_many, welcomed
from torture.handsets import Bubble
from torture.seen import TELLS, Double, Seen, Step, Told, Verdict
from torture.silence import count_silences, count_unstopped

STALE_MS = 3_000
"""What is newer is read at most a second before a POST begins; the rest is the way to the handset on a machine that burns."""
GRACE_MS = 3_000
"""From the 200 to a webhook until it must have stopped a resend: split, applied, or the evidence clock stood still."""

STEP_MS = 100
"""What one script writes stands at one time, or a moment apart."""

SAID_STOP = ("withdrawn", "no_consent", "opted_out_at_channel")
"""Why a message may reach nobody who said STOP. Everybody else agreed, every address is proven, every template approved."""
TO_TRY = ("events", "kills", "webhooks doubled")
"""What a run did none of has shown nothing."""


def judge(seen: Seen) -> Verdict:
    case = Case(seen)
    _count_untried(case)
    _count_refused(case)
    count_silences(case)
    _count_lost(case)
    _count_disorder(case)
    _count_stale(case)
    _count_doubles(case)
    _count_strange(case)
    _count_replies(case)
    count_unstopped(case)
    verdict = case.verdict
    verdict.stopped_after_ms.sort()
    verdict.told_after_ms = _told_after(case)
    verdict.counts = {
        "events": len(seen.told),
        "applied": sum(1 for one in seen.told if one.event in case.applied),
        "older": sum(1 for one in seen.told if one.event in case.older),
        "contacts": len(seen.homes),
        "messages planned": len(case.messages),
        "bubbles": len(seen.bubbles),
        "replies": len(seen.replies),
        **_uncertainty(seen),
    }
    return verdict


def _told_after(case: Case) -> list[int]:
    found = []
    for mid, copies in case.copies.items():
        told = case.by_event.get(case.messages[mid].event) if mid in case.messages else None
        if told is not None:
            found.append(min(one.at_ms for one in copies) - told.answered_ms)
    return sorted(found)


def _uncertainty(seen: Seen) -> dict[str, int]:
    """How often it was not known whether a message had left, and what was learnt of it: how hot the fire was."""
    silent = Counter(one.detail.get("why", "") for one in seen.steps if one.kind == "uncertain")
    by_evidence = sum(1 for one in seen.steps if one.kind == "accepted" and one.detail.get("by") == "evidence")
    return {
        "uncertain for want of an answer": silent.total() - silent["lease"],
        "uncertain as their process was killed": silent["lease"],
        "settled by evidence": by_evidence,
        "accepted at a later attempt": sum(1 for one in seen.bubbles if one.attempt > 1),
    }


def _count_untried(case: Case) -> None:
    tried = dict.fromkeys(TO_TRY, 0) | {"events": len(case.seen.told), "kills": len(case.seen.kills)} | dict(case.seen.tried)
    case.verdict.untried += [f"no {what}: nothing was tried" for what, times in tried.items() if not times]


def _count_refused(case: Case) -> None:
    for one in case.seen.told:
        if not one.event:
            case.verdict.refused.append(f"{one.name} was never answered 202")
        case.verdict.refused += [f"{one.name} was answered {odd}" for odd in one.odd]
    case.verdict.refused += case.seen.odd


def _count_lost(case: Case) -> None:
    lost = case.verdict.lost
    newest = case.newest()
    if not case.seen.rested:
        lost.append("the house did not come to rest in time: what it had still to do is told to nobody")
    lost += [f"a part of a webhook that was answered 200 was set aside: {one}" for one in case.seen.parked]
    if case.seen.waiting:
        lost.append(f"{case.seen.waiting} messages still waited when it was long quiet")
    for one in case.seen.told:
        if not one.event:
            continue
        if one.event not in case.kept:
            lost.append(f"{one.name} ({one.event}) was answered 202 and is not kept")
        elif one.event in case.parked:
            lost.append(f"{one.name} ({one.event}) was set aside: {case.parked[one.event]}")
        elif one.event in case.applied:  # and should it be called older later on: older than itself, which excuses nothing
            _audience(case, one, newest=newest[one.subject] is one)
        elif one.event not in case.older:
            lost.append(f"{one.name} ({one.event}) was answered 202 and never applied")
        elif not any(
            other.subject == one.subject and other.version > one.version and other.event in case.applied
            for other in case.seen.told
        ):
            lost.append(f"{one.name} ({one.event}) was called older than something that nobody applied")
    for message in case.messages.values():
        fate = message.fate
        if fate is None:
            lost.append(f"{case.name(message)} ended as nothing, last: {message.steps[-1].kind}")
        elif fate.kind == "accepted" and message.id not in case.arrived:
            lost.append(f"{case.name(message)} was accepted by the channel, and is on no handset")
        elif message.id not in case.arrived:
            _missing(case, message, fate)
    if many := too_many(case):
        lost.append(many)


def _missing(case: Case, message: Message, fate: Step) -> None:
    """A message that is on no handset, and the facts say why."""
    reason, lost = fate.detail.get("reason", ""), case.verdict.lost
    case.verdict.ends[fate.kind if reason in ("", fate.kind) else f"{fate.kind}: {reason}"] += 1
    if fate.kind in ("replaced", "ended"):
        told = case.by_event.get(message.event)
        if told is None or not _overtaken(case, told, message.notification, message.contact, by_ms=fate.at_ms + STEP_MS):
            lost.append(f"{case.name(message)} was {fate.kind}, and nothing newer was planned for its person")
    elif fate.kind == "failed" and message.id in case.copies:
        pass  # the channel took it and gave it up afterwards: counted among the ends
    elif reason in SAID_STOP and fate.at_ms >= _silent_ms(case, message.contact, fate.at_ms + 1):
        pass
    elif fate.kind == "dead" and (reason == TOO_OFTEN or reason in NEVER_AGAIN):
        if wrong := given_up(case, message, reason):
            lost.append(f"{case.name(message)}: {wrong}")
    else:
        lost.append(f"{case.name(message)} was not told for a reason that nothing here gives: {fate.kind}, {reason or 'none'}")


def _silent_ms(case: Case, contact: str, otherwise_ms: int) -> int:
    """Since when this person is not to be written to."""
    return case.silent.get(case.seen.homes.get(contact, ""), otherwise_ms)


def _audience(case: Case, told: Told, *, newest: bool) -> None:
    """Everybody who was due what this version says has it, or stands among those who were not told, with a reason."""
    applied = case.applied[told.event]
    names = {TELLS[word] for word in applied.detail.get("changes", "").split(",") if word in TELLS}
    names |= {name for (event, name) in case.of_event if event == told.event}
    before = any(
        other.subject == told.subject and other.version < told.version and other.event in case.applied
        for other in case.seen.told
    )
    if newest and (before or told.person):
        names |= set(told.sure)
    people = case.followers.get(told.subject, {})
    if told.person:
        people = {contact: 0 for contact, home in case.seen.homes.items() if home == told.person}
        if not people:
            case.verdict.lost.append(f"{told.name} ({told.event}) was applied, and its person is nobody's contact")
        for subject in case.subjects.get(told.follows, ()):
            if not any(contact in case.followers.get(subject, {}) for contact in people):
                case.verdict.lost.append(f"{told.name} ({told.event}) was applied, and its person does not follow {told.follows}")
    for name in sorted(names):
        planned = case.of_event.get((told.event, name), {})
        for contact, since_ms in people.items():
            if contact in planned or (since_ms > applied.at_ms and not newest):
                continue
            closed_ms = case.closed.get(told.event)  # what was applied only then overtook nobody
            if (newest and name in told.sure) or not _overtaken(case, told, name, contact, by_ms=closed_ms):
                case.verdict.lost.append(f"{told.name} ({told.event}): nothing was planned for {contact} by {name}")


def _overtaken(
    case: Case, told: Told, name: str, contact: str, *, by_ms: int | None, seen: frozenset[tuple[str, str]] = frozenset()
) -> bool:
    """Never planned, or taken out, and rightly: something newer that replaces or ends it had been applied by then (None: at any
    time), and was planned for this person, or was itself rightly overtaken for them before it was closed, and so on. What is
    planned in the end answers for itself."""
    for newer, taking in case.newer(told, name):
        if (newer.event, taking) in seen or (by_ms is not None and case.applied[newer.event].at_ms > by_ms):
            continue
        if contact in case.of_event[newer.event, taking]:
            return True
        seen |= {(newer.event, taking)}
        if _overtaken(case, newer, taking, contact, by_ms=case.closed.get(newer.event), seen=seen):
            return True
    return False


def _count_disorder(case: Case) -> None:
    """On one handset the versions of a subject never go down, copies included."""
    last: dict[tuple[str, str, str], tuple[int, Bubble]] = {}
    for bubble in sorted(case.seen.bubbles, key=lambda one: one.place):
        told = case.told_of(bubble)
        if told is None:
            continue
        key = (bubble.channel, bubble.address, told.subject)
        before = last.get(key)
        if before is not None and told.version < before[0]:
            line = (
                f"{told.name} lies behind version {before[0]} on one handset: {bubble.message} attempt {bubble.attempt} "
                f"came {bubble.at_ms - before[1].at_ms} ms after {before[1].message}"
            )
            if welcomed(case, bubble, before[1]):
                case.verdict.welcomed.append(line)
            else:
                (case.verdict.disorder if thawed(case, bubble) is None else case.verdict.thawed).append(line)
        else:
            last[key] = (told.version, bubble)


def _count_stale(case: Case) -> None:
    """Nothing is handed over when something that replaces or ends it was planned for this person long enough before."""
    for bubble in case.seen.bubbles:
        told, message = case.told_of(bubble), case.messages.get(bubble.message)
        if told is None or message is None:
            continue
        for other in case.of_person.get((message.contact, told.subject), []):
            newer = case.by_event[other.event]
            if newer.version <= told.version or not case.takes_out(other.notification, message.notification):
                continue
            late_ms = bubble.at_ms - other.planned_ms
            if late_ms > STALE_MS:
                line = (
                    f"{told.name} {message.notification} {bubble.message} attempt {bubble.attempt} was handed over "
                    f"{late_ms} ms after {newer.name} {other.notification} was planned"
                )
                (case.verdict.stale if thawed(case, bubble) is None else case.verdict.thawed).append(line)
                break


def _count_doubles(case: Case) -> None:
    """Every copy but the first: allowed where nothing had shown in time that an earlier attempt arrived.

    In time is what came before the message was taken up again, and what came while it was to be waited for. What the house
    itself had down as accepted by then needed no evidence.
    """
    for mid, copies in case.copies.items():
        ordered = sorted(copies, key=lambda one: one.place)
        for place, copy in enumerate(ordered[1:], 1):
            earlier = ordered[:place]
            began_ms = _claimed_ms(case, mid, copy)
            shown = [
                (case.seen.evidence[mid, one.attempt], one) for one in earlier if (mid, one.attempt) in case.seen.evidence
            ]
            first = min(shown, key=lambda one: one[0], default=None)
            why = _why_again(case, mid, copy)
            allowed = True
            pause = thawed(case, copy)
            if any(one.attempt == copy.attempt for one in earlier):
                said, allowed = "the same attempt twice", False
            elif pause is not None:
                stood_ms, after_ms = pause.until_ms - pause.from_ms, copy.at_ms - pause.until_ms
                said = f"{pause.name} stood still for {stood_ms} ms and sent what it had begun {after_ms} ms later"
            elif _had_it(case, mid, began_ms):
                said, allowed = "it was down as accepted when it was taken up again", False
            elif first is None:
                said = f"no evidence of attempt {earlier[0].attempt} came"
            else:
                at_ms, shown_one = first
                after_ms = at_ms - shown_one.at_ms
                said = f"evidence of attempt {shown_one.attempt} came {after_ms} ms after it, {_span(at_ms - began_ms)}"
                waited_for = after_ms < case.seen.evidence_ms - GRACE_MS
                allowed = began_ms - at_ms <= GRACE_MS and not waited_for
                if copy.attempt < shown_one.attempt and copy.at_ms - at_ms > GRACE_MS:
                    said, allowed = f"{said}; an older attempt, {copy.at_ms - at_ms} ms after that evidence", False
            case.verdict.doubles.append(Double(mid, copy.attempt, f"{said}; {why}", allowed))


def _span(after_ms: int) -> str:
    return f"{after_ms} ms after it was taken up again" if after_ms > 0 else f"{-after_ms} ms before it was taken up again"


def _claimed_ms(case: Case, mid: str, copy: Bubble) -> int:
    """When the attempt was taken up; where no fact says so, when it arrived."""
    message = case.messages.get(mid)
    claims = [one.at_ms for one in message.steps if one.kind == "claimed" and one.at_ms <= copy.at_ms] if message else []
    return max(claims, default=copy.at_ms)


def _had_it(case: Case, mid: str, began_ms: int) -> bool:
    message = case.messages.get(mid)
    return message is not None and any(one.kind == "accepted" and one.at_ms < began_ms for one in message.steps)


def _why_again(case: Case, mid: str, copy: Bubble) -> str:
    """What the facts say of the attempt before."""
    message = case.messages.get(mid)
    before = [one for one in message.steps if one.at_ms <= copy.at_ms] if message else []
    for one in reversed(before):
        if one.kind in ("uncertain", "retry", "held"):
            return f"the one before: {one.kind} ({one.detail.get('why', 'no reason kept')})"
    return "the facts do not say why"


def _count_strange(case: Case) -> None:
    """Every bubble is somebody's, says what its event says, and lies with the person it is for."""
    for bubble in case.seen.bubbles:
        message = case.messages.get(bubble.message)
        if message is None:
            case.verdict.strange.append(f"a bubble on a handset that no fact explains: {bubble.message or 'not ours'}")
            continue
        if case.seen.homes.get(message.contact) != _home(bubble):
            case.verdict.strange.append(f"{case.name(message)} lies on the handset of somebody else")
        told = case.by_event.get(message.event)
        mark = told.marks.get(message.notification, "") if told is not None else ""
        if told is not None and mark not in bubble.words:
            case.verdict.strange.append(f"{case.name(message)} does not say {mark!r}")


def _home(bubble: Bubble) -> str:
    return f"{bubble.channel}:{bubble.address}"


def _count_replies(case: Case) -> None:
    """An agent's words once, or with their agent as a question; never twice, never by themselves again."""
    for reply in case.seen.replies:
        copies = [one for one in case.seen.bubbles if reply.words in one.words]
        message = case.messages.get(reply.message)
        if reply.refused and copies:
            case.verdict.strange.append(f"an agent's words were refused ({reply.refused}), and lie on a handset")
        if len(copies) > 1:
            case.verdict.doubles.append(Double(reply.message, copies[-1].attempt, "an agent's words lie there twice", False))
        elif reply.refused or reply.unsure:
            continue  # nobody was promised anything; what the facts know of a message is counted with all others
        elif not copies and (message is None or message.fate is None or message.fate.kind == "accepted"):
            case.verdict.lost.append(f"an agent's answer {reply.message} is on no handset, and nobody was told why")
