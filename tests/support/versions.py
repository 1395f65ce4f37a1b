"""A notification in several versions, and how a version shows in its words."""

from __future__ import annotations

from pathlib import Path

_DECLARATION = """
about: For tests.
event: {event}
when: "'{change}' in changes"
purpose: journey
personal: false
parameters:
  flight: {{from: [state.number, data.number], max: 12}}
news: [flight]
version: {version}
{more}"""
_SERVICE = """
about: For tests.
purpose: service
personal: false
parameters:
  flight: {{from: data.number, max: 12}}
version: {version}
{more}"""
_WORDS = """
body: Your flight {{{{flight}}}} is late, in the words of {words} only.
examples: {{flight: ZZ 1}}
"""


def write_versions(
    folder: Path, *files: str, version: int, more: str = "", news: bool = True, name: str = "late", event: str = "flight.status",
    change: str = "delay",
) -> None:  # fmt: skip
    """A notification of which each file says in its words which it is. files: "nl", "en.v1", "nl.zz" ... without .yaml"""
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    if not (folder / "brands.yaml").exists():
        brand = "{name: Zephyr, language: nl, timezone: Europe/Amsterdam, support_url: 'https://zephyr.example.org/'}"
        (folder / "brands.yaml").write_text(f"zz: {brand}\nqq: {brand}\n")
    declared = (_DECLARATION if news else _SERVICE).format(version=version, more=more, event=event, change=change)
    (home / "notification.yaml").write_text(declared)
    for one in files:
        whose = one if ".v" in one else f"{one}.v{version}"  # the same words whether the version is the current one or kept
        (home / f"{one}.yaml").write_text(_WORDS.format(words=whose.replace(".", " ")))
