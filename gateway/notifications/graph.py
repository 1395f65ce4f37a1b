"""Who replaces and who ends whom, as a picture: Mermaid for pages, lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.model.event import EventType
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.model import Notification


def family(event: EventType | None) -> str:
    """Notifications of one family share subjects: flight, trip, order, outage; "" for service messages."""
    return event.value.split(".")[0] if event is not None else ""


def mermaid(catalogue: Catalogue, *, loops: bool = True) -> str:
    """A flowchart, one box a family: solid arrows end, a loop on itself replaces, dotted ones stand in.

    loops: False leaves the replacing ones out, of which nearly everyone has one
    """
    lines = ["flowchart LR"]
    for name, members in _families(catalogue):
        lines.append(f"  subgraph {name or 'service'}")
        lines += [f"    {one.name}" for one in members]
        lines.append("  end")
    for one in catalogue:
        if one.replaces and loops:
            lines.append(f"  {one.name} -- replaces --> {one.name}")
        lines += [f"  {one.name} -- ends --> {other}" for other in one.ends]
        if one.substitute:
            lines.append(f"  {one.name} -. else .-> {one.substitute}")
    return "\n".join(lines)


def text(catalogue: Catalogue) -> str:
    """The same for a terminal: a line each."""
    lines: list[str] = []
    for name, members in _families(catalogue):
        lines.append(name or "service")
        for one in members:
            parts = ["replaces older ones"] if one.replaces else []
            parts += [f"ends {', '.join(one.ends)}"] if one.ends else []
            parts += [f"else {one.substitute}"] if one.substitute else []
            lines.append(f"  {one.name}: {'; '.join(parts) or 'stands alone'}")
    return "\n".join(lines)


def _families(catalogue: Catalogue) -> Iterator[tuple[str, list[Notification]]]:
    names = dict.fromkeys(family(one.event) for one in catalogue)
    for name in sorted(names, key=lambda name: (name == "", name)):
        yield name, [one for one in catalogue if family(one.event) == name]
