"""Accounts to try every role with, and a token; kept readable in the data folder, for a demo city alone."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from service import audit
from service.people import actions, passwords
from service.people.permissions import Permission

FILE = "accounts.json"
# One account a role; those of a place belong to one district, so that the limits of places can be tried.
ROLES_OF_A_PLACE = ("planner", "leader", "handler")
ROLES_OF_THE_CITY = ("reviewer", "supervisor", "integration", "system", "security", "audit")
SANDBOX_PER_MINUTE = 600  # enough to try anything, and to see what a spent quota looks like
SANDBOX_SCOPES = (Permission.REPORT_SEND, Permission.CONTACT_READ, Permission.LABEL_AUDIT)


@dataclass(frozen=True, slots=True)
class DemoAccounts:
    """Login names by role, the password they share, and the key of the sandbox token."""

    names: dict[str, str]
    password: str
    token: str


def create(session: Session, *, districts: list[str], by: audit.Actor, at: datetime) -> DemoAccounts:
    """Make an account for each role, a planner for each further district, and the sandbox token."""
    password = passwords.generate()
    places: dict[str, tuple[str, str | None]] = {role: (role, None) for role in ROLES_OF_THE_CITY}
    places |= {role: (role, districts[0]) for role in ROLES_OF_A_PLACE}
    places |= {f"planner{number}": ("planner", code) for number, code in enumerate(districts[1:], start=2)}
    for name, (role, district) in places.items():
        actions.add_person(session, name=name, role=role, district=district, password=password, by=by, at=at)
    token = actions.create_token(
        session, name="sandbox", scopes=SANDBOX_SCOPES, per_minute=SANDBOX_PER_MINUTE, by=by, at=at
    )
    return DemoAccounts({name: role for name, (role, _) in places.items()}, password, token)


def keep(accounts: DemoAccounts, folder: Path) -> None:
    """Write the accounts where only the service's account reads them."""
    path = folder / FILE
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(accounts), indent=1), "utf-8")


def read(folder: Path) -> DemoAccounts | None:
    """Read the accounts back, None where there are none."""
    path = folder / FILE
    return DemoAccounts(**json.loads(path.read_text("utf-8"))) if path.is_file() else None


def lines(accounts: DemoAccounts | None) -> list[str]:
    """Say in lines what somebody needs to try the demo; nothing where the file was removed."""
    if accounts is None:
        return []
    return [
        f"Demo accounts: {', '.join(accounts.names)}",
        f"Their password: {accounts.password}",
        f"Sandbox token: {accounts.token}",
    ]
