"""What the desk and its API need, gathered once by whoever wires the parts together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.assistant.open_things import OpenThings
from gateway.assistant.saying import SystemLines
from gateway.clock import Clock
from gateway.connector import ChannelFacts
from gateway.families.state_said import Journeys
from gateway.insight.past import Past
from gateway.model.capability import Capability, Findings
from gateway.model.conversation import Conversation
from gateway.model.identity import Proving
from gateway.model.ids import SenderId
from gateway.model.webcare import DeskPlan
from gateway.prices.tariffs import Tariffs
from gateway.store.agents import Agents
from gateway.store.assistants import AssistantMemories
from gateway.store.contacts import Contacts
from gateway.store.conversations import Conversations
from gateway.store.documents import Documents
from gateway.store.drafts import Drafts
from gateway.store.floor import Floor
from gateway.store.media import Media
from gateway.store.outbox import Outbox
from gateway.store.presence import PresenceBook
from gateway.wake import Ready
from gateway.webcare.board_hands import Hands
from gateway.webcare.canned import Canned
from gateway.webcare.fetch import Fetching
from gateway.webcare.live import Live
from gateway.webcare.provider import Provider
from gateway.webcare.receipts import Receipts
from gateway.webcare.router import Router
from gateway.webcare.templates import DeskTemplates

WINDOW_MS = 24 * 3600 * 1000
TEXT_MAX = 4096


def _nobody(ready: Ready) -> None:
    pass


async def _none() -> Sequence[str]:
    return ()


async def _unheard(conversation: Conversation) -> None:
    pass


def _unseen(count: int) -> None:
    pass


async def _no_move(queue: str) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class WebcareDeps:
    """brands: id -> name for people; channels: sender -> its channel's numbers
    live:            tells open pages what changed; `webcare.run` feeds it
    enqueued:        told of each reply that is in its lane, so that dispatch need not look for it
    trusted_proxies: addresses whose X-Forwarded-For and X-Forwarded-Proto are believed
    first_queues:    the queues that are answered before the general one, in their order
    move_first:      moves who is concerned by a crisis out of a queue into the crisis's own; how many
    slots_mended:    told how many slots the hourly count found wrong
    opened:          told when its owner opens a conversation
    journeys:        reads the journeys that somebody's family follows
    things:          how what somebody has open stands now; None: the card does not say
    plan:            queues, hours, figures
    lines:           says what the house says by itself
    media:           files of conversations; fetching: has theirs fetched (in the webcare role)
    presence:        who is here; None where nobody is given anything
    documents:       where dispatch finds a file that goes out; file_max: bytes of the largest that the desk takes
    templates:       what may be said when the service window is shut; canned: what agents say often
    drafts:          unsent words, for whoever has the conversation next
    receipts:        tells the channel that what they wrote was read
    floor:           what the router says of its queues; router: gives (in the webcare role, one process at a time)
    past:            what passed with somebody before, and the search; None: nothing is known of it here
    provider:        who else says who agents are; None: we do, by password
    hands:           what the board works the brakes with; None: it shows no brakes and no alerts
    proving:         by which ways customers can show who they are; None: by none
    tariffs:         what messages cost; None: nobody knows
    memories:        what the assistant learnt in a chat; None: nothing of it is shown
    findings:        what senders were found to be able to do; without it, nothing beyond what every sender may
    """

    conversations: Conversations
    agents: Agents
    contacts: Contacts
    outbox: Outbox
    clock: Clock
    brands: Mapping[str, str]
    channels: Mapping[SenderId, ChannelFacts]
    live: Live = field(default_factory=Live)
    enqueued: Callable[[Ready], None] = _nobody
    trusted_proxies: tuple[str, ...] = ()
    first_queues: Callable[[], Awaitable[Sequence[str]]] = _none
    move_first: Callable[[str], Awaitable[int]] = _no_move
    slots_mended: Callable[[int], None] = _unseen
    opened: Callable[[Conversation], Awaitable[None]] = _unheard
    findings: Callable[[Sequence[SenderId]], Awaitable[Mapping[SenderId, Findings]]] | None = None
    journeys: Journeys | None = None
    things: OpenThings | None = None
    plan: DeskPlan = field(default_factory=DeskPlan.plain)
    lines: SystemLines | None = None
    media: Media | None = None
    fetching: Fetching | None = None
    presence: PresenceBook | None = None
    documents: Documents | None = None
    file_max: int = 25_000_000
    templates: DeskTemplates | None = None
    canned: tuple[Canned, ...] = ()
    receipts: Receipts | None = None
    drafts: Drafts | None = None
    floor: Floor | None = None
    router: Router | None = None
    provider: Provider | None = None
    past: Past | None = None
    hands: Hands | None = None
    memories: AssistantMemories | None = None
    proving: Proving | None = None
    tariffs: Tariffs | None = None

    def channel(self, sender: SenderId) -> str:
        facts = self.channels.get(sender)
        return facts.channel if facts else ""

    def window_ms(self, sender: SenderId) -> int:
        facts = self.channels.get(sender)
        return facts.window_ms if facts else WINDOW_MS

    def text_max(self, sender: SenderId) -> int:
        facts = self.channels.get(sender)
        return facts.text_max if facts else TEXT_MAX

    def shows_speaker(self, sender: SenderId) -> bool:
        facts = self.channels.get(sender)
        return facts is not None and facts.shows_speaker

    async def person_windows(self) -> Mapping[SenderId, int]:
        """Sender -> how long after their last words a person may still answer, where that is longer than the service window.

        Only where the sender was found to be allowed to: what is not known is a no, as it is when the words are sent.
        """
        longer = [
            sender for sender, facts in self.channels.items() if facts.person_window_ms > facts.window_ms
        ]
        if not longer or self.findings is None:
            return {}
        found = await self.findings(longer)
        return {
            sender: self.channels[sender].person_window_ms
            for sender in longer
            if sender in found and found[sender].able(Capability.PERSON_WINDOW) is True
        }
