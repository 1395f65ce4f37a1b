"""These need a cluster: `scripts/test cluster`, which sets TEST_STORE=cluster."""

from __future__ import annotations

import pytest

from tests.conftest import ON_CLUSTER


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not ON_CLUSTER:
        for item in items:
            if "tests/cluster/" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason="needs TEST_STORE=cluster"))
