"""Texts as other people's models and services take them."""

from __future__ import annotations


def valid(text: str) -> str:
    """Return the text with a `?` for each lone surrogate, which neither a tokenizer nor UTF-8 can hold."""
    return text if text.isascii() else text.encode(errors="replace").decode()
