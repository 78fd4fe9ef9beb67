"""The documentation site as far as it can be tested without Sphinx."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import shutil
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch_geometric.nn import GCNConv, Sequential

import graphlab
from graphlab.contrastive import GRACE
from tests._data import REPOSITORY

DOCS = REPOSITORY / "docs"


@pytest.fixture(scope="module")
def conf() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        # It asks for the pure path and puts the repository first; neither may leak into the tests.
        patch.setenv("GRAPHLAB_DISABLE_KERNELS", "1")
        patch.syspath_prepend(str(REPOSITORY))
        specification = importlib.util.spec_from_file_location("conf", DOCS / "conf.py")
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    return module


def test_examples_of_the_guide_run(tmp_path, monkeypatch):
    pytest.importorskip("openai", reason="needs the extra 'tag'")
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "extend.md").read_text(encoding="utf-8")
    every = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(every) == 8
    names: dict[str, object] = {}
    for block in every:
        exec(compile(block, "docs/extend.md", "exec"), names)
    assert names["result"].accuracy == 1.0
    assert names["encoder"].out_channels == 16


def test_examples_of_your_graph_run():
    text = (DOCS / "your_graph.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        if "NeighborLoader(" not in block:  # which needs a library for sampling
            exec(compile(block, "docs/your_graph.md", "exec"), names)
    assert list(names["result"].index) == ["ann", "bob", "cat", "dan", "eve"]
    assert names["data"].z.shape == (34, 16)


def test_certificates_of_the_page_hold(capsys):
    text = (DOCS / "certificates.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    torch.manual_seed(0)
    first, second = GCNConv(4, 8), GCNConv(8, 4)
    layers = [(first, "x, e -> x"), torch.nn.ReLU(), (second, "x, e -> x"), torch.nn.ReLU()]
    model = GRACE(Sequential("x, e", layers), 4)
    edge_index = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    names = {
        "model": model, "x": torch.eye(4), "edge_index": edge_index,
        "convolutions": [first, second],
    }  # fmt: skip
    exec(compile(block, "docs/certificates.md", "exec"), names)
    assert names["bound"].shape == (4,)
    assert "% of the nodes are certified" in capsys.readouterr().out


def test_examples_beside_other_tools_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "conventions.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(block, "docs/conventions.md", "exec"), names)
    assert names["search"].best_score_ > 0.75
    assert len(names["scores"]) == 3


def test_links_between_pages_lead_somewhere():
    missing = []
    for page in (REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if "://" not in target and not (page.parent / target).exists():
                missing.append(f"{page.name}: {target}")
    assert missing == []


def test_tests_named_as_evidence_exist():
    text = (DOCS / "reliability.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)`", text)
    assert len(named) >= 5
    assert [name for name in named if not (REPOSITORY / name).is_file()] == []


def test_every_page_is_reached_from_the_index(conf):
    source = [(DOCS / "index.md").read_text(encoding="utf-8")]
    conf.list_other_pages(None, "index", source)
    listed = set(source[0].split())
    assert {page.stem for page in DOCS.glob("*.md")} - {"index"} <= listed
    untouched = ["<!-- other pages -->"]
    conf.list_other_pages(None, "pamc", untouched)
    assert untouched == ["<!-- other pages -->"]


def test_the_home_begins_with_how_to_install_and_the_quickstart():
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    assert "pip install" in text.partition("{toctree}")[0]
    pages = re.search(r"```{toctree}.*?\n\n(.*?)```", text, re.DOTALL)[1].split()
    assert pages[0] == "quickstart"


def test_notebooks_become_pages(conf, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS / "_ext"))
        # The folder of the notebooks has the same name, and other tests import from it.
        patch.delitem(sys.modules, "notebooks", raising=False)
        extension = importlib.import_module("notebooks")
        sys.modules.pop("notebooks")
    source = tmp_path / "docs"
    shutil.copytree(REPOSITORY / "notebooks", tmp_path / "notebooks")
    extension.write_pages(SimpleNamespace(srcdir=str(source)))
    app = SimpleNamespace(srcdir=str(source))
    index = [(DOCS / "index.md").read_text(encoding="utf-8")]
    extension.link_pages(app, "index", index)
    pages = {page.stem: page.read_text("utf-8") for page in (source / "notebooks").glob("*.md")}
    assert set(pages) == {path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb")}
    for name, text in pages.items():
        assert text.startswith("# ") and f"notebooks/{name}.ipynb" in text
        assert ":class: output" in text and "```python" in text and ".png)" in text
        for picture in re.findall(r"\]\((pictures/[^)]+)\)", text):
            assert (source / "notebooks" / picture).stat().st_size > 1000
        assert "](../docs/" not in text  # a page links to pages
        assert f"notebooks/{name}\n" in index[0] and f"(notebooks/{name}.md)" in index[0]
    assert ".ipynb" not in index[0]


def test_remarks_in_docstrings_become_paragraphs(conf):
    lines = [
        "Head.",
        "",
        "Complexity: O(N) time",
        "    and memory.",
        "Reference: A.",
        "Args:",
    ]
    conf.set_remarks(None, "class", "x", None, None, lines)
    kept = [line for line in lines if line]
    remarks = ["**Complexity.** O(N) time and memory.", "**Reference.** A."]
    assert kept == ["Head.", *remarks, "Args:"]
    assert lines[lines.index("Args:") - 1] == ""


@pytest.fixture(scope="module")
def extensions() -> dict[str, ModuleType]:
    pytest.importorskip("sphinx", reason="needs the extra 'docs'")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS / "_ext"))
        found = {name: importlib.import_module(name) for name in ("mathml", "cells")}
    yield found
    for name in found:
        del sys.modules[name]


def formulas() -> list[tuple[str, bool]]:
    """Every formula of the pages and of the docstrings, and whether it is displayed."""
    found = []
    for path in DOCS.glob("*.md"):
        text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        found += [(tex, True) for tex in re.findall(r"\$\$(.+?)\$\$", text, flags=re.DOTALL)]
        text = re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL)
        found += [(tex, False) for tex in re.findall(r"(?<!\\)\$([^$\n]+)\$", text)]
    for path in (REPOSITORY / "graphlab").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found += [(tex, False) for tex in re.findall(r":math:`([^`]+)`", text)]
        blocks = re.findall(r"\.\. math::(.*?)\n\s*\n", text, flags=re.DOTALL)
        found += [(tex, True) for tex in blocks]
    return found


def test_every_formula_becomes_mathml(extensions):
    every = formulas()
    assert len(every) > 150
    for tex, display in every:
        text = extensions["mathml"].mathml(tex, display)
        assert text.startswith("<math ") and text.endswith("</math>")
        assert ('display="block"' in text) == display
        assert "\\" not in text and "ApplyFunction" not in text, tex


@pytest.mark.parametrize(
    ("tex", "part"),
    [
        (r"\tilde w_{ij}", "<msub>"),  # the index beside the letter, not below it
        (r"\langle x \rangle", '<mo stretchy="false">\u27e8</mo>'),
        (r"\log x", '<mi>log</mi>\n  <mspace width="0.17em">'),
        (r"\big(x\big)", 'maxsize="1.2em"'),
        (r"x_1, \dots, x_n", "\u2026"),
        (r"\text{logit\_scale}", "logit_scale"),
    ],
)
def test_formulas_look_as_tex_sets_them(extensions, tex, part):
    assert part in extensions["mathml"].mathml(tex)


def test_unknown_commands_are_told(extensions):
    with pytest.raises(extensions["mathml"].MathError, match="nonsense"):
        extensions["mathml"].mathml(r"\nonsense x")


def test_cells_know_numbers_bars_and_words(extensions):
    cells = extensions["cells"]
    assert cells.kind(["79.6 ± 0.8", "", "5,586 ms", "1.0x", "4 %", "-3e-5", "860 µs"]) == "number"
    assert cells.kind(["2026-11-20"]) == "number"  # a date stays in one line, too
    assert cells.kind(["█", "████"]) == "bar"
    assert cells.kind(["1.0", "none"]) is None
    assert cells.kind(["", ""]) is None
    assert cells.tied("68.0 ± 0.5 / 67.4 ± 0.4") == "68.0\u00a0±\u00a00.5 / 67.4\u00a0±\u00a00.4"
    assert cells.tied("in 5 seeds, 20 ms each") == "in 5 seeds, 20\u00a0ms each"


def test_names_of_two_rooms_are_indexed_once(conf):
    assert "graphlab.hyper.SHyReDataset" in conf.borrowed()
    assert "graphlab.datasets.SHyReDataset" not in conf.borrowed()
    # A name of a room inside a room that both show is indexed in the outer one.
    assert "graphlab.tag.graphclip.GraphCLIP" in conf.borrowed()
    assert "graphlab.tag.graphclip.SubgraphStore" not in conf.borrowed()
    assert conf.constants()["graphlab.hyper"] == ["COUNT_NAMES", "MOTIF_NAMES"]


def test_the_reference_shows_every_public_name(conf):
    shown = {getattr(importlib.import_module(r), n) for r in conf.ROOMS for n in _names(r)}
    rooms = [f"graphlab.{room}" for room in graphlab.__all__ if not room.startswith("_")]
    packages = [m.name for m in pkgutil.walk_packages(graphlab.__path__, "graphlab.") if m.ispkg]
    missing = [
        f"{room}.{name}"
        for room in {*rooms, *packages} - {"graphlab.ops.reference"}  # documented as graphlab.ops
        for name in _names(room)
        if getattr(importlib.import_module(room), name) not in shown
    ]
    assert missing == []


def _names(room: str) -> list[str]:
    module = importlib.import_module(room)
    names = getattr(module, "__all__", [])
    return [name for name in names if callable(getattr(module, name))]
