"""FastRP as an estimator: parameters, the alias of Neo4j's semantics, files, pipelines."""

from __future__ import annotations

import json

import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch_geometric.data import Data

from graphlab.embed import AddFastRP, FastRP, fastrp

EDGE = torch.tensor([[0, 1], [1, 0]])


def graph(nodes=60, count=400):
    generator = torch.Generator().manual_seed(0)
    index = torch.randint(nodes - 3, (2, count), generator=generator)
    return index, nodes, torch.rand(count, generator=generator) + 0.1


# --- parameters -----------------------------------------------------------------------------------


def test_parameters_are_kept_as_given_and_checked_by_fit():
    model = FastRP(dim=-1, weights=[1, 2], sparsity="many")
    assert (model.dim, model.weights, model.sparsity) == (-1, [1, 2], "many")
    with pytest.raises(ValueError, match="dim must be at least 1, got -1"):
        model.fit(EDGE)
    with pytest.raises(TypeError, match="sparsity must be"):
        model.set_params(dim=4).fit(EDGE)
    assert model.set_params(sparsity=None).fit(EDGE).transform().shape == (2, 4)


def test_repr_shows_what_is_not_the_default():
    assert repr(FastRP()) == "FastRP()"
    assert repr(FastRP(64, seed=3)) == "FastRP(dim=64, seed=3)"
    assert repr(AddFastRP("z", dim=4)) == "AddFastRP(attr_name='z', FastRP(dim=4))"


def test_clones_have_the_parameters_and_no_graph():
    model = FastRP(8, [0.5, 1.0], None, "gaussian", seed=4, dtype=torch.float64).fit(*graph())
    other = clone(model)
    assert other.get_params() == model.get_params()
    assert not hasattr(other, "graph_")
    assert torch.equal(other.fit_transform(*graph()), model.transform())


def test_parameters_that_change_after_a_fit_wait_for_the_next():
    model = FastRP(8).fit(*graph())
    before = model.transform()
    model.set_params(dim=4, weights=None, num_powers=2, normalize=False)
    assert torch.equal(model.transform(), before)
    assert model.fit(*graph()).transform().shape == (60, 8)


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.transform(),
        lambda model: model.transform(EDGE),
        lambda model: model.propagate(),
        lambda model: model.columns(0, 1),
        lambda model: model.update(EDGE),
        lambda model: model.save("never-written"),
    ],
)
def test_use_before_a_fit_is_refused(use):
    with pytest.raises(NotFittedError, match=r"call FastRP\.fit first"):
        use(FastRP())


def test_merge_without_a_graph_needs_no_self_weight():
    powers = FastRP(8).propagate(*graph())
    assert torch.equal(FastRP(8).merge(powers), FastRP(8).fit(*graph()).merge(powers))
    with pytest.raises(NotFittedError):
        FastRP(8, self_weight=1.0).merge(powers)


# --- Neo4j ----------------------------------------------------------------------------------------


def test_neo4j_has_defaults_of_its_own_and_keeps_what_is_given():
    model = FastRP.neo4j(dim=8, seed=2)
    assert (model.dim, model.seed, model.degree) == (8, 2, "count")
    assert (model.weights, model.beta, model.projection) == ((0, 1, 1), 0.0, "achlioptas")
    model = FastRP.neo4j(beta=-0.64, projection="very_sparse")
    assert (model.weights, model.beta, model.projection) == ((0, 1, 1), -0.64, "very_sparse")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"weights": (0.0, 0.0, 1.0, 6.67), "beta": -0.64, "projection": "very_sparse"},
        {"weights": None, "num_powers": 2, "dim": 5},
    ],
)
def test_the_preset_is_an_alias_that_warns(params):
    with pytest.warns(
        FutureWarning, match=r"FastRP\(preset='neo4j'\) is FastRP\.neo4j\(\) now"
    ) as caught:
        old = FastRP(preset="neo4j", **params)
    assert caught[0].filename == __file__
    new = FastRP.neo4j(**params)
    assert old.get_params() == new.get_params()
    assert torch.equal(old.fit_transform(*graph()), new.fit_transform(*graph()))
    assert clone(old).get_params() == new.get_params()


def test_the_preset_cannot_be_set_afterwards():
    with pytest.raises(ValueError, match="use the class method"):
        FastRP().set_params(preset="neo4j").fit(EDGE)


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "given"),
    [
        ({}, {}),
        ({"weights": [0.5, 1.0], "dtype": torch.bfloat16, "beta": None}, {}),
        ({"weights": None, "num_powers": 2, "seed": 2**64 - 1}, {}),
        ({"dtype": torch.float64}, {"x": torch.eye(60), "property_ratio": 0.5}),
        ({"degree": "count"}, {"node_id": torch.arange(60).flip(0)}),
        ({"self_weight": 0.5}, {"projection_matrix": torch.eye(60)}),
    ],
)
def test_saved_models_embed_the_same(tmp_path, params, given):
    model = FastRP(32, **params).fit(*graph(), **given)
    model.set_params(dim=7)  # which waits for another fit
    again = FastRP.load(model.save(tmp_path / "model"))
    assert torch.equal(again.transform(), model.transform())
    assert again.num_nodes_ == 60
    if model.degree == "weight":
        extra, ones = torch.tensor([[1, 59], [59, 1]]), torch.ones(2)
        assert torch.equal(again.update(extra, ones), model.update(extra, ones))


