"""What a bench leaves has the agreed shape, and its load counts what was really answered."""

import http.server
import json
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from tests.bench import load, record


def test_the_file_has_versions_cases_and_ratios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_BENCH_FOLDER", str(tmp_path))
    path = record.keep("x", {"hello": ([3.0, 1.0, 2.0], "requests/s")}, {"assign/hello": [0.5, 0.25]})
    told = json.loads(path.read_text())
    assert path == tmp_path / "x.json"
    assert told["cases"] == {"hello": {"min": 1.0, "median": 2.0, "max": 3.0, "unit": "requests/s"}}
    assert told["ratios"] == {"assign/hello": {"min": 0.25, "median": 0.375, "max": 0.5}}
    assert {"python", "shapely"} <= told["versions"].keys()


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        Answering.seen.append(self.path)
        self.send_response(200 if self.path != "/bad" else 500)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"abc")

    def log_message(self, *words: object) -> None:
        """Keep quiet."""


def test_the_load_counts_each_answer_once_and_takes_no_failure() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        done = load.run(server.server_port, ["/a", "/b"] * load.BATCH, connections=2, seconds=0.2)
        assert done.answers == len(Answering.seen) > 0
        connection = load.Connection(server.server_port)
        with pytest.raises(RuntimeError, match="500"):
            connection.exchange(load.batches(["/bad"] * load.BATCH)[0], load.BATCH)
        connection.socket.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
