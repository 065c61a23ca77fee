"""A stream of bytes as blocks of whole lines in UTF-8, whatever encoding they came in."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from geo.formats.encoding import DECODERS, judge, known_encoding, require
from service.assignment.formats.rows import BLOCK_BYTES
from service.errors import Malformed

LONGEST_LINE = 1 << 26
HEAD_BYTES = 1 << 20
CELLS = re.compile(rb'[",;\t{}:\r\n]')  # no trail byte of GBK or Big5 that is a letter is one of these


class Blocks:
    """Reads blocks that end with a line; `encoding` and `evidence` tell what the bytes were taken for.

    A declared encoding is judged by the first bytes like a supposed one, unless it is `known`.
    """

    def __init__(
        self,
        stream: BinaryIO,
        encoding: str | None,
        block_bytes: int = BLOCK_BYTES,
        head_bytes: int = HEAD_BYTES,
        *,
        known: bool = False,
    ) -> None:
        self._stream, self._size = stream, block_bytes
        self._head = self._read(head_bytes)
        if known and encoding is not None:
            self.encoding, self.evidence = encoding, ""
        else:
            self.encoding, self.evidence = _encoding(self._head, encoding)

    def _read(self, size: int) -> bytes:
        parts, wanted = [], size
        while wanted > 0 and (part := self._stream.read(wanted)):
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def __iter__(self) -> Iterator[bytes]:
        rest, offset = b"", 0
        for chunk in self.pieces():
            block = rest + chunk
            cut = block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, -1) + 1
            if cut:
                yield _checked(block[:cut], offset)
                offset += cut
            rest = block[cut:]
            if len(rest) > LONGEST_LINE:
                raise Malformed(f"A line is longer than {LONGEST_LINE >> 20} MB.")
        if rest:
            yield _checked(rest, offset)

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes in UTF-8, unchecked and cut anywhere."""
        chunk, self._head = self._head, b""
        if self.encoding == "UTF-8":
            chunk = chunk.removeprefix(codecs.BOM_UTF8)
            while chunk:
                yield chunk
                chunk = self._read(self._size)
            return
        decoder = codecs.getincrementaldecoder(DECODERS.get(self.encoding, self.encoding))()
        try:
            while chunk:
                yield decoder.decode(chunk).encode()
                chunk = self._read(self._size)
            yield decoder.decode(b"", final=True).encode()
        except UnicodeError as error:
            raise Malformed(f"The text is not {self.encoding}: {error}. Name another encoding.") from error


def _checked(block: bytes, offset: int) -> bytes:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(
            f"The text is not UTF-8: {error.reason} at byte {offset + error.start}. Name its encoding, such as GBK."
        ) from error
    return block


def _encoding(head: bytes, declared: str | None) -> tuple[str, str]:
    """Tell the encoding of a text from its first bytes. May raise WrongEncoding, EncodingNotDeclared."""
    if declared is None or known_encoding(declared) == "UTF-8":
        if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16", "The byte order mark says UTF-16."
        try:
            codecs.getincrementaldecoder("utf-8")().decode(head)
            return "UTF-8", ""
        except UnicodeDecodeError:
            pass
    whole = head[: head.rfind(b"\n") + 1] or head
    pieces = [(piece, None) for piece in CELLS.split(whole)[:5000] if not piece.isascii()]
    verdict = judge(pieces, declared=declared)
    return require(verdict), verdict.evidence
