"""What a bench leaves: a table to read and a file to compare, minimum, median and maximum of each case."""

import importlib.metadata
import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
NAMED = (
    *("flask", "granian", "numpy", "pyarrow", "pyogrio", "shapely", "sqlalchemy"),
    *("duckdb", "geoindex-rs", "geopandas", "h3ronpy", "sedonadb", "tipg"),
)
Figures = Mapping[str, tuple[Sequence[float], str]]


def folder() -> Path:
    """Give where results are kept."""
    return Path(os.environ.get("WANGGE_BENCH_FOLDER", ROOT / "var" / "bench"))


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def spread(values: Sequence[float]) -> dict[str, float]:
    """Give the least, the middle and the greatest."""
    return {
        "min": round(min(values), 4),
        "median": round(statistics.median(values), 4),
        "max": round(max(values), 4),
    }


def keep(name: str, cases: Figures, ratios: Mapping[str, Sequence[float]]) -> Path:
    """Print a table and write ``var/bench/NAME.json``."""
    body = {
        "versions": {"python": platform.python_version()}
        | {one: version for one in NAMED if (version := _version(one))},
        "cores": len(os.sched_getaffinity(0)),
        "cases": {case: {**spread(values), "unit": unit} for case, (values, unit) in cases.items()},
        "ratios": {ratio: spread(values) for ratio, values in ratios.items()},
    }
    path = folder() / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    table = Table("case", "min", "median", "max", "unit", title=name)
    for case, one in body["cases"].items():
        table.add_row(case, *(f"{one[key]:,.2f}" for key in ("min", "median", "max")), one["unit"])
    for ratio, one in body["ratios"].items():
        table.add_row(ratio, *(f"{one[key]:.3f}" for key in ("min", "median", "max")), "ratio")
    Console(width=110).print(table)
    return path
