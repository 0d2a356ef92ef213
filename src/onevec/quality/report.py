"""A report as one HTML file: it loads nothing from anywhere, and prints well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from os import PathLike
from pathlib import Path

from onevec.quality.labels import Labels
from onevec.quality.libraries import check_libraries
from onevec.quality.plots import COLOURS, OTHER, map_plot, nearest_plot, norms_plot, similarities_plot
from onevec.quality.result import EmbeddingQuality
from onevec.quality.wording import facts, number

_LISTED = 25


def write_report(quality: EmbeddingQuality, path: str | PathLike[str], *, title: str = "embeddings") -> None:
    """Write a page with the numbers, what they tell, and pictures. A file that is there is replaced.

    Args:
        quality: What was measured.
        path: The HTML file.
        title: What the vectors are of.

    Raises:
        EngineNotInstalled: matplotlib is missing.
        OSError: The file can't be written.
    """
    check_libraries()
    Path(path).write_text(page(quality, title=title), "utf-8", errors="replace")


def page(quality: EmbeddingQuality, *, title: str) -> str:
    """Return the page as HTML."""
    name = _text(title)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Quality of {escape(title)}</title>
<style>{_CSS}</style>
</head>
<body>
<h1>Quality of {name}</h1>
<p class="lead">{_lead(quality)}</p>
<table class="facts">
<thead><tr><th>number</th><th class="value">value</th><th>what it tells</th></tr></thead>
<tbody>
{_rows(facts(quality))}
</tbody>
</table>
{"".join(_figures(quality))}
{"".join(_lists(quality))}
</body>
</html>
"""


def _lead(quality: EmbeddingQuality) -> str:
    if not quality.total:
        return "There are no vectors."
    scaled = ", scaled to length 1" if quality.metric == "cosine" else ""
    of = "all" if quality.vectors == quality.total else f"{quality.vectors:,} of"
    return (
        f"Measured on {of} {quality.total:,} vectors with the metric {quality.metric} (seed {quality.seed}). "
        f"Distances are Euclidean, between the vectors as they are searched{scaled}."
    )


def _rows(rows: Iterable[tuple[str, ...]], *, numbers: tuple[int, ...] = (1,)) -> str:
    return "\n".join(
        "<tr>"
        + "".join(
            f'<td class="value">{_text(cell)}</td>' if at in numbers else f"<td>{_text(cell)}</td>"
            for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )


def _figures(quality: EmbeddingQuality) -> Iterator[str]:
    drawing = quality.drawing
    if drawing is None:
        return
    yield '<div class="figures">'
    yield _figure(norms_plot(drawing), "Norms", "Lengths of the vectors, as they are stored.")
    yield _figure(
        similarities_plot(drawing.similarities),
        "Similarities",
        "Cosines of random pairs. The further left, the more room for what is alike to stand out; with labels or "
        "clusters, the less the two overlap, the better the vectors tell them apart.",
    )
    yield _figure(
        nearest_plot(drawing),
        "Nearest neighbours",
        "How far each vector is from the one nearest to it. A heap at 0 is of duplicates, a tail to the right of "
        "vectors that are alone.",
    )
    yield "</div>"
    if drawing.map is not None:
        share = f"{100 * drawing.map.variance:.3g} %"
        caption = (
            f"The first two principal axes, which have {share} of the variance. "
            "What is apart here is apart; what is together here may be apart along the others."
        )
        yield _figure(map_plot(drawing.map, drawing.groups), "Map", caption, more=_legend(drawing.groups))


def _figure(svg: str, heading: str, caption: str, *, more: str = "") -> str:
    labelled = svg.replace("<svg ", f'<svg role="img" aria-label="{heading}" ', 1)
    return f"<figure><h2>{heading}</h2>{labelled}{more}<figcaption>{escape(caption)}</figcaption></figure>\n"


def _legend(groups: Labels | None) -> str:
    if groups is None:
        return ""
    shown = list(zip(groups.names, COLOURS, strict=False))
    if len(groups.names) > len(COLOURS) or (groups.groups < 0).any():
        shown.append(("others", OTHER))
    items = "".join(f'<li><span style="background:{colour}"></span>{_text(name)}</li>' for name, colour in shown)
    return f'<ul class="legend">{items}</ul>'


def _lists(quality: EmbeddingQuality) -> Iterator[str]:
    if quality.outliers is not None and quality.outliers.count:
        found = [(each.id, number(each.distance), number(each.score)) for each in quality.outliers.farthest]
        yield _list("Outliers", ("id", "distance from the centre", "robust z-score"), found, quality.outliers.count)
    if quality.near_duplicates is not None and quality.near_duplicates.pairs:
        pairs = [(each.first, each.second, f"{each.cosine:.4f}") for each in quality.near_duplicates.nearest]
        yield _list("Near-duplicates", ("id", "id", "cosine"), pairs, quality.near_duplicates.pairs)


def _list(heading: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], count: int) -> str:
    numbers = tuple(at for at, column in enumerate(columns) if column != "id")
    head = "".join(
        f'<th class="value">{column}</th>' if at in numbers else f"<th>{column}</th>"
        for at, column in enumerate(columns)
    )
    more = f"<p>and {count - _LISTED:,} more</p>" if count > _LISTED else ""
    body = _rows(rows[:_LISTED], numbers=numbers)
    return f"<h2>{heading}</h2>\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n{more}\n"


def _text(text: str) -> str:
    """Text of any origin: nothing in it is markup, nor acts on what stands around it."""
    shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
    return f"<bdi>{escape(shown)}</bdi>"


_CSS = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2937; background: #fff; max-width: 64rem; margin: 2rem auto;
  padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.lead, figcaption { color: #4b5563; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th { text-align: left; font-weight: 600; color: #4b5563; border-bottom: 2px solid #d1d5db; }
th, td { padding: .3rem .75rem .3rem 0; vertical-align: top; overflow-wrap: anywhere; }
td { border-bottom: 1px solid #e5e7eb; }
.facts td:first-child { white-space: nowrap; }
.value { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-right: 1.5rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 0 1.5rem; }
figure { margin: 0; break-inside: avoid; }
figure svg { width: 100%; height: auto; display: block; }
figcaption { font-size: .9rem; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .25rem 0; }
.legend span { display: inline-block; width: .75rem; height: .75rem; border-radius: 50%; margin-right: .4rem; }
@media print { body { margin: 0; max-width: none; font-size: 11pt; } .figures { grid-template-columns: repeat(3, 1fr); }
  tr, h2 { break-inside: avoid; break-after: auto; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
