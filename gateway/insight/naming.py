"""A subject as people type it, found: our id, its kind and name, or its name alone where only one thing is called that."""

from __future__ import annotations

from gateway.errors import NotFound
from gateway.insight.trace import FAMILIES
from gateway.model.ids import SubjectId, is_id
from gateway.store.brakes import BrakeBook
from gateway.store.vault import Vault

EXAMPLE = "flight:ZZ1007/2026-11-22/AMS"
LINE = "line"
"""All trips that run on a line, line:OPERATOR/LINE: for brakes alone, nothing else is known of one."""


async def find_subject(text: str, vault: Vault, book: BrakeBook, *, prefix: str = "") -> SubjectId:
    """Raises NotFound naming what there is. prefix: what stands before a subject where it was typed.

    With its kind (flight:...) a subject need not be known yet: its first event may be still to come.
    """
    if is_id(text.lower(), "j"):
        return SubjectId(text.lower())
    family, _, entity = text.partition(":")
    if family in (*FAMILIES, LINE) and entity:
        return vault.subject_id(family, entity)
    names = dict.fromkeys((text, text.upper(), text.lower()))
    kinds = {vault.subject_id(family, name): family for name in names for family in FAMILIES}
    found = await book.known(list(kinds))
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(f"{prefix}{one} ({kinds[one]})" for one in found)
        raise NotFound(f"several are called that: {several}")
    raise NotFound(f"nothing is known of that subject. If its first event is still to come, say its kind: {prefix}{EXAMPLE}")
