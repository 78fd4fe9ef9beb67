"""The samples of HotpotQA and MuSiQue: what they hold, and what is said where they do not."""

from __future__ import annotations

import shutil

import pytest
import torch

from graphlab.datasets import MultiHopQA
from tests._data import test_data_root as data_root


@pytest.mark.parametrize(
    ("name", "passages", "titles", "hops"),
    [("hotpotqa", 994, 984, {2: 100}), ("musique", 1890, 1764, {2: 68, 3: 27, 4: 5})],
)
def test_content(name, passages: int, titles: int, hops: dict[int, int]) -> None:
    data = MultiHopQA(data_root("multihop"), name)
    assert len(data.documents) == passages
    assert [d.id for d in data.documents] == list(range(passages))
    counts = [q.hops for q in data.questions]
    assert {h: counts.count(h) for h in set(counts)} == hops
    assert all(0 <= d < passages for q in data.questions for d in q.documents)
    assert data.embedding("document").shape == (passages, 384)
    norms = data.embedding("question").norm(dim=1)
    torch.testing.assert_close(norms, torch.ones(100), rtol=0, atol=2e-3)
    with pytest.raises(ValueError, match="kind must be one of"):
        data.embedding("answer")  # type: ignore[arg-type]
    if name == "musique":
        assert len({d.title for d in data.documents}) == titles
        assert len(data.triples) == 17_233
        assert data.triples[0][1] == "published by"
    else:
        with pytest.raises(ValueError, match="name must be 'musique' to have triples"):
            _ = data.triples


def test_missing_and_changed_files(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"lacks 3 file\(s\)[^$]*questions\.json .*sha256"):
        MultiHopQA(tmp_path, "hotpotqa")
    source = data_root("multihop", "hotpotqa")
    shutil.copytree(source, tmp_path / "hotpotqa")
    (tmp_path / "hotpotqa" / "questions.json").write_text("[]")
    data = MultiHopQA(tmp_path, "hotpotqa")
    assert len(data.documents) == 994
    with pytest.raises(ValueError, match=r"questions\.json must have the SHA-256"):
        _ = data.questions
    with pytest.raises(ValueError, match="name must be one of"):
        MultiHopQA(tmp_path, "2wiki")  # type: ignore[arg-type]


def test_it_prints_its_name(tmp_path) -> None:
    folder = tmp_path / "hotpotqa"
    folder.mkdir()
    for name in ("documents.json", "questions.json", "minilm.npz"):
        (folder / name).touch()
    assert repr(MultiHopQA(tmp_path, "hotpotqa")) == "MultiHopQA('hotpotqa')"
