"""One self-contained HTML file: text, tables, pictures and curves, readable in light and dark.

Nothing is fetched when the file is opened: the style sheet is inline and pictures are embedded.
"""

from __future__ import annotations

import base64
import html
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphlab._io import atomic_write, user_path

from .results import columns_of

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6577; --line: #d7dce5;
  --page: #ffffff; --panel: #f4f6fa; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8f0; --soft: #9aa5b8; --line: #384152;
  --page: #12161e; --panel: #1b212c; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line); }
/* A shadow at an edge says that the table goes on there. */
.scroll { overflow-x: auto; --shade: color-mix(in srgb, var(--soft) 45%, transparent);
  background: linear-gradient(90deg, var(--page) 1rem, transparent 2rem) local 0 0 / 3rem 100%,
  linear-gradient(-90deg, var(--page) 1rem, transparent 2rem) local 100% 0 / 3rem 100%,
  linear-gradient(90deg, var(--shade), transparent) scroll 0 0 / .6rem 100%,
  linear-gradient(-90deg, var(--shade), transparent) scroll 100% 0 / .6rem 100%;
  background-repeat: no-repeat; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .85rem; }
caption, figcaption { text-align: left; color: var(--soft); font-size: .9rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  font-variant-numeric: tabular-nums; vertical-align: top; }
td { white-space: nowrap; } td.text, td:first-child { white-space: normal; }
th:first-child, td:first-child { text-align: left; min-width: 9rem; } th { color: var(--soft); }
th.text, td.text { text-align: left; }
figure { margin: 1rem 0; } figure img { max-width: 100%; border-radius: 4px; }
svg { max-width: 100%; height: auto; color: var(--soft); }
p, aside { overflow-wrap: break-word; } td.text { overflow-wrap: anywhere; min-width: 6rem; }
td.text:last-child { min-width: 8rem; }
aside { background: var(--panel); border-left: 4px solid #d08a1e; padding: .6rem 1rem; }
pre { background: var(--panel); padding: .6rem 1rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
@media (max-width: 40rem) { body { margin: 1rem auto; } h1 { font-size: 1.6rem; }
  h2 { font-size: 1.3rem; } table { font-size: .8rem; } th, td { padding: .25rem .4rem; }
  th:first-child, td:first-child { min-width: 5.8rem; } pre { font-size: .8rem; } }
"""
_COLOURS = ("#3b7dd8", "#d8743b", "#3fa66b", "#a65bc4", "#c4a23b", "#4bb3bf", "#c4526f", "#8a8f99")
_NUMBER = re.compile(r"[-+]?[\d.,]*(e[-+]?\d+)?( ± [\d.,]+)?|nan|-?inf")
MAX_CURVES = len(_COLOURS)


class Report:
    """A page under construction; every method appends to it and returns it.

    All text is escaped, so results may contain any character.

    Args:
        title (str): Heading of the page.

    Example:
        >>> page = Report("Clustering").text("Two seeds.").table([{"row": "ours", "acc": "0.9"}])
        >>> "<h1>Clustering</h1>" in page.html()
        True
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts: list[str] = []

    def section(self, heading: str) -> Report:
        """Start a section."""
        self._parts.append(f"<h2>{html.escape(heading)}</h2>")
        return self

    def text(self, text: str) -> Report:
        """Add paragraphs; a blank line separates them."""
        blocks = (block.strip() for block in text.split("\n\n"))
        self._parts += [f"<p>{html.escape(block)}</p>" for block in blocks if block]
        return self

    def note(self, text: str) -> Report:
        """Add a paragraph that must not be missed."""
        self._parts.append(f"<aside>{html.escape(text)}</aside>")
        return self

    def code(self, text: str) -> Report:
        """Add preformatted text."""
        self._parts.append(f"<pre>{html.escape(text)}</pre>")
        return self

    def table(self, rows: Sequence[Mapping[str, Any]], caption: str = "") -> Report:
        """Add a table of one dict per row; columns appear in order of first use.

        Their names are shown with spaces for underscores.

        Args:
            rows (Sequence[Mapping[str, Any]]): Cells by column; a missing cell stays empty.
            caption (str): Line above the table.
        """
        columns = columns_of([dict(row) for row in rows])
        kinds = {column: _kind([row.get(column) for row in rows]) for column in columns}
        head = "".join(
            f'<th scope="col"{kinds[column]}>{html.escape(str(column).replace("_", " "))}</th>'
            for column in columns
        )
        body = "".join(
            "<tr>"
            + "".join(f"<td{kinds[column]}>{_cell(row.get(column))}</td>" for column in columns)
            + "</tr>"
            for row in rows
        )
        title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
        self._parts.append(
            f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )
        return self

    def figure(self, picture: Any, caption: str = "") -> Report:
        """Embed a picture.

        Args:
            picture (Any): Path of a PNG, PNG bytes, or a matplotlib Figure or Axes.
            caption (str): Line below it, also its alternative text.

        Raises:
            ValueError: If the bytes are not a PNG.
        """
        data = _png(picture)
        if not data.startswith(b"\x89PNG\r\n\x1a\n"):
            raise ValueError("picture must be a PNG file, PNG bytes, or a matplotlib figure")
        source = "data:image/png;base64," + base64.b64encode(data).decode()
        text = html.escape(caption, quote=True)
        self._parts.append(
            f'<figure><img src="{source}" alt="{text}"><figcaption>{text}</figcaption></figure>'
        )
        return self

    def curves(
        self, series: Mapping[str, Sequence[tuple[float, float]]], caption: str = ""
    ) -> Report:
        """Draw lines (name to points) as inline SVG; non-finite points are left out.

        Args:
            series (Mapping[str, Sequence[tuple[float, float]]]): Points by name of the line.
            caption (str): Line below the drawing.
        """
        clean = {
            name: [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
            for name, points in series.items()
        }
        clean = {name: points for name, points in clean.items() if points}
        if clean:
            text = html.escape(caption, quote=True)
            drawing = _svg(clean, text)
            self._parts.append(f"<figure>{drawing}<figcaption>{text}</figcaption></figure>")
        return self

    def html(self) -> str:
        """The whole page."""
        title = html.escape(self._title)
        head = (
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f'<link rel="icon" href="data:,"><title>{title}</title><style>{_STYLE}</style>'
        )
        body = "\n".join([f"<h1>{title}</h1>", *self._parts])
        page = f'<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>'
        return f"<!doctype html>\n{page}\n"

    def write(self, path: str | Path) -> Path:
        """Write the page atomically and return its path."""
        target = user_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(target, self.html().encode())
        return target


def _kind(values: Sequence[Any]) -> str:
    """Mark a column as text if one of its cells is more than a number with its spread."""
    shown = [str(value) for value in values if value is not None]
    return "" if all(_NUMBER.fullmatch(text) for text in shown) else ' class="text"'


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        value = f"{value:.4g}"
    return html.escape(str(value))


def _png(picture: Any) -> bytes:
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, str | Path):
        return user_path(picture, "picture").read_bytes()
    canvas = picture if hasattr(picture, "savefig") else picture.figure
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=120, bbox_inches="tight")
    return buffer.getvalue()


def _svg(series: Mapping[str, Sequence[tuple[float, float]]], label: str) -> str:
    width, height, left, bottom = 640, 260, 64, 34
    every = [point for points in series.values() for point in points]
    x0, x1 = _span([x for x, _ in every])
    y0, y1 = _span([y for _, y in every])

    def pixel(x: float, y: float) -> str:
        across = left + (x - x0) / (x1 - x0) * (width - left - 12)
        down = height - bottom - (y - y0) / (y1 - y0) * (height - bottom - 12)
        return f"{across:.1f},{down:.1f}"

    lines, keys = [], []
    for index, (name, points) in enumerate(series.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        path = " ".join(pixel(x, y) for x, y in points)
        lines.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        )
        keys.append(f'<tspan fill="{colour}" dx="10">{html.escape(name)}</tspan>')
    ticks = [
        f'<text x="{left - 6}" y="18" text-anchor="end">{y1:.3g}</text>',
        f'<text x="{left - 6}" y="{height - bottom}" text-anchor="end">{y0:.3g}</text>',
        f'<text x="{left}" y="{height - bottom + 16}">{x0:g}</text>',
        f'<text x="{width - 12}" y="{height - bottom + 16}" text-anchor="end">{x1:g}</text>',
        f'<text x="{left}" y="{height - 4}">{"".join(keys)}</text>',
    ]
    frame = (
        f'<path d="M{left} 12V{height - bottom}H{width - 12}" fill="none" stroke="currentColor"/>'
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{label}" '
        f'font-size="12" fill="currentColor">{frame}{"".join(ticks)}{"".join(lines)}</svg>'
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
