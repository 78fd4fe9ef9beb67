"""Notebooks as pages: what was run when they were written is shown, nothing is run here.

The pages are made from ``notebooks/*.ipynb`` into ``docs/notebooks`` when the site is built, and
links to a notebook lead to its page.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_LINK = re.compile(r"\]\((?:\.\./)?notebooks/([\w-]+)\.ipynb\)")
_BESIDE = re.compile(r"\]\(([\w-]+)\.ipynb\)")
_PAGE = re.compile(r"\]\(\.\./docs/([\w-]+\.md)")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def page(notebook: dict[str, Any], name: str, pictures: Path) -> str:
    """The Markdown of a notebook.

    Args:
        notebook (dict): What its file holds.
        name (str): Name of the file, without its ending.
        pictures (Path): Folder to write its pictures to.

    Returns:
        str: The page; the first cell must begin with the title.
    """
    parts: list[str] = []
    for number, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            parts.append(_PAGE.sub(r"](../\1", _BESIDE.sub(r"](\1.md)", source)))
        elif cell["cell_type"] == "code" and source:
            parts.append(_fenced("python", source))
            parts += _outputs(cell, f"{name}_{number}", pictures)
    download = f"{{download}}`As a notebook <../../notebooks/{name}.ipynb>`, to run and to change."
    title, _, rest = parts[0].partition("\n")
    return "\n\n".join([title, download, rest.strip(), *parts[1:]]) + "\n"


def _outputs(cell: dict[str, Any], stem: str, pictures: Path) -> Iterator[str]:
    for number, output in enumerate(cell.get("outputs", [])):
        data = output.get("data", {})
        if "image/png" in data:
            path = pictures / f"{stem}_{number}.png"
            path.write_bytes(base64.b64decode("".join(data["image/png"])))
            yield f"![Output of the cell above]({pictures.name}/{path.name})"
            continue
        text = _COLOR.sub("", "".join(output.get("text") or data.get("text/plain") or []))
        if text.strip():
            yield _fenced("{code-block} text\n:class: output", text.rstrip())


def _fenced(head: str, text: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{head}\n{text}\n{fence}"


def write_pages(app: Any) -> None:
    """Write a page for every notebook, and remove those of notebooks that are gone."""
    source = Path(app.srcdir)
    folder = source / "notebooks"
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    wanted = set()
    for path in sorted((source.parent / "notebooks").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        target = folder / f"{path.stem}.md"
        text = page(notebook, path.stem, pictures)
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
        wanted.add(target)
    for target in set(folder.glob("*.md")) - wanted:
        target.unlink()


def link_pages(app: Any, name: str, source: list[str]) -> None:
    """Let links to notebooks lead to their pages, and list these where a page says so."""
    up = "../" * name.count("/")
    source[0] = _LINK.sub(rf"]({up}notebooks/\1.md)", source[0])
    pages = sorted(path.stem for path in (Path(app.srcdir) / "notebooks").glob("*.md"))
    listed = "\n".join(f"notebooks/{page}" for page in pages)
    source[0] = source[0].replace("<!-- notebooks -->", listed)


def setup(app: Any) -> dict[str, bool]:
    """Register the hooks."""
    app.connect("builder-inited", write_pages)
    app.connect("source-read", link_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
