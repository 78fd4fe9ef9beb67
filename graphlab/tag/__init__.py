"""Text-attributed graphs: the texts, their embeddings, and answers of language models.

Needs nothing beyond graphlab itself for graphs with texts and the embedded encoder. Sentence
encoders and the client for language models come with the extra ``tag`` and are imported when they
are used.
"""

from __future__ import annotations

from graphlab.tag._batch import BatchImport
from graphlab.tag.alignment import AlignmentReport, check_alignment, check_text_alignment
from graphlab.tag.client import LLMClient
from graphlab.tag.embedding_store import EmbeddingStore
from graphlab.tag.encoder import TextEncoder, encode_nodes
from graphlab.tag.fine_tuning import TextFeatures, TunedTextEncoder, fine_tune_text_encoder
from graphlab.tag.graphclip import (
    GraphCLIP,
    GraphCLIPEncoder,
    GraphTextPairs,
    LinkPredictor,
    LLMSummarizer,
    PretrainConfig,
    PretrainResult,
    PromptTuner,
    Subgraph,
    SubgraphBatch,
    SubgraphSampler,
    SubgraphStore,
    TemplateSummarizer,
    ZeroShotClassifier,
    adversarial_backward,
    augment_subgraphs,
    class_probabilities,
    feature_rms,
    load_official_checkpoint,
    pretrain,
    random_walk_encoding,
    read_official_pairs,
    retrieval_at_1,
)
from graphlab.tag.hashing import FakeTextEncoder, HashingEncoder
from graphlab.tag.replies import CostEstimate, LLMError, LLMReply, Price
from graphlab.tag.tape import (
    TAPE,
    ExplanationGenerator,
    ExplanationPrompt,
    ExplanationTable,
    RankedPrediction,
    RankedPredictionEncoder,
    RevGAT,
    ensemble_logits,
    read_ranked_predictions,
    read_tape_responses,
    tape_split,
    write_ranked_predictions,
)
from graphlab.tag.text_graph import TextGraph

__all__ = [
    "TAPE",
    "AlignmentReport",
    "BatchImport",
    "CostEstimate",
    "EmbeddingStore",
    "ExplanationGenerator",
    "ExplanationPrompt",
    "ExplanationTable",
    "FakeTextEncoder",
    "GraphCLIP",
    "GraphCLIPEncoder",
    "GraphTextPairs",
    "HashingEncoder",
    "LLMClient",
    "LLMError",
    "LLMReply",
    "LLMSummarizer",
    "LinkPredictor",
    "PretrainConfig",
    "PretrainResult",
    "Price",
    "PromptTuner",
    "RankedPrediction",
    "RankedPredictionEncoder",
    "RevGAT",
    "Subgraph",
    "SubgraphBatch",
    "SubgraphSampler",
    "SubgraphStore",
    "TemplateSummarizer",
    "TextEncoder",
    "TextFeatures",
    "TextGraph",
    "TunedTextEncoder",
    "ZeroShotClassifier",
    "adversarial_backward",
    "augment_subgraphs",
    "check_alignment",
    "check_text_alignment",
    "class_probabilities",
    "encode_nodes",
    "ensemble_logits",
    "feature_rms",
    "fine_tune_text_encoder",
    "load_official_checkpoint",
    "pretrain",
    "random_walk_encoding",
    "read_official_pairs",
    "read_ranked_predictions",
    "read_tape_responses",
    "retrieval_at_1",
    "tape_split",
    "write_ranked_predictions",
]
