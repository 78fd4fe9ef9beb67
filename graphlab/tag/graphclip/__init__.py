"""GraphCLIP: a graph tower aligned with the language of its summaries."""

from graphlab._namespace import listing
from graphlab.tag.graphclip.encoder import GraphCLIPEncoder
from graphlab.tag.graphclip.linkpred import LinkPredictor
from graphlab.tag.graphclip.llm_summary import LLMSummarizer
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.official import load_official_checkpoint, read_official_pairs
from graphlab.tag.graphclip.pairs import GraphTextPairs
from graphlab.tag.graphclip.pipeline import GraphCLIPPipeline
from graphlab.tag.graphclip.positional import random_walk_encoding
from graphlab.tag.graphclip.pretraining import (
    PretrainConfig,
    PretrainResult,
    adversarial_backward,
    augment_subgraphs,
    feature_rms,
    pretrain,
    retrieval_at_1,
    retrieval_scores,
)
from graphlab.tag.graphclip.prompt import PromptTuner
from graphlab.tag.graphclip.sampler import SubgraphSampler
from graphlab.tag.graphclip.store import Subgraph, SubgraphBatch, SubgraphStore
from graphlab.tag.graphclip.template_summary import TemplateSummarizer
from graphlab.tag.graphclip.zeroshot import (
    LABEL_TEMPLATES,
    ZeroShotClassifier,
    ZeroShotNodes,
    class_probabilities,
)

__all__ = [
    "LABEL_TEMPLATES",
    "GraphCLIP",
    "GraphCLIPEncoder",
    "GraphCLIPPipeline",
    "GraphTextPairs",
    "LLMSummarizer",
    "LinkPredictor",
    "PretrainConfig",
    "PretrainResult",
    "PromptTuner",
    "Subgraph",
    "SubgraphBatch",
    "SubgraphSampler",
    "SubgraphStore",
    "TemplateSummarizer",
    "ZeroShotClassifier",
    "ZeroShotNodes",
    "adversarial_backward",
    "augment_subgraphs",
    "class_probabilities",
    "feature_rms",
    "load_official_checkpoint",
    "pretrain",
    "random_walk_encoding",
    "read_official_pairs",
    "retrieval_at_1",
    "retrieval_scores",
]

__dir__ = listing(__all__)
