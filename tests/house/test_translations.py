"""Every text that a page or a command shows is translated, once."""

from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

SERVICE = Path(__file__).parents[2] / "service"
CATALOGUE = SERVICE / "translations" / "zh" / "LC_MESSAGES" / "messages.po"
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]


def test_the_catalogue_is_sound():
    """Read strictly: a doubled or broken entry is an error, not a warning."""
    with CATALOGUE.open("rb") as opened:
        catalogue = read_po(opened, locale="zh", abort_invalid=True)
    assert [str(one.id) for one in catalogue for _ in one.check(catalogue)] == []
    text = CATALOGUE.read_text("utf-8")
    ids = [line for line in text.splitlines() if line.startswith("msgid ") and line != 'msgid ""']
    assert sorted({one for one in ids if ids.count(one) > 1}) == []


def test_every_text_of_pages_is_translated():
    with CATALOGUE.open("rb") as opened:
        catalogue = read_po(opened, locale="zh")
    known = {one.id if isinstance(one.id, str) else one.id[0] for one in catalogue if one.string}
    found = extract_from_dir(SERVICE, METHODS, keywords={"_": None, "gettext": None, "ngettext": (1, 2)})
    asked = {(one[0], one[2] if isinstance(one[2], str) else one[2][0]) for one in found}
    assert len(asked) > 50
    assert sorted(one for one in asked if one[1] not in known) == []
