"""GAugLLM on batches of nodes, with features on disk, and trainings that go on after a kill."""

from __future__ import annotations

import pytest
import torch

from graphlab.evaluate import linear_probe
from graphlab.tag import EmbeddingStore, GAugLLM
from graphlab.tag.gaugllm import LLMEdgeModifier, propose_edge_candidates
from graphlab.tag.gaugllm.gaugllm import BACKBONES
from tests.tag.gaugllm._toy import NODES, toy_graph
from tests.tag.gaugllm.test_gaugllm import SMALL, oracle, second_view

BATCHES = {**SMALL, "batch_size": 16, "num_neighbors": (4, 4)}


def fitted(backbone, data, epochs, directory=None, callback=None, **options):
    model = GAugLLM(backbone, (data.x, second_view(data)), oracle(data), epochs=epochs, **options)
    model.fit(data, callback, directory=directory, save_every=0)
    return model


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_learns_from_batches(backbone):
    data = toy_graph()
    model = fitted(backbone, data, 30, **BATCHES)
    z = model.transform(data)
    assert z.shape == (NODES, 32 if backbone == "s2gae" else 16) and bool(z.isfinite().all())
    assert torch.equal(z, model.transform(data))
    losses = [row["loss"] for row in model.history_]
    assert len(losses) == 30 and sum(losses[-5:]) < sum(losses[:5])
    assert linear_probe(z, data.y, seed=0).accuracy > 0.6


def test_with_all_neighbours_embeddings_are_those_of_the_whole_graph():
    data = toy_graph()
    model = fitted("bgrl", data, 2, **{**BATCHES, "num_neighbors": (-1,)})
    found = model.transform(data)
    model.batch_size = None
    torch.testing.assert_close(found, model.transform(data), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_size", [None, 16])
def test_views_on_disk_are_those_in_memory(batch_size, tmp_path):
    data = toy_graph()
    views = (data.x, second_view(data))
    stores = [
        EmbeddingStore.write(tmp_path / str(i), x, shard_size=25, dtype="float32")
        for i, x in enumerate(views)
    ]
    options = {**SMALL, "batch_size": batch_size, "epochs": 3}
    found, want = (GAugLLM("gbt", v, **options).fit(data) for v in (stores, views))
    assert found.history_ == want.history_
    assert torch.equal(found.transform(data), want.transform(data))
    again = GAugLLM.load(found.save(tmp_path / "saved"), view_features=stores, edge_modifier=None)
    assert torch.equal(again.transform(data), want.transform(data))


@pytest.mark.parametrize("backbone", ["bgrl", "s2gae"])
@pytest.mark.parametrize("options", [SMALL, BATCHES], ids=["whole", "batches"])
def test_a_training_goes_on_as_if_it_had_not_ended(backbone, options, tmp_path):
    data = toy_graph()
    want = fitted(backbone, data, 6, **options)

    class Ended(Exception):
        pass

    def end(row):
        if row["epoch"] == 2:
            raise Ended

    with pytest.raises(Ended):
        fitted(backbone, data, 6, tmp_path, end, **options)
    seen = []
    found = fitted(backbone, data, 6, tmp_path, seen.append, **options)
    assert [row["epoch"] for row in seen] == [3, 4, 5]
    assert found.history_ == want.history_
    assert torch.equal(found.transform(data), want.transform(data))
    assert fitted(backbone, data, 6, tmp_path, **options).history_ == want.history_
    with pytest.raises(ValueError, match="other settings .*lr: 0.01 -> 0.02"):
        fitted(backbone, data, 6, tmp_path, **{**options, "lr": 0.02})
    data.x = data.x + 1
    with pytest.raises(ValueError, match="other settings .*data: "):
        fitted(backbone, data, 6, tmp_path, **options)


def test_a_training_goes_on_within_an_epoch(tmp_path):
    data = toy_graph()
    want = GAugLLM("gbt", epochs=3, **BATCHES).fit(data)

    class Rows:
        """Features that can be read five times."""

        shape, dtype, left = tuple(data.x.shape), data.x.dtype, 5

        def __getitem__(self, index):
            if isinstance(index, torch.Tensor):
                self.left -= 1
                if self.left < 0:
                    raise KeyboardInterrupt
            return data.x[index]

    rows = Rows()
    options = {"directory": tmp_path, "save_every": 0}
    with pytest.raises(KeyboardInterrupt):
        GAugLLM("gbt", (rows, rows), epochs=3, **BATCHES).fit(data, **options)
    rows.left = 12 - 5  # four steps an epoch, of which five are done
    found = GAugLLM("gbt", (rows, rows), epochs=3, **BATCHES).fit(data, **options)
    assert found.history_ == want.history_
    for name, value in want.network_.state_dict().items():
        assert torch.equal(found.network_.state_dict()[name], value)


def test_bad_batches_are_refused():
    data = toy_graph()
    for changes, error, words in (
        ({"batch_size": 1}, ValueError, "batch_size must be at least 2"),
        ({"batch_size": None}, ValueError, "num_neighbors needs a batch_size"),
        ({"num_neighbors": [0]}, ValueError, r"num_neighbors\[0\] must be -1"),
    ):
        with pytest.raises(error, match=words):
            GAugLLM("gbt", epochs=1, **(BATCHES | changes)).fit(data)


def test_checkpoints_between_are_written_when_it_is_time(tmp_path):
    data = toy_graph()
    seen = []

    def callback(row):
        seen.append(list(tmp_path.iterdir()))

    options = {**SMALL, "epochs": 3}
    found = GAugLLM("gbt", **options).fit(data, callback, directory=tmp_path, save_every=1e9)
    assert [len(files) for files in seen] == [0, 0, 1]
    epochs = []
    again = GAugLLM("gbt", **options).fit(data, epochs.append, directory=tmp_path, resume=False)
    assert [row["epoch"] for row in epochs] == [0, 1, 2]
    assert again.history_ == found.history_


def test_a_training_does_not_go_on_with_other_votes(tmp_path):
    data = toy_graph()
    asked = propose_edge_candidates(data.x, data.edge_index, min_del=1)
    votes = torch.zeros(len(asked), dtype=torch.long)

    def fit(votes, **options):
        modifier = LLMEdgeModifier(asked, votes, seed=0, **options)
        return GAugLLM("gbt", edge_modifier=modifier, **{**SMALL, "epochs": 2}).fit(
            data, directory=tmp_path
        )

    first = fit(votes)
    assert fit(votes).history_ == first.history_
    # Neither of these is a yes: what nobody knows deletes nothing, and a no does.
    with pytest.raises(ValueError, match=r"saved with other settings \(data: "):
        fit(votes - 1)
    with pytest.raises(ValueError, match=r"saved with other settings \(.*edits: "):
        fit(votes, undirected=False)
