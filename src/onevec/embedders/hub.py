"""Models of sentence-transformers: loading one of a folder or of the Hugging Face Hub, and telling it from others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from onevec.embedders.model_folder import Spec, digest
from onevec.errors import ConfigError, EngineNotInstalled, UnknownEmbedder
from onevec.validate import checked_count

CHARACTERS_A_TOKEN = 64  # of a text that is cut off anyway, so many are read

# What the vectors depend on, and what every version of the library downloads.
_WEIGHTS = ("*.safetensors", "*.bin")
_SETTINGS = ("config.json", "modules.json", "[0-9]*_*/config.json", "tokenizer.json", "vocab.txt", "*.model", "*.py")


def check_installed(extra: str) -> None:
    """Refuse where a library of an extra is missing, with the command that installs it."""
    needed = ("sentence_transformers", "PIL") if extra == "multimodal" else ("sentence_transformers",)
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise EngineNotInstalled(f'the embedder {extra} needs {", ".join(missing)}: pip install "onevec[{extra}]"')


def loaded(
    model: str | Path, device: str, revision: str | None, *, trust_remote_code: bool
) -> Any:  # Any: a torch module
    """Return the library's model of a folder, or of the hub."""
    path = Path(model).expanduser()
    is_folder = path.is_dir()
    if not is_folder and (path.is_absolute() or str(model).startswith((".", "~")) or str(model).count("/") > 1):
        raise UnknownEmbedder(f"there is no folder {str(path)!r} with a model")
    if is_folder and not any((path / name).is_file() for name in ("config.json", "modules.json")):
        raise UnknownEmbedder(f"{str(path)!r} isn't a model: it has neither config.json nor modules.json")
    if is_folder and revision is not None:
        raise ConfigError(f"{str(path)!r} is a folder, which has no revisions; leave out revision")
    with _silence():
        from sentence_transformers import SentenceTransformer

        try:
            library = SentenceTransformer(
                str(path if is_folder else model),
                device=None if device == "auto" else device,
                revision=revision,
                trust_remote_code=trust_remote_code,
                local_files_only=is_folder,
            )
        except OSError as error:  # the hub's client: no such model, no network
            if is_folder:
                raise ConfigError(f"the model in {str(path)!r} can't be loaded: {error}") from error
            raise UnknownEmbedder(f"there is no folder {str(model)!r}, and the hub doesn't give it: {error}") from error
        except Exception as error:
            raise ConfigError(f"the model {str(model)!r} can't be loaded: {error}") from error
    places = _places(library)
    if places is not None and (library.max_seq_length is None or library.max_seq_length > places):
        library.max_seq_length = places  # without which a longer text is an error
    return library


def limit(library: Any, max_length: int | None) -> bool:  # Any: a torch module
    """Let a model read up to so many tokens of a text; return whether that isn't what it does anyway.

    Raises:
        ConfigError: The model has no places for so many.
    """
    if max_length is None or checked_count(max_length, "max_length") == library.max_seq_length:
        return False
    places = _places(library)
    if places is not None and max_length > places:
        raise ConfigError(f"the model has places for {places} tokens, got max_length={max_length}")
    library.max_seq_length = max_length
    return True


def identified(model: str | Path, revision: str | None, options: Mapping[str, str]) -> Spec:
    """Return the name of a model that was loaded, with a digest of its files.

    One of the hub is pinned to its commit; its name is as it was asked for where the hub's client doesn't keep it.
    """
    folder = Path(model).expanduser()
    settings = sorted(options.items())
    if folder.is_dir():
        return Spec(str(folder.absolute()), options, digest(_files(folder), *settings))
    snapshot = _snapshot(str(model), revision)
    if snapshot is None:
        return Spec(str(model), {**({} if revision is None else {"revision": revision}), **options})
    return Spec(str(model), {"revision": snapshot.name, **options}, digest(_files(snapshot), *settings))


def _places(library: Any) -> int | None:  # Any: as above
    """For how many tokens a model has places."""
    config = getattr(library.transformers_model, "config", None)
    places = getattr(config.get_text_config(), "max_position_embeddings", None) if config is not None else None
    return places if isinstance(places, int) else None


def _files(folder: Path) -> list[Path]:
    """What tells one model from another: weights of one kind, configs, tokenizer."""
    weights = next((found for kind in _WEIGHTS if (found := [*folder.rglob(kind)])), [])
    return sorted({*weights, *(path for kind in _SETTINGS for path in folder.glob(kind))})


def _snapshot(model: str, revision: str | None) -> Path | None:
    """Where the hub's client keeps a model that was just loaded: a folder named after the commit."""
    from huggingface_hub import try_to_load_from_cache

    kept = os.environ.get("SENTENCE_TRANSFORMERS_HOME")
    for name in (model, f"sentence-transformers/{model}"):
        for file in ("config.json", "modules.json"):
            path = try_to_load_from_cache(name, file, kept, revision) if name.count("/") == 1 else None
            if isinstance(path, str):
                return Path(path).parent
    return None


@contextmanager
def _silence() -> Iterator[None]:
    """No progress bars of the library's while a model is loaded."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
