"""An installation as an operator has it: commands in processes of their own, and the service on a port."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely

from service.owner import SERVICE_ACCOUNT

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90


class Installation:
    """A data folder of its own; the database at `url`, or the private cluster in the folder."""

    def __init__(self, folder: Path, url: str | None = None, **more: str) -> None:
        self.folder = folder
        self.port, self.log = 0, None
        self.server: subprocess.Popen[bytes] | None = None
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
        clean.pop("PYTHONDONTWRITEBYTECODE", None)
        # Processes that step down can't write beside the sources; compiling at each start takes seconds.
        compiled = Path(tempfile.gettempdir()) / "wangge-scenario-bytecode"
        compiled.mkdir(exist_ok=True)
        with contextlib.suppress(PermissionError):  # it belongs to somebody else, and is open to us
            compiled.chmod(0o1777)
        clean["PYTHONPYCACHEPREFIX"] = str(compiled)
        self.environment = {
            **clean,
            "PYTHONPATH": str(ROOT),
            "WANGGE_DATA": str(folder),
            "WANGGE_DEMO": "0",
            **more,
        }
        if url is not None:
            self.environment["WANGGE_DATABASE_URL"] = url

    def run(self, *words: object, given: str | None = None, seconds: float = 600) -> Any:
        """Run one command to its end."""
        command = [sys.executable, "-m", "service.cli", *map(str, words)]
        return subprocess.run(
            command,
            env=self.environment,
            cwd=ROOT,
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def told(self, *words: object, status: int = 0, given: str | None = None) -> str:
        """Run a command that must end with a status and give what it printed."""
        done = self.run(*words, given=given)
        assert done.returncode == status, (words, done.stdout[-2000:], done.stderr[-4000:])
        return done.stdout

    def start(self) -> None:
        """Start the service and wait until it is ready."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        if self.log is not None:
            self.log.close()
        self.log = (self.folder.parent / f"{self.folder.name}.log").open("ab")
        command = [sys.executable, "-m", "service.cli", "serve"]
        environment = {**self.environment, "WANGGE_PORT": str(self.port)}
        self.server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=self.log, stderr=self.log)
        self.wait_ready()

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until the service answers 200 at /readyz."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            assert self.server is None or self.server.poll() is None, "the service ended"
            time.sleep(0.2)
        raise AssertionError("the service is not ready")

    def stop(self) -> None:
        """Stop the service as an operator does."""
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(60)
            self.server = None
            self.log.close()

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """Ask once on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body.encode() if isinstance(body, str) else body, named)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextlib.contextmanager
def installed(url: str | None = None, **more: str) -> Iterator[Installation]:
    """Give an installation in a fresh folder that root's service account can reach; gone afterwards."""
    outer = Path(tempfile.mkdtemp(prefix="wangge-scenario-"))
    outer.chmod(0o755)
    one = Installation(outer / "data", url, **more)
    try:
        yield one
    finally:
        one.stop()
        shutil.rmtree(outer, ignore_errors=True)


def account_runs_python() -> bool:
    """Tell whether the account that root steps down to can start this interpreter by itself."""
    if os.geteuid() != 0:
        return True
    words = ["setpriv", f"--reuid={SERVICE_ACCOUNT}", f"--regid={SERVICE_ACCOUNT}", "--init-groups"]
    command = [*words, "sh", "-c", '"$0" -c 1', sys.executable]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def write_map(path: Path, features: list[tuple[dict[str, str], shapely.Geometry]]) -> Path:
    """Write features as GeoJSON."""
    listed = [
        {"type": "Feature", "properties": one, "geometry": json.loads(shapely.to_geojson(shape))}
        for one, shape in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}), encoding="utf-8")
    return path
