"""Features, texts, subgraphs and encodings on disk: the same training as in memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.distributed as dist

from graphlab.evaluate import (
    multilabel_probe,
    per_node_link_metrics,
    reconstruction_map,
    top_predictions,
)
from graphlab.tag import (
    EmbeddingStore,
    GraphCLIPPipeline,
    GraphTextPairs,
    PretrainConfig,
    PromptTuner,
    SubgraphSampler,
    TextGraph,
    ZeroShotClassifier,
    pretrain,
)
from graphlab.tag.gaugllm import propose_edge_candidates
from graphlab.tag.graphclip import LinkPredictor, SubgraphStore, feature_rms
from graphlab.tag.graphclip import _sharded as sharding
from graphlab.tag.graphclip._prepared import prepare as preparing
from graphlab.tag.graphclip.pairs import digest_of
from tests._ranks import run_ranks
from tests.tag.graphclip._toy import HashEncoder, toy_graph, toy_model, toy_pairs

SETTINGS = PretrainConfig(epochs=2, batch_size=16, lr=3e-3, adversarial_eps=0.2)


def half_pairs():
    pairs = toy_pairs()
    return GraphTextPairs(pairs.x.half(), pairs.store, pairs.text.half())


def on_disk(pairs, folder):
    """The same pairs with everything in files."""
    x, text = (
        EmbeddingStore.write(folder / name, rows, shard_size=17)
        for name, rows in (("x", pairs.x), ("text", pairs.text))
    )
    pairs.store.save(folder / "store")
    return GraphTextPairs(x, SubgraphStore.load(folder / "store"), text)


def test_training_from_disk_is_training_from_memory(tmp_path):
    memory = half_pairs()
    disk = on_disk(memory, tmp_path)
    assert torch.equal(memory.text_id, disk.text_id)
    assert feature_rms(disk.x) == feature_rms(memory.x)
    models = toy_model(), toy_model()
    rows = [pretrain(m, p, SETTINGS).history for m, p in zip(models, (memory, disk), strict=True)]
    assert rows[0] == rows[1]
    first, second = (m.state_dict() for m in models)
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_zero_shot_and_links_read_a_store(tmp_path):
    pairs, model, encoder = toy_pairs(), toy_model(), HashEncoder()
    x = EmbeddingStore.write(tmp_path, pairs.x, dtype="float32")
    classifier = ZeroShotClassifier(model, encoder, ["networks", "logic"], mix="own+mean")
    want = classifier.scores(pairs.x, pairs.store)
    assert torch.equal(classifier.scores(x, pairs.store), want)
    edges, ends = toy_graph()[1], torch.tensor([[0, 3, 7], [3, 9, 1]])
    links = LinkPredictor(model, SubgraphSampler(walk_length=8))
    given = (edges, ends, ends.flip(0) + 20)
    assert links.evaluate(x, *given) == links.evaluate(pairs.x, *given)


@pytest.mark.parametrize("num_prompts", [0, 2])
def test_prompts_are_tuned_from_a_store(tmp_path, num_prompts):
    pairs, model = toy_pairs(), toy_model()
    x = EmbeddingStore.write(tmp_path, pairs.x, dtype="float32", shard_size=13)
    classes = torch.eye(3, model.graph_model.out_channels)
    few = pairs.store.select(range(12))
    y = torch.arange(12) % 3
    found = []
    for rows in (pairs.x, x):
        tuner = PromptTuner(model, classes, num_prompts=num_prompts, epochs=3)
        found.append(tuner.fit(rows, few, y))
        assert torch.equal(tuner.predict(rows, pairs.store), tuner.predict(pairs.x, pairs.store))
    assert found[0].history_ == found[1].history_
    with pytest.raises(ValueError, match="x must have"):
        found[0].predict(EmbeddingStore.write(tmp_path / "w", pairs.x[:, :3]), few)


def test_a_pipeline_takes_features_from_a_store(tmp_path):
    graph = TextGraph(edge_index=torch.arange(24).view(2, 12), text=["cats", "dogs", "trains"] * 8)
    config = PretrainConfig(epochs=1, batch_size=8)
    sizes = {"hidden_channels": 16, "num_layers": 1, "heads": 2}
    encoder = HashEncoder()
    rows = encoder.encode(list(graph.text)).float()
    x = EmbeddingStore.write(tmp_path, rows, dtype="float32")
    losses = [
        GraphCLIPPipeline(encoder=encoder, config=config, **sizes).fit(graph, x=given).history_
        for given in (None, rows, x, [x])
    ]
    assert all(history == losses[0] for history in losses)
    with pytest.raises(ValueError, match=r"x\[0\] must have 24 rows"):
        GraphCLIPPipeline(encoder=encoder, config=config, **sizes).fit(graph, x=rows[:5])
    with pytest.raises(ValueError, match="one matrix per graph, 1 in all, got 2"):
        GraphCLIPPipeline(encoder=encoder, config=config, **sizes).fit(graph, x=[x, x])


def test_probes_rankings_and_proposals_read_a_store(tmp_path):
    pairs = toy_pairs()
    x, edges = EmbeddingStore.write(tmp_path, pairs.x, dtype="float32"), toy_graph()[1]
    y = torch.rand(60, 3, generator=torch.Generator().manual_seed(0)) < 0.4
    train, test = torch.arange(40), torch.arange(40, 60)
    calls = (
        lambda z: multilabel_probe(z, y, train, test, c=[0.5, 1.0, 2.0]),
        lambda z: reconstruction_map(z, edges, k=(3,)),
        lambda z: top_predictions(None, 3, z=z).tolist(),
        lambda z: per_node_link_metrics(z=z, ground_truth=edges, k=3)["mrr"].nan_to_num().tolist(),
        lambda z: vars(propose_edge_candidates(z, edges))["dst"].tolist(),
    )
    for call in calls:
        assert call(x) == call(pairs.x)


def test_encodings_are_made_once_per_store(tmp_path):
    pairs = half_pairs()
    disk = on_disk(pairs, tmp_path)
    kept = disk.encoding(6)
    assert torch.equal(kept[:], pairs.encoding(6)) and kept.dtype == torch.float16
    assert kept.folder.parent == tmp_path / "store"
    written = {path: path.stat().st_mtime_ns for path in kept.folder.iterdir()}
    again = GraphTextPairs(disk.x, SubgraphStore.load(tmp_path / "store"), disk.text).encoding(6)
    shards = [path for path in written if path.suffix == ".npy"]
    assert shards and all(path.stat().st_mtime_ns == written[path] for path in shards)
    assert torch.equal(again[:], kept[:])
    # Those of an older store do not stay, and no changed copy finds them.
    other = SubgraphSampler(walk_length=12, seed=9).sample(toy_graph()[1], 60)
    other.save(tmp_path / "store")
    assert not kept.folder.exists()
    new = GraphTextPairs(disk.x, SubgraphStore.load(tmp_path / "store"), disk.text).encoding(6)
    assert torch.equal(new[:], GraphTextPairs(disk.x, other, disk.text).encoding(6))


def test_encodings_in_shards_equal_those_of_one(tmp_path, monkeypatch):
    from graphlab.tag.graphclip import encodings

    pairs = half_pairs()
    want = pairs.encoding(6)
    monkeypatch.setattr(encodings, "SHARD", 7)  # subgraphs lie across shards
    assert torch.equal(on_disk(pairs, tmp_path).encoding(6)[:], want)


def test_texts_have_equal_names_where_they_are_equal():
    pairs = toy_pairs()
    text = pairs.text.clone()
    text[7] = text[3]
    text[9] = text[3] * (1 + 1e-6)
    names = GraphTextPairs(pairs.x, pairs.store, text).text_id
    assert names[7] == names[3] and names.unique().numel() == 59


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda p: (p.x.index_fill(0, torch.tensor([5]), torch.nan), p.text),
            r"x\[\(5, 0\)\] = nan",
        ),
        (lambda p: (p.x, p.text.index_fill(0, torch.tensor([4]), 0.0)), "text .* row 4 is zero"),
        (lambda p: (p.x[:50], p.text), "x has 50 rows"),
        (lambda p: (p.x.long(), p.text), "x must be floating point"),
        (lambda p: (p.x.numpy(), p.text), "x must be a torch.Tensor, got ndarray"),
    ],
)
def test_rows_that_do_not_fit_are_refused(change, words):
    pairs = toy_pairs()
    x, text = change(pairs)
    with pytest.raises((ValueError, TypeError, IndexError), match=words):
        GraphTextPairs(x, pairs.store, text)


def test_joined_stores_are_read_where_they_are(tmp_path):
    pairs = half_pairs()
    disk = on_disk(pairs, tmp_path)
    both, want = (GraphTextPairs.join([p, half_pairs()]) for p in (disk, pairs))
    index = torch.tensor([0, 59, 60, 119, 3])
    assert both.x.shape == want.x.shape == (120, 24)
    assert torch.equal(both.x[index], want.x[index])
    assert torch.equal(both.text[40:70], want.text[40:70])
    assert torch.equal(both.text_id, want.text_id)


# --- sampling -------------------------------------------------------------------------------------


def equal(one, two):
    names = ("node_ptr", "node", "edge_ptr", "edge", "root")
    return all(np.array_equal(getattr(one, n), getattr(two, n)) for n in names)


def test_a_prepared_graph_gives_the_same_subgraphs():
    _, edges, _ = toy_graph()
    sampler = SubgraphSampler(walk_length=12, seed=3)
    graph = sampler.prepare(edges, 60)
    assert equal(sampler.sample(graph), sampler.sample(edges, 60))
    nodes = torch.tensor([5, 0])
    assert equal(sampler.sample(graph, nodes=nodes), sampler.sample(edges, 60, nodes))
    with pytest.raises(ValueError, match="num_nodes must be 60"):
        sampler.sample(graph, 61)
    with pytest.raises(TypeError, match="num_nodes must be given"):
        sampler.sample(edges)


@pytest.mark.parametrize("method", ["rwr", "khop"])
def test_shards_on_disk_are_the_subgraphs_in_memory(method, tmp_path, monkeypatch):
    monkeypatch.setattr(sharding, "ROOTS", 13)
    _, edges, _ = toy_graph()
    sampler = SubgraphSampler(method, walk_length=12, num_hops=2, seed=3, chunk_size=5)
    want = sampler.sample(edges, 60, stream=2)
    store = sampler.sample(edges, 60, stream=2, directory=tmp_path)
    assert equal(store, want) and store.edge.dtype == want.edge.dtype
    assert equal(SubgraphStore.load(tmp_path), want)
    assert not (tmp_path / "parts").exists()
    stamp = (tmp_path / "store.json").stat().st_mtime_ns
    assert equal(sampler.sample(edges, 60, stream=2, directory=tmp_path), want)
    assert (tmp_path / "store.json").stat().st_mtime_ns == stamp
    with pytest.raises(ValueError, match="holds other subgraphs .*stream: 2 -> 0"):
        sampler.sample(edges, 60, directory=tmp_path)
    with pytest.raises(ValueError, match="holds other subgraphs .*graph: "):
        sampler.sample(edges[:, 30:], 60, stream=2, directory=tmp_path)
    want.save(tmp_path / "saved")
    with pytest.raises(ValueError, match="a store that was not sampled there"):
        sampler.sample(edges, 60, directory=tmp_path / "saved")


def test_an_interrupted_sampling_goes_on_with_the_next_shard(tmp_path, monkeypatch):
    monkeypatch.setattr(sharding, "ROOTS", 10)
    _, edges, _ = toy_graph()
    sampler = SubgraphSampler(walk_length=12)
    saved, save = [], SubgraphStore.save

    def counted(store, folder):
        if len(saved) == 4:
            raise KeyboardInterrupt
        saved.append(folder)
        return save(store, folder)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(SubgraphStore, "save", counted)
        sampler.sample(edges, 60, directory=tmp_path)
    stamps = [(part / "store.json").stat().st_mtime_ns for part in saved]
    drawn = []
    monkeypatch.setattr(
        SubgraphStore, "save", lambda store, folder: (drawn.append(folder), save(store, folder))
    )
    assert equal(sampler.sample(edges, 60, directory=tmp_path), sampler.sample(edges, 60))
    assert len(stamps) == 4 and len(drawn) == 2


def test_shares_that_two_processes_draw_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.setattr(sharding, "ROOTS", 13)
    monkeypatch.setattr(sharding, "world_size", lambda: 2)
    _, edges, _ = toy_graph()
    sampler = SubgraphSampler(walk_length=12)
    with monkeypatch.context() as patched, pytest.raises(FileNotFoundError, match="store.json"):
        patched.setattr(sharding, "rank", lambda: 1)
        sampler.sample(edges, 60, directory=tmp_path)  # the other has not joined the parts yet
    assert sorted(part.name for part in (tmp_path / "parts").iterdir()) == ["00001", "00003"]
    assert equal(sampler.sample(edges, 60, directory=tmp_path), sampler.sample(edges, 60))


# --- several processes ----------------------------------------------------------------------------


def run_rank(index, size, folder):
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=index, world_size=size
    )
    sharding.ROOTS = 7
    preparing.EDGE_BYTES = 2**16  # sixteen edges a chunk
    try:
        chunks = toy_graph()[1].split(9, dim=1)
        graph = SubgraphSampler.prepare(chunks, 60, directory=f"{folder}/graph", memory=2**20)
        store = SubgraphSampler(walk_length=12).sample(graph, directory=f"{folder}/s")
        pairs = toy_pairs()
        x, text = (EmbeddingStore(f"{folder}/{name}") for name in ("x", "text"))
        for kind, source in (
            ("disk", GraphTextPairs(x, store, text)),
            ("memory", GraphTextPairs(pairs.x.half(), pairs.store, pairs.text.half())),
        ):
            source.share(6)
            arrays = {"pe": source.encoding(6)[:].numpy(), "names": source.text_id.numpy()}
            result = pretrain(toy_model(), source, PretrainConfig(epochs=1, batch_size=16))
            arrays["loss"] = np.array([row["loss"] for row in result.history])
            np.savez(f"{folder}/{kind}-{index}.npz", **arrays)
        broken = pairs.x.clone()
        broken[45] = torch.nan  # in the second half
        try:
            GraphTextPairs(broken, pairs.store, pairs.text)
        except ValueError as error:
            np.save(f"{folder}/found-{index}.npy", np.array("x[(45, 0)]" in str(error)))
    finally:
        dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")
@pytest.mark.slow
def test_processes_share_the_roots_the_encodings_and_the_checks(tmp_path):
    pairs = half_pairs()
    for name, rows in (("x", pairs.x), ("text", pairs.text)):
        EmbeddingStore.write(tmp_path / name, rows, shard_size=17)
    run_ranks(run_rank, 2, tmp_path, timeout=600)
    assert equal(SubgraphStore.load(tmp_path / "s"), pairs.store)
    want = pretrain(toy_model(), pairs, PretrainConfig(epochs=1, batch_size=16))
    losses = [row["loss"] for row in want.history]
    for kind in ("disk", "memory"):
        for index in range(2):
            with np.load(tmp_path / f"{kind}-{index}.npz") as found:
                assert np.array_equal(found["pe"], pairs.encoding(6).numpy())
                assert np.array_equal(found["names"], pairs.text_id.numpy())
                np.testing.assert_allclose(found["loss"], losses, rtol=1e-4)
    assert np.load(tmp_path / "found-1.npy") and not (tmp_path / "found-0.npy").exists()


def test_the_name_of_joined_data_on_disk_follows_their_content_and_order(tmp_path):
    pairs = half_pairs()
    flipped = GraphTextPairs(pairs.x.flip(0), pairs.store, pairs.text)
    parts = on_disk(pairs, tmp_path / "a"), on_disk(flipped, tmp_path / "b")
    again = on_disk(pairs, tmp_path / "c"), parts[1]
    both, same, swapped = map(GraphTextPairs.join, (parts, again, parts[::-1]))
    assert digest_of(both) == digest_of(same) != digest_of(swapped)
    assert digest_of(parts[0]) == digest_of(again[0]) != digest_of(parts[1])
