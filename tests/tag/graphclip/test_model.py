"""Saved models, the authors' checkpoints and pairs, embeddings in parts."""

from __future__ import annotations

import copy
import json

import pytest
import torch

from graphlab._io import load_arrays, save_arrays
from graphlab.contrastive import CLIPLoss
from graphlab.tag import GraphCLIP, GraphTextPairs
from graphlab.tag.graphclip import GraphCLIPEncoder, load_official_checkpoint, read_official_pairs
from tests._golden import document
from tests.tag.graphclip._toy import WIDTH, toy_model, toy_pairs


def test_parts_do_not_change_embeddings():
    model, pairs = toy_model(), toy_pairs()
    whole = model.encode(pairs.x, pairs.store)
    parts = model.encode(pairs.x, pairs.store, max_nodes=17)
    torch.testing.assert_close(whole, parts, rtol=1e-5, atol=1e-6)
    # Encodings that are kept are rounded to half precision.
    kept = model.encode(pairs.x, pairs.store, max_nodes=17, pe=pairs.encoding(6))
    assert pairs.encoding(6).dtype == torch.float16
    torch.testing.assert_close(whole, kept, rtol=0, atol=1e-3)
    some = torch.tensor([5, 0, 33])
    torch.testing.assert_close(
        model.encode(pairs.x, pairs.store, some), whole[some], rtol=1e-5, atol=1e-6
    )
    assert model.training


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_half_precision_embeds_and_learns(norm, dtype):
    model, pairs = toy_model(norm=norm), toy_pairs()
    whole = model.encode(pairs.x, pairs.store)
    narrow = copy.deepcopy(model).to(dtype)
    for x in (pairs.x, pairs.x.to(dtype)):
        got = narrow.encode(x, pairs.store)
        assert got.dtype == torch.float32
        assert float(torch.cosine_similarity(got, whole).min()) > 0.999
    slopes = []
    for tower in (model.eval(), narrow.eval()):
        tower.embed(pairs.x, pairs.store.batch([0, 1, 2])).float().square().sum().backward()
        weights = tower.graph_model.convs[0].attn.in_proj_weight
        assert weights.grad.dtype == weights.dtype
        slopes.append(weights.grad.float().flatten())
    assert float(torch.cosine_similarity(*slopes, dim=0)) > 0.98


def test_saved_model_comes_back(tmp_path):
    pairs = toy_pairs()
    model = GraphCLIP(
        toy_model(residual="mean").graph_model, CLIPLoss("siglip", max_scale=None), text_model="m"
    )
    again = GraphCLIP.from_pretrained(model.save_pretrained(tmp_path / "a"))
    assert again.config == model.config
    assert torch.equal(again.encode(pairs.x, pairs.store), model.encode(pairs.x, pairs.store))
    config = json.loads((tmp_path / "a" / "config.json").read_text(encoding="utf-8"))
    assert config["params"]["graph_model"]["residual"] == "mean"


def test_missing_models_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        GraphCLIP.from_pretrained(tmp_path / "none")


# --- the authors' checkpoint ----------------------------------------------------------------------


def official_state(**sizes):
    """Values under the names of the release, in a small size."""
    arguments = {"in_channels": 16, "hidden_channels": 16, "num_layers": 2, "out_channels": 12}
    tower = GraphCLIPEncoder(**(arguments | sizes))
    state = {f"graph_model.{k}": v for k, v in tower.state_dict().items()}
    state["logit_scale"] = torch.tensor(2.5)
    keys = document("graphclip", "checkpoint_keys")
    state |= {k: torch.ones(2) for k in keys["keys"] if k.startswith("text_model.")}
    return state


def test_names_and_shapes_are_those_of_the_release():
    file = document("graphclip", "checkpoint_keys")
    want = {k: v for k, v in file["keys"].items() if k.startswith("graph_model.")}
    with torch.device("meta"):
        tower = GraphCLIPEncoder()
    assert {f"graph_model.{k}": list(v.shape) for k, v in tower.state_dict().items()} == want
    frozen = sum(p.numel() for p in tower.parameters() if not p.requires_grad)
    trained = sum(p.numel() for p in tower.parameters() if p.requires_grad)
    assert (frozen, frozen + trained) == (828_162, 128_007_618)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_official_checkpoint_loads(prefix, tmp_path):
    state = official_state()
    state["text_model.embeddings.position_ids"] = torch.arange(4)
    torch.save({prefix + k: v for k, v in state.items()}, tmp_path / "model.pt")
    model = load_official_checkpoint(tmp_path / "model.pt", heads=4)
    for key, value in model.graph_model.state_dict().items():
        assert torch.equal(value, state[f"graph_model.{key}"])
    assert float(model.criterion.logit_scale.detach()) == 2.5
    assert model.criterion.max_scale is None
    assert len(model.load_report["unused"]) == 8
    assert len(model.load_report["text"]) == 104


