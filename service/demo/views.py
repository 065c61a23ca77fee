"""Files of the demo city to try an import with."""

from apiflask import APIBlueprint
from flask import Response, current_app, send_from_directory

from service.demo import files
from service.errors import NotFound
from service.http import lookup

bp = APIBlueprint("demo", __name__)


@bp.get("/demo/<name>")
@lookup
@bp.doc(hide=True)
def download(name: str) -> Response:
    """Hand out a file to try an import with."""
    folder = current_app.config["WANGGE"].demo_folder
    if name not in files.NAMES or not (folder / name).is_file():
        raise NotFound(f"There is no demo file {name!r}.")
    return send_from_directory(folder, name, as_attachment=True)
