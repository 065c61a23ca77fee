"""GDAL at arm's length: a short-lived process (`gdal_child`) opens each file and may fail without harm."""

import json
import logging
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import UnreadableFile

CHILD = Path(__file__).with_name("gdal_child.py")
TIMEOUT_S = 600
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GdalLayer:
    """A layer as GDAL reads it: feature ids and geometries of shape (n,), columns, coordinate system."""

    fids: NDArray[np.int64]
    geometries: NDArray[np.object_]
    columns: dict[str, list[Any]]
    crs: str | None


def describe(path: Path) -> list[dict[str, Any]]:
    """List layers with driver, count, fields and samples; raises UnreadableFile."""
    with tempfile.TemporaryDirectory(prefix="wangge-gdal-") as out:
        return _run(path, Path(out), do="describe")["layers"]


def read_layer(path: Path, *, layer: str | None, columns: bool = True) -> GdalLayer:
    """Read a layer.

    Parameters
    ----------
    path
        A file or folder of our own staging area: checked, and under a name that we gave.
    layer
        Its name; None takes the first.
    columns
        Whether to read attributes.

    Returns
    -------
    layer
        Two-dimensional geometries; None where a feature has none.

    Raises
    ------
    UnreadableFile
        GDAL can't read it, reads it only in part, needs too long or falls over.
    """
    with tempfile.TemporaryDirectory(prefix="wangge-gdal-") as out:
        answer = _run(path, Path(out), do="read", layer=layer, columns=columns)
        fids = np.load(Path(out) / "fids.npy")
        lengths = np.load(Path(out) / "lengths.npy")
        blob = (Path(out) / "wkb.bin").read_bytes()
    ends = np.cumsum(lengths).tolist()
    wkb = [blob[start:end] or None for start, end in zip([0, *ends], ends, strict=False)]
    # NaN among the coordinates is left for `check_polygons` to name.
    with np.errstate(invalid="ignore"):
        geometries = shapely.from_wkb(np.array(wkb, dtype=object), on_invalid="ignore")
    broken = [
        row for row, (raw, shape) in enumerate(zip(wkb, geometries, strict=True), 1) if raw and shape is None
    ]
    if broken:
        raise UnreadableFile(
            f"{len(broken)} of {len(wkb)} features have a damaged geometry, such as a ring that is not closed "
            f"(row {', '.join(map(str, broken[:10]))}). Repair the layer and export it again.",
            rows=broken[:10],
        )
    return GdalLayer(fids, geometries, answer["columns"], answer["crs"])


def _run(path: Path, out: Path, **request: Any) -> dict[str, Any]:
    (out / "request.json").write_text(
        json.dumps({"path": str(path), "out": str(out), **request}, ensure_ascii=False), encoding="utf-8"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(CHILD), str(out / "request.json")],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, cwd=out,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise UnreadableFile(
            f"Reading the file was stopped after {TIMEOUT_S} s. Send it in smaller parts or as a GeoPackage."
        ) from error
    answer_path = out / "answer.json"
    if done.returncode != 0 or not answer_path.exists():
        log.warning("gdal fell over", extra={"returncode": done.returncode, "stderr": done.stderr[-2000:]})
        raise UnreadableFile(
            "The file is damaged in a way that stopped the reader. Open it in a desktop GIS, export it "
            "again, "
            "and send the new file."
        )
    answer = json.loads(answer_path.read_text(encoding="utf-8"))
    if "error" in answer:
        # Paths of the staging area say nothing to the sender.
        reason = answer["error"].replace(str(path.parent) + "/", "").strip().rstrip(".")
        raise UnreadableFile(
            f"The file can't be read: {reason[:300]}. Open it in a desktop GIS, export it again, and "
            "send the new file.",
            reason=reason[:300],
        )
    return answer
