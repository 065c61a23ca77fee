"""The errors of geo/: each class docstring is the title, the message is the detail, keywords are members."""

from typing import Any


class GeoError(Exception):
    """The geometry can't be used."""

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class MalformedPoints(GeoError):
    """The points are not finite pairs of numbers."""


class UnknownCrs(GeoError):
    """The coordinate system is not known."""


class CrsNotDeclared(GeoError):
    """The file does not say its coordinate system."""


class EncodingNotDeclared(GeoError):
    """The file's text encoding can't be told."""


class UnreadableFile(GeoError):
    """The file can't be read as a map."""


class UnsafeArchive(GeoError):
    """The archive is refused for safety."""


class UnknownField(GeoError):
    """The layer has no such field."""


class UnknownLayer(GeoError):
    """The file has no such layer."""


class MalformedFaces(GeoError):
    """The faces are not polygons with one owner each."""


class MalformedAccuracy(GeoError):
    """The accuracy is not a length."""


class WrongEncoding(GeoError):
    """The declared text encoding does not fit the file."""


class NotPolygons(GeoError):
    """The layer holds something other than polygons."""


class LayerNotChosen(GeoError):
    """The file has several layers."""


class TangledOutline(GeoError):
    """Outlines cross so often that they are no map."""


class InexactCode(GeoError):
    """The code was stored as a number too long to be exact."""


class MalformedFrame(GeoError):
    """The picture has no extent."""


class MalformedAreas(GeoError):
    """The areas are not polygons."""


class DamagedIndex(GeoError):
    """The saved index can't be used and must be built anew."""


class IndexNotSaved(GeoError):
    """The index could not be saved."""
