"""The private PostGIS cluster in the data folder: made, started and stopped by whoever needs it.

Every user holds a shared lock on ``cluster.users``; whoever lets go last stops the server. ``cluster.turn``
is held only while somebody starts or stops it, so that two never do so at once.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from service.owner import prepare_folder, step_down

ACCOUNT = DATABASE = "wangge"
START_SECONDS = 60
SOCKET_PATH_LIMIT = 90  # the kernel takes 107 bytes, PostgreSQL adds its own file name


class ClusterNotStarted(Exception):
    """The private PostgreSQL cluster does not start."""


class Cluster:
    """A PostgreSQL server on a socket in a folder nobody else may enter."""

    def __init__(self, data: Path, *, options: str = "") -> None:
        self.data = data.resolve()
        self.folder = self.data / "postgres"
        self.socket_folder = _socket_folder(self.data)
        self.options = options
        self._users: IO[str] | None = None

    @property
    def url(self) -> str:
        """Give the address of the service's database."""
        return f"postgresql://{ACCOUNT}@/{DATABASE}?host={self.socket_folder}"

    def hold(self) -> None:
        """Start the server if it does not run and keep it running until ``release``."""
        prepare_folder(self.data)
        with self._turn():
            self._users = self._open("cluster.users")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            self._prepare()
            self.start()
            self._make_database()

    def release(self) -> None:
        """Let go; the last user stops the server."""
        if self._users is None:
            return
        with self._turn():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                self.stop()
            self._users.close()
            self._users = None

    def start(self) -> None:
        """Start the server; retries while the children of a killed postmaster are still leaving."""
        deadline = time.monotonic() + START_SECONDS
        while not self.is_running():
            options = f"-k {self.socket_folder} -c listen_addresses='' {self.options}"
            done = self._run(
                "pg_ctl",
                "-D",
                self.folder,
                "-l",
                self.data / "postgres.log",
                "-o",
                options,
                "-w",
                "-t",
                "50",
                "start",
            )
            if done.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise ClusterNotStarted(f"{done.stderr or done.stdout} See {self.data / 'postgres.log'}")
            time.sleep(0.5)

    def stop(self) -> None:
        """Stop the server; open connections are closed, committed work is kept."""
        self._run("pg_ctl", "-D", self.folder, "-m", "fast", "-w", "-t", "25", "stop")

    def is_running(self) -> bool:
        """Tell whether the server takes connections."""
        answer = self._run("pg_isready", "-h", self.socket_folder, "-U", ACCOUNT, "-t", "2")
        return answer.returncode == 0

    def _prepare(self) -> None:
        self.socket_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            owner = self.data.stat()
            os.chown(self.socket_folder, owner.st_uid, owner.st_gid)
        if self.socket_folder.stat().st_uid != self.data.stat().st_uid:
            raise ClusterNotStarted(f"{self.socket_folder} belongs to somebody else")
        if (self.folder / "PG_VERSION").exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        words = ("-A", "trust", "-U", ACCOUNT, "-E", "UTF8", "--locale=C.UTF-8", "-D", self.folder)
        done = self._run("initdb", *words)
        if done.returncode != 0:
            raise ClusterNotStarted(done.stderr)

    def _make_database(self) -> None:
        question = f"select 1 from pg_database where datname = '{DATABASE}'"  # noqa: S608 - a constant
        found = self._psql("postgres", question)
        if found.stdout.strip() != "1":
            self._psql("postgres", f"create database {DATABASE}")

    def _psql(self, database: str, statement: str) -> subprocess.CompletedProcess[str]:
        return self._run("psql", "-h", self.socket_folder, "-U", ACCOUNT, "-d", database, "-Atqc", statement)

    def _run(self, name: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [*step_down(self.data), str(program(name)), *map(str, words)]
        # Output goes to a file: a server that pg_ctl leaves behind would hold a pipe open for ever.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run(
                command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd="/", check=False
            )
            out.seek(0), err.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, out.read(), err.read())

    def _open(self, name: str) -> IO[str]:
        path = self.data / name
        opened = path.open("a")
        if os.geteuid() == 0:
            owner = self.data.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
        return opened

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._open("cluster.turn") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield


def _socket_folder(data: Path) -> Path:
    inside = data / "socket"
    if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
        return inside
    short = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"wangge-{short}"


def program(name: str) -> Path:
    """Find a PostgreSQL program: Debian keeps them off the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/" + name), key=lambda p: int(p.parts[4]))
    if versions:
        return versions[-1]
    found = shutil.which(name)
    if found is None:
        raise ClusterNotStarted(f"{name} is not installed. Run script/setup, or set WANGGE_DATABASE_URL.")
    return Path(found)
