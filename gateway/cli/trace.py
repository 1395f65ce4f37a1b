"""`python main.py trace ID`: where something is, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.cli import printing
from gateway.errors import BadInput, Problem
from gateway.insight.kinds import say
from gateway.insight.trace import Story, find
from gateway.store.facts import Fact, Facts
from gateway.store.vault import Vault

if TYPE_CHECKING:  # SQLAlchemy is half of a command's start: only what opens the history pays for it
    from gateway.insight.history import History


def zone_of(name: str | None) -> ZoneInfo | None:
    """The zone of `--zone`, None for the machine's own. Raises BadInput for one that does not exist."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput([Problem("--zone", "should be a time zone such as Europe/Amsterdam or UTC")]) from error


async def trace(
    identifier: str,
    *,
    vault: Vault,
    facts: Facts,
    history: History,
    zone: ZoneInfo | None = None,
    as_json: bool = False,
) -> str | dict[str, Any]:
    """The story as text for a terminal, or as a dict for `--json`.

    raises: NotFound (print it, exit 1) when nothing is known of it; StoreUnavailable
    """
    story = await find(identifier, vault=vault, history=history, facts=facts)
    return as_dict(story, zone) if as_json else as_text(story, zone)


def _clock(zone: ZoneInfo | None) -> Callable[[int], datetime]:
    return lambda at_ms: datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)


def as_dict(story: Story, zone: ZoneInfo | None) -> dict[str, Any]:
    local = _clock(zone)
    return {
        "id": story.id,
        "what": story.what,
        "steps": [
            {
                "at": local(fact.at_ms).isoformat(timespec="milliseconds"),
                "at_ms": fact.at_ms,
                "kind": fact.kind,
                "sentence": say(fact, _when(zone)),
                "ids": list(fact.ids),
                "detail": dict(fact.detail),
                "place": f"{fact.partition:02d}/{fact.stream_id}",
            }
            for fact in story.steps
        ],
        "outcomes": dict(story.outcomes),
        "at_home": dict(story.at_home),
        "linked": {name: list(ids) for name, ids in story.linked.items()},
        "next": printing.typed(story.advice),
    }


def as_text(story: Story, zone: ZoneInfo | None) -> str:
    lines = [f"{story.what} {story.id}", ""]
    day = ""
    for fact in story.steps:
        at = _clock(zone)(fact.at_ms)
        today = f"{at:%a %d %b %Y}, {at.tzname()}"
        if today != day:
            lines.append(today)
            day = today
        time = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"
        lines.append(f"  {time}  {fact.kind:<12} {say(fact, _when(zone))}{_beside(fact, story.id)}")
    if story.outcomes:
        lines += ["", "messages"]
        lines += [f"  {count:>8,}  {outcome}" for outcome, count in story.outcomes.items()]
    if story.at_home:
        lines += ["", "of these, to members of families" if story.outcomes else "messages to members of families"]
        lines += [f"  {count:>8,}  {outcome}" for outcome, count in story.at_home.items()]
    if story.linked:
        lines.append("")
        lines += [f"{name + ':':<13} {' '.join(ids)}" for name, ids in story.linked.items()]
    return "\n".join([*lines, "", f"next: {printing.typed(story.advice)}"])


def _beside(fact: Fact, identifier: str) -> str:
    """Which message a step is about, where the story has several."""
    message = fact.id_of("m")
    return f"  [{message}]" if message and message != identifier else ""


def _when(zone: ZoneInfo | None) -> Callable[[int], str]:
    local = _clock(zone)
    return lambda at_ms: f"{local(at_ms):%d %b %H:%M:%S}"
