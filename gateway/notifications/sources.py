"""What people call those that our news comes from ("the airport"), from templates/sources.yaml.

An event names its source as systems do ("/ops/flights"). Where somebody asks how a journey stands they are told who said it, in
a name that they know. A source that is not listed is the brand's own: then its name is told.
"""

from __future__ import annotations

from collections.abc import Mapping

Sources = Mapping[str, Mapping[str, str]]
"""source, or how several begin -> language -> name"""


def names_of(source: str, sources: Sources) -> Mapping[str, str]:
    """Its names by language, of the longest entry that it begins with; empty where there is none."""
    known = [one for one in sources if source == one or source.startswith(one.rstrip("/") + "/")]
    return sources[max(known, key=len)] if known else {}
