"""What our own parsing takes, written into the OpenAPI document from the models that do the parsing."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from apiflask import APIFlask
from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])
TEXT = {"type": "string"}


def takes(
    *, query: type[BaseModel] | None = None, body: type[BaseModel] | None = None, texts: tuple[str, ...] = ()
) -> Callable[[View], View]:
    """Declare what a route reads: query, JSON body, and media types of bodies that are plain text."""

    def mark(view: View) -> View:
        view.takes = (query, body, texts)  # type: ignore[attr-defined]
        return view

    return mark


def init_app(app: APIFlask) -> None:
    """Write what the marked routes take into the document."""

    @app.spec_processor
    def describe(spec: dict[str, Any]) -> dict[str, Any]:
        for rule in app.url_map.iter_rules():
            marked = getattr(app.view_functions[rule.endpoint], "takes", None)
            path = spec["paths"].get(re.sub(r"<(?:[^:]*:)?([^>]+)>", r"{\1}", rule.rule), {})
            for method in (rule.methods or set()) & {name.upper() for name in path}:
                if marked is not None:
                    _describe(path[method.lower()], *marked)
        return spec


def _describe(
    operation: dict[str, Any],
    query: type[BaseModel] | None,
    body: type[BaseModel] | None,
    texts: tuple[str, ...],
) -> None:
    if query is not None:
        schema = _inlined(query)
        operation.setdefault("parameters", []).extend(
            {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": one}
            for name, one in schema["properties"].items()
        )
    content = {"application/json": {"schema": _inlined(body)}} if body is not None else {}
    content |= {text: {"schema": TEXT} for text in texts}
    if content:
        operation["requestBody"] = {"required": True, "content": content}


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    if "$defs" in schema:
        raise TypeError(f"{model.__name__} has nested models: keep what routes take flat")
    return schema
