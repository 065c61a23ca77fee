"""Secrets of sessions and tokens: made here, given out once, kept only as hashes."""

import hashlib
import hmac
import secrets


def new_key() -> str:
    """Make a secret that nobody can guess."""
    return secrets.token_urlsafe(32)


def key_hash(key: str) -> bytes:
    """Hash a secret for the database."""
    return hashlib.sha256(key.encode()).digest()


def csrf_token(key: str) -> str:
    """Derive the CSRF token of a session from its key."""
    return hmac.new(key.encode(), b"csrf", hashlib.sha256).hexdigest()


def is_csrf_token(given: str, key: str) -> bool:
    """Tell, in constant time, whether this is the session's CSRF token; whatever a client sent is taken."""
    return hmac.compare_digest(given.encode(errors="replace"), csrf_token(key).encode())
