"""A folder with a model: what it says of itself, and a name that stays true wherever the folder lies.

The files are those that sentence-transformers writes and the Hugging Face Hub shows: `config.json`,
`sentence_bert_config.json`, `tokenizer_config.json`, `modules.json`, `1_Pooling/config.json`. All may be missing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlencode

from onevec.embedders.texts import TextEmbedder
from onevec.errors import ConfigError, EmbedderMismatch, UnknownEmbedder, UnknownOption

E = TypeVar("E", bound=TextEmbedder)

_SPEC = re.compile(r"(?P<model>.*?)(\?(?P<options>\w+=[^?#]*))?(#(?P<digest>[0-9a-f]{12}))?", re.DOTALL)
_DIGITS = 12
# As sentence-transformers writes them: a flag for each way of pooling, or from version 6 the way's name.
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "last",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weightedmean",
}
_LONGEST = 1 << 20  # tokenizers without a limit say 10**30


class Spec(NamedTuple):
    """What follows the colon in an embedder's name: `model?option=value&option=value#digest`.

    Attributes:
        model: A folder, or a name on a hub.
        options: What differs from the model's own settings.
        digest: The first digits of a SHA-256 over its files and settings; None where it wasn't said.
    """

    model: str
    options: Mapping[str, str] = {}
    digest: str | None = None

    @classmethod
    def parsed(cls, text: str) -> Spec:
        """Return what a text says."""
        match = _SPEC.fullmatch(text)
        assert match is not None  # noqa: S101 (each part may be missing)
        return cls(match["model"], dict(parse_qsl(match["options"] or "", keep_blank_values=True)), match["digest"])

    def __str__(self) -> str:
        options = f"?{urlencode(self.options, safe='/')}" if self.options else ""
        return f"{self.model}{options}{f'#{self.digest}' if self.digest else ''}"

    def converted(self, kinds: Mapping[str, type]) -> dict[str, Any]:  # Any: of those kinds
        """Return the options as numbers, truth values and texts.

        Raises:
            UnknownOption: There is no such option.
            ConfigError: A value isn't of its kind.
        """
        for name in self.options:
            if name not in kinds:
                raise UnknownOption(f"{self}: there is no option {name!r}; options are {', '.join(kinds)}")
        return {name: _converted(name, value, kinds[name]) for name, value in self.options.items()}


class ModelFolder:
    """What the configs in a folder say.

    Raises:
        UnknownEmbedder: There is no such folder.
        ConfigError: A config isn't JSON.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder).expanduser().absolute()
        if not self.path.is_dir():
            raise UnknownEmbedder(f"there is no folder {str(self.path)!r} with a model")
        self._config = self._json("config.json")

    @property
    def pooling(self) -> str | None:
        """How the vectors of tokens become one: `mean`, `cls`, `max`, `last`, or another way; None if it isn't said."""
        config = self._json("1_Pooling/config.json")
        named = config.get("pooling_mode")
        if isinstance(named, str):
            return "last" if named == "lasttoken" else named
        ways = [way for flag, way in _FLAGS.items() if config.get(flag) is True]
        return "+".join(ways) or None

    @property
    def layers(self) -> list[str]:
        """The kinds of layer after pooling, such as `Dense`, apart from `Normalize`."""
        try:
            modules = json.loads(self._text("modules.json") or "[]")
            kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"{self.path / 'modules.json'} can't be read: {error}") from None
        return [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize")]

    @property
    def max_length(self) -> int | None:
        """The most tokens of a text that the model was made for."""
        said = (
            self._json("sentence_bert_config.json").get("max_seq_length"),
            self._json("tokenizer_config.json").get("model_max_length"),
            self.positions,
        )
        first = next((length for length in said if type(length) is int and 0 < length < _LONGEST), None)
        return first if first is None or self.positions is None else min(first, self.positions)

    @property
    def positions(self) -> int | None:
        """The most tokens that the model has places for."""
        positions = self._config.get("max_position_embeddings")
        return positions if type(positions) is int else None

    @property
    def padding(self) -> int:
        """The token that fills up short texts."""
        token = self._config.get("pad_token_id")
        return token if type(token) is int else 0

    def _json(self, name: str) -> Mapping[str, Any]:  # Any: JSON values
        try:
            found = json.loads(self._text(name) or "{}")
        except ValueError as error:
            raise ConfigError(f"{self.path / name} isn't JSON: {error}") from None
        return found if isinstance(found, dict) else {}

    def _text(self, name: str) -> str | None:
        path = self.path / name
        return path.read_text("utf-8") if path.is_file() else None


def digest(files: Iterable[Path], *settings: object) -> str:
    """Return what tells a model from any other: the first digits of a SHA-256 over its files' bytes and its settings.

    A file is hashed by itself first, so that no byte can move from one to the next unseen.
    """
    total = hashlib.sha256(repr(settings).encode())
    for path in files:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:_DIGITS]


def opened_by_name(
    opened: Callable[..., E],
    spec: str | None,
    options: Mapping[str, type],
    example: str,
) -> E:
    """Return the embedder that a name says, opened, if it is the one that was recorded.

    Args:
        opened: Takes a model and options, and returns the embedder.
        spec: What follows the colon in the name.
        options: The options that can stand in a name, and their kinds.
        example: A whole name, for the error where no model is named.

    Raises:
        UnknownEmbedder: No model was named.
        EmbedderMismatch: It isn't the one that was recorded.
        UnknownOption, ConfigError: An option doesn't fit.
    """
    if not spec:
        raise UnknownEmbedder(f'the embedder {example.partition(":")[0]} needs a model: "{example}"')
    asked = Spec.parsed(spec)
    embedder = opened(asked.model, **asked.converted(options))
    if asked.digest not in (None, Spec.parsed(embedder.name).digest):
        raise EmbedderMismatch(
            f"the model {asked.model!r} has changed since it was recorded with the digest {asked.digest}; now it is "
            f"{embedder.name!r}: put the old one back, or make the vectors anew"
        )
    return embedder


def _converted(name: str, value: str, kind: type) -> object:
    try:
        return {"true": True, "false": False}[value] if kind is bool else kind(value)
    except (KeyError, ValueError):
        wanted = "true or false" if kind is bool else "a whole number"
        raise ConfigError(f"the embedder's option {name} is {wanted}, got {value!r}") from None
