"""Fictional cities as files, and the commands that bring one into force, each timed and weighed."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from pyogrio import raw

from geo.synth import LEVELS, make_city
from tests.scenarios.installation import ROOT, Installation


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds on the clock, seconds of its own processor, its greatest memory."""

    seconds: float
    processor_s: float
    peak_mb: float


def write_city(folder: Path, yards: int, seed: int = 7) -> dict[str, Path]:
    """Write a city as one GeoPackage a level."""
    city = make_city(seed=seed, yards=yards, buildings=False)
    files = {}
    for level in LEVELS:
        grids = city.layers[level]
        columns = {
            "code": [one.code for one in grids],
            "name": [one.name for one in grids],
            "above": [one.parent for one in grids],
        }
        files[level] = folder / f"{level}.gpkg"
        raw.write(
            files[level],
            shapely.to_wkb([one.geometry for one in grids]),
            [np.array(values, dtype=object) for values in columns.values()],
            list(columns),
            geometry_type="Polygon",
            crs="EPSG:4490",
            driver="GPKG",
        )
    return files


def weighed(service: Installation, *words: object) -> Cost:
    """Run a command to its end; what it says goes to the bench's own output where it fails."""
    command = [sys.executable, "-m", "service.cli", *map(str, words)]
    begun = time.monotonic()
    process = subprocess.Popen(
        command, env=service.environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    told = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stderr:
        process.stderr.close()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {told.decode(errors='replace')[-2000:]}")
    return Cost(time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def bring_into_force(service: Installation, files: dict[str, Path], plan: str) -> dict[str, Cost]:
    """Import all levels, check and publish; gives the cost of each command."""
    costs = {}
    for level, path in files.items():
        words = ["--plan", plan, "--level", level, "--code-field", "code", "--name-field", "name"]
        words += ["--base", "empty", *(["--parent-field", "above"] if level != LEVELS[0] else [])]
        costs[f"import {level}"] = weighed(service, "import", path, *words)
    costs["check"] = weighed(service, "check", plan)
    costs["publish"] = weighed(service, "publish", plan)
    return costs
