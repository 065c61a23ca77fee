"""The shifts of Chinese web maps: GCJ-02 (Amap, Tencent, Google in China) and BD-09 (Baidu).

The formulas are the published ones, found by reverse engineering and never confirmed by the authority:
Krasovsky ellipsoid, ``a = 6378245``, ``ee = 0.00669342162296594323``; they appear alike in eviltransform,
PRCoords (CC0) and coordtransform. By common report they agree with the map services to about a metre, and no
better is known.

The scalar and the array path run the same lines, once with `math` and once with `numpy`, and take a fixed
number of steps: a point alone and the same point in a batch come out bit for bit equal.
"""

import math
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

SEMI_MAJOR_M = 6378245.0
ECCENTRICITY_2 = 0.00669342162296594323
BD_ANGLE = math.pi * 3000 / 180
BD_LON, BD_LAT = 0.0065, 0.006
# Each step of p = shifted - offset(p) shrinks the error some 170 times: 4 m, 2.5 cm, 0.15 mm, 1 µm.
STEPS = 4
# Arrays of this many points stay in the processor's cache: a third faster than one pass over a million.
CHUNK = 8192

# Where the shift is applied: mainland China, drawn by hand after Natural Earth 1:110m (public domain) with
# some 30 km to spare, so that the cities at the border are inside.
OUTLINE = shapely.Polygon(
    [
        (73.0, 39.3), (73.7, 40.3), (76.2, 41.0), (78.0, 41.6), (79.6, 42.4), (79.7, 45.3), (82.1, 46.0),
        (83.0, 47.7), (85.1, 47.6), (85.5, 48.7), (87.7, 49.6), (89.0, 48.4), (91.2, 47.1), (91.4, 45.8),
        (93.6, 45.4), (95.3, 44.7), (96.6, 43.2), (100.9, 43.1), (104.9, 42.2), (110.2, 43.3),
        (111.1, 44.8), (111.9, 45.5), (113.5, 45.3), (116.2, 46.4), (116.2, 47.2), (115.2, 48.0),
        (115.2, 48.4), (116.6, 50.3), (117.8, 50.0), (118.8, 50.5), (119.8, 52.0), (119.6, 52.8),
        (120.5, 53.7), (123.6, 54.0), (126.3, 53.1), (128.0, 50.3), (130.8, 49.1), (131.4, 48.4),
        (132.5, 48.4), (134.6, 48.9), (135.4, 48.4), (133.6, 44.9), (131.6, 44.4), (131.4, 42.9),
        (130.9, 42.2), (129.8, 42.3), (128.7, 41.9), (128.2, 41.2), (126.8, 41.3), (124.5, 39.6),
        (123.5, 38.8), (123.3, 36.8), (121.8, 35.6), (123.0, 32.0), (123.5, 30.5), (122.8, 28.5),
        (121.6, 27.0), (120.4, 25.6), (119.9, 24.9), (118.5, 24.2), (117.5, 23.2), (116.5, 22.4),
        (114.6, 21.8), (113.5, 21.6), (111.3, 20.8), (111.6, 19.7), (110.6, 18.2), (109.6, 17.8),
        (108.2, 18.5), (108.2, 19.6), (108.6, 20.6), (108.2, 21.3), (106.9, 21.6), (105.6, 22.7),
        (102.4, 22.0), (101.8, 20.8), (99.1, 21.7), (98.6, 23.0), (97.2, 23.8), (97.4, 25.1), (98.2, 26.2),
        (97.6, 28.0), (96.0, 28.2), (94.6, 28.6), (92.6, 27.5), (90.1, 27.8), (88.8, 26.9), (88.3, 27.5),
        (85.7, 27.8), (82.2, 29.8), (81.0, 29.8), (79.6, 30.5), (78.4, 31.3), (78.1, 32.8), (78.3, 34.2),
        (77.6, 35.1), (75.9, 35.7), (74.5, 37.2), (73.6, 38.2),
    ],
    holes=[
        # Hong Kong, drawn a few hundred metres south of the Shenzhen river.
        [(113.85, 22.15), (113.85, 22.43), (113.95, 22.46), (114.03, 22.495), (114.07, 22.505),
         (114.11, 22.525), (114.15, 22.54), (114.30, 22.54), (114.42, 22.55), (114.50, 22.44),
         (114.50, 22.15)],
        # Macau.
        [(113.534, 22.213), (113.534, 22.175), (113.55, 22.15), (113.552, 22.105), (113.61, 22.105),
         (113.61, 22.18), (113.56, 22.213)],
    ],
)  # fmt: skip
shapely.prepare(OUTLINE)
WEST, SOUTH, EAST, NORTH = OUTLINE.bounds


