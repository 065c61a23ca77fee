"""Run functions in turns on one core, so that what else the machine does falls on all of them."""

import os
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Result = TypeVar("Result")


def on_one_core() -> set[int]:
    """Keep this process on its last core and say which."""
    cores = {max(os.sched_getaffinity(0))}
    os.sched_setaffinity(0, cores)
    return cores


def timed(run: Callable[[], Result]) -> tuple[float, Result]:
    """Run once: seconds on the clock, and what came out."""
    begun = time.perf_counter()
    found = run()
    return time.perf_counter() - begun, found


def in_turns(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Run everything in turns, each round in the other direction; seconds of every run."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        for name in list(runs)[:: 1 if number % 2 == 0 else -1]:
            seconds[name].append(timed(runs[name])[0])
    return seconds
