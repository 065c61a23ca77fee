"""What the index of one edition costs: building it in a fresh process, saving it, attaching it in another."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.bench.ground import yards
from tests.bench.record import Figures

ROUNDS = 5


def cost_of_index(number: int) -> Figures:
    """Build in one process and attach in others; yards are read beforehand, so their memory is known."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        built = _in_process("build", number, path)
        attached = [_in_process("attach", number, path) for _ in range(ROUNDS)]
    return {
        "index: build": ([built["seconds"]], "s"),
        "index: build, processor": ([built["processor_s"]], "s"),
        "index: build, peak memory of the process": ([built["peak_mb"]], "MB"),
        "index: yards in memory before": ([built["before_mb"]], "MB"),
        "index: bytes a face": ([built["bytes_a_face"]], "B"),
        "index: attach": ([1000 * one["seconds"] for one in attached], "ms"),
        "index: attach and first look-up": ([1000 * one["first_s"] for one in attached], "ms"),
    }


def _in_process(step: str, number: int, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.index_cost", step, str(number), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return json.loads(done.stdout)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def build(number: int, path: Path) -> dict[str, float]:
    """Build and save."""
    from geo.locator import Locator
    from geo.locator.saved import save

    polygons = yards(number)
    before = _peak_mb()
    begun, processor = time.perf_counter(), time.process_time()
    locator = Locator.build(polygons, np.arange(len(polygons)))
    seconds, processor_s = time.perf_counter() - begun, time.process_time() - processor
    peak = _peak_mb()
    save(locator, path)
    return {
        "seconds": seconds,
        "processor_s": processor_s,
        "peak_mb": peak,
        "before_mb": before,
        "bytes_a_face": locator.nbytes / len(locator),
    }


def attach(number: int, path: Path) -> dict[str, float]:
    """Attach and answer one point."""
    from geo.locator.saved import attach as attach_index

    begun = time.perf_counter()
    locator = attach_index(path)
    seconds = time.perf_counter() - begun
    west, south, east, north = locator.bounds
    locator.locate((west + east) / 2, (south + north) / 2)
    return {"seconds": seconds, "first_s": time.perf_counter() - begun}


if __name__ == "__main__":
    step, number, path = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    sys.stdout.write(json.dumps({"build": build, "attach": attach}[step](number, path)))
