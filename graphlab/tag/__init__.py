"""Text-attributed graphs: the texts, their embeddings, and answers of language models.

Here are the names that most users want. Each method has a room with all of its names:

* :mod:`graphlab.tag.text_graph`: graphs whose nodes carry text, and checks of their order.
* :mod:`graphlab.tag.embedding`: text encoders and stores of embeddings.
* :mod:`graphlab.tag.fine_tune`: language models fine-tuned on the labels of training nodes.
* :mod:`graphlab.tag.llm`: a client for language models with a cache and a budget.
* :mod:`graphlab.tag.tape`: TAPE, features from explanations and predictions.
* :mod:`graphlab.tag.gaugllm`: GAugLLM, views of texts and edges.
* :mod:`graphlab.tag.graphclip`: GraphCLIP, a graph tower aligned with language.
* :mod:`graphlab.tag.retrieval`: documents that answer a question together.
* :mod:`graphlab.tag.feasibility`: whether a target is near the sources of a pretraining.

Needs nothing beyond graphlab itself for graphs with texts and the embedded encoder. Sentence
encoders and the client for language models come with the extra ``tag`` and are imported when they
are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphlab._deprecation import moved_names
from graphlab._namespace import listing
from graphlab.tag.embedding import (
    EmbeddingStore,
    HashingEncoder,
    TextEncoder,
    encode_edges,
    encode_nodes,
)
from graphlab.tag.fine_tune import FineTuneConfig, fine_tune_text_encoder
from graphlab.tag.gaugllm import GAugLLM, PromptExperts
from graphlab.tag.graphclip import (
    GraphCLIP,
    GraphCLIPPipeline,
    GraphTextPairs,
    LinkPredictor,
    LLMSummarizer,
    PretrainConfig,
    PromptTuner,
    SubgraphSampler,
    TemplateSummarizer,
    ZeroShotClassifier,
    ZeroShotNodes,
    pretrain,
)
from graphlab.tag.llm import Limits, LLMClient, LLMReply, Price, Retry
from graphlab.tag.retrieval import (
    Document,
    GFMRetriever,
    GraphRetriever,
    OpenIEExtractor,
    knowledge_graph,
)
from graphlab.tag.tape import TAPE, ExplanationGenerator, ExplanationPrompt
from graphlab.tag.text_graph import TextGraph, check_alignment

__all__ = [
    "TAPE",
    "Document",
    "EmbeddingStore",
    "ExplanationGenerator",
    "ExplanationPrompt",
    "FineTuneConfig",
    "GAugLLM",
    "GFMRetriever",
    "GraphCLIP",
    "GraphCLIPPipeline",
    "GraphRetriever",
    "GraphTextPairs",
    "HashingEncoder",
    "LLMClient",
    "LLMReply",
    "LLMSummarizer",
    "Limits",
    "LinkPredictor",
    "OpenIEExtractor",
    "PretrainConfig",
    "Price",
    "PromptExperts",
    "PromptTuner",
    "Retry",
    "SubgraphSampler",
    "TemplateSummarizer",
    "TextEncoder",
    "TextGraph",
    "ZeroShotClassifier",
    "ZeroShotNodes",
    "check_alignment",
    "encode_edges",
    "encode_nodes",
    "fine_tune_text_encoder",
    "knowledge_graph",
    "pretrain",
]

__dir__ = listing(
    __all__,
    "embedding",
    "feasibility",
    "fine_tune",
    "gaugllm",
    "graphclip",
    "llm",
    "retrieval",
    "tape",
    "text_graph",
)

_MOVED = {
    "embedding": ("FakeTextEncoder",),
    "fine_tune": ("TextFeatures", "TunedTextEncoder"),
    "gaugllm": (
        "CandidateVote",
        "ContextAwareSelector",
        "EdgeCandidates",
        "EdgeChanges",
        "ExpertTexts",
        "FusedFeatures",
        "LLMEdgeModifier",
        "apply_all_votes",
        "collect_votes",
        "cosine_decay",
        "degree_groups",
        "edge_changes",
        "fit_selector",
        "labels_per_class_split",
        "propose_edge_candidates",
        "target_momentum",
        "vote_edges",
    ),
    "graphclip": (
        "GraphCLIPEncoder",
        "PretrainResult",
        "Subgraph",
        "SubgraphBatch",
        "SubgraphStore",
        "adversarial_backward",
        "augment_subgraphs",
        "class_probabilities",
        "feature_rms",
        "load_official_checkpoint",
        "random_walk_encoding",
        "read_official_pairs",
        "retrieval_at_1",
    ),
    "llm": ("BatchImport", "CostEstimate", "LLMError"),
    "tape": (
        "ExplanationTable",
        "RankedPrediction",
        "RankedPredictionEncoder",
        "RevGAT",
        "ensemble_logits",
        "read_ranked_predictions",
        "read_tape_responses",
        "tape_split",
        "write_ranked_predictions",
    ),
    "text_graph": ("AlignmentReport", "check_text_alignment"),
}

if not TYPE_CHECKING:  # a checker is to find a name that does not exist
    __getattr__ = moved_names(
        __name__, {name: f"{__name__}.{room}" for room, names in _MOVED.items() for name in names}
    )
