"""What the audit's page is asked for and what it answers, as values: filters, one page of entries, and where the next one begins.

Reading the audit is an entry of the audit, one for each view and none for a page that is turned. So that nobody turns to a page
of a view that was not written down, the place where a page ends is handed out with a keyed hash over who looks, what they asked
for and when; it is good for them, for this question and for an hour, then turning on is a view of its own. Places are moments in
the past: what is added meanwhile stands before the first page and moves none of the others.

Whoever audits some brands sees their entries alone (insight/audit.py), and is told of no person, act or entry beyond.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from gateway.insight.past import Past
from gateway.model.agent import Agent
from gateway.model.audit import OF_BRANDS, OF_PEOPLE, OPERATOR, Audited
from gateway.model.ids import is_id
from gateway.rules.rights import audited_brands, works_for
from gateway.store.agents import Agents
from gateway.store.sessions import PROVIDER

DAY = timedelta(days=1)
VIEW_MS = 3600_000
FOREVER_MS = 1 << 60
FIELDS = ("person", "act", "conversation", "from", "to")
WORDS = (OPERATOR, PROVIDER)
"""Who is no agent and does something to agents."""
_DAY = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)
_WORD = re.compile(r"[\w.@+ -]{1,80}")
_PAGE = re.compile(r"(\d{1,16}\.\d{1,3}\.\d{1,16}-\d{1,10})~(\d{1,16})~([0-9a-z]{1,40})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """Each as it was given, "" for any. first, last: days, by UTC, both included"""

    person: str = ""
    act: str = ""
    conversation: str = ""
    first: str = ""
    last: str = ""

    @property
    def since_ms(self) -> int:
        return _midnight(self.first) if self.first else 0

    @property
    def until_ms(self) -> int:
        return _midnight(self.last, DAY) if self.last else FOREVER_MS

    @property
    def query(self) -> dict[str, str]:
        """As an address has it."""
        values = (self.person, self.act, self.conversation, self.first, self.last)
        return {name: value for name, value in zip(FIELDS, values, strict=True) if value}


@dataclass(frozen=True, slots=True)
class Sight:
    """What one auditor may see. brands: None = the whole house; people: agents they may be told of; names: id -> name"""

    brands: frozenset[str] | None
    people: Sequence[Agent]
    names: Mapping[str, str]

    @property
    def acts(self) -> dict[str, tuple[str, ...]]:
        """What may be asked for, in groups: people at the desk, customers and, of the whole house, the rest."""
        groups = {"people": _in_order(OF_PEOPLE), "customers": _in_order(OF_BRANDS)}
        if self.brands is None:
            from gateway.insight.audit import BY_HAND

            groups["customers"] += (Audited.EXPORTED,)
            groups["house"] = tuple(sorted(BY_HAND))
        return groups


async def sight_of(agents: Agents, who: Agent) -> Sight:
    brands, everybody = audited_brands(who), await agents.all()
    people = everybody if brands is None else [one for one in everybody if works_for(one, brands)]
    return Sight(brands, people, {str(one.id): one.display.reveal() for one in everybody})


@dataclass(frozen=True, slots=True)
class Turned:
    """Where a page begins. place: of the last entry had; viewed_ms: when its view was written down"""

    place: str = ""
    viewed_ms: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """wrong: field -> what is the matter with it, a word of the catalogue (audit.wrong.*)"""

    asked: Asked
    turned: Turned = field(default_factory=Turned)
    wrong: Mapping[str, str] = field(default_factory=dict)


async def understood(query: Mapping[str, str], sight: Sight, past: Past, agents: Agents, who: Agent) -> Question:
    """What an address or a form asks for. Raises StoreUnavailable."""
    asked = Asked(*(query.get(name, "").strip()[:200] for name in FIELDS))
    wrong = {}
    if asked.person and not await _is_known(asked.person, sight, past):
        wrong["person"] = "person"
    if asked.act and not any(asked.act in acts for acts in sight.acts.values()):
        wrong["act"] = "act"
    if asked.conversation and not is_id(asked.conversation, "v"):
        wrong["conversation"] = "conversation"
    wrong |= {name: "day" for name, day in (("from", asked.first), ("to", asked.last)) if day and not _is_day(day)}
    if not wrong and asked.since_ms >= asked.until_ms:
        wrong["to"] = "order"
    turned = None if wrong else read_page(agents, who, asked, query.get("page", ""))
    if turned is None and not wrong:
        wrong["page"] = "page"
    return Question(asked, turned or Turned(), wrong)


def page_at(agents: Agents, who: Agent, asked: Asked, turned: Turned) -> str:
    """The word by which this person, with this question, turns to the page behind a place."""
    return f"{turned.place}~{turned.viewed_ms}~{_mark(agents, who, asked, turned)}"


def read_page(agents: Agents, who: Agent, asked: Asked, word: str) -> Turned | None:
    """What `page_at` made; the first page for ""; None for what was made for somebody or something else, or by nobody."""
    if not word:
        return Turned()
    found = _PAGE.fullmatch(word)
    if found is None:
        return None
    turned = Turned(found[1], int(found[2]))
    return turned if hmac.compare_digest(_mark(agents, who, asked, turned), found[3]) else None


def _mark(agents: Agents, who: Agent, asked: Asked, turned: Turned) -> str:
    return agents.mark_of(who.id, *(asked.query.get(name, "") for name in FIELDS), turned.place, str(turned.viewed_ms))


async def _is_known(person: str, sight: Sight, past: Past) -> bool:
    """An agent they may be told of; of the whole house also whoever did something by another name: an API key, a login."""
    if person in WORDS or any(person == one.id for one in sight.people):
        return True
    if sight.brands is not None or not _WORD.fullmatch(person):
        return False
    from gateway.insight.audit import AuditBook

    return await AuditBook(await past.database()).has(person)


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _midnight(day: str, later: timedelta = timedelta()) -> int:
    return int((datetime.fromisoformat(day).replace(tzinfo=UTC) + later).timestamp() * 1000)


def _in_order(kinds: frozenset[Audited]) -> tuple[str, ...]:
    return tuple(one for one in Audited if one in kinds)
