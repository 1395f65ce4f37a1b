"""What planning may look at besides the contact: templates at the channel, blocks, who is listed.

Read about once a second by `keep_young`, so that no message waits for it; whoever finds it older than that reads it itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.connector import ChannelFacts, Connector
from gateway.directory import Directory
from gateway.errors import BadInput, StoreError
from gateway.model.capability import Capability, Findings
from gateway.model.contact import Address
from gateway.model.ids import AddressId, SenderId
from gateway.notifications import versions
from gateway.notifications.catalogue import Catalogue
from gateway.planning.result import World
from gateway.planning.wordsused import approving, speaker_of
from gateway.rules.question import TemplateState
from gateway.rules.rollout import Rollout
from gateway.settings import Environment, Settings
from gateway.store.senders import Senders, Switched, template_state
from gateway.store.vault import Vault

OLD_MS = 2000
KEEP_S = 1.0

log = structlog.get_logger()


class OnlyTo:
    """GATEWAY_ONLY_TO: outside production nobody else is written to; fail closed. "*" only towards a sandbox."""

    def __init__(self, settings: Settings, connectors: Mapping[str, Connector], scopes: Mapping[str, tuple[str, ...]]) -> None:
        self._production = settings.env is Environment.PRODUCTION
        self._everybody = settings.sandboxed and any(one.reveal() == "*" for one in settings.only_to)
        self._listed: set[tuple[str, str, str]] = set()
        self._given = bool(settings.only_to)
        for one in settings.only_to:
            for channel, connector in connectors.items():
                for scope in scopes.get(channel, ("",)) or ("",):
                    try:
                        found = connector.identify(one.reveal(), scope)
                    except BadInput:
                        continue
                    self._listed.add((channel, found.kind, found.value.reveal()))

    def allows(self, address: Address) -> bool | None:
        """None: production without a list. Else whether this address is listed by any of its identifiers."""
        if self._everybody:
            return True
        if self._production and not self._given:
            return None
        return any((address.channel, known.kind, known.value.reveal()) in self._listed for known in address.identifiers)


class Worlds:
    def __init__(
        self,
        catalogue: Catalogue,
        directory: Directory,
        connectors: Mapping[str, Connector],
        senders: Senders,
        settings: Settings,
        clock: Clock,
        vault: Vault,
    ) -> None:
        self.catalogue = catalogue
        self._directory = directory
        self._facts: Mapping[str, ChannelFacts] = {name: connector.facts for name, connector in connectors.items()}
        self._senders = senders
        self._settings = settings
        self.clock = clock
        self._vault = vault
        scopes = {name: tuple({one.scope for one in directory if one.channel == name}) for name in connectors}
        self.only_to = OnlyTo(settings, connectors, scopes)
        self._templates: dict[SenderId, Mapping[tuple[str, str], Mapping[str, Any]]] = {}
        self._read_once: set[SenderId] = set()
        self._read_ms = 0
        self._blocked: frozenset[AddressId] = frozenset()
        self._findings: Mapping[SenderId, Findings] = {}
        # Few notifications ever have two versions: of the others nothing is read, judged or written.
        self._several = tuple(one for one in catalogue if len(versions.versions_of(one)) > 1)
        self._speakers = {one.id: speaker_of(directory, catalogue, one) for one in directory}
        self._stored: dict[SenderId, Mapping[str, Switched]] = {}
        self._beside: dict[SenderId, frozenset[str]] = {}
        self._rollouts: tuple[Rollout, ...] = ()

    def stale(self) -> None:
        """Read anew at the next call: a template's state just changed."""
        self._read_ms = 0

    async def keep_young(self, stopping: asyncio.Event) -> None:
        """Read it once a second until stopping. While the store is away it grows old, and is read by whoever needs it."""
        while not stopping.is_set():
            try:
                await self._refresh(round(KEEP_S * 500))
                await self.switch_due()
            except (StoreError, OSError, TimeoutError) as error:
                log.info("world.unread", error=type(error).__name__)
            try:
                async with asyncio.timeout(KEEP_S):
                    await stopping.wait()
            except TimeoutError:
                pass

    async def _refresh(self, old_ms: int) -> None:
        now = self.clock.now_ms()
        if abs(now - self._read_ms) < old_ms:
            return
        for sender in self._directory.ids:
            self._templates[sender] = await self._senders.templates(sender)
            # A webhook about one template says nothing of the others: only the whole list does.
            if sender not in self._read_once and await self._senders.synced_ms(sender):
                self._read_once.add(sender)
            if self._several:
                self._stored[sender] = await self._senders.versions(sender)
                self._beside[sender] = self._not_yet(sender)
        self._findings = await self._senders.findings(self._directory.ids)
        self._rollouts = tuple(await self._senders.rollouts())
        self._read_ms = now

    async def now(self) -> World:
        """The world as it is, at most two seconds old. Raises StoreUnavailable."""
        await self._refresh(OLD_MS)
        now = self.clock.now_ms()
        return World(
            catalogue=self.catalogue,
            directory=self._directory,
            facts=self._facts,
            template_state=self.template_state,
            allowed=self.only_to.allows,
            blocked=lambda address: address in self._blocked,
            blind=self._vault.blind,
            production=self._settings.env is Environment.PRODUCTION,
            now_ms=now,
            default_brand=self._settings.brand,
            knows_templates=self.knows_templates,
            able=self.able,
            channels=self._settings.channels,
            rollouts=self._rollouts,
            families=self._settings.family_places > 0,
        )

    def able(self, sender: SenderId, what: Capability) -> bool | None:
        """What this sender was found to be able to do; None = not known."""
        found = self._findings.get(sender)
        return found.able(what) if found is not None else None

    def knows_templates(self, sender: SenderId) -> bool:
        """Whether this sender's templates were ever read from its channel."""
        return sender in self._read_once

    def template_state(self, sender: SenderId, name: str, language: str, category: str) -> TemplateState:
        """As last heard. Before the first reading all count as approved: nothing is suppressed for what is not known yet, and
        dispatch waits for the reading before it sends one."""
        if not self.knows_templates(sender):
            return TemplateState.APPROVED
        state = template_state(self._templates.get(sender, {}).get((name, language)), category=category)
        if state is TemplateState.APPROVED and name in self._beside.get(sender, ()):
            return TemplateState.PENDING
        return state

    async def switch_due(self) -> None:
        """Write down each version that is approved in all its languages by now. Every process does, one of them is the first.

        raises: StoreUnavailable
        """
        for sender, stored in list(self._stored.items()):
            for one in self._several if sender in self._read_once else ():
                known = stored.get(one.name)
                approved = approving(self._templates.get(sender, {}), one)
                due = versions.due(one, known.version if known else 0, self._speakers[sender], approved)
                if due is None:
                    continue
                if await self._senders.switch(sender, one.name, due.version, languages=due.languages):
                    log.info("template.switched", sender=sender, notification=one.name, version=due.version, before=due.before)
                self.stale()

    def _not_yet(self, sender: SenderId) -> frozenset[str]:
        """The templates of versions that are newer than the active one: they wait beside it."""
        found: set[str] = set()
        for one in self._several:
            known = self._stored[sender].get(one.name)
            stored = known.version if known else 0
            active = versions.active(one, stored, self._speakers[sender], approving(self._templates.get(sender, {}), one))
            found |= {texts.template for texts in one.texts if active and texts.version > active}
        return frozenset(found)
