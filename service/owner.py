"""Who owns the data folder owns every process: which account that is, and how root steps down to it."""

import os
import pwd
import shutil
from pathlib import Path

SERVICE_ACCOUNT = "wangge"
CHECKOUT = Path(__file__).resolve().parent.parent


def default_data_folder() -> Path:
    """Give the data folder where nothing is set: root's service account can't reach root's own folders."""
    return Path("/var/lib/wangge") if os.geteuid() == 0 else CHECKOUT / "var" / "data"


def prepare_folder(folder: Path) -> None:
    """Make the data folder, owned by the account that will own every process. May raise DataFolderRefused."""
    folder.mkdir(parents=True, exist_ok=True)
    owner = folder.stat().st_uid
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise DataFolderRefused(folder, pwd.getpwuid(owner).pw_name)
        folder.chmod(0o700)
        return
    if owner == 0:
        if any(folder.iterdir()):
            raise DataFolderRefused(folder, "root")
        shutil.chown(folder, SERVICE_ACCOUNT, SERVICE_ACCOUNT)
        folder.chmod(0o700)


def step_down(folder: Path) -> list[str]:
    """Give the words to put before a command so that root runs it as the owner of the folder."""
    if os.geteuid() != 0:
        return []
    owner = pwd.getpwuid(folder.stat().st_uid)
    return ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--init-groups"]


def give(path: Path, folder: Path) -> None:
    """Hand a file that root made inside the data folder to the folder's owner."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


class DataFolderRefused(Exception):
    """The data folder belongs to somebody else."""

    def __init__(self, folder: Path, owner: str) -> None:
        super().__init__(
            f"{folder} belongs to {owner}. Run as that account, or set WANGGE_DATA to another folder."
        )
