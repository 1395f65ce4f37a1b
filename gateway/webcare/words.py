"""The desk's words: what became of a message, how long ago, which language, what was agreed to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from babel import Locale, UnknownLocaleError

from gateway.model.message import DeliveryStatus, MessageRecord, MessageState
from gateway.rules.verdict import SENTENCES, Reason

CHANNELS = {"whatsapp": "WhatsApp", "messenger": "Messenger"}
PURPOSES = {
    "journey": "journey and order news",
    "service": "service messages",
    "outage": "outage news",
    "offers": "offers",
    "family": "news for the home front",
    "survey": "surveys",
}
ORDER_KINDS = {
    "flight": "Flight booking",
    "rail": "Train journey",
    "goods": "Order",
    "service": "Service request",
    "event": "Tickets",
}
FORMS = {
    "media": "sent a file",
    "location": "sent a place",
    "contacts": "sent a contact card",
    "reaction": "reacted",
    "unsupported": "sent something that we cannot show",
    "other": "sent something that we cannot show",
}
MEDIA = {
    "wanted": "is being fetched and checked",
    "infected": "is not shown: the scanner found something harmful in it",
    "refused": "is of a kind or size that we cannot show",
    "lost": "is no longer there: ask them to send it again",
    "parked": "could not be fetched or checked: ask them to send it again",
    "gone": "is no longer kept",
}
"""Why a file is not shown, after its name."""
REFUSALS = {
    "owner_changed": "This conversation is not yours now",
    "resolved": "This conversation is finished",
    "they_wrote": "They wrote again just before you finished: read it first",
    "window_closed": "The service window is closed: no free text may be sent until they write again",
    "decided": "Somebody has already decided about this message",
    "erasing": "This person's data is being erased: nothing may be sent any more",
    "moved": "From the state that it is in now, this cannot be done",
    "not_available": "This house does not do that yet",
    "full": "You have as many live conversations as you may: finish or park one first",
    "owned": "You have as many conversations as you may: finish one first",
    "parked_full": "You have parked as many as you may: finish one first",
    "late": "The store was too slow: nothing was changed, do it again",
    "hops": "It has changed hands as often as it may: whoever has it keeps it",
    "not_offered": "You are not asked to take it over any more",
    "not_fresh": "They have not shown anew who they are for this, or it was done: ask them again",
    "key_reused": "These words differ from the ones that were already sent from this draft",
}
ADVICE = {
    Reason.WINDOW_CLOSED: "Send a template, or wait until they write.",
    Reason.EXPIRED: "Send a template, or wait until they write.",
    Reason.UNREACHABLE: "Try another channel, or call them.",
    Reason.OPTED_OUT_AT_CHANNEL: "Answer by another way only if they ask for it.",
    Reason.DOCUMENT_MISSING: "Attach the file again.",
    Reason.CANNOT_RENDER: "Say it shorter, or send the file in another format.",
    Reason.REJECTED: "Try other words or another format; the same again will hardly pass.",
    Reason.RETRIES_EXHAUSTED: "Try again in a while.",
    Reason.FAILED_AT_CHANNEL: "Try again; where it fails twice, another format or another channel.",
    Reason.HELD_ELSEWHERE: "Another program holds the conversation: try again when it comes back.",
}
"""What an agent can do about an answer that did not arrive."""
AGAIN, OTHER_WORDS, TEMPLATE, ELSEWHERE = "again", "words", "template", "elsewhere"
WAYS = {
    Reason.UNCERTAIN_ASK: (AGAIN,),
    Reason.WINDOW_CLOSED: (AGAIN, TEMPLATE, ELSEWHERE),
    Reason.EXPIRED: (AGAIN, TEMPLATE, ELSEWHERE),
    Reason.UNREACHABLE: (AGAIN, ELSEWHERE),
    Reason.OPTED_OUT_AT_CHANNEL: (),
    Reason.ERASING: (),
    Reason.DOCUMENT_MISSING: (OTHER_WORDS,),
    Reason.CANNOT_RENDER: (OTHER_WORDS,),
    Reason.REJECTED: (OTHER_WORDS, AGAIN, TEMPLATE, ELSEWHERE),
    Reason.RETRIES_EXHAUSTED: (AGAIN, ELSEWHERE),
    Reason.HELD_ELSEWHERE: (AGAIN,),
}
ANY_WAY = (AGAIN, OTHER_WORDS, TEMPLATE, ELSEWHERE)
"""The ways out of an answer that did not arrive, by why; the likeliest first. Whether one is open still, the server says when it
is taken: nothing is known here of a window or of another channel."""
_STATUS = {
    DeliveryStatus.SENT: "sent",
    DeliveryStatus.DELIVERED: "delivered",
    DeliveryStatus.READ: "read",
    DeliveryStatus.PLAYED: "played",
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message of ours. tone: plain, good, warn, bad; ask: its agent must decide what to do; ways: and may."""

    word: str
    tone: str
    detail: str = ""
    ask: bool = False
    ways: tuple[str, ...] = ()


def fate(record: MessageRecord | None, channel: str) -> Fate:
    if record is None:
        return Fate("sent long ago", "plain", "what became of it is no longer kept")
    where = CHANNELS.get(channel, channel or "the channel")
    if record.state is MessageState.ACCEPTED:
        tone = "good" if record.status >= DeliveryStatus.DELIVERED else "plain"
        word = _STATUS.get(record.status, f"handed to {where}")
        return Fate(word, tone, "it may have arrived twice" if record.reason.startswith("double") else "")
    if record.state is MessageState.QUEUED:
        if record.attempt == 0:
            return Fate("waiting to be sent", "plain")
        if record.reason:
            return Fate("will be tried again", "warn", f"attempt {record.attempt} did not get through")
        return Fate("no answer yet", "warn", "looking for a sign that it arrived")
    if record.reason == Reason.UNCERTAIN_ASK:
        return Fate("uncertain", "warn", "no answer came. It may have arrived.", ask=True, ways=(AGAIN,))
    word = "failed" if record.state in (MessageState.FAILED, MessageState.DEAD) else "not sent"
    why = Reason(record.reason) if record.reason in set(Reason) else None
    detail = f"{sentence(record.reason)}. {ADVICE.get(why, '') if why else ''}".removesuffix(". ")
    return Fate(word, "bad", detail, ask=True, ways=WAYS.get(why, ANY_WAY) if why else ANY_WAY)


def sentence(reason: str) -> str:
    """The sentence of a reason; the word itself where it is none of the closed list."""
    try:
        return SENTENCES[Reason(reason)]
    except ValueError:
        return reason.replace("_", " ")


def age(ms: int) -> str:
    """How long: "45 s", "12 min", "3 h 05", "2 d". The page counts on in the same words (clock.js)."""
    seconds = max(ms, 0) // 1000
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d}"
    return f"{minutes // 1440} d"


def language(code: str | None) -> str:
    if not code:
        return "not known"
    try:
        return Locale.parse(code.replace("-", "_")).get_display_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code


def purpose(name: str) -> str:
    return PURPOSES.get(name, name.replace("_", " "))


def notification(name: str) -> str:
    """A notification's name for people: gate_changed -> Gate changed."""
    return name.replace("_", " ").capitalize()
