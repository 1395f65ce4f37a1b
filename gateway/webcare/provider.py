"""Whoever else says who agents are: the provider, and which of its groups mean which rights.

The table is a YAML file, group -> rights:

    webcare-nl: [agent@nl]
    webcare-leads: [supervisor@nl, supervisor@be]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gateway.errors import SettingsError
from gateway.model.agent import parse_right
from gateway.oidc import OidcClient
from gateway.rules.rights import rights_of
from gateway.store.pending import Pending
from gateway.store.tries import Tries

BACK = "/login/provider/back"


@dataclass(frozen=True, slots=True)
class Provider:
    """claim: where it names groups; console: how browsers reach the console, https://desk.example.org

    pending: what was begun and waits for them to come back; tries: how often that may be done from one place
    grace_s: so long sessions go on while it does not answer; what is past that is locked until it does
    """

    client: OidcClient
    groups: Mapping[str, tuple[str, ...]]
    claim: str
    console: str
    pending: Pending
    tries: Tries
    grace_s: float = 3600.0

    @property
    def back(self) -> str:
        return self.console.rstrip("/") + BACK

    def rights(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        """The rights of whoever has these claims; none where no group is in the table."""
        named = claims.get(self.claim)
        held = [named] if isinstance(named, str) else named if isinstance(named, list) else []
        return rights_of([one for one in held if isinstance(one, str)], self.groups)

    async def goodbye(self) -> str:
        return await self.client.goodbye(self.console.rstrip("/") + "/login")


def name_of(claims: Mapping[str, Any]) -> tuple[str, str]:
    """(what they sign in with, what colleagues see) of somebody with these claims."""
    words = [" ".join(str(claims[one]).split()) for one in ("preferred_username", "email", "name") if claims.get(one)]
    signs_in = (words[0] if words else "agent")[:64]
    shown = " ".join(str(claims.get("name") or "").split()) or signs_in.partition("@")[0]
    return signs_in, shown[:80] or "Agent"


def read_groups(path: Path) -> dict[str, tuple[str, ...]]:
    """The table. Raises SettingsError with every problem of the file."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"GATEWAY_OIDC_GROUPS_FILE: {path} cannot be read ({error.strerror})"]) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise SettingsError([f"GATEWAY_OIDC_GROUPS_FILE: {path} is no YAML"]) from None
    if not isinstance(found, dict) or not found:
        raise SettingsError([f"GATEWAY_OIDC_GROUPS_FILE: {path} should say `group: [right, ...]`, a line for each group"])
    problems, table = [], {}
    for group, rights in found.items():
        listed = [rights] if isinstance(rights, str) else rights
        if not isinstance(listed, list) or not all(isinstance(one, str) and parse_right(one) for one in listed):
            problems.append(f"GATEWAY_OIDC_GROUPS_FILE: {group}: should be rights such as [agent@nl, senior@nl/service]")
            continue
        table[str(group)] = tuple(listed)
    if problems:
        raise SettingsError(problems)
    return table
