"""A backup is one tar: the database as pg_dump writes it, and the files kept beside it."""

import json
import subprocess
import tarfile
import tempfile
from datetime import datetime
from pathlib import Path, PurePosixPath

from service import migrate
from service.assignment.saved import FOLDER
from service.embedded import program
from service.errors import Conflict, Invalid
from service.labels.keeping import FOLDER as HISTORIES
from service.owner import give

DUMP, ABOUT, FILES = "database.dump", "about.json", "files"
# Parts of the data folder that are the running cluster, or are made again, or are promised to be gone after a day.
LEFT_OUT = {"postgres", "socket", "cluster.users", "cluster.turn", "postgres.log", FOLDER, HISTORIES}


def write(url: str, data: Path, target: Path, *, at: datetime) -> None:
    """Write a backup; consistent as of one moment while the service runs. May raise Conflict."""
    about = {"schema": migrate.current_revision(url), "made_at": at.isoformat()}
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        dump = Path(folder) / DUMP
        with dump.open("wb") as out:
            _run("pg_dump", "--format=custom", "--no-owner", f"--dbname={url}", stdout=out)
        (Path(folder) / ABOUT).write_text(json.dumps(about), "utf-8")
        made = Path(folder) / "backup.tar"
        with tarfile.open(made, "w") as tar:
            tar.add(Path(folder) / ABOUT, ABOUT)
            tar.add(dump, DUMP)
            for one in sorted(data.iterdir()) if data.is_dir() else ():
                if one.name not in LEFT_OUT:
                    tar.add(one, f"{FILES}/{one.name}")
        made.replace(target)  # whole or not at all


def read(url: str, data: Path, source: Path) -> dict[str, str]:
    """Bring a backup into an installation that was never used. May raise Conflict, Invalid."""
    if migrate.current_revision(url) is not None:
        raise Conflict(
            "This installation is in use. Restore into a new one: set WANGGE_DATA to an empty folder."
        )
    with tempfile.TemporaryDirectory() as folder:
        about = _unpack(source, Path(folder))
        words = ("--no-owner", "--single-transaction", "--exit-on-error", f"--dbname={url}")
        _run("pg_restore", *words, Path(folder) / DUMP)
        for one in sorted((Path(folder) / FILES).glob("*")):
            _run("cp", "-a", one, data)
            for made in (data / one.name, *(data / one.name).rglob("*")):
                give(made, data)
    migrate.upgrade(url)
    return about


def _unpack(source: Path, folder: Path) -> dict[str, str]:
    try:
        with tarfile.open(source) as tar:
            for one in tar:
                # Debian 12's Python has no extraction filters yet.
                if not (one.isfile() or one.isdir()) or not _is_inside(one.name):
                    raise Invalid(f"{source.name} is no backup of Wangge: it holds {one.name!r}.")
                tar.extract(one, folder)
        return json.loads((folder / ABOUT).read_text("utf-8"))
    except (tarfile.TarError, OSError, ValueError, EOFError) as broken:
        raise Invalid(f"{source.name} is not a whole backup of Wangge: {broken}.") from broken


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _run(name: str, *words: str | Path, stdout: object = subprocess.DEVNULL) -> None:
    path = program(name) if name.startswith("pg_") else name
    done = subprocess.run(
        [path, *map(str, words)], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
    )  # type: ignore[call-overload]
    if done.returncode != 0:
        raise Conflict(f"{name} failed, nothing was changed: {done.stderr.strip()[-1000:]}")
