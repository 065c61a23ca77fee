"""The roster of a demo city, as an office keeps it in a spreadsheet."""

from geo.synth.records import LEVELS, City

COLUMNS = ("编码", "名称", "网格长", "电话", "户数", "人口")


def roster_rows(city: City) -> list[dict[str, str | int | None]]:
    """List the leaders of all grids with the counts of the yards.

    Parameters
    ----------
    city
        From `make_city`.

    Returns
    -------
    rows
        One per grid, from sub-districts down, with the keys `COLUMNS`: code, name, leader, phone, households
        and people. The last two are None above the yards: they are counted where people live.
    """
    leader = {(post.level, post.code): post for post in city.leaders if post.kind == "leader"}
    rows: list[dict[str, str | int | None]] = []
    for level in LEVELS:
        for grid in city.layers[level]:
            post = leader[level, grid.code]
            counts = (grid.households, grid.people) if level == LEVELS[-1] else (None, None)
            values = (grid.code, grid.name, post.holder, post.phone, *counts)
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows
