"""What collections, namespaces and documents are called in Pinecone, which has ASCII for all of them.

A name that can't be had begins with `~` there, as none that can does; no two become one.
"""

from __future__ import annotations

import base64
import re
from hashlib import blake2b

# https://docs.pinecone.io/reference/api/database-limits#identifier-limits
_INDEX = re.compile(r"(?!onevec-[0-9a-f]{32}$)[a-z0-9]([a-z0-9-]{0,43}[a-z0-9])?", re.ASCII)
_RECORD = re.compile(r"[!-}][ -~]*", re.ASCII)
_NAMESPACE = re.compile(r"(?!__default__$)[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
DEFAULT = "__default__"
_BITS = 21  # of a character


def index_name(name: str, prefix: str = "") -> str:
    """Return the name of a collection's index; it begins with the prefix if that leaves it a name."""
    whole = prefix + name
    return whole if _INDEX.fullmatch(whole) else f"onevec-{_hash(whole)}"


def record_id(id: str) -> str:
    """Return the id of a document's record."""
    return id if _RECORD.fullmatch(id) else f"~{_hash(id)}"


def namespace_name(namespace: str) -> str:
    """Return the name of a namespace, from which `namespace_of` has it back."""
    if not namespace:
        return DEFAULT
    if _NAMESPACE.fullmatch(namespace):
        return namespace
    # 128 characters, the most there are, take 450: in UTF-8 they could take 683, where Pinecone has 512.
    number = 1
    for character in namespace:
        number = number << _BITS | ord(character)
    packed = number.to_bytes((number.bit_length() + 7) // 8)
    return "~" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def namespace_of(name: str) -> str | None:
    """Return the namespace of a name; None for one that onevec gives to none."""
    if name == DEFAULT:
        return ""
    if not name.startswith("~"):
        return name if _NAMESPACE.fullmatch(name) else None
    try:
        number = int.from_bytes(base64.urlsafe_b64decode(name[1:] + "=" * (-len(name[1:]) % 4)))
        characters = []
        while number > 1:
            characters.append(chr(number & (1 << _BITS) - 1))
            number >>= _BITS
    except ValueError:
        return None
    return "".join(reversed(characters))


def _hash(name: str) -> str:
    return blake2b(name.encode(), digest_size=16).hexdigest()
