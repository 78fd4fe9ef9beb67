"""Embeddings under the tools of scikit-learn."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from torch_geometric.utils import to_scipy_sparse_matrix

from graphlab.embed import PPR, FastRP, NodeEmbedding
from graphlab.tag import GAugLLM
from tests._data import REPOSITORY
from tests._graphs import planted

DATA = planted()
NODES, Y = np.arange(DATA.num_nodes), DATA.y.numpy()


def pipeline(**params) -> Pipeline:
    return make_pipeline(NodeEmbedding(DATA, FastRP(dim=16, **params)), LogisticRegression())


def test_rows_are_those_of_the_model():
    want = FastRP(dim=16).fit_transform(DATA)
    model = NodeEmbedding(DATA, FastRP(dim=16))
    for nodes in (NODES[5:9], NODES[5:9, None], torch.arange(5, 9), [5, 6, 7, 8]):
        got = model.fit_transform(nodes)
        assert isinstance(got, np.ndarray)
        np.testing.assert_array_equal(got, want[5:9].numpy())


def test_what_the_model_reads_may_be_any_graph():
    matrix = to_scipy_sparse_matrix(DATA.edge_index, num_nodes=DATA.num_nodes)
    want = NodeEmbedding(DATA, FastRP(dim=16)).fit_transform(NODES)
    got = NodeEmbedding(sparse.csr_array(matrix), FastRP(dim=16)).fit_transform(NODES)
    np.testing.assert_array_equal(got, want)
    other = GAugLLM(out_channels=8, epochs=2, view_features=(DATA.x, DATA.x))
    assert NodeEmbedding(DATA, other).fit_transform(NODES).shape == (DATA.num_nodes, 8)
    assert NodeEmbedding(DATA).fit_transform(NODES).shape[0] == DATA.num_nodes


def test_a_pipeline_learns_scores_and_is_searched():
    steps = pipeline().fit(NODES[::2], Y[::2])
    assert steps.score(NODES[1::2], Y[1::2]) > 0.6
    assert cross_val_score(pipeline(), NODES, Y, cv=3).mean() > 0.6
    grid = {"nodeembedding__model__dim": [4, 16], "logisticregression__C": [0.1, 10.0]}
    search = GridSearchCV(pipeline(), grid, cv=3).fit(NODES, Y)
    assert set(search.best_params_) == set(grid)
    dim = search.best_params_["nodeembedding__model__dim"]
    assert search.best_estimator_[0].embedding_.size(1) == dim


def test_jobs_and_threads_change_nothing():
    grid = {"nodeembedding__model__dim": [4, 16]}
    means = []
    for jobs in (1, 2):
        with joblib.parallel_config("threading"):
            search = GridSearchCV(pipeline(seed=3), grid, cv=3, n_jobs=jobs).fit(NODES, Y)
        means.append(search.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*means)
    threads, rows = torch.get_num_threads(), []
    for number in (1, 2):
        torch.set_num_threads(number)
        try:
            rows.append(NodeEmbedding(DATA, FastRP(dim=16)).fit_transform(NODES))
        finally:
            torch.set_num_threads(threads)
    np.testing.assert_array_equal(*rows)


def test_clones_share_the_graph_and_not_the_model():
    model = NodeEmbedding(DATA, FastRP(dim=16)).fit(NODES)
    other = clone(model)
    assert other.graph is DATA and other.model is not model.model
    assert other.get_params()["model__dim"] == 16
    assert not hasattr(model.model, "embedding_")
    with pytest.raises(NotFittedError, match="NodeEmbedding is not fitted"):
        other.transform(NODES)


@pytest.mark.parametrize(
    ("nodes", "error", "words"),
    [
        (np.zeros((4, 3), int), ValueError, "nodes must be 1-D"),
        (np.array([0.5, 1.0]), TypeError, "nodes must be int64"),
        (np.array([0, 10_000]), IndexError, "nodes"),
    ],
)
def test_what_is_no_node_is_refused(nodes, error, words):
    with pytest.raises(error, match=words):
        NodeEmbedding(DATA, FastRP(dim=4)).fit(nodes)


def test_rows_of_a_frame_are_read_without_a_word():
    model = NodeEmbedding(torch.tensor([[0, 1], [1, 0]]), FastRP(dim=4))
    assert model.fit_transform(pd.Series([1, 0], index=[5, 7])).shape == (2, 4)


def test_a_model_without_rows_is_refused():
    with pytest.raises(TypeError, match=r"model must have fit_transform\(graph\).*, got PPR"):
        NodeEmbedding(DATA, PPR()).fit(NODES)


def test_the_estimator_of_a_graph_says_what_searches_over_nodes():
    for text in (FastRP.__doc__, (REPOSITORY / "docs/fastrp.md").read_text(encoding="utf-8")):
        assert "GridSearchCV" in text and "NodeEmbedding" in text
