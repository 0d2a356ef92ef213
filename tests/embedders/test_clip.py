"""Models that take texts and images: a real one, tiny, made here with random weights."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onevec
from onevec.embedders.clip import ClipEmbedder, load
from onevec.errors import ConfigError, EmbeddingFailed, UnknownEmbedder

pytest.importorskip("sentence_transformers", reason="needs onevec[multimodal], of which torch is gigabytes")
pytest.importorskip("PIL", reason="needs onevec[multimodal]")

COLOURS = ["red", "green", "blue"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP of one layer on each side, as transformers saves it."""
    import torch
    from transformers import CLIPConfig, CLIPModel, CLIPProcessor, CLIPTokenizerFast
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    folder = tmp_path_factory.mktemp("made") / "clip"
    folder.mkdir()
    letters = sorted(set("".join(COLOURS)))
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizerFast(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"))
    images = CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    CLIPProcessor(image_processor=images, tokenizer=tokenizer).save_pretrained(folder)
    side = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"bos_token_id": len(tokens) - 2, "eos_token_id": len(tokens) - 1}
    text = {**side, **ends, "vocab_size": len(tokens), "max_position_embeddings": 16}
    torch.manual_seed(0)
    config = CLIPConfig(text_config=text, vision_config={**side, "image_size": 16, "patch_size": 8}, projection_dim=12)
    CLIPModel(config).save_pretrained(folder)
    return folder


def picture(colour: str, kind: str) -> Any:
    """A picture of one colour: an object, or the bytes of a PNG."""
    from PIL import Image

    image = Image.new("RGB", (20, 24), colour)
    if kind == "object":
        return image
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def test_the_vectors_are_the_librarys(made: Path, tmp_path: Path) -> None:
    """Of texts and images; an image is the same as a file, as bytes and as an object of Pillow's."""
    from sentence_transformers import SentenceTransformer

    embedder = ClipEmbedder(made, batch_size=2)
    assert embedder.dimension == 12
    library = SentenceTransformer(str(made), device="cpu", local_files_only=True)
    texts = library.encode(COLOURS, normalize_embeddings=True)
    images = library.encode([picture(colour, "object") for colour in COLOURS], normalize_embeddings=True)
    np.testing.assert_allclose(embedder.embed(COLOURS), texts, atol=1e-6)
    file = tmp_path / "red.png"
    file.write_bytes(picture("red", "bytes"))
    given = [file, picture("green", "bytes"), picture("blue", "object"), str(file)]
    np.testing.assert_allclose(embedder.embed_images(given), images[[0, 1, 2, 0]], atol=1e-6)
    pairs = embedder.embed_pairs([None, "green"], [file, given[1]])
    np.testing.assert_allclose(pairs[0], images[0], atol=1e-6)
    mean = texts[1] + images[1]
    np.testing.assert_allclose(pairs[1], mean / np.linalg.norm(mean), atol=1e-6)


def test_a_text_finds_pictures_in_another_process(made: Path, tmp_path: Path) -> None:
    """By the name that the collection recorded."""
    embedder = ClipEmbedder(made)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with onevec.connect(url) as store:
        pictures = store.create_collection("pictures", embedder=embedder)
        pictures.upsert(ids=COLOURS, vectors=embedder.embed_images([picture(one, "bytes") for one in COLOURS]))
        expected = [hit.id for hit in pictures.search("red")]
    program = f"import onevec\nprint([hit.id for hit in onevec.connect({url!r}).collection('pictures').search('red')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout == f"{expected}\n"
    assert load(embedder.name.removeprefix("multimodal:")).name == embedder.name


def test_a_long_text_is_cut(made: Path) -> None:
    """At the places that the model has; a megabyte, too."""
    embedder = ClipEmbedder(made)
    vectors = embedder.embed(["red " * 250_000, "red " * 20])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


@pytest.mark.parametrize("kind", ["bytes", "file", "torn", "bomb"])
def test_what_is_no_image_is_named(made: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text, a file that isn't one, one that was cut off, and one that would fill the memory."""
    from PIL import Image

    good = picture("red", "bytes")
    (tmp_path / "note.png").write_text("not an image")
    bad: Any = {"bytes": b"not an image", "file": tmp_path / "note.png", "torn": good[:60], "bomb": good}[kind]
    if kind == "bomb":
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        good = picture("red", "object")
    embedder = ClipEmbedder(made, batch_size=1)
    with pytest.raises(EmbeddingFailed, match="image 1 of 2: it can't be read as an image") as raised:
        embedder.embed_images([good, bad])
    assert raised.value.position == 1


def test_a_model_without_images_is_refused(made: Path, tmp_path: Path) -> None:
    """And what is no model, and a name without one."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *COLOURS]))
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    BertModel(
        BertConfig(vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    ).save_pretrained(folder)
    with pytest.raises(ConfigError, match="takes text, and not texts and images"):
        ClipEmbedder(folder)
    shutil.rmtree(folder)
    with pytest.raises(UnknownEmbedder, match="there is no folder"):
        ClipEmbedder(folder)
    with pytest.raises(UnknownEmbedder, match="needs a model"):
        load()