def test_edges_without_weights_join_a_weighted_graph_with_a_warning(tmp_path):
    index, nodes, weight = graph()
    model = FastRP(8).fit(index, nodes, 2 * weight)
    told = r"2 edges are added with weight 1 to a graph whose weights run from 0\.\d+ to \d"
    with pytest.warns(UserWarning, match=told):
        model.update(EDGE)
    model.update(EDGE, torch.ones(2))
    with pytest.warns(UserWarning, match=told):
        FastRP.load(model.save(tmp_path / "weighted")).update(EDGE)


def test_repeated_edges_are_no_weights(tmp_path):
    index, nodes, _ = graph()
    repeated = torch.cat([index, index[:, :50]], dim=1)
    model = FastRP(8).fit(repeated, nodes)
    model.update(EDGE)
    FastRP.load(model.save(tmp_path / "plain")).update(EDGE)  # also where counts are gone
    model.update(EDGE, torch.tensor([0.5, 0.5]))
    with pytest.warns(UserWarning, match="edge_weight is missing"):
        model.update(EDGE)


def test_an_unweighted_graph_is_saved_without_weights(tmp_path):
    index, nodes, _ = graph()
    model = FastRP(16).fit(torch.unique(index, dim=1), nodes)
    folder = model.save(tmp_path)
    assert torch.equal(FastRP.load(folder).transform(), model.transform())
    assert json.loads((folder / "config.json").read_text())["params"]["dtype"] == "float32"


# --- scikit-learn ---------------------------------------------------------------------------------


def communities():
    blocks = nx.stochastic_block_model([30, 30], [[0.4, 0.02], [0.02, 0.4]], seed=0)
    return nx.to_scipy_sparse_array(blocks, format="csr"), np.repeat([0, 1], 30)


def test_a_pipeline_embeds_and_classifies():
    adjacency, y = communities()
    pipeline = make_pipeline(FastRP(16, seed=1), LogisticRegression())
    accuracy = pipeline.fit(adjacency, y).score(adjacency, y)
    assert accuracy > 0.95
    direct = fastrp(adjacency, dim=16, seed=1).numpy()
    want = LogisticRegression().fit(direct, y).predict(direct)
    assert np.array_equal(pipeline.predict(adjacency), want)
    assert np.array_equal(clone(pipeline).fit(adjacency, y).predict(adjacency), want)


def test_parameters_are_searched_through_a_pipeline():
    adjacency, y = communities()
    order = np.random.default_rng(0).permutation(60)
    learn, judge = order[:40], order[40:]
    base = make_pipeline(FastRP(seed=1), LogisticRegression())
    scores = {}
    for dim in (1, 16):
        model = clone(base).set_params(fastrp__dim=dim)
        z = model[:-1].fit_transform(adjacency)  # all nodes: the method is transductive
        scores[dim] = model[-1].fit(z[learn], y[learn]).score(z[judge], y[judge])
    assert scores[16] > 0.9 and scores[16] >= scores[1]


def test_labels_are_ignored_beside_a_matrix_only():
    adjacency, y = communities()
    want = fastrp(adjacency, dim=8)
    for labels in (y, y.tolist(), torch.from_numpy(y), np.eye(2)[y]):
        assert torch.equal(FastRP(8).fit(adjacency, labels).transform(), want)
    with pytest.raises(TypeError, match="num_nodes must be an int"):
        FastRP(8).fit(EDGE, torch.ones(2))
    with pytest.raises(ValueError, match="num_nodes must be 60"):
        FastRP(8).fit(adjacency, 61)


def test_another_graph_is_embedded_by_itself():
    model = FastRP(16, seed=1).fit(*graph())
    before = model.transform()
    adjacency, _ = communities()
    assert torch.equal(model.transform(adjacency), fastrp(adjacency, dim=16, seed=1))
    assert torch.equal(model.transform(adjacency, panel=16), model.transform(adjacency))
    assert torch.equal(model.transform(), before)


def test_features_that_are_not_read_are_told():
    x = torch.ones(2, 3)
    with pytest.warns(UserWarning, match=r"x is not read with property_ratio = 0") as caught:
        told = FastRP(dim=8).fit_transform(EDGE, 2, x=x)
    assert caught[0].filename == __file__
    assert torch.equal(told, FastRP(dim=8).fit_transform(EDGE, 2))
    start = {"projection_matrix": torch.ones(2, 8), "property_ratio": 0.5}
    with pytest.warns(UserWarning, match="x is not read beside projection_matrix"):
        FastRP(dim=8).fit(EDGE, 2, x=x, **start)
    FastRP(dim=8).fit(Data(edge_index=EDGE, x=x))  # what a graph happens to hold is no wish
