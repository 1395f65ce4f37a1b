"""Brings a page up to date: what stands between two comments `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` is written anew.

    bench:table     the rows of a run, those of single parts in the place of the old ones
    bench:curves    the table under each picture; the pictures go into the page's folder, pictures/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import curves
from bench.report import Row, figure
from gateway.errors import SettingsError

HEAD = "| what | ours | against | ratio (rounds) | wanted | | how |\n|---|---:|---:|---:|---:|---|---|"


def check(page: Path) -> None:
    """Before an hour is spent on it. Raises SettingsError."""
    if not page.is_file():
        raise SettingsError([f"--report: there is no page {page}"])
    for name in ("table", "curves"):
        between(page.read_text(encoding="utf-8"), name, lambda old: old, page)


def bring_up_to_date(page: Path, about: Mapping[str, Any], rows: Sequence[Row], points: Sequence[curves.Point]) -> None:
    """Raises SettingsError when the page has no place for them."""
    text = page.read_text(encoding="utf-8")
    if rows:
        text = between(text, "table", lambda old: table(about, rows, old), page)
    if points:
        curves.draw(list(points), page.parent / "pictures")
        text = between(text, "curves", lambda _: f"{_taken(about)}\n\n{_pictures(points)}", page)
    page.write_text(text, encoding="utf-8")


def between(text: str, name: str, write: Any, page: Path) -> str:
    """The text with what stands between two comments written anew from the old."""
    begin, end = f"<!-- bench:{name} -->\n", f"<!-- /bench:{name} -->"
    before, found, rest = text.partition(begin)
    old, closed, after = rest.partition(end)
    if not (found and closed):
        raise SettingsError([f"--report: {page} has no lines {begin.strip()} and {end}"])
    return f"{before}{begin}{write(old)}\n{end}{after}"


def table(about: Mapping[str, Any], rows: Sequence[Row], old: str = "") -> str:
    """The rows for the page. old: what stood there; its rows that were not measured now stay, with their own date."""
    lines = {row.key: _line(row, about) for row in rows}
    kept = {_key(one): one for one in old.splitlines() if one.startswith("| ") and one != HEAD.splitlines()[0]}
    order = [*kept, *(key for key in lines if key not in kept)]
    return "\n".join([_taken(about), "", HEAD, *(lines.get(key, kept.get(key, "")) for key in order)])


def _pictures(points: Sequence[curves.Point]) -> str:
    shown = "\n\n".join(f"![{name}](pictures/bench-{name}.svg)" for name in ("dispatch", "fanout", "memory"))
    return f"{shown}\n\n{curves.table(list(points))}"


def _taken(about: Mapping[str, Any]) -> str:
    return (
        f"Last run {about['date']} at commit {about['commit']}: {about['cores']} cores, load {about['load']} before it began, "
        f"Python {about['python']}, {about['system']}."
    )


def _key(line: str) -> tuple[str, str]:
    cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
    return cells[0], cells[2].partition(": ")[0]


def _line(row: Row, about: Mapping[str, Any]) -> str:
    ratio = f"{row.ratio:.2f}"
    if len(row.rounds) > 1:
        ratios = [ours / bare for ours, bare in row.rounds]
        ratio += f" ({min(ratios):.2f}-{max(ratios):.2f})"
    wanted = "" if row.target is None else f"{'≥' if row.least else '≤'} {row.target:g}"
    met = {None: "", True: "met", False: "**missed**"}[row.met]
    ours, bare = f"{figure(row.ours)} {row.unit}", f"{row.against}: {figure(row.bare)} {row.unit}"
    return f"| {row.name} | {ours} | {bare} | {ratio} | {wanted} | {met} | {row.note} |"
