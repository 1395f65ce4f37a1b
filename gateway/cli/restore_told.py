"""What `restore` says: how old the backup is, who is heard again, and what becomes of each message that may have been sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.cli import printing
from gateway.store import archive, ledger, restored

LISTED = 20
_ENDS = {
    "resend": "goes out when you resume, and may reach its person a second time",
    "ask": "its agent is asked, nobody sends it alone",
    "drop": "is not sent again; it stands in the dead letters",
    "stale": "is too old to be of use and is not sent",
}


@dataclass
class Report:
    """What was found and done."""

    taken_ms: int
    heard: restored.Heard = field(default_factory=restored.Heard)
    uncertain: restored.Uncertain = field(default_factory=restored.Uncertain)
    history: str = ""
    aside: list[str] = field(default_factory=list)
    ledgers: list[ledger.Reading] = field(default_factory=list)


def tell_dry(path: Path, manifest: archive.Manifest, report: Report, *, as_json: bool) -> None:
    if as_json:
        printing.as_json({"file": str(path), "sound": True, "dry_run": True, **data(report)})
        return
    print(f"{path} is sound: {manifest.count:,} keys, layout {manifest.layout}, of {manifest.environment}. {_age(report)}")
    print(ledger_words(report))
    print("Nothing was changed.")


def tell(report: Report, *, as_json: bool) -> None:
    if as_json:
        printing.as_json(data(report))
        return
    heard, uncertain = report.heard, report.uncertain
    print(f"Restored, and held: nobody is written to, by automation or agents, until `python main.py resume all`. {_age(report)}")
    print(ledger_words(report))
    print(
        f"Of those since the backup: {printing.counted(heard.withdrawn, 'person', 'people')} stopped, {heard.erased} erased, "
        f"{heard.not_me} said it is not them. All of it holds again."
    )
    if uncertain.proven:
        print(f"{printing.counted(uncertain.proven, 'queued message')} had been sent since, as the history shows: settled.")
    for word, count in uncertain.counts.items():
        if count:
            print(f"{printing.counted(count, 'message')} that may have been sent since: each {_ENDS[word]}.")
            _list(uncertain.maybe, word)
    if uncertain.waiting:
        print(f"{printing.counted(uncertain.waiting, 'message is', 'messages are')} not due yet and cannot have been sent.")
    if report.history:
        print(f"History: {report.history}.")
    for path in report.aside:
        print(f"Set aside, delete it when you are sure (it holds people's data, erased ones too): {path}")
    print("Agents, their rights and API keys are those of the backup: look through them. Everybody signs in again.")
    print("Start the gateway and leave it held some minutes: what the channel still reports settles more. Then: resume all")


def _list(maybe: Sequence[restored.Maybe], word: str) -> None:
    """Those that somebody may want to look at: the ids lead on, by `trace`."""
    if word == "stale":
        return
    wanted = [one for one in maybe if one.becomes == word]
    for one in wanted[:LISTED]:
        print(f"  {one.message}  {one.notification}")
    if len(wanted) > LISTED:
        print(f"  ... {len(wanted) - LISTED:,} more: --json names all")


def _age(report: Report) -> str:
    minutes = max(ledger.now_ms() - report.taken_ms, 0) // 60_000
    words = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
    return f"The backup is {words} old ({printing.when(report.taken_ms)})."


def ledger_words(report: Report) -> str:
    if not report.ledgers:
        return "WITHOUT a ledger: whoever stopped or was erased since the backup may be written to."
    youngest = max((entry.kept_ms for reading in report.ledgers for entry in reading.entries), default=0)
    names = ", ".join(str(reading.path) for reading in report.ledgers)
    return f"Ledger: {names}, last written {printing.when(youngest)}."


def data(report: Report) -> dict[str, Any]:
    uncertain, heard = report.uncertain, report.heard
    return {
        "taken": printing.iso(report.taken_ms),
        "age_s": max(ledger.now_ms() - report.taken_ms, 0) // 1000,
        "held": "until `resume all`",
        "ledgers": [
            {"file": str(one.path), "lines": len(one.entries), "torn": one.torn} for one in report.ledgers
        ],
        "since": {"withdrawn": heard.withdrawn, "not_me": heard.not_me, "erased": heard.erased},
        "proven_sent": uncertain.proven,
        "remembered": uncertain.remembered,
        "not_due_yet": uncertain.waiting,
        "uncertain": {
            "counts": uncertain.counts,
            "messages": [
                {"id": one.message, "notification": one.notification, "becomes": one.becomes} for one in uncertain.maybe
            ],
        },
        "history": report.history or None,
        "set_aside": report.aside,
    }
