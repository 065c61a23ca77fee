"""What our own parsing takes, written into the OpenAPI document from the models that do the parsing."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from apiflask import APIFlask
from pydantic import BaseModel

View = TypeVar("View", bound=Callable[..., Any])
TEXT = {"type": "string"}


def takes(
    *,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    many: bool = False,
    texts: tuple[str, ...] = (),
    headers: Mapping[str, int] | None = None,
) -> Callable[[View], View]:
    """Declare what a route reads.

    The query, the JSON body (or, with `many`, a list of them), media types of bodies that are plain text,
    optional headers with their greatest lengths.
    """

    def mark(view: View) -> View:
        view.takes = (query, body, many, texts, headers or {})  # type: ignore[attr-defined]
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
    many: bool,
    texts: tuple[str, ...],
    headers: Mapping[str, int],
) -> None:
    if query is not None:
        schema = _inlined(query)
        operation.setdefault("parameters", []).extend(
            {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": one}
            for name, one in schema["properties"].items()
        )
    for name, longest in headers.items():
        schema = {**TEXT, "minLength": 1, "maxLength": longest}
        operation.setdefault("parameters", []).append({"name": name, "in": "header", "schema": schema})
    content: dict[str, Any] = {}
    if body is not None:
        one = _inlined(body)
        content["application/json"] = {
            "schema": {"oneOf": [one, {"type": "array", "items": one}]} if many else one
        }
    content |= {text: {"schema": TEXT} for text in texts}
    if content:
        operation["requestBody"] = {"required": True, "content": content}


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    if "$defs" in schema:
        raise TypeError(f"{model.__name__} has nested models: keep what routes take flat")
    return schema
