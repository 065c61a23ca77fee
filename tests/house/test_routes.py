"""Every route is guarded or declared public; what is guarded refuses strangers."""

from service.http import LOOKUP, PUBLIC
from service.people.permissions import Permission


def test_every_route_is_guarded_or_public(app):
    lost = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if not (
            getattr(app.view_functions[rule.endpoint], "guard", None) in (PUBLIC, LOOKUP)
            or isinstance(getattr(app.view_functions[rule.endpoint], "guard", None), Permission)
        )
    ]
    assert lost == []


def test_guarded_routes_refuse_strangers(app, client):
    for rule in app.url_map.iter_rules():
        if isinstance(getattr(app.view_functions[rule.endpoint], "guard", None), Permission):
            path = rule.rule
            for name in rule.arguments:
                path = path.replace(f"<{name}>", "x")
            if "<" in path:
                continue
            method = next(iter(rule.methods - {"HEAD", "OPTIONS"}))
            assert client.open(path, method=method).status_code == 401, path


def test_settings_are_documented():
    from pathlib import Path

    from service.settings import Settings

    text = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text("utf-8")
    assert [name for name in Settings.model_fields if f"WANGGE_{name.upper()}" not in text] == []
