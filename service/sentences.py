"""Say in the asker's language what was said in English where no request is: errors, findings, evidence.

The catalogue holds such sentences with their variable parts named, ``The plan %(plan)s is %(state)s.``; a
sentence is recognised by that pattern and said anew with its parts, which may be sentences themselves.
"""

import functools
import re
from collections.abc import Mapping
from typing import Any

from flask import has_request_context
from flask_babel import get_locale, get_translations

PART = re.compile(r"%\((\w+)\)s")
DEEPEST = 3
LONGEST = 5000


def say(sentence: str) -> str:
    """Give a sentence in the language of the request; as it is where it is not known, or outside requests."""
    if not has_request_context():
        return sentence
    catalogue = getattr(get_translations(), "_catalog", None)
    if not catalogue:
        return sentence
    return _say(sentence, str(get_locale()), catalogue, DEEPEST)


def problem(members: Mapping[str, Any]) -> dict[str, Any]:
    """Give the members of a problem with title and detail in the language of the request."""
    return {
        **members,
        **{key: say(str(members[key])) for key in ("title", "detail") if members.get(key) is not None},
    }


def _say(sentence: str, locale: str, catalogue: Mapping[str, str], depth: int) -> str:
    exact = catalogue.get(sentence)
    if exact:
        return exact
    if depth == 0 or len(sentence) > LONGEST:
        return sentence
    for (begin, end), pattern, wanted in _patterns(locale, _Same(catalogue)):
        # Hundreds of patterns and thousands of findings: most are told apart by how they begin and end.
        match = sentence.startswith(begin) and sentence.endswith(end) and pattern.fullmatch(sentence)
        if match:
            parts = {
                name: _say(value, locale, catalogue, depth - 1) for name, value in match.groupdict().items()
            }
            return _filled(wanted, parts)
    return sentence


def _filled(wanted: str, parts: Mapping[str, str]) -> str:
    return PART.sub(lambda found: parts.get(found[1], found[0]), wanted).replace("%%", "%")


class _Same:
    """A catalogue as a key of a cache: the same one is equal to itself."""

    def __init__(self, catalogue: Mapping[str, str]) -> None:
        self.catalogue = catalogue

    def __hash__(self) -> int:
        return id(self.catalogue)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.catalogue is self.catalogue


@functools.lru_cache(maxsize=8)
def _patterns(locale: str, same: _Same) -> list[tuple[tuple[str, str], re.Pattern[str], str]]:
    """Compile the sentences with parts; those with most fixed words are tried first."""
    found = [
        (msgid, wanted)
        for msgid, wanted in same.catalogue.items()
        if isinstance(msgid, str) and wanted and PART.search(msgid)
    ]
    found.sort(key=lambda pair: -len(PART.sub("", pair[0])))
    return [(_ends(msgid), re.compile(_as_pattern(msgid), re.DOTALL), wanted) for msgid, wanted in found]


def _ends(msgid: str) -> tuple[str, str]:
    """Give what stands before the first and after the last part."""
    fixed = PART.sub("\0", msgid).replace("%%", "%").split("\0")
    return fixed[0], fixed[-1]


def _as_pattern(msgid: str) -> str:
    """Turn a sentence into a pattern; a part that appears again must be the same."""
    out, seen, end = "", set(), 0
    for part in PART.finditer(msgid):
        out += re.escape(msgid[end : part.start()].replace("%%", "%"))
        out += f"(?P={part[1]})" if part[1] in seen else f"(?P<{part[1]}>.+?)"
        seen.add(part[1])
        end = part.end()
    return out + re.escape(msgid[end:].replace("%%", "%"))
