"""What the people of an order said is to become of a cancelled journey: one answer an order and journey, the last one counts.

It lies with the order's subject (`j:O`, field `rb:J`), whoever of the order said it: the airline has one booking, not one for
each traveller. It holds until the order's next version says what the journey is now; then nobody asks it any more.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from gateway.clock import Clock
from gateway.model.ids import ContactId, MessageId, SubjectId
from gateway.store import keys, scripts
from gateway.store.reply import words

KEEP_MS = 60 * keys.DAY_MS
ACCEPT = "accept"
CHOICES = (ACCEPT, "other", "refund")


@dataclass(frozen=True, slots=True)
class Answer:
    """choice: one of CHOICES; offer: the id of the offer that it is about, "" where none was made (rules/rebooking.py).

    keys: what was said last, by its keyed hashes
    """

    choice: str
    offer: str
    at_ms: int
    keys: tuple[str, ...] = ()


class Rebookings:
    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    async def say(
        self, order: SubjectId, journey: SubjectId, answer: Answer, *, contact: ContactId, asked_by: MessageId, key: str,
        about: str = "rebooking",
    ) -> tuple[str, Answer]:  # fmt: skip
        """Keep an answer; what came of it, and the one that counts now. Repeatable by `key`, the keyed hash of what they sent.

        about: "rebooking", or "appointment" (order and journey are the appointment then): the facts are named by it

        returns: taken; same (somebody of the order said it before); known (this very one came before); older than one we have
        """
        args: list[scripts.Part] = [self._clock.offset_ms, order, journey, contact, asked_by, answer.choice, answer.offer]
        args += [answer.at_ms, key, self._clock.now_ms() + KEEP_MS, about]
        names = [keys.of(order, "j"), keys.beside(order, "facts")]
        status, held = await scripts.run(self._redis, "rebooking_answer", names, args)
        return words(status), _parse(words(held))

    async def said(self, order: SubjectId, journey: SubjectId) -> Answer | None:
        """The answer that counts."""
        held = await self._redis.hget(keys.of(order, "j"), f"rb:{journey}")
        return _parse(words(held)) if held is not None else None


def _parse(held: str) -> Answer:
    _, at, choice, offer, _, said, *_ = held.split("|")
    return Answer(choice, offer, int(at), tuple(said.split(",")))
