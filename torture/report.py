"""What a run found: as lines for who looks on, as JSON, and as a page with a picture. Nothing in it is personal."""

from __future__ import annotations

import os
import platform
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torture import picture
from torture.house import ROOT
from torture.judge import GRACE_MS, STALE_MS
from torture.run import Outcome
from torture.seen import Double

SHOWN = 40
WANTED = {
    "lost": "somebody who was due news neither has it nor is named, with a reason, among those who were not told",
    "out of order": "on one handset an older version of a subject lies behind a newer one",
    "stale": f"handed over more than {STALE_MS / 1000:g} s after what replaces or ends it had been planned for this person",
    "doubles in spite of evidence": f"sent again though a webhook had shown the first {GRACE_MS / 1000:g} s before, or accepted",
    "strange": "on the wrong handset, with another event's words, or explained by no fact",
    "in spite of a stop": "planned or handed over after its person said STOP, or handed over while an operator held everything",
    "not tried": "what a fire is made of and did not happen: the other counts would say nothing",
    "broke down": "a process that ended though nobody killed it, other than one that was started while the store was away",
    "refused": "an event that was never answered 202, or was answered otherwise",
}


def rows(outcome: Outcome) -> list[tuple[str, list[str]]]:
    """What is counted, and one line for each that was found. All of them should be empty."""
    verdict = outcome.verdict
    doubles = [_line(one) for one in verdict.forbidden]
    found = [
        verdict.lost, verdict.disorder, verdict.stale, doubles, verdict.strange, verdict.unstopped, verdict.untried,
        outcome.broke_down, verdict.refused,
    ]  # fmt: skip
    return list(zip(WANTED, found, strict=True))


def lines(outcome: Outcome) -> str:
    found = []
    for name, each in rows(outcome):
        found.append(f"{name:38} {len(each)}")
        found += [f"    {one}" for one in each[:SHOWN]]
        if len(each) > SHOWN:
            found.append(f"    and {len(each) - SHOWN} more")
    allowed = [one for one in outcome.verdict.doubles if one.allowed]
    found.append(f"{'doubles without evidence':38} {len(allowed)}")
    found += [f"    {_line(one)}" for one in allowed[:SHOWN]]
    found += [f"    as it woke: {one}" for one in outcome.verdict.thawed[:SHOWN]]
    found += [f"    as they began to follow: {one}" for one in outcome.verdict.welcomed[:SHOWN]]
    found += ["", *(f"{name:38} {value}" for name, value in figures(outcome).items())]
    found += [f"{'not told, ' + reason:38} {count}" for reason, count in outcome.verdict.ends.most_common()]
    return "\n".join(found)


def figures(outcome: Outcome) -> dict[str, str]:
    kills = Counter(one.name for one in outcome.kills)
    stood = Counter(one.name for one in outcome.pauses)
    alone = Counter(why for each in outcome.ended_alone.values() for why in each)
    return {
        **{name: str(count) for name, count in outcome.verdict.counts.items()},
        "from 202 to the handset": _span(outcome.verdict.told_after_ms),
        "webhooks answered": f"{outcome.webhooks}, of them twice {outcome.seen.tried.get('webhooks doubled', 0)}",
        "kills": f"{len(outcome.kills)} ({', '.join(f'{name} {count}' for name, count in sorted(kills.items()))})",
        "stood still": f"{len(outcome.pauses)} ({', '.join(f'{name} {count}' for name, count in sorted(stood.items()))})",
        "answers lost or refused": str(outcome.seen.tried.get("answers lost or refused", 0)),
        "people who said STOP": _stopped(outcome),
        "stops by an operator": str(len(outcome.seen.brakes)),
        "gateways at work at a time": f"{outcome.at_work:.1f} of {len(outcome.sizes.roles)}",
        "ended by themselves": "; ".join(f"{count} with {why}" for why, count in alone.items()) or "none",
        "errors in the logs": ", ".join(f"{name} {count}" for name, count in outcome.errors.most_common()) or "none",
        "settled after": "not in time" if outcome.settled_s is None else f"{outcome.settled_s:.1f} s",
        "whole run": f"{outcome.taken_s:.0f} s",
    }


