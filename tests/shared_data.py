"""Real third-party data that stays outside the project; tests that need it are skipped where it is absent."""

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("WANGGE_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def shared(*parts: str) -> Path:
    """Give the path of a shared data file, or skip the test that asked."""
    path = ROOT.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"third-party data not here: {path} (set WANGGE_SHARED_DATA)")
    return path
