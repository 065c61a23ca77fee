"""From what somebody sent to files of known kinds in a folder of ours, without trusting names or sizes.

Nothing of a sender's name reaches the file system: members are written under names that we choose. What is
not a map (documents, pictures, thumbnails) is left in the archive.
"""

import gzip
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from geo.errors import UnreadableFile, UnsafeArchive
from geo.formats.encoding import CANDIDATES, decode, plausibility

SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
KINDS = {".shp": "shapefile", ".gpkg": "gpkg", ".geojson": "geojson", ".json": "geojson", ".kml": "kml"}
PACKED = (".zip", ".kmz", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
ACCEPTED = "GeoJSON, zipped Shapefile, GeoPackage, FileGDB (zipped), KML and KMZ"
# What a FileGDB consists of; anything else in the folder is left out.
GDB_FILE = re.compile(r"(a[0-9a-f]{8}\.[a-z0-9_]{2,20}|gdb|timestamps)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may hold; a city of 60,000 yards as FileGDB has 120 members and 100 MB."""

    members: int = 5000
    total_bytes: int = 2 << 30
    # Deflate can do 1032; real attribute tables, full of blanks, reach 100.
    ratio: int = 250
    ratio_from_bytes: int = 32 << 20
    # Text is parsed in memory, at some twelve times its size; 300,000 faces have 400 MB.
    text_bytes: int = 512 << 20


@dataclass(frozen=True, slots=True)
class Staged:
    """A map in the staging folder: kind (``shapefile gpkg gdb geojson kml``), path, the sender's name."""

    kind: str
    path: Path
    name: str


def stage(path: Path, folder: Path, limits: Limits | None = None) -> list[Staged]:
    """Bring a file that somebody sent into a folder of ours.

    Parameters
    ----------
    path
        A file of any kind, or a .gdb folder.
    folder
        Empty, ours.
    limits
        For archives.

    Returns
    -------
    staged
        At least one, all of one kind; several only for Shapefiles.

    Raises
    ------
    UnreadableFile
        Empty, of no known kind, or with maps of several kinds.
    UnsafeArchive
        Encrypted, nested, too large unpacked, or with names that leave the folder.
    """
    limits = limits or Limits()
    staged = _stage_any(path, folder, limits)
    for one in staged:
        if one.kind in ("geojson", "kml") and one.path.stat().st_size > limits.text_bytes:
            raise UnreadableFile(
                f"‘{one.name}’ has {one.path.stat().st_size >> 20} MB of text; "
                f"{limits.text_bytes >> 20} MB are allowed. Send it as GeoPackage."
            )
    return staged


def _stage_any(path: Path, folder: Path, limits: Limits) -> list[Staged]:
    if path.is_dir():
        return [_stage_folder(path, folder, limits)]
    if not path.is_file():
        raise UnreadableFile(f"There is no file {path.name}.")
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise UnreadableFile("The file is empty. Export it again and check its size before sending.")
    if head.startswith(b"PK"):
        return _stage_zip(path, folder, limits)
    if head.startswith(b"\x1f\x8b"):
        return [_stage_gzip(path, folder, limits)]
    if head.startswith(b"\x00\x00\x27\x0a"):
        return [_stage_shapefile(path, folder)]
    kind = sniff(head)
    if kind is None:
        raise _unknown_kind(path.name, head)
    if path.stat().st_size > limits.total_bytes:
        raise UnreadableFile(f"‘{path.name}’ is larger than {limits.total_bytes >> 20} MB. Send it in parts.")
    target = folder / f"map.{kind}"
    shutil.copyfile(path, target)
    return [Staged(kind, target, path.stem)]


def sniff(head: bytes) -> str | None:
    """Tell the kind of a plain file by its first bytes: ``gpkg``, ``geojson``, ``kml`` or None."""
    if head.startswith(b"SQLite format 3\x00"):
        return "gpkg"
    text = head.removeprefix(b"\xef\xbb\xbf")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = head.decode("utf-16", "ignore").encode()
    text = text.lstrip()
    if text.startswith((b"{", b"[")):
        return "geojson"
    return "kml" if text.startswith(b"<") else None


def _unknown_kind(name: str, head: bytes) -> UnreadableFile:
    packed = {
        b"Rar!": "a RAR archive",
        b"7z\xbc\xaf": "a 7-Zip archive",
        b"%PDF": "a PDF",
        b"AC10": "a DWG drawing",
    }
    what = next(
        (words for magic, words in packed.items() if head.startswith(magic)), "not a map of a known kind"
    )
    return UnreadableFile(f"‘{name}’ is {what}. Readable are {ACCEPTED}; archives only as ZIP.", name=name)


def _stage_shapefile(shp: Path, folder: Path) -> Staged:
    for sibling in shp.parent.iterdir():
        suffix = sibling.suffix.lower()
        if sibling.stem.lower() == shp.stem.lower() and suffix in SHAPE_PARTS and sibling.is_file():
            shutil.copyfile(sibling, folder / f"map{suffix}")
    return Staged("shapefile", folder / "map.shp", shp.stem)


def _stage_folder(path: Path, folder: Path, limits: Limits) -> Staged:
    files = [file for file in path.iterdir() if GDB_FILE.fullmatch(file.name) and file.is_file()]
    if not any(file.suffix.lower() == ".gdbtable" for file in files):
        raise UnreadableFile(f"The folder ‘{path.name}’ is no FileGDB. Readable are {ACCEPTED}.")
    if len(files) > limits.members or sum(file.stat().st_size for file in files) > limits.total_bytes:
        raise UnsafeArchive(f"The folder ‘{path.name}’ is too large.")
    target = folder / "map.gdb"
    target.mkdir()
    for file in files:
        shutil.copyfile(file, target / file.name.lower())
    return Staged("gdb", target, path.stem)


def _stage_gzip(path: Path, folder: Path, limits: Limits) -> Staged:
    target = folder / "map.unpacked"
    most = max(limits.ratio_from_bytes, path.stat().st_size * limits.ratio)
    try:
        with gzip.open(path) as source:
            _copy(source, target, min(limits.total_bytes, most))
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile("The .gz is damaged or cut off. Pack and send it again.") from error
    with target.open("rb") as file:
        kind = sniff(file.read(512))
    if kind != "geojson":
        raise UnreadableFile(f"The .gz holds no GeoJSON. Readable are {ACCEPTED}.")
    return Staged("geojson", target, path.name.removesuffix(".gz").rsplit(".", 1)[0])


@dataclass(frozen=True, slots=True)
class _Member:
    """A file of a ZIP, with its name decoded and normalised."""

    info: zipfile.ZipInfo
    path: PurePosixPath

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()


def _stage_zip(path: Path, folder: Path, limits: Limits) -> list[Staged]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, limits)
            return _Unpacker(archive, folder, limits, path).stage(members)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
        ValueError,
        RuntimeError,
    ) as error:
        raise UnreadableFile(
            "The ZIP is damaged, cut off or packed in an unusual way. Pack it again with plain ZIP "
            "compression."
        ) from error


