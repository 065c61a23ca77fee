"""Databases in which work is really committed, one for each scenario that asks."""

import os
from collections.abc import Callable, Iterator

import pytest

from service.embedded import Cluster
from tests.conftest import make_database
from tests.scenarios.installation import Installation, installed


@pytest.fixture(scope="module")
def install(cluster: Cluster) -> Iterator[Callable[..., Installation]]:
    """Give a maker of installations on fresh databases of the test cluster."""
    opened = []

    def make(name: str, **more: str) -> Installation:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        context = installed(make_database(cluster, f"scenario_{worker}_{name}"), **more)
        opened.append(context)
        return context.__enter__()

    yield make
    for context in reversed(opened):
        context.__exit__(None, None, None)
