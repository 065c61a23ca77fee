"""Point to face: see `Locator`."""

from geo.locator.index import Locator

__all__ = ["Locator"]
