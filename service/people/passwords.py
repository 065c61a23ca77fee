"""Passwords: kept as argon2id hashes, compared in the same time whether or not there is such an account."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from service.errors import Invalid

LEAST, MOST = 8, 200  # characters; the upper bound only keeps hashing cheap
_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Give a hash to compare with where there is no account, so that the time does not tell which names exist."""
    return _hasher.hash(secrets.token_hex())


def generate() -> str:
    """Make a password that nobody can guess."""
    return secrets.token_urlsafe(12)


def hashed(password: str) -> str:
    """Hash a new password. May raise Invalid."""
    if not LEAST <= len(password) <= MOST:
        raise Invalid(f"A password has {LEAST} to {MOST} characters.", field="password")
    return _hasher.hash(password)


def matches(kept: str | None, given: str) -> bool:
    """Tell whether the given password is the kept one; None, for no account, takes as long and is False."""
    try:
        _hasher.verify(kept or _nobody(), given[: MOST + 1])
    except VerifyMismatchError:
        return False
    return kept is not None
