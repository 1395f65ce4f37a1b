"""Whose and of which leg each code of a paper is: told once, because a picture, a page and a wallet pass must not differ in it.

A code that carries a wrong name or another train's seat is refused at a gate, so nothing is guessed:

- The issuer's words about it (`about`) name a traveller of the paper, alone or before a comma ("Eva Jansen, Utrecht - Arnhem"):
  it is theirs, wherever it stands in the list.
- As many codes as travellers, and not as many legs: in their order, one for each traveller.
- As many codes as legs, and not as many travellers: in their order, one for each leg.
- Else, as with two codes for two people on two trains, each is shown with everybody, every leg, and the issuer's words: an event
  that gives none, or the same twice, is refused (intake/schemas.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.documents.paper import Paper, PaperLeg, Symbol


@dataclass(frozen=True, slots=True)
class Belonging:
    """leg: the number of the only leg that the code is for, None where that is not told; travellers: whose it may be."""

    symbol: Symbol
    travellers: tuple[str, ...]
    legs: tuple[PaperLeg, ...]
    leg: int | None = None


def belonging(paper: Paper) -> tuple[Belonging, ...]:
    """One for each code, in the paper's order."""
    count, people, legs = len(paper.symbols), paper.travellers, paper.legs
    named = any(owner(one.about, people) for one in paper.symbols)
    by_person = count == len(people) and count > 1 and not named and count != len(legs)
    by_leg = count == len(legs) and count > 1 and not named and count != len(people)
    found = []
    for place, symbol in enumerate(paper.symbols):
        theirs = owner(symbol.about, people)
        own = (theirs,) if theirs else (people[place],) if by_person else people
        found.append(Belonging(symbol, own, (legs[place],) if by_leg else legs, place if by_leg else None))
    return tuple(found)


def apart(paper: Paper) -> tuple[Paper, ...]:
    """A paper of its own for each code, with whom and what it belongs to."""
    if len(paper.symbols) < 2:
        return (paper,)
    return tuple(replace(paper, symbols=(one.symbol,), travellers=one.travellers, legs=one.legs) for one in belonging(paper))


def owner(about: str, people: Sequence[str]) -> str:
    """Whose a code is by the issuer's words about it, "" where they name none of these people."""
    return next((one for one in people if about == one or about.startswith(f"{one},")), "")
