"""KML: looked through by Python's own parser before GDAL sees it.

A KML is XML from a stranger: document types and entities (which can blow a kilobyte up to gigabytes, or read
files) are refused outright, no KML needs them.
"""

import re
from pathlib import Path
from xml.parsers import expat

from geo.errors import UnreadableFile
from geo.formats.encoding import Verdict, text_of

DEEPEST = 100
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
DECLARED_ENCODING = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,30})[\"']")
MEND = "Export the map again as KML or, better, as GeoPackage."


def make_safe(path: Path, encoding: str | None) -> Verdict:
    """Check a KML in the staging folder and rewrite it as UTF-8.

    Parameters
    ----------
    path
        Rewritten in place.
    encoding
        What a person declared.

    Returns
    -------
    verdict
        The encoding that it was in.

    Raises
    ------
    UnreadableFile
        Not well-formed, not KML, with a document type, nested too deep, or only a link to a map elsewhere.
    WrongEncoding, EncodingNotDeclared
        As `geo.formats.encoding.text_of`.
    """
    data = path.read_bytes()
    declared = DECLARED_ENCODING.match(data[:400].removeprefix(b"\xef\xbb\xbf"))
    text, verdict = text_of(
        data, "KML", declared=encoding, claim=declared[1].decode("ascii") if declared else None
    )
    clean = '<?xml version="1.0" encoding="UTF-8"?>' + DECLARATION.sub("", text, count=1)
    encoded = clean.encode("utf-8", "replace")
    _Guard().parse(encoded)
    path.write_bytes(encoded)
    return verdict


class _Guard:
    """Walks the document once and raises at whatever should not be there."""

    def __init__(self) -> None:
        self.depth = 0
        self.names: set[str] = set()
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def parse(self, document: bytes) -> None:
        try:
            self.parser.Parse(document, True)
        except expat.ExpatError as error:
            raise UnreadableFile(
                f"The KML is damaged or cut off at line {error.lineno} "
                f"({expat.ErrorString(error.code)}). {MEND}",
                line=error.lineno,
            ) from error
        if "NetworkLink" in self.names and "Placemark" not in self.names:
            raise UnreadableFile("The KML is only a link to a map elsewhere. Save the map itself as KML.")

    def _refuse(self, *_: object) -> None:
        raise UnreadableFile(f"The KML has a document type or entities, which are refused for safety. {MEND}")

    def _start(self, name: str, _: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if self.depth == 0 and local.lower() != "kml":
            raise UnreadableFile(f"The file is XML but no KML (its root is ‘{local[:40]}’). {MEND}")
        self.depth += 1
        if self.depth > DEEPEST:
            raise UnreadableFile(f"The KML is nested deeper than {DEEPEST} levels. {MEND}")
        self.names.add(local)

    def _end(self, _: str) -> None:
        self.depth -= 1
