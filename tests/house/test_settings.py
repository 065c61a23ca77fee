"""Every setting is documented."""

from pathlib import Path

from service.settings import Settings


def test_settings_are_documented():
    text = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text("utf-8")
    assert [name for name in Settings.model_fields if f"WANGGE_{name.upper()}" not in text] == []
