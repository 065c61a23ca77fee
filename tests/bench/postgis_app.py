"""The service anybody would write first: Flask, a pool of connections, one prepared query a point.

It answers less than we do (three levels by code and name; no distance, no rule, no evidence).
"""

import os
from typing import Any

import msgspec
from flask import Flask, Response, request
from psycopg_pool import ConnectionPool

LEVELS = ("yard", "community", "subdistrict")
FIND = """
    select y.code, y.name, c.code, c.name, s.code, s.name from yard y
    join community c on c.code = y.parent join subdistrict s on s.code = c.parent
    where st_intersects(y.geom, st_setsrid(st_makepoint(%s, %s), 4326)) order by y.code limit 1
"""
app = Flask(__name__)
pool = ConnectionPool(
    os.environ["BENCH_DATABASE"],
    min_size=8,
    max_size=8,
    kwargs={"autocommit": True, "prepare_threshold": 0},
    open=True,
)
_encode = msgspec.json.Encoder().encode


@app.get("/hello")
def hello() -> Response:
    """Answer without work."""
    return Response(_encode({"hello": "world"}), mimetype="application/json")


@app.get("/assign")
def assign() -> Response:
    """Answer one position."""
    with pool.connection() as connection:
        row = connection.execute(FIND, (float(request.args["lon"]), float(request.args["lat"]))).fetchone()
    return Response(_encode(_answer(row)), mimetype="application/json")


def _answer(row: tuple[str, ...] | None) -> dict[str, Any]:
    if row is None:
        return {"chain": []}
    return {
        "chain": [
            {"level": level, "code": row[2 * number], "name": row[2 * number + 1]}
            for number, level in enumerate(LEVELS)
        ]
    }
