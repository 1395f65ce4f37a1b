"""Dead letters: what was given up, with its reason, and one more attempt of it for somebody who knows better now.

A replay is a new attempt of the same message: everything that is asked before a send is asked again, by dispatch. What can
be known before is said at once: nothing is put back that cannot be read any more, is stale, or is an agent's to decide.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.directory import Directory
from gateway.errors import NotFound, Sealed
from gateway.model.ids import MessageId
from gateway.rules.verdict import SENTENCES, Reason
from gateway.store.deadletters import DeadLetter, DeadLetterBox
from gateway.store.outbox import Outbox
from gateway.store.vault import KeyMissing, Vault

_ANSWERS = {
    "unknown": "its record has ended: it is kept for 8 days",
    "alive": "it is no dead letter (any more)",
    "discarded": "somebody discarded it",
    "expired": "its deadline is past: --deadline +2h gives it a new one, if it is still of use",
    "replaced": "newer news about the same thing took its place",
    "ended": "what happened since made it pointless",
    "other_way": "it is on its way by another channel, or arrived there",
    "moved": "the person is known under another contact by now: send the news anew",
    "erasing": "this person's data is being erased",
    "sealed": "its words cannot be read any more: the person was erased, or a key is missing from GATEWAY_KEYS",
    "reply": "an agent's words are sent by their agent, at the desk: nobody else can know whether they were said another way",
    "no_sender": "its sender is not in the settings any more",
}
"""Why one is not replayed, beside `queued`."""

MAYBE_ARRIVED = frozenset({Reason.UNCERTAIN_DROPPED.value, Reason.UNCERTAIN_ASK.value})


@dataclass(frozen=True, slots=True)
class Filter:
    """Which dead letters; "" and 0 leave nothing out."""

    notification: str = ""
    reason: str = ""
    sender: str = ""
    since_ms: int = 0

    def takes(self, letter: DeadLetter) -> bool:
        record = letter.record
        if letter.died_at_ms < self.since_ms:
            return False
        wanted = (self.notification, self.reason, self.sender)
        if record is None:
            return not any(wanted)
        found = (record.notification, record.reason, record.sender)
        return all(not want or want == have for want, have in zip(wanted, found, strict=True))


@dataclass(frozen=True, slots=True)
class Replayed:
    """One that was asked to be replayed. answer: queued, or a word of _ANSWERS; words: that in a sentence."""

    message: MessageId
    answer: str

    @property
    def queued(self) -> bool:
        return self.answer == "queued"

    @property
    def words(self) -> str:
        return "in its lane again" if self.queued else _ANSWERS.get(self.answer, self.answer)


def sentence(letter: DeadLetter) -> str:
    """Why it died, for people."""
    if letter.record is None:
        return _ANSWERS["unknown"]
    try:
        return SENTENCES[Reason(letter.record.reason)]
    except ValueError:
        return letter.record.reason.replace("_", " ") or "no reason kept"


def standing(letter: DeadLetter) -> str:
    """dead, failed (at the channel), forgotten; for a moment another state, where it was just settled."""
    if letter.record is None:
        return "forgotten"
    return letter.record.state.name.lower()


class DeadLetters:
    def __init__(self, box: DeadLetterBox, outbox: Outbox, vault: Vault, directory: Directory) -> None:
        self._box = box
        self._outbox = outbox
        self._vault = vault
        self._directory = directory

    async def matching(self, wanted: Filter) -> list[DeadLetter]:
        """The youngest first."""
        return [letter for letter in await self._box.all() if wanted.takes(letter)]

    async def get(self, message: MessageId) -> DeadLetter:
        """Raises NotFound."""
        letter = await self._box.get(message)
        if letter is None:
            raise NotFound(f"{message} is no dead letter: python main.py trace {message} says where it is")
        return letter

    async def replay(self, message: MessageId, *, deadline_ms: int = 0, who: str) -> Replayed:
        """One more attempt, decided on again by dispatch. deadline_ms: 0 = its own."""
        found = await self._outbox.record(message)
        if found is None:
            return Replayed(message, "unknown")
        record, sealed = found
        if self._directory.get(record.sender) is None:
            return Replayed(message, "no_sender")
        try:
            body = (await self._vault.contact_box(record.contact)).open_json(sealed, record.id)
        except (Sealed, KeyMissing, ValueError):  # it stays where it is, and the others are replayed
            return Replayed(message, "sealed")
        if body.get("kind") == "reply":
            return Replayed(message, "reply")
        return Replayed(message, await self._box.replay(record, deadline_ms=deadline_ms, who=who))

    async def discard(self, message: MessageId, *, who: str) -> str:
        """discarded, forgotten or alive."""
        return await self._box.discard(message, who=who)