def _stopped(outcome: Outcome) -> str:
    said, after_ms = len(outcome.seen.silences), outcome.verdict.stopped_after_ms
    if not after_ms:
        return f"{said}; none of them holds" if said else "none"
    half, last = after_ms[(len(after_ms) - 1) // 2] / 1000, after_ms[-1] / 1000
    return f"{said}; it holds within {half:.1f} s of its webhook's 200 for half, {last:.1f} s for all"


def _span(sorted_ms: list[int]) -> str:
    """Half, nineteen in twenty, the longest; what waited for its person's pair rate among them."""
    if not sorted_ms:
        return "nothing arrived"
    at = [sorted_ms[int((len(sorted_ms) - 1) * share)] / 1000 for share in (0.5, 0.95, 1.0)]
    return f"half within {at[0]:.1f} s, 95% within {at[1]:.1f} s, the last after {at[2]:.1f} s"


def as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "ok": outcome.ok,
        "seed": outcome.seed,
        "seconds": outcome.sizes.seconds,
        "commit": commit(),
        "counts": {name: len(each) for name, each in rows(outcome)},
        "found": {name: each for name, each in rows(outcome) if each},
        "doubles": [
            {"message": one.message, "attempt": one.attempt, "reason": one.reason, "allowed": one.allowed}
            for one in outcome.verdict.doubles
        ],
        "not_told": dict(outcome.verdict.ends),
        "figures": outcome.verdict.counts,
        "kills": dict(Counter(one.name for one in outcome.kills)),
        "tried": dict(outcome.seen.tried),
        "thawed": outcome.verdict.thawed,
        "welcomed": outcome.verdict.welcomed,
        "stopped_after_ms": outcome.verdict.stopped_after_ms,
        "ended_alone": outcome.ended_alone,
        "errors": dict(outcome.errors),
        "settled_s": outcome.settled_s,
        "taken_s": outcome.taken_s,
    }


def write(outcome: Outcome, page: Path) -> None:
    """The page, and pictures/torture.svg beside it. What stands in the page above MARK stays as it is."""
    said = text(outcome)  # before anything is written: it names the commit, and whether the tree differs from it
    drawn = page.parent / "pictures" / "torture.svg"
    drawn.parent.mkdir(parents=True, exist_ok=True)
    arrivals = [one.at_ms for one in outcome.seen.bubbles if one.at_ms >= outcome.began_ms]
    victims = [*outcome.sizes.roles, "store"]
    began_ms, quiet_ms, brakes = outcome.began_ms, outcome.ended_ms, outcome.seen.brakes
    drawn.write_text(
        picture.draw(arrivals, outcome.kills, victims, began_ms, quiet_ms, pauses=outcome.pauses, brakes=brakes)
    )
    kept = page.read_text().partition(MARK)[0] if page.is_file() else "# Torture\n\n"
    page.write_text(f"{kept}{MARK}\n{said}")


MARK = "<!-- From here on written by `make torture ARGS=--report`: not by hand. -->"


def text(outcome: Outcome) -> str:
    when = datetime.fromtimestamp(outcome.began_ms / 1000, UTC)
    sizes = outcome.sizes
    parts = [
        f"\n## {when.day} {when:%B %Y}: {'every count is right' if outcome.ok else 'COUNTS ARE WRONG'}",
        f"Commit {commit()}, seed {outcome.seed}, {sizes.seconds:g} s of fire, {len(sizes.roles)} gateways; "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.platform(terse=True)}.",
        "",
        "![Messages on handsets a second by second, and when each process was killed or stood still](pictures/torture.svg)",
        "",
        "| counted at the handsets | found | what it means |",
        "|---|---|---|",
        *(f"| {name} | {f'**{len(each)}**' if each else 0} | {WANTED[name]} |" for name, each in rows(outcome)),
        "",
        "| figure | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in figures(outcome).items()),
        *(f"| not told: {reason} | {count} |" for reason, count in outcome.verdict.ends.most_common()),
        "",
        *_findings(outcome),
        *_excused("What a process that had stood still sent as it woke", outcome.verdict.thawed),
        *_excused("What still held, told behind newer news to who had just begun to follow", outcome.verdict.welcomed),
        *_doubles([one for one in outcome.verdict.doubles if one.allowed]),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _findings(outcome: Outcome) -> list[str]:
    found = []
    for name, each in rows(outcome):
        if each:
            found += [f"### {name}", "", *(f"- {one}" for one in each[:SHOWN]), ""]
    return found


def _excused(what: str, found: list[str]) -> list[str]:
    if not found:
        return []
    return [f"### {what}", "", *(f"- {one}" for one in found[:SHOWN]), ""]


def _doubles(allowed: list[Double]) -> list[str]:
    found = ["### Messages that lie there twice, for want of evidence", ""]
    if not allowed:
        return [*found, "None in this run."]
    found += ["| message | attempt | why |", "|---|---|---|"]
    return [*found, *(f"| `{one.message}` | {one.attempt} | {one.reason} |" for one in allowed)]


def _line(one: Double) -> str:
    return f"{one.message} attempt {one.attempt}: {one.reason}"


def commit() -> str:
    """Short, with a plus where the tree differs from it; "unknown" outside a repository."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
