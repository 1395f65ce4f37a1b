"""What an event would do now, without doing it.

The rehearsal is the real thing: the expander, the orders and the planning that work for live events, over stores that read the
real one and keep what would be written to themselves (store/rehearsal.py); their client cannot write (store/readonly.py). Then
each message that would be queued is asked what dispatch will ask: as what would it go, and for how much.

What it cannot know is what happens afterwards: a consent given, a window closed, a template paused between now and then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.errors import NotFound, Sealed
from gateway.intake.expand import Expander
from gateway.intake.orders import Orders
from gateway.intake.stores import Stores
from gateway.model.contact import Address, Contact
from gateway.model.event import BusinessEvent
from gateway.model.ids import ContactId, SenderId
from gateway.model.message import DeliveryStatus, MessageRecord
from gateway.planning.asked import question_of_body
from gateway.prices.country import country_of
from gateway.prices.model import SERVICE, charge
from gateway.rules.may_send import decide
from gateway.rules.verdict import AsTemplate, FreeText, Suppressed
from gateway.runtime import Runtime
from gateway.store import keys
from gateway.store.events import Events
from gateway.store.outbox import PlannedMessage
from gateway.store.pace import paces
from gateway.store.readonly import reading
from gateway.store.rehearsal import (
    PretendContacts,
    PretendDialogues,
    PretendDocuments,
    PretendFans,
    PretendInvitations,
    PretendOutbox,
    PretendPasses,
    PretendSubjects,
    PretendUntold,
    PretendVault,
    Would,
    WouldCome,
)
from gateway.wake import Wake

FREE_TEXT = "text"
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Line:
    """What would become of one message. What is about a person stays here: see intake/dryrun_show.py for what is shown.

    answer: queued, later, suppressed, exists (told before), replaced or ended (newer news is known)
    form:   the template's name, FREE_TEXT, or "" where it would not go; reason: why not, or why later
    price:  millionths of `currency`, None = unknown
    """

    contact: ContactId
    notification: str
    channel: str
    sender: str
    language: str
    answer: str
    form: str
    reason: str
    due_ms: int
    body: dict[str, Any]
    address: Address | None = None
    currency: str = ""
    price: int | None = None

    @property
    def goes(self) -> bool:
        return self.answer in ("queued", "later")


@dataclass(frozen=True, slots=True)
class DryRun:
    """older: it would tell nobody. takes_out: messages still queued that it would take the place of, or end.

    seconds: until the last one that is due now is out, at the present pace; None = a sender is paused
    moments: those that it would set, move or drop: who is told then is who follows their subject by then
    """

    event: BusinessEvent
    at_ms: int
    older: bool
    lines: tuple[Line, ...]
    takes_out: int
    seconds: float | None
    moments: tuple[WouldCome, ...] = ()

    @property
    def people(self) -> int:
        """Who would be written to."""
        return len({one.contact for one in self.lines if one.goes})

    @property
    def looked_at(self) -> int:
        """Whom it is about at all."""
        return len({one.contact for one in self.lines})

    def counts(self) -> Counter[tuple[str, str, str, str, str, str]]:
        """(notification, channel, language, answer, form, reason) -> messages."""
        return Counter((one.notification, one.channel, one.language, one.answer, one.form, one.reason) for one in self.lines)


class Rehearsal:
    """One event's rehearsal; each needs its own."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        redis, clock = reading(runtime.connection.redis), runtime.clock
        self._redis = redis
        self._vault = PretendVault(runtime.ring, redis)
        self.contacts = PretendContacts(redis, clock, self._vault)
        self._subjects = subjects = PretendSubjects(redis, clock, self._vault, self.contacts)
        fans = PretendFans(redis)
        self.outbox = PretendOutbox(redis, clock, self.contacts, fans)
        orders = Orders(
            self.contacts, subjects, self._vault, runtime.directory, runtime.connectors, runtime.settings.brand,
            PretendInvitations(redis, clock, self._vault), PretendDialogues(redis, self._vault),
        )  # fmt: skip
        stores = Stores(
            Events(redis, clock, self._vault), subjects, self.contacts, self.outbox, fans,
            PretendDocuments(redis, self._vault), self._vault, PretendUntold(redis, clock, self._vault),
            PretendPasses(redis, clock, self._vault),
        )  # fmt: skip
        self.expander = Expander(stores, orders, runtime.worlds, clock, Wake(), runtime.settings.country)

    async def of(self, event: BusinessEvent) -> DryRun:
        """Raises StoreUnavailable, and what expanding it would raise."""
        partitions = await self.expander.expand(event)
        while await self.expander.chunks(keys.all_partitions()):
            pass
        found = await self.seen(event, older=partitions is None)
        return replace(found, moments=() if found.older else tuple(await self._subjects.moments()))

    async def seen(self, event: BusinessEvent, *, older: bool = False) -> DryRun:
        """What was planned so far."""
        lines = await self._lines(self.outbox.would)
        return DryRun(
            event, self._r.clock.now_ms(), older, tuple(lines), len(self.outbox.takes_out), await self._seconds(lines)
        )

    async def _lines(self, would: Sequence[Would]) -> list[Line]:
        await self._r.tariffs.refresh()
        people: dict[ContactId, Contact] = {}
        lines = []
        for one in would:
            if one.contact not in people:
                try:
                    people[one.contact] = await self.contacts.get(one.contact)
                except (NotFound, Sealed):
                    continue
            lines.append(await self._line(one, people[one.contact]))
        return lines

    async def _line(self, would: Would, contact: Contact) -> Line:
        message = would.message
        box = await self._vault.contact_box(contact.id, create=True)
        body: dict[str, Any] = box.open_json(message.body, message.id)
        address = next((one for one in contact.profile.addresses if one.id == message.address), None)
        line = Line(
            contact.id, message.notification, address.channel if address else "", str(message.sender), body.get("language", ""),
            would.answer, "", message.reason, message.due_ms, body, address,
        )  # fmt: skip
        sender = self._r.directory.get(SenderId(str(message.sender)))
        if not line.goes or address is None or sender is None:
            return line
        world, at_ms = await self._r.worlds.now(), max(message.due_ms, self._r.clock.now_ms())
        facts = self._r.connectors[sender.channel].facts
        verdict = decide(question_of_body(body, _record(message), contact, address, sender, facts, world, at_ms))
        if not isinstance(verdict, FreeText | AsTemplate):
            reason = verdict.reason.value if isinstance(verdict, Suppressed) else verdict.why
            return replace(line, reason=reason)
        form = verdict.name if isinstance(verdict, AsTemplate) else FREE_TEXT
        category = SERVICE
        if isinstance(verdict, AsTemplate):
            wanted = (verdict.name, verdict.language)
            forms = body.get("forms") or []
            category = next((str(one["category"]) for one in forms if (one["name"], one["language"]) == wanted), "")
        price = charge(
            self._r.tariffs.book, channel=sender.channel, brand=str(body.get("brand", sender.brand)),
            country=country_of(address.identifiers), category=category, at_ms=at_ms,
        )  # fmt: skip
        return replace(line, form=form, currency=price.currency, price=price.expected)

    async def _seconds(self, lines: Sequence[Line]) -> float | None:
        mine = Counter(SenderId(one.sender) for one in lines if one.answer == "queued")
        if not mine:
            return 0.0
        states = await self._r.senders.states(list(mine))
        if any(state.paused_until_ms > self._r.clock.now_ms() for state in states.values()):
            return None
        found = await paces(self._redis, self._r.clock, list(mine))
        return max(
            found[sender].seconds(count, known.per_second)
            for sender, count in mine.items()
            if (known := self._r.directory.get(sender)) is not None
        )


def _record(message: PlannedMessage) -> MessageRecord:
    """The message as it would stand in the store, as far as eligibility reads it."""
    return MessageRecord(
        id=message.id, state=message.state, attempt=0, sender=SenderId(str(message.sender)), address=message.address,  # type: ignore[arg-type]
        priority=message.priority, sequence=0, deadline_ms=message.deadline_ms, version=0, event="", subject="",
        contact=message.contact, notification=message.notification, status=DeliveryStatus.NONE, status_at_ms=0,
        reason=message.reason, planned_at_ms=0, due_at_ms=message.due_ms,
    )  # fmt: skip
