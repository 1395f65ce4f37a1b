"""From templates/ to the channel: plan what to create or mend, do it, and follow the review.

A changed text is a new version with its own name, because an approved template under review cannot be sent: the old one
goes on until the new one is approved in every language. So a text that differs from what the channel approved under the
same name is no edit but a mistake (`drifted`): raise `version`, keep the old words as <language>.v<n>.yaml.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.connector import Sender
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.drift import PLACEHOLDER_HANDLE, shown
from gateway.notifications.model import Notification
from gateway.notifications.remote import RemoteTemplate, TemplateAdmin, TemplateRefused
from gateway.notifications.render import LAST_LANGUAGE
from gateway.notifications.texts import Texts


class Action(StrEnum):
    """What becomes of one language of one version."""

    CREATE = "create"
    """the channel does not have it"""
    EDIT = "edit"
    """it was rejected, and our words have changed since: send the new ones to review"""
    WAIT = "wait"
    """under review"""
    UNCHANGED = "unchanged"
    """approved, and the same"""
    DRIFTED = "drifted"
    """the channel has other words under this name: raise the version"""
    REJECTED = "rejected"
    """rejected with the very words we have: change them"""
    STOPPED = "stopped"
    """paused, disabled or moved to another category by the channel"""
    SKIPPED = "skipped"
    """no template of this channel can say it: nothing to do"""


FINE = frozenset({Action.UNCHANGED, Action.SKIPPED})
"""nothing is left to do, and nobody need look"""


@dataclass(frozen=True, slots=True)
class Step:
    """One language of one version: what to do, and why. status: the channel's word, "" when it does not have it.

    notice: what the channel announced that it will do with it, and the mend
    """

    notification: str
    template: str
    language: str
    action: Action
    status: str = ""
    why: str = ""
    remote_id: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a step. error: the channel's words; "" when it went well. later: it did not come to it."""

    step: Step
    status: str = ""
    error: str = ""
    later: bool = False


def plan(catalogue: Catalogue, remote: Sequence[RemoteTemplate], admin: TemplateAdmin, brand: str) -> list[Step]:
    """Pure: compare the words of a brand (its own variants and everybody's) with what the channel lists."""
    known = {(one.name, one.language): one for one in remote}
    return [
        _step(notification, texts, known.get((texts.template, texts.language)), admin)
        for notification, texts in _wanted(catalogue, brand)
    ]


def sendable_version(notification: Notification, remote: Iterable[RemoteTemplate]) -> int | None:
    """The newest version that the channel has approved in every language it is written in; None when there is none."""
    approved = {(one.name, one.language) for one in remote if one.status == "APPROVED"}
    versions = sorted({texts.version for texts in notification.texts if texts.brand is None}, reverse=True)
    for version in versions:
        texts = [one for one in notification.texts if one.brand is None and one.version == version and one.template]
        if texts and all((one.template, one.language) in approved for one in texts):
            return version
    return None


async def push(
    catalogue: Catalogue, admin: TemplateAdmin, sender: Sender, *, told: Callable[[Done], None] = lambda done: None
) -> list[Done]:
    """Create what is missing and mend what was rejected, the brand's own language first. `told` hears of each as it is done.

    A refusal is told and the next is tried. Where the channel says to wait (`rules.creates_an_hour`), the rest is left for later:
    run again, it goes on where it was. raises: TemplateRefused when not even the list can be had
    """
    steps = plan(catalogue, await admin.list_templates(sender), admin, sender.brand)
    # Should the channel say to wait, all news in the brand's own language is worth more than half of it in four.
    brand = catalogue.brands.get(sender.brand)
    first = [brand.language if brand else LAST_LANGUAGE, LAST_LANGUAGE]
    steps.sort(key=lambda step: first.index(step.language) if step.language in first else len(first))
    done: list[Done] = []
    handles: dict[str, str] = {}
    waiting = False
    for step in steps:
        if step.action not in (Action.CREATE, Action.EDIT):
            continue
        result = Done(step, later=True) if waiting else await _carry_out(step, catalogue, admin, sender, handles)
        waiting = waiting or result.later
        done.append(result)
        told(result)
    return done


