"""Callers that ask at a steady rate and remember what they heard, and a clock that is wrong in one process."""

import http.client
import json
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from tests.scenarios.installation import Installation

CALLERS = 8
# Shifts the date for the processes whose number is the name of a file in a folder.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static int is_shifted(void) {
    char path[4096];
    const char *folder = getenv("SHIFTED_CLOCKS");
    if (!folder) return 0;
    snprintf(path, sizeof path, "%s/%d", folder, (int)getpid());
    return access(path, F_OK) == 0;
}
int clock_gettime(clockid_t id, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(id, t);
    if (done == 0 && id == CLOCK_REALTIME && is_shifted()) t->tv_sec += 30;
    return done;
}
int gettimeofday(struct timeval *t, void *zone) {
    struct timespec now;
    int done = clock_gettime(CLOCK_REALTIME, &now);
    if (done == 0 && t) { t->tv_sec = now.tv_sec; t->tv_usec = now.tv_nsec / 1000; }
    return done;
}
time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}
"""


class WrongClock:
    """Sets the date of chosen processes 30 seconds ahead; skips the test where nothing compiles C."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("needs a C compiler to shift the clock of one process")
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "shim.c").write_text(SHIM)
        self.folder, self.library = folder, folder / "shim.so"
        command = [compiler, "-shared", "-fPIC", "-o", self.library, folder / "shim.c", "-ldl"]
        subprocess.run(command, check=True)
        self.environment = {"LD_PRELOAD": str(self.library), "SHIFTED_CLOCKS": str(folder)}

    def shift(self, pid: int) -> None:
        """From now on the date of a process is 30 seconds ahead."""
        (self.folder / str(pid)).touch()


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer: when it was asked and heard by our clock (seconds since 1970), and what it said."""

    asked: float
    heard: float
    status: int
    body: dict[str, Any]

    @property
    def answered_at(self) -> datetime:
        """By which moment the answer was given."""
        return datetime.fromisoformat(self.body["answered_at"])


@dataclass
class Callers:
    """Ask one place again and again, so many times a second, over kept connections."""

    service: Installation
    per_second: float
    lon: float
    lat: float
    answers: list[Heard] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __enter__(self) -> "Callers":
        self._ended = threading.Event()
        query = urlencode({"lon": self.lon, "lat": self.lat, "crs": "wgs84"})
        self._target = f"/api/v1/assign?{query}"
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CALLERS)]
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for one in self._threads:
            one.join()

    def _ask(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        step = CALLERS / self.per_second
        due = time.monotonic() + step * number / CALLERS
        while not self._ended.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due + step, time.monotonic() - 1)  # after a pause not all at once
            asked = time.time()
            try:
                connection.request("GET", self._target)
                answer = connection.getresponse()
                body = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.failures.append(f"{type(error).__name__} {error}")
                connection.close()
                continue
            self.answers.append(Heard(asked, time.time(), answer.status, body))
        connection.close()

    def between(self, since: float, until: float) -> list[Heard]:
        """Give the answers to what was asked in a span."""
        return [one for one in list(self.answers) if since <= one.asked < until]

    def p99_ms(self, since: float, until: float) -> float:
        """Give the time under which 99 of 100 answers came."""
        took = [one.heard - one.asked for one in self.between(since, until)]
        return float(np.percentile(took, 99)) * 1000
