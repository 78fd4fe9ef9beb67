"""Shards of embeddings: made once, shared among processes, checked."""

from __future__ import annotations

import copy
import pickle
import shutil

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from graphlab.tag import EmbeddingStore, TextEncoder
from graphlab.tag.embedding import FakeTextEncoder
from tests.tag.embedding._counting import TEXTS, Counting


def test_shards_equal_memory_and_are_made_once(tmp_path):
    fake = Counting()
    encoder = TextEncoder(fake)
    store = encoder.encode_to(iter(TEXTS), tmp_path / "e", shard_size=16, dtype="float32")
    x = encoder.encode(TEXTS)
    assert store.shape == (50, 8) and torch.equal(store.tensor(), x)
    index = torch.tensor([49, 0, 17, 17])
    assert torch.equal(store[index], x[index])
    with pytest.raises(IndexError, match="index"):
        store[torch.tensor([50])]
    store.verify()
    calls = len(fake.seen)
    encoder.encode_to(TEXTS, tmp_path / "e", shard_size=16, dtype="float32")
    assert len(fake.seen) == calls
    with pytest.raises(ValueError, match="other texts"):
        encoder.encode_to(TEXTS[::-1], tmp_path / "e", shard_size=16, dtype="float32")
    with pytest.raises(ValueError, match="other settings"):
        encoder.encode_to(TEXTS, tmp_path / "e", shard_size=8, dtype="float32")


def test_processes_share_the_shards(tmp_path):
    parts = [Counting(), Counting(), Counting()]
    stores = [
        TextEncoder(part).encode_to(TEXTS, tmp_path, shard_size=10, rank=r, world_size=3)
        for r, part in enumerate(parts)
    ]
    assert stores[:2] == [None, None]
    assert torch.equal(stores[2].tensor(), TextEncoder(Counting()).encode(TEXTS).half())
    with pytest.raises(ValueError, match="together"):
        TextEncoder().encode_to(TEXTS, tmp_path, rank=1)


def test_processes_of_torchrun_find_their_shards(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    whole = TextEncoder(Counting()).encode_to(TEXTS, tmp_path / "alone", shard_size=10)
    assert whole is not None and whole.tensor().size(0) == len(TEXTS)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert TextEncoder(Counting()).encode_to(TEXTS, tmp_path / "two", shard_size=10) is None
    assert [p.name for p in sorted((tmp_path / "two").glob("*.npy"))][:1] == ["shard-00001.npy"]
    for own, size in (("2", "2"), ("-1", "2"), ("a", "2"), ("0", "")):
        monkeypatch.setenv("RANK", own)
        monkeypatch.setenv("WORLD_SIZE", size)
        with pytest.raises(ValueError, match=f"RANK and W.*RANK='{own}' of '{size}'"):
            TextEncoder(Counting()).encode_to(TEXTS, tmp_path / "wrong")


def test_a_damaged_store_is_noticed(tmp_path):
    TextEncoder(FakeTextEncoder(8)).encode_to(TEXTS, tmp_path, shard_size=20)
    path = tmp_path / "shard-00001.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="checksum"):
        EmbeddingStore(tmp_path).verify()
    path.write_bytes(content[:100])
    with pytest.raises(ValueError, match="shard-00001"):
        EmbeddingStore(tmp_path)
    (tmp_path / "shard-00002.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks 1 of 3 shards: \[2\]"):
        EmbeddingStore(tmp_path)
    with pytest.raises(FileNotFoundError, match="manifest"):
        EmbeddingStore(tmp_path / "nowhere")


def test_a_lost_shard_is_made_again(tmp_path):
    encoder = TextEncoder(FakeTextEncoder(8))
    want = encoder.encode_to(TEXTS, tmp_path, shard_size=10).tensor().clone()
    (tmp_path / "shard-00001.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks 1 of .* shards: \[1\]"):
        EmbeddingStore(tmp_path)
    assert torch.equal(encoder.encode_to(TEXTS, tmp_path, shard_size=10).tensor(), want)


def test_only_texts_go_to_disk(tmp_path):
    encoder = TextEncoder(FakeTextEncoder(4))
    with pytest.raises(TypeError, match="got one text"):
        encoder.encode_to("hello", tmp_path)
    with pytest.raises(TypeError, match=r"texts\[1\] is NoneType"):
        encoder.encode_to(["a", None], tmp_path)


def test_a_shard_of_another_size_is_named(tmp_path):
    TextEncoder(FakeTextEncoder(8)).encode_to(TEXTS, tmp_path, shard_size=20)
    path = tmp_path / "shard-00001.npy"
    np.save(path, np.load(path)[:-1])
    with pytest.raises(ValueError, match=r"shard-00001.npy must be \(20, 8\) float16, it is"):
        EmbeddingStore(tmp_path)[torch.tensor([30])]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("manifest.json", "is not a manifest of embeddings"),
        ("shard-00000.json", "shard-00000.json is damaged: it is no note on a shard"),
    ],
)
def test_files_of_another_kind_in_the_place_of_a_store_are_named(name, message, tmp_path):
    TextEncoder(FakeTextEncoder(8)).encode_to(TEXTS, tmp_path)
    (tmp_path / name).write_text('{"rows": "many"}')
    with pytest.raises(ValueError, match=message):
        EmbeddingStore(tmp_path).verify()


