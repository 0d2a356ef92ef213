"""Where a service is, and the key it gets: checked at once, as a header or a message would show what is wrong."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from onevec.errors import ConfigError
from onevec.secret import Secret


def checked_url(base_url: str) -> str:
    """Return the address without a slash at its end.

    Raises:
        ConfigError: It is none, or has a user and password in it.
    """
    try:
        parts = urlsplit(base_url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or "@" in parts.netloc:
        raise ConfigError("base_url is an address such as http://localhost:8000/v1, without a user and password")
    return base_url.rstrip("/")


def checked_key(key: Secret | str, source: str) -> Secret:
    """Return the key.

    Args:
        key: What was given for it.
        source: Where it is from, for messages.

    Raises:
        ConfigError: It has characters that no key has, such as the end of a line.
    """
    text = key.reveal() if isinstance(key, Secret) else key
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigError(f"{source} is no key: one has no spaces, line breaks or letters beyond ASCII in it")
    return Secret(text)


def key_in(variable: str) -> Secret:
    """Return the key that a variable of the environment has.

    Raises:
        ConfigError: There is no such variable, or it isn't a key.
    """
    key = os.environ.get(variable)
    if not key:
        raise ConfigError(f"the reranker needs a key: set {variable} in the environment")
    return checked_key(key, f"${variable}")
