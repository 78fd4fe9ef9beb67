"""Names that moved from ``graphlab.tag`` into its rooms go on working for one version."""

from __future__ import annotations

import importlib

import pytest

from graphlab import tag

MOVED = {
    "embedding": ["FakeTextEncoder"],
    "fine_tune": ["TextFeatures", "TunedTextEncoder"],
    "gaugllm": [
        "CandidateVote", "ContextAwareSelector", "EdgeCandidates", "EdgeChanges", "ExpertTexts",
        "FusedFeatures", "LLMEdgeModifier", "apply_all_votes", "collect_votes", "cosine_decay",
        "degree_groups", "edge_changes", "fit_selector", "labels_per_class_split",
        "propose_edge_candidates", "target_momentum", "vote_edges",
    ],
    "graphclip": [
        "GraphCLIPEncoder", "PretrainResult", "Subgraph", "SubgraphBatch", "SubgraphStore",
        "adversarial_backward", "augment_subgraphs", "class_probabilities", "feature_rms",
        "load_official_checkpoint", "random_walk_encoding", "read_official_pairs",
        "retrieval_at_1",
    ],
    "llm": ["BatchImport", "CostEstimate", "LLMError"],
    "tape": [
        "ExplanationTable", "RankedPrediction", "RankedPredictionEncoder", "RevGAT",
        "ensemble_logits", "read_ranked_predictions", "read_tape_responses", "tape_split",
        "write_ranked_predictions",
    ],
    "text_graph": ["AlignmentReport", "check_text_alignment"],
}  # fmt: skip
PAIRS = [(room, name) for room, names in MOVED.items() for name in names]


@pytest.mark.parametrize(("room", "name"), PAIRS)
def test_an_older_import_gives_the_object_and_says_where_it_is(room, name):
    with pytest.warns(FutureWarning, match=rf"graphlab\.tag\.{name} is graphlab\.tag\.{room}\."):
        thing = getattr(tag, name)
    assert thing is getattr(importlib.import_module(f"graphlab.tag.{room}"), name)
    assert name not in tag.__all__


def test_other_names_are_unknown():
    with pytest.raises(AttributeError, match=r"'graphlab\.tag' has no attribute 'nothing'"):
        _ = tag.nothing
