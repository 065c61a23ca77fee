"""import: a fictional city of 10,000 and of 60,000 yards from files into force, by command."""

import sys
import tempfile
from pathlib import Path

from tests.bench.cities import bring_into_force, write_city
from tests.bench.record import keep
from tests.scenarios.installation import installed

SIZES = (10_000, 60_000)


def main() -> None:
    """Run each size once on a private cluster of its own."""
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    cases: dict[str, tuple[list[float], str]] = {}
    for yards in sizes:
        with tempfile.TemporaryDirectory() as folder, installed() as service:
            files = write_city(Path(folder), yards)
            service.told("editions")  # the cluster is made and the schema is there
            costs = bring_into_force(service, files, "bench")
        name = f"{yards:,} yards"
        for step, cost in costs.items():
            cases[f"{name}: {step}"] = ([cost.seconds], "s")
            cases[f"{name}: {step}, processor"] = ([cost.processor_s], "s")
        cases[f"{name}: all"] = ([sum(cost.seconds for cost in costs.values())], "s")
        cases[f"{name}: peak memory"] = ([max(cost.peak_mb for cost in costs.values())], "MB")
    keep("import", cases, {})


if __name__ == "__main__":
    main()
