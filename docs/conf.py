"""Configuration of the documentation site: ``make docs``.

Pages are Markdown beside this file; the API reference is made from the public names of every room
(its ``__all__``), so that it cannot fall behind.
"""

from __future__ import annotations

import os
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]
# Docstrings are read, kernels are not run: the pure path says nothing about missing compilers.
os.environ.setdefault("GRAPHLAB_DISABLE_KERNELS", "1")

import graphlab  # noqa: E402

project = "graphlab"
author = "graphlab contributors"
version = release = graphlab.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "cells",
    "mathml",
    "notebooks",
]
if os.environ.get("GRAPHLAB_DOCS_ONLINE"):  # links to other projects need their indices
    extensions.append("sphinx.ext.intersphinx")
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "torch": ("https://docs.pytorch.org/docs/stable", None),
    "torch_geometric": ("https://pytorch-geometric.readthedocs.io/en/latest", None),
    "numpy": ("https://numpy.org/doc/stable", None),
}
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_ext", "_tables", "_templates", "build"]
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_inherit_docstrings = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"graphlab {release}"
copybutton_selector = "div:not(.output) > div.highlight > pre"  # results are not copied
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
html_show_copyright = False
html_math_renderer = "mathml"  # no script, no web: formulas are readable offline
html_static_path = ["_static"]
html_css_files = ["graphlab.css"]


# --- the API reference ----------------------------------------------------------------------------

ROOMS = re.findall(r"^   (graphlab\.\S+)$", (HERE / "api.md").read_text("utf-8"), re.MULTILINE)


def borrowed() -> set[str]:
    """Public names that a room shows although another room holds them; indexed there only."""
    result = set()
    for room in ROOMS:
        module = import_module(room)
        parent = import_module(room.rpartition(".")[0])
        for name in module.__all__:
            home = getattr(getattr(module, name), "__module__", room)
            if not f"{home}.".startswith(f"{room}.") or name in getattr(parent, "__all__", ()):
                result.add(f"{room}.{name}")
    return result


def constants() -> dict[str, list[str]]:
    """Public names by room that are neither classes nor functions."""
    modules = {room: import_module(room) for room in ROOMS}
    return {
        room: [name for name in module.__all__ if not callable(getattr(module, name))]
        for room, module in modules.items()
    }


autosummary_context = {"borrowed": borrowed(), "constants": constants()}
_REMARK = re.compile(r"(Complexity|Determinism|Reference|References|Shapes): (\S.*)")


def set_remarks(app: Any, what: str, name: str, item: Any, options: Any, lines: list[str]) -> None:
    """Make paragraphs of remarks such as ``Complexity: O(N)``, which go on in indented lines."""
    done: list[str] = []
    inside = False
    for line in lines:
        match = _REMARK.fullmatch(line)
        if match:
            done += ["", f"**{match[1]}.** {match[2]}"]
        elif inside and line.startswith("    "):
            done[-1] += " " + line.strip()
        else:
            done += ["", line] if inside and line else [line]
        inside = match is not None or (inside and line.startswith("    "))
    lines[:] = done


def list_other_pages(app: Any, name: str, source: list[str]) -> None:
    """Put the pages that the index does not name where it says so."""
    if name == "index":
        named = source[0].split()
        others = sorted(path.stem for path in HERE.glob("*.md") if path.stem not in named)
        others = [page for page in others if page != "index"]
        source[0] = source[0].replace("<!-- other pages -->", "\n".join(others))


def setup(app: Any) -> dict[str, bool]:
    """Register the hooks; that on docstrings before napoleon's."""
    app.connect("source-read", list_other_pages)
    app.connect("autodoc-process-docstring", set_remarks, priority=400)
    return {"parallel_read_safe": True}
