"""Starting a roll-out: of what people wrote to a roll-out that holds, or every problem that there is with it."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from gateway.directory import Directory
from gateway.errors import BadInput, Problem
from gateway.model.ids import SenderId
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.rolling import why_never
from gateway.rules import rollout_moves
from gateway.rules.rollout import PLACES, Limits, Match, Rollout, Stage


def made(
    name: str, match: Match, share: float | None, stages: tuple[Stage, ...], catalogue: Catalogue, directory: Directory, *,
    hold_out: float = 0, limits: Limits | None = None, who: str, why: str,
) -> Rollout:  # fmt: skip
    """share, hold_out: in percent; without a share it begins at its first stage. Nothing is written.

    raises: BadInput naming each notification that may be no part of one, each name that there is not, and each wrong number
    """
    first = in_places(share) if share is not None else stages[0].share if stages else 0
    rollout = Rollout(
        name, secrets.token_hex(8), match, first, in_places(hold_out),
        stages=stages, stage=sum(stage.share <= first for stage in stages) - 1, limits=limits or Limits(), who=who, why=why,
    )  # fmt: skip
    problems = rollout_moves.problems_of(rollout)
    if share is None and not stages:
        problems.append(Problem("share", "is missing: a share, or stages"))
    elif stages and first < stages[0].share:
        problems.append(Problem("share", "should not be below the first stage: it would never rise from there by itself"))
    for one in match.notifications:
        notification = catalogue.get(one)
        if notification is None:
            problems.append(Problem("notifications", f"no notification {one}"))
        elif never := why_never(notification):
            problems.append(Problem("notifications", f"{one} goes to everybody, and holds nobody out: {never}"))
    problems += _unknown("brands", match.brands, catalogue.brands)
    problems += _unknown("senders", match.senders, directory.ids)
    if problems:
        raise BadInput(problems)
    return rollout


def in_places(percent: float) -> int:
    """A share in percent, in hundredths of a percent."""
    return round(percent * PLACES / 100)


def names_of(rollout: Rollout, catalogue: Catalogue) -> list[str]:
    """The notifications that it is about."""
    named = rollout.match.notifications
    return sorted(one.name for one in catalogue if (not named or one.name in named) and not why_never(one))


def its_senders(directory: Directory, senders: Collection[str], brands: Collection[str]) -> list[SenderId]:
    """Those named, else those of the brands, else all: where a brand has none of its own, others speak for it."""
    named = [sender.id for sender in directory if sender.id in senders]
    branded = [sender.id for sender in directory if sender.brand in brands]
    return named or branded or list(directory.ids)


def _unknown(field: str, named: Collection[str], known: Collection[str]) -> list[Problem]:
    return [Problem(field, f"no {one}; there are {', '.join(sorted(known))}") for one in named if one not in known]
