"""The web application: build it, register every feature, return it. Nothing else."""

from pathlib import Path
from typing import Any

import structlog
from apiflask import APIFlask
from flask import g, request
from flask_babel import Babel, get_locale
from werkzeug.middleware.proxy_fix import ProxyFix

from service import http, openapi
from service.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def build(settings: Settings) -> APIFlask:
    """Build the application; the database must be connected."""
    from service import doors
    from service.assignment import evidence_views as evidence
    from service.assignment import many_views as assignment
    from service.assignment import rulings_views as rulings
    from service.assignment.in_force import IN_FORCE
    from service.cases import views as cases
    from service.demo import views as demo
    from service.grids import views as grids
    from service.labels import views as labels
    from service.people import guards
    from service.people import token_views as tokens
    from service.people import views as people
    from service.people.usage import USAGE
    from service.places import pages as place_pages
    from service.places import views as places
    from service.supervision import views as supervision
    from service.tiles import plan_tiles
    from service.tiles import views as tiles

    app = APIFlask(
        "service",
        title="Wangge 网格",
        version="1.0",
        spec_path="/api/v1/openapi.json",
        docs_path=None,
        json_errors=False,
        static_folder=str(ROOT / "static"),
        template_folder=str(Path(__file__).parent / "templates"),
    )
    app.config["OPENAPI_VERSION"] = "3.1.0"
    app.config["MAX_CONTENT_LENGTH"] = settings.upload_limit_mb * 1024 * 1024
    app.config["WANGGE"] = settings
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops, hops, hops)  # type: ignore[method-assign]
    http.init_app(app)
    guards.init_app(app)
    openapi.init_app(app)
    Babel(
        app,
        locale_selector=_locale,
        default_translation_directories=str(Path(__file__).parent / "translations"),
    )
    for feature in (
        doors,
        people,
        tokens,
        grids,
        assignment,
        evidence,
        rulings,
        places,
        place_pages,
        labels,
        cases,
        supervision,
        tiles,
        plan_tiles,
        demo,
    ):
        app.register_blueprint(feature.bp)
    http.public(app.view_functions["static"])
    http.lookup(app.view_functions["openapi.spec"])
    app.context_processor(_page_context)
    IN_FORCE.start()
    USAGE.start()
    return app


def _locale() -> str:
    from service.assignment.in_force import IN_FORCE
    from service.errors import NotReady

    try:
        home = IN_FORCE.profile.locale
    except NotReady:
        home = "zh"
    return http.language(home, request.args.get("locale"))


def _page_context() -> dict[str, Any]:
    from service.assignment.in_force import IN_FORCE
    from service.errors import NotReady
    from service.people.guards import opens

    try:
        profile = IN_FORCE.profile.model_dump()
    except NotReady:
        profile = {"name": {"zh": "网格", "en": "Wangge"}, "demo": False, "crs_choices": ["wgs84"]}
    locale = str(get_locale() or "zh")
    principal = g.get("principal")
    return {
        "profile": profile,
        "city_name": profile["name"].get(locale) or next(iter(profile["name"].values())),
        "demo": profile["demo"],
        "opens": opens,
        "locale": locale,
        "person": principal if principal is not None and principal.kind == "person" else None,
        "csrf_token": g.get("csrf_token", ""),
    }


def configure_logs(settings: Settings) -> None:
    """Write one line an event, JSON by default."""
    import logging

    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
