"""Tokens that lead to the next page of a list: words of ours in letters that a URL can hold."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode


def token_of(words: bytes) -> str:
    return urlsafe_b64encode(words).decode().rstrip("=")


def words_of(token: str) -> bytes:
    """Raises ValueError for what is none of these tokens."""
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))
