"""Views of GAugLLM that are arrays, or of another width than they were in the training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlab.tag import EmbeddingStore, GAugLLM
from graphlab.tag.gaugllm import (
    ContextAwareSelector,
    LLMEdgeModifier,
    fit_selector,
    propose_edge_candidates,
)
from tests.tag.gaugllm._toy import NODES, toy_graph

SMALL = {"out_channels": 4, "epochs": 2}
BATCHES = [{}, {"batch_size": 20}]


@pytest.mark.parametrize("options", BATCHES, ids=["whole", "batches"])
@pytest.mark.parametrize("backbone", ["gbt", "graphmae"])
def test_another_width_is_named(backbone, options, tmp_path):
    data = toy_graph()
    width = data.x.size(1)
    model = GAugLLM(backbone, **SMALL, **options).fit(data)
    model.save(tmp_path / "model")
    narrow = Data(x=data.x[:, :4], edge_index=data.edge_index)
    for fitted in (model, GAugLLM.load(tmp_path / "model")):
        with pytest.raises(
            ValueError, match=rf"data\.x must have {width} columns, as in fit, got .*\(60, 4\)"
        ):
            fitted.transform(narrow)
    model.view_features = (narrow.x, narrow.x)
    with pytest.raises(ValueError, match=rf"view_features\[0\] must have {width} columns"):
        model.transform(data)


@pytest.mark.parametrize("options", BATCHES, ids=["whole", "batches"])
def test_arrays_are_views(options, tmp_path):
    data = toy_graph()
    other = data.x.flip(0).contiguous()
    expected = GAugLLM("gbt", (data.x, other), **SMALL, **options).fit_transform(data)
    arrays = (data.x.numpy(), other.numpy().astype(np.float64))
    model = GAugLLM("gbt", arrays, **SMALL, **options)
    torch.testing.assert_close(model.fit_transform(data), expected)
    model.save(tmp_path / "model")
    torch.testing.assert_close(GAugLLM.load(tmp_path / "model").transform(data), expected)
    plain = Data(x=data.x.numpy(), edge_index=data.edge_index)
    torch.testing.assert_close(
        GAugLLM("gbt", **SMALL, **options).fit_transform(plain),
        GAugLLM("gbt", **SMALL, **options).fit_transform(data),
    )


def test_one_array_twice_is_one_view(tmp_path):
    data = toy_graph()
    x = data.x.numpy()
    model = GAugLLM("graphmae", (x, x), **SMALL).fit(data)
    expected = GAugLLM("graphmae", (data.x, data.x), **SMALL).fit_transform(data)
    torch.testing.assert_close(model.transform(data), expected)
    model.save(tmp_path / "model")
    loaded = GAugLLM.load(tmp_path / "model")
    assert loaded.view_features[0] is loaded.view_features[1]
    with pytest.raises(ValueError, match="must be a pair"):
        GAugLLM("gbt", np.stack([x, x]), **SMALL).fit(data)
    with pytest.raises(TypeError, match=r"view_features\[1\] must hold numbers"):
        GAugLLM("gbt", (x, np.array([["a"]] * NODES)), **SMALL).fit(data)


def test_half_a_pair_is_not_saved_as_the_whole(tmp_path):
    data = toy_graph()
    store = EmbeddingStore.write(tmp_path / "store", data.x.flip(0))
    model = GAugLLM("gbt", (store, data.x), **SMALL).fit(data)
    model.save(tmp_path / "model")
    loaded = GAugLLM.load(tmp_path / "model", view_features=(store, data.x))
    for view in ("first", "second"):
        torch.testing.assert_close(loaded.transform(data, view), model.transform(data, view))


def test_embedding_edits_nothing_on_other_edges():
    data = toy_graph()
    asked = propose_edge_candidates(data.x.numpy(), data.edge_index)
    assert torch.equal(asked.src, propose_edge_candidates(data.x, data.edge_index).src)
    modifier = LLMEdgeModifier(asked, torch.ones(len(asked)).long(), seed=0)
    other = Data(x=data.x, edge_index=torch.stack([asked.src, asked.dst]))
    model = GAugLLM("gbt", None, modifier, **SMALL, batch_size=20).fit(data)
    assert model.transform(other).shape == (NODES, 4)


def test_a_selector_names_what_it_is_given():
    data = toy_graph()
    generator = torch.Generator().manual_seed(0)
    content, context = torch.rand(2, NODES, 2, 6, generator=generator)
    selector = ContextAwareSelector(6, num_experts=2)
    fused = fit_selector(selector, content.numpy(), context.numpy(), data.edge_index, epochs=1)
    assert fused.x.shape == (NODES, 6)
    for wrong, words in (
        ((content[..., :4], context), r"content must have shape \(N, 2, 6\), got \(60, 2, 4\)"),
        ((content, context[:30]), r"content and context must have the same shape"),
        (([1], context), "content must be a torch.Tensor, got list"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            fit_selector(selector, *wrong, data.edge_index, epochs=1)
    with pytest.raises(TypeError, match="selector must be a ContextAwareSelector, got Linear"):
        fit_selector(torch.nn.Linear(2, 2), content, context, data.edge_index)
