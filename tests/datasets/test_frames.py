"""Results under the ids of their nodes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlab.datasets import neighbors_to_frame, read_edge_list, to_frame
from graphlab.ops import pairwise_topk

pandas = pytest.importorskip("pandas", reason="comes with ogb")


def test_rows_carry_their_ids():
    z = torch.arange(6.0).view(3, 2).requires_grad_()
    frame = to_frame(z, pandas.Index(["ann", "bob", "eve"], name="id"))
    assert list(frame.columns) == ["z0", "z1"] and frame.index.name == "id"
    assert frame.loc["eve"].tolist() == [4.0, 5.0] and frame.dtypes.tolist() == [np.float32] * 2
    assert list(to_frame(z, [1, 2, 3], columns=["x", "y"]).columns) == ["x", "y"]
    assert to_frame(z[:, 0].bfloat16(), torch.tensor([5, 6, 7])).loc[6, "z"] == 2.0
    assert to_frame(z.detach().numpy(), range(3), prefix="f").columns[1] == "f1"
    both = to_frame({"tc": torch.ones(3), "degree": np.arange(3)}, ["a", "b", "c"])
    assert both.loc["c"].tolist() == [1.0, 2.0] and both["degree"].dtype == np.int64


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((torch.ones(3, 2), ["a", "b"]), ValueError, "z must have 2 rows, one per id, got 3"),
        ((torch.ones(2, 2), ["a", "b"], "x"), ValueError, "columns must name 2 columns, got 1"),
        ((["a", "b"], ["a", "b"]), TypeError, "z must hold numbers"),
        ((torch.ones(2, 2, 2), ["a", "b"]), ValueError, "1 to 2 dimensions"),
        (({"a": torch.ones(3)}, ["a", "b"]), ValueError, r"z\['a'\] must have 2 rows"),
    ],
)
def test_what_does_not_fit(arguments, error, match):
    table, ids, *columns = arguments
    with pytest.raises(error, match=match):
        to_frame(table, ids, columns=columns[0] if columns else None)


def test_neighbours_by_id():
    z = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    frame = neighbors_to_frame(*pairwise_topk(z, k=2, metric="cosine"), ["ann", "bob", "eve"])
    assert frame["id"].tolist() == ["ann", "ann", "bob", "bob", "eve", "eve"]
    assert frame["neighbor"].tolist() == ["bob", "eve", "ann", "eve", "bob", "ann"]
    assert frame["rank"].tolist() == [1, 2] * 3 and frame["score"].is_monotonic_increasing is False
    # Partners that are not there have no row; some nodes; partners of another kind.
    few = neighbors_to_frame(*pairwise_topk(z, k=5), ["ann", "bob", "eve"])
    assert len(few) == 6
    part = neighbors_to_frame(
        *pairwise_topk(z[2:], z[:2], 1), list("abc"), nodes=torch.tensor([2]), target_ids=["x", "y"]
    )
    assert part.iloc[0].tolist() == ["c", "y", 1, pytest.approx(0.1)]
    with pytest.raises(IndexError, match="index holds 1, but there are 1 ids"):
        neighbors_to_frame(torch.ones(1, 1), torch.tensor([[1]]), ["a"])
    with pytest.raises(ValueError, match=r"must be \(B, k\)"):
        neighbors_to_frame(torch.ones(2, 2), torch.ones(2, 1).long(), ["a", "b"])


def test_a_table_and_back(tmp_path):
    _data, ids = read_edge_list([("b", "a"), ("c", "b")], undirected=True)
    frame = to_frame(torch.arange(3.0), ids, columns="score")
    frame.to_csv(tmp_path / "scores.csv")
    users = pandas.DataFrame({"id": ["c", "a"], "age": [3, 1]}).set_index("id")
    assert users.join(pandas.read_csv(tmp_path / "scores.csv", index_col="id"))[
        "score"
    ].tolist() == [
        2.0,
        0.0,
    ]


def test_a_mapping_has_the_names_of_its_columns():
    with pytest.raises(ValueError, match="columns must be None beside a mapping"):
        to_frame({"u": [1.0, 2.0]}, ["a", "b"], columns=["v"])
    with pytest.raises(TypeError, match="columns must be a list, got set"):
        to_frame(np.eye(2), ["a", "b"], columns={"u", "v"})


@pytest.mark.parametrize(
    ("index", "nodes", "error", "match"),
    [
        ([[0]], [-1], IndexError, "nodes holds -1"),  # it was the last node
        ([[-2]], [0], IndexError, "index holds -2"),
        ([[0.5]], [0], TypeError, "index must hold whole numbers"),
        ([[True]], [0], TypeError, "index must hold whole numbers"),
        ([[0]], [0.5], TypeError, "nodes must hold whole numbers"),
    ],
)
def test_numbers_of_nodes_are_checked(index, nodes, error, match):
    with pytest.raises(error, match=match):
        neighbors_to_frame([[0.5]], index, ["a", "b", "c"], nodes=nodes)
