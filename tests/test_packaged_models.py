"""Models in a package of their own: found by name, compared by hash, every lack named."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import sys
from types import ModuleType

import pytest
import torch

from graphlab.tag import GraphCLIP
from tests._data import REPOSITORY
from tests.tag.graphclip._toy import toy_model, toy_pairs


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with one model, in the place of the released one."""
    folder = toy_model().save_pretrained(tmp_path / "toy")
    module = ModuleType("graphlab_models")
    module.__version__ = "7.0"
    module.MODELS = {
        "toy": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in ("model.safetensors", "config.json")
        }
    }
    module.folder = lambda name: tmp_path / name
    monkeypatch.setitem(sys.modules, "graphlab_models", module)
    return folder


def test_a_packaged_model_is_found_by_its_name(package):
    pairs, model = toy_pairs(), GraphCLIP.from_pretrained("graphlab/toy")
    want = toy_model().encode(pairs.x, pairs.store)
    assert torch.equal(model.encode(pairs.x, pairs.store), want)


def test_a_folder_of_that_name_comes_first(package, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = toy_model(seed=1)
    other.save_pretrained("graphlab/toy")
    found = GraphCLIP.from_pretrained("graphlab/toy").state_dict()
    assert all(torch.equal(v, found[k]) for k, v in other.state_dict().items())


def test_an_unknown_name_lists_the_known_ones(package):
    words = r"no model 'graphlab/huge' in graphlab-models 7\.0, which has graphlab/toy"
    with pytest.raises(FileNotFoundError, match=words):
        GraphCLIP.from_pretrained("graphlab/huge")
    with pytest.raises(ValueError, match="revision must be None for 'graphlab/toy'"):
        GraphCLIP.from_pretrained("graphlab/toy", revision="main")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_another_file_than_the_released_one_is_refused(package, name):
    path = package / name
    path.write_bytes(path.read_bytes().replace(b"GraphCLIP", b"GraphCLAP"))
    with pytest.raises(ValueError, match=f"{name} must have SHA-256 .* install it again"):
        GraphCLIP.from_pretrained("graphlab/toy")
    path.unlink()
    with pytest.raises(ValueError, match=f"{name} is missing: install it again"):
        GraphCLIP.from_pretrained("graphlab/toy")


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphlab_models", None)
    words = r"'graphlab/tiny' lies in the package graphlab-models, .* pip install \./models in a "
    with pytest.raises(ImportError, match=words + r"checkout, or pip install graphlab\[models\]"):
        GraphCLIP.from_pretrained("graphlab/tiny")


# --- the released package -------------------------------------------------------------------------

FOLDER = REPOSITORY / "models" / "graphlab_models"


def test_every_released_model_loads_and_has_a_card_with_its_hash():
    import graphlab_models

    released = {path.parent.name for path in FOLDER.glob("*/model.safetensors")}
    assert set(graphlab_models.MODELS) == released and released
    for name, files in graphlab_models.MODELS.items():
        folder = graphlab_models.folder(name)
        present = {path.name for path in folder.iterdir() if path.is_file()}
        assert present == {*files, "README.md"}
        card = (folder / "README.md").read_text(encoding="utf-8")
        assert set(re.findall(r"\b[0-9a-f]{64}\b", card)) == {files["model.safetensors"]}
        assert (folder / "model.safetensors").stat().st_size < 10e6
        model = GraphCLIP.from_pretrained(f"graphlab/{name}")
        assert model.text_model == "all-MiniLM-L6-v2"
        assert all(torch.isfinite(v).all() for v in model.state_dict().values())
    with pytest.raises(KeyError, match="no model 'huge', but tiny"):
        graphlab_models.folder("huge")


def test_a_saved_tower_is_shipped_in_half_precision(tmp_path, monkeypatch, capsys):
    path = REPOSITORY / "models" / "ship.py"
    specification = importlib.util.spec_from_file_location("ship", path)
    ship = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(ship)
    source = toy_model(seed=2).save_pretrained(tmp_path / "run")
    card = tmp_path / "package" / "toy" / "README.md"
    card.parent.mkdir(parents=True)
    card.write_text(f"SHA-256 {'0' * 64} of the weights", encoding="utf-8")
    monkeypatch.setattr(ship, "_PACKAGE", tmp_path / "package")
    monkeypatch.setattr(sys, "argv", ["ship.py", str(source), "toy"])
    ship.main()
    files = json.loads((tmp_path / "package" / "models.json").read_text(encoding="utf-8"))["toy"]
    weights = card.with_name("model.safetensors")
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert files["model.safetensors"] == digest
    assert digest in card.read_text(encoding="utf-8") and digest in capsys.readouterr().out
    assert weights.stat().st_size < 0.75 * (source / "model.safetensors").stat().st_size
    pairs, model = toy_pairs(), GraphCLIP.from_pretrained(card.parent)
    want = toy_model(seed=2).encode(pairs.x, pairs.store)
    torch.testing.assert_close(model.encode(pairs.x, pairs.store), want, rtol=1e-2, atol=1e-2)


def test_the_card_has_the_numbers_of_the_result_file():
    name = "graphclip_pretrain_graphlab_tiny.json"
    result = json.loads((REPOSITORY / "experiments" / "results" / name).read_text(encoding="utf-8"))
    card = (FOLDER / "tiny" / "README.md").read_text(encoding="utf-8")
    targets = [row.partition(":")[0] for row in result["rows"] if row.endswith(": graphclip")]
    for row in ("graphclip", "own text", "subgraph mean", "own + mean", "majority", "chance"):
        scores = [result["rows"][f"{target}: {row}"] for target in targets]
        cells = [f"{100 * s['acc']['mean']:.1f} / {100 * s['f1']['mean']:.1f}" for s in scores]
        assert f"| {row} | {' | '.join(cells)} |" in card