def test_a_shard_that_is_lost_during_the_run_is_missed(tmp_path):
    def texts():
        yield from TEXTS[:20]
        (tmp_path / "shard-00000.npy").unlink()
        yield from TEXTS[20:]

    with pytest.raises(FileNotFoundError, match=r"lacks 1 of 3 shards: \[0\]"):
        TextEncoder(FakeTextEncoder(8)).encode_to(texts(), tmp_path, shard_size=20)


def test_a_matrix_that_is_at_hand_is_written(tmp_path):
    x = np.arange(12, dtype=np.float32).reshape(6, 2)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    store = EmbeddingStore.write(tmp_path / "e", mapped, shard_size=4, dtype="float32")
    assert repr(store) == f"EmbeddingStore({str(tmp_path / 'e')!r}, shape=(6, 2))"
    assert np.array_equal(store.tensor().numpy(), x)
    for part in (slice(None), slice(1, 5), slice(4, 2), slice(0, 6, 2), slice(None, None, -1)):
        assert np.array_equal(store[part].numpy(), x[part])


def test_the_fingerprint_is_that_of_the_content(tmp_path):
    def written(name, x):
        return EmbeddingStore.write(tmp_path / name, x, shard_size=2, dtype="float32")

    x = torch.arange(12.0).reshape(6, 2)
    one, same, other = written("a", x), written("b", x.clone()), written("c", x + 1)
    assert one.fingerprint == one.fingerprint == same.fingerprint != other.fingerprint


MASK = np.array([1, 0, 0, 1, 0, 0, 1], dtype=bool)


@pytest.fixture
def seven(tmp_path):
    x = torch.arange(14.0).reshape(7, 2)
    return EmbeddingStore.write(tmp_path, x, shard_size=3, dtype="float32"), x


@pytest.mark.parametrize(
    "index",
    [0, -1, 6, np.int64(3), torch.tensor(4), np.array(2), [0, 1], [], [-1, 2], range(1, 4),
     np.array([0, -7]), torch.tensor([3, 3], dtype=torch.int32), torch.zeros(0).long(), MASK,
     MASK.tolist(), torch.from_numpy(MASK), slice(-2, None), slice(None, None, -3)],
    ids=repr,
)  # fmt: skip
def test_a_store_is_indexed_as_a_tensor_is(seven, index):
    store, x = seven
    assert np.array_equal(store[index].numpy(), x.numpy()[index])


def test_a_store_is_gone_through(seven):
    store, x = seven
    assert torch.equal(torch.stack(list(store)), x)
    assert torch.equal(torch.cat(list(DataLoader(store, batch_size=3))), x)


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (7, IndexError, r"index must be in \[-7, 7\), got 7"),
        (-8, IndexError, "got -8"),
        ([0, 7], IndexError, r"index\[1\] = 7 is outside \[-7, 7\)"),
        (True, TypeError, "index must be rows or a mask of all rows, got True"),
        (torch.tensor(True), TypeError, "got True"),
        ([True], ValueError, r"index must be a mask of shape \(7,\), got shape \(1,\)"),
        (None, TypeError, "got None of type NoneType"),
        ((0, 1), TypeError, r"got \(0, 1\) of type tuple"),
        (1.0, TypeError, "got 1.0 of type float"),
        (torch.tensor(1.0), TypeError, "got dtype float32|got 1.0 of type float"),
        ([0.5], TypeError, "index must hold integers or a mask, got dtype float64"),
        ([[0], [1, 2]], TypeError, "index must hold integers or a mask"),
        ([[0, 1]], ValueError, r"index must be 1-D, got shape \(1, 2\)"),
    ],
)
def test_what_is_no_row_of_a_store_is_named(seven, index, error, message):
    with pytest.raises(error, match=message):
        seven[0][index]


def test_a_store_of_no_texts_is_as_wide_as_the_encoder(tmp_path):
    store = TextEncoder("hashing").encode_to([], tmp_path / "e")
    assert store.shape == (0, 384) and store.tensor().shape == (0, 384)


def test_a_store_travels_as_its_folder(tmp_path):
    x = torch.rand(1000, 32)
    store = EmbeddingStore.write(tmp_path / "e", x, shard_size=300, dtype="float32")
    sent = pickle.dumps(store)
    assert len(sent) < 10_000
    again = pickle.loads(sent)
    assert torch.equal(again.tensor(), x) and torch.equal(
        again[torch.tensor([7, 999])], x[[7, 999]]
    )
    assert torch.equal(copy.deepcopy(store)[3], x[3])
    shutil.rmtree(tmp_path / "e")
    EmbeddingStore.write(tmp_path / "e", x + 1, shard_size=300, dtype="float32")
    with pytest.raises(ValueError, match="holds other embeddings than when this store was pickled"):
        pickle.loads(sent)
