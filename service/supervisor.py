"""One command for all parts: database, web, jobs. What dies is started again; what stops, stops together."""

import contextlib
import ctypes
import importlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

from service.embedded import Cluster
from service.owner import CHECKOUT, prepare_folder, step_down
from service.settings import Settings

PR_SET_PDEATHSIG = 1
CHECK_SECONDS = 0.5
STOP_SECONDS = 20
_libc = ctypes.CDLL(None)


class Part:
    """A process of the service in a group of its own, started again whenever it ends."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.name, self.command, self.environment = name, command, environment
        self.process: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        """Start the part if it does not run; children of a killed one are ended first."""
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            _say(f"{self.name} ended with {self.process.returncode}; starting it again")
            _end_group(self.process.pid, signal.SIGKILL)
        self.process = subprocess.Popen(
            self.command,
            cwd=CHECKOUT,
            env=self.environment,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )

    def stop(self) -> None:
        """Ask the part to stop and wait; after a while end it."""
        if self.process is None:
            return
        _end_group(self.process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        _end_group(self.process.pid, signal.SIGKILL)


def serve() -> None:
    """Run everything until SIGTERM or SIGINT."""
    settings = Settings()
    signal.signal(signal.SIGTERM, _interrupt)
    prepare_folder(settings.data)
    cluster = None if settings.database_url else Cluster(settings.data)
    parts: list[Part] = []
    try:
        _hold(cluster)
        from service import runtime

        url = cluster.url if cluster else settings.database_url.get_secret_value()  # type: ignore[union-attr]
        runtime.prepare(url, settings, demo=settings.demo)
        parts = _parts(settings, url)
        for part in parts:
            part.keep()
        _say(f"Wangge listens on {address(settings)}")
        _start_demo(settings, url)
        while True:
            if cluster is not None and not cluster.is_running():
                _say("postgres ended; starting it again")
                cluster.start()
            for part in parts:
                part.keep()
            time.sleep(CHECK_SECONDS)
    except KeyboardInterrupt:
        _say("stopping")
    finally:
        for part in reversed(parts):
            part.stop()
        if cluster is not None:
            cluster.release()


def _hold(cluster: Cluster | None) -> None:
    """Start the database, and meanwhile load what talks to it: each takes about a second."""
    with ThreadPoolExecutor(1) as beside:
        loading = beside.submit(importlib.import_module, "service.runtime")
        if cluster is not None:
            cluster.hold()
        loading.result()


def address(settings: Settings) -> str:
    """Give the address people open."""
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{settings.host}:{settings.port}"


def _start_demo(settings: Settings, url: str) -> None:
    """Load what is missing of the demo city, beside the running service; it says itself what it does."""
    from service import db
    from service.demo import accounts, state

    engine = db.connect(url)
    with db.Session() as session:
        is_demo, is_whole = state.is_demo(session), state.has_reports(session)
    engine.dispose()
    if is_demo and not is_whole:
        command = [*step_down(settings.data), sys.executable, "-m", "service.cli", "demo"]
        subprocess.Popen(command, cwd=CHECKOUT, env=_environment(settings, url), preexec_fn=_die_with_parent)
    elif is_demo:
        for line in accounts.lines(accounts.read(settings.demo_folder)):
            _say(line)


def _environment(settings: Settings, url: str) -> dict[str, str]:
    return os.environ | {"WANGGE_DATABASE_URL": url, "WANGGE_DATA": str(settings.data)}


def _parts(settings: Settings, url: str) -> list[Part]:
    environment = _environment(settings, url)
    down = step_down(settings.data)
    web = [*down, sys.executable, "-m", "granian", "--interface", "wsgi", "service.wsgi:app"]
    web += ["--host", settings.host, "--port", str(settings.port), "--workers", str(settings.workers)]
    web += ["--blocking-threads", "8", "--respawn-failed-workers", "--backpressure", "64", "--no-ws"]
    web += ["--log-level", "error"]
    if settings.tls_certificate:
        web += ["--ssl-certificate", str(settings.tls_certificate), "--ssl-keyfile", str(settings.tls_key)]
    jobs = [*down, sys.executable, "-m", "service.cli", "worker"]
    return [Part("web", web, environment), Part("jobs", jobs, environment)]


def _die_with_parent() -> None:
    # A killed supervisor must not leave a web server behind that holds the port.
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _end_group(pid: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, how)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