def _members(archive: zipfile.ZipFile, limits: Limits) -> list[_Member]:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > limits.members:
        raise UnsafeArchive(f"The ZIP has {len(infos)} files; {limits.members} are allowed.")
    total = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if total > limits.total_bytes or (total > limits.ratio_from_bytes and total > packed * limits.ratio):
        raise UnsafeArchive(
            f"The ZIP would unpack to {total >> 20} MB from {packed >> 10} KB, which no map does. "
            "Send the map's files alone."
        )
    members = []
    for info in infos:
        if info.flag_bits & 0x1:
            raise UnsafeArchive("The ZIP has a password. Send it without one.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UnsafeArchive(
                f"The ZIP holds a link (‘{info.filename}’) instead of a file. Pack the file itself."
            )
        members.append(_Member(info, _safe_path(_name(info))))
    return [member for member in members if not _is_clutter(member.path)]


def _name(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & 0x800:
        return info.filename
    # Without the UTF-8 flag Python reads the DOS code page; Windows in China writes GBK there.
    raw = info.filename.encode("cp437", "replace")
    readings = []
    for encoding in CANDIDATES:
        try:
            readings.append(decode(raw, encoding))
        except UnicodeDecodeError:
            continue
    return max(readings, key=lambda name: plausibility([name]), default=info.filename)


def _safe_path(name: str) -> PurePosixPath:
    slashed = name.replace("\\", "/")
    path = PurePosixPath(slashed)
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", slashed) or "\x00" in name:
        raise UnsafeArchive(
            f"The ZIP holds a file whose name leads out of it (‘{name[:80]}’). Pack it again without paths.",
            name=name[:80],
        )
    return path


def _is_clutter(path: PurePosixPath) -> bool:
    return "__MACOSX" in path.parts or path.name.startswith(("._", ".")) or not path.name


class _Unpacker:
    """Writes the wanted members of one ZIP under our own names, counting what really comes out."""

    def __init__(self, archive: zipfile.ZipFile, folder: Path, limits: Limits, source: Path) -> None:
        self.archive = archive
        self.folder = folder
        self.left = limits.total_bytes
        self.source = source

    def stage(self, members: list[_Member]) -> list[Staged]:
        found = list(_find_maps(members))
        kinds = {kind for kind, _, _ in found}
        if not found:
            raise _no_map(members)
        if len(kinds) > 1 or (len(found) > 1 and kinds != {"shapefile"}):
            names = ", ".join(name for _, name, _ in found[:6])
            raise UnreadableFile(f"The ZIP holds several maps ({names}). Send one at a time.", names=names)
        return [self._write(number, *one) for number, one in enumerate(found)]

    def _write(self, number: int, kind: str, name: str, members: list[_Member]) -> Staged:
        if kind == "gdb":
            target = self.folder / "map.gdb"
            target.mkdir(exist_ok=True)
            for member in members:
                self._unpack(member, target / member.path.name.lower())
        elif kind == "shapefile":
            for member in members:
                self._unpack(member, self.folder / f"map{number}{member.suffix}")
            target = self.folder / f"map{number}.shp"
        else:
            target = self.folder / f"map.{kind}"
            self._unpack(members[0], target)
            self._check_content(target, kind, name)
        return Staged(kind, target, name or self.source.stem)

    def _check_content(self, target: Path, kind: str, name: str) -> None:
        with target.open("rb") as file:
            head = file.read(512)
        if sniff(head) != kind:
            raise UnreadableFile(
                f"‘{name}’ in the ZIP is not what its name says. Export it again.", name=name
            )

    def _unpack(self, member: _Member, target: Path) -> None:
        with self.archive.open(member.info) as source:
            self.left -= _copy(source, target, min(self.left, member.info.file_size))


def _copy(source: BinaryIO, target: Path, most: int) -> int:
    written = 0
    with target.open("wb") as file:
        while block := source.read(1 << 20):
            written += len(block)
            if written > most:
                raise UnsafeArchive("The archive unpacks to more than it says or more than is allowed.")
            file.write(block)
    return written


def _find_maps(members: list[_Member]) -> Iterator[tuple[str, str, list[_Member]]]:
    """Give kind, name and members of each map, Shapefiles by their common stem."""
    # Some pack the .gdb folder, some only what is in it.
    databases = dict.fromkeys(member.path.parent for member in members if member.suffix == ".gdbtable")
    for folder in databases:
        files = [one for one in members if one.path.parent == folder and GDB_FILE.fullmatch(one.path.name)]
        yield "gdb", folder.stem, files
    for member in members:
        kind = KINDS.get(member.suffix)
        if kind == "shapefile":
            stem = str(member.path.with_suffix("")).lower()
            parts = {
                other.suffix: other
                for other in members
                if other.suffix in SHAPE_PARTS and str(other.path.with_suffix("")).lower() == stem
            }
            yield kind, member.path.stem, list(parts.values())
        elif kind is not None:
            yield kind, member.path.stem, [member]


def _no_map(members: list[_Member]) -> Exception:
    nested = next((member.path.name for member in members if member.suffix in PACKED), None)
    if nested is not None:
        return UnsafeArchive(
            f"The ZIP holds another archive (‘{nested}’). Unpack that one and send its files."
        )
    names = ", ".join(member.path.name for member in members[:6]) or "nothing"
    return UnreadableFile(f"The ZIP holds no map, only {names}. Readable are {ACCEPTED}.")
