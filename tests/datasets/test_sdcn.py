"""The SDCN sets: statistics of the real files, paths of files, damaged files."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch_geometric.data import Data
from torch_geometric.utils import coalesce, contains_self_loops, is_undirected

from graphlab.datasets import SDCNDataset, _local
from graphlab.datasets._sdcn_files import BENCHMARKS, Benchmark, RawFile, read_features
from tests._data import test_data_root

# name, k, nodes, features, undirected edges, size of each class
STATISTICS = [
    ("acm", None, 3025, 1870, 13128, [1061, 965, 999]),
    ("dblp", None, 4057, 334, 3528, [1197, 745, 1109, 1006]),
    ("cite", None, 3327, 3703, 4552, [264, 590, 668, 701, 596, 508]),
    ("usps", 3, 9298, 256, 21452, [1553, 1269, 929, 824, 852, 716, 834, 792, 708, 821]),
]


def real_copy(name: str, root: Path) -> Path:
    """Copy the real files of one set to ``root/name``; the originals are never worked on."""
    folder = root / name
    shutil.copytree(test_data_root("sdcn", name), folder, copy_function=shutil.copyfile)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


@pytest.mark.parametrize(
    ("name", "k", "nodes", "features", "edges", "classes"), STATISTICS, ids=lambda v: str(v)[:6]
)
def test_statistics_of_the_real_sets(tmp_path, name, k, nodes, features, edges, classes):
    real_copy(name, tmp_path)
    dataset = SDCNDataset(tmp_path, name)
    data = dataset[0]
    data.validate(raise_on_error=True)
    assert dataset.k == k
    assert data.x.shape == (nodes, features)
    assert (data.x.dtype, data.y.dtype) == (torch.float32, torch.int64)
    assert data.num_edges == 2 * edges
    assert torch.bincount(data.y).tolist() == classes
    assert dataset.num_clusters == data.num_clusters == dataset.num_classes == len(classes)
    assert dataset.num_features == features
    assert is_undirected(data.edge_index)
    assert not contains_self_loops(data.edge_index)
    assert torch.equal(data.edge_index, coalesce(data.edge_index))


def test_known_oddities_of_the_real_sets(tmp_path):
    real_copy("dblp", tmp_path)
    real_copy("cite", tmp_path)
    dblp = SDCNDataset(tmp_path, "dblp")[0]
    assert int((torch.bincount(dblp.edge_index[0], minlength=4057) == 0).sum()) == 1466
    cite = SDCNDataset(tmp_path, "cite")[0]
    assert int((cite.x.abs().sum(dim=1) == 0).sum()) == 15


def test_usps_graphs_of_different_k_live_side_by_side(tmp_path):
    real_copy("usps", tmp_path)
    edges = {k: SDCNDataset(tmp_path, "usps", k=k)[0].num_edges for k in (3, 5, 10)}
    assert edges[3] == 2 * 21452
    assert edges[3] < edges[5] < edges[10]
    assert sorted(path.name for path in (tmp_path / "usps" / "processed").glob("data*")) == [
        "data_k10.pt",
        "data_k3.pt",
        "data_k5.pt",
    ]
    x = SDCNDataset(tmp_path, "usps")[0].x
    assert 0.0 <= float(x.min()) < float(x.max()) <= 1.0


def test_real_files_can_be_copied_from_a_source(tmp_path):
    source = test_data_root("sdcn")
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (source / "acm").iterdir())
    by_parent = SDCNDataset(tmp_path / "a", "acm", source=source)
    by_folder = SDCNDataset(tmp_path / "b", "acm", source=source / "acm")
    assert torch.equal(by_parent[0].edge_index, by_folder[0].edge_index)
    after = sorted((path.name, path.stat().st_mtime_ns) for path in (source / "acm").iterdir())
    assert after == before


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


GRAPH_TEXT = "0 1\n1 0\n1 2\n2 2\n2 1\n1 2\n3 0\n"


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Path:
    """A set of four nodes in the same form, registered as ``cite``, in ``<tmp>/cite``."""
    folder = tmp_path / "cite"
    folder.mkdir()
    dense = np.array([[1, 0, 2], [0, 0, 0], [0, 3, 0], [1, 1, 1]], dtype=np.float32)
    sp.save_npz(folder / "cite_feat.npz", sp.csr_matrix(dense))
    (folder / "cite_label.txt").write_text("1\n2\n2\n1\n")
    (folder / "cite_graph.txt").write_text(GRAPH_TEXT)
    register(monkeypatch, folder)
    return folder


def register(monkeypatch, folder: Path) -> None:
    names = ("cite_feat.npz", "cite_label.txt", "cite_graph.txt")
    files = [RawFile(name, digest(folder / name)) for name in names]
    entry = Benchmark(4, 3, 2, files[0], files[1], {None: files[2]})
    monkeypatch.setitem(BENCHMARKS, "cite", entry)


def test_graph_is_cleaned(tiny):
    data = SDCNDataset(tiny.parent, "cite")[0]
    assert data.edge_index.tolist() == [[0, 0, 1, 1, 2, 3], [1, 3, 0, 2, 1, 0]]
    assert data.y.tolist() == [0, 1, 1, 0]
    assert data.x.tolist() == [[1, 0, 2], [0, 0, 0], [0, 3, 0], [1, 1, 1]]


def test_sparse_and_dense_features_agree(tiny):
    dense = SDCNDataset(tiny.parent, "cite")
    sparse = SDCNDataset(tiny.parent, "cite", sparse=True)
    assert sparse[0].x.layout == torch.sparse_csr
    assert torch.equal(sparse[0].x.to_dense(), dense[0].x)
    assert sparse.num_features == dense.num_features == 3
    assert sparse[0].num_nodes == 4


def test_files_already_in_raw_are_used(tiny, tmp_path):
    raw = tmp_path / "other" / "cite" / "raw"
    raw.mkdir(parents=True)
    for path in tiny.glob("cite_*"):
        shutil.copyfile(path, raw / path.name)
    assert SDCNDataset(tmp_path / "other", "cite")[0].num_nodes == 4


def test_default_root_is_the_data_root(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLAB_ROOT", str(tmp_path / "home"))
    dataset = SDCNDataset(None, "cite", source=tiny)
    assert Path(dataset.raw_dir) == tmp_path / "home" / "sdcn" / "cite" / "raw"


def test_stored_graph_is_reused_and_force_reload_replaces_it(tiny):
    first = SDCNDataset(tiny.parent, "cite")
    stored = Path(first.processed_paths[0])
    stamp = stored.stat().st_mtime_ns
    SDCNDataset(tiny.parent, "cite")
    assert stored.stat().st_mtime_ns == stamp
    again = SDCNDataset(tiny.parent, "cite", force_reload=True)
    assert stored.stat().st_mtime_ns > stamp
    assert torch.equal(again[0].x, first[0].x)
    assert {path.name for path in stored.parent.iterdir()} == {
        "data.pt",
        "pre_filter.pt",
        "pre_transform.pt",
    }


def test_transforms(tiny):
    def double(data: Data) -> Data:
        data.x = data.x * 2
        return data

    dataset = SDCNDataset(tiny.parent, "cite", pre_transform=double, transform=double)
    assert float(dataset[0].x.max()) == 12.0
    assert float(dataset[0].x.max()) == 12.0


def test_missing_files_are_all_named_with_place_and_checksum(tiny):
    gone = [tiny / "cite_label.txt", tiny / "cite_graph.txt"]
    digests = [digest(path) for path in gone]
    for path in gone:
        path.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        SDCNDataset(tiny.parent, "cite")
    message = str(caught.value)
    for path, checksum in zip(gone, digests, strict=True):
        assert str(tiny / "raw" / path.name) in message
        assert checksum in message
    assert "lacks 2 raw file(s)" in message
    assert "cite_feat" not in message
    assert "source=" in message


@pytest.mark.parametrize(("name", "shape"), [("hhar", "10299, 561"), ("reut", "10000, 2000")])
def test_unpublished_features_are_explained(tmp_path, name, shape):
    real_copy(name, tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        SDCNDataset(tmp_path, name)
    message = str(caught.value)
    assert str(tmp_path / name / "raw" / f"{name}_feat.npz") in message
    assert shape in message
    assert "not distributed" in message


def test_own_features_complete_an_unpublished_set(tmp_path):
    folder = real_copy("hhar", tmp_path)
    np.savez_compressed(folder / "hhar_feat.npz", x=np.zeros((10299, 561), dtype=np.float32))
    data = SDCNDataset(tmp_path, "hhar")[0]
    assert data.num_edges == 2 * 38039
    assert data.num_clusters == 6


@pytest.mark.parametrize("layout", ["flat", "raw"])
def test_changed_files_are_refused(tiny, layout):
    if layout == "raw":
        (tiny / "raw").mkdir()
        for path in tiny.glob("cite_*"):
            shutil.copyfile(path, tiny / "raw" / path.name)
    folder = tiny if layout == "flat" else tiny / "raw"
    (folder / "cite_graph.txt").write_text("0 1\n")
    with pytest.raises(ValueError, match=r"cite_graph.txt has another content.*sha256"):
        SDCNDataset(tiny.parent, "cite")
    assert not (tiny / "raw" / "cite_graph.txt").exists() or layout == "raw"


@pytest.mark.parametrize(
    ("file", "content", "error", "message"),
    [
        ("cite_feat.npz", b"PK\x03\x04 cut short", ValueError, "not a readable .npz"),
        ("cite_feat.npz", b"plain text", ValueError, "not a readable .npz"),
        ("cite_label.txt", b"1\n2\n2\nx\n", ValueError, "could not convert"),
        ("cite_label.txt", b"1\n2\n2\n", ValueError, "must hold 4 labels"),
        ("cite_label.txt", b"1 1\n2 2\n2 2\n1 1\n", ValueError, "must have 1 columns"),
        ("cite_graph.txt", b"0 1 2\n", ValueError, "must have 2 columns"),
        ("cite_graph.txt", b"0 4\n", IndexError, r"cite_graph.txt\[1, 0\] = 4"),
        ("cite_graph.txt", b"0 -1\n", IndexError, r"cite_graph.txt\[1, 0\] = -1"),
    ],
)
def test_files_that_pass_the_checksum_but_make_no_sense(
    tiny, monkeypatch, file, content, error, message
):
    (tiny / file).write_bytes(content)
    register(monkeypatch, tiny)
    with pytest.raises(error, match=message):
        SDCNDataset(tiny.parent, "cite")
    assert list((tiny / "processed").iterdir()) == []


def test_feature_archives_of_another_kind(tiny, monkeypatch):
    np.savez(tiny / "cite_feat.npz", y=np.zeros(3))
    register(monkeypatch, tiny)
    with pytest.raises(ValueError, match=r"must hold 'x' or a CSR matrix, got the keys \['y'\]"):
        SDCNDataset(tiny.parent, "cite")
    shutil.rmtree(tiny / "raw")
    np.savez(tiny / "cite_feat.npz", x=np.zeros((4, 2)))
    register(monkeypatch, tiny)
    with pytest.raises(ValueError, match=r"matrix of shape \(4, 3\), got \(4, 2\)"):
        SDCNDataset(tiny.parent, "cite")
    shutil.rmtree(tiny / "raw")
    np.savez(tiny / "cite_feat.npz", x=np.full((4, 3), "word"))
    register(monkeypatch, tiny)
    with pytest.raises(ValueError, match=r"cite_feat.npz holds no matrix of numbers: could not"):
        SDCNDataset(tiny.parent, "cite")


class Canary:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_objects_in_archives_are_never_unpickled(tiny, tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    np.savez(tiny / "cite_feat.npz", x=np.array([Canary(canary)], dtype=object))
    register(monkeypatch, tiny)
    with pytest.raises(ValueError, match="not a readable"):
        SDCNDataset(tiny.parent, "cite")
    assert not canary.exists()


def test_stored_graph_is_read_without_unpickling(tiny, tmp_path):
    stored = Path(SDCNDataset(tiny.parent, "cite").processed_paths[0])
    canary = tmp_path / "canary"
    torch.save(Canary(canary), stored)
    for content in (stored.read_bytes(), b"", b"garbage"):
        stored.write_bytes(content)
        with pytest.raises(ValueError, match="delete it or pass force_reload=True"):
            SDCNDataset(tiny.parent, "cite")
    assert not canary.exists()
    assert SDCNDataset(tiny.parent, "cite", force_reload=True)[0].num_nodes == 4


def test_interrupted_processing_leaves_nothing_behind(tiny, monkeypatch):
    def fail(*args: object) -> None:
        Path(str(args[-1])).write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SDCNDataset, "save", fail)
        with pytest.raises(KeyboardInterrupt):
            SDCNDataset(tiny.parent, "cite")
    assert list((tiny / "processed").iterdir()) == []
    assert SDCNDataset(tiny.parent, "cite")[0].num_nodes == 4


def test_interrupted_copy_leaves_nothing_behind(tiny, monkeypatch):
    def fail(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(_local.shutil, "copyfile", fail)
        with pytest.raises(OSError, match="No space left"):
            SDCNDataset(tiny.parent, "cite")
    assert list((tiny / "raw").iterdir()) == []
    assert SDCNDataset(tiny.parent, "cite")[0].num_nodes == 4


@pytest.mark.parametrize(
    ("name", "k", "error", "message"),
    [
        ("imdb", None, ValueError, "name must be one of 'acm'.*got 'imdb'"),
        ("acm", 3, ValueError, "k must be None for 'acm'"),
        ("usps", 4, ValueError, r"k must be one of \[3, 5, 10\] for 'usps', got 4"),
        ("usps", 3.0, TypeError, "k must be an int"),
        ("hhar", 3, ValueError, r"k must be one of \[5\]"),
    ],
)
def test_bad_arguments(tmp_path, name, k, error, message):
    with pytest.raises(error, match=message):
        SDCNDataset(tmp_path, name, k=k)
    assert list(tmp_path.iterdir()) == []


def test_features_that_are_not_there_are_missing_and_not_damaged(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        read_features(tmp_path / "none.npz")