def test_dead_weights_may_be_missing(tmp_path):
    state = {k: v for k, v in official_state().items() if "lora_" not in k and "attn_" not in k}
    torch.save(state, tmp_path / "model.pt")
    assert len(load_official_checkpoint(tmp_path / "model.pt").load_report["unused"]) == 2
    state = {k: v for k, v in state.items() if ".mlp2." not in k}
    torch.save(state, tmp_path / "model.pt")
    model = load_official_checkpoint(tmp_path / "model.pt")
    assert model.load_report["unused"] == [] and model.graph_model.center_channels == 768


def test_official_tensors_are_the_same_in_either_file(tmp_path):
    state = official_state()
    torch.save(state, tmp_path / "model.pt")
    save_arrays(tmp_path / "model.safetensors", state)
    one, two = (load_official_checkpoint(tmp_path / f"model.{k}") for k in ("pt", "safetensors"))
    assert one.load_report == two.load_report
    for key, value in one.state_dict().items():
        assert torch.equal(two.state_dict()[key], value), key


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("logit_scale"), r"lacks the keys \['logit_scale'\]"),
        (lambda s: s.pop("graph_model.mlp.0.bias"), "graph_model.mlp.0.bias"),
        (lambda s: s.pop("graph_model.node_emb.weight"), "lacks the key graph_model.node_emb"),
        (lambda s: s.update({"extra": torch.ones(1)}), r"unexpected keys \['extra'\]"),
        (lambda s: s.update({"graph_model.convs.0.x": torch.ones(1)}), "graph_model.convs.0.x"),
        (lambda s: s.update({"text_model.other": torch.ones(1)}), "text_model.other"),
        (lambda s: s.update({"graph_model.mlp.0.bias": torch.ones(3)}), "unexpected shape"),
        (lambda s: s.update({"graph_model.mlp.0.weight": torch.ones(3)}), "must hold matrices"),
        (lambda s: s.update({"graph_model.mlp2.0.weight": torch.ones(3)}), "must hold matrices"),
        (
            lambda s: s.update({"graph_model.pe_lin.weight": torch.ones(3, 0)}),
            "a multiple of heads=8",
        ),
        (lambda s: s.update({"y" * 100_000: torch.ones(1)}), r"unexpected keys \['yyy"),
    ],
)
def test_strange_checkpoints_are_refused(change, words, tmp_path):
    state = official_state()
    change(state)
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(ValueError, match=words) as caught:
        load_official_checkpoint(tmp_path / "model.pt")
    assert "model.pt" in str(caught.value) and len(str(caught.value)) < 4_000


def test_code_in_a_checkpoint_is_never_run(tmp_path):
    torch.save({"logit_scale": CLIPLoss()}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match="not a file of plain tensors"):
        load_official_checkpoint(tmp_path / "model.pt")
    with pytest.raises(FileNotFoundError):
        load_official_checkpoint(tmp_path / "none.pt")


def test_another_text_tower_is_noticed(tmp_path):
    state = official_state()
    torch.save(state, tmp_path / "model.pt")
    text = {k[11:]: v.clone() for k, v in state.items() if k.startswith("text_model.")}
    load_official_checkpoint(tmp_path / "model.pt", text_state=text)
    text["pooler.dense.bias"] += 1
    with pytest.raises(ValueError, match="differs in .*pooler.dense.bias"):
        load_official_checkpoint(tmp_path / "model.pt", text_state=text)
    del text["pooler.dense.bias"]
    with pytest.raises(ValueError, match="differs in the keys"):
        load_official_checkpoint(tmp_path / "model.pt", text_state=text)


# --- pairs ----------------------------------------------------------------------------------------


