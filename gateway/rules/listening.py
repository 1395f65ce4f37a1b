"""What a message says of itself: words that cannot wait, a complaint, its language, why they write. Asked of every message, once.

Only of people's own words: a button's text is ours, and a reaction has none.
"""

from __future__ import annotations

from gateway.model.personal import Personal
from gateway.model.webcare import Heard
from gateway.rules.complaints import Complaint, ComplaintWords
from gateway.rules.language import language_of
from gateway.rules.reasons import ReasonRules
from gateway.rules.safety import SafetyWords

_NOT_THEIRS = frozenset({"button", "reaction"})


class Listener:
    """Without lists it hears the language alone."""

    def __init__(
        self,
        safety: SafetyWords | None = None,
        complaints: ComplaintWords | None = None,
        reasons: ReasonRules | None = None,
    ) -> None:
        self._safety = safety or SafetyWords(())
        self._complaints = complaints or ComplaintWords(())
        self._reasons = reasons or ReasonRules(())

    def hear(self, kind: str, text: Personal, usual: str = "") -> Heard:
        """kind: of the message, the channel contract's word; usual: the language that this person usually writes"""
        said = text.reveal()
        if kind in _NOT_THEIRS or not said:
            return Heard(usual=usual)
        return Heard(
            self._safety.find(said),
            language_of(said),
            usual,
            self._complaints.find(said) is Complaint.CERTAIN,
            {one.reason: one.p for one in self._reasons.guess(said)},
        )
