"""Features of TAPE that are of another kind or width than they should be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlab.tag import TAPE
from graphlab.tag.tape import (
    MemberNetwork,
    RevGAT,
    read_ranked_predictions,
    tape_split,
    write_ranked_predictions,
)

SMALL = {"hidden_channels": 4, "num_layers": 2, "epochs": 2}
COUNT = 30


def graph(**features) -> Data:
    y = torch.arange(COUNT) % 3
    ring = torch.stack([torch.arange(COUNT), (torch.arange(COUNT) + 3) % COUNT])
    data = Data(y=y, edge_index=ring)
    generator = torch.Generator().manual_seed(0)
    data.TA = torch.eye(3)[y] + torch.rand(COUNT, 3, generator=generator)
    data.P = torch.stack([y + 1, torch.zeros_like(y)], dim=1)
    for name, value in features.items():
        data[name] = value
    return data


def words(dtype=torch.long) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(COUNT, 20, generator=generator) < 0.4).to(dtype)


OTHER = {
    "wider floats": ({"TA": torch.rand(COUNT, 5)}, r"'TA'\] must have 3 columns.*\(30, 5\)"),
    "narrower floats": ({"TA": torch.rand(COUNT, 2)}, r"'TA'\] must have 3 columns.*\(30, 2\)"),
    "more ranks": ({"P": torch.ones(COUNT, 3).long()}, r"'P'\] must have 2 columns.*\(30, 3\)"),
    "another kind": ({"P": torch.rand(COUNT, 2)}, r"'P'\] must be ranked classes .* got rows"),
    "ids for floats": ({"TA": torch.ones(COUNT, 3).long()}, r"'TA'\] must be rows of floats"),
    "more classes": ({"P": torch.full((COUNT, 2), 4)}, r"'P'\] must hold .* in \[0, 3\], got 4"),
}


@pytest.mark.parametrize(("changed", "words"), OTHER.values(), ids=OTHER.keys())
@pytest.mark.parametrize("gnn", ["gcn", "mlp", "revgat"])
def test_features_of_a_prediction_are_those_of_fit(gnn, changed, words, tmp_path):
    model = TAPE(gnn, {"TA", "P"}, **SMALL).fit(graph(), tape_split(COUNT, 0))
    model.save(tmp_path / "model")
    for fitted in (model, TAPE.load(tmp_path / "model")):
        for method in (fitted.predict, fitted.predict_proba, fitted.member_logits):
            with pytest.raises(ValueError, match=r"features\[" + words):
                method(graph(**changed))
    assert model.predict(graph()).shape == (COUNT,)


@pytest.mark.parametrize("options", [{}, {"batch_size": 8}])
def test_batches_check_widths_too(options):
    model = TAPE("sage", ["TA"], **SMALL, **options).fit(graph(), tape_split(COUNT, 0))
    with pytest.raises(ValueError, match=r"features\['TA'\] must have 3 columns, as in fit"):
        model.predict(graph(TA=torch.rand(COUNT, 4)))


def test_networks_name_their_input():
    edges = graph().edge_index
    for network in (MemberNetwork("gcn", 3, 4, 2), MemberNetwork("mlp", 3, 4, 2), RevGAT(3, 4, 2)):
        with pytest.raises(ValueError, match=r"x must have 3 columns, got shape \(30, 5\)"):
            network(torch.rand(COUNT, 5), edges)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8, torch.bool])
def test_a_bag_of_words_must_be_floats(dtype):
    data = graph(BoW=words(dtype))
    with pytest.raises((ValueError, TypeError), match=r"features\['BoW'\].* bag of words .*floats"):
        TAPE("gcn", ["BoW"], **SMALL).fit(data, tape_split(COUNT, 0))
    data.BoW = data.BoW.float()
    model = TAPE("gcn", ["BoW"], **SMALL).fit(data, tape_split(COUNT, 0))
    data.BoW = words(dtype)
    with pytest.raises((ValueError, TypeError), match=r"features\['BoW'\].* bag of words .*floats"):
        model.predict(data)


def test_ranked_classes_with_repeats_and_empty_rows_are_none():
    ranked = torch.tensor([[1, 1, 1], [2, 0, 0], [0, 0, 0]]).repeat(10, 1)
    model = TAPE("gcn", ["P"], **SMALL).fit(graph(P=ranked), tape_split(COUNT, 0))
    assert model.predict().shape == (COUNT,)


def test_what_was_read_is_not_read_again(tmp_path):
    ranked = read_ranked_predictions([[0], [1]], 2, 3, 2)
    with pytest.raises(ValueError, match="path_or_rows must hold class ids from 0, got a tensor"):
        read_ranked_predictions(ranked, 2, 3, 2)
    data = Data(P=ranked)
    with pytest.raises(ValueError, match="holds class ids plus one"):
        read_ranked_predictions(data.P, 2, 3, 1)
    write_ranked_predictions(tmp_path / "p.csv", ranked)
    assert torch.equal(read_ranked_predictions(tmp_path / "p.csv", 2, 3, 2), ranked)
    with torch.inference_mode():
        inside = read_ranked_predictions([[0], [1]], 2, 3, 1)
        with pytest.raises(ValueError, match="path_or_rows"):
            read_ranked_predictions(inside, 2, 3, 1)
    full = read_ranked_predictions([[0], [1]], 2, 3, 1)
    full -= 1  # ids from 0 by the caller's own hand
    assert read_ranked_predictions(full, 2, 3, 1).tolist() == [[1], [2]]
    assert read_ranked_predictions(ranked[:, :1] - 1, 2, 3, 1).tolist() == [[1], [2]]


def test_numpy_arrays_are_taken_as_tensors_are():
    data = graph()
    options = {"num_classes": 3, **SMALL}
    expected = TAPE("gcn", {"TA", "P"}, **options).fit(data, tape_split(COUNT, 0))
    arrays = graph(TA=data.TA.numpy().astype(np.float64), P=data.P.numpy(), y=data.y.numpy())
    found = TAPE("gcn", {"TA", "P"}, **options).fit(arrays, tape_split(COUNT, 0))
    torch.testing.assert_close(found.predict_proba(), expected.predict_proba())
    torch.testing.assert_close(found.predict_proba(arrays), expected.predict_proba())
    given = {"TA": data.TA.numpy(), "P": data.P.numpy().astype(np.int32)}
    found = TAPE("gcn", given, **options).fit(data, tape_split(COUNT, 0))
    assert torch.equal(found.predict(), expected.predict())
    with pytest.raises(TypeError, match=r"features\['TA'\] must hold numbers"):
        TAPE("gcn", {"TA": np.array([["a"]] * COUNT)}, **options).fit(data, tape_split(COUNT, 0))
    with pytest.raises(TypeError, match="features must be names or a mapping"):
        TAPE("gcn", data.TA.numpy(), **options).fit(data, tape_split(COUNT, 0))