def test_official_pairs_are_read(tmp_path):
    entries = [
        {"id": 0, "graph": [[0, 3], [3, 0]], "summary": "a"},
        {"id": 1, "graph": [[], []], "summary": ""},
    ]
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    store, summaries = read_official_pairs(path, 4)
    assert summaries == ["a", ""]
    assert store.sizes.tolist() == [2, 1]
    assert store[1].edge_index.tolist() == [[0], [0]]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({}, "must hold a list"),
        ([{"id": 0}], "entry 0 is no subgraph"),
        ([{"id": "0", "graph": [[0], [0]]}], "entry 0 must have an int id"),
        ([{"id": 0, "graph": [[0, 1], [0]]}], "entry 0 is no subgraph"),
        ([3], "entry 0 is no subgraph"),
    ],
)
def test_strange_pairs_are_refused(entries, words, tmp_path):
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        read_official_pairs(path, 4)


def test_equal_texts_are_known():
    pairs = toy_pairs()
    text = pairs.text.clone()
    text[7] = text[2]
    same = GraphTextPairs(pairs.x, pairs.store, text).text_id
    assert same[7] == same[2]
    assert same.unique().numel() == len(pairs) - 1


def test_joined_pairs_keep_their_nodes():
    a, b = toy_pairs(), toy_pairs(30, 1)
    both = GraphTextPairs.join([a, b])
    i = len(a) + 4
    part, alone = both.store[i], b.store[4]
    assert torch.equal(both.x[part.node], b.x[alone.node])
    assert torch.equal(both.text[i], b.text[4])
    again = GraphTextPairs(a.x, a.store, a.text)  # another draw from the graph of a
    three = GraphTextPairs.join([a, b, again])
    assert three.x.size(0) == both.x.size(0)
    assert torch.equal(three.store.center[-len(a) :], a.store.center)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda x, t: (x, t[:-1]), ValueError, "text must have 60 rows"),
        (lambda x, t: (x[:-5], t), IndexError, "store names node 59"),
        (lambda x, t: (x, t * 0), ValueError, "but row 0 is zero"),
        (lambda x, t: (x / 0, t), ValueError, "x must be finite"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, error, words):
    pairs = toy_pairs()
    x, text = change(pairs.x, pairs.text)
    with pytest.raises(error, match=words):
        GraphTextPairs(x, pairs.store, text)
    with pytest.raises(ValueError, match="must not be empty"):
        GraphTextPairs.join([])


def test_width_of_features_is_checked():
    pairs = toy_pairs()
    with pytest.raises(ValueError, match=f"x must have {WIDTH} columns"):
        toy_model().encode(pairs.x[:, :-1], pairs.store)


def test_what_does_not_belong_to_the_store_is_named():
    model, pairs = toy_model(), toy_pairs()
    with pytest.raises(IndexError, match=r"store.node\[\d+\] = \d+ is outside \[0, 10\)"):
        model.encode(pairs.x[:10], pairs.store)
    with pytest.raises(ValueError, match=r"pe must have \d+ rows"):
        model.encode(pairs.x, pairs.store, pe=torch.zeros(3, 6))
    with pytest.raises(TypeError, match=r"index must be int64 or int32, got dtype torch.bool"):
        model.encode(pairs.x, pairs.store, torch.ones(len(pairs), dtype=torch.bool))


def test_files_of_something_else_are_no_model(tmp_path):
    model = toy_model()
    model.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    arrays, metadata = load_arrays(path)
    save_arrays(path, arrays)
    with pytest.raises(ValueError, match=f"{path} holds arrays but no GraphCLIP model"):
        GraphCLIP.from_pretrained(tmp_path)
    save_arrays(path, dict(list(arrays.items())[1:]), metadata)
    with pytest.raises(ValueError, match=f"{path} is no GraphCLIP model: "):
        GraphCLIP.from_pretrained(tmp_path)


def test_a_model_that_is_loaded_embeds_and_is_not_changed_by_it(tmp_path):
    pairs = toy_pairs()
    model = GraphCLIP.from_pretrained(toy_model().save_pretrained(tmp_path / "a"))
    assert not model.training
    before = {name: value.clone() for name, value in model.state_dict().items()}
    alone = model.embed(pairs.x, pairs.store.batch([0]))
    beside = model.embed(pairs.x, pairs.store.batch([0, 1, 2, 3]))
    torch.testing.assert_close(alone[0], beside[0], rtol=1e-5, atol=1e-6)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
