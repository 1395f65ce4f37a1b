"""What goes with a document's message to one person.

Of the issuer's own document the bytes are kept sealed, or its URL, which is fetched when it is sent. Where none came, the event's
data is read as a paper (documents/reading.py), and the paper travels in the message's sealed body: it is drawn when it is sent,
in the language of its words. A ticket with several codes becomes one picture each, because a reader that sees two codes takes
either. Either way the paper is kept for the page behind the message's link, a ticket's and a pass's, not a receipt's.

    document = {ref, mime, filename}     what it is called here, its type, its name on the phone
               + {url}                   fetched from there
               + {draw, paper}           drawn from this in this form
               + {page}                  the token of its page
               + {legs}                  per leg of a train ticket whose news is the leg's
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from gateway.clock import Clock
from gateway.documents.belonging import apart
from gateway.documents.paper import Paper, PaperKind, PaperLeg
from gateway.documents.reading import drawable, paper_of
from gateway.intake.stores import Stores
from gateway.intake.whose import RECEIPTS, order_of
from gateway.model.contact import Contact
from gateway.model.event import BusinessEvent, EventType
from gateway.model.ids import EventId, SubjectId
from gateway.notifications.parts import DocumentSpec
from gateway.planning.result import EventResult, Reader
from gateway.planning.worlds import Worlds
from gateway.rules.changes import state_of
from gateway.rules.states import instant_ms
from gateway.store.keys import KEEP_MS

MOST_CODES = 9
"""One ticket has (the schema of order.document)."""
MOST_LEGS = 16
"""Of an order's journeys are looked at for a ticket's legs."""
_ENDINGS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}
_DRAWN = {"picture": "image/png", "page": "application/pdf", "print": "application/pdf"}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

Found = tuple[str, Mapping[str, Any] | None]
"""(item, document): of a ticket with several codes one for each; None where there is no document to be had."""


class Papers:
    def __init__(self, stores: Stores, worlds: Worlds, clock: Clock) -> None:
        self._s = stores
        self._worlds = worlds
        self._clock = clock

    async def for_one(
        self, event: BusinessEvent, result: EventResult, contact: Contact, reader: Reader, place: int
    ) -> list[Found]:
        """What this reader gets. place: as in Holder. Raises NotFound where they are being erased; StoreUnavailable."""
        notifications = [self._worlds.catalogue.get(name) for name in result.notifications]
        spec = next((one.document for one in notifications if one is not None and one.document is not None), None)
        if spec is None:
            return [(result.item, None)]
        issued = event.data.get("document") or {}
        paper = await self._paper(event, result, contact, reader)
        if issued.get("content") or issued.get("url"):
            document = await self._issued(event, issued, contact, spec)
            whole = await self._with_page(document, event, result, result.item, paper, contact, reader, place)
            return [(result.item, whole), *await self._left_out(event, result.item, contact, [(result.item, whole)])]
        form = str(event.data.get("form") or issued.get("form") or spec.draw)
        if paper is None or not drawable(paper) or form not in _DRAWN:
            return [(result.item, None)]
        found: list[Found] = []
        for number, one in enumerate(apart(paper) if form == "picture" else (paper,)):
            item = result.item if number == 0 else f"{result.item}#{number + 1}"
            document = {**self._file(event, item, contact, spec, _DRAWN[form]), "draw": form, "paper": one.dump()}
            found.append((item, await self._with_page(document, event, result, item, one, contact, reader, place)))
        return [*found, *await self._left_out(event, result.item, contact, found)]

    async def _left_out(self, event: BusinessEvent, item: str, contact: Contact, found: Sequence[Found]) -> list[Found]:
        """The codes of an older issue that this one has no more: nothing of them is shown or sent any longer."""
        first = found[0][1] or {}
        if event.type is not EventType.ORDER_DOCUMENT or not first.get("page"):
            return []
        others = [f"{item}#{number}" for number in range(len(found) + 1, MOST_CODES + 1)]
        gone = await self._s.passes.withdraw(first["page"], contact.id, event.subject_id, item, others)
        return [(one, None) for one in gone]

    def _file(self, event: BusinessEvent, item: str, contact: Contact, spec: DocumentSpec, mime: str) -> dict[str, Any]:
        # Of this person: their partition keeps it under their key, beside the same document of somebody else.
        ref = self._s.vault.blind("document", event.id, item, contact.id)
        return {"ref": ref, "url": None, "mime": mime, "filename": f"{_stem(event, spec)}.{_ENDINGS[mime]}"}

    async def _issued(
        self, event: BusinessEvent, issued: Mapping[str, Any], contact: Contact, spec: DocumentSpec
    ) -> dict[str, Any]:
        kept = self._file(event, event.item, contact, spec, issued.get("mime") or "application/pdf")
        if not issued.get("content"):
            return {**kept, "url": issued["url"]}
        await self._s.documents.put(contact.id, kept["ref"], base64.b64decode(issued["content"]), ttl_ms=KEEP_MS)
        return kept

    async def _with_page(
        self,
        document: dict[str, Any],
        event: BusinessEvent,
        result: EventResult,
        item: str,
        paper: Paper | None,
        contact: Contact,
        reader: Reader,
        place: int,
    ) -> Mapping[str, Any]:
        """The document with the token of its page, which opens for who knows a surname on it or the number it was sent to."""
        if paper is None or paper.kind is PaperKind.RECEIPT:
            return document
        link, traveller = reader.link, reader.traveller
        names = [str((event.data.get("passenger") or {}).get("surname") or "")]
        names.append(traveller.family_name.reveal() if traveller is not None and traveller.family_name else "")
        digits, known = _digits(contact, reader), [name for name in names if name]
        legs = await self._legs(event, paper, link.subjects) if link is not None else ()
        own = link.place if link is not None else 0
        token = await self._s.passes.keep(
            contact.id,
            event.subject_id,
            item,
            paper.dump(),
            event=EventId(event.id),
            occurred_at_ms=event.occurred_at_ms,
            sequence=result.sequence,
            order=max(place if place >= 0 else own, 0),
            name_proofs=list(dict.fromkeys(known or ([] if digits else behind_first_names(paper.travellers)))),
            digits=digits,
            language=contact.facts.language or "",
            ends_ms=paper.ends_ms,
            legs=legs,
        )
        return {**document, "page": token, **({"legs": list(legs)} if legs else {})}

    async def _legs(self, event: BusinessEvent, paper: Paper, travelled: Sequence[SubjectId]) -> tuple[SubjectId, ...]:
        """Per leg of a train ticket the train whose news is the leg's, among the order's; the order itself (no train) for none.

        A ticket may be for one of the order's trains only (a return has two tickets), so each is found by when it leaves.
        """
        if paper.kind is not PaperKind.RAIL_TICKET:
            return ()
        trains = {}
        for one in travelled[:MOST_LEGS]:
            found = await self._s.subjects.read(one, EventType.TRIP_STATUS.value)
            trains[one] = {**state_of(found.memory), **found.base}
        return tuple(next((one for one, train in trains.items() if _is_leg(leg, train)), event.subject_id) for leg in paper.legs)

    async def _paper(
        self, event: BusinessEvent, result: EventResult, contact: Contact, reader: Reader
    ) -> Paper | None:
        world = await self._worlds.now()
        brand = str(event.data.get("brand") or (reader.link.brand if reader.link else "") or world.default_brand)
        known = world.catalogue.brands.get(brand)
        unsigned = known is not None and known.unsigned_passes
        return paper_of(
            event.type,
            event.data,
            result.state if event.type is EventType.FLIGHT_BOARDINGPASS else await self._order(event),
            brand=brand,
            places=world.catalogue.places,
            language=contact.facts.language or (known.language if known else "en"),
            as_of_ms=self._clock.now_ms(),
            unsigned=datetime.fromtimestamp(event.occurred_at_ms / 1000, UTC).date() if unsigned else None,
        )

    async def _order(self, event: BusinessEvent) -> Mapping[str, Any]:
        """The order's goods and total, which a receipt is made of where it brings none itself."""
        if (event.data.get("document") or {}).get("kind") not in RECEIPTS:
            return {}
        order = self._s.vault.subject_id("order", order_of(event.type, event.data))
        return state_of((await self._s.subjects.read(order, EventType.ORDER_STATUS.value)).memory)