def is_shifted(lon: Any, lat: Any) -> Any:
    """Tell whether the map services shift a place.

    Parameters
    ----------
    lon, lat
        WGS84 degrees, numbers or arrays of one shape.

    Returns
    -------
    inside
        True inside a rough outline of mainland China with Hainan.

    Notes
    -----
    The known libraries ask a rectangle and so also shift Hong Kong, Macau, Taiwan, Seoul and Ulaanbaatar;
    these stay where they are here. The outline is rough: within about 50 km beyond the land border a place is
    shifted although it may not be, small islands beside the mainland coast (Kinmen, Matsu) are not told apart
    from it, islands far out in the South China Sea are left out, and the line at Hong Kong and Macau is good
    to about a kilometre, in favour of Shenzhen and Zhuhai.
    """
    return shapely.contains_xy(OUTLINE, lon, lat)


def gcj_offset(lon: Any, lat: Any, m: Any) -> tuple[Any, Any]:
    """Give the shift from WGS84 to GCJ-02.

    Parameters
    ----------
    lon, lat
        WGS84 degrees, numbers or arrays.
    m
        `math` for numbers, `numpy` for arrays.

    Returns
    -------
    d_lon, d_lat
        Degrees to add, without asking whether the place is in China.
    """
    x, y = lon - 105.0, lat - 35.0
    px, py = x * math.pi, y * math.pi
    root = m.sqrt(m.fabs(x))
    # A difference to most writings: sin(3a) = 3 sin a - 4 sin³ a saves a quarter of the sines.
    sin_2px, sin_third_px, sin_third_py = m.sin(2.0 * px), m.sin(px / 3.0), m.sin(py / 3.0)
    sin_6px = sin_2px * (3.0 - 4.0 * sin_2px * sin_2px)
    sin_px = sin_third_px * (3.0 - 4.0 * sin_third_px * sin_third_px)
    sin_py = sin_third_py * (3.0 - 4.0 * sin_third_py * sin_third_py)
    waves = (20.0 * sin_6px + 20.0 * sin_2px) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north = north + (20.0 * sin_py + 40.0 * sin_third_py) * 2.0 / 3.0
    north = north + (160.0 * m.sin(py / 12.0) + 320.0 * m.sin(py / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east = east + (20.0 * sin_px + 40.0 * sin_third_px) * 2.0 / 3.0
    east = east + (150.0 * m.sin(px / 12.0) + 300.0 * m.sin(px / 30.0)) * 2.0 / 3.0
    phi = lat * (math.pi / 180.0)
    sin_phi = m.sin(phi)
    w2 = 1.0 - ECCENTRICITY_2 * sin_phi * sin_phi
    prime_vertical = SEMI_MAJOR_M / m.sqrt(w2)
    meridian = prime_vertical * (1.0 - ECCENTRICITY_2) / w2
    degrees = 180.0 / math.pi
    return east * degrees / (prime_vertical * m.cos(phi)), north * degrees / meridian


def bd_of_gcj(lon: Any, lat: Any, m: Any) -> tuple[Any, Any]:
    """Turn GCJ-02 into BD-09, without asking whether the place is in China; parameters as `gcj_offset`."""
    radius = m.sqrt(lon * lon + lat * lat)
    longer = radius + 0.00002 * m.sin(lat * BD_ANGLE)
    turn = 0.000003 * m.cos(lon * BD_ANGLE)
    # cos and sin of atan2(lat, lon) + turn, without the arctangent.
    cos_a, sin_a, cos_t, sin_t = lon / radius, lat / radius, m.cos(turn), m.sin(turn)
    return (
        longer * (cos_a * cos_t - sin_a * sin_t) + BD_LON,
        longer * (sin_a * cos_t + cos_a * sin_t) + BD_LAT,
    )


def shift(lon: Any, lat: Any, m: Any, *, baidu: bool) -> tuple[Any, Any]:
    """Turn WGS84 into GCJ-02 or BD-09, inside China and out; parameters as `gcj_offset`."""
    d_lon, d_lat = gcj_offset(lon, lat, m)
    lon, lat = lon + d_lon, lat + d_lat
    return bd_of_gcj(lon, lat, m) if baidu else (lon, lat)


def unshift(lon: Any, lat: Any, m: Any, *, baidu: bool) -> tuple[Any, Any]:
    """Turn GCJ-02 or BD-09 back into WGS84 by fixed-point steps; parameters as `gcj_offset`."""
    if baidu:
        lon, lat = _gcj_of_bd(lon, lat, m)
    d_lon, d_lat = gcj_offset(lon, lat, m)
    for _ in range(STEPS - 1):
        d_lon, d_lat = gcj_offset(lon - d_lon, lat - d_lat, m)
    return lon - d_lon, lat - d_lat


def _gcj_of_bd(lon: Any, lat: Any, m: Any) -> tuple[Any, Any]:
    gcj_lon, gcj_lat = lon - BD_LON, lat - BD_LAT
    for _ in range(3):
        back_lon, back_lat = bd_of_gcj(gcj_lon, gcj_lat, m)
        gcj_lon, gcj_lat = gcj_lon - (back_lon - lon), gcj_lat - (back_lat - lat)
    return gcj_lon, gcj_lat


def shift_points(points: NDArray[np.float64], *, baidu: bool, back: bool) -> NDArray[np.float64]:
    """Shift many places, or bring them back.

    Parameters
    ----------
    points
        Finite lon/lat degrees, shape (n, 2).
    baidu
        BD-09 instead of GCJ-02.
    back
        From the shifted system to WGS84 instead of to it.

    Returns
    -------
    moved
        Shape (n, 2). Places outside the outline of `is_shifted` — asked of the WGS84 side — stay as they
        are. So whatever was shifted comes back to itself; a place just outside the outline, closer than the
        shift is long (0.7 km, Baidu 1.5 km), is the image of two places and comes back as the inner one.
    """
    moved = np.empty_like(points)
    way = unshift if back else shift
    with np.errstate(all="ignore"):
        for start in range(0, len(points), CHUNK):
            lon, lat = points[start : start + CHUNK, 0].copy(), points[start : start + CHUNK, 1].copy()
            new_lon, new_lat = way(lon, lat, np, baidu=baidu)
            inside = _are_shifted(new_lon, new_lat) if back else _are_shifted(lon, lat)
            moved[start : start + CHUNK, 0] = np.where(inside, new_lon, lon)
            moved[start : start + CHUNK, 1] = np.where(inside, new_lat, lat)
    return moved


def _are_shifted(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_] | bool:
    """Ask `is_shifted`, of the box around the places first: a batch is mostly of one city."""
    box = shapely.box(lon.min(), lat.min(), lon.max(), lat.max())
    return True if shapely.contains_properly(OUTLINE, box) else is_shifted(lon, lat)


def shift_one(lon: float, lat: float, *, baidu: bool, back: bool) -> tuple[float, float]:
    """Shift one place as `shift_points` does, bit for bit, without an array."""
    # The formula is not defined at the poles and far away; nothing is shifted there anyway.
    if not (WEST - 1 < lon < EAST + 1 and SOUTH - 1 < lat < NORTH + 1):
        return lon, lat
    new_lon, new_lat = (unshift if back else shift)(lon, lat, math, baidu=baidu)
    inside = is_shifted(new_lon, new_lat) if back else is_shifted(lon, lat)
    return (new_lon, new_lat) if inside else (lon, lat)