async def status(
    catalogue: Catalogue,
    admin: TemplateAdmin,
    sender: Sender,
    *,
    wait_s: float = 0,
    every_s: float = 10,
    first_s: float = 10,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    told: Callable[[list[Step]], None] = lambda steps: None,
) -> list[Step]:
    """How each stands at the channel; with `wait_s`, again and again until none is under review any more.

    The pauses begin at `first_s` and grow with the time that was waited, up to `every_s`.
    """
    waited = 0.0
    while True:
        steps = plan(catalogue, await admin.list_templates(sender), admin, sender.brand)
        told(steps)
        if waited >= wait_s or not any(step.action is Action.WAIT for step in steps):
            return steps
        pause = min(every_s, max(first_s, waited / 2), wait_s - waited)
        await sleep(pause)
        waited += pause


def _wanted(catalogue: Catalogue, brand: str) -> Iterable[tuple[Notification, Texts]]:
    for notification in catalogue:
        for texts in notification.texts:
            if texts.template and texts.brand in (brand, None) and texts.version == notification.version:
                yield notification, texts


_OTHER_CATEGORY = "say nothing of an offer in a new version, or appeal at the channel within 60 days"


def _notice(remote: RemoteTemplate) -> str:
    """What may stop it soon, though it is sent today."""
    if remote.becomes:
        return f"becomes {remote.becomes} within a day, and is not sent from then on; {_OTHER_CATEGORY}"
    if remote.status == "APPROVED" and remote.quality.upper() in ("YELLOW", "RED"):
        return f"quality {remote.quality.lower()}: people block or report it, and the channel may pause it"
    return ""


def _step(notification: Notification, texts: Texts, remote: RemoteTemplate | None, admin: TemplateAdmin) -> Step:
    def step(action: Action, why: str = "") -> Step:
        found = (remote.status, remote.id) if remote is not None else ("", "")
        return Step(notification.name, texts.template, texts.language, action, found[0], why, found[1], notice)

    notice = _notice(remote) if remote is not None else ""
    hindrance = admin.rules.hindrance(notification)
    if hindrance:
        return step(Action.SKIPPED, hindrance)
    if remote is None:
        return step(Action.CREATE)
    body = admin.create_body(notification, texts, PLACEHOLDER_HANDLE)
    same = shown(body["components"]) == shown(remote.components)
    if remote.category and remote.category != notification.category:
        return step(Action.STOPPED, f"the channel says {remote.category}, we say {notification.category}; {_OTHER_CATEGORY}")
    if remote.status == "REJECTED":
        return step(Action.REJECTED, remote.rejected_reason) if same else step(Action.EDIT, remote.rejected_reason)
    if not same:
        return step(Action.DRIFTED, f"raise version in {notification.name}/notification.yaml above {texts.version}")
    if remote.status == "APPROVED":
        return step(Action.UNCHANGED)
    if remote.status in ("PENDING", "IN_APPEAL"):
        return step(Action.WAIT)
    return step(Action.STOPPED, remote.status.lower())


async def _carry_out(
    step: Step, catalogue: Catalogue, admin: TemplateAdmin, sender: Sender, handles: dict[str, str]
) -> Done:
    notification = catalogue.get(step.notification)
    assert notification is not None, "a step names a notification of the catalogue"
    texts = next(
        one for one in notification.texts if (one.template, one.language) == (step.template, step.language)
    )
    try:
        handle = ""
        if notification.document is not None:
            header = notification.document.header
            if header not in handles:
                handles[header] = await admin.upload_example(sender, header)
            handle = handles[header]
        body = admin.create_body(notification, texts, handle)
        if step.action is Action.EDIT:
            await admin.edit_template(sender, step.remote_id, body)
            return Done(step, "PENDING")
        created = await admin.create_template(sender, body)
    except TemplateRefused as error:
        return Done(step, error=str(error), later=error.wait)
    if created.category and created.category != notification.category:
        return Done(step, created.status, f"the channel made it {created.category}: it is not sent until that is mended")
    return Done(step, created.status)
