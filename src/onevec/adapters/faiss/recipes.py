"""What an index is made of: settings and FAISS's descriptions, checked before anything is written."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, assert_never

from onevec.documents import IndexKind, IndexSettings
from onevec.errors import ConfigError, Unsupported
from onevec.metrics import Metric

# With fewer vectors an exact search is quicker than any index.
_AT_LEAST = 1000

# FAISS's own advice for k-means: https://github.com/facebookresearch/faiss/wiki/FAQ
_FOR_EACH_CENTROID = 39
_FOR_EACH_NUMBER = 4  # of a rotation

# What FAISS would take the machine's memory for, or crash on: `HNSW1`, `PQ4x0`, `PQ4x24`, `IMI2x14`.
_LARGEST = 1_000_000
_MOST_BITS = 16
_LINKS = range(2, 513)

_TAKES: dict[IndexKind, frozenset[str]] = {
    "flat": frozenset(),
    "hnsw": frozenset({"m", "ef_construction", "quantization"}),
    "ivf_flat": frozenset({"lists", "quantization"}),
    "ivf_pq": frozenset({"lists", "subvectors", "bits"}),
    "factory": frozenset({"factory", "ef_construction"}),
}
_CODES = {"none": "Flat", "float16": "SQfp16", "int8": "SQ8"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the vectors of a collection are indexed.

    Attributes:
        settings: What the user chose.
        dimension: How many numbers each vector has.
        metric: How near two vectors are.
        needed: How many vectors there must be before the index is made; until then searches are exact.
        tunable: Which settings a search by the index takes: `"ef_search"`, `"nprobe"`.
        compact: Whether the index keeps less than half of a vector's bytes.
    """

    settings: IndexSettings
    dimension: int
    metric: Metric
    needed: int = 0
    tunable: frozenset[str] = frozenset()
    compact: bool = False

    @classmethod
    def checked(cls, settings: IndexSettings, dimension: int, metric: Metric) -> Self:
        """Return the recipe if FAISS can make and fill such an index.

        Raises:
            ConfigError: It can't; the message says which part it is.
            Unsupported: It can, but not for this metric.
        """
        recipe = cls(settings, dimension, metric)
        unknown = sorted(recipe.given.keys() - _TAKES[settings.kind] - {"kind"})
        if unknown:
            takes = ", ".join(sorted(_TAKES[settings.kind])) or "no settings"
            raise ConfigError(f"an index of kind {settings.kind!r} has no {unknown[0]}; it has {takes}")
        if settings.subvectors is not None and dimension % settings.subvectors:
            raise ConfigError(
                f"subvectors must divide the dimension: {dimension} is no multiple of {settings.subvectors}"
            )
        if recipe.is_flat:
            return recipe
        faiss, index = library(), recipe.make(_AT_LEAST)
        made = list(parts(index))
        kinds = {"ef_search": faiss.IndexHNSW, "nprobe": faiss.IndexIVF}
        return replace(
            recipe,
            needed=max(_AT_LEAST, *map(_examples, made)),
            tunable=frozenset(name for name, kind in kinds.items() if any(isinstance(part, kind) for part in made)),
            compact=_code_bytes(index) < 2 * dimension,
        )

    @property
    def given(self) -> dict[str, str | int]:
        """What the user chose, by name."""
        return {name: value for name, value in asdict(self.settings).items() if value is not None}

    @property
    def is_flat(self) -> bool:
        """Whether it is exact search, which needs no index beside the vectors themselves."""
        return self.text(_AT_LEAST) == "Flat"

    def text(self, vectors: int) -> str:
        """Return FAISS's description of the index for so many vectors."""
        settings = self.settings
        lists = settings.lists or max(1, min(math.isqrt(16 * vectors), vectors // _FOR_EACH_CENTROID))
        codes = _CODES[settings.quantization or "none"]
        match settings.kind:
            case "flat":
                return "Flat"
            case "hnsw":
                return f"HNSW{settings.m or 32},{codes}"
            case "ivf_flat":
                return f"IVF{lists},{codes}"
            case "ivf_pq":
                return f"IVF{lists},PQ{settings.subvectors or _subvectors(self.dimension)}x{settings.bits or 8}"
            case "factory":
                return settings.factory or ""
            case _:
                assert_never(settings.kind)

    def make(self, vectors: int) -> Any:  # Any: FAISS has no types
        """Return an empty index for so many vectors.

        Raises:
            ConfigError: FAISS doesn't take the description.
            Unsupported: It doesn't for this metric.
        """
        faiss = library()
        text = self.text(vectors)
        _check_text(text)
        # Cosine is the order of unit vectors by L2, which every kind of index has.
        measures = {Metric.DOT: faiss.METRIC_INNER_PRODUCT, Metric.MANHATTAN: faiss.METRIC_L1}
        try:
            index = faiss.index_factory(self.dimension, text, measures.get(self.metric, faiss.METRIC_L2))
        except (RuntimeError, MemoryError) as error:
            why = str(error).rpartition(".cpp:")[2].partition(": ")[2] or str(error)
            raise ConfigError(
                f"FAISS makes no index {text!r} for vectors of {self.dimension} numbers under {self.metric}: {why}"
            ) from error
        for part in parts(index):
            self._check_part(part, text)
            ef_construction = self.settings.ef_construction or (100 if self.settings.kind == "hnsw" else None)
            if ef_construction is not None and hasattr(part, "hnsw"):
                part.hnsw.efConstruction = ef_construction
            if hasattr(part, "do_polysemous_training"):
                # It took 40 s for 16 codebooks, and only searches of a kind that there are none of here make use of it.
                part.do_polysemous_training = False
        return index

    def _check_part(self, part: Any, text: str) -> None:  # Any: FAISS has no types
        faiss = library()
        kind = type(part).__name__
        # FAISS ends the process on L1 distances that a part of an index lacks.
        if self.metric is Metric.MANHATTAN and kind not in {"IndexFlat", "IndexHNSWFlat", "IndexIVFFlat"}:
            raise Unsupported(f"FAISS's {kind} (of {text!r}) has no manhattan distance; take 'flat' or 'hnsw'")
        if (
            self.metric is Metric.MANHATTAN
            and kind == "IndexIVFFlat"
            and hasattr(faiss.downcast_index(part.quantizer), "hnsw")
        ):
            raise Unsupported(f"FAISS can't train {text!r} for manhattan; take 'IVF{part.nlist},Flat'")
        if isinstance(part, faiss.IndexNSG) or kind in {"IndexHNSW", "IndexHNSW2Level"}:
            raise ConfigError(f"FAISS's {kind} (of {text!r}) can't be added to or tuned; take 'HNSW32' or another one")
        if hasattr(part, "hnsw") and _links(part.hnsw) not in _LINKS:
            raise ConfigError(
                f"a graph has {_LINKS.start} to {_LINKS.stop - 1} links a vector, {text!r} has {_links(part.hnsw)}"
            )
        if isinstance(part, faiss.PCAMatrix) and part.d_out > part.d_in:
            raise ConfigError(f"{text!r} makes {part.d_out} numbers of {part.d_in}; a PCA only makes fewer")
        if isinstance(part, faiss.OPQMatrix) and part.d_out % part.M:
            raise ConfigError(f"{text!r} splits {part.d_out} numbers into {part.M} equal parts, which can't be")


def parsed(option: str) -> IndexSettings:
    """Return the settings that the `index` option means: a kind, or one of FAISS's descriptions.

    Raises:
        ConfigError: It is none that this engine can use, whatever the dimension.
    """
    match option:
        case "flat" | "hnsw" | "ivf_flat" | "ivf_pq":
            return IndexSettings(kind=option)
        case _:
            _check_text(option)
            return IndexSettings(kind="factory", factory=option)


def parts(index: Any) -> Iterator[Any]:  # Any: FAISS has no types
    """Yield an index and all it is made of, the outermost first; each is a view that doesn't keep the index alive."""
    faiss = library()
    part = faiss.downcast_index(index)
    yield part
    if isinstance(part, faiss.IndexPreTransform):
        yield from (faiss.downcast_VectorTransform(part.chain.at(place)) for place in range(part.chain.size()))
    for name in ("index", "base_index", "refine_index", "quantizer", "storage"):
        inner = getattr(part, name, None)
        if inner is not None:
            yield from parts(inner)


def library() -> Any:  # Any: its types don't name what its SWIG layer has
    """Return FAISS, loaded when it is first needed."""
    import faiss

    return faiss


def _check_text(text: str) -> None:
    head = text.partition(",")[0]
    if re.match(r"B(Flat|IVF|HNSW|Hash)", head):
        raise ConfigError(f"{text!r} is an index of binary vectors, and a collection's are float32; leave the B out")
    if "IDMap" in text:
        raise ConfigError(f"{text!r}: leave IDMap out; onevec keeps the ids, and they are strings")
    for number in map(int, re.findall(r"\d+", text)):
        if not 0 < number <= _LARGEST:
            raise ConfigError(f"the numbers of an index are 1 to {_LARGEST}, {text!r} has {number}")
    for number in map(int, re.findall(r"(?<=\d)x(\d+)", text)):
        if number > _MOST_BITS:
            raise ConfigError(f"a code has up to {_MOST_BITS} bits, those of {text!r} have {number}")
    cells = re.search(r"IMI(\d+)x(\d+)", text)
    if cells and int(cells[1]) * int(cells[2]) > math.log2(_LARGEST):
        raise ConfigError(f"an index has up to {_LARGEST} lists, {text!r} has 2**{int(cells[1]) * int(cells[2])}")


def _subvectors(dimension: int) -> int:
    """The largest divisor up to a quarter: a byte for each four numbers, or more of them."""
    return max(parts for parts in range(1, max(1, dimension // 4) + 1) if dimension % parts == 0)


def _links(graph: Any) -> int:  # Any: FAISS has no types
    """Links of a vector on each layer above the lowest; with one, FAISS makes no layers, and crashes."""
    return int(graph.nb_neighbors(1)) if graph.cum_nneighbor_per_level.size() > 1 else 1


def _code_bytes(index: Any) -> int:  # Any: FAISS has no types
    """How many bytes an index keeps of a vector, links aside."""
    part = library().downcast_index(index)
    inner = [getattr(part, name) for name in ("index", "base_index", "refine_index", "storage") if hasattr(part, name)]
    return sum(map(_code_bytes, inner)) if inner else int(part.code_size)


def _examples(part: Any) -> int:  # Any: FAISS has no types
    """How many vectors FAISS needs to train a part of an index well."""
    faiss = library()
    if isinstance(part, faiss.OPQMatrix):
        return _FOR_EACH_CENTROID * 256
    if isinstance(part, faiss.VectorTransform):
        return 0 if part.is_trained else _FOR_EACH_NUMBER * int(part.d_in)
    centroids = 1
    if isinstance(part, faiss.IndexIVF):
        quantizer = faiss.downcast_index(part.quantizer)
        centroids = 1 if isinstance(quantizer, faiss.MultiIndexQuantizer) else int(part.nlist)
    for name in ("pq", "refine_pq"):
        if hasattr(part, name):
            centroids = max(centroids, 1 << getattr(part, name).nbits)
    if hasattr(part, "aq"):
        centroids = max(centroids, 1 << int(faiss.vector_to_array(part.aq.nbits).max()))
    return _FOR_EACH_CENTROID * centroids
