"""Every command of every feature is known to `wangge` under its name, and nothing else is."""

import importlib
from pathlib import Path

import service
from service.cli import FEATURE_OF


def test_the_table_of_commands_is_what_features_bring():
    folder = Path(service.__file__).parent
    brought = {
        command.name: path.parent.name
        for path in folder.glob("*/commands.py")
        for command in importlib.import_module(f"service.{path.parent.name}.commands").COMMANDS
    }
    # The heatmap command comes with supervision.
    assert brought == {name: feature for name, feature in FEATURE_OF.items() if name in brought}
    assert set(FEATURE_OF) - set(brought) <= {"heatmap"}