def _is_leg(leg: PaperLeg, train: Mapping[str, Any]) -> bool:
    """Whether a leg is this train: it leaves when that was planned to, and where both have a number it is the same."""
    planned = instant_ms((train.get("departure") or {}).get("scheduled"))
    if planned is None or planned != instant_ms(leg.departs):
        return False
    numbers = [re.sub(r"\D", "", str(number or "")) for number in (leg.number, train.get("number"))]
    return not all(numbers) or numbers[0] == numbers[1]


def behind_first_names(travellers: Sequence[str]) -> list[str]:
    """What stands behind the first name of each whom a document names: asked for where we know neither surname nor number.

    A first name alone is known to too many, and opens nothing; a name of one word is all there is.
    """
    return [one.partition(" ")[2] or one for one in travellers if one]


def _digits(contact: Contact, reader: Reader) -> str:
    """The last four of the number that it is sent to; "" where they are reached by no number."""
    own = reader.traveller.addresses if reader.traveller is not None else ()
    for address in sorted(contact.profile.addresses, key=lambda one: one.id not in own):
        for known in address.identifiers:
            if re.fullmatch(r"\+\d{8,15}", known.value.reveal()):
                return known.value.reveal()[-4:]
    return ""


def _stem(event: BusinessEvent, spec: DocumentSpec) -> str:
    """The file's name without its ending. Lock screens show it: never a name or a code, at most which flight."""
    stem = spec.filename.rpartition(".")[0]
    leg = event.data.get("leg") or {}
    flight = re.sub(r"[^A-Z0-9]", "", f"{leg.get('carrier') or ''}{leg.get('flightNumber') or ''}".upper())[:8]
    try:
        day = date.fromisoformat(str(leg.get("originDate")))
    except ValueError:
        return stem
    return f"{stem}-{flight}-{day.day:02d}{_MONTHS[day.month - 1]}" if flight else stem
