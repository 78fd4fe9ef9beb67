"""Models in a package of their own: found by name, compared by hash, every lack named."""

from __future__ import annotations

import hashlib
import sys
from types import ModuleType

import pytest
import torch

from graphlab.tag import GraphCLIP
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
