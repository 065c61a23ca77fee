"""A run over a file in a process of its own, on maps of squares: to be killed, continued and weighed."""

import json
import resource
import sys
import time
from pathlib import Path

from geo.crs import parse_crs
from service.assignment import formats
from service.assignment.formats import Blocks, Where
from service.assignment.outputs import Output, identity
from service.assignment.runs import Asked, run
from tests.service.assignment.maps_of_squares import LEVELS, in_force_with, question, two_districts


def main(given: str, output: str, form: str, resume: str, block: str) -> None:
    """Answer a CSV into a file; print the greatest memory in MB and how many rows an earlier run had answered."""
    asked = Asked(in_force_with(two_districts()), question(), LEVELS, parse_crs("wgs84"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = Path(given)
    with (
        path.open("rb") as stream,
        Output(Path(output), {"input": identity(path)}, resume=resume != "") as out,
    ):
        source = formats.open_text("csv", Blocks(stream, None, int(block), int(block)), Where(), tabular=True)
        encoder = formats.encoder(form, source.schema, asked.added, asked.crs)
        done = out.rows
        for piece in run(source, encoder, asked, done=done):
            out.write(piece.data, piece.rows, piece.failed)
            time.sleep(1.1 if resume == "slowly" else 0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    told = {"grown_mb": grown, "done": done, "rows": out.rows, "failed": out.failed}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
