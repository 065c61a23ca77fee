"""Wangge 网格. Commands and background jobs import their feature without loading the web framework."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiflask import APIFlask

    from service.settings import Settings


def create_app(settings: "Settings") -> "APIFlask":
    """Build the web application; the database must be connected."""
    from service.web import build

    return build(settings)
