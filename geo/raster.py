"""Heat surfaces: reports for each km² and week by a fixed bandwidth, in fixed classes, as pictures for a web map.

The bandwidth is metres on the ground and the classes are numbers, so colours mean the same at every zoom, in
every period and in every city. Pixels lie on the Web Mercator plane (EPSG:3857), where web maps stretch
pictures without distortion; there a metre of ground is about 1/cos(latitude) metres long.
"""

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from geo.errors import MalformedFrame

BANDWIDTH_M = 120.0
BREAKS = (5.0, 20.0, 50.0, 100.0, 200.0)
COLOURS = ("#FBE6C3", "#F3B765", "#D98032", "#A34E1D", "#5B2A17")
CHANGE_BREAKS = (-60.0, -25.0, -10.0, 10.0, 25.0, 60.0)
CHANGE_COLOURS = ("#17607F", "#6DACC4", "#C3DDE6", "#F6D3A6", "#DB8A3C", "#8E4217")
CHANGE_CLEAR = 3  # the class around zero
RADIUS_M = 6_378_137.0  # of the sphere of EPSG:3857
ECCENTRICITY_2 = 0.00669438  # of the ellipsoids of WGS84 and CGCS2000
NORTHMOST = 85.0
PIXELS = 1_200_000  # about so many in a frame, so that a picture takes a fraction of a second
PIXEL_M = (10.0, 60.0)
REACH = 4.0  # bandwidths that the kernel reaches, and the margin around what is drawn

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """The pixels of a picture. Pictures of one frame can be compared pixel by pixel.

    Attributes
    ----------
    west_m, north_m
        Upper left corner, EPSG:3857.
    pixel_m
        Side of a pixel, EPSG:3857 metres; multiply by cos(latitude) for metres of ground.
    rows, columns
        Size in pixels.
    sigma
        Bandwidth in pixels.
    bbox
        West, south, east, north in degrees of what is drawn, without the margin.
    """

    west_m: float
    north_m: float
    pixel_m: float
    rows: int
    columns: int
    sigma: float
    bbox: tuple[float, float, float, float]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the whole picture, degrees."""
        east_m = self.west_m + self.columns * self.pixel_m
        south_m = self.north_m - self.rows * self.pixel_m
        (west, south), (east, north) = _to_lonlat(np.array([[self.west_m, south_m], [east_m, self.north_m]]))
        return float(west), float(south), float(east), float(north)

    @property
    def ground_km2(self) -> NDArray[np.float64]:
        """True area of a pixel of each row on the ellipsoid, km², shape (rows,)."""
        middle_m = self.north_m - (np.arange(self.rows) + 0.5) * self.pixel_m
        sine = np.tanh(middle_m / RADIUS_M)
        # The plane takes geodetic latitudes for those of a sphere: the curvatures mend it (0.3 % at 37°).
        curvature = (1 - ECCENTRICITY_2) / (1 - ECCENTRICITY_2 * sine**2) ** 2
        return (self.pixel_m / 1000) ** 2 * (1 - sine**2) * curvature


def frame_of(bbox: tuple[float, float, float, float], *, bandwidth_m: float = BANDWIDTH_M) -> Frame:
    """Lay pixels over a piece of the earth.

    Parameters
    ----------
    bbox
        West, south, east, north in lon/lat degrees; not across the 180th meridian.
    bandwidth_m
        Standard deviation of the kernel, metres on the ground (true at the middle latitude of `bbox`).

    Returns
    -------
    frame
        With a margin of four bandwidths around `bbox`, so that no report inside loses any of its weight.
        Pixels are 10 to 60 m of ground, as small as a picture of about `PIXELS` pixels allows.

    Raises
    ------
    MalformedFrame
        Not finite, without extent, beyond ±180 or ±85 degrees, or the bandwidth is not positive.
    """
    west, south, east, north = bbox
    is_sound = -180 <= west < east <= 180 and -NORTHMOST <= south < north <= NORTHMOST
    if not (is_sound and 0 < bandwidth_m < math.inf):
        raise MalformedFrame(f"{bbox} with a bandwidth of {bandwidth_m} m is nothing that can be drawn.")
    stretch = 1 / math.cos(math.radians((south + north) / 2))
    corners = _to_plane(np.array([[west, south], [east, north]]))
    margin_m = REACH * bandwidth_m * stretch
    (left, bottom), (right, top) = (corners + np.array([[-margin_m], [margin_m]])).tolist()
    ground_m2 = (right - left) * (top - bottom) / stretch**2
    pixel_m = stretch * min(max(math.sqrt(ground_m2 / PIXELS), PIXEL_M[0]), PIXEL_M[1], bandwidth_m / 2)
    # One pixel more on every side: a report's weight goes to the four pixels around it.
    columns, rows = math.ceil((right - left) / pixel_m) + 2, math.ceil((top - bottom) / pixel_m) + 2
    sigma = bandwidth_m * stretch / pixel_m
    return Frame(left - pixel_m, top + pixel_m, pixel_m, rows, columns, sigma, (west, south, east, north))


def density(points: Points, frame: Frame, *, weeks: float) -> NDArray[np.float64]:
    """Spread reports over the ground around them.

    Each report is a Gaussian of the frame's bandwidth. Its weight is shared by the four nearest pixel centres
    (linear binning), which keeps its place; compared with the exact sum of Gaussians the result differs by less
    than 1 % of one report's peak for each report nearby.

    Parameters
    ----------
    points
        Lon/lat degrees, shape (n, 2); those outside the frame's `bbox` are left out.
    frame
        From `frame_of`.
    weeks
        Length of the period in weeks.

    Returns
    -------
    density
        Reports for each km² of true ground and week, shape (rows, columns), first row north. Summed over the
        ground it is the number of reports inside, for each week.

    Raises
    ------
    MalformedFrame
        The period is not positive.
    """
    if not 0 < weeks < math.inf:
        raise MalformedFrame(f"A period of {weeks} weeks has no density.")
    counts = _binned(points[inside(points, frame)], frame)
    spread = gaussian_filter(counts, frame.sigma, mode="constant", truncate=REACH)
    return spread / frame.ground_km2[:, None] / weeks


def inside(points: Points, frame: Frame) -> NDArray[np.bool_]:
    """Tell which points, lon/lat degrees of shape (n, 2), lie in the frame's `bbox`; shape (n,)."""
    west, south, east, north = frame.bbox
    x, y = points[:, 0], points[:, 1]
    return (x >= west) & (x <= east) & (y >= south) & (y <= north)


