"""The documentation site as far as it can be tested without Sphinx."""

from __future__ import annotations

import importlib.util
import re
import warnings
from types import ModuleType

import pytest
import torch
from torch_geometric.loader import DataLoader

from graphlab.datasets import digits_knn
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
    blocks = [block for block in every if "import lightning" not in block]
    assert (len(every), len(blocks)) == (9, 8)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/extend.md", "exec"), names)
    assert names["result"].accuracy == 1.0
    assert names["encoder"].out_channels == 16


def test_lightning_example_of_the_guide_trains(tmp_path):
    lightning = pytest.importorskip("lightning", reason="lightning is no dependency")
    text = (DOCS / "extend.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    block = next(block for block in blocks if "import lightning" in block)
    names: dict[str, object] = {"torch": torch}
    exec(compile(block, "docs/extend.md", "exec"), names)
    data = digits_knn()
    model = names["Clusterer"](data.num_features, 10)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", default_root_dir=tmp_path, log_every_n_steps=1, **quiet
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of lightning about itself
        trainer.fit(model, DataLoader([data]))
    pairs = zip(before, model.parameters(), strict=True)
    assert all(not torch.equal(old, new) for old, new in pairs)


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


def test_names_of_two_rooms_are_indexed_once(conf):
    assert "graphlab.hyper.SHyReDataset" in conf.borrowed()
    assert "graphlab.datasets.SHyReDataset" not in conf.borrowed()
    assert conf.constants()["graphlab.hyper"] == ["COUNT_NAMES", "MOTIF_NAMES"]
