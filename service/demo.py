"""The demo city: loaded into an empty installation through the same doors that a real city uses."""

from collections.abc import Iterator

from service.settings import Settings


def load_into_empty(settings: Settings) -> Iterator[str]:
    """Load the demo city where there is no edition yet; gives lines to show the operator."""
    yield from ()