def _binned(points: Points, frame: Frame) -> NDArray[np.float64]:
    plane = _to_plane(points)
    across = (plane[:, 0] - frame.west_m) / frame.pixel_m - 0.5
    down = (frame.north_m - plane[:, 1]) / frame.pixel_m - 0.5
    column, row = np.floor(across).astype(np.int64), np.floor(down).astype(np.int64)
    right, below = across - column, down - row
    counts = np.zeros(frame.rows * frame.columns)
    for step_down, share_down in ((0, 1 - below), (1, below)):
        for step_across, share_across in ((0, 1 - right), (1, right)):
            where = (row + step_down) * frame.columns + column + step_across
            counts += np.bincount(where, share_down * share_across, minlength=counts.size)
    return counts.reshape(frame.rows, frame.columns)


def value_at(density: NDArray[np.float64], frame: Frame, lon: float, lat: float) -> float:
    """Give the value of the pixel that a position, lon/lat degrees, lies in; 0 outside the picture."""
    ((x, y),) = _to_plane(np.array([[lon, lat]])).tolist()
    column, row = (x - frame.west_m) / frame.pixel_m, (frame.north_m - y) / frame.pixel_m
    if not (0 <= column < frame.columns and 0 <= row < frame.rows):
        return 0.0
    return float(density[int(row), int(column)])


def classes(values: NDArray[np.float64], breaks: tuple[float, ...] = BREAKS) -> NDArray[np.uint8]:
    """Give the class of each value: how many of the ascending breaks it has reached; the shape of `values`."""
    return np.searchsorted(breaks, values, side="right").astype(np.uint8)


def png(classed: NDArray[np.uint8], colours: tuple[str, ...], *, clear: int = 0) -> bytes:
    """Draw classes as a palette PNG.

    Parameters
    ----------
    classed
        Class of each pixel, shape (rows, columns), from `classes`.
    colours
        ``#RRGGBB`` of the classes in order, without that of the class `clear`.
    clear
        The class that is transparent.

    Returns
    -------
    picture
        PNG bytes. Every pixel is exactly one of the colours or fully transparent.
    """
    palette = [*colours[:clear], "#FFFFFF", *colours[clear:]]
    image = Image.fromarray(classed)
    image.putpalette(b"".join(bytes.fromhex(one[1:]) for one in palette))
    out = io.BytesIO()
    image.save(out, "PNG", transparency=clear)
    return out.getvalue()


def _to_plane(lonlat: Points) -> Points:
    x = np.radians(lonlat[:, 0]) * RADIUS_M
    y = np.arctanh(np.sin(np.radians(lonlat[:, 1]))) * RADIUS_M
    return np.column_stack([x, y])


def _to_lonlat(plane: Points) -> Points:
    lon = np.degrees(plane[:, 0] / RADIUS_M)
    lat = np.degrees(np.arcsin(np.tanh(plane[:, 1] / RADIUS_M)))
    return np.column_stack([lon, lat])
