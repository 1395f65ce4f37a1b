"""The share of a roll-out: raising it only adds people, everybody keeps their place, and it is as large as it says."""

from __future__ import annotations

import base64
import json
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.personal import Secret
from gateway.rules.rollout import PLACES, Match, Rollout, decide, place_of
from gateway.rules.verdict import Reason
from gateway.store.vault import KeyRing, Vault

KEY = f"index:{base64.b64encode(bytes(32)).decode()},1:{base64.b64encode(bytes(range(32))).decode()}"
PEOPLE = 100_000
SHARES = (100, 1000, 3000, 5000, 9000)


def rollout(share: int, hold_out: int = 0, name: str = "first") -> Rollout:
    return Rollout(name, "seed-1", Match(), share, hold_out)


def test_a_share_is_as_large_as_it_says_within_one_percent_of_everybody() -> None:
    places = [place_of(f"booking {number}") for number in range(PEOPLE)]
    assert min(places) >= 0
    assert max(places) < PLACES
    for share in SHARES:
        told = sum(at < share for at in places)
        assert abs(told / PEOPLE - share / PLACES) < 0.01, share


@settings(max_examples=300, deadline=None)
@given(st.integers(0, PLACES - 1), st.integers(0, PLACES), st.integers(0, PLACES), st.integers(0, 2000))
def test_raising_the_share_only_adds_people(place: int, one: int, other: int, hold_out: int) -> None:
    low, high = sorted((one, other))
    before, after = decide([rollout(low, hold_out)], lambda seed: place), decide([rollout(high, hold_out)], lambda seed: place)
    assert before is not None
    assert after is not None
    if before.reason is None:
        assert after.reason is None
    assert (before.reason is Reason.HELD_OUT) == (after.reason is Reason.HELD_OUT) == (place >= PLACES - hold_out)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, PLACES), st.integers(0, PLACES - 1)), min_size=1, max_size=4))
def test_of_several_roll_outs_all_must_let_it_pass(several: list[tuple[int, int]]) -> None:
    made = [Rollout(f"r{number}", f"s{number}", Match(), share) for number, (share, _) in enumerate(several)]
    places = {f"s{number}": place for number, (_, place) in enumerate(several)}
    found = decide(made, places.__getitem__)
    assert found is not None
    assert (found.reason is None) == all(place < share for share, place in several)


def test_somebody_has_the_same_place_in_every_process() -> None:
    vault = Vault(KeyRing(Secret(KEY)), None, acks=0)  # type: ignore[arg-type]
    here = [place_of(vault.blind("rollout", "seed-1", f"j{number:02d}abc")) for number in range(20)]
    script = (
        "import json\nfrom gateway.model.personal import Secret\nfrom gateway.rules.rollout import place_of\n"
        "from gateway.store.vault import KeyRing, Vault\n"
        f"vault = Vault(KeyRing(Secret({KEY!r})), None, acks=0)\n"
        "found = [place_of(vault.blind('rollout', 'seed-1', f'j{number:02d}abc')) for number in range(20)]\n"
        "print(json.dumps(found))"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    ).stdout
    assert json.loads(out) == here
    assert len(set(here)) > 15
