"""The shipped templates/, read and checked once a process: each house and each command asks for all of it, which takes longer
than most tests, and no test changes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.notifications import catalogue
from gateway.notifications.catalogue import Catalogue
from gateway.notifications.expressions import Failure

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@contextmanager
def read_once() -> Iterator[None]:
    """While this lasts `catalogue.load` answers with the same catalogue again; another folder is read as ever."""
    load = catalogue.load
    found: list[Catalogue] = []

    def once(directory: Path, *, public: str = "", failed: Failure | None = None) -> Catalogue:
        if failed is not None or directory.resolve() != TEMPLATES:
            return load(directory, public=public, failed=failed)
        # Of whichever address: each house has its own port, and a template pushed by one is another's as well.
        if not found:
            found.append(load(directory))
        return found[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "load", once)
        yield
