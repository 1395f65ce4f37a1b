"""Which version of a notification is sent: tables of what is approved, and what follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.insight.kinds import line_of, say
from gateway.notifications import versions
from gateway.notifications.catalogue import load
from gateway.notifications.model import Notification
from gateway.notifications.versions import Speaker
from gateway.store.facts import Fact
from tests.support.versions import write_versions

ZZ = Speaker("zz")


def made(folder: Path, *files: str) -> Notification:
    """files: names without .yaml; version 3 is the current one."""
    write_versions(folder, *files, version=3)
    found = load(folder).get("late")
    assert found is not None
    return found


def approving(*known: str) -> versions.Approved:
    """known: "late_v1:nl" ..."""
    return lambda template, language: f"{template}:{language}" in known


@pytest.mark.parametrize(
    ("stored", "known", "switched"),
    [
        pytest.param(1, "1nl 1en 3nl", 0, id="the new one is not approved in every language"),
        pytest.param(1, "1nl 1en 3nl 3en", 3, id="it is"),
        pytest.param(1, "3nl 3en", 3, id="that the old one is gone is no problem"),
        pytest.param(3, "1nl 1en 3nl", 0, id="a language that is paused later does not switch back"),
        pytest.param(3, "1nl 1en", 0, id="nor does all of it"),
        pytest.param(3, "3nl 3en", 0, id="switched already"),
        pytest.param(1, "1nl 1en 2nl 3nl", 0, id="one between, as incomplete"),
        pytest.param(1, "1nl 1en 2nl 2en 3nl", 2, id="the newest of those that are complete"),
        pytest.param(0, "1nl 1en 3nl", 1, id="of what was found, the one that is complete"),
        pytest.param(0, "1nl 1en 3nl 3en", 3, id="of two complete ones the newer"),
        pytest.param(0, "3nl", 3, id="a fresh account: the first approved"),
        pytest.param(0, "1nl 3nl", 1, id="none complete: the one that was there before"),
        pytest.param(0, "", 0, id="nothing is known"),
    ],
)  # fmt: skip
def test_a_version_is_due_when_it_is_approved_in_every_language(
    tmp_path: Path, stored: int, known: str, switched: int
) -> None:
    notification = made(tmp_path, "nl", "en", "nl.v1", "en.v1", "nl.v2", "en.v2")
    approved = approving(*(f"late_v{one[0]}:{one[1:]}" for one in known.split()))
    due = versions.due(notification, stored, ZZ, approved)
    assert (due.version if due else 0) == switched
    assert versions.active(notification, stored, ZZ, approved) == (stored or switched)
    if due is not None:
        assert due.before == stored


def test_a_language_that_only_one_version_is_written_in_counts_for_that_one(tmp_path: Path) -> None:
    notification = made(tmp_path, "nl", "en", "de", "nl.v1", "en.v1")
    assert versions.due(notification, 1, ZZ, approving("late_v3:nl", "late_v3:en")) is None
    assert versions.lacking(notification, 3, ZZ, approving("late_v3:nl", "late_v3:en")) == ("de",)
    due = versions.due(notification, 1, ZZ, approving("late_v3:nl", "late_v3:en", "late_v3:de"))
    assert due is not None
    assert (due.version, due.before, due.languages) == (3, 1, ("de", "en", "nl"))


def test_a_brands_own_words_count_in_place_of_everybodys(tmp_path: Path) -> None:
    notification = made(tmp_path, "nl", "en", "nl.zz", "nl.v1", "en.v1")
    assert {one.file for one in versions.in_use(notification, 3, ZZ)} == {"late/nl.zz.yaml", "late/en.yaml"}
    assert versions.due(notification, 1, ZZ, approving("late_v3:nl", "late_v3:en")) is None
    assert versions.due(notification, 1, ZZ, approving("late_zz_v3:nl", "late_v3:en")) is not None


def test_a_sender_that_speaks_for_two_brands_waits_for_both(tmp_path: Path) -> None:
    notification = made(tmp_path, "nl", "en", "nl.zz", "nl.v1", "en.v1")
    both = Speaker("zz", ("zz", "qq"))
    assert versions.lacking(notification, 3, both, approving("late_zz_v3:nl", "late_v3:en")) == ("nl",)
    # Of brands' own words an account has only those of its own brand: for the other it says everybody's.
    assert {one.template for one in versions.in_use(notification, 3, Speaker("qq", ("zz", "qq")))} == {"late_v3"}


def test_a_switch_is_told_in_a_sentence() -> None:
    detail = {"nt": "late", "s": "air", "v": "2", "before": "1", "in": "de,nl"}
    by_rule = Fact(0, "1-0", 1, "version", (), detail)
    assert say(by_rule, str) == "from now on air sends version 2 of late in place of 1 (approved in de, nl)"
    first = Fact(0, "1-0", 1, "version", (), detail | {"before": "0", "who": "sanne"})
    assert say(first, str) == "from now on air sends version 2 of late, its first (approved in de, nl), as sanne wanted"
    assert line_of(by_rule) == ("template.version", "")


def test_what_is_no_template_has_no_versions(tmp_path: Path) -> None:
    write_versions(tmp_path, "nl", "en", "nl.v1", version=2, more="kind: service\ntemplate: false\n", news=False)
    found = load(tmp_path).get("late")
    assert found is not None
    assert versions.versions_of(found) == ()
    assert versions.due(found, 0, ZZ, lambda template, language: True) is None
