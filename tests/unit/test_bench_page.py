"""The benchmark's figures on a page and in pictures: what is written between the comments, and what stays."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from bench import curves, document
from bench.picture import HEIGHT, WIDTH, Line, chart
from bench.report import Row, alternated
from gateway.errors import SettingsError

ROOT = Path(__file__).resolve().parents[2]
ABOUT = {"date": "2026-11-22", "commit": "abc1234", "cores": 2, "load": 0.1, "python": "3.11", "system": "Linux"}
PAGE = "before\n<!-- bench:table -->\nold\n<!-- /bench:table -->\nbetween\n<!-- bench:curves -->\n<!-- /bench:curves -->\nafter\n"


def row(name: str, ours: float, against: str = "bare POSTs") -> Row:
    return alternated(name, "/s", [(ours, 100.0), (ours * 3, 100.0)], 0.45, against, note="3 x 10")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    made = tmp_path / "performance.md"
    made.write_text(PAGE)
    return made


def test_a_run_is_written_between_the_comments_and_nowhere_else(page: Path) -> None:
    document.bring_up_to_date(page, ABOUT, [row("dispatch", 20.0)], [])
    text = page.read_text()
    assert text.startswith("before\n<!-- bench:table -->\nLast run 2026-11-22 at commit abc1234: 2 cores, load 0.1")
    written = "| dispatch | 40.00 /s | bare POSTs: 100 /s | 0.40 (0.20-0.60) | ≥ 0.45 | **missed** | 3 x 10 |"
    assert f"{written}\n<!-- /bench:table -->" in text
    assert "old" not in text
    assert text.endswith("\nbetween\n<!-- bench:curves -->\n<!-- /bench:curves -->\nafter\n")


def test_a_part_measured_alone_replaces_its_own_rows_and_leaves_the_others(page: Path) -> None:
    first = [row("dispatch", 20.0), row("ours", 10.0, "theirs, at once"), row("ours", 60.0, "theirs, after 50 ms")]
    document.bring_up_to_date(page, ABOUT, first, [])
    document.bring_up_to_date(page, ABOUT, [row("ours", 50.0, "theirs, after 50 ms"), row("webhooks", 1.0)], [])
    lines = [line for line in page.read_text().splitlines() if line.startswith("| ") and "what" not in line]
    assert [line.split(" | ")[:2] for line in lines] == [
        ["| dispatch", "40.00 /s"], ["| ours", "20.00 /s"], ["| ours", "100 /s"], ["| webhooks", "2.00 /s"],
    ]  # fmt: skip


def test_a_page_without_a_place_is_refused_before_anything_is_measured(tmp_path: Path, page: Path) -> None:
    document.check(page)
    document.check(ROOT / "docs" / "performance.md")
    page.write_text(PAGE.replace("<!-- /bench:curves -->", ""))
    with pytest.raises(SettingsError, match="bench:curves"):
        document.check(page)
    with pytest.raises(SettingsError, match="no page"):
        document.check(tmp_path / "elsewhere.md")


def test_curves_come_with_their_pictures_and_the_table_says_the_same(page: Path) -> None:
    points = [
        curves.Point(1, 1, 1, 9000.0, 3.0, 5000.0, 2**20, 100 * 2**20),
        curves.Point(10, 4, 3, 900.0, 30.0, 5000.0, 2 * 2**20, 101 * 2**20),
    ]
    document.bring_up_to_date(page, ABOUT, [], points)
    assert "| 10 | 4 | 3 | 900 | 30 | 5,000 | 0.01 | 2.0 | 209,715 | 101 |" in page.read_text()
    for name in ("dispatch", "fanout", "memory"):
        assert f"(pictures/bench-{name}.svg)" in page.read_text()
        assert (page.parent / "pictures" / f"bench-{name}.svg").is_file()


def test_both_axes_may_be_powers_of_ten() -> None:
    rising = [Line("store", [(1, 0.3), (100, 3.0), (10_000, 30.0)])]
    root = ElementTree.fromstring(chart("Memory", "subscriptions", "MiB", rising, powers=True))
    heights = [float(one.attrib["cy"]) for one in root.iter("{http://www.w3.org/2000/svg}circle")]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)
    assert heights[0] > heights[1]


def test_a_chart_is_valid_and_every_point_lies_within_it_in_order() -> None:
    lines = [Line("ours", [(1, 3.0), (1000, 870.0), (1_000_000, 640.0)]), Line("a & b", [(1, 0.0), (1_000_000, 5000.0)])]
    root = ElementTree.fromstring(chart("Rate <of> it", "subscriptions", "a second", lines))
    circles = [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in root.iter("{http://www.w3.org/2000/svg}circle")]
    assert len(circles) == 5
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in circles)
    assert circles[0][0] < circles[1][0] < circles[2][0]
    assert circles[4][1] < circles[1][1] < circles[2][1] < circles[0][1]
